"""The outlines of unions of regions, by combinatorics alone: no coordinate is looked at.

A half-edge is a facet of a planar arrangement in one direction: half-edge 2 f + k is facet f with the region
``facets.regions[f, k]`` on its left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import InternalError
from .arrangement import Facets

OUTSIDE = -1

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HalfEdges:
    """The facets of a planar arrangement in both directions."""

    origin: Rows
    """The vertex that each half-edge starts at; it ends where its twin starts, int64 (2 F,)."""
    left: Rows
    """The region on its left, -1 outside of the domain, int64 (2 F,)."""
    successor: Rows
    """The next half-edge around that region; its own index outside, int64 (2 F,)."""

    @classmethod
    def of(cls, facets: Facets) -> HalfEdges:
        """Those of an arrangement's facets."""
        origin, left = facets.vertices.values.reshape(-1), facets.regions.reshape(-1)
        index = np.arange(len(origin))
        key = left * (origin.max(initial=0) + 1)  # a convex region meets each of its vertices once
        order = np.argsort(key + origin, kind="stable")
        following = order[np.searchsorted((key + origin)[order], key + origin[index ^ 1]) % max(len(order), 1)]
        return cls(origin, left, np.where(left >= 0, following, index))


@dataclass(frozen=True, eq=False)
class Rings:
    """The simple closed curves around classes of regions, each class connected through facets."""

    edges: Ragged
    """The half-edges of each ring in order, the class on their left: a shell is counter-clockwise, a hole clockwise."""
    labels: Rows
    """The class of each ring, int64."""
    holes: NDArray[np.bool_]
    """Which rings are holes; each class has one ring that is not, its shell."""


def rings(edges: HalfEdges, labels: Rows) -> Rings:
    """The rings around classes of regions, given by the class of each region, int64 (R,); classes are connected.

    A ring goes around the interior, and is parted where it comes to a vertex a second time.
    """
    label = np.where(edges.left >= 0, labels[edges.left], OUTSIDE)
    outline = (label >= 0) & (label != label[np.arange(len(label)) ^ 1])
    following = _following(edges, outline)
    rings = [part for cycle in _cycles(following, outline) for part in _parted(cycle, edges.origin)]
    first = np.array([ring[0] for ring in rings], np.int64)
    return Rings(Ragged.of(rings), label[first], _holes(label, label[first], label[first ^ 1], outline))


def _following(edges: HalfEdges, outline: NDArray[np.bool_]) -> Rows:
    """For each half-edge of an outline the next: turn around its end, through the regions of the class."""
    following = edges.successor.copy()
    pending = np.flatnonzero(outline)
    while len(pending):
        pending = pending[~outline[following[pending]]]
        following[pending] = edges.successor[following[pending] ^ 1]
    return following


def _cycles(following: Rows, outline: NDArray[np.bool_]) -> Iterator[list[int]]:
    after, pending = following.tolist(), outline.tolist()
    for start in np.flatnonzero(outline).tolist():
        cycle, at = [], start
        while pending[at]:
            pending[at] = False
            cycle.append(at)
            at = after[at]
        if cycle:
            yield cycle


def _parted(cycle: Sequence[int], origin: Rows) -> list[list[int]]:
    """The simple cycles that a closed walk consists of."""
    simple: list[list[int]] = []
    path: list[tuple[int, int]] = []
    place: dict[int, int] = {}
    for edge, vertex in zip(cycle, origin[np.asarray(cycle)].tolist(), strict=True):
        if vertex in place:
            start = place[vertex]
            simple.append([e for e, _ in path[start:]])
            for _, passed in path[start:]:
                del place[passed]
            del path[start:]
        place[vertex] = len(path)
        path.append((edge, vertex))
    return [*simple, [e for e, _ in path]]


def _holes(label: Rows, inside: Rows, outside: Rows, outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rings are holes, from the classes on both sides of one half-edge of each.

    A class lies in a hole of another if every way to it from outside of the domain, from class to class through facets,
    leads through that one. A neighbour of theirs is then dominated by no class in between.
    """
    several = np.bincount(inside, minlength=1)[inside] > 1
    if not several.any():
        return several
    import networkx

    pairs = np.unique(np.stack([label, label[np.arange(len(label)) ^ 1]], axis=1)[outline], axis=0)
    graph = networkx.DiGraph(pairs.tolist())
    graph.add_edges_from(pairs[:, ::-1].tolist())
    dominators = networkx.immediate_dominators(graph, OUTSIDE)
    sides = np.stack([inside, outside], axis=1)
    holes = np.array([dominators.get(outer) == inner for inner, outer in sides.tolist()], np.bool_)
    if (np.bincount(inside[~holes], minlength=inside.max() + 1) != 1).any():
        raise InternalError("an outline of joined regions has not one shell; the regions are not joined by facets")
    return holes
