"""Refinement by the winner of groups of functions: a tournament of pairwise maxima, then dissolve what it cut too much.

A tournament of ceil(log2 k) rounds over-refines: it cuts along a = b also where a third argument beats both. Within one
old region the winner's cells are convex, so removing the facets made here across which all winners agree gives exactly
them. A difference that is identically zero never cuts, and the lower index wins (proofs/, Theorem 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Arithmetic
from .arrangement import Arrangement, Exactly
from .network import Gather, Node, Sum
from .predicates import Names, Predicates
from .ragged import Ragged

_DIFFERENCE = Sum((1.0, -1.0))


@dataclass(frozen=True, eq=False)
class ByMaximum:
    """An arrangement on whose regions one argument of every group is the largest."""

    arrangement: Arrangement[Any]
    parents: NDArray[np.int64]
    """For each region the old one that it lies in, int64 (R,)."""
    winners: NDArray[np.int16]
    """The lowest index of a largest argument of each group, int16 (R, groups)."""
    maximum: Any
    """The field of the maxima, one function a group."""
    fields: list[Any]
    """The fields that were to be carried along."""
    predicates: Predicates | None = None
    """Those that were given, with the lines that were added, for the regions before."""
    settled: int = 0
    """How many decisions were made exactly because float64 left them open."""


def refine_by_maximum(
    arrangement: Arrangement[Any],
    arithmetic: Arithmetic[Any],
    argument: Any,
    shape: tuple[int, int],
    fields: Sequence[Any],
    predicates: Predicates | None = None,
) -> ByMaximum:
    """The arrangement refined by the winners of ``shape[0]`` groups of ``shape[1]`` of ``argument``'s columns.

    ``predicates`` are those of the stage that reads ``argument``; without them a float arrangement decides by itself.
    """
    tournament = _Tournament(arrangement, arithmetic, argument, shape, fields, predicates)
    while tournament.remaining > 1:
        tournament.play()
    return tournament.dissolved()


class _Tournament:
    def __init__(
        self,
        arrangement: Arrangement[Any],
        arithmetic: Arithmetic[Any],
        argument: Any,
        shape: tuple[int, int],
        fields: Sequence[Any],
        predicates: Predicates | None,
    ) -> None:
        self._first = arrangement.generation
        self._ambiguous_before = arrangement.ambiguous
        self._arrangement, self._arithmetic = arrangement, arithmetic
        self._groups, self.remaining = shape
        self._fields, self._champions = list(fields), argument
        self._parents = np.arange(len(arrangement))
        index = np.arange(self.remaining, dtype=np.int16)
        self._winners = np.broadcast_to(index, (len(arrangement), *shape))
        self._size, self._predicates, self._settled = shape[1], predicates, 0

    def play(self) -> None:
        """One round: neighbours meet, the last of an odd number waits."""
        pairs = self.remaining // 2
        left, right, rest = (self._columns(part) for part in self._schedule())
        difference = self._linear(_DIFFERENCE, pairs, [left, right])
        count = self._groups * pairs
        levels = Ragged.from_counts(np.zeros(count), np.ones(count, np.int64))
        refinement = self._arrangement.refine(difference, levels, exactly=self._exactly())
        if self._predicates is not None:
            self._predicates = self._predicates.with_lines(refinement.lines, self._names)
        self._settled += refinement.settled
        left, right, rest, *self._fields = (refinement.carry(f) for f in (left, right, rest, *self._fields))
        self._arrangement = refinement.arrangement
        self._record(refinement.arrangement.parents, refinement.below.dense().reshape(-1, self._groups, pairs))
        self._champions = self._joined(self._arithmetic.maximum(left, right), rest, pairs)

    def dissolved(self) -> ByMaximum:
        """The arrangement without the facets made here across which all winners agree."""
        winners = self._winners[:, :, 0]
        facets = self._arrangement.facets()
        inner = np.flatnonzero((facets.generation > self._first) & (facets.regions[:, 1] >= 0))
        one, other = facets.regions[inner].T
        # Where a decision was uncertain the union need not be convex: there, what was cut stays cut.
        doubtful = self._arrangement.ambiguous & ~self._ambiguous_before[self._parents]
        certain = ~(doubtful[one] | doubtful[other])
        needless = inner[(winners[one] == winners[other]).all(axis=1) & certain]
        if not len(needless):
            return self._found(self._arrangement, self._parents, winners, self._champions, self._fields)
        change = self._arrangement.dissolve(needless)
        kept = change.arrangement.parents
        maximum, *fields = (change.carry(field) for field in (self._champions, *self._fields))
        return self._found(change.arrangement, self._parents[kept], winners[kept], maximum, fields)

    def _found(
        self, arrangement: Arrangement[Any], parents: NDArray[np.int64], winners: Any, maximum: Any, fields: list[Any]
    ) -> ByMaximum:
        return ByMaximum(arrangement, parents, winners, maximum, fields, self._predicates, self._settled)

    def _exactly(self) -> Exactly | None:
        return None if self._predicates is None else self._predicates.inside(self._parents).exactly(self._names)

    def _names(self, regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
        """Behind a column of this round: the difference of two arguments of its group, the winners so far."""
        assert self._predicates is not None
        pairs = self.remaining // 2
        group, pair = columns // pairs, columns % pairs
        first, second = (
            group * self._size + self._winners[regions, group, 2 * pair + k].astype(np.int64) for k in (0, 1)
        )
        return Names.differences(self._predicates.stage, first, second)

    def _schedule(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Positions within a group: of the first of each pair, of the second, and of one that waits."""
        paired = self.remaining - self.remaining % 2
        return np.arange(0, paired, 2), np.arange(1, paired, 2), np.arange(paired, self.remaining)

    def _columns(self, positions: NDArray[np.int64]) -> Any:
        index = np.arange(self._groups)[:, None] * self.remaining + positions
        return self._linear(Gather(index), len(positions), [self._champions])

    def _linear(self, op: Gather | Sum, width: int, inputs: list[Any]) -> Any:
        return self._arithmetic.linear(Node(op, (), (self._groups, width), "maximum"), inputs)

    def _record(self, parents: NDArray[np.int64], below: NDArray[np.bool_]) -> None:
        winners = self._winners[parents]
        first, second, rest = (winners[:, :, part] for part in self._schedule())
        self._winners = np.concatenate([np.where(below, second, first), rest], axis=2)
        self._parents = self._parents[parents]

    def _joined(self, maxima: Any, rest: Any, pairs: int) -> Any:
        waiting = self.remaining % 2
        self.remaining = pairs + waiting
        if not waiting:
            return maxima
        numbers = np.arange(self._groups)[:, None]
        index = np.concatenate([numbers * pairs + np.arange(pairs), self._groups * pairs + numbers], axis=1)
        return self._linear(Gather(index), self.remaining, [maxima, rest])
