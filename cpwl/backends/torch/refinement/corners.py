"""What exact lines say of the corners of regions: coordinates, areas, and which regions a point lies in (Lemma 12).

Each is computed from lines that are known closely, in more and more digits, and from integers where that leaves it
open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....arrays.ragged import Ragged
from ....fields.close_values import cross, dot
from ....geometry.arrangement import ExactWalls, Form
from ....numbers.double_double import Balls
from ....numbers.rounding import rounded
from ....runtime.budget import checkpoint
from ..fields.field import UNIT
from .decide import intersection

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

_PARTS = 1, 2, 3, 5, 8
"""Parts of the numbers in which lines are computed, one attempt after the other."""

_BLOCK = 1 << 14
"""Items at a time: the patterns of their regions are held."""

_SURE = 2.0**-10 * UNIT
"""A coordinate must be known as closely as this, relative to itself; or as ``_FLOOR``."""

_FLOOR = 2.0**-65
"""Relative to the largest coordinate."""


@dataclass(frozen=True, eq=False)
class Corners:
    """Items, each with consecutive lines around a region (the last two, or all of them, meet in corners)."""

    source: ExactWalls
    region: Rows
    lines: Ragged

    def decide(
        self, closely: Callable[[Rows, Ragged, Balls], NDArray[np.bool_]], exactly: Callable[[int, list[Form]], None]
    ) -> None:
        """Calls ``closely`` with items, their lines and these functions, until it is sure; then ``exactly``."""
        order = np.argsort(self.region, kind="stable")
        for start in range(0, len(order), _BLOCK):
            left = order[start : start + _BLOCK]
            for parts in _PARTS:
                lines = self.lines.take(left)
                with np.errstate(invalid="ignore", over="ignore"):
                    left = left[~closely(left, lines, self._closely(left, lines, parts))]
                if not len(left):
                    break
            self._decide_exactly(left, exactly)

    def _closely(self, items: Rows, lines: Ragged, parts: int) -> Balls:
        names, first, which = np.unique(lines.values, return_index=True, return_inverse=True)
        return self.source.closely(self.region[items[lines.row_of[first]]], names, parts).scaled()[which]

    def _decide_exactly(self, items: Rows, exactly: Callable[[int, list[Form]], None]) -> None:
        if not len(items):
            return
        lines = self.lines.take(items)
        names, first, which = np.unique(lines.values, return_index=True, return_inverse=True)
        forms = self.source.forms(self.region[items[lines.row_of[first]]], names)
        for k, item in enumerate(items.tolist()):
            checkpoint()
            exactly(item, [forms[i] for i in which[lines.offsets[k] : lines.offsets[k + 1]]])


def coordinates(corners: Corners, accuracy: float, largest: float) -> tuple[Floats, Floats]:
    """Where the two lines of each item meet, (n, 2), and a bound for each coordinate.

    A coordinate is off by at most 0.501 ulps plus the larger of 2^-63 times ``largest`` and half the ``accuracy`` times
    the point's distance from the origin.
    """
    points, errors = np.zeros((2, len(corners.region), 2))

    def closely(items: Rows, lines: Ragged, functions: Balls) -> NDArray[np.bool_]:
        found = _place(cross(functions[::2], functions[1::2]))
        value = np.where(np.abs(found.high) <= found.radius, 0.0, found.high)
        error = np.abs(found.high - value) + np.abs(found.low) + found.radius
        far = np.hypot(found.high[:, :1], found.high[:, 1:])
        known = found.radius <= np.maximum(_SURE * np.abs(found.high), np.maximum(_FLOOR * largest, accuracy / 4 * far))
        sure = np.asarray(known.all(axis=1))
        points[items[sure]], errors[items[sure]] = value[sure], error[sure]
        return sure

    def exactly(item: int, forms: list[Form]) -> None:
        points[item], errors[item] = zip(*map(rounded, _corner(*forms)), strict=True)

    corners.decide(closely, exactly)
    return points, errors


def areas(corners: Corners, accuracy: float) -> tuple[Floats, Floats]:
    """The area of each region, whose lines are given in order, up to ``accuracy`` times itself; and its bound."""
    found, errors = np.zeros((2, len(corners.region)))

    def closely(items: Rows, lines: Ragged, functions: Balls) -> NDArray[np.bool_]:
        area = _area(_place(cross(functions[_predecessor(lines)], functions)), lines)
        error = np.abs(area.low) + area.radius
        sure = np.asarray(error <= accuracy * (1 - 2.0**-40) * (area.high - error))
        found[items[sure]], errors[items[sure]] = area.high[sure], error[sure]
        return sure

    def exactly(item: int, forms: list[Form]) -> None:
        points = [_corner(p, q) for p, q in zip(forms[-1:] + forms[:-1], forms, strict=True)]
        pairs = zip(points, points[1:] + points[:1], strict=True)
        twice = sum((x * v - u * y for (x, y), (u, v) in pairs), Fraction(0))
        found[item], errors[item] = rounded(twice / 2)

    corners.decide(closely, exactly)
    return found, errors


def contains(corners: Corners, points: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each region, whose lines are given in order, contains a point: points (n, 2), Fractions."""
    found = np.zeros(len(corners.region), np.bool_)
    one = Balls.of_fractions([Fraction(1)] * len(points)).reshaped(-1, 1)
    x, y = (Balls.of_fractions(points[:, k].tolist()).reshaped(-1, 1) for k in (0, 1))
    homogeneous = Balls(*(np.concatenate([getattr(part, n) for part in (x, y, one)], axis=1) for n in _FIELDS))

    def closely(items: Rows, lines: Ragged, functions: Balls) -> NDArray[np.bool_]:
        signs = dot(functions, homogeneous[items[lines.row_of]].scaled()).signs()
        inner = _inner_signs(functions, lines)
        lowest = lines.reduce(np.minimum, signs * inner)
        outside, inside = lowest < 0, lowest > 0
        found[items[inside]] = True
        return np.asarray(outside | inside)

    def exactly(item: int, forms: list[Form]) -> None:
        place = _common(*points[item])
        following = forms[1:] + forms[:1]
        opposite = [intersection(*pair) for pair in zip(following, following[1:] + following[:1], strict=True)]
        found[item] = all(
            _at(form, place) * _at(form, corner) >= 0 for form, corner in zip(forms, opposite, strict=True)
        )

    corners.decide(closely, exactly)
    return found


