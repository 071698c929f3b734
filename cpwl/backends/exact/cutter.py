"""One call of ``refine``: regions cut one after the other, every crossing of an edge made once for both its sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...arrays.ragged import Ragged
from ...errors import ArgumentError
from ...geometry.arrangement import Created
from ...geometry.exact_points import Point, between
from ...numbers.integers import Integer, rational
from ...runtime.budget import checkpoint
from .field import ExactField, Row, combination, field_of_rows, rows_of

Cycle = list[int]
"""Vertices on the boundary of a region, counter-clockwise."""
Edge = tuple[int, int]
"""The two ends of an edge, the smaller index first."""
Shares = tuple[Integer, Integer]
"""Positive (s, t) for the point (s * first + t * second) / (s + t)."""


def edge(a: int, b: int) -> Edge:
    """The edge between two vertices."""
    return (a, b) if a < b else (b, a)


class Column(NamedTuple):
    """A function and one of its levels p / q."""

    function: int
    p: Integer
    q: Integer

    def above(self, row: Row) -> Integer:
        """q times the denominator of the row times (value - level)."""
        numerators, denominator = row
        value = numerators[self.function]
        return value * self.q - self.p * denominator if self.p else value * self.q


def columns_of(levels: Ragged) -> list[Column]:
    """The columns (function, level) in the order of ``levels.values``."""
    pairs = zip(levels.row_of.tolist(), levels.values.tolist(), strict=True)
    return [Column(function, *rational(level)) for function, level in pairs]


class Cutter:
    """Vertices and edges of an arrangement, to which cuts of single regions add new ones."""

    def __init__(
        self, points: Sequence[Point], values: ExactField, levels: Ragged, generations: dict[Edge, int]
    ) -> None:
        self._columns = columns_of(levels)
        self.points = list(points)
        self.rows = rows_of(values)
        self.signs = [self._signs(row) for row in self.rows]
        self.generations = dict(generations)
        self.shares: list[Shares] = []
        self._made: list[tuple[int, int, int]] = []
        self._crossings: dict[tuple[Edge, int], int] = {}

    @property
    def created(self) -> Created:
        """How the new vertices were made."""
        first, second, column = np.array(self._made, np.int64).reshape(-1, 3).T
        return Created(first, second, column)

    def pieces(self, cycle: Cycle, columns: Sequence[int], generation: int) -> list[Cycle]:
        """The pieces of a region that has been cut by the given columns; new edges are of the given generation."""
        pieces = [cycle]
        for column in columns:
            checkpoint()
            pieces = [part for piece in pieces for part in self._parts(piece, column, generation)]
        return pieces

    def _parts(self, cycle: Cycle, column: int, generation: int) -> list[Cycle]:
        signs = [self.signs[v][column] for v in cycle]
        if min(signs) >= 0 or max(signs) <= 0:
            return [cycle]
        closed = self._with_crossings(cycle, column)
        chord = [v for v in closed if self.signs[v][column] == 0]
        if len(chord) != 2:
            raise ArgumentError(
                f"values must be affine on every region; column {column} is at its level at {len(chord)} points of the "
                "boundary of one, not 2. Give a continuous function that is affine on each region of this arrangement."
            )
        self.generations[edge(*chord)] = generation
        return [[v for v in closed if side * self.signs[v][column] >= 0] for side in (-1, 1)]

    def _with_crossings(self, cycle: Cycle, column: int) -> Cycle:
        closed = []
        for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True):
            closed.append(a)
            if self.signs[a][column] * self.signs[b][column] < 0:
                closed.append(self._crossing(edge(a, b), column))
        return closed

    def _crossing(self, ends: Edge, column: int) -> int:
        if (ends, column) not in self._crossings:
            self._crossings[ends, column] = self._vertex(ends, column)
        return self._crossings[ends, column]

    def _vertex(self, ends: Edge, column: int) -> int:
        """The new vertex where the column is at its level between two vertices on both sides of it."""
        a, b = ends
        shares = shares_of(self.rows[a], self.rows[b], self._columns[column])
        row = combination(self.rows[a], self.rows[b], shares)
        v = len(self.points)
        self.points.append(between(self.points[a], self.points[b], shares))
        self.rows.append(row)
        self.signs.append(self._signs(row))
        self.shares.append(shares)
        self._made.append((a, b, column))
        self.generations[a, v] = self.generations[b, v] = self.generations[ends]
        return v

    def _signs(self, row: Row) -> list[int]:
        checkpoint()
        values = (column.above(row) for column in self._columns)
        return [(value > 0) - (value < 0) for value in values]


def shares_of(first: Row, second: Row, column: Column) -> Shares:
    """Those at which a column is at its level: each end's is the distance of the other one from the level."""
    s, t = abs(column.above(second)) * first[1], abs(column.above(first)) * second[1]
    divisor = s.gcd(t)
    return s // divisor, t // divisor


def prolonged(field: ExactField, created: Created, shares: Sequence[Shares]) -> ExactField:
    """The field with a row added for every created vertex."""
    rows = rows_of(field)
    for a, b, share in zip(created.first.tolist(), created.second.tolist(), shares, strict=True):
        rows.append(combination(rows[a], rows[b], share))
    return field_of_rows(rows, field.columns)
