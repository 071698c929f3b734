"""Small certificates of every kind, and a network that holds every operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from cpwl import certify, certify_constant, certify_equal, certify_extremum
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Op, Piecewise, Scale, Shape, Sum
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network, network

Document = dict[str, Any]


def every_operator(seed: int = 0) -> Network:
    """A network of two inputs with every operator: groups, strides, padding, leading axes, broadcasting, skips."""
    rng = np.random.default_rng(seed)
    numbers = lambda *shape: rng.integers(-8, 9, shape) / 8  # noqa: E731
    nodes = [Node(Input(), (), (2,))]

    def add(op: Op, shape: Shape, *inputs: int) -> int:
        nodes.append(Node(op, inputs or (len(nodes) - 1,), shape))
        return len(nodes) - 1

    add(Dense(numbers(24, 2), numbers(24)), (24,))
    add(Gather(np.arange(24).reshape(2, 2, 6)), (2, 2, 6))
    conv = Conv(numbers(4, 1, 3), numbers(4), (6,), (2,), ((1, 2),), (2,), groups=2)
    add(conv, (2, 4, *conv.output_spatial))
    length = conv.output_spatial[0]
    slopes = np.stack([numbers(4, 1), numbers(4, 1) + 1])
    add(Piecewise(np.array([0.25]), slopes, 0.5), (2, 4, length))
    skip = add(Scale(numbers(4, 1), numbers(length)), (2, 4, length))
    add(Gather(np.concatenate([np.arange(8 * length), [-1] * 8]).reshape(2, 4, length + 1)), (2, 4, length + 1))
    add(Max(), (2, 4))
    pooled = add(Divide(np.array([3.0, 7.0, 9.0, -5.0])), (2, 4))
    add(Gather(np.arange(0, 8 * length, length).reshape(2, 4)), (2, 4), skip)
    add(Sum((0.5, -1.25)), (2, 4), pooled, len(nodes) - 1)
    add(Piecewise(np.array([-0.5, 0.5]), np.array([0.0, 1.0, 0.0]), -0.5), (2, 4))
    image = add(Gather(np.arange(8).reshape(1, 2, 4)), (1, 2, 4))
    plane = Conv(numbers(3, 1, 2, 2), numbers(3), (2, 4), (1, 2), ((0, 1), (0, 0)), (1, 1))
    add(plane, (3, *plane.output_spatial), image)
    add(RELU, nodes[-1].shape)
    add(Gather(np.arange(nodes[-1].size)), (nodes[-1].size,))
    add(Dense(numbers(3, nodes[-1].size), numbers(3)), (3,))
    return Network(tuple(nodes))


def small_network() -> Network:
    """A network with a handful of regions, with units of two kinds."""
    first = [[1.0, 0.5], [-0.5, 1.0], [0.25, -1.0]]
    second = [[1.0, -1.0, 0.5], [0.5, 1.0, -1.0], [-1.0, 0.5, 0.5], [0.5, 0.0, 1.0]]
    third = [[1.0, -0.5], [-1.0, 1.0]]
    biases = [[0.25, -0.125, 0.0], [0.0, 0.25, -0.25, 0.125], [0.0, 0.125]]
    return network([first, second, third], biases, ["relu", "maxout"])


def documents() -> Iterator[tuple[str, Document]]:
    """A certificate of every kind, with the name of a file."""
    net = small_network()
    part = partition(net, SQUARE)
    proven = certify(part)
    yield "partition", proven.document()
    yield "extremum-maximum", certify_extremum(proven, 0).document()
    yield "extremum-minimum", certify_extremum(proven, 1, sense="minimum").document()
    yield "decision-counterexample", certify_constant(proven, 0).document()
    corner = Domain.box([0.75, 0.75], [1.0, 1.0])
    yield "constant-decision", certify_constant(partition(net, corner)).document()
    yield "boundary-sample", part.decision_boundary().certify(3).document()
    yield "equality-sample", part.decision_boundary((0, 1), everywhere=True).certify(3).document()
    scalar = he_network(1, [2, 3, 1], ["abs"])
    yield "level-sample", partition(scalar, SQUARE).decision_boundary(level=0.125).certify(3).document()
    yield "equal-networks", certify_equal(net, permuted(net), SQUARE).document()
    yield "different-networks", certify_equal(net, shifted(net), SQUARE).document()
    yield "every-operator", certify(partition(every_operator(), SQUARE)).document()


def permuted(net: Network) -> Network:
    """The same function: the units of the first layer in another order."""
    order = np.array([2, 0, 1])
    first, second = net.nodes[1].op, net.nodes[3].op
    assert isinstance(first, Dense) and isinstance(second, Dense)
    return replaced(
        net, {1: Dense(first.weight[order], first.bias[order]), 3: Dense(second.weight[:, order], second.bias)}
    )


def shifted(net: Network) -> Network:
    """A function that is 2^-40 larger in one output."""
    last = net.nodes[-1].op
    assert isinstance(last, Dense)
    return replaced(net, {len(net.nodes) - 1: Dense(last.weight, last.bias + np.array([0.0, 2.0**-40]))})


def replaced(net: Network, operators: dict[int, Op]) -> Network:
    """A network with some other operators of the same shapes."""
    return Network(
        tuple(Node(operators.get(i, node.op), node.inputs, node.shape, node.name) for i, node in enumerate(net.nodes))
    )


def encoded(document: Any) -> bytes:
    """The bytes of a file."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")
