"""Where columns cross edges: one crossing for each (edge, column) whose signs at the ends are opposite."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .complex import Complex
from .field import ROUND_UP, UNIT
from .segments import set_bits, sort_within
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
    edges: int

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def counts(self) -> Tensor:
        """The number of crossings of each edge, int64 (E,)."""
        return torch.bincount(self.edge, minlength=self.edges)

    @classmethod
    def find(cls, complex_: Complex, columns: Columns, signs: Signs) -> Crossings:
        """All crossings, sorted by (edge, position)."""
        edge, column = set_bits(_opposite(complex_.edges, signs))
        first, second = complex_.edges[edge].unbind(1)
        values = columns.values[first, column], columns.values[second, column]
        bounds = columns.bound.at(first, column), columns.bound.at(second, column)
        doubtful = (values[0].abs() <= bounds[0]) | (values[1].abs() <= bounds[1])
        return cls(edge, column, *vanishing(*values, *bounds), doubtful, len(complex_.edges))._sorted()

    def undecided(self) -> Tensor:
        """Edges on which a crossing, or the order of two, is not certain, bool (E,)."""
        result = torch.zeros(self.edges, dtype=torch.bool, device=self.edge.device)
        result[self.edge[self.doubtful]] = True
        if len(self):
            result[self.edge[1:][within_slack(self.edge, self.position, self.slack)]] = True
        return result

    def keep(self, chosen: Tensor) -> Crossings:
        """The crossings where ``chosen`` (bool) is set."""
        if bool(chosen.all()):
            return self
        return self._take(chosen.nonzero(as_tuple=True)[0])

    def _take(self, index: Tensor) -> Crossings:
        return replace(
            self,
            edge=self.edge[index],
            column=self.column[index],
            position=self.position[index],
            slack=self.slack[index],
            doubtful=self.doubtful[index],
        )

    def _sorted(self) -> Crossings:
        """Sorted along each edge; only edges with several crossings are touched."""
        several = (self.counts[self.edge] > 1).nonzero(as_tuple=True)[0]
        order = torch.arange(len(self), device=self.edge.device)
        order[several] = several[sort_within(self.edge[several], self.position[several])]
        return self._take(order)


def vanishing(first: Tensor, second: Tensor, first_bound: Tensor, second_bound: Tensor) -> tuple[Tensor, Tensor]:
    """Where an affine function with the given end values (of opposite sign) vanishes, and a bound on the error.

    Bounds may have leading axes, and then so has the answer's.
    Source: proofs/, Lemma 5 (c). Both the computed and the exact parameter lie in [0, 1], so the bound is at most 1.
    """
    position = (first / (first - second)).clamp(0, 1)
    spread = (1 - position + 4 * UNIT) * first_bound + (position + 4 * UNIT) * second_bound
    gap = (first - second).abs() * (1 - 4 * UNIT) - (first_bound + second_bound) * ROUND_UP
    slack = torch.where(gap > 0, spread / gap * ROUND_UP + 4 * UNIT, 1.0)
    return position, slack.clamp(max=1.0)


def within_slack(group: Tensor, position: Tensor, slack: Tensor) -> Tensor:
    """For each entry but the first: whether its order against the one before it, of the same group, is uncertain."""
    gap = position[1:] - position[:-1]
    reach = (slack[1:] + slack[:-1] + 2 * UNIT) * ROUND_UP
    return (group[1:] == group[:-1]) & (gap <= reach)


def _opposite(edges: Tensor, signs: Signs) -> Tensor:
    """Packed bits (E, bytes): columns that are of opposite signs at the ends of each edge."""
    above, below = signs.above.view(torch.int64), signs.below.view(torch.int64)
    first, second = edges.unbind(1)
    return ((above[first] & below[second]) | (below[first] & above[second])).view(torch.uint8)
