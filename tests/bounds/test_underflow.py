"""Bounds where constants of a network underflow in float32, or lose digits, and what they are factors of is large."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from cpwl.network import RELU, Dense, Network
from cpwl.network.network import Node
from cpwl.network.operators import Input, Op, Piecewise, Scale, Sum

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])

SMALL: dict[str, object] = {
    "scale": lambda s: (Scale(np.full(2, s), np.zeros(2)), 1),
    "sum": lambda s: (Sum((s, s)), 2),
    "convex": lambda s: (Piecewise(np.zeros(1), np.array([0.0, s])), 1),
    "concave": lambda s: (Piecewise(np.zeros(1), np.array([2 * s, s])), 1),
    "neither": lambda s: (Piecewise(np.array([-1.0, 0.0]), np.array([0.0, -s, s])), 1),
}


def shrunk(kind: str, large: float, small: float) -> Network:
    """x + 10, made large, then small by a constant, and back to its size; less a level that it attains."""
    op, copies = SMALL[kind](small)  # type: ignore[operator]
    nodes = [
        (Input(), (), (2,)),
        (Dense(np.eye(2), np.full(2, 10.0)), (0,), (2,)),
        (RELU, (1,), (2,)),
        (Dense(np.eye(2) * large, np.full(2, -10 * large)), (2,), (2,)),
        (RELU, (3,), (2,)),
        (op, (4,) * copies, (2,)),
        (Dense(np.ones((1, 2)) / large / small / copies, np.array([-0.5])), (5,), (1,)),
    ]
    return Network(tuple(Node(each, inputs, shape, f"n{i}") for i, (each, inputs, shape) in enumerate(nodes)))


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("exponent", [60, 88, 100, 112, 118])
@pytest.mark.parametrize("small", [2.0**-151, 1.25 * 2.0**-148, 1.3 * 2.0**-127])
def test_no_surface_is_lost_where_constants_underflow(kind: str, exponent: int, small: float) -> None:
    net = shrunk(kind, 2.0**exponent, small)
    whole = cpwl.partition(net, SQUARE).decision_boundary(level=0.0)
    assert len(whole) > 0
    assert len(cpwl.level_set(net, SQUARE, 0.0)) == len(whole)


@pytest.mark.parametrize("place", [2.0**-151, 1.25 * 2.0**-148])
def test_no_surface_is_lost_where_breakpoints_underflow(place: float) -> None:
    """A steep step whose breakpoint underflows, on a domain of its size."""
    steep: Op = Piecewise(np.array([place]), np.array([0.0, 2.0**100]))
    nodes = [
        (Input(), (), (1,)),
        (steep, (0,), (1,)),
        (Dense(np.ones((1, 1)), np.full(1, -(2.0**-51) / 3)), (1,), (1,)),
    ]
    net = Network(tuple(Node(each, inputs, shape, f"n{i}") for i, (each, inputs, shape) in enumerate(nodes)))
    line = cpwl.Domain.box([0.0], [4 * place])
    whole = cpwl.partition(net, line).decision_boundary(level=0.0)
    assert len(cpwl.level_set(net, line, 0.0)) == len(whole) == 1
