"""Two partitions of one domain by one network, region by region: what a float computation missed, added or moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.ragged import Ragged
from ..errors import ArgumentError, BackendError
from ..geometry.domain import Domain
from ..network.network import Network
from ..network.serial import network_to_arrays
from ..numbers.float_formats import plain
from ..numbers.norms import norms
from ..numbers.rounding import floats, root
from ..partitions.compute import partition
from ..runtime.ieee import ieee
from ..runtime.inputs import instance
from ..runtime.pictures import picture
from ..tiling.tiling import Tiling
from .widths import Widths

QUANTILES = (0.5, 0.9, 0.99, 1.0)
"""Those of the vertex displacements that are reported."""

THINNEST = 5
"""How many of the thinnest regions are reported."""

Row = tuple[str, str, str]
"""What, how much, what that means."""
Residuals = tuple[NDArray[Any], NDArray[np.float64]]


@ieee
@dataclass(frozen=True, eq=False)
class Comparison:
    """How a partition differs from a reference. Regions correspond when their activation patterns are equal."""

    partition: Tiling
    reference: Tiling
    """The exact partition, or that of the other device."""
    missing: NDArray[np.int64]
    """Regions of the reference that the partition does not have."""
    extra: NDArray[np.int64]
    """Regions of the partition that the reference does not have."""
    misshapen: NDArray[np.int64]
    """Regions of the partition with another number of extreme vertices than their counterparts."""
    displacements: NDArray[np.float64]
    """The ``QUANTILES`` of the distances of corresponding vertices, in slice coordinates; the last is the largest."""
    largest_displacements: NDArray[np.float64]
    """For each region of the reference the largest at its corners, (R,); NaN without a counterpart of its shape."""
    area_difference: float
    """The largest difference between the volumes (areas, when D = 2) of corresponding regions."""
    thinnest: NDArray[np.int64]
    """The ``THINNEST`` regions of the reference of least width, the thinnest first."""
    widths: NDArray[np.float64]
    """Their widths, each rounded once: the least distance between two parallel lines with the region between them.

    When D > 2, between two parallel hyperplanes of which one holds a facet.
    """
    residual: float | None = None
    """The largest residual of boundary samples, when those were given."""
    residual_bound: float | None = None
    """The largest bound on them."""

    def __repr__(self) -> str:
        counts = f"{len(self.missing)} missing, {len(self.extra)} extra, {len(self.misshapen)} misshapen"
        return f"<Comparison: of {len(self.reference)} regions {counts}>"

    @property
    def regions(self) -> tuple[int, int]:
        """The numbers of regions, of the partition and of the reference."""
        return len(self.partition), len(self.reference)

    @property
    def ambiguous(self) -> int:
        """How many regions the partition lists as ambiguous."""
        return len(self.partition.ambiguous)

    @property
    def settled(self) -> int:
        """How many decisions float64 left open and exact arithmetic made for the partition."""
        return self.partition.settled

    @property
    def agree(self) -> bool:
        """Whether the two partitions have the same regions, with the same numbers of vertices."""
        return not (len(self.missing) or len(self.extra) or len(self.misshapen))

    @property
    def ulp(self) -> float:
        """The spacing of float64 at the domain's largest coordinate: the unit of displacements."""
        return float(np.spacing(np.abs(self.partition.domain.polytope.vertices).max()))

    @property
    def output_ulp(self) -> float:
        """The spacing of float64 at the largest output on the domain: the unit of residuals."""
        return float(np.spacing(np.abs(self.reference.outputs.to_numpy().astype(np.float64)).max(initial=0.0)))

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain numbers, strings and lists, for JSON."""
        return {
            "partition": named(self.partition),
            "reference": named(self.reference),
            "agree": self.agree,
            "regions": list(self.regions),
            "missing": self.missing.tolist(),
            "extra": self.extra.tolist(),
            "misshapen": self.misshapen.tolist(),
            "ambiguous": self.ambiguous,
            "settled exactly": self.settled,
            "displacement quantiles": list(QUANTILES),
            "displacements": self.displacements.tolist(),
            "displacements in ulps": (self.displacements / self.ulp).tolist(),
            "largest area difference": self.area_difference,
            "thinnest regions": self.thinnest.tolist(),
            "widths": self.widths.tolist(),
            "residual": self.residual,
            "residual bound": plain(self.residual_bound),
            "residual in ulps": None if self.residual is None else self.residual / self.output_ulp,
        }

    def table(self) -> list[Row]:
        """Rows (what, how much, what that means) for people."""
        return [*self._combinatorial(), *self._metric()]

    def report(self) -> str:
        """The comparison in lines for people."""
        return "\n".join(f"{what}: {value} ({meaning})" for what, value, meaning in self.table())

    __str__ = report

    def plot(self) -> Any:
        """A matplotlib figure of two pictures: regions that differ and the thinnest ones; how far vertices moved."""
        return picture("plot_comparison")(self)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _combinatorial(self) -> Iterator[Row]:
        count, reference_count = self.regions
        yield "regions", f"{count:,}", named(self.partition)
        yield "reference", f"{reference_count:,}", named(self.reference)
        yield "missing", f"{len(self.missing):,}", "regions of the reference whose pattern is not found"
        yield "extra", f"{len(self.extra):,}", "regions whose pattern the reference does not have"
        yield "misshapen", f"{len(self.misshapen):,}", "regions with another number of corners"
        yield "ambiguous", f"{self.ambiguous:,}", "regions that float64 alone could not decide, and says so"
        yield "settled exactly", f"{self.settled:,}", "decisions within their error bound, made in exact arithmetic"

    def _metric(self) -> Iterator[Row]:
        shares = ", ".join(f"{q:.0%} {d:.2g}" for q, d in zip(QUANTILES, self.displacements, strict=True))
        yield "vertices moved by at most", f"{self.displacements[-1]:.2g}", f"slice coordinates; quantiles {shares}"
        moved = f"{self.displacements[-1] / self.ulp:.3g}"
        yield "  in ulps", moved, f"of {self.ulp:.2g}, the spacing of float64 at the domain's largest coordinate"
        yield "largest area difference", f"{self.area_difference:.2g}", "of one region"
        region = f"region {self.thinnest[0]}; below {self.ulp:.2g} float64 hardly sees a region"
        yield "thinnest region's width", f"{self.widths[0]:.3g}", region
        if self.residual is not None and self.residual_bound is not None:
            yield (
                "boundary samples' residual",
                f"{self.residual:.2g}",
                f"the largest; proven bound {self.residual_bound:.2g}",
            )
            yield (
                "  in ulps",
                f"{self.residual / self.output_ulp:.3g}",
                f"of {self.output_ulp:.2g}, at the largest output",
            )


def named(part: Tiling) -> str:
    """In what arithmetic a partition was made, in words."""
    if part.arrangement.exact:
        return "exact arithmetic"
    return f"float64 on {part.device or 'cpu'}, {part.predicates} predicates"


@ieee
def compare(part_float: Tiling, part_exact: Tiling, *, residuals: Residuals | None = None) -> Comparison:
    """How ``part_float`` differs from ``part_exact``, whatever the order of their regions.

    Both must be complete, and of one network and one domain. Vertices are compared as rationals. ``residuals``, the
    answer of ``DecisionBoundary.residuals``, is summed up in the report.
    """
    _check(part_float, part_exact)
    if not part_exact.arrangement.exact:
        raise ArgumentError(
            "part_exact must be an exact partition, got one of float64. "
            "Use backend='exact', or certify(part).partition."
        )
    return _compared(part_float, part_exact, residuals)


@ieee
def compare_devices(net: Network, dom: Domain, *, device: str, reference: str = "cpu") -> Comparison:
    """How the partition of ``dom`` by ``net`` that one device computes differs from that of another.

    Both are made in float64 with exact predicates, so that the regions must be the same; coordinates may differ by
    rounding, because devices add up in different orders. Raises ``BackendError`` for a device that is not there.
    """
    for argument, name in (("device", device), ("reference", reference)):
        try:
            backends.get("torch", name)
        except BackendError as error:
            raise BackendError(f"{argument}: {error}") from None
    part, reference_part = (partition(net, dom, device=name) for name in (device, reference))
    return _compared(part, reference_part, None)


def _compared(part: Tiling, reference: Tiling, residuals: Residuals | None) -> Comparison:
    missing, extra, pairs = _matched(part.patterns(), reference.patterns())
    alike = part.regions.counts[pairs[:, 0]] == reference.regions.counts[pairs[:, 1]]
    vertices, distances = _differences(part, reference, pairs[alike])
    thinnest, widths = thinnest_regions(reference)
    largest = [None if x is None else float(max(x, default=0.0)) for x in residuals or (None, None)]
    return Comparison(
        partition=part,
        reference=reference,
        missing=missing,
        extra=extra,
        misshapen=pairs[~alike, 0],
        displacements=np.quantile(distances, QUANTILES) if len(distances) else np.zeros(len(QUANTILES)),
        largest_displacements=_by_region(reference, vertices, distances, np.append(missing, pairs[~alike, 1])),
        area_difference=_area_difference(part, reference, pairs),
        thinnest=thinnest,
        widths=widths,
        residual=largest[0],
        residual_bound=largest[1],
    )


def _check(part_float: Tiling, part_exact: Tiling) -> None:
    for name, part in (("part_float", part_float), ("part_exact", part_exact)):
        instance(name, part, Tiling, "Call cpwl.partition first.", "Partition")
        part.check_complete(f"comparing it as {name}")
    if not _same_network(part_float.network, part_exact.network):
        raise ArgumentError("part_float and part_exact must be partitions by one network; theirs differ.")
    if not _same_domain(part_float.domain, part_exact.domain):
        raise ArgumentError("part_float and part_exact must be partitions of one domain; theirs differ.")


def _same_network(network: Network, other: Network) -> bool:
    if network is other:
        return True
    (header, arrays), (other_header, other_arrays) = network_to_arrays(network), network_to_arrays(other)
    for node in (*header["nodes"], *other_header["nodes"]):
        node.pop("name")
    return header == other_header and all(np.array_equal(arrays[key], other_arrays[key]) for key in arrays)


def _same_domain(domain: Domain, other: Domain) -> bool:
    return (
        np.array_equal(domain.polytope.vertices, other.polytope.vertices)
        and np.array_equal(domain.origin, other.origin)
        and np.array_equal(domain.basis, other.basis)
    )


def _matched(
    patterns: NDArray[np.int16], reference: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of ``reference`` alone, rows of ``patterns`` alone, and pairs of equal rows."""
    wanted = {row.tobytes(): j for j, row in enumerate(reference)}
    pairs, extra = [], []
    for i, row in enumerate(patterns):
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


