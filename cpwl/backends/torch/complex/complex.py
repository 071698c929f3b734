"""A planar complex as tensors: edges, and cells as cyclic lists of directed half-edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..portable import Portable
from .segments import numbers_of_ranges, offsets_of, used


@dataclass(frozen=True, eq=False)
class HalfEdges:
    """Directed half-edges, each with its cell on the left; ``successor`` links those of one cell counter-clockwise."""

    edge: Tensor
    forward: Tensor
    """Whether the half-edge runs from its edge's first end to the second, bool (H,)."""
    successor: Tensor
    parent: Tensor
    """The old cell that the half-edge lies in, int64 (H,)."""


NOT_CLOSED = "half-edges do not close up to cycles: a successor was given twice"


@dataclass(frozen=True, eq=False)
class Cycles:
    """The cycles that half-edges close up to, ordered by the old cell that they lie in."""

    order: Tensor
    """The half-edges cycle by cycle, int64 (H,)."""
    offsets: Tensor
    """int64 (R + 1,), where each cycle begins."""
    parent: Tensor
    """The old cell of each cycle, int64 (R,)."""


@dataclass(frozen=True, eq=False)
class Complex(Portable):
    """Convex cells on shared edges; vertices are known by number only."""

    edges: Tensor
    """int64 (E, 2), the ends of each edge."""
    marks: Tensor
    """int64 (E, 2): how many refinements made the edge (or that it is a piece of), and the number of the chord
    or side that it is a piece of: edges of one cell with one such number lie on one line."""
    half_edge: Tensor
    """int64 (H,), the edge of each half-edge, cell by cell, counter-clockwise."""
    forward: Tensor
    """bool (H,)"""
    offsets: Tensor
    """int64 (R + 1,), where each cell's half-edges begin."""

    @classmethod
    def polygon(cls, corners: int, device: torch.device) -> Complex:
        """One cell with the given number of corners."""
        index = torch.arange(corners, device=device)
        return cls(
            torch.stack([index, (index + 1) % corners], 1),
            torch.stack([torch.zeros_like(index), index], 1),
            index,
            torch.ones(corners, dtype=torch.bool, device=device),
            torch.tensor([0, corners], device=device),
        )

    @classmethod
    def of_cycles(cls, edges: Tensor, marks: Tensor, half: HalfEdges, cycles: Cycles) -> Complex:
        """The complex whose cells are the cycles of ``half.successor``."""
        return cls(edges, marks, half.edge[cycles.order], half.forward[cycles.order], cycles.offsets)

    def take(self, cells: Tensor) -> Complex:
        """The given cells, in that order, with the edges that they use; vertices keep their numbers."""
        counts = self.counts[cells]
        member = numbers_of_ranges(self.offsets[cells], counts)
        edge, half_edge = used(self.half_edge[member], len(self.edges))
        return Complex(self.edges[edge], self.marks[edge], half_edge, self.forward[member], offsets_of(counts))

    @property
    def generation(self) -> Tensor:
        """After how many refinements each edge was made, int64 (E,)."""
        return self.marks[:, 0]

    @cached_property
    def lines(self) -> int:
        """A number above those of all chords and sides."""
        return int(self.marks[:, 1].max()) + 1 if len(self.marks) else 0

    @cached_property
    def turns(self) -> Tensor:
        """Whether the cell's boundary turns where each half-edge begins, bool (H,)."""
        line = self.marks[self.half_edge, 1]
        turns = torch.empty_like(line, dtype=torch.bool)
        turns[self.successor] = line[self.successor] != line
        return turns

    @property
    def cells(self) -> int:
        """The number of cells R."""
        return self.offsets.shape[0] - 1

    @cached_property
    def counts(self) -> Tensor:
        """The number of half-edges of each cell, int64 (R,)."""
        return self.offsets[1:] - self.offsets[:-1]

    @cached_property
    def origin(self) -> Tensor:
        """The vertex at which each half-edge begins, int64 (H,)."""
        return self.edges.view(-1)[self.half_edge * 2 + (~self.forward).long()]

    @cached_property
    def cell_of(self) -> Tensor:
        """The cell on the left of each half-edge, int64 (H,)."""
        return torch.repeat_interleave(self.counts)

    def cells_of(self, half_edges: Tensor) -> Tensor:
        """The cells on the left of some half-edges: a few of all."""
        return torch.searchsorted(self.offsets, half_edges, right=True) - 1

    @cached_property
    def successor(self) -> Tensor:
        """The next half-edge around each half-edge's cell, int64 (H,)."""
        following = torch.arange(1, len(self.half_edge) + 1, device=self.half_edge.device)
        following[self.offsets[1:] - 1] = self.offsets[:-1]
        return following

    @cached_property
    def one_sided(self) -> Tensor:
        """Edges with a cell on one side only, bool (E,)."""
        return torch.bincount(self.half_edge, minlength=len(self.edges)) == 1

    @cached_property
    def sides(self) -> Tensor:
        """The cells on the left and right of each edge, int64 (E, 2); -1 where there is none."""
        cells = torch.full((len(self.edges), 2), -1, dtype=torch.int64, device=self.edges.device)
        cells.view(-1)[self.half_edge * 2 + (~self.forward).long()] = self.cell_of
        return cells
