"""Which regions hold a point: in float64 with bounds, or exactly, from the sides of planes that it is on.

A region is one cell, bounded by the planes of its facets, where the vertices of a facet lie in one plane, as exact ones
do. With vertices that are rounded it is the union of its simplices, of which there may be D! a facet: so these are
asked only where the planes of facets, with what vertices are off, leave it open (proofs/, Lemma 15 (h)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import factorial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...arrays.batches import batches
from ...arrays.ragged import Ragged
from ...geometry.ladder import Rung, climb
from ...numbers.integers import Integers, determinants, signs
from .lattice import Faces, Lattice, distinct
from .measure import ExactPoints, NearPoints, simplex_volumes

_NUMBERS = 1 << 22
"""Numbers that are held at once."""

Signs = NDArray[np.int8]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Regions, and a point for each."""

    regions: Faces
    near: NearPoints
    """The points in float64."""
    exactly: Callable[[Rows], Integers]
    """The points of some pairs in homogeneous integers, (n, D + 1)."""


@dataclass(frozen=True, eq=False)
class Sides:
    """Convex cells of which regions consist, each the intersection of the halfspaces at its sides."""

    of_region: Ragged
    """The sides of each region, cell by cell."""
    cell: NDArray[np.int64]
    """The cell of each side."""
    corners: NDArray[np.int64]
    """D vertices that span each side, (n, D)."""
    apex: NDArray[np.int64]
    """A vertex of the cell that does not lie on the side."""


class Cells(Protocol):
    """The convex cells of which regions of a lattice consist."""

    @property
    def lattice(self) -> Lattice:
        """The lattice."""
        ...

    def sides(self, regions: Faces) -> Sides:
        """The sides of the cells of some regions."""
        ...

    def most(self, regions: Faces) -> int:
        """No region of these has more sides."""
        ...


@dataclass(frozen=True, eq=False)
class ByFacets:
    """Each region is one cell: right where the vertices of a facet lie in one plane."""

    lattice: Lattice

    def sides(self, regions: Faces) -> Sides:
        """One side a facet."""
        lattice = self.lattice
        region, facet = lattice.members(lattice.dim, regions)
        of_region = Ragged.from_counts(np.arange(len(facet)), np.bincount(region, minlength=len(regions)))
        corners = lattice.corners(lattice.dim - 1, facet)
        vertices = lattice.corners(lattice.dim, regions).take(region)
        keys, on = (part.row_of * lattice.vertices + part.values for part in (vertices, corners))
        off = np.flatnonzero(~np.isin(keys, on, assume_unique=True))
        first = np.searchsorted(vertices.row_of[off], np.arange(len(facet)))
        return Sides(of_region, region, lattice.spanning(facet, lattice.dim - 1), vertices.values[off[first]])

    def most(self, regions: Faces) -> int:
        """The most facets."""
        return int(self.lattice.boundary[-1].counts[regions].max(initial=0))


