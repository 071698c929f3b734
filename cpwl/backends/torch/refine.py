"""One refinement of a planar complex: all regular cells at once, the others column by column.

An old cell is *regular* when no column that cuts it vanishes at one of its vertices and when every order of crossings
that matters is certain; its cutting is then pure combinatorics (proofs/, Lemmas 3 to 5). The others are few for generic
functions and go through ``Sequential``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InternalError
from .assemble import Cut
from .chords import ChordEnds, Chords, Meets, Visits, drop_cells
from .complex import Complex, HalfEdges
from .crossings import Crossings
from .decide import Decider, Places
from .entries import Known
from .field import FloatField
from .prolong import Certain, Points, Prolonged
from .segments import pack, set_bits, union_over_cells, valid_bits, with_bits
from .sequential import Outcome, Sequential
from .signs import Columns, Signs


@dataclass(frozen=True, eq=False)
class Refined:
    """The new complex and how it came about."""

    complex: Complex
    parents: Tensor
    below: Tensor
    """Packed uint8 (R, bytes)."""
    ambiguous: Tensor
    """bool (R,): the old cell had an uncertain decision in this refinement."""
    batches: list[Points]
    values: FloatField
    lines: tuple[Tensor, Tensor]
    """The old cell and the column of each new line, in the order of their numbers."""


@dataclass(frozen=True, eq=False)
class Task:
    """What an old complex is to be cut by: column c is ``field[:, function[c]] - level[c]``."""

    field: FloatField
    function: Tensor
    level: Tensor
    generation: int
    decider: Decider | None
    """What decides where float64 cannot; None to leave that undecided."""


def refine(old: Complex, task: Task) -> Refined:
    """The complex cut by all columns."""
    state = _Refinement(old, task)
    while True:
        found, blurred = state.attempt()
        if task.decider is None or not bool(blurred.any()):
            return found
        state.irregular |= blurred


class _Refinement:
    """What is decided about the old cells before anything is built."""

    def __init__(self, old: Complex, task: Task) -> None:
        self.old, self.task = old, task
        self.columns = Columns.of(task.field, task.function, task.level)
        self.signs = Signs.of(self.columns)
        self.certain = Certain.none(old.origin.device)
        doubtful = self._with_any(self.signs.doubtful)
        if task.decider is not None:
            self._settle(task.decider)
        self.cells_below = union_over_cells(self.signs.below, old.origin, old.offsets)
        self.cut = self.cells_below & union_over_cells(self.signs.above, old.origin, old.offsets)
        crossings = Crossings.find(old, self.columns, self.signs)
        undecided = crossings.undecided()
        self.crossings = crossings.keep(~undecided[crossings.edge])
        self.disputed = self._beside(undecided)
        self.uncertain = doubtful | self.disputed
        self.irregular = self._touched() | self.disputed
        self.visits = Visits.walk(old, self.crossings)

    def _settle(self, decider: Decider) -> None:
        """Decides all doubtful signs exactly."""
        row, column = set_bits(self.signs.doubtful)
        if len(row):
            self.certain = Certain(row, column, decider.signs(Places.of_vertices(self.old, row), column))
            self.signs = self.signs.settled(row, column, self.certain.sign)

    def attempt(self) -> tuple[Refined, Tensor]:
        """The complex cut, and the regular old cells in which rounding blurred the side of a column of some piece."""
        chords, meets = self.regular_chords()
        cut = Cut(self.old, self.task.field.rows, self.crossings, self.visits, chords, meets)
        edges, marks, half = cut.assemble(self.task.generation)
        batches = [self.points, _inner_points(cut, meets, chords)]
        outcome = Outcome.nothing(edges, marks, half)
        if bool(self.irregular.any()):
            outcome = self.cut_irregular(edges, marks, half, sum(map(len, batches)))
            self.uncertain[outcome.ambiguous] = True
            batches += outcome.batches
        new, parents, order = Complex.trace(outcome.edges, outcome.marks, outcome.half)
        self.check_euler(parents, chords, meets)
        values = Prolonged(self.task.field, self.task.function, self.task.level)
        values.extend_all(batches)
        if self.task.decider is not None:
            values.correct(Certain.joined(self.certain, outcome.zeros))
        below, unclear = self.below(new, parents, values.sides())
        _overwrite(below, outcome, new, order)
        # What is blurred, exact decisions are asked for in another attempt; all else they have settled.
        uncertain = (self.uncertain[parents] | unclear) & (self.task.decider is None)
        lines = torch.cat([chords.cell, outcome.chords[0]]), torch.cat([chords.column, outcome.chords[1]])
        blurred = self._with_pieces(parents[unclear])
        if self.task.decider is not None:
            blurred |= self._misjudged(new, below, chords)
        return Refined(new, parents, below, uncertain, batches, values.field(), lines), blurred

    @property
    def points(self) -> Points:
        """The crossings as new vertices."""
        first, second = self.old.edges[self.crossings.edge].unbind(1)
        found = self.crossings
        return Points(first, second, found.column, found.position, found.slack)

    def regular_chords(self) -> tuple[Chords, Meets]:
        """Chords and their crossings in regular cells; cells with an uncertain order become irregular."""
        chords, odd = Chords.pair(self.old, self.crossings, self.visits, ~self.irregular)
        ends = torch.stack([self.visits.crossing[chords.start], self.visits.crossing[chords.end]], 1)
        meets = Meets.find(chords, ChordEnds(self.old, self.columns, self.crossings, ends))
        late = odd.clone()
        late[chords.cell[meets.tied()]] = True
        self.disputed |= late
        self.irregular |= late
        self.uncertain |= late
        return drop_cells(chords, meets, late)

    def cut_irregular(self, edges: Tensor, marks: Tensor, half: HalfEdges, new_vertices: int) -> Outcome:
        """The irregular cells cut column by column."""
        vertices = len(self.columns.values) + new_vertices
        if self.task.decider is not None:
            self.task.decider.forget(len(self.columns.values))
            self.task.decider.fetch(self.disputed.nonzero(as_tuple=True)[0])
        known = Known(self.columns, self.signs, self.points, self.task.decider, self.task.generation)
        return Sequential(edges, marks, half, self.irregular, self._active_columns(), known, vertices).run()

    def _active_columns(self) -> Tensor:
        """The columns that cut some irregular cell."""
        bits = self.cut[self.irregular]
        dense = bits[:, :, None].bitwise_right_shift(torch.arange(8, dtype=torch.uint8, device=bits.device)) & 1
        return (dense.flatten(1) != 0).any(0).nonzero(as_tuple=True)[0]

    def below(self, new: Complex, parents: Tensor, added: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """For each new cell the columns below their level: from its vertices where cut, else as on the old cell.

        Also the cells on which a column that cut the old one is now on neither side, or on both: their vertices are so
        near to the level that rounding took the signs away.
        """
        above, below = (
            union_over_cells(torch.cat([old, own]), new.origin, new.offsets)
            for old, own in zip((self.signs.above, self.signs.below), added, strict=True)
        )
        cut = self.cut[parents]
        unclear = ((cut & ~(above ^ below)).view(torch.int64) != 0).any(1)
        return (below & cut) | (self.cells_below[parents] & ~cut), unclear & ~self.irregular[parents]

    def _misjudged(self, new: Complex, below: Tensor, chords: Chords) -> Tensor:
        """Regular old cells in which two pieces beside a chord differ in anything but the chord's column, bool (R,).

        Where none do, all pieces are on the right sides, if those at old vertices are (proofs/, Lemma 8).
        """
        line = new.marks[:, 1] - self.old.lines
        link = ((new.generation == self.task.generation) & (line < len(chords))).nonzero(as_tuple=True)[0]
        chord = line[link]
        one, other = new.sides[link].unbind(1)
        expected = with_bits(
            torch.zeros_like(below[one]), torch.arange(len(link), device=link.device), chords.column[chord]
        )
        wrong = ((below[one] ^ below[other] ^ expected).view(torch.int64) != 0).any(1)
        return self._with_pieces(chords.cell[chord[wrong]])

    def _with_pieces(self, cells: Tensor) -> Tensor:
        marked = torch.zeros(self.old.cells, dtype=torch.bool, device=cells.device)
        marked[cells] = True
        return marked

    def check_euler(self, parents: Tensor, chords: Chords, meets: Meets) -> None:
        """A regular cell with C chords that cross Q times falls into 1 + C + Q cells (proofs/, Lemma 4)."""
        cells = self.old.cells
        expected = 1 + torch.bincount(chords.cell, minlength=cells)
        expected += torch.bincount(chords.cell[meets.chord[:, 0]], minlength=cells)
        wrong = (torch.bincount(parents, minlength=cells) != expected) & ~self.irregular
        if bool(wrong.any()):
            raise InternalError("Euler's relation fails on a regular cell: a certain decision was wrong")

    def _touched(self) -> Tensor:
        """Cells with a vertex at which a column that cuts the cell is zero or doubtful."""
        valid = valid_bits(self.columns.count, self.cut.device)
        touching = (valid & ~(self.signs.above | self.signs.below)) | self.signs.doubtful
        return self._with_any(touching, self.cut)

    def _with_any(self, packed: Tensor, mask: Tensor | None = None) -> Tensor:
        """Cells with a vertex at which some bit (of those in the cell's ``mask``) is set, bool (R,)."""
        if not bool((packed.view(torch.int64) != 0).any()):
            return torch.zeros(self.old.cells, dtype=torch.bool, device=packed.device)
        bits = union_over_cells(packed, self.old.origin, self.old.offsets)
        return ((bits if mask is None else bits & mask).view(torch.int64) != 0).any(1)

    def _beside(self, edges: Tensor) -> Tensor:
        cells = torch.zeros(self.old.cells, dtype=torch.bool, device=edges.device)
        cells[self.old.cell_of[edges[self.old.half_edge]]] = True
        return cells


def _inner_points(cut: Cut, meets: Meets, chords: Chords) -> Points:
    """The crossings of chords as new vertices: on the chord that starts earlier, where the other's column vanishes."""
    one, other = meets.chord.unbind(1)
    first = cut.vertices + cut.visits.crossing[chords.start[one]]
    second = cut.vertices + cut.visits.crossing[chords.end[one]]
    return Points(first, second, chords.column[other], meets.position[:, 0], meets.slack[:, 0], also=chords.column[one])


def _overwrite(below: Tensor, outcome: Outcome, new: Complex, order: Tensor) -> None:
    """Puts in the bits that the sequential cutting found."""
    cell_of = torch.empty_like(order)
    cell_of[order] = new.cell_of
    cells = cell_of[outcome.representative]
    columns = below.shape[1] * 8
    dense = torch.zeros(len(cells), columns, dtype=torch.bool, device=below.device)
    dense[:, outcome.columns] = True
    mask = pack(dense)
    dense[:, outcome.columns] = outcome.below
    below[cells] = (below[cells] & ~mask) | pack(dense)
