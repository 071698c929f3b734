"""Fields as combinations of a few rows: where far fewer units bend than there are vertices (proofs/, Lemma 11).

On a piece of a slice nearly all units of a convolutional network stay on one of their pieces. The row of a vertex is
then an affine function of its coordinates and of what the few others, which *bend* there, add to it: a constant row,
plus a combination of *generators* with coefficients of the vertex. Generators go through the network, not vertices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....arrays.ragged import Ragged
from ..fields.field import ROUND_UP, SMALLEST, FloatField, Sharp, gamma, lifted, row_norms
from ..long_numbers.arithmetic import ExtendedField
from ..portable import Portable


@dataclass(frozen=True, eq=False)
class Bending:
    """Which pieces functions take after a refinement by their levels: piece k is above k of them, or at the last."""

    functions: Tensor
    """Those that may reach a level, increasing; every other one keeps one piece."""
    values: FloatField
    """These functions at the vertices."""
    lowest: Tensor
    """Of all functions the lowest piece on a region, int64 (K,)."""
    highest: Tensor
    """The highest."""

    @property
    def bent(self) -> Tensor:
        """Positions, among ``functions``, of those with more than one piece."""
        return (self.highest > self.lowest)[self.functions].nonzero(as_tuple=True)[0]


@dataclass(frozen=True, eq=False)
class Making(Portable):
    """How a nonlinear node was applied to a spanned field: on which pieces, and which units became generators."""

    node: int
    """Its index in the network."""
    base: Tensor
    """The piece of each unit in the constant and in the generators before, int64 (units,)."""
    units: Tensor
    """Those that bend: generators stand for what they are over that piece."""
    keys: tuple[int, ...]
    """Of these generators."""


@dataclass(frozen=True, eq=False)
class Recipe(Portable):
    """What a spanned field can be made from again: all but the rows."""

    coefficients: FloatField
    sizes: tuple[tuple[int, int], ...]
    """Keys of generators and how many rows each has, in the order of their coefficients."""
    makings: tuple[Making, ...]
    parts: int
    """Of the numbers in the generators."""

    @property
    def columns(self) -> dict[int, slice]:
        """Where the coefficients of generators are."""
        ends = np.cumsum([0, *(size for _, size in self.sizes)]).tolist()
        return {key: slice(start, stop) for (key, _), start, stop in zip(self.sizes, ends, ends[1:], strict=False)}

    @property
    def known_zeros(self) -> Tensor:
        """Coefficients known to be zero, bool (V, r)."""
        known = self.coefficients.zeros
        return torch.zeros(self.coefficients.values.shape, dtype=torch.bool) if known is None else known

    @classmethod
    def joined(cls, recipes: Sequence[Recipe]) -> Recipe:
        """The coefficients and makings of several fields on the same vertices."""
        first = recipes[0]
        makings = tuple({making.node: making for recipe in recipes for making in recipe.makings}.values())
        keys = {key for recipe in recipes for key, _ in recipe.sizes}
        for recipe in recipes:
            if len(recipe.sizes) == len(keys):
                return replace(recipe, makings=makings)
        source = {key: recipe for recipe in reversed(recipes) for key, _ in recipe.sizes}
        sizes = {key: size for recipe in recipes for key, size in recipe.sizes}
        order = sorted(sizes)
        places = [(source[key], source[key].columns[key]) for key in order]
        values = torch.cat([recipe.coefficients.values[:, columns] for recipe, columns in places], 1)
        zeros = torch.cat([recipe.known_zeros[:, columns] for recipe, columns in places], 1)
        error = row_norms(torch.stack([recipe.coefficients.error for recipe in recipes], 1))
        coefficients = FloatField(values, lifted(error * ROUND_UP), zeros=zeros)
        return cls(coefficients, tuple((key, sizes[key]) for key in order), makings, first.parts)


@dataclass(frozen=True, eq=False)
class Generators:
    """Rows of weight 0 that are made together, and their coefficients."""

    rows: ExtendedField
    columns: slice
    """Where their coefficients are among those of a field."""


@dataclass(frozen=True, eq=False)
class LowRankField:
    """The function ``constant`` + the combination of all generators with a vertex's coefficients, at each vertex."""

    coefficients: FloatField
    """(V, r)"""
    constant: ExtendedField
    """One row, of weight 1."""
    generators: Mapping[int, ExtendedField]
    """Rows of weight 0, r in all, by a key: their coefficients come in this order."""
    makings: tuple[Making, ...]
    """How this field, and those that it was made from, came about."""
    numbers: NDArray[np.int64]
    """Functions with one number are the same on all regions, and those with number 0 are zero (``ValueNumbering``)."""
    bending: Bending | None = None
    """Of the functions by which the arrangement has just been refined."""

    @property
    def rows(self) -> int:
        """The number of vertices V."""
        return self.coefficients.rows

    @property
    def columns(self) -> int:
        """The number of functions K."""
        return int(self.constant.zeros.shape[1])

    @property
    def recipe(self) -> Recipe:
        """What it can be made from again."""
        sizes = tuple((key, rows.rows) for key, rows in self.generators.items())
        return Recipe(self.coefficients, sizes, self.makings, self.parts)

    def __reduce__(self) -> tuple[Any, ...]:
        """What travels to another process is the recipe."""
        return replace, (self.recipe,)

    @property
    def parts(self) -> int:
        """Of the numbers in the generators; those in the constant have more."""
        return next(iter(self.generators.values())).digits.count

    def placed(self) -> list[Generators]:
        """The generators with the places of their coefficients."""
        columns = self.recipe.columns
        return [Generators(rows, columns[key]) for key, rows in self.generators.items()]

    def take(self, rows: Tensor) -> LowRankField:
        """The field of the given vertices."""
        return self.changed(lambda coefficients: coefficients.take(rows))

    def changed(self, change: Callable[[FloatField], FloatField]) -> LowRankField:
        """The field with other coefficients: on other vertices."""
        return replace(self, coefficients=change(self.coefficients), bending=None)

    @cached_property
    def enclosure(self) -> Enclosure:
        """Bounds of all functions over all vertices."""
        return Enclosure.of(self)

    def on(self, functions: Tensor) -> FloatField:
        """Some functions at the vertices, with a bound for each entry."""
        bounds = self.enclosure
        base = _sum(self.constant)[0, functions]
        rows = [_sum(part)[:, functions] for part in self.generators.values()]
        values = base + self.coefficients.values @ torch.cat(rows)
        column, floor = bounds.column[functions], bounds.floor[functions]
        row = self.coefficients.error
        error = (row * row_norms(column[None]) + row_norms(floor[None])) * ROUND_UP
        # Decisions are exact, so what a float one would take for zero must be no more than the bound: the bound itself.
        return FloatField(values, lifted(error), Sharp(row, column, floor), fresh=row, zeros=self._zeros(functions))

    def _zeros(self, functions: Tensor) -> Tensor | None:
        """Entries known to be zero: whatever is not zero there in a generator has a coefficient that is."""
        known = self.coefficients.zeros
        if known is None:
            return None
        present = torch.cat([~rows.zeros[:, functions] for rows in self.generators.values()])
        terms = (~known).to(torch.float32) @ present.to(torch.float32)
        return (terms == 0) & self.constant.zeros[:, functions]

    def whole(self) -> FloatField:
        """All functions at the vertices."""
        return self.on(torch.arange(self.columns))

    def signs(self) -> NDArray[np.int8]:
        """Signs (V, K) in int8; 0 where the error bound does not decide."""
        return self.whole().signs()

    def limits(self) -> NDArray[np.float64]:
        """Bounds on the errors of the entries, (V, K)."""
        return self.whole().limits()

    def errors(self) -> NDArray[np.float64]:
        """Bounds on the 2-norms of the rows' errors, (V,)."""
        return self.whole().errors()

    def to_numpy(self) -> NDArray[np.float64]:
        """The values (V, K)."""
        return self.whole().to_numpy()


