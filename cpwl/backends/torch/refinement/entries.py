"""Values and signs of the columns that cut a few cells, at the vertices of those cells."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..complex.segments import Rows
from .chords import interpolated
from .crossings import vanishing
from .decide import Decider, Places
from .points import Points
from .signs import Columns, Signs


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of all columns before any cell is cut."""

    columns: Columns
    signs: Signs
    crossings: Points
    """Vertices on edges, which follow those of the complex."""
    decider: Decider | None
    """What decides signs that are doubtful; None to leave them undecided."""
    generation: int
    """The number of this refinement, which its chords carry."""


class Entries:
    """The chosen columns at vertices to which more are added: values, bounds, signs.

    Bounds have an axis of length 2 in front of the columns: the error bound, and what counts as zero.
    """

    def __init__(self, known: Known, columns: Tensor, vertices: Tensor, places: Places) -> None:
        """At the given vertices: first old ones, then crossings."""
        self._columns, self._decider, self._places = columns, known.decider, places
        old = known.columns.values.shape[0]
        own, crossing = vertices[vertices < old], vertices[vertices >= old] - old
        values, bounds = self._old(known, own)
        sign, doubtful = known.signs.at(own, columns)
        zero = (sign == 0) & ~doubtful
        values[zero] = 0.0
        bounds.masked_fill_(zero[:, None], 0.0)
        self._values, self._bounds, self._sign, self._open = map(Rows, (values, bounds, sign, doubtful))
        made = (columns == known.crossings.column[crossing][:, None]).long().argmax(1)
        ends = [self._old(known, end[crossing]) for end in (known.crossings.first, known.crossings.second)]
        self._append(ends, made, known.crossings.position[crossing], self._slack(ends, made)[1])

    def _old(self, known: Known, vertices: Tensor) -> tuple[Tensor, Tensor]:
        rows, names = vertices[:, None], self._columns[None, :]
        return known.columns.values[rows, names], known.columns.bounds_at(rows, names).movedim(0, 1).contiguous()

    # ---- signs -----------------------------------------------------------------------------------------------------
    @property
    def sign(self) -> Tensor:
        """Signs in {-1, 0, 1}, int8 (vertices, columns)."""
        return self._sign.all

    @property
    def open(self) -> Tensor:
        """Whether a sign is doubtful, bool (vertices, columns)."""
        return self._open.all

    def settle(self, column: int) -> None:
        """Decides all doubtful signs of a column exactly, if there is what decides."""
        which = self.open[:, column].nonzero(as_tuple=True)[0]
        if self._decider is None or not len(which):
            return
        signs = self._decider.signs(self._places.take(which), self._columns[column].expand(len(which)), "cut")
        self.sign[which, column] = signs
        self.open[which, column] = False
        zero = which[signs == 0]
        self._values.all[zero, column] = 0.0
        self._bounds.all[zero, :, column] = 0.0

    # ---- new vertices ----------------------------------------------------------------------------------------------
    def add(self, first: Tensor, second: Tensor, column: int, places: Places) -> tuple[Tensor, Tensor]:
        """Adds vertices where a column vanishes between two others; their parameters, and the bounds on those."""
        ends = [(self._values.all[end], self._bounds.all[end]) for end in (first, second)]
        made = torch.full_like(first, column)
        position, slack = self._slack(ends, made)
        loose = self._loose(ends, made)
        if self._decider is not None and len(loose):
            start, stop = (self._places.take(end[loose]) for end in (first, second))
            sharp = self._decider.positions(start, stop, places.cell[loose], self._columns[made[loose]])
            position[loose], slack[loose] = sharp[0], sharp[1][:, None]
        self._places = Places.joined(self._places, places)
        self._append(ends, made, position, slack)
        return position, slack[:, 0]

    @staticmethod
    def _slack(ends: list[tuple[Tensor, Tensor]], made: Tensor) -> tuple[Tensor, Tensor]:
        row = torch.arange(len(made), device=made.device)
        (first, first_bound), (second, second_bound) = ends
        bounds = first_bound[row, :, made].T, second_bound[row, :, made].T
        position, slack = vanishing(first[row, made], second[row, made], *bounds)
        return position, slack.T.contiguous()

    @staticmethod
    def _loose(ends: list[tuple[Tensor, Tensor]], made: Tensor) -> Tensor:
        """Where a value of the column that makes the vertex is within its error bound at one end."""
        row = torch.arange(len(made), device=made.device)
        beyond = [values[row, made].abs() > bounds[row, 0, made] for values, bounds in ends]
        return (~(beyond[0] & beyond[1])).nonzero(as_tuple=True)[0]

    def _append(self, ends: list[tuple[Tensor, Tensor]], made: Tensor, position: Tensor, slack: Tensor) -> None:
        (first, first_bound), (second, second_bound) = ((values, bound.movedim(1, 0)) for values, bound in ends)
        values, bound = interpolated(first, second, first_bound, second_bound, position[:, None], slack.T[:, :, None])
        row = torch.arange(len(made), device=made.device)
        values[row, made] = 0.0
        bound[:, row, made] = 0.0
        size = values.abs()
        self._values.append(values)
        self._bounds.append(bound.movedim(0, 1))
        self._sign.append(torch.where(size > bound[1], values.sign(), 0.0).to(torch.int8))
        self._open.append(~(size > bound[0]) & (bound[0] != 0))
