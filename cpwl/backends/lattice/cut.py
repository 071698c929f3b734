"""A lattice cut by columns, one after the other: in a round all faces that the column cuts, of all dimensions, at once.

The one question that is asked about numbers is the sign of a column at a vertex; degenerate position needs nothing else
(proofs/, Lemma 15). A face is cut by a column that is below its level at one of its vertices and above at another. It
falls into a part below, which keeps its number, one above, and the face between them, which is bounded by the faces
between the parts of its own boundary, and by what of that lies at the level already.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import InternalError
from ...runtime.budget import checkpoint
from .growing import FacesInMaking, Growing, Words, dense, has, union
from .lattice import Faces, Lattice, walls_through

_BITS = 1 << 26
"""Bits of regions that are looked at in one go."""


class Crossing:
    """Edges that a column cuts, and the new vertices that it makes on them."""

    def __init__(self, cut: Cut, column: int, edges: Faces, below: Faces, above: Faces, cells: Faces) -> None:
        self._cut, self._edges = cut, edges
        self.column = column
        self.below, self.above = below, above
        """The ends of each edge, vertices at which the column is below and above its level."""
        self.cells = cells
        """A cell, as it is before this round, that has the edge."""

    @property
    def regions(self) -> Faces:
        """Of the lattice before, the region that has the edge."""
        return np.asarray(self._cut.parent.all[self.cells])

    def walls(self, edges: NDArray[np.int64], vertices: Faces) -> Ragged:
        """The walls of the cells of some edges, by their places, through vertices of these; see ``Cut.walls_at``."""
        return self._cut.walls_at(self.cells[edges], 0, vertices)

    @cached_property
    def walls_of_edges(self) -> Ragged:
        """The walls of the cells through the edges."""
        return self._cut.walls_at(self.cells, 1, self._edges)


class Values(Protocol):
    """The functions that cut, at vertices."""

    def cross(self, crossing: Crossing, open_: Words) -> tuple[Words, Words]:
        """Makes the vertices of a crossing, after all others; which of the ``open_`` columns are below and above there.

        The signs of the other columns are those on the edge.
        """
        ...


@dataclass(frozen=True, eq=False)
class Outcome:
    """A lattice that was cut."""

    lattice: Lattice
    parents: Faces
    """For each region that of the lattice before, increasing."""
    below: NDArray[np.bool_]
    """For each region and column whether it is below its level there, (R, columns)."""
    region: Faces
    """For each new wall the region before that it cuts."""
    column: Faces
    """And the column that did."""
    made: tuple[Faces, Faces, Faces]
    """Of each new vertex the two that it lies between, and the column that is at its level there."""
    rounds: tuple[int, ...]
    """After each round the number of vertices that were made."""


class Cut:
    """One refinement of a lattice."""

    def __init__(self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values) -> None:
        """``below``, ``above``: for each vertex the columns that are strictly on that side of their level there."""
        self._lattice, self._columns, self._values = lattice, columns, values
        self.dim = lattice.dim
        self._below, self._above = Growing(below), Growing(above)
        self._faces: list[FacesInMaking] = []
        for k, boundary in enumerate(lattice.boundary, start=1):
            sets = self._sides(k - 1, boundary) if len(boundary) else (below[:0], above[:0])
            self._faces.append(FacesInMaking(boundary, *sets))
        self.parent = Growing(np.arange(len(lattice)))
        """For each cell the region that it lies in."""
        self._wall, self._generation = Growing(lattice.wall), Growing(lattice.generation)
        self._newest = int(lattice.generation.max(initial=0)) + 1
        self._made: list[tuple[Faces, Faces]] = []
        self._regions: list[Faces] = []
        self._cuts: list[tuple[int, int]] = []
        """Of each round the column, and the number of vertices that it made."""
        self._touching = self._touching_at(below, above)
        self._pending: list[list[Faces]] = [[] for _ in range(columns)]
        self._note(np.arange(len(lattice)))

    def run(self, generation: int) -> Outcome:
        """Cuts by all columns. ``generation`` is that of new facets."""
        self._newest = generation
        for column in range(self._columns):
            if self._pending[column]:
                checkpoint()
                self._round(column)
                self._pending[column] = []
        return self._outcome()

    # ---- what the lattice is now -----------------------------------------------------------------------------------
    def members(self, k: int, faces: Faces) -> tuple[NDArray[np.int64], Faces]:
        """See ``Members``."""
        return self._faces[k - 1].members(faces)

    def walls_at(self, cells: Faces, k: int, faces: Faces) -> Ragged:
        """The walls of cells through k-faces, one of each: numbers of old ones, or -1 - column of new ones."""
        found = walls_through(self.members, self.dim, self._wall.all, cells, k, faces)
        new = found.values >= self._lattice.walls
        columns = np.repeat([c for c, _ in self._cuts], [len(part) for part in self._regions]).astype(np.int64)
        values = found.values.copy()
        values[new] = -1 - columns[values[new] - self._lattice.walls]
        return Ragged(values, found.offsets)

    def _bits(self, k: int) -> tuple[Growing, Growing]:
        return (self._below, self._above) if k == 0 else (self._faces[k - 1].below, self._faces[k - 1].above)

    def _sides(self, k: int, lists: Ragged) -> tuple[Words, Words]:
        """The columns that are below, and above, on lists of k-faces."""
        below, above = self._bits(k)
        return union(below.all, lists), union(above.all, lists)

    def _is_cut(self, k: int, faces: Faces, column: int) -> NDArray[np.bool_]:
        below, above = self._bits(k)
        return has(below.all[faces], column) & has(above.all[faces], column)

    def _touching_at(self, below: Words, above: Words) -> NDArray[np.bool_]:
        """Which columns are at their level at some vertex."""
        everywhere = np.bitwise_and.reduce(below | above, axis=0)[None] if len(below) else below[:0]
        return ~dense(everywhere, self._columns)[0] if len(below) else np.zeros(self._columns, np.bool_)

    def _note(self, cells: Faces) -> None:
        """Notes the columns that cut cells, each to be cut when its column comes."""
        below, above = self._bits(self.dim)
        step = max(1, _BITS // max(self._columns, 1))
        for start in range(0, len(cells), step):
            part = cells[start : start + step]
            cut = below.all[part] & above.all[part]
            part, cut = part[some := cut.any(axis=1)], cut[some]
            row, column = np.nonzero(dense(cut, self._columns))
            order = np.argsort(column, kind="stable")
            lists = np.split(part[row[order]], np.cumsum(np.bincount(column, minlength=self._columns))[:-1])
            for c in np.unique(column).tolist():
                self._pending[c].append(lists[c])

    # ---- one column ------------------------------------------------------------------------------------------------
    def _round(self, column: int) -> None:
        cells = np.concatenate(self._pending[column])
        cells = cells[self._is_cut(self.dim, cells, column)]
        if not len(cells):
            return
        cut: dict[int, Faces] = {self.dim: cells}
        members: dict[int, tuple[NDArray[np.int64], Faces]] = {}
        cell = cells  # one that has the face
        for k in range(self.dim, 1, -1):
            place, lower = members[k] = self.members(k, cut[k])
            some = np.flatnonzero(self._is_cut(k - 1, lower, column))
            cut[k - 1], first = np.unique(lower[some], return_index=True)
            cell = cell[place[some[first]]]
        self._cut_edges(column, cut[1], cell)
        for k in range(2, self.dim + 1):
            self._cut_faces(column, k, cut[k], *members[k])
        for k in range(1, self.dim + 1):
            self._faces[k - 1].upper.all[cut[k]] = -1

    def _cut_edges(self, column: int, edges: Faces, cells: Faces) -> None:
        level, count = self._faces[0], len(edges)
        ends = level.ends(edges)
        turned = has(self._above.all[ends[:, 0]], column)
        low, high = np.where(turned, ends[:, 1], ends[:, 0]), np.where(turned, ends[:, 0], ends[:, 1])
        signs = level.below.all[edges], level.above.all[edges]
        open_ = signs[0] & signs[1]
        sets = self._values.cross(Crossing(self, column, edges, low, high, cells), _without(open_, column))
        vertex = len(self._below) + np.arange(count)
        for bits, on_edge, at in zip((self._below, self._above), signs, sets, strict=True):
            bits.add((on_edge & ~open_) | at)
        self._touching[column + 1 :] |= self._touching_at(self._below.all[vertex], self._above.all[vertex])[
            column + 1 :
        ]
        upper = len(level) + np.arange(count)
        pairs = [Ragged(np.stack([vertex, end], 1).ravel(), 2 * np.arange(count + 1)) for end in (low, high)]
        level.replace(edges, pairs[0], *self._sides(0, pairs[0]))
        level.add(pairs[1], *self._sides(0, pairs[1]))
        level.upper.all[edges], level.middle.all[edges] = upper, vertex
        self._made.append((low, high))
        self._cuts.append((column, count))
        self._keep_walls(1, edges, upper)

    def _cut_faces(self, column: int, k: int, faces: Faces, place: NDArray[np.int64], lower: Faces) -> None:
        """Cuts k-faces, whose (k-1)-faces ``lower`` are cut already."""
        here, under, count = self._faces[k - 1], self._faces[k - 2], len(faces)
        upper_part = under.upper.all[lower]
        halved = upper_part >= 0
        between, of = under.middle.all[lower[halved]], place[halved]
        if self._touching[column]:
            between, of = self._with_touching(column, k, place[~halved], lower[~halved], between, of)
        middle = len(under) + np.arange(count)
        order = np.argsort(of, kind="stable")
        lists = Ragged.from_counts(between[order], np.bincount(of, minlength=count))
        if k == 2 and (lists.counts != 2).any():
            raise InternalError("a polygon is cut at other than two places: an earlier decision was wrong")
        under.add(lists, *self._sides(k - 2, lists))
        upper = len(here) + np.arange(count)
        below = halved | has(under.below.all[lower], column)
        above = halved | has(under.above.all[lower], column)
        parts = [
            _closed(lower[below], place[below], middle),
            _closed(np.where(halved, upper_part, lower)[above], place[above], middle),
        ]
        here.replace(faces, parts[0], *self._sides(k - 1, parts[0]))
        here.add(parts[1], *self._sides(k - 1, parts[1]))
        here.upper.all[faces], here.middle.all[faces] = upper, middle
        self._keep_walls(k, faces, upper)

    def _with_touching(
        self, column: int, k: int, place: NDArray[np.int64], lower: Faces, between: Faces, of: NDArray[np.int64]
    ) -> tuple[Faces, NDArray[np.int64]]:
        """Adds the (k-2)-faces of (k-1)-faces that are not cut which lie at the level already."""
        row, face = self.members(k - 1, lower)
        below, above = self._bits(k - 2)
        at_level = ~(has(below.all[face], column) | has(above.all[face], column))
        pairs = np.stack([place[row[at_level]], face[at_level]])
        both = np.unique(np.concatenate([pairs, np.stack([of, between])], axis=1), axis=1)
        return both[1], both[0]

    def _keep_walls(self, k: int, faces: Faces, upper: Faces) -> None:
        """Notes walls, parents and what is still to be cut, of new faces of dimension k and of those between parts."""
        if k == self.dim - 1:
            self._wall.add(self._wall.all[faces])
            self._generation.add(self._generation.all[faces])
        elif k == self.dim:
            walls = self._lattice.walls + sum(len(part) for part in self._regions)
            self._wall.add(walls + np.arange(len(faces)))
            self._generation.add(np.full(len(faces), self._newest))
            self._regions.append(np.asarray(self.parent.all[faces]))
            self.parent.add(self.parent.all[faces])
            self._note(upper)

    # ---- the end ---------------------------------------------------------------------------------------------------
    def _outcome(self) -> Outcome:
        order = np.argsort(self.parent.all, kind="stable")
        boundary = [faces.finished() for faces in self._faces[:-1]] + [self._faces[-1].finished(order)]
        regions = np.concatenate([np.zeros(0, np.int64), *self._regions])
        columns = np.repeat(np.array([c for c, _ in self._cuts], np.int64), [len(part) for part in self._regions])
        lattice = Lattice(
            len(self._below),
            tuple(boundary),
            self._wall.all.copy(),
            self._generation.all.copy(),
            self._lattice.walls + len(regions),
        )
        empty = np.zeros(0, np.int64)
        first, second = (np.concatenate([empty, *(ends[side] for ends in self._made)]) for side in (0, 1))
        column = np.repeat(np.array([c for c, _ in self._cuts], np.int64), [n for _, n in self._cuts])
        return Outcome(
            lattice,
            self.parent.all[order],
            dense(self._faces[-1].below.all[order], self._columns),
            regions,
            columns,
            (first, second, column),
            tuple(np.cumsum([n for _, n in self._cuts]).tolist()),
        )


def _without(bits: Words, column: int) -> Words:
    """Sets without a column."""
    result = bits.copy()
    result[:, column >> 6] &= ~np.uint64(1 << (column & 63))
    return result


def _closed(members: Faces, place: NDArray[np.int64], last: Faces) -> Ragged:
    """Lists of members, each with one more at its end."""
    count = np.bincount(place, minlength=len(last))
    values = np.empty(len(members) + len(last), np.int64)
    values[np.arange(len(members)) + place] = members
    values[np.cumsum(count) + np.arange(len(last))] = last
    return Ragged.from_counts(values, count + 1)
