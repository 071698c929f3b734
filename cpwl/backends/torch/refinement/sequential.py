"""Cutting a few cells by one column at a time, with signs in {-1, 0, 1}: any signs at all give a valid complex.

This is the way for cells in which some column vanishes at a vertex, or in which a decision is within rounding. All such
cells are cut together; the loop is over columns only. A chord may end in an existing vertex; coincident lines become
one. A sign that is within its error bound is decided exactly if there is what decides; otherwise a value within the
rounding of its last operation counts as zero, and the old cell is reported as ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....errors import InternalError
from ....runtime.budget import checkpoint
from ..complex.complex import HalfEdges
from ..complex.segments import Rows, distinct
from .decide import Places
from .entries import Entries, Known
from .points import Points
from .prolong import Certain


@dataclass(frozen=True, eq=False)
class Outcome:
    """The complex after cutting, and what is known of the cells that were cut."""

    edges: Tensor
    marks: Tensor
    half: HalfEdges
    layers: list[Points]
    """The new vertices in the order of their numbers; none needs another of its layer."""
    representative: Tensor
    """One half-edge of each of the L resulting cells."""
    columns: Tensor
    """The columns that were used, increasing."""
    below: Tensor
    """bool (L, len(columns)): the column is below its level on the cell."""
    ambiguous: Tensor
    """The old cells in which a decision was within its bound (with repetitions)."""
    chords: tuple[Tensor, Tensor]
    """The old cell and the column of each new chord, in the order of their numbers."""
    zeros: Certain
    """Vertices and columns that are certainly at their level there."""

    @classmethod
    def nothing(cls, edges: Tensor, marks: Tensor, half: HalfEdges) -> Outcome:
        """That of cutting no cell."""
        none = half.edge[:0]
        below = torch.zeros(0, 0, dtype=torch.bool, device=none.device)
        return cls(edges, marks, half, [], none, none, below, none, (none, none), Certain.none(none.device))


class Sequential:
    """The half-edges of the chosen cells, linked both ways, with the values of the columns that cut them."""

    def __init__(
        self, edges: Tensor, marks: Tensor, half: HalfEdges, chosen: Tensor, active: Tensor, known: Known, vertices: int
    ) -> None:
        """``chosen`` (bool per old cell) are cut by the columns ``active``; there are ``vertices`` so far."""
        self._all_edges, self._all_marks, self._half, self._active = edges, marks, half, active
        self._known = known
        self._line = int(marks[:, 1].max()) + 1
        self._members = chosen[half.parent].nonzero(as_tuple=True)[0]
        self._edge_name, self._edge = distinct(half.edge[self._members])
        self._whole = self._wholly_chosen()
        self._vertex, ends = distinct(edges[self._edge_name])
        self._edges, self._marks = ends, marks[self._edge_name]
        self._function = self._marks[:, 1]
        self._vertices, self._added = vertices, len(self._vertex)
        self._forward = half.forward[self._members]
        local = torch.full_like(half.edge, -1)
        local[self._members] = torch.arange(len(self._members), device=local.device)
        self._next = local[half.successor[self._members]]
        self._previous = torch.empty_like(self._next)
        self._previous[self._next] = torch.arange(len(self._next), device=local.device)
        self._parents, self._cell = distinct(half.parent[self._members])
        self._below = Rows(torch.zeros(len(self._parents), len(active), dtype=torch.bool, device=local.device))
        self._batches: list[Points] = []
        self._ambiguous: list[Tensor] = []
        self._chords: list[tuple[Tensor, Tensor]] = []
        self._entries = Entries(known, active, self._vertex, self._places())

    def _wholly_chosen(self) -> Tensor:
        """For each local edge whether every half-edge on it is among the members."""
        name, half = self._edge_name, self._half
        sides = torch.bincount(half.edge, minlength=len(self._all_edges))[name]
        return sides == torch.bincount(self._edge, minlength=len(name))

    # ---- values at vertices ----------------------------------------------------------------------------------------
    def _places(self) -> Places:
        """All vertices as intersections of two functions on one of their cells (see ``Places``)."""
        count = len(self._edge)
        at = torch.full((len(self._vertex),), count, device=self._edge.device)
        at.scatter_reduce_(0, self._origin(), torch.arange(count, device=at.device), "amin")
        arriving, leaving = (self._function[self._edge[h]] for h in (self._previous[at], at))
        crossing = self._vertex - self._known.columns.values.shape[0]
        made = (crossing >= 0).nonzero(as_tuple=True)[0]
        arriving[made] = -1 - self._known.crossings.column[crossing[made]]
        return Places(self._vertex, self._parents[self._cell[at]], torch.stack([arriving, leaving], 1))

    def _origin(self) -> Tensor:
        origin: Tensor = self._edges[self._edge, (~self._forward).long()]
        return origin

    def _signs(self, column: int) -> Tensor:
        """Signs of a column at the origins of all half-edges; reports the cells in which one is uncertain."""
        self._entries.settle(column)
        origin = self._origin()
        uncertain = self._entries.open[origin, column]
        self._ambiguous.append(self._parents[self._cell[uncertain]])
        return self._entries.sign[origin, column]

    # ---- cutting ---------------------------------------------------------------------------------------------------
    def run(self) -> Outcome:
        """Cuts by every active column and returns the complex."""
        for column in range(len(self._active)):
            checkpoint()
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
        home = torch.empty_like(edge)
        home[which] = self._parents[self._cell[crossed]]
        middle = self._add_vertices(column, edge, home)
        first_new = len(self._edges)
        self._add_edges(torch.stack([middle, self._edges[edge, 1]], 1), self._marks[edge], self._function[edge])
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
        self._below.all[:, column] = below & ~above
        into, out = self._turns(signs, above & below)
        once = (torch.bincount(self._cell[into], minlength=cells) == 1) & (
            torch.bincount(self._cell[out], minlength=cells) == 1
        )
        odd = above & below & ~once
        if self._known.decider is not None and bool(odd.any()):
            raise InternalError("a line crosses a convex cell other than twice: an exact decision was wrong")
        self._ambiguous.append(self._parents[odd])
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
        self._below.append(self._below.all[cell])
        self._below.all[new_cell, column] = True
        origin = self._origin()
        edge = len(self._edges) + torch.arange(len(cell), device=cell.device)
        line = self._line + torch.arange(len(cell), device=cell.device)
        self._line += len(cell)
        name = self._active[column].expand(len(cell))
        self._chords.append((self._parents[cell], name))
        marks = torch.stack([torch.full_like(line, self._known.generation), line], 1)
        self._add_edges(torch.stack([origin[into], origin[out]], 1), marks, -1 - name)
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
    def _add_vertices(self, column: int, edge: Tensor, home: Tensor) -> Tensor:
        """New vertices where a column crosses edges; ``home`` is an old cell beside each."""
        first, second = self._edges[edge].unbind(1)
        name = self._active[column].expand(len(edge))
        count = torch.arange(len(edge), device=edge.device)
        middle = len(self._vertex) + count
        vertex = self._vertices + len(self._vertex) - self._added + count
        places = Places(vertex, home, torch.stack([self._function[edge], -1 - name], 1))
        position, slack = self._entries.add(first, second, column, places)
        self._batches.append(Points.of(self._vertex[first], self._vertex[second], name, position, slack))
        self._vertex = torch.cat([self._vertex, vertex])
        return middle

    def _add_edges(self, ends: Tensor, marks: Tensor, function: Tensor) -> None:
        self._edges = torch.cat([self._edges, ends])
        self._marks = torch.cat([self._marks, marks])
        self._function = torch.cat([self._function, function])
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
        layers = self._layers()
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
        return Outcome(
            edges,
            marks,
            half,
            layers,
            representative,
            self._active,
            self._below.all,
            ambiguous,
            self._new_chords(),
            self._zeros(),
        )

    def _layers(self) -> list[Points]:
        """The new vertices layer by layer, each above the layers of its ends; they are numbered anew in this order."""
        if not self._batches:
            return []
        points, start = Points.joined(self._batches), self._vertices
        first, second = points.first - start, points.second - start
        layer = torch.zeros(len(points) + 1, dtype=torch.int64, device=first.device)
        low = 0
        for batch in self._batches:
            part = slice(low, low + len(batch))
            # The last entry stands for all vertices from before.
            ends = torch.stack([first[part], second[part]]).clamp(min=-1)
            layer[part] = layer[ends].amax(0) + 1
            low += len(batch)
        counts, order = torch.bincount(layer[:-1])[1:], torch.argsort(layer[:-1], stable=True)
        number = torch.empty_like(order)
        number[order] = torch.arange(len(order), device=order.device)
        first, second = (torch.where(e < 0, e, number[e.clamp(min=0)]) + start for e in (first, second))
        self._vertex[self._added :] = start + number
        points = replace(points, first=first, second=second).take(order)
        ends_at = counts.cumsum(0).tolist()
        return [points.part(low, high) for low, high in zip([0, *ends_at], ends_at, strict=False)]

    def _new_chords(self) -> tuple[Tensor, Tensor]:
        none = self._parents[:0]
        cell, column = zip((none, none), *self._chords, strict=True)
        return torch.cat(cell), torch.cat(column)

    def _zeros(self) -> Certain:
        vertex, column = ((self._entries.sign == 0) & ~self._entries.open).nonzero(as_tuple=True)
        return Certain(self._vertex[vertex], self._active[column], torch.zeros_like(vertex, dtype=torch.int8))

    def _merged_edges(self) -> tuple[Tensor, Tensor, Tensor]:
        """All edges and marks, and the number there of each local edge."""
        old, total = len(self._edge_name), len(self._all_edges)
        new = torch.arange(len(self._edges) - old, device=self._edges.device)
        name = torch.cat([self._edge_name, total + new])
        edges, marks = _grown(self._all_edges, len(new)), _grown(self._all_marks, len(new))
        edges[name], marks[name] = self._vertex[self._edges], self._marks
        return edges, marks, name


def _marked(count: int, index: Tensor) -> Tensor:
    marks = torch.zeros(count, dtype=torch.bool, device=index.device)
    marks[index] = True
    return marks


def _grown(values: Tensor, count: int) -> Tensor:
    return torch.cat([values, values.new_empty(count, *values.shape[1:])])
