"""The unsafe points of regions: where constraints hold is a union of faces of the regions, cut by the constraints.

So it is empty exactly if no vertex of it is there: a strict constraint needs a vertex of the face at which it is > 0.
Signs at vertices are those of exact arithmetic; the point that comes out is computed in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.ragged import Ragged
from ..errors import InternalError
from ..fields.arithmetic import Forward
from ..fields.pattern_constraints import constraints
from ..geometry.arrangement import Arrangement
from ..geometry.domain import Domain
from ..network.network import Network
from ..tiling.signed_cells import signed_cells
from ..tiling.tiling import Tiling

Groups = Sequence[NDArray[np.int64]]
"""For each conjunction its constraints, as columns of the outputs."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """Which points are looked for: where all constraints of some group are >= 0, the strict ones > 0."""

    groups: Groups
    strict: NDArray[np.bool_]

    def face_of(self, signs: NDArray[np.int8], group: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of vertices with these signs (n, K) those where no constraint of a group is negative; none if one that is
        strict is zero at all of them."""
        chosen = np.asarray((signs[:, group] >= 0).all(axis=1))
        positive = (signs[np.ix_(chosen, group[self.strict[group]])] > 0).any(axis=0).all()
        return chosen if positive else np.zeros_like(chosen)

    def where(self, signs: NDArray[np.int8], cells: Ragged) -> NDArray[np.int64]:
        """The cells with a wanted point, by the signs of the constraints at vertices (V, K), none of which cuts one."""
        wanted = np.zeros(len(cells), np.bool_)
        for group in self.groups:
            on_face = np.asarray((signs[:, group] >= 0).all(axis=1))[cells.values]
            here = cells.reduce(np.logical_or, on_face)
            for column in group[self.strict[group]]:
                here &= cells.reduce(np.logical_or, on_face & (signs[cells.values, column] > 0))
            wanted |= here
        return np.flatnonzero(wanted)

    def excluded(self, signs: NDArray[np.int8], regions: Ragged) -> NDArray[np.bool_]:
        """The regions in which each group has a constraint that is certainly negative at all vertices."""
        negative = signs < 0
        everywhere = [regions.reduce(np.logical_and, negative[regions.values, k]) for k in range(signs.shape[1])]
        table = np.stack(everywhere) if everywhere else np.zeros((0, len(regions)), np.bool_)
        return np.asarray(np.all([table[group].any(axis=0) for group in self.groups], axis=0))


def unsafe_point(tiling: Tiling, wanted: Wanted) -> list[Fraction] | None:
    """Slice coordinates of a wanted point in the regions of a tiling; None if there is none in any of them.

    The outputs of the tiling's network are the constraints. Its decisions must be exact.
    """
    if not len(tiling):
        return None
    remaining = np.flatnonzero(~wanted.excluded(tiling.outputs.signs(), tiling.regions))
    if not len(remaining):
        return None
    cells = signed_cells(tiling, remaining)
    regions = cells.regions[wanted.where(cells.signs, cells.arrangement.regions)]
    if not len(regions):
        return None
    pattern = tiling.patterns(regions[:1])[0]
    return exact_point(tiling.network, tiling.domain, pattern, wanted)


# ---- in exact arithmetic -------------------------------------------------------------------------------------------
def exact_point(network: Network, domain: Domain, pattern: NDArray[np.int16], wanted: Wanted) -> list[Fraction]:
    """A wanted point of the region with a pattern, where there is one: in the middle of a face of the unsafe set."""
    rows, outputs = _functions(network, domain, pattern)
    arrangement = backends.get("exact").arrangement(domain.polytope)
    for row in rows:
        arrangement = _above(arrangement, row)
    if outputs:
        levels = Ragged(np.zeros(len(outputs)), np.arange(len(outputs) + 1))
        arrangement = arrangement.refine(arrangement.field(_at(arrangement.vertices, outputs)), levels).arrangement
    values = _at(arrangement.vertices, outputs)
    signs = np.where(values > 0, 1, np.where(values < 0, -1, 0)).astype(np.int8)
    for cell in arrangement.regions:
        for group in wanted.groups:
            face = np.asarray(cell)[wanted.face_of(signs[cell], group)]
            if len(face):
                return list(arrangement.vertices[face].sum(axis=0) / Fraction(len(face)))
    raise InternalError("a region was to hold an unsafe point, and exact arithmetic finds none")


def _functions(
    network: Network, domain: Domain, pattern: NDArray[np.int16]
) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """What is >= 0 on the region of a pattern, and the outputs there: rows (a, ..., c), functions a u + c."""
    arithmetic, columns = backends.get("exact").arithmetic, network.unit_columns

    def pieces(i: int) -> NDArray[np.int64]:
        return pattern[columns[i]].astype(np.int64)

    start = arithmetic.stack([arithmetic.points(domain.origin[None]), arithmetic.tangents(domain.basis.T)])
    forward = Forward(network, arithmetic, start, lambda i: np.tile(pieces(i), (start.rows, 1)))
    rows: list[list[Fraction]] = []
    for stage in forward:
        slacks = constraints(network, stage.index, pieces).of(arithmetic, stage.argument).to_numpy()
        rows += [[*slack[1:], slack[0]] for slack in slacks.T.tolist()]
    return rows, [[*row[1:], row[0]] for row in forward.output.to_numpy().T.tolist()]


def _at(vertices: NDArray[Any], rows: list[list[Fraction]]) -> NDArray[Any]:
    """Functions at vertices, Fractions (V, K)."""
    table = np.array(rows, dtype=object).reshape(len(rows), vertices.shape[1] + 1)
    return np.asarray(vertices @ table[:, :-1].T + table[:, -1], dtype=object)


def _above(arrangement: Arrangement[Any], row: list[Fraction]) -> Arrangement[Any]:
    """The part of the one region of an arrangement where a function is >= 0, which has an interior."""
    values = _at(arrangement.vertices, [row])
    if (values >= 0).all():
        return arrangement
    refined = arrangement.refine(arrangement.field(values), Ragged.of([[0.0]], np.float64))
    kept = np.flatnonzero(~refined.below.dense()[:, 0])
    return refined.arrangement.take(kept).arrangement
