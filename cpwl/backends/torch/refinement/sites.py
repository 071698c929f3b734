"""Where chords of degenerate cells may end, which chords there are, and in which points they meet: as data.

A *site* is a point of a cell's boundary where chords may end: an old vertex or a crossing. It is known by the number of
the piece of a half-edge that departs from it, as ``Cut`` numbers them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..complex.complex import Complex
from ..complex.segments import exclusive_sum
from .chords import Chords, Visits
from .coincidence import Shared
from .crossings import Crossings
from .decide import Places
from .points import Points
from .signs import Columns, Signs


@dataclass(frozen=True, eq=False)
class Sites:
    """The boundary points of cells, each with what is known of it; and what all columns are there."""

    complex: Complex
    columns: Columns
    signs: Signs
    crossings: Crossings
    shared: Shared
    visits: Visits

    @cached_property
    def first(self) -> Tensor:
        """The site at which each half-edge begins."""
        counts = self.visits.counts
        return exclusive_sum(counts) + torch.arange(len(counts), device=counts.device)

    @property
    def count(self) -> int:
        """The number of sites."""
        return len(self.visits.half_edge) + len(self.visits.counts)

    @property
    def vertices(self) -> int:
        """The number of old vertices; crossings follow."""
        return len(self.columns.values)

    def before(self, site: Tensor, cell: Tensor) -> Tensor:
        """The sites before some of the given cells, around these: the pieces that depart there arrive at the sites."""
        starts = torch.cat([self.first, self.first.new_tensor([self.count])])
        start, stop = starts[self.complex.offsets[cell]], starts[self.complex.offsets[cell + 1]]
        return torch.where(site == start, stop, site) - 1

    def crossing(self, site: Tensor) -> tuple[Tensor, Tensor]:
        """The half-edge on which each site is, and the crossing; -1 for the half-edge's first end."""
        half_edge = torch.searchsorted(self.first, site, right=True) - 1
        inner = site != self.first[half_edge]
        crossing = torch.full_like(site, -1)
        crossing[inner] = self.visits.crossing[(site - half_edge - 1)[inner]]
        return half_edge, crossing

    def places(self, site: Tensor) -> Places:
        """The sites as zeros of two functions."""
        half_edge, crossing = self.crossing(site)
        corners = Places.of_half_edges(self.complex, half_edge)
        inner = (crossing >= 0).nonzero(as_tuple=True)[0]
        names = corners.names.clone()
        names[inner, 0] = self.complex.marks[self.complex.half_edge[half_edge[inner]], 1]
        names[inner, 1] = -1 - self.crossings.column[crossing[inner]]
        vertex = torch.where(crossing < 0, corners.vertex, self.vertices + crossing)
        return Places(vertex, corners.cell, names)

    def above_left(self, cell: Tensor, column: Tensor) -> Tensor:
        """The sign of cutting columns just before their cells' first vertices, int8: on the left of their chords."""
        first, last = self.complex.offsets[cell], self.complex.offsets[cell + 1] - 1
        signs, before = (self.signs.entries(self.complex.origin[h], column) for h in (first, last))
        return torch.where(signs == 0, before, signs)


@dataclass(frozen=True, eq=False)
class Spans:
    """The chords of degenerate cells, each once, sorted by the sites where they begin and end; and all columns that
    vanish on them.

    The walk around a cell from its first vertex comes to the beginning before the end.
    """

    sites: Sites
    begin: Tensor
    end: Tensor
    cell: Tensor
    column: Tensor
    """The lowest column that vanishes on the chord."""
    also: Shared
    """The further columns."""
    vertices: Tensor
    """The numbers of both ends as vertices, (2, n)."""

    def __len__(self) -> int:
        return self.begin.shape[0]

    @property
    def chords(self) -> Chords:
        """The same without further columns; they begin and end at sites."""
        return Chords(self.begin, self.end, self.cell, self.column)


@dataclass(frozen=True, eq=False)
class Web:
    """Chords and the points in which they meet, as incidences: chord by chord, along each."""

    spans: Spans
    chord: Tensor
    point: Tensor
    points: Points
    """The points as new vertices, each on the first of the lowest two chords that meet there."""
    zeros: tuple[Tensor, Tensor]
    """Points, which are vertices numbered from ``start``, and crossings, and the columns that vanish there, but for
    those that made each."""
    pieces: Tensor
    """The number of cells that each old one falls into, less 1 (proofs/, Lemma 4)."""
