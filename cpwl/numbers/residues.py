"""Integers by their residues modulo some primes, in float64: matrix products of residues are exact there, and fast.

A rational number whose denominator a prime does not divide has a residue too, so that whatever is computed from float64
numbers by sums, products and quotients by constants has one, and the integer that is meant is found in the end from its
residues and a bound on its size (the Chinese remainder theorem).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NumericalRangeError
from .integers import Integer, Integers, array, factor_of, product

Residues = NDArray[np.float64]
"""Integers of magnitude at most (1/2 + 2^-16) p."""

_BITS = 53
"""Of the significand of a float64 number."""

_SIEVED = 1 << 16
"""Candidates for primes that are looked at together."""

_MOST = 1 << 26
"""Primes are below this: products of a residue and a power of two in int64."""


def largest_prime(terms: int) -> int:
    """An upper limit for primes, so that sums of ``terms`` products of residues, and one residue, are exact in float64.

    terms (1/2 + 2^-16)^2 p^2 + p <= 2^53 for all primes below it.
    """
    return min(_MOST, isqrt((4 << _BITS) * 9 // (10 * max(terms, 1))))


def primes_below(top: int) -> Iterator[int]:
    """The odd primes below ``top``, at most 2^32, the largest first."""
    small = _small_primes(isqrt(top) + 1)
    for stop in range(top, 3, -_SIEVED):
        start = max(stop - _SIEVED, 3)
        candidates = np.ones(stop - start, np.bool_)
        for p in small.tolist():
            candidates[max(-(-start // p), 2) * p - start :: p] = False
        yield from (np.flatnonzero(candidates)[::-1] + start).tolist()


def _small_primes(top: int) -> NDArray[np.int64]:
    """The primes up to ``top``."""
    sieve = np.ones(top + 1, np.bool_)
    sieve[:2] = False
    for p in range(2, isqrt(top) + 1):
        if sieve[p]:
            sieve[p * p :: p] = False
    return np.flatnonzero(sieve)


def reduced(values: NDArray[np.float64], p: int | NDArray[np.float64]) -> Residues:
    """Residues of integers of magnitude at most 2^53.

    The quotient is off by less than 2^-16 before it is rounded, and its product with p is exact.
    """
    quotient = values * (1 / p)
    np.rint(quotient, out=quotient)
    quotient *= p
    return np.subtract(values, quotient, out=quotient)


def inverses(values: Residues, p: int) -> Residues:
    """The residues whose products with those given are 1; of 0 it is 0. (Fermat: the power p - 2.)"""
    result, square, left = np.ones(values.shape), values, p - 2
    while left:
        if left & 1:
            result = reduced(result * square, p)
        square, left = reduced(square * square, p), left >> 1
    return result


def quotient_of(residues: Sequence[int], primes: Sequence[int], sure: int) -> Fraction | None:
    """The quotient of integers that has these residues; None if none is so short that it is the only one by far.

    Numerator times denominator times ``sure`` is less than the product of the primes, so that of random residues about
    one in ``sure`` has one. (Monagan 2004: where the largest quotient occurs in the Euclidean algorithm.)
    """
    modulus = prod(primes)
    whole = sum(x * (modulus // p) * pow(modulus // p, -1, p) for x, p in zip(residues, primes, strict=True)) % modulus
    best, largest = None, sure
    (rest, factor), (left, other) = (modulus, 0), (whole, 1)
    while left:
        steps = rest // left
        if steps > largest:
            best, largest = Fraction(left, other), steps
        (rest, factor), (left, other) = (left, other), (rest - steps * left, factor - steps * other)
    return best


@dataclass(frozen=True, eq=False)
class Dyadic:
    """Float64 numbers as integers times powers of two."""

    significands: NDArray[np.int64]
    exponents: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Dyadic:
        """Finite numbers."""
        fraction, exponent = np.frexp(values)
        return cls(np.ldexp(fraction, _BITS).astype(np.int64), exponent.astype(np.int64) - _BITS)

    @property
    def shift(self) -> int:
        """The least k >= 0 for which all numbers times 2^k are integers."""
        there = self.significands != 0
        significands = self.significands[there]
        _, trailing = np.frexp((significands & -significands).astype(np.float64))
        return max(0, -int((self.exponents[there] + trailing - 1).min(initial=0)))

    def modulo(self, p: int) -> Residues:
        """Their residues; p is odd."""
        lowest = int(self.exponents.min(initial=0))
        powers = np.empty(int(self.exponents.max(initial=0)) - lowest + 1, np.int64)
        power = pow(2, lowest, p)
        for k in range(len(powers)):
            powers[k], power = power, 2 * power % p
        return _balanced(self.significands % p * powers[self.exponents - lowest] % p, p)


def modulo(values: NDArray[Any], p: int) -> Residues:
    """Residues of an object array of Fractions; p divides none of their denominators."""
    flat = [x.numerator * pow(x.denominator, -1, p) % p for x in values.ravel().tolist()]
    return _balanced(np.array(flat, np.int64).reshape(values.shape), p)


def modulo_of_integers(values: Sequence[int], p: int) -> Residues:
    """Residues of integers of any length."""
    return _balanced(np.array([x % p for x in values], np.int64), p)


def _balanced(values: NDArray[np.int64], p: int) -> Residues:
    """Numbers 0 ... p - 1 as residues."""
    return np.where(values > p // 2, values - p, values).astype(np.float64)


def primes_for(bound: Fraction, top: int, denominators: int) -> list[int]:
    """Primes that tell integers up to a bound apart, and divide no ``denominators``, the largest below ``top``.

    Raises ``NumericalRangeError`` if there are too few.
    """
    primes, modulus, wanted = [], 1, 2 * int(bound) + 3
    for p in primes_below(top):
        if modulus >= wanted:
            break
        if denominators % p:
            primes.append(p)
            modulus *= p
    if modulus < wanted:
        raise NumericalRangeError(
            f"integers of {wanted.bit_length():,} bits must be told from their residues, modulo primes below {top:,}, "
            f"which have {modulus.bit_length():,} bits together; compute with backend='exact', or scale the weights."
        )
    return primes


def reconstructed(residues: Sequence[NDArray[np.float64]], primes: Sequence[int]) -> Integers:
    """The integers of magnitude below half of the product of the primes that have these residues, each of one shape."""
    modulus = Integer(1)
    for p in primes:
        modulus *= p
    shares = []
    for p in primes:
        rest = modulus // p
        shares.append(rest * pow(int(rest % p), -1, p))
    table = np.stack([part.ravel() for part in residues], axis=1).astype(np.int64)
    rows = array([Integer(x) for x in table.ravel().tolist()], table.shape)
    totals = product(rows, factor_of(array(shares, (len(primes), 1))))[:, 0]
    half = modulus // 2
    whole = [(x + half) % modulus - half for x in totals.tolist()]
    return array(whole, residues[0].shape)
