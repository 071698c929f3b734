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
from ...lattice.growing import Words
from ...lattice.lattice import Lattice
from ...lattice.meeting import forms_of, independent
from ..complex.segments import as_numpy, unpack
from ..fields.field import UNIT, FloatField, Scaled, inverted
from ..refinement.kernels import choice as row_kernels
from ..refinement.points import Points
from ..refinement.signs import Columns
from .growing_field import GrowingField
from .kernels.kernel import Kernel, Levels, NewSigns
from .kernels.operations import at

_POOR = 2.0**-6
_WORSE = 2.0**6
"""A position on an edge that is known less closely than this, and makes the bound of its row so many times as large as
those of the ends, is computed again. Any numbers are right: what is left is in bounds, and signs that these leave open
are decided exactly. These are the quickest ones (docs/decisions/solid-loops.md)."""

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
        along = independent(self._forms, region, crossing.walls_through(distinct), self._lattice.dim - 1)
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

    def __init__(self, field: FloatField, columns: Levels, decisions: Decisions | None, kernel: Kernel) -> None:
        self._columns, self._decisions, self._kernel = columns, decisions, kernel
        whole = field.whole()
        self._old = whole.rows
        self._growing = GrowingField(whole, whole.scaled or Scaled.of(whole.values, whole.bound()))
        self._signs = row_kernels.kernel_for(whole.values).signs(Columns.of(whole, columns.function, columns.level))
        self._points: list[Points] = []
        self._certain: list[tuple[Tensor, Tensor, Tensor]] = []
        self.doubtful: Rows = np.zeros(0, np.int64)
        """Vertices at which some sign is not certain."""

    @property
    def certain(self) -> bool:
        """See ``Values``."""
        return self._decisions is not None

    # ---- old vertices ----------------------------------------------------------------------------------------------
    def signs(self) -> tuple[Words, Words]:
        """The columns that are below, and above, their level at each old vertex."""
        signs = self._signs
        unsure = (signs.doubtful.view(torch.int64) != 0).any(dim=1).nonzero(as_tuple=True)[0]
        if len(unsure):
            place, column = unpack(signs.doubtful[unsure], len(self._columns)).nonzero(as_tuple=True)
            row = unsure[place]
            if self._decisions is None:
                self._doubt(as_numpy(row))
            else:
                exact = torch.as_tensor(self._decisions.at_old(as_numpy(row), as_numpy(column)), device=row.device)
                signs = signs.settled(row, column, exact)
                self._settle(row, column, exact)
        return _words(signs.below), _words(signs.above)

    # ---- new ones --------------------------------------------------------------------------------------------------
    def cross(self, crossing: Crossing, open_: Words) -> tuple[Words, Words]:
        """See ``Values``."""
        points = self._kernel.positions(self._growing, self._columns, crossing)
        poor = (~(points.slack <= _POOR)).nonzero(as_tuple=True)[0]
        if len(poor) and len(poor := poor[self._worse(points, poor)]):
            points = self._improved(crossing, points, as_numpy(poor))
        start = self._growing.grow(len(points))
        self._kernel.interpolate(self._growing, start, points)
        self._growing.values[start:, self._columns.function[crossing.column]] = self._columns.level[crossing.column]
        self._points.append(points)
        signs = self._kernel.signs(self._growing, self._columns, start, open_)
        return self._decided(crossing, start, signs) if len(signs.vertex) else (signs.below, signs.above)

    def _worse(self, points: Points, some: Tensor) -> Tensor:
        """Of some points those at which rows would be known much less closely than at the ends: on a short edge a poor
        position does little harm."""
        rows, ends = self._growing, (points.first[some], points.second[some])
        steps = ((rows.values[ends[1]] - rows.values[ends[0]]).abs() * rows.shares).amax(dim=1)
        known = torch.maximum(*(rows.scaled.error[end] for end in ends))
        return ~(points.slack[some] * steps <= _WORSE * known)

    def _improved(self, crossing: Crossing, points: Points, poor: Rows) -> Points:
        """The points, with those computed again whose positions are not known well."""
        device = points.first.device
        if self._decisions is None:
            column = np.full(2 * len(poor), crossing.column)
            ends = np.concatenate([crossing.below[poor], crossing.above[poor]])
            places = torch.as_tensor(ends, device=device), torch.as_tensor(column, device=device)
            value, bound = at(self._growing, self._columns, *places)
            self._doubt(ends[as_numpy(~(value.abs() > bound))])
            return points
        exact = self._decisions.positions(crossing, poor)
        made = crossing.below[poor], crossing.above[poor], *exact
        for part, values in zip((points.first, points.second, points.position, points.slack), made, strict=True):
            part[torch.as_tensor(poor, device=device)] = torch.as_tensor(values, device=device)
        return points

    def _decided(self, crossing: Crossing, start: int, signs: NewSigns) -> tuple[Words, Words]:
        """The signs at new vertices, with exact ones where they are not certain; without decisions those of values."""
        vertex, column = signs.vertex, signs.column
        if self._decisions is None:
            sign = self._apparent(start + vertex, column)
            self._doubt(start + vertex)
        else:
            sign = self._decisions.at_new(crossing, vertex, column, start)
            places = start + vertex, column, sign
            device = self._columns.level.device
            self._settle(*(torch.as_tensor(part, device=device) for part in places))
        for bits, side in ((signs.below, -1), (signs.above, 1)):
            word, bit = column >> 6, np.uint64(1) << (column & 63).astype(np.uint64)
            np.bitwise_and.at(bits, (vertex, word), ~bit)
            some = sign == side
            np.bitwise_or.at(bits, (vertex[some], word[some]), bit[some])
        return signs.below, signs.above

    def _apparent(self, vertex: Rows, column: Rows) -> NDArray[np.int8]:
        """The signs of values at new vertices, 0 for those that the last operation may have rounded away."""
        places = (torch.as_tensor(part, device=self._columns.level.device) for part in (vertex, column))
        vertices, columns = places
        value, _ = at(self._growing, self._columns, vertices, columns)
        scaled = self._growing.scaled
        rounding = 8 * UNIT * scaled.size[vertices] * scaled.scale[self._columns.function[columns]]
        return as_numpy(torch.where(value.abs() > rounding, value.sign(), 0.0).to(torch.int8))

    def _doubt(self, vertices: Rows) -> None:
        self.doubtful = np.union1d(self.doubtful, vertices)

    def _settle(self, vertex: Tensor, column: Tensor, sign: Tensor) -> None:
        """Moves values to the side of their level, or onto it, on which they are exactly (proofs/, Lemma 8)."""
        level, place = self._columns.level[column], (vertex, self._columns.function[column])
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
        known, level = list(self._certain), self._columns.level
        start = self._old
        for points in self._points:
            vertex = torch.arange(start, start + len(points), device=level.device)
            known.append((vertex, points.column, torch.zeros(len(points), dtype=torch.int8, device=vertex.device)))
            start += len(points)
        if not known:
            return self._growing.field()
        vertex, column, sign = (torch.cat(part) for part in zip(*known, strict=True))
        low = (sign <= 0) & (level[column] == 0)
        settled = vertex[low], self._columns.function[column[low]], sign[low]
        return replace(self._growing.field(), settled=settled)


def _words(bits: Tensor) -> Words:
    """Packed bits as words."""
    return np.ascontiguousarray(as_numpy(bits)).view(np.uint64)
