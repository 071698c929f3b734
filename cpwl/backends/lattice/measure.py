"""Determinants of simplices, and so volumes of regions: in float64 with bounds, or exactly.

A region is the union of the simplices of ``Lattice.simplices``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from ...arrays.batches import batches
from ...numbers.integers import Integers, determinants
from .lattice import Faces, Lattice

Floats = NDArray[np.float64]

ExactPoints = Callable[[Faces], Integers]
"""From vertices to their homogeneous coordinates, integers (n, D + 1), the last one positive."""

_UNIT = 2.0**-53
_UP = 1 + 2.0**-20
"""Covers the rounding of a bound's own evaluation."""
_TINY = 2.0**-500
"""More than what underflow takes away from a product of numbers that are not tiny themselves."""

_ENTRIES = 1 << 22
"""Numbers that are held at once."""


@dataclass(frozen=True, eq=False)
class NearPoints:
    """Points (n, D) in float64, and bounds on the 2-norms of their errors (n,)."""

    values: Floats
    errors: Floats

    def take(self, index: NDArray[np.int64]) -> NearPoints:
        """Some of them."""
        return NearPoints(self.values[index], self.errors[index])


def determinant(rows: Floats) -> Floats:
    """The determinants of matrices (n, k, k), by expansion along one row after the other: products and sums alone."""
    size = rows.shape[1]
    minors: dict[tuple[int, ...], Floats] = {(c,): rows[:, 0, c] for c in range(size)}
    for k in range(1, size):
        minors = {columns: _expanded(rows[:, k], minors, columns) for columns in combinations(range(size), k + 1)}
    return minors[tuple(range(size))]


def _expanded(row: Floats, minors: dict[tuple[int, ...], Floats], columns: tuple[int, ...]) -> Floats:
    total = np.zeros(len(row))
    for t, c in enumerate(columns):
        sign = -1 if (len(columns) - 1 + t) % 2 else 1
        total += sign * row[:, c] * minors[columns[:t] + columns[t + 1 :]]
    return total


def simplex_volumes(corners: Sequence[NearPoints]) -> tuple[Floats, Floats]:
    """D! times the signed volumes of simplices, given by D + 1 lists of corners; and bounds on how far they are off.

    A determinant is linear in each edge, so it moves by at most prod(|e_i| + d_i) - prod |e_i|, 1-norms, when edges
    e_i move by d_i: what corners may be off by, and the rounding of differences. Its own rounding is at most
    gamma((D + 1)^2) times prod |e_i| (proofs/, Lemma 15 (f)).
    """
    base, dim = corners[0], corners[0].values.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):  # then the bound is infinite, or none: nothing is certain
        edges = [corner.values - base.values for corner in corners[1:]]
        sizes = np.stack([np.abs(edge).sum(axis=1) for edge in edges])
        moved = np.stack([(corner.errors + base.errors) * dim**0.5 for corner in corners[1:]]) + 2 * _UNIT * sizes
        whole = sizes.prod(axis=0)
        bound = (_moved_by(sizes, moved) + (dim + 1) ** 2 * _UNIT * whole) * _UP + _TINY
        return determinant(np.stack(edges, axis=1)), bound


def _moved_by(sizes: Floats, moved: Floats) -> Floats:
    """prod(sizes + moved) - prod(sizes), as a sum of products that are not negative."""
    total, before = np.zeros(sizes.shape[1]), np.ones(sizes.shape[1])
    for k in range(len(sizes)):
        total = total * (sizes[k] + moved[k]) + before * moved[k]
        before = before * sizes[k]
    return total


def volumes(lattice: Lattice, points: NearPoints) -> tuple[Floats, Floats]:
    """The volumes of all regions, and bounds on how far they are from those of the exact ones."""
    sums, errors = np.zeros((2, len(lattice)))
    for part in batches(len(lattice), 8 * factorial(lattice.dim) * lattice.dim**2, _ENTRIES):
        owner, simplices = lattice.simplices(np.arange(part.start, part.stop))
        volume, bound = simplex_volumes([points.take(simplices[:, k]) for k in range(lattice.dim + 1)])
        for target, values in ((sums, np.abs(volume)), (errors, bound)):
            target[part] = np.bincount(owner, values, minlength=part.stop - part.start)
        errors[part] += _UNIT * sums[part] * np.bincount(owner, minlength=part.stop - part.start)
    return sums / factorial(lattice.dim), errors / factorial(lattice.dim) * _UP


def exact_volumes(lattice: Lattice, regions: Faces, points: ExactPoints) -> list[tuple[Integers, Integers]]:
    """For each of some regions its simplices' volumes times D!, as numerators and denominators."""
    owner, simplices = lattice.simplices(regions)
    vertices, which = np.unique(simplices, return_inverse=True)
    rows = points(vertices)[which.reshape(simplices.shape)]
    parts = abs(determinants(rows)), rows[:, :, -1].prod(axis=1)
    ends = np.searchsorted(owner, np.arange(len(regions) + 1))
    return [(parts[0][a:b], parts[1][a:b]) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
