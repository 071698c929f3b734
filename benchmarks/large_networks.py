"""VGG-16, ResNet-152 and a small convolutional network in the library's own form, with random weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Op, Scale, Shape, Sum


class _Builder:
    def __init__(self, shape: Shape) -> None:
        self._generator = np.random.default_rng(0)
        self.nodes = [Node(Input(), (), shape, "input")]

    @property
    def shape(self) -> Shape:
        return self.nodes[-1].shape

    def add(self, op: Op, shape: Shape, *inputs: int) -> int:
        self.nodes.append(Node(op, inputs or (len(self.nodes) - 1,), shape, f"{len(self.nodes)}"))
        return len(self.nodes) - 1

    def conv(self, outputs: int, kernel: int, stride: int = 1, source: int = -1) -> int:
        source = source % len(self.nodes)
        channels, *spatial = self.nodes[source].shape
        weight = self._random(outputs, channels, kernel, kernel)
        pad = (kernel // 2, kernel // 2)
        op = Conv(weight, np.zeros(outputs), tuple(spatial), (stride, stride), (pad, pad), (1, 1))
        return self.add(op, (outputs, *op.output_spatial), source)

    def norm(self) -> int:
        ones = (self.shape[0], 1, 1)
        return self.add(Scale(self._generator.uniform(0.5, 1.5, ones), self._random(*ones) / 10), self.shape)

    def relu(self) -> int:
        return self.add(RELU, self.shape)

    def pool(self, kernel: int, stride: int, pad: int) -> int:
        channels, rows, columns = self.shape
        places = np.pad(np.arange(rows * columns).reshape(rows, columns), pad, constant_values=-1)
        windows = np.lib.stride_tricks.sliding_window_view(places, (kernel, kernel))[::stride, ::stride]
        shape = (channels, *windows.shape[:2])
        flat = windows.reshape(-1, kernel * kernel)
        filled = np.where(flat < 0, flat.max(axis=1, keepdims=True), flat)
        index = filled + np.arange(channels)[:, None, None] * (rows * columns)
        self.add(Gather(index.reshape(*shape, -1)), (*shape, kernel * kernel))
        return self.add(Max(), shape)

    def mean(self) -> int:
        channels, count = self.shape[0], self.shape[1] * self.shape[2]
        self.add(Gather(np.arange(channels * count).reshape(channels, count)), (channels, count))
        self.add(Dense(np.ones((1, count)), np.zeros(1)), (channels, 1))
        self.add(Divide(np.array(float(count))), (channels, 1))
        return self.flat()

    def flat(self) -> int:
        size = int(np.prod(self.shape))
        return self.add(Gather(np.arange(size)), (size,))

    def dense(self, outputs: int) -> int:
        return self.add(Dense(self._random(outputs, self.shape[0]), np.zeros(outputs)), (outputs,))

    def network(self) -> Network:
        return Network(tuple(self.nodes))

    def _random(self, outputs: int, *others: int) -> np.ndarray:
        return self._generator.standard_normal((outputs, *others)) * np.sqrt(2 / np.prod(others))


def vgg16(size: int) -> Network:
    """13 convolutions and 3 dense layers."""
    b = _Builder((3, size, size))
    for layers, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(layers):
            b.conv(channels, 3)
            b.relu()
        b.pool(2, 2, 0)
    b.flat()
    for outputs in (4096, 4096):
        b.dense(outputs)
        b.relu()
    b.dense(1000)
    return b.network()


def resnet152(size: int) -> Network:
    """50 bottleneck blocks, each with a skip connection."""
    b = _Builder((3, size, size))
    b.conv(64, 7, 2)
    b.norm()
    b.relu()
    b.pool(3, 2, 1)
    for stage, (blocks, width) in enumerate(((3, 64), (8, 128), (36, 256), (3, 512))):
        for block in range(blocks):
            _bottleneck(b, width, 2 if stage and not block else 1, first=not block)
    b.mean()
    b.dense(1000)
    return b.network()


def _bottleneck(b: _Builder, width: int, stride: int, *, first: bool) -> None:
    source = skip = len(b.nodes) - 1
    if first:
        b.conv(4 * width, 1, stride)
        skip = b.norm()
    b.conv(width, 1, source=source)
    b.norm()
    b.relu()
    b.conv(width, 3, stride)
    b.norm()
    b.relu()
    b.conv(4 * width, 1)
    branch = b.norm()
    b.add(Sum((0.25, 1.0)), b.shape, branch, skip)
    b.relu()


def small_cnn() -> Network:
    """Two convolutions, each with a max-pool, and two dense layers, for images of 12x12."""
    b = _Builder((1, 12, 12))
    for channels in (8, 16):
        b.conv(channels, 3)
        b.relu()
        b.pool(2, 2, 0)
    b.flat()
    b.dense(32)
    b.relu()
    b.dense(10)
    return b.network()


NETWORKS: dict[str, Callable[[int], Network]] = {"vgg16": vgg16, "resnet152": resnet152}
