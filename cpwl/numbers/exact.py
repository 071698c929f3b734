"""Arrays of integers of any length, or Fractions, that answer what ``Balls`` do: numbers with no radius at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from .double_double import Balls
from .rounding import rounded


@dataclass(frozen=True, eq=False)
class Exact:
    """Rational numbers: an object array of integers or Fractions."""

    certain: ClassVar[bool] = True
    values: NDArray[Any]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], width: int) -> Exact:
        """Rows of ``width`` numbers each."""
        result = np.empty((len(rows), width), dtype=object)
        for k in range(width):
            result[:, k] = [row[k] for row in rows]
        return cls(result)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Exact:
        return Exact(self.values[index])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.values.shape

    def put(self, index: Any, values: Exact) -> None:
        """Replaces some of the numbers, in place: for an array that is being filled."""
        self.values[index] = values.values

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> Exact:
        """Zeros."""
        return cls(np.zeros(shape, dtype=object))

    def __add__(self, other: Exact) -> Exact:
        return Exact(self.values + other.values)

    def __neg__(self) -> Exact:
        return Exact(-self.values)

    def __sub__(self, other: Exact) -> Exact:
        return Exact(self.values - other.values)

    def __mul__(self, other: Exact) -> Exact:
        return Exact(self.values * other.values)

    def times(self, signs: NDArray[np.int8]) -> Exact:
        """The numbers times -1 or 1, which broadcast."""
        return Exact(self.values * signs.astype(object))

    def halved(self) -> Exact:
        """Half of each number."""
        return Exact(_divided(self.values, np.full(self.shape, 2, dtype=object)))

    def __truediv__(self, other: Exact) -> Exact:
        """Quotients, as Fractions; ``ZeroDivisionError`` where the divisor is zero."""
        return Exact(_divided(*np.broadcast_arrays(self.values, other.values)))

    def scaled(self) -> Exact:
        """The same numbers: none is too large, or too small."""
        return self

    def is_zero(self) -> NDArray[np.bool_]:
        """Where a number is zero."""
        return np.asarray(self.values == 0, np.bool_)

    def signs(self) -> NDArray[np.int8]:
        """The signs, int8."""
        return (self.values > 0).astype(np.int8) - (self.values < 0).astype(np.int8)

    def rounded(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The nearest float64 numbers, and bounds on how far they are."""
        pairs = [rounded(Fraction(x)) for x in self.values.ravel().tolist()]
        value, error = np.array(pairs, np.float64).reshape(-1, 2).T
        return value.reshape(self.shape), error.reshape(self.shape)


Numbers = TypeVar("Numbers", Balls, Exact)
"""Numbers with a radius, or (``certain``) without one: whatever is asked of a rung is written once for both."""


def _divided(values: NDArray[Any], divisors: NDArray[Any]) -> NDArray[Any]:
    quotients = np.empty(values.shape, dtype=object)
    pairs = zip(values.ravel().tolist(), divisors.ravel().tolist(), strict=True)
    quotients.ravel()[:] = [_fraction(p) / _fraction(q) for p, q in pairs]
    return quotients


def _fraction(x: Any) -> Fraction:
    return x if isinstance(x, Fraction) else Fraction(int(x))
