"""Numbers of two floats with a radius hold what they stand for (proofs/, Lemma 12)."""

from __future__ import annotations

import operator
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.numbers.double_double import Balls


@given(st.lists(st.fractions() | st.sampled_from([Fraction(10) ** 400, Fraction(1, 10**400)]), min_size=1))
def test_balls_hold_the_rational_numbers_that_they_stand_for(values: list[Fraction]) -> None:
    found = Balls.of_fractions(values)
    for k, value in enumerate(values):
        if np.isfinite(found.radius[k]):
            middle = Fraction(found.high[k]) + Fraction(found.low[k])
            assert abs(middle - value) <= Fraction(found.radius[k])
            assert found.is_zero()[k] == (value == 0)


@given(st.lists(st.tuples(*[st.tuples(st.integers(-9, 9), st.integers(-1060, 900))] * 3), min_size=1))
def test_scaled_balls_hold_what_they_held(rows: list[Any]) -> None:
    high = np.array([[np.ldexp(float(m), e) for m, e in row] for row in rows])
    balls_ = Balls(high, np.zeros_like(high), np.abs(high) * 2.0**-60)
    found = balls_.scaled()
    for old, new, radius in zip(high, found.high, found.radius, strict=True):
        peak = np.abs(old).max()
        factor = Fraction(2) ** -int(np.frexp(peak)[1])
        for a, b, r in zip(old, new, radius, strict=True):
            assert abs(factor * Fraction(a) - Fraction(b)) <= Fraction(r)


numbers = st.floats(-(2.0**60), 2.0**60).filter(lambda x: x == 0 or abs(x) > 2.0**-60)

balls = st.tuples(numbers, st.floats(-1, 1), st.floats(0, 2.0**-30))


def ball(parts: list[tuple[float, float, float]]) -> Balls:
    """Balls with a low part and a radius that fit the high one."""
    high, low, radius = np.array(parts).T
    ulps = np.spacing(np.minimum(np.abs(high), 2.0**1023))  # of the largest number it is infinite
    return Balls(high, low * ulps / 2, radius * np.abs(high))


@given(st.lists(st.tuples(balls, balls), min_size=1, max_size=5), st.data())
def test_lemma_12_quotients_are_within_their_bounds(pairs: list[Any], data: st.DataObject) -> None:
    one, other = (ball([pair[k] for pair in pairs]) for k in (0, 1))
    found = one / other
    for k in range(len(pairs)):
        share = [Fraction(data.draw(st.sampled_from([-1.0, 0.0, 0.3, 1.0]))) for _ in range(2)]
        p, q = (
            Fraction(x.high[k]) + Fraction(x.low[k]) + s * Fraction(x.radius[k])
            for x, s in zip((one, other), share, strict=True)
        )
        if np.isfinite(found.radius[k]):
            assert abs(Fraction(found.high[k]) + Fraction(found.low[k]) - p / q) <= Fraction(found.radius[k])
        else:
            assert other.high[k] == 0
        if not one.radius[k] and not other.radius[k] and one.high[k] and other.high[k]:
            assert found.radius[k] <= abs(found.high[k]) * 2.0**-95


large = st.tuples(st.floats(-1, 1, exclude_min=True, exclude_max=True), st.integers(-1060, 1024)).map(
    lambda x: float(np.ldexp(*x))
)
held = st.tuples(large | st.just(0.0), st.floats(-1, 1), st.sampled_from([0.0, 0.0, 2.0**-60, 0.5]))


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv])
@given(st.lists(st.tuples(held, held), min_size=1, max_size=5), st.data())
def test_what_overflows_says_nothing_and_gives_no_warning(
    operation: Any, pairs: list[Any], data: st.DataObject
) -> None:
    """Also where only a number on the way overflows: Dekker's halves, from 2^997 on."""
    with np.errstate(over="ignore"):
        one, other = (ball([pair[k] for pair in pairs]) for k in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = operation(one, other)
        signs, (middle, error) = found.signs(), found.rounded()
        scaled = found.scaled()
    assert not (scaled.is_zero() & ~found.is_zero()).any()
    for k in range(len(pairs)):
        share = [Fraction(data.draw(st.sampled_from([-1.0, 0.0, 0.3, 1.0]))) for _ in range(2)]
        parts = [
            (Fraction(x.high[k]), Fraction(x.low[k]), s * Fraction(x.radius[k]))
            for x, s in zip((one, other), share, strict=True)
            if np.isfinite(x.radius[k])
        ]
        if not np.isfinite(found.radius[k]):
            assert signs[k] == 0 and not error[k] < np.inf
        elif len(parts) == 2 and (operation is not operator.truediv or sum(parts[1])):
            true = operation(sum(parts[0]), sum(parts[1]))
            assert abs(Fraction(found.high[k]) + Fraction(found.low[k]) - true) <= Fraction(found.radius[k])
            assert abs(Fraction(middle[k]) - true) <= Fraction(error[k])
            assert signs[k] in (0, (true > 0) - (true < 0))


@given(st.lists(st.lists(large, min_size=3, max_size=3), min_size=1, max_size=8))
def test_sums_of_large_parts_are_within_their_bounds_or_say_nothing(parts: list[list[float]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Balls.sums(np.array(parts), np.zeros(3))
    for k in range(3):
        true = sum(Fraction(part[k]) for part in parts)
        if np.isfinite(found.radius[k]):
            assert abs(Fraction(found.high[k]) + Fraction(found.low[k]) - true) <= Fraction(found.radius[k])
        else:
            assert found.signs()[k] == 0


def test_a_quotient_that_is_nearly_too_small_is_within_its_bound() -> None:
    """The bound of what underflow takes away underflows itself, over a divisor of 2^176."""
    one, other = (Balls(np.array([x]), np.zeros(1), np.zeros(1)) for x in (3.749e-242, 1.915e53))
    found = one / other
    true = Fraction(one.high[0]) / Fraction(other.high[0])
    assert 0 < abs(Fraction(found.high[0]) + Fraction(found.low[0]) - true) <= Fraction(found.radius[0])
