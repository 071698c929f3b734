"""The exact backend in place of what failed: polygons in windows around the gaps of a list.

Which windows are taken is a matter of speed only: whatever comes out is put to the criterion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.ragged import Ragged
from ..backends.exact import ExactArrangement, ExactField
from ..claims.listing import Listing
from ..errors import VerificationError
from ..geometry.arrangement import Change
from ..geometry.domain import Domain
from ..geometry.exact_lines import Polygon
from ..geometry.exact_points import rounded
from ..network.network import Network
from ..numbers.integers import rational
from ..tiling.sweep import Sweep
from .criterion import examine, loose_edges, repeated, total_area, within

Box = tuple[float, float, float, float]
"""(lowest x, lowest y, highest x, highest y)"""

_MARGINS = (2.0**-6, 0.5)
"""How much windows exceed the gaps that they cover, in the first and in the second round; then the domain is taken."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Polygons that satisfy rules 1 to 3 of the criterion, with their patterns."""

    polygons: list[Polygon]
    patterns: NDArray[np.int16]
    source: NDArray[np.int64]
    """The region of the partition to be certified that each was lifted from, (n,); -1 when it comes from elsewhere."""

    def take(self, chosen: NDArray[np.bool_]) -> Regions:
        """The chosen ones."""
        polygons = [polygon for polygon, wanted in zip(self.polygons, chosen.tolist(), strict=True) if wanted]
        return Regions(polygons, self.patterns[chosen], self.source[chosen])

    def with_cells(self, cells: Regions) -> Regions:
        """These regions and the given ones, which replace those of the same pattern that differ from them."""
        known = {row.tobytes(): i for i, row in enumerate(self.patterns)}
        kept = np.ones(len(self.polygons), np.bool_)
        added = np.ones(len(cells.polygons), np.bool_)
        for j, (row, cell) in enumerate(zip(cells.patterns, cells.polygons, strict=True)):
            i = known.get(row.tobytes())
            if i is not None:
                same = set(self.polygons[i]) == set(cell)
                kept[i], added[j] = same, not same
        return Regions.joined([self.take(kept), cells.take(added)])

    @classmethod
    def joined(cls, parts: Sequence[Regions]) -> Regions:
        """The regions of several lists, one after the other."""
        return cls(
            [polygon for part in parts for polygon in part.polygons],
            np.concatenate([part.patterns for part in parts]),
            np.concatenate([part.source for part in parts]),
        )


def repaired(network: Network, domain: Domain, regions: Regions, gaps: Sequence[Box]) -> Regions:
    """The regions with those added or replaced that make them a tiling, as far as can be told before the criterion.

    ``gaps`` are boxes around places known to be wrong; others show in edges without a counterpart.
    """
    for margin in _MARGINS:
        if is_whole(domain, regions):
            return regions
        windows = _merged([*gaps, *_open_boxes(domain, regions)], margin * _extent(domain) / 64, margin)
        if not windows or sum(map(_size, windows)) > domain.volume / 2:
            break
        regions = regions.with_cells(Regions.joined([_cells(network, domain, window) for window in windows]))
        if not is_whole(domain, regions):
            regions = _without_open_edges(domain, regions)
    return regions if is_whole(domain, regions) else _anew(network, domain, regions)


def _anew(network: Network, domain: Domain, regions: Regions) -> Regions:
    """All regions of the domain from the exact backend; those that were right keep their place and source."""
    cells = _cells(network, domain, None)
    patterns = {row.tobytes() for row in cells.patterns}
    known = [row.tobytes() in patterns for row in regions.patterns]
    return regions.take(np.array(known, np.bool_)).with_cells(cells)


def is_whole(domain: Domain, regions: Regions) -> bool:
    """Whether the areas of the regions sum to that of the domain."""
    return total_area(loose_edges(regions.polygons)) == domain.polytope.exact_volume


def _without_open_edges(domain: Domain, regions: Regions) -> Regions:
    """The regions none of whose edges lacks a counterpart: the others may be too small."""
    open_ends = set(within(domain.polytope, loose_edges(regions.polygons)))
    closed = [open_ends.isdisjoint(zip(p, (*p[1:], p[0]), strict=True)) for p in regions.polygons]
    return regions.take(np.array(closed, np.bool_))


