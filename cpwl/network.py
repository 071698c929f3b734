"""The library's own form of a network: a DAG of linear operators, piecewise-linear activations and maxima.

Operators are plain data. Every number in them is a float64 and stands for exactly that rational number, so a network is
an exact rational function of its input; how to evaluate it, in floating point or exactly, is the business of an
``Arithmetic``. Nothing here knows of geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil, floor, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError
from .ieee import ieee

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Input:
    """The network's input."""


@dataclass(frozen=True, eq=False)
class Dense:
    """x -> weight x + bias along the last axis: weight (out, in), bias (out,)."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Conv:
    """Cross-correlation over the last d axes (d = 1, 2, 3) of the input (*lead, C, *spatial): result (*lead, O, *out).

    weight (O, C // groups, *kernel), bias (O,); ``spatial`` is the input's spatial shape; one stride and dilation an
    axis, and zeros (before, after) each axis.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    spatial: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def channels(self) -> int:
        """The number C of input channels."""
        return int(self.weight.shape[1]) * self.groups

    @property
    def output_spatial(self) -> Shape:
        """The spatial shape of the result; an axis <= 0 where the input is smaller than the kernel."""
        axes = zip(self.spatial, self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + sum(pad) - dilation * (k - 1) - 1) // s + 1 for n, k, s, pad, dilation in axes)

    @property
    def terms(self) -> int:
        """The number of products in one entry of the result."""
        return prod(self.weight.shape[1:])


@dataclass(frozen=True, eq=False)
class Scale:
    """x -> factor * x + shift, entry by entry; factor and shift broadcast to the shape of x."""

    factor: NDArray[np.float64]
    shift: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Divide:
    """x -> x / divisor, entry by entry: the rational quotient, not a product with a rounded 1 / divisor.

    ``divisor`` has no zeros and broadcasts to the shape of x. Means and average pools divide by numbers such as 49.
    """

    divisor: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sum:
    """x_1, x_2, ... -> sum of coefficient_i * x_i, all of one shape."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Gather:
    """Entries of the inputs (each flattened, one after the other) by index; the node's shape is the index's.

    Covers reshape, permute, slice, concatenate, stack, expand and padding. index is int64; -1 stands for an entry that
    is exactly zero.
    """

    index: NDArray[np.int64]

    @cached_property
    def is_identity(self) -> bool:
        """Whether the entries keep their order (a reshape, when the whole input is taken)."""
        return bool(np.array_equal(self.index.ravel(), np.arange(self.index.size)))


@ieee
@dataclass(frozen=True, eq=False)
class Piecewise:
    """A continuous piecewise-linear scalar function, applied to every entry (to every *unit*).

    ``breakpoints`` (P,), strictly increasing, P >= 1; ``slopes`` (P + 1, *s) with s broadcasting to the shape of the
    input (``(P + 1,)`` when all units share them); ``value`` is the function's value at the first breakpoint. Piece k
    (0 <= k <= P) lies between breakpoints k - 1 and k.
    """

    breakpoints: NDArray[np.float64]
    slopes: NDArray[np.float64]
    value: float = 0.0

    @property
    def is_relu(self) -> bool:
        """Whether the function is max(x, 0)."""
        shared = self.slopes.ndim == 1 and np.array_equal(self.slopes, [0.0, 1.0])
        return shared and self.value == 0 and np.array_equal(self.breakpoints, [0.0])

    @cached_property
    def intercepts(self) -> NDArray[Any]:
        """Piece k is x -> slopes[k] * x + intercepts[k]: exact ``Fraction`` objects of the shape of ``slopes``."""
        slopes = np.vectorize(Fraction, otypes=[object])(self.slopes)
        points = [Fraction(b) for b in self.breakpoints.tolist()]
        result = np.empty(slopes.shape, dtype=object)
        result[0] = Fraction(self.value) - slopes[0] * points[0]
        for k, point in enumerate(points):
            result[k + 1] = result[k] + (slopes[k] - slopes[k + 1]) * point
        return result


_LISTED = 5
"""Breakpoints of an activation that a summary lists in full."""

_MOST_BREAKPOINTS = 1 << 20
"""Of a periodic activation: more would be a mistake rather than a wish."""


@ieee
@dataclass(frozen=True, eq=False)
class Periodic:
    """A continuous periodic piecewise-linear scalar function, applied to every entry (to every *unit*).

    ``breakpoints`` (P,), strictly increasing within one period; ``slopes`` (P,): slope k from breakpoint k to the next
    one, the last up to the first of the next period; ``value`` is the function's value at the first breakpoint. It has
    infinitely many pieces: ``unrolled`` gives the ``Piecewise`` with those that a bounded domain reaches.
    """

    period: float
    breakpoints: NDArray[np.float64]
    slopes: NDArray[np.float64]
    value: float = 0.0

    @property
    def drift(self) -> Fraction:
        """The change of the function over one period: zero, exactly, or it is not periodic."""
        points = [Fraction(b) for b in self.breakpoints.tolist()]
        ends = [*points[1:], points[0] + Fraction(self.period)]
        widths = (end - start for start, end in zip(points, ends, strict=True))
        return sum((Fraction(s) * width for s, width in zip(self.slopes.tolist(), widths, strict=True)), Fraction(0))

    def unrolled(self, low: Fraction, high: Fraction) -> Piecewise:
        """The piecewise-linear function that equals this one on [low, high], of whole periods.

        A third of a period is added on either side, so that a range whose ends are known up to rounding gives the same
        function (ends lie on breakpoints more often than on thirds between them). Raises ``ArgumentError`` when there
        are too many pieces, or a breakpoint on the way is no float64 number.
        """
        period, start = Fraction(self.period), Fraction(float(self.breakpoints[0]))
        first = floor((low - start) / period - Fraction(1, 3))
        last = ceil((high - start) / period + Fraction(1, 3))
        if (last - first) * len(self.breakpoints) > _MOST_BREAKPOINTS:
            raise ArgumentError(
                f"a periodic activation of period {self.period} reaches {last - first} periods on its arguments from "
                f"{float(low):g} to {float(high):g}: too many pieces. Take a smaller domain."
            )
        exact = [Fraction(b) + k * period for k in range(first, last) for b in self.breakpoints.tolist()]
        points = np.array([float(b) for b in exact])
        if any(Fraction(b) != wanted for b, wanted in zip(points.tolist(), exact, strict=True)):
            raise ArgumentError(
                f"a periodic activation of period {self.period} reaches breakpoints that are no float64 numbers. Scale "
                "its argument so that the period and the breakpoints are multiples of one power of two."
            )
        slopes = np.concatenate([self.slopes[-1:], np.tile(self.slopes, last - first)])
        return Piecewise(points, slopes, self.value)


@dataclass(frozen=True, eq=False)
class Max:
    """The maximum over the last axis: input (*s, k), output (*s,). Each output is one unit with k pieces."""


def _listed(points: Sequence[float] | NDArray[np.float64]) -> str:
    """Some numbers as text: a long list by its ends and its length."""
    if len(points) <= _LISTED:
        return ", ".join(f"{b:g}" for b in points)
    return f"{points[0]:g}, {points[1]:g}, ..., {points[-1]:g} ({len(points)})"


LinearOp: TypeAlias = Dense | Conv | Scale | Divide | Sum | Gather
Op: TypeAlias = Input | LinearOp | Piecewise | Periodic | Max

RELU = Piecewise(np.zeros(1), np.array([0.0, 1.0]))


@dataclass(frozen=True, eq=False)
class Node:
    """One operator of the DAG: ``inputs`` are indices of earlier nodes, ``shape`` is the output's (no batch axis)."""

    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    name: str = ""

    @property
    def size(self) -> int:
        """The number of entries of the output."""
        return prod(self.shape)

    @property
    def is_nonlinear(self) -> bool:
        """Whether the node holds units: an activation or a maximum."""
        return isinstance(self.op, (Piecewise, Periodic, Max))

    @property
    def parameters(self) -> int:
        """How many numbers the weights, biases, factors and shifts hold; a bias of zeros, a factor of ones count 0."""
        if isinstance(self.op, (Dense, Conv)):
            return self.op.weight.size + (self.op.bias.size if self.op.bias.any() else 0)
        if isinstance(self.op, Scale):
            factor, shift = self.op.factor, self.op.shift
            return (factor.size if (factor != 1).any() else 0) + (shift.size if shift.any() else 0)
        return 0

    def describe(self) -> tuple[str, ...]:
        """Name, operator, shape, units, breakpoints and parameters as text."""
        breaks = self.op.breakpoints if isinstance(self.op, (Piecewise, Periodic)) else ()
        points = _listed(breaks)
        units = str(self.size) if self.is_nonlinear else ""
        return (self.name, type(self.op).__name__, str(self.shape), units, points, str(self.parameters or ""))


@ieee
@dataclass(frozen=True, eq=False)
class Network:
    """A continuous piecewise-linear map as a DAG in topological order: node 0 is the input, the last one the output."""

    nodes: tuple[Node, ...]

    def __repr__(self) -> str:
        return f"<Network: {self.input_shape} -> {self.output_shape}, {self.units} units, {len(self.nodes)} nodes>"

    @property
    def input_shape(self) -> Shape:
        """Shape of one input, without a batch axis."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        """Shape of one output, without a batch axis."""
        return self.nodes[-1].shape

    @property
    def inputs(self) -> int:
        """The number n of input coordinates."""
        return self.nodes[0].size

    @property
    def outputs(self) -> int:
        """The number m of outputs."""
        return self.nodes[-1].size

    @cached_property
    def nonlinear(self) -> tuple[int, ...]:
        """Indices of the nodes that hold units, in order."""
        return tuple(i for i, node in enumerate(self.nodes) if node.is_nonlinear)

    def read_by(self, stage: int) -> int:
        """The node that a stage reads: the argument of that nonlinear node or, of the last stage, the output."""
        return self.nodes[self.nonlinear[stage]].inputs[0] if stage < len(self.nonlinear) else len(self.nodes) - 1

    @property
    def units(self) -> int:
        """The number of units: the columns of an activation pattern."""
        return sum(self.nodes[i].size for i in self.nonlinear)

    @cached_property
    def pattern_bytes(self) -> int:
        """What the pieces of all units take on one region of a partition: a bit a breakpoint, a short for a winner."""
        ops = [(node.op, node.size) for node in self.nodes]
        bits = sum(size * len(op.breakpoints) for op, size in ops if isinstance(op, Piecewise))
        return -(-bits // 8) + sum(2 * size for op, size in ops if isinstance(op, Max))

    @cached_property
    def products(self) -> int:
        """Products of a weight and a number in one evaluation by dense operators and convolutions."""
        return self.products_after(0)

    def products_after(self, done: int) -> int:
        """The same of the nodes after one."""
        rest = self.nodes[done + 1 :]
        return sum(node.size * prod(node.op.weight.shape[1:]) for node in rest if isinstance(node.op, (Dense, Conv)))

    @cached_property
    def unit_columns(self) -> dict[int, slice]:
        """For each nonlinear node the columns of an activation pattern that hold its units."""
        ends = [0, *accumulate(self.nodes[i].size for i in self.nonlinear)]
        return {i: slice(*columns) for i, columns in zip(self.nonlinear, pairwise(ends), strict=True)}

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For every node the last node that reads it (its own index when none does)."""
        last = list(range(len(self.nodes)))
        for i, node in enumerate(self.nodes):
            for j in node.inputs:
                last[j] = i
        return tuple(last)

    @cached_property
    def mixed(self) -> frozenset[int]:
        """The nodes that are read, and by matrices alone."""
        readers = [(i, node) for node in self.nodes for i in node.inputs]
        return frozenset(i for i, _ in readers) - {i for i, node in readers if not isinstance(node.op, Dense)}

    @cached_property
    def met_by_maximum(self) -> frozenset[int]:
        """The activations whose entries, not mixed by a weight matrix, are arguments of a maximum."""
        found: set[int] = set()
        stack = [j for node in self.nodes if isinstance(node.op, Max) for j in node.inputs]
        while stack:
            i = stack.pop()
            if i not in found and not isinstance(self.nodes[i].op, (Dense, Conv)):
                found.add(i)
                stack += [] if isinstance(self.nodes[i].op, Piecewise) else self.nodes[i].inputs
        return frozenset(found) & frozenset(self.nonlinear)

    def summary(self) -> str:
        """A table for people: of every node its index, name, operator, shape, units, breakpoints and parameters."""
        header = ("", "name", "operator", "shape", "units", "breakpoints", "parameters")
        rows = [(str(i), *node.describe()) for i, node in enumerate(self.nodes)]
        total = ("", "total", "", "", str(self.units), "", str(sum(node.parameters for node in self.nodes)))
        widths = [max(map(len, column)) for column in zip(header, *rows, total, strict=True)]
        lines = (
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
            for row in (header, *rows, total)
        )
        return "\n".join(line.rstrip() for line in lines)

    @classmethod
    def sequential(cls, inputs: int, ops: Sequence[Op]) -> Network:
        """The chain of Dense, Scale and Piecewise operators on an input of shape (inputs,)."""
        nodes = [Node(Input(), (), (inputs,), "input")]
        for i, op in enumerate(ops):
            shape = (len(op.bias),) if isinstance(op, Dense) else nodes[-1].shape
            nodes.append(Node(op, (i,), shape, f"{i}"))
        return cls(tuple(nodes))

    @classmethod
    def mlp(cls, weights: Sequence[NDArray[Any]], biases: Sequence[NDArray[Any]]) -> Network:
        """The ReLU perceptron with weights (out, in) and biases (out,), copied; no activation after the last layer."""
        layers = [Dense(np.array(w, np.float64), np.array(b, np.float64)) for w, b in zip(weights, biases, strict=True)]
        ops: list[Op] = [op for layer in layers[:-1] for op in (layer, RELU)]
        return cls.sequential(layers[0].weight.shape[1], [*ops, layers[-1]])


def table(values: NDArray[Any], node: Node) -> NDArray[Any]:
    """What a ``Piecewise`` holds for each piece, (P + 1, *s), for every unit of its node: (P + 1, units)."""
    lead = values.reshape(len(values), *(1,) * (len(node.shape) + 1 - values.ndim), *values.shape[1:])
    return np.broadcast_to(lead, (len(values), *node.shape)).reshape(len(values), node.size)
