"""What exact lines say of the corners of regions: coordinates, areas, and which regions a point lies in (Lemma 12).

Each is computed from lines that are known closely, in more and more digits, and from integers where that leaves it
open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....arrays.ragged import Ragged
from ....geometry.arrangement import ExactWalls
from ....geometry.ladder import INTEGERS, Rung, climb, dot, meeting
from ....numbers.double_double import Balls
from ....numbers.exact import Exact, Numbers
from ..fields.field import UNIT

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

Predicate = Callable[[Rows, Ragged, Any], NDArray[np.bool_]]
"""Of items, their lines, and the functions of these (``Balls`` or ``Exact``), those that are open; notes the others."""

_PARTS = 1, 2, 3, 5, 8
"""Parts of the numbers in which lines are computed, one attempt after the other."""

_FINE = 2.0**-32
"""Coordinates that are to be known as closely as this are hardly ever known from numbers of one part."""

_BLOCK = 1 << 14
"""Items at a time: the patterns of their regions are held."""

SURE = 2.0**-10 * UNIT
"""A coordinate must be known as closely as this, relative to itself; or as ``FLOOR``."""

FLOOR = 2.0**-65
"""Relative to the largest coordinate."""


@dataclass(frozen=True, eq=False)
class Corners:
    """Items, each with consecutive lines around a region (the last two, or all of them, meet in corners)."""

    source: ExactWalls
    region: Rows
    lines: Ragged

    def decide(self, predicate: Predicate, fewest: int = 1) -> None:
        """Asks for items until nothing is open, of numbers of so many parts and more, and then of integers."""
        order = np.argsort(self.region, kind="stable")
        for start in range(0, len(order), _BLOCK):
            items = order[start : start + _BLOCK]
            rungs = [
                Rung("long number", partial(self._ask, predicate, items, parts), sampled=parts == 1)
                for parts in _PARTS
                if parts >= fewest
            ]
            climb([*rungs, Rung("integer", partial(self._ask, predicate, items, INTEGERS))], len(items))

    def _ask(self, predicate: Predicate, items: Rows, parts: int, some: Rows) -> NDArray[np.bool_]:
        lines = self.lines.take(items[some])
        names, first, which = np.unique(lines.values, return_index=True, return_inverse=True)
        functions = self.source(self.region[items[some]][lines.row_of[first]], names, parts).scaled()[which]
        with np.errstate(invalid="ignore", over="ignore"):
            return predicate(items[some], lines, functions)


def coordinates(corners: Corners, accuracy: float, largest: float) -> tuple[Floats, Floats]:
    """Where the D walls of each item meet, (n, D), and a bound for each coordinate.

    A coordinate is off by at most 0.501 ulps plus the larger of 2^-63 times ``largest`` and half the ``accuracy`` times
    the point's distance from the origin.
    """
    dim = len(corners.lines.values) // max(len(corners.region), 1)
    points, errors = np.zeros((2, len(corners.region), dim))

    def predicate(items: Rows, lines: Ragged, functions: Numbers) -> NDArray[np.bool_]:
        place = _place(meeting([functions[k::dim] for k in range(dim)]))
        value, error = place.rounded()
        known = np.ones(value.shape, np.bool_)
        if isinstance(place, Balls):
            far = np.hypot.reduce(np.abs(value), axis=1, keepdims=True)
            enough = np.maximum(SURE * np.abs(value), np.maximum(FLOOR * largest, accuracy / 4 * far))
            known = place.radius <= enough
            shown = np.where(np.abs(value) <= place.radius, 0.0, value)
            value, error = shown, error + np.abs(value - shown)
        sure = known.all(axis=1)
        points[items[sure]], errors[items[sure]] = value[sure], error[sure]
        return np.asarray(~sure)

    corners.decide(predicate, 2 if accuracy < _FINE else 1)
    return points, errors


def areas(corners: Corners, accuracy: float) -> tuple[Floats, Floats]:
    """The area of each region, whose lines are given in order, up to ``accuracy`` times itself; and its bound."""
    areas, errors = np.zeros((2, len(corners.region)))

    def predicate(items: Rows, lines: Ragged, functions: Numbers) -> NDArray[np.bool_]:
        corner = _place(meeting([functions[_predecessor(lines)], functions]))
        area, error = _area(corner, lines).rounded()
        sure = (error <= accuracy * (1 - 2.0**-40) * (area - error)) | corner.certain
        areas[items[sure]], errors[items[sure]] = area[sure], error[sure]
        return np.asarray(~sure)

    corners.decide(predicate)
    return areas, errors


def contains(corners: Corners, points: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each region, whose lines are given in order, contains a point: points (n, 2), Fractions."""
    inside = np.zeros(len(corners.region), np.bool_)
    closely = _closely(points)

    def predicate(items: Rows, lines: Ragged, functions: Numbers) -> NDArray[np.bool_]:
        at: Any = _exactly(points[items]) if functions.certain else closely[items]
        signs = dot(functions, at[lines.row_of].scaled()).signs()
        lowest = lines.reduce(np.minimum, signs * _inner_signs(functions, lines))
        inside[items] = (lowest > 0) | (functions.certain & (lowest == 0))
        return np.asarray((lowest == 0) & (not functions.certain))

    corners.decide(predicate)
    return inside


def _closely(points: NDArray[Any]) -> Balls:
    """Points (n, 2) in homogeneous coordinates, (n, 3)."""
    rows = [Fraction(x) for point in points.tolist() for x in (*point, 1)]
    return Balls.of_fractions(rows).reshaped(-1, 3)


def _exactly(points: NDArray[Any]) -> Exact:
    """The same in integers."""
    rows = []
    for x, y in points.tolist():
        rows.append((x.numerator * y.denominator, y.numerator * x.denominator, x.denominator * y.denominator))
    return Exact.of(rows, 3)


def _place(points: Numbers) -> Numbers:
    """The coordinates (n, D) of homogeneous points (n, D + 1)."""
    points, dim = points.scaled(), points.shape[1] - 1
    return points[:, :dim] / points[:, [dim] * dim]


def _area(points: Numbers, polygons: Ragged) -> Numbers:
    """Areas of polygons of two corners or more, about the first corner of each: a sum of triangles."""
    first = polygons.offsets[:-1]
    total = points.zeros((len(polygons),))
    for k in range(2, int(polygons.counts.max())):
        there = np.flatnonzero(polygons.counts > k)
        base = points[first[there]]
        start, end = points[first[there] + k - 1] - base, points[first[there] + k] - base
        triangle = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
        total.put(there, total[there] + triangle)
    return total.halved()


def _inner_signs(functions: Numbers, polygons: Ragged) -> NDArray[np.int8]:
    """The signs of the functions inside their polygons, where certain: that at the corner after their side's end."""
    following = polygons.successor
    corner = meeting([functions[following], functions[following[following]]]).scaled()
    return np.asarray(dot(functions, corner).signs() * corner[:, 2].signs())


def _predecessor(polygons: Ragged) -> Rows:
    before = np.empty(len(polygons.values), np.int64)
    before[polygons.successor] = np.arange(len(before))
    return before
