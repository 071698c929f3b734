"""The same network with channels of like size: powers of two moved from one matrix to the next, through its units.

Error bounds are one number a row (proofs/, Lemma 5): beside filters of size 1 the values of a filter of size 1e-16
drown in them. Units that bend at zero and maxima are positively homogeneous, so what a channel is multiplied by the
next matrix can divide by. With powers of two all float64 values but the channels' own stay the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .network import Network, Node
from .operators import Conv, Dense, Gather, Input, Max, Op, Periodic, Piecewise, Scale, Sum

_APART = 2.0**-16
"""Channels of one matrix that differ by more than this are made alike; others stay as they are."""

Factors = NDArray[np.float64]
"""What each entry of a node is multiplied by, a power of two; 0 for an entry that is zero, which any factor fits."""

_known: WeakKeyDictionary[Network, Network] = WeakKeyDictionary()


def equilibrated(network: Network) -> Network:
    """A network with the same nodes, output and signs of all units' arguments; ``network`` itself if that will do."""
    if network not in _known:
        _known[network] = _equilibrated(network)
    return _known[network]


class _Fixed(Exception):
    """Matrices that cannot be scaled, because an operator needs what they make as it is."""

    def __init__(self, matrices: set[int]) -> None:
        super().__init__(matrices)
        self.matrices = matrices


def _equilibrated(network: Network) -> Network:
    wanted = {i: factors for i, node in enumerate(network.nodes) if (factors := _wanted(node)) is not None}
    while wanted and not any(isinstance(node.op, Periodic) for node in network.nodes):
        try:
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # what is not exact is refused
                return Network(tuple(_Scaling(network, wanted).nodes()))
        except _Fixed as fixed:
            wanted = {i: factors for i, factors in wanted.items() if i not in fixed.matrices}
    return network


def _wanted(node: Node) -> Factors | None:
    """The factors that make the outputs (channels) of a matrix alike; None if they are, or it is none."""
    if not isinstance(node.op, (Dense, Conv)):
        return None
    sizes = np.maximum(np.abs(node.op.weight.reshape(len(node.op.weight), -1)).max(axis=1), np.abs(node.op.bias))
    small = (sizes > 0) & (sizes < sizes.max() * _APART)
    if not small.any():
        return None
    exponents = np.frexp(sizes.max())[1] - np.frexp(np.where(small, sizes, sizes.max()))[1]
    with np.errstate(over="ignore"):  # no product with an infinite factor is exact
        factors: Factors = np.ldexp(np.ones(len(sizes)), exponents)
    return factors


