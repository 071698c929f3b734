"""What users pass is what is computed with: nothing hidden is read, and nothing that decides signs is rounded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import DomainError, ShapeError
from cpwl.runtime.inputs import finite, plain, real, unrounded, unrounded_number
from tests.support.networks import mlp

THIRD = Fraction(1, 3)
UNHELD: list[Any] = [THIRD, 2**60 + 1, np.longdouble(1) / 3, Fraction(2**53 + 1, 2), Fraction(1, 2**1075)]
SCALAR = mlp(1, [2, 4, 1])
SQUARE = cpwl.Domain.box([-1, -1], [1, 1])


@pytest.mark.parametrize("value", [0, 0.1, 2**60, Fraction(3, 8), np.float32(0.1), np.longdouble(0.5), -(2**1000)])
def test_a_number_that_float64_holds_is_that_number(value: Any) -> None:
    assert Fraction(unrounded_number("level", value)) == Fraction(*value.as_integer_ratio())


@pytest.mark.parametrize("value", UNHELD)
def test_a_number_that_float64_does_not_hold_is_refused_where_signs_depend_on_it(value: Any) -> None:
    with pytest.raises(DomainError, match=r"level must be a float64 number.*float\(\.\.\.\)"):
        unrounded_number("level", value)
    with pytest.raises(DomainError, match="A must be a float64 number"):
        unrounded("A", np.array([[1, value]], object))
    assert Fraction(*real("u", [value, 0])[0].as_integer_ratio()) == Fraction(*value.as_integer_ratio())


@pytest.mark.parametrize(
    "call",
    [
        lambda x: cpwl.partition(SCALAR, SQUARE).decision_boundary(level=x),
        lambda x: cpwl.partition(SCALAR, SQUARE).betti(level=x),
        lambda x: cpwl.partition(mlp(1, [3, 4, 2]), cpwl.Domain.box([-1] * 3, [1] * 3)).section([1, 0, 0], x),
        lambda x: cpwl.partition(mlp(1, [3, 4, 2]), cpwl.Domain.box([-1] * 3, [1] * 3)).section([x, 0, 1], 0),
        lambda x: cpwl.level_set(SCALAR, SQUARE, level=x),
        lambda x: cpwl.head(SCALAR, x),
        lambda x: cpwl.head(SCALAR, 1, x),
        lambda x: cpwl.Network.mlp([[[1, x]]], [[0]]),
    ],
    ids=["boundary", "betti", "offset", "normal", "level set", "A", "c", "weights"],
)
def test_no_call_rounds_what_decides_signs(call: Callable[[Any], Any]) -> None:
    call(Fraction(1, 2))
    with pytest.raises(DomainError, match="must be a float64 number, as signs depend on it, got 1/3"):
        call(THIRD)


@pytest.mark.parametrize("read", [finite, real, unrounded])
def test_what_a_mask_hides_is_not_read(read: Callable[[str, Any], Any]) -> None:
    for values in (np.ma.array([1.0, 2.0], mask=[0, 1]), [np.ma.array([1.0, 2.0], mask=[0, 1]), [0.0, 1.0]]):
        with pytest.raises(ShapeError, match=r"u must be an array .* masked"):
            read("u", values)
    assert read("u", np.ma.array([1.0, 2.0], mask=[0, 0])).tolist() == [1.0, 2.0]
    assert plain([1, 2]).tolist() == [1, 2]
