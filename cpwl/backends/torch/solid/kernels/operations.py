"""Array operations: in numpy what is combinatorial, in torch what is done on rows, on any device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .....arrays.ragged import Ragged
from ....lattice.cut import Crossing, Cut, Outcome, Values
from ....lattice.glue import ArrayLaying
from ....lattice.growing import Words, dense, packed
from ....lattice.lattice import Faces, Lattice, walls_through
from ...complex.segments import as_numpy
from ...fields.field import ROUND_UP, UNIT, lifted
from ...refinement.crossings import vanishing
from ...refinement.points import Points
from ..growing_field import GrowingField
from .kernel import Kernel, Levels, NewSigns

_BLOCK = 1 << 17
"""Entries handled at a time, so that a block stays in the cache."""


class ArrayOperations(ArrayLaying, Kernel):
    """Whole rounds in a few calls."""

    def serves(self, values: Tensor) -> bool:
        """Always."""
        return True

    def cut(
        self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values, generation: int
    ) -> Outcome:
        """See ``Kernel.cut``."""
        return Cut(lattice, below, above, columns, values).run(generation)

    def positions(self, rows: GrowingField, columns: Levels, crossing: Crossing) -> Points:
        """See ``Kernel.positions``."""
        device = columns.level.device
        spans, ends = (
            [torch.as_tensor(part, device=device) for part in pair]
            for pair in (crossing.spans, (crossing.below, crossing.above))
        )
        column = torch.full_like(ends[0], crossing.column)
        (value, value_bound), (other, other_bound) = (at(rows, columns, end.clamp(min=0), column) for end in spans)
        certain = (
            (spans[0] >= 0) & (value.abs() > value_bound) & (other.abs() > other_bound) & ((value > 0) != (other > 0))
        )
        turned = value > 0
        first = torch.where(certain, torch.where(turned, spans[1], spans[0]), ends[0])
        second = torch.where(certain, torch.where(turned, spans[0], spans[1]), ends[1])
        (low, low_bound), (high, high_bound) = (at(rows, columns, end, column) for end in (first, second))
        return Points.of(first, second, column, *vanishing(low, high, low_bound, high_bound))

    def interpolate(self, rows: GrowingField, start: int, points: Points) -> None:
        """See ``Kernel.interpolate``."""
        step = max(1, _BLOCK // max(rows.table.shape[1], 1))
        for low in range(0, len(points), step):
            _interpolate(rows, start + low, points.part(low, min(low + step, len(points))))

    def signs(self, rows: GrowingField, columns: Levels, start: int, open_: Words) -> NewSigns:
        """See ``Kernel.signs``."""
        device = columns.level.device
        vertex, column = np.nonzero(dense(open_, len(columns)))
        place = torch.as_tensor(start + vertex, device=device), torch.as_tensor(column, device=device)
        value, bound = at(rows, columns, *place)
        sign = np.zeros((len(open_), len(columns)), np.int8)
        sign[vertex, column] = as_numpy(value.sign().nan_to_num(nan=0.0).to(torch.int8))
        unsure = as_numpy(~((value.abs() > bound) | (bound == 0)))
        return NewSigns(packed(sign < 0), packed(sign > 0), vertex[unsure], column[unsure])

    def walls_at(self, lattice: Lattice, vertices: Faces) -> tuple[Faces, Ragged]:
        """See ``Kernel.walls_at``."""
        region = _with_most(lattice, vertices)
        walls_of = lattice.wall.__getitem__
        return region, walls_through(lattice.members, lattice.dim, walls_of, region, 0, vertices)

    def corners(self, lattice: Lattice, k: int) -> Ragged:
        """See ``Kernel.corners``."""
        return lattice.corners(k)


def _with_most(lattice: Lattice, vertices: Faces) -> Faces:
    """For each of distinct vertices the first of the regions that have it and most of the others."""
    wanted = np.zeros(lattice.vertices, np.bool_)
    wanted[vertices] = True
    near = wanted
    for part in lattice.boundary:
        near = np.logical_or.reduceat(near[part.values], part.offsets[:-1])
    regions = np.flatnonzero(near)
    corners = lattice.corners(lattice.dim, regions)
    some = wanted[corners.values]
    vertex, place = corners.values[some], corners.row_of[some]
    most = np.bincount(place)[place]
    order = np.lexsort((place, -most, vertex))
    held, first = np.unique(vertex[order], return_index=True)
    return np.asarray(regions[place[order[first]]][np.searchsorted(held, vertices)])


def at(rows: GrowingField, columns: Levels, vertex: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """Columns minus their levels at vertices, and bounds on the errors."""
    function = columns.function[column]
    bound = rows.scaled.error[vertex] * rows.scaled.scale[function]
    return rows.values[vertex, function] - columns.level[column], bound * ROUND_UP


def _interpolate(rows: GrowingField, start: int, points: Points) -> None:
    first, second, position = points.first, points.second, points.position
    target = slice(start, start + len(points))
    origin = rows.table.index_select(0, first)
    step = rows.table.index_select(0, second).sub_(origin)
    lengths = torch.linalg.vector_norm(step, dim=1)
    torch.add(origin, step * position[:, None], out=rows.table[target])
    ends = rows.bounds[:, first], rows.bounds[:, second]
    (error, norm, share, size), (errors, norms, shares, sizes) = ends
    between = (1 - position) * ends[0] + position * ends[1]
    whole = norm + norms
    reach = torch.where(lengths.isfinite(), lengths, whole) + error + errors
    between[0] += points.slack * reach + 8 * UNIT * whole
    largest = step.abs_().mul_(rows.shares).amax(dim=1) * ROUND_UP if step.shape[1] else torch.zeros_like(share)
    between[2] += points.slack * (largest + share + shares) + 8 * UNIT * (size + sizes)
    rows.bounds[:, target] = lifted(between * ROUND_UP)
