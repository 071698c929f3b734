"""Refinement by the winner of groups of functions: a tournament of pairwise maxima, then dissolve what it cut too much.

A tournament of ceil(log2 k) rounds over-refines: it cuts along a = b also where a third argument beats both. Within one
old region the winner's cells are convex, so removing the facets made here across which all winners agree gives exactly
them. Where groups are large few matches are played at a time, and what they cut too much is dissolved before the next.
A difference that is identically zero never cuts, and the lower index wins (proofs/, Theorem 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.bits import BitMatrix
from ..arrays.ragged import Ragged
from ..fields.arithmetic import Arithmetic
from ..fields.predicates import Names, Predicates
from ..geometry.arrangement import Arrangement
from ..geometry.ladder import Functions
from ..geometry.rounded import Rounded
from ..runtime.budget import checkpoint

_LARGE = 9
"""Arguments of a group, on average, up to which the lines of all matches are few more than those of the winners."""

_AT_ONCE = 96
"""Matches of large groups that are played at once: n lines make some n^2 / 2 cells, most of which are dissolved again.

With fewer, vertices would lie on edges between vertices of more rounds, and bounds grow with each.
"""


@dataclass(frozen=True, eq=False)
class Winners:
    """A table int16 (R, C), of which most columns are the same on all R regions."""

    base: NDArray[np.int16]
    """(C,): the entries of all columns but the ones that vary."""
    varying: NDArray[np.int64]
    """Columns, increasing."""
    values: NDArray[np.int16]
    """Their entries, (R, len(varying))."""

    @classmethod
    def equal(cls, regions: int, base: NDArray[np.int16]) -> Winners:
        """The same on all regions."""
        return cls(base, np.zeros(0, np.int64), np.zeros((regions, 0), np.int16))

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        place = np.full(len(self.base), -1)
        place[self.varying] = np.arange(len(self.varying))
        return place

    def take(self, regions: NDArray[np.int64]) -> Winners:
        """The table of some regions."""
        return replace(self, values=self.values[regions])

    def chosen(self, columns: NDArray[np.int64]) -> Winners:
        """The table of some columns, in that order."""
        place = self._place[columns]
        varying = np.flatnonzero(place >= 0)
        return Winners(self.base[columns], varying, self.values[:, place[varying]])

    def at(self, regions: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int16]:
        """The entries (regions[i], columns[i])."""
        entries, place = self.base[columns], self._place[columns]
        some = np.flatnonzero(place >= 0)
        entries[some] = self.values[regions[some], place[some]]
        return entries

    def columns(self, columns: NDArray[np.int64]) -> NDArray[np.int16]:
        """Some columns, (R, len(columns))."""
        entries = np.repeat(self.base[columns][None], len(self.values), axis=0)
        part = self.chosen(columns)
        entries[:, part.varying] = part.values
        return entries

    def dense(self) -> NDArray[np.int16]:
        """The whole table."""
        return self.columns(np.arange(len(self.base)))

    def met(self, other: Winners, below: BitMatrix, match: NDArray[np.int64]) -> Winners:
        """The entries of the other table where bit match[c] of a row is set, elsewhere those of this one."""
        differing = np.flatnonzero(np.isin(match, below.varying()))
        varying = np.unique(np.concatenate([differing, self.varying, other.varying]))
        values = np.where(below.at(match[varying]), other.columns(varying), self.columns(varying))
        first = below.dense(np.arange(min(1, len(below))))  # of no regions the base does not matter
        base = np.where(np.any(first[:, match], axis=0), other.base, self.base)
        return Winners(base, varying, values)

    def beside(self, other: Winners) -> Winners:
        """The columns of both tables, this one's first."""
        varying = np.concatenate([self.varying, len(self.base) + other.varying])
        values = np.concatenate([self.values, other.values], axis=1)
        return Winners(np.concatenate([self.base, other.base]), varying, values)


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
    recut: int = 0
    """See ``Refinement.recut``."""


