"""The functions that vanish on lines of an arrangement, up to a bound, each on one region beside it, for many at once.

A line of a stage depends on the pieces before that stage alone, so regions go through the network by what they have in
common: each different pattern before a stage once (proofs/, Lemmas 8 and 10); or, where few units bend among them, one
row for each such unit (Lemma 11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from .reckoning import Reckoning
from .spans import CloseFunctions, CloseRows, SpannedStage

Rows = NDArray[np.int64]
Patterns = NDArray[np.int16]

_ENTRIES = 1 << 21
"""Rows times widest node that go through the network at once."""

_LONGER = {1: 4, 2: 5, 3: 6, 5: 7, 8: 8}
"""How many parts the rows of a span have where so many are asked for: their bounds grow with each unit that bends."""

_DECIDING = {2: 4, 5: 6}
"""The same where signs are asked for, of which most are far from zero."""

_PLAIN = 2.0**-24
"""Rows of one part are enough where they know the slopes of functions as well as this, relative to themselves."""


class CloseLines:
    """Functions of a network by name, in numbers of as many parts as are asked for."""

    def __init__(self, network: Network, domain: Domain, plain: TorchArithmetic) -> None:
        """``plain`` computes with numbers of one part, on the CPU."""
        self._network, self._domain = network, domain
        self._plain = plain
        self._sides = sides_of(domain.polytope)
        self._ends = [domain.leading + end for end in (0, *(part.stop for part in network.unit_columns.values()))]
        self._most = max(1, _ENTRIES // ((domain.dim + 1) * max(node.size for node in network.nodes)))
        self._reckoning = Reckoning(network, domain.dim + 1)
        self._last: tuple[tuple[int, int], SpannedStage] | None = None
        """The stage, the parts that were asked for, and what spans the functions that were asked for last."""

    def __call__(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Balls:
        """The functions names[i] on regions with the patterns[place[i]], of all units: a and c, (n, D + 1)."""
        return self._with_sides(names, lambda inner: self._inner(patterns, place[inner], names.take(inner), parts))

    def stage(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Callable[[Rows, Names], Balls] | None:
        """What gives functions of the next stage on regions with patterns of all units before it, and of earlier ones
        names[i] on patterns[place[i]], by the places of regions and names. None where rows of each region cost less."""
        if self._domain.leading:
            return None
        stage = self._ends.index(patterns.shape[1])
        key, last = (stage, parts), self._last
        if last is None or last[0] != key or not last[1].serves(patterns, names):
            span = Span.of(self._network, patterns, stage)
            longer = _DECIDING[parts]
            if not self._is_worth(span, patterns, [longer, parts]):
                return None
            self._last = None  # before others are made: they may be large
            last = self._last = key, SpannedStage.of(CloseRows(self._network, self._domain, longer), span, names)
        named = last[1].on(CloseFunctions(self._domain.dim), patterns)

        def forms(place: Rows, names: Names) -> Balls:
            return self._with_sides(names, lambda inner: _constants_last(named(place[inner], names.take(inner))))

        return forms

    def _with_sides(self, names: Names, inner: Callable[[Rows], Balls]) -> Balls:
        """The functions of these names, of which ``inner`` gives those of the network's own."""
        result = Balls.zeros((len(names.stage), self._domain.dim + 1))
        side, others = (np.flatnonzero(chosen) for chosen in (names.stage < 0, names.stage >= 0))
        result.put(side, self._sides[names.first[side]])
        if len(others):
            result.put(others, inner(others))
        return result

    def _inner(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> Balls:
        """The functions of the network's own."""
        if self._domain.leading:
            return self._by_regions(patterns, place, names, parts)
        regions, where = np.unique(place, return_inverse=True)
        span, longer = Span.of(self._network, patterns[regions], int(names.stage.max())), _LONGER[parts]
        if not self._is_worth(span, patterns[regions], [longer]) or self._plainly(patterns, place, names, parts):
            return self._by_regions(patterns, place, names, parts)
        kinds = span.kinds(patterns[regions])
        read = CloseRows(self._network, self._domain, longer).read(span, span.columns(names))
        functions = CloseFunctions(self._domain.dim).functions(span, read, kinds, where.reshape(-1), names)
        result = _constants_last(functions)
        beyond = np.flatnonzero(~np.isfinite(result.radius).all(axis=1))
        if len(beyond):
            result.put(beyond, self._by_regions(patterns, place[beyond], names.take(beyond), parts))
        return result

    def _is_worth(self, span: Span, patterns: Patterns, lengths: Sequence[int]) -> bool:
        """Whether rows that span the functions on such regions cost less than rows of theirs that are as long, which is
        the first of the ``lengths``. Those of regions would be made in all of these."""
        most = np.full(len(span.stages) + 1, len(patterns))
        if self._reckoning.spanned(span, len(patterns), lengths[0]) >= self._reckoning.by_regions(most, lengths):
            return False  # nor for fewer kinds
        kinds = span.kinds(patterns)
        spanned = self._reckoning.spanned(span, kinds.count, lengths[0])
        return spanned < self._reckoning.by_regions(kinds.before, lengths)

    def _plainly(self, patterns: Patterns, place: Rows, names: Names, parts: int) -> bool:
        """Whether rows of one part are asked for, and enough: on the region of which the most is asked, of the latest
        functions."""
        if parts > 1:
            return False
        latest = place[names.stage == names.stage.max()]
        chosen = np.flatnonzero(place == np.bincount(latest).argmax())
        functions = self._by_regions(patterns, place[chosen], names.take(chosen), parts)
        known = functions.radius[:, :-1].max(axis=1) <= _PLAIN * np.abs(functions.high[:, :-1]).max(axis=1)
        return bool(known.all())

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


def _constants_last(functions: Balls) -> Balls:
    return Balls(*(np.roll(part, -1, axis=1) for part in (functions.high, functions.low, functions.radius)))


def _sorted(patterns: Patterns) -> Rows:
    """An order in which patterns that begin alike stand together."""
    rows = np.ascontiguousarray(patterns)
    if not rows.shape[1]:
        return np.arange(len(rows))
    return np.argsort(rows.view(np.dtype((np.void, rows.shape[1] * 2))).ravel(), kind="stable")
