"""Piecewise-linear functions on enclosures: at the corners where they bend the right way, else by lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network.network import Node, table
from ..network.operators import Periodic, Piecewise
from .enclosure import LOWER, UPPER, Enclosure
from .precision import Floats, Precision


def rectified(x: Enclosure) -> Enclosure:
    """max(x, 0), without rounding.

    It is convex: its values at corners bound it from above. From below it is bounded by 0 and by x, of which one is
    taken, for each function on each region.
    """
    rising = (x.low + x.high > 0).astype(x.table.dtype)
    table = np.empty_like(x.table)
    np.maximum(x.table[UPPER], 0, out=table[UPPER])
    np.multiply(x.table[LOWER], rising[:, None], out=table[LOWER])
    return Enclosure(table, x.size, np.maximum(x.low, 0), np.maximum(x.high, 0))


@dataclass(frozen=True, eq=False)
class Bends:
    """A piecewise-linear function, once rounded to a precision."""

    breakpoints: Floats
    """(P,)"""
    slopes: Floats
    """(P + 1, n)"""
    intercepts: Floats
    """(P + 1, n)"""
    start: float
    """The value at the first breakpoint."""
    convex: bool
    concave: bool
    precision: Precision

    @classmethod
    def of(cls, node: Node, op: Piecewise, precision: Precision) -> Bends:
        """That of a node."""
        slopes = table(op.slopes, node)
        steps = np.diff(slopes, axis=0)
        kind = precision.dtype
        return cls(
            op.breakpoints.astype(kind),
            slopes.astype(kind),
            table(op.intercepts.astype(np.float64), node).astype(kind),
            op.value,
            bool((steps >= 0).all()),
            bool((steps <= 0).all()),
            precision,
        )

    def __call__(self, x: Enclosure) -> Enclosure:
        """The function of an enclosed one."""
        ends = _Ends.of(self, x)
        upper = self._folded(x, UPPER) if self.convex else self._by_line(x, ends, UPPER)
        lower = self._folded(x, LOWER) if self.concave else self._by_line(x, ends, LOWER)
        return Enclosure.of(np.stack([upper, lower])).within(
            (ends.values - ends.margin).min(axis=0), (ends.values + ends.margin).max(axis=0)
        )

    def _folded(self, x: Enclosure, side: int) -> Floats:
        """The largest (smallest) of all pieces at each corner, (n, k, c): of a convex (concave) function."""
        fold = np.maximum if side == UPPER else np.minimum
        lines = zip(self.slopes[:, :, None], self.intercepts[:, :, None], strict=True)
        extreme = x.line(*next(lines), side, self.precision)
        for slope, intercept in lines:
            fold(extreme, x.line(slope, intercept, side, self.precision), out=extreme)
        return extreme

    def _by_line(self, x: Enclosure, ends: _Ends, side: int) -> Floats:
        """The best of some lines above (below) the function on the whole range of the argument, (n, k, c)."""
        up = side == UPPER
        middle = (x.low + x.high) / 2
        best = None
        for slope in ends.slopes(self, x):
            margin = ends.margin + self.precision.margin(np.abs(slope) * x.size, 4)
            gaps = ends.values - slope * ends.points
            shift = gaps.max(axis=0) + margin if up else gaps.min(axis=0) - margin
            height = slope * middle + shift
            if best is None:
                best = slope, shift, height
                continue
            better = height < best[2] if up else height > best[2]
            best = tuple(np.where(better, new, old) for new, old in zip((slope, shift, height), best, strict=True))
        assert best is not None
        return x.line(best[0], best[1], side, self.precision)


@dataclass(frozen=True, eq=False)
class _Ends:
    """Where a function can be farthest from a line: at the ends of its argument's range, and breakpoints in it."""

    points: Floats
    """(P + 2, n, c)"""
    values: Floats
    """The function there, off by at most ``margin``."""
    margin: Floats
    """(n, c)"""

    @classmethod
    def of(cls, bends: Bends, x: Enclosure) -> _Ends:
        shape = (len(bends.breakpoints), *x.low.shape)
        inner = np.broadcast_to(bends.breakpoints[:, None, None], shape)
        points = np.concatenate([x.low[None], np.clip(inner, x.low, x.high), x.high[None]])
        slopes, breaks = bends.slopes[:, :, None], bends.breakpoints
        values = slopes[0] * np.minimum(points - breaks[0], 0) + bends.precision.dtype(bends.start)
        for k, low in enumerate(breaks):
            segment = np.maximum(points, low) - low
            if k + 1 < len(breaks):
                segment = np.minimum(segment, breaks[k + 1] - low)
            values = values + slopes[k + 1] * segment
        reach = x.size + 4 * np.maximum(np.abs(breaks).max(), bends.precision.dtype(bends.precision.normal))
        sizes = bends.precision.sizes(slopes, reach).sum(axis=0) + abs(bends.start)
        return cls(points, values, bends.precision.margin(sizes.astype(points.dtype), 4 * len(breaks) + 8))

    def slopes(self, bends: Bends, x: Enclosure) -> list[Floats]:
        """Slopes of lines that may be good: of the pieces at both ends, and of the chord."""
        unit = np.arange(x.columns)[:, None]
        first = bends.slopes[np.searchsorted(bends.breakpoints, x.low, side="right"), unit]
        last = bends.slopes[np.searchsorted(bends.breakpoints, x.high, side="left"), unit]
        with np.errstate(all="ignore"):
            chord = (self.values[-1] - self.values[0]) / (x.high - x.low)
        return [first, last, np.where(np.isfinite(chord), chord, first)]


def periodic(op: Periodic, x: Enclosure, precision: Precision) -> Enclosure:
    """A periodic function, by its range."""
    widths = np.diff([*op.breakpoints, op.breakpoints[0] + op.period])
    values = op.value + np.concatenate([[0.0], np.cumsum(op.slopes * widths)])
    sizes = np.abs(op.slopes) @ (np.abs(widths) + 2 * np.abs(op.breakpoints).max() + op.period) + abs(op.value)
    extremes, margin = precision.near(np.array([[values.max(), values.min()]]), np.array([sizes * 2.0**-40]))
    bounds = extremes[0] + margin * np.array([1, -1], precision.dtype)
    table = np.broadcast_to(bounds[:, None, None, None], x.table.shape).copy()
    table += 0 * x.table  # what is not known stays so
    return Enclosure.of(table)
