"""Degenerate cells cut all at once: chords that end at vertices, share their ends, coincide, or meet in one point.

Which chords there are and where they end follows from exact signs (proofs/, Lemma 3); where they cross each other, from
how their ends interleave; in which order along each, and which crossings are one point, from exact signs where float64
leaves it open. Everything else is combinatorics: the rays around a point are ordered as their ends are around the cell.

A *site* is a point of a cell's boundary where chords may end: an old vertex or a crossing. It is known by the number of
the piece of a half-edge that departs from it, as ``Cut`` numbers them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ....errors import InternalError
from ..complex.complex import Complex, HalfEdges
from ..complex.segments import distinct, exclusive_sum, numbers_of_ranges, ranges, set_bits, sort_within, with_bits
from .chords import Chords, Ends, Meets, Visits
from .coincidence import Order, Rules, Shared, exact_order, steps
from .crossings import Crossings
from .decide import Decider, Places
from .kernels.kernel import Kernel
from .points import Points
from .prolong import Certain
from .signs import CellSigns, Columns, Signs


class InconsistentError(InternalError):
    """A self-check failed in some cells."""

    def __init__(self, text: str, cells: Tensor) -> None:
        super().__init__(text)
        self.cells = cells
        """bool (R,)"""


@dataclass(frozen=True, eq=False)
class Sites:
    """The boundary points of cells, each with what is known of it; and what all columns are there."""

    complex: Complex
    columns: Columns
    signs: Signs
    crossings: Crossings
    shared: Shared
    visits: Visits
    decider: Decider
    kernel: Kernel

    @cached_property
    def first(self) -> Tensor:
        """The site at which each half-edge begins."""
        counts = self.visits.counts
        return exclusive_sum(counts) + torch.arange(len(counts), device=counts.device)

    @property
    def count(self) -> int:
        """The number of sites."""
        return len(self.visits.half_edge) + len(self.visits.counts)

    @property
    def vertices(self) -> int:
        """The number of old vertices; crossings follow."""
        return len(self.columns.values)

    def before(self, site: Tensor, cell: Tensor) -> Tensor:
        """The sites before some of the given cells, around these: the pieces that depart there arrive at the sites."""
        starts = torch.cat([self.first, self.first.new_tensor([self.count])])
        start, stop = starts[self.complex.offsets[cell]], starts[self.complex.offsets[cell + 1]]
        return torch.where(site == start, stop, site) - 1

    def crossing(self, site: Tensor) -> tuple[Tensor, Tensor]:
        """The half-edge on which each site is, and the crossing; -1 for the half-edge's first end."""
        half_edge = torch.searchsorted(self.first, site, right=True) - 1
        inner = site != self.first[half_edge]
        crossing = torch.full_like(site, -1)
        crossing[inner] = self.visits.crossing[(site - half_edge - 1)[inner]]
        return half_edge, crossing

    def vertex(self, site: Tensor) -> Tensor:
        """The numbers of the sites as vertices."""
        half_edge, crossing = self.crossing(site)
        return torch.where(crossing < 0, self.complex.origin[half_edge], self.vertices + crossing)

    def points(self, begin: Tensor, end: Tensor) -> Ends:
        """What is known of the sites at which chords begin and end."""
        site = torch.cat([begin, end])
        half_edge, crossing = self.crossing(site)
        first = self.complex.origin[half_edge]
        second, position, slack = first.clone(), *self.columns.values.new_zeros(2, len(site))
        inner = (crossing >= 0).nonzero(as_tuple=True)[0]
        crossing = crossing[inner]
        first[inner], second[inner] = self.complex.edges[self.crossings.edge[crossing]].unbind(1)
        position[inner], slack[inner] = self.crossings.position[crossing], self.crossings.slack[crossing]
        number = torch.arange(len(site), device=site.device)
        return Ends(self.columns, number.view(2, -1).T, torch.stack([first, second], 1), number, position, slack)

    def places(self, site: Tensor) -> Places:
        """The sites as zeros of two functions."""
        half_edge, crossing = self.crossing(site)
        corners = Places.of_half_edges(self.complex, half_edge)
        inner = (crossing >= 0).nonzero(as_tuple=True)[0]
        names = corners.names.clone()
        names[inner, 0] = self.complex.marks[self.complex.half_edge[half_edge[inner]], 1]
        names[inner, 1] = -1 - self.crossings.column[crossing[inner]]
        vertex = torch.where(crossing < 0, corners.vertex, self.vertices + crossing)
        return Places(vertex, corners.cell, names)

    def above_left(self, cell: Tensor, column: Tensor) -> Tensor:
        """The sign of cutting columns just before their cells' first vertices, int8: on the left of their chords."""
        first, last = self.complex.offsets[cell], self.complex.offsets[cell + 1] - 1
        signs, before = (self.signs.entries(self.complex.origin[h], column) for h in (first, last))
        return torch.where(signs == 0, before, signs)


