"""One refinement of a planar complex: all regular cells at once, the others column by column.

An old cell is *regular* when no column that cuts it vanishes at one of its vertices and when every order of crossings
that matters is certain; its cutting is then pure combinatorics (proofs/, Lemmas 3 to 5). The others are few for generic
functions and go through ``Sequential``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ....errors import InternalError
from ....runtime.budget import checkpoint
from .. import compiled
from ..complex.complex import Complex, HalfEdges
from ..complex.segments import pack, set_bits, unpack
from ..fields.field import FloatField
from .assemble import Cut
from .chords import ChordEnds, Chords, Meets, Visits, drop_cells
from .crossings import Crossings
from .decide import Decider, Places
from .entries import Known
from .orders import along_chords, along_edges
from .prolong import Certain, Cutting, Points, Prolongation
from .sequential import Outcome, Sequential
from .sides_of_chords import Beyond
from .signs import CellSigns, Columns, Signs


@dataclass(frozen=True, eq=False)
class Refined:
    """The new complex and how it came about."""

    complex: Complex
    parents: Tensor
    below: Tensor
    """Packed uint8 (R, bytes)."""
    ambiguous: Tensor
    """bool (R,): the old cell had an uncertain decision in this refinement."""
    cutting: Cutting
    """The functions cut by, and how fields are carried to the new vertices."""
    lines: tuple[Tensor, Tensor]
    """The old cell and the column of each new line, in the order of their numbers."""
    recut: int
    """The number of old cells that had to be cut again, because a self-check had failed."""


class InconsistentError(InternalError):
    """A self-check failed in some cells."""

    def __init__(self, text: str, cells: Tensor) -> None:
        super().__init__(text)
        self.cells = cells
        """bool (R,)"""


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
    """The complex cut by all columns.

    Cells in which a self-check fails are cut again with no trust in float64: every decision in them is made exactly.
    """
    suspects = torch.zeros(old.cells, dtype=torch.bool, device=old.origin.device)
    while True:
        try:
            return _Refinement(old, task, suspects).finished()
        except InternalError as failure:
            found = failure.cells if isinstance(failure, InconsistentError) else torch.ones_like(suspects)
            if task.decider is None or not bool((found & ~suspects).any()):
                raise
            suspects = suspects | found


class _Refinement:
    """What is decided about the old cells before anything is built."""

    def __init__(self, old: Complex, task: Task, suspects: Tensor) -> None:
        """``suspects`` (bool per cell): cells in which float64 is not trusted."""
        self.old, self.task, self.suspects = old, task, suspects
        self.columns = Columns.of(task.field, task.function, task.level)
        if bool(suspects.any()):
            self.columns = self.columns.doubted(old.origin[suspects[old.cell_of]])
        self.signs = Signs.of(self.columns)
        self.certain = Certain.none(old.origin.device)
        if task.decider is not None:
            self._settle(task.decider)
        checkpoint()
        self.cells = CellSigns.of(old, self.signs, self.columns.count)
        crossings = Crossings.find(old, self.columns, self.signs)
        if task.decider is not None:
            crossings = along_edges(old, crossings, task.decider)
        self.crossings = crossings.decided()
        self.disputed = self._beside(crossings.undecided)
        self.uncertain = self.cells.doubtful | self.disputed
        self.irregular = self.cells.touched | self.disputed | suspects
        self.visits = Visits.walk(old, self.crossings)

    def _settle(self, decider: Decider) -> None:
        """Decides all doubtful signs exactly."""
        row, column = set_bits(self.signs.doubtful)
        if len(row):
            self.certain = Certain(row, column, decider.signs(Places.of_vertices(self.old, row), column))
            self.signs = self.signs.settled(row, column, self.certain.sign)

    def finished(self) -> Refined:
        """The complex cut, and all that is known of its cells."""
        checkpoint()
        chords, meets = self.regular_chords()
        checkpoint()
        cut = Cut(self.old, self.task.field.rows, self.crossings, self.visits, chords, meets)
        edges, marks, half = cut.assemble(self.task.generation)
        batches = [self.points, _inner_points(cut, meets, chords)]
        outcome = Outcome.nothing(edges, marks, half)
        active = self._active_columns()
        if len(active):
            outcome = self.cut_irregular(edges, marks, half, sum(map(len, batches)), active)
            self.uncertain[outcome.ambiguous] = True
        checkpoint()
        new, parents, order = Complex.trace(outcome.edges, outcome.marks, outcome.half, self.old.cells)
        self.check_euler(parents, chords, meets)
        below = self.below(cut, new, parents, order)
        if len(outcome.representative):
            _overwrite(below, outcome, new, order)
        certain = Certain.none(order.device)
        if self.task.decider is not None:
            certain = Certain.joined(self.certain, outcome.zeros)
        prolongation = Prolongation.of(self.task.field.rows, [*batches, *outcome.layers])
        cutting = Cutting(self.task.field, self.task.function, self.task.level, self.signs, certain, prolongation)
        lines = torch.cat([chords.cell, outcome.chords[0]]), torch.cat([chords.column, outcome.chords[1]])
        uncertain = self.uncertain[parents] & (self.task.decider is None)
        return Refined(new, parents, below, uncertain, cutting, lines, int(self.suspects.sum()))

    @property
    def points(self) -> Points:
        """The crossings as new vertices."""
        first, second = self.old.edges[self.crossings.edge].unbind(1)
        found = self.crossings
        return Points.of(first, second, found.column, found.position, found.slack)

    def regular_chords(self) -> tuple[Chords, Meets]:
        """Chords and their crossings in regular cells; cells with an uncertain order become irregular."""
        chords, odd = Chords.pair(self.old, self.crossings, self.visits, ~self.irregular)
        ends = torch.stack([self.visits.crossing[chords.start], self.visits.crossing[chords.end]], 1)
        chord_ends = ChordEnds(self.old, self.columns, self.crossings, ends)
        found = Meets.find(chords, chord_ends)
        if self.task.decider is not None:
            found = along_chords(chords, chord_ends, found, self.task.decider)
        meets, tied = found
        late = odd.clone()
        late[chords.cell[tied]] = True
        self.disputed |= late
        self.irregular |= late
        self.uncertain |= late
        return drop_cells(chords, meets, late)

    def cut_irregular(
        self, edges: Tensor, marks: Tensor, half: HalfEdges, new_vertices: int, active: Tensor
    ) -> Outcome:
        """The irregular cells cut column by column."""
        vertices = len(self.columns.values) + new_vertices
        if self.task.decider is not None:
            self.task.decider.fetch(self.disputed.nonzero(as_tuple=True)[0])
        known = Known(self.columns, self.signs, self.points, self.task.decider, self.task.generation)
        return Sequential(edges, marks, half, self.irregular, active, known, vertices).run()

    def _active_columns(self) -> Tensor:
        """The columns that cut some irregular cell."""
        dense = unpack(self.cells.cut[self.irregular], self.columns.count)
        return dense.any(0).nonzero(as_tuple=True)[0]

    def below(self, cut: Cut, new: Complex, parents: Tensor, order: Tensor) -> Tensor:
        """For each piece of a regular cell the columns below their level, packed (proofs/, Lemma 8).

        Where a column does not cut, as on the old cell; else as at that cell's first vertex, but for chords between.
        """
        at_first = self.signs.below.view(torch.int64)[self.old.origin[self.old.offsets[:-1]]]
        cutting, somewhere = (bits.view(torch.int64) for bits in (self.cells.cut, self.cells.below))
        first = ((at_first & cutting) | (somewhere & ~cutting)).view(torch.uint8)
        if compiled.serves(first):
            traced = parents, new.offsets, order
            return compiled.below_bits(first, *traced, cut.pieces, cut.chord_of_link, cut.chords.column)
        return first[parents] ^ Beyond.find(new, order, cut).columns(self.columns.count)

    def check_euler(self, parents: Tensor, chords: Chords, meets: Meets) -> None:
        """A regular cell with C chords that cross Q times falls into 1 + C + Q cells (proofs/, Lemma 4)."""
        cells = self.old.cells
        expected = 1 + torch.bincount(chords.cell, minlength=cells)
        expected += torch.bincount(chords.cell[meets.chord[:, 0]], minlength=cells)
        wrong = (torch.bincount(parents, minlength=cells) != expected) & ~self.irregular
        if bool(wrong.any()):
            raise InconsistentError("Euler's relation fails on a regular cell: a certain decision was wrong", wrong)

    def _beside(self, edges: Tensor) -> Tensor:
        cells = torch.zeros(self.old.cells, dtype=torch.bool, device=edges.device)
        if bool(edges.any()):
            cells[self.old.cell_of[edges[self.old.half_edge]]] = True
        return cells


def _inner_points(cut: Cut, meets: Meets, chords: Chords) -> Points:
    """The crossings of chords as new vertices: on the chord that starts earlier, where the other's column vanishes."""
    one, other = meets.chord.unbind(1)
    first = cut.vertices + cut.visits.crossing[chords.start[one]]
    second = cut.vertices + cut.visits.crossing[chords.end[one]]
    return Points(first, second, chords.column[other], meets.position[:, 0], meets.slack[:, 0], chords.column[one])


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
