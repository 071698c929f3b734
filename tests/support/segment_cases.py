"""Networks and segments for the laws of ``cpwl.segments``: generic, and with ties of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.network import Dense, Gather, Input, Max, Network, Node, Sum
from tests.support.networks import ACTIVATIONS

KINDS = ("integers", "ternary", "quantised", "thirds", "generic")


def drawn(rng: np.random.Generator, kind: str, shape: Any) -> NDArray[np.float64]:
    """Numbers of a kind."""
    match kind:
        case "integers":
            return rng.integers(-2, 3, shape).astype(np.float64)
        case "ternary":
            return rng.integers(-1, 2, shape).astype(np.float64)
        case "quantised":
            return np.asarray(rng.integers(-32, 33, shape) / 32)
        case "thirds":
            return np.asarray(rng.integers(-6, 7, shape) / 3)
    return np.asarray(rng.standard_normal(shape))


def drawn_network(rng: np.random.Generator, kind: str) -> Network:
    """A network of up to four layers: all activations, maxima, skips, units twice or off, layers without biases."""
    nodes = [Node(Input(), (), (int(rng.integers(2, 5)),), "input")]
    for _ in range(int(rng.integers(1, 5))):
        name = str(rng.choice([*ACTIVATIONS, "max of 2", "max of 3"]))
        group = int(name[-1]) if name.startswith("max") else 1
        units, before = int(rng.integers(1, 5)), len(nodes) - 1
        weight = drawn(rng, kind, (units * group, nodes[-1].size))
        bias = drawn(rng, kind, units * group) * (rng.random() < 0.6)
        if rng.random() < 0.3:
            weight[0], bias[0] = weight[-1], bias[-1]
        if rng.random() < 0.2:
            weight[0], bias[0] = 0, 0
        nodes.append(Node(Dense(weight, bias), (before,), (units * group,), "dense"))
        if group > 1:
            groups = np.arange(units * group).reshape(units, group)
            nodes.append(Node(Gather(groups), (len(nodes) - 1,), groups.shape, "groups"))
            nodes.append(Node(Max(), (len(nodes) - 1,), (units,), name))
        else:
            nodes.append(Node(ACTIVATIONS[name], (len(nodes) - 1,), (units,), name))
        if before and nodes[before].size == units and rng.random() < 0.3:
            nodes.append(Node(Sum((1.0, 1.0)), (len(nodes) - 1, before), (units,), "skip"))
    outputs = int(rng.integers(1, 4))
    last = Dense(drawn(rng, kind, (outputs, nodes[-1].size)), drawn(rng, kind, outputs))
    return Network((*nodes, Node(last, (len(nodes) - 1,), (outputs,), "out")))


def drawn_points(rng: np.random.Generator, kind: str, count: int, inputs: int) -> NDArray[np.float64]:
    """Starts and ends (2, count, inputs), often where units bend; no start is its end."""
    kind = str(rng.choice(["integers", "thirds", kind]))
    points = drawn(rng, kind, (2, count, inputs))
    points[1, (points[0] == points[1]).all(axis=1), 0] += 1
    return points