def refine_by_maximum(
    arrangement: Arrangement[Any],
    arithmetic: Arithmetic[Any],
    contestants: Any,
    groups: Ragged,
    fields: Sequence[Any],
    predicates: Predicates | None = None,
    *,
    numbers: NDArray[np.int64] | None = None,
    block: bool = False,
) -> ByMaximum:
    """The arrangement refined by the winner of each group: a non-empty row of arguments of a stage.

    ``contestants``: the functions of ``groups.values``, with bounds by entries; those of a group may all lack the same
    summand. ``predicates`` are those of the stage; without them a float arrangement decides by itself.
    ``numbers``: one for each of ``groups.values``, equal ones for columns that are known to be one function; matches of
    the same two are played once. ``block``: the arrangement is one of several that must cut the borders between them
    alike, match by match.
    """
    sure = arrangement.exact or predicates is not None
    free = sure and not block
    few = free and len(groups.values) > max(_LARGE * len(groups), 2 * _AT_ONCE)
    tournament = _Tournament(arrangement, arithmetic, contestants, groups, fields, predicates)
    tournament.at_once = _AT_ONCE if few else None
    if numbers is not None:
        tournament.numbers = numbers
    begun = few
    while tournament.unfinished:
        tournament.play()
        if (free and begun) or not tournament.unfinished:
            tournament.dissolve()
        begun = True  # in a whole first round nothing is cut that its winners do not tell apart
    return tournament.found()


