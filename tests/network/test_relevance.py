"""The map of a region depends on its relevant units alone (proofs/, Lemma 13), by exact arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl import backends
from cpwl.geometry.ladder import INTEGERS
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Piecewise, Scale, Sum
from cpwl.network.relevance import IRRELEVANT, reduced
from tests.support.families import case
from tests.support.image_planes import plane


def outputs(network: Network, domain: cpwl.Domain, patterns: NDArray[np.int16]) -> list[Any]:
    """The exact maps of the network on patterns, whether or not a region has them."""
    maps: list[Any] = backends.get("exact").oracle(network, domain).outputs(patterns, INTEGERS).values.tolist()
    return maps


def with_other_pieces(network: Network, patterns: NDArray[np.int16], random: np.random.Generator) -> Any:
    """Patterns with any pieces at all of the units that are not relevant."""
    relevant, result = reduced(network, patterns), patterns.copy()
    for i, columns in network.unit_columns.items():
        node = network.nodes[i]
        pieces = network.nodes[node.inputs[0]].size // node.size
        if isinstance(node.op, Piecewise):
            pieces = len(node.op.breakpoints) + 1
        free = relevant[:, columns] == IRRELEVANT
        result[:, columns][free] = random.integers(0, pieces, int(free.sum()))
    return result


def assert_irrelevant_pieces_change_nothing(network: Network, domain: cpwl.Domain, seed: int) -> int:
    """The law on some regions; returns how many units were not relevant."""
    random = np.random.default_rng(seed)
    part = cpwl.partition(network, domain)
    patterns = part.patterns(random.choice(len(part), min(len(part), 12), replace=False))
    others = with_other_pieces(part.network, patterns, random)
    assert np.array_equal(reduced(part.network, others), reduced(part.network, patterns))
    assert outputs(part.network, domain, others) == outputs(part.network, domain, patterns)
    return int((reduced(part.network, patterns) == IRRELEVANT).sum())


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_pieces_of_irrelevant_units_change_no_map_of_a_degenerate_network(seed: int) -> None:
    chosen = case(seed)
    assert_irrelevant_pieces_change_nothing(chosen.network, chosen.domain, seed)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_pieces_of_irrelevant_units_change_no_map_on_planes_through_images(seed: int) -> None:
    chosen = plane(seed)
    assert_irrelevant_pieces_change_nothing(chosen.network, chosen.domain, seed)


def every_operator(seed: int) -> Network:
    """Convolutions with strides, dilations, padding and groups, copies, sums, scales and divisors, many are zero."""
    random = np.random.default_rng(seed)

    def sparse(*shape: int) -> NDArray[np.float64]:
        return np.asarray(random.integers(-2, 3, shape) * (random.random(shape) < 0.5), np.float64)

    conv = Conv(sparse(4, 1, 3, 2), sparse(4), (5, 6), (2, 1), ((1, 0), (0, 2)), (1, 2), 2)
    places = conv.output_spatial
    size = 4 * places[0] * places[1]
    index = np.append(random.integers(0, size, 23), -1).reshape(8, 3)
    nodes = [
        Node(Input(), (), (2,), "x"),
        Node(Dense(random.standard_normal((60, 2)), random.standard_normal(60)), (0,), (60,), "in"),
        Node(Gather(np.arange(60).reshape(2, 5, 6)), (1,), (2, 5, 6), "image"),
        Node(Piecewise(np.array([-0.5, 0.5]), np.array([0.0, 1.0, 0.0])), (2,), (2, 5, 6), "clipped"),
        Node(conv, (3,), (4, *places), "conv"),
        Node(RELU, (4,), (4, *places), "relu"),
        Node(Gather(index), (5,), (8, 3), "groups"),
        Node(Max(), (6,), (8,), "max"),
        Node(Scale(sparse(8), sparse(8)), (7,), (8,), "scaled"),
        Node(RELU, (8,), (8,), "relu"),
        Node(Divide(np.array([3.0])), (9,), (8,), "divided"),
        Node(Sum((float(random.integers(0, 2)), 1.0)), (10, 7), (8,), "sum"),
        Node(Dense(sparse(3, 8), sparse(3)), (11,), (3,), "out"),
    ]
    return Network(tuple(nodes))


@pytest.mark.parametrize("seed", range(12))
def test_pieces_of_irrelevant_units_change_no_map_of_a_network_of_every_operator(seed: int) -> None:
    square = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
    assert assert_irrelevant_pieces_change_nothing(every_operator(seed), square, seed) > 0


def test_a_unit_counts_where_it_reaches_the_output_and_nowhere_else() -> None:
    first, last = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0]])
    nodes = (
        Node(Input(), (), (2,), "x"),
        Node(Dense(first, np.zeros(2)), (0,), (2,), "in"),
        Node(RELU, (1,), (2,), "relu"),
        Node(Gather(np.array([[0, 1]])), (2,), (1, 2), "pair"),
        Node(Max(), (3,), (1,), "max"),
        Node(RELU, (4,), (1,), "relu"),
        Node(Dense(last[:, :1], np.zeros(1)), (5,), (1,), "out"),
    )
    patterns = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 0]], np.int16)
    wanted = [[1, -1, 0, 1], [1, -1, 0, 1], [-1, 1, 1, 1], [-1, -1, -1, 0]]
    assert reduced(Network(nodes), patterns).tolist() == wanted
