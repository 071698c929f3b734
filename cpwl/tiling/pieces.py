"""The linear pieces of units on regions, in the compact forms in which partitions keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..arrays.bits import BitMatrix
from ..network.network import Node
from ..network.operators import Max, Piecewise


class Pieces(Protocol):
    """The piece of each unit of one node on each region."""

    def __len__(self) -> int: ...

    def take(self, regions: NDArray[np.int64]) -> NDArray[np.int16]:
        """The pieces on the given regions, int16 (n, units)."""
        ...

    def range(self, regions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lowest and the highest piece of each unit on the given regions, of which there is at least one."""
        ...

    def some(self, regions: NDArray[np.int64]) -> Pieces:
        """The same table of the given regions."""
        ...

    def with_others(self, others: Sequence[Any]) -> Pieces:
        """One table of several of the same kind, one after the other."""
        ...

    def beside(self, other: Any) -> Pieces:
        """One table of the units of two, of the same kind and about the same regions; this one's first."""
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
        return np.asarray(self.breakpoints - below.sum(axis=2, dtype=np.int16))

    def range(self, regions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lowest and the highest piece of each unit on the given regions."""
        packed = self.below.packed[regions]
        somewhere, everywhere = (
            BitMatrix(fold.reduce(packed, axis=0, keepdims=True), self.below.columns).dense()
            for fold in (np.bitwise_or, np.bitwise_and)
        )
        lowest, highest = (
            self.breakpoints - below.reshape(-1, self.breakpoints).sum(axis=1) for below in (somewhere, everywhere)
        )
        return lowest, highest

    def some(self, regions: NDArray[np.int64]) -> LevelPieces:
        """The same table of the given regions."""
        return LevelPieces(self.below.take(regions), self.breakpoints)

    def with_others(self, others: Sequence[LevelPieces]) -> LevelPieces:
        """One table of several."""
        packed = np.concatenate([self.below.packed, *(other.below.packed for other in others)])
        return LevelPieces(BitMatrix(packed, self.below.columns), self.breakpoints)

    def beside(self, other: LevelPieces) -> LevelPieces:
        """One table of the units of two."""
        return LevelPieces(self.below.beside(other.below), self.breakpoints)


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

    def range(self, regions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lowest and the highest piece of each unit on the given regions."""
        winners = self.winners[regions]
        return winners.min(axis=0).astype(np.int64), winners.max(axis=0).astype(np.int64)

    def some(self, regions: NDArray[np.int64]) -> WinnerPieces:
        """The same table of the given regions."""
        return WinnerPieces(self.winners[regions])

    def with_others(self, others: Sequence[WinnerPieces]) -> WinnerPieces:
        """One table of several."""
        return WinnerPieces(np.concatenate([self.winners, *(other.winners for other in others)]))

    def beside(self, other: WinnerPieces) -> WinnerPieces:
        """One table of the units of two."""
        return WinnerPieces(np.concatenate([self.winners, other.winners], axis=1))


@dataclass(frozen=True, eq=False)
class NoPieces:
    """Those of no unit at all: of a step that only chooses regions."""

    regions: int

    def __len__(self) -> int:
        return self.regions

    def take(self, regions: NDArray[np.int64]) -> NDArray[np.int16]:
        """The pieces on the given regions, int16 (n, 0)."""
        return np.zeros((len(regions), 0), np.int16)

    def range(self, regions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of no unit."""
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    def some(self, regions: NDArray[np.int64]) -> NoPieces:
        """The same table of the given regions."""
        return NoPieces(len(regions))

    def with_others(self, others: Sequence[NoPieces]) -> NoPieces:
        """One table of several."""
        return NoPieces(self.regions + sum(map(len, others)))

    def beside(self, other: NoPieces) -> NoPieces:
        """No unit and no unit."""
        return self


def no_pieces(node: Node) -> Pieces:
    """Those of a node's units on no region."""
    if isinstance(node.op, Max):
        return WinnerPieces(np.zeros((0, node.size), np.int16))
    breakpoints = max(1, len(node.op.breakpoints)) if isinstance(node.op, Piecewise) else 1
    return LevelPieces(BitMatrix.pack(np.zeros((0, node.size * breakpoints), np.bool_)), breakpoints)
