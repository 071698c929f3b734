"""Networks with every kind of unit, the same in the tests' own model, and partitions that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.arrays.ragged import Ragged
from cpwl.geometry.domain import Domain, exactly
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Piecewise
from cpwl.partitions.partition import Partition
from cpwl.tiling.history import Step
from cpwl.tiling.pieces import WinnerPieces
from tests.support import exact_model as model
from tests.support.conformance_inputs import small

SQUARE = Domain.box([-1.0, -1.0], [1.0, 1.0])
ACTIVATIONS: dict[str, Piecewise | int] = {
    "relu": RELU,
    "leaky": Piecewise(np.zeros(1), np.array([0.25, 1.0])),
    "abs": Piecewise(np.zeros(1), np.array([-1.0, 1.0])),
    "hardtanh": Piecewise(np.array([-1.0, 1.0]), np.array([0.0, 1.0, 0.0]), -1.0),
    "maxout": 2,
    "maxout of three": 3,
}
Polygon = list[tuple[Fraction, Fraction]]


def network(weights: Sequence[Any], biases: Sequence[Any], kinds: Sequence[str]) -> Network:
    """Dense layers with an activation after each but the last; a maxout of k has k rows of weights a unit."""
    nodes = [Node(Input(), (), (np.asarray(weights[0]).shape[1],))]

    def add(op: Any, shape: tuple[int, ...]) -> None:
        nodes.append(Node(op, (len(nodes) - 1,), shape))

    for i, (weight, bias) in enumerate(zip(weights, biases)):
        rows = len(bias)
        add(Dense(np.asarray(weight, np.float64), np.asarray(bias, np.float64)), (rows,))
        if i == len(weights) - 1:
            break
        activation = ACTIVATIONS[kinds[i]]
        if isinstance(activation, int):
            add(Gather(np.arange(rows).reshape(-1, activation)), (rows // activation, activation))
            add(Max(), (rows // activation,))
        else:
            add(activation, (rows,))
    return Network(tuple(nodes))


def as_model(net: Network) -> model.Net:
    """The network in the tests' own words."""
    layers: model.Net = []
    for node in net.nodes[1:]:
        if isinstance(node.op, Dense):
            layers.append(model.Layer(exactly(node.op.weight).tolist(), exactly(node.op.bias).tolist()))
        elif isinstance(node.op, Gather):
            layers[-1] = layers[-1]._replace(activation=node.shape[1])
        elif isinstance(node.op, Piecewise):
            tables = (tuple(map(Fraction, table.tolist())) for table in (node.op.breakpoints, node.op.slopes))
            layers[-1] = layers[-1]._replace(activation=model.Scalar(*tables, Fraction(node.op.value)))
    return layers


@st.composite
def networks(draw: Callable[[Any], Any], entries: st.SearchStrategy[float] = small, inputs: int = 2) -> Network:
    """Small-integer weights (by default), every kind of unit: nearly everything in them is degenerate."""
    kinds = draw(st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=1, max_size=3))
    widths = [inputs, *(draw(st.integers(1, 3)) for _ in kinds), 1]
    groups = [activation if isinstance(activation := ACTIVATIONS[kind], int) else 1 for kind in kinds]
    weights, biases = [], []
    for (fan_in, fan_out), group in zip(pairwise(widths), [*groups, 1]):
        rows = st.lists(entries, min_size=fan_in, max_size=fan_in)
        weights.append(np.array(draw(st.lists(rows, min_size=fan_out * group, max_size=fan_out * group))))
        biases.append(np.array(draw(st.lists(entries, min_size=fan_out * group, max_size=fan_out * group))) / 2)
    return network(weights, biases, kinds)


def he_network(seed: int, widths: Sequence[int], kinds: Sequence[str]) -> Network:
    """Generic weights."""
    rng = np.random.default_rng(seed)
    groups = [activation if isinstance(activation := ACTIVATIONS[kind], int) else 1 for kind in kinds]
    shapes = [(b * group, a) for (a, b), group in zip(pairwise(widths), [*groups, 1])]
    weights = [rng.standard_normal(shape) * np.sqrt(2 / shape[1]) for shape in shapes]
    return network(weights, [rng.standard_normal(shape[0]) * 0.1 for shape in shapes], kinds)


def polygons(partition: Partition) -> list[Polygon]:
    """The corners of each region, as rationals."""
    points = [(Fraction(x), Fraction(y)) for x, y in partition.vertices.tolist()]
    return [[points[v] for v in row] for row in partition.regions]


def as_set(cells: Sequence[Polygon]) -> set[frozenset[tuple[Fraction, Fraction]]]:
    """Convex polygons, whatever their order and first corners."""
    return {frozenset(cell) for cell in cells}


def corners(domain: Domain) -> Polygon:
    """The domain's own polygon."""
    return [(Fraction(x), Fraction(y)) for x, y in domain.polytope.vertices.tolist()]


@dataclass(frozen=True, eq=False)
class Forged:
    """As much of an arrangement as lifting reads, with whatever regions one likes."""

    vertices: NDArray[Any]
    regions: Ragged
    exact: bool = False

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.regions), np.bool_)

    def volume_errors(self) -> NDArray[np.float64]:
        return np.zeros(len(self.regions))

    def __len__(self) -> int:
        return len(self.regions)


def forged(partition: Partition, rows: Sequence[Sequence[int]], patterns: NDArray[np.int16]) -> Partition:
    """The partition with other regions (corners by index of vertex) and other patterns, one row each."""
    steps, start = [], 0
    for index in partition.network.nonlinear:
        size = partition.network.nodes[index].size
        pieces = WinnerPieces(patterns[:, start : start + size])
        steps.append(Step(index, np.arange(len(rows)), pieces))
        start += size
    arrangement: Any = Forged(np.asarray(partition.vertices, np.float64), Ragged.of(rows))
    return replace(partition, arrangement=arrangement, steps=tuple(steps))
