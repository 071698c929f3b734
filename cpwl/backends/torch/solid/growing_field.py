"""A field to which rows are added, round by round, each between two that are there."""

from __future__ import annotations

import torch
from torch import Tensor

from ..fields.field import FloatField, Scaled, inverted, room, row_norms


class GrowingField:
    """Values with bounds on the errors of rows, in the 2-norm and in a scaled norm (proofs/, Lemma 5 (c), (g))."""

    def __init__(self, field: FloatField, scaled: Scaled) -> None:
        """``scaled``: bounds for the entries of the field."""
        self._count, self._scale, self.shares = field.rows, scaled.scale, inverted(scaled.scale)
        self.table = field.values
        """The rows, with room for more."""
        self.bounds = torch.stack([field.error, row_norms(field.values), scaled.error, scaled.size])
        """On the 2-norms of the errors and of the rows, on the errors and the rows in the scaled norm; with room."""
        self._reserve(field.rows + max(64, field.rows // 2))

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Tensor:
        """The rows, as a view that is good until some are added."""
        return self.table[: self._count]

    @property
    def error(self) -> Tensor:
        """Bounds on the 2-norms of their errors, as a view."""
        return self.bounds[0, : self._count]

    @property
    def scaled(self) -> Scaled:
        """Bounds for the entries, as views."""
        return Scaled(self._scale, self.bounds[2, : self._count], self.bounds[3, : self._count])

    def grow(self, count: int) -> int:
        """Makes so many rows, to be filled; gives the first of them."""
        start = self._count
        if start + count > len(self.table):
            self._reserve(2 * (start + count))
        self._count += count
        return start

    def field(self) -> FloatField:
        """All rows."""
        return FloatField(self.values, self.error.clone(), scaled=self.scaled)

    def _reserve(self, rows: int) -> None:
        table = room(rows, self.table.shape[1], self.table)
        table[: self._count] = self.table[: self._count]
        bounds = self.bounds.new_empty(4, rows)
        bounds[:, : self._count] = self.bounds[:, : self._count]
        self.table, self.bounds = table, bounds
