"""Which entries of a network are one function on a region, as far as its structure tells: value numbers, exactly.

Two entries with one number are made by the same operations from entries with the same numbers, so they are the same
function on the region (Alpern, Wegman, Zadeck 1988 number the values of programs so). The converse need not hold. The
background of an image, and units that are off, make many such entries, and maxima of them tie (proofs/, Lemma 10 (c)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..geometry.domain import Domain
from ..network.network import Network, Node, table
from ..network.operators import Conv, Dense, Divide, Gather, Max, Op, Piecewise, Scale, Sum

Numbers = NDArray[np.int64]
"""One number an entry; 0 for what is zero."""

_KEPT = 1 << 25
"""Numbers that are kept at most."""


class ValueNumbering:
    """The value numbers of a network's entries on regions of a slice."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain
        self._tables: WeakKeyDictionary[Op, Any] = WeakKeyDictionary()
        self._kept: dict[tuple[int, bytes], NDArray[np.int32]] = {}

    def numbers(self, pattern: NDArray[np.int16], node: int) -> NDArray[np.int32]:
        """The numbers of a node's entries on the region with that pattern (of the units up to the node at least)."""
        key = node, sha256(np.ascontiguousarray(pattern).tobytes()).digest()
        if key not in self._kept:
            if len(self._kept) * self._network.nodes[node].size > _KEPT:
                self._kept.clear()
            self._kept[key] = np.unique(self._numbers(pattern, node), return_inverse=True)[1].astype(np.int32)
        return self._kept[key]

    def _numbers(self, pattern: NDArray[np.int16], node: int) -> Numbers:
        def made(i: int, inputs: Sequence[Numbers]) -> Numbers:
            op, pieces = self._network.nodes[i], pattern[self._network.unit_columns[i]].astype(np.int64)
            return self.made(op, inputs, pieces)

        return self._forward(node, made)

    def everywhere(self, node: int) -> Numbers:
        """The numbers of a node's entries on the whole slice, whatever the pattern."""

        def made(i: int, inputs: Sequence[Numbers]) -> Numbers:
            op, (x,) = self._network.nodes[i], inputs
            return self.bent(np.zeros(op.size, np.int64), op, x, np.arange(op.size))

        return self._forward(node, made)

    def _forward(self, node: int, nonlinear: Callable[[int, Sequence[Numbers]], Numbers]) -> Numbers:
        """The numbers of a node's entries, given how those of nonlinear nodes are made from their arguments'."""
        nodes, last_use = self._network.nodes, self._network.last_use
        live = {0: self.inputs}
        for i in range(1, node + 1):
            inputs = [live[j] for j in nodes[i].inputs]
            live[i] = nonlinear(i, inputs) if nodes[i].is_nonlinear else self.made(nodes[i], inputs, None)
            live = {j: numbers for j, numbers in live.items() if last_use[j] > i or j == i}
        return live[node]

    @cached_property
    def inputs(self) -> Numbers:
        """The numbers of the network's inputs."""
        return _numbered(*np.concatenate(self._domain.frames))

    def made(self, node: Node, inputs: Sequence[Numbers], pieces: NDArray[np.int64] | None) -> Numbers:
        """The numbers of a node's entries from those of its inputs; those of a nonlinear one on given pieces."""
        op, x = node.op, inputs[0]
        match op:
            case Dense():
                return self._products(op, x.reshape(-1, op.weight.shape[1]), 1)
            case Conv():
                return self._convolved(op, x)
            case Scale():
                return _affine(x, *(np.broadcast_to(part, node.shape).ravel() for part in (op.factor, op.shift)))
            case Divide():
                return _numbered(x, np.where(x == 0, 0.0, np.broadcast_to(op.divisor, node.shape).ravel()))
            case Sum():
                return _numbered(*inputs)
            case Gather():
                apart = x if len(inputs) == 1 else _numbered(np.concatenate(inputs), _origins(inputs))
                return np.append(apart, 0)[op.index.ravel()]
            case Max():
                assert pieces is not None
                return x.reshape(node.size, -1)[np.arange(node.size), pieces]
        assert isinstance(op, Piecewise) and pieces is not None, op
        slopes, intercepts = self._pieces(op)
        units = np.arange(node.size)
        return _affine(x, *(table(part, node)[pieces, units] for part in (slopes, intercepts)))

    def bent(self, made: Numbers, node: Node, argument: Numbers, units: NDArray[np.int64]) -> Numbers:
        """The numbers ``made`` of a nonlinear node, where some units bend: by their arguments and all slopes."""
        if isinstance(node.op, Max):
            functions = argument.reshape(node.size, -1)[units]
        else:
            assert isinstance(node.op, Piecewise)
            functions = np.column_stack([argument[units], *map(_bits, table(node.op.slopes, node)[:, units])])
        bends = np.zeros(len(made), np.int64)
        bends[units] = 1 + _distinct(functions)
        return _numbered(made, bends)

    def _convolved(self, op: Conv, x: Numbers) -> Numbers:
        images = x.reshape(-1, op.groups, op.weight.shape[1] * prod(op.spatial))
        windows = self._windows(op)
        patches = np.pad(images, ((0, 0), (0, 0), (0, 1)))[:, :, windows]  # (lead, groups, places, terms)
        return self._products(op, patches.reshape(-1, windows.shape[1]), len(windows))

    def _products(self, op: Dense | Conv, rows: Numbers, places: int) -> Numbers:
        """Sums of products of rows, (lead, groups, places) of them, with the weights of each group's outputs."""
        groups = op.groups if isinstance(op, Conv) else 1
        sums = _distinct(rows).reshape(-1, groups, 1, places)
        outputs = self._outputs(op).reshape(1, groups, -1, 1)
        made = sums * (self._outputs(op).max() + 1) + outputs + 1
        silent = (rows == 0).all(axis=1).reshape(sums.shape) & (op.bias == 0).reshape(outputs.shape)
        return np.where(silent, 0, made).ravel()

    # ---- what does not depend on the region ------------------------------------------------------------------------
    def _outputs(self, op: Dense | Conv) -> Numbers:
        """One number for each output: the same for the same weights and bias."""
        if op not in self._tables:
            table = np.column_stack([op.weight.reshape(len(op.weight), -1), op.bias])
            table += 0.0
            windows = _windows(op) if isinstance(op, Conv) else None
            self._tables[op] = _distinct(np.ascontiguousarray(table).view(np.int64)), windows
        outputs: Numbers = self._tables[op][0]
        return outputs

    def _windows(self, op: Conv) -> NDArray[np.int64]:
        self._outputs(op)
        windows: NDArray[np.int64] = self._tables[op][1]
        return windows

    def _pieces(self, op: Piecewise) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The slopes, and a number for each different intercept (0.0 for none): they are exact fractions."""
        if op not in self._tables:
            names = {0: 0.0}
            named = [names.setdefault(x, float(len(names))) for x in op.intercepts.ravel().tolist()]
            self._tables[op] = op.slopes, np.array(named).reshape(op.slopes.shape)
        tables: tuple[NDArray[np.float64], NDArray[np.float64]] = self._tables[op]
        return tables


def apart(made: Numbers, units: NDArray[np.int64]) -> Numbers:
    """The numbers with new ones, all different, for some entries."""
    result = made.copy()
    result[units] = made.max(initial=0) + 1 + np.arange(len(units))
    return result


def of_either(x: Numbers, y: Numbers, start: int) -> Numbers:
    """New numbers, from ``start`` on, for what is one of two functions: the same for the same two."""
    return start + _distinct(np.stack([np.minimum(x, y), np.maximum(x, y)], axis=1))


def _numbered(*columns: NDArray[Any]) -> Numbers:
    """One number for each different tuple; 0 for zeros alone."""
    rows = np.stack([_bits(column) for column in columns], axis=1)
    return np.where((rows == 0).all(axis=1), 0, _distinct(rows) + 1)


def _bits(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.ascontiguousarray(values + 0.0).view(np.int64) if values.dtype == np.float64 else values


def _distinct(rows: NDArray[np.int64]) -> Numbers:
    """One number for each different row: kind by a hash, and compared."""
    kind: Numbers
    factors = np.random.default_rng(0).integers(-(2**62), 2**62, rows.shape[1]) | 1
    with np.errstate(over="ignore"):
        _, first, kind = np.unique(rows @ factors, return_index=True, return_inverse=True)
    if len(first) == len(rows) or np.array_equal(rows, rows[first[kind]]):
        return kind
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel()


def _affine(x: Numbers, factor: NDArray[np.float64], shift: NDArray[np.float64]) -> Numbers:
    """Of entries times factors plus shifts."""
    some = (x != 0) & (factor != 0)
    return _numbered(np.where(some, x, 0), np.where(some, factor, 0.0), shift)


def _origins(inputs: Sequence[Numbers]) -> NDArray[np.float64]:
    """Which input each entry comes from; 0.0 for what is zero."""
    return np.concatenate([np.where(part != 0, float(k), 0.0) for k, part in enumerate(inputs)])


def _windows(op: Conv) -> NDArray[np.int64]:
    """The entries of one group's channels that go into each place of the result, (places, terms); -1 is padding."""
    places = op.windows()[:, None]
    channels = np.arange(op.weight.shape[1])[:, None] * prod(op.spatial)
    return np.where(places < 0, -1, channels + places).reshape(len(places), -1)
