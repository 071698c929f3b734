"""Tensor operations for degenerate cells: which chords there are, which of them meet in one point, and their links."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...complex.complex import HalfEdges
from ...complex.segments import distinct, exclusive_sum, numbers_of_ranges, ranges, set_bits, sort_within
from ..chords import Ends, Meets
from ..coincidence import Order, Shared, steps
from ..points import Points
from ..sites import Sites, Spans, Web


def spans(sites: Sites, cut: Tensor, chosen: Tensor) -> tuple[Spans, Tensor]:
    """See ``Kernel.spans``."""
    cell, column, site = _ends(sites, cut, chosen)
    row, wanted = set_bits(cut[chosen])
    names = chosen.nonzero(as_tuple=True)[0]
    count = sites.columns.count
    met, expected = cell * count + column, names[row] * count + wanted
    order = sort_within(met, site)
    met, site = met[order], site[order]
    low, high = (torch.searchsorted(met, expected, right=right) for right in (False, True))
    odd, wrong = high - low != 2, torch.zeros_like(chosen)
    if bool(odd.any()):
        wrong[names[row[odd]]] = True
        low, row, wanted = low[:0], row[:0], wanted[:0]
    begin, end = site[low], site[low + 1]
    order = sort_within(begin, end)
    begin, end, cell, column = begin[order], end[order], names[row][order], wanted[order]
    leads = steps(begin) | steps(end)
    also = Shared((torch.cumsum(leads, 0) - 1)[~leads], column[~leads])
    begin, end = begin[leads], end[leads]
    half_edge, crossing = sites.crossing(torch.cat([begin, end]))
    vertices = torch.where(crossing < 0, sites.complex.origin[half_edge], sites.vertices + crossing).view(2, -1)
    return Spans(sites, begin, end, cell[leads], column[leads], also, vertices), wrong


def _ends(sites: Sites, cut: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cell, column and site of all ends of chords: cutting columns at vertices where they vanish, and crossings."""
    old, visits, shared = sites.complex, sites.visits, sites.shared
    inside = chosen.nonzero(as_tuple=True)[0]
    half_edge = numbers_of_ranges(old.offsets[inside], old.counts[inside])
    origin, home = old.origin[half_edge], old.cell_of[half_edge]
    zero = ~(sites.signs.above[origin] | sites.signs.below[origin]) & cut[home]
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


def ends(spans: Spans) -> Ends:
    """See ``Kernel.ends``."""
    sites, first = spans.sites, spans.vertices.reshape(-1).clone()
    second, position, slack = first.clone(), *sites.columns.values.new_zeros(2, len(first))
    inner = (first >= sites.vertices).nonzero(as_tuple=True)[0]
    crossing = first[inner] - sites.vertices
    first[inner], second[inner] = sites.complex.edges[sites.crossings.edge[crossing]].unbind(1)
    position[inner], slack[inner] = sites.crossings.position[crossing], sites.crossings.slack[crossing]
    number = torch.arange(len(first), device=first.device)
    return Ends(sites.columns, number.view(2, -1).T, torch.stack([first, second], 1), number, position, slack)


def incidences(spans: Spans, meets: Meets, order: Order, start: int) -> tuple[Web, Tensor]:
    """See ``Kernel.incidences``."""
    chord = meets.chord.T.reshape(-1)[order.order]
    name, point = distinct(order.point[order.order])
    leads = steps(chord) | steps(point)
    chord, point = chord[leads], point[leads]
    of_pair = torch.searchsorted(name, order.point[: len(meets)])
    degree, pairs = (torch.bincount(part, minlength=len(name)) for part in (point, of_pair))
    first, second = meets.chord[name].unbind(1)
    begin, end = spans.vertices[:, first]
    place = meets.position[name, 0], meets.slack[name, 0]
    web = Web(
        spans,
        chord,
        point,
        Points(begin, end, spans.column[second], *place, spans.column[first]),
        _zeros(spans, chord, point, meets.chord[name], start),
        torch.bincount(spans.cell, minlength=spans.sites.complex.cells).index_add(0, spans.cell[first], degree - 1),
    )
    return web, (2 * pairs != degree * (degree - 1))[of_pair]


