"""A field to which rows are added, round by round, each between two that are there."""

from __future__ import annotations

import torch
from torch import Tensor

from ..fields.field import ROUND_UP, UNIT, FloatField, Scaled, inverted, lifted, room, row_norms
from ..refinement.points import Points

_BLOCK = 1 << 17
"""Entries handled at a time, so that a block stays in the cache."""


class GrowingField:
    """Values with bounds on the errors of rows, in the 2-norm and in a scaled norm (proofs/, Lemma 5 (c), (g))."""

    def __init__(self, field: FloatField, scaled: Scaled) -> None:
        """``scaled``: bounds for the entries of the field."""
        self._count, self._scale, self._shares = field.rows, scaled.scale, inverted(scaled.scale)
        self._table = field.values
        self._bounds = torch.stack([field.error, row_norms(field.values), scaled.error, scaled.size])
        self._reserve(field.rows + max(64, field.rows // 2))

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Tensor:
        """The rows, as a view that is good until some are added."""
        return self._table[: self._count]

    @property
    def error(self) -> Tensor:
        """Bounds on the 2-norms of their errors, as a view."""
        return self._bounds[0, : self._count]

    @property
    def scaled(self) -> Scaled:
        """Bounds for the entries, as views."""
        return Scaled(self._scale, self._bounds[2, : self._count], self._bounds[3, : self._count])

    def add(self, points: Points) -> None:
        """Adds the rows of points between rows."""
        start = self._count
        if start + len(points) > len(self._table):
            self._reserve(2 * (start + len(points)))
        self._count += len(points)
        step = max(1, _BLOCK // max(self._table.shape[1], 1))
        for low in range(0, len(points), step):
            self._interpolate(start + low, points.part(low, min(low + step, len(points))))

    def field(self) -> FloatField:
        """All rows."""
        return FloatField(self.values, self.error.clone(), scaled=self.scaled)

    def _interpolate(self, start: int, points: Points) -> None:
        first, second, position = points.first, points.second, points.position
        target = slice(start, start + len(points))
        origin = self._table.index_select(0, first)
        step = self._table.index_select(0, second).sub_(origin)
        torch.addcmul(origin, step, position[:, None], out=self._table[target])
        (error, norm, share, size), (errors, norms, shares, sizes) = self._bounds[:, first], self._bounds[:, second]
        bounds, lengths = self._bounds[:, target], torch.linalg.vector_norm(step, dim=1)
        reach = torch.where(lengths.isfinite(), lengths, norm + norms) + error + errors
        bounds[0] = torch.lerp(error, errors, position) + points.slack * reach + 8 * UNIT * (norm + norms)
        bounds[1] = torch.lerp(norm, norms, position)
        reach = (step.abs_().mul_(self._shares)).amax(dim=1) * ROUND_UP + share + shares if step.shape[1] else share
        bounds[2] = torch.lerp(share, shares, position) + points.slack * reach + 8 * UNIT * (size + sizes)
        bounds[3] = torch.lerp(size, sizes, position)
        bounds.copy_(lifted(bounds * ROUND_UP))

    def _reserve(self, rows: int) -> None:
        table = room(rows, self._table.shape[1], self._table)
        table[: self._count] = self._table[: self._count]
        bounds = self._bounds.new_empty(4, rows)
        bounds[:, : self._count] = self._bounds[:, : self._count]
        self._table, self._bounds = table, bounds