@dataclass(frozen=True, eq=False)
class BySimplices:
    """Each region is the union of its simplices, with whatever coordinates; there are up to D! of a facet's size."""

    lattice: Lattice

    def sides(self, regions: Faces) -> Sides:
        """D + 1 sides a simplex."""
        dim = self.lattice.dim
        region, simplices = self.lattice.simplices(regions)
        counts = np.bincount(region, minlength=len(regions)) * (dim + 1)
        others = np.array([[j for j in range(dim + 1) if j != k] for k in range(dim + 1)])
        sides = np.arange(simplices.size)
        corners = simplices[:, others].reshape(-1, dim)
        return Sides(Ragged.from_counts(sides, counts), sides // (dim + 1), corners, simplices.ravel())

    def most(self, regions: Faces) -> int:
        """(D + 1)! for each of the most facets."""
        return ByFacets(self.lattice).most(regions) * factorial(self.lattice.dim + 1)


def exact_regions_hold(lattice: Lattice, pairs: Pairs, near: NearPoints, exact: ExactPoints) -> Mask:
    """Which pairs' exact region, which is closed, holds the point; ``near`` and ``exact`` are the vertices."""
    answers, facets = _Answers(pairs), ByFacets(lattice)
    return answers.after([answers.nearly(facets, near), answers.exactly(facets, exact)])


def stored_regions_hold(lattice: Lattice, pairs: Pairs, near: NearPoints, exact: ExactPoints, certain: Mask) -> Mask:
    """Which pairs' region, the union of its simplices with the vertices that are stored, holds the point.

    ``near``: these vertices, and how far they are from exact ones in regions that are ``certain``, bool (R,);
    ``exact``: these vertices as they are.
    """
    answers, facets, simplices = _Answers(pairs), ByFacets(lattice), BySimplices(lattice)
    widest = NearPoints(near.values, _widest(lattice, near.errors))
    stored = NearPoints(near.values, np.zeros(len(near.errors)))
    rungs = [answers.nearly(facets, widest, certain), answers.nearly(simplices, stored)]
    return answers.after([*rungs, answers.exactly(simplices, exact)])


def _widest(lattice: Lattice, errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each vertex the largest error of any vertex that shares a region with it."""
    corners = lattice.corners(lattice.dim)
    of_region = corners.reduce(np.maximum, errors[corners.values])
    result: NDArray[np.float64] = errors.copy()
    np.maximum.at(result, corners.values, of_region[corners.row_of])
    return result


class _Answers:
    """For each pair whether its region holds its point, as far as is known."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs, self._inside = pairs, np.zeros(len(pairs.regions), np.bool_)

    def nearly(self, cells: Cells, vertices: NearPoints, certain: Mask | None = None) -> Rung:
        """The rung that knows vertices up to their errors; of regions that are ``certain``, (R,), or all."""

        def ask(some: Rows) -> Mask:
            regions = self._pairs.regions[some]
            asked = np.arange(len(some)) if certain is None else np.flatnonzero(certain[regions])
            told = np.zeros(len(some), np.int8)
            told[asked] = surely_inside(cells, regions[asked], vertices, self._pairs.near.take(some[asked]))
            self._inside[some] = told > 0
            return np.asarray(told == 0)

        return Rung("float64", ask)

    def exactly(self, cells: Cells, vertices: ExactPoints) -> Rung:
        """The rung that leaves nothing open."""

        def ask(some: Rows) -> Mask:
            points = self._pairs.exactly(some)
            self._inside[some] = inside_exactly(cells, self._pairs.regions[some], vertices, points)
            return np.zeros(len(some), np.bool_)

        return Rung("integer", ask)

    def after(self, rungs: list[Rung]) -> Mask:
        """The answers after all rungs."""
        climb(rungs, len(self._inside))
        return self._inside


def surely_inside(cells: Cells, regions: Faces, points: NearPoints, queries: NearPoints) -> Signs:
    """Whether regions[i] holds queries[i]: 1 or -1 where that is certain, else 0."""

    def sign(corners: NDArray[np.int64], last: NearPoints) -> Signs:
        volume, bound = simplex_volumes([*(points.take(corners[:, k]) for k in range(corners.shape[1])), last])
        return np.where(np.abs(volume) > bound, np.sign(volume), 0).astype(np.int8)

    result = np.zeros(len(regions), np.int8)
    for pairs, sides, side, pair in _together(cells, regions):
        turned = sign(sides.corners, points.take(sides.apex))
        on = sign(sides.corners[side], queries.take(pairs[pair])) * turned[side]
        inside = _in_some_cell(on > 0, sides.cell[side], pair, len(pairs))
        outside = ~_in_some_cell(on >= 0, sides.cell[side], pair, len(pairs))
        result[pairs] = inside.astype(np.int8) - outside.astype(np.int8)
    return result


def inside_exactly(cells: Cells, regions: Faces, points: ExactPoints, queries: Integers) -> Mask:
    """Whether regions[i], which is closed, holds queries[i], given in homogeneous integers (n, D + 1)."""
    result = np.zeros(len(regions), np.bool_)
    for pairs, sides, side, pair in _together(cells, regions):
        used = distinct(np.concatenate([sides.corners.ravel(), sides.apex]))
        places = points(used)
        corners = places[np.searchsorted(used, sides.corners)]
        turned = _exact_signs(corners, places[np.searchsorted(used, sides.apex)])
        on = _exact_signs(corners[side], queries[pairs[pair]]) * turned[side]
        within = (on >= 0) & (turned[side] != 0)  # a simplex of coordinates that are rounded may be flat
        result[pairs] = _in_some_cell(within, sides.cell[side], pair, len(pairs))
    return result


def _together(cells: Cells, regions: Faces) -> Iterator[tuple[Rows, Sides, Rows, Rows]]:
    """Pairs of a region and a point that fit in memory, those of one region together, one lot after the other.

    Which pairs, the sides of their regions, and for each side of each pair the side, and the place of the pair.
    """
    order, dim = np.argsort(regions, kind="stable"), cells.lattice.dim
    for part in batches(len(regions), cells.most(regions) * dim**2 * 4, _NUMBERS):
        pairs = order[part]
        some, place = np.unique(regions[pairs], return_inverse=True)
        sides = cells.sides(some)
        taken = sides.of_region.take(place.reshape(-1))
        yield pairs, sides, taken.values, taken.row_of


def _in_some_cell(within: Mask, cell: Rows, pair: Rows, pairs: int) -> Mask:
    """For each pair whether it has a cell with all sides ``within``; sides of a pair, and of a cell, lie together."""
    first = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(cell, prepend=-1) != 0))
    result = np.zeros(pairs, np.bool_)
    if len(first):
        result[pair[first[np.logical_and.reduceat(within, first)]]] = True
    return result


def _exact_signs(corners: Integers, last: Integers) -> Signs:
    """The signs of simplices, given by D corners and the last one."""
    return np.asarray(signs(determinants(np.concatenate([corners, last[:, None]], axis=1))), np.int8)