def _zeros(spans: Spans, chord: Tensor, point: Tensor, pair: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """See ``Web.zeros``; ``pair`` made each point."""
    shared, more = spans.sites.shared, torch.bincount(spans.also.at, minlength=len(spans))
    which, extra = ranges(exclusive_sum(more)[chord], more[chord])
    new = (pair[point] != chord[:, None]).all(1)
    vertices = spans.sites.vertices + shared.at, start + point[new], start + point[which]
    return torch.cat(vertices), torch.cat([shared.column, spans.column[chord[new]], spans.also.column[extra]])


def woven(
    web: Web, whole: tuple[Tensor, Tensor, HalfEdges], generation: int, line: int, points: int
) -> tuple[Tensor, Tensor, HalfEdges]:
    """Edges, marks and half-edges with those of the links of a web, whose chords are lines numbered from ``line``, and
    its points vertices from ``points`` on."""
    edges, marks, half = whole
    links = _Links.of(web, len(half.edge), points)
    named = torch.stack([torch.full_like(links.chord, generation), line + links.chord], 1)
    return torch.cat([edges, links.ends()]), torch.cat([marks, named]), links.woven(half, len(edges))


@dataclass(frozen=True, eq=False)
class _Links:
    """The pieces of chords between their points, chord by chord, in a complex whose edges are divided by now."""

    web: Web
    along: int
    """The number of the first half-edge along a link; those along all links precede those against them."""
    points: int
    """The number of the first of the web's points, as a vertex."""
    start: Tensor
    """The first link of each chord."""
    last: Tensor
    chord: Tensor
    """The chord of each link."""
    before: Tensor
    """For each incidence the link that arrives there."""

    @classmethod
    def of(cls, web: Web, along: int, points: int) -> _Links:
        """The links of all chords."""
        counts = torch.bincount(web.chord, minlength=len(web.spans))
        start = exclusive_sum(counts + 1)
        rank = torch.arange(len(web.chord), device=start.device) - exclusive_sum(counts)[web.chord]
        chord = torch.repeat_interleave(counts + 1)
        return cls(web, along, points, start, start + counts, chord, start[web.chord] + rank)

    def __len__(self) -> int:
        return len(self.chord)

    def ends(self) -> Tensor:
        """The vertices at the ends of each link, int64 (links, 2)."""
        ends = torch.empty(len(self), 2, dtype=torch.int64, device=self.last.device)
        ends[self.start, 0], ends[self.last, 1] = self.web.spans.vertices
        ends[self.before, 1] = ends[self.before + 1, 0] = self.points + self.web.point
        return ends

    def woven(self, half: HalfEdges, edges: int) -> HalfEdges:
        """Half-edges with those along and against the links; ``edges`` numbers the first of these."""
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
        link, degree = self.before[order], torch.bincount(web.point, minlength=len(web.points))
        leads = steps(web.point[order])
        last = link[torch.cumsum(degree, 0) - 1].repeat_interleave(degree)
        previous = link.roll(1)
        successor[along + link] = torch.where(leads, along + last + 1, against + previous)
        successor[against + link + 1] = torch.where(leads, against + last, along + previous + 1)

    def _turn_at_sites(self, successor: Tensor, along: int, against: int) -> None:
        """From each ray of a site to the next one clockwise: they are ordered as their other ends are around the cell.

        The piece that arrives at the site turns into the last, the first turns into the piece that departs.
        """
        spans, last = self.web.spans, self.last
        site, target = torch.cat([spans.begin, spans.end]), torch.cat([spans.end, spans.begin])
        out, into = torch.cat([along + self.start, against + last]), torch.cat([against + self.start, along + last])
        order = sort_within(site, torch.where(target > site, target, target + spans.sites.count))
        cell, site, out, into = spans.cell.repeat(2)[order], site[order], out[order], into[order]
        leads = steps(site)
        ends = leads.roll(-1)
        successor[into] = torch.where(leads, site, out.roll(1))
        successor[spans.sites.before(site[ends], cell[ends])] = out[ends]
