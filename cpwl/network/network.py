"""The library's own form of a network: a DAG of linear operators, piecewise-linear activations and maxima.

Operators are plain data. Every number in them is a float64 and stands for exactly that rational number, so a network is
an exact rational function of its input; how to evaluate it, in floating point or exactly, is the business of an
``Arithmetic``. Nothing here knows of geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import rows, unrounded
from .digest import MANY, digest, node_entry
from .operators import RELU, Conv, Dense, Input, Max, Op, Periodic, Piecewise, Scale, Shape

_LISTED = 5
"""Breakpoints of an activation that a summary lists in full."""


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
        met: set[int] = set()
        stack = [j for node in self.nodes if isinstance(node.op, Max) for j in node.inputs]
        while stack:
            i = stack.pop()
            if i not in met and not isinstance(self.nodes[i].op, (Dense, Conv)):
                met.add(i)
                stack += [] if isinstance(self.nodes[i].op, Piecewise) else self.nodes[i].inputs
        return frozenset(met) & frozenset(self.nonlinear)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The nodes as a certificate has them: JSON, every number exact; raises ``ArgumentError`` for periodic ones."""
        words = sum(node.op.weight.size for node in self.nodes if isinstance(node.op, (Dense, Conv))) >= MANY
        return [node_entry(i, node.op, node.inputs, node.shape, words=words) for i, node in enumerate(self.nodes)]

    @cached_property
    def sha256(self) -> str:
        """The network's name in certificates: the SHA-256 of its operators and numbers, not of its nodes' names.

        A second for every few million numbers. Raises ``ArgumentError`` for a periodic network, which has a name only
        on a domain: that of ``part.network``.
        """
        return digest(self.entries)

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
        named = {"weights": (weights, 2), "biases": (biases, 1)}
        tables = [[_of_layer(name, raw, axes) for raw in rows(name, given)] for name, (given, axes) in named.items()]
        if len(tables[0]) != len(tables[1]) or not tables[0]:
            raise ShapeError(f"weights and biases must be one a layer, got {len(tables[0])} and {len(tables[1])}.")
        for k, (weight, bias) in enumerate(zip(*tables, strict=True)):
            _check_layer(k, weight, bias, len(tables[0][k - 1]) if k else weight.shape[1])
        layers = [Dense(weight, bias) for weight, bias in zip(*tables, strict=True)]
        ops: list[Op] = [op for layer in layers[:-1] for op in (layer, RELU)]
        return cls.sequential(layers[0].weight.shape[1], [*ops, layers[-1]])


def table(values: NDArray[Any], node: Node) -> NDArray[Any]:
    """What a ``Piecewise`` holds for each piece, (P + 1, *s), for every unit of its node: (P + 1, units)."""
    lead = values.reshape(len(values), *(1,) * (len(node.shape) + 1 - values.ndim), *values.shape[1:])
    return np.broadcast_to(lead, (len(values), *node.shape)).reshape(len(values), node.size)


def _of_layer(name: str, values: Any, axes: int) -> NDArray[np.float64]:
    array = unrounded(name, values)
    if array.ndim != axes:
        raise ShapeError(f"each of {name} must be an array of {axes} axes, got one of shape {array.shape}.")
    return array


def _check_layer(k: int, weight: NDArray[Any], bias: NDArray[Any], inputs: int) -> None:
    """Layer k of a perceptron: on so many inputs, with a bias for each output."""
    if 0 in weight.shape or weight.shape[1] != inputs:
        wanted = f"(out, {inputs}), for the outputs of weights[{k - 1}]" if k else "(out, in), neither of them zero"
        raise ShapeError(f"weights[{k}] must have shape {wanted}, got {weight.shape}.")
    if bias.shape != weight.shape[:1]:
        raise ShapeError(
            f"biases[{k}] must have shape {weight.shape[:1]}, one for each output of weights[{k}], got {bias.shape}."
        )


def _listed(points: Sequence[float] | NDArray[np.float64]) -> str:
    """Some numbers as text: a long list by its ends and its length."""
    if len(points) <= _LISTED:
        return ", ".join(f"{b:g}" for b in points)
    return f"{points[0]:g}, {points[1]:g}, ..., {points[-1]:g} ({len(points)})"
