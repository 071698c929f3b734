"""Small networks that hold every operator, in exactly representable numbers, and the same functions in torch."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from cpwl.network import (
    RELU,
    Conv,
    Dense,
    Divide,
    Gather,
    Input,
    Max,
    Network,
    Node,
    Op,
    Periodic,
    Piecewise,
    Scale,
    Sum,
)

STAIRS = Piecewise(np.array([-2.0, -1.0, 0.0, 0.5, 3.0]), np.array([1.0, 0.0, -1.0, 2.0, 0.0, 0.5]), -1.0)
PER_CHANNEL = Piecewise(np.array([-1.0, 1.0]), np.array([[0.5, 0.25], [1.0, 1.0], [0.0, 2.0]]).reshape(3, 2, 1, 1), 0.5)
TRIANGLE_WAVE = Periodic(4.0, np.array([-1.0, 1.0]), np.array([1.0, -1.0]), -1.0)


class Builder:
    """A network under construction, with numbers that are multiples of 1/4, or Divide by 3 where asked for."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self.generator = np.random.default_rng(seed)
        self.nodes = [Node(Input(), (), shape, "input")]

    def add(self, op: Op, *inputs: int, shape: tuple[int, ...] | None = None) -> int:
        places = inputs or (len(self.nodes) - 1,)
        self.nodes.append(
            Node(op, places, self.nodes[places[0]].shape if shape is None else shape, f"n{len(self.nodes)}")
        )
        return len(self.nodes) - 1

    def numbers(self, *shape: int) -> Any:
        return self.generator.integers(-6, 7, shape) / 4

    def conv(self, outputs: int, kernel: tuple[int, ...], **options: Any) -> int:
        """A convolution with ``groups``, and ``stride``, ``dilation`` and ``padding`` for each axis."""
        shape, dims = self.nodes[-1].shape, len(kernel)
        spatial, groups = shape[-dims:], options.get("groups", 1)
        weight = self.numbers(outputs, shape[-dims - 1] // groups, *kernel)
        ones = (1,) * dims
        op = Conv(
            weight,
            self.numbers(outputs),
            spatial,
            options.get("stride", ones),
            options.get("padding", ((0, 0),) * dims),
            options.get("dilation", ones),
            groups,
        )
        return self.add(op, shape=(*shape[: -dims - 1], outputs, *op.output_spatial))

    def dense(self, outputs: int) -> int:
        shape = self.nodes[-1].shape
        return self.add(Dense(self.numbers(outputs, shape[-1]), self.numbers(outputs)), shape=(*shape[:-1], outputs))

    def flat(self) -> int:
        return self.add(Gather(np.arange(self.nodes[-1].size)), shape=(self.nodes[-1].size,))

    def pool(self, kernel: int, stride: int) -> int:
        """Max-pool over the last two axes; windows that stick out are filled up with their first entry."""
        *lead, rows, columns = self.nodes[-1].shape
        places = np.arange(prod(lead) * rows * columns).reshape(-1, rows, columns)
        index = [
            [
                window.ravel().tolist()
                for i in range(0, rows, stride)
                for j in range(0, columns, stride)
                for window in [image[i : i + kernel, j : j + kernel]]
            ]
            for image in places
        ]
        filled = [[w + w[:1] * (kernel**2 - len(w)) for w in image] for image in index]
        shape = (*lead, len(range(0, rows, stride)), len(range(0, columns, stride)))
        self.add(Gather(np.array(filled).reshape(*shape, kernel**2)), shape=(*shape, kernel**2))
        return self.add(Max(), shape=shape)

    def network(self) -> Network:
        return Network(tuple(self.nodes))


def images(seed: int) -> Network:
    """Grouped, strided, dilated, asymmetrically padded convolutions, pools that overlap, a skip, padding, means."""
    b = Builder(seed, (2, 6, 5))
    b.conv(4, (3, 2), stride=(2, 1), padding=((1, 2), (0, 1)), groups=2)
    b.add(RELU)
    first = b.pool(3, 1)
    b.conv(4, (3, 1), padding=((3, 1), (0, 0)), dilation=(2, 1))
    b.add(Scale(b.numbers(4, 1, 1), b.numbers(4, 1, 1)))
    second = b.add(STAIRS)
    b.add(Sum((1.0, -0.5)), second, first)
    b.conv(2, (1, 2), stride=(3, 2), padding=((0, 0), (2, 0)))
    b.add(PER_CHANNEL)
    rows, columns = b.nodes[-1].shape[1:]
    padded = np.pad(
        np.arange(2 * rows * columns).reshape(2, rows, columns), ((0, 0), (1, 0), (1, 1)), constant_values=-1
    )
    b.add(Gather(padded), shape=padded.shape)
    b.pool(2, 2)
    b.add(Divide(np.array([[[2.0]], [[-4.0]]])))
    b.flat()
    b.dense(3)
    return b.network()


def lines(seed: int) -> Network:
    """One axis, leading axes, one entry used many times, a periodic activation, two inputs of one gather."""
    b = Builder(seed, (3, 1, 4))
    b.conv(2, (2,), stride=(3,), padding=((4, 1),))
    wave = b.add(TRIANGLE_WAVE)
    index = np.concatenate([np.zeros(11, np.int64), np.arange(b.nodes[-1].size + 12), [-1, 3]])
    b.add(Gather(index), wave, 0, shape=index.shape)
    b.dense(5)
    b.add(Piecewise(np.zeros(1), np.array([-1.0, 1.0])))
    b.dense(2)
    return b.network()


def solids(seed: int) -> Network:
    """Three axes; a node that nothing reads, an output that repeats and negates."""
    b = Builder(seed, (1, 2, 3, 2))
    b.conv(2, (2, 2, 1), padding=((1, 0), (0, 1), (1, 1)), stride=(1, 2, 2))
    kept = b.add(RELU)
    b.dense(2)
    b.flat()
    b.nodes.append(Node(Gather(np.array([0, 0, 5, 1])), (kept,), (4,), "picked"))
    b.add(Sum((1.0, -2.0, 1.0)), *[len(b.nodes) - 1] * 3)
    return b.network()


def independent(seed: int) -> Network:
    """A constant: the output does not depend on the input."""
    b = Builder(seed, (3,))
    b.add(Gather(np.full(2, -1)), shape=(2,))
    b.dense(2)
    return b.network()


KINDS: dict[str, Callable[[int], Network]] = {
    "images": images, "lines": lines, "solids": solids, "independent": independent
}  # fmt: skip
everything = st.builds(lambda kind, seed: KINDS[kind](seed), st.sampled_from(sorted(KINDS)), st.integers(0, 2**32))


def in_torch(network: Network) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same function of one input (of the network's input shape), written with torch's own operators."""

    def function(x: torch.Tensor) -> torch.Tensor:
        values: list[torch.Tensor] = []
        for node in network.nodes:
            inputs = [values[j] for j in node.inputs]
            values.append(x if isinstance(node.op, Input) else _apply(node.op, inputs).reshape(node.shape))
        return values[-1]

    return function


def _apply(op: Op, inputs: list[torch.Tensor]) -> torch.Tensor:
    x = inputs[0]
    match op:
        case Dense():
            return x @ torch.tensor(op.weight).T + torch.tensor(op.bias)
        case Conv():
            convolve = [torch.conv1d, torch.conv2d, torch.conv3d][len(op.spatial) - 1]
            padded = torch.nn.functional.pad(x, [pad for pads in reversed(op.padding) for pad in pads])
            lead = padded.reshape(-1, *padded.shape[-len(op.spatial) - 1 :])
            return convolve(lead, torch.tensor(op.weight), torch.tensor(op.bias), op.stride, 0, op.dilation, op.groups)
        case Scale():
            return x * torch.tensor(op.factor) + torch.tensor(op.shift)
        case Divide():
            return x / torch.tensor(op.divisor)
        case Sum():
            return sum((c * y for c, y in zip(op.coefficients, inputs)), torch.zeros_like(x))
        case Gather():
            flat = torch.cat([*(y.flatten() for y in inputs), torch.zeros(1, dtype=torch.float64)])
            return flat[torch.tensor(op.index.ravel())]
        case Max():
            return x.max(dim=-1).values
        case Piecewise():
            return _bent(x, op.breakpoints.tolist(), torch.tensor(op.slopes), op.value)
        case Periodic():
            offset = float(op.breakpoints[0])
            inside = torch.remainder(x - offset, op.period) + offset
            slopes = torch.tensor(np.concatenate([op.slopes[:1], op.slopes]))
            return _bent(inside, op.breakpoints.tolist(), slopes, op.value)
    raise TypeError(type(op).__name__)


def _bent(x: torch.Tensor, points: list[float], slopes: torch.Tensor, value: float) -> torch.Tensor:
    result = value + slopes[0] * (x - points[0])
    for k, point in enumerate(points):
        result = result + (slopes[k + 1] - slopes[k]) * torch.relu(x - point)
    return result
