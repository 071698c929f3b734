"""Exact decisions where float64 leaves a sign open: the ladder of decisions, for the vertices of a planar complex.

A vertex is the point where two lines of one of its cells meet; both lines, and the columns on that cell, are functions
that the ladder knows (proofs/, Lemma 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ....arrays.ragged import Ragged
from ....geometry.ladder import Counts, Functions, Kind, Ladder, Question, Vertices
from ....geometry.separation import Separation
from ..complex.complex import Complex
from ..complex.segments import as_numpy


@dataclass(frozen=True, eq=False)
class Places:
    """Vertices as zeros of two functions on an old cell, each that of line ``number`` or column -1 - ``number``."""

    vertex: Tensor
    cell: Tensor
    names: Tensor
    """int64 (n, 2)"""

    def take(self, index: Tensor) -> Places:
        """Some of them."""
        return Places(self.vertex[index], self.cell[index], self.names[index])

    def numpy(self) -> Vertices:
        """The same as numpy arrays."""
        return Vertices(as_numpy(self.cell), as_numpy(self.names), as_numpy(self.vertex))

    @classmethod
    def joined(cls, first: Places, second: Places) -> Places:
        """All of two lists."""
        pairs = ((first.vertex, second.vertex), (first.cell, second.cell), (first.names, second.names))
        return cls(*(torch.cat(pair) for pair in pairs))

    @classmethod
    def of_vertices(cls, cells: Complex, vertices: Tensor) -> Places:
        """Vertices of a complex, each as a corner of the lowest cell that has it."""
        wanted = torch.zeros(int(cells.edges.max()) + 1, dtype=torch.bool, device=vertices.device)
        wanted[vertices] = True
        there = wanted[cells.origin].nonzero(as_tuple=True)[0]
        first = torch.full_like(wanted, len(cells.origin), dtype=torch.int64)
        first.scatter_reduce_(0, cells.origin[there], there, "amin")
        return cls.of_half_edges(cells, first[vertices])

    @classmethod
    def of_half_edges(cls, cells: Complex, half_edge: Tensor) -> Places:
        """The origins of half-edges, as corners of their cells."""
        cell = cells.cells_of(half_edge)
        starts = half_edge == cells.offsets[cell]
        before = torch.where(starts, cells.offsets[cell + 1], half_edge) - 1
        lines = [cells.marks[cells.half_edge[h], 1] for h in (before, half_edge)]
        return cls(cells.origin[half_edge], cell, torch.stack(lines, 1))


class Decider:
    """Exact signs of columns at vertices of a complex, and exact positions on its edges."""

    def __init__(self, exactly: Functions, complex_: Complex) -> None:
        """``complex_`` is the one that is to be cut."""
        self._exactly, self._complex = exactly, complex_
        self.counts = Counts()

    @cached_property
    def _ladder(self) -> Ladder:
        cells = self._complex
        lines = Ragged(as_numpy(cells.marks[cells.half_edge, 1]), as_numpy(cells.offsets))
        return Ladder(self._exactly, lines, self.counts)

    @property
    def settled(self) -> int:
        """How many decisions were asked for."""
        return self.counts.decisions

    @cached_property
    def _separation(self) -> Separation | None:
        return self._exactly.separation()

    def central(self, cells: Tensor, names: Tensor) -> Tensor:
        """Which functions, by their names, are zero at the origin, bool: known by name, whatever the cell."""
        zero = self._exactly.central(as_numpy(cells), as_numpy(names))
        return torch.as_tensor(zero, device=cells.device)

    def note(self, question: Question, kind: Kind, number: int) -> None:
        """Counts decisions that were made without the ladder."""
        self.counts[question, kind] += number

    def least(self, walls: int, columns: int) -> float:
        """A column that is not zero where so many walls and other columns meet is at least this there; 0.0 where
        nothing is known."""
        return 0.0 if self._separation is None else self._separation.least(walls, columns)

    def signs(self, places: Places, columns: Tensor, question: Question = "sign") -> Tensor:
        """The exact sign of columns[i] at places[i], int8 (n,)."""
        at = places.numpy()
        signs = self._ladder.signs(at.region, as_numpy(columns), at.names, at.number, question)
        return torch.as_tensor(signs, device=columns.device)

    def orders(self, first: Places, second: Places, cells: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """``positions``, where they decide in which order crossings lie."""
        return self.positions(first, second, cells, columns, "order")

    def positions(
        self, first: Places, second: Places, cells: Tensor, columns: Tensor, question: Question = "place"
    ) -> tuple[Tensor, Tensor]:
        """The parameter between first[i] and second[i], on cells[i], where columns[i] vanishes; and its error bound."""
        on = as_numpy(cells), as_numpy(columns)
        position, slack = self._ladder.positions(first.numpy(), second.numpy(), *on, question)
        return torch.as_tensor(position, device=columns.device), torch.as_tensor(slack, device=columns.device)

    def fetch(self, cells: Tensor) -> None:
        """Asks for the functions on some cells, all at once, of which many decisions will be made one after another."""
        self._ladder.fetch(as_numpy(cells))
