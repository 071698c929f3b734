"""What only an arrangement offers whose coordinates are rounded, and which may have doubts."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement, Field


class Rounded(Arrangement[Field]):
    """An arrangement with coordinates in float64: blocks of it have to agree on where their borders' vertices are."""

    @abstractmethod
    def border(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The vertices on a block's border, and for each a number by which all blocks know it; int64 (n,) each.

        Empty for arrangements that are no blocks.
        """

    @abstractmethod
    def moved(self, vertices: NDArray[np.int64], points: NDArray[Any]) -> Arrangement[Field]:
        """The arrangement with some vertices at other points (n, D), as near to the exact ones as their own."""

    @abstractmethod
    def doubting(self, regions: NDArray[np.bool_]) -> Arrangement[Field]:
        """The same, with these regions (bool (R,)) ambiguous as well."""
