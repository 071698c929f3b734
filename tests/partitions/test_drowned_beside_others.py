"""Maxima that share arguments, some with a constant that all arguments have and others with one more besides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Scale
from cpwl.network.drowned import drowned_arguments
from tests.support.agreement import disagreements

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])


def pooled(weight: np.ndarray, bias: list[float], windows: list[list[int]]) -> Network:
    """Maxima over windows of rectified functions: a function may stand in several."""
    count, shape = len(bias), np.shape(windows)
    sums = np.random.default_rng(0).standard_normal((2, len(windows)))
    steps = [(Dense(weight, np.array(bias)), (count,)), (RELU, (count,)), (Gather(np.array(windows)), shape)]
    steps += [(Max(), shape[:1]), (Dense(sums, np.zeros(2)), (2,))]
    return Network((Node(Input(), (), (2,)), *(Node(op, (i,), size) for i, (op, size) in enumerate(steps))))


def drowned_units(network: Network) -> int:
    drowned = drowned_arguments(network, 4)
    return 0 if drowned is None else len(drowned.arguments)


def test_a_match_of_two_without_their_constants_is_no_match_of_the_same_two_with_them() -> None:
    """In the second unit the winner of two meets a function with another constant: it may not lack its own."""
    weight = 1e-20 * np.array([[1.0, 2.0], [-2.0, 1.0], [1.0, -1.0]])
    network = pooled(weight, [0.3, 0.3, 0.1], [[0, 1, 0], [0, 1, 2]])
    assert drowned_units(network) == 1
    part = cpwl.partition(network, SQUARE)
    assert (part.patterns()[:, -1] < 2).all(), "0.1 is larger than 0.3"
    assert disagreements(network, SQUARE) == []


def test_units_with_unlike_constants_that_are_equal_functions_share_no_match_either() -> None:
    """Scaled by 2 and by 4, 0.2 and 0.1 are one constant to the eye; what is left of each is of its own kind."""
    weight, twice = 1e-20 * np.array([[1.0, 2.0], [-2.0, 1.0], [1.0, 1.0]]), np.array([2.0, 2, 2, 4, 4, 4])
    table = np.vstack([weight, weight / 2])
    steps = [
        (Dense(table, np.array([0.2] * 3 + [0.1] * 3)), (6,)),
        (Scale(twice, np.zeros(6)), (6,)),
        (Gather(np.array([[0, 1, 2], [3, 4, 5]])), (2, 3)),
        (Max(), (2,)),
        (Dense(np.array([[1.0, 2.0]]), np.zeros(1)), (1,)),
    ]
    network = Network((Node(Input(), (), (2,)), *(Node(op, (i,), size) for i, (op, size) in enumerate(steps))))
    drowned = drowned_arguments(network, 4)
    assert drowned is not None and len(set(drowned.constant.tolist())) == 2
    assert len(set(drowned.apart(np.array([0, 1, 2, 0, 1, 2])).tolist())) == 6
    assert disagreements(network, SQUARE) == []


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=40)
def test_windows_that_share_functions_have_the_regions_of_the_exact_backend(seed: int, data: st.DataObject) -> None:
    random, count = np.random.default_rng(seed), 4
    bias = [0.1] * 3 + [data.draw(st.sampled_from([0.05, float(np.nextafter(0.1, 0)), float(np.nextafter(0.1, 1))]))]
    size = data.draw(st.sampled_from([1e-20, 1e-16, 1e-10]))
    window = st.lists(st.integers(0, count - 1), min_size=3, max_size=3)
    windows = data.draw(st.lists(window, min_size=2, max_size=5))
    network = pooled(size * random.integers(-2, 3, (count, 2)), bias, windows)
    assert disagreements(network, SQUARE) == []


@pytest.mark.parametrize("unit", ["relu", "max"])
@pytest.mark.parametrize("factor", [5e-324, 1e-310, 1e-300])
def test_a_product_that_underflows_is_not_known_to_be_zero(factor: float, unit: str) -> None:
    """A bound that is a product of tiny numbers was zero too, and a wall was not seen."""
    for slope, constant in [(1e-30, 0.0), (1e-10, 0.0), (1e-10, 0.3)]:
        first = Node(Dense(slope * np.array([[1.0], [-1.0], [0.5]]), np.full(3, constant)), (0,), (3,))
        nodes = [Node(Input(), (), (1,)), first, Node(Scale(np.array(factor), np.zeros(())), (1,), (3,))]
        if unit == "relu":
            nodes.append(Node(RELU, (2,), (3,)))
        else:
            nodes += [Node(Gather(np.array([[0, 1], [0, 2], [1, 2]])), (2,), (3, 2)), Node(Max(), (3,), (3,))]
        network = Network((*nodes, Node(Dense(np.eye(3), np.zeros(3)), (len(nodes) - 1,), (3,))))
        assert disagreements(network, cpwl.Domain.box([-1.0], [1.0])) == []
