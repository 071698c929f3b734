"""Exact numbers are those of Python, whether int64 holds them or not."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.numbers.exact import Exact

short = st.integers(-9, 9) | st.sampled_from([2**31, -(2**31), 2**40, 2**61, -(2**61), 2**62 - 1, 1 - 2**62, 2**63 - 1])
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "of three": lambda x, y: x * y - y * y + x,
    "of four": lambda x, y: x * y * x * y,
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(rows=st.lists(st.tuples(short, short), min_size=1, max_size=4))
def test_numbers_in_int64_give_what_integers_of_any_length_give(name: str, rows: list[tuple[int, int]]) -> None:
    made = Exact.short(np.array(rows))
    found = OPERATIONS[name](made[:, 0], made[:, 1])
    wanted = [OPERATIONS[name](x, y) for x, y in rows]
    assert found.values.tolist() == wanted
    assert found.signs().tolist() == [(x > 0) - (x < 0) for x in wanted]
    assert found.is_zero().tolist() == [x == 0 for x in wanted]
    assert (-found).values.tolist() == [-x for x in wanted]
    assert found.peak is None or max(map(abs, wanted)) <= found.peak < 2**62
    nearest, error = found.rounded()
    assert all(abs(int(x) - y) <= e for x, y, e in zip(nearest, wanted, error))


@given(st.lists(short, min_size=1, max_size=4), st.integers(-(2**80), 2**80))
def test_what_is_filled_holds_all_that_was_put(values: list[int], other: int) -> None:
    room = Exact.zeros((len(values) + 1,))
    room.put(slice(0, len(values)), Exact.short(np.array(values)))
    assert room.values.tolist() == [*values, 0]
    room.put(len(values), Exact(np.array([other, 0], dtype=object))[:1])
    room.put(0, Exact.short(np.array([7]))[:1])
    assert room.values.tolist() == [7, *values[1:], other]
    assert (room * room).values.tolist() == [x * x for x in (7, *values[1:], other)]


def test_signs_are_turned_in_both() -> None:
    turned = np.array([1, -1], np.int8)
    for number in (5, 2**90):
        pair = Exact.of([[number], [number]], 1)[:, 0]
        assert pair.times(turned).values.tolist() == [number, -number]
    assert Exact.short(np.array([5, 5])).times(turned).values.tolist() == [5, -5]


@given(st.lists(short | st.integers(-(2**150), 2**150), min_size=1, max_size=4))
def test_numbers_of_two_floats_hold_them(values: list[int]) -> None:
    pairs = [Exact.of([[x] for x in values], 1)]
    pairs += [Exact.short(np.array([[x] for x in values]))] if max(map(abs, values)) < 2**63 else []
    for exact in pairs:
        found = exact.balls()
        for k, value in enumerate(values):
            middle = Fraction(found.high[k, 0]) + Fraction(found.low[k, 0])
            assert abs(middle - value) <= Fraction(found.radius[k, 0])
            assert exact.peak is None or found.radius[k, 0] == 0
            assert found.is_zero()[k, 0] == (value == 0)
