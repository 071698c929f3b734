"""Polyhedra by halfspaces, normal . y + offset >= 0, each with the unit that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..runtime.ieee import ieee
from .clipping import bounding
from .domain import exactly
from .polytope import Polytope

DOMAIN = -1
"""Stands for the domain where the number of a unit is asked for."""


@ieee
@dataclass(frozen=True, eq=False)
class Halfspaces:
    """An H-representation: the points y with normals y + offsets >= 0, and inside ``polytope`` if there is one."""

    normals: NDArray[Any]
    """(M, D): float64, or Fractions from the exact backend."""
    offsets: NDArray[Any]
    """(M,)"""
    units: NDArray[np.int64]
    """For each halfspace the unit (column of the pattern) whose piece ends there, int64 (M,); -1 for the domain."""
    errors: NDArray[np.float64]
    """How far normals y + offsets may be from the exact value, anywhere on the polytope, (M,): 0 when exact, infinite
    where nothing is known (a float result without a domain)."""
    polytope: Polytope | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    def __repr__(self) -> str:
        return f"<Halfspaces: {len(self)} in dimension {self.normals.shape[1]}, {'exact' if self.exact else 'float64'}>"

    @property
    def exact(self) -> bool:
        """Whether the numbers are exact rationals."""
        return self.normals.dtype == object

    def values(self, points: NDArray[Any]) -> NDArray[Any]:
        """normals y + offsets at points y (N, D): (N, M)."""
        return np.asarray(points @ self.normals.T + self.offsets)

    def irredundant(self) -> Irredundant:
        """The halfspaces none of which can be left out; the sides of the polytope among them, with unit -1.

        In two dimensions, on a polytope, an exact result is the list of the polygon's edges, and of a float one it is
        said what is certain. Otherwise pycddlib removes redundant rows, exactly for the rows as given; then only exact
        rows are certain. Raises ``ArgumentError`` when the interior is empty (x on a breakpoint can have a pattern that
        no region has).
        """
        if self.polytope is not None and self.polytope.dim == 2:
            return self._in_polygon(self.polytope)
        return self._by_double_description()

    def behind(self, sides: NDArray[np.int64]) -> Halfspaces:
        """These, behind some sides of the polytope, given by their numbers."""
        assert self.polytope is not None
        return self._with(
            np.array([self.polytope.sides[i] for i in sides], dtype=object).reshape(-1, self.polytope.dim + 1)
        )

    def _in_polygon(self, polytope: Polytope) -> Irredundant:
        table = np.concatenate([self.normals, self.offsets[:, None]], axis=1)
        kept = bounding(polytope, table, self.errors)
        if not len(kept.rows):
            raise ArgumentError(
                "the halfspaces must have a common interior point; these have none on the domain. Take a domain that "
                "meets the region (the slice through x), and an x at which no unit is at a breakpoint."
            )
        border = np.array(polytope.sides, dtype=object)
        return Irredundant(self._with(border).take(kept.rows), kept.certain, kept.complete)

    def _by_double_description(self) -> Irredundant:
        from .polyhedra import halfspaces_of, irredundant

        rows = self
        if self.polytope is not None:
            border = halfspaces_of(self.polytope.vertices)
            rows = self._with(np.roll(border, -1, axis=1))
        if not len(rows):
            return Irredundant(rows, np.zeros(0, np.bool_), True)
        kept = irredundant(np.concatenate([rows.offsets[:, None], rows.normals], axis=1))
        return Irredundant(rows.take(kept), np.full(len(kept), self.exact), self.exact)

    def _with(self, border: NDArray[Any]) -> Halfspaces:
        """The rows [normal, offset] of the domain's sides, Fractions, and then these."""
        wanted = border if self.exact else border.astype(np.float64)
        rounding = np.abs(border - exactly(border.astype(np.float64))) if not self.exact else np.zeros(border.shape)
        assert self.polytope is not None
        reach = np.append(np.abs(self.polytope.vertices).max(axis=0), 1.0)
        return Halfspaces(
            np.concatenate([wanted[:, :-1], self.normals]),
            np.concatenate([wanted[:, -1], self.offsets]),
            np.concatenate([np.full(len(border), DOMAIN), self.units]),
            np.concatenate([rounding.astype(np.float64) @ reach * 2, self.errors]),
            self.polytope,
        )

    def take(self, rows: NDArray[np.int64]) -> Halfspaces:
        """The halfspaces with the given numbers."""
        return Halfspaces(self.normals[rows], self.offsets[rows], self.units[rows], self.errors[rows], self.polytope)


@ieee
@dataclass(frozen=True, eq=False)
class Irredundant:
    """The halfspaces that bound a polyhedron, and how certain that is."""

    halfspaces: Halfspaces
    certain: NDArray[np.bool_]
    """Which of them certainly bound it, bool (F,): all when exact."""
    complete: bool
    """Whether it is certain that no other halfspace does."""

    def __len__(self) -> int:
        return len(self.halfspaces)
