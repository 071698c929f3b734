"""How large the blocks are in which a partition is computed, and which regions make one up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.arrangement import Arrangement
from ..geometry.rounded import Rounded

_FEWEST = 2048
"""Vertices of a block that is worth its border, if memory allows."""

_MOST_SPANNED = 1 << 14
"""Vertices of a block in which they share rows: what is done must not wait for everything."""

_BYTES_OF_LONG = 24
"""Of a number in a shared row: three parts at most, as a rule."""

_BYTES_OF_REGION = 1 << 10
"""What a cell takes while it is cut: half of it is measured (cells, edges, vertices and bits of 1,000 units)."""

_FEWEST_APART = 512
"""Vertices of a block that is worth being sent to a worker."""
_LEAST_APART = 1 << 30
"""Products that are worth workers."""
_BLOCKS_OF_A_WORKER = 8
"""So many that all are done at about the same time, though some blocks take longer."""


@dataclass(frozen=True)
class Blocks:
    """How much the rows of values at vertices may take, in bytes."""

    pass_: int = 32 << 20
    """In passes that need no blocks: memory that stays in the cache, and is used again rather than new."""
    block: int = 128 << 20
    """In a block: as little as keeps the work at its border, and calls that are short of work, few."""
    limit: int = 1 << 30
    """In a block, where ``block`` would make for very few vertices."""

    most_rows: int = 1 << 62
    """Vertices of a block at most, whatever their rows take."""
    most_columns: int = 1 << 62
    """Levels by which a node cuts at once: a wider one takes its units some at a time, with blocks in between, for else
    the regions of a single one may be far more than are wanted."""
    first: int = 32
    """Blocks of the first division, if there has to be one and they are worth it: they may go to several workers."""

    @classmethod
    def within(cls, memory: int | None, regions: int | None = None) -> Blocks:
        """Sizes for so many bytes of memory over what the result takes (None: 4 GiB), and so many regions wanted.

        About eight times the largest rows of a block are held at once: before and after a node, ends of new vertices,
        and those of the divisions that are not done.
        """
        memory = 1 << 32 if memory is None else memory
        sizes = (min(32 << 20, memory >> 6), min(128 << 20, memory >> 4), memory >> 3)
        if regions is None:
            return cls(*sizes)
        return cls(*sizes, most_rows=max(64, regions // 4), most_columns=_cutting_into(max(64, 8 * regions)))

    def holding_no_result(self, memory: int | None) -> Blocks:
        """The same where regions are not kept: then those of a single node must not take more than the memory either.

        Where they are kept, nothing is gained by it, and they would come in another order.
        """
        columns = _cutting_into((1 << 32 if memory is None else memory) // _BYTES_OF_REGION)
        return replace(self, most_columns=min(self.most_columns, columns))

    def in_time(self, seconds: float, speed: float) -> Blocks:
        """The same, so that what is done at once takes a small part of that time, at so many regions a second."""
        regions = round(min(seconds * speed, 2.0**60))
        columns = min(self.most_columns, _cutting_into(max(64, regions)))
        return replace(self, most_rows=min(self.most_rows, max(16, regions // 32)), most_columns=columns)

    def without_borders(self) -> Blocks:
        """The same, but with one block for everything: where decisions are not exact, borders would not fit."""
        return replace(self, block=1 << 62, limit=1 << 62, most_rows=1 << 62, most_columns=1 << 62)

    def units_at_once(self, levels: int) -> int:
        """The number of units, of so many levels each, by which a node cuts at once; whole bytes of bits, if it can."""
        units = max(1, self.most_columns // max(levels, 1))
        return units if units < 8 else units // 8 * 8

    def rows_at_once(self, entries: int, rank: int = 0) -> int:
        """Vertices to go through at once where no blocks are needed: with rows of that many entries, or sharing some.

        Whatever goes through at once sends all rows that are shared through what is left of the network.
        """
        return max(1, self.limit // (8 * rank)) if rank else max(1, self.pass_ // (8 * max(entries, 1)))

    def wanted(self, rows: int, entries: int) -> int:
        """The number of blocks for that many rows of that many float64 entries."""
        fitting, allowed = (max(1, size // (8 * max(entries, 1))) for size in (self.block, self.limit))
        return -(-rows // min(max(fitting, min(_FEWEST, allowed)), self.most_rows))

    def wanted_first(self, rows: int, wanted: int) -> int:
        """The number of blocks of the first division, where ``wanted`` are needed."""
        return max(wanted, min(self.first, rows // min(_FEWEST, self.most_rows)))

    def wanted_apart(self, rows: int, products: int, workers: int) -> int:
        """The number of blocks that are to go to workers, with so many products left for each row; 1 for not yet.

        Early, because what is sent are rows, and few workers wait; but not for work that is hardly more than sending.
        """
        most = max(self.first, _BLOCKS_OF_A_WORKER * workers)
        return most if rows >= _FEWEST_APART * most and rows * products >= _LEAST_APART else 1

    def wanted_low_rank(self, vertices: int, rank: int, entries: int, pattern: int) -> int:
        """The number of blocks where vertices share ``rank`` rows of that many float64 entries (``Arithmetic.rank``).

        A block of a quarter of the area is crossed by half of the lines, and needs half of the rows. There are about as
        many regions as vertices, and the pattern of each takes ``pattern`` bytes.
        """
        allowed = max(1, 4 * self.limit // (_BYTES_OF_LONG * max(entries, 1)))
        kept = self.limit // (8 * rank), 4 * self.limit // max(pattern, 1)
        fitting = max(1, min(_MOST_SPANNED, self.most_rows, *kept))
        return max(ceil(vertices / fitting), ceil(rank / allowed) ** 2)

    def wanted_low_rank_apart(self, vertices: int, products: int, workers: int) -> int:
        """The same for workers, with so many products left for the rows that each block is to make: one block each."""
        return workers if vertices >= _FEWEST_APART * workers and products >= _LEAST_APART else 1

    @staticmethod
    def neighbouring(arrangement: Arrangement[Any], count: int) -> NDArray[np.int64]:
        """That many regions beside each other, increasing."""
        return np.sort(_along_curve(arrangement.middles())[:count])

    def divided(self, arrangement: Arrangement[Any], count: int, *, tapering: bool = False) -> list[NDArray[np.int64]]:
        """The regions in that many blocks of neighbours, of equal size; increasing in each block.

        ``tapering``: the last sixteenth of them in quarters, so that workers are done at about the same time.
        """
        parts = np.array_split(_along_curve(arrangement.middles()), count)
        last = count // 16 if tapering else 0
        small = [piece for part in parts[count - last :] for piece in np.array_split(part, 4) if len(piece)]
        return [np.sort(part) for part in [*parts[: count - last], *small]]


def _cutting_into(regions: int) -> int:
    """The most lines that make no more than that many regions of a convex polygon: n make up to 1 + n (n + 1) / 2."""
    return max(1, (isqrt(8 * regions - 7) - 1) // 2)


class Borders:
    """Where the vertices on borders are, as the first block that came along has them."""

    def __init__(self) -> None:
        self._names: list[NDArray[np.int64]] = []
        self._points: list[NDArray[np.float64]] = []

    def agreed(self, block: Arrangement[Any]) -> Arrangement[Any]:
        """The block with its border's vertices where others have put them; the rest of them are remembered."""
        if not isinstance(block, Rounded):
            return block
        vertices, names = block.border()
        if not len(names):
            return block
        known = np.zeros(len(names), np.bool_)
        points = block.vertices[vertices]
        for those, theirs in zip(self._names, self._points, strict=True):
            place = np.minimum(np.searchsorted(those, names), len(those) - 1)
            here = those[place] == names
            points[here], known = theirs[place[here]], known | here
        if not known.all():
            self.remember(names[~known], points[~known])
        return block.moved(vertices[known], points[known]) if known.any() else block

    def remember(self, names: NDArray[np.int64], points: NDArray[np.float64]) -> None:
        """Adds vertices that are not known: a sorted table, merged with those before it that are not twice as long."""
        while self._names and len(self._names[-1]) < 2 * len(names):
            names = np.concatenate([self._names.pop(), names])
            points = np.concatenate([self._points.pop(), points])
        order = np.argsort(names)
        self._names.append(names[order])
        self._points.append(points[order])


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
