"""Where the rows of a bundle's vertices are taken: at the stored parameter, or at the exact one (proofs/, Lemma 17).

A row that is kept *at its place* is the value at the stored parameter of the affine maps on both sides. A new one lies
between two such rows wherever it is put, so its bound does not grow by what the crossing's position is off; only a sign
at the exact vertex takes the way from one to the other into account, and that is not handed on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....arrays.ragged import Ragged
from ....geometry.arrangement import ExactWalls
from ....geometry.ladder import meeting
from ....numbers.double_double import Balls
from ....numbers.exact import Numbers
from ..complex.segments import as_numpy
from ..fields.field import ROUND_UP, UNIT, FloatField, Sharp, inverted
from ..refinement.corners import FLOOR, SURE, Corners
from ..refinement.kernels.choice import kernel_for
from ..refinement.points import Points
from ..refinement.prolong import Cutting

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Places:
    """The parameters of vertices."""

    points: FloatField
    """As they are stored, with bounds on the distances from the exact ones."""
    off: Tensor
    """Bounds on the distances of the parameters at which rows are taken from the exact ones, (V,)."""
    kept: bool
    """Whether rows are kept at their places; if not they are those at the exact vertices."""

    def _lengths(self, ends: tuple[Tensor, Tensor]) -> Tensor:
        """Lower bounds on the lengths of edges between places."""
        t = self.points.values[:, 0]
        moved = (self.off - self.points.error).clamp(min=0)  # where coordinates were computed anew
        far = (t[ends[1]] - t[ends[0]]) * (1 - 4 * UNIT)
        return (far - 2 * (moved[ends[0]] + moved[ends[1]])).clamp(min=0)

    def moved(self, values: Tensor, bound: Sharp, edges: Rows) -> Tensor:
        """For each vertex m, (V,): the functions change by at most m column[k] from its place to the exact vertex."""
        result = torch.zeros_like(self.off)
        if not self.kept:
            return result
        first, second = torch.as_tensor(edges, device=result.device).unbind(1)
        shares = inverted(bound.column)
        rest = (bound.floor * shares).amax() if len(shares) else result.sum()
        step = _largest_steps(values, first, second, shares) + bound.row[first] + bound.row[second] + 2 * rest
        slope = step / self._lengths((first, second)) * ROUND_UP
        least = torch.full_like(result, torch.inf)
        for ends in (first, second):
            least.scatter_reduce_(0, ends, slope, "amin")
        return torch.where(self.off > 0, self.off * least * ROUND_UP, 0.0)

    def rounding(self, points: Points) -> Tensor:
        """By what share of its edge a new place may be off for the rounding of its parameter alone, (N,)."""
        return (16 * UNIT / self._lengths((points.first, points.second))).clamp(max=1.0)

    def shares_off(self, edges: Rows) -> NDArray[np.float64]:
        """By what shares of edges (n, 2) their ends may be off."""
        if not self.kept:
            return np.zeros(len(edges))
        first, second = torch.as_tensor(edges, device=self.off.device).unbind(1)
        share = (self.off[first] + self.off[second]) / self._lengths((first, second)) * ROUND_UP
        return np.asarray(as_numpy(share.nan_to_num(nan=1.0).clamp(max=1.0)))

    def with_new(self, points: Points, unclean: Tensor) -> FloatField:
        """The parameters of all vertices, when new ones come; ``unclean``: those with positions between exact ends."""
        t, error = self.points.values[:, 0], self.points.error
        length = t[points.second] - t[points.first]
        made = t[points.first] + points.position * length
        ends = torch.maximum(error[points.first], error[points.second])
        off = points.slack * (length.abs() + 4 * UNIT + torch.where(unclean, 2 * ends, 0.0)) + 16 * UNIT
        off = (off + torch.where(unclean, ends, 0.0)) * ROUND_UP
        values = torch.cat([t, made])[:, None]
        return FloatField(values, torch.cat([error, off.clamp(max=1.0)]))


@dataclass(frozen=True, eq=False)
class PlacedCutting(Cutting):
    """The functions that cut, with rows at their places."""

    sharp: Tensor
    """Whether the place of a vertex is the exact one, bool (V + N,)."""

    @property
    def zero_rows(self) -> Tensor:
        """See ``Cutting.zero_rows``: of vertices that are exactly there."""
        zero = self.nowhere_above
        return zero[self.sharp[zero]]


def _largest_steps(values: Tensor, first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    """The largest |step| times share between two rows each, rounded up."""
    nowhere = torch.zeros(len(first), dtype=values.dtype, device=values.device)
    edges = Points.of(first, second, torch.zeros_like(first), nowhere, nowhere)
    return kernel_for(values).largest_steps(values, edges, shares)


def parameters(
    walls: ExactWalls, region: Rows, wall: Rows, accuracy: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the functions of walls vanish on regions, off by ``accuracy`` at most or, if that is 0, rounded; bounds."""
    places, errors = np.zeros((2, len(region)))

    def predicate(items: Rows, lines: Ragged, functions: Numbers) -> NDArray[np.bool_]:
        point = meeting([functions]).scaled()
        place = point[:, :1] / point[:, 1:]
        value, error = (part[:, 0] for part in place.rounded())
        enough = np.maximum(SURE * np.abs(value), max(FLOOR, accuracy / 4))
        sure = np.ones(len(items), np.bool_)
        if isinstance(place, Balls):
            sure = np.asarray(place.radius[:, 0] <= enough)
        places[items[sure]], errors[items[sure]] = value[sure], error[sure]
        return np.asarray(~sure)

    Corners(walls, region, Ragged(wall, np.arange(len(wall) + 1))).decide(predicate)
    return places, errors
