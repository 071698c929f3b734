"""The work of a refinement in tensor operations, for all cells at once: on any device."""

from __future__ import annotations

import torch
from torch import Tensor

from .....errors import InternalError
from ...complex.complex import NOT_CLOSED, Complex, Cycles, HalfEdges
from ...complex.segments import (
    common_bits,
    exclusive_sum,
    pack,
    ranges,
    set_bits,
    sort_within,
    union_over_cells,
    unpack,
    valid_bits,
    with_bits,
)
from ...fields.field import ROUND_UP, UNIT, largest_share, lengths, lifted, row_norms
from ..assemble import Cut
from ..chords import Chords, Ends, Meets, Visits
from ..coincidence import Order, Shared, clusters, coincident, united
from ..crossings import Crossings, vanishing, within_slack
from ..points import Points
from ..sides_of_chords import Across, LinksOfChords, left_bits
from ..signs import CellSigns, Columns, Signs
from ..sites import Sites, Spans, Web
from . import weaving
from .kernel import Kernel

_SIGNS_AT_ONCE = 1 << 19
"""Entries handled at a time, so that a block of values stays in the cache through all passes over it."""
_ENTRIES_AT_ONCE = 1 << 17
"""The same where two gathered blocks and their difference are to stay there."""


class TensorOperations(Kernel):
    """Serves everywhere."""

    def serves(self, values: Tensor) -> bool:
        """See ``Kernel.serves``."""
        return True

    # ---- combinatorics ---------------------------------------------------------------------------------------------
    def signs(self, columns: Columns) -> Signs:
        """See ``Kernel.signs``."""
        coarse = columns.bound.coarse()
        rows = max(1, _SIGNS_AT_ONCE // max(columns.count, 1))
        blocks = [
            _block_signs(columns, coarse, start, min(start + rows, len(coarse)))
            for start in range(0, len(coarse), rows)
        ]
        return Signs(*(torch.cat(parts) for parts in zip(*blocks, strict=True)))

    def told(self, columns: Columns, signs: Signs, least: float) -> tuple[Signs, Tensor, Tensor]:
        """See ``Kernel.told``."""
        row, column = set_bits(signs.doubtful)
        sizes = columns.values[row, column].abs() + columns.bound.at(row, column)
        zero = sizes * ROUND_UP < least
        row, column = row[zero], column[zero]
        cleared = with_bits(torch.zeros_like(signs.doubtful), row, column)
        return Signs(*(bits & ~cleared for bits in (signs.above, signs.below, signs.doubtful))), row, column

    def cell_signs(self, cells: Complex, signs: Signs, columns: int) -> CellSigns:
        """See ``Kernel.cell_signs``."""
        valid = valid_bits(columns, cells.origin.device)
        below, above = (union_over_cells(part, cells.origin, cells.offsets) for part in (signs.below, signs.above))
        touching = (valid & ~(signs.above | signs.below)) | signs.doubtful
        cut = below & above
        return CellSigns(below, cut, _with_any(cells, touching, cut), _with_any(cells, signs.doubtful))

    def crossings(self, edges: Tensor, columns: Columns, signs: Signs) -> Crossings:
        """See ``Kernel.crossings``."""
        edge, column = set_bits(_opposite(edges, signs))
        first, second = edges[edge].unbind(1)
        values = columns.values[first, column], columns.values[second, column]
        bounds = columns.bound.at(first, column), columns.bound.at(second, column)
        doubtful = ~((values[0].abs() > bounds[0]) & (values[1].abs() > bounds[1]))
        position, slack = vanishing(*values, *bounds)
        counts = torch.bincount(edge, minlength=len(edges))
        order = _order(edge, position, counts)
        edge, column, position, slack, doubtful = (x[order] for x in (edge, column, position, slack, doubtful))
        undecided = torch.zeros_like(counts, dtype=torch.bool)
        undecided[edge[doubtful]] = True
        if len(edge):
            undecided[edge[1:][within_slack(edge, position, slack)]] = True
        return Crossings(edge, column, position, slack, doubtful, undecided, counts)

    def beside(self, cells: Complex, crossings: Crossings, shared: Shared) -> Tensor:
        """See ``Kernel.beside``."""
        edges = crossings.undecided.index_fill(0, crossings.edge[shared.at], True)
        beside = torch.zeros(cells.cells, dtype=torch.bool, device=edges.device)
        beside[cells.cells_of(edges[cells.half_edge].nonzero(as_tuple=True)[0])] = True
        return beside

    def visits(self, cells: Complex, crossings: Crossings) -> Visits:
        """See ``Kernel.visits``."""
        per_edge = crossings.counts
        counts = per_edge[cells.half_edge]
        first = exclusive_sum(per_edge)[cells.half_edge]
        half_edge, crossing = ranges(first, counts)
        mirrored = 2 * first[half_edge] + counts[half_edge] - 1 - crossing
        return Visits(half_edge, torch.where(cells.forward[half_edge], crossing, mirrored), counts)

    def chords(self, cells: Complex, crossings: Crossings, visits: Visits, regular: Tensor) -> tuple[Chords, Tensor]:
        """See ``Kernel.chords``."""
        cell = cells.cell_of[visits.half_edge]
        index = regular[cell].nonzero(as_tuple=True)[0]
        key = cell[index] * crossings.columns + crossings.column[visits.crossing[index]]
        key, order = torch.sort(key, stable=True)
        index = index[order]
        first = torch.ones_like(key, dtype=torch.bool)
        first[1:] = key[1:] != key[:-1]
        group = torch.cumsum(first, 0) - 1
        size = torch.bincount(group)
        odd = torch.zeros(cells.cells, dtype=torch.bool, device=cell.device)
        odd[cell[index[(size != 2)[group]]]] = True
        begins = (first & ~odd[cell[index]]).nonzero(as_tuple=True)[0]
        start, by_start = torch.sort(index[begins])
        end = index[begins + 1][by_start] if len(begins) else begins
        return Chords(start, end, cell[start], crossings.column[visits.crossing[start]]), odd

    def meets(self, chords: Chords, ends: Ends) -> tuple[Meets, Tensor]:
        """See ``Kernel.meets``."""
        inside = torch.searchsorted(chords.start, chords.end)
        begin = torch.searchsorted(chords.start, chords.start, right=True)
        first, second = ranges(begin, inside - begin)
        interleaved = (chords.end[second] > chords.end[first]).nonzero(as_tuple=True)[0]
        chord = torch.stack([first[interleaved], second[interleaved]], 1)
        along = [ends.vanishing(chord[:, k], chords.column[chord[:, 1 - k]]) for k in (0, 1)]
        position, slack = (torch.stack(parts, 1) for parts in zip(*along, strict=True))
        order = sort_within(chord.T.reshape(-1), position.T.reshape(-1))
        chain, sorted_, slacks = (part.T.reshape(-1)[order] for part in (chord, position, slack))
        tied = torch.zeros(len(chords), dtype=torch.bool, device=order.device)
        tied[chain[1:][within_slack(chain, sorted_, slacks)]] = True
        return Meets(chord, position, slack, order), tied

    def assemble(self, cut: Cut, web: Web | None, generation: int) -> tuple[Tensor, Tensor, HalfEdges]:
        """See ``Kernel.assemble``."""
        whole = cut.assemble(generation)
        return whole if web is None else weaving.woven(web, whole, generation, cut.lines, cut.end)

    def spans(self, sites: Sites, cut: Tensor, chosen: Tensor) -> tuple[Spans, Tensor]:
        """See ``Kernel.spans``."""
        return weaving.spans(sites, cut, chosen)

    def ends(self, spans: Spans) -> Ends:
        """See ``Kernel.ends``."""
        return weaving.ends(spans)

    def clusters(self, order: Tensor, segment: Tensor, position: Tensor, slack: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Kernel.clusters``."""
        return clusters(order, segment, position, slack)

    def united(
        self, edges: Tensor, crossings: Crossings, columns: Columns, least: float
    ) -> tuple[Crossings, Shared] | None:
        """See ``Kernel.united``."""
        return united(edges, crossings, columns, least)

    def coincident(
        self, chords: Chords, ends: Ends, meets: Meets, clusters: tuple[Tensor, Tensor], central: Tensor, least: float
    ) -> tuple[Tensor, int] | None:
        """See ``Kernel.coincident``."""
        return coincident(chords, ends, meets, clusters, central, least)

    def incidences(self, spans: Spans, meets: Meets, order: Order, start: int) -> tuple[Web, Tensor]:
        """See ``Kernel.incidences``."""
        return weaving.incidences(spans, meets, order, start)

    def web(self, sites: Sites, cut: Tensor, chosen: Tensor, start: int, least: float) -> tuple[Web, int] | None:
        """See ``Kernel.web``."""
        spans, wrong = self.spans(sites, cut, chosen)
        if bool(wrong.any()):
            return None
        chords, ends = spans.chords, self.ends(spans)
        meets, tied = self.meets(chords, ends)
        if len(ends.loose(chords, meets)):
            return None
        point, count = torch.arange(len(meets), device=tied.device), 0
        if bool(tied.any()):
            unsure = self.clusters(meets.order, *(x.T.reshape(-1) for x in (meets.chord, meets.position, meets.slack)))
            told = self.coincident(chords, ends, meets, unsure, tied[:0], least)
            if told is None:
                return None
            point, count = told
        web, apart = self.incidences(spans, meets, Order(meets.order, point.repeat(2)), start)
        return None if bool(apart.any()) else (web, count)

    def points(self, cut: Cut, web: Web | None) -> Points:
        """See ``Kernel.points``."""
        first, second = cut.complex.edges[cut.crossings.edge].unbind(1)
        on_edges = Points.of(first, second, cut.crossings.column, cut.crossings.position, cut.crossings.slack)
        chords, (earlier, later) = cut.chords, cut.meets.chord.unbind(1)
        first, second = (cut.vertices + cut.visits.crossing[end[earlier]] for end in (chords.start, chords.end))
        place = cut.meets.position[:, 0], cut.meets.slack[:, 0]
        on_chords = Points(first, second, chords.column[later], *place, chords.column[earlier])
        return Points.joined([on_edges, on_chords] if web is None else [on_edges, on_chords, web.points])

    def miscounted(self, parents: Tensor, chords: Chords, meets: Meets, more: Tensor) -> Tensor:
        """See ``Kernel.miscounted``."""
        cuts = torch.cat([chords.cell, chords.cell[meets.chord[:, 0]]])
        pieces, made = (torch.bincount(cells, minlength=len(more)) for cells in (parents, cuts))
        return pieces != 1 + made + more

    def cycles(self, half: HalfEdges, parents: int) -> Cycles:
        """See ``Kernel.cycles``."""
        successor, parent = half.successor, half.parent
        roots = _roots(successor)
        roots = roots[torch.argsort(parent[roots], stable=True)]
        steps: list[tuple[Tensor, Tensor]] = []
        current, cycle = roots, torch.arange(len(roots), device=roots.device)
        while len(current):
            if len(steps) > len(successor):
                raise InternalError(NOT_CLOSED)
            steps.append((current, cycle))
            current = successor[current]
            running = current != roots[cycle]
            current, cycle = current[running], cycle[running]
        counts = torch.zeros_like(roots)
        for _, cycle in steps:
            counts[cycle] += 1
        starts = exclusive_sum(counts)
        order = torch.empty_like(successor)
        for k, (current, cycle) in enumerate(steps):
            order[starts[cycle] + k] = current
        return Cycles(order, torch.cat([starts, starts.new_tensor([len(successor)])]), parent[roots])

    def below(
        self, old: Complex, signs: Signs, cells: CellSigns, new: Complex, cycles: Cycles, links: LinksOfChords
    ) -> Tensor:
        """See ``Kernel.below``."""
        first = left_bits(old, signs, cells)
        return first[cycles.parent] ^ Across.find(new, cycles.order, links).columns(first.shape[1] * 8)

    def nowhere_above(self, signs: Signs, vertices: Tensor, rows: int, least: int) -> tuple[Tensor, Tensor]:
        """See ``Kernel.nowhere_above``."""
        nowhere = ((signs.above | signs.doubtful) == 0).all(1)
        often = torch.bincount(vertices, minlength=rows) >= max(least, 1)
        often[: len(nowhere)] = False
        return nowhere.nonzero(as_tuple=True)[0], often.nonzero(as_tuple=True)[0]

    def reaching(self, signs: Signs, columns: int) -> tuple[Tensor, Tensor]:
        """See ``Kernel.reaching``."""
        reaching = ~unpack(common_bits(signs.below)[None], columns)[0]
        return reaching.nonzero(as_tuple=True)[0], torch.where(reaching, torch.cumsum(reaching, 0) - 1, -1)

    # ---- rows ------------------------------------------------------------------------------------------------------
    def copy(self, values: Tensor, rows: Tensor | None, columns: Tensor | None, target: Tensor, norms: Tensor) -> None:
        """See ``Kernel.copy``."""
        if columns is not None:
            torch.index_select(values if rows is None else values[rows], 1, columns, out=target)
        elif rows is None:
            target.copy_(values)
        else:
            torch.index_select(values, 0, rows, out=target)
        norms.copy_(row_norms(target))

    def put(self, values: Tensor, rows: Tensor, columns: Tensor, function: Tensor, level: Tensor) -> None:
        """See ``Kernel.put``."""
        values[rows, function[columns]] = level[columns]

    def rectify(self, values: Tensor, norms: Tensor) -> None:
        """See ``Kernel.rectify``."""
        norms.copy_(row_norms(values.clamp_(min=0)))

    def interpolate(self, values: Tensor, error: Tensor, norms: Tensor, start: int, points: Points) -> None:
        """See ``Kernel.interpolate``."""
        step = max(1, _ENTRIES_AT_ONCE // max(values.shape[1], 1))
        for low in range(0, len(points), step):
            _interpolate(values, error, norms, start + low, points.part(low, min(low + step, len(points))))

    def poor(self, places: Tensor, error: Tensor, birth: Tensor, latest: int, accuracy: float) -> tuple[Tensor, Tensor]:
        """See ``Kernel.poor``."""
        away = lengths(places)
        poor = ((error > 0) & ~(error <= accuracy * away) & (birth > latest)).nonzero(as_tuple=True)[0]
        return poor, away[poor]

    def largest_steps(self, values: Tensor, points: Points, shares: Tensor) -> Tensor:
        """See ``Kernel.largest_steps``."""
        step = max(1, _ENTRIES_AT_ONCE // max(values.shape[1], 1))
        parts = [points.part(low, min(low + step, len(points))) for low in range(0, len(points), step)]
        largest = [largest_share(values[part.second] - values[part.first], shares) for part in parts]
        return torch.cat([*largest, points.position[:0]])


def _block_signs(columns: Columns, coarse: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    values = columns.values[start:stop]
    above, below = values > 0, values < 0
    doubtful = torch.zeros_like(above)
    near = ~(values.abs() > coarse[start:stop, None])
    row, column = (near if columns.zeros is None else near & ~columns.zeros[start:stop]).nonzero(as_tuple=True)
    if len(row):
        size = values[row, column].abs()
        bound, zero = columns.bounds_at(row + start, column)
        doubtful[row, column] = ~(size > bound) & (bound != 0)
        above[row, column] &= size > zero
        below[row, column] &= size > zero
    return pack(above), pack(below), pack(doubtful)


def _with_any(cells: Complex, packed: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cells with a vertex at which some bit (of those in the cell's ``mask``) is set, bool (R,)."""
    if not bool((packed.view(torch.int64) != 0).any()):
        return torch.zeros(cells.cells, dtype=torch.bool, device=packed.device)
    bits = union_over_cells(packed, cells.origin, cells.offsets)
    return ((bits if mask is None else bits & mask).view(torch.int64) != 0).any(1)


def _opposite(edges: Tensor, signs: Signs) -> Tensor:
    """Packed bits (E, bytes): columns that are of opposite signs at the ends of each edge."""
    above, below = signs.above.view(torch.int64), signs.below.view(torch.int64)
    first, second = edges.unbind(1)
    return ((above[first] & below[second]) | (below[first] & above[second])).view(torch.uint8)


def _order(edge: Tensor, position: Tensor, counts: Tensor) -> Tensor:
    """The permutation that sorts by position along each edge; only edges with several crossings are touched."""
    several = (counts[edge] > 1).nonzero(as_tuple=True)[0]
    order = torch.arange(len(edge), device=edge.device)
    order[several] = several[sort_within(edge[several], position[several])]
    return order


def _roots(successor: Tensor) -> Tensor:
    """The smallest element of each cycle of a permutation, by pointer doubling."""
    identity = torch.arange(len(successor), device=successor.device)
    smallest, jump = identity, successor
    while True:
        improved = torch.minimum(smallest, smallest[jump])
        if torch.equal(improved, smallest):
            return (smallest == identity).nonzero(as_tuple=True)[0]
        smallest, jump = improved, jump[jump]


def _interpolate(values: Tensor, error: Tensor, norms: Tensor, start: int, points: Points) -> None:
    first, second, position = points.first, points.second, points.position
    target = slice(start, start + len(points))
    origin = values.index_select(0, first)
    difference = values.index_select(0, second).sub_(origin)
    torch.addcmul(origin, difference, position[:, None], out=values[target])
    errors, sizes = (error[first], error[second]), (norms[first], norms[second])
    norms[target] = torch.lerp(*sizes, position) * ROUND_UP
    lengths = torch.linalg.vector_norm(difference, dim=1)
    reach = torch.where(lengths.isinf(), sizes[0] + sizes[1], lengths) + errors[0] + errors[1]
    rounding = 8 * UNIT * (sizes[0] + sizes[1])
    bound = torch.lerp(*errors, position) + points.slack * reach + rounding
    error[target] = lifted(bound * ROUND_UP)
