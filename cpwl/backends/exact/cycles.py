"""Regions as cycles of vertices: their facets, their unions, and the numbering of the vertices that they use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import ArgumentError
from ...geometry.arrangement import Facets
from .cutter import Cycle, Edge, edge


def sides(cycle: Cycle) -> list[tuple[int, int]]:
    """The directed edges along a cycle, the region on their left."""
    return list(zip(cycle, cycle[1:] + cycle[:1], strict=True))


def facets_of(cycles: Sequence[Cycle], generations: dict[Edge, int]) -> Facets:
    """All edges, in the order of their (smaller, larger) ends; two opposite directed edges are one facet."""
    ragged = Ragged.of(cycles)
    ends = np.stack([ragged.values, ragged.values[ragged.successor]], axis=1)
    keys = np.sort(ends, axis=1)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(keys[order], axis=0) != 0).any(axis=1)
    starts = np.flatnonzero(first)
    left = ragged.row_of[order]
    right = np.append(left[1:], -1)[starts]
    alone = np.append(first[1:], True)[starts]
    regions = np.stack([left[starts], np.where(alone, -1, right)], axis=1)
    generation = np.array([generations[a, b] for a, b in keys[order[starts]].tolist()], np.int64)
    counts = np.full(len(starts), 2, np.int64)
    return Facets.listed(Ragged.from_counts(ends[order[starts]].ravel(), counts), regions, generation)


def check_disjoint(cycles: Sequence[Cycle]) -> None:
    """Raises ``ArgumentError`` if two polygons lie on the same side of one edge."""
    seen: set[tuple[int, int]] = set()
    for region, cycle in enumerate(cycles):
        if not seen.isdisjoint(sides(cycle)):
            raise ArgumentError(
                f"polygons must not overlap; polygon {region} has a directed edge that another one has."
            )
        seen.update(sides(cycle))


def joined(regions: int, pairs: NDArray[np.int64]) -> list[list[int]]:
    """The classes of regions connected by the pairs, each in increasing order, ordered by their first members."""
    classes = [[r] for r in range(regions)]
    for r, other in pairs.tolist():
        large, small = sorted((classes[r], classes[other]), key=len, reverse=True)
        if large is not small:
            large.extend(small)
            for member in small:
                classes[member] = large
    return sorted(sorted(members) for r, members in enumerate(classes) if r == min(members))


def union(cycles: Sequence[Cycle]) -> Cycle:
    """The boundary of a union of regions that is simply connected: the sides that do not meet their opposite."""
    if len(cycles) == 1:
        return cycles[0]
    directed = {side for cycle in cycles for side in sides(cycle)}
    outer = [(a, b) for a, b in directed if (b, a) not in directed]
    following = dict(outer)
    start = min(following)
    cycle = [start]
    while following[cycle[-1]] != start and len(cycle) < len(outer):
        cycle.append(following[cycle[-1]])
    if not len(cycle) == len(following) == len(outer):
        raise ArgumentError(
            "facets must join regions to convex ones; these join some to a region with a hole or a pinch."
        )
    return cycle


def degrees(cycles: Sequence[Cycle], vertices: int) -> NDArray[np.int64]:
    """How many edges meet at each vertex, int64 (V,)."""
    edges = {edge(a, b) for cycle in cycles for a, b in sides(cycle)}
    return np.bincount(np.array(list(edges), np.int64).ravel(), minlength=vertices)


def without(cycle: Cycle, dropped: set[int], generations: dict[Edge, int]) -> Cycle:
    """The cycle without some vertices; an edge in place of several enters ``generations`` with the latest of theirs."""
    if dropped.isdisjoint(cycle):
        return cycle
    start = next(i for i, v in enumerate(cycle) if v not in dropped)
    kept: Cycle = []
    latest = 0
    for a, b in sides(cycle[start:] + cycle[:start]):
        latest = max(latest, generations[edge(a, b)])
        if a not in dropped:
            kept.append(a)
        if b not in dropped:
            generations[edge(kept[-1], b)] = latest
            latest = 0
    return kept
