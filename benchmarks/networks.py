"""The reference networks: He-initialised ReLU perceptrons, each with its own seed, on a square or a slice."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import cpwl
from cpwl.network import Network

WIDTHS = {
    "mlp-16x2": [2, 16, 16, 1],
    "shallow-100": [2, 100, 1],
    "mlp-32x3": [2, 32, 32, 32, 1],
    "mlp-784": [784, 50, 50, 50, 10],
    "mlp-64x4": [2, 64, 64, 64, 64, 1],
    "shallow-1000": [2, 1000, 1],
    "sdf-256x6": [2, *[256] * 6, 1],
}
REGIONS = {
    "shallow-100": 4622,
    "mlp-32x3": 4414,
    "mlp-784": 6431,
    "mlp-64x4": 29714,
    "shallow-1000": 457161,
    "sdf-256x6": 1043392,
}
"""Agreed by independent counters: polygon splitting in two precisions, exact rationals, Buck's formula."""


@dataclass(frozen=True)
class Reference:
    """A reference network and its domain."""

    name: str
    network: Network
    domain: cpwl.Domain


def reference(name: str) -> Reference:
    """The reference network of that name; W ~ N(0, 2 / fan_in), b ~ N(0, 0.01), on a square or a slice."""
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
    first = points[1] - points[0]
    first /= np.linalg.norm(first)
    second = points[2] - points[0]
    second -= (second @ first) * first
    second /= np.linalg.norm(second)
    frame = np.stack([first, second], axis=1)
    half = float(np.abs((points - centre) @ frame).max())
    square = [[-half, -half], [half, -half], [half, half], [-half, half]]
    return Reference(name, network, cpwl.Domain.polygon(square, centre, frame))
