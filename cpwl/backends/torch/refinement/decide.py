"""Exact decisions where float64 leaves a sign open: exact vertices, from the lines that meet there, and exact signs.

A vertex is the point where two lines of one of its cells meet; both lines, and the columns on that cell, are exact
affine functions that ``exactly`` gives for the cells concerned (proofs/, Lemma 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....arrays.ragged import Ragged
from ....errors import InternalError
from ....fields.close_values import CloseValues, positions
from ....geometry.arrangement import Exactly, ExactRegions, Form
from ....runtime.budget import checkpoint
from ..complex.complex import Complex
from ..complex.segments import as_numpy, distinct
from ..fields.field import UNIT
from .counts import Counts, Question

Integers = NDArray[Any]
"""An object array of integers of any length."""

Rows = NDArray[np.int64]

_PARTS = (1, 2, 5)
"""Of the numbers in which functions are known, one after the other where a decision is still open."""

_SAMPLE = 256
"""Decisions by which it is judged, where there are many, whether numbers of some length are worth trying."""

_FUTILE = 3 / 4
"""They are not where they leave more than this share open."""

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

    def numpy(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Vertices, cells and names as numpy arrays."""
        return as_numpy(self.vertex), as_numpy(self.cell), as_numpy(self.names)

    @classmethod
    def joined(cls, one: Places, other: Places) -> Places:
        """All of two lists."""
        pairs = ((one.vertex, other.vertex), (one.cell, other.cell), (one.names, other.names))
        return cls(*(torch.cat(pair) for pair in pairs))

    @classmethod
    def of_vertices(cls, cells: Complex, vertices: Tensor) -> Places:
        """Vertices of a complex, each as a corner of the lowest cell that has it."""
        names, which = distinct(vertices)
        wanted = torch.zeros(int(cells.edges.max()) + 1, dtype=torch.bool, device=vertices.device)
        wanted[names] = True
        there = wanted[cells.origin].nonzero(as_tuple=True)[0]
        first = torch.full_like(names, len(cells.origin))
        first.scatter_reduce_(0, torch.searchsorted(names, cells.origin[there]), there, "amin")
        return cls.of_half_edges(cells, first[which])

    @classmethod
    def of_half_edges(cls, cells: Complex, half_edge: Tensor) -> Places:
        """The origins of half-edges, as corners of their cells."""
        cell = cells.cell_of[half_edge]
        starts = half_edge == cells.offsets[cell]
        before = torch.where(starts, cells.offsets[cell + 1], half_edge) - 1
        lines = [cells.marks[cells.half_edge[h], 1] for h in (before, half_edge)]
        return cls(cells.origin[half_edge], cell, torch.stack(lines, 1))


