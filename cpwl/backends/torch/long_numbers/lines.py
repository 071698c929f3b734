"""The functions that vanish on lines of an arrangement, up to a bound, each on one region beside it, for many at once.

A line of a stage depends on the pieces before that stage alone, so regions go through the network by what they have in
common: each different pattern before a stage once (proofs/, Lemmas 8 and 10).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....fields.predicates import Names
from ....geometry.domain import Domain
from ....network.network import Network
from ....numbers.double_double import Balls
from ..fields.arithmetic import TorchArithmetic
from .oracle import entries, sides_of
from .passes import Passes, arithmetic_of, of_regions

Rows = NDArray[np.int64]
Patterns = NDArray[np.int16]

_ENTRIES = 1 << 21
"""Rows times widest node that go through the network at once."""


class CloseLines:
    """Functions of a network by name, in numbers of as many parts as are asked for."""

    def __init__(self, network: Network, domain: Domain, plain: TorchArithmetic) -> None:
        """``plain`` computes with numbers of one part, on the CPU."""
        self._network, self._domain = network, domain
        self._plain = plain
        self._sides = sides_of(domain.polytope)
        self._ends = [domain.leading + end for end in (0, *(part.stop for part in network.unit_columns.values()))]
        self._most = max(1, _ENTRIES // ((domain.dim + 1) * max(node.size for node in network.nodes)))

    def __call__(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Balls:
        """The functions names[i] on regions with the patterns[place[i]], of all units: a and c, (n, D + 1)."""
        result = Balls.zeros((len(place), self._domain.dim + 1))
        side = np.flatnonzero(names.stage < 0)
        result.put(side, self._sides[names.first[side]])
        passes: Passes[Any] = Passes(self._network, self._domain, arithmetic_of(self._network, parts, self._plain))
        last = np.full(len(patterns), -1)
        np.maximum.at(last, place, names.stage)
        inner = np.flatnonzero(last >= 0)
        order = inner[_sorted(patterns[inner])]
        for start in range(0, len(order), self._most):
            chunk = order[start : start + self._most]
            number = np.full(len(patterns), -1)
            number[chunk] = np.arange(len(chunk))
            chosen = np.flatnonzero((number[place] >= 0) & (names.stage >= 0))
            functions = self._through(passes, patterns[chunk], last[chunk], number[place[chosen]], names.take(chosen))
            result.put(chosen, functions)
        return result

    def _through(self, passes: Passes[Any], patterns: Patterns, last: Rows, place: Rows, names: Names) -> Balls:
        """The same for regions whose patterns are sorted; the stage up to which each is wanted is its ``last``."""
        dim = self._domain.dim
        result = Balls.zeros((len(place), dim + 1))
        leading = self._domain.leading
        live, home = passes.start(), patterns[:, 0].astype(np.int64) if leading else np.zeros(len(patterns), np.int64)
        for stage in range(int(last.max()) + 1):
            if stage:
                wanted = np.flatnonzero(last >= stage)
                before = patterns[wanted, : self._ends[stage]]
                fresh = np.concatenate([[True], (before[1:] != before[:-1]).any(axis=1)])
                live = of_regions(live, home[wanted[fresh]], dim)
                live = passes.after(live, stage - 1, before[fresh, self._ends[stage - 1] :])
                home[wanted] = np.cumsum(fresh) - 1
            index = np.flatnonzero(names.stage == stage)
            if len(index):
                argument = live[passes.network.read_by(stage)]
                result.put(index, entries(argument, home[place[index]], names.take(index), dim))
        return result


def _sorted(patterns: Patterns) -> Rows:
    """An order in which patterns that begin alike stand together."""
    rows = np.ascontiguousarray(patterns)
    if not rows.shape[1]:
        return np.arange(len(rows))
    return np.argsort(rows.view(np.dtype((np.void, rows.shape[1] * 2))).ravel(), kind="stable")
