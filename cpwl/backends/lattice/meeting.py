"""Which walls a vertex is known by: D of those through it, of which no more than one point is on all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import InternalError
from ...geometry.arrangement import ExactWalls
from ...geometry.ladder import INTEGERS, Functions, meeting
from ...numbers.exact import Exact
from ...numbers.integers import Integer, Integers, independent_rows, matrix, primitive

Rows = NDArray[np.int64]

Forms = Callable[[Rows, Ragged], Sequence[Sequence[Any]]]
"""From regions, and a list of walls (or -1 - column) for each: their functions in integers, one after the other."""


def forms_of(functions: Functions) -> Forms:
    """Those of what cuts an arrangement."""

    def forms(regions: Rows, names: Ragged) -> Sequence[Sequence[Any]]:
        distinct, which = np.unique(regions, return_inverse=True)
        place = which[names.row_of]
        old = np.flatnonzero(names.values >= 0)
        old = old[np.argsort(place[old], kind="stable")]
        walls = Ragged.from_counts(names.values[old], np.bincount(place[old], minlength=len(distinct)))
        known = functions.known(distinct, walls, INTEGERS)
        assert known is not None  # integers always are
        result: Sequence[Sequence[Any]] = known(place, names.values).values.tolist()
        return result

    return forms


def forms_of_walls(walls: ExactWalls) -> Forms:
    """Those of an arrangement that is as it is."""
    return lambda regions, names: walls(regions[names.row_of], names.values, INTEGERS).values.tolist()


def independent(forms: Forms, regions: Rows, walls: Ragged, count: int) -> Rows:
    """Of the walls of regions[i] that hold a face, row i, ``count`` with independent functions; (n, count).

    In general position there are no more. Otherwise integers tell which to take.
    """
    result = np.zeros((len(walls), count), np.int64)
    simple = walls.counts == count
    result[simple] = walls.take(np.flatnonzero(simple)).values.reshape(int(simple.sum()), count)
    others = np.flatnonzero(~simple)
    if len(others):
        some = walls.take(others)
        rows = forms(regions[others], some)
        for i, (start, stop) in enumerate(zip(some.offsets[:-1].tolist(), some.offsets[1:].tolist(), strict=True)):
            kept = independent_rows(rows[start:stop], count)
            if len(kept) < count:
                raise InternalError("the walls through a face have more in common: an earlier decision was wrong")
            result[others[i]] = some.values[start:stop][kept]
    return result


def points(forms: Forms, regions: Rows, walls: Ragged, dim: int) -> Integers:
    """The points where walls of regions meet: primitive homogeneous integers (n, D + 1), the last one positive."""
    names = independent(forms, regions, walls, dim)
    rows = forms(regions, Ragged(names.ravel(), np.arange(0, names.size + 1, dim)))
    functions = [Exact.of(rows[k::dim], dim + 1) for k in range(dim)]
    vertices = []
    for point in meeting(functions).values.tolist():
        if point[-1] == 0:
            raise InternalError("walls that meet in a vertex are parallel: an earlier decision was wrong")
        sign = 1 if point[-1] > 0 else -1
        vertices.append(primitive([Integer(sign * x) for x in point]))
    return matrix(vertices, dim + 1)
