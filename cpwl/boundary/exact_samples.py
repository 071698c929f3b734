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
    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary().")
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
    part = boundary.partition
    pairs = boundary.pairs[segments]
    values, slopes = _heights(boundary, boundary.regions[segments], pairs)
    points = [_newton(*row) for row in zip(u.tolist(), values.tolist(), slopes.tolist(), strict=True)]
    kept = [i for i, point in enumerate(points) if point is not None and part.domain.polytope.contains(point)]
    moved = np.array([points[i] for i in kept], dtype=object).reshape(-1, part.domain.dim)
    arithmetic = backends.get("exact").arithmetic
    start = arithmetic.linear(embedding(part.domain), [arithmetic.points(moved)])
    outputs = evaluate(part.network, arithmetic, start).to_numpy()
    for i, point, logits in zip(kept, moved, outputs, strict=True):
        pair = (int(pairs[i, 0]), int(pairs[i, 1]))
        if _decided(boundary, pair, logits):
            yield CertifiedSample(point, part.to_input(point), pair, logits, slopes[i])


def _heights(
    boundary: BoundaryFaces, regions: NDArray[np.int64], pairs: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The function that vanishes on the boundary, in each region: its constants (n,) and slopes (n, D), Fractions."""
    distinct, place = np.unique(regions, return_inverse=True)
    constants, slopes = (table[place] for table in _local_maps(boundary, distinct))
    row = np.arange(len(regions))
    if boundary.level is not None:
        return constants[:, 0] - Fraction(boundary.level), slopes[:, 0]
    i, j = pairs.T
    return constants[row, i] - constants[row, j], slopes[row, i] - slopes[row, j]


def _local_maps(boundary: BoundaryFaces, regions: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The exact affine maps of the network on the regions' patterns: constants (n, m) and slopes (n, m, D)."""
    part, arithmetic = boundary.partition, backends.get("exact").arithmetic
    network, domain = part.network, part.domain
    columns = network.unit_columns
    width = domain.dim + 1
    pieces = np.repeat(part.patterns(regions).astype(np.int64), width, axis=0)
    base = arithmetic.stack([arithmetic.points(domain.origin[None]), arithmetic.tangents(domain.basis.T)])
    rows = arithmetic.stack([base] * len(regions))
    output = evaluate(network, arithmetic, rows, lambda i: pieces[:, columns[i]]).to_numpy()
    maps = output.reshape(len(regions), width, network.outputs)
    return maps[:, 0], np.swapaxes(maps[:, 1:], 1, 2)


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
