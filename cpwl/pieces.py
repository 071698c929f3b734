"""The linear pieces of units on regions, in the compact forms in which partitions keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .bits import BitMatrix


class Pieces(Protocol):
    """The piece of each unit of one node on each region."""

    def __len__(self) -> int: ...

    def take(self, regions: NDArray[np.int64]) -> NDArray[np.int16]:
        """The pieces on the given regions, int16 (n, units)."""
        ...


@dataclass(frozen=True, eq=False)
class LevelPieces:
    """Pieces of units with P breakpoints each, by one bit a breakpoint: whether the unit lies below it."""

    below: BitMatrix
    breakpoints: int

    def __len__(self) -> int:
        return len(self.below)

    def take(self, regions: NDArray[np.int64]) -> NDArray[np.int16]:
        """The pieces on the given regions, int16 (n, units)."""
        below = self.below.dense(regions).reshape(
            len(regions), self.below.columns // self.breakpoints, self.breakpoints
        )
        return np.asarray(self.breakpoints - below.sum(axis=2), dtype=np.int16)


@dataclass(frozen=True, eq=False)
class WinnerPieces:
    """Pieces of max units: the index of the winning argument."""

    winners: NDArray[np.int16]
    """(R, units)"""

    def __len__(self) -> int:
        return len(self.winners)

    def take(self, regions: NDArray[np.int64]) -> NDArray[np.int16]:
        """The pieces on the given regions, int16 (n, units)."""
        return np.asarray(self.winners[regions])
