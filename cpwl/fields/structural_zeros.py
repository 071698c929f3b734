"""Functions of a network that are zero by the names of what they are differences of: no arithmetic (Lemma 10 (c))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.bundle import Bundle
from ..geometry.domain import Domain
from ..network.network import Network
from ..network.operators import Gather
from .predicates import Names
from .value_numbers import ValueNumbering

Rows = NDArray[np.int64]


class Named:
    """What names and the structure of a network say of the functions of its stages on a slice."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network = network
        self._numbering = ValueNumbering(network, domain)

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

    def _sources(self, stage: int) -> Rows:
        """For each entry that a stage reads the entry of the node before that it is a copy of, or itself."""
        node = self._network.nodes[self._network.read_by(stage)]
        if isinstance(node.op, Gather) and len(node.inputs) == 1:
            return np.asarray(node.op.index.ravel(), dtype=np.int64)
        return np.arange(node.size)


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
