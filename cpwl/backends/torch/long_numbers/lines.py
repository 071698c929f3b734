"""The functions that vanish on lines of an arrangement, up to a bound, each on one region beside it, for many at once.

A line of a stage depends on the pieces before that stage alone, so regions go through the network by what they have in
common: each different pattern before a stage once (proofs/, Lemmas 8 and 10); or, where few units bend among them, one
row for each such unit (Lemma 11).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....fields.predicates import Names
from ....fields.spans import Span
from ....geometry.domain import Domain
from ....network.network import Network
from ....numbers.double_double import Balls
from ..fields.arithmetic import TorchArithmetic
from .oracle import entries, sides_of
from .passes import Passes, arithmetic_of, of_regions
from .spans import CloseFunctions, CloseRows

Rows = NDArray[np.int64]
Patterns = NDArray[np.int16]

_ENTRIES = 1 << 21
"""Rows times widest node that go through the network at once."""

_LONGER = {1: 3, 2: 4, 3: 5, 5: 6, 8: 8}
"""How many parts the rows of a span have where so many are asked for: their bounds grow with each unit that bends."""

_DEARER = 8
"""A product of numbers of three parts, in products of float64 numbers."""

_BALL = 64
"""A product of coefficients, in products of a matrix."""


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
        side, inner = (np.flatnonzero(chosen) for chosen in (names.stage < 0, names.stage >= 0))
        result.put(side, self._sides[names.first[side]])
        if len(inner):
            result.put(inner, self._inner(patterns, place[inner], names.take(inner), parts))
        return result

    def _inner(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Balls:
        """The functions of the network's own."""
        regions, where = np.unique(place, return_inverse=True)
        span = Span.of(self._network, patterns[regions], int(names.stage.max()))
        if not self._is_worth(span, len(regions), parts):  # nor for fewer kinds
            return self._by_regions(patterns, place, names, parts)
        kinds = span.kinds(patterns[regions])
        if not self._is_worth(span, kinds.count, parts):
            return self._by_regions(patterns, place, names, parts)
        read = CloseRows(self._network, self._domain, _LONGER[parts]).read(span, span.columns(names))
        functions = CloseFunctions(self._domain.dim).functions(span, read, kinds, where.reshape(-1), names)
        result = Balls(*(np.roll(part, -1, axis=1) for part in (functions.high, functions.low, functions.radius)))
        beyond = np.flatnonzero(~np.isfinite(result.radius).all(axis=1))
        if len(beyond):
            result.put(beyond, self._by_regions(patterns, place[beyond], names.take(beyond), parts))
        return result

    def _is_worth(self, span: Span, kinds: int, parts: int) -> bool:
        """Whether the rows that span the functions cost less than those of so many kinds of regions."""
        if self._domain.leading:
            return False
        own, products = self._domain.dim + 1, self._network.products
        spanned = (own + span.bending) * products * (_DEARER if parts == 1 else 1)
        return spanned + kinds * own * span.bending**2 * _BALL < kinds * own * products / 2

    def _by_regions(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Balls:
        """The functions by rows of each region's own."""
        result = Balls.zeros((len(place), self._domain.dim + 1))
        passes: Passes[Any] = Passes(self._network, self._domain, arithmetic_of(self._network, parts, self._plain))
        last = np.full(len(patterns), -1)
        np.maximum.at(last, place, names.stage)
        inner = np.flatnonzero(last >= 0)
        order = inner[_sorted(patterns[inner])]
        for start in range(0, len(order), self._most):
            chunk = order[start : start + self._most]
            number = np.full(len(patterns), -1)
            number[chunk] = np.arange(len(chunk))
            chosen = np.flatnonzero(number[place] >= 0)
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
