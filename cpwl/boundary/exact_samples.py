"""Points of a decision boundary that are proved to lie on it: rational, with two outputs that are exactly equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..claims.claim import Claim
from ..claims.document import document
from ..errors import VerificationError
from ..fields.arithmetic import embedding, evaluate
from ..geometry.ladder import INTEGERS
from ..network.digest import Entry, number
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, whole
from .faces import BoundaryFaces
from .float_neighbours import neighbours
from .sample import CertifiedSample, Neighbours

_SPARE = 4
"""For each sample wanted, how many are tried at most."""


@ieee
@dataclass(frozen=True, eq=False)
class BoundarySamples(Claim):
    """Points that are proved to lie on a decision boundary or a level set."""

    boundary: BoundaryFaces
    samples: tuple[CertifiedSample, ...]

    def __repr__(self) -> str:
        return f"<BoundarySamples: {len(self)} exact points of {self.boundary!r}>"

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[CertifiedSample]:
        return iter(self.samples)

    def document(self) -> Entry:
        part, level = self.boundary.partition, self.boundary.level
        claim: Entry = {"points": [list(map(number, sample.u)) for sample in self.samples]}
        if level is not None:
            return document("level-sample", (part.network,), part.domain, {**claim, "level": number(level)})
        kind = "equality-sample" if self.boundary.everywhere else "boundary-sample"
        claim["pairs"] = [list(sample.pair) for sample in self.samples]
        return document(kind, (part.network,), part.domain, claim)

    def neighbours(self, dtype: type[np.float64] | type[np.float32] = np.float64) -> list[Neighbours]:
        """For each sample the nearest inputs of a floating-point type on its two sides that the search met.

        Users feed floats to networks, and a point of the boundary is hardly ever one. From each sample the search goes
        along the gradient of the difference, back and forth, in steps that double from half a unit in the last place,
        rounds, and stops where the exact difference has the sign of the side. The points are off the slice by rounding.
        """
        return neighbours(self.boundary, self.samples, dtype)


def certified(boundary: BoundaryFaces, n: int, seed: int) -> BoundarySamples:
    """n certified points of a boundary as one certificate; see ``DecisionBoundary.certify``."""
    return BoundarySamples(boundary, tuple(certify_samples(boundary, n, seed=seed)))


@ieee
def certify_samples(
    boundary: BoundaryFaces,
    n: int = 20,
    *,
    seed: int = 0,
    points: tuple[NDArray[Any], NDArray[np.int64]] | None = None,
) -> list[CertifiedSample]:
    """n points of a decision boundary, drawn uniformly by length and moved onto it exactly.

    ``points``, when given, are the samples to take, in order, as ``boundary.sample_slice`` returned them. Each is moved
    by one exact Newton step along the gradient of the difference of the two outputs on its region, then the whole
    network is evaluated exactly at the result: the two outputs are equal, none is larger (unless the boundary is that
    of a pair ``everywhere``), and the point is in the domain. Points for which that fails are replaced by
    others; raises ``VerificationError`` if too few are left.
    """
    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary().", "DecisionBoundary")
    n = whole("n", n, 0)
    u, segments = boundary.sample_slice(_SPARE * n, seed=seed) if points is None else points
    tried = len(u)
    batches = (slice(start, start + n) for start in range(0, tried, max(n, 1)))
    samples = list(islice((sample for rows in batches for sample in _proved(boundary, u[rows], segments[rows])), n))
    if len(samples) < n:
        raise VerificationError(
            f"only {len(samples)} of {tried} samples could be moved onto the boundary exactly, {n} are wanted. "
            "Certify the partition first, and take the boundary of its exact partition."
        )
    return samples


def _proved(boundary: BoundaryFaces, u: NDArray[Any], segments: NDArray[np.int64]) -> Iterator[CertifiedSample]:
    """The samples that can be proved."""
    domain = boundary.partition.domain
    pairs, maps = boundary.pairs[segments], _maps(boundary, boundary.regions[segments])
    values, slopes = _heights(boundary, maps, pairs)
    points = [_newton(*row) for row in zip(u.tolist(), values.tolist(), slopes.tolist(), strict=True)]
    kept = np.array([i for i, x in enumerate(points) if x is not None and domain.polytope.contains(x)], np.int64)
    moved = np.array([points[i] for i in kept.tolist()], dtype=object).reshape(-1, domain.dim)
    outputs, proved = _outputs(boundary, segments[kept], maps[kept], moved)
    for i, point, logits in zip(kept[proved].tolist(), moved[proved], outputs, strict=True):
        pair = (int(pairs[i, 0]), int(pairs[i, 1]))
        if _decided(boundary, pair, logits):
            yield CertifiedSample(point, domain, pair, logits, slopes[i])


def _outputs(
    boundary: BoundaryFaces, segments: NDArray[np.int64], maps: NDArray[Any], points: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The network's exact outputs at points (n, m), of those at which they are known; and which these are, bool.

    The outputs are those of the map of a point's region, once every unit is proved to be on its piece there; or the
    whole network is evaluated, where that costs no more.
    """
    part = boundary.partition
    inside = part.oracle.inside(part.patterns(boundary.regions[segments]), points) if len(points) else None
    if inside is None:
        arithmetic = backends.get("exact").arithmetic
        start = arithmetic.linear(embedding(part.domain), [arithmetic.points(points)])
        return evaluate(part.network, arithmetic, start).to_numpy(), np.ones(len(points), np.bool_)
    return maps[inside, :, -1] + (maps[inside, :, :-1] * points[inside][:, None]).sum(axis=2), inside


def _maps(boundary: BoundaryFaces, regions: NDArray[np.int64]) -> NDArray[Any]:
    """The exact affine maps of the network on regions, slopes and constants, Fractions (n, m, D + 1)."""
    part = boundary.partition
    distinct, place = np.unique(regions, return_inverse=True)
    maps: NDArray[Any] = part.oracle.outputs(part.patterns(distinct), INTEGERS).values[place]
    return maps


def _heights(
    boundary: BoundaryFaces, maps: NDArray[Any], pairs: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The function that vanishes on the boundary, in each region: its constants (n,) and slopes (n, D), Fractions."""
    if boundary.level is not None:
        return maps[:, 0, -1] - Fraction(boundary.level), maps[:, 0, :-1]
    row, (i, j) = np.arange(len(maps)), pairs.T
    height = maps[row, i] - maps[row, j]
    return height[:, -1], height[:, :-1]


def _newton(u: list[Any], constant: Fraction, slope: list[Fraction]) -> list[Fraction] | None:
    """The nearest zero of an affine function; None if it is constant."""
    start = [Fraction(x) for x in u]
    square = sum((g * g for g in slope), Fraction(0))
    if not square:
        return None
    height = constant + sum((g * x for g, x in zip(slope, start, strict=True)), Fraction(0))
    return [x - height / square * g for g, x in zip(slope, start, strict=True)]


def _decided(boundary: BoundaryFaces, pair: tuple[int, int], logits: NDArray[Any]) -> bool:
    """Whether the outputs at a point prove that it lies on the boundary."""
    if boundary.level is not None:
        return bool(logits[0] == Fraction(boundary.level))
    first, second = logits[pair[0]], logits[pair[1]]
    return bool(first == second and (boundary.everywhere or first == max(logits)))
