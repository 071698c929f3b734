"""Which columns are above and below their level at which vertices, as packed bits, and which of that is certain."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .field import FloatField, Sharp
from .segments import pack, with_bits

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
        rows = max(1, _BLOCK // max(columns.count, 1))
        coarse = columns.bound.coarse()
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

    def settled(self, row: Tensor, column: Tensor, sign: Tensor) -> Signs:
        """The signs with those at all doubtful entries (row[i], column[i]) replaced by exact ones."""
        above, below = (
            with_bits(packed & ~self.doubtful, row[sign == side], column[sign == side])
            for side, packed in ((1, self.above), (-1, self.below))
        )
        return Signs(above, below, torch.zeros_like(self.doubtful))


def _block_signs(columns: Columns, coarse: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    values = columns.values[start:stop]
    above, below = values > 0, values < 0
    doubtful = torch.zeros_like(above)
    near = values.abs() <= coarse[start:stop, None]
    row, column = (near if columns.zeros is None else near & ~columns.zeros[start:stop]).nonzero(as_tuple=True)
    if len(row):
        size = values[row, column].abs()
        bound, zero = columns.bounds_at(row + start, column)
        doubtful[row, column] = (size <= bound) & (bound > 0)
        above[row, column] &= size > zero
        below[row, column] &= size > zero
    return pack(above), pack(below), pack(doubtful)
