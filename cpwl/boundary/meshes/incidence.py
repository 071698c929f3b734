"""How the polygons of a surface meet: edges, components, loops, by the numbers of vertices alone and no distances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of polygons whose corners are numbered vertices: where two have an edge, it has one pair of numbers."""

    polygons: Ragged
    """The corners of each, as they follow each other around it."""
    vertices: int
    """How many there are."""

    @cached_property
    def _keys(self) -> Numbers:
        """For each corner a number for the edge from it to the next."""
        first, second = self.polygons.values, self.polygons.values[self.polygons.successor]
        return np.asarray(np.minimum(first, second) * np.int64(self.vertices) + np.maximum(first, second))

    @cached_property
    def _unique(self) -> tuple[Numbers, Numbers]:
        keys, of = np.unique(self._keys, return_inverse=True)
        return keys, of.reshape(-1)

    @property
    def ends(self) -> Numbers:
        """The two vertices of each edge, the lower number first, (E, 2)."""
        keys = self._unique[0]
        return np.stack([keys // max(self.vertices, 1), keys % max(self.vertices, 1)], axis=1)

    @property
    def at(self) -> Numbers:
        """For each corner the edge from it to the next one of its polygon."""
        return self._unique[1]

    @property
    def rising(self) -> NDArray[np.bool_]:
        """For each corner whether that edge leads to a vertex of a higher number."""
        return np.asarray(self.polygons.values < self.polygons.values[self.polygons.successor])

    @cached_property
    def degree(self) -> Numbers:
        """How many polygons have each edge, (E,)."""
        return np.bincount(self.at, minlength=len(self._unique[0]))

    def pairs(self, chosen: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """The two corners from which each of the chosen edges, of degree 2, goes."""
        corners = np.flatnonzero(chosen[self.at])
        order = corners[np.argsort(self.at[corners], kind="stable")]
        return order[::2], order[1::2]

    def components(self) -> Numbers:
        """For each polygon its component: those that have a vertex in common belong together; numbered from 0."""
        row, count = self.polygons.row_of, len(self.polygons)
        return connected(count + self.vertices, row, count + self.polygons.values)[:count]

    def sheets(self) -> Numbers:
        """For each vertex how many fans of polygons it has, (V,): those that share an edge at it are of one fan."""
        corners, edges = len(self.polygons.values), len(self.degree)
        before = np.empty(corners, np.int64)
        before[self.polygons.successor] = np.arange(corners)
        # An end of an edge is 2 e, or 2 e + 1 at the vertex of the higher number.
        leaving = 2 * self.at + ~self.rising
        coming = 2 * self.at[before] + self.rising[before]
        corner = np.arange(corners)
        labels = connected(
            corners + 2 * edges, np.concatenate([corner, corner]), corners + np.concatenate([leaving, coming])
        )
        fans = np.unique(labels[:corners], return_index=True)[1]
        return np.bincount(self.polygons.values[fans], minlength=self.vertices)

    def loops(self, chosen: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """The connected pieces that some edges make up: for each edge its piece (-1: not chosen); ends of each piece.

        The second: how many vertices of each piece do not have exactly two of its edges: 0 for a loop.
        """
        ends = self.ends[chosen]
        labels = connected(self.vertices, ends[:, 0], ends[:, 1])
        _, piece = np.unique(labels[ends[:, 0]], return_inverse=True)
        degree = np.bincount(ends.ravel(), minlength=self.vertices)
        result = np.full(len(chosen), -1)
        result[chosen] = piece.reshape(-1)
        vertex, place = np.unique(ends.ravel(), return_index=True)
        odd = degree[vertex] != 2
        loose = np.bincount(np.repeat(piece.reshape(-1), 2)[place][odd], minlength=int(piece.max(initial=-1)) + 1)
        return result, loose


def connected(count: int, first: Numbers, second: Numbers) -> Numbers:
    """For each of ``count`` things the part that it belongs to when first[i] and second[i] are joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
