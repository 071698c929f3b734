"""The corners of a polytope of which is known which of its sides meet in each."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import InternalError
from .ladder import meeting


def corners(sides: NDArray[Any], meeting_in: Ragged) -> NDArray[Any]:
    """The points, Fractions (N, D), in which some of the hyperplanes a u + c = 0, rows (M, D + 1), meet.

    ``meeting_in``: for each point the rows that hold it, of which D are independent.
    """
    from ..numbers.exact import Exact
    from ..numbers.integers import common_scale, fractions, independent_rows

    dim, rows = sides.shape[1] - 1, [common_scale(row)[0].tolist() for row in sides]
    chosen = [[rows[i] for i in point] for point in meeting_in]
    kept = [[point[i] for i in independent_rows(point, dim)] for point in chosen]
    if any(len(point) < dim for point in kept):
        raise InternalError("the sides through a corner have more in common: an earlier decision was wrong")
    homogeneous = meeting([Exact.of([point[k] for point in kept], dim + 1) for k in range(dim)]).values
    return fractions(homogeneous[:, :-1], homogeneous[:, -1:])
