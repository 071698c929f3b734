"""Which of many boxes hold a point: a uniform grid lists the boxes that meet each of its cells."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged

Rows = NDArray[np.int64]


class Boxes:
    """Boxes low <= x <= high in D dimensions, by the cells of a grid of about as many."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """``low`` and ``high`` (N, D), N >= 1."""
        self._low, self._high = low, high
        count, dim = low.shape
        self._origin = low.min(axis=0)
        self._side = max(1, int(count ** (1 / dim)))
        # With no extent below this the scale is finite.
        extent = np.maximum(high.max(axis=0) - self._origin, self._side * np.finfo(float).tiny)
        self._scale = self._side / extent
        self._lists = self._grid()

    def holding(self, points: NDArray[np.float64]) -> tuple[Rows, Rows]:
        """Pairs (point, box) in which the box holds the point (M, D)."""
        lists = self._lists.take(self._number(self._cells(points)))
        point, box = lists.row_of, lists.values
        inside = ((points[point] >= self._low[box]) & (points[point] <= self._high[box])).all(axis=1)
        return point[inside], box[inside]

    def _cells(self, points: NDArray[np.float64]) -> Rows:
        """Cells of the grid (M, D); monotone in the coordinates, so that a box's cells cover its points'."""
        cells = np.clip((points - self._origin) * self._scale, 0, self._side - 1)
        return np.asarray(cells.astype(np.int64))

    def _number(self, cells: Rows) -> Rows:
        return np.asarray(cells @ self._side ** np.arange(cells.shape[1]))

    def _grid(self) -> Ragged:
        """For each cell the boxes that meet it, increasing."""
        first, last = self._cells(self._low), self._cells(self._high)
        widths = last - first + 1
        counts = widths.prod(axis=1)
        box = np.repeat(np.arange(len(widths)), counts)
        rank = np.arange(len(box)) - np.repeat(np.cumsum(counts) - counts, counts)
        cells = first[box]
        for axis in range(cells.shape[1]):
            cells[:, axis] += rank % widths[box, axis]
            rank //= widths[box, axis]
        number = self._number(cells)
        order = np.argsort(number, kind="stable")
        cells_in_all = prod([self._side] * cells.shape[1])
        return Ragged(box[order], np.searchsorted(number[order], np.arange(cells_in_all + 1)))
