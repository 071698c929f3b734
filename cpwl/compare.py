"""Two partitions of one domain by one network, region by region: what a float computation missed, added or moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .domain import Domain
from .errors import ArgumentError
from .network import Network
from .network_io import network_to_arrays
from .partition import Partition
from .ragged import Ragged

QUANTILES = (0.5, 0.9, 0.99, 1.0)
"""Those of the vertex displacements that are reported."""

Residuals = tuple[NDArray[Any], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """How a float partition differs from the exact one. Regions correspond when their activation patterns are equal."""

    regions: tuple[int, int]
    """The numbers of regions, float and exact."""
    missing: NDArray[np.int64]
    """Regions of the exact partition that the float one does not have."""
    extra: NDArray[np.int64]
    """Regions of the float partition that the exact one does not have."""
    misshapen: NDArray[np.int64]
    """Regions of the float partition with another number of extreme vertices than their counterparts."""
    displacements: NDArray[np.float64]
    """The ``QUANTILES`` of the distances of corresponding vertices, in slice coordinates; the last is the largest."""
    area_difference: float
    """The largest difference between the volumes (areas, when D = 2) of corresponding regions."""
    ambiguous: int
    """How many regions the float partition lists as ambiguous."""
    thinnest: int
    """The region of the exact partition with the least ``thickness``."""
    thickness: float
    """The volume of that region divided by its diameter."""
    residual: float | None = None
    """The largest residual of boundary samples, when those were given."""
    residual_bound: float | None = None
    """The largest bound on them."""

    @property
    def agree(self) -> bool:
        """Whether the two partitions have the same regions, with the same numbers of vertices."""
        return not (len(self.missing) or len(self.extra) or len(self.misshapen))

    def report(self) -> str:
        """The comparison in a few lines for people."""
        shares = ", ".join(f"{q:.0%} {d:.2g}" for q, d in zip(QUANTILES, self.displacements, strict=True))
        lines = [
            f"regions: {self.regions[0]:,} float, {self.regions[1]:,} exact; {len(self.missing):,} missing, "
            f"{len(self.extra):,} extra, {len(self.misshapen):,} of another shape, {self.ambiguous:,} ambiguous",
            f"vertex displacement: largest {self.displacements[-1]:.2g} (quantiles: {shares})",
            f"area difference of a region: largest {self.area_difference:.2g}",
            f"thinnest region: {self.thinnest}, area / diameter = {self.thickness:.2g}",
        ]
        if self.residual is not None:
            lines.append(f"boundary samples: largest residual {self.residual:.2g}, bound {self.residual_bound:.2g}")
        return "\n".join(lines)

    __str__ = report


def compare(part_float: Partition, part_exact: Partition, *, residuals: Residuals | None = None) -> Comparison:
    """How ``part_float`` differs from ``part_exact``, whatever the order of their regions.

    Both must be of one network and one domain. Vertices are compared as rationals. ``residuals``, the answer of
    ``DecisionBoundary.residuals``, is summed up in the report.
    """
    _check(part_float, part_exact)
    missing, extra, pairs = _matched(part_float.patterns(), part_exact.patterns())
    alike = part_float.regions.counts[pairs[:, 0]] == part_exact.regions.counts[pairs[:, 1]]
    differences = _differences(part_float, part_exact, pairs[alike])
    thinnest, thickness = _thinnest(part_exact)
    largest = [None if x is None else float(max(x, default=0.0)) for x in residuals or (None, None)]
    return Comparison(
        regions=(len(part_float), len(part_exact)),
        missing=missing,
        extra=extra,
        misshapen=pairs[~alike, 0],
        displacements=np.quantile(differences, QUANTILES) if len(differences) else np.zeros(len(QUANTILES)),
        area_difference=_area_difference(part_float, part_exact, pairs),
        ambiguous=len(part_float.ambiguous),
        thinnest=thinnest,
        thickness=thickness,
        residual=largest[0],
        residual_bound=largest[1],
    )


def _check(part_float: Partition, part_exact: Partition) -> None:
    for name, part in (("part_float", part_float), ("part_exact", part_exact)):
        if not isinstance(part, Partition):
            raise ArgumentError(f"{name} must be a Partition, got {type(part).__name__}. Call cpwl.partition first.")
    if not _same_network(part_float.network, part_exact.network):
        raise ArgumentError("part_float and part_exact must be partitions by one network; theirs differ.")
    if not _same_domain(part_float.domain, part_exact.domain):
        raise ArgumentError("part_float and part_exact must be partitions of one domain; theirs differ.")
    if not part_exact.arrangement.exact:
        raise ArgumentError(
            "part_exact must be an exact partition, got one of float64. "
            "Use backend='exact', or certify(part).partition."
        )


def _same_network(one: Network, other: Network) -> bool:
    if one is other:
        return True
    (header, arrays), (other_header, other_arrays) = network_to_arrays(one), network_to_arrays(other)
    for node in (*header["nodes"], *other_header["nodes"]):
        node.pop("name")
    return header == other_header and all(np.array_equal(arrays[key], other_arrays[key]) for key in arrays)


def _same_domain(one: Domain, other: Domain) -> bool:
    return (
        np.array_equal(one.polytope.vertices, other.polytope.vertices)
        and np.array_equal(one.origin, other.origin)
        and np.array_equal(one.basis, other.basis)
    )


def _matched(
    one: NDArray[np.int16], other: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of ``other`` that ``one`` lacks, rows of ``one`` that ``other`` lacks, and pairs of equal rows."""
    wanted = {row.tobytes(): j for j, row in enumerate(other)}
    pairs, extra = [], []
    for i, row in enumerate(one):
        j = wanted.pop(row.tobytes(), None)
        if j is None:
            extra.append(i)
        else:
            pairs.append((i, j))
    missing = np.array(sorted(wanted.values()), np.int64)
    return missing, np.array(extra, np.int64), np.array(pairs, np.int64).reshape(-1, 2)


