"""Networks of three inputs whose level sets are known: shapes made of absolute values, and degenerate ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Piecewise, Scale

ABS = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))
KINDS = {"abs": ABS, "relu": RELU}
Layer = tuple[Sequence[Sequence[float]], Sequence[float], str]


def chain(*layers: Layer | tuple[Any, Any]) -> Network:
    """Dense layers with an activation each, the last one without."""
    nodes = [Node(Input(), (), (3,), "u")]
    for weight, bias, *kind in layers:
        matrix = np.array(weight, np.float64)
        nodes.append(Node(Dense(matrix, np.array(bias, np.float64)), (len(nodes) - 1,), (len(matrix),), "dense"))
        if kind:
            nodes.append(Node(KINDS[kind[0]], (len(nodes) - 1,), (len(matrix),), kind[0]))
    return Network(tuple(nodes))


EYE, ZERO = np.eye(3).tolist(), [0.0] * 3


def diamond() -> Network:
    """|x| + |y| + |z|."""
    return chain((EYE, ZERO, "abs"), ([[1, 1, 1]], [0]))


def ring() -> Network:
    """| |x| + |y| - 1 | + |z|: a square ring below 1/2, of genus 1."""
    return chain((EYE, ZERO, "abs"), ([[1, 1, 0], [0, 0, 1]], [-1, 0], "abs"), ([[1, 1]], [0]))


def rings(apart: float) -> Network:
    """Two of them, their middles so far from x = 0: below 3/4 they have grown together where ``apart`` is 3/2."""
    folded = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [-apart, 0, 0], "abs")
    return chain((EYE, ZERO, "abs"), folded, ([[1, 1, 0], [0, 0, 1]], [-1, 0], "abs"), ([[1, 1]], [0]))


def shell() -> Network:
    """| |x| + |y| + |z| - 1 |: a diamond with a cavity."""
    return chain((EYE, ZERO, "abs"), ([[1, 1, 1]], [-1], "abs"), ([[1]], [0]))


def double_cone() -> Network:
    """|x| + |y| - |z|: its zero set is pinched at the origin."""
    return chain((EYE, ZERO, "abs"), ([[1, 1, -1]], [0]))


def crossed_planes() -> Network:
    """|x + y| - |x - y|: zero on two planes that cross."""
    return chain(([[1, 1, 0], [1, -1, 0]], [0, 0], "abs"), ([[1, -1]], [0]))


def creased_plane() -> Network:
    """relu(x) - 2 relu(-x): zero on a plane along which it bends."""
    return chain(([[1, 0, 0], [-1, 0, 0]], [0, 0], "relu"), ([[1, -2]], [0]))


def one_sided_plane() -> Network:
    """|x|: zero on a plane, positive on both sides."""
    return chain((EYE, ZERO, "abs"), ([[1, 0, 0]], [0]))


def plane_and_wedge() -> Network:
    """relu(x - relu(y)) - relu(-x - relu(y)): zero on half a plane, and on a wedge beyond its edge."""
    first = ([[1, 0, 0], [-1, 0, 0], [0, 1, 0]], ZERO, "relu")
    return chain(first, ([[1, -1, -1], [-1, 1, -1]], [0, 0], "relu"), ([[1, -1]], [0]))


def wedges() -> Network:
    """|y|/2 - |x - y| + 3/2 |x| - |x + y|/2: around the third axis it is positive, negative, zero, and again."""
    first = ([[0, 1, 0], [1, -1, 0], [1, 0, 0], [1, 1, 0]], [0] * 4, "abs")
    return chain(first, ([[0.5, -1, 1.5, -0.5]], [0]))


def cage(cells: tuple[int, int, int], seed: int) -> tuple[Network, int]:
    """Bars along the edges of a grid of so many cells, some thicker than others; and its genus.

    The surface of what retracts to a graph has as its genus the number of the graph's loops, edges - vertices + 1.
    """
    random = np.random.default_rng(seed)
    knots = [np.linspace(-1, 1, n + 1) * 0.8 for n in cells]
    places = list(product(*(range(n + 1) for n in cells)))
    middles, halves = [], []
    for place in places:
        for axis in range(3):
            if place[axis] < cells[axis]:
                ends = [np.array([knots[k][place[k] + (k == axis) * step] for k in range(3)]) for step in (0, 1)]
                thick = random.uniform(0.1, 0.12, 3)
                thick[axis] += (ends[1] - ends[0])[axis] / 2
                middles.append((ends[0] + ends[1]) / 2 + random.uniform(-0.004, 0.004, 3))
                halves.append(thick)
    bars = len(middles)
    weight = np.tile(np.concatenate([np.eye(3), -np.eye(3)]), (bars, 1))
    offsets = [np.concatenate([-m - h, m - h]) for m, h in zip(middles, halves, strict=True)]
    nodes = [
        Node(Input(), (), (3,), "input"),
        Node(Dense(weight, np.concatenate(offsets)), (0,), (6 * bars,), "sides"),
        Node(Gather(np.arange(6 * bars).reshape(bars, 6)), (1,), (bars, 6), "bars"),
        Node(Max(), (2,), (bars,), "outside"),
        Node(Scale(np.full(bars, -1.0), np.zeros(bars)), (3,), (bars,), "inside"),
        Node(Gather(np.arange(bars).reshape(1, bars)), (4,), (1, bars), "all"),
        Node(Max(), (5,), (1,), "deepest"),
    ]
    return Network(tuple(nodes)), bars - len(places) + 1


def cube(size: float = 2.0) -> Domain:
    """From -size to size."""
    return Domain.box([-size] * 3, [size] * 3)
