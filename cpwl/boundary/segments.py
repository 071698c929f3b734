"""A decision boundary or level set as data: the segments that it consists of, and points drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, IncompleteWarning, NumericalRangeError, ShapeError
from ..fields.arithmetic import embedding, evaluate
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import indices, real, whole
from ..runtime.notices import warn
from ..tiling.tiling import Tiling


@ieee
@dataclass(frozen=True, eq=False)
class Segments:
    """The facets (segments, when D = 2) on which a partition's outputs are decided."""

    partition: Tiling
    ends: NDArray[Any]
    """Slice coordinates (S, 2, D) of the ends of each segment: float64, or Fractions when the partition is exact."""
    corners: NDArray[np.int64]
    """A number for each end, int64 (S, 2): where two are equal segments meet. (Ends may round to one point and not.)"""
    regions: NDArray[np.int64]
    """The region of the partition that each segment lies in (one of the two, for a segment between regions), (S,)."""
    pairs: NDArray[np.int64]
    """The two classes i < j whose outputs are equal on each segment, (S, 2); -1 for a level set."""
    slack: NDArray[np.float64]
    """Bound on the distance of each segment's ends from the exact ones, (S,); 0 when exact."""
    ambiguous: NDArray[np.bool_]
    """Segments beside a piece of a region in whose making some decision was within its error bound, (S,)."""
    undecided: NDArray[np.int64]
    """Regions of the partition in which some decision was within its bound: segments may be wrong there."""
    ties: tuple[tuple[int, tuple[int, int]], ...]
    """Regions on which two outputs are equal (or one is at the level) over an area, with the classes: listed apart."""
    level: float | None = None
    """The level, for a level set."""
    everywhere: bool = False
    """Whether the two outputs need not be the largest."""

    def __len__(self) -> int:
        return len(self.ends)

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        counts = f"{len(self)} segments, {len(self.ties)} ties, {len(self.undecided)} undecided regions"
        return f"<{type(self).__name__}: {part}{counts}>"

    @property
    def complete(self) -> bool:
        """Whether this is the boundary on all of the domain; if not, the partition is not complete either."""
        return self.partition.complete

    def lengths(self) -> NDArray[np.float64]:
        """The length of each segment in slice coordinates, (S,): that of its ends, within twice its ``slack``."""
        steps = self.ends[:, 1] - self.ends[:, 0]
        return norms(floats(steps))

    def sample_slice(self, n: int, *, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """n points u (n, D) drawn uniformly by length, and the segment of each, int64 (n,).

        On an exact partition the points are Fractions and lie exactly on the boundary. Where the boundary is not
        ``complete`` they are drawn from the segments that are there, with an ``IncompleteWarning``.
        """
        n, seed = whole("n", n, 0), whole("seed", seed, 0)
        if not self.complete:
            warn(
                "samples are drawn from the part of the boundary that is there: the partition is not complete.",
                IncompleteWarning,
            )
        if n and not len(self):
            self.partition.check_complete("a boundary none of which is there")
            raise ArgumentError(
                "the boundary is empty on this domain: there is nothing to sample. "
                "Choose other classes or another level."
            )
        generator = np.random.default_rng(seed)
        segment = generator.choice(len(self), size=n, p=self._shares()) if n else np.zeros(0, np.int64)
        share: NDArray[Any] = generator.random((n, 1))
        if self.ends.dtype == object:
            share = np.array([[Fraction(s)] for s in share[:, 0].tolist()], dtype=object).reshape(n, 1)
        first, second = self.ends[segment, 0], self.ends[segment, 1]
        return first + share * (second - first), segment

    def _shares(self) -> NDArray[np.float64]:
        """The share of each segment in the whole length."""
        lengths = self.lengths()
        longest = float(lengths.max(initial=0.0))
        if not 0 < longest < np.inf:
            raise NumericalRangeError(
                f"the longest of the {len(self):,} segments of the boundary has length {longest} in float64: it is too "
                "short or too long for it. Scale the network and the domain, or use the exact backend."
            )
        shares = lengths / longest
        return np.asarray(shares / shares.sum())

    def sample(self, n: int, *, seed: int = 0) -> NDArray[Any]:
        """n points of the input space (n, *shape) on the boundary, drawn uniformly by its length in the slice."""
        return self.partition.to_input(self.sample_slice(n, seed=seed)[0])

    def residuals(self, u: NDArray[Any], segment: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The computed |output_i - output_j| (or |output - level|) at samples, and a proven bound on it; (n,) each.

        The exact value at the exact point of the exact segment is 0; the bound is that of the evaluation from a start
        that is ``slack`` away (proofs/, Lemma 5 (e)); on an ambiguous segment there is none, and it is infinite. On an
        exact partition both are exact, and the bound is 0. ``u`` and ``segment`` are what ``sample_slice`` returned.
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
