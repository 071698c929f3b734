"""Pairs of networks that are one function, written in different ways: exactly, as all numbers are short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cpwl.certification.by_name import naming_of
from cpwl.claims.document import document, proof
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Op, Piecewise, Scale, Sum
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


def with_units_that_cancel(made: Layers) -> Network:
    """Two units more a layer, the same one, with opposite weights on what is made of them: walls of their own."""
    rng, changed = np.random.default_rng(2), list(made)
    for k in range(len(made) - 1):
        (weight, bias), (after, rest) = changed[k], changed[k + 1]
        row, column = (np.round(rng.standard_normal(n) * 64) / 64 for n in (weight.shape[1], len(rest)))
        places = [1, len(bias)]
        changed[k] = np.insert(weight, places, row, axis=0), np.insert(bias, places, 0.125)
        changed[k + 1] = np.insert(after, places, np.stack([column, -column], axis=1), axis=1), rest
    return plain(changed)


def clipped(made: Layers) -> Network:
    """With min(max(x, -1), 1) in place of max(x, 0)."""
    return chain(made, *[Piecewise(np.array([-1.0, 1.0]), np.array([0.0, 1.0, 0.0]), -1.0)] * (len(made) - 1))


def clipped_in_two(made: Layers) -> Network:
    """The same as max(x + 1, 0) - max(x - 1, 0) - 1."""
    changed = list(made)
    for k in range(len(made) - 1):
        (weight, bias), (after, rest) = changed[k], changed[k + 1]
        changed[k] = np.vstack([weight, weight]), np.concatenate([bias + 1, bias - 1])
        changed[k + 1] = np.hstack([after, -after]), rest - after.sum(axis=1)
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


def in_units_of_others(made: Layers, factors: list[float], kind: Op, *, turned: bool = False) -> Network:
    """Arguments times factors in turns, in another order; and what an activation makes of them divided by these.

    ``turned``: what is turned around is put right by adding the argument: max(-x, 0) + x.
    """
    rng, nodes = np.random.default_rng(3), [Node(Input(), (), (made[0][0].shape[1],))]
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            order, shape = rng.permutation(len(bias)), bias.shape
            factor = np.array(factors)[rng.integers(0, len(factors), len(bias))]
            argument = len(nodes)
            nodes.append(Node(Gather(order), (argument - 1,), shape))
            nodes.append(Node(Scale(factor, np.zeros(shape)), (argument,), shape))
            nodes.append(Node(kind, (argument + 1,), shape))
            nodes.append(Node(Divide(np.abs(factor) if turned else factor), (argument + 2,), shape))
            if turned:
                own = Scale(np.where(factor < 0, 1.0, 0.0), np.zeros(shape))
                nodes.append(Node(own, (argument,), shape))
                nodes.append(Node(Sum((1.0, 1.0)), (argument + 3, argument + 4), shape))
            nodes.append(Node(Gather(np.argsort(order)), (len(nodes) - 1,), shape))
    return Network(tuple(nodes))


def with_quotients(made: Layers) -> Network:
    """Units times 3, 5/8 and so on, divided by that later."""
    return in_units_of_others(made, [3.0, 0.625, 1.0, 49.0], RELU)


def turned_around(made: Layers) -> Network:
    """Some units as max(-x, 0) + x, times factors."""
    return in_units_of_others(made, [-1.0, 2.0, -3.0, 0.25, -0.75], RELU, turned=True)


def of_scaled_magnitudes(made: Layers) -> Network:
    """max(x, 0) = (x + |c x| / |c|) / 2, c of either sign."""
    nodes = [Node(Input(), (), (made[0][0].shape[1],))]
    magnitude = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            factor, end = np.resize([-2.0, 3.0, 0.5, -1.0], len(bias)), len(nodes) - 1
            nodes.append(Node(Scale(factor, np.zeros(len(bias))), (end,), bias.shape))
            nodes.append(Node(magnitude, (end + 1,), bias.shape))
            nodes.append(Node(Divide(np.abs(factor)), (end + 2,), bias.shape))
            nodes.append(Node(Sum((0.5, 0.5)), (end, end + 3), bias.shape))
    return Network(tuple(nodes))


def clipped_and_scaled(made: Layers) -> Network:
    """min(max(x, -1), 1) = min(max(c x, -3), 3) / c, c = 3 or -3."""
    return in_units_of_others(made, [3.0, -3.0], Piecewise(np.array([-3.0, 3.0]), np.array([0.0, 1.0, 0.0]), -3.0))


def of_threes(made: Layers, factors: tuple[float, float] = (1.0, 1.0)) -> Network:
    """Maxima of three, in turns, of the entries of each layer: with all three times a factor, in another order."""
    rng, nodes = np.random.default_rng(5), [Node(Input(), (), (made[0][0].shape[1],))]
    for k, (weight, bias) in enumerate(made):
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape))
        if k < len(made) - 1:
            index = (np.arange(len(bias))[:, None] + np.arange(3)) % len(bias)
            if factors != (1.0, 1.0):
                index = rng.permuted(index, axis=1)
            factor = np.resize(factors, len(bias))
            nodes.append(Node(Gather(index), (len(nodes) - 1,), index.shape))
            nodes.append(Node(Scale(factor[:, None], np.zeros((1, 1))), (len(nodes) - 1,), index.shape))
            nodes.append(Node(Max(), (len(nodes) - 1,), bias.shape))
            nodes.append(Node(Divide(factor), (len(nodes) - 1,), bias.shape))
    return Network(tuple(nodes))


WAYS: dict[str, Way] = {
    "itself": plain,
    "permuted and scaled": permuted_and_scaled,
    "units that are off": with_units_that_are_off,
    "units in halves": with_units_in_halves,
    "units that cancel": with_units_that_cancel,
    "magnitudes": of_magnitudes,
    "maxima": of_maxima,
    "leaky units": of_leaky_units,
    "quotients": with_quotients,
    "turned around": turned_around,
    "scaled magnitudes": of_scaled_magnitudes,
}
"""How the network ``plain`` can be written as well."""


def image_pair(seed: int) -> tuple[Network, Network, Domain]:
    """Two convolutions, a shortcut and a max-pool; with the channels in another order, and one that is off; a plane.

    It leads through three images with a background of zeros.
    """
    rng = np.random.default_rng(seed)
    numbers = lambda *shape: np.round(rng.standard_normal(shape) * 64) / 64  # noqa: E731
    first, bias, second = numbers(3, 1, 3, 3), numbers(3), numbers(2, 3, 3, 3)
    last, end = numbers(2, 18), numbers(2)
    order = rng.permutation(3)
    more = np.concatenate([first[order], first[:1]]), np.append(bias[order], -1000.0)
    after = np.concatenate([second[:, order], numbers(2, 1, 3, 3)], axis=1)
    images = numbers(3, 1, 6, 6)
    images[:, :, :2] = images[:, :, :, 4:] = 0.0
    middle = images.mean(axis=0)
    plane = Domain.through(*(middle + (image - middle) / 8 for image in images), margin=0.1)
    return _image_network(first, bias, second, last, end), _image_network(*more, after, last, end), plane


def _image_network(*parts: NDArray[np.float64]) -> Network:
    first, bias, second, last, end = parts
    nodes = [Node(Input(), (), (1, 6, 6))]

    def add(op: Op, shape: tuple[int, ...], *inputs: int) -> int:
        nodes.append(Node(op, inputs or (len(nodes) - 1,), shape))
        return len(nodes) - 1

    def conv(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> int:
        return add(Conv(weight, bias, (6, 6), (1, 1), ((1, 1), (1, 1)), (1, 1)), (len(weight), 6, 6))

    conv(first, bias)
    add(RELU, (len(first), 6, 6))
    branch = conv(second, np.zeros(2))
    image = add(Gather(np.tile(np.arange(36), 2).reshape(2, 6, 6)), (2, 6, 6), 0)
    add(Sum((1.0, 0.5)), (2, 6, 6), branch, image)
    add(RELU, (2, 6, 6))
    places = np.arange(72).reshape(2, 3, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(2, 3, 3, 4)
    add(Gather(places), places.shape)
    add(Max(), places.shape[:-1])
    add(Gather(np.arange(18)), (18,))
    add(Dense(last, end), (2,))
    return Network(tuple(nodes))


def in_another_order(network: Network, first: int, last: int, *, scaled: bool = False) -> Network:
    """The network with the channels of one convolution permuted, which others only scale until a second reads them.

    ``scaled``: times powers of two as well, which the second divides by.
    """
    nodes, rng = list(network.nodes), np.random.default_rng(0)
    channels = nodes[first].shape[0]
    order = rng.permutation(channels)
    scale = 2.0 ** (rng.integers(-3, 4, channels) if scaled else np.zeros(channels))
    for i in range(first, last + 1):
        op = nodes[i].op
        if isinstance(op, Conv) and i == first:
            weight = op.weight[order] * scale[:, None, None, None]
            op = replace(op, weight=weight, bias=op.bias[order] * scale)
        elif isinstance(op, Conv):
            op = replace(op, weight=np.ascontiguousarray(op.weight[:, order] / scale[:, None, None]))
        elif isinstance(op, Scale):
            factor, shift = (np.broadcast_to(part, nodes[i].shape)[order] for part in (op.factor, op.shift))
            shift = shift * scale.reshape(-1, *(1,) * (shift.ndim - 1))
            op = Scale(*map(np.ascontiguousarray, (factor, shift)))
        nodes[i] = replace(nodes[i], op=op)
    return Network(tuple(nodes))


def equality(first: Network, second: Network, domain: Domain, bits: int = 128) -> Document:
    """A file that says that two networks are equal, with the vertices of their joint partition by name."""
    part = partition(joined(first, second), domain)
    naming = naming_of(part)
    assert naming is not None
    return {
        **document("equal-networks", (first, second), domain, {}, 3),
        "proof": {**proof(naming), "bits": bits},
    }
