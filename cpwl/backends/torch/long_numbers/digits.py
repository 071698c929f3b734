"""Numbers of more than 53 bits as sums of float64 numbers: digits on a grid, and a rest (proofs/, Lemma 10).

A digit is a multiple of a power of two, its unit. Digits are so short that products of two, and long sums of such
products, are exact in float64: a matrix product or a convolution of long numbers is a few float64 ones (Ozaki, Ogita,
Oishi, Rump 2012, Numerical Algorithms 59).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, frexp, inf, ldexp, log2
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..fields.field import UNIT, row_norms

_FARTHEST = 400
"""Units between 2^-400 and 2^400 only: products of digits and rests neither underflow nor overflow."""


def bits_for(terms: int, count: int) -> int:
    """How long digits may be so that ``terms`` products of up to ``count`` pairs add up to 2^52 units at most."""
    return (54 - ceil(log2(terms * count + 1))) // 2


@dataclass(frozen=True, eq=False)
class Digits:
    """Rows of numbers: the sum of K ``parts`` (rows, columns). Parts are digits, of falling units; the last is a rest.

    Part k < K - 1 is a multiple of 2^(``exponent`` - k * bits), and at most 2^(bits - 1) of them.
    """

    parts: tuple[Tensor, ...]
    exponent: int

    @property
    def count(self) -> int:
        """K."""
        return len(self.parts)

    def of(self, change: Callable[[Tensor], Tensor]) -> Digits:
        """The same exact operation on all parts: a choice of rows or columns, or zero in place of some entries."""
        return Digits(tuple(change(part) for part in self.parts), self.exponent)


@dataclass(frozen=True, eq=False)
class Levels:
    """A sum on its way to ``Digits``: for some e multiples of 2^e, within 2^52 of them; and a rest."""

    at: dict[int, Tensor]
    rest: Tensor

    def plus(self, other: Levels) -> Levels:
        """The sum; the rests are added in float64."""
        total = dict(self.at)
        for exponent, digit in other.at.items():
            total[exponent] = total[exponent] + digit if exponent in total else digit
        return Levels(total, self.rest + other.rest)


@dataclass(frozen=True, eq=False)
class Factor:
    """Constants as digits, of falling units from 2^``exponent`` on, and what the first 0, 1, 2, ... of them leave."""

    digits: list[Tensor]
    rests: list[Tensor]
    exponent: int

    def terms(self, used: int) -> list[Tensor]:
        """The first ``used`` digits and, unless it is zero, what they leave."""
        rest = self.rests[used]
        return [*self.digits[:used], rest] if bool(rest.any()) else self.digits[:used]

    def used(self, most: int) -> int:
        """How many digits there are, if ``most`` are wanted."""
        return min(most, len(self.digits))

    def of(self, change: Callable[[Tensor], Tensor]) -> Factor:
        """The same exact operation on all terms: a choice of entries."""
        return Factor([change(digit) for digit in self.digits], [change(rest) for rest in self.rests], self.exponent)


class Grid:
    """Digits of a fixed length, a fixed number of parts."""

    def __init__(self, bits: int, count: int) -> None:
        self.bits, self.count = bits, count

    def first(self, peak: float) -> int:
        """The exponent of a leading digit for numbers up to that size: they are at most 2^(bits - 1) of its units."""
        return frexp(peak)[1] - self.bits + 1

    def split(self, values: Tensor) -> Factor:
        """Constants with their digits, exactly; no more digits than are needed."""
        exponent = self.first(largest(values))
        if not abs(exponent) < _FARTHEST:
            return Factor([torch.zeros_like(values)], [values, values], 0)
        digits: list[Tensor] = []
        rests = [values]
        while not digits or (len(digits) < self.count - 1 and bool(rests[-1].any())):
            digits.append(rounded(rests[-1], exponent - len(digits) * self.bits))
            rests.append(rests[-1] - digits[-1])
        return Factor(digits, rests, exponent)

    def split_fractions(self, values: NDArray[Any]) -> Factor:
        """Rational constants with their digits; what these leave is rounded."""
        digits: list[Tensor] = []
        rests, left = [_tensor(values)], values
        exponent = self.first(largest(rests[0]))
        if not abs(exponent) < _FARTHEST:
            return Factor([torch.zeros_like(rests[0])], rests * 2, 0)
        while not digits or (len(digits) < self.count - 1 and bool(rests[-1].any())):
            unit = Fraction(2) ** (exponent - len(digits) * self.bits)
            digit = np.vectorize(lambda x, unit=unit: round(x / unit) * unit, otypes=[object])(left)
            left = left - digit
            digits.append(_tensor(digit))
            rests.append(_tensor(left))
        return Factor(digits, rests, exponent)

    def digits(self, values: Tensor) -> Digits:
        """Float64 numbers, exactly."""
        factor = self.split(values)
        missing = [torch.zeros_like(values)] * (self.count - 1 - len(factor.digits))
        return Digits((*factor.digits, *missing, factor.rests[-1]), factor.exponent)

    def levels(self, x: Digits) -> Levels:
        """Digits as a sum of one."""
        return Levels({x.exponent - k * self.bits: part for k, part in enumerate(x.parts[:-1])}, x.parts[-1])

    def constant(self, factor: Factor, weights: Tensor) -> Levels:
        """Constants, for all rows or by row, times the rows' weights 0 or 1."""
        digits = [weights[:, None] * digit for digit in factor.digits]
        exponents = [factor.exponent - k * self.bits for k in range(len(digits))]
        return Levels(dict(zip(exponents, digits, strict=True)), weights[:, None] * factor.rests[-1])

    def product(self, factor: Factor, x: Digits, apply: Callable[[Tensor, int], Sequence[Tensor]]) -> Levels:
        """The bilinear product of constants and digits: ``apply(part, used)`` gives that of a part with some terms.

        Products of digits are exact; with part k go ``factor.used(K - 1 - k)`` digits, and what they leave in float64.
        """
        at: dict[int, Tensor] = {}
        rest: Tensor | None = None
        for k, part in enumerate(x.parts):
            used = factor.used(x.count - 1 - k)
            terms = apply(part, used) if used or bool(part.any()) else []
            for j, value in enumerate(terms[:used]):
                exponent = factor.exponent + x.exponent - (k + j) * self.bits
                at[exponent] = at[exponent] + value if exponent in at else value
            for value in terms[used:]:
                rest = value if rest is None else rest + value
        return Levels(at, torch.zeros_like(next(iter(at.values()))) if rest is None else rest)

    def normal(self, levels: Levels) -> tuple[Digits, Tensor]:
        """The sum as digits, and for each row a bound on the 2-norm of what rounding has changed."""
        sources = [*levels.at.items(), (None, levels.rest)]
        peaks = [largest(values) for _, values in sources]
        exponent = self.first(len(sources) * max(peaks))
        digits = [torch.zeros_like(levels.rest) for _ in range(self.count - 1)]
        rest, rounding = torch.zeros_like(levels.rest), torch.zeros(len(levels.rest), dtype=torch.float64)
        if not abs(exponent) < _FARTHEST:
            return Digits((*digits, rest), 0), rounding + inf
        for (unit, values), peak in zip(sources, peaks, strict=True):
            left = self._shared_out(values, unit, peak, digits, exponent)
            if left is not None:
                rest += left
                rounding += 2 * UNIT * row_norms(rest)
        for k in range(self.count - 2, 0, -1):
            over = rounded(digits[k], exponent - (k - 1) * self.bits)
            digits[k] -= over
            digits[k - 1] += over
        return Digits((*digits, rest), exponent), rounding

    def _shared_out(
        self, values: Tensor, unit: int | None, peak: float, digits: list[Tensor], exponent: int
    ) -> Tensor | None:
        """Adds numbers up to ``peak``, multiples of 2^``unit`` if it is given, to digits; what is left, if anything."""
        for k, digit in enumerate(digits):
            position = exponent - k * self.bits
            if peak == 0:
                return None
            if unit is not None and position <= unit:
                digit += values
                return None
            if peak >= ldexp(1.0, position - 1):
                part = rounded(values, position)
                digit += part
                values, peak = values - part, ldexp(1.0, position - 1)
        return values


def rounded(x: Tensor, exponent: int) -> Tensor:
    """The nearest multiples of 2^``exponent``, for x within 2^51 of them."""
    shift = ldexp(1.5, exponent + 52)
    return (x + shift).sub_(shift)


def largest(values: Tensor) -> float:
    """The largest magnitude."""
    return float(torch.stack(torch.aminmax(values)).abs().max()) if values.numel() else 0.0


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.as_tensor(values.astype(np.float64))
