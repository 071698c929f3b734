"""The reference networks, each with its domain: He-initialised ReLU perceptrons, real networks, convolutional ones.

Some stand beside others (``BESIDE``) that do without what makes decisions hard: their costs a region are compared.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from large_networks import small_cnn, vgg16

import cpwl
from cpwl.network import Conv, Dense, Gather, Network, Op, Piecewise, Scale

WIDTHS = {
    "mlp-16x2": [2, 16, 16, 1],
    "shallow-100": [2, 100, 1],
    "mlp-32x3": [2, 32, 32, 32, 1],
    "mlp-784": [784, 50, 50, 50, 10],
    "mlp-64x4": [2, 64, 64, 64, 64, 1],
    "shallow-1000": [2, 1000, 1],
    "sdf-256x6": [2, *[256] * 6, 1],
}
DATA = Path(__file__).resolve().parents[2] / "shared/data"
"""Files of other people's; without them there are some networks less."""
NEEDS = {
    "acas-xu": "acasxu/ACASXU_run2a_1_1_batch_2000.onnx",
    "mnist-max": "mnist",
    "mnist-max-near": "mnist",
    "mnist-average": "mnist",
    "r-net": "convnets/mtcnn/rnet.pt",
}

REGIONS = {
    "mlp-16x2": 321,
    "shallow-100": 4622,
    "mlp-32x3": 4414,
    "mlp-784": 6431,
    "mlp-64x4": 29714,
    "mlp-32x3-of-32nds": 4444,
    "mlp-32x3-of-quarters": 2944,
    "mlp-32x3-bias-free": 188,
    "mlp-32x3-near": 214,
    "mlp-64x4-of-32nds": 29565,
    "mlp-64x4-of-quarters": 21490,
    "mlp-64x4-bias-free": 504,
    "mlp-64x4-near": 536,
    "shallow-1000": 457161,
    "sdf-256x6": 1043392,
    "acas-xu": 51005,
    "small-cnn": 4026,
    "small-cnn-faint": 3622,
    "small-cnn-drowned": 3363,
    "mnist-max-near": 1896,
    "r-net": 42976,
    "mnist-average": 93739,
    "mnist-max": 264100,
}
"""Agreed by independent counters: polygon splitting in two precisions, exact rationals, Buck's formula. But for those
of r-net and of the networks for MNIST, which no other counter has confirmed."""

BESIDE = {
    "mlp-32x3-of-32nds": "mlp-32x3",
    "mlp-32x3-of-quarters": "mlp-32x3",
    "mlp-32x3-bias-free": "mlp-32x3-near",
    "mlp-64x4-of-32nds": "mlp-64x4",
    "mlp-64x4-of-quarters": "mlp-64x4",
    "mlp-64x4-bias-free": "mlp-64x4-near",
    "small-cnn-faint": "small-cnn",
    "small-cnn-drowned": "small-cnn",
    "mnist-max": "mnist-average",
}
"""A network whose decisions are hard, and the like of it without what makes them so."""

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
    return [name for name in (*REGIONS, *HEAVY) if name not in missing()]


def missing() -> dict[str, str]:
    """The names of the others, and what of ``shared/data`` they need."""
    return {name: path for name, path in NEEDS.items() if not (DATA / path).exists()}


def reference(name: str) -> Reference:
    """The network of that name and its domain."""
    return _OTHERS.get(name, _perceptron)(name)


def _acas_xu(name: str) -> Reference:
    return Reference(name, cpwl.compile(DATA / NEEDS[name]), _square(0.5, np.zeros((1, 1, 5)), np.eye(5)[:, :2]))


def _r_net(name: str) -> Reference:
    """A network of MTCNN, trained by others, on the plane through three random images, a hundredth of it."""
    from tests.support.real_data import mtcnn

    module, shape = mtcnn("rnet")
    points = np.random.default_rng(0).uniform(-1, 1, (3, *shape))
    middle = points.mean(axis=0)
    domain = cpwl.Domain.through(*(middle + 1e-2 * (point - middle) for point in points), margin=0.1)
    return Reference(name, cpwl.compile(module, points[:1]), domain)


