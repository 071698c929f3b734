"""Rectified rows that are made a few at a time while a matrix reads them: all of them are never held."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..fields.field import room
from .kernels.kernel import Streaming
from .prolong import Cutting


class RectifiedRows:
    """What ``Cutting.rectified`` gives for all vertices; the same values and bounds, but for the rounding of norms."""

    def __init__(self, cutting: Cutting, kernel: Streaming) -> None:
        self.cutting = cutting
        self.held, self._kernel = cutting.reaching, kernel
        self.rows, self.columns = cutting.prolongation.rows, cutting.field.columns
        self.error, self.norms = (cutting.field.error.new_empty(self.rows) for _ in range(2))
        """Bounds by row, once all rows have been read."""

    @classmethod
    def of(cls, cutting: Cutting) -> RectifiedRows | None:
        """The rows of a refinement; None where they have to be held to be made.

        That is where the kernel can't make some alone, and where vertices lie between others that lie between new ones.
        """
        near = len(cutting.prolongation.layers) <= 3
        plain = cutting.field.zeros is None and cutting.field.held is None
        kernel = cutting.prolongation.kernel
        if not (isinstance(kernel, Streaming) and near and plain and len(cutting.reaching)):
            return None
        return cls(cutting, kernel)

    def parts(self, at_once: int) -> Iterator[tuple[slice, Tensor]]:
        """The held columns of so many rows at a time, in order, with the rows' numbers. The memory is used again."""
        field, points = self.cutting.field, self.cutting.prolongation.points
        values = field.values.contiguous()
        mask = torch.zeros_like(values[0]).view(torch.int64).index_fill_(0, self.held, -1)
        old = values, field.error, self.held, mask.view(torch.float64)
        between = points.first, points.second, points.position, points.slack
        certain = self.cutting.certain
        low = certain.vertex, certain.column
        if len(certain.vertex):
            low = self._kernel.low(*low, certain.sign)
        known = points.column, points.also, *low, self.cutting.places
        target = room(min(at_once, self.rows), len(self.held), values)
        bounds = self.error, self.norms, torch.empty_like(self.norms), target.new_empty(3 * values.shape[1])
        for start in range(0, self.rows, at_once):
            part = slice(start, min(start + at_once, self.rows))
            rows = target[: part.stop - start]
            self._kernel.rectified(old, between, known, start, rows, bounds)
            yield part, rows
        self.cutting.know_zeros(self.error, self.norms)
