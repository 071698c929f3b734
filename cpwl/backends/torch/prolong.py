"""New vertices as points of segments between older ones, and how fields are prolonged to them, all or only some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from . import compiled
from .field import ROUND_UP, UNIT, FloatField, lifted, row_norms

_BLOCK = 1 << 17
"""Entries handled at a time: two gathered blocks and their difference stay in the cache."""


@dataclass(frozen=True, eq=False)
class Points:
    """New vertices: ``(1 - position) first + position second``, where ``column`` is at its level."""

    first: Tensor
    second: Tensor
    column: Tensor
    position: Tensor
    slack: Tensor
    """Bound on the error of ``position``."""
    also: Tensor
    """A second column that is at its level there, because it is at both ends; -1 where there is none."""

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def of(cls, first: Tensor, second: Tensor, column: Tensor, position: Tensor, slack: Tensor) -> Points:
        """Points at which one column is at its level."""
        return cls(first, second, column, position, slack, torch.full_like(column, -1))

    @classmethod
    def joined(cls, parts: Sequence[Points]) -> Points:
        """The points of several lists, of which there is at least one."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def take(self, index: Tensor) -> Points:
        """Some of the points."""
        return Points(*(getattr(self, field.name)[index] for field in fields(self)))

    def part(self, start: int, stop: int) -> Points:
        """Consecutive points, as views."""
        return Points(*(getattr(self, field.name)[start:stop] for field in fields(self)))


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


@dataclass(frozen=True, eq=False)
class Prolongation:
    """How fields on old vertices become fields on these and the new ones: layer by layer, each on what was before."""

    old: int
    """The number of old vertices, which come first."""
    points: Points
    layers: tuple[int, ...]
    """Where each layer of new vertices begins among ``points``, and their number: within a layer no vertex needs
    another."""

    @classmethod
    def of(cls, old: int, batches: Sequence[Points]) -> Prolongation:
        """Batches of new vertices, each of which refers to old ones and to those of earlier batches."""
        ends = torch.tensor([0, *(len(batch) for batch in batches)]).cumsum(0).tolist()
        return cls(old, Points.joined(batches), tuple(ends))

    @property
    def rows(self) -> int:
        """The number of all vertices."""
        return self.old + len(self.points)

    def carry(self, field: FloatField) -> FloatField:
        """The field on all vertices."""
        growing = _Growing(field, len(self.points))
        for start, stop in zip(self.layers, self.layers[1:], strict=False):
            growing.extend(self.points.part(start, stop))
        return growing.field()

    def carry_to(self, field: FloatField, vertices: Tensor) -> FloatField:
        """The field on some vertices, in that order."""
        names, part = self.within(vertices)
        return picked(part.carry(field.take(names[: part.old])), names, vertices)

    def within(self, vertices: Tensor) -> tuple[Tensor, Prolongation]:
        """Some vertices and all that they are made from, increasing; and the prolongation to these, in their places."""
        names = torch.unique(vertices)
        for start in reversed(self.layers[:-1]):
            made = names[torch.searchsorted(names, self.old + start) :] - self.old
            names = torch.unique(torch.cat([names, self.points.first[made], self.points.second[made]]))
        starts = torch.searchsorted(names, torch.tensor(self.layers, device=names.device) + self.old).tolist()
        points = self.points.take(names[starts[0] :] - self.old)
        first, second = (torch.searchsorted(names, ends) for ends in (points.first, points.second))
        layers = tuple(start - starts[0] for start in starts)
        return names, Prolongation(starts[0], replace(points, first=first, second=second), layers)


