"""A lattice cut by columns, one after the other: in a round all faces that the column cuts, of all dimensions, at once.

The one question that is asked about numbers is the sign of a column at a vertex; degenerate position needs nothing else
(proofs/, Lemma 15). A face is cut by a column that is below its level at one of its vertices and above at another. It
falls into a part below, which keeps its number, one above, and the face between them, which is bounded by the faces
between the parts of its own boundary, and by what of that lies at the level already.

Signs that are not certain may contradict each other: then there is no such face. What has it inside stays whole, though
its boundary is cut, and any signs at all give the lattice of a tiling (Lemma 15 (g)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...arrays.bits import BitMatrix
from ...arrays.ragged import Ragged
from ...errors import InternalError
from ...runtime.budget import checkpoint
from .growing import FacesInMaking, Growing, Words, dense, has, union
from .lattice import Faces, Lattice, Members, walls_through
from .spheres import spheres
from .strata import Strata

_BITS = 1 << 26
"""Bits of regions that are looked at in one go."""

_WHOLE = -2
"""Stands for the part above of a face that is cut in this round but stays whole."""


class InMaking(Protocol):
    """A lattice that is being cut."""

    @property
    def members(self) -> Members:
        """The faces as they are now."""
        ...

    def parents_of(self, cells: Faces) -> Faces:
        """Of the lattice before, the regions that cells lie in."""
        ...

    def walls_of(self, facets: Faces) -> NDArray[np.int64]:
        """The walls of facets: numbers of old ones, or -1 - column of new ones."""
        ...


class Crossing:
    """Edges that a column cuts, and the new vertices that it makes on them."""

    def __init__(
        self,
        making: InMaking,
        dim: int,
        column: int,
        edges: Faces,
        cells: Faces,
        ends: tuple[Faces, Faces],
        spans: tuple[Faces, Faces],
    ) -> None:
        self._making, self._dim, self._edges = making, dim, edges
        self.column = column
        self.cells = cells
        """A cell, as it is before this round, that has the edge."""
        self.below, self.above = ends
        """The ends of each edge, vertices at which the column is below and above its level."""
        self.spans = spans
        """Of each edge two vertices on the same line, with all of the edge between them; see ``Strata.spans``."""

    def __len__(self) -> int:
        return len(self._edges)

    @cached_property
    def regions(self) -> Faces:
        """Of the lattice before, the region that has the edge."""
        return self._making.parents_of(self.cells)

    def walls(self, edges: NDArray[np.int64], vertices: Faces) -> Ragged:
        """The walls of the cells of some edges, by their places, through vertices of these: one of each."""
        return self._walls(self.cells[edges], 0, vertices)

    def walls_through(self, edges: NDArray[np.int64]) -> Ragged:
        """The walls of the cells of some edges through these."""
        return self._walls(self.cells[edges], 1, self._edges[edges])

    def _walls(self, cells: Faces, k: int, faces: Faces) -> Ragged:
        return walls_through(self._making.members, self._dim, self._making.walls_of, cells, k, faces)


class Values(Protocol):
    """The functions that cut, at vertices."""

    @property
    def certain(self) -> bool:
        """Whether all signs are, so that none contradicts others: else what cannot be cut stays whole."""
        ...

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
    below: BitMatrix
    """For each region and column whether it is below its level there, (R, columns)."""
    region: Faces
    """For each new wall the region before that it cuts."""
    column: Faces
    """And the column that did."""
    made: tuple[Faces, Faces, Faces]
    """Of each new vertex the two that it lies between, and the column that is at its level there."""
    rounds: tuple[int, ...]
    """After each round the number of vertices that were made."""
    contradicted: Faces
    """Of the lattice before, regions in which signs contradict each other, so that something stays whole."""


class Cut:
    """One refinement of a lattice, in array operations on all that a round cuts."""

    def __init__(self, lattice: Lattice, below: Words, above: Words, columns: int, values: Values) -> None:
        """``below``, ``above``: for each vertex the columns that are strictly on that side of their level there."""
        self._lattice, self._columns, self._values = lattice, columns, values
        self._record = Record(lattice)
        self.dim = lattice.dim
        self._below, self._above = Growing(below), Growing(above)
        self._faces: list[FacesInMaking] = []
        for k, boundary in enumerate(lattice.boundary, start=1):
            sets = self._sides(k - 1, boundary) if len(boundary) else (below[:0], above[:0])
            self._faces.append(FacesInMaking(boundary, *sets))
        self._strata = Strata(lattice)
        self._wall, self._generation = Growing(lattice.wall), Growing(lattice.generation)
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

    def parents_of(self, cells: Faces) -> Faces:
        """See ``InMaking``."""
        return self._strata.flats(self.dim, cells)

    def walls_of(self, facets: Faces) -> NDArray[np.int64]:
        """See ``InMaking``."""
        return self._record.names(self._wall.all[facets])

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
            some = some[np.sort(np.unique(lower[some], return_index=True)[1])]  # each once, as it comes
            cut[k - 1], cell = lower[some], cell[place[some]]
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
        crossing = Crossing(self, self.dim, column, edges, cells, (low, high), self._strata.spans(edges))
        sets = self._values.cross(crossing, _without(open_, column))
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
        self._record.note_edges(column, low, high)
        self._strata.cut(1, edges)
        self._keep_walls(1, edges, upper)

    def _cut_faces(self, column: int, k: int, faces: Faces, place: NDArray[np.int64], lower: Faces) -> None:
        """Cuts k-faces, whose (k-1)-faces ``lower`` are cut already."""
        lists = self._between(column, k, len(faces), place, lower)
        if self._values.certain:
            if k == 2 and (lists.counts != 2).any():
                raise InternalError("a polygon is cut at other than two places: an earlier decision was wrong")
        elif not (sound := self._sound(column, k, place, lower, lists)).all():
            kept = sound[place]
            number = np.where(sound, np.cumsum(sound), np.cumsum(~sound)) - 1
            self._leave_whole(k, faces[~sound], number[place[~kept]], lower[~kept])
            faces, place, lower = faces[sound], number[place[kept]], lower[kept]
            lists = lists.take(np.flatnonzero(sound))
        self._divide(column, k, faces, place, lower, lists)

    def _between(self, column: int, k: int, count: int, place: NDArray[np.int64], lower: Faces) -> Ragged:
        """For each of some k-faces the (k-2)-faces that bound the face between its parts."""
        under = self._faces[k - 2]
        halved = under.upper.all[lower] >= 0
        between, of = under.middle.all[lower[halved]], place[halved]
        if self._touching[column]:
            between, of = self._with_touching(column, k, place[~halved], lower[~halved], between, of)
        order = np.argsort(of, kind="stable")
        return Ragged.from_counts(between[order], np.bincount(of, minlength=count))

    def _sound(self, column: int, k: int, place: NDArray[np.int64], lower: Faces, lists: Ragged) -> NDArray[np.bool_]:
        """Which k-faces fall into two parts: their (k-1)-faces did, or are on one side, and what is between is bounded
        by a sphere."""
        under = self._faces[k - 2]
        upper = under.upper.all[lower]
        halved = upper >= 0
        below, above = (halved | has(bits.all[lower], column) for bits in (under.below, under.above))
        fit = (below | above) & (upper != _WHOLE)
        counts = [np.bincount(place[some], minlength=len(lists)) for some in (~fit, below, above)]
        enough = (lists.counts >= k) & (counts[1] >= k) & (counts[2] >= k)
        return np.asarray((counts[0] == 0) & enough & spheres(self.members, k - 2, lists))

    def _leave_whole(self, k: int, faces: Faces, place: NDArray[np.int64], lower: Faces) -> None:
        """Gives k-faces that stay whole the parts of what bounds them."""
        here = self._faces[k - 1]
        upper = self._faces[k - 2].upper.all[lower]
        parts = 1 + (upper >= 0)
        members = np.repeat(lower, parts)
        members[np.cumsum(parts)[upper >= 0] - 1] = upper[upper >= 0]
        lists = Ragged.from_counts(members, np.bincount(np.repeat(place, parts), minlength=len(faces)))
        here.replace(faces, lists, *self._sides(k - 1, lists))
        here.upper.all[faces] = _WHOLE

    def _divide(self, column: int, k: int, faces: Faces, place: NDArray[np.int64], lower: Faces, lists: Ragged) -> None:
        """Makes two parts of each of some k-faces, with a face between them that ``lists`` bound."""
        here, under, count = self._faces[k - 1], self._faces[k - 2], len(faces)
        upper_part = under.upper.all[lower]
        halved = upper_part >= 0
        middle = len(under) + np.arange(count)
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
        self._strata.cut(k, faces)
        if k == 2:
            self._strata.note_lines(lists.values.reshape(count, 2))
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
        """Notes walls, and what is still to be cut, of new faces of dimension k and of those between parts."""
        if k == self.dim - 1:
            self._wall.add(self._wall.all[faces])
            self._generation.add(self._generation.all[faces])
        elif k == self.dim:
            self._wall.add(self._record.walls + np.arange(len(faces)))
            self._generation.add(np.full(len(faces), self._newest))
            self._record.note_cells(self.parents_of(faces))
            self._note(upper)

    # ---- the end ---------------------------------------------------------------------------------------------------
    def _outcome(self) -> Outcome:
        parent = self._strata.flats(self.dim)
        order = np.argsort(parent, kind="stable")
        boundary = [faces.finished() for faces in self._faces[:-1]] + [self._faces[-1].finished(order)]
        walls = self._wall.all.copy(), self._generation.all.copy()
        lattice = Lattice(len(self._below), tuple(boundary), *walls, self._record.walls)
        below, above = (bits.all[order] for bits in (self._faces[-1].below, self._faces[-1].above))
        whole = (below & above).any(axis=1)
        return self._record.outcome(lattice, parent[order], below & ~above, whole, self._columns)


class Record:
    """What happens in the rounds of a refinement."""

    def __init__(self, lattice: Lattice) -> None:
        self._before = lattice.walls
        self._rounds: list[tuple[int, Faces, Faces]] = []
        """The column, and the ends of the edges that it cuts."""
        self._cells: list[Faces] = []
        """The regions whose cells are cut."""
        self._count = 0

    def note_edges(self, column: int, below: Faces, above: Faces) -> None:
        """Notes the ends of the edges that a column cuts."""
        self._rounds.append((column, below, above))

    def note_cells(self, regions: Faces) -> None:
        """Notes the regions that the cells lie in which the column cuts: each gets a new wall."""
        self._cells.append(regions)
        self._count += len(regions)

    @property
    def walls(self) -> int:
        """A number above those of all walls."""
        return self._before + self._count

    def names(self, walls: NDArray[np.int64]) -> NDArray[np.int64]:
        """Walls as ``InMaking.walls_of`` has them."""
        new = walls >= self._before
        result = walls.copy()
        result[new] = -1 - self._columns()[walls[new] - self._before]
        return result

    def _columns(self) -> NDArray[np.int64]:
        """The column of each new wall."""
        columns = np.array([column for column, _, _ in self._rounds], np.int64)
        return np.repeat(columns[: len(self._cells)], [len(part) for part in self._cells])

    def outcome(
        self, lattice: Lattice, parents: Faces, below: Words, whole: NDArray[np.bool_], columns: int
    ) -> Outcome:
        """What has come out. For each region: ``below``, the columns that are below their level there, not above;
        ``whole``, whether some column that is both could not cut it."""
        counts = [len(first) for _, first, _ in self._rounds]
        empty = np.zeros(0, np.int64)
        first, second = (np.concatenate([empty, *(ends[side] for ends in self._rounds)]) for side in (1, 2))
        column = np.repeat(np.array([column for column, _, _ in self._rounds], np.int64), counts)
        return Outcome(
            lattice,
            parents,
            BitMatrix(np.ascontiguousarray(below.view(np.uint8)[:, : -(-columns // 8)]), columns),
            np.concatenate([empty, *self._cells]),
            self._columns(),
            (first, second, column),
            tuple(np.cumsum(counts).tolist()),
            np.unique(parents[whole]),
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
