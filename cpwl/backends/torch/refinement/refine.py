"""One refinement of a planar complex: all regular cells at once, then all degenerate ones.

An old cell is *regular* when no column that cuts it vanishes at one of its vertices and when every order of crossings
that matters is certain; its cutting is then pure combinatorics (proofs/, Lemmas 3 to 5). The others are few for generic
functions. Where decisions are exact they are *degenerate*: chords end at vertices, or meet in threes (``degenerate``).
Where they are not, and after a failed self-check, cells are cut column by column (``Sequential``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from ....errors import InternalError
from ....runtime.budget import checkpoint
from ..complex.complex import Complex, HalfEdges
from ..complex.segments import pack, set_bits, unpack
from ..fields.field import FloatField
from .assemble import Cut
from .chords import ChordEnds, Chords, Meets, drop_cells
from .coincidence import Shared, merged
from .crossings import Crossings
from .decide import Decider, Places
from .degenerate import InconsistentError, web_of
from .entries import Known
from .kernels.kernel import Kernel
from .orders import along_chords, along_edges
from .points import Points
from .prolong import Certain, Cutting, Prolongation
from .sequential import Outcome, Sequential
from .sides_of_chords import LinksOfChords
from .signs import Columns
from .sites import Sites, Web

Lines: TypeAlias = tuple[Tensor, Tensor]
"""The old cell and the column of new lines, in the order of their numbers."""


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
    lines: Lines
    """All new ones."""
    recut: int
    """The number of old cells that had to be cut again, because a self-check had failed."""


@dataclass(frozen=True, eq=False)
class Task:
    """What an old complex is to be cut by: column c is ``field[:, function[c]] - level[c]``."""

    field: FloatField
    function: Tensor
    level: Tensor
    generation: int
    decider: Decider | None
    """What decides where float64 cannot; None to leave that undecided."""
    kernel: Kernel
    """What does the work."""


def refine(old: Complex, task: Task) -> Refined:
    """The complex cut by all columns.

    Cells in which a self-check fails are cut again with no trust in float64: every decision in them is made exactly.
    """
    suspects = torch.zeros(old.cells, dtype=torch.bool, device=old.origin.device)
    while True:
        try:
            return _Refinement(old, task, suspects).finished()
        except InternalError as failure:
            failed = failure.cells if isinstance(failure, InconsistentError) else torch.ones_like(suspects)
            if task.decider is None or not bool((failed & ~suspects).any()):
                raise
            suspects = suspects | failed


class _Refinement:
    """What is decided about the old cells before anything is built."""

    def __init__(self, old: Complex, task: Task, suspects: Tensor) -> None:
        """``suspects`` (bool per cell): cells in which float64 is not trusted."""
        self.old, self.task, self.suspects, self.recut = old, task, suspects, int(suspects.sum())
        self.columns = Columns.of(task.field, task.function, task.level)
        if self.recut:
            self.columns = self.columns.doubted(old.origin[suspects[old.cell_of]])
        self.signs = task.kernel.signs(self.columns)
        self.certain = Certain.none(old.origin.device)
        if task.decider is not None:
            self._settle(task.decider)
        checkpoint()
        self.cells = task.kernel.cell_signs(old, self.signs, self.columns.count)
        crossings = task.kernel.crossings(old.edges, self.columns, self.signs)
        self.shared = Shared.none(old.origin.device)
        if task.decider is not None:
            crossings, self.shared = self._united(crossings, task.decider)
        self.crossings = crossings.decided()
        self.disputed = self._beside(crossings)
        self.uncertain = self.cells.doubtful | self.disputed
        self.irregular = self.cells.touched | self.disputed
        if self.recut:
            self.irregular |= suspects
        self.visits = task.kernel.visits(old, self.crossings)

    def _settle(self, decider: Decider) -> None:
        """Decides all doubtful signs exactly."""
        if self.signs.open and (least := decider.least(walls=2, columns=0)):
            self.signs, *zeros = self.task.kernel.told(self.columns, self.signs, least)
            self.certain = Certain.zeros(*zeros)
            decider.note("sign", "separation", len(self.certain.sign))
        if self.signs.open:
            some = (self.signs.doubtful.view(torch.int64) != 0).any(1).nonzero(as_tuple=True)[0]
            row, column = set_bits(self.signs.doubtful[some])
            row = some[row]
            exact = Certain(row, column, decider.signs(Places.of_vertices(self.old, row), column))
            self.signs = self.signs.settled(row, column, exact.sign)
            self.certain = Certain.joined(self.certain, exact)

    def _united(self, crossings: Crossings, decider: Decider) -> tuple[Crossings, Shared]:
        """The crossings of edges in their exact order, those that coincide made one, with its other columns apart."""
        if not bool(crossings.undecided.any()):
            return crossings, Shared.none(crossings.edge.device)
        least, kernel = decider.least(walls=1, columns=1), self.task.kernel
        union = kernel.united(self.old.edges, crossings, self.columns, least) if least else None
        if union is None:
            crossings = along_edges(self.old, crossings, decider)
            union = kernel.united(self.old.edges, crossings, self.columns, least) if least else None
        if union is None:
            return merged(self.old, crossings, self.signs, decider, kernel.clusters)
        decider.note("cut", "separation", len(union[1].at))
        return union

    def finished(self) -> Refined:
        """The complex cut, and all that is known of its cells."""
        checkpoint()
        chords, meets = self.regular_chords()
        checkpoint()
        cut = Cut(self.old, self.task.field.rows, self.crossings, self.visits, chords, meets)
        web = self.web(cut)
        assembled, made = self.task.kernel.assemble(cut, web, self.task.generation), self.task.kernel.points(cut, web)
        outcome = self.cut_one_by_one(*assembled, made)
        checkpoint()
        cycles = self.task.kernel.cycles(outcome.half, self.old.cells)
        new = Complex.of_cycles(outcome.edges, outcome.marks, outcome.half, cycles)
        self.check_euler(cycles.parent, cut, web)
        lines = _new_lines(cut, web)
        links = _links(cut, web, cut.chord_of_link(assembled[1]), lines[1])
        below = self.task.kernel.below(self.old, self.signs, self.cells, new, cycles, links)
        if len(outcome.representative):
            _overwrite(below, outcome, new, cycles.order)
            lines = _joined(lines, outcome.chords)
        uncertain = torch.zeros_like(cycles.parent, dtype=torch.bool)
        if self.task.decider is None:
            uncertain = self.uncertain[cycles.parent]
        return Refined(new, cycles.parent, below, uncertain, self.cutting(made, outcome), lines, self.recut)

    def cutting(self, made: Points, outcome: Outcome) -> Cutting:
        """The functions cut by, with the new vertices layer by layer, and the signs that are certain."""
        certain = Certain.none(self.old.origin.device)
        if self.task.decider is not None:
            certain = Certain.joined(self.certain, outcome.zeros)
        ends = 0, len(self.crossings), len(made)
        prolongation = Prolongation(self.task.field.rows, made, ends, self.task.kernel).followed_by(outcome.layers)
        return Cutting(self.task.field, self.task.function, self.task.level, self.signs, certain, prolongation)

    def regular_chords(self) -> tuple[Chords, Meets]:
        """Chords and their crossings in regular cells; cells with an uncertain order become irregular."""
        regular = ~self.irregular
        if not bool(regular.any()):
            return Chords.none(regular.device), Meets.none(regular.device)
        chords, odd = self.task.kernel.chords(self.old, self.crossings, self.visits, regular)
        ends = torch.stack([self.visits.crossing[chords.start], self.visits.crossing[chords.end]], 1)
        chord_ends = ChordEnds(self.old, self.columns, self.crossings, ends)
        meets, tied = self.task.kernel.meets(chords, chord_ends.points)
        if self.task.decider is not None:
            meets, tied = along_chords(chords, chord_ends, (meets, tied), self.task.decider)
        if not bool(odd.any()) and not bool(tied.any()):
            return chords, meets
        late = odd.clone()
        late[chords.cell[tied]] = True
        self.disputed |= late
        self.irregular |= late
        self.uncertain |= late
        return drop_cells(chords, meets, late)

    @cached_property
    def degenerate(self) -> Tensor:
        """The cells that are cut as degenerate ones, bool (R,). It is known once chords of the others are."""
        if self.task.decider is None:
            return torch.zeros_like(self.irregular)
        return self.irregular & ~self.suspects if self.recut else self.irregular

    def web(self, cut: Cut) -> Web | None:
        """The chords of degenerate cells and where they meet, in vertices after those of the cut; None where there are
        no such cells. What vanishes there is certain from then on."""
        if self.task.decider is None or not bool(self.degenerate.any()):
            return None
        sites = Sites(self.old, self.columns, self.signs, self.crossings, self.shared, self.visits)
        web = web_of(sites, self.cells, self.degenerate, cut.end, self.task.decider, self.task.kernel)
        self.certain = Certain.joined(self.certain, Certain.zeros(*web.zeros))
        checkpoint()
        return web

    def cut_one_by_one(self, edges: Tensor, marks: Tensor, half: HalfEdges, made: Points) -> Outcome:
        """The other irregular cells, cut column by column; vertices that are new so far are ``made``."""
        chosen = self.irregular & ~self.degenerate
        if not bool(chosen.any()) or not bool((cut := self.cells.cut[chosen]).any()):
            return Outcome.nothing(edges, marks, half)
        active = unpack(cut, self.columns.count).any(0).nonzero(as_tuple=True)[0]
        vertices, crossings = len(self.columns.values) + len(made), made.part(0, len(self.crossings))
        known = Known(self.columns, self.signs, crossings, self.task.decider, self.task.generation)
        outcome = Sequential(edges, marks, half, chosen, active, known, vertices).run()
        self.uncertain[outcome.ambiguous] = True
        return outcome

    def check_euler(self, parents: Tensor, cut: Cut, web: Web | None) -> None:
        """Each regular or degenerate cell falls into as many pieces as its chords and their crossings say."""
        more = parents.new_zeros(self.old.cells) if web is None else web.pieces
        wrong = self.task.kernel.miscounted(parents, cut.chords, cut.meets, more)
        if bool(wrong.any()):
            wrong &= ~self.irregular | self.degenerate
        if bool(wrong.any()):
            raise InconsistentError("Euler's relation fails on a cell: a certain decision was wrong", wrong)

    def _beside(self, crossings: Crossings) -> Tensor:
        """The cells beside edges on which something is undecided, or coincides, bool (R,)."""
        if len(self.shared.at) or bool(crossings.undecided.any()):
            return self.task.kernel.beside(self.old, crossings, self.shared)
        return torch.zeros(self.old.cells, dtype=torch.bool, device=self.old.origin.device)


def _new_lines(cut: Cut, web: Web | None) -> Lines:
    """The new lines of regular cells and of degenerate ones."""
    lines = cut.chords.cell, cut.chords.column
    return lines if web is None else _joined(lines, (web.spans.cell, web.spans.column))


def _joined(lines: Lines, more: Lines) -> Lines:
    cells, columns = (torch.cat(pair) for pair in zip(lines, more, strict=True))
    return cells, columns


def _links(cut: Cut, web: Web | None, chord: Tensor, column: Tensor) -> LinksOfChords:
    """The links of all chords, those of degenerate cells last."""
    also = Shared.none(chord.device)
    if web is not None:
        also = Shared(len(cut.chords) + web.spans.also.at, web.spans.also.column)
    return LinksOfChords(cut.pieces, cut.links, chord, column, also)


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
