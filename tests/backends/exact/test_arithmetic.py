"""The exact arithmetic computes what the operators say, in Fractions, on points and on tangents."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cpwl.backends.exact import ExactArithmetic, ExactField
from cpwl.fields.arithmetic import evaluate
from cpwl.geometry.domain import exactly
from cpwl.network import RELU, Conv, Dense, Gather, Max, Network, Node, Op, Piecewise, Scale, Sum
from tests.support.exact_conv import convolve

EXACT = ExactArithmetic()
floats = st.floats(-1e3, 1e3) | st.integers(-3, 3).map(float) | st.sampled_from([1e-300, 5e-324, 2.0**60, 0.1])
"""Also of very different size: the common scale of a tensor must not lose any of them."""


def tables(rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, (rows, columns), elements=floats)


def apply(op: Op, shape: tuple[int, ...], *inputs: ExactField) -> ExactField:
    node = Node(op, tuple(range(len(inputs))), shape)
    return EXACT.activate(node, inputs[0]) if node.is_nonlinear else EXACT.linear(node, inputs)


def on_points(op: Op, shape: tuple[int, ...], *values: np.ndarray) -> np.ndarray:
    return apply(op, shape, *map(EXACT.points, values)).to_numpy()


@given(tables(3, 4))
def test_points_hold_the_given_numbers_exactly(values: np.ndarray) -> None:
    field = EXACT.points(values)
    assert (field.to_numpy() == exactly(values)).all()
    assert (field.signs() == np.sign(values)).all()
    assert (EXACT.points(exactly(values) / 3).to_numpy() == exactly(values) / 3).all()
    assert (field.rows, field.columns) == (3, 4)


@given(tables(2, 6), tables(2, 3), arrays(np.float64, 2, elements=floats))
def test_dense_acts_along_the_last_axis(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> None:
    found = on_points(Dense(weight, bias), (2, 2), x)
    expected = exactly(x).reshape(2, 2, 3) @ exactly(weight).T + exactly(bias)
    assert (found == expected.reshape(2, 4)).all()


@given(tables(2, 2 * 7 * 6), tables(4, 6), arrays(np.float64, 4, elements=floats), st.data())
def test_convolutions_are_what_their_definition_says(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, data: st.DataObject
) -> None:
    pairs = st.tuples(st.integers(1, 2), st.integers(1, 2))
    padding = data.draw(st.tuples(pairs, pairs))
    stride, dilation, groups = data.draw(pairs), data.draw(pairs), data.draw(st.sampled_from([1, 2]))
    kernel = (
        weight.reshape(4, 1, 2, 3)
        if groups == 2
        else np.concatenate([weight, weight[::-1]], axis=1).reshape(4, 2, 2, 3)
    )
    op = Conv(kernel, bias, (7, 6), stride, padding, dilation, groups)
    found = on_points(op, (4, *op.output_spatial), x)
    assert found.tolist() == [convolve(op, row) for row in exactly(x).tolist()]


@given(tables(2, 6), tables(2, 1), tables(1, 3))
def test_scale_broadcasts_factor_and_shift(x: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> None:
    found = on_points(Scale(factor, shift), (2, 3), x)
    expected = exactly(x).reshape(2, 2, 3) * exactly(factor) + exactly(shift)
    assert (found == expected.reshape(2, 6)).all()


@given(tables(2, 3), tables(2, 3), floats, floats)
def test_sum_weighs_its_inputs(x: np.ndarray, y: np.ndarray, a: float, b: float) -> None:
    found = on_points(Sum((a, b)), (3,), x, y / 3)
    assert (found == exactly(x) * Fraction(a) + exactly(y / 3) * Fraction(b)).all()


@given(tables(2, 3), tables(2, 2))
def test_gather_picks_entries_of_all_inputs(x: np.ndarray, y: np.ndarray) -> None:
    index = np.array([[4, 0], [0, 3]])
    assert (on_points(Gather(index), (2, 2), x, y) == exactly(np.hstack([x, y]))[:, index.ravel()]).all()


@given(tables(3, 4), tables(3, 4))
def test_maxima_are_the_largest_entries(x: np.ndarray, y: np.ndarray) -> None:
    assert (on_points(Max(), (2,), x) == exactly(x.reshape(3, 2, 2).max(axis=2))).all()
    larger = EXACT.maximum(EXACT.points(exactly(x) / 3), EXACT.points(y), None).to_numpy()
    assert (larger == np.maximum(exactly(x) / 3, exactly(y))).all()


def clamp(value: Fraction) -> Fraction:
    return min(max(value, Fraction(-0.5)), Fraction(0.25))


@given(tables(2, 3))
def test_a_piecewise_function_is_evaluated_on_its_pieces(x: np.ndarray) -> None:
    hardtanh = Piecewise(np.array([-0.5, 0.25]), np.array([0.0, 1.0, 0.0]), value=-0.5)
    assert (on_points(hardtanh, (3,), x) == np.vectorize(clamp, otypes=[object])(exactly(x))).all()
    assert (on_points(RELU, (3,), x) == exactly(np.maximum(x, 0.0))).all()


@given(tables(2, 6), arrays(np.float64, (2, 1), elements=floats))
def test_slopes_may_differ_from_unit_to_unit(x: np.ndarray, slope: np.ndarray) -> None:
    prelu = Piecewise(np.zeros(1), np.stack([slope, np.ones((2, 1))]))
    cube = exactly(x).reshape(2, 2, 3)
    expected = np.where(cube > 0, cube, cube * exactly(slope))
    assert (on_points(prelu, (2, 3), x) == expected.reshape(2, 6)).all()


def test_a_network_is_its_own_taylor_polynomial_on_given_pieces() -> None:
    """f(x + v) = f(x) + Df v on the pieces of x: tangents take no constant part."""
    rng = np.random.default_rng(0)
    bend = Piecewise(np.array([-0.5, 0.25]), np.array([0.5, 1.0, -2.0]), value=-0.5)
    dense = [Dense(rng.standard_normal((m, n)), rng.standard_normal(m)) for m, n in ((4, 3), (4, 4), (2, 4))]
    scale = Scale(rng.standard_normal(4), rng.standard_normal(4))
    network = Network.sequential(3, [dense[0], bend, scale, dense[1], bend, dense[2]])
    x, v = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    pieces = rng.integers(0, 3, (5, 4))
    both = EXACT.stack([EXACT.points(x), EXACT.tangents(v)])
    moved = evaluate(network, EXACT, EXACT.points(exactly(x) + exactly(v)), lambda i: pieces)
    at, along = np.split(evaluate(network, EXACT, both, lambda i: np.vstack([pieces, pieces])).to_numpy(), 2)
    assert (moved.to_numpy() == at + along).all()


def test_given_pieces_of_a_maximum_pick_that_argument() -> None:
    node = Node(Max(), (0,), (2,))
    x = EXACT.points(np.array([[1.0, 2.0, 3.0, 4.0]]))
    assert EXACT.on_pieces(node, x, np.array([[0, 1]])).to_numpy().tolist() == [[1, 4]]


@pytest.mark.parametrize("weight", [0.1, 1e-300, 2.0**80])
def test_evaluation_agrees_with_fractions_on_extreme_weights(weight: float) -> None:
    network = Network.mlp([np.array([[weight, 1.0]]), np.array([[3.0]])], [np.array([0.1]), np.array([-0.1])])
    value = evaluate(network, EXACT, EXACT.points(np.array([[0.7, 0.1]]))).to_numpy()[0, 0]
    hidden = Fraction(weight) * Fraction(0.7) + Fraction(0.1) + Fraction(0.1)
    assert value == 3 * hidden - Fraction(0.1)
