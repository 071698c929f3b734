"""Networks with weights of few digits: float64 computes their functions on regions without rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Piecewise, Scale, Sum


def multiples(random: np.random.Generator, shape: Any, bits: int, largest: int = 4) -> NDArray[np.float64]:
    """Random multiples of 2^-bits."""
    return random.integers(-largest << bits, (largest << bits) + 1, shape) / 2.0**bits


def mixed(random: np.random.Generator, bits: int, depth: int) -> Network:
    """Layers of all kinds of operators whose functions may be short."""
    leaky = Piecewise(np.array([0.25]), np.array([0.5, 1.0]), 0.125)
    each = Piecewise(np.array([-1.0, 0.5]), multiples(random, (3, 6), 2), 1.0)
    nodes = [Node(Input(), (), (2,), "input")]

    def add(op: Any, *inputs: int, shape: tuple[int, ...] = (6,)) -> int:
        nodes.append(Node(op, inputs or (len(nodes) - 1,), shape, f"n{len(nodes)}"))
        return len(nodes) - 1

    for k in range(depth):
        width = nodes[-1].size
        start = add(Dense(multiples(random, (6, width), bits), multiples(random, 6, bits)))
        one = add((RELU, leaky, each)[k % 3])
        other = add(Scale(np.array([0.5, 2.0, -1.0, 1.0, 0.25, 3.0]), np.full(6, 0.75)), start)
        add(Sum((1.0, -0.5)), one, other)
        add(Gather(np.array([[5, 0], [-1, 2], [4, 4], [1, 3], [3, 0], [2, 5]])), shape=(6, 2))
        add(Max())
    add(Dense(multiples(random, (1, 6), bits), np.zeros(1)), shape=(1,))
    return Network(tuple(nodes))


def pieces_of(op: Any) -> int:
    return 2 if isinstance(op, Max) else len(op.slopes)
