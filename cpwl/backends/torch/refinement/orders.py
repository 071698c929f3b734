"""Orders of crossings along edges and chords that float64 leaves open: decided from positions that are known closely.

What stays open then, because crossings coincide or are as near as two float64 numbers, is left to ``coincidence``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..complex.complex import Complex
from ..complex.segments import sort_within
from .chords import ChordEnds, Chords, Meets
from .crossings import NEAR, Crossings, within_slack
from .decide import Decider, Places


@dataclass(frozen=True, eq=False)
class _Line:
    """Crossings along segments: those of one segment are neighbours, in the order of their positions."""

    segment: Tensor
    position: Tensor
    slack: Tensor

    def tied(self) -> Tensor:
        """Whether the order of a crossing and its neighbour, before or after, is uncertain."""
        flags = torch.zeros_like(self.segment, dtype=torch.bool)
        close = within_slack(self.segment, self.position, self.slack)
        flags[1:] |= close
        flags[:-1] |= close
        return flags

    def loose(self, doubtful: Tensor | bool) -> Tensor:
        """Whether a sharper position may make the order certain or, where a value is ``doubtful``, is needed at all."""
        return (self.tied() | doubtful) & ~(self.slack <= NEAR)

    def sharpened(self, loose: Tensor, sharper: Callable[[Tensor], tuple[Tensor, Tensor]]) -> tuple[_Line, Tensor]:
        """The crossings with sharper positions at the indices ``loose``, and the permutation that sorts them anew."""
        position, slack = self.position.clone(), self.slack.clone()
        sharp = sharper(loose)
        position[loose], slack[loose] = sharp[0].clamp(0, 1), sharp[1]
        order = sort_within(self.segment, position)
        return _Line(self.segment, position[order], slack[order]), order


def along_edges(complex_: Complex, crossings: Crossings, decider: Decider) -> Crossings:
    """The crossings of edges, in their exact order wherever it can be decided."""
    index = crossings.undecided[crossings.edge].nonzero(as_tuple=True)[0]
    if not len(index):
        return crossings
    line = _Line(crossings.edge[index], crossings.position[index], crossings.slack[index])
    loose = line.loose(crossings.doubtful[index]).nonzero(as_tuple=True)[0]
    if not len(loose):
        return crossings
    ends = _EdgeEnds.of(complex_, line.segment)

    def sharper(which: Tensor) -> tuple[Tensor, Tensor]:
        first, second = ends.at(line.segment[which])
        return decider.orders(first, second, first.cell, crossings.column[index[which]])

    line, order = line.sharpened(loose, sharper)
    column, position, slack = crossings.column.clone(), crossings.position.clone(), crossings.slack.clone()
    column[index], position[index], slack[index] = crossings.column[index[order]], line.position, line.slack
    doubtful, undecided = crossings.doubtful.clone(), crossings.undecided.clone()
    doubtful[index] = False
    undecided[line.segment] = False
    undecided[line.segment[line.tied()]] = True
    return replace(crossings, column=column, position=position, slack=slack, doubtful=doubtful, undecided=undecided)


def along_chords(chords: Chords, ends: ChordEnds, met: tuple[Meets, Tensor], decider: Decider) -> tuple[Meets, Tensor]:
    """The crossings of chords, in their exact order wherever it can be decided; and the chords on which it cannot.

    ``met`` is what ``Kernel.meets`` gives.
    """
    meets, tied = met
    if not bool(tied.any()) or bool((meets.slack <= NEAR).all()):
        return met
    chain = meets.chord.T.reshape(-1)[meets.order]
    slots = tied[chain].nonzero(as_tuple=True)[0]
    entry = meets.order[slots]
    position, slack = (part.T.reshape(-1) for part in (meets.position, meets.slack))
    line = _Line(chain[slots], position[entry], slack[entry])
    loose = line.loose(False).nonzero(as_tuple=True)[0]
    if not len(loose):
        return met

    def sharper(which: Tensor) -> tuple[Tensor, Tensor]:
        pair, side = entry[which] % len(meets), entry[which] // len(meets)
        chord, other = meets.chord[pair, side], meets.chord[pair, 1 - side]
        cell, column = chords.cell[chord], chords.column[chord]
        first, second = (_on_edges(ends, ends.ends[chord, k], cell, column) for k in (0, 1))
        return decider.orders(first, second, cell, chords.column[other])

    line, order = line.sharpened(loose, sharper)
    entry = entry[order]
    position, slack, places = position.clone(), slack.clone(), meets.order.clone()
    position[entry], slack[entry], places[slots] = line.position, line.slack, entry
    left = torch.zeros_like(tied)
    left[line.segment[line.tied()]] = True
    position, slack = (part.reshape(2, -1).T for part in (position, slack))
    return replace(meets, position=position, slack=slack, order=places), left


@dataclass(frozen=True, eq=False)
class _EdgeEnds:
    """For each of some edges a half-edge on it."""

    complex: Complex
    edges: Tensor
    """Increasing."""
    half_edge: Tensor

    @classmethod
    def of(cls, complex_: Complex, edges: Tensor) -> _EdgeEnds:
        """The lowest half-edge of each of the edges that are named (with repetitions)."""
        wanted = torch.zeros(len(complex_.edges), dtype=torch.bool, device=edges.device)
        wanted[edges] = True
        on = wanted[complex_.half_edge].nonzero(as_tuple=True)[0]
        names = wanted.nonzero(as_tuple=True)[0]
        first = torch.full_like(names, len(complex_.half_edge))
        first.scatter_reduce_(0, torch.searchsorted(names, complex_.half_edge[on]), on, "amin")
        return cls(complex_, names, first)

    def at(self, edges: Tensor) -> tuple[Places, Places]:
        """The two ends of edges, as corners of a cell beside them."""
        here = self.half_edge[torch.searchsorted(self.edges, edges)]
        ahead = self.complex.successor[here]
        forward = self.complex.forward[here]
        ends = torch.where(forward, here, ahead), torch.where(forward, ahead, here)
        first, second = (Places.of_half_edges(self.complex, end) for end in ends)
        return first, second


def _on_edges(ends: ChordEnds, which: Tensor, cell: Tensor, column: Tensor) -> Places:
    """Crossings by columns on edges of cells, numbered after the old vertices (as in ``Sequential``)."""
    line = ends.complex.marks[ends.crossings.edge[which], 1]
    return Places(len(ends.columns.values) + which, cell, torch.stack([line, -1 - column], 1))
