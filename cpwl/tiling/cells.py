"""A tiling cut further by its outputs: cells that are decided as its regions are, and lie as near to the exact ones.

Whatever cuts a tiling does it here: decision boundaries, level sets, areas of agreement, pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..fields.predicates import Names, Predicates
from ..geometry.arrangement import Arrangement, ExactWalls, Refinement
from .maximum import ByMaximum, refine_by_maximum
from .stages import POOR
from .tiling import Tiling
from .volumes import Measured, checked_accuracy, measured


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of regions of a tiling.

    With exact predicates their vertices are as near to the exact ones as those of the tiling (proofs/, Lemma 12): all
    of them computed from exact walls if it is ``sharpened``, else those that float64 leaves poor.
    """

    tiling: Tiling
    arrangement: Arrangement[Any]
    regions: NDArray[np.int64]
    """The region of the tiling that each cell lies in, int64 (C,)."""
    walls: Names | None = None
    """With exact predicates in float64: the function that vanishes on each wall of the arrangement."""

    @classmethod
    def of(
        cls,
        tiling: Tiling,
        arrangement: Arrangement[Any],
        regions: NDArray[np.int64],
        predicates: Predicates | None,
    ) -> Cells:
        """What a cut has made, by these predicates."""
        cells = cls(tiling, arrangement, regions, None if predicates is None else predicates.walls)
        walls = cells.exact_walls()
        if walls is None:
            return cells
        return replace(cells, arrangement=arrangement.sharpened(walls, 0.0 if tiling.arrangement.is_sharp else POOR))

    @property
    def predicates(self) -> Predicates | None:
        """Those of the outputs on the tiling's regions, with the walls of the cells."""
        of_regions = self.tiling.exact_predicates()
        return None if of_regions is None or self.walls is None else replace(of_regions, walls=self.walls)

    def exact_walls(self) -> ExactWalls | None:
        """The functions behind the walls of the cells."""
        predicates = self.predicates
        return None if predicates is None else predicates.inside(self.regions).exact_walls()

    def measured(self, accuracy: float | None = None) -> Measured:
        """The volume of each cell, off by at most ``accuracy`` times itself (2^-20 by default), and its bound.

        With float predicates it is what the coordinates give.
        """
        return measured(self.arrangement, None, self.exact_walls(), checked_accuracy(accuracy, POOR))


def cut_at_level(tiling: Tiling, field: Any, level: float, name: Names) -> tuple[Cells, Refinement[Any]]:
    """The regions, cut where one function, of that name, is at a level."""
    predicates = tiling.exact_predicates()

    def naming(regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
        return name.take(columns)

    exactly = None if predicates is None else predicates.exactly(naming)
    refinement = tiling.arrangement.refine(field, Ragged.of([[level]], np.float64), exactly=exactly)
    named = None if predicates is None else predicates.with_walls(refinement.walls, naming)
    return Cells.of(tiling, refinement.arrangement, refinement.arrangement.parents, named), refinement


def cut_by_maximum(
    tiling: Tiling,
    groups: Ragged,
    *,
    regions: NDArray[np.int64] | None = None,
    numbers: NDArray[np.int64] | None = None,
) -> tuple[Cells, ByMaximum]:
    """Some regions, or (None) all, cut by the largest output of each group; the outputs are carried along.

    ``numbers``: see ``refine_by_maximum``.
    """
    arrangement, outputs, predicates = tiling.arrangement, tiling.outputs, tiling.exact_predicates()
    if regions is not None:
        change = arrangement.take(regions)
        arrangement, outputs = change.arrangement, change.carry(outputs)
        predicates = None if predicates is None else predicates.inside(regions)
    arithmetic = tiling.arithmetic()
    rivals = arithmetic.chosen([arithmetic.by_entries(outputs)], groups.values)
    by_maximum = refine_by_maximum(arrangement, arithmetic, rivals, groups, [outputs], predicates, numbers=numbers)
    parents = by_maximum.parents if regions is None else regions[by_maximum.parents]
    return Cells.of(tiling, by_maximum.arrangement, parents, by_maximum.predicates), by_maximum
