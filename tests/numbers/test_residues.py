"""Integers by residues: primes, residues of float64 numbers, and the way back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.errors import NumericalRangeError
from cpwl.numbers import residues
from cpwl.numbers.residues import (
    Dyadic,
    largest_prime,
    modulo,
    modulo_of_integers,
    primes_below,
    primes_for,
    reconstructed,
    reduced,
)

floats = st.floats(allow_nan=False, allow_infinity=False)
PRIME = next(primes_below(1 << 23))


def test_primes_are_all_those_below_and_fall() -> None:
    small = [p for p in range(3, 1000, 2) if all(p % q for q in range(3, p, 2))]
    assert list(primes_below(1000))[::-1] == small
    found = primes_below(1 << 22)
    for _ in range(9000):  # more than one sieve
        p = next(found)
    some = [p, *(next(found) for _ in range(20))]
    assert some == sorted(set(some), reverse=True)
    assert all(all(p % q for q in range(3, 2049, 2)) for p in some)


@pytest.mark.parametrize("terms", [1, 9, 576, 25088, 1 << 18])
def test_sums_of_products_of_residues_are_exact_below_the_largest_prime(terms: int) -> None:
    p = next(primes_below(largest_prime(terms)))
    most = Fraction(p, 2) + Fraction(p, 2**16)
    assert terms * most**2 + p <= 2**53
    assert largest_prime(terms) >= 2 ** (26 if terms < 2 else 17)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1))
def test_a_reduced_integer_is_congruent_and_small(numbers: list[int]) -> None:
    found = reduced(np.array(numbers, np.float64), PRIME)
    assert all(int(x) % PRIME == n % PRIME for x, n in zip(found.tolist(), numbers, strict=True))
    assert (np.abs(found) <= PRIME * (0.5 + 2.0**-16)).all()


@given(st.lists(floats, min_size=1))
def test_float64_numbers_have_the_residues_of_the_rationals_that_they_are(numbers: list[float]) -> None:
    dyadic, exact = Dyadic.of(np.array(numbers)), [Fraction(x) for x in numbers]
    found = dyadic.modulo(PRIME)
    assert found.tolist() == modulo(np.array(exact, dtype=object), PRIME).tolist()
    for x, residue in zip(exact, found.tolist(), strict=True):
        assert (int(residue) * x.denominator - x.numerator) % PRIME == 0
    assert 1 << dyadic.shift == max(x.denominator for x in exact)


@given(st.lists(st.integers(-(10**90), 10**90), min_size=1, max_size=8), st.integers(1, 10**9))
def test_integers_come_back_from_their_residues(numbers: list[int], divisors: int) -> None:
    bound = max(map(abs, numbers))
    primes = primes_for(Fraction(bound), 1 << 20, divisors)
    assert all(divisors % p for p in primes) and len(set(primes)) == len(primes)
    found = reconstructed([modulo_of_integers(numbers, p) for p in primes], primes)
    assert [int(x) for x in found.tolist()] == numbers


def test_the_bound_itself_comes_back_and_one_prime_less_would_not_do() -> None:
    primes = primes_for(Fraction(10**40), 1 << 20, 1)
    for n in (10**40, -(10**40)):
        found = reconstructed([modulo_of_integers([n], p) for p in primes], primes)
        assert int(found[0]) == n
        assert int(reconstructed([modulo_of_integers([n], p) for p in primes[:-1]], primes[:-1])[0]) != n


def test_too_few_primes_are_an_error() -> None:
    with pytest.raises(NumericalRangeError, match=r"modulo primes below 50, .* backend='exact'"):
        primes_for(Fraction(10**100), 50, 1)
    assert residues._MOST <= 1 << 26


@given(st.lists(st.integers(-(2**24), 2**24), min_size=1), st.sampled_from([101, 65537, 67108859]))
def test_products_with_inverses_are_1_and_of_0_they_are_0(numbers: list[int], p: int) -> None:
    values = residues.reduced(np.array(numbers, np.float64), p)
    products = residues.reduced(values * residues.inverses(values, p), p)
    assert (products == (values != 0)).all()


PRIMES = (67108859, 67108837, 67108819, 67108777)


@given(st.integers(-(2**60), 2**60), st.integers(1, 2**80), st.integers(0, 60))
def test_short_quotients_come_back_from_their_residues_and_no_others(p: int, q: int, cut: int) -> None:
    """However long the numerator is beside the denominator, as long as both together are short."""
    quotient = Fraction(p, q >> cut or 1)
    told = [quotient.numerator * pow(quotient.denominator, -1, prime) % prime for prime in PRIMES]
    found = residues.quotient_of(told, PRIMES, 1 << 20)
    size = abs(quotient.numerator) * quotient.denominator
    if 0 < size < 2**80:
        assert found == quotient
    assert found is None or all((found * quotient.denominator - quotient.numerator).numerator % p == 0 for p in PRIMES)


def test_of_random_residues_hardly_any_belong_to_a_short_quotient() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, PRIMES[-1], (2000, len(PRIMES))).tolist()
    assert not any(residues.quotient_of(row, PRIMES, 1 << 20) for row in rows)
