"""The adjoint of a network on given pieces, as a network: rows of the Jacobian by the arithmetic that evaluates it.

On given pieces a network is affine, and the transposes of its operators are operators of the same kinds: a matrix
transposed, a convolution with its kernel flipped over an input spread out by the stride, a gather of where an entry
went, and for a maximum its cotangent for every argument, times 1 for the winner and 0 for the others. The pieces are
given when the adjoint is evaluated, another row of them for each row. So one interpreter serves both directions and
both backends, and the error bound of proofs/, Lemma 5 holds here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .network import Network, Node
from .operators import RELU, Conv, Dense, Divide, Gather, Input, Max, Op, Piecewise, Scale, Shape, Sum

Pieces = Callable[[int], NDArray[np.int64]]
"""The pieces of the units of a node, int64 (node.size,), or (rows, node.size) for several patterns at once."""

_FAN_IN = 8
"""Entries added up at once where one entry was used many times."""


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The transposed linear part of a network on given pieces: from rows w over its output to w J over its input."""

    network: Network
    """To be evaluated on tangents, with ``pieces`` (its operators are linear up to those of ``Piecewise`` nodes)."""
    original: Network
    sources: dict[int, int]
    """For each ``Piecewise`` node of the adjoint the node of the original network whose pieces it is on."""

    def pieces(self, i: int, given: Pieces) -> NDArray[np.int64]:
        """The pieces of node i of the adjoint, where those of the original are given in rows (rows, node.size)."""
        source = self.sources[i]
        if not isinstance(self.original.nodes[source].op, Max):
            return given(source)
        winners = given(source)
        arguments = np.arange(self.network.nodes[i].size // max(winners.shape[1], 1))
        return np.asarray(winners[:, :, None] == arguments, np.int64).reshape(len(winners), -1)


def adjoint(network: Network) -> Adjoint:
    """The adjoint of a network without ``Periodic`` nodes."""
    return _Transposed(network).result()


class _Transposed:
    """The adjoint under construction: node by node, from the output to the input."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._nodes = [Node(Input(), (), network.output_shape, "output")]
        self._sources: dict[int, int] = {}
        self._parts: dict[int, list[int]] = {len(network.nodes) - 1: [0]}
        """For each node of the original the nodes of the adjoint that add up to its cotangent."""

    def result(self) -> Adjoint:
        """The adjoint: what comes after the input's cotangent is not needed for it."""
        for i in range(len(self._network.nodes) - 1, 0, -1):
            node = self._network.nodes[i]
            if self._parts.get(i):
                cotangent = self._total(i)
                for slot, j in enumerate(node.inputs):
                    self._parts.setdefault(j, []).append(self._pulled(i, slot, cotangent))
        last = self._total(0)
        return Adjoint(Network(tuple(self._nodes[: last + 1])), self._network, self._sources)

    def _total(self, i: int) -> int:
        parts, shape = self._parts.get(i, []), self._network.nodes[i].shape
        if not parts:  # the output does not depend on it
            return self._add(Gather(np.full(shape, -1)), 0, shape)
        if len(parts) == 1:
            return parts[0]
        return self._add(Sum((1.0,) * len(parts)), parts, shape)

    def _add(self, op: Op, inputs: int | list[int], shape: Shape) -> int:
        places = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        self._nodes.append(Node(op, places, shape, "adjoint"))
        return len(self._nodes) - 1

    def _pulled(self, i: int, slot: int, y: int) -> int:
        """The part of the cotangent of input ``slot`` that node i contributes."""
        node = self._network.nodes[i]
        op, shape = node.op, self._network.nodes[node.inputs[slot]].shape
        match op:
            case Dense():
                return self._add(Dense(op.weight.T, np.zeros(op.weight.shape[1])), y, shape)
            case Conv():
                return self._convolved(op, y, shape)
            case Scale():
                return self._add(Scale(op.factor, np.zeros(())), y, shape)
            case Divide():
                return self._add(op, y, shape)
            case Sum():
                return self._multiple(op.coefficients[slot], y, shape)
            case Gather():
                start = sum(self._network.nodes[j].size for j in node.inputs[:slot])
                inside = (op.index >= start) & (op.index < start + prod(shape))
                return self._scattered(np.where(inside, op.index - start, -1).ravel(), y, shape)
            case Piecewise():
                return self._on_pieces_of(i, op, y, shape)
            case Max():
                repeated = np.repeat(np.arange(node.size), shape[-1]).reshape(shape)
                return self._on_pieces_of(i, RELU, self._add(Gather(repeated), y, shape), shape)
        raise TypeError(f"{type(op).__name__} has no adjoint on given pieces")

    def _on_pieces_of(self, i: int, op: Piecewise, y: int, shape: Shape) -> int:
        result = self._add(op, y, shape)
        self._sources[result] = i
        return result

    def _multiple(self, coefficient: float, y: int, shape: Shape) -> int:
        if coefficient == 1:
            return y
        return self._add(Scale(np.array(coefficient), np.zeros(())), y, shape)

    def _scattered(self, index: NDArray[np.int64], y: int, shape: Shape) -> int:
        """Entry e becomes the sum of y's entries p with index[p] = e: added up in groups, until one is left of each."""
        members = np.argsort(index, kind="stable")[np.count_nonzero(index < 0) :]
        counts = np.bincount(index[members], minlength=prod(shape))
        while counts.max(initial=0) > 1:
            width = min(int(counts.max()), _FAN_IN)
            groups = -(-counts // width)
            y = self._add(Gather(_filled(members, counts, groups, width)), y, (int(groups.sum()), width))
            y = self._add(Dense(np.ones((1, width)), np.zeros(1)), y, (int(groups.sum()), 1))
            members, counts = np.arange(groups.sum()), groups
        table = np.full(prod(shape), -1)
        table[counts > 0] = members
        return self._add(Gather(table.reshape(shape)), y, shape)

    def _convolved(self, op: Conv, y: int, shape: Shape) -> int:
        """Convolution with the flipped kernel over y, spread out by the stride and padded or cropped."""
        outputs, kernel, dims = len(op.bias), op.weight.shape[2:], len(op.spatial)
        blocks = op.weight.reshape(op.groups, outputs // op.groups, -1, *kernel).swapaxes(1, 2)
        flipped = np.flip(blocks, tuple(range(-dims, 0))).reshape(op.channels, outputs // op.groups, *kernel)
        flipped = np.ascontiguousarray(flipped)  # torch takes no negative strides
        spans = tuple(d * (k - 1) for k, d in zip(kernel, op.dilation, strict=True))
        padding = tuple((span - pad[0], pad[0] + n - out) for span, pad, n, out in self._edges(op, spans))
        spatial = op.output_spatial
        if set(op.stride) != {1} or np.min(padding) < 0:
            window = [_spread(*axis) for axis in zip(spatial, op.spatial, op.stride, op.padding, spans, strict=True)]
            lead = shape[: -dims - 1]
            places = _outer(np.arange(prod(lead) * outputs), prod(spatial), window, spatial)
            spatial = tuple(map(len, window))
            y = self._add(Gather(places.reshape(*lead, outputs, *spatial)), y, (*lead, outputs, *spatial))
            padding = ((0, 0),) * dims
        ones = (1,) * dims
        adjoint = Conv(flipped, np.zeros(op.channels), spatial, ones, padding, op.dilation, op.groups)
        return self._add(adjoint, y, shape)

    @staticmethod
    def _edges(op: Conv, spans: Shape) -> Any:
        return zip(spans, op.padding, op.spatial, op.output_spatial, strict=True)


def _filled(
    members: NDArray[np.int64], counts: NDArray[np.int64], groups: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """The members (first those of entry 0) in rows of ``width``, each entry's from a new row; -1 elsewhere."""
    rank = np.arange(len(members)) - np.repeat(np.cumsum(counts) - counts, counts)
    row = np.repeat(np.cumsum(groups) - groups, counts) + rank // width
    table = np.full((int(groups.sum()), width), -1)
    table[row, rank % width] = members
    return table


def _spread(outputs: int, inputs: int, stride: int, padding: tuple[int, int], span: int) -> NDArray[np.int64]:
    """Along one axis, for each place of the window that the flipped kernel runs over the entry of y there, or -1.

    Entry o of y stands at o * stride; the window is padding[0] - span .. padding[0] + inputs - 1.
    """
    places = np.arange(padding[0] - span, padding[0] + inputs)
    entries = places // stride
    return np.where((places % stride == 0) & (entries >= 0) & (entries < outputs), entries, -1)


def _outer(
    channels: NDArray[np.int64], size: int, window: list[NDArray[np.int64]], spatial: Shape
) -> NDArray[np.int64]:
    """Flat places of a window in each channel of ``size`` entries; -1 where one of its axes is outside."""
    inside = reduce(np.logical_and.outer, [axis >= 0 for axis in window])
    steps = [prod(spatial[d + 1 :]) for d in range(len(spatial))]
    places = reduce(np.add.outer, [axis * step for axis, step in zip(window, steps, strict=True)])
    return np.where(inside, np.add.outer(channels * size, places), -1)
