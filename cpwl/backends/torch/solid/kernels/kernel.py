"""What the rounds of a refinement are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .....arrays.ragged import Ragged
from ....lattice.cut import Crossing, Outcome, Values
from ....lattice.glue import Laying
from ....lattice.growing import Words
from ....lattice.lattice import Faces, Lattice
from ...refinement.points import Points
from ..growing_field import GrowingField


@dataclass(frozen=True, eq=False)
class Levels:
    """Columns: c is the function ``function[c]`` of a field minus ``level[c]``."""

    function: Tensor
    level: Tensor

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True, eq=False)
class NewSigns:
    """The columns that are below, and above, their level at new vertices."""

    below: Words
    above: Words
    vertex: NDArray[np.int64]
    """New vertices, from 0 on, and columns, whose signs are not certain: the values' own are in the sets."""
    column: NDArray[np.int64]


class Kernel(Laying, Protocol):
    """The rounds of a refinement, on lattices and rows. Rows, and what is combinatorial, are the same for all kernels,
    bit by bit; bounds in the 2-norm may differ by their own rounding."""

    def serves(self, values: Tensor) -> bool:
        """Whether this kernel can do the work on such values."""
        ...

    def cut(
        self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values, generation: int
    ) -> Outcome:
        """A lattice cut by all columns, as by ``Cut``."""
        ...

    def positions(self, rows: GrowingField, columns: Levels, crossing: Crossing) -> Points:
        """Where the column of a crossing is at its level on its edges.

        Between the ends of the lines that the edges lie on, if the column is certainly on both sides of its level
        there, else between those of the edges. ``Points.first`` is where it is below.
        """
        ...

    def interpolate(self, rows: GrowingField, start: int, points: Points) -> None:
        """Fills rows from ``start`` on: values on segments between earlier rows, and their bounds."""
        ...

    def signs(self, rows: GrowingField, columns: Levels, start: int, open_: Words) -> NewSigns:
        """The signs of the ``open_`` columns at rows from ``start`` on."""
        ...

    def walls_at(self, lattice: Lattice, vertices: Faces) -> tuple[Faces, Ragged]:
        """For each of distinct vertices a region that has it, and the walls of that region's facets through it, each
        once, increasing.

        It is the region that has most of these vertices, the first of several: so regions are few.
        """
        ...

    def corners(self, lattice: Lattice, k: int) -> Ragged:
        """The vertices of each k-face, increasing."""
        ...