@dataclass(frozen=True, eq=False)
class Enclosure:
    """For each function a centre, and how far from it values at vertices can be; with what their bounds are made of."""

    centre: Tensor
    """(K,)"""
    radius: Tensor
    """Everywhere on the block a function is this near to its centre."""
    column: Tensor
    """What a vertex's error of the coefficients is to be multiplied by."""
    floor: Tensor
    """What is off whatever the vertex."""
    zero: Tensor
    """Functions known to be zero everywhere."""

    @classmethod
    def of(cls, field: LowRankField) -> Enclosure:
        """Bounds from the range of each coefficient (proofs/, Lemma 11 (b))."""
        stored = field.coefficients.values
        low, high = stored.amin(0), stored.amax(0)
        middle = (low + high) / 2
        spread = torch.maximum(high - middle, middle - low)
        size = torch.maximum(low.abs(), high.abs())
        centre, magnitude = _sum(field.constant)[0], _sum_of_magnitudes(field.constant)[0]
        floor, zero = field.constant.error * ~field.constant.zeros[0], field.constant.zeros[0].clone()
        radius, squares, total = (torch.zeros_like(centre) for _ in range(3))
        for part in field.placed():
            rows, here = _sum(part.rows), part.columns
            absolute, unknown = _sum_of_magnitudes(part.rows), (~part.rows.zeros).to(torch.float64)
            centre = centre + middle[here] @ rows
            radius += spread[here] @ absolute
            magnitude += size[here] @ absolute
            floor = floor + (size[here] * part.rows.error) @ unknown
            most = absolute + part.rows.error[:, None] * unknown
            squares += most.square().sum(0)
            total += most.sum(0)
            zero &= part.rows.zeros.all(0)
        floor = lifted((floor + gamma(stored.shape[1] + field.constant.digits.count + 4) * magnitude) * ROUND_UP)
        column = squares.sqrt() * ROUND_UP
        column = torch.where(total > 0, column.clamp(min=SMALLEST), column)
        off = field.coefficients.error.max() * column + 2 * floor
        return cls(centre, (radius + off) * ROUND_UP, column, floor, zero)

    def reaching(self, function: Tensor, level: Tensor) -> Tensor:
        """Which of the pairs of a function and a level may be equal at a vertex, or on two sides; bool."""
        apart = (self.centre[function] - level).abs() > self.radius[function]
        return ~apart & ~self.zero[function]


