"""The topology of decision regions, boundaries and level sets: how many parts, tunnels and voids they have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from ..errors import ArgumentError
from ..runtime.ieee import ieee
from ..runtime.inputs import indices, instance, one_of, unrounded_number
from ..tiling.headed import headed
from ..tiling.signed_cells import signed_cells
from ..tiling.tiling import Tiling
from .homology import betti_numbers, subcomplex

Side = Literal["at", "below", "above"]


@ieee
def betti(
    part: Tiling, classes: int | Sequence[int] | None = None, *, level: float | None = None, side: Side = "at"
) -> tuple[int, ...]:
    """The Betti numbers b_0, ..., b_D over GF(2) of a closed set in the domain: of parts, tunnels, ..., voids.

    ``classes=i``: where output i is largest, ties included. ``classes=(i, j, ...)``: where these are equal and largest.
    None: where two outputs or more are: the decision boundary. ``level=c``, of a network with one output: where that is
    c or, with ``side="below"`` or ``"above"``, at most or at least c. All that float64 leaves open is decided exactly,
    and the numbers are those of the exact set. Raises ``ArgumentError``, ``IncompleteError`` for a partition that is
    not complete, and ``BackendError`` for one with float predicates.
    """
    instance("part", part, Tiling, "Use cpwl.partition.", "Partition")
    part.check_complete("the topology of a set")
    part.check_exact("betti")
    one_of("side", side, ("at", "below", "above"))
    if level is not None:
        return _of_level(part, classes, unrounded_number("level", level), side)
    if side != "at":
        raise ArgumentError("side goes with level=, the value of a network's one output.")
    m = part.network.outputs
    if m < 2:
        raise ArgumentError("the network has one output: give level=, the value whose level set is wanted.")
    if classes is None:
        return _of_largest(part, list(combinations(range(m), 2)))
    chosen = np.unique(indices("classes", classes, m)).tolist()
    if not chosen:
        raise ArgumentError("classes must be at least one output, got none.")
    return _of_largest(part, [tuple(chosen)])


def _of_level(part: Tiling, classes: object, level: float, side: Side) -> tuple[int, ...]:
    if classes is not None or part.network.outputs != 1:
        raise ArgumentError(
            f"level needs a network with one output and no classes; this one has {part.network.outputs} outputs."
        )
    cells = signed_cells(headed(part, [[1.0]], [-level]))
    (signs,) = cells.signs.T
    inside = {"at": signs == 0, "below": signs <= 0, "above": signs >= 0}[side]
    return betti_numbers(*subcomplex(cells.arrangement, [inside]))


def _of_largest(part: Tiling, groups: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Of the union of the sets where the outputs of a group are equal and largest."""
    m, members = part.network.outputs, {i for group in groups for i in group}
    pairs = [pair for pair in combinations(range(m), 2) if members & set(pair)]
    matrix = np.zeros((len(pairs), m))
    for row, (i, j) in enumerate(pairs):
        matrix[row, i], matrix[row, j] = 1.0, -1.0
    cells = signed_cells(headed(part, matrix))
    largest = {i: np.ones(len(cells.signs), np.bool_) for i in members}
    for row, pair in enumerate(pairs):
        for i, sign in zip(pair, (1, -1), strict=True):
            if i in members:
                largest[i] &= np.asarray(sign * cells.signs[:, row] >= 0)
    sets = [np.logical_and.reduce([largest[i] for i in group]) for group in groups]
    return betti_numbers(*subcomplex(cells.arrangement, sets))
