"""What users pass is what is computed with: nothing hidden is read, and what is taken as it is, is not rounded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.analysis import axis_slices
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
def test_a_number_that_float64_does_not_hold_is_refused_where_nothing_is_rounded(value: Any) -> None:
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
        lambda x: axis_slices([0, 0, 0], [1, 1, 1], axis=0, at=[x]),
        lambda x: axis_slices([0, 0, x], [1, 1, 1], axis=0, at=[0]),
    ],
    ids=["boundary", "betti", "offset", "normal", "level set", "A", "c", "weights", "at", "lowest"],
)
def test_no_call_rounds_what_is_computed_with(call: Callable[[Any], Any]) -> None:
    call(Fraction(1, 2))
    with pytest.raises(DomainError, match="must be a float64 number, as it is not rounded, got 1/3"):
        call(THIRD)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: cpwl.Domain.box([0, 0], [x, 1]),
        lambda x: cpwl.Domain.slice([0], [1], axes=[0], fixed={1: x}),
        lambda x: cpwl.Domain.slice([0], [1], axes=[0], fixed=[0, x]),
        lambda x: cpwl.Domain.segment([0, 1], [x, 1]),
        lambda x: cpwl.Domain.polyline([[0, 1], [x, 1]])[0],
        lambda x: cpwl.Domain.simplex([0, 0], [x, 1], [0, 1]),
        lambda x: cpwl.Domain.through([0, 0], [x, 1], [0, 1]),
        lambda x: cpwl.Domain.hull([[0, 0], [x, 1], [0, 1]]),
        lambda x: cpwl.Domain.polygon([[0, 0], [x, 1], [0, 1]]),
        lambda x: cpwl.Domain.polygon([[0, 0], [1, 1], [0, 1]], [x, 0], np.eye(2)),
        lambda x: cpwl.Domain.polygon([[0, 0], [1, 1], [0, 1]], [0, 0], [[1, x], [0, 1]]),
    ],
    ids="box fixed input segment polyline simplex through hull polygon origin basis".split(),
)
def test_no_domain_is_another_than_the_one_that_is_written(make: Callable[[Any], cpwl.Domain]) -> None:
    assert make(Fraction(1, 2)).volume == make(0.5).volume
    for value in UNHELD:
        with pytest.raises(DomainError, match="must be a float64 number, as it is not rounded"):
            make(value)


@pytest.mark.parametrize("read", [finite, real, unrounded])
def test_what_a_mask_hides_is_not_read(read: Callable[[str, Any], Any]) -> None:
    for values in (np.ma.array([1.0, 2.0], mask=[0, 1]), [np.ma.array([1.0, 2.0], mask=[0, 1]), [0.0, 1.0]]):
        with pytest.raises(ShapeError, match=r"u must be an array .* masked"):
            read("u", values)
    assert read("u", np.ma.array([1.0, 2.0], mask=[0, 0])).tolist() == [1.0, 2.0]
    assert plain([1, 2]).tolist() == [1, 2]
