"""Which columns are above and below their level at which vertices, as packed bits, and which of that is certain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .. import compiled
from ..complex.complex import Complex
from ..complex.segments import common_bits, pack, union_over_cells, unpack, valid_bits, with_bits
from ..fields.field import FloatField, Sharp

_BLOCK = 1 << 19
"""Entries handled at a time, so that a block of values stays in the cache through all passes over it."""


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

    @classmethod
    def of(cls, columns: Columns) -> Signs:
        """The signs of all columns."""
        coarse = columns.bound.coarse()
        if compiled.serves(coarse):
            return _compiled_signs(columns, coarse)
        rows = max(1, _BLOCK // max(columns.count, 1))
        blocks = [
            _block_signs(columns, coarse, start, min(start + rows, len(coarse)))
            for start in range(0, len(coarse), rows)
        ]
        return cls(*(torch.cat(parts) for parts in zip(*blocks, strict=True)))

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

    def reaching(self, columns: int) -> Tensor:
        """The columns that are not below their level at some vertex, increasing."""
        everywhere = unpack(common_bits(self.below)[None], columns)[0]
        return (~everywhere).nonzero(as_tuple=True)[0]

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

    @classmethod
    def of(cls, cells: Complex, signs: Signs, columns: int) -> CellSigns:
        """Of all cells."""
        valid = valid_bits(columns, cells.origin.device)
        if compiled.serves(valid):
            packed = signs.above, signs.below, signs.doubtful
            return cls(*compiled.cell_bits(*packed, valid, cells.origin, cells.offsets))
        below, above = (union_over_cells(part, cells.origin, cells.offsets) for part in (signs.below, signs.above))
        touching = (valid & ~(signs.above | signs.below)) | signs.doubtful
        cut = below & above
        return cls(below, cut, _with_any(cells, touching, cut), _with_any(cells, signs.doubtful))


def _with_any(cells: Complex, packed: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cells with a vertex at which some bit (of those in the cell's ``mask``) is set, bool (R,)."""
    if not bool((packed.view(torch.int64) != 0).any()):
        return torch.zeros(cells.cells, dtype=torch.bool, device=packed.device)
    bits = union_over_cells(packed, cells.origin, cells.offsets)
    return ((bits if mask is None else bits & mask).view(torch.int64) != 0).any(1)


def _compiled_signs(columns: Columns, coarse: Tensor) -> Signs:
    bounds = [part for sharp in (columns.bound, columns.rounding) for part in (sharp.row, sharp.column, sharp.floor)]
    return Signs(*compiled.sign_bits(columns.values, coarse, bounds, columns.zeros))


def _block_signs(columns: Columns, coarse: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    values = columns.values[start:stop]
    above, below = values > 0, values < 0
    doubtful = torch.zeros_like(above)
    near = ~(values.abs() > coarse[start:stop, None])
    row, column = (near if columns.zeros is None else near & ~columns.zeros[start:stop]).nonzero(as_tuple=True)
    if len(row):
        size = values[row, column].abs()
        bound, zero = columns.bounds_at(row + start, column)
        doubtful[row, column] = ~(size > bound) & (bound != 0)
        above[row, column] &= size > zero
        below[row, column] &= size > zero
    return pack(above), pack(below), pack(doubtful)
