"""A lattice without some of its facets: regions joined, and all lower faces that are faces of no region any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...arrays.ragged import Ragged
from .lattice import Faces, Lattice, distinct, distinct_pairs

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


def dissolve(lattice: Lattice, facets: Faces) -> Dissolved:
    """The lattice with the regions on the two sides of some inner facets joined; these are convex, and face to face.

    From the facets down, two k-faces are joined across a (k-1)-face that has no other k-face left, unless that is where
    two sides of a region meet at the border: facets with one region, on different walls (proofs/, Lemma 15 (d)).
    """
    dim, sides = lattice.dim, lattice.sides
    label = _components(len(lattice), *sides[facets].T)
    lowest = np.unique(label, return_index=True)[1]
    gone = (sides[:, 1] >= 0) & (label[sides[:, 0]] == label[sides[:, 1]])
    top = lattice.boundary[-1]
    kept = ~gone[top.values]
    owner, face = label[top.row_of[kept]], top.values[kept]
    parts: list[Ragged] = []
    members = distinct(face)  # of the lattice before, one for each face that is left, by its number
    side = np.where(sides[:, 1] < 0, lattice.wall, -1)
    for k in range(dim - 1, 0, -1):
        boundary = lattice.boundary[k - 1].take(members)
        across = _between_two(boundary, lattice.count(k - 1))
        if k == dim - 1:
            wall, other = side[members[boundary.row_of[across]]]
            across = across[:, wall == other]
        joined = _components(len(members), *boundary.row_of[across])
        parts.append(_lists(owner, joined[np.searchsorted(members, face)]))
        if k == dim - 1:
            first = members[np.unique(joined, return_index=True)[1]]
        outer = np.ones(len(boundary.values), np.bool_)
        outer[across] = False
        owner, face = joined[boundary.row_of[outer]], boundary.values[outer]
        members = distinct(face)
    parts.append(_lists(owner, np.searchsorted(members, face)))
    if dim == 1:
        first = members
    left = Lattice(len(members), tuple(parts[::-1]), lattice.wall[first], lattice.generation[first], lattice.walls)
    return Dissolved(left, label, lowest, members)


def _between_two(boundary: Ragged, count: int) -> NDArray[np.int64]:
    """The places in lists of members, of which there are ``count`` in all, of those that are in two lists: (2, n)."""
    inner = np.bincount(boundary.values, minlength=count) == 2
    places = np.flatnonzero(inner[boundary.values])
    return np.asarray(places[np.argsort(boundary.values[places], kind="stable")].reshape(-1, 2).T)


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
