"""Area vectors, areas and volumes of polygons in space, with bounds that count how far corners are off (Lemma 19)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays.ragged import Ragged
from ...numbers.norms import norms
from ...numbers.rounding import floats

Floats = NDArray[np.float64]

_UNIT = 2.0**-53
_UP = 1 + 2.0**-20
"""Covers the rounding of a bound's own evaluation."""
_LOST = 2.0**-1000
"""More than a coordinate loses when it is scaled."""
_LEAST = 2.0**-1074
"""Twice what is lost where a number becomes subnormal."""
_TINY = 2.0**-500
"""More than what underflow takes away from a product of numbers that are not tiny themselves."""


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons in space with corners in float64, each within ``slack`` of an exact one, which lie in a plane.

    All in units of 2^exponent, in which the largest coordinate is about 1, so that no product leaves float64's range.
    """

    corners: Floats
    """(n, 3), polygon by polygon."""
    rows: Ragged
    """Rows of which polygon i has entries; the values do not matter."""
    slack: Floats
    """For each polygon (S,)."""
    exponent: int
    """See above."""

    @classmethod
    def of(cls, vertices: NDArray[Any], faces: Ragged, slack: Floats) -> Polygons:
        """Those with these corners; rational ones are rounded, which counts as slack, as does what underflows."""
        corners = floats(vertices)[faces.values]
        if vertices.dtype == object:
            slack = slack + faces.reduce(np.maximum, np.abs(corners).max(axis=1, initial=0.0)) * 4 * _UNIT
        exponent = int(np.frexp(np.abs(corners).max(initial=0.0))[1])
        return cls(np.ldexp(corners, -exponent), faces, np.ldexp(slack, -exponent) + _LOST, exponent)

    def measured(self, values: ArrayLike, dim: int) -> Floats:
        """Lengths, areas or volumes (``dim`` 1, 2, 3) in their own unit; infinite where float64 has none so large."""
        with np.errstate(over="ignore"):
            return np.asarray(np.ldexp(values, dim * self.exponent), np.float64)

    def bounded(self, errors: ArrayLike, values: ArrayLike, dim: int) -> Floats:
        """Bounds on the errors of ``measured`` values, which may be subnormal, so rounded, or overflow."""
        return np.where(np.isfinite(self.measured(values, dim)), self.measured(errors, dim) + _LEAST, np.inf)

    @cached_property
    def _arms(self) -> tuple[Floats, Floats]:
        """For each corner the vectors from the first corner of its polygon to it, and to the next."""
        first = self.corners[self.rows.offsets[:-1]][self.rows.row_of]
        arms = self.corners - first
        return arms, arms[self.rows.successor]

    @cached_property
    def vectors(self) -> Floats:
        """The area vector of each (S, 3): as long as it is large, seen from its tip counter-clockwise."""
        return np.asarray(self._sums(np.cross(*self._arms)) / 2)

    @cached_property
    def sizes(self) -> Floats:
        """For each the sum of |a| |b| / 2 over its triangles from the first corner, with arms a and b, (S,)."""
        lengths = norms(self._arms[0])
        return self._sums(lengths * lengths[self.rows.successor]) / 2

    @cached_property
    def reach(self) -> Floats:
        """For each the sum of |a| + |b| over those triangles, (S,)."""
        lengths = norms(self._arms[0])
        return self._sums(lengths + lengths[self.rows.successor])

    @cached_property
    def vector_errors(self) -> Floats:
        """By how much the exact area vector may differ, in the 2-norm, (S,): Lemma 19 (a)."""
        counts, slack = self.rows.counts, self.slack
        moved = slack * self.reach + 2 * counts * slack**2
        return (moved + (counts + 12) * _UNIT * self.sizes) * _UP + _TINY

    @cached_property
    def areas(self) -> Floats:
        """(S,)"""
        return norms(self.vectors)

    @cached_property
    def area_errors(self) -> Floats:
        """How far each of ``areas`` may be from that of the exact polygon, (S,)."""
        return self.vector_errors + 8 * _UNIT * self.areas

    def facing(self, directions: Floats, errors: Floats) -> NDArray[np.int8]:
        """1 where the exact area vector's product with an exact direction is surely positive, -1: negative, else 0.

        ``directions`` (S, 3) are off by at most ``errors`` (S,).
        """
        products = (self.vectors * directions).sum(axis=1)
        sizes, lengths = self.areas, norms(directions)
        bound = self.vector_errors * (lengths + errors) + sizes * errors + 8 * _UNIT * sizes * lengths
        with np.errstate(invalid="ignore"):
            certain = np.abs(products) > bound * _UP + _TINY
        return np.where(certain, np.sign(products), 0).astype(np.int8)

    def cones(self, apexes: Floats) -> tuple[Floats, Floats]:
        """Signed volumes between each polygon and a point; added up over a closed surface, its volume. And the bounds.

        The points are given in their own unit, unlike these. The bound on a sum over a closed surface is the sum of
        these: Lemma 19 (c).
        """
        arms = self.corners[self.rows.offsets[:-1]] - np.ldexp(apexes, -self.exponent)
        volumes = (arms * self.vectors).sum(axis=1) / 3
        swept = self.slack * (self.sizes + self.slack * self.reach + 2 * self.rows.counts * self.slack**2)
        rounding = (self.rows.counts + 24) * _UNIT * norms(arms) * self.sizes
        return volumes, (swept + rounding) * _UP + _TINY

    def _sums(self, values: Floats) -> Floats:
        return self.rows.reduce(np.add, values) if len(self.rows) else values[:0]


def exact_vectors(vertices: NDArray[Any], polygons: Ragged) -> NDArray[Any]:
    """Twice the area vectors of polygons with rational corners, (S, 3) Fractions."""
    corners = vertices[polygons.values]
    first = corners[polygons.offsets[:-1]][polygons.row_of] if len(polygons) else corners
    arms = corners - first
    following = arms[polygons.successor]
    crossed = [arms[:, j] * following[:, k] - arms[:, k] * following[:, j] for j, k in ((1, 2), (2, 0), (0, 1))]
    return polygons.reduce(np.add, np.stack(crossed, axis=1)) if len(polygons) else np.zeros((0, 3), object)


def total(values: Floats, errors: Floats) -> tuple[float, float]:
    """The sum of numbers, rounded once, and a bound on how far it may be from that of the exact ones."""
    rounded = fsum(values.tolist())
    return rounded, fsum(errors.tolist()) * _UP + abs(rounded) * _UNIT