@dataclass(frozen=True, eq=False)
class Spans:
    """The chords of degenerate cells, each once, sorted by ``begin`` and ``end``; and all columns that vanish on them.

    The walk around a cell from its first vertex comes to ``begin`` before ``end``.
    """

    sites: Sites
    begin: Tensor
    end: Tensor
    cell: Tensor
    column: Tensor
    """The lowest column that vanishes on the chord."""
    also: Shared
    """The further columns."""

    def __len__(self) -> int:
        return len(self.begin)

    @classmethod
    def find(cls, sites: Sites, cells: CellSigns, chosen: Tensor) -> Spans:
        """The chords of the chosen cells (bool per cell); each column that cuts a cell must meet it in two sites."""
        cell, column, site = _ends(sites, cells, chosen)
        row, wanted = set_bits(cells.cut[chosen])
        names = chosen.nonzero(as_tuple=True)[0]
        count = sites.columns.count
        met, expected = cell * count + column, names[row] * count + wanted
        order = sort_within(met, site)
        met, site = met[order], site[order]
        low, high = (torch.searchsorted(met, expected, right=right) for right in (False, True))
        wrong = high - low != 2
        if bool(wrong.any()):
            raise _inconsistent("a line crosses a convex cell other than twice", sites, names[row[wrong]])
        begin, end = site[low], site[low + 1]
        order = sort_within(begin, end)
        begin, end, cell, column = begin[order], end[order], names[row][order], wanted[order]
        leads = steps(begin) | steps(end)
        also = Shared((torch.cumsum(leads, 0) - 1)[~leads], column[~leads])
        return cls(sites, begin[leads], end[leads], cell[leads], column[leads], also)