_FIELDS = "high", "low", "radius"


def _place(points: Balls) -> Balls:
    """The coordinates (n, 2) of homogeneous points (n, 3)."""
    points = points.scaled()
    return points[:, :2] / points[:, [2, 2]]


def _area(points: Balls, polygons: Ragged) -> Balls:
    """Areas of polygons of two corners or more, about the first corner of each: a sum of triangles."""
    first = polygons.offsets[:-1]
    total = Balls(*np.zeros((3, len(polygons))))
    for k in range(2, int(polygons.counts.max())):
        there = np.flatnonzero(polygons.counts > k)
        base = points[first[there]]
        one, other = points[first[there] + k - 1] - base, points[first[there] + k] - base
        triangle = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
        total.put(there, total[there] + triangle)
    return Balls(total.high / 2, total.low / 2, total.radius / 2)


def _inner_signs(functions: Balls, polygons: Ragged) -> NDArray[np.int8]:
    """The signs of the functions inside their polygons, where certain: that at the corner after their side's end."""
    following = polygons.successor
    corner = cross(functions[following], functions[following[following]]).scaled()
    return np.asarray(dot(functions, corner).signs() * corner[:, 2].signs())


def _predecessor(polygons: Ragged) -> Rows:
    before = np.empty(len(polygons.values), np.int64)
    before[polygons.successor] = np.arange(len(before))
    return before


def _corner(p: Form, q: Form) -> tuple[Fraction, Fraction]:
    x, y, w = intersection(p, q)
    return Fraction(int(x), int(w)), Fraction(int(y), int(w))


def _common(x: Fraction, y: Fraction) -> tuple[int, int, int]:
    """A point in homogeneous integers."""
    return x.numerator * y.denominator, y.numerator * x.denominator, x.denominator * y.denominator


def _at(form: Form, point: Sequence[Any]) -> Any:
    return form[0] * point[0] + form[1] * point[1] + form[2] * point[2]
