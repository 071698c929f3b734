"""How fields are prolonged to new vertices, all or only some, and the functions that cut among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from ..fields.field import ROUND_UP, UNIT, FloatField, Scaled, inverted, lifted, room
from .kernels.kernel import Kernel
from .points import Points
from .signs import Signs


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
    def zeros(cls, vertex: Tensor, column: Tensor) -> Certain:
        """Columns that are zero."""
        return cls(vertex, column, torch.zeros_like(vertex, dtype=torch.int8))

    @classmethod
    def joined(cls, first: Certain, second: Certain) -> Certain:
        """All signs of two lists."""
        if not (len(first.vertex) and len(second.vertex)):
            return first if len(first.vertex) else second
        pairs = ((first.vertex, second.vertex), (first.column, second.column), (first.sign, second.sign))
        return cls(*(torch.cat(pair) for pair in pairs))

    def take(self, chosen: Tensor) -> Certain:
        """Some of the signs, by index or by truth values."""
        return Certain(self.vertex[chosen], self.column[chosen], self.sign[chosen])

    def moved(self, place: Tensor) -> Certain:
        """The signs at vertices that have a new place, there; -1 stands for none."""
        kept = self.take(place[self.vertex] >= 0)
        return replace(kept, vertex=place[kept.vertex])


@dataclass(frozen=True, eq=False)
class Plan:
    """Which rows a prolonged field is to have: copies of old ones, and new ones in an order in which they can be made.

    The first ``wanted`` of all ``rows`` are those asked for; the others are what these are made from.
    """

    rows: int
    wanted: int
    copies: tuple[tuple[int, Tensor | None], ...]
    """The place from which on old rows go, and which ones; None for all."""
    makings: tuple[tuple[int, Points], ...]
    """The place from which on new rows go, and their points, whose ends are places."""


@dataclass(frozen=True, eq=False)
class Prolongation:
    """How fields on old vertices become fields on these and the new ones: layer by layer, each on what was before."""

    old: int
    """The number of old vertices, which come first."""
    points: Points
    layers: tuple[int, ...]
    """Where each layer of new vertices begins among ``points``, and their number: within a layer no vertex needs
    another."""
    kernel: Kernel
    """What makes the rows."""

    @classmethod
    def of(cls, old: int, batches: Sequence[Points], kernel: Kernel) -> Prolongation:
        """Batches of new vertices, each of which refers to old ones and to those of earlier batches."""
        ends = tuple(accumulate((len(batch) for batch in batches), initial=0))
        return cls(old, Points.joined(batches), ends, kernel)

    def followed_by(self, batches: Sequence[Points]) -> Prolongation:
        """The same with further layers of new vertices, each of which refers to old ones and to those before it."""
        if not batches:
            return self
        *before, end = self.layers
        ends = accumulate(map(len, batches), initial=end)
        return replace(self, points=Points.joined([self.points, *batches]), layers=(*before, *ends))

    @property
    def rows(self) -> int:
        """The number of all vertices."""
        return self.old + len(self.points)

    def carry(self, field: FloatField, held: Tensor | None = None) -> FloatField:
        """The field on all vertices; of all columns or of some."""
        if held is None and not len(self.points):
            return _plainly(field)
        plain = self.kernel.in_order and field.zeros is None and field.scaled is None
        return self._grown(field, self.at_once if plain else self.everywhere, held)

    def carry_to(self, field: FloatField, vertices: Tensor, held: Tensor | None = None) -> FloatField:
        """The field on some vertices, in that order; of all columns or of some."""
        order = _increasing(vertices)
        if order is None:
            return self._grown(field, self.at(vertices), held)
        return self._grown(field, self.at(vertices[order]), held).take(torch.argsort(order))

    def _grown(self, field: FloatField, plan: Plan, held: Tensor | None) -> FloatField:
        """The field on the rows of a plan, with its error bound (proofs/, Lemma 5 (c)); of all columns or of some."""
        growing = _Growing(field, plan, held, self.kernel)
        for start, points in plan.makings:
            growing.make(start, points)
        return replace(growing.field(), held=field.held, width=field.width)

    @property
    def at_once(self) -> Plan:
        """The same plan for a kernel that makes rows in order."""
        return Plan(self.rows, self.rows, ((0, None),), ((self.old, self.points),))

    @cached_property
    def everywhere(self) -> Plan:
        """The plan for all vertices."""
        spans = pairwise(self.layers)
        makings = tuple((self.old + start, self.points.part(start, stop)) for start, stop in spans)
        return Plan(self.rows, self.rows, ((0, None),), makings)

    def at(self, vertices: Tensor) -> Plan:
        """The plan for some vertices, increasing."""
        extra = self._ends_beside(vertices)
        place = torch.empty(self.rows, dtype=torch.int64, device=vertices.device)
        parts = ((0, vertices), (len(vertices), extra))
        for start, names in parts:
            place[names] = torch.arange(start, start + len(names), device=place.device)
        starts = torch.tensor(self.layers, device=place.device) + self.old
        bounds = [torch.searchsorted(names, starts).tolist() for _, names in parts]
        copies = [(start, names[: bound[0]]) for (start, names), bound in zip(parts, bounds, strict=True)]
        makings = []
        for k in range(len(self.layers) - 1):
            for (start, names), bound in zip(parts, bounds, strict=True):
                low, high = bound[k], bound[k + 1]
                if high > low:
                    makings.append((start + low, self._points_at(names[low:high], place)))
        return Plan(len(vertices) + len(extra), len(vertices), tuple(copies), tuple(makings))

    def _points_at(self, names: Tensor, place: Tensor) -> Points:
        """New vertices as points between places."""
        points = self.points.take(names - self.old)
        return replace(points, first=place[points.first], second=place[points.second])

    def _ends_beside(self, vertices: Tensor) -> Tensor:
        """All vertices that some are made from and that are not among these, increasing."""
        seen = torch.zeros(self.rows, dtype=torch.bool, device=vertices.device)
        seen[vertices] = True
        extra = vertices[:0]
        for start, stop in reversed(list(pairwise(self.layers))):
            layer = torch.tensor([start, stop], device=extra.device) + self.old
            made = torch.cat([names[slice(*torch.searchsorted(names, layer).tolist())] for names in (vertices, extra)])
            ends = torch.cat([end[made - self.old] for end in (self.points.first, self.points.second)])
            fresh = torch.unique(ends[~seen[ends]])
            seen[fresh] = True
            extra = torch.sort(torch.cat([extra, fresh]))[0]
        return extra


@dataclass(frozen=True, eq=False)
class Cutting:
    """The functions that cut, prolonged to the vertices that they make: exactly at their level where they are.

    The fields given are new: nothing else refers to their memory.
    """

    field: FloatField
    """On the old vertices."""
    function: Tensor
    level: Tensor
    signs: Signs
    """Of all columns at the old vertices."""
    certain: Certain
    """Exact signs of columns, at old and new vertices."""
    prolongation: Prolongation

    def values(self, vertices: Tensor | None = None) -> FloatField:
        """The functions on some vertices, in that order, each given once, or (None) on all."""
        functions, certain = self._on(vertices, None)
        low = certain.take((certain.sign <= 0) & (self.level[certain.column] == 0))
        return replace(functions, settled=(low.vertex, self.function[low.column], low.sign))

    def rectified(self, vertices: Tensor | None = None) -> FloatField:
        """The same of max(f, 0), for functions f that are cut at the one level 0.

        A function that is below 0 at all old vertices is left out: it stays so wherever it is interpolated.
        """
        positive, _ = self._on(vertices, self.reaching)
        norms = torch.empty_like(positive.error)
        self.prolongation.kernel.rectify(positive.values, norms)
        self.know_zeros(positive.error, norms, vertices)
        return replace(positive, norms=norms, held=self.reaching, width=self.field.columns)

    def know_zeros(self, error: Tensor, norms: Tensor, vertices: Tensor | None = None) -> None:
        """Puts 0 for the errors and norms of rectified rows (at some vertices, or at all) that are zero, in place.

        They are where certainly no column is above its level. What nothing is known of stays so, and where nothing had
        to be decided exactly, nothing is looked for.
        """
        if not len(self.certain.vertex) or not len(zero := self.zero_rows):
            return
        if vertices is not None:
            zero = torch.isin(vertices, zero).nonzero(as_tuple=True)[0]
        zero = zero[error[zero].isfinite()]
        error[zero] = norms[zero] = 0.0

    @property
    def zero_rows(self) -> Tensor:
        """The vertices whose rectified rows are zero."""
        return self.nowhere_above

    @cached_property
    def nowhere_above(self) -> Tensor:
        """The vertices where no column is above its level: by all signs at an old one, by the zeros at a new one."""
        plan, count = self.prolongation, max(len(self.reaching), 1)
        given = self.signs, self.certain.vertex, plan.rows, count - 2  # two columns at most made a vertex
        nowhere, enough = plan.kernel.nowhere_above(*given)
        if not len(enough):
            return nowhere
        low = self.certain.take(self.certain.sign <= 0)
        low = low.take(torch.isin(low.vertex, enough))
        zeros = Certain.joined(low, self._made(enough, enough))
        column = self.places[zeros.column]
        there = column >= 0
        known = torch.zeros(len(enough), count, dtype=torch.bool, device=enough.device)
        known[torch.searchsorted(enough, zeros.vertex[there]), column[there]] = True
        return torch.cat([nowhere, enough[known.all(1)]])

    @property
    def reaching(self) -> Tensor:
        """The columns that are not below their level at all old vertices."""
        return self._reaching[0]

    @property
    def places(self) -> Tensor:
        """Where each column is among the ``reaching`` ones; -1 where it is not."""
        return self._reaching[1]

    @cached_property
    def _reaching(self) -> tuple[Tensor, Tensor]:
        return self.prolongation.kernel.reaching(self.signs, len(self.level))

    def _on(self, vertices: Tensor | None, held: Tensor | None) -> tuple[FloatField, Certain]:
        """The functions on some vertices, of all columns or of some, and the signs that are certain there."""
        plan = self.prolongation
        if vertices is None:
            field, certain = plan.carry(self.field, held), self.certain
            if held is None and not len(plan.points):
                scaled = None if field.scaled is None else replace(field.scaled, error=field.scaled.error.clone())
                field = replace(field, values=field.values.clone(), error=field.error.clone(), scaled=scaled)
            place = new = torch.arange(plan.old, plan.rows, device=field.values.device)
        else:
            field, certain = plan.carry_to(self.field, vertices, held), self._certain_at(vertices)
            place = (vertices >= plan.old).nonzero(as_tuple=True)[0]
            new = vertices[place]
        made = self._made(new, place)
        self._settle(field, made, certain, self._functions(held))
        return field, Certain.joined(made, certain)

    def _functions(self, held: Tensor | None) -> Tensor:
        """For each column the place of its function among those that are held; -1 for none."""
        if held is None:
            return self.function
        place = torch.full((self.field.columns,), -1, device=held.device)
        place[held] = torch.arange(len(held), device=held.device)
        return place[self.function]

    def _certain_at(self, vertices: Tensor) -> Certain:
        """The certain signs at some vertices, by their places."""
        if not len(self.certain.vertex):
            return self.certain
        place = torch.full((self.prolongation.rows,), -1, device=vertices.device)
        place[vertices] = torch.arange(len(vertices), device=place.device)
        return self.certain.moved(place)

    def _settle(self, grown: FloatField, made: Certain, certain: Certain, function: Tensor) -> None:
        """Puts in exact values where vertices were made, and moves others to the side on which they certainly are."""
        self.prolongation.kernel.put(grown.values, made.vertex, made.column, function, self.level)
        if len(certain.vertex):
            self._correct(grown, certain.take(function[certain.column] >= 0), function)

    def _made(self, new: Tensor, place: Tensor) -> Certain:
        """New vertices, by their places, with the columns that are at their level there because they made them."""
        points = self.prolongation.points
        column, also = (names[new - self.prolongation.old] for names in (points.column, points.also))
        twice = also >= 0
        vertex, column = torch.cat([place, place[twice]]), torch.cat([column, also[twice]])
        return Certain(vertex, column, torch.zeros_like(vertex, dtype=torch.int8))

    def _correct(self, grown: FloatField, certain: Certain, function: Tensor) -> None:
        """Moves values to the side of their level, or onto it, on which they are exactly (proofs/, Lemma 8)."""
        place = certain.vertex, function[certain.column]
        level = self.level[certain.column]
        beyond = torch.nextafter(level, level + certain.sign * torch.inf)
        wrong = torch.sign(grown.values[place] - level) != certain.sign
        grown.values[place] = torch.where(certain.sign == 0, level, torch.where(wrong, beyond, grown.values[place]))
        moved = (2 * UNIT * level.abs())[wrong]
        grown.error.index_add_(0, certain.vertex[wrong], moved)
        if grown.scaled is not None:
            shares = inverted(grown.scaled.scale)[place[1][wrong]]
            grown.scaled.error.index_add_(0, certain.vertex[wrong], moved * shares)


def _increasing(vertices: Tensor) -> Tensor | None:
    """The permutation that sorts; None when there is nothing to sort."""
    return None if bool((vertices[1:] > vertices[:-1]).all()) else torch.argsort(vertices)


def _plainly(field: FloatField) -> FloatField:
    """The values and their bounds alone, as after a prolongation."""
    return FloatField(
        field.values, field.error, zeros=field.zeros, scaled=field.scaled, held=field.held, width=field.width
    )


class _Growing:
    """A field to which new rows are added."""

    def __init__(self, field: FloatField, plan: Plan, held: Tensor | None, kernel: Kernel) -> None:
        self._wanted, self._kernel = plan.wanted, kernel
        columns = field.values.shape[1] if held is None else len(held)
        self._values = room(plan.rows, columns, field.values)
        self._error, self._norms = (field.error.new_empty(plan.rows) for _ in range(2))
        self._zeros = None if field.zeros is None or held is not None else field.zeros.new_empty(plan.rows, columns)
        self._scaled, self._shares = None, None
        if field.scaled is not None and held is None:
            bounds = (field.error.new_empty(plan.rows) for _ in range(2))
            self._scaled, self._shares = Scaled(field.scaled.scale, *bounds), inverted(field.scaled.scale)
        for start, rows in plan.copies:
            self._copy(field, rows, held, slice(start, start + (field.rows if rows is None else len(rows))))

    def _copy(self, field: FloatField, rows: Tensor | None, held: Tensor | None, target: slice) -> None:
        """Puts in old rows, or (None) all of them."""
        self._error[target] = field.error if rows is None else field.error[rows]
        if self._zeros is not None and field.zeros is not None:
            self._zeros[target] = field.zeros if rows is None else field.zeros[rows]
        if self._scaled is not None and field.scaled is not None:
            old = field.scaled if rows is None else field.scaled.rows(rows)
            self._scaled.error[target], self._scaled.size[target] = old.error, old.size
        self._kernel.copy(field.values, rows, held, self._values[target], self._norms[target])

    def make(self, start: int, points: Points) -> None:
        """Adds the rows of new vertices from a place on; those of their ends are there."""
        target = slice(start, start + len(points))
        if self._zeros is not None:
            self._zeros[target] = self._zeros[points.first] & self._zeros[points.second]
        if self._scaled is not None and self._shares is not None:
            self._bound_entries(target, points, self._scaled, self._shares)
        self._kernel.interpolate(self._values, self._error, self._norms, start, points)

    def _bound_entries(self, target: slice, points: Points, scaled: Scaled, shares: Tensor) -> None:
        """The bounds in the scaled norm: those of ``Kernel.interpolate`` in another norm."""
        ends = scaled.error[points.first], scaled.error[points.second]
        sizes = scaled.size[points.first], scaled.size[points.second]
        reach = self._kernel.largest_steps(self._values, points, shares) + ends[0] + ends[1]
        bound = torch.lerp(*ends, points.position) + points.slack * reach + 8 * UNIT * (sizes[0] + sizes[1])
        scaled.error[target] = lifted(bound * ROUND_UP)
        scaled.size[target] = lifted(torch.lerp(*sizes, points.position) * ROUND_UP)

    def field(self) -> FloatField:
        """The rows that are wanted."""
        zeros = None if self._zeros is None else self._zeros[: self._wanted]
        scaled = self._scaled
        if scaled is not None:
            scaled = Scaled(scaled.scale, scaled.error[: self._wanted], scaled.size[: self._wanted])
        return FloatField(self._values[: self._wanted], self._error[: self._wanted], zeros=zeros, scaled=scaled)
