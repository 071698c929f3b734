"""Bounded convex polytopes with float64 vertices, that is, with rational ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DomainError, ShapeError, UnsupportedDimensionError
from ..numbers.rounding import nearest
from ..runtime.ieee import ieee
from ..runtime.inputs import finite

MAX_BOX_DIMENSION = 16
"""A box is given by its 2^D corners; above this dimension a box of the input space is not low-dimensional."""


@ieee
@dataclass(frozen=True, eq=False)
class Polytope:
    """A convex polytope of dimension D with non-empty interior, the hull of its vertices, float64 (N, D).

    When D = 2 the vertices are in strictly convex position, counter-clockwise.
    """

    vertices: NDArray[np.float64]

    @property
    def dim(self) -> int:
        """The dimension D."""
        return int(self.vertices.shape[1])

    @cached_property
    def volume(self) -> float:
        """The volume (length, area, ...) in float64 (maybe infinite): rounded once for D at most 2, else by qhull."""
        if self.dim <= 2:
            return nearest(self.exact_volume)
        from scipy.spatial import ConvexHull

        _, exponents = np.frexp(np.abs(self.vertices).max(axis=0))
        volume = ConvexHull(np.ldexp(self.vertices, -exponents)).volume
        with np.errstate(over="ignore"):
            return float(np.ldexp(volume, exponents.sum()))

    @cached_property
    def corners(self) -> list[tuple[Fraction, ...]]:
        """The vertices as rationals."""
        return [tuple(map(Fraction, vertex)) for vertex in self.vertices.tolist()]

    @cached_property
    def sides(self) -> list[tuple[Fraction, Fraction, Fraction]]:
        """The sides of a polygon as rows (a, b, c), a x + b y + c >= 0 inside; side i starts at vertex i."""
        ends = zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
        return [(p[1] - q[1], q[0] - p[0], _cross(p, q)) for p, q in ends]

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point lies in the closed polygon."""
        return all(a * point[0] + b * point[1] + c >= 0 for a, b, c in self.sides)

    @cached_property
    def exact_volume(self) -> Fraction:
        """The volume as a rational; D at most 2."""
        points = self.corners
        if self.dim == 1:
            return abs(points[1][0] - points[0][0])
        if self.dim == 2:
            return sum((_cross(p, q) for p, q in zip(points, points[1:] + points[:1], strict=True)), Fraction(0)) / 2
        raise UnsupportedDimensionError(
            f"exact volumes are for dimension 1 and 2, this polytope has dimension {self.dim}."
        )

    @classmethod
    def box(cls, lo: ArrayLike, hi: ArrayLike) -> Polytope:
        """The box lo <= u <= hi; ``lo`` and ``hi`` have shape (D,) (scalars count as D = 1)."""
        low, high = np.atleast_1d(finite("lo", lo)), np.atleast_1d(finite("hi", hi))
        if low.ndim != 1 or low.shape != high.shape:
            raise ShapeError(
                f"lo and hi must be vectors of one length, got shapes {low.shape} and {high.shape}. "
                "Give one lower and one upper bound for each coordinate."
            )
        if len(low) > MAX_BOX_DIMENSION:
            raise DomainError(
                f"lo and hi have {len(low)} coordinates; a box domain has at most {MAX_BOX_DIMENSION}. "
                "Take a 2-D slice instead, with Domain.through or Domain.polygon."
            )
        flat = np.flatnonzero(low >= high)
        if len(flat):
            i = int(flat[0])
            raise DomainError(f"lo must be below hi in every coordinate; coordinate {i} has lo {low[i]}, hi {high[i]}.")
        if len(low) == 2:
            return cls(np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]]))
        corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij"))
        return cls(corners.reshape(len(low), -1).T.copy())

    @classmethod
    def polygon(cls, vertices: ArrayLike) -> Polytope:
        """The convex polygon with the given corners (N, 2), listed along its boundary in either direction.

        Corners at which the boundary does not turn are dropped. Convexity is decided exactly.
        """
        corners = finite("vertices", vertices)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ShapeError(f"vertices must have shape (N, 2) with N >= 3, got {corners.shape}.")
        points = [[Fraction(x) for x in corner] for corner in corners.tolist()]
        kept = _turning(points)
        if len(kept) < 3:
            raise DomainError("vertices span no area: all of them lie on one line. Give a polygon with an interior.")
        turns = [_turn(points, *triple) for triple in _triples(kept)]
        if turns[0] < 0:
            kept = kept[::-1]
            turns = [-turn for turn in turns]
        cycle = [points[i] for i in kept]
        steps = ((q[0] - p[0], q[1] - p[1]) for p, q in zip(cycle, cycle[1:] + cycle[:1], strict=True))
        if min(turns) < 0 or not winds_once(steps):
            raise DomainError(
                "vertices must go once around a convex polygon, in order; "
                "the boundary given turns both ways or crosses itself."
            )
        return cls(corners[kept])


def _cross(p: Sequence[Fraction], q: Sequence[Fraction]) -> Fraction:
    return p[0] * q[1] - p[1] * q[0]


def _turn(points: list[list[Fraction]], i: int, j: int, k: int) -> int:
    a, b, c = points[i], points[j], points[k]
    value = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    return (value > 0) - (value < 0)


def _triples(cycle: list[int]) -> Any:
    return zip(cycle[-1:] + cycle[:-1], cycle, cycle[1:] + cycle[:1], strict=True)


def _turning(points: list[list[Fraction]]) -> list[int]:
    """The corners of a closed polyline that are neither repeated nor on the line through their neighbours."""
    cycle = list(range(len(points)))
    while len(cycle) >= 3:
        kept = [j for i, j, k in _triples(cycle) if _turn(points, i, j, k) != 0]
        if len(kept) == len(cycle):
            return cycle
        cycle = _without_one_flat_corner(points, cycle)
    return cycle


def _without_one_flat_corner(points: list[list[Fraction]], cycle: list[int]) -> list[int]:
    flat = next(j for i, j, k in _triples(cycle) if _turn(points, i, j, k) == 0)
    return [j for j in cycle if j != flat]


def winds_once(steps: Iterable[tuple[Any, Any]]) -> bool:
    """Whether the sides (dx, dy) of a polygon that only turns left go around once: enter the upper half plane once.

    Of dx and dy only the signs matter.
    """
    upper = [dy > 0 or (dy == 0 and dx > 0) for dx, dy in steps]
    return bool(sum(now and not before for before, now in zip(upper[-1:] + upper[:-1], upper, strict=True)) == 1)
