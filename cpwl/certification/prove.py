"""From a partition to its certificate."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..claims.listing import Listing
from ..network.network import Network
from ..partitions.compute import partition as computed
from ..partitions.partition import Partition
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of
from ..runtime.progress import shows_progress
from ..tiling.states import Progress
from ..tiling.tiling import Tiling
from . import by_name
from .certificate import Certificate
from .criterion import examine, repeated
from .lift import lift
from .repair import Box, Regions, is_whole, repaired
from .simplices import certified, sources
from .verify import labelled, settled

_DEEP = 1 << 14
"""Products a point from which on vertices are named by default: exact coordinates cost seconds there."""
_LARGE = 1 << 28
"""Products for all regions from which on they are named as well: exact coordinates take several times as long."""


@ieee
@shows_progress
def certify(
    partition: Tiling, *, vertices: Literal["exact", "named"] | None = None, progress: Progress | None = None
) -> Certificate:
    """The exact partition that a partition stands for, with the proof that it is exactly that.

    With ``vertices="exact"`` every region is lifted to exact vertices and the whole list is put to the tiling criterion
    (proofs/, Theorem 2; when D is not 2 as simplices, Theorem 6); regions that fail are recomputed, with exact
    predicates or by the exact backend, and listed in ``repaired``. With ``vertices="named"`` a vertex is told by the
    edge that it lies on and the function that vanishes there, and proved with numbers that are rounded outward
    (Theorem 7): deep networks, whose exact coordinates have thousands of digits, cost a few passes. By default they are
    exact for networks of fewer than 2^14 products a point and 2^28 for all regions, and named for larger ones, where
    names suffice: not where a vertex lies on no edge of what was there before it came up, as it may where four
    arguments of one maximum meet in a solid, or three in four dimensions. Then, and for ``"named"`` too, they are exact
    after all.

    Raises ``IncompleteError`` if the partition is not complete: most of it would have to be computed, without a limit.
    Raises ``VerificationError`` only if exact arithmetic itself finds no proof, which is a defect of the library.
    ``progress`` is called with the labels "lift" (counts edges) and "check" (counts regions).
    """
    instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition")
    inputs.progress(progress)
    if vertices is not None:
        one_of("vertices", vertices, ("exact", "named"))
    partition.check_complete("a certificate, the proof that they cover it,")
    wanted = vertices == "named" or (vertices is None and is_large(partition.network, len(partition)))
    if wanted and isinstance(partition, Partition):
        named = _named(partition)
        if named is not None:
            return named
    return _prove(partition, progress) if partition.domain.dim == 2 else certified(partition, progress)


def is_large(network: Network, regions: int) -> bool:
    """Whether exact coordinates of the vertices of so many regions would take long."""
    return network.products >= _DEEP or network.products * regions >= _LARGE


def _named(part: Partition) -> Certificate | None:
    """The certificate with named vertices; None where names do not suffice."""
    candidate = part if part.walls is not None else computed(part.network, part.domain)
    proved = by_name.certified(candidate)
    if proved is None:
        return None
    source = np.arange(len(part)) if candidate is part else sources(part, candidate)
    wrong = np.setdiff1d(np.arange(len(part)), source)
    naming, bounds = proved
    return Certificate(part.network, part.domain, naming, wrong, np.flatnonzero(source < 0), candidate, bounds)


def _prove(partition: Tiling, progress: Progress | None) -> Certificate:
    """The certificate of a partition."""
    network, domain = partition.network, partition.domain
    lifted = lift(partition, labelled(progress, "lift"))
    source = np.array([i for i, polygon in enumerate(lifted) if polygon is not None], np.int64)
    listing = Listing.of([polygon for polygon in lifted if polygon is not None])
    findings = examine(network, domain, listing, labelled(progress, "check"))
    sound = findings.sound
    sound[sound] = ~repeated(findings.patterns[sound])
    regions = Regions(listing.corners(), findings.patterns, source).take(sound)
    failed = np.setdiff1d(np.arange(len(lifted)), regions.source)
    if len(failed) or not is_whole(domain, regions):
        regions = repaired(network, domain, regions, _boxes(partition, failed))
        listing = Listing.of(regions.polygons)
        findings = examine(network, domain, listing, labelled(progress, "check"))
    exact = settled(network, domain, listing, findings)
    wrong = np.setdiff1d(np.arange(len(lifted)), regions.source)
    return Certificate(network, domain, listing, wrong, np.flatnonzero(regions.source < 0), exact)


def _boxes(partition: Tiling, regions: NDArray[np.int64]) -> list[Box]:
    """The bounding boxes of some regions, rounded."""
    points = np.asarray(partition.vertices, np.float64)
    corners = (points[partition.regions[r]] for r in regions.tolist())
    return [(*p.min(axis=0).tolist(), *p.max(axis=0).tolist()) for p in corners]