# ---- windows -------------------------------------------------------------------------------------------------------
def _open_boxes(domain: Domain, regions: Regions) -> list[Box]:
    """Boxes around the edges that lack a counterpart."""
    ends = np.array([[rounded(p), rounded(q)] for p, q in within(domain.polytope, loose_edges(regions.polygons))])
    return box_rows(ends) if len(ends) else []


def box_rows(points: NDArray[np.float64]) -> list[Box]:
    """The bounding boxes of point sets (n, N, 2)."""
    return [(*low, *high) for low, high in zip(points.min(axis=1).tolist(), points.max(axis=1).tolist(), strict=True)]


def _extent(domain: Domain) -> float:
    return float(np.ptp(domain.polytope.vertices, axis=0).max())


def _size(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _merged(boxes: Sequence[Box], least: float, margin: float) -> list[Box]:
    """Disjoint boxes that cover the given ones with a margin, relative to their size, but not below ``least``."""
    pending = [_grown(box, least, margin) for box in sorted(boxes)]
    merged: list[Box] = []
    while pending:
        box = pending.pop()
        touching = [other for other in merged if _touch(box, other)]
        if touching:
            merged = [other for other in merged if other not in touching]
            pending.append(_hull([box, *touching]))
        else:
            merged.append(box)
    return merged


def _grown(box: Box, least: float, margin: float) -> Box:
    dx, dy = (max(margin * (box[i + 2] - box[i]), least) for i in (0, 1))
    low, high = (box[0] - dx, box[1] - dy), (box[2] + dx, box[3] + dy)
    return nextafter(low[0], -inf), nextafter(low[1], -inf), nextafter(high[0], inf), nextafter(high[1], inf)


def _touch(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _hull(boxes: Sequence[Box]) -> Box:
    low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    return (*low.tolist(), *high.tolist())


# ---- cells ---------------------------------------------------------------------------------------------------------
def _cells(network: Network, domain: Domain, window: Box | None) -> Regions:
    """The regions that the exact backend finds, complete, inside a window (None: the whole domain)."""
    arrangement = ExactArrangement.of(domain.polytope)
    if window is not None:
        arrangement = _part_inside(arrangement, window)
    cells = _swept(network, domain, arrangement)
    polygons = [tuple(cells.points[v] for v in row.tolist()) for row in cells.regions]
    if window is not None:
        polygons = [polygon for polygon in polygons if not _touches(polygon, window)]
    findings = examine(network, domain, Listing.of(polygons))
    if not findings.sound.all() or repeated(findings.patterns).any():
        raise VerificationError("the exact backend found regions that do not satisfy the tiling criterion: a defect.")
    return Regions(polygons, findings.patterns, np.full(len(polygons), -1, np.int64))


def _swept(network: Network, domain: Domain, arrangement: ExactArrangement) -> ExactArrangement:
    """The partition of what an arrangement covers."""
    sweep = Sweep(network, domain, backends.get("exact"))
    swept = sweep.finish(sweep.start(arrangement))
    assert swept is not None and isinstance(swept.state.arrangement, ExactArrangement), swept
    return swept.state.arrangement


def _part_inside(arrangement: ExactArrangement, window: Box) -> ExactArrangement:
    """The part of an arrangement of one region that lies inside a window."""
    levels = Ragged.of([[window[0], window[2]], [window[1], window[3]]], np.float64)
    refinement = arrangement.refine(arrangement.coordinates(), levels)
    left_of, right_of, below, above = refinement.below.dense().T
    inside = np.flatnonzero(~left_of & right_of & ~below & above)
    change: Change[ExactField] = refinement.arrangement.take(inside)
    part = change.arrangement
    assert isinstance(part, ExactArrangement), part
    return part


def _touches(polygon: Polygon, window: Box) -> bool:
    """Whether a polygon inside a window has a corner on its sides: it may go on beyond them."""
    sides = [(axis, *rational(window[axis + 2 * end])) for axis in (0, 1) for end in (0, 1)]
    return any(point[axis] * q == p * point[2] for axis, p, q in sides for point in polygon)