class _Tournament:
    """Columns that have not lost yet, group by group (champions), and which argument each stands for on each region."""

    def __init__(
        self,
        arrangement: Arrangement[Any],
        arithmetic: Arithmetic[Any],
        contestants: Any,
        groups: Ragged,
        fields: Sequence[Any],
        predicates: Predicates | None,
    ) -> None:
        self._first = arrangement.generation
        self._arrangement, self._arithmetic, self._arguments = arrangement, arithmetic, groups
        self._fields, self._parents = list(fields), np.arange(len(arrangement))
        self._predicates, self._settled, self._recut = predicates, 0, 0
        self._counts = groups.counts
        self.numbers = groups.values
        """For each champion a number; those with equal ones are one function."""
        self.at_once: int | None = None
        """How many matches of a round are played; None for all."""
        self._champions = contestants
        places = np.arange(len(groups.values)) - groups.offsets[groups.row_of]
        self._winners = Winners.equal(len(arrangement), places.astype(np.int16))

    @property
    def unfinished(self) -> bool:
        """Whether some group has more than one champion."""
        return bool((self._counts > 1).any())

    def play(self) -> None:
        """One round: neighbours of each group meet, the first of them if not all at once; the others wait."""
        checkpoint()
        first, waiting = self._schedule
        played, match = self._matches
        parts = first[played], first[played] + 1, waiting
        left, right, rest = (self._arithmetic.chosen([self._champions], part) for part in parts)
        difference = self._arithmetic.difference(left, right)
        levels = Ragged.from_counts(np.zeros(len(played)), np.ones(len(played), np.int64))
        refinement = self._arrangement.refine(difference, levels, exactly=self._exactly())
        if self._predicates is not None:
            self._predicates = self._predicates.with_walls(refinement.walls, self._names)
        self._settled += refinement.settled
        self._recut += refinement.recut
        left, right, rest, *self._fields = (refinement.carry(f) for f in (left, right, rest, *self._fields))
        self._arrangement = refinement.arrangement
        self._parents = self._parents[refinement.arrangement.parents]
        winners = self._winners.take(refinement.arrangement.parents)
        met = winners.chosen(first).met(winners.chosen(first + 1), refinement.below, match)
        order = np.argsort(np.concatenate([first, waiting]))
        self._winners = met.beside(winners.chosen(waiting)).chosen(order)
        maxima = self._arithmetic.maximum(left, right, refinement)
        places = np.concatenate([match, len(played) + np.arange(len(waiting))])[order]
        self._champions = self._arithmetic.chosen([maxima, rest], places)
        fresh = self.numbers.max(initial=0) + 1 + match
        self.numbers = np.concatenate([fresh, self.numbers[waiting]])[order]
        self._counts = self._counts - np.bincount(self._group_of(first), minlength=len(self._counts))
        del self._schedule, self._matches

    def dissolve(self) -> None:
        """Removes the facets made here across which all winners agree."""
        facets = self._arrangement.facets()
        inner = np.flatnonzero((facets.generation > self._first) & (facets.regions[:, 1] >= 0))
        cell, neighbour = facets.regions[inner].T
        alike = (self._winners.values[cell] == self._winners.values[neighbour]).all(axis=1)
        doubtful = self._doubtful(cell, neighbour, alike)
        if doubtful.any():
            corners = facets.vertices.take(inner)
            stays = facets.vertices.take(inner[alike & doubtful[cell]]).values
            beside = corners.reduce(np.logical_or, np.isin(corners.values, stays))
            # What was cut and stays so leaves vertices where straight sides of other cells do not turn.
            listed = doubtful.copy()
            listed[cell[beside]] = listed[neighbour[beside]] = True
            assert isinstance(self._arrangement, Rounded), "an exact arrangement has no doubts"
            self._arrangement = self._arrangement.doubting(listed)
        needless = inner[alike & ~doubtful[cell]]
        if not len(needless):
            return
        change = self._arrangement.dissolve(needless)
        kept = change.arrangement.parents
        self._champions, *self._fields = (change.carry(field) for field in (self._champions, *self._fields))
        self._arrangement, self._parents = change.arrangement, self._parents[kept]
        self._winners = self._winners.take(kept)

    def found(self) -> ByMaximum:
        """What has come out, once it is finished."""
        fields, counts = self._fields, (self._settled, self._recut)
        winners = self._winners.dense()
        return ByMaximum(self._arrangement, self._parents, winners, self._champions, fields, self._predicates, *counts)

    def _doubtful(
        self, cell: NDArray[np.int64], neighbour: NDArray[np.int64], alike: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Cells that may be parts of larger ones which are not known; ``cell`` and ``neighbour`` are sides of facets.

        Within an uncertain cell nothing is known of the winners, so the cell of a winner beside it may reach into it,
        and none of its pieces is the whole; what is joined need not be convex. There, what was cut stays cut. What
        touches no such cell is right: cells of winners are convex, and do not hang together by a point.
        """
        doubtful = self._arrangement.ambiguous
        spreading = np.ones_like(alike)
        while doubtful.any():
            reached = doubtful.copy()
            reached[cell[spreading & doubtful[neighbour]]] = True
            reached[neighbour[spreading & doubtful[cell]]] = True
            if (reached == doubtful).all():
                break
            doubtful, spreading = reached, alike
        return doubtful

    def _exactly(self) -> Functions | None:
        return None if self._predicates is None else self._predicates.inside(self._parents).exactly(self._names)

    def _names(self, regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
        """Behind a column of this round: the difference of two arguments of its group, the winners so far."""
        assert self._predicates is not None
        champion = self._schedule[0][self._matches[0][columns]]
        group = self._group_of(champion)
        first, second = (
            self._arguments.values[self._arguments.offsets[group] + self._winners.at(regions, champion + k)]
            for k in (0, 1)
        )
        return Names.differences(self._predicates.stage, first, second)

    def _group_of(self, champions: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(np.cumsum(self._counts), champions, side="right")

    @cached_property
    def _schedule(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """In this round, the champions that meet the next one of their group, and those that wait."""
        ends = np.cumsum(self._counts)
        place = np.arange(ends[-1]) - np.repeat(ends - self._counts, self._counts)
        last = place == np.repeat(self._counts, self._counts) - 1
        first = np.flatnonzero((place % 2 == 0) & ~last)[: self.at_once]
        return first, np.setdiff1d(np.arange(ends[-1]), [first, first + 1])

    @cached_property
    def _matches(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """In this round, the first of all meetings of the same two functions; and which of these each meeting is."""
        first = self._schedule[0]
        meetings = np.stack([self.numbers[first], self.numbers[first + 1]])
        _, played, match = np.unique(meetings, axis=1, return_index=True, return_inverse=True)
        order = np.argsort(played)
        return played[order], np.argsort(order)[match.ravel()]
