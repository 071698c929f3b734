"""Segments cut by columns: all crossings of all columns at once, in their order along each edge; there are no rounds.

What is decided is the sign of a column at a vertex and the order of two crossings, which is the sign of one column
where another is at its level. A column has one sign before and the other one after its crossing, so the pieces and
their bits are a matter of that order alone (proofs/, Lemma 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..complex.segments import as_numpy, set_bits
from ..fields.field import ROUND_UP, FloatField, lifted
from ..refinement.kernels.choice import kernel_for
from ..refinement.points import Points
from ..refinement.prolong import Certain, Cutting, Prolongation
from ..refinement.signs import Columns
from .decide import Contest, Decisions
from .places import PlacedCutting, Places

Rows = NDArray[np.int64]

_POOR = 2.0**-8
"""A position on an edge that is known less closely than this is computed again.

Bounds of rows that are interpolated there would grow by this part of the step along the edge. Where a function is known
so badly relative to its change, edges are short, and so are steps."""


@dataclass(frozen=True, eq=False)
class _Sorted:
    """Crossings along edges, one edge after the other, and which of them are one vertex."""

    edge: Rows
    column: Rows
    position: NDArray[np.float64]
    slack: NDArray[np.float64]
    first: NDArray[np.bool_]
    """Whether it is the first one of its vertex."""
    unclean: NDArray[np.bool_]
    """Whether a sign at an end of the edge, or the position, was decided exactly."""

    @cached_property
    def vertex(self) -> Rows:
        """The number of the vertex that each makes, among new ones."""
        return np.cumsum(self.first) - 1

    @cached_property
    def closest(self) -> Rows:
        """For each new vertex the crossing whose position is known best."""
        order = np.lexsort((self.slack, self.vertex))
        return order[np.flatnonzero(self.first)]


class LineCut:
    """One refinement of segments."""

    def __init__(
        self,
        field: FloatField,
        function: Tensor,
        level: Tensor,
        edges: Rows,
        places: Places,
        decisions: Decisions | None,
    ) -> None:
        """Column c is ``field[:, function[c]] - level[c]``; ``edges`` (R, 2) are the vertices of each region."""
        self.edges, self._decisions, self._places = edges, decisions, places
        self._function, self._level = function, level
        self._columns = Columns.of(field, function, level)
        moved = places.moved(field.values, field.bound(), edges)
        bound = self._columns.bound
        wide = replace(self._columns, bound=replace(bound, row=bound.row + moved, share=None))
        self._kernel = kernel_for(field.values)
        self._signs = self._kernel.signs(wide)
        self._unclean = (self._signs.doubtful.view(torch.int64) != 0).any(1)
        """Vertices at which some sign is not certain in float64."""
        self._field = field
        self.doubtful = np.zeros(len(edges), np.bool_)
        """Regions in which some decision is not certain."""
        self._certain = Certain.none(level.device)
        self._settle()
        self.sorted = self._crossings()

    # ---- decisions -------------------------------------------------------------------------------------------------
    def _settle(self) -> None:
        """Decides doubtful signs at vertices."""
        some = self._unclean.nonzero(as_tuple=True)[0]
        if not len(some):
            return
        if self._decisions is None:
            doubtful = np.zeros(self._field.rows, np.bool_)
            doubtful[as_numpy(some)] = True
            self.doubtful |= doubtful[self.edges].any(axis=1)
            return
        row, column = set_bits(self._signs.doubtful[some])
        row = some[row]
        decided = self._decisions.at_vertices(as_numpy(row), as_numpy(column))
        self._certain = Certain(row, column, torch.as_tensor(decided, device=row.device))
        self._signs = self._signs.settled(row, column, self._certain.sign)
        value = self._columns.values[row, column]
        put = torch.where(value.sign() == self._certain.sign, 0.0, value.abs())  # where values will be on their side
        error = self._field.error.index_add(0, row, put)
        self._field = replace(self._field, error=lifted(error * ROUND_UP))

    def _crossings(self) -> _Sorted:
        """All crossings, in their order along each edge."""
        device = self._level.device
        edges = torch.as_tensor(self.edges, device=device)
        crossings = self._kernel.crossings(edges, self._columns, self._signs)
        edge, column, position, slack = map(
            as_numpy, (crossings.edge, crossings.column, crossings.position, crossings.slack)
        )
        undecided = as_numpy(crossings.undecided)
        first = np.ones(len(edge), np.bool_)
        unclean: NDArray[np.bool_] = as_numpy(self._unclean)[self.edges[edge]].any(axis=1)
        if self._decisions is None:
            self.doubtful |= undecided
            return _Sorted(edge, column, position, slack, first, unclean)
        open_ = np.flatnonzero(undecided[edge] | unclean | ~(slack <= _POOR))
        if not len(open_):
            return _Sorted(edge, column, position, slack, first, unclean)
        position, slack, unclean = position.copy(), slack.copy(), unclean.copy()
        poor = open_[unclean[open_] | ~(slack[open_] <= _POOR)]
        if len(poor):
            position[poor], slack[poor] = self._decisions.positions(edge[poor], column[poor])
            slack[poor] += self._places.shares_off(self.edges[edge[poor]])
            unclean[poor] = True
        open_ = np.flatnonzero(np.isin(edge, edge[open_]))
        rising = self._below_at(self.edges[edge[open_], 0], column[open_])
        contest = Contest(edge[open_], column[open_], position[open_], slack[open_], rising, open_)
        place = contest.places(self._decisions)
        order = np.arange(len(edge))
        order[open_] = open_[np.lexsort((place, edge[open_]))]
        first[open_[1:]] = (np.diff(np.sort(place)) != 0) | (np.diff(edge[open_]) != 0)
        return _Sorted(edge, column[order], position[order], slack[order], first, unclean[order])

    def _below_at(self, vertices: Rows, columns: Rows) -> NDArray[np.bool_]:
        """Whether columns[i] is below its level at vertices[i]."""
        device = self._level.device
        at = (torch.as_tensor(part, device=device) for part in (vertices, columns))
        below: NDArray[np.bool_] = as_numpy(self._signs.entries(*at)) < 0
        return below

    # ---- what comes of them ----------------------------------------------------------------------------------------
    @cached_property
    def counts(self) -> Rows:
        """The number of new vertices on each edge."""
        return np.bincount(self.sorted.edge[self.sorted.first], minlength=len(self.edges))

    @cached_property
    def pieces(self) -> Rows:
        """The vertices of each new region, (R, 2): the pieces of an edge one after the other."""
        old = self._field.rows
        starts = np.cumsum(self.counts + 1) - (self.counts + 1)
        result = np.empty((int(self.counts.sum()) + len(self.edges), 2), np.int64)
        inner = np.ones(len(result), np.bool_)
        inner[starts] = False
        result[inner, 0] = old + np.arange(int(inner.sum()))
        result[starts, 0] = self.edges[:, 0]
        result[:-1, 1] = result[1:, 0]
        result[starts + self.counts, 1] = self.edges[:, 1]
        return result

    @cached_property
    def parents(self) -> Rows:
        """For each new region the old one."""
        return np.repeat(np.arange(len(self.edges)), self.counts + 1)

    def below(self) -> NDArray[np.uint8]:
        """For each new region the columns that are below their level there, packed (R, bytes)."""
        above, below = (as_numpy(part).view(np.int64) for part in (self._signs.above, self._signs.below))
        first, second = self.edges.T
        cut = (above[first] & below[second]) | (below[first] & above[second])
        base = (below[first] | below[second]) & ~(cut & above[first])
        crossings = self.sorted
        starts = np.cumsum(self.counts + 1) - (self.counts + 1)
        after = starts[crossings.edge] + 1 + crossings.vertex - (np.cumsum(self.counts) - self.counts)[crossings.edge]
        flips = np.zeros((len(self.parents), above.shape[1]), np.int64)
        bit = np.left_shift(np.int64(1), crossings.column % 64)
        np.bitwise_xor.at(flips, (after, crossings.column // 64), bit)
        np.bitwise_xor.accumulate(flips, axis=0, out=flips)
        flips ^= (flips[starts] ^ base)[self.parents]
        return flips.view(np.uint8)

    @property
    def walls(self) -> tuple[Rows, Rows]:
        """The old region and the column of each new vertex."""
        closest = self.sorted.closest
        return self.sorted.edge[closest], self.sorted.column[closest]

    @cached_property
    def cutting(self) -> Cutting:
        """The functions on old and new vertices."""
        points = self.points
        if self._places.kept:
            clean = np.bincount(self.sorted.vertex, self.sorted.unclean) == 0
            clean &= np.bincount(self.sorted.vertex) == 1
            slack = self._places.rounding(points)
            loose = torch.maximum(points.slack, slack)
            points = replace(points, slack=torch.where(torch.as_tensor(clean, device=slack.device), slack, loose))
        plan = Prolongation.of(self._field.rows, [points], self._kernel)
        certain = Certain.joined(self._certain, self._ties)
        given = self._field, self._function, self._level, self._signs, certain, plan
        if not self._places.kept:
            return Cutting(*given)
        return PlacedCutting(*given, torch.cat([self._places.off == 0, torch.zeros_like(points.first) != 0]))

    @cached_property
    def points(self) -> Points:
        """The new vertices, each where the column that is known best is at its level."""
        device = self._level.device
        edge, column = (torch.as_tensor(part, device=device) for part in self.walls)
        first, second = torch.as_tensor(self.edges, device=device)[edge].unbind(1)
        crossings, closest = self.sorted, self.sorted.closest
        position, slack = (
            torch.as_tensor(part[closest], device=device) for part in (crossings.position, crossings.slack)
        )
        return Points.of(first, second, column, position, slack)

    @property
    def _ties(self) -> Certain:
        """What else is at its level at new vertices."""
        crossings, device = self.sorted, self._level.device
        also = np.delete(np.arange(len(crossings.edge)), crossings.closest)
        vertex = torch.as_tensor(self._field.rows + crossings.vertex[also], device=device)
        column = torch.as_tensor(crossings.column[also], device=device)
        return Certain(vertex, column, torch.zeros_like(vertex, dtype=torch.int8))
