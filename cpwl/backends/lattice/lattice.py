"""The faces of a polytope cut into convex regions: for each k the k-faces, each with the (k-1)-faces that bound it.

Faces of dimension 0 are vertices, of dimension D - 1 facets, of dimension D regions. Two regions that touch share the
faces in which they do, of every dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...arrays.pickled import Compact
from ...arrays.ragged import Ragged
from ...geometry.polytope import Polytope

Faces = NDArray[np.int64]
"""Numbers of faces of one dimension."""

Members = Callable[[int, Faces], tuple[NDArray[np.int64], Faces]]
"""From k and some k-faces to all members of their boundaries: the place of the k-face, and the (k-1)-face."""


@dataclass(frozen=True, eq=False)
class Lattice(Compact):
    """All faces of a subdivided polytope of dimension D >= 1."""

    vertices: int
    """The number of vertices."""
    boundary: tuple[Ragged, ...]
    """For k = 1 .. D the (k-1)-faces of each k-face."""
    wall: NDArray[np.int64]
    """For each facet the number of the wall that it lies on."""
    generation: NDArray[np.int64]
    """For each facet how many refinements came before it; 0 for those of the domain."""
    walls: int
    """A number above those of all walls."""

    @classmethod
    def of(cls, polytope: Polytope) -> Lattice:
        """The faces of a polytope itself; facet i lies on side i, and on wall i."""
        sides = len(polytope.sides)
        boundary = tuple(Ragged.of(lists) for lists in polytope.faces.boundary)
        wall = np.arange(sides)
        if polytope.dim == 1:  # facets are vertices, which the polytope numbers
            wall = np.array([next(i for i, m in enumerate(polytope.incidence) if m >> v & 1) for v in range(sides)])
        return cls(len(polytope.vertices), boundary, wall, np.zeros(sides, np.int64), sides)

    @property
    def dim(self) -> int:
        """The dimension D."""
        return len(self.boundary)

    def __len__(self) -> int:
        return len(self.boundary[-1])

    def count(self, k: int) -> int:
        """The number of k-faces."""
        return self.vertices if k == 0 else len(self.boundary[k - 1])

    @property
    def euler(self) -> int:
        """The alternating sum of the numbers of faces: 1 for a subdivided polytope (Euler, Schlaefli, Poincare)."""
        return sum((-1) ** k * self.count(k) for k in range(self.dim + 1))

    def members(self, k: int, faces: Faces) -> tuple[NDArray[np.int64], Faces]:
        """See ``Members``."""
        taken = self.boundary[k - 1].take(faces)
        return taken.row_of, taken.values

    @cached_property
    def sides(self) -> NDArray[np.int64]:
        """The regions on the two sides of each facet, int64 (F, 2), the lower number first; -1 for none."""
        regions = self.boundary[-1]
        order = np.argsort(regions.values, kind="stable")
        facet, region = regions.values[order], regions.row_of[order]
        again = np.flatnonzero(facet[1:] == facet[:-1]) + 1
        result = np.full((self.count(self.dim - 1), 2), -1)
        result[facet[again], 1] = region[again]
        once = np.delete(np.arange(len(facet)), again)
        result[facet[once], 0] = region[once]
        return result

    def corners(self, k: int, faces: Faces | None = None) -> Ragged:
        """The vertices of k-faces (all by default), increasing."""
        owner, face = (np.arange(self.count(k)),) * 2 if faces is None else (np.arange(len(faces)), faces)
        total = len(owner)
        for level in range(k, 0, -1):
            place, face = self.members(level, face)
            owner, face = distinct_pairs(owner[place], face, self.count(level - 1))
        return Ragged.from_counts(face, np.bincount(owner, minlength=total))

    def facet_corners(self, facets: Faces | None = None) -> Ragged:
        """The vertices of facets (all by default), which go around when D = 3, else increase."""
        return self.cycles(facets) if self.dim == 3 else self.corners(self.dim - 1, facets)

    def cycles(self, faces: Faces | None = None) -> Ragged:
        """The vertices of 2-faces (all by default), as they follow each other around them, from the lowest; D >= 2."""
        polygons = self.boundary[1] if faces is None else self.boundary[1].take(faces)
        ends = self.boundary[0].values.reshape(-1, 2)[polygons.values]
        # Each corner (polygon, vertex) has two neighbours: those at the other ends of the polygon's edges there.
        row, stride = polygons.row_of, np.int64(self.vertices)
        keys = np.concatenate([row * stride + ends[:, k] for k in (0, 1)])
        order = np.argsort(keys, kind="stable")
        neighbours = np.concatenate([ends[:, 1], ends[:, 0]])[order].reshape(-1, 2)
        corner = keys[order][::2]
        offsets = polygons.offsets
        here = corner[offsets[:-1]]
        around = np.empty(len(corner), np.int64)
        before, at = here % stride, here % stride
        following = neighbours[offsets[:-1], 0]
        for step in range(int(polygons.counts.max(initial=0))):
            some = np.flatnonzero(polygons.counts > step)
            around[offsets[some] + step] = at[some]
            if step:
                both = neighbours[np.searchsorted(corner, some * stride + at[some])]
                following[some] = np.where(both[:, 0] == before[some], both[:, 1], both[:, 0])
            before[some], at[some] = at[some], following[some]
        return Ragged(around, offsets)

    @cached_property
    def lowest(self) -> list[Faces]:
        """For k = 0 .. D the lowest vertex of each k-face."""
        least = [np.arange(self.vertices)]
        for part in self.boundary:
            least.append(np.minimum.reduceat(least[-1][part.values], part.offsets[:-1]) if len(part) else least[-1][:0])
        return least

    def simplices(self, faces: Faces, dim: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Simplices that triangulate some faces of a dimension (D): the place of the face, and dim + 1 vertices.

        Each face is cut into pyramids from its lowest vertex, in a way that depends on the face alone.
        Source: J. Cohen and T. Hickey, Two algorithms for determining volumes of convex polyhedra, JACM 26 (1979).
        """
        top = self.dim if dim is None else dim
        owner, face = np.arange(len(faces)), faces
        apexes = self.lowest[top][face][:, None]
        for k in range(top, 0, -1):
            place, facet = self.members(k, face)
            kept = self.lowest[k - 1][facet] != self.lowest[k][face][place]
            place, facet = place[kept], facet[kept]
            apexes = np.concatenate([apexes[place], self.lowest[k - 1][facet][:, None]], axis=1)
            owner, face = owner[place], facet
        return owner, apexes

    def spanning(self, faces: Faces, dim: int) -> NDArray[np.int64]:
        """The vertices of one simplex in each of some faces of a dimension: dim + 1 that span it, (n, dim + 1)."""
        face, apexes = faces, self.lowest[dim][faces][:, None]
        for k in range(dim, 0, -1):
            place, facet = self.members(k, face)
            kept = np.flatnonzero(self.lowest[k - 1][facet] != self.lowest[k][face][place])
            face = facet[kept[np.searchsorted(place[kept], np.arange(len(faces)))]]
            apexes = np.concatenate([apexes, self.lowest[k - 1][face][:, None]], axis=1)
        return apexes

    def short(self) -> Lattice:
        """The same in half the memory, to be kept and not to be worked on: faces are numbered with 32 bits."""
        if max(map(self.count, range(self.dim + 1))) >= 2**31:
            return self
        boundary = tuple(Ragged(part.values.astype(np.int32), part.offsets) for part in self.boundary)
        return replace(self, boundary=boundary, generation=self.generation.astype(np.int32))

    def walls_at(self, vertices: Faces) -> tuple[Faces, Ragged]:
        """For each vertex a region that has it, and the walls of that region's facets through it."""
        region = self._some_regions(vertices)
        return region, walls_through(self.members, self.dim, lambda facets: self.wall[facets], region, 0, vertices)

    def _some_regions(self, vertices: Faces) -> Faces:
        """For each of some vertices a region that has it."""
        face = vertices
        for k in range(1, self.dim + 1):
            part, marked = self.boundary[k - 1], np.zeros(self.count(k - 1), np.bool_)
            marked[face] = True
            place = np.flatnonzero(marked[part.values])
            member, first = np.unique(part.values[place], return_index=True)
            above = np.searchsorted(part.offsets, place[first], side="right") - 1
            face = above[np.searchsorted(member, face)]
        return face

    def take(self, regions: Faces) -> tuple[Lattice, Faces]:
        """The part that consists of some regions, in that order, and the vertices that it has, increasing."""
        kept, parts = regions, []
        facets = kept
        for k in range(self.dim, 0, -1):
            part = self.boundary[k - 1].take(kept)
            kept = distinct(part.values)
            number = np.zeros(self.count(k - 1), np.int64)
            number[kept] = np.arange(len(kept))
            parts.append(Ragged(number[part.values], part.offsets))
            facets = kept if k == self.dim else facets
        lattice = Lattice(len(kept), tuple(parts[::-1]), self.wall[facets], self.generation[facets], self.walls)
        return lattice, kept