class Decider:
    """Exact signs of columns at vertices, and exact positions on edges.

    What functions that are known closely leave open is decided from integers.
    """

    def __init__(self, exactly: Exactly, complex_: Complex) -> None:
        """``complex_`` is the one that is to be cut."""
        self._exactly, self._complex = exactly, complex_
        self._batches: list[ExactRegions] = []
        self._homes: dict[int, tuple[int, int]] = {}
        """The batch of each cell that was asked for, and its place there."""
        self._forms: dict[tuple[int, int], Form] = {}
        self._points: dict[int, Point] = {}
        self.counts = Counts()

    @cached_property
    def _rungs(self) -> dict[int, CloseValues]:
        """Values in longer and longer numbers, by how many parts these have."""
        cells = self._complex
        lines = Ragged(as_numpy(cells.marks[cells.half_edge, 1]), as_numpy(cells.offsets))
        return {parts: CloseValues(self._exactly, lines, parts) for parts in _PARTS}

    @property
    def settled(self) -> int:
        """How many decisions were asked for."""
        return self.counts.decisions

    def signs(self, places: Places, columns: Tensor, question: Question = "sign") -> Tensor:
        """The exact sign of columns[i] at places[i], int8 (n,)."""
        signs, column = np.zeros(len(columns), np.int8), as_numpy(columns)
        vertex, cell, names = places.numpy()
        left = np.arange(len(columns))
        for line in names.T:
            left = left[~self._exactly.vanishing(cell[left], column[left], line[left])]
        named = len(columns) - len(left)
        best = None

        def tried(rung: CloseValues, which: Rows) -> NDArray[np.bool_]:
            """Which of some signs a rung leaves open; notes the others."""
            rung.fetch(cell[which])
            if not rung.known or not len(which):
                return np.ones(len(which), np.bool_)
            signs[which], is_open = rung.signs(vertex[which], cell[which], names[which], column[which])
            return is_open

        rungs = list(self._asked(question))
        for rung in rungs:
            some = left[:: max(1, len(left) // _SAMPLE)]
            if rung is not rungs[-1] and len(left) > 16 * _SAMPLE and tried(rung, some).mean() > _FUTILE:
                continue
            left = left[tried(rung, left)]
            best = rung if rung.known else best
        if best is not None:
            zero = self._vanish_everywhere(best, cell[left], column[left])
            named += int(zero.sum())
            left = left[~zero]
        found = torch.as_tensor(signs, device=columns.device)
        index = torch.as_tensor(left, device=columns.device)
        self.counts.note(question, len(columns), names=named, integers=len(left))
        if len(left):
            found[index] = self._exact_signs(places.take(index), columns[index])
        return found

    def _asked(self, question: Question) -> Iterator[CloseValues]:
        """The rungs for a question. Float64 numbers are tried where many decisions come together."""
        return (rung for parts, rung in self._rungs.items() if parts > 1 or question in ("sign", "order"))

    def _vanish_everywhere(self, rung: CloseValues, cell: Rows, column: Rows) -> NDArray[np.bool_]:
        """Whether columns are known by structure to be zero on whole cells, for those that may be."""
        pairs, which = np.unique(np.stack([cell, column]), axis=1, return_inverse=True)
        result = rung.perhaps_zero(*pairs)
        result[result] = self._exactly.vanishing_everywhere(*pairs[:, result])
        return np.asarray(result[which.ravel()])

    def _exact_signs(self, places: Places, columns: Tensor) -> Tensor:
        values, _ = self._values(places, places.cell, columns)
        signs = (values > 0).astype(np.int8) - (values < 0).astype(np.int8)
        return torch.as_tensor(signs, device=columns.device)

    def orders(self, first: Places, second: Places, cells: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """``positions``, where they decide in which order crossings lie."""
        return self.positions(first, second, cells, columns, "order")

    def positions(
        self, first: Places, second: Places, cells: Tensor, columns: Tensor, question: Question = "place"
    ) -> tuple[Tensor, Tensor]:
        """The parameter between first[i] and second[i], on cells[i], where columns[i] vanishes; and its error bound."""
        position, slack = np.zeros(len(columns)), np.full(len(columns), np.inf)
        left = np.arange(len(columns))
        on = as_numpy(cells), as_numpy(columns)
        ends = first.numpy(), second.numpy()
        for rung in self._asked(question):
            rung.fetch(np.concatenate([part[left] for part in (ends[0][1], ends[1][1], on[0])]))
            if rung.known and len(left):
                of_columns = tuple(part[left] for part in on)
                values = (rung.values(*(part[left] for part in end), *of_columns) for end in ends)
                position[left], slack[left] = positions(*values)
                left = left[np.isinf(slack[left])]
        self.counts.note(question, len(columns), integers=len(left))
        found = torch.as_tensor(position, device=columns.device), torch.as_tensor(slack, device=columns.device)
        if len(left):
            index = torch.as_tensor(left, device=columns.device)
            asked = first.take(index), second.take(index), cells[index], columns[index]
            found[0][index], found[1][index] = self._exact_positions(*asked), UNIT
        return found

    def _exact_positions(self, first: Places, second: Places, cells: Tensor, columns: Tensor) -> Tensor:
        (p, v), (q, w) = (self._values(end, cells, columns) for end in (first, second))
        exact = [_position(one, other) for one, other in zip((p * w).tolist(), (q * v).tolist(), strict=True)]
        return torch.tensor(exact, dtype=torch.float64, device=columns.device)

    def fetch(self, cells: Tensor) -> None:
        """Asks for the functions on some cells, all at once, of which many decisions will be made one after another."""
        rung = next(self._asked("cut"))
        rung.fetch(as_numpy(cells))
        if not rung.known:
            self._fetch_exact(cells)

    def _values(self, places: Places, cells: Tensor, columns: Tensor) -> tuple[Integers, Integers]:
        """Columns at places, as numerators and denominators, up to a positive factor common to one of ``cells``."""
        self._fetch_exact(torch.cat([places.cell, cells]))
        vertex, home, names = places.numpy()
        wanted = list(zip(cells.tolist(), (-1 - columns).tolist(), strict=True))
        new = {v: i for i, v in enumerate(vertex.tolist()) if v not in self._points}
        index = np.fromiter(new.values(), np.int64, len(new))
        lines = [list(zip(home[index].tolist(), part, strict=True)) for part in names[index].T.tolist()]
        self._fetch_forms({*wanted, *lines[0], *lines[1]})
        meeting = intersections(*([self._forms[name] for name in part] for part in lines))
        self._points.update(zip(new, meeting, strict=True))
        forms = _table([self._forms[name] for name in wanted])
        points = _table([self._points[v] for v in vertex.tolist()])
        checkpoint()
        return (forms * points).sum(axis=1), points[:, 2]

    def _fetch_exact(self, cells: Tensor) -> None:
        """Asks for the exact functions on some cells, all at once."""
        wanted = [cell for cell in torch.unique(cells).tolist() if cell not in self._homes]
        if wanted:
            self._homes.update((cell, (len(self._batches), place)) for place, cell in enumerate(wanted))
            self._batches.append(self._exactly.regions(np.array(wanted)))

    def _fetch_forms(self, wanted: set[tuple[int, int]]) -> None:
        """Makes functions known, each by its cell and its name: that of a line, or -1 - column."""
        by_batch: dict[int, list[tuple[int, int]]] = {}
        for form in wanted - self._forms.keys():
            by_batch.setdefault(self._homes[form[0]][0], []).append(form)
        for batch, forms in by_batch.items():
            place, name = np.array([(self._homes[cell][1], name) for cell, name in forms]).T
            self._forms.update(zip(forms, self._batches[batch].forms(place, name), strict=True))


def _table(rows: Sequence[tuple[Any, Any, Any]]) -> Integers:
    """Triples as an array (n, 3)."""
    result = np.empty((len(rows), 3), dtype=object)
    for k in range(3):
        result[:, k] = [row[k] for row in rows]
    return result


def intersections(first: Sequence[Form], second: Sequence[Form]) -> list[Point]:
    """The points where two functions each vanish."""
    checkpoint()
    p, q = _table(first).T, _table(second).T
    x, y, w = p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
    if (w == 0).any():
        raise InternalError("two lines that meet in a vertex are parallel: an earlier decision was wrong")
    sign = np.where(w > 0, 1, -1)
    return list(zip(*((sign * part).tolist() for part in (x, y, w)), strict=True))


def intersection(p: Form, q: Form) -> Point:
    """The point where two functions vanish."""
    return intersections([p], [q])[0]


def _position(one: Any, other: Any) -> float:
    """Where a function vanishes between ends with values that are as two integers, of opposite sign, are."""
    one, other = abs(int(one)), abs(int(other))
    return float(one / (one + other))
