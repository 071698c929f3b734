"""Regions that a bound has made irrelevant, with all that it takes to work the bound out again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays.pickled import Compact
from ..arrays.ragged import Ragged
from ..bounds.relevance import Bound
from .history import Step, patterns_after


@dataclass(frozen=True, eq=False)
class Dropped(Compact):
    """Some regions as they were when a bound showed that there is nothing on them of what was looked for.

    Such a region is where all units that had been decided by then are on the pieces of its pattern: a polytope, in
    exact numbers. ``Pruned.relevance`` has the functions of the outputs that the bounds are on, and the rule.
    """

    node: int
    """The last node of the network that was done."""
    units: int
    """Of the next nonlinear node, how many units were done."""
    steps: tuple[Step, ...]
    """The steps that led to these regions, of these alone."""
    lower: Bound
    """Bounds on the functions of the outputs (R, k) as they were computed: float32, at the end float64 or Fractions."""
    upper: Bound
    corners: Ragged
    """The vertices of each region, numbers of ``points``."""
    points: NDArray[np.generic]
    """Slice coordinates (V, D), rounded unless the backend is exact."""
    errors: NDArray[np.float64]
    """How far they may be from the exact vertices, (V,)."""

    def __len__(self) -> int:
        return len(self.corners)

    def patterns(self) -> NDArray[np.int16]:
        """The pieces of the units that were decided, int16 (R, units): as ``Partition.patterns``, but of the first
        units only."""
        return patterns_after(self.steps, np.arange(len(self)))