def _for_mnist(name: str, pool: str, share: float | None = None) -> Reference:
    """A network trained on MNIST, on the plane through three test images, or a share of it around the first of them."""
    from image_networks import SETS, stored

    from tests.support.real_data import around

    points = SETS["mnist"]().of_classes((3, 5, 8), 3)
    domain = cpwl.Domain.through(*points, margin=0.3)
    if share is not None:
        domain = around(points[0], domain, share)
    return Reference(name, cpwl.compile(stored(pool), points[:1]), domain)


def _with_a_faint_filter(network: Network, bias: float | None = None) -> Network:
    """The first filter of each convolution times 1e-20: what weight decay leaves of an idle one.

    So is its bias, unless one is given.
    """

    def faint(op: Op) -> Op:
        if not isinstance(op, Conv):
            return op
        factors = np.where(np.arange(len(op.bias)) == 0, 1e-20, 1.0)
        biases = op.bias * factors
        if bias is not None:
            biases[0] = bias
        return replace(op, weight=op.weight * factors[:, None, None, None], bias=biases)

    return Network(tuple(replace(node, op=faint(node.op)) for node in network.nodes))


def _changed(name: str, change: Callable[[Dense], Dense]) -> Reference:
    """The perceptron that the name begins with, with other matrices, so that many of its decisions are ties."""
    plain = _perceptron("-".join(name.split("-")[:2]))
    nodes = [replace(node, op=change(node.op)) if isinstance(node.op, Dense) else node for node in plain.network.nodes]
    return Reference(name, Network(tuple(nodes)), plain.domain)


def _near(name: str, half: float) -> Reference:
    """The same perceptron on a small square: it has about as many regions there as all the square without biases."""
    return replace(_perceptron(name.removesuffix("-near")), name=name, domain=cpwl.Domain.box([-half] * 2, [half] * 2))


def _rounded(op: Dense, parts: int) -> Dense:
    return replace(op, weight=np.round(op.weight * parts) / parts, bias=np.round(op.bias * parts) / parts)


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
    axes = frame.T.copy()  # one product of vectors each, as in the shared script: a matrix product rounds otherwise
    half = max(abs(float((point - centre) @ axis)) for point in points for axis in axes)
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


_OTHERS: dict[str, Callable[[str], Reference]] = {
    "mlp-64x4-of-32nds": lambda name: _changed(name, lambda op: _rounded(op, 32)),
    "mlp-64x4-of-quarters": lambda name: _changed(name, lambda op: _rounded(op, 4)),
    "mlp-64x4-bias-free": lambda name: _changed(name, lambda op: replace(op, bias=np.zeros_like(op.bias))),
    "mlp-64x4-near": lambda name: _near(name, 5 / 256),
    "mlp-32x3-of-32nds": lambda name: _changed(name, lambda op: _rounded(op, 32)),
    "mlp-32x3-of-quarters": lambda name: _changed(name, lambda op: _rounded(op, 4)),
    "mlp-32x3-bias-free": lambda name: _changed(name, lambda op: replace(op, bias=np.zeros_like(op.bias))),
    "mlp-32x3-near": lambda name: _near(name, 5 / 128),
    "acas-xu": _acas_xu,
    "small-cnn": lambda name: _on_random_slice(name, small_cnn(), 0.5),
    "small-cnn-faint": lambda name: _on_random_slice(name, _with_a_faint_filter(small_cnn()), 0.5),
    "small-cnn-drowned": lambda name: _on_random_slice(name, _with_a_faint_filter(small_cnn(), 0.1), 0.5),
    "mnist-max-near": lambda name: _for_mnist(name, "max", 1e-9),
    "r-net": _r_net,
    "mnist-average": lambda name: _for_mnist(name, "average"),
    "mnist-max": lambda name: _for_mnist(name, "max"),
    "vgg-16": lambda name: _on_random_slice(name, vgg16(64), 0.005),
}
