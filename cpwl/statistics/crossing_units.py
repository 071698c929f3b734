"""Which units made each facet of a partition: those whose piece differs on its two sides. No coordinate is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..arrays.batches import batches
from ..arrays.ragged import Ragged
from ..runtime.ieee import ieee
from ..tiling.history import Step
from ..tiling.pieces import Pieces

if TYPE_CHECKING:
    from ..tiling.tiling import Tiling

BLOCK = 1 << 24
"""Entries of a table of pieces that are held at once."""

Rows = NDArray[np.int64]


@ieee
@dataclass(frozen=True, eq=False)
class Crossings:
    """The pairs of a facet and a unit whose piece differs on its two sides, sorted by facet, then by unit."""

    facet: Rows
    """Index in ``partition.facets()``, int64 (n,)."""
    unit: Rows
    """Column of ``partition.patterns()``, int64 (n,)."""
    left: NDArray[np.int16]
    """The unit's piece on the left of the facet, in region ``facets.regions[facet, 0]``, (n,)."""
    right: NDArray[np.int16]
    """The same on the right, in region ``facets.regions[facet, 1]``, (n,)."""

    def by_facet(self, facets: int) -> Ragged:
        """The units of each of that many facets: several where their boundaries coincide, none on the border."""
        return Ragged.from_counts(self.unit, np.bincount(self.facet, minlength=facets))

    def by_unit(self, units: int) -> Ragged:
        """The places of each of that many units in this list, facets in increasing order."""
        order = np.argsort(self.unit, kind="stable")
        return Ragged.from_counts(order, np.bincount(self.unit, minlength=units))


@ieee
def crossings(partition: Tiling) -> Crossings:
    """All pairs of an inner facet and a unit whose piece differs on its two sides.

    With exact predicates this is exact: a unit's boundary is where it passes a breakpoint (where the winner of a
    maximum changes), and coincident boundaries are found as such. A unit that is at its breakpoint along a facet and on
    the same piece on both sides does not cross there. An inner facet without a unit is found beside ambiguous regions
    alone.
    """
    sides = partition.facets().regions
    inner = np.flatnonzero((sides >= 0).all(axis=1))
    columns = partition.network.unit_columns
    tables = [np.zeros((4, 0), np.int64)]
    for step, regions in _regions_at(partition.steps, sides[inner]):
        if step.node >= 0:
            tables += [_of_step(step.pieces, inner, regions, columns[step.node].start)]
    facet, unit, left, right = np.concatenate(tables, axis=1)
    order = np.argsort(facet, kind="stable")
    return Crossings(facet[order], unit[order], left[order].astype(np.int16), right[order].astype(np.int16))


def _regions_at(steps: tuple[Step, ...], regions: Rows) -> list[tuple[Step, Rows]]:
    """Each step, in order, with the regions after it that hold the given regions of the partition."""
    by_step = []
    for step in reversed(steps):
        by_step.append((step, regions))
        regions = step.parents[regions]
    return by_step[::-1]


def _of_step(pieces: Pieces, facets: Rows, regions: Rows, start: int) -> Rows:
    """Facets, units, and pieces on the two sides, as rows (4, n), for the units of one step.

    A facet that was made later lies inside one region of the step: nothing differs there.
    """
    split = np.flatnonzero(regions[:, 0] != regions[:, 1])
    units = pieces.take(np.zeros(min(1, len(pieces)), np.int64)).shape[1]
    tables = [np.zeros((4, 0), np.int64)]
    for part in batches(len(split), units, BLOCK):
        rows = split[part]
        left, right = pieces.take(regions[rows, 0]), pieces.take(regions[rows, 1])
        row, unit = np.nonzero(left != right)
        tables.append(np.stack([facets[rows[row]], start + unit, left[row, unit], right[row, unit]]))
    return np.concatenate(tables, axis=1)
