"""Functions on some regions between two tables of values at their corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .precision import Floats, Precision

UPPER, LOWER = 0, 1


@dataclass(frozen=True, eq=False)
class Enclosure:
    """n functions on c regions of k corners each (corners may be repeated).

    Wherever a point of region r is a convex combination of corners, however it is one, the same combination of
    ``table[UPPER, j, :, r]`` is at least function j there, and that of ``table[LOWER, j, :, r]`` at most. A table of
    one row (k = 1) has one number for all of a region: an interval.
    """

    table: Floats
    """(2, n, k, c)"""
    size: Floats
    """At least the absolute values in both tables, (n, c)."""
    low: Floats
    """At most the function on the region, (n, c)."""
    high: Floats
    """At least the function on the region, (n, c)."""

    @classmethod
    def of(cls, table: Floats) -> Enclosure:
        """What tables alone say."""
        high, low = table[UPPER].max(axis=1), table[LOWER].min(axis=1)
        return cls(table, np.maximum(np.abs(high), np.abs(low)), low, high)

    @classmethod
    def at_corners(cls, values: Floats, margins: Floats, corners: NDArray[np.int64]) -> Enclosure:
        """Functions that are affine on each region, by values at vertices that are off by at most a margin.

        (n, V) and (V,); ``corners`` (k, c).
        """
        margin = margins[corners].max(axis=0)
        table = np.empty((2, len(values), *corners.shape), values.dtype)
        np.take(values, corners, axis=1, out=table[LOWER], mode="clip")
        np.add(table[LOWER], margin, out=table[UPPER])
        table[LOWER] -= margin
        return cls.of(table)

    @classmethod
    def around(cls, values: Floats, margins: Floats, corners: NDArray[np.int64]) -> Enclosure:
        """The same in one row, whatever the corners: intervals. Values (V, n)."""
        high = np.take(values, corners[0], axis=0, mode="clip")
        low = high.copy()
        for places in corners[1:]:
            row = np.take(values, places, axis=0, mode="clip")
            np.maximum(high, row, out=high)
            np.minimum(low, row, out=low)
        margin = margins[corners].max(axis=0)
        return cls.of(np.stack([high.T + margin, low.T - margin])[:, :, None])

    @property
    def ends(self) -> Floats:
        """The intervals in which functions are, as a table of one row."""
        return np.stack([self.high, self.low])[:, :, None]

    @property
    def columns(self) -> int:
        """The number of functions n."""
        return int(self.table.shape[1])

    def within(self, low: Floats, high: Floats) -> Enclosure:
        """The same, of functions that are known to lie between these as well, (n, c)."""
        return Enclosure(self.table, self.size, np.maximum(self.low, low), np.minimum(self.high, high))

    def mixed(self, slope: Floats, above: Floats, below: Floats) -> Floats:
        """Tables of slope times each function, plus ``above`` in the upper and ``below`` in the lower: (n, c) each."""
        rising, falling = np.maximum(slope, 0)[:, None], np.minimum(slope, 0)[:, None]
        table = self.table * rising
        if (falling < 0).any():
            table += self.table[::-1] * falling
        table[UPPER] += above[:, None]
        table[LOWER] += below[:, None]
        return table

    def line(self, slope: Floats, shift: Floats, side: int, precision: Precision) -> Floats:
        """The table of slope * function + shift on one side, (n, k, c), as ``scaled`` has both."""
        margin = precision.margin(precision.sizes(slope, self.size) + np.abs(shift), 4)
        table: Floats = self.table[side] * np.maximum(slope, 0)[:, None]
        if (slope < 0).any():
            table += self.table[1 - side] * np.minimum(slope, 0)[:, None]
        table += (shift + margin if side == UPPER else shift - margin)[:, None]
        return table

    def scaled(self, slope: Floats, shift: Floats, precision: Precision) -> Enclosure:
        """slope * function + shift, where both are rounded once and broadcast to (n, c)."""
        margin = precision.margin(precision.sizes(slope, self.size) + np.abs(shift), 4)
        above, below = shift + margin, shift - margin
        table = self.mixed(slope, above, below)
        ends = np.where(slope >= 0, self.high, self.low) * slope, np.where(slope >= 0, self.low, self.high) * slope
        return Enclosure(
            table, np.abs(slope) * self.size + np.abs(shift) + 2 * margin, ends[1] + below, ends[0] + above
        )