class _Scaling:
    """Goes through a network once, with what each entry is multiplied by."""

    def __init__(self, network: Network, wanted: dict[int, Factors]) -> None:
        """``wanted``: for some matrices the factors of their outputs (channels)."""
        self._network, self._wanted = network, wanted
        self._factors: list[Factors] = []
        self._sources: list[set[int]] = []
        """Of each node the scaled matrices that its factors come from."""

    def nodes(self) -> list[Node]:
        """The nodes of the scaled network."""
        nodes = [self._scaled(i, node) for i, node in enumerate(self._network.nodes)]
        self._require(_all_one(self._factors[-1]), self._sources[-1])
        return nodes

    @staticmethod
    def _require(holds: bool, sources: set[int]) -> None:
        if not holds:
            raise _Fixed(sources)

    def _scaled(self, i: int, node: Node) -> Node:
        inputs = [self._factors[j] for j in node.inputs]
        sources: set[int] = set().union(*(self._sources[j] for j in node.inputs))
        made: Op
        if isinstance(node.op, (Dense, Conv)) and (passed := _passed_on(node, node.op, inputs[0])) is not None:
            made, factors = node.op, passed
        elif isinstance(node.op, (Dense, Conv)):
            outputs = self._wanted.get(i, np.ones(len(node.op.bias)))
            made = self._matrix(node.op, inputs[0], outputs, sources | ({i} & self._wanted.keys()))
            factors, sources = _of_entries(node, node.op, outputs), {i}
        else:
            made, factors = self._entries(node, inputs, sources)
        self._factors.append(factors)
        self._sources.append(set() if _all_one(factors) else sources)
        return node if made is node.op else replace(node, op=made)

    def _matrix(self, op: Dense | Conv, x: Factors, outputs: Factors, sources: set[int]) -> Dense | Conv:
        """The matrix with outputs multiplied, for inputs that are; exactly, or not at all."""
        given = self._common(_by_channel(op, x), sources)
        if _all_one(given) and _all_one(outputs):
            return op
        groups = op.groups if isinstance(op, Conv) else 1
        divisors = np.repeat(given.reshape(groups, -1), len(outputs) // groups, axis=0)
        factors = (outputs[:, None] / divisors).reshape(*divisors.shape, *(1,) * (op.weight.ndim - 2))
        return replace(
            op, weight=self._product(op.weight, factors, sources), bias=self._product(op.bias, outputs, sources)
        )

    def _entries(self, node: Node, inputs: Sequence[Factors], sources: set[int]) -> tuple[Op, Factors]:
        """An operator that mixes no channels, and what its entries are multiplied by."""
        match op := node.op:
            case Input():
                return op, np.ones(node.size)
            case Gather():
                return op, np.append(np.concatenate(inputs), 0.0)[op.index.ravel()]
            case Sum():
                return op, self._common(np.stack(inputs, axis=1), sources)
            case Max():
                return op, self._common(inputs[0].reshape(node.size, -1), sources)
            case Scale() if op.shift.any() and not _all_one(inputs[0]):
                factors = np.where(inputs[0] == 0, 1.0, inputs[0])
                shift = np.broadcast_to(op.shift, node.shape)
                return replace(op, shift=self._product(shift, factors.reshape(node.shape), sources)), factors
            case Piecewise() if op.value != 0 or not np.array_equal(op.breakpoints, [0.0]):
                self._require(_all_one(inputs[0]), sources)
                return op, np.ones(node.size)
        return op, inputs[0]

    def _common(self, groups: Factors, sources: set[int]) -> Factors:
        """The one factor of each row, which all of its entries must have."""
        common: Factors = groups.max(axis=1)
        self._require(bool(((groups == common[:, None]) | (groups == 0)).all()), sources)
        return common

    def _product(self, values: Factors, factors: Factors, sources: set[int]) -> Factors:
        """values * factors, which must be exact."""
        made: Factors = values * factors
        exact = np.isfinite(made) & (made / np.where(factors == 0, 1.0, factors) == values)
        self._require(bool((exact | (factors == 0)).all()), sources)
        return made


def _all_one(factors: Factors) -> bool:
    return bool(((factors == 1) | (factors == 0)).all())


def _by_channel(op: Dense | Conv, x: Factors) -> Factors:
    """The factors of an input, one row for each input (channel) of the matrix."""
    channels, places = (op.weight.shape[1], 1) if isinstance(op, Dense) else (op.channels, prod(op.spatial))
    by_channel = np.moveaxis(x.reshape(-1, channels, places), 1, 0).reshape(channels, -1)
    return np.where((by_channel == 0).all(axis=1)[:, None], 1.0, by_channel)


def _passed_on(node: Node, op: Dense | Conv, x: Factors) -> Factors | None:
    """The factors after a matrix that is applied to several parts of its input, each of one factor, as an average is.

    None if they are no such factors, and where a bias is added.
    """
    parts = x.reshape(-1, op.weight.shape[1] if isinstance(op, Dense) else op.channels * prod(op.spatial))
    given = parts.max(axis=1)
    alike = bool(((parts == given[:, None]) | (parts == 0)).all())
    if _all_one(x) or op.bias.any() or not alike:
        return None
    return np.repeat(np.where(given == 0, 1.0, given), node.size // len(parts))


def _of_entries(node: Node, op: Dense | Conv, outputs: Factors) -> Factors:
    """The factors of all entries of a matrix's output."""
    places = 1 if isinstance(op, Dense) else prod(op.output_spatial)
    return np.tile(np.repeat(outputs, places), node.size // (len(outputs) * places))
