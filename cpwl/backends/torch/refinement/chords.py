"""Chords of cells and where they cross, found by combinatorics alone; only the order along a chord needs numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .. import compiled
from ..complex.complex import Complex
from ..complex.segments import exclusive_sum, ranges, sort_within
from ..fields.field import ROUND_UP, UNIT
from .crossings import Crossings, vanishing, within_slack
from .signs import Columns


@dataclass(frozen=True, eq=False)
class Visits:
    """The crossings met while walking around each cell, cell by cell: every inner crossing is visited twice."""

    half_edge: Tensor
    crossing: Tensor
    counts: Tensor
    """The number of visits on each half-edge, int64 (H,)."""

    @classmethod
    def walk(cls, complex_: Complex, crossings: Crossings) -> Visits:
        """All visits, in the order of the half-edges and along each of them."""
        if compiled.serves(crossings.counts):
            return cls(*compiled.visits(complex_.half_edge, complex_.forward, crossings.counts))
        per_edge = crossings.counts
        counts = per_edge[complex_.half_edge]
        first = exclusive_sum(per_edge)[complex_.half_edge]
        half_edge, crossing = ranges(first, counts)
        mirrored = 2 * first[half_edge] + counts[half_edge] - 1 - crossing
        return cls(half_edge, torch.where(complex_.forward[half_edge], crossing, mirrored), counts)


@dataclass(frozen=True, eq=False)
class Chords:
    """One chord for each (cell, column) that the column cuts; sorted by ``start``."""

    start: Tensor
    """The visit at which the chord begins: the earlier one around its cell, int64 (C,)."""
    end: Tensor
    cell: Tensor
    column: Tensor

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def pair(cls, complex_: Complex, crossings: Crossings, visits: Visits, regular: Tensor) -> tuple[Chords, Tensor]:
        """The chords of regular cells, and cells in which some column does not cross the boundary exactly twice."""
        columns = int(crossings.column.max()) + 1 if len(crossings) else 1
        if compiled.serves(regular):
            walk = complex_.offsets, visits.counts, visits.crossing, crossings.column, regular
            *parts, odd = compiled.chords(*walk, columns)
            return cls(*parts), odd
        cell = complex_.cell_of[visits.half_edge]
        index = regular[cell].nonzero(as_tuple=True)[0]
        key = cell[index] * columns + crossings.column[visits.crossing[index]]
        key, order = torch.sort(key, stable=True)
        index = index[order]
        first = torch.ones_like(key, dtype=torch.bool)
        first[1:] = key[1:] != key[:-1]
        group = torch.cumsum(first, 0) - 1
        size = torch.bincount(group)
        odd = torch.zeros(complex_.cells, dtype=torch.bool, device=cell.device)
        odd[cell[index[(size != 2)[group]]]] = True
        begins = (first & ~odd[cell[index]]).nonzero(as_tuple=True)[0]
        start, by_start = torch.sort(index[begins])
        end = index[begins + 1][by_start] if len(begins) else begins
        return cls(start, end, cell[start], crossings.column[visits.crossing[start]]), odd

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

    def __len__(self) -> int:
        return len(self.chord)

    @classmethod
    def find(cls, chords: Chords, ends: Ends) -> tuple[Meets, Tensor]:
        """All pairs of chords whose ends, four different ones, interleave; and which chords have an uncertain order,
        bool (C,)."""
        if compiled.serves(chords.start):
            *parts, tied = compiled.meets(chords.start, chords.end, chords.column, *ends.parts())
            return cls(*parts), tied
        inside = torch.searchsorted(chords.start, chords.end)
        begin = torch.searchsorted(chords.start, chords.start, right=True)
        first, second = ranges(begin, inside - begin)
        interleaved = (chords.end[second] > chords.end[first]).nonzero(as_tuple=True)[0]
        chord = torch.stack([first[interleaved], second[interleaved]], 1)
        along = [ends.vanishing(chord[:, k], chords.column[chord[:, 1 - k]]) for k in (0, 1)]
        position, slack = (torch.stack(parts, 1) for parts in zip(*along, strict=True))
        order = sort_within(chord.T.reshape(-1), position.T.reshape(-1))
        chain, sorted_, slacks = (part.T.reshape(-1)[order] for part in (chord, position, slack))
        tied = torch.zeros(len(chords), dtype=torch.bool, device=order.device)
        tied[chain[1:][within_slack(chain, sorted_, slacks)]] = True
        return cls(chord, position, slack, order), tied

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

    def parts(self) -> tuple[Tensor, ...]:
        """All that the compiled loop needs."""
        bound, where = self.columns.bound, (self.ends, self.edges, self.edge, self.position, self.slack)
        return *where, self.columns.values, bound.row, bound.column, bound.floor

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
        found = self.crossings
        return Ends(self.columns, self.ends, self.complex.edges, found.edge, found.position, found.slack)


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
