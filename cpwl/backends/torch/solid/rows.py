"""Functions at the vertices of a lattice that is being cut: float64 rows with bounds, and signs that are certain."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....arrays.ragged import Ragged
from ....geometry.ladder import Functions, Ladder, Vertices
from ...lattice.cut import Crossing
from ...lattice.growing import Words, dense, packed
from ...lattice.lattice import Lattice
from ...lattice.meeting import forms_of, independent
from ..complex.segments import as_numpy, unpack
from ..fields.field import UNIT, FloatField, Scaled, inverted
from ..refinement.crossings import vanishing
from ..refinement.kernels.choice import kernel_for
from ..refinement.points import Points
from ..refinement.signs import Columns
from .growing_field import GrowingField

_POOR = 2.0**-24
"""A position on an edge that is known less closely than this is computed again."""

Rows = NDArray[np.int64]


class Decisions:
    """Exact signs of columns at vertices of a lattice that is cut."""

    def __init__(self, functions: Functions, lattice: Lattice) -> None:
        self._forms, self._lattice = forms_of(functions), lattice
        facets = lattice.boundary[-1]
        self.ladder = Ladder(functions, Ragged(lattice.wall[facets.values], facets.offsets))

    def at_old(self, vertices: Rows, columns: Rows) -> NDArray[np.int8]:
        """The signs at vertices of the lattice before."""
        distinct, which = np.unique(vertices, return_inverse=True)
        region, walls = self._lattice.walls_at(distinct)
        return self._signs(region[which], columns, self._known_by(region, walls)[which], vertices)

    def at_new(self, crossing: Crossing, edges: Rows, columns: Rows, first: int) -> NDArray[np.int8]:
        """The signs at the vertices, from number ``first`` on, that a crossing makes on some of its edges."""
        distinct, which = np.unique(edges, return_inverse=True)
        region = crossing.regions[distinct]
        through = crossing.walls_of_edges.take(distinct)
        along = independent(self._forms, region, through, self._lattice.dim - 1)
        walls = np.concatenate([along, np.full((len(distinct), 1), -1 - crossing.column)], axis=1)
        return self._signs(region[which], columns, walls[which], first + edges)

    def positions(self, crossing: Crossing, edges: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the column of a crossing is at its level on some edges, from their ends below; and error bounds."""
        region, ends = crossing.regions[edges], []
        for vertices in (crossing.below[edges], crossing.above[edges]):
            walls = crossing.walls(edges, vertices)
            ends.append(Vertices(region, self._known_by(region, walls), vertices))
        return self.ladder.positions(ends[0], ends[1], region, np.full(len(edges), crossing.column))

    def _known_by(self, region: Rows, walls: Ragged) -> Rows:
        return independent(self._forms, region, walls, self._lattice.dim)

    def _signs(self, regions: Rows, columns: Rows, walls: Rows, vertices: Rows) -> NDArray[np.int8]:
        return self.ladder.signs(regions, columns, walls, vertices)


