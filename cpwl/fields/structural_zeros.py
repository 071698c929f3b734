"""Functions of a network that are zero by the names of what they are differences of: no arithmetic (Lemma 10 (c))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry.bundle import Bundle
from ..geometry.domain import Domain
from ..network.network import Network, Node, table
from ..network.operators import Conv, Dense, Divide, Gather, Max, Piecewise, Scale, Sum
from .predicates import Names
from .value_numbers import ValueNumbering

Rows = NDArray[np.int64]


class Named:
    """What names and the structure of a network say of the functions of its stages on a slice."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain
        self._numbering = ValueNumbering(network, domain)
        self._central: list[NDArray[np.bool_]] = []
        """By node, as far as was asked for, which entries have no constant on the slice, whatever the pieces."""

    def vanish(self, names: Names, others: Names) -> NDArray[np.bool_]:
        """Whether names[i] is the difference of an entry from itself, or up to its sign the same as others[i].

        All names are of one stage.
        """
        if not len(names.stage):
            return np.zeros(0, np.bool_)
        stage = int(names.stage[0])
        sources = self._sources(stage)
        source, other = (np.where(names.second < 0, -1, sources[part]) for part in (names.first, names.second))
        here = others.stage == stage
        first, second = (np.where(here, part, 0) for part in (others.first, others.second))
        p, q = sources[first], np.where(second < 0, -1, sources[second])
        pairs = ((source == p) & (other == q)) | ((source == q) & (other == p))
        differences = names.second >= 0
        vanishing = differences & ((source == other) | (here & (second >= 0) & pairs))
        return np.asarray(vanishing)

    def vanish_everywhere(self, patterns: NDArray[np.int16], place: Rows, names: Names) -> NDArray[np.bool_]:
        """Whether names[i] is the difference of two entries that are one function on the region patterns[place[i]]."""
        vanishing = np.zeros(len(place), np.bool_)
        differences = names.second >= 0
        if not differences.any():
            return vanishing
        argument = self._network.read_by(int(names.stage[0]))
        for region in np.unique(place[differences]).tolist():
            index = np.flatnonzero((place == region) & differences)
            numbers = self._numbering.numbers(patterns[region], argument)
            vanishing[index] = numbers[names.first[index]] == numbers[names.second[index]]
        return vanishing

    def central(self, names: Names) -> NDArray[np.bool_]:
        """Whether names[i] is known to be zero at the slice's origin: no bias, level or such goes into it."""
        result = np.zeros(len(names.stage), np.bool_)
        for stage in np.unique(names.stage).tolist():
            index = np.flatnonzero((names.stage == stage) & (names.level == 0))
            entries = self._sides if stage < 0 else self._without_constant(self._network.read_by(stage))
            second = names.second[index]
            result[index] = entries[names.first[index]] & ((second < 0) | entries[second])
        return result

    @property
    def _sides(self) -> NDArray[np.bool_]:
        return np.array([side[-1] == 0 for side in self._domain.polytope.sides], np.bool_)

    def _without_constant(self, node: int) -> NDArray[np.bool_]:
        """Which of a node's entries have no constant on the slice, whatever the pieces."""
        if not self._central:
            self._central.append((self._domain.frames[:, 0] == 0).all(axis=0))
        for i in range(len(self._central), node + 1):
            made = self._network.nodes[i]
            self._central.append(_keeping_zero(made, [self._central[j] for j in made.inputs]))
        return self._central[node]

    def _sources(self, stage: int) -> Rows:
        """For each entry that a stage reads the entry of the node before that it is a copy of, or itself."""
        node = self._network.nodes[self._network.read_by(stage)]
        if isinstance(node.op, Gather) and len(node.inputs) == 1:
            return np.asarray(node.op.index.ravel(), dtype=np.int64)
        return np.arange(node.size)


def _keeping_zero(node: Node, inputs: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which of a node's entries are zero where the given entries of its inputs are and the others are anything."""
    x = inputs[0]
    match op := node.op:
        case Dense(weight, bias):
            if x.all():
                return np.tile(bias == 0, node.size // len(bias))
            reached = (~x).reshape(-1, weight.shape[1]).astype(np.float64) @ np.abs(weight).T != 0
            return np.asarray(~reached & (bias == 0)).ravel()
        case Conv():
            return np.full(node.size, x.all() and not op.bias.any())
        case Scale():
            factor, shift = (np.broadcast_to(part, node.shape).ravel() for part in (op.factor, op.shift))
            return np.asarray((x | (factor == 0)) & (shift == 0))
        case Divide():
            return x
        case Sum():
            return np.asarray(np.logical_and.reduce(inputs))
        case Gather():
            return np.append(np.concatenate(inputs), True)[op.index.ravel()]
        case Max():
            return np.asarray(x.reshape(node.size, -1).all(axis=1))
        case Piecewise():
            return np.asarray(x & ~table(op.intercepts != 0, node).any(axis=0))
    return np.zeros(node.size, np.bool_)


class NamedInBundle(Named):
    """The same on many segments, the number of which is the first of a pattern."""

    def __init__(self, network: Network, bundle: Bundle) -> None:
        super().__init__(network, bundle)
        self._bundle = bundle

    def vanish_everywhere(self, patterns: NDArray[np.int16], place: Rows, names: Names) -> NDArray[np.bool_]:
        """Whether names[i] is the difference of two entries that are one function on the region patterns[place[i]]."""
        vanishing, segment = np.zeros(len(place), np.bool_), patterns[place, 0]
        for s in np.unique(segment).tolist():
            index = np.flatnonzero(segment == s)
            named = Named(self._network, self._bundle.domain_of(s))
            vanishing[index] = named.vanish_everywhere(patterns[:, 1:], place[index], names.take(index))
        return vanishing
