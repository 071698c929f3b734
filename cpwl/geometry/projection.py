"""Slice coordinates of the points of a plane nearest to given ones: least squares, whatever the scale of the basis.

The coordinates are the product of the pseudoinverse, each of whose entries is the exact one rounded, and the distance
from the origin. Where a bound on the rounding errors does not show six digits, integers decide.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DomainError, NumericalRangeError
from ..numbers.rounding import nearest_quotient

_ACCURACY = 2.0**-20
_UNIT = 2.0**-53
_SMALLEST = 2.0**-1074


class Projection:
    """The map from points of the input space to slice coordinates of the nearest points origin + basis u."""

    def __init__(self, origin: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
        """``origin`` (n,), ``basis`` (n, D); raises ``DomainError`` unless its columns are linearly independent."""
        self._origin = origin
        entries, self._scale = _integers(basis.ravel().tolist())
        self._rows = [entries[i :: basis.shape[1]] for i in range(basis.shape[1])]
        products = [[_dot(a, b) for b in self._rows] for a in self._rows]
        inverse, denominator = _inverse(products)
        self._inverse = [[x * self._scale for x in row] for row in inverse]
        self._denominator = denominator
        columns = list(zip(*self._rows, strict=True))
        self._weights = np.array(
            [[nearest_quotient(_dot(row, c), denominator) for c in columns] for row in self._inverse]
        )

    def __call__(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Coordinates (M, D) for points (M, n) of float64 or Fractions, each within 2^-20 of itself of the exact one.

        Nearly always they are better by far. Those of Fractions are rounded once.
        """
        if points.dtype == object:
            return np.array([self._exactly(row) for row in points]).reshape(len(points), -1)
        coordinates, sure = self._in_floats(points)
        for i in np.flatnonzero(~sure.all(axis=1)):
            coordinates[i] = self._exactly(points[i])
        return coordinates

    def _in_floats(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Coordinates in float64, and whether they are within the bound: each term is rounded three times at most.

        Sums in any order of n terms are off by n units of the sum of their sizes (Higham 2002, 3.5); a product or a
        weight that underflows by half the smallest number.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            offsets = points - self._origin
            sizes = np.abs(offsets)
            coordinates = offsets @ self._weights.T
            lost = _SMALLEST * (len(self._origin) + sizes.sum(axis=1, keepdims=True))
            errors = 2 * _UNIT * (len(self._origin) + 8) * (sizes @ np.abs(self._weights).T) + 2 * lost
            return coordinates, np.isfinite(coordinates) & (errors <= _ACCURACY * np.abs(coordinates))

    def _exactly(self, point: NDArray[Any]) -> list[float]:
        entries, scale = _integers(point.tolist())
        origin, shift = _integers(self._origin.tolist())
        offsets = [x * shift - y * scale for x, y in zip(entries, origin, strict=True)]
        products = [_dot(row, offsets) for row in self._rows]
        quotients = [nearest_quotient(_dot(row, products), self._denominator * scale * shift) for row in self._inverse]
        if not np.isfinite(quotients).all():
            raise NumericalRangeError("slice coordinates overflow float64: x is too far away for this basis.")
        return quotients


def _integers(values: list[Any]) -> tuple[list[int], int]:
    """Integers n and the least integer s > 0 with values = n / s."""
    ratios = [x.as_integer_ratio() for x in values]
    scale = lcm(*{q for _, q in ratios})
    return [p * (scale // q) for p, q in ratios], scale


def _dot(a: Any, b: Any) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _inverse(matrix: list[list[int]]) -> tuple[list[list[int]], int]:
    """The inverse of a symmetric positive definite matrix of integers, as integers and their common denominator."""
    size = len(matrix)
    rows = [[Fraction(x) for x in row] + [Fraction(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i, pivot in enumerate(rows):
        if not pivot[i]:
            raise DomainError("basis must have linearly independent columns.")
        pivot[:] = [x / pivot[i] for x in pivot]
        for row in rows[:i] + rows[i + 1 :]:
            factor = row[i]
            row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
    entries, denominator = _integers([x for row in rows for x in row[size:]])
    return [entries[i * size : (i + 1) * size] for i in range(size)], denominator
