"""Numbers known up to a bound: arrays of sums of two float64 numbers, each with a radius (proofs/, Lemma 10 (c)).

Products and sums of the pairs are those of Dekker 1971 (Numerische Mathematik 18) and Knuth; each is off by less than
2^-100 of its arguments' magnitudes (Joldes, Muller, Popescu 2017, ACM TOMS 44). What overflows on the way is infinite
or NaN in the end, of an infinite radius, and no warning is given of it: nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from math import isfinite
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .rounding import nearest

F = TypeVar("F", bound=Callable[..., Any])

Floats = NDArray[np.float64]

ROUNDING = 2.0**-100
"""Relative to the magnitudes that go into an operation."""

_TINY = 2.0**-900
"""More than all that underflow takes away, for arguments of at most 2^400."""

_ROUND_UP = 1 + 2.0**-40
"""Covers the rounding of a radius's own evaluation."""

_SPLITTER = 2.0**27 + 1


def _silently(function: F) -> F:
    """The function without warnings of overflow; a context of its own in each call, as threads may make several."""

    @wraps(function)
    def silent(*arguments: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*arguments)

    return cast(F, silent)


@dataclass(frozen=True, eq=False)
class Balls:
    """Each number lies within ``radius`` of ``high`` + ``low``; a radius that is infinite or NaN says nothing."""

    certain: ClassVar[bool] = False
    high: Floats
    low: Floats
    radius: Floats

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> Balls:
        """Zeros."""
        return cls(*np.zeros((3, *shape)))

    @classmethod
    def of_fractions(cls, values: Sequence[Fraction]) -> Balls:
        """Rational numbers."""
        high = np.array([nearest(x) for x in values])
        low = np.array([float(x - Fraction(h)) if isfinite(h) else 0.0 for x, h in zip(values, high, strict=True)])
        return cls(high, low, _up(np.abs(high) * ROUNDING, np.array([x != 0 for x in values], np.bool_)))

    @classmethod
    @_silently
    def sums(cls, parts: Floats, radius: Floats) -> Balls:
        """Sums of up to eight float64 numbers (along the first axis), each known up to the given radius."""
        high, low = parts[0], np.zeros_like(parts[0])
        for part in parts[1:]:
            high, lost = _two_sum(high, part)
            low = low + lost
        size = np.abs(parts).sum(axis=0)
        return cls._bounded(*_two_sum(high, low), _up(radius + ROUNDING * size, radius + size != 0))

    @classmethod
    def _bounded(cls, high: Floats, low: Floats, radius: Floats) -> Balls:
        """Of radius infinity where something has overflown."""
        return cls(high, low, np.where(np.isfinite(high + low), radius, np.inf))

    @classmethod
    def joined(cls, parts: Sequence[Balls]) -> Balls:
        """Several arrays one after the other."""
        names = ("high", "low", "radius")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def __len__(self) -> int:
        return len(self.high)

    def __getitem__(self, index: Any) -> Balls:
        return Balls(self.high[index], self.low[index], self.radius[index])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.high.shape

    def put(self, index: Any, values: Balls) -> None:
        """Replaces some of the numbers, in place: for an array that is being filled."""
        self.high[index], self.low[index], self.radius[index] = values.high, values.low, values.radius

    def reshaped(self, *shape: int) -> Balls:
        """The same numbers in an array of that shape."""
        return Balls(*(part.reshape(shape) for part in (self.high, self.low, self.radius)))

    def times(self, signs: NDArray[np.int8]) -> Balls:
        """The numbers times -1 or 1, which broadcast."""
        return Balls(self.high * signs, self.low * signs, self.radius)

    def halved(self) -> Balls:
        """Half of each number."""
        return Balls(self.high / 2, self.low / 2, self.radius / 2)

    @_silently
    def __add__(self, other: Balls) -> Balls:
        high, lost = _two_sum(self.high, other.high)
        low, lost_low = _two_sum(self.low, other.low)
        high, low = _two_sum(high, lost + low)
        high, low = _two_sum(high, low + lost_low)
        radius = self.radius + other.radius + ROUNDING * (np.abs(self.high) + np.abs(other.high))
        return Balls._bounded(high, low, _up(radius, ~(self.is_zero() & other.is_zero())))

    def __neg__(self) -> Balls:
        return Balls(-self.high, -self.low, self.radius)

    def __sub__(self, other: Balls) -> Balls:
        return self + -other

    @_silently
    def __mul__(self, other: Balls) -> Balls:
        product, lost = _two_product(self.high, other.high)
        high, low = _two_sum(product, lost + (self.high * other.low + self.low * other.high))
        size, other_size = np.abs(self.high), np.abs(other.high)
        radius = (
            size * other.radius + other_size * self.radius + self.radius * other.radius + ROUNDING * (size * other_size)
        )
        return Balls._bounded(high, low, _up(radius, ~(self.is_zero() | other.is_zero())))

    def __truediv__(self, other: Balls) -> Balls:
        """Quotients; the radius is infinite or NaN where the divisor may be zero."""
        zero = np.zeros_like(self.high)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            first = self.high / other.high
            rest = self - Balls(first, zero, zero) * other
            second = rest.high / other.high
            missed = rest.radius + np.abs(rest.low) + 2.0**-53 * np.abs(rest.high) + _TINY
            missed = missed + np.abs(second) * (np.abs(other.low) + other.radius)
            least = np.abs(other.high) * (1 - 2.0**-50) - np.abs(other.low) - other.radius
            high, low = _two_sum(first, second)
            return Balls._bounded(high, low, np.where(least > 0, missed / least * _ROUND_UP + _TINY, np.inf))

    @_silently
    def scaled(self) -> Balls:
        """The same numbers times a power of two for each row (last axis) that brings its largest to about 1."""
        peak = np.abs(self.high).max(axis=-1, keepdims=True)
        _, exponent = np.frexp(np.where(np.isfinite(peak), peak, 1.0))
        given = self.high, self.low, self.radius
        high, low, radius = (np.ldexp(part, -exponent) for part in given)
        # Beside a large number small ones underflow, and their radii.
        kept = [np.ldexp(new, exponent) == old for new, old in zip((high, low, radius), given, strict=True)]
        return Balls(high, low, np.where(np.logical_and.reduce(kept), radius, radius + _TINY))

    def is_zero(self) -> NDArray[np.bool_]:
        """Where a number is certainly zero."""
        return np.asarray((self.high == 0) & (self.low == 0) & (self.radius == 0))

    @_silently
    def rounded(self) -> tuple[Floats, Floats]:
        """Float64 numbers, and bounds on how far they are."""
        return self.high, np.abs(self.low) + self.radius

    @_silently
    def signs(self) -> NDArray[np.int8]:
        """The signs that are certain, int8; 0 where zero is within the radius."""
        certain = np.abs(self.high) > (self.radius + np.abs(self.low)) * _ROUND_UP
        return np.where(certain, np.sign(self.high), 0).astype(np.int8)


def _up(radius: Floats, some: NDArray[np.bool_]) -> Floats:
    """The radius with what its own rounding and underflow take away, except where nothing but zeros went in."""
    return np.where(some, (radius + _TINY) * _ROUND_UP, radius)


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a + b rounded, and what rounding takes away, exactly (Knuth)."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def _two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a * b rounded, and what rounding takes away, exactly but for underflow (Dekker)."""
    product = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Floats) -> tuple[Floats, Floats]:
    scaled = _SPLITTER * a
    upper = scaled - (scaled - a)
    return upper, a - upper
