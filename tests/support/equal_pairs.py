"""Pairs of networks that are one function, written in different ways: exactly, as all numbers are short."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cpwl.certification.by_name import naming_of
from cpwl.claims.document import document, proof
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Op, Piecewise, Sum
from cpwl.network.joint import joined
from cpwl.partitions.compute import partition
from tests.support.checker_inputs import Document

Layers = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
Way = Callable[[Layers], Network]


def layers(seed: int, sizes: list[int]) -> Layers:
    """Random weights and biases, multiples of 2^-8."""
    rng = np.random.default_rng(seed)
    numbers = lambda *shape: np.round(rng.standard_normal(shape) * 256) / 256  # noqa: E731
    return [(numbers(m, n), numbers(m)) for n, m in pairwise(sizes)]


def on_a_grid(seed: int, step: float = 0.25, width: int = 5) -> Network:
    """Weights and biases that are small multiples of a step: more walls than two meet in vertices by chance."""
    rng = np.random.default_rng(seed)
    numbers = lambda *shape: rng.integers(-4, 5, shape) * step  # noqa: E731
    return plain([(numbers(m, n), numbers(m)) for n, m in pairwise([2, width, width, 2])])


def chain(made: Layers, *kinds: Op) -> Network:
    """Dense layers with an activation after each but the last."""
    nodes = [Node(Input(), (), (made[0][0].shape[1],))]
    for (weight, bias), kind in zip(made, [*kinds, None], strict=True):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if kind is not None:
            nodes.append(Node(kind, (len(nodes) - 1,), bias.shape))
    return Network(tuple(nodes))


def plain(made: Layers) -> Network:
    return chain(made, *[RELU] * (len(made) - 1))


def permuted_and_scaled(made: Layers) -> Network:
    """The units of every layer in another order, by powers of two larger or smaller."""
    rng, changed = np.random.default_rng(1), list(made)
    for k in range(len(made) - 1):
        order = rng.permutation(len(made[k][1]))
        scale = 2.0 ** rng.integers(-2, 3, len(order))
        (weight, bias), (after, rest) = changed[k], changed[k + 1]
        changed[k] = weight[order] * scale[:, None], bias[order] * scale
        changed[k + 1] = after[:, order] / scale, rest
    return plain(changed)


def with_units_that_are_off(made: Layers) -> Network:
    """One unit more a layer, far below 0, in front."""
    changed = list(made)
    for k in range(len(made) - 1):
        (weight, bias), (after, rest) = changed[k], changed[k + 1]
        changed[k] = np.vstack([weight[:1], weight]), np.append(-1000.0, bias)
        changed[k + 1] = np.hstack([after[:, -1:], after]), rest
    return plain(changed)


def with_units_in_halves(made: Layers) -> Network:
    """The first unit of each layer twice, each time with half of what is made of it."""
    changed = list(made)
    for k in range(len(made) - 1):
        (weight, bias), (after, rest) = changed[k], changed[k + 1]
        changed[k] = np.vstack([weight, weight[:1]]), np.append(bias, bias[:1])
        half = np.hstack([after, after[:, :1] / 2])
        half[:, 0] /= 2
        changed[k + 1] = half, rest
    return plain(changed)


def of_magnitudes(made: Layers) -> Network:
    """max(x, 0) = (x + |x|) / 2."""
    nodes = [Node(Input(), (), (made[0][0].shape[1],))]
    magnitude = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            nodes.append(Node(magnitude, (len(nodes) - 1,), bias.shape))
            nodes.append(Node(Sum((0.5, 0.5)), (len(nodes) - 2, len(nodes) - 1), bias.shape))
    return Network(tuple(nodes))


def of_maxima(made: Layers) -> Network:
    """max(x, 0) as a maximum, of the 0 and x, or of x, 0 and 0."""
    nodes = [Node(Input(), (), (made[0][0].shape[1],))]
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            units, nothing = np.arange(len(bias)), np.full(len(bias), -1)
            index = np.stack([nothing, units] if k % 2 else [units, nothing, nothing], axis=1)
            nodes.append(Node(Gather(index), (len(nodes) - 1,), index.shape))
            nodes.append(Node(Max(), (len(nodes) - 1,), bias.shape))
    return Network(tuple(nodes))


def of_leaky_units(made: Layers) -> Network:
    """max(x, 0) = 2 l(x) - x, with l of slopes 1/2 and 1."""
    nodes = [Node(Input(), (), (made[0][0].shape[1],))]
    leaky = Piecewise(np.zeros(1), np.array([0.5, 1.0]))
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            nodes.append(Node(leaky, (len(nodes) - 1,), bias.shape))
            nodes.append(Node(Sum((-1.0, 2.0)), (len(nodes) - 2, len(nodes) - 1), bias.shape))
    return Network(tuple(nodes))


WAYS: dict[str, Way] = {
    "itself": plain,
    "permuted and scaled": permuted_and_scaled,
    "units that are off": with_units_that_are_off,
    "units in halves": with_units_in_halves,
    "magnitudes": of_magnitudes,
    "maxima": of_maxima,
    "leaky units": of_leaky_units,
}
"""How the network ``plain`` can be written as well."""


def equality(first: Network, second: Network, domain: Domain, bits: int = 128) -> Document:
    """A file that says that two networks are equal, with the vertices of their joint partition by name."""
    part = partition(joined(first, second), domain)
    naming = naming_of(part)
    assert naming is not None
    return {
        **document("equal-networks", (first, second), domain, {}, 3),
        "proof": {**proof(naming), "bits": bits},
    }
