"""Entries with one value number are one function on the region, by exact arithmetic: degenerate networks and images."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from cpwl.backends.exact.oracle import SliceOracle
from cpwl.fields.value_numbers import ValueNumbering
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Conv, Dense, Gather, Input, Max, Network, Node
from tests.support.families import case


def classes_are_exact(network: Network, domain: Domain) -> int:
    """Asserts the law on all regions, for every stage's argument; returns how many entries share a number.

    Numbers of the whole slice are held against every region: what they say holds on each.
    """
    part = cpwl.partition(network, domain, backend="exact")
    same, oracle, shared = ValueNumbering(network, domain), SliceOracle(network, domain), 0
    for pattern in part.patterns():
        stop = 0
        for stage, i in enumerate(network.nonlinear):
            (functions,) = oracle(pattern[None, :stop])
            source = network.nodes[i].inputs[0]
            for numbers in (same.numbers(pattern, source), same.everywhere(source)):
                first: dict[int, int] = {}
                for entry, number in enumerate(numbers.tolist()):
                    other = first.setdefault(number, entry)
                    shared += other != entry
                    assert other == entry or not any(functions.form(stage, entry, other, 0.0))
            stop = network.unit_columns[i].stop
    return shared


@pytest.mark.parametrize("seed", range(500, 530))
def test_equal_numbers_mean_equal_functions_on_degenerate_networks(seed: int) -> None:
    degenerate = case(seed)
    classes_are_exact(degenerate.network, degenerate.domain)


CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1.0]])


def pooled(seed: int, *, groups: int, bias: bool) -> tuple[Network, Domain]:
    """Two convolutions, the second after pooling, on images that are constant but for a corner that moves."""
    random = np.random.default_rng(seed)
    channels = 2 * groups

    def conv(inputs: int, size: int, **options: int) -> Conv:
        weight = random.integers(-2, 3, (channels, inputs // options.get("groups", 1), 3, 3)) / 2
        shift = random.integers(-1, 2, channels) / 2 if bias else np.zeros(channels)
        return Conv(weight, shift, (size, size), (1, 1), ((1, 1), (1, 1)), (1, 1), options.get("groups", 1))

    places = np.arange(channels * 36).reshape(channels, 3, 2, 3, 2).swapaxes(2, 3).reshape(channels, 3, 3, 4)
    nodes = (
        Node(Input(), (), (1, 6, 6), "x"),
        Node(conv(1, 6), (0,), (channels, 6, 6), "conv"),
        Node(RELU, (1,), (channels, 6, 6), "relu"),
        Node(Gather(places), (2,), (channels, 3, 3, 4), "windows"),
        Node(Max(), (3,), (channels, 3, 3), "pool"),
        Node(conv(channels, 3, groups=groups), (4,), (channels, 3, 3), "conv 2"),
        Node(RELU, (5,), (channels, 3, 3), "relu 2"),
        Node(Gather(np.arange(channels * 9).reshape(channels, 9)), (6,), (channels, 9), "all"),
        Node(Max(), (7,), (channels,), "pool 2"),
        Node(Dense(random.standard_normal((1, channels)), np.zeros(1)), (8,), (1,), "out"),
    )
    basis = np.zeros((36, 2))
    basis[[0, 7], [0, 1]] = 1.0
    return Network(nodes), Domain.polygon(CORNERS, np.full(36, 0.25), basis)


@pytest.mark.parametrize(("groups", "bias"), [(1, True), (1, False), (2, True)])
@pytest.mark.parametrize("seed", range(3))
def test_the_background_of_an_image_is_one_function_a_channel(seed: int, groups: int, bias: bool) -> None:
    network, domain = pooled(seed, groups=groups, bias=bias)
    assert classes_are_exact(network, domain) > 0


def test_entries_of_different_nodes_are_told_apart() -> None:
    """Two layers that number their outputs alike meet in maxima; the second repeats one unit of the first."""
    first, second = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[3.0, -1.0], [1.0, 1.0]])
    nodes = (
        Node(Input(), (), (2,), "x"),
        Node(Dense(first, np.zeros(2)), (0,), (2,), "one"),
        Node(Dense(second, np.zeros(2)), (0,), (2,), "other"),
        Node(Gather(np.array([[0, 2], [1, 3], [0, 0]])), (1, 2), (3, 2), "pairs"),
        Node(Max(), (3,), (3,), "max"),
        Node(Dense(np.ones((1, 3)), np.zeros(1)), (4,), (1,), "out"),
    )
    assert classes_are_exact(Network(nodes), Domain.box([-1.0, -1.0], [1.0, 1.0])) > 0


@pytest.mark.parametrize("seed", range(6))
def test_maxima_are_one_function_only_if_all_their_arguments_are(seed: int) -> None:
    """Maxima of few entries, in all orders and with repetitions: many share some of their arguments, few all."""
    random = np.random.default_rng(seed)
    width = int(random.integers(2, 4))
    chosen = np.concatenate([random.integers(0, 3, (6, width)), np.repeat(random.integers(0, 3, (1, width)), 2, 0)])
    nodes = (
        Node(Input(), (), (2,), "x"),
        Node(Dense(random.integers(-2, 3, (3, 2)) / 2, random.integers(-1, 2, 3) / 2), (0,), (3,), "dense"),
        Node(Gather(chosen), (1,), chosen.shape, "arguments"),
        Node(Max(), (2,), (8,), "maxima"),
        Node(RELU, (3,), (8,), "relu"),
        Node(Dense(np.ones((1, 8)), np.zeros(1)), (4,), (1,), "out"),
    )
    assert classes_are_exact(Network(nodes), Domain.box([-1.0, -1.0], [1.0, 1.0])) > 0
