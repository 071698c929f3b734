"""Point location among polygons with shared float64 vertices: those of these coordinates, or those that they stand for.

The regions whose bounding boxes hold a point are found by a grid (``geometry/boxes.py``). Among these it is located by
the sides of the edges on which it lies. For the polygons as they are stored a ray to the right is followed, and sides
that an error bound leaves open are found in rational arithmetic. Of the convex polygons whose vertices are known up to
a bound, those on whose border the point may lie are left to whoever knows them exactly (proofs/, Lemma 12).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....arrays.ragged import Ragged
from ....geometry.boxes import Boxes
from ....geometry.ladder import Rung, climb
from ..fields.field import UNIT

_UP = 1 + 2.0**-20
"""Covers the rounding of a bound's own evaluation."""

Contains = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""Whether region r[i] contains point p[i]: called with p and r."""

_TINY = 2.0**-1000
"""More than all that underflow takes away."""

_TURN_BOUND = 4 * 2.0**-53
"""Relative error of a 2 x 2 determinant of differences: (3 + 16 u) u (Shewchuk 1997, ccwerrboundA), rounded up."""


class Locator:
    """Regions by the boxes around them."""

    def __init__(self, vertices: NDArray[np.float64], regions: Ragged, errors: NDArray[np.float64]) -> None:
        """``errors``: bounds on the distances of the vertices from the exact ones."""
        self._vertices, self._regions, self._errors = vertices, regions, errors
        low, high = (np.nextafter(vertices + sign * errors[:, None], sign * np.inf) for sign in (-1, 1))
        self._boxes = Boxes(
            regions.reduce(np.minimum, low[regions.values]), regions.reduce(np.maximum, high[regions.values])
        )

    def locate(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """The lowest index of a region that contains each point (M, 2), -1 outside."""
        point, region = self._boxes.holding(points)
        inside = self._contains(points, point, region)
        return self._lowest(len(points), point[inside], region[inside])

    def locate_exactly(self, points: NDArray[np.float64], decide: Contains, *, rounded: bool) -> NDArray[np.int64]:
        """The same for the exact regions, which ``decide`` knows; ``rounded``: points are within an ulp of theirs."""
        moved = 2 * UNIT * np.abs(points).sum(axis=1) + _TINY if rounded else np.zeros(len(points))
        point, region = self._boxes.holding(points)
        inside = np.zeros(len(point), np.bool_)

        def by_bounds(some: NDArray[np.int64]) -> NDArray[np.bool_]:
            with np.errstate(over="ignore", invalid="ignore"):  # what has overflowed is not sure
                sure, inside[some] = self._surely(points, moved, point[some], region[some])
            return ~sure

        def by_walls(some: NDArray[np.int64]) -> NDArray[np.bool_]:
            inside[some] = decide(point[some], region[some])
            return np.zeros(len(some), np.bool_)

        climb([Rung("float64", by_bounds), Rung("long number", by_walls)], len(point))
        return self._lowest(len(points), point[inside], region[inside])

    def _lowest(self, count: int, point: NDArray[np.int64], region: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lowest region of each of ``count`` points, -1 for none."""
        lowest = np.full(count, len(self._regions), np.int64)
        np.minimum.at(lowest, point, region)
        lowest[lowest == len(self._regions)] = -1
        return lowest

    def _surely(
        self,
        points: NDArray[np.float64],
        moved: NDArray[np.float64],
        point: NDArray[np.int64],
        region: NDArray[np.int64],
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For each pair whether it is sure, and whether the exact region contains the exact point if it is."""
        cycles = self._regions.take(region)
        pair, here, following = cycles.row_of, cycles.values, cycles.values[cycles.successor]
        at = points[point][pair]
        start, end = self._vertices[here] - at, self._vertices[following] - at
        left, right = start[:, 0] * end[:, 1], start[:, 1] * end[:, 0]
        error = [self._errors[part] + moved[point][pair] for part in (here, following)]
        sizes = [np.abs(part).sum(axis=1) for part in (start, end)]
        margin = error[0] * sizes[1] + error[1] * sizes[0] + error[0] * error[1]
        margin = (margin + _TURN_BOUND * (np.abs(left) + np.abs(right)) + _TINY) * _UP
        lowest = cycles.reduce(np.minimum, np.where(np.abs(left - right) > margin, np.sign(left - right), 0))
        return lowest != 0, lowest > 0

    def _contains(
        self, points: NDArray[np.float64], point: NDArray[np.int64], region: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether the closed region contains the point, for each pair."""
        cycles = self._regions.take(region)
        pair = cycles.row_of
        start, end = self._vertices[cycles.values], self._vertices[cycles.values[cycles.successor]]
        here = points[point][pair]
        turn = _turns(start, end, here)
        between = (np.minimum(start, end) <= here).all(axis=1) & (here <= np.maximum(start, end)).all(axis=1)
        y = here[:, 1]
        upward, downward = (start[:, 1] <= y) & (y < end[:, 1]), (end[:, 1] <= y) & (y < start[:, 1])
        winding = (upward & (turn > 0)).astype(np.int64) - (downward & (turn < 0))
        on_edge = (turn == 0) & between
        count = np.bincount(pair, winding, minlength=len(region))
        touched = np.bincount(pair, on_edge, minlength=len(region)) > 0
        return np.asarray((count != 0) | touched)


def _turns(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.int64]:
    """The sign of the turn a -> b -> c for each row, exact."""
    left = (a[:, 0] - c[:, 0]) * (b[:, 1] - c[:, 1])
    right = (a[:, 1] - c[:, 1]) * (b[:, 0] - c[:, 0])
    turn = left - right
    signs = np.sign(turn).astype(np.int64)
    size = np.abs(left) + np.abs(right)
    # Below the smallest normal number products lose bits: such turns are decided exactly as well.
    for i in np.flatnonzero((np.abs(turn) <= _TURN_BOUND * size) | (size < np.finfo(float).tiny * 2.0**60)):
        signs[i] = _exact_turn(*(tuple(map(Fraction, p[i].tolist())) for p in (a, b, c)))
    return signs


def rational(points: NDArray[Any]) -> NDArray[Any]:
    """The same numbers as Fractions."""
    flat = [Fraction(x) for x in points.ravel().tolist()]
    fractions = np.empty(len(flat), object)
    fractions[:] = flat
    return fractions.reshape(points.shape)


def _exact_turn(a: tuple[Fraction, ...], b: tuple[Fraction, ...], c: tuple[Fraction, ...]) -> int:
    turn = (a[0] - c[0]) * (b[1] - c[1]) - (a[1] - c[1]) * (b[0] - c[0])
    return (turn > 0) - (turn < 0)
