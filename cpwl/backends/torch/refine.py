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
from .field import FloatField
from .prolong import Points, Prolonged
from .segments import pack, union_over_cells, valid_bits
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


def refine(
    old: Complex, field: FloatField, columns: Columns, function: Tensor, level: Tensor, generation: int
) -> Refined:
    """The complex cut by all columns; column c is ``field[:, function[c]] - level[c]``."""
    state = _Refinement(old, columns)
    chords, meets = state.regular_chords()
    cut = Cut(old, field.rows, state.crossings, state.visits, chords, meets)
    edges, marks, half = cut.assemble(generation)
    batches = [state.points, _inner_points(cut, meets, chords)]
    outcome = None
    if bool(state.irregular.any()):
        outcome = state.cut_irregular(edges, marks, half, generation, sum(map(len, batches)))
        edges, marks, half = outcome.edges, outcome.marks, outcome.half
        state.uncertain[outcome.ambiguous] = True
        batches += outcome.batches
    new, parents, order = Complex.trace(edges, marks, half)
    state.check_euler(parents, chords, meets)
    values = Prolonged(field, function, level)
    values.extend_all(batches)
    below, unclear = state.below(new, parents, values.sides())
    uncertain = state.uncertain[parents] | unclear
    if outcome is not None:
        _overwrite(below, outcome, new, order)
    return Refined(new, parents, below, uncertain, batches, values.field())


class _Refinement:
    """What is decided about the old cells before anything is built."""

    def __init__(self, old: Complex, columns: Columns) -> None:
        self.old, self.columns = old, columns
        self.signs = Signs.of(columns)
        self.cells_below = union_over_cells(self.signs.below, old.origin, old.offsets)
        self.cut = self.cells_below & union_over_cells(self.signs.above, old.origin, old.offsets)
        crossings = Crossings.find(old, columns, self.signs)
        undecided = crossings.undecided()
        self.crossings = crossings.keep(~undecided[crossings.edge])
        self.uncertain = self._with_any(self.signs.doubtful) | self._beside(undecided)
        self.irregular = self._touched() | self._beside(undecided)
        self.visits = Visits.walk(old, self.crossings)

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
        self.irregular |= late
        self.uncertain |= late
        return drop_cells(chords, meets, late)

    def cut_irregular(
        self, edges: Tensor, marks: Tensor, half: HalfEdges, generation: int, new_vertices: int
    ) -> Outcome:
        """The irregular cells cut column by column."""
        vertices = len(self.columns.values) + new_vertices
        active = self._active_columns()
        cutting = Sequential(
            edges, marks, half, self.irregular, self.columns, active, self.points, vertices, generation
        )
        return cutting.run()

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