def _ends(sites: Sites, cells: CellSigns, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cell, column and site of all ends of chords: cutting columns at vertices where they vanish, and crossings."""
    old, visits, shared = sites.complex, sites.visits, sites.shared
    inside = chosen.nonzero(as_tuple=True)[0]
    half_edge = numbers_of_ranges(old.offsets[inside], old.counts[inside])
    origin, home = old.origin[half_edge], old.cell_of[half_edge]
    zero = ~(sites.signs.above[origin] | sites.signs.below[origin]) & cells.cut[home]
    row, column = set_bits(zero)
    visit = numbers_of_ranges(sites.first[half_edge] - half_edge, visits.counts[half_edge])
    crossing = visits.crossing[visit]
    more = torch.bincount(shared.at, minlength=len(sites.crossings))
    which, extra = ranges(exclusive_sum(more)[crossing], more[crossing])
    visits_too = torch.cat([visit, visit[which]])
    site = visits_too + visits.half_edge[visits_too] + 1
    columns = torch.cat([column, sites.crossings.column[crossing], shared.column[extra]])
    cell = torch.cat([home[row], old.cell_of[visits.half_edge[visits_too]]])
    return cell, columns, torch.cat([sites.first[half_edge[row]], site])


def _inconsistent(text: str, sites: Sites, cells: Tensor) -> InconsistentError:
    wrong = torch.zeros(sites.complex.cells, dtype=torch.bool, device=cells.device)
    wrong[cells] = True
    return InconsistentError(f"{text}: an exact decision was wrong", wrong)


@dataclass(frozen=True, eq=False)
class Web:
    """Chords and the points in which they meet, as incidences: chord by chord, along each."""

    spans: Spans
    chord: Tensor
    point: Tensor
    pair: Tensor
    """Two chords through each point, int64 (P, 2)."""
    position: Tensor
    """Where on the first of them the point lies, and how closely that is known."""
    slack: Tensor

    @classmethod
    def of(cls, spans: Spans) -> Web:
        """The points in which chords meet, and their exact order on each."""
        ends = spans.sites.points(spans.begin, spans.end)
        meets, _ = spans.sites.kernel.meets(Chords(spans.begin, spans.end, spans.cell, spans.column), ends)
        pair = meets.chord
        if not len(pair):
            none = pair[:, 0]
            return cls(spans, none, none, pair, none.double(), none.double())
        meets = _placed(spans, ends, meets)
        order = _ordered(spans, meets)
        chord = pair.T.reshape(-1)[order.order]
        name, point = distinct(order.point[order.order])
        leads = steps(chord) | steps(point)
        chord, passed = chord[leads], point[leads]
        of_pair = torch.searchsorted(name, order.point[: len(pair)])
        degree, pairs = (torch.bincount(part, minlength=len(name)) for part in (passed, of_pair))
        wrong = 2 * pairs != degree * (degree - 1)
        if bool(wrong.any()):
            raise _inconsistent("lines that meet twice", spans.sites, spans.cell[pair[wrong[of_pair], 0]])
        return cls(spans, chord, passed, pair[name], meets.position[name, 0], meets.slack[name, 0])

    @cached_property
    def counts(self) -> Tensor:
        """The number of points on each chord."""
        return torch.bincount(self.chord, minlength=len(self.spans))

    @cached_property
    def degree(self) -> Tensor:
        """The number of chords through each point."""
        return torch.bincount(self.point, minlength=len(self.pair))

    def points(self) -> Points:
        """The points as new vertices."""
        spans, (along, across) = self.spans, self.pair.unbind(1)
        first, second = (spans.sites.vertex(end[along]) for end in (spans.begin, spans.end))
        return Points(first, second, spans.column[across], self.position, self.slack, spans.column[along])

    def pieces(self) -> Tensor:
        """The number of cells that each old one falls into, less 1 (proofs/, Lemma 4)."""
        cells = self.spans.sites.complex.cells
        pieces = torch.bincount(self.spans.cell, minlength=cells)
        return pieces.index_add(0, self.spans.cell[self.pair[:, 0]], self.degree - 1)

    def zeros(self, start: int) -> Certain:
        """The columns that vanish at crossings and points (numbered from ``start``), but for those that made them."""
        spans, shared = self.spans, self.spans.sites.shared
        more = torch.bincount(spans.also.at, minlength=len(spans))
        which, extra = ranges(exclusive_sum(more)[self.chord], more[self.chord])
        point = torch.cat([self.point, self.point[which]])
        column = torch.cat([spans.column[self.chord], spans.also.column[extra]])
        new = (spans.column[self.pair][point] != column[:, None]).all(1)
        vertex = torch.cat([spans.sites.vertices + shared.at, start + point[new]])
        column = torch.cat([shared.column, column[new]])
        return Certain(vertex, column, torch.zeros_like(vertex, dtype=torch.int8))


def _placed(spans: Spans, ends: Ends, meets: Meets) -> Meets:
    """The crossings of chords, with exact positions where a value at one end of a chord is within its error bound."""
    chord, other = meets.chord.T.reshape(-1), meets.chord.T.flip(0).reshape(-1)
    position, slack = (part.T.reshape(-1) for part in (meets.position, meets.slack))
    poor = (slack >= 2.0**-20).nonzero(as_tuple=True)[0]
    if not len(poor):
        return meets
    column = spans.column[other[poor]]
    values = [ends.at(ends.ends[chord[poor], k], column) for k in (0, 1)]
    loose = poor[~torch.stack([value.abs() > bound for value, bound in values]).all(0)]
    if not len(loose):
        return meets
    position, slack = position.clone(), slack.clone()
    begin, end = (spans.sites.places(end[chord[loose]]) for end in (spans.begin, spans.end))
    cell, column = spans.cell[chord[loose]], spans.column[other[loose]]
    sharp = spans.sites.decider.positions(begin, end, cell, column)
    position[loose], slack[loose] = sharp[0].clamp(0, 1), sharp[1]
    order = sort_within(chord, position)
    return Meets(meets.chord, position.view(2, -1).T, slack.view(2, -1).T, order)


def _ordered(spans: Spans, meets: Meets) -> Order:
    """The crossings of chords: number i < Q on the first chord of pair i, Q + i on the second."""
    pair = meets.chord
    chord, other = pair.T.reshape(-1), pair.T.flip(0).reshape(-1)
    sites, count = spans.sites, len(spans)
    key = pair[:, 0] * count + pair[:, 1]

    def side(pivot: Tensor, crossing: Tensor) -> Tensor:
        own, partner, third = chord[pivot], other[pivot], other[crossing]
        names = torch.stack([-1 - spans.column[own], -1 - spans.column[partner]], 1)
        number = -1 - len(sites.crossings) - len(sites.shared.at) - pivot % len(pair)
        places = Places(number, spans.cell[own], names)
        at_begin = sites.above_left(spans.cell[own], spans.column[third])
        at_begin = torch.where(own < third, at_begin, -at_begin)
        return sites.decider.signs(places, spans.column[third], "cut") * at_begin

    def chosen(crossing: Tensor, cluster: Tensor) -> Tensor:
        """Where a chord comes before all that cross it in the cluster: the others will know from it."""
        waiting = torch.zeros(count, dtype=torch.bool, device=chord.device)
        waiting[chord[crossing]] = True
        rival = torch.where(waiting[other[crossing]], other[crossing], count)
        least = rival.new_full((int(cluster[-1]) + 1,), count).scatter_reduce(0, cluster, rival, "amin")
        return chord[crossing] < least[cluster]

    def unite(point: Tensor, pivot: Tensor, crossing: Tensor) -> None:
        """All chords through one point cross one another there."""
        through = torch.cat([chord[pivot], other[pivot], other[crossing]])
        names = distinct(pivot.repeat(3) * count + through)[0]
        group, through = names // count, names % count
        counts = torch.bincount(distinct(group)[1])
        last = torch.cumsum(counts, 0).repeat_interleave(counts)
        number = torch.arange(len(group), device=group.device)
        first, second = ranges(number + 1, last - number - 1)
        wanted = through[first] * count + through[second]
        place = torch.searchsorted(key, wanted).clamp(max=len(key) - 1)
        if bool((key[place] != wanted).any()):
            raise _inconsistent("lines that meet in a point do not cross", sites, spans.cell[through])
        point[place] = point[group[first] % len(pair)]

    rules = Rules(len(pair), side, chosen, unite)
    position, slack = (part.T.reshape(-1) for part in (meets.position, meets.slack))
    return exact_order(meets.order, chord, position, slack, rules)


@dataclass(frozen=True, eq=False)
class Links:
    """The pieces of chords between their points, chord by chord, in a complex whose edges are divided by now."""

    web: Web
    along: int
    """The number of the first half-edge along a link; those along all links precede those against them."""
    points: int
    """The number of the first of the web's points, as a vertex."""
    start: Tensor
    """The first link of each chord."""
    chord: Tensor
    """The chord of each link."""
    before: Tensor
    """For each incidence the link that arrives there."""

    @classmethod
    def of(cls, web: Web, along: int, points: int) -> Links:
        """The links of all chords."""
        counts = web.counts
        start = exclusive_sum(counts + 1)
        rank = torch.arange(len(web.chord), device=start.device) - exclusive_sum(counts)[web.chord]
        return cls(web, along, points, start, torch.repeat_interleave(counts + 1), start[web.chord] + rank)

    def __len__(self) -> int:
        return len(self.chord)

    def added(
        self, edges: Tensor, marks: Tensor, half: HalfEdges, generation: int, line: int
    ) -> tuple[Tensor, Tensor, HalfEdges]:
        """Edges, marks and half-edges with those of the links; chords are lines numbered from ``line``."""
        named = torch.stack([torch.full_like(self.chord, generation), line + self.chord], 1)
        return torch.cat([edges, self._ends()]), torch.cat([marks, named]), self._woven(half, len(edges))

    def _ends(self) -> Tensor:
        """The vertices at the ends of each link, int64 (links, 2)."""
        spans, last = self.web.spans, self.start + self.web.counts
        ends = torch.empty(len(self), 2, dtype=torch.int64, device=last.device)
        ends[self.start, 0], ends[last, 1] = (spans.sites.vertex(end) for end in (spans.begin, spans.end))
        ends[self.before, 1] = ends[self.before + 1, 0] = self.points + self.web.point
        return ends

    def _woven(self, half: HalfEdges, edges: int) -> HalfEdges:
        count = len(self)
        number = torch.arange(count, device=half.edge.device)
        successor = torch.cat([half.successor, number, number])
        self._turn_at_points(successor, self.along, self.along + count)
        self._turn_at_sites(successor, self.along, self.along + count)
        cell, forward = self.web.spans.cell[self.chord], torch.ones_like(number, dtype=torch.bool)
        return HalfEdges(
            torch.cat([half.edge, edges + number, edges + number]),
            torch.cat([half.forward, forward, ~forward]),
            successor,
            torch.cat([half.parent, cell, cell]),
        )

    def _turn_at_points(self, successor: Tensor, along: int, against: int) -> None:
        """From each ray of a point to the next one clockwise.

        Of the m chords through it, in order, the first m rays go to where these begin, the others to where they end.
        """
        web = self.web
        order = torch.argsort(web.point, stable=True)
        link, degree = self.before[order], web.degree
        leads = steps(web.point[order])
        last = link[torch.cumsum(degree, 0) - 1].repeat_interleave(degree)
        previous = link.roll(1)
        successor[along + link] = torch.where(leads, along + last + 1, against + previous)
        successor[against + link + 1] = torch.where(leads, against + last, along + previous + 1)

    def _turn_at_sites(self, successor: Tensor, along: int, against: int) -> None:
        """From each ray of a site to the next one clockwise: they are ordered as their other ends are around the cell.

        The piece that arrives at the site turns into the last, the first turns into the piece that departs.
        """
        spans, last = self.web.spans, self.start + self.web.counts
        site, target = torch.cat([spans.begin, spans.end]), torch.cat([spans.end, spans.begin])
        out, into = torch.cat([along + self.start, against + last]), torch.cat([against + self.start, along + last])
        order = sort_within(site, torch.where(target > site, target, target + spans.sites.count))
        cell, site, out, into = spans.cell.repeat(2)[order], site[order], out[order], into[order]
        leads = steps(site)
        ends = leads.roll(-1)
        successor[into] = torch.where(leads, site, out.roll(1))
        successor[spans.sites.before(site[ends], cell[ends])] = out[ends]


# ---- the sides of the pieces -----------------------------------------------------------------------------------------
def left_bits(sites: Sites, cells: CellSigns, chosen: Tensor) -> Tensor:
    """Packed bits: the columns below their level in the piece that ends at the first vertex, of each chosen cell.

    It is on the left of all chords. Where a column does not cut, as on the cell.
    """
    old, (above, below) = sites.complex, (sites.signs.above, sites.signs.below)
    first, last = old.origin[old.offsets[:-1][chosen]], old.origin[old.offsets[1:][chosen] - 1]
    left = below[first] | (~above[first] & below[last])
    return (left & cells.cut[chosen]) | (cells.below[chosen] & ~cells.cut[chosen])


def with_coincident(below: Tensor, parents: Tensor, left: Tensor, spans: Spans) -> Tensor:
    """The packed bits of pieces, with those of columns whose chords coincide with others set like these, or unlike.

    ``parents`` (not decreasing) are the old cells of the pieces, ``left`` the bits of these to the left of all chords.
    """
    also = spans.also
    if not len(also.at):
        return below
    cell, name = spans.cell[also.at], spans.column[also.at]
    low, high = (torch.searchsorted(parents, cell, right=right) for right in (False, True))
    which, piece = ranges(low, high - low)
    turned = _bits(below, piece, name[which]) != _bits(left, cell[which], name[which])
    turned = turned.nonzero(as_tuple=True)[0]
    return below ^ with_bits(torch.zeros_like(below), piece[turned], also.column[which[turned]])


def _bits(packed: Tensor, row: Tensor, column: Tensor) -> Tensor:
    return packed[row, column // 8].bitwise_right_shift((column % 8).to(torch.uint8)) & 1
