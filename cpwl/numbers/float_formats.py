"""Floating-point formats as sets of rationals, and their points in convex polygons of the plane, found exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

Corner = Sequence[Fraction]


@dataclass(frozen=True)
class Format:
    """The numbers m 2^(e - digits + 1) with |m| < 2^digits and e >= lowest: a binary format of IEEE 754.

    They are numbered in order: *rank* 0 is zero, 1 the smallest positive number. Overflow is left out of account.
    """

    digits: int
    lowest: int

    @property
    def spacing(self) -> float:
        """The distance of the numbers from 1 to 2 (one ulp there)."""
        return 2.0 ** (1 - self.digits)

    def number(self, rank: int) -> Fraction:
        """The number of that rank."""
        if rank < 0:
            return -self.number(-rank)
        half = 1 << (self.digits - 1)
        steps = max(rank // half - 1, 0)
        return Fraction(rank - steps * half) * Fraction(2) ** (self.lowest + steps - self.digits + 1)

    def rank_above(self, x: Fraction) -> int:
        """The rank of the least number that is not below x."""
        if x < 0:
            return -self.rank_below(-x)
        scaled, steps = self._scaled(x)
        return -((-scaled.numerator) // scaled.denominator) + steps

    def rank_below(self, x: Fraction) -> int:
        """The rank of the largest number that is not above x."""
        if x < 0:
            return -self.rank_above(-x)
        scaled, steps = self._scaled(x)
        return scaled.numerator // scaled.denominator + steps

    def _scaled(self, x: Fraction) -> tuple[Fraction, int]:
        """x >= 0 in units of the spacing where it lies, and the ranks to be added because that is not the least one."""
        exponent = max(_exponent(x), self.lowest) if x else self.lowest
        return x / Fraction(2) ** (exponent - self.digits + 1), (exponent - self.lowest) << (self.digits - 1)


FORMATS = {
    "float16": Format(11, -14),
    "bfloat16": Format(8, -126),
    "float32": Format(24, -126),
    "float64": Format(53, -1022),
}


def _exponent(x: Fraction) -> int:
    """The e with 2^e <= x < 2^(e + 1), for x > 0."""
    guess = x.numerator.bit_length() - x.denominator.bit_length()
    return guess if x >= Fraction(2) ** guess else guess - 1


def plain(x: float | None) -> float | None:
    """A number for JSON, which knows no infinity: None for one."""
    return x if x is not None and isfinite(x) else None


@dataclass(frozen=True)
class Inside:
    """Points of a polygon whose two coordinates are numbers of a format."""

    points: list[tuple[Fraction, Fraction]]
    complete: bool
    """Whether every place was looked at: then a polygon without points has none."""


def points_inside(polygon: Sequence[Corner], form: Format, *, columns: int, most: int) -> Inside:
    """At most ``most`` points of a closed convex polygon with coordinates of a format, found in exact arithmetic.

    Looks through the numbers between the polygon's ends along the axis that has fewer of them, but at no more than
    ``columns``; ``complete`` says whether those were all.
    """
    spans = [[p[axis] for p in polygon] for axis in (0, 1)]
    ranks = [range(form.rank_above(min(span)), form.rank_below(max(span)) + 1) for span in spans]
    axis = int(len(ranks[1]) < len(ranks[0]))
    points: list[tuple[Fraction, Fraction]] = []
    for rank in ranks[axis][:columns]:
        here = form.number(rank)
        low, high = _extent(polygon, axis, here)
        first, last = form.rank_above(low), form.rank_below(high)
        if first <= last:
            beside = form.number((first + last) // 2)
            points.append((beside, here) if axis else (here, beside))
            if len(points) == most:
                break
    return Inside(points, len(ranks[axis]) <= columns)


def _extent(polygon: Sequence[Corner], axis: int, here: Fraction) -> tuple[Fraction, Fraction]:
    """From where to where the polygon reaches along the other axis, at a coordinate between its ends."""
    met = []
    for p, q in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        start, end = p[axis], q[axis]
        if start == end == here:
            met += [p[1 - axis], q[1 - axis]]
        elif start != end and min(start, end) <= here <= max(start, end):
            met.append(p[1 - axis] + (here - start) / (end - start) * (q[1 - axis] - p[1 - axis]))
    return min(met), max(met)
