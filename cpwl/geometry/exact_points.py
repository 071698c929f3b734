"""Points of the plane in primitive homogeneous integer coordinates (x, y, w), w > 0: equal points are equal triples."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ..numbers.integers import Integer, content, ratio_sum, rational
from ..numbers.rounding import nearest_quotient

Point = tuple[Integer, Integer, Integer]


def primitive(x: Integer, y: Integer, w: Integer) -> Point:
    """The point (x / w, y / w); w > 0."""
    divisor = content(w, (x, y))
    return x // divisor, y // divisor, w // divisor


def point(coordinates: Sequence[Any]) -> Point:
    """The point with two rational coordinates (floats, integers or Fractions) or three homogeneous integers (w > 0)."""
    if len(coordinates) == 3:
        x, y, w = (Integer(int(c)) for c in coordinates)
        return primitive(x, y, w)
    (x, p), (y, q) = (rational(c) for c in coordinates)
    return primitive(x * q, y * p, p * q)


def between(first: Point, second: Point, shares: tuple[Integer, Integer]) -> Point:
    """The point (s * first + t * second) / (s + t), for shares (s, t) > 0."""
    s, t = shares[0] * second[2], shares[1] * first[2]
    x, y, w = (s * a + t * b for a, b in zip(first, second, strict=True))
    return primitive(x, y, w)


def turn(p: Point, q: Point, r: Point) -> Integer:
    """A number with the sign of the turn p, q, r: positive to the left; it is twice the area times all three w."""
    return p[0] * (q[1] * r[2] - q[2] * r[1]) - p[1] * (q[0] * r[2] - q[2] * r[0]) + p[2] * (q[0] * r[1] - q[1] * r[0])


def area(polygon: Sequence[Point]) -> Fraction:
    """The signed area of a polygon, as a fan of triangles at its first corner."""
    hub = polygon[0]
    terms = [(turn(hub, p, q), 2 * hub[2] * p[2] * q[2]) for p, q in pairwise(polygon[1:])]
    return ratio_sum(terms)


def contains(polygon: Sequence[Point], q: Point) -> bool:
    """Whether a convex counter-clockwise polygon, boundary included, contains the point."""
    return all(turn(polygon[i - 1], polygon[i], q) >= 0 for i in range(len(polygon)))


def rounded(p: Point) -> tuple[float, float]:
    """The coordinates, each rounded to the nearest float64 (to infinity when too large): a monotone function."""
    return nearest_quotient(int(p[0]), int(p[2])), nearest_quotient(int(p[1]), int(p[2]))
