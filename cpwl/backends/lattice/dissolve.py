"""A lattice without some of its facets: regions joined, and all lower faces that are faces of no region any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...arrays.ragged import Ragged
from .lattice import Faces, Lattice, distinct, distinct_pairs
from .names import border as border_faces

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dissolved:
    """What is left of a lattice."""

    lattice: Lattice
    region_of_old: Labels
    lowest: Faces
    """For each region the lowest of the old ones that it joins."""
    vertices: Faces
    """The old vertices that are left, increasing."""


def dissolve(lattice: Lattice, facets: Faces, *, keep_border: bool = False) -> Dissolved:
    """The lattice with the regions on the two sides of some inner facets joined; these are convex.

    From the facets down, two k-faces are joined across a (k-1)-face that has no other k-face left: it bounds a
    region on both sides in the same way, and regions are convex, so it lies inside of one k-face of each. That a face
    lies on more sides of the domain than another one of which it is part tells the edges of the domain itself. With
    ``keep_border`` faces of facets that have a region on one side alone stay as they are: blocks meet there.
    """
    dim, sides = lattice.dim, lattice.sides
    label = _components(len(lattice), *sides[facets].T)
    lowest = np.unique(label, return_index=True)[1]
    gone = (sides[:, 1] >= 0) & (label[sides[:, 0]] == label[sides[:, 1]])
    top = lattice.boundary[-1]
    kept = ~gone[top.values]
    owner, face = label[top.row_of[kept]], top.values[kept]
    border = _border_walls(lattice)
    fixed = [border_faces(lattice, k) if keep_border else border_faces(lattice, k)[:0] for k in range(dim)]
    parts: list[Ragged] = []
    members = distinct(face)  # of the lattice before, one for each face that is left, by its number
    for k in range(dim - 1, 0, -1):
        boundary = lattice.boundary[k - 1].take(members)
        count = np.bincount(boundary.values, minlength=lattice.count(k - 1))
        alike = border[k][members][boundary.row_of] == border[k - 1][boundary.values]
        inner = (count == 2) & (np.bincount(boundary.values, alike, minlength=len(count)) == 2)
        inner[fixed[k - 1]] = False
        across = np.flatnonzero(inner[boundary.values])
        across = across[np.argsort(boundary.values[across], kind="stable")]
        joined = _components(len(members), *boundary.row_of[across].reshape(-1, 2).T)
        parts.append(_lists(owner, joined[np.searchsorted(members, face)]))
        if k == dim - 1:
            first = members[np.unique(joined, return_index=True)[1]]
        outer = ~inner[boundary.values]
        owner, face = joined[boundary.row_of[outer]], boundary.values[outer]
        members = distinct(face)
    parts.append(_lists(owner, np.searchsorted(members, face)))
    if dim == 1:
        first = members
    left = Lattice(len(members), tuple(parts[::-1]), lattice.wall[first], lattice.generation[first], lattice.walls)
    return Dissolved(left, label, lowest, members)


def divides_too_much(lattice: Lattice) -> bool:
    """Whether ``dissolve`` would join some faces although no facet is taken out."""
    inner = False
    for k in range(1, lattice.dim):
        boundary = lattice.boundary[k - 1]
        two = np.bincount(boundary.values, minlength=lattice.count(k - 1)) == 2
        place = np.flatnonzero(two[boundary.values])
        if len(place):
            faces, lower = np.searchsorted(boundary.offsets, place, side="right") - 1, boundary.values[place]
            border = _border_walls(lattice)
            unlike = border[k][faces] != border[k - 1][lower]
            inner |= bool((np.bincount(lower, unlike, minlength=lattice.count(k - 1))[lower] == 0).any())
    return inner


def _components(count: int, first: Faces, second: Faces) -> Labels:
    """The component of each of ``count`` things that pairs connect, numbered in the order of their lowest ones."""
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    raw = connected_components(graph, directed=False)[1]
    _, lowest, label = np.unique(raw, return_index=True, return_inverse=True)
    rank = np.empty(len(lowest), np.int64)
    rank[np.argsort(lowest)] = np.arange(len(lowest))
    return np.asarray(rank[label])


def _lists(owner: Labels, member: Labels) -> Ragged:
    """The lists of distinct members of each owner."""
    first, second = distinct_pairs(owner, member, int(member.max(initial=0)) + 1)
    return Ragged.from_counts(second, np.bincount(first))


def _border_walls(lattice: Lattice) -> list[NDArray[np.int64]]:
    """For each k < D how many walls of facets that have one side alone each k-face lies on."""
    facet = np.flatnonzero(np.bincount(lattice.boundary[-1].values, minlength=lattice.count(lattice.dim - 1)) == 1)
    face, wall = facet, lattice.wall[facet]
    width, found = lattice.walls, []
    for k in range(lattice.dim - 1, -1, -1):
        found.append(np.bincount(face, minlength=lattice.count(k)))
        if k:
            place, lower = lattice.members(k, face)
            face, wall = distinct_pairs(lower, wall[place], width)
    return found[::-1]
