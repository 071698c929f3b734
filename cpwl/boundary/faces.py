"""A decision boundary or level set as data: the faces that it consists of, and points drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, IncompleteWarning, NumericalRangeError, ShapeError, check_planar
from ..fields.arithmetic import embedding, evaluate
from ..geometry.simplices import measures
from ..runtime.ieee import ieee
from ..runtime.inputs import indices, real, whole
from ..runtime.notices import warn
from ..tiling.tiling import Tiling


@ieee
@dataclass(frozen=True, eq=False)
class BoundaryFaces:
    """S convex polytopes of dimension D - 1 on which a partition's outputs are decided: facets of cells of its regions.

    Points when D = 1, segments when D = 2, polygons when D = 3.
    """

    partition: Tiling
    vertices: NDArray[Any]
    """Slice coordinates (V, D) of all corners, each once: float64, or Fractions when the partition is exact."""
    faces: Ragged
    """The corners of each face, as indices into ``vertices``, S rows; they go around when D = 3. Where two faces have a
    corner with one number, they meet. (Corners may round to one point and not.)"""
    simplices: NDArray[np.int64]
    """Simplices that make up the faces, D corners each, (n, D); faces that share something agree on it."""
    owners: NDArray[np.int64]
    """The face that each simplex is part of, increasing, (n,)."""
    regions: NDArray[np.int64]
    """The region of the partition that each face lies in (one of the two, for a face between regions), (S,)."""
    pairs: NDArray[np.int64]
    """The two classes i < j whose outputs are equal on each face, (S, 2); -1 for a level set."""
    slack: NDArray[np.float64]
    """Bound on the distance of each face's corners from the exact ones, (S,); 0 when exact."""
    ambiguous: NDArray[np.bool_]
    """Faces beside a piece of a region in whose making some decision was within its error bound, (S,)."""
    undecided: NDArray[np.int64]
    """Regions of the partition in which some decision was within its bound: faces may be wrong there."""
    ties: tuple[tuple[int, tuple[int, int]], ...]
    """Regions on which two outputs are equal (or one is at the level) throughout, with the classes: listed apart."""
    border: Ragged
    """For each vertex the facets of the domain's border that it lies on, V rows: where the vertices of something have
    one in common, all of it lies on the border. (Of some numbering of these facets.)"""
    tied: Ragged
    """For each vertex the cells of ``ties`` that it lies on, V rows, likewise."""
    touching: NDArray[np.bool_]
    """Faces on both sides of which the same class wins, or the output is on one side of the level; and those on the
    domain's border, which have one side; (S,)."""
    level: float | None = None
    """The level, for a level set."""
    everywhere: bool = False
    """Whether the two outputs need not be the largest."""
    covered: bool = False
    """Whether the partition, if not complete, has been kept to what is relevant to this boundary, and has all of it."""

    def __len__(self) -> int:
        return len(self.faces)

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        counts = f"{len(self)} {self.kind}, {len(self.ties)} ties, {len(self.undecided)} undecided regions"
        return f"<{type(self).__name__}: {part}{counts}>"

    @property
    def complete(self) -> bool:
        """Whether this is the boundary on all of the domain; if not, the partition is not complete either."""
        return self.partition.complete or self.covered

    def check_complete(self, answer: str) -> None:
        """Raises ``IncompleteError`` unless all of the boundary is there; ``answer`` is what needs all of it."""
        if not self.complete:
            self.partition.check_complete(answer)

    @property
    def kind(self) -> str:
        """What the faces are: "points", "segments", "polygons", or "faces" when D > 3."""
        return {1: "points", 2: "segments", 3: "polygons"}.get(self.partition.domain.dim, "faces")

    @property
    def ends(self) -> NDArray[Any]:
        """Slice coordinates (S, 2, 2) of the ends of each segment, when D = 2; else ``UnsupportedDimensionError``."""
        return self.vertices[self.corners]

    @property
    def corners(self) -> NDArray[np.int64]:
        """A number for each end of a segment, int64 (S, 2), when D = 2: where two are equal segments meet."""
        check_planar(self.partition.domain.dim, "segments of a boundary")
        return self.faces.values.reshape(-1, 2)

    def lengths(self) -> NDArray[np.float64]:
        """The length of each segment in slice coordinates, (S,), when D = 2; see ``measures``."""
        check_planar(self.partition.domain.dim, "lengths of a boundary")
        return self.measures()

    def measures(self) -> NDArray[np.float64]:
        """The (D - 1)-dimensional volume of each face in slice coordinates, (S,): a length when D = 2, an area when
        D = 3, 1 for points.

        It is that of the corners as they are, each within ``slack`` of the exact one.
        """
        return np.asarray(np.bincount(self.owners, self._sizes, minlength=len(self)), np.float64)

    def sample_slice(self, n: int, *, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """n points u (n, D) drawn uniformly by length (area, ...), and the face of each, int64 (n,).

        On an exact partition the points are Fractions and lie exactly on the boundary. Where the boundary is not
        ``complete`` they are drawn from the faces that are there, with an ``IncompleteWarning``.
        """
        n, seed = whole("n", n, 0), whole("seed", seed, 0)
        if not self.complete:
            warn(
                "samples are drawn from the part of the boundary that is there: the partition is not complete.",
                IncompleteWarning,
            )
        if n and not len(self):
            self.check_complete("a boundary none of which is there")
            raise ArgumentError(
                "the boundary is empty on this domain: there is nothing to sample. "
                "Choose other classes or another level."
            )
        generator, dim = np.random.default_rng(seed), self.partition.domain.dim
        chosen = generator.choice(len(self.owners), size=n, p=self._shares()) if n else np.zeros(0, np.int64)
        # Sorted numbers part [0, 1] into shares that are uniform on a simplex.
        steps: NDArray[Any] = -np.sort(-generator.random((n, dim - 1)), axis=1)
        if self.vertices.dtype == object:
            steps = np.array([Fraction(s) for s in steps.ravel().tolist()], dtype=object).reshape(n, dim - 1)
        corners = self.vertices[self.simplices[chosen]]
        points = corners[:, 0]
        for k in range(dim - 1):
            points = points + steps[:, k : k + 1] * (corners[:, k + 1] - corners[:, k])
        return points, self.owners[chosen]

    @cached_property
    def _sizes(self) -> NDArray[np.float64]:
        """The volume of each simplex."""
        return measures(self.vertices[self.simplices])

    def _shares(self) -> NDArray[np.float64]:
        """The share of each simplex in the whole."""
        largest = float(self._sizes.max(initial=0.0))
        if not 0 < largest < np.inf:
            raise NumericalRangeError(
                f"the largest of the {len(self):,} {self.kind} of the boundary has size {largest} in float64: it is "
                "too small or too large for it. Scale the network and the domain, or use the exact backend."
            )
        shares = self._sizes / largest
        return np.asarray(shares / shares.sum())

    def sample(self, n: int, *, seed: int = 0) -> NDArray[Any]:
        """n points of the input space (n, *shape) on the boundary, drawn uniformly by its size in the slice."""
        return self.partition.to_input(self.sample_slice(n, seed=seed)[0])

    def residuals(self, u: NDArray[Any], segment: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The computed |output_i - output_j| (or |output - level|) at samples, and a proven bound on it; (n,) each.

        The exact value at the exact point of the exact face is 0; the bound is that of the evaluation from a start
        that is ``slack`` away (proofs/, Lemma 5 (e)); on an ambiguous face there is none, and it is infinite. On an
        exact partition both are exact, and the bound is 0. ``u`` and ``segment``, the faces, are what ``sample_slice``
        returned.
        """
        part = self.partition
        u, segment = real("u", u), indices("segment", segment, len(self))
        if u.shape != (len(segment), part.domain.dim):
            raise ShapeError(f"u must have shape {(len(segment), part.domain.dim)}, a row a segment, got {u.shape}.")
        arithmetic = part.arithmetic()
        start = arithmetic.linear(embedding(part.domain), [arithmetic.points(u, error=self.slack[segment])])
        output = evaluate(part.network, arithmetic, start)
        values, row = output.to_numpy(), np.arange(len(segment))
        if self.level is None:
            other = values[row, self.pairs[segment, 1]]
        else:
            other = Fraction(self.level) if self.partition.arrangement.exact else self.level
        first = np.maximum(self.pairs[segment, 0], 0)
        # Two entries differ by at most sqrt(2) times the row's error, and the difference is rounded once.
        bound = np.where(self.ambiguous[segment], np.inf, 2 * output.errors())
        return np.abs(values[row, first] - other), bound
