"""Where columns cross edges: one crossing for each (edge, column) whose signs at the ends are opposite."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .. import compiled
from ..complex.segments import set_bits, sort_within
from ..fields.field import ROUND_UP, UNIT
from .signs import Columns, Signs


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
        return len(self.edge)

    @classmethod
    def find(cls, edges: Tensor, columns: Columns, signs: Signs) -> Crossings:
        """All crossings of edges (E, 2), sorted by (edge, position)."""
        if compiled.serves(columns.values):
            bound = columns.bound.row, columns.bound.column, columns.bound.floor
            return cls(*compiled.crossings(edges, signs.above, signs.below, columns.values, bound))
        edge, column = set_bits(_opposite(edges, signs))
        first, second = edges[edge].unbind(1)
        values = columns.values[first, column], columns.values[second, column]
        bounds = columns.bound.at(first, column), columns.bound.at(second, column)
        doubtful = ~((values[0].abs() > bounds[0]) & (values[1].abs() > bounds[1]))
        position, slack = vanishing(*values, *bounds)
        counts = torch.bincount(edge, minlength=len(edges))
        order = _order(edge, position, counts)
        edge, column, position, slack, doubtful = (x[order] for x in (edge, column, position, slack, doubtful))
        undecided = torch.zeros_like(counts, dtype=torch.bool)
        undecided[edge[doubtful]] = True
        if len(edge):
            undecided[edge[1:][within_slack(edge, position, slack)]] = True
        return cls(edge, column, position, slack, doubtful, undecided, counts)

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


def _order(edge: Tensor, position: Tensor, counts: Tensor) -> Tensor:
    """The permutation that sorts by position along each edge; only edges with several crossings are touched."""
    several = (counts[edge] > 1).nonzero(as_tuple=True)[0]
    order = torch.arange(len(edge), device=edge.device)
    order[several] = several[sort_within(edge[several], position[several])]
    return order


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


def _opposite(edges: Tensor, signs: Signs) -> Tensor:
    """Packed bits (E, bytes): columns that are of opposite signs at the ends of each edge."""
    above, below = signs.above.view(torch.int64), signs.below.view(torch.int64)
    first, second = edges.unbind(1)
    return ((above[first] & below[second]) | (below[first] & above[second])).view(torch.uint8)
