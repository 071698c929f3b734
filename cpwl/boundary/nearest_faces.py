"""The point of a boundary nearest to a sample, in dimensions other than two: on one of the simplices of its faces.

The nearest point of a simplex is the foot of the perpendicular on the span of some of its corners. All sets of corners
are tried. What float64 makes of that need not be the nearest, but is a point of the simplex (up to a rounding), so its
distance is an upper bound; and with the step g from it to the sample u every point x of the simplex has
|u - x| >= g . (u - x) / |g| >= min over corners v of g . (u - v) / |g|: a lower bound, however thin the simplex is.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..errors import InternalError
from ..numbers.norms import norms

Floats = NDArray[np.float64]
Point = list[Fraction]

_ROUNDING = 2.0**-43
"""More than the rounding of either bound, relative to the largest coordinate C involved, for D <= 16.

With u = 2^-53: a convex combination of D corners and its distance, (3D + 4) sqrt(D) u C each; the product with a
corner's step, of at most 2 sqrt(D) C, and the quotient, (2D + 6) 2 sqrt(D) u C. All of it is less than 2^10 u C.
"""

_TINY = 2.0**-500
"""More than what underflow takes away in products of coordinates of at most 1."""


class Near:
    """For M points and n simplices, D corners (n, D, D) each, a point of each and two bounds on its distance."""

    def __init__(self, corners: Floats, u: Floats) -> None:
        # Products neither overflow nor underflow by much if the largest coordinate is about 1.
        _, exponent = np.frexp(max(np.abs(corners).max(initial=0.0), np.abs(u).max(initial=0.0)))
        corners, u = np.ldexp(corners, -exponent), np.ldexp(u, -exponent)
        points, distances = _nearest(corners, u)
        step = u[:, None] - points
        ahead = ((u[:, None, None] - corners) * step[:, :, None]).sum(axis=3).min(axis=2)
        lower = np.divide(ahead, distances, out=np.zeros_like(ahead), where=distances > 0)
        sizes = np.maximum(np.abs(u).max(axis=1)[:, None], np.abs(corners).max(axis=(1, 2)))
        error = _ROUNDING * sizes + _TINY
        self.points: Floats = np.ldexp(points, exponent)
        """(M, n, D)"""
        self.distances: Floats = np.ldexp(distances, exponent)
        """Of these points, (M, n)."""
        self.upper: Floats = np.ldexp(distances + error, exponent)
        self.lower: Floats = np.ldexp(np.maximum(np.minimum(lower, distances) - error, 0.0), exponent)


def _nearest(corners: Floats, u: Floats) -> tuple[Floats, Floats]:
    shape = (len(u), len(corners))
    best, least = np.zeros((*shape, u.shape[1])), np.full(shape, np.inf)
    for chosen in _subsets(corners.shape[1]):
        base = corners[:, chosen[0]]
        edges = corners[:, chosen[1:]] - base[:, None]
        apart = u[:, None] - base
        shares = np.einsum("mnd,ndk->mnk", apart, np.linalg.pinv(edges)) if len(chosen) > 1 else apart[:, :, :0]
        weights = np.maximum(np.concatenate([1 - shares.sum(axis=2, keepdims=True), shares], axis=2), 0)
        weights /= weights.sum(axis=2, keepdims=True)
        points = base + np.einsum("mnk,nkd->mnd", weights[:, :, 1:], edges)
        distances = norms((u[:, None] - points).reshape(-1, u.shape[1])).reshape(shape)
        better = distances < least
        best[better], least[better] = points[better], distances[better]
    return best, least


def _subsets(count: int) -> Iterator[list[int]]:
    """All non-empty sets of corners."""
    return (list(chosen) for size in range(1, count + 1) for chosen in combinations(range(count), size))


def nearest_exactly(corners: list[Point], u: Point) -> Point:
    """The point of a simplex that is nearest to u, in rationals."""
    for chosen in _subsets(len(corners)):
        foot = _foot([corners[i] for i in chosen], u)
        if foot is None:
            continue
        step = [a - b for a, b in zip(u, foot, strict=True)]
        if all(_product(step, [a - b for a, b in zip(v, foot, strict=True)]) <= 0 for v in corners):
            return foot
    raise InternalError("no point of a simplex was found to be the nearest")


def _foot(corners: list[Point], u: Point) -> Point | None:
    """The foot of the perpendicular from u on the span of corners, if it is a convex combination of them."""
    from ..numbers.integers import determinant

    base = corners[0]
    edges = [[a - b for a, b in zip(corner, base, strict=True)] for corner in corners[1:]]
    apart = [a - b for a, b in zip(u, base, strict=True)]
    gram = [[_product(a, b) for a in edges] for b in edges]
    right = [_product(a, apart) for a in edges]
    whole = determinant(gram) if gram else Fraction(1)
    if not whole:
        return None  # they span less: others of them span as much
    shares = [determinant([[*row[:k], y, *row[k + 1 :]] for row, y in zip(gram, right, strict=True)]) / whole
              for k in range(len(edges))]  # fmt: skip
    if min([*shares, 1 - sum(shares, Fraction(0))]) < 0:
        return None
    return [a + sum((s * e[i] for s, e in zip(shares, edges, strict=True)), Fraction(0)) for i, a in enumerate(base)]


def _product(a: Point, b: Point) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))
