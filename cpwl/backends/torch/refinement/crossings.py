"""Where columns cross edges: one crossing for each (edge, column) whose signs at the ends are opposite."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fields.field import ROUND_UP, UNIT

NEAR = 2.0**-36
"""Positions that are known as closely as this, and still not apart, belong to crossings that coincide, as a rule: no
sharper ones are asked for."""

POOR = 2.0**-20
"""Where exact signs tell what coincides, positions that are known more closely than this are left as they are."""


@dataclass(frozen=True, eq=False)
class Crossings:
    """Points where columns vanish on edges, sorted along each edge; the edges one after the other."""

    edge: Tensor
    column: Tensor
    position: Tensor
    """Parameter in [0, 1] from the edge's first end to its second."""
    slack: Tensor
    """Bound on the error of ``position``."""
    doubtful: Tensor
    """bool: the sign at one of the edge's ends is not certain."""
    undecided: Tensor
    """Edges on which a crossing, or the order of two, is not certain, bool (E,)."""
    counts: Tensor
    """The number of crossings of each edge, int64 (E,)."""

    def __len__(self) -> int:
        return self.edge.shape[0]

    @property
    def columns(self) -> int:
        """A number above those of all columns that cross an edge; at least 1."""
        return int(self.column.max()) + 1 if len(self) else 1

    def decided(self) -> Crossings:
        """The crossings on the other edges."""
        if not bool(self.undecided.any()):
            return self
        index = (~self.undecided[self.edge]).nonzero(as_tuple=True)[0]
        return Crossings(
            self.edge[index],
            self.column[index],
            self.position[index],
            self.slack[index],
            self.doubtful[index],
            torch.zeros_like(self.undecided),
            self.counts.masked_fill(self.undecided, 0),
        )


def vanishing(first: Tensor, second: Tensor, first_bound: Tensor, second_bound: Tensor) -> tuple[Tensor, Tensor]:
    """Where an affine function with the given end values (of opposite sign) vanishes, and a bound on the error.

    Bounds may have leading axes, and then so has the answer's.
    Source: proofs/, Lemma 5 (c). Both the computed and the exact parameter lie in [0, 1], so the bound is at most 1;
    it is 1 where nothing is known, as for the two values 0 of a function whose signs were decided exactly.
    """
    position = (first / (first - second)).clamp(0, 1).nan_to_num(nan=0.5)
    spread = (1 - position + 4 * UNIT) * first_bound + (position + 4 * UNIT) * second_bound
    gap = (first - second).abs() * (1 - 4 * UNIT) - (first_bound + second_bound) * ROUND_UP
    slack = spread / gap * ROUND_UP + 4 * UNIT
    return position, torch.where((gap > 0) & (slack < 1), slack, 1.0)


def within_slack(group: Tensor, position: Tensor, slack: Tensor) -> Tensor:
    """For each entry but the first: whether its order against the one before it, of the same group, is uncertain.

    A position that is not a number is in no certain order.
    """
    gap = position[1:] - position[:-1]
    reach = (slack[1:] + slack[:-1] + 2 * UNIT) * ROUND_UP
    return (group[1:] == group[:-1]) & ~(gap > reach)
