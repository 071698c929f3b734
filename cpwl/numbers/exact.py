"""Arrays of integers of any length, or Fractions, that answer what ``Balls`` do: numbers with no radius at all.

Integers that are known to be short are int64, as long as sums and products of them are: a bound goes with each array.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from .double_double import Balls
from .rounding import rounded

_LONG = 1 << 62
"""Integers below it in size, and negative ones, are int64 numbers, and so are sums and differences of two."""


@dataclass(eq=False)
class Exact:
    """Rational numbers: an object array of integers or Fractions, or an int64 array."""

    certain: ClassVar[bool] = True
    values: NDArray[Any]
    peak: int | None = None
    """A bound on the sizes of int64 numbers, below 2^62; None where numbers are objects."""

    @classmethod
    def short(cls, values: NDArray[np.int64]) -> Exact:
        """Integers, none of them the least that int64 has."""
        peak = _largest(values)
        return cls(values, peak) if peak < _LONG else cls(values.astype(object))

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
        return Exact(self.values[index], self.peak)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.values.shape

    def put(self, index: Any, values: Exact) -> None:
        """Replaces some of the numbers, in place: for an array that is being filled."""
        if self.peak is not None and values.peak is not None:
            self.peak = max(self.peak, values.peak)
        else:
            self.values, self.peak = self._objects(), None
        self.values[index] = values.values

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> Exact:
        """Zeros."""
        return cls(np.zeros(shape, dtype=np.int64), 0)

    def __add__(self, other: Exact) -> Exact:
        return self._combined(other, operator.add, operator.add)

    def __neg__(self) -> Exact:
        return Exact(-self.values, self.peak)

    def __sub__(self, other: Exact) -> Exact:
        return self._combined(other, operator.sub, operator.add)

    def __mul__(self, other: Exact) -> Exact:
        return self._combined(other, operator.mul, operator.mul)

    def times(self, signs: NDArray[np.int8]) -> Exact:
        """The numbers times -1 or 1, which broadcast."""
        return Exact(self.values * (signs.astype(object) if self.peak is None else signs), self.peak)

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

    def balls(self) -> Balls:
        """Numbers of two floats, with a radius where these don't hold one."""
        if self.peak is None:
            return Balls.of_fractions([_fraction(x) for x in self.values.ravel().tolist()]).reshaped(*self.shape)
        high = self.values.astype(np.float64)
        return Balls(high, (self.values - high.astype(np.int64)).astype(np.float64), np.zeros_like(high))

    def primitive(self) -> list[tuple[Any, ...]]:
        """The rows of a table of integers, each without the greatest factor that its numbers have in common."""
        from .integers import Integer, primitive

        return [primitive([Integer(x) for x in row]) for row in self.values.tolist()]

    def _combined(self, other: Exact, operation: Callable[[Any, Any], Any], bound: Callable[[int, int], int]) -> Exact:
        """A sum, difference or product, in int64 where the bound on its size says that it is short."""
        if self.peak is not None and other.peak is not None:
            peak = bound(self.peak, other.peak)
            if peak >= _LONG:
                peak = bound(_largest(self.values), _largest(other.values))
            if peak < _LONG:
                return Exact(operation(self.values, other.values), peak)
        return Exact(operation(self._objects(), other._objects()))

    def _objects(self) -> NDArray[Any]:
        return self.values if self.peak is None else self.values.astype(object)

    def rounded(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The nearest float64 numbers, and bounds on how far they are."""
        pairs = [rounded(Fraction(x)) for x in self.values.ravel().tolist()]
        value, error = np.array(pairs, np.float64).reshape(-1, 2).T
        return value.reshape(self.shape), error.reshape(self.shape)


Numbers = TypeVar("Numbers", Balls, Exact)
"""Numbers with a radius, or (``certain``) without one: whatever is asked of a rung is written once for both."""


def _largest(values: NDArray[np.int64]) -> int:
    """The largest size of int64 numbers, none of them the least that int64 has; 0 where there are none."""
    return int(np.abs(values).max(initial=0))


def _divided(values: NDArray[Any], divisors: NDArray[Any]) -> NDArray[Any]:
    quotients = np.empty(values.shape, dtype=object)
    pairs = zip(values.ravel().tolist(), divisors.ravel().tolist(), strict=True)
    quotients.ravel()[:] = [_fraction(p) / _fraction(q) for p, q in pairs]
    return quotients


def _fraction(x: Any) -> Fraction:
    return x if isinstance(x, Fraction) else Fraction(int(x))
