"""The compiled loops of ``loops``, on the CPU, where the module was built (docs/decisions/solid-loops.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .....arrays.ragged import Ragged
from .....errors import InternalError
from .....runtime.budget import checkpoint
from ....lattice.cut import Crossing, Outcome, Record, Values
from ....lattice.growing import Words
from ....lattice.lattice import Faces, Lattice
from ...refinement.points import Points
from ..growing_field import GrowingField
from .kernel import Kernel, Levels, NewSigns

try:
    from .. import loops
except ImportError:  # built without a C compiler
    enabled = False
else:
    enabled = True


class CompiledLoops(Kernel):
    """One pass over what a round cuts."""

    def serves(self, values: Tensor) -> bool:
        """See ``Kernel.serves``."""
        return enabled and values.is_cpu and values.dtype == torch.float64

    def cut(
        self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values, generation: int
    ) -> Outcome:
        """See ``Kernel.cut``."""
        return _Cut(lattice, below, above, columns, values).run(generation)

    def positions(self, rows: GrowingField, columns: Levels, crossing: Crossing) -> Points:
        """See ``Kernel.positions``."""
        function = int(columns.function[crossing.column])
        points = loops.positions(
            *_arrays(rows.table, rows.bounds),
            function,
            float(columns.level[crossing.column]),
            float(rows.scaled.scale[function]),
            *(crossing.below, crossing.above),
            *crossing.spans,
        )
        first, second, position, slack = map(torch.from_numpy, points)
        return Points.of(first, second, torch.full_like(first, crossing.column), position, slack)

    def interpolate(self, rows: GrowingField, start: int, points: Points) -> None:
        """See ``Kernel.interpolate``."""
        between = points.first, points.second, points.position, points.slack
        loops.interpolate(*_arrays(rows.table, rows.bounds, rows.shares), start, *_arrays(*between))

    def signs(self, rows: GrowingField, columns: Levels, start: int, open_: Words) -> NewSigns:
        """See ``Kernel.signs``."""
        given = rows.table, rows.bounds, rows.scaled.scale, columns.function, columns.level
        return NewSigns(*loops.signs(*_arrays(*given), start, open_))

    def walls_at(self, lattice: Lattice, vertices: Faces) -> tuple[Faces, Ragged]:
        """See ``Kernel.walls_at``."""
        above = loops.Above(*_lists(lattice), lattice.vertices)
        region, walls, offsets = above.walls(np.ascontiguousarray(vertices), lattice.wall)
        return region, Ragged(walls, offsets)

    def corners(self, lattice: Lattice, k: int) -> Ragged:
        """See ``Kernel.corners``."""
        if not k:
            return lattice.corners(0)
        offsets, members = (part[:k] for part in _lists(lattice))
        return Ragged(*loops.corners(offsets, members, lattice.vertices, np.arange(lattice.count(k))))

    def lay_first(
        self, lists: Ragged, number: Faces, fresh: NDArray[np.bool_], values: Faces, ends: Faces, done: tuple[int, int]
    ) -> tuple[int, int]:
        """See ``Laying``."""
        return loops.lay_first(lists.values, lists.offsets, number, fresh.view(np.uint8), values, ends, *done)

    def lay(self, lists: Ragged, number: Faces, starts: Faces, values: Faces) -> None:
        """See ``Laying``."""
        loops.lay(lists.values, lists.offsets, number, starts, values)


class _Cut:
    """One refinement of a lattice; see ``Cut``."""

    def __init__(self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values) -> None:
        self._lattice, self._columns, self._values = lattice, columns, values
        self._record = Record(lattice)
        self._loops = loops.Faces(
            *_lists(lattice), lattice.wall, lattice.generation, below, above, columns, values.certain
        )

    def run(self, generation: int) -> Outcome:
        """Cuts by all columns. ``generation`` is that of new facets."""
        dim = self._lattice.dim
        for column in range(self._columns):
            cut = self._loops.gather(column)
            if cut is None:
                continue
            checkpoint()
            edges, cells, low, high, *spans, open_ = cut
            crossing = Crossing(self, dim, column, edges, cells, (low, high), (spans[0], spans[1]))
            signs = self._values.cross(crossing, open_)
            self._record.note_edges(column, low, high)
            regions = self._loops.finish(*signs, self._record.walls, generation)
            if regions is None:
                raise InternalError("a polygon is cut at other than two places: an earlier decision was wrong")
            self._record.note_cells(regions)
        return self._outcome()

    # ---- what the lattice is now -----------------------------------------------------------------------------------
    def members(self, k: int, faces: Faces) -> tuple[NDArray[np.int64], Faces]:
        """See ``Members``."""
        return self._loops.members(k, faces)

    def parents_of(self, cells: Faces) -> Faces:
        """See ``InMaking``."""
        return self._loops.parents_of(cells)

    def walls_of(self, facets: Faces) -> NDArray[np.int64]:
        """See ``InMaking``."""
        return self._record.names(self._loops.walls_of(facets))

    # ---- the end ---------------------------------------------------------------------------------------------------
    def _outcome(self) -> Outcome:
        parents, below, whole, vertices, boundary, wall, generation = self._loops.result()
        lattice = Lattice(vertices, tuple(Ragged(*part) for part in boundary), wall, generation, self._record.walls)
        return self._record.outcome(lattice, parents, below, whole, self._columns)


def _lists(lattice: Lattice) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """The offsets and the members of all boundaries."""
    return [part.offsets for part in lattice.boundary], [part.values for part in lattice.boundary]


def _arrays(*values: Tensor) -> list[NDArray[Any]]:
    return [part.contiguous().numpy() for part in values]
