"""Which regions hold a point: in float64 with bounds, or exactly, from the side of each facet's plane that it is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from ...arrays.batches import batches
from ...arrays.ragged import Ragged
from ...numbers.integers import Integers, determinants, signs
from .lattice import Faces, Lattice, distinct
from .measure import ExactPoints, NearPoints, simplex_volumes

_NUMBERS = 1 << 22
"""Numbers that are held at once."""

Signs = NDArray[np.int8]


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


SidesOf = Callable[[Lattice, Faces], Sides]


def by_facets(lattice: Lattice, regions: Faces) -> Sides:
    """Each region is one cell: right where the vertices of a facet lie in one plane, as the exact ones do."""
    region, facet = lattice.members(lattice.dim, regions)
    of_region = Ragged.from_counts(np.arange(len(facet)), np.bincount(region, minlength=len(regions)))
    corners = lattice.corners(lattice.dim - 1, facet)
    vertices = lattice.corners(lattice.dim, regions).take(region)
    keys, on = (part.row_of * lattice.vertices + part.values for part in (vertices, corners))
    off = np.flatnonzero(~np.isin(keys, on, assume_unique=True))
    first = np.searchsorted(vertices.row_of[off], np.arange(len(facet)))
    return Sides(of_region, region, lattice.spanning(facet, lattice.dim - 1), vertices.values[off[first]])


def by_simplices(lattice: Lattice, regions: Faces) -> Sides:
    """Each region is the union of its simplices, with whatever coordinates; there are up to D! of a facet's size."""
    dim = lattice.dim
    region, simplices = lattice.simplices(regions)
    counts = np.bincount(region, minlength=len(regions)) * (dim + 1)
    others = np.array([[j for j in range(dim + 1) if j != k] for k in range(dim + 1)])
    sides = np.arange(simplices.size)
    corners = simplices[:, others].reshape(-1, dim)
    return Sides(Ragged.from_counts(sides, counts), sides // (dim + 1), corners, simplices.ravel())


def surely_inside(
    lattice: Lattice, regions: Faces, sides_of: SidesOf, points: NearPoints, queries: NearPoints
) -> Signs:
    """Whether regions[i] holds queries[i]: 1 or -1 where that is certain, else 0."""

    def sign(corners: NDArray[np.int64], last: NearPoints) -> Signs:
        volume, bound = simplex_volumes([*(points.take(corners[:, k]) for k in range(corners.shape[1])), last])
        return np.where(np.abs(volume) > bound, np.sign(volume), 0).astype(np.int8)

    result = np.zeros(len(regions), np.int8)
    for pairs, sides, side, pair in _together(lattice, regions, sides_of):
        turned = sign(sides.corners, points.take(sides.apex))
        on = sign(sides.corners[side], queries.take(pairs[pair])) * turned[side]
        inside = _in_some_cell(on > 0, sides.cell[side], pair, len(pairs))
        outside = ~_in_some_cell(on >= 0, sides.cell[side], pair, len(pairs))
        result[pairs] = inside.astype(np.int8) - outside.astype(np.int8)
    return result


def inside_exactly(
    lattice: Lattice, regions: Faces, sides_of: SidesOf, points: ExactPoints, queries: Integers
) -> NDArray[np.bool_]:
    """Whether regions[i], which is closed, holds queries[i], given in homogeneous integers (n, D + 1)."""
    result = np.zeros(len(regions), np.bool_)
    for pairs, sides, side, pair in _together(lattice, regions, sides_of):
        used = distinct(np.concatenate([sides.corners.ravel(), sides.apex]))
        places = points(used)
        corners = places[np.searchsorted(used, sides.corners)]
        turned = _exact_signs(corners, places[np.searchsorted(used, sides.apex)])
        on = _exact_signs(corners[side], queries[pairs[pair]]) * turned[side]
        within = (on >= 0) & (turned[side] != 0)  # a simplex of coordinates that are rounded may be flat
        result[pairs] = _in_some_cell(within, sides.cell[side], pair, len(pairs))
    return result


def _together(
    lattice: Lattice, regions: Faces, sides_of: SidesOf
) -> Iterator[tuple[NDArray[np.int64], Sides, NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of a region and a point that fit in memory, those of one region together, one lot after the other.

    Which pairs, the sides of their regions, and for each side of each pair the side, and the place of the pair.
    """
    order, dim = np.argsort(regions, kind="stable"), lattice.dim
    facets = int(lattice.boundary[-1].counts[regions].max(initial=0))
    most = facets if sides_of is by_facets else facets * factorial(dim) * (dim + 1)
    for part in batches(len(regions), most * dim**2 * 4, _NUMBERS):
        pairs = order[part]
        some, place = np.unique(regions[pairs], return_inverse=True)
        sides = sides_of(lattice, some)
        taken = sides.of_region.take(place.reshape(-1))
        yield pairs, sides, taken.values, taken.row_of


def _in_some_cell(
    within: NDArray[np.bool_], cell: NDArray[np.int64], pair: NDArray[np.int64], pairs: int
) -> NDArray[np.bool_]:
    """For each pair whether it has a cell with all sides ``within``; sides of a pair, and of a cell, lie together."""
    first = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(cell, prepend=-1) != 0))
    result = np.zeros(pairs, np.bool_)
    if len(first):
        result[pair[first[np.logical_and.reduceat(within, first)]]] = True
    return result


def _exact_signs(corners: Integers, last: Integers) -> Signs:
    """The signs of simplices, given by D corners and the last one."""
    return np.asarray(signs(determinants(np.concatenate([corners, last[:, None]], axis=1))), np.int8)
