"""Regions cut by the zeros of all outputs, and the exact sign of each output at each vertex.

On a cell no output has both signs. So a set where some outputs are >= 0, and others zero, is a union of faces of cells:
of those at all of whose vertices they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import InternalError
from ..fields.predicates import Names, Predicates
from ..geometry.arrangement import Arrangement
from .tiling import Tiling


@dataclass(frozen=True, eq=False)
class SignedCells:
    """Cells of regions of a tiling, with the signs of its outputs."""

    arrangement: Arrangement[Any]
    regions: NDArray[np.int64]
    """The region of the tiling that each cell lies in, int64 (C,)."""
    signs: NDArray[np.int8]
    """The sign of each output at each vertex, (V, K); those of exact arithmetic unless predicates are float."""


def signed_cells(tiling: Tiling, regions: NDArray[np.int64] | None = None) -> SignedCells:
    """The cells of some regions of a tiling, or (None) of all."""
    chosen = np.arange(len(tiling)) if regions is None else regions
    change, predicates = tiling.arrangement.take(chosen), tiling.exact_predicates()
    predicates = None if predicates is None else predicates.inside(chosen)
    cells, parents, outputs, predicates = _cut(change.arrangement, change.carry(tiling.outputs), predicates)
    # A second time nothing is cut; but all vertices are there from the start, and every sign at them is made certain.
    again, _, outputs, _ = _cut(cells, outputs, predicates)
    if len(again) != len(cells):
        raise InternalError("outputs cut cells that they have cut before")
    return SignedCells(again, chosen[parents], np.sign(outputs.to_numpy()).astype(np.int8))


def _cut(
    arrangement: Arrangement[Any], outputs: Any, predicates: Predicates | None
) -> tuple[Arrangement[Any], NDArray[np.int64], Any, Predicates | None]:
    """Regions cut where some output is zero: the cells, the region of each, the outputs, how cells are decided."""

    def naming(regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
        assert predicates is not None
        return Names.levels(predicates.stage, columns, np.zeros(len(columns)))

    levels = Ragged(np.zeros(outputs.columns), np.arange(outputs.columns + 1))
    exactly = None if predicates is None else predicates.exactly(naming)
    refined = arrangement.refine(outputs, levels, exactly=exactly)
    parents = refined.arrangement.parents
    named = None if predicates is None else predicates.with_walls(refined.walls, naming).inside(parents)
    return refined.arrangement, parents, refined.values, named
