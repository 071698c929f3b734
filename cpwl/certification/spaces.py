"""Partitions of lines and of spaces of three and more dimensions in exact numbers: lifted, and verified by simplices.

A partition with exact predicates knows a wall for every facet, and its lattice cuts every region into simplices in a
way that depends on each face alone. Nothing here is trusted but the rules (``cover``; proofs/, Theorem 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.exact import ExactField
from ..backends.exact.lattice import ExactLatticeArrangement
from ..backends.lattice.arrangement import LatticeArrangement
from ..backends.lattice.lattice import Lattice
from ..claims.triangulation import Triangulation
from ..errors import VerificationError
from ..geometry.domain import Domain
from ..network.network import Network
from ..numbers.integers import Integers
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..tiling.states import Progress
from ..tiling.tiling import Tiling
from .cover import demand_cover
from .criterion import derived, repeated
from .verify import demand, exact_partition, labelled


@dataclass(frozen=True, eq=False)
class Lifted:
    """The regions of a partition with exact vertices."""

    lattice: Lattice
    points: Integers
    """Primitive homogeneous integers (V, D + 1)."""

    @classmethod
    def of(cls, part: Tiling) -> Lifted:
        """Those of a partition with exact predicates, or of the exact backend."""
        arrangement, predicates = part.arrangement, part.exact_predicates()
        assert isinstance(arrangement, LatticeArrangement), arrangement
        walls = None if predicates is None else predicates.exact_walls()
        return cls(arrangement.lattice, arrangement.exact_points(walls))

    def triangulation(self) -> Triangulation:
        """The regions cut into simplices."""
        owner, simplices = self.lattice.simplices(np.arange(len(self.lattice)))
        return Triangulation.of(self.points, owner, simplices, len(self.lattice))

    def take(self, regions: NDArray[np.int64]) -> Lifted:
        """The regions in another order, or some of them."""
        lattice, vertices = self.lattice.take(regions)
        return Lifted(lattice, self.points[vertices])

    def arrangement(self) -> ExactLatticeArrangement:
        """The regions as an exact arrangement."""
        count = len(self.points)
        field = ExactField(self.points[:, :-1], self.points[:, -1], np.ones(count, np.int64))
        return ExactLatticeArrangement(field, self.lattice, np.zeros(len(self.lattice), np.int64))


def proved(
    network: Network, domain: Domain, lifted: Lifted, listing: Triangulation, progress: Progress | None
) -> Partition:
    """The exact partition that lifted regions are, after all rules have been applied to their simplices."""
    patterns, outputs = checked(network, domain, listing, progress)
    return exact_partition(network, domain, lifted.arrangement(), patterns, outputs)


def checked(
    network: Network, domain: Domain, listing: Triangulation, progress: Progress | None
) -> tuple[NDArray[np.int16], ExactField]:
    """The patterns of listed regions and the outputs at their points, after all rules have been applied to them."""
    demand_cover(domain.polytope, listing)
    patterns, outputs = derived(network, domain, listing.points, listing.corners(), labelled(progress, "check"))
    demand(np.asarray((patterns >= 0).all(axis=1)), "rule 8: every unit must have one canonical piece on every region")
    demand(~repeated(patterns), "rule 9: no two regions may have the same pattern")
    return patterns, outputs


def verified_spaces(
    network: Network, domain: Domain, listing: Triangulation, progress: Progress | None = None
) -> Partition:
    """The exact partition that listed regions are; raises ``VerificationError`` where a rule is broken.

    It is computed anew, since simplices do not tell faces; the list is proved to be the same, so patterns match.
    """
    patterns, _ = checked(network, domain, listing, progress)
    lifted = Lifted.of(partition(network, domain))
    lifted_patterns, outputs = checked(network, domain, lifted.triangulation(), progress)
    place = {row.tobytes(): i for i, row in enumerate(lifted_patterns)}
    order = np.array([place.get(row.tobytes(), -1) for row in patterns], np.int64)
    if len(lifted_patterns) != len(patterns) or (order < 0).any():
        raise VerificationError("two lists of regions were proved to be the partition, and differ: a defect.")
    return exact_partition(network, domain, lifted.take(order).arrangement(), patterns, outputs)
