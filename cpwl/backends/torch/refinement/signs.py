"""Which columns are above and below their level at which vertices, as packed bits, and which of that is certain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..complex.segments import with_bits
from ..fields.field import FloatField, Sharp


def is_identity(function: Tensor, functions: int) -> bool:
    """Whether every function has exactly one level, so that columns are the functions in order."""
    return len(function) == functions and bool((function[1:] > function[:-1]).all())


@dataclass(frozen=True, eq=False)
class Columns:
    """Functions minus their levels: column c is ``field[:, function[c]] - level[c]`` with its error bound."""

    values: Tensor
    """float64 (V, C)"""
    bound: Sharp
    rounding: Sharp
    """What counts as zero in a float decision: the rounding of the last operation (``FloatField.rounding``)."""
    zeros: Tensor | None = None
    """Entries known to be exactly zero, bool (V, C); None when none are known."""

    @classmethod
    def of(cls, field: FloatField, function: Tensor, level: Tensor) -> Columns:
        """The columns of a field; the values are not copied when every function has the single level 0."""
        if is_identity(function, field.columns) and not bool(level.any()):
            return cls(field.values, field.bound(), field.rounding(), field.zeros)
        bounds = field.bound().take(function), field.rounding().take(function)
        return cls(field.values[:, function] - level, *bounds)

    def doubted(self, vertices: Tensor) -> Columns:
        """The same, with nothing known of the values at some vertices but that those known to be zero are."""
        row = self.bound.row.clone()
        row[vertices] = torch.inf
        return replace(self, bound=replace(self.bound, row=row, share=None))

    def bounds_at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """At the entries (rows[i], columns[i]): the error bound, and what counts as zero; (2, ...)."""
        bounds = torch.stack([self.bound.at(rows, columns), self.rounding.at(rows, columns)])
        return bounds if self.zeros is None else bounds.masked_fill(self.zeros[rows, columns], 0.0)

    @property
    def count(self) -> int:
        """The number of columns C."""
        return int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of all columns at all vertices."""

    above: Tensor
    """Packed uint8 (V, bytes): above the level by more than what counts as zero."""
    below: Tensor
    doubtful: Tensor
    """Packed uint8 (V, bytes): within the error bound of the level, and not certainly at it."""

    @property
    def open(self) -> bool:
        """Whether any sign is doubtful."""
        return bool(self.doubtful.any())

    def at(self, vertices: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Signs of some columns at some vertices, int8 (n, len(columns)), and which of them are doubtful."""
        byte, bit = columns // 8, (columns % 8).to(torch.uint8)
        above, below, doubtful = (
            packed[vertices[:, None], byte].bitwise_right_shift(bit) & 1
            for packed in (self.above, self.below, self.doubtful)
        )
        return above.to(torch.int8) - below.to(torch.int8), doubtful != 0

    def entries(self, vertices: Tensor, columns: Tensor) -> Tensor:
        """The signs of columns[i] at vertices[i], int8."""
        byte, bit = columns // 8, (columns % 8).to(torch.uint8)
        above, below = (packed[vertices, byte].bitwise_right_shift(bit) & 1 for packed in (self.above, self.below))
        return above.to(torch.int8) - below.to(torch.int8)

    def settled(self, row: Tensor, column: Tensor, sign: Tensor) -> Signs:
        """The signs with those at all doubtful entries (row[i], column[i]) replaced by exact ones."""
        above, below = (
            with_bits(packed & ~self.doubtful, row[sign == side], column[sign == side])
            for side, packed in ((1, self.above), (-1, self.below))
        )
        return Signs(above, below, torch.zeros_like(self.doubtful))


@dataclass(frozen=True, eq=False)
class CellSigns:
    """What the signs at its vertices say of each cell."""

    below: Tensor
    """Packed uint8 (R, bytes): columns below their level at some vertex."""
    cut: Tensor
    """Packed uint8 (R, bytes): columns below at one vertex and above at another."""
    touched: Tensor
    """bool (R,): a column that cuts the cell is zero or doubtful at a vertex."""
    doubtful: Tensor
    """bool (R,): some sign at a vertex is doubtful."""
