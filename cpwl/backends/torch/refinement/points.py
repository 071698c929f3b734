"""New vertices as points of segments between older ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """New vertices: ``(1 - position) first + position second``, where ``column`` is at its level."""

    first: Tensor
    second: Tensor
    column: Tensor
    position: Tensor
    slack: Tensor
    """Bound on the error of ``position``."""
    also: Tensor
    """A second column that is at its level there, because it is at both ends; -1 where there is none."""

    def __len__(self) -> int:
        return self.first.shape[0]

    @classmethod
    def of(cls, first: Tensor, second: Tensor, column: Tensor, position: Tensor, slack: Tensor) -> Points:
        """Points at which one column is at its level."""
        return cls(first, second, column, position, slack, torch.full_like(column, -1))

    @classmethod
    def joined(cls, parts: Sequence[Points]) -> Points:
        """The points of several lists, of which there is at least one."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def take(self, index: Tensor) -> Points:
        """Some of the points."""
        return Points(*(getattr(self, field.name)[index] for field in fields(self)))

    def part(self, start: int, stop: int) -> Points:
        """Consecutive points, as views."""
        return Points(*(getattr(self, field.name)[start:stop] for field in fields(self)))