class FloatRows:
    """See ``cut.Values``: functions at old and new vertices, all of whose signs are certain if there are decisions."""

    def __init__(self, field: FloatField, function: Tensor, level: Tensor, decisions: Decisions | None) -> None:
        """Column c is the function ``function[c]`` minus ``level[c]``."""
        self._function, self._level, self._decisions = function, level, decisions
        whole = field.whole()
        self._old = whole.rows
        self._growing = GrowingField(whole, whole.scaled or Scaled.of(whole.values, whole.bound()))
        self._signs = kernel_for(whole.values).signs(Columns.of(whole, function, level))
        self._points: list[Points] = []
        self._certain: list[tuple[Tensor, Tensor, Tensor]] = []
        self.doubtful = np.zeros(self._old, np.bool_)
        """Vertices at which some sign is not certain; new ones are added."""

    # ---- old vertices ----------------------------------------------------------------------------------------------
    def signs(self) -> tuple[Words, Words]:
        """The columns that are below, and above, their level at each old vertex."""
        signs = self._signs
        row, column = unpack(signs.doubtful, len(self._level)).nonzero(as_tuple=True)
        if self._decisions is None:
            self.doubtful[as_numpy(row)] = True
        elif len(row):
            exact = torch.as_tensor(self._decisions.at_old(as_numpy(row), as_numpy(column)), device=row.device)
            signs = signs.settled(row, column, exact)
            self._settle(row, column, exact)
        return _words(signs.below), _words(signs.above)

    # ---- new ones --------------------------------------------------------------------------------------------------
    def cross(self, crossing: Crossing, open_: Words) -> tuple[Words, Words]:
        """See ``Values``."""
        start, points = len(self._growing), self._made(crossing)
        self._growing.add(points)
        self._points.append(points)
        made = int(self._function[crossing.column])
        self._growing.values[start:, made] = self._level[crossing.column]
        self.doubtful = np.concatenate([self.doubtful, np.zeros(len(points), np.bool_)])
        edge, column = np.nonzero(dense(open_, len(self._level)))
        return self._signs_at(crossing, start, edge, column, open_.shape)

    def _made(self, crossing: Crossing) -> Points:
        """The points where the column of a crossing is at its level."""
        device, c = self._level.device, crossing.column
        first, second = (torch.as_tensor(ends, device=device) for ends in (crossing.below, crossing.above))
        column = torch.full_like(first, c)
        values = [self._at(end, column) for end in (first, second)]
        position, slack = vanishing(*(v for v, _ in values), *(bound for _, bound in values))
        poor = as_numpy((slack > _POOR).nonzero(as_tuple=True)[0])
        if len(poor) and self._decisions is not None:
            found = self._decisions.positions(crossing, poor)
            position[poor], slack[poor] = (torch.as_tensor(part, device=device) for part in found)
        elif len(poor):
            unsure = torch.stack([~(v.abs() > bound) for v, bound in values]).any(dim=0)
            ends = np.concatenate([crossing.below, crossing.above])
            self.doubtful[ends[np.tile(as_numpy(unsure), 2)]] = True
        return Points.of(first, second, column, position, slack)

    def _at(self, vertex: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
        """Columns minus their levels at vertices, and bounds on the errors."""
        function = self._function[column]
        bound = self._growing.scaled.error[vertex] * self._growing.scaled.scale[function]
        return self._growing.values[vertex, function] - self._level[column], bound * (1 + 2.0**-20)

    def _signs_at(
        self, crossing: Crossing, start: int, edge: Rows, column: Rows, shape: tuple[int, ...]
    ) -> tuple[Words, Words]:
        """The columns column[i], of those that are open, that are below and above on new vertices."""
        device = self._level.device
        vertex, of = torch.as_tensor(start + edge, device=device), torch.as_tensor(column, device=device)
        value, bound = self._at(vertex, of)
        sign = value.sign().to(torch.int8)
        open_ = ~((value.abs() > bound) | (bound == 0))
        if bool(open_.any()):
            index = open_.nonzero(as_tuple=True)[0]
            if self._decisions is None:
                sign[index] = 0
                self.doubtful[as_numpy(vertex[index])] = True
            else:
                some = as_numpy(index)
                exact = self._decisions.at_new(crossing, edge[some], column[some], start)
                sign[index] = torch.as_tensor(exact, device=device)
                self._settle(vertex[index], of[index], sign[index])
        found = np.zeros((shape[0], len(self._level)), np.int8)
        found[edge, column] = as_numpy(sign)
        return packed(found < 0), packed(found > 0)

    def _settle(self, vertex: Tensor, column: Tensor, sign: Tensor) -> None:
        """Moves values to the side of their level, or onto it, on which they are exactly (proofs/, Lemma 8)."""
        level, place = self._level[column], (vertex, self._function[column])
        values, scaled = self._growing.values, self._growing.scaled
        beyond = torch.nextafter(level, level + sign * torch.inf)
        wrong = torch.sign(values[place] - level) != sign
        values[place] = torch.where(sign == 0, level, torch.where(wrong, beyond, values[place]))
        moved = (2 * UNIT * level.abs())[wrong]
        self._growing.error.index_add_(0, vertex[wrong], moved)
        scaled.error.index_add_(0, vertex[wrong], moved * inverted(scaled.scale)[place[1][wrong]])
        self._certain.append((vertex, column, sign))

    # ---- what has come out -----------------------------------------------------------------------------------------
    @property
    def batches(self) -> list[Points]:
        """The new vertices of each round, as points between older ones."""
        return self._points

    @cached_property
    def field(self) -> FloatField:
        """The functions at all vertices, exactly at their level where they are."""
        known = list(self._certain)
        start = self._old
        for points in self._points:
            vertex = torch.arange(start, start + len(points), device=self._level.device)
            known.append((vertex, points.column, torch.zeros(len(points), dtype=torch.int8, device=vertex.device)))
            start += len(points)
        if not known:
            return self._growing.field()
        vertex, column, sign = (torch.cat(part) for part in zip(*known, strict=True))
        low = (sign <= 0) & (self._level[column] == 0)
        return replace(self._growing.field(), settled=(vertex[low], self._function[column[low]], sign[low]))


def _words(bits: Tensor) -> Words:
    """Packed bits as words."""
    return np.ascontiguousarray(as_numpy(bits)).view(np.uint64)
