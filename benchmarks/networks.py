"""The reference networks, each with its domain: He-initialised ReLU perceptrons, a real network, convolutional ones."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from large_networks import small_cnn, vgg16

import cpwl
from cpwl.network import Dense, Gather, Network, Piecewise, Scale

WIDTHS = {
    "mlp-16x2": [2, 16, 16, 1],
    "shallow-100": [2, 100, 1],
    "mlp-32x3": [2, 32, 32, 32, 1],
    "mlp-784": [784, 50, 50, 50, 10],
    "mlp-64x4": [2, 64, 64, 64, 64, 1],
    "shallow-1000": [2, 1000, 1],
    "sdf-256x6": [2, *[256] * 6, 1],
}
ACAS_XU = Path(__file__).resolve().parents[2] / "shared/data/acasxu/ACASXU_run2a_1_1_batch_2000.onnx"
"""A file of other people's; without it there is one network less."""

REGIONS = {
    "mlp-16x2": 321,
    "shallow-100": 4622,
    "mlp-32x3": 4414,
    "mlp-784": 6431,
    "mlp-64x4": 29714,
    "shallow-1000": 457161,
    "sdf-256x6": 1043392,
    "acas-xu": 51005,
    "small-cnn": 4026,
}
"""Agreed by independent counters: polygon splitting in two precisions, exact rationals, Buck's formula."""

HEAVY = ("vgg-16",)
"""Some minutes each, and no count that is known otherwise."""


@dataclass(frozen=True)
class Reference:
    """A reference network and its domain."""

    name: str
    network: Network
    domain: cpwl.Domain


def available() -> list[str]:
    """The names of all networks that can be had here, the quick ones first."""
    return [name for name in (*REGIONS, *HEAVY) if name != "acas-xu" or ACAS_XU.exists()]


def reference(name: str) -> Reference:
    """The network of that name and its domain."""
    if name == "acas-xu":
        return Reference(name, cpwl.compile(ACAS_XU), _square(0.5, np.zeros((1, 1, 5)), np.eye(5)[:, :2]))
    if name == "small-cnn":
        return _on_random_slice(name, small_cnn(), 0.5)
    if name == "vgg-16":
        return _on_random_slice(name, vgg16(64), 0.005)
    return _perceptron(name)


def _perceptron(name: str) -> Reference:
    """W ~ N(0, 2 / fan_in), b ~ N(0, 0.01), on a square or a slice."""
    widths = WIDTHS[name]
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    weights, biases = [], []
    for fan_in, fan_out in pairwise(widths):
        weights.append(generator.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in))
        biases.append(generator.standard_normal(fan_out) * 0.1)
    network = Network.mlp(weights, biases)
    if widths[0] == 2:
        return Reference(name, network, cpwl.Domain.box([-1, -1], [1, 1]))
    points = generator.standard_normal((3, widths[0]))
    centre = points.mean(axis=0)
    frame = _frame(points[1] - points[0], points[2] - points[0])
    half = float(np.abs((points - centre) @ frame).max())
    return Reference(name, network, _square(half, centre, frame))


def _on_random_slice(name: str, network: Network, half: float) -> Reference:
    """The square of that half width around a random image, in random directions."""
    centre, first, second = np.random.default_rng(0).standard_normal((3, network.inputs))
    return Reference(name, network, _square(half, centre.reshape(network.input_shape), _frame(first, second)))


def _frame(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two orthonormal columns."""
    first = first / np.linalg.norm(first)
    second = second - (second @ first) * first
    return np.stack([first, second / np.linalg.norm(second)], axis=1)


def _square(half: float, centre: NDArray[np.float64], frame: NDArray[np.float64]) -> cpwl.Domain:
    corners = [[-half, -half], [half, -half], [half, half], [-half, half]]
    return cpwl.Domain.polygon(corners, centre, frame.reshape(*centre.shape, 2))


def layers_on_slice(wanted: Reference) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Weight and bias of each layer of a ReLU perceptron, as a function of slice coordinates.

    For tools that know perceptrons with two inputs only. Raises ``TypeError`` for other networks.
    """
    rows = np.vstack([wanted.domain.basis.T, wanted.domain.origin])
    for node in wanted.network.nodes[1:]:
        match node.op:
            case Dense(weight, bias):
                rows = rows @ weight.T
                rows[-1] += bias
            case Scale(factor, shift):
                rows = rows * np.broadcast_to(factor, node.shape).ravel()
                rows[-1] += np.broadcast_to(shift, node.shape).ravel()
            case Gather(index) if index.min() >= 0:
                rows = rows[:, index.ravel()]
            case Piecewise(points, slopes) if points.tolist() == [0] and slopes.tolist() == [0, 1]:
                yield rows[:-1].T, rows[-1]
                rows = np.vstack([np.eye(node.size), np.zeros(node.size)])
            case op:
                raise TypeError(f"{type(op).__name__} in a perceptron")
    yield rows[:-1].T, rows[-1]
