"""Chords of cells and where they cross, found by combinatorics alone; only the order along a chord needs numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..complex.complex import Complex
from ..fields.field import ROUND_UP, UNIT
from .crossings import POOR, Crossings, vanishing
from .signs import Columns


@dataclass(frozen=True, eq=False)
class Visits:
    """The crossings met while walking around each cell, cell by cell: every inner crossing is visited twice."""

    half_edge: Tensor
    crossing: Tensor
    counts: Tensor
    """The number of visits on each half-edge, int64 (H,)."""


@dataclass(frozen=True, eq=False)
class Chords:
    """One chord for each (cell, column) that the column cuts; sorted by ``start``."""

    start: Tensor
    """The visit at which the chord begins: the earlier one around its cell, int64 (C,)."""
    end: Tensor
    cell: Tensor
    column: Tensor

    @classmethod
    def none(cls, device: torch.device) -> Chords:
        """No chords."""
        empty = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(empty, empty, empty, empty)

    def __len__(self) -> int:
        return self.start.shape[0]

    def keep(self, chosen: Tensor) -> Chords:
        """The chords where ``chosen`` (bool) is set."""
        return Chords(self.start[chosen], self.end[chosen], self.cell[chosen], self.column[chosen])


@dataclass(frozen=True, eq=False)
class Meets:
    """Pairs of chords of one cell that cross: their ends interleave around the cell."""

    chord: Tensor
    """int64 (Q, 2): the chord that starts earlier around the cell, and the other."""
    position: Tensor
    """float64 (Q, 2): the parameter of the crossing along each of the two."""
    slack: Tensor
    """float64 (Q, 2): bounds on the errors of ``position``."""
    order: Tensor
    """The entries of ``chord.T.ravel()`` sorted along each chord, int64 (2 Q,)."""

    @classmethod
    def none(cls, device: torch.device) -> Meets:
        """No pairs."""
        pairs = torch.zeros(0, 2, dtype=torch.int64, device=device)
        return cls(pairs, pairs.double(), pairs.double(), pairs.view(-1))

    def __len__(self) -> int:
        return self.chord.shape[0]

    def keep(self, chosen: Tensor, renumber: Tensor) -> Meets:
        """The pairs where ``chosen`` is set, for chords numbered anew."""
        count, place = int(chosen.sum()), torch.cumsum(chosen, 0) - 1
        order = self.order[chosen[self.order % len(self)]] if len(self) else self.order
        order = place[order % len(self)] + order // len(self) * count if len(order) else order
        return Meets(renumber[self.chord[chosen]], self.position[chosen], self.slack[chosen], order)


@dataclass(frozen=True, eq=False)
class Ends:
    """The end points of chords as points of edges, and the columns' values there, with the sharpest bounds known."""

    columns: Columns
    ends: Tensor
    """int64 (C, 2), the points at which each chord begins and ends."""
    edges: Tensor
    """int64 (E, 2), the ends of edges."""
    edge: Tensor
    """The edge of each point."""
    position: Tensor
    slack: Tensor

    def vanishing(self, chord: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
        """Where a column vanishes along each of the given chords, and a bound on the error."""
        (first, first_bound), (second, second_bound) = (self.at(self.ends[chord, k], column) for k in (0, 1))
        return vanishing(first, second, first_bound, second_bound)

    def at(self, point: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
        """Columns at points, and bounds on the errors."""
        first, second = self.edges[self.edge[point]].unbind(1)
        low, high = self.columns.values[first, column], self.columns.values[second, column]
        bounds = self.columns.bound.at(first, column), self.columns.bound.at(second, column)
        return interpolated(low, high, *bounds, self.position[point], self.slack[point])

    def loose(self, chords: Chords, meets: Meets) -> Tensor:
        """The entries of ``meets.chord.T.ravel()`` of which too little is known, as a value at an end of the chord may
        be zero."""
        poor = (~(meets.slack < POOR)).T.reshape(-1).nonzero(as_tuple=True)[0]
        if not len(poor):
            return poor
        chord, other = (meets.chord.T.reshape(-1)[poor], meets.chord.T.flip(0).reshape(-1)[poor])
        values = [self.at(self.ends[chord, k], chords.column[other]) for k in (0, 1)]
        return poor[~torch.stack([value.abs() > bound for value, bound in values]).all(0)]


@dataclass(frozen=True, eq=False)
class ChordEnds:
    """The end points of chords as crossings of edges."""

    complex: Complex
    columns: Columns
    crossings: Crossings
    ends: Tensor
    """int64 (C, 2), the crossings at which each chord begins and ends."""

    @property
    def points(self) -> Ends:
        """What is known of them."""
        crossings = self.crossings
        return Ends(self.columns, self.ends, self.complex.edges, crossings.edge, crossings.position, crossings.slack)


def interpolated(
    first: Tensor, second: Tensor, first_bound: Tensor, second_bound: Tensor, position: Tensor, slack: Tensor
) -> tuple[Tensor, Tensor]:
    """A function's value on a segment, from those at its ends, and the bound on its error (proofs/, Lemma 5 (c))."""
    value = first + position * (second - first)
    moved = slack * ((second - first).abs() + first_bound + second_bound)
    rounding = 8 * UNIT * (first.abs() + second.abs())
    bound = torch.lerp(first_bound, second_bound, position) + moved + rounding
    return value, bound * ROUND_UP


def drop_cells(chords: Chords, meets: Meets, dropped: Tensor) -> tuple[Chords, Meets]:
    """The chords and crossings of the cells that are not ``dropped`` (bool per cell)."""
    chosen = ~dropped[chords.cell]
    if bool(chosen.all()):
        return chords, meets
    renumber = torch.cumsum(chosen, 0) - 1
    return chords.keep(chosen), meets.keep(chosen[meets.chord[:, 0]], renumber)
