"""Exact decisions on segments: signs of columns at vertices, and the order of their crossings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....arrays.ragged import Ragged
from ....geometry.ladder import Functions, Ladder, Vertices
from ..fields.field import ROUND_UP, UNIT

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class Decisions:
    """What float64 leaves open about columns on edges, asked of the ladder; a vertex is known by its one wall."""

    def __init__(self, functions: Functions, edges: Rows, wall: Rows) -> None:
        """``edges`` (R, 2): the two vertices of each region; ``wall``: that of each vertex."""
        self._edges, self._wall = edges, wall
        self._region = np.zeros(len(wall), np.int64)
        self._region[edges.ravel()] = np.repeat(np.arange(len(edges)), 2)
        self.ladder = Ladder(functions, Ragged(wall[edges].ravel(), np.arange(0, edges.size + 1, 2)))

    def at_vertices(self, vertices: Rows, columns: Rows) -> NDArray[np.int8]:
        """The signs of columns[i] at vertices[i]."""
        return self.ladder.signs(self._region[vertices], columns, self._wall[vertices, None], vertices)

    def at_crossings(self, edge: Rows, made: Rows, number: Rows, columns: Rows) -> NDArray[np.int8]:
        """The signs of columns[i] where the column made[i] is at its level on edge[i]: a point of that ``number``."""
        return self.ladder.signs(edge, columns, -1 - made[:, None], len(self._wall) + number, "order")

    def positions(self, edge: Rows, columns: Rows) -> tuple[Floats, Floats]:
        """Where columns[i], of opposite signs at the ends of edge[i], is at its level there; and error bounds."""
        first, second = (Vertices(edge, self._wall[ends, None], ends) for ends in self._edges[edge].T)
        return self.ladder.positions(first, second, edge, columns)


@dataclass(frozen=True, eq=False)
class Contest:
    """Crossings on edges, whose order is to be decided exactly."""

    edge: Rows
    column: Rows
    position: Floats
    slack: Floats
    rising: NDArray[np.bool_]
    """Whether the column is below its level at the edge's first end."""
    number: Rows

    def places(self, decisions: Decisions) -> Rows:
        """Of each crossing its place among all of its edge: a smaller number is nearer to the first end.

        Equal numbers stand for one point.
        """
        place, settled = self._components()
        while not settled.all():
            place, settled = self._round(place, settled, decisions)
        return place

    def _components(self) -> tuple[Rows, NDArray[np.bool_]]:
        """Numbers of groups whose intervals hang together, in order; and whether a group is a single crossing."""
        reach = (self.slack + 2 * UNIT) * ROUND_UP
        low, high = self.position - reach, self.position + reach
        order = np.lexsort((low, self.edge))
        rank = np.empty(len(order), np.int64)
        rank[np.argsort(high, kind="stable")] = np.arange(len(order))
        edge = np.cumsum(np.diff(self.edge[order], prepend=self.edge[order[:1]]) != 0)
        farthest = np.maximum.accumulate(edge * len(order) + rank[order]) % max(len(order), 1)
        apart = low[order][1:] > np.sort(high)[farthest[:-1]]
        number = np.empty(len(order), np.int64)
        number[order] = np.cumsum(np.concatenate([[True], apart | (edge[1:] != edge[:-1])])[: len(order)]) - 1
        return number, np.bincount(number)[number] == 1

    def _round(self, place: Rows, settled: NDArray[np.bool_], decisions: Decisions) -> tuple[Rows, NDArray[np.bool_]]:
        """Each group that is open is divided by one of its crossings: what comes before it, with it and after it."""
        open_ = np.flatnonzero(~settled)
        open_ = open_[np.lexsort((self.position[open_], place[open_]))]
        group, start, count = np.unique(place[open_], return_index=True, return_counts=True)
        pivot = open_[start + count // 2][np.searchsorted(group, place[open_])]
        others = open_ != pivot
        some, by = open_[others], pivot[others]
        sign = decisions.at_crossings(self.edge[by], self.column[by], self.number[by], self.column[some])
        side = np.ones(len(place), np.int64)
        side[some] += np.where(self.rising[some], -sign, sign)
        divided = 3 * place + side
        settled = settled.copy()
        settled[open_] = side[open_] == 1
        _, divided, size = np.unique(divided, return_inverse=True, return_counts=True)
        return divided, settled | (size[divided] == 1)
