"""Values and signs of the columns that cut a few cells, at the vertices of those cells."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .chords import interpolated
from .crossings import vanishing
from .decide import Decider, Places
from .field import UNIT
from .prolong import Points
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
    """The chosen columns at vertices to which more are added: values, bounds, signs. Bounds have a leading axis 2."""

    def __init__(self, known: Known, columns: Tensor, vertices: Tensor, places: Places) -> None:
        """At the given vertices: first old ones, then crossings."""
        self._columns, self._decider, self._places = columns, known.decider, places
        old = known.columns.values.shape[0]
        own, crossing = vertices[vertices < old], vertices[vertices >= old] - old
        self._values, self._bounds = self._old(known, own)
        self.sign, self.open = known.signs.at(own, columns)
        self._exact_zeros()
        made = (columns == known.crossings.column[crossing][:, None]).long().argmax(1)
        ends = [self._old(known, end[crossing]) for end in (known.crossings.first, known.crossings.second)]
        self._append(ends, made, known.crossings.position[crossing], self._slack(ends, made)[1])

    def _old(self, known: Known, vertices: Tensor) -> tuple[Tensor, Tensor]:
        rows, names = vertices[:, None], self._columns[None, :]
        return known.columns.values[rows, names], known.columns.bounds_at(rows, names)

    def _exact_zeros(self) -> None:
        """Puts in zeros that are certain."""
        zero = (self.sign == 0) & ~self.open
        self._values[zero] = 0.0
        self._bounds[:, zero] = 0.0

    # ---- signs -----------------------------------------------------------------------------------------------------
    def settle(self, column: int) -> None:
        """Decides all doubtful signs of a column exactly, if there is what decides."""
        which = self.open[:, column].nonzero(as_tuple=True)[0]
        if self._decider is None or not len(which):
            return
        signs = self._decider.signs(self._places.take(which), self._columns[column].expand(len(which)))
        self.sign[which, column] = signs
        self.open[which, column] = False
        zero = which[signs == 0]
        self._values[zero, column] = 0.0
        self._bounds[:, zero, column] = 0.0

    # ---- new vertices ----------------------------------------------------------------------------------------------
    def add(self, first: Tensor, second: Tensor, column: int, places: Places) -> tuple[Tensor, Tensor]:
        """Adds vertices where a column vanishes between two others; their parameters, and the bounds on those."""
        ends = [(self._values[end], self._bounds[:, end]) for end in (first, second)]
        made = torch.full_like(first, column)
        position, slack = self._slack(ends, made)
        loose = self._loose(ends, made)
        if self._decider is not None and len(loose):
            one, other = (self._places.take(end[loose]) for end in (first, second))
            position[loose] = self._decider.positions(one, other, places.cell[loose], self._columns[made[loose]])
            slack[:, loose] = UNIT
        self._places = Places.joined(self._places, places)
        self._append(ends, made, position, slack)
        return position, slack[0]

    @staticmethod
    def _slack(ends: list[tuple[Tensor, Tensor]], made: Tensor) -> tuple[Tensor, Tensor]:
        row = torch.arange(len(made), device=made.device)
        (first, first_bound), (second, second_bound) = ends
        bounds = first_bound[:, row, made], second_bound[:, row, made]
        return vanishing(first[row, made], second[row, made], *bounds)

    @staticmethod
    def _loose(ends: list[tuple[Tensor, Tensor]], made: Tensor) -> Tensor:
        """Where a value of the column that makes the vertex is within its error bound at one end."""
        row = torch.arange(len(made), device=made.device)
        within = [values[row, made].abs() <= bounds[0, row, made] for values, bounds in ends]
        return (within[0] | within[1]).nonzero(as_tuple=True)[0]

    def _append(self, ends: list[tuple[Tensor, Tensor]], made: Tensor, position: Tensor, slack: Tensor) -> None:
        (first, first_bound), (second, second_bound) = ends
        values, bounds = interpolated(first, second, first_bound, second_bound, position[:, None], slack[:, :, None])
        row = torch.arange(len(made), device=made.device)
        values[row, made] = 0.0
        bounds[:, row, made] = 0.0
        bound, zero = bounds
        sign = torch.where(values.abs() > zero, values.sign(), 0.0).to(torch.int8)
        self._values, self._bounds = torch.cat([self._values, values]), torch.cat([self._bounds, bounds], dim=1)
        self.sign = torch.cat([self.sign, sign])
        self.open = torch.cat([self.open, (values.abs() <= bound) & (bound > 0)])
