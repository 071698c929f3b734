"""Point location among polygons with shared float64 vertices, decided exactly for those coordinates.

A uniform grid lists the regions whose bounding boxes meet each of its squares. Among these candidates a point is
located by counting the edges that a ray to the right crosses; on which side of an edge the point lies is decided in
floating point where an error bound allows it, and in rational arithmetic otherwise.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ...ragged import Ragged

_TURN_BOUND = 4 * 2.0**-53
"""Relative error of a 2 x 2 determinant of differences: (3 + 16 u) u (Shewchuk 1997, ccwerrboundA), rounded up."""


class Locator:
    """Regions by the squares of a grid."""

    def __init__(self, vertices: NDArray[np.float64], regions: Ragged) -> None:
        self._vertices, self._regions = vertices, regions
        corners = vertices[regions.values]
        self._low, self._high = regions.reduce(np.minimum, corners), regions.reduce(np.maximum, corners)
        self._origin = self._low.min(axis=0)
        extent = np.maximum(self._high.max(axis=0) - self._origin, np.finfo(float).tiny)
        self._side = max(1, int(np.sqrt(len(regions))))
        self._scale = self._side / extent
        self._square, self._members = self._grid()

    def locate(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """The lowest index of a region that contains each point (M, 2), -1 outside."""
        found = np.full(len(points), len(self._regions), np.int64)
        point, region = self._candidates(points)
        inside = self._contains(points, point, region)
        np.minimum.at(found, point[inside], region[inside])
        found[found == len(self._regions)] = -1
        return found

    def _squares(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Grid squares (M, 2); monotone in the coordinates, so that a box's squares cover its points'."""
        squares = np.clip((points - self._origin) * self._scale, 0, self._side - 1)
        return np.asarray(squares.astype(np.int64))

    def _grid(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each square's list begins, and the lists of regions, one after the other."""
        first, last = self._squares(self._low), self._squares(self._high)
        width, height = (last - first + 1).T
        region = np.repeat(np.arange(len(self._regions)), width * height)
        rank = np.arange(len(region)) - np.repeat(np.cumsum(width * height) - width * height, width * height)
        column, row = first[region, 0] + rank % width[region], first[region, 1] + rank // width[region]
        square = row * self._side + column
        order = np.argsort(square, kind="stable")
        return np.searchsorted(square[order], np.arange(self._side**2 + 1)), region[order]

    def _candidates(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (point, region) in which the point lies in the region's bounding box."""
        square = self._squares(points) @ np.array([1, self._side])
        lists = Ragged.from_counts(self._members, np.diff(self._square)).take(square)
        point, region = lists.row_of, lists.values
        inside = ((points[point] >= self._low[region]) & (points[point] <= self._high[region])).all(axis=1)
        return point[inside], region[inside]

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


def _exact_turn(a: tuple[Fraction, ...], b: tuple[Fraction, ...], c: tuple[Fraction, ...]) -> int:
    turn = (a[0] - c[0]) * (b[1] - c[1]) - (a[1] - c[1]) * (b[0] - c[0])
    return (turn > 0) - (turn < 0)
