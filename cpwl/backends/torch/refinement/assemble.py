"""The half-edges of the cut complex: at every kind of new vertex the successor of each half-edge is known at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..complex.complex import Complex, HalfEdges
from ..complex.segments import exclusive_sum
from .chords import Chords, Meets, Visits
from .crossings import Crossings


@dataclass(frozen=True, eq=False)
class Cut:
    """All that one refinement found, in numbers of the old complex; vertices V, V + 1, ... are new."""

    complex: Complex
    vertices: int
    crossings: Crossings
    visits: Visits
    chords: Chords
    meets: Meets

    def assemble(self, generation: int) -> tuple[Tensor, Tensor, HalfEdges]:
        """Edges, their marks and the half-edges of the new complex."""
        pieces, links = Pieces.of(self), Links.of(self)
        edges = torch.cat([pieces.edges, links.ends])
        chords = torch.stack([torch.full_like(links.chord, generation), self.complex.lines + links.chord], 1)
        return edges, torch.cat([pieces.marks, chords]), self._half_edges(pieces, links)

    @property
    def pieces(self) -> int:
        """The number of pieces of old half-edges; the half-edges along links follow these."""
        return len(self.visits.half_edge) + len(self.visits.counts)

    @property
    def lines(self) -> int:
        """A number above those of all lines."""
        return self.complex.lines + len(self.chords)

    @property
    def end(self) -> int:
        """A number above those of all vertices."""
        return self.vertices + len(self.crossings) + len(self.meets)

    @property
    def links(self) -> int:
        """The number of links, which are the edges that follow the pieces of old ones."""
        return len(self.chords) + 2 * len(self.meets)

    def chord_of_link(self, marks: Tensor) -> Tensor:
        """The number of the chord that each link is part of, from the marks of edges that begin as those of the cut
        complex do and go on with further links."""
        return marks[len(self.complex.edges) + len(self.crossings) :, 1] - self.complex.lines

    def _half_edges(self, pieces: Pieces, links: Links) -> HalfEdges:
        """Numbered: the pieces of old half-edges, then links along their chords, then links against them."""
        parts, count = len(pieces.half_edge), len(links.chord)
        forward, backward = parts, parts + count
        successor = torch.empty(parts + 2 * count, dtype=torch.int64, device=links.chord.device)
        successor[:parts] = pieces.successor
        arriving = pieces.start[self.visits.half_edge] + self._rank_of_visit()
        begin, end = arriving[self.chords.start], arriving[self.chords.end]
        first, last = links.start, links.start + links.counts
        successor[begin] = forward + first
        successor[end] = backward + last
        successor[forward + last] = end + 1
        successor[backward + first] = begin + 1
        # The earlier chord starts first around the cell: the later one passes from its right to its left.
        earlier, later = links.before.unbind(1)
        successor[forward + earlier] = forward + later + 1
        successor[forward + later] = backward + earlier
        successor[backward + earlier + 1] = backward + later
        successor[backward + later + 1] = forward + earlier + 1
        numbers = len(pieces.edges) + torch.arange(count, device=first.device)
        along = torch.ones(count, dtype=torch.bool, device=first.device)
        cell = self.chords.cell[links.chord]
        return HalfEdges(
            torch.cat([pieces.edge, numbers, numbers]),
            torch.cat([pieces.forward, along, ~along]),
            successor,
            torch.cat([pieces.cell, cell, cell]),
        )

    def _rank_of_visit(self) -> Tensor:
        first = exclusive_sum(self.visits.counts)
        return torch.arange(len(self.visits.half_edge), device=first.device) - first[self.visits.half_edge]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Old edges and half-edges divided at their crossings."""

    edges: Tensor
    marks: Tensor
    half_edge: Tensor
    """The old half-edge that each piece is part of."""
    start: Tensor
    """The first piece of each old half-edge."""
    edge: Tensor
    forward: Tensor
    successor: Tensor
    cell: Tensor

    @classmethod
    def of(cls, cut: Cut) -> Pieces:
        """The pieces, half-edge by half-edge in the order of the walk."""
        old = cut.complex
        per_edge = cut.crossings.counts
        counts = cut.visits.counts + 1
        half_edge = torch.repeat_interleave(counts)
        start = exclusive_sum(counts)
        number = torch.arange(len(half_edge), device=start.device)
        rank = number - start[half_edge]
        forward = old.forward[half_edge]
        rank_on_edge = torch.where(forward, rank, cut.visits.counts[half_edge] - rank)
        edge = exclusive_sum(per_edge + 1)[old.half_edge[half_edge]] + rank_on_edge
        is_last = rank == cut.visits.counts[half_edge]
        successor = torch.where(is_last, start[old.successor[half_edge]], number + 1)
        edges, marks = _divided(old, cut.vertices, per_edge)
        return cls(edges, marks, half_edge, start, edge, forward, successor, old.cell_of[half_edge])


@dataclass(frozen=True, eq=False)
class Links:
    """The pieces of chords between consecutive crossings along them, chord by chord."""

    chord: Tensor
    start: Tensor
    """The first link of each chord."""
    counts: Tensor
    """The number of crossings inside each chord."""
    ends: Tensor
    """int64 (links, 2), the vertices at the ends of each link."""
    before: Tensor
    """int64 (Q, 2): for each pair of crossing chords the link of each that arrives at the crossing."""

    @classmethod
    def of(cls, cut: Cut) -> Links:
        """The links of all chords."""
        chords, meets = cut.chords, cut.meets
        flat = meets.chord.T.reshape(-1)
        counts = torch.bincount(flat, minlength=len(chords))
        order = meets.order
        slot = torch.empty_like(order)
        slot[order] = torch.arange(len(order), device=order.device)
        chord = torch.repeat_interleave(counts + 1)
        start = exclusive_sum(counts + 1)
        before = (slot - exclusive_sum(counts)[flat] + start[flat]).view(2, -1).T
        inner = cut.vertices + len(cut.crossings) + torch.arange(len(meets), device=flat.device)
        ends = torch.empty(len(chord), 2, dtype=torch.int64, device=flat.device)
        ends[start, 0] = cut.vertices + cut.visits.crossing[chords.start]
        ends[start + counts, 1] = cut.vertices + cut.visits.crossing[chords.end]
        ends[before, 1] = inner[:, None].expand(-1, 2)
        ends[before + 1, 0] = inner[:, None].expand(-1, 2)
        return cls(chord, start, counts, ends, before)


def _divided(old: Complex, vertices: int, counts: Tensor) -> tuple[Tensor, Tensor]:
    """The old edges divided at their crossings, and their marks."""
    edge = torch.repeat_interleave(counts + 1)
    rank = torch.arange(len(edge), device=edge.device) - exclusive_sum(counts + 1)[edge]
    crossing = vertices + exclusive_sum(counts)[edge] + rank
    first = torch.where(rank == 0, old.edges[edge, 0], crossing - 1)
    second = torch.where(rank == counts[edge], old.edges[edge, 1], crossing)
    return torch.stack([first, second], 1), old.marks[edge]
