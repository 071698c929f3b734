"""What is known by name to vanish at the origin of a slice has no constant on any region (proofs/, Lemma 10 (c))."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.backends.exact.oracle import SliceOracle
from cpwl.fields.predicates import Names
from cpwl.fields.structural_zeros import Named
from cpwl.network import RELU, Conv, Dense, Gather, Input, Network, Node, Piecewise, Scale
from tests.support.short_networks import mixed, pieces_of

AROUND, BESIDE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0]), cpwl.Domain.box([0.0, -1.0], [1.0, 1.0])


def without_some_biases(network: Network, random: np.random.Generator) -> Network:
    """The same, where about half of all constants are zero."""

    def op(given: Any) -> Any:
        if isinstance(given, Dense):
            return replace(
                given,
                weight=given.weight * random.integers(0, 2, given.weight.shape),
                bias=given.bias * random.integers(0, 2, given.bias.shape),
            )
        if isinstance(given, Scale):
            return replace(given, shift=given.shift * random.integers(0, 2, given.shift.shape))
        if isinstance(given, Piecewise) and random.integers(2):
            return RELU
        return given

    return Network(tuple(replace(node, op=op(node.op)) for node in network.nodes))


@pytest.mark.parametrize("seed", range(10))
def test_functions_that_are_zero_at_the_origin_by_name_are_zero_there(seed: int) -> None:
    random = np.random.default_rng(seed)
    network = without_some_biases(mixed(random, 1, 2), random)
    named, exact, seen = Named(network, AROUND), SliceOracle(network, AROUND), set()
    for stage in range(len(network.nonlinear)):
        size, before = network.nodes[network.read_by(stage)].size, exact.units_before(stage)
        names = Names(
            np.full(40, stage),
            random.integers(size, size=40),
            random.integers(-1, size, 40),
            random.choice([0.0, 0.0, 0.25], 40),
        )
        names.level[names.second >= 0] = 0.0
        central = named.central(names)
        for _ in range(5):
            pieces = [
                random.integers(0, pieces_of(network.nodes[i].op), network.nodes[i].size) for i in network.nonlinear
            ]
            pattern = np.concatenate(pieces)[None, :before].astype(np.int16)
            forms = exact.forms(pattern, np.zeros(40, np.int64), names)
            assert all(form[-1] == 0 for form, zero in zip(forms, central, strict=True) if zero)
        seen |= set(central.tolist())
    assert False in seen


@pytest.mark.parametrize("seed", range(5))
def test_without_biases_all_functions_are(seed: int) -> None:
    """Whatever the operators, if the slice goes through the origin; with a level, or beside the origin, none is."""
    random = np.random.default_rng(seed)
    corners = [[-1.0, -1.0], [1.0, -1.0], [0.0, 1.0]]
    image, moved = (
        cpwl.Domain.polygon(corners, centre, random.standard_normal((1, 4, 4, 2)))
        for centre in (np.zeros((1, 4, 4)), np.ones((1, 4, 4)))
    )
    conv = Conv(random.standard_normal((2, 1, 2, 2)), np.zeros(2), (4, 4), (1, 1), ((0, 0), (0, 0)), (1, 1))
    leaky = Piecewise(np.zeros(1), np.array([0.1, 1.0]))
    dense = [Dense(random.standard_normal((rows, columns)), np.zeros(rows)) for rows, columns in ((6, 18), (3, 6))]
    nodes = [
        Node(Input(), (), (1, 4, 4), "input"),
        Node(conv, (0,), (2, 3, 3), "conv"),
        Node(RELU, (1,), (2, 3, 3), "a"),
    ]
    nodes += [Node(Gather(np.arange(18)), (2,), (18,), "flat"), Node(dense[0], (3,), (6,), "b")]
    nodes += [Node(leaky, (4,), (6,), "c"), Node(dense[1], (5,), (3,), "d"), Node(RELU, (6,), (3,), "e")]
    network = Network(tuple(nodes))
    for stage in range(3):
        entries = np.arange(network.nodes[network.read_by(stage)].size)
        for level, domain, wanted in ((0.0, image, True), (0.5, image, False), (0.0, moved, False)):
            names = Names.levels(stage, entries, np.full(len(entries), level))
            assert (Named(network, domain).central(names) == wanted).all()


def test_sides_through_the_origin_are() -> None:
    network = Network.mlp([np.ones((1, 2)), np.ones((1, 1))], [np.zeros(1), np.zeros(1)])
    assert not Named(network, AROUND).central(Names.sides(4)).any()
    sides = [side[-1] == 0 for side in BESIDE.polytope.sides]
    assert Named(network, BESIDE).central(Names.sides(4)).tolist() == sides and sum(sides) == 1
