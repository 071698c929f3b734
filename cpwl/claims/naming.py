"""Regions as unions of simplices over vertices that are given by name: where functions of a network vanish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Naming:
    """Regions of dimension D, each cut into simplices; what is written of a certificate of version 3."""

    corners: NDArray[np.float64]
    """Slice coordinates of the first vertices, (C, D)."""
    names: NDArray[np.int64]
    """Of each other vertex, (V - C, 5): the two vertices that it lies between, and the function that vanishes there.

    That is a node and two numbers: a unit and a breakpoint, or, of maxima, two arguments.
    """
    simplices: NDArray[np.int64]
    """The vertices of each simplex, increasing, int64 (S, D + 1); region by region."""
    offsets: NDArray[np.int64]
    """Where the simplices of each region begin, and where the last one's end, int64 (R + 1,)."""
    bits: int
    """After the point, of the numbers in which a checker is to compute."""

    def __len__(self) -> int:
        return len(self.offsets) - 1
