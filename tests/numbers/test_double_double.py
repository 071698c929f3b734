"""Numbers of two floats with a radius hold what they stand for (proofs/, Lemma 12)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
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
    return Balls(high, low * np.spacing(np.abs(high)) / 2, radius * np.abs(high))


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
