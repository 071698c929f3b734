"""Which columns are strictly above and strictly below their level at which vertices: packed bits, certain or zero."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .field import FloatField, Sharp
from .segments import pack

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

    @classmethod
    def of(cls, field: FloatField, function: Tensor, level: Tensor) -> Columns:
        """The columns of a field; the values are not copied when every function has the single level 0."""
        if is_identity(function, field.columns) and not bool(level.any()):
            return cls(field.values, field.bound())
        return cls(field.values[:, function] - level, field.bound().take(function))

    @property
    def count(self) -> int:
        """The number of columns C."""
        return int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of all columns at all vertices."""

    above: Tensor
    """Packed uint8 (V, bytes): certainly above the level."""
    below: Tensor
    uncertain: Tensor
    """bool (V,): some column at this vertex is within its error bound of the level, and not certainly at it."""

    @classmethod
    def of(cls, columns: Columns) -> Signs:
        """The signs of all columns: a value within its error bound counts as zero."""
        rows = max(1, _BLOCK // max(columns.count, 1))
        coarse = columns.bound.coarse()
        blocks = [
            _block_signs(columns, coarse, start, min(start + rows, len(coarse))) for start in range(0, len(coarse), rows)
        ]
        return cls(*(torch.cat(parts) for parts in zip(*blocks, strict=True)))


def _block_signs(columns: Columns, coarse: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
    values = columns.values[start:stop]
    above, below = values > 0, values < 0
    row, column = (values.abs() <= coarse[start:stop, None]).nonzero(as_tuple=True)
    uncertain = torch.zeros(stop - start, dtype=torch.bool, device=values.device)
    if len(row):
        bound = columns.bound.at(row + start, column)
        near = values[row, column].abs() <= bound
        row, column, bound = row[near], column[near], bound[near]
        above[row, column] = False
        below[row, column] = False
        uncertain[row[bound > 0]] = True
    return pack(above), pack(below), uncertain
