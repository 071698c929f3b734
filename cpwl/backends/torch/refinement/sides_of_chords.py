"""On which sides of its old cell's chords each new cell lies, by combinatorics alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..complex.complex import Complex
from ..complex.segments import exclusive_sum, ranges
from .coincidence import Shared
from .signs import CellSigns, Signs


@dataclass(frozen=True, eq=False)
class LinksOfChords:
    """The links of chords. Half-edges are numbered from ``start``: along the links of regular cells and against them,
    then along those of degenerate cells and against these."""

    start: int
    regular: int
    """The number of links of regular cells, which come first."""
    chord: Tensor
    """The chord of each link."""
    column: Tensor
    """The column of each chord."""
    also: Shared
    """Further columns that vanish on chords."""

    def against(self, half_edge: Tensor) -> Tensor:
        """The links against which half-edges run; -1 for all others."""
        number, regular, rest = half_edge - self.start, self.regular, len(self.chord) - self.regular
        later = number >= 2 * regular
        link = number - torch.where(later, regular + rest, regular)
        low, high = torch.where(later, regular, 0), torch.where(later, regular + rest, regular)
        return torch.where((low <= link) & (link < high), link, -1)


def left_bits(old: Complex, signs: Signs, cells: CellSigns) -> Tensor:
    """Packed bits (R, bytes): the columns below their level in the piece of each cell that ends at its first vertex.

    It is on the left of all chords. Where a column does not cut, as on the cell.
    """
    first, last = old.origin[old.offsets[:-1]], old.origin[old.offsets[1:] - 1]
    left = signs.below[first] | (~signs.above[first] & signs.below[last])
    return (left & cells.cut) | (cells.below & ~cells.cut)


@dataclass(frozen=True, eq=False)
class Across:
    """For each new cell a step across one chord, towards the old cell's first vertex (proofs/, Lemma 8).

    The walk around an old cell begins at its first vertex and reaches every chord's start before its end, so that
    vertex lies on the left of every chord. A new cell on the right of a chord along which it has a link has on the
    other side of it a cell with one chord less between itself and the first vertex.
    """

    towards: Tensor
    """The cell across; the cell itself where nothing lies between, int64 (R,)."""
    chord: Tensor
    """The chord that is crossed, -1 where there is none."""
    links: LinksOfChords

    @classmethod
    def find(cls, new: Complex, order: Tensor, links: LinksOfChords) -> Across:
        """The steps in a complex traced from half-edges that stand in that ``order``, across some of its chords."""
        link = links.against(order)
        against = (link >= 0).nonzero(as_tuple=True)[0]
        chosen = torch.full((new.cells,), len(order), device=order.device)
        chosen.scatter_reduce_(0, new.cell_of[against], against, "amin")
        some = (chosen < len(order)).nonzero(as_tuple=True)[0]
        towards = torch.arange(new.cells, device=order.device)
        towards[some] = new.sides[new.half_edge[chosen[some]], 0]
        chord = torch.full_like(towards, -1)
        chord[some] = links.chord[link[chosen[some]]]
        return cls(towards, chord, links)

    def columns(self, count: int) -> Tensor:
        """Packed bits (R, bytes): the columns whose chords lie between each cell and its old cell's first vertex."""
        cell, also = (self.chord >= 0).nonzero(as_tuple=True)[0], self.links.also
        chord, column = self.chord[cell], self.links.column[self.chord[cell]]
        more = torch.bincount(also.at, minlength=len(self.links.column))
        which, extra = ranges(exclusive_sum(more)[chord], more[chord])
        row, column = torch.cat([cell, cell[which]]), torch.cat([column, also.column[extra]])
        words = torch.zeros(max(1, -(-count // 64)), len(self.chord), dtype=torch.int64, device=cell.device)
        bit = torch.ones_like(column).bitwise_left_shift(column % 64)
        words.view(-1).scatter_add_(0, column // 64 * len(self.chord) + row, bit)
        jumps = self._jumps(cell)
        for row in words:  # a row at a time stays in the cache
            for cell, towards in jumps:
                row[cell] ^= row[towards]
        return words.T.reshape(-1).view(torch.uint8).view(len(self.chord), -1)

    def _jumps(self, cell: Tensor) -> list[tuple[Tensor, Tensor]]:
        """By pointer doubling: the cells that still have a way to go, and how far each sees by then."""
        towards, jumps = self.towards.clone(), []
        cell = cell[self.chord[towards[cell]] >= 0]
        while len(cell):
            jumps.append((cell, towards[cell]))
            towards[cell] = towards[towards[cell]]
            cell = cell[self.chord[towards[cell]] >= 0]
        return jumps