def walls_through(
    members: Members, dim: int, walls_of: Callable[[Faces], NDArray[np.int64]], regions: Faces, k: int, faces: Faces
) -> Ragged:
    """For each k-face faces[i] of regions[i] the walls of the region's facets that hold it, each once, increasing."""
    distinct, which = np.unique(regions, return_inverse=True)
    place, facet = members(dim, distinct)
    counts = np.bincount(place, minlength=len(distinct))
    beside = Ragged.from_counts(facet, counts).take(which)  # the facets of each pair's region
    tops, top_of = np.unique(beside.values, return_inverse=True)
    top, face = np.arange(len(tops)), tops
    for level in range(dim - 1, k, -1):
        place, face = members(level, face)
        top, face = distinct_pairs(top[place], face, int(face.max(initial=0)) + 1)
    width = max(int(face.max(initial=0)), int(faces.max(initial=0))) + 1
    through = _among(top_of * width + faces[beside.row_of], top * width + face)
    walls = walls_of(beside.values[through])
    low, high = int(walls.min(initial=0)), int(walls.max(initial=0))
    pair, wall = distinct_pairs(beside.row_of[through], walls - low, high - low + 1)
    return Ragged.from_counts(wall + low, np.bincount(pair, minlength=len(faces)))


def distinct_pairs(
    first: NDArray[np.int64], second: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs (first[i], second[i] < width), each once, sorted."""
    keys = distinct(first * width + second)
    return keys // width, keys % width


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers, each once, sorted. (``np.unique`` looks them up in a table of hashes, which takes ten times as long.)"""
    ordered = np.sort(values)
    fresh = np.concatenate([np.ones(min(len(ordered), 1), np.bool_), ordered[1:] != ordered[:-1]])
    return np.asarray(ordered[fresh])


def _among(values: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which values are among others."""
    table = np.sort(others)
    place = np.minimum(np.searchsorted(table, values), len(table) - 1)
    return np.asarray(table[place] == values) if len(table) else np.zeros(len(values), np.bool_)
