"""Convex polygons cut into triangles that are as little thin as may be: what renderers and solvers like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...numbers.norms import norms

Numbers = NDArray[np.int64]

_ENTRIES = 1 << 21
"""Numbers that are held at once."""


def triangulated(corners: NDArray[np.float64], polygons: Ragged) -> tuple[Numbers, Numbers]:
    """For convex polygons with these corners (n, 3): the polygon of each triangle, and three places among corners.

    Of all ways to cut a polygon by diagonals the one whose smallest angle is largest. By dynamic programming over pairs
    of corners (G. T. Klincsek, Minimal triangulations of polygonal domains, 1980), for all polygons with as many
    corners at once.
    """
    owners, triangles = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    for count in np.unique(polygons.counts).tolist():
        rows = np.flatnonzero(polygons.counts == count)
        step = max(1, _ENTRIES // count**2)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            places = polygons.offsets[some][:, None] + np.arange(count)
            owners.append(np.repeat(some, count - 2))
            triangles.append(np.take_along_axis(places, _cut(corners[places]), axis=1).reshape(-1, 3))
    owner, triangle = np.concatenate(owners), np.concatenate(triangles)
    order = np.argsort(owner, kind="stable")
    return owner[order], triangle[order]


def _cut(corners: NDArray[np.float64]) -> Numbers:
    """The triangles of polygons (n, k, 3), 3 (k - 2) corners each, in their order."""
    many, count = corners.shape[:2]
    if count == 3:
        return np.tile(np.arange(3), (many, 1))
    best = {(i, i + 1): np.full(many, np.inf) for i in range(count - 1)}
    tips: dict[tuple[int, int], Numbers] = {}
    for width in range(2, count):
        for i in range(count - width):
            j = i + width
            worst = np.stack(
                [
                    np.minimum(_thinness(corners[:, [i, m, j]]), np.minimum(best[i, m], best[m, j]))
                    for m in range(i + 1, j)
                ]
            )
            tips[i, j] = i + 1 + worst.argmax(axis=0)
            best[i, j] = worst.max(axis=0)
    table = np.zeros((many, count, count), np.int64)
    for (i, j), tip in tips.items():
        table[:, i, j] = tip
    return _followed(table)


def _followed(tips: Numbers) -> Numbers:
    """The triangles from the tip over each diagonal, (n, 3 (k - 2)): from the last side on, diagonal by diagonal."""
    many, count = tips.shape[:2]
    row = np.arange(many)
    triangles = np.empty((many, count - 2, 3), np.int64)
    stack = np.zeros((many, count + 1, 2), np.int64)
    stack[:, 0] = 0, count - 1
    height = np.ones(many, np.int64)
    for place in range(count - 2):
        low, high = stack[row, height - 1].T
        tip = tips[row, low, high]
        triangles[:, place] = np.stack([low, tip, high], axis=1)
        height -= 1
        for first, last in ((low, tip), (tip, high)):
            open_ = np.flatnonzero(last - first > 1)
            stack[open_, height[open_]] = np.stack([first[open_], last[open_]], axis=1)
            height[open_] += 1
    return triangles.reshape(many, -1)


def _thinness(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sine of the smallest angle of triangles (n, 3, 3); 0 for flat ones."""
    sides = norms(np.roll(corners, -1, axis=1) - corners)
    doubled = norms(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    longest = np.sort(sides, axis=1)[:, 1:].prod(axis=1)  # the two sides at the smallest angle
    return np.asarray(np.divide(doubled, longest, out=np.zeros_like(doubled), where=longest > 0))