@dataclass(frozen=True, eq=False)
class Alike:
    """Some functions that have levels, of which several may be the same one with the same levels."""

    functions: NDArray[np.int64]
    first: NDArray[np.int64]
    """One of each kind, increasing."""
    place: NDArray[np.int64]
    """For each function the place of its like among the first ones."""

    @classmethod
    def of(cls, numbers: NDArray[np.int64], levels: Ragged, functions: NDArray[np.int64]) -> Alike:
        """Functions with the same number (``ValueNumbering``), if all have the same levels."""
        chosen = levels.take(functions).values
        shared = len(functions) > 0 and np.array_equal(chosen, np.tile(levels[int(functions[0])], len(functions)))
        names = numbers[functions] if shared else np.arange(len(functions))
        _, first, kind = np.unique(names, return_index=True, return_inverse=True)
        order = np.argsort(first)
        return cls(functions, functions[first[order]], np.argsort(order)[kind.ravel()])

    def columns(self, levels: Ragged) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For the columns (function, level) of all functions: which they are, and their like among the first ones'."""
        here = Ragged(np.arange(len(levels.values)), levels.offsets).take(self.functions)
        counts = levels.counts[self.first]
        starts = Ragged.from_counts(np.arange(counts.sum()), counts)
        return here.values, starts.take(self.place).values


def repeated(field: FloatField, place: NDArray[np.int64]) -> FloatField:
    """Functions given by their places among those of a field of points, some of them several times."""
    index = torch.as_tensor(place)
    zeros = torch.zeros(field.values.shape, dtype=torch.bool) if field.zeros is None else field.zeros.clone()
    if field.settled is not None:
        row, column, sign = field.settled
        zeros[row[sign == 0], column[sign == 0]] = True
    copies = int(np.bincount(place).max(initial=1))
    return FloatField(field.values[:, index], lifted(field.error * (sqrt(copies) * ROUND_UP)), zeros=zeros[:, index])


def aligned(fields: Sequence[LowRankField]) -> tuple[Recipe, list[Mapping[int, ExtendedField]]]:
    """How fields on the same vertices were made, and the generators of each: all that one of them has."""
    recipe = Recipe.joined([field.recipe for field in fields])
    rows_of = {key: rows for field in fields for key, rows in field.generators.items()}
    padded = [
        {key: field.generators.get(key, _zero_rows(rows_of[key], field.columns)) for key, _ in recipe.sizes}
        if len(field.generators) < len(rows_of)
        else field.generators
        for field in fields
    ]
    return recipe, padded


def _zero_rows(like: ExtendedField, columns: int) -> ExtendedField:
    """As many rows of zeros."""
    part = torch.zeros(like.rows, columns, dtype=torch.float64)
    digits = replace(like.digits, parts=(part,) * like.digits.count)
    return replace(
        like, digits=digits, error=torch.zeros_like(like.error), zeros=torch.ones_like(part, dtype=torch.bool)
    )


def _sum(rows: ExtendedField) -> Tensor:
    """Rows in float64."""
    total = rows.digits.parts[-1]
    for part in reversed(rows.digits.parts[:-1]):
        total = total + part
    return total


def _sum_of_magnitudes(rows: ExtendedField) -> Tensor:
    total = rows.digits.parts[-1].abs()
    for part in reversed(rows.digits.parts[:-1]):
        total = total + part.abs()
    return total
