"""Implicit representations: shapes {f <= level} and their outlines, exact on a slice; slices of a solid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DomainError, check_planar
from ..geometry.domain import Domain
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, unrounded, whole
from ..tiling.tiling import Tiling
from .boundary import at_level
from .faces import BoundaryFaces


@ieee
@dataclass(frozen=True, eq=False)
class Contour:
    """One line of a level set or boundary: segments joined end to end."""

    points: NDArray[Any]
    """(n, 2) in slice coordinates, in order; of a closed line the first is not repeated at the end."""
    closed: bool
    """Whether it comes back to its beginning; others end at the domain's border, or where several lines meet."""

    def __repr__(self) -> str:
        return f"<Contour: {len(self.points)} points, {'closed' if self.closed else 'open'}, length {self.length:.6g}>"

    @property
    def length(self) -> float:
        """The length in slice coordinates."""
        points = self._ring if self.closed else self.points
        return float(norms(floats(np.diff(points, axis=0))).sum())

    @property
    def area(self) -> Any:
        """The area inside of a closed line, not negative, a Fraction if the points are; 0 for others."""
        if not self.closed:
            return 0.0
        ring = self._ring - self.points[0]
        (x, y), (x1, y1) = ring[:-1].T, ring[1:].T
        return abs((x * y1 - x1 * y).sum()) / 2

    @property
    def _ring(self) -> NDArray[Any]:
        return np.concatenate([self.points, self.points[:1]])


@ieee
def contours(boundary: BoundaryFaces) -> list[Contour]:
    """The lines that a level set or boundary consists of, the longest first.

    Segments are joined where just two of them end in one vertex of the subdivision (``boundary.corners``). So nothing
    is closed by a tolerance, nor by rounding: where more segments meet, lines end. Raises ``IncompleteError`` for a
    boundary that is not complete: its lines end anywhere.
    """
    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary(level=...).", "DecisionBoundary")
    check_planar(boundary.partition.domain.dim, "lines of a boundary")
    boundary.check_complete("which lines its boundary consists of")
    ends = boundary.corners.tolist()
    places = dict(zip(boundary.corners.ravel().tolist(), boundary.ends.reshape(-1, 2), strict=True))
    at: dict[int, list[int]] = defaultdict(list)
    for segment, pair in enumerate(ends):
        for point in pair:
            at[point].append(segment)
    unused = dict.fromkeys(range(len(ends)))
    loose = [point for point, segments in at.items() if len(segments) != 2]
    lines = [
        _followed(point, segment, ends, at, unused) for point in loose for segment in at[point] if segment in unused
    ]
    while unused:
        first = next(iter(unused))
        lines.append(_followed(ends[first][0], first, ends, at, unused))
    return sorted((_contour(line, places) for line in lines), key=lambda line: -line.length)


@ieee
def volume_below(part: Tiling, level: float = 0.0, *, accuracy: float | None = None) -> Any:
    """The volume (area, when D = 2) of {f < level} in the domain, of a network with one output.

    Exact (a Fraction) on an exact partition. With exact predicates it is off by at most ``accuracy`` times itself,
    2^-20 (six digits) by default and at least 2^-52, and by the rounding of a sum: that of the volumes of the very
    cells that exact arithmetic has below the level. With ``predicates="float"`` nothing is promised. Regions on which f
    is the level throughout do not count. Raises ``IncompleteError`` for a partition that is not complete.
    """
    instance("part", part, Tiling, "Use cpwl.partition.", "Partition").check_complete("the volume below a level")
    cells, refinement = at_level(part, level)
    below = refinement.below.dense()[:, 0]
    return cells.measured(accuracy)[0][below].sum()


@ieee
def axis_slices(lo: ArrayLike, hi: ArrayLike, *, axis: int, at: Sequence[float]) -> list[Domain]:
    """The planes x[axis] = value through the box lo <= x <= hi of a 3-D input space, one for each value in ``at``.

    Slice coordinates are the two other coordinates, in their order. Raises ``DomainError`` for a box of another
    dimension, ``ArgumentError`` for another axis or values outside of the box.
    """
    low, high, values = (unrounded(name, given) for name, given in (("lo", lo), ("hi", hi), ("at", at)))
    if low.shape != (3,) or high.shape != (3,):
        raise DomainError(f"lo and hi must be points of a 3-D space, got shapes {low.shape} and {high.shape}.")
    axis = whole("axis", axis, 0, 2)
    if values.ndim != 1 or (values < low[axis]).any() or (values > high[axis]).any():
        raise ArgumentError(f"at must be numbers from {low[axis]} to {high[axis]}, those of the box; got {values}.")
    kept = [i for i in range(3) if i != axis]
    corners = Domain.box(low[kept], high[kept]).polytope.vertices
    basis = np.eye(3)[:, kept]
    return [Domain.polygon(corners, value * np.eye(3)[axis], basis) for value in values]


def _followed(
    point: int, segment: int, ends: list[list[int]], at: dict[int, list[int]], unused: dict[int, None]
) -> list[int]:
    """The points along segments that have not been used, from one point on, until there is no one way to go on."""
    line = [point]
    while True:
        del unused[segment]
        first, second = ends[segment]
        point = second if first == point else first
        line.append(point)
        onward = [other for other in at[point] if other in unused]
        if len(at[point]) != 2 or not onward:
            return line
        segment = onward[0]


def _contour(line: list[int], places: Mapping[int, NDArray[Any]]) -> Contour:
    closed = len(line) > 3 and line[0] == line[-1]
    return Contour(np.array([places[point] for point in (line[:-1] if closed else line)]), closed)