def _differences(
    part: Tiling, reference: Tiling, pairs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Vertices of ``reference`` and their distances from the nearest vertices of the corresponding regions."""
    here, there = (np.asarray(tiling.vertices, np.float64) for tiling in (part, reference))
    matches = []
    for members, left in _groups(part.regions, pairs[:, 0]):
        right = reference.regions.take(pairs[members, 1]).values.reshape(left.shape)
        distance = norms(here[left][:, :, None] - there[right][:, None])
        nearest_right = np.take_along_axis(right, distance.argmin(axis=2), axis=1)
        nearest_left = np.take_along_axis(left, distance.argmin(axis=1), axis=1)
        matches += [np.stack(sides, axis=-1).reshape(-1, 2) for sides in ((left, nearest_right), (nearest_left, right))]
    matched = np.unique(np.concatenate(matches), axis=0) if matches else np.zeros((0, 2), np.int64)
    points = zip(part.vertices[matched[:, 0]].tolist(), reference.vertices[matched[:, 1]].tolist(), strict=True)
    return matched[:, 1], np.array([_distance(p, q) for p, q in points])


def _distance(p: list[Any], q: list[Any]) -> float:
    return hypot(*(float(Fraction(x) - Fraction(y)) for x, y in zip(p, q, strict=True)))


def _area_difference(part: Tiling, reference: Tiling, pairs: NDArray[np.int64]) -> float:
    here, there = (tiling.volumes().tolist() for tiling in (part, reference))
    return max((abs(float(Fraction(here[i]) - Fraction(there[j]))) for i, j in pairs.tolist()), default=0.0)


def _by_region(
    part: Tiling, vertices: NDArray[np.int64], distances: NDArray[np.float64], without: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The largest distance at the corners of each region; NaN for the regions ``without`` a counterpart."""
    largest = np.zeros(len(part.vertices))
    np.maximum.at(largest, vertices, distances)
    result = np.asarray(part.regions.reduce(np.maximum, largest[part.regions.values]), np.float64)
    result[without] = np.nan
    return result


def thinnest_regions(part: Tiling) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``THINNEST`` regions of least width, the thinnest first, and their widths.

    Candidates are chosen by their widths in float64; those are then computed in rationals and rounded once.
    """
    planar, others = part.domain.dim == 2, Widths(part)
    rough = _rough_widths(part) if planar else others.rough()
    count = min(THINNEST, len(part))
    candidates = np.argsort(rough, kind="stable")[: 4 * count]
    corners = (part.vertices[part.regions[r]].tolist() for r in candidates.tolist()) if planar else ()
    widths = np.array([width(polygon) for polygon in corners] or [others.exact(r) for r in candidates.tolist()])
    order = np.argsort(widths, kind="stable")[:count]
    return candidates[order], widths[order]


def _rough_widths(part: Tiling) -> NDArray[np.float64]:
    """The widths of all regions in float64; 0 where an edge's ends round to one point."""
    points, widths = floats(part.vertices), np.zeros(len(part))
    _, exponent = np.frexp(np.abs(points).max(initial=0.0))
    points = np.ldexp(points, -exponent)  # so that products neither overflow nor underflow
    for members, corners in _groups(part.regions, np.arange(len(part))):
        corner = points[corners]
        edge = np.roll(corner, -1, axis=1) - corner
        away = corner[:, None] - corner[:, :, None]
        height = np.abs(edge[:, :, None, 0] * away[..., 1] - edge[:, :, None, 1] * away[..., 0]).max(axis=2)
        length = norms(edge)
        widths[members] = np.divide(height, length, out=np.zeros_like(height), where=length > 0).min(axis=1)
    return np.asarray(np.ldexp(widths, exponent))


def width(polygon: Sequence[Sequence[Any]]) -> float:
    """The least distance between two parallel lines with a convex polygon between them, rounded at the end.

    0 when its corners (those of a float region, after rounding) are one point. One of the two lines lies along an edge:
    Houle and Toussaint, "Computing the width of a set", 1988, Theorem 1.
    """
    points = [tuple(map(Fraction, p)) for p in polygon]
    squares: list[Fraction] = []
    for (x, y), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        height = max(abs((x1 - x) * (v - y) - (y1 - y) * (u - x)) for u, v in points)
        length = (x1 - x) ** 2 + (y1 - y) ** 2
        squares += [height * height / length] if length else []
    return root(min(squares, default=Fraction(0)))
