"""Random networks for the laws of partitions: generic and degenerate weights, every kind of unit, skips, dead units.

Each is given twice: as the library's form, and as the tests' own exact model of it (exact_model), where that has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Op, Piecewise, Sum
from tests.support import exact_model

ACTIVATIONS: dict[str, Piecewise] = {
    "relu": RELU,
    "leaky relu": Piecewise(np.zeros(1), np.array([0.25, 1.0])),
    "abs": Piecewise(np.zeros(1), np.array([-1.0, 1.0])),
    "hardtanh": Piecewise(np.array([-1.0, 1.0]), np.array([0.0, 1.0, 0.0]), -1.0),
    "triangle wave": Piecewise(np.array([-1.0, 0.0, 1.0]), np.array([1.0, -1.0, 1.0, -1.0]), 1.0),
}

integers = st.integers(-2, 2).map(float)
ternary = st.integers(-1, 1).map(float)
quantised = st.integers(-32, 32).map(lambda k: k / 32)
generic = st.floats(-2, 2, width=64, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.3)
thirds = st.integers(-6, 6).map(lambda k: k / 3)
WEIGHTS = {"integers": integers, "ternary": ternary, "quantised": quantised, "thirds": thirds, "generic": generic}


@dataclass(frozen=True, eq=False)
class Pair:
    """A network and its model."""

    network: Network
    model: exact_model.Net

    def __repr__(self) -> str:
        layers = [(op.weight.tolist(), op.bias.tolist()) for op in _ops(self.network, Dense)]
        kinds = [layer.activation for layer in self.model]
        return f"<{layers} with {kinds}>"


@st.composite
def layered(draw: Callable[[Any], Any], *, outputs: int = 1, kinds: tuple[str, ...] = tuple(WEIGHTS)) -> Pair:
    """Networks of one or two hidden layers with two inputs; duplicated, negated and dead units among them."""
    numbers = WEIGHTS[draw(st.sampled_from(kinds))]
    nodes, model = [Node(Input(), (), (2,), "input")], []
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([*ACTIVATIONS, "max of 2", "max of 3"]))
        group = int(name[-1]) if name.startswith("max") else 0
        units = draw(st.integers(1, 2 if group else 4))
        weight, bias = _layer(draw, numbers, units * max(group, 1), nodes[-1].size)
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), (units * max(group, 1),), "dense"))
        if group:
            nodes.append(_grouped(len(nodes) - 1, units, group))
        nodes.append(Node(Max() if group else ACTIVATIONS[name], (len(nodes) - 1,), (units,), name))
        model.append(exact_model.Layer(_exact(weight), _exact(bias), group or _scalar(ACTIVATIONS[name])))
    weight, bias = _layer(draw, numbers, outputs, nodes[-1].size)
    nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), (outputs,), "out"))
    model.append(exact_model.Layer(_exact(weight), _exact(bias), None))
    return Pair(Network(tuple(nodes)), model)


@st.composite
def residual(draw: Callable[[Any], Any]) -> Network:
    """x -> out(act(A x) + x) with a skip connection over the activation."""
    numbers = WEIGHTS[draw(st.sampled_from(sorted(WEIGHTS)))]
    first, second, out = (_layer(draw, numbers, n, 2) for n in (2, 2, 1))
    activation = ACTIVATIONS[draw(st.sampled_from(sorted(ACTIVATIONS)))]
    return Network(
        (
            Node(Input(), (), (2,), "input"),
            Node(Dense(*first), (0,), (2,), "a"),
            Node(activation, (1,), (2,), "act"),
            Node(Sum((1.0, 1.0)), (2, 0), (2,), "skip"),
            Node(Dense(*second), (3,), (2,), "b"),
            Node(RELU, (4,), (2,), "relu"),
            Node(Sum((1.0, -1.0)), (5, 3), (2,), "skip 2"),
            Node(Dense(*out), (6,), (1,), "out"),
        )
    )


def mlp(seed: int, widths: list[int], bias: float = 0.1) -> Network:
    """A He-initialised ReLU network."""
    generator = np.random.default_rng(seed)
    pairs = list(pairwise(widths))
    weights = [generator.standard_normal((n, m)) * np.sqrt(2 / m) for m, n in pairs]
    return Network.mlp(weights, [generator.standard_normal(n) * bias for _, n in pairs])


def _layer(draw: Any, numbers: Any, rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    row = st.lists(numbers, min_size=columns + 1, max_size=columns + 1)
    table = np.array(draw(st.lists(row, min_size=rows, max_size=rows)), np.float64).reshape(rows, columns + 1)
    relation = draw(st.sampled_from(["none", "none", "duplicate", "negate", "triple", "dead"]))
    if rows > 1 and relation != "none":
        table[-1] = {"duplicate": 1, "negate": -1, "triple": 3, "dead": 0}[relation] * table[0]
    return table[:, :-1].copy(), table[:, -1].copy()


def _grouped(argument: int, units: int, group: int) -> Node:
    return Node(Gather(np.arange(units * group).reshape(units, group)), (argument,), (units, group), "groups")


def _exact(values: NDArray[np.float64]) -> Any:
    return [_exact(v) if isinstance(v, np.ndarray) else Fraction(float(v)) for v in values]


def _scalar(op: Piecewise) -> exact_model.Scalar:
    return exact_model.Scalar(tuple(_exact(op.breakpoints)), tuple(_exact(op.slopes)), Fraction(op.value))


def _ops(network: Network, kind: type[Op]) -> list[Any]:
    return [node.op for node in network.nodes if isinstance(node.op, kind)]
