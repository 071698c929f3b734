"""Exact arrangements of the plane: plain, sequential, in rational arithmetic from the first step to the last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays.bits import BitMatrix
from ...arrays.pickled import Uncached
from ...arrays.ragged import Ragged
from ...errors import ArgumentError, BackendError, ShapeError, UnsupportedDimensionError
from ...geometry.arrangement import Arrangement, Change, ExactWalls, Facets, Joined, Refinement, Taken
from ...geometry.exact_points import Point, area, contains, point, rounded, turn
from ...geometry.ladder import Functions
from ...geometry.polytope import Polytope
from ...numbers.integers import array
from ...runtime.inputs import finite
from .coordinates import ExactCoordinates
from .cutter import Cutter, Cycle, Edge, edge, prolonged
from .cycles import check_disjoint, degrees, facets_of, joined, sides, union, without
from .field import ExactField, field_of_rows, stacked


class ExactArrangement(Uncached, ExactCoordinates):
    """A convex polygon cut into convex regions, every coordinate and every decision exact.

    Inside, a region is the cycle of *all* vertices on its boundary, those included at which it does not turn (they come
    from ``dissolve`` only); so two regions that touch along a facet share both its ends.
    """

    def __init__(
        self,
        points: Sequence[Point],
        cycles: Sequence[Cycle],
        parents: NDArray[np.int64],
        generation: int,
        generations: dict[Edge, int],
        straight: frozenset[int] = frozenset(),
    ) -> None:
        """``generations`` holds at least the cycles' edges, ``straight`` all vertices where a cycle may not turn."""
        self._points = tuple(points)
        self._cycles = tuple(cycles)
        self._parents = parents
        self._generation = generation
        self._facets = facets_of(cycles, generations)
        self._straight = straight

    @classmethod
    def of(cls, polytope: Polytope, *, device: str | None = None) -> ExactArrangement:
        if device not in (None, "cpu"):
            raise BackendError(f"device must be None for the exact backend, got {device!r}: it computes on the CPU.")
        if polytope.dim != 2:
            raise UnsupportedDimensionError(
                f"the exact backend covers dimension 2 (a plane), got a polytope of dimension {polytope.dim}. "
                "Take a 2-D slice with Domain.through or Domain.polygon."
            )
        return cls.from_polygons(polytope.vertices, [range(len(polytope.vertices))])

    @classmethod
    def from_polygons(cls, points: NDArray[Any], polygons: Sequence[Sequence[int]]) -> ExactArrangement:
        """The arrangement whose regions are the given polygons: strictly convex, counter-clockwise, interiors disjoint.

        ``points`` holds float64 numbers or Fractions (N, 2), or homogeneous integers (N, 3) with positive last entry;
        ``polygons`` indices into them. Equal points become one vertex; vertices are numbered in the order of their
        first use. An edge without a counterpart in the opposite direction is a facet with -1 on its other side. That
        the polygons are convex and disjoint is the caller's to prove; raises ``ArgumentError`` where two of them share
        a directed edge.
        """
        triples = [point(row) for row in points.tolist()]
        index: dict[Point, int] = {}
        cycles = [[index.setdefault(triples[i], len(index)) for i in polygon] for polygon in polygons]
        check_disjoint(cycles)
        generations = {edge(a, b): 0 for cycle in cycles for a, b in sides(cycle)}
        return cls(list(index), cycles, np.arange(len(cycles)), 0, generations)

    # ---- the complex -----------------------------------------------------------------------------------------------
    @property
    def dim(self) -> int:
        return 2

    @property
    def points(self) -> tuple[Point, ...]:
        """The vertices as primitive homogeneous integers (x, y, w), w > 0."""
        return self._points

    @cached_property
    def vertices(self) -> NDArray[Any]:
        return self.coordinates().to_numpy()

    @cached_property
    def regions(self) -> Ragged:
        return Ragged.of([self._extreme(cycle) for cycle in self._cycles])

    @property
    def parents(self) -> NDArray[np.int64]:
        return self._parents

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        return np.zeros(len(self._cycles), np.bool_)

    @property
    def generation(self) -> int:
        return self._generation

    def facets(self) -> Facets:
        return self._facets

    def volumes(self) -> NDArray[Any]:
        areas = [area(self._polygon(cycle)) for cycle in self._cycles]
        return array(areas, (len(areas),))

    def locate(self, points: NDArray[Any], walls: ExactWalls | None = None) -> NDArray[np.int64]:
        queries = np.asarray(points)
        if queries.ndim != 2 or queries.shape[1] != 2:
            raise ShapeError(f"points must have shape (M, 2), got {queries.shape}.")
        exact = queries if queries.dtype == object else finite("points", queries)
        return np.array([self._region_of(point(row)) for row in exact.tolist()], np.int64)

    def __len__(self) -> int:
        return len(self._cycles)

    # ---- fields ----------------------------------------------------------------------------------------------------
    def coordinates(self) -> ExactField:
        return field_of_rows([([x, y], w) for x, y, w in self._points], 2)

    def field(self, values: NDArray[Any]) -> ExactField:
        table = np.asarray(values)
        if table.ndim != 2 or len(table) != len(self._points):
            raise ShapeError(f"values must have shape (V, K) with V = {len(self._points)} vertices, got {table.shape}.")
        return ExactField.of(table if table.dtype == object else finite("values", table), weight=1)

    # ---- change ----------------------------------------------------------------------------------------------------
    def refine(self, values: ExactField, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[ExactField]:
        self._check_refine(values, levels)
        cutter = Cutter(self._points, values, levels, self._generations)
        columns = len(levels.values)
        straddled = self._straddled(np.array(cutter.signs, np.int8).reshape(len(self._points), columns))
        generation = self._generation + 1
        pieces = [
            cutter.pieces(cycle, np.flatnonzero(crossing).tolist(), generation)
            for cycle, crossing in zip(self._cycles, straddled, strict=True)
        ]
        parents = np.repeat(np.arange(len(pieces)), [len(parts) for parts in pieces])
        cycles = [cycle for parts in pieces for cycle in parts]
        arrangement = ExactArrangement(cutter.points, cycles, parents, generation, cutter.generations, self._straight)
        created, shares = cutter.created, tuple(cutter.shares)
        rows = cutter.rows
        return Refinement(
            arrangement,
            lambda field: prolonged(field, created, shares),
            lambda field, vertices: prolonged(field, created, shares).take(vertices),
            below=BitMatrix.pack(arrangement._below(cutter.signs, columns)),
            created=created,
            cutting=lambda vertices: field_of_rows(
                rows if vertices is None else [rows[v] for v in vertices.tolist()], values.columns
            ),
        )

    def dissolve(self, facets: NDArray[np.int64]) -> Change[ExactField]:
        chosen = np.asarray(facets, np.int64)
        pairs = self._facets.regions[chosen]
        if (pairs < 0).any():
            raise ArgumentError(
                "facets must have a region on both sides; one of those given lies on the domain's boundary."
            )
        classes = joined(len(self), pairs)
        cycles = [union([self._cycles[r] for r in members]) for members in classes]
        generations = self._generations
        dropped = self._needless(cycles)
        kept = [without(cycle, dropped, generations) for cycle in cycles]
        straight = self._straight.union(*(self._facets.vertices[f].tolist() for f in chosen))
        parents = np.array([members[0] for members in classes], np.int64)
        return self._compacted(kept, parents, generations, straight)

    def take(self, regions: NDArray[np.int64]) -> Taken[ExactField]:
        chosen = np.asarray(regions, np.int64)
        if len(np.unique(chosen)) < len(chosen):
            raise ArgumentError("regions must be distinct indices; one of them is given twice.")
        cycles = [self._cycles[r] for r in chosen]
        return self._compacted(cycles, chosen, self._generations, self._straight)

    # ---- blocks ----------------------------------------------------------------------------------------------------
    @property
    def walls(self) -> int:
        return 0

    def block(self, regions: NDArray[np.int64], key: int) -> Taken[ExactField]:
        return self.take(regions)

    def joined(
        self,
        parts: Sequence[Arrangement[ExactField]],
        first_walls: Sequence[int],
        parents: NDArray[np.int64],
        *,
        whole: bool = True,
    ) -> Joined[ExactField]:
        blocks = [part for part in parts if isinstance(part, ExactArrangement)]
        index: dict[Point, int] = {}
        numbers = [[index.setdefault(p, len(index)) for p in block._points] for block in blocks]
        generations: dict[Edge, int] = {}
        for number, block in zip(numbers, blocks, strict=True):
            generations |= {edge(number[a], number[b]): g for (a, b), g in block._generations.items()}
        cycles = [[number[v] for v in c] for number, block in zip(numbers, blocks, strict=True) for c in block._cycles]
        straight = frozenset(number[v] for number, block in zip(numbers, blocks, strict=True) for v in block._straight)
        order = np.argsort(parents, kind="stable")
        arrangement = ExactArrangement(
            list(index), [cycles[r] for r in order], parents[order], blocks[0]._generation, generations, straight
        )
        rows = np.concatenate(numbers)
        first = np.unique(rows, return_index=True)[1]
        return Joined(arrangement, lambda fields: stacked(fields).take(first), order)

    # ---- private ---------------------------------------------------------------------------------------------------
    @property
    def _generations(self) -> dict[Edge, int]:
        ends = self._facets.vertices.values.reshape(-1, 2).tolist()
        return {edge(a, b): g for (a, b), g in zip(ends, self._facets.generation.tolist(), strict=True)}

    def _check_refine(self, values: ExactField, levels: Ragged) -> None:
        if values.rows != len(self._points):
            raise ShapeError(
                f"values must have one row for each of the {len(self._points)} vertices, got {values.rows}."
            )
        if len(levels) != values.columns:
            raise ShapeError(f"levels must have one row for each of the {values.columns} functions, got {len(levels)}.")

    def _signs_at_corners(self, signs: NDArray[np.int8]) -> tuple[Ragged, NDArray[np.int8]]:
        cycles = Ragged.of(self._cycles)
        return cycles, signs[cycles.values]

    def _straddled(self, signs: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Which columns have vertices of a region strictly on both sides of their level, bool (R, C)."""
        cycles, at = self._signs_at_corners(signs)
        return np.asarray((cycles.reduce(np.minimum, at) < 0) & (cycles.reduce(np.maximum, at) > 0))

    def _below(self, signs: list[list[int]], columns: int) -> NDArray[np.bool_]:
        cycles, at = self._signs_at_corners(np.array(signs, np.int8).reshape(len(self._points), columns))
        return np.asarray(cycles.reduce(np.minimum, at) < 0)

    def _polygon(self, cycle: Cycle) -> list[Point]:
        return [self._points[v] for v in cycle]

    def _turns(self, a: int, b: int, c: int) -> bool:
        return bool(turn(self._points[a], self._points[b], self._points[c]) != 0)

    def _extreme(self, cycle: Cycle) -> Cycle:
        if self._straight.isdisjoint(cycle):
            return cycle
        return [b for a, b, c in _corners(cycle) if b not in self._straight or self._turns(a, b, c)]

    def _needless(self, cycles: Sequence[Cycle]) -> set[int]:
        """The vertices at which two edges meet, on one line."""
        degree = degrees(cycles, len(self._points))
        corners = (corner for cycle in cycles for corner in _corners(cycle))
        return {b for a, b, c in corners if degree[b] == 2 and not self._turns(a, b, c)}

    def _compacted(
        self,
        cycles: Sequence[Cycle],
        parents: NDArray[np.int64],
        generations: dict[Edge, int],
        straight: frozenset[int],
    ) -> Taken[ExactField]:
        """The arrangement of the given cycles, with only the vertices that they use."""
        used = np.unique(Ragged.of(cycles).values)
        number = {v: i for i, v in enumerate(used.tolist())}
        renumbered = {edge(number[a], number[b]): g for (a, b), g in generations.items() if a in number and b in number}
        arrangement = ExactArrangement(
            [self._points[v] for v in used],
            [[number[v] for v in cycle] for cycle in cycles],
            parents,
            self._generation,
            renumbered,
            frozenset(number[v] for v in straight if v in number),
        )
        return Taken(
            arrangement, lambda field: field.take(used), lambda field, vertices: field.take(used[vertices]), used
        )

    @cached_property
    def _boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest coordinates of each region, rounded to nearest: a point outside a rounded box is outside.

        Rounding is monotone, so x <= y for exact numbers implies the same for the rounded ones.
        """
        cycles = Ragged.of(self._cycles)
        corners = np.array([rounded(p) for p in self._points]).reshape(-1, 2)[cycles.values]
        return cycles.reduce(np.minimum, corners), cycles.reduce(np.maximum, corners)

    def _region_of(self, query: Point) -> int:
        lowest, highest = self._boxes
        at = rounded(query)
        candidates = np.flatnonzero(((lowest <= at) & (highest >= at)).all(axis=1)).tolist()
        return next((r for r in candidates if contains(self._polygon(self._cycles[r]), query)), -1)


def _corners(cycle: Cycle) -> list[tuple[int, int, int]]:
    return list(zip(cycle[-1:] + cycle[:-1], cycle, cycle[1:] + cycle[:1], strict=True))