@dataclass(frozen=True, eq=False)
class Cutting:
    """The functions that cut, prolonged to the vertices that they make: exactly at their level where they are."""

    field: FloatField
    """On the old vertices."""
    function: Tensor
    level: Tensor
    certain: Certain
    """Exact signs of columns, at old and new vertices."""
    prolongation: Prolongation

    def values(self) -> FloatField:
        """The functions on all vertices."""
        grown = self.prolongation.carry(self.field)
        if not len(self.prolongation.points) and len(self.certain.vertex):
            grown = replace(grown, values=grown.values.clone(), error=grown.error.clone())
        made = self._made()
        grown.values[made.vertex, self.function[made.column]] = self.level[made.column]
        self._correct(grown)
        at_zero = self.level[made.column] == 0
        return replace(grown, made=(made.vertex[at_zero], self.function[made.column[at_zero]]))

    def values_at(self, vertices: Tensor) -> FloatField:
        """The functions on some vertices, in that order, each given once."""
        names, prolongation = self.prolongation.within(vertices)
        part = Cutting(
            self.field.take(names[: prolongation.old]),
            self.function,
            self.level,
            _among(self.certain, names),
            prolongation,
        )
        return picked(part.values(), names, vertices)

    def _made(self) -> Certain:
        """The new vertices with the columns that are at their level there because they made them."""
        points, old = self.prolongation.points, self.prolongation.old
        new = torch.arange(old, old + len(points), device=points.first.device)
        twice = points.also >= 0
        vertex, column = torch.cat([new, new[twice]]), torch.cat([points.column, points.also[twice]])
        return Certain(vertex, column, torch.zeros_like(vertex, dtype=torch.int8))

    def _correct(self, grown: FloatField) -> None:
        """Moves values to the side of their level, or onto it, on which they are exactly (proofs/, Lemma 8)."""
        certain = self.certain
        place = certain.vertex, self.function[certain.column]
        level = self.level[certain.column]
        beyond = torch.nextafter(level, level + certain.sign * torch.inf)
        wrong = torch.sign(grown.values[place] - level) != certain.sign
        grown.values[place] = torch.where(certain.sign == 0, level, torch.where(wrong, beyond, grown.values[place]))
        grown.error.index_add_(0, certain.vertex[wrong], (2 * UNIT * level.abs())[wrong])


def picked(field: FloatField, names: Tensor, vertices: Tensor) -> FloatField:
    """From a field on the vertices ``names`` (increasing) that on some of them, each given once."""
    if torch.equal(names, vertices):
        return field
    place = torch.searchsorted(names, vertices)
    found = field.take(place)
    if field.made is None:
        return found
    position = torch.full_like(names, -1)
    position[place] = torch.arange(len(place), device=place.device)
    row = position[field.made[0]]
    return replace(found, made=(row[row >= 0], field.made[1][row >= 0]))


def _among(certain: Certain, names: Tensor) -> Certain:
    """The signs at the vertices ``names`` (increasing), in their places."""
    place = torch.searchsorted(names, certain.vertex).clamp(max=len(names) - 1)
    here = names[place] == certain.vertex
    return Certain(place[here], certain.column[here], certain.sign[here])


class _Growing:
    """A field to which new rows are added layer by layer, with its error bound (proofs/, Lemma 5 (c))."""

    def __init__(self, field: FloatField, more: int) -> None:
        self._count = field.rows
        self._values, self._error, self._norms = (
            _enlarged(part, more) for part in (field.values, field.error, row_norms(field.values))
        )
        self._zeros = None if field.zeros is None else _enlarged(field.zeros, more)

    def extend(self, points: Points) -> None:
        """Adds the rows of new vertices, for which there must be room."""
        if compiled.serves(self._values):
            arrays, ends = (self._values, self._error, self._norms), (points.first, points.second)
            compiled.interpolate(*arrays, self._count, ends, (points.position, points.slack))
            self._added(points)
            return
        step = max(1, _BLOCK // max(self._values.shape[1], 1))
        for low in range(0, len(points), step):
            self._interpolate(points.part(low, min(low + step, len(points))))

    def _interpolate(self, points: Points) -> None:
        first, second, position = points.first, points.second, points.position
        target = slice(self._count, self._count + len(points))
        origin = self._values.index_select(0, first)
        difference = self._values.index_select(0, second).sub_(origin)
        torch.addcmul(origin, difference, position[:, None], out=self._values[target])
        ends = self._error[first], self._error[second]
        norms = self._norms[first], self._norms[second]
        self._norms[target] = torch.lerp(*norms, position) * ROUND_UP
        reach = torch.linalg.vector_norm(difference, dim=1) + ends[0] + ends[1]
        rounding = 8 * UNIT * (norms[0] + norms[1])
        bound = torch.lerp(*ends, position) + points.slack * reach + rounding
        self._error[target] = lifted(bound * ROUND_UP)
        self._added(points)

    def _added(self, points: Points) -> None:
        if self._zeros is not None:
            target = slice(self._count, self._count + len(points))
            self._zeros[target] = self._zeros[points.first] & self._zeros[points.second]
        self._count += len(points)

    def field(self) -> FloatField:
        """The field on all vertices."""
        return FloatField(self._values, self._error, zeros=self._zeros)


def _enlarged(values: Tensor, more: int) -> Tensor:
    """The rows, with room for more after them."""
    if not more:
        return values
    result = values.new_empty(len(values) + more, *values.shape[1:])
    result[: len(values)] = values
    return result
