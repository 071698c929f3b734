"""How large the blocks are in which a partition is computed, and which regions make one up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement

_FEWEST = 2048
"""Vertices of a block that is worth its border, if memory allows."""


@dataclass(frozen=True)
class Blocks:
    """How much the rows of values at vertices may take, in bytes."""

    pass_: int = 8 << 20
    """In passes that need no blocks: memory that stays in the cache, and is used again rather than new."""
    block: int = 32 << 20
    """In a block: as little as keeps the work at its border, and calls that are short of work, few."""
    limit: int = 1 << 30
    """In a block, where ``block`` would make for very few vertices."""

    def rows_at_once(self, entries: int) -> int:
        """Rows of that many float64 entries to go through at once where no blocks are needed."""
        return max(1, self.pass_ // (8 * max(entries, 1)))

    def wanted(self, rows: int, entries: int) -> int:
        """The number of blocks for that many rows of that many float64 entries."""
        fitting, allowed = (max(1, size // (8 * max(entries, 1))) for size in (self.block, self.limit))
        return -(-rows // max(fitting, min(_FEWEST, allowed)))

    def divided(self, arrangement: Arrangement[Any], count: int) -> list[NDArray[np.int64]]:
        """The regions in that many blocks of neighbours, of equal size; increasing in each block."""
        parts = np.array_split(_along_curve(_middles(arrangement)), count)
        return [np.sort(part) for part in parts]


def _middles(arrangement: Arrangement[Any]) -> NDArray[np.float64]:
    """A point in each region, (R, D)."""
    regions, vertices = arrangement.regions, arrangement.vertices.astype(np.float64)
    return np.asarray(regions.reduce(np.add, vertices[regions.values]) / regions.counts[:, None])


def _along_curve(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order of points along Morton's curve, which keeps neighbours together."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    bits = 62 // points.shape[1] if points.shape[1] > 2 else 20
    grid = ((points - low) / size * (2**bits - 1)).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(bits):
        for axis in range(points.shape[1]):
            code |= ((grid[:, axis] >> bit) & 1) << (bit * points.shape[1] + axis)
    return np.argsort(code, kind="stable")