def _groups(rows: Ragged, chosen: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The chosen rows by their length: positions in ``chosen``, and a table (n, length) of their entries."""
    counts = rows.counts[chosen]
    for count in np.unique(counts):
        members = np.flatnonzero(counts == count)
        yield members, rows.take(chosen[members]).values.reshape(-1, count)


def _differences(one: Partition, other: Partition, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The distances between corresponding vertices: each and the nearest one of the corresponding region."""
    here, there = (np.asarray(part.vertices, np.float64) for part in (one, other))
    found = []
    for members, left in _groups(one.regions, pairs[:, 0]):
        right = other.regions.take(pairs[members, 1]).values.reshape(left.shape)
        distance = np.linalg.norm(here[left][:, :, None] - there[right][:, None], axis=-1)
        nearest_right = np.take_along_axis(right, distance.argmin(axis=2), axis=1)
        nearest_left = np.take_along_axis(left, distance.argmin(axis=1), axis=1)
        found += [np.stack(sides, axis=-1).reshape(-1, 2) for sides in ((left, nearest_right), (nearest_left, right))]
    matched = np.unique(np.concatenate(found), axis=0) if found else np.zeros((0, 2), np.int64)
    points = zip(one.vertices[matched[:, 0]].tolist(), other.vertices[matched[:, 1]].tolist(), strict=True)
    return np.array([_distance(p, q) for p, q in points])


def _distance(p: list[Any], q: list[Any]) -> float:
    return hypot(*(float(Fraction(x) - Fraction(y)) for x, y in zip(p, q, strict=True)))


def _area_difference(one: Partition, other: Partition, pairs: NDArray[np.int64]) -> float:
    here, there = (part.volumes().tolist() for part in (one, other))
    return max((abs(float(Fraction(here[i]) - Fraction(there[j]))) for i, j in pairs.tolist()), default=0.0)


def _thinnest(part: Partition) -> tuple[int, float]:
    """The region of least volume over diameter, and that (0 where all its vertices round to one float64 point)."""
    points, diameters = np.asarray(part.vertices, np.float64), np.zeros(len(part))
    for members, corners in _groups(part.regions, np.arange(len(part))):
        corner = points[corners]
        diameters[members] = np.linalg.norm(corner[:, :, None] - corner[:, None], axis=-1).max(axis=(1, 2))
    thickness = np.zeros(len(part))
    np.divide(part.volumes().astype(np.float64), diameters, out=thickness, where=diameters > 0)
    return int(thickness.argmin()), float(thickness.min())
