"""Cutting a few cells by one column at a time, with signs in {-1, 0, 1}: any signs at all give a valid complex.

This is the way for cells in which some column vanishes at a vertex, or in which a decision is within rounding. All such
cells are cut together; the loop is over columns only. A value within the rounding of its last operation counts as zero,
so that a chord may end in an existing vertex and coincident lines become one. Where a value is within its error bound,
the old cell is reported as ambiguous. Bounds have a leading axis of length 2: the error bound, and what counts as zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InternalError
from .chords import interpolated
from .complex import HalfEdges
from .crossings import vanishing
from .prolong import Points
from .segments import distinct
from .signs import Columns


@dataclass(frozen=True, eq=False)
class Outcome:
    """The complex after cutting, and what is known of the cells that were cut."""

    edges: Tensor
    marks: Tensor
    half: HalfEdges
    batches: list[Points]
    representative: Tensor
    """One half-edge of each of the L resulting cells."""
    columns: Tensor
    """The columns that were used, increasing."""
    below: Tensor
    """bool (L, len(columns)): the column is below its level on the cell."""
    ambiguous: Tensor
    """The old cells in which a decision was within its bound (with repetitions)."""


class Sequential:
    """The half-edges of the chosen cells, linked both ways, with the values of the columns that cut them."""

    def __init__(
        self,
        edges: Tensor,
        marks: Tensor,
        half: HalfEdges,
        chosen: Tensor,
        columns: Columns,
        active: Tensor,
        crossings: Points,
        vertices: int,
        age: int,
    ) -> None:
        """``chosen`` (bool per old cell) are cut by the columns ``active``; new chords get the generation ``age``.

        There are ``vertices`` so far; the ``crossings`` are those that follow the old ones.
        """
        self._age = age
        self._all_edges, self._all_marks, self._half, self._active = edges, marks, half, active
        self._line = int(marks[:, 1].max()) + 1
        self._members = chosen[half.parent].nonzero(as_tuple=True)[0]
        self._edge_name, self._edge = distinct(half.edge[self._members])
        self._whole = self._wholly_chosen()
        self._vertex, ends = distinct(edges[self._edge_name])
        self._edges, self._marks = ends, marks[self._edge_name]
        self._vertices, self._added = vertices, len(self._vertex)
        self._forward = half.forward[self._members]
        local = torch.full_like(half.edge, -1)
        local[self._members] = torch.arange(len(self._members), device=local.device)
        self._next = local[half.successor[self._members]]
        self._previous = torch.empty_like(self._next)
        self._previous[self._next] = torch.arange(len(self._next), device=local.device)
        self._parents, self._cell = distinct(half.parent[self._members])
        self._below = torch.zeros(len(self._parents), len(active), dtype=torch.bool, device=local.device)
        self._batches: list[Points] = []
        self._ambiguous: list[Tensor] = []
        self._load(columns, crossings)

    def _wholly_chosen(self) -> Tensor:
        """For each local edge whether every half-edge on it is among the members."""
        name, half = self._edge_name, self._half
        sides = torch.bincount(half.edge, minlength=len(self._all_edges))[name]
        return sides == torch.bincount(self._edge, minlength=len(name))

    # ---- values at vertices ----------------------------------------------------------------------------------------
    def _load(self, columns: Columns, crossings: Points) -> None:
        """Values and bounds of the active columns at the vertices of the chosen cells."""
        old = columns.values.shape[0]
        index = self._vertex[self._vertex >= old] - old
        own = self._values_at(columns, self._vertex[self._vertex < old])
        ends = [self._values_at(columns, end[index]) for end in (crossings.first, crossings.second)]
        made = (self._active == crossings.column[index][:, None]).long().argmax(1)
        _, _, values, bounds = _crossing(ends, made)
        self._values = torch.cat([own[0], values])
        self._bounds = torch.cat([own[1], bounds], dim=1)

    def _values_at(self, columns: Columns, vertices: Tensor) -> tuple[Tensor, Tensor]:
        rows, names = vertices[:, None], self._active[None, :]
        return columns.values[rows, names], columns.bounds_at(rows, names)

    def _origin(self) -> Tensor:
        origin: Tensor = self._edges[self._edge, (~self._forward).long()]
        return origin

    def _signs(self, column: int) -> Tensor:
        """Signs of a column at the origins of all half-edges; reports the cells in which one is uncertain."""
        values, (bound, zero) = self._values[:, column], self._bounds[:, :, column]
        signs = torch.where(values.abs() > zero, values.sign(), 0.0).to(torch.int8)
        origin = self._origin()
        uncertain = ((values.abs() <= bound) & (bound > 0))[origin]
        self._ambiguous.append(self._parents[self._cell[uncertain]])
        return signs[origin]

    # ---- cutting ---------------------------------------------------------------------------------------------------
    def run(self) -> Outcome:
        """Cuts by every active column and returns the complex."""
        for column in range(len(self._active)):
            signs = self._signs(column)
            if self._split_edges(column, signs):
                signs = self._signs(column)
            self._split_cells(column, signs)
        return self._outcome()

    def _split_edges(self, column: int, signs: Tensor) -> bool:
        """Puts a vertex on every edge whose ends are strictly on the two sides of the column."""
        crossed = (signs * signs[self._next] < 0).nonzero(as_tuple=True)[0]
        if not len(crossed):
            return False
        edge, which = distinct(self._edge[crossed])
        if not bool(self._whole[edge].all()):
            raise InternalError("an edge of a regular cell changes sign after it was divided: an error bound is wrong")
        middle = self._add_vertices(column, edge)
        first_new = len(self._edges)
        self._add_edges(torch.stack([middle, self._edges[edge, 1]], 1), self._marks[edge])
        self._edges[edge, 1] = middle
        far = first_new + which
        near, forward = self._edge[crossed], self._forward[crossed]
        self._edge[crossed] = torch.where(forward, near, far)
        added = self._add_half_edges(torch.where(forward, far, near), forward, self._cell[crossed])
        self._link(added, self._next[crossed])
        self._link(crossed, added)
        return True

    def _split_cells(self, column: int, signs: Tensor) -> None:
        """Cuts every cell that has vertices strictly on both sides by a chord between two of its zero vertices."""
        cells = len(self._parents)
        above, below = (_marked(cells, self._cell[signs == side]) for side in (1, -1))
        self._below[:, column] = below & ~above
        into, out = self._turns(signs, above & below)
        once = (torch.bincount(self._cell[into], minlength=cells) == 1) & (
            torch.bincount(self._cell[out], minlength=cells) == 1
        )
        self._ambiguous.append(self._parents[above & below & ~once])
        into, out = into[once[self._cell[into]]], out[once[self._cell[out]]]
        into, out = into[torch.argsort(self._cell[into])], out[torch.argsort(self._cell[out])]
        if len(into):
            self._add_chords(column, into, out)

    def _turns(self, signs: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
        """Half-edges of cut cells that leave the first zero vertex on the way from above to below, and back."""
        zero = ((signs == 0) & cut[self._cell]).nonzero(as_tuple=True)[0]
        before = signs[self._previous[zero]]
        ahead = self._next[zero]
        while bool((signs[ahead] == 0).any()):
            ahead = torch.where(signs[ahead] == 0, self._next[ahead], ahead)
        after = signs[ahead]
        return zero[(before == 1) & (after == -1)], zero[(before == -1) & (after == 1)]

    def _add_chords(self, column: int, into: Tensor, out: Tensor) -> None:
        """A chord in each cell from the origin of ``into`` to that of ``out``; what lies below becomes a new cell."""
        cell = self._cell[into]
        new_cell = len(self._parents) + torch.arange(len(cell), device=cell.device)
        self._parents = torch.cat([self._parents, self._parents[cell]])
        self._below = torch.cat([self._below, self._below[cell]])
        self._below[new_cell, column] = True
        origin = self._origin()
        edge = len(self._edges) + torch.arange(len(cell), device=cell.device)
        line = self._line + torch.arange(len(cell), device=cell.device)
        self._line += len(cell)
        self._add_edges(
            torch.stack([origin[into], origin[out]], 1), torch.stack([torch.full_like(line, self._age), line], 1)
        )
        along = torch.ones(len(cell), dtype=torch.bool, device=cell.device)
        before_into, before_out = self._previous[into], self._previous[out]
        above = self._add_half_edges(edge, along, cell)
        below = self._add_half_edges(edge, ~along, new_cell)
        self._link(before_into, above)
        self._link(above, out)
        self._link(before_out, below)
        self._link(below, into)
        while len(into):
            self._cell[into] = new_cell
            into = self._next[into]
            open_ = into != below
            into, new_cell, below = into[open_], new_cell[open_], below[open_]

    # ---- growing the arrays ----------------------------------------------------------------------------------------
    def _add_vertices(self, column: int, edge: Tensor) -> Tensor:
        first, second = self._edges[edge].unbind(1)
        ends = [(self._values[end], self._bounds[:, end]) for end in (first, second)]
        position, slack, values, bounds = _crossing(ends, torch.full_like(edge, column))
        self._values, self._bounds = torch.cat([self._values, values]), torch.cat([self._bounds, bounds], dim=1)
        names = self._vertex[first], self._vertex[second]
        self._batches.append(Points(*names, self._active[column].expand(len(edge)), position, slack))
        count = torch.arange(len(edge), device=edge.device)
        middle = len(self._vertex) + count
        self._vertex = torch.cat([self._vertex, self._vertices + len(self._vertex) - self._added + count])
        return middle

    def _add_edges(self, ends: Tensor, marks: Tensor) -> None:
        self._edges = torch.cat([self._edges, ends])
        self._marks = torch.cat([self._marks, marks])
        self._whole = torch.cat([self._whole, torch.ones(len(ends), dtype=torch.bool, device=ends.device)])

    def _add_half_edges(self, edge: Tensor, forward: Tensor, cell: Tensor) -> Tensor:
        number = len(self._edge) + torch.arange(len(edge), device=edge.device)
        self._edge, self._forward = torch.cat([self._edge, edge]), torch.cat([self._forward, forward])
        self._next, self._previous = torch.cat([self._next, number]), torch.cat([self._previous, number])
        self._cell = torch.cat([self._cell, cell])
        return number

    def _link(self, first: Tensor, second: Tensor) -> None:
        self._next[first] = second
        self._previous[second] = first

    # ---- the result ------------------------------------------------------------------------------------------------
    def _outcome(self) -> Outcome:
        edges, marks, edge_name = self._merged_edges()
        total = len(self._half.edge)
        new = torch.arange(len(self._edge) - len(self._members), device=self._edge.device)
        name = torch.cat([self._members, total + new])
        old = self._half
        half = HalfEdges(*(_grown(part, len(new)) for part in (old.edge, old.forward, old.successor, old.parent)))
        half.edge[name], half.forward[name] = edge_name[self._edge], self._forward
        half.successor[name], half.parent[name] = name[self._next], self._parents[self._cell]
        representative = torch.empty_like(self._parents)
        representative[self._cell] = name
        ambiguous = torch.cat([*self._ambiguous, self._parents[:0]])
        return Outcome(edges, marks, half, self._batches, representative, self._active, self._below, ambiguous)

    def _merged_edges(self) -> tuple[Tensor, Tensor, Tensor]:
        """All edges and marks, and the number there of each local edge."""
        old, total = len(self._edge_name), len(self._all_edges)
        new = torch.arange(len(self._edges) - old, device=self._edges.device)
        name = torch.cat([self._edge_name, total + new])
        edges, marks = _grown(self._all_edges, len(new)), _grown(self._all_marks, len(new))
        edges[name], marks[name] = self._vertex[self._edges], self._marks
        return edges, marks, name


def _crossing(ends: list[tuple[Tensor, Tensor]], made: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where column ``made[i]`` vanishes on segment i: the parameter, its bound, and all values and bounds there."""
    (first, first_bound), (second, second_bound) = ends
    row = torch.arange(len(made), device=made.device)
    position, slack = vanishing(
        first[row, made], second[row, made], first_bound[:, row, made], second_bound[:, row, made]
    )
    values, bounds = interpolated(first, second, first_bound, second_bound, position[:, None], slack[:, :, None])
    values[row, made] = 0.0
    bounds[:, row, made] = 0.0
    return position, slack[0], values, bounds


def _marked(count: int, index: Tensor) -> Tensor:
    marks = torch.zeros(count, dtype=torch.bool, device=index.device)
    marks[index] = True
    return marks


def _grown(values: Tensor, count: int) -> Tensor:
    return torch.cat([values, values.new_empty(count, *values.shape[1:])])
