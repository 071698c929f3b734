"""Lines and polygons of the plane in homogeneous integers."""

from __future__ import annotations

from ..numbers.integers import Integer, content
from .exact_points import Point, point, primitive
from .polytope import Polytope

Line = tuple[Integer, Integer, Integer]
"""(a, b, c), without a common factor: the points with a x + b y + c = 0."""
Polygon = tuple[Point, ...]


def line(a: Integer, b: Integer, c: Integer) -> Line:
    """The line a x + b y + c = 0."""
    divisor = content(a, (b, c))
    return a // divisor, b // divisor, c // divisor


def at(line: Line, p: Point) -> Integer:
    """A number with the sign of a x + b y + c at a point."""
    return line[0] * p[0] + line[1] * p[1] + line[2] * p[2]


def domain_lines(polytope: Polytope) -> list[Line]:
    """The lines of a polygon's sides, positive inside; side i starts at vertex i."""
    corners = [point(corner) for corner in polytope.vertices.tolist()]
    return [line(*_cross(p, q)) for p, q in zip(corners, corners[1:] + corners[:1], strict=True)]


def polygon_of(sides: list[Line | None]) -> Polygon | None:
    """The polygon with the given consecutive sides (two on one line make no corner); None if they name none."""
    corners = []
    for first, second in zip(sides[-1:] + sides[:-1], sides, strict=True):
        if first is None or second is None:
            return None
        x, y, w = _cross(first, second)
        if w:
            corners.append(primitive(x, y, w) if w > 0 else primitive(-x, -y, -w))
        elif x or y:
            return None
    return tuple(corners) or None


def _cross(p: tuple[Integer, Integer, Integer], q: tuple[Integer, Integer, Integer]) -> Line:
    """The line through two points, or the point on two lines, up to a factor."""
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
