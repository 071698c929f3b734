"""The compiled loops of ``kernels``, on the CPU, where the module was built (docs/decisions/compiled-loops.md).

What has no loop is done by tensor operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .....errors import InternalError
from ...complex.complex import NOT_CLOSED, Complex, Cycles, HalfEdges
from ..assemble import Cut
from ..chords import Chords, Ends, Meets, Visits
from ..coincidence import Order, Shared
from ..crossings import POOR, Crossings
from ..points import Points
from ..sides_of_chords import LinksOfChords
from ..signs import CellSigns, Columns, Signs
from ..sites import Sites, Spans, Web
from .kernel import Streaming
from .operations import TensorOperations

try:
    from ... import kernels
except ImportError:  # built without a C compiler
    enabled = False
else:
    enabled = True


_NARROW = 8
"""Of rows with so few columns calls cost more than copies."""


class CompiledLoops(TensorOperations, Streaming):
    """One pass over edges, cells or rows where tensor operations make many."""

    in_order = True

    def serves(self, values: Tensor) -> bool:
        """See ``Kernel.serves``."""
        return enabled and values.is_cpu and values.dtype == torch.float64

    # ---- combinatorics ---------------------------------------------------------------------------------------------
    def signs(self, columns: Columns) -> Signs:
        """See ``Kernel.signs``."""
        known = columns.values.new_zeros(0, 0, dtype=torch.bool) if columns.zeros is None else columns.zeros
        bounds = columns.bound.coarse(), *columns.bound.parts(), *columns.rounding.parts()
        return Signs(*map(_packed, kernels.sign_bits(*kernels.views(columns.values, *bounds, known))))

    def told(self, columns: Columns, signs: Signs, least: float) -> tuple[Signs, Tensor, Tensor]:
        """See ``Kernel.told``."""
        (values,), packed = kernels.views(columns.values), kernels.words(signs.above, signs.below, signs.doubtful)
        *bits, vertex, column = kernels.told(values, *packed, *kernels.views(*columns.bound.parts()), least)
        return Signs(*map(_packed, bits)), torch.from_numpy(vertex), torch.from_numpy(column)

    def cell_signs(self, cells: Complex, signs: Signs, columns: int) -> CellSigns:
        """See ``Kernel.cell_signs``."""
        packed, walk = kernels.words(signs.above, signs.below, signs.doubtful), (cells.origin, cells.offsets)
        below, cut, touched, doubtful = kernels.cell_bits(*packed, *kernels.views(*walk), columns)
        return CellSigns(_packed(below), _packed(cut), _flags(touched), _flags(doubtful))

    def crossings(self, edges: Tensor, columns: Columns, signs: Signs) -> Crossings:
        """See ``Kernel.crossings``."""
        bits, values = kernels.words(signs.above, signs.below), (columns.values, *columns.bound.parts())
        column, position, slack, doubtful, counts, undecided = kernels.crossings(*bits, *kernels.views(edges, *values))
        edge = np.repeat(np.arange(len(counts)), counts)
        numbers, flags = _tensors(edge, column, position, slack), [_flags(doubtful), _flags(undecided)]
        return Crossings(*[*numbers, *flags, torch.from_numpy(counts)])

    def beside(self, cells: Complex, crossings: Crossings, shared: Shared) -> Tensor:
        """See ``Kernel.beside``."""
        edges = crossings.undecided, crossings.edge, shared.at
        return _flags(kernels.beside(*kernels.views(cells.half_edge, cells.offsets, *edges)))

    def visits(self, cells: Complex, crossings: Crossings) -> Visits:
        """See ``Kernel.visits``."""
        return Visits(*_tensors(*kernels.visits(*kernels.views(cells.half_edge, cells.forward, crossings.counts))))

    def chords(self, cells: Complex, crossings: Crossings, visits: Visits, regular: Tensor) -> tuple[Chords, Tensor]:
        """See ``Kernel.chords``."""
        walk = cells.offsets, visits.counts, visits.crossing, crossings.column, regular
        *parts, odd = kernels.chords(*kernels.views(*walk), crossings.columns)
        return Chords(*_tensors(*parts)), _flags(odd)

    def meets(self, chords: Chords, ends: Ends) -> tuple[Meets, Tensor]:
        """See ``Kernel.meets``."""
        points = ends.ends, ends.edges, ends.edge, ends.position, ends.slack
        values = ends.columns.values, *ends.columns.bound.parts()
        pairs, position, slack, order, tied = kernels.meets(
            *kernels.views(chords.start, chords.end, chords.column, *points, *values)
        )
        return Meets(*_tensors(pairs, position.T, slack.T, order)), _flags(tied)

    def assemble(self, cut: Cut, web: Web | None, generation: int) -> tuple[Tensor, Tensor, HalfEdges]:
        """See ``Kernel.assemble``."""
        old, visits, chords, meets = cut.complex, cut.visits, cut.chords, cut.meets
        walk = old.half_edge, old.forward, old.offsets, cut.crossings.counts, visits.half_edge, visits.crossing
        parts = old.edges, old.marks, *walk, chords.start, chords.end, chords.cell, meets.chord, meets.order
        further = 0 if web is None else len(web.spans) + len(web.chord)
        whole = kernels.assemble(*kernels.views(*parts), cut.vertices, generation, old.lines, further)
        if web is not None:
            spans, numbers = web.spans, (len(web.points), generation, cut.lines, cut.end)
            more = spans.begin, spans.end, spans.cell, spans.vertices, web.chord, web.point
            kernels.woven(*whole, *kernels.views(old.offsets, visits.counts, *more), *numbers)
        edges, marks, edge, forward, successor, parent = whole
        half = HalfEdges(torch.from_numpy(edge), _flags(forward), *_tensors(successor, parent))
        return torch.from_numpy(edges), torch.from_numpy(marks), half

    def spans(self, sites: Sites, cut: Tensor, chosen: Tensor) -> tuple[Spans, Tensor]:
        """See ``Kernel.spans``."""
        cells, visits, crossings, shared = sites.complex, sites.visits, sites.crossings, sites.shared
        bits = kernels.words(cut, sites.signs.above, sites.signs.below)
        walk = cells.offsets, cells.origin, visits.counts, visits.crossing
        met = crossings.column, shared.at, shared.column, chosen
        *parts, wrong = kernels.spans(*bits, *kernels.views(*walk, *met), sites.columns.count, sites.vertices)
        return _spans(sites, *_tensors(*parts)), _flags(wrong)

    def ends(self, spans: Spans) -> Ends:
        """See ``Kernel.ends``."""
        sites, crossings = spans.sites, spans.sites.crossings
        points = sites.complex.edges, crossings.edge, crossings.position, crossings.slack
        arrays = kernels.ends(*kernels.views(spans.vertices, *points), sites.vertices)
        segments, position, slack = _tensors(*arrays)
        number = torch.arange(len(position))
        return Ends(sites.columns, number.view(2, -1).T, segments, number, position, slack)

    def clusters(self, order: Tensor, segment: Tensor, position: Tensor, slack: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Kernel.clusters``."""
        slots, cluster = _tensors(*kernels.clusters(*kernels.views(order, segment, position, slack)))
        return slots, cluster

    def united(
        self, edges: Tensor, crossings: Crossings, columns: Columns, least: float
    ) -> tuple[Crossings, Shared] | None:
        """See ``Kernel.united``."""
        points = crossings.edge, crossings.column, crossings.position, crossings.slack
        known = crossings.doubtful, crossings.undecided, columns.values, *columns.bound.parts()
        told = kernels.united(*kernels.views(edges, *points, *known), least, POOR)
        if told is None:
            return None
        edge, column, position, slack, counts, at, further = _tensors(*told)
        certain = torch.zeros_like(edge, dtype=torch.bool), torch.zeros_like(crossings.undecided)
        return Crossings(edge, column, position, slack, *certain, counts), Shared(at, further)

    def coincident(
        self, chords: Chords, ends: Ends, meets: Meets, clusters: tuple[Tensor, Tensor], central: Tensor, least: float
    ) -> tuple[Tensor, int] | None:
        """See ``Kernel.coincident``."""
        places = meets.position.T.reshape(-1), meets.slack.T.reshape(-1)
        points = ends.ends, ends.edges, ends.edge, ends.position, ends.slack
        values = ends.columns.values, *ends.columns.bound.parts()
        given = meets.chord, meets.order, *places, *clusters, chords.column, central, *points, *values
        told = kernels.coincident(*kernels.views(*given), least)
        return None if told is None else (torch.from_numpy(told[0]), told[1])

    def incidences(self, spans: Spans, meets: Meets, order: Order, start: int) -> tuple[Web, Tensor]:
        """See ``Kernel.incidences``."""
        places = (part.T.reshape(-1) for part in (meets.position, meets.slack))
        chords = spans.cell, spans.column, spans.vertices, spans.also.at, spans.also.column
        shared = spans.sites.shared.at, spans.sites.shared.column
        given = meets.chord, order.order, order.point, *places, *chords, *shared
        numbers = spans.sites.complex.cells, spans.sites.vertices, start
        *parts, wrong = kernels.incidences(*kernels.views(*given), *numbers)
        return _web(spans, *_tensors(*parts)), _flags(wrong)

    def web(self, sites: Sites, cut: Tensor, chosen: Tensor, start: int, least: float) -> tuple[Web, int] | None:
        """See ``Kernel.web``."""
        cells, visits, crossings, shared = sites.complex, sites.visits, sites.crossings, sites.shared
        bits = kernels.words(cut, sites.signs.above, sites.signs.below)
        walk = cells.offsets, cells.origin, visits.counts, visits.crossing
        met = crossings.column, shared.at, shared.column, chosen
        points = crossings.edge, crossings.position, crossings.slack, cells.edges
        values = sites.columns.values, *sites.columns.bound.parts()
        made = kernels.web(*bits, *kernels.views(*walk, *met, *points, *values), start, least, POOR)
        if made is None:
            return None
        parts = _tensors(*made[:-1])
        return _web(_spans(sites, *parts[:7]), *parts[7:]), made[-1]

    def points(self, cut: Cut, web: Web | None) -> Points:
        """See ``Kernel.points``."""
        crossings, chords, meets = cut.crossings, cut.chords, cut.meets
        on_edges = cut.complex.edges, crossings.edge, crossings.column, crossings.position, crossings.slack
        on_chords = cut.visits.crossing, chords.start, chords.end, chords.column
        given = *on_edges, *on_chords, meets.chord, meets.position.T, meets.slack.T
        further: tuple[Tensor, ...] = ()
        if web is not None:
            new = web.points
            further = new.first, new.second, new.column, new.also, new.position, new.slack
        names, places = kernels.points(*kernels.views(*given), cut.vertices, *kernels.views(*further))
        first, second, column, also = torch.from_numpy(names).unbind(0)
        position, slack = torch.from_numpy(places).unbind(0)
        return Points(first, second, column, position, slack, also)

    def miscounted(self, parents: Tensor, chords: Chords, meets: Meets, more: Tensor) -> Tensor:
        """See ``Kernel.miscounted``."""
        return _flags(kernels.miscounted(*kernels.views(parents, chords.cell, meets.chord, more)))

    def cycles(self, half: HalfEdges, parents: int) -> Cycles:
        """See ``Kernel.cycles``."""
        closed = kernels.cycles(*kernels.views(half.successor, half.parent), parents)
        if closed is None:
            raise InternalError(NOT_CLOSED)
        return Cycles(*_tensors(*closed))

    def below(
        self, old: Complex, signs: Signs, cells: CellSigns, new: Complex, cycles: Cycles, links: LinksOfChords
    ) -> Tensor:
        """See ``Kernel.below``."""
        bits = kernels.words(signs.above, signs.below, cells.cut, cells.below)
        walk = old.origin, old.offsets, cycles.parent, new.offsets, cycles.order
        chords = kernels.views(links.chord, links.column, links.also.at, links.also.column)
        return _packed(kernels.below_bits(*bits, *kernels.views(*walk), links.start, links.regular, *chords))

    def nowhere_above(self, signs: Signs, vertices: Tensor, rows: int, least: int) -> tuple[Tensor, Tensor]:
        """See ``Kernel.nowhere_above``."""
        bits = kernels.words(signs.above, signs.doubtful)
        nowhere, often = _tensors(*kernels.nowhere_above(*bits, *kernels.views(vertices), rows, least))
        return nowhere, often

    def reaching(self, signs: Signs, columns: int) -> tuple[Tensor, Tensor]:
        """See ``Kernel.reaching``."""
        columns_met, places = _tensors(*kernels.reaching(*kernels.words(signs.below), columns))
        return columns_met, places

    # ---- rows ------------------------------------------------------------------------------------------------------
    def copy(self, values: Tensor, rows: Tensor | None, columns: Tensor | None, target: Tensor, norms: Tensor) -> None:
        """See ``Kernel.copy``."""
        if columns is None and values.shape[1] > _NARROW:
            super().copy(values, rows, columns, target, norms)
        else:
            rows = torch.arange(len(values)) if rows is None else rows
            columns = torch.arange(values.shape[1]) if columns is None else columns
            kernels.take(*kernels.views(values, rows, columns, target, norms))

    def put(self, values: Tensor, rows: Tensor, columns: Tensor, function: Tensor, level: Tensor) -> None:
        """See ``Kernel.put``."""
        kernels.put(*kernels.views(values, rows, columns, function, level))

    def rectify(self, values: Tensor, norms: Tensor) -> None:
        """See ``Kernel.rectify``."""
        kernels.rectify(*kernels.views(values, norms))

    def interpolate(self, values: Tensor, error: Tensor, norms: Tensor, start: int, points: Points) -> None:
        """See ``Kernel.interpolate``."""
        between = points.first, points.second, points.position, points.slack
        kernels.interpolate(*kernels.views(values, error, norms), start, *kernels.views(*between))

    def poor(self, places: Tensor, error: Tensor, birth: Tensor, latest: int, accuracy: float) -> tuple[Tensor, Tensor]:
        """See ``Kernel.poor``."""
        rows, away = _tensors(*kernels.poor(*kernels.views(places, error, birth), latest, accuracy))
        return rows, away

    def largest_steps(self, values: Tensor, points: Points, shares: Tensor) -> Tensor:
        """See ``Kernel.largest_steps``."""
        return torch.from_numpy(kernels.largest_steps(*kernels.views(values, points.first, points.second, shares)))

    def low(self, vertex: Tensor, column: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Streaming.low``."""
        rows, columns = _tensors(*kernels.low(*kernels.views(vertex, column, sign)))
        return rows, columns

    def rectified(
        self,
        old: tuple[Tensor, Tensor, Tensor, Tensor],
        between: tuple[Tensor, ...],
        zeros: tuple[Tensor, ...],
        start: int,
        target: Tensor,
        bounds: tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> None:
        """See ``Streaming.rectified``."""
        kernels.rectified(*kernels.views(*old, *between, *zeros), start, *kernels.views(target, *bounds))


def _spans(sites: Sites, *parts: Tensor) -> Spans:
    begin, end, cell, column, at, also, vertices = parts
    return Spans(sites, begin, end, cell, column, Shared(at, also), vertices)


def _web(spans: Spans, *parts: Tensor) -> Web:
    chord, point, first, second, column, position, slack, also, zero, vanishing, pieces = parts
    points = Points(first, second, column, position, slack, also)
    return Web(spans, chord, point, points, (zero, vanishing), pieces)


def _packed(words: NDArray[Any]) -> Tensor:
    """Words as packed bits (rows, bytes)."""
    return torch.from_numpy(words.view(np.uint8))


def _flags(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(values.view(np.bool_))


def _tensors(*arrays: NDArray[Any]) -> list[Tensor]:
    return [torch.from_numpy(array) for array in arrays]
