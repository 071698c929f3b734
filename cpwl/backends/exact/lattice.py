"""Exact arrangements of any dimension: a lattice with rational rows at its vertices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import factorial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import BackendError
from ...geometry.arrangement import Created, ExactWalls, Refinement
from ...geometry.ladder import Functions
from ...geometry.polytope import Polytope
from ...numbers.integers import Integer, array, ratio_sum
from ...numbers.rounding import floats
from ...runtime.inputs import finite
from ..lattice.arrangement import LatticeArrangement
from ..lattice.cut import Crossing, Cut
from ..lattice.growing import Words, dense, packed
from ..lattice.lattice import Lattice
from ..lattice.measure import ExactPoints, NearPoints, exact_volumes
from .coordinates import ExactCoordinates
from .cutter import Shares, columns_of, prolonged, shares_of
from .field import ExactField, combination, field_of_rows, rows_of, stacked


class ExactLatticeArrangement(ExactCoordinates, LatticeArrangement[ExactField]):
    """A polytope cut into convex regions, every coordinate and every decision exact."""

    @classmethod
    def of(cls, polytope: Polytope, *, device: str | None = None) -> ExactLatticeArrangement:
        """The arrangement with one region, the polytope itself."""
        if device not in (None, "cpu"):
            raise BackendError(f"device must be None for the exact backend, got {device!r}: it computes on the CPU.")
        return cls(ExactField.of(polytope.vertices, 1), Lattice.of(polytope), np.zeros(1, np.int64))

    def _rows(self, field: ExactField, rows: NDArray[np.int64]) -> ExactField:
        return field.take(rows)

    def field(self, values: NDArray[Any]) -> ExactField:
        """The field with the given values (V, K)."""
        table = self._checked(values)
        return ExactField.of(table if table.dtype == object else finite("values", table), weight=1)

    # ---- measures --------------------------------------------------------------------------------------------------
    @cached_property
    def vertices(self) -> NDArray[Any]:
        """Coordinates (V, D), Fractions."""
        return self._points.to_numpy()

    @cached_property
    def _near(self) -> NearPoints:
        values = floats(self.vertices)
        return NearPoints(values, np.abs(values).sum(axis=1) * 2.0**-52 + 2.0**-1000)

    def _rounded(self) -> NearPoints:
        return self._near

    def _exact_points(self, walls: ExactWalls | None) -> ExactPoints:
        points = self._points
        return lambda vertices: np.concatenate(
            [points.numerators[vertices], points.denominators[vertices, None]], axis=1
        )

    def volumes(self) -> NDArray[Any]:
        """Volumes (R,), Fractions."""
        simplices = exact_volumes(self._lattice, np.arange(len(self)), self._exact_points(None))
        whole = [ratio_sum(list(zip(*parts, strict=True))) / factorial(self.dim) for parts in simplices]
        return array(whole, (len(whole),))

    # ---- change ----------------------------------------------------------------------------------------------------
    def refine(self, values: ExactField, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[ExactField]:
        """The arrangement cut by every level set; see ``Arrangement.refine``."""
        self._check_refine(values, levels)
        rows = _Rows(values, levels)
        refined = Cut(self._lattice, *rows.signs(), len(levels.values), rows).run(self._generation + 1)
        created = Created(*refined.made)
        arrangement = ExactLatticeArrangement(
            prolonged(self._points, created, rows.shares),
            refined.lattice,
            refined.parents,
            self._generation + 1,
            names=self._names_after(refined),
        )
        return Refinement(
            arrangement,
            lambda field: prolonged(field, created, rows.shares),
            lambda field, vertices: prolonged(field, created, rows.shares).take(vertices),
            below=refined.below,
            created=created,
            cutting=lambda vertices: rows.field if vertices is None else rows.field.take(vertices),
        )

    # ---- blocks ----------------------------------------------------------------------------------------------------
    def _beside(self, fields: Sequence[ExactField]) -> ExactField:
        return stacked(fields)


class _Rows:
    """Functions at vertices; see ``cut.Values``."""

    certain: ClassVar[bool] = True

    def __init__(self, values: ExactField, levels: Ragged) -> None:
        self._columns, self._width = columns_of(levels), values.columns
        self._rows = rows_of(values)
        self.shares: list[Shares] = []
        """Of each new vertex those of the two that it lies between."""

    def signs(self) -> tuple[Words, Words]:
        """The columns that are below, and above, their level at each vertex."""
        signs = np.array([[_sign(column.above(row)) for column in self._columns] for row in self._rows], np.int8)
        table = signs.reshape(len(self._rows), len(self._columns))
        return packed(table < 0), packed(table > 0)

    def cross(self, crossing: Crossing, open_: Words) -> tuple[Words, Words]:
        """See ``Values``."""
        column = self._columns[crossing.column]
        asked = dense(open_, len(self._columns))
        signs = np.zeros(asked.shape, np.int8)
        for i, (a, b) in enumerate(zip(crossing.below.tolist(), crossing.above.tolist(), strict=True)):
            shares = shares_of(self._rows[a], self._rows[b], column)
            row = combination(self._rows[a], self._rows[b], shares)
            self._rows.append(row)
            self.shares.append(shares)
            for c in np.flatnonzero(asked[i]).tolist():
                signs[i, c] = _sign(self._columns[c].above(row))
        return packed(signs < 0), packed(signs > 0)

    @cached_property
    def field(self) -> ExactField:
        """The functions at all vertices, once they are made."""
        return field_of_rows(self._rows, self._width)


def _sign(value: Integer) -> int:
    return (value > 0) - (value < 0)
