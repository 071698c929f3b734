"""Which walls a vertex is known by: D of those through it, of which no more than one point is on all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import InternalError
from ...geometry.ladder import INTEGERS, Functions
from ...numbers.integers import independent_rows

Rows = NDArray[np.int64]


def independent(functions: Functions, regions: Rows, walls: Ragged, count: int) -> Rows:
    """Of the walls of regions[i] that hold a face, row i, ``count`` with independent functions; (n, count).

    In general position there are no more. Otherwise integers tell which to take.
    """
    result = np.zeros((len(walls), count), np.int64)
    simple = walls.counts == count
    result[simple] = walls.take(np.flatnonzero(simple)).values.reshape(-1, count)
    others = np.flatnonzero(~simple)
    if len(others):
        chosen, which = np.unique(regions[others], return_inverse=True)
        some = walls.take(others)
        known = functions.known(chosen, _walls_of(which, some, len(chosen)), INTEGERS)
        assert known is not None  # integers always are
        forms = known(which[some.row_of], some.values).values.tolist()
        for i, (start, stop) in enumerate(zip(some.offsets[:-1].tolist(), some.offsets[1:].tolist(), strict=True)):
            kept = independent_rows(forms[start:stop], count)
            if len(kept) < count:
                raise InternalError("the walls through a face have more in common: an earlier decision was wrong")
            result[others[i]] = some.values[start:stop][kept]
    return result


def _walls_of(which: Rows, walls: Ragged, count: int) -> Ragged:
    """For each region all walls (not columns) that some of its vertices lie on."""
    old = walls.values >= 0
    order = np.argsort(which[walls.row_of[old]], kind="stable")
    counts = np.bincount(which[walls.row_of[old]], minlength=count)
    return Ragged.from_counts(walls.values[old][order], counts)
