"""Reachable sets: the image of a domain under a network, a union of polytopes, one for each region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, ShapeError
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, indices, unrounded
from ..tiling.headed import headed
from ..tiling.signed_cells import signed_cells
from ..tiling.tiling import Tiling

_ROUND_UP = 1 + 2.0**-40
"""More than a sum of some thousand products rounds."""
_UNDERFLOW = 2.0**-1074
"""More than a product loses that is too small for float64."""


@ieee
@dataclass(frozen=True, eq=False)
class Image:
    """The set of all values that some outputs take together on a domain: the union of the images of the regions."""

    partition: Tiling
    """Its outputs are those of the image, in their order."""
    outputs: NDArray[np.int64]
    """Which outputs of the network these are, int64 (k,)."""

    def __len__(self) -> int:
        return len(self.partition)

    def __repr__(self) -> str:
        part = "" if self.partition.complete else "INCOMPLETE, "
        return f"<Image: {part}of {len(self)} regions, outputs {self.outputs.tolist()}>"

    @property
    def values(self) -> NDArray[np.float64]:
        """The values (V, k) at the vertices: the image of region r is the hull of those at ``partition.regions[r]``."""
        return floats(self.partition.outputs.to_numpy())

    def polygons(self) -> Ragged:
        """For two outputs the image of each region: the corners of a convex polygon, counter-clockwise.

        Rows of ``values``. Where the map of a region has a rank below two it is a segment (2) or a point (1). By
        float64: points that are nearly on a side may be corners or not.
        """
        if len(self.outputs) != 2:
            raise ArgumentError(
                f"polygons are images of two outputs, got {len(self.outputs)}. Use image(outputs=[i, j])."
            )
        values, regions = self.values, self.partition.regions
        return Ragged.of([_hull(values, corners) for corners in regions])

    def support(self, direction: ArrayLike) -> tuple[float, float]:
        """The largest value of direction . y over the set, and a bound on the rounding error of that number."""
        d = finite("direction", direction)
        if d.shape != self.outputs.shape:
            raise ShapeError(f"direction must have shape {self.outputs.shape}, one number an output, got {d.shape}.")
        self._check_there("the support of an image")
        with np.errstate(over="ignore", invalid="ignore"):
            projections = self.values @ d
            errors = self.partition.outputs.errors() + 2.0**-52 * len(d) * norms(self.values)
            bounds = errors * norms(d) * _ROUND_UP + (len(d) + 2) * _UNDERFLOW
        if not (np.isfinite(projections).all() and np.isfinite(bounds).all()):
            raise ArgumentError("direction is too large: direction . y overflows float64. Scale it.")
        largest = projections.max()
        return float(largest), float(
            max((projections + bounds).max() - largest, largest - (projections - bounds).max())
        )

    def inside(self, A: ArrayLike, c: ArrayLike) -> bool:
        """Whether A y + c >= 0 in all rows for all y of the set, decided exactly: A (r, k) and c (r,).

        Raises ``IncompleteError`` for a partition that is not complete, ``BackendError`` for one with float predicates.
        """
        self._check_there("whether an image is in a polytope")
        self.partition.check_exact("Image.inside")
        rows = headed(self.partition, np.atleast_2d(unrounded("A", A)), c)
        certain = rows.outputs.signs()
        if (certain < 0).any():
            return False
        open_ = np.flatnonzero(rows.regions.reduce(np.logical_or, (certain == 0).any(axis=1)[rows.regions.values]))
        return not len(open_) or not (signed_cells(rows, open_).signs < 0).any()

    def _check_there(self, answer: str) -> None:
        self.partition.check_complete(answer)


def image(part: Tiling, outputs: ArrayLike | None = None) -> Image:
    """The image of the domain under some outputs, or (None) all; see ``Image``."""
    m = part.network.outputs
    chosen = np.arange(m) if outputs is None else indices("outputs", outputs, m)
    if not len(chosen) or len(np.unique(chosen)) < len(chosen):
        raise ArgumentError(f"outputs must be different outputs, at least one, got {chosen.tolist()}.")
    return Image(headed(part, np.eye(m)[chosen]), chosen)


def _hull(values: NDArray[np.float64], corners: NDArray[np.int64]) -> list[int]:
    """The corners of the hull of points (by Andrew's monotone chain), counter-clockwise."""
    points = [(*values[i].tolist(), int(i)) for i in corners]
    points.sort()
    distinct = [p for k, p in enumerate(points) if k == 0 or p[:2] != points[k - 1][:2]]
    if len(distinct) < 3:
        return [p[2] for p in distinct]
    halves = [_chain(distinct), _chain(distinct[::-1])]
    return [p[2] for half in halves for p in half[:-1]]


def _chain(points: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    chain: list[tuple[float, float, int]] = []
    for p in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
            chain.pop()
        chain.append(p)
    return chain


def _turn(p: tuple[float, float, int], q: tuple[float, float, int], r: tuple[float, float, int]) -> float:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
