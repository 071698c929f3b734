"""New vertices as points of segments between older ones, and how fields are prolonged to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .field import ROUND_UP, UNIT, FloatField, lifted, row_norms
from .segments import pack
from .signs import is_identity

_BLOCK = 1 << 17
"""Entries handled at a time: two gathered blocks and their difference stay in the cache."""


@dataclass(frozen=True, eq=False)
class Points:
    """A batch of new vertices: ``(1 - position) first + position second``, where ``column`` is at its level."""

    first: Tensor
    second: Tensor
    column: Tensor
    position: Tensor
    slack: Tensor
    also: Tensor | None = None
    """A second column that is at its level there, because it is at both ends."""

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, eq=False)
class Certain:
    """Exact signs in {-1, 0, 1} of some columns (minus their levels) at some vertices."""

    vertex: Tensor
    column: Tensor
    sign: Tensor

    @classmethod
    def none(cls, device: torch.device) -> Certain:
        """No signs."""
        empty = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(empty, empty, empty.to(torch.int8))

    @classmethod
    def joined(cls, one: Certain, other: Certain) -> Certain:
        """All signs of two lists."""
        pairs = ((one.vertex, other.vertex), (one.column, other.column), (one.sign, other.sign))
        return cls(*(torch.cat(pair) for pair in pairs))


class _Growing:
    """A field that is prolonged batch by batch, with its error bound (proofs/, Lemma 5 (c))."""

    def __init__(self, field: FloatField) -> None:
        self.rows = field.rows
        self.values, self.error, self.norms = field.values, field.error, row_norms(field.values)
        self.zeros = field.zeros

    def reserve(self, more: int) -> None:
        """Makes room for so many rows more."""
        if more > len(self.values) - self.rows:
            self.values, self.error, self.norms = (
                _enlarged(part, self.rows, more) for part in (self.values, self.error, self.norms)
            )
            self.zeros = None if self.zeros is None else _enlarged(self.zeros, self.rows, more)

    def extend_all(self, batches: Sequence[Points]) -> None:
        """Appends the rows of several batches, each of which may refer to those before it."""
        self.reserve(sum(len(batch) for batch in batches))
        for batch in batches:
            self.extend(batch)

    def extend(self, batch: Points) -> None:
        """Appends the rows of new vertices, for which there must be room."""
        step = max(1, _BLOCK // max(self.values.shape[1], 1))
        for low in range(0, len(batch), step):
            self._interpolate(batch, slice(low, min(low + step, len(batch))))
        self.rows += len(batch)

    def _interpolate(self, batch: Points, part: slice) -> None:
        first, second, position = batch.first[part], batch.second[part], batch.position[part]
        target = slice(self.rows + part.start, self.rows + part.stop)
        origin = self.values[first]
        difference = self.values[second] - origin
        torch.addcmul(origin, difference, position[:, None], out=self.values[target])
        ends = self.error[first], self.error[second]
        norms = self.norms[first], self.norms[second]
        self.norms[target] = torch.lerp(*norms, position) * ROUND_UP
        reach = torch.linalg.vector_norm(difference, dim=1) + ends[0] + ends[1]
        rounding = 8 * UNIT * (norms[0] + norms[1])
        bound = torch.lerp(*ends, position) + batch.slack[part] * reach + rounding
        self.error[target] = lifted(bound * ROUND_UP)
        if self.zeros is not None:
            self.zeros[target] = self.zeros[first] & self.zeros[second]

    def field(self) -> FloatField:
        """The field so far."""
        zeros = None if self.zeros is None else self.zeros[: self.rows]
        return FloatField(self.values[: self.rows], self.error[: self.rows], zeros=zeros)


def _enlarged(values: Tensor, rows: int, more: int) -> Tensor:
    """The first rows, with room for more after them."""
    result = values.new_empty(rows + more, *values.shape[1:])
    result[:rows] = values[:rows]
    return result


def prolong(field: FloatField, batches: Sequence[Points]) -> FloatField:
    """The field on the old vertices followed by those of each batch."""
    growing = _Growing(field)
    growing.extend_all(batches)
    return growing.field()


class Prolonged(_Growing):
    """The functions being cut by, prolonged while the vertices are made, exactly at their level where they made one."""

    def __init__(self, field: FloatField, function: Tensor, level: Tensor) -> None:
        super().__init__(field)
        self._old = field.rows
        self._function, self._level = function, level
        self._made: list[Tensor] = []

    def extend(self, batch: Points) -> None:
        """Appends the rows of new vertices, for which there must be room."""
        new = torch.arange(self.rows, self.rows + len(batch), device=self.values.device)
        super().extend(batch)
        for column in (batch.column, batch.also):
            if column is not None:
                self.values[new, self._function[column]] = self._level[column]
                self._made.append(torch.stack([new, self._function[column]])[:, self._level[column] == 0])

    def field(self) -> FloatField:
        """The field so far."""
        made = torch.cat([torch.zeros((2, 0), dtype=torch.int64, device=self.values.device), *self._made], dim=1)
        return replace(super().field(), made=(made[0], made[1]))

    def correct(self, certain: Certain) -> None:
        """Moves values to the side of their level, or onto it, on which they are exactly (proofs/, Lemma 8)."""
        if not len(certain.vertex):
            return
        if self.rows == self._old:
            self.values, self.error = self.values.clone(), self.error.clone()
        place = certain.vertex, self._function[certain.column]
        level = self._level[certain.column]
        beyond = torch.nextafter(level, level + certain.sign * torch.inf)
        wrong = torch.sign(self.values[place] - level) != certain.sign
        self.values[place] = torch.where(certain.sign == 0, level, torch.where(wrong, beyond, self.values[place]))
        self.error.index_add_(0, certain.vertex[wrong], (2 * UNIT * level.abs())[wrong])

    def sides(self) -> tuple[Tensor, Tensor]:
        """Packed bits (new vertices, bytes): the columns above their level, and those below."""
        step = max(1, _BLOCK // max(len(self._level), 1))
        blocks = [self.values[low : min(low + step, self.rows)] for low in range(self._old, self.rows, step)]
        if not is_identity(self._function, self.values.shape[1]):
            blocks = [block[:, self._function] for block in blocks]
        none = pack(self.values.new_empty(0, len(self._level)) > 0)
        above, below = [none], [none]
        for block in blocks:
            above.append(pack(block > self._level))
            below.append(pack(block < self._level))
        return torch.cat(above), torch.cat(below)
