"""Regions as unions of simplices over a table of exact points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..numbers.integers import Integers


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Regions of dimension D, each cut into simplices."""

    points: Integers
    """Primitive homogeneous integers (V, D + 1), the last one of each positive."""
    simplices: NDArray[np.int64]
    """The vertices of each simplex, increasing, int64 (S, D + 1); region by region."""
    offsets: NDArray[np.int64]
    """Where the simplices of each region begin, and where the last one's end, int64 (R + 1,)."""

    @classmethod
    def of(
        cls, points: Integers, owner: NDArray[np.int64], simplices: NDArray[np.int64], regions: int
    ) -> Triangulation:
        """The triangulation of so many regions by simplices, each with its region and its vertices in any order."""
        order = np.argsort(owner, kind="stable")
        offsets = np.append(0, np.bincount(owner, minlength=regions).cumsum())
        return cls(points, np.sort(simplices[order], axis=1), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def dim(self) -> int:
        """The dimension D."""
        return int(self.points.shape[1]) - 1

    @property
    def owner(self) -> NDArray[np.int64]:
        """The region of each simplex, int64 (S,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def corners(self) -> Ragged:
        """The vertices of the simplices of each region, each once, increasing."""
        width = max(len(self.points), 1)
        keys = np.unique((self.owner[:, None] * width + self.simplices).ravel())
        return Ragged.from_counts(keys % width, np.bincount(keys // width, minlength=len(self)))
