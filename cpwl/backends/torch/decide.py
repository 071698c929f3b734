"""Exact decisions where float64 leaves a sign open: exact vertices, from the lines that meet there, and exact signs.

A vertex is the point where two lines of one of its cells meet; both lines, and the columns on that cell, are exact
affine functions that ``exactly`` gives for the cells concerned (proofs/, Lemma 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...arrangement import Exactly, ExactRegion, Form
from ...errors import InternalError
from .complex import Complex
from .segments import as_numpy

Point = tuple[Any, Any, Any]
"""(x, y, w) with w > 0: the point (x / w, y / w), in integers."""


@dataclass(frozen=True, eq=False)
class Places:
    """Vertices as zeros of two functions on an old cell, each that of line ``number`` or column -1 - ``number``."""

    vertex: Tensor
    cell: Tensor
    names: Tensor
    """int64 (n, 2)"""

    def take(self, index: Tensor) -> Places:
        """Some of them."""
        return Places(self.vertex[index], self.cell[index], self.names[index])

    @classmethod
    def joined(cls, one: Places, other: Places) -> Places:
        """All of two lists."""
        pairs = ((one.vertex, other.vertex), (one.cell, other.cell), (one.names, other.names))
        return cls(*(torch.cat(pair) for pair in pairs))

    @classmethod
    def of_vertices(cls, cells: Complex, vertices: Tensor) -> Places:
        """Vertices of a complex, each as a corner of the lowest cell that has it."""
        first = torch.full((int(cells.edges.max()) + 1,), len(cells.origin), device=vertices.device)
        first.scatter_reduce_(0, cells.origin, torch.arange(len(cells.origin), device=first.device), "amin")
        return cls.of_half_edges(cells, first[vertices])

    @classmethod
    def of_half_edges(cls, cells: Complex, half_edge: Tensor) -> Places:
        """The origins of half-edges, as corners of their cells."""
        cell = cells.cell_of[half_edge]
        starts = half_edge == cells.offsets[cell]
        before = torch.where(starts, cells.offsets[cell + 1], half_edge) - 1
        lines = [cells.marks[cells.half_edge[h], 1] for h in (before, half_edge)]
        return cls(cells.origin[half_edge], cell, torch.stack(lines, 1))


class Decider:
    """Exact signs of columns at vertices, and exact positions on edges."""

    def __init__(self, exactly: Exactly) -> None:
        self._exactly = exactly
        self._cells: dict[int, ExactRegion] = {}
        self._forms: dict[tuple[int, int], Form] = {}
        self._points: dict[int, Point] = {}
        self.settled = 0
        """How many signs were asked for."""

    def signs(self, places: Places, columns: Tensor) -> Tensor:
        """The exact sign of columns[i] at places[i], int8 (n,)."""
        values = self._values(places, places.cell, columns)
        self.settled += len(values)
        signs = [(value > 0) - (value < 0) for value, _ in values]
        return torch.tensor(signs, dtype=torch.int8, device=columns.device)

    def positions(self, first: Places, second: Places, cells: Tensor, columns: Tensor) -> Tensor:
        """The parameter between first[i] and second[i], on cells[i], where columns[i] vanishes, rounded once (n,)."""
        ends = (self._values(end, cells, columns) for end in (first, second))
        exact = [_position(*one, *other) for one, other in zip(*ends, strict=True)]
        return torch.tensor(exact, dtype=torch.float64, device=columns.device)

    def _values(self, places: Places, cells: Tensor, columns: Tensor) -> list[tuple[Any, Any]]:
        """Columns at places, as numerator and denominator, up to a positive factor common to one of ``cells``."""
        self.fetch(torch.cat([places.cell, cells]))
        rows = (part.tolist() for part in (places.vertex, places.cell, places.names, cells, columns))
        return [
            _at(self._form(cell, -1 - column), self._point(vertex, home, names))
            for vertex, home, names, cell, column in zip(*rows, strict=True)
        ]

    def fetch(self, cells: Tensor) -> None:
        """Asks for the functions on some cells, all at once."""
        wanted = [cell for cell in torch.unique(cells).tolist() if cell not in self._cells]
        if wanted:
            names = as_numpy(torch.tensor(wanted))
            self._cells.update(zip(wanted, self._exactly(names), strict=True))

    def _form(self, cell: int, name: int) -> Form:
        key = cell, name
        if key not in self._forms:
            region = self._cells[cell]
            self._forms[key] = region.line(name) if name >= 0 else region.column(-1 - name)
        return self._forms[key]

    def _point(self, vertex: int, cell: int, names: list[int]) -> Point:
        if vertex not in self._points:
            self._points[vertex] = _intersection(*(self._form(cell, name) for name in names))
        return self._points[vertex]


def _intersection(p: Form, q: Form) -> Point:
    """The point where two functions vanish."""
    x, y, w = p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
    if w == 0:
        raise InternalError("two lines that meet in a vertex are parallel: an earlier decision was wrong")
    return (x, y, w) if w > 0 else (-x, -y, -w)


def _at(form: Form, point: Point) -> tuple[Any, Any]:
    return form[0] * point[0] + form[1] * point[1] + form[2] * point[2], point[2]


def _position(p: Any, v: Any, q: Any, w: Any) -> float:
    """Where a function with the values p / v and q / w at the ends, of opposite sign, vanishes between them."""
    one, other = abs(int(p * w)), abs(int(q * v))
    return one / (one + other)
