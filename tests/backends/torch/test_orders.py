"""Orders of crossings that float64 leaves open are decided at once; only crossings that coincide need more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl.backends import rungs
from cpwl.backends.torch import FloatField, TorchArithmetic
from cpwl.backends.torch.refinement.sequential import Sequential
from cpwl.network import RELU, Dense, Network, Node, Sum
from tests.support.agreement import disagreements

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
CLOSELY = pytest.mark.parametrize("closely", [True, False], ids=["long numbers", "integers"])

Lines = list[tuple[float, float, float]]


def lines_of(lines: Lines, shift: float = 2.0) -> Network:
    """Two layers, so that values are rounded: the second cuts along the lines a x + b y + c = 0, and nowhere else."""
    weights = np.array(lines)
    shifted = Dense(np.array([[1 / 3, 0.0], [0.0, 1 / 3]]), np.array([shift, shift]))  # positive on the square
    again = Dense(3 * weights[:, :2], weights[:, 2] - 3 * shift * weights[:, :2].sum(axis=1))
    return Network.sequential(2, [shifted, RELU, again, RELU, Dense(np.ones((1, len(lines))), np.zeros(1))])


@pytest.fixture
def tier(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    return lambda closely: monkeypatch.setattr(rungs, "_CHEAP", 0 if closely else 1 << 60)


@pytest.fixture
def no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Sequential) -> None:
        raise AssertionError("a cell was cut column by column")

    monkeypatch.setattr(Sequential, "run", refused)


@CLOSELY
@pytest.mark.parametrize("gap", [3e-15, -3e-15, 6e-15])
def test_lines_that_meet_near_a_side_meet_it_in_their_order(
    gap: float, closely: bool, tier: Callable[[bool], None], no_rounds: None
) -> None:
    """They meet just inside or just outside the square, where the third side of a tiny triangle would be."""
    tier(closely)
    network = lines_of([(1.0, 0.25, 0.25), (1.0, -0.5, -0.5 + gap)])
    assert disagreements(network, SQUARE) == []
    assert cpwl.partition(network, SQUARE).settled > 0


@CLOSELY
@pytest.mark.parametrize("seed", range(4))
def test_many_lines_that_float64_puts_in_a_wrong_order_meet_a_side_in_the_right_one(
    seed: int, closely: bool, tier: Callable[[bool], None], no_rounds: None
) -> None:
    tier(closely)
    random = np.random.default_rng(seed)
    slopes, gaps = random.uniform(-1, 1, 12), random.uniform(-1e-11, 1e-11, 12)
    network = lines_of([(1.0, float(b), float(b + c)) for b, c in zip(slopes, gaps, strict=True)], shift=8192.0)
    assert disagreements(network, SQUARE) == []
    assert cpwl.partition(network, SQUARE).settled > 12


@CLOSELY
@pytest.mark.parametrize("gap", [2e-15, -2e-15, 1e-14])
def test_three_lines_that_nearly_meet_make_a_triangle(
    gap: float, closely: bool, tier: Callable[[bool], None], no_rounds: None
) -> None:
    tier(closely)
    network = lines_of([(1.0, 0.3, 0.1), (0.2, 1.0, -0.3), (1.2, 1.3, -0.2 + gap)])
    assert disagreements(network, SQUARE) == []
    part = cpwl.partition(network, SQUARE)
    assert len(part) == 7 and part.settled > 0


@CLOSELY
@pytest.mark.parametrize("shift", [2.0, 2.0**24], ids=["known closely", "known poorly"])
@pytest.mark.parametrize(("left", "regions"), [(-1.0, 6), (0.0, 4)], ids=["inside", "on a side"])
def test_three_lines_that_meet_make_none(
    left: float, regions: int, shift: float, closely: bool, tier: Callable[[bool], None], no_rounds: None
) -> None:
    """Known poorly: sharper positions are asked for, and still do not part them."""
    tier(closely)
    domain = cpwl.Domain.box([left, -1.0], [1.0, 1.0])
    network = lines_of([(1.0, 0.5, 0.0), (0.5, 1.0, 0.0), (1.0, -0.75, 0.0)], shift)  # through no corner of the domain
    assert disagreements(network, domain) == []
    assert len(cpwl.partition(network, domain)) == regions


def test_a_unit_that_is_off_everywhere_is_left_out_of_the_rows_and_one_that_is_on_somewhere_is_not() -> None:
    weight, bias = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]), np.array([0.0, -3.0, -1.999, -1.0])
    mixed = Dense(np.array([[1.0, 2.0, -1000.0, 3.0], [-1.0, 5.0, 1.0, 7.0]]), np.array([-0.5, 0.5]))
    network = Network.sequential(2, [Dense(weight, bias), RELU, mixed, RELU, Dense(np.ones((1, 2)), np.zeros(1))])
    assert disagreements(network, SQUARE) == []
    nothing = Network.sequential(2, [Dense(weight, bias - 5), RELU, mixed, RELU, Dense(np.ones((1, 2)), np.zeros(1))])
    part = cpwl.partition(nothing, SQUARE)
    assert len(part) == 1 and part.outputs.to_numpy().ravel().tolist() == [0.5] * 4


def test_a_matrix_on_the_units_that_are_left_agrees_with_the_whole_one_within_both_bounds() -> None:
    random, device = np.random.default_rng(0), torch.device("cpu")
    held = torch.tensor([0, 3, 4, 7])
    node = Node(Dense(random.standard_normal((5, 9)), random.standard_normal(5)), (0,), (5,), "dense")
    part = replace(FloatField.exactly(random.standard_normal((6, 4)), device), held=held, width=9)
    found, whole = (TorchArithmetic(device).linear(node, [field]) for field in (part, part.whole()))
    exact = fractions(part.to_numpy()) @ fractions(node.op.weight).T + fractions(node.op.bias)
    for field in (found, whole):
        assert (np.abs(fractions(field.to_numpy()) - exact) <= fractions(field.limits())).all()
    assert (found.limits() <= whole.limits()).all() and (found.limits() < whole.limits()).any()
    other = Node(Sum((1.0, 1.0)), (0, 0), (9,), "sum")
    doubled = TorchArithmetic(device).linear(other, [part, part])
    assert np.array_equal(doubled.to_numpy(), 2 * part.to_numpy()) and part.to_numpy().shape == (6, 9)


def fractions(values: Any) -> Any:
    return np.vectorize(Fraction, otypes=[object])(values)
