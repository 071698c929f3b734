"""Betti numbers over GF(2) of unions of faces, from the boundary maps of the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..geometry.arrangement import Arrangement
from ..runtime.budget import checkpoint

_STEPS = 1 << 12
"""Columns between two looks at the clock."""


def betti_numbers(boundary: Sequence[Ragged], vertices: int) -> tuple[int, ...]:
    """b_0, ..., b_D of a cell complex; ``boundary[k - 1]`` has the (k-1)-faces of each k-face, k = 1 .. D.

    b_k is what the kernel of the boundary map of k-faces has more dimensions than the image of that of (k+1)-faces.
    From the top down: a k-face that is the last one of a reduced boundary is itself no boundary to be reduced.
    """
    counts = [vertices, *map(len, boundary)]
    ranks = [0] * (len(counts) + 1)
    cleared = np.zeros(counts[-1], np.bool_)
    for k in range(len(boundary), 0, -1):
        pivots = _reduced(boundary[k - 1], cleared)
        ranks[k] = len(pivots)
        cleared = np.zeros(counts[k - 1], np.bool_)
        cleared[list(pivots)] = True
    return tuple(counts[k] - ranks[k] - ranks[k + 1] for k in range(len(counts)))


def _reduced(columns: Ragged, cleared: NDArray[np.bool_]) -> dict[int, set[int]]:
    """The columns of a matrix over GF(2), reduced until no two have one last row: by their last rows."""
    by_last_row: dict[int, set[int]] = {}
    offsets, values = columns.offsets.tolist(), columns.values.tolist()
    for number in np.flatnonzero(~cleared).tolist():
        if number % _STEPS == 0:
            checkpoint()
        column: set[int] = set()
        for row in values[offsets[number] : offsets[number + 1]]:
            column ^= {row}
        while column and (last := max(column)) in by_last_row:
            column ^= by_last_row[last]
        if column:
            by_last_row[last] = column
    return by_last_row


def subcomplex(arrangement: Arrangement[Any], sets: Sequence[NDArray[np.bool_]]) -> tuple[list[Ragged], int]:
    """The faces of an arrangement all of whose vertices are in one of some sets (V,): boundaries, and vertices."""
    numbers, boundary, vertices = np.zeros(0, np.int64), [], 0
    for k in range(arrangement.dim + 1):
        faces = arrangement.faces(k)
        inside = np.zeros(len(faces), np.bool_)
        for some in sets:
            inside |= faces.reduce(np.logical_and, some[faces.values])
        if k == 0:
            vertices = int(inside.sum())
        else:
            chosen = arrangement.boundary(k).take(np.flatnonzero(inside))
            boundary.append(Ragged(numbers[chosen.values], chosen.offsets))
        numbers = np.cumsum(inside) - 1
    return boundary, vertices
