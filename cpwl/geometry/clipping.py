"""Which of many halfplanes bound a part of a convex polygon: exactly for rational rows, and as far as is certain for
rows known up to an error.

A row (a, b, c) is the halfplane a x + b y + c >= 0. Rows that a bounded polygon keeps well away from are left out by a
float64 filter with a bound on its rounding; what remains is clipped and compared in rational numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .polytope import Polytope

Point = tuple[Fraction, Fraction]
Row = tuple[Fraction, ...]

_FILTER = 16 * 2.0**-53
"""Relative rounding of a x + b y + c with rounded factors: three products and sums, each factor rounded once."""


@dataclass(frozen=True, eq=False)
class Bounding:
    """The rows that bound the part of a polygon in which all rows hold."""

    rows: NDArray[np.int64]
    """The sides of the polygon come first, then the given rows: int64 (F,), increasing."""
    certain: NDArray[np.bool_]
    """Of which of them that is certain, bool (F,)."""
    complete: bool
    """Whether it is certain that no other row bounds it."""


def part_of(polytope: Polytope, rows: NDArray[Any]) -> list[Point]:
    """The corners of the part of a polygon in which exact rows (M, 3) hold, counter-clockwise; none if it is flat."""
    polygon = _corners(polytope)
    for row in rows:
        polygon = _clipped(polygon, _row(row), Fraction(0))
    return polygon


def bounding(polytope: Polytope, rows: NDArray[Any], errors: NDArray[np.float64]) -> Bounding:
    """The rows (M, 3) that bound the part of a polygon in which they hold, and the sides of the polygon that do.

    ``errors`` (M,) bounds how far a row's value lies from the one that is meant, anywhere on the polygon. The answer is
    right for the rows as given; what is certain for those that are meant is said. Of equal rows the first one is named.
    There are none (``rows`` empty) when the part has no interior.
    """
    polygon, near = _outer(polytope, rows, np.zeros(len(rows)))
    needed = _edges(polygon, near)
    if not errors.any():
        return Bounding(needed, np.ones(len(needed), np.bool_), True)
    if _some_are_unknown(polytope, rows, errors):
        return Bounding(needed, np.zeros(len(needed), np.bool_), False)
    polygon, near = _outer(polytope, rows, errors)
    certain = np.array([j in near and _is_needed(polygon, near, j) for j in needed.tolist()], np.bool_)
    return Bounding(needed, certain, set(near) <= set(needed[certain].tolist()))


def _some_are_unknown(polytope: Polytope, rows: NDArray[np.float64], errors: NDArray[np.float64]) -> bool:
    """Whether some row is nowhere on the polygon certainly positive: then it may cut anything off."""
    values, rounding = _at_corners(rows, _corners(polytope))
    return bool((~(values + rounding >= errors[:, None])).all(axis=1).any())


def _outer(
    polytope: Polytope, table: NDArray[Any], errors: NDArray[np.float64]
) -> tuple[list[Point], dict[int, tuple[Row, Fraction]]]:
    """The part of the polygon where all rows are >= -error, and (exactly) the rows that are not certainly > 0 on it.

    Cuts by the row that goes furthest outside at some corner, so that few cuts make the others easy to dismiss.
    """
    polygon, count = _corners(polytope), len(polytope.vertices)
    rounded, slack = _normalised(table, errors)
    alive, tried = np.arange(len(table)), np.zeros(len(table), np.bool_)
    steepness = np.abs(rounded[:, :2]).sum(axis=1)
    while len(polygon) >= 3 and len(alive):
        values, rounding = _at_corners(rounded[alive], polygon)
        limit = slack[alive, None] + rounding
        kept = ~(values > limit).all(axis=1)
        depth = np.where(tried[alive], np.inf, (values + slack[alive, None] - rounding).min(axis=1))[kept]
        alive = alive[kept]
        if not len(alive) or depth.min() > 0 or np.isinf(depth.min()):
            break
        chosen = int(alive[np.argmin(depth / np.where(steepness > 0, steepness, 1.0)[alive])])
        tried[chosen] = True
        polygon = _clipped(polygon, _row(table[chosen]), -Fraction(float(errors[chosen])))
    near = {count + j: (_row(table[j]), Fraction(float(errors[j]))) for j in alive.tolist()}
    return polygon, _touching(polygon, {**dict(enumerate((row, Fraction(0)) for row in polytope.sides)), **near})


def _touching(polygon: list[Point], rows: dict[int, tuple[Row, Fraction]]) -> dict[int, tuple[Row, Fraction]]:
    """The rows that are not above their error at every corner."""
    return {
        j: (row, error) for j, (row, error) in rows.items() if not all(_at(row, corner) > error for corner in polygon)
    }


def _edges(polygon: list[Point], rows: dict[int, tuple[Row, Fraction]]) -> NDArray[np.int64]:
    """For each edge of the polygon the first row that vanishes on it (and not everywhere)."""
    lines = {j: row for j, (row, _) in rows.items() if row[0] or row[1]}
    vanishing = set()
    for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        vanishing.update([j for j, row in lines.items() if _at(row, p) == 0 == _at(row, q)][:1])
    return np.array(sorted(vanishing), np.int64)


def _is_needed(polygon: list[Point], rows: dict[int, tuple[Row, Fraction]], j: int) -> bool:
    """Whether row j certainly bounds the part.

    It does if it is certainly > 0 somewhere where all others are certainly >= 0, and certainly <= 0 at some point where
    they are certainly > 0: between the two it vanishes inside all others.
    """
    row, error = rows[j]
    others = [rows[i] for i in rows if i != j]
    for other, margin in others:
        polygon = _clipped(polygon, other, margin)
    lowest = [corner for corner in polygon if _at(row, corner) == -error]
    if len(lowest) < 2 or all(_at(row, corner) <= error for corner in polygon):
        return False
    middle = ((lowest[0][0] + lowest[-1][0]) / 2, (lowest[0][1] + lowest[-1][1]) / 2)
    return all(_at(other, middle) > margin for other, margin in others)


def _clipped(polygon: list[Point], row: Row, level: Fraction) -> list[Point]:
    """The part of a convex polygon where the row is at least ``level``; empty if it has no interior."""
    values = [_at(row, corner) - level for corner in polygon]
    if all(value >= 0 for value in values):
        return polygon
    result = []
    for i, (q, b) in enumerate(zip(polygon, values, strict=True)):
        p, a = polygon[i - 1], values[i - 1]
        if a * b < 0:
            result.append((p[0] + (q[0] - p[0]) * a / (a - b), p[1] + (q[1] - p[1]) * a / (a - b)))
        if b >= 0:
            result.append(q)
    return result if any(value > 0 for value in values) else []


def _at(row: Row, point: Point) -> Fraction:
    return row[0] * point[0] + row[1] * point[1] + row[2]


def _at_corners(rows: NDArray[np.float64], polygon: list[Point]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Float values of rows (M, 3) at the corners, and bounds on their rounding, (M, N) each."""
    corners = np.array([[float(x), float(y), 1.0] for x, y in polygon])
    return rows @ corners.T, _FILTER * (np.abs(rows) @ np.abs(corners).T) + np.finfo(np.float64).tiny


def _normalised(table: NDArray[Any], errors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and errors in float64, exact rows scaled to a largest entry of 1 (they may be too large for float64)."""
    if table.dtype != object:
        return table, errors
    peaks = [max(map(abs, row)) or 1 for row in table.tolist()]
    rounded = [[float(x / peak) for x in row] for row, peak in zip(table.tolist(), peaks, strict=True)]
    return np.array(rounded).reshape(-1, 3), errors


def _row(values: NDArray[Any]) -> Row:
    a, b, c = (Fraction(x) for x in values.tolist())
    return a, b, c


def _corners(polytope: Polytope) -> list[Point]:
    return [(x, y) for x, y in polytope.corners]
