"""Exact fields: rows of integers over one positive denominator each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numbers.integers import (
    Integer,
    Integers,
    array,
    common_multiple,
    common_scale,
    content,
    fractions,
    matrix,
    signs,
)

Row = tuple[list[Integer], Integer]
"""Numerators and denominator of one row."""


@dataclass(frozen=True, eq=False)
class ExactField:
    """K functions by their exact values at V vertices (or points, or tangents): value = numerator / denominator."""

    numerators: Integers
    """Integers (V, K)."""
    denominators: Integers
    """Positive integers (V,)."""
    weights: NDArray[np.int64]
    """The homogeneous weight of each row, int64 (V,): 1 for a point, 0 for a tangent."""

    @classmethod
    def of(cls, values: NDArray[Any], weight: int) -> ExactField:
        """The field with the given values (V, K): float64 numbers, integers or Fractions, exactly as given."""
        rows = [common_scale(row) for row in values]
        numerators = matrix([row.tolist() for row, _ in rows], values.shape[1])
        denominators = array([scale for _, scale in rows], (len(rows),))
        return cls(numerators, denominators, np.full(len(rows), weight, np.int64))

    @property
    def rows(self) -> int:
        """The number of vertices V."""
        return len(self.numerators)

    @property
    def columns(self) -> int:
        """The number of functions K."""
        return int(self.numerators.shape[1])

    def signs(self) -> NDArray[np.int8]:
        """Signs in {-1, 0, 1}, int8 (V, K); always right."""
        return signs(self.numerators)

    def limits(self) -> NDArray[np.float64]:
        """Zeros (V, K): the values are exact."""
        return np.zeros(self.numerators.shape)

    def errors(self) -> NDArray[np.float64]:
        """Zeros (V,): the values are exact."""
        return np.zeros(self.rows)

    def to_numpy(self) -> NDArray[Any]:
        """The values, Fractions (V, K)."""
        return fractions(self.numerators, self.denominators[:, None])

    def take(self, rows: NDArray[np.int64]) -> ExactField:
        """The field of the given rows."""
        return ExactField(self.numerators[rows], self.denominators[rows], self.weights[rows])

    def entry(self, rows: slice, entry: int) -> Row:
        """An entry of consecutive rows with one denominator."""
        return self.numerators[rows, entry].tolist(), self.denominators[rows.start]

    @property
    def homogeneous(self) -> Integers:
        """What a constant 1 contributes to each numerator: weight * denominator, integers (V,)."""
        return self.denominators * self.weights


def stacked(fields: Sequence[ExactField]) -> ExactField:
    """The rows of several fields, one after the other."""
    return ExactField(
        np.concatenate([field.numerators for field in fields]),
        np.concatenate([field.denominators for field in fields]),
        np.concatenate([field.weights for field in fields]),
    )


def aligned(fields: Sequence[ExactField]) -> tuple[list[Integers], Integers]:
    """The numerators (V, K_i) of several fields over common denominators, and those denominators (V,)."""
    multiple = common_multiple([field.denominators for field in fields])
    return [field.numerators * (multiple // field.denominators)[:, None] for field in fields], multiple


def rows_of(field: ExactField) -> list[Row]:
    """The rows of a field, one by one."""
    return list(zip(field.numerators.tolist(), field.denominators.tolist(), strict=True))


def field_of_rows(rows: Sequence[Row], columns: int) -> ExactField:
    """The field of points with the given rows."""
    numerators = matrix([row for row, _ in rows], columns)
    denominators = array([denominator for _, denominator in rows], (len(rows),))
    return ExactField(numerators, denominators, np.ones(len(rows), np.int64))


def combination(first: Row, second: Row, shares: tuple[Integer, Integer]) -> Row:
    """The row (s * first + t * second) / (s + t), for shares (s, t) > 0, without a common factor.

    Rows would otherwise grow with every cut: a factor common to a whole row is what combinations themselves bring in.
    """
    (p, d), (q, e) = first, second
    s, t = shares
    common = d.gcd(e)
    left, right = s * (e // common), t * (d // common)
    numerators = [left * x + right * y for x, y in zip(p, q, strict=True)]
    denominator = (s + t) * (d // common) * e
    divisor = content(denominator, numerators)
    if divisor == 1:
        return numerators, denominator
    return [x // divisor for x in numerators], denominator // divisor
