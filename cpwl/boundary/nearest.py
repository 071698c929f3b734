"""The point of a boundary nearest to a sample within the slice, the length of each class pair, the closest data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..geometry.domain import exactly
from ..numbers.norms import norms
from ..numbers.rounding import LEAST, floats, root
from ..runtime.ieee import ieee
from ..runtime.inputs import coordinates, finite, instance, real
from .faces import BoundaryFaces
from .nearest_faces import Near, nearest_exactly

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

_ENTRIES = 1 << 20
"""Points times segments handled at once."""

_ROUNDING = 2.0**-45
"""More than the error of a computed distance from a segment, relative to the largest coordinate C involved.

With u = 2^-53 and lengths of at most 2 sqrt(2) C: the difference to the first end (2u each coordinate), the parameter t
of the foot (8 roundings, which move the foot by at most 8u times the distance from that end; no more where t is cut to
[0, 1]), the foot (3u), the difference to it and its norm (6u): less than 2^7 u C.
"""

_TINY = 2.0**-500
"""More than what underflow takes away in squares and products of coordinates of at most 1."""


@ieee
@dataclass(frozen=True, eq=False)
class Nearest:
    """For each of M points the nearest point of a boundary, in slice coordinates and by their Euclidean distance."""

    points: NDArray[Any]
    """The nearest points (M, D): Fractions, exactly on the boundary, on an exact partition; else float64."""
    segments: NDArray[np.int64]
    """The segment (when D is not 2: face) of the boundary that each lies on, int64 (M,); of several the first."""
    pairs: NDArray[np.int64]
    """The two classes whose outputs are equal there, (M, 2); -1 for a level set."""
    distances: Floats
    """How far each is, float64 (M,)."""
    bounds: Floats
    """By how much the exact distance from the exact boundary may differ, (M,); infinite where regions are undecided."""
    squared: NDArray[Any]
    """The squares of the distances (M,): exact Fractions on an exact partition."""
    decided: NDArray[np.bool_]
    """Whether it is certain that the nearest point is on that segment, bool (M,): always, on an exact partition."""

    def __len__(self) -> int:
        return len(self.segments)

    def table(self) -> pandas.DataFrame:
        """A row for each point, rounded to float64: ``u1``, ``u2``, ... of the nearest one, ``distance``, ``bound``,
        ``decided``, and the pair of classes, ``first`` and ``second``."""
        import pandas

        places = self.points.astype(np.float64)
        columns: dict[str, Any] = {f"u{k + 1}": axis for k, axis in enumerate(places.T)}
        columns |= {"distance": self.distances, "bound": self.bounds, "decided": self.decided}
        columns |= {"first": self.pairs[:, 0], "second": self.pairs[:, 1]}
        return pandas.DataFrame(columns).rename_axis("point")


@ieee
def nearest(boundary: BoundaryFaces, u: ArrayLike) -> Nearest:
    """The point of the boundary nearest to each point u (M, D) or (D,) of the slice, in slice coordinates.

    On an exact partition the points are found in rational arithmetic (``u`` may be Fractions), after a float filter
    with a bound on its rounding. On a float partition they are float64 points on the stored faces, and the
    faces' own bounds (``boundary.slack``) go into ``bounds`` and ``decided``; with ``predicates="float"`` a face
    may be missing in an undecided region, and then nothing is certain. Areas over which outputs tie
    (``boundary.ties``) are no part of the boundary. Slice coordinates of boxes and of ``Domain.through`` are
    orthonormal up to rounding, so a distance is that in the input space to 1e-15.

    Raises ``ArgumentError`` for a boundary without faces, ``IncompleteError`` for one that is not complete,
    ``ShapeError`` for points of another shape.
    """
    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary().", "DecisionBoundary")
    boundary.check_complete("the nearest point of its boundary")
    if not len(boundary):
        raise ArgumentError(
            "the boundary is empty on this domain: nothing is nearest. Choose other classes or a level."
        )
    exact = boundary.partition.arrangement.exact
    dim = boundary.partition.domain.dim
    given = coordinates("u", real("u", u) if exact else finite("u", u), dim)
    rows = max(1, _ENTRIES // (len(boundary) if dim == 2 else len(boundary.owners) * dim**2))
    float_way, exact_way = (_float, _exact) if dim == 2 else (_float_on_faces, _exact_on_faces)
    find = exact_way if exact else float_way
    parts = [find(boundary, given[start : start + rows]) for start in range(0, max(len(given), 1), rows)]
    return Nearest(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@ieee
def closest_data(points: ArrayLike, data: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """For each point (M, *shape) of the input space the row of ``data`` (N, *shape) at the least Euclidean distance.

    The rows, int64 (M,), and the distances (M,), in float64.
    """
    from sklearn.metrics import pairwise_distances_argmin

    wanted, given = finite("points", points), finite("data", data)
    if not wanted.ndim or not given.size or wanted.shape[1:] != given.shape[1:]:
        raise ShapeError(
            f"points and data must have shapes (M, ...) and (N, ...) with N > 0, got {wanted.shape} and {given.shape}."
        )
    if not len(wanted):
        return np.zeros(0, np.int64), np.zeros(0)
    rows, table = (points.reshape(len(points), -1) for points in (wanted, given))
    closest = np.asarray(pairwise_distances_argmin(rows, table), np.int64)
    return closest, norms(rows - table[closest])


@ieee
def length_table(boundary: BoundaryFaces) -> pandas.DataFrame:
    """The boundary by pairs of classes, the longest first: ``segments``, ``length``, ``share`` of the whole length and
    ``tied``, the number of regions on which the two tie over an area (these have no length).

    Index: the pair (``first``, ``second``), (-1, -1) for a level set. Lengths are in slice coordinates, float64. When D
    is not 2 the columns are ``points`` (D = 1), ``polygons`` and ``area`` (D = 3), ``faces`` and ``area`` (D > 3: the
    (D - 1)-dimensional volume). Of a boundary that is not complete it is about the faces that are there, and a column
    ``complete`` says so.
    """
    import pandas

    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary().", "DecisionBoundary")
    pairs = [*map(tuple, boundary.pairs.tolist()), *(pair for _, pair in boundary.ties)]
    sizes, ties = boundary.measures(), len(boundary.ties)
    size = "length" if boundary.partition.domain.dim == 2 else "area"
    table = pandas.DataFrame(pairs, columns=["first", "second"], dtype=np.int64).assign(
        **{boundary.kind: np.repeat([1, 0], [len(boundary), ties])},
        **{size: np.concatenate([sizes, np.zeros(ties)])},
        tied=np.repeat([0, 1], [len(boundary), ties]),
    )
    by_pair = table.groupby(["first", "second"]).sum()
    total = float(sizes.sum())
    by_pair.insert(2, "share", by_pair[size] / (total if total > 0 else 1.0))
    by_pair = by_pair.sort_values(size, ascending=False, kind="stable")
    by_pair = by_pair.drop(columns=size) if boundary.partition.domain.dim == 1 else by_pair
    return by_pair if boundary.complete else by_pair.assign(complete=False)


# ---- float ---------------------------------------------------------------------------------------------------------
def _float(boundary: BoundaryFaces, u: Floats) -> tuple[NDArray[Any], ...]:
    feet, distances, errors = _feet(np.asarray(boundary.ends, np.float64), u)
    errors = errors + boundary.slack
    row, best = np.arange(len(u)), distances.argmin(axis=1)
    least = distances[row, best]
    farthest, closest = (distances + errors).min(axis=1), (distances - errors).min(axis=1)
    bounds = np.maximum(farthest - least, least - closest) * (1 + 2.0**-50)
    decided = (distances - errors <= farthest[:, None]).sum(axis=1) == 1
    if len(boundary.undecided):
        bounds, decided = np.full(len(u), np.inf), np.zeros(len(u), np.bool_)
    return feet[row, best], best.astype(np.int64), boundary.pairs[best], least, bounds, least**2, decided


def _feet(ends: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    """For each point and segment the nearest point on it (M, S, 2), its distance, and a bound on that one's error."""
    # Squares neither overflow nor underflow by much if the largest coordinate is about 1.
    _, exponent = np.frexp(max(np.abs(ends).max(initial=0.0), np.abs(u).max(initial=0.0)))
    scaled = _feet_near_one(np.ldexp(ends, -exponent), np.ldexp(u, -exponent))
    feet, distances, errors = (np.ldexp(part, exponent) for part in scaled)
    return feet, distances, errors + LEAST


