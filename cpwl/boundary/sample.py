"""One exact point of a boundary, and floating-point inputs beside it, as data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from ..geometry.domain import Domain
from ..runtime.ieee import ieee


@ieee
@dataclass(frozen=True, eq=False)
class CertifiedSample:
    """A rational point on a decision boundary, with the network's exact outputs there as the proof."""

    u: NDArray[Any]
    """Slice coordinates, Fractions (D,), inside the domain."""
    domain: Domain
    pair: tuple[int, int]
    """The two outputs that are equal; (-1, -1) on a level set, where the only output is at the level."""
    logits: NDArray[Any]
    """The network's outputs, Fractions (m,)."""
    slope: NDArray[Any]
    """The gradient of the first output of the pair minus the second (or of the only one) at u, Fractions (D,)."""

    @cached_property
    def x(self) -> NDArray[Any]:
        """The point of the input space, Fractions of the input's shape."""
        return self.domain.to_input(self.u)


@ieee
@dataclass(frozen=True, eq=False)
class FloatNeighbour:
    """A floating-point input beside a point of a boundary, and how the network decides there, exactly."""

    x: NDArray[Any]
    """The point of the input space, float64 or float32."""
    difference: Fraction
    """The first output of the pair minus the second (or the only one minus the level), exactly, at that point."""


Neighbours = tuple[FloatNeighbour | None, FloatNeighbour | None]
"""On the side where the difference is negative, and where it is positive; None where the search found none."""
