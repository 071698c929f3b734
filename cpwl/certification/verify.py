"""From a claim to the exact partition: every rule of the tiling criterion, in order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..arrays.bits import BitMatrix
from ..backends.exact import ExactArrangement, ExactField
from ..claims.listing import Listing
from ..errors import VerificationError
from ..geometry.arrangement import Arrangement
from ..geometry.domain import Domain
from ..network.network import Network, Node
from ..network.operators import Piecewise
from ..numbers.integers import array
from ..partitions.partition import Partition
from ..tiling.history import Step
from ..tiling.pieces import LevelPieces, Pieces, WinnerPieces
from ..tiling.states import Progress
from .criterion import Findings, examine, loose_edges, repeated, total_area, within


def verified_partition(
    network: Network, domain: Domain, listing: Listing, progress: Progress | None = None
) -> Partition:
    """The exact partition that a list claims to be; raises ``VerificationError`` where a rule is broken."""
    findings = examine(network, domain, listing, labelled(progress, "check"))
    return settled(network, domain, listing, findings)


def labelled(progress: Progress | None, label: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(done, total, label)

    return report


def settled(network: Network, domain: Domain, listing: Listing, findings: Findings) -> Partition:
    """The exact partition, after all rules have been applied to what was found of each polygon."""
    demand(findings.convex, "rule 1: every region must be strictly convex and inside the domain")
    demand(findings.sound, "rule 2: every unit must have one canonical piece on every region")
    demand(~repeated(findings.patterns), "rule 3: no two regions may have the same pattern")
    loose = loose_edges(listing.corners())
    total, wanted = total_area(loose), domain.polytope.exact_volume
    if total != wanted:
        raise VerificationError(f"rule 4: the areas of the regions sum to {total}, that of the domain is {wanted}.")
    if within(domain.polytope, loose):
        raise VerificationError("adjacency: an edge inside the domain must be that of two regions.")
    table = array([x for p in listing.points for x in p], (len(listing.points), 3))
    arrangement = ExactArrangement.from_polygons(table, [row.tolist() for row in listing.polygons])
    return exact_partition(network, domain, arrangement, findings.patterns, findings.outputs)


def demand(holds: NDArray[np.bool_], rule: str) -> None:
    """Raises ``VerificationError``, with the rule and the first place where it is broken, unless it holds."""
    broken = np.flatnonzero(~holds)
    if len(broken):
        raise VerificationError(f"{rule}; broken by {len(broken)} of {len(holds)}, the first is number {broken[0]}.")


def exact_partition(
    network: Network,
    domain: Domain,
    arrangement: Arrangement[ExactField],
    patterns: NDArray[np.int16],
    outputs: ExactField,
) -> Partition:
    """The partition with the regions of an exact arrangement, their patterns and the outputs at its vertices."""
    steps: list[Step] = []
    for index, columns in network.unit_columns.items():
        parents = np.arange(len(arrangement)) if steps else np.zeros(len(arrangement), np.int64)
        steps.append(Step(index, parents, _compact(network.nodes[index], patterns[:, columns])))
    return Partition(network, domain, arrangement, tuple(steps), outputs, "exact")


def _compact(node: Node, pieces: NDArray[np.int16]) -> Pieces:
    """The pieces (n, units) of a node's units as a partition keeps them."""
    if not isinstance(node.op, Piecewise):
        return WinnerPieces(pieces)
    breakpoints = len(node.op.breakpoints)
    below = pieces[:, :, None] <= np.arange(breakpoints)
    return LevelPieces(BitMatrix.pack(below.reshape(len(pieces), -1)), breakpoints)
