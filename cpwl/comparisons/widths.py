"""How wide regions are in dimensions other than two: between parallel hyperplanes, of which one holds a facet.

In two dimensions that is the width (see ``partitions.width``); in three and more, where two edges may be nearest, it is
at least that.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..geometry.arrangement import Arrangement
from ..geometry.simplices import measures
from ..numbers.norms import norms
from ..numbers.rounding import floats, root
from ..tiling.tiling import Tiling


class Widths:
    """The widths of a tiling's regions."""

    def __init__(self, part: Tiling) -> None:
        self._part, self._facets_of = part, part.arrangement.boundary(part.domain.dim)
        self._simplices = _largest_simplices(part.arrangement, floats(part.vertices))

    def rough(self) -> NDArray[np.float64]:
        """Those of all regions in float64, (R,); 0 where a facet rounds to less than one."""
        points, facets = floats(self._part.vertices), self._facets_of
        size = np.abs(points).max(initial=0.0) or 1.0
        points = points / size  # so that products neither overflow nor underflow
        normals = _normals(points[self._simplices])
        corners = self._part.regions.take(facets.row_of)
        away = points[corners.values] - points[self._simplices[facets.values, 0]][corners.row_of]
        heights = np.abs((away * normals[facets.values][corners.row_of]).sum(axis=1))
        return np.asarray(size * facets.reduce(np.minimum, corners.reduce(np.maximum, heights)))

    def exact(self, region: int) -> float:
        """That of one region, computed in rationals from its vertices and rounded once."""
        points = [list(map(Fraction, row)) for row in self._part.vertices[self._part.regions[region]].tolist()]
        squares = []
        for facet in self._facets_of[region].tolist():
            base, *others = ([Fraction(x) for x in row] for row in self._part.vertices[self._simplices[facet]].tolist())
            normal = _exact_normal([[a - b for a, b in zip(p, base, strict=True)] for p in others], len(base))
            length = sum((x * x for x in normal), Fraction(0))
            away = ([a - b for a, b in zip(p, base, strict=True)] for p in points)
            height = max(abs(sum((n * x for n, x in zip(normal, step, strict=True)), Fraction(0))) for step in away)
            squares += [height * height / length] if length else []
        return root(min(squares, default=Fraction(0)))


def _largest_simplices(arrangement: Arrangement[Any], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each facet the largest of the simplices that make it up, D vertices."""
    count = len(arrangement.faces(arrangement.dim - 1))
    owner, simplices = arrangement.simplices(arrangement.dim - 1, np.arange(count))
    order = np.lexsort((-measures(points[simplices]), owner))
    rows = Ragged.from_counts(order, np.bincount(owner, minlength=count))
    return np.asarray(simplices[rows.values[rows.offsets[:-1]]])


def _normals(simplices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (n, D) across simplices of D corners (n, D, D); zeros where these span less."""
    steps = simplices[:, 1:] - simplices[:, :1]
    lengths = norms(steps.reshape(-1, steps.shape[2])).reshape(steps.shape[:2])
    flat = (lengths == 0).any(axis=1)
    steps = steps / np.where(lengths > 0, lengths, 1)[:, :, None]
    normals = np.linalg.svd(steps, full_matrices=True)[2][:, -1] if steps.shape[1] else np.ones(steps.shape[::2])
    return np.where(flat[:, None], 0.0, normals)


def _exact_normal(steps: Sequence[Sequence[Fraction]], dim: int) -> list[Fraction]:
    """A vector at right angles to D - 1 others: their minors, of alternating sign."""
    from ..numbers.integers import determinant

    if not steps:
        return [Fraction(1)] * dim
    return [(-1) ** k * determinant([[*row[:k], *row[k + 1 :]] for row in steps]) for k in range(dim)]