def _feet_near_one(ends: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    first, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    apart = u[:, None] - first
    squares = (along**2).sum(axis=1)
    share = np.clip((apart * along).sum(axis=2) / np.where(squares > 0, squares, 1), 0, 1)
    feet = first + share[:, :, None] * along
    sizes = np.maximum(np.abs(u).max(axis=1)[:, None], np.abs(ends).max(axis=(1, 2)))
    return feet, norms(u[:, None] - feet), _ROUNDING * sizes + _TINY


def _float_on_faces(boundary: BoundaryFaces, u: Floats) -> tuple[NDArray[Any], ...]:
    near, starts = Near(boundary.vertices[boundary.simplices], u), _starts(boundary)
    best = near.distances.argmin(axis=1)
    row, face = np.arange(len(u)), boundary.owners[best]
    least, slack = near.distances[row, best], boundary.slack
    farthest = np.minimum.reduceat(near.upper, starts, axis=1) + slack
    closest = np.minimum.reduceat(near.lower, starts, axis=1) - slack
    top = farthest.min(axis=1)
    bounds = np.maximum(top - least, least - closest.min(axis=1)) * (1 + 2.0**-50) + LEAST
    decided = (closest <= top[:, None]).sum(axis=1) == 1
    if len(boundary.undecided):
        bounds, decided = np.full(len(u), np.inf), np.zeros(len(u), np.bool_)
    return near.points[row, best], face, boundary.pairs[face], least, bounds, least**2, decided


def _starts(boundary: BoundaryFaces) -> NDArray[np.int64]:
    """The first simplex of each face."""
    return np.searchsorted(boundary.owners, np.arange(len(boundary)))


# ---- exact ---------------------------------------------------------------------------------------------------------
def _exact(boundary: BoundaryFaces, u: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    places = u if u.dtype == object else exactly(u)
    # Rounding the ends and the points moves each by at most 2^-52 of its size: the bound has a factor of 2 to spare.
    with np.errstate(invalid="ignore"):  # of points beyond float64 nothing is known
        _, distances, errors = _feet(floats(boundary.ends), floats(u))
        near = ~(distances - errors > (distances + errors).min(axis=1)[:, None])
    feet = [_best(boundary.ends, place, chosen) for place, chosen in zip(places, near, strict=True)]
    points = np.array([point for point, _, _ in feet], dtype=object).reshape(-1, 2)
    squared = np.array([square for _, square, _ in feet], dtype=object)
    segments = np.array([segment for _, _, segment in feet], np.int64)
    least = np.array([root(square) for _, square, _ in feet], np.float64)
    bounds = least * 2.0**-51 + LEAST
    return points, segments, boundary.pairs[segments], least, bounds, squared, np.ones(len(feet), np.bool_)


def _exact_on_faces(boundary: BoundaryFaces, u: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    places = u if u.dtype == object else exactly(u)
    corners = boundary.vertices[boundary.simplices]
    possible = _possible(floats(corners), floats(u))
    points, squares, faces = [], [], []
    for place, chosen in zip(places, possible, strict=True):
        candidates = [
            (nearest_exactly(corners[s].tolist(), place.tolist()), int(boundary.owners[s]))
            for s in np.flatnonzero(chosen).tolist()
        ]
        measured = [(_square(point, place), face, point) for point, face in candidates]
        square, face, point = min(measured, key=lambda candidate: candidate[:2])
        points.append(point)
        squares.append(square)
        faces.append(face)
    chosen_faces = np.array(faces, np.int64)
    least = np.array([root(square) for square in squares], np.float64)
    table = np.array(points, dtype=object).reshape(-1, u.shape[1])
    sure, bounds = np.ones(len(u), np.bool_), least * 2.0**-51 + LEAST
    pairs, squared = boundary.pairs[chosen_faces], np.array(squares, dtype=object)
    return table, chosen_faces, pairs, least, bounds, squared, sure


def _possible(corners: Floats, u: Floats) -> NDArray[np.bool_]:
    """Which simplices may hold the nearest point, bool (M, n)."""
    if not (np.isfinite(corners).all() and np.isfinite(u).all()):
        return np.ones((len(u), len(corners)), np.bool_)
    near = Near(corners, u)
    return np.asarray(near.lower <= near.upper.min(axis=1)[:, None])


def _best(ends: NDArray[Any], u: NDArray[Any], chosen: NDArray[np.bool_]) -> tuple[list[Fraction], Fraction, int]:
    """The nearest point on the chosen segments, the square of its distance, and the first segment that holds it."""
    candidates: Iterator[tuple[list[Fraction], int]] = (
        (_foot(ends[segment, 0], ends[segment, 1], u), segment) for segment in np.flatnonzero(chosen).tolist()
    )
    measured = ((point, _square(point, u), segment) for point, segment in candidates)
    return min(measured, key=lambda candidate: candidate[1])


def _foot(first: NDArray[Any], second: NDArray[Any], u: NDArray[Any]) -> list[Fraction]:
    """The point of a segment that is nearest to u."""
    along = second - first
    share = Fraction((u - first) @ along) / Fraction(along @ along)
    return list(first + min(max(share, Fraction(0)), Fraction(1)) * along)


def _square(point: list[Fraction], u: NDArray[Any]) -> Fraction:
    return sum(((a - b) ** 2 for a, b in zip(point, u.tolist(), strict=True)), Fraction(0))
