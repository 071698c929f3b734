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
    """Sizes of blocks: what the rows of values at their vertices may take."""

    preferred: int = 8 << 20
    """Bytes that one field with all its rows should take: memory that is used again and again, rather than new."""
    limit: int = 1 << 30
    """Bytes that it may take where the preferred size would make very small blocks."""

    def rows_at_once(self, entries: int) -> int:
        """Rows of that many float64 entries for what needs no blocks."""
        return max(1, self.preferred // (8 * max(entries, 1)))

    def wanted(self, rows: int, entries: int) -> int:
        """The number of blocks for that many rows of that many float64 entries."""
        most = max(self.rows_at_once(entries), min(_FEWEST, self.limit // (8 * max(entries, 1))))
        return -(-rows // most)

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
