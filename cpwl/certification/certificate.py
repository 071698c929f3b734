"""The claim that a list of exact polygons is the partition of a domain by a network, and its verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, UnsupportedDimensionError, VerificationError
from ..geometry.domain import Domain
from ..network.network import Network
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..tiling.sweep import Progress
from .claim import Claim

if TYPE_CHECKING:
    from .criterion import Listing


def _none() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@ieee
@dataclass(frozen=True, eq=False)
class Certificate(Claim):
    """A list of exact polygons, claimed to be exactly the regions of a domain under a network, each once."""

    network: Network
    domain: Domain
    listing: Listing
    """The polygons, over a table of distinct rational points."""
    repaired: NDArray[np.int64] = field(default_factory=_none)
    """The regions of the partition given to ``certify`` that failed and were recomputed; a file does not tell."""
    added: NDArray[np.int64] = field(default_factory=_none)
    """The regions of ``partition`` that the exact backend computed; the others were lifted, in their old order."""
    known: Partition | None = None
    """The exact partition, when the claim has been verified in the making."""

    def __repr__(self) -> str:
        return f"<Certificate: {self.regions} regions, {len(self.repaired)} repaired>"

    @property
    def regions(self) -> int:
        """The claimed number of regions."""
        return len(self.listing.polygons)

    @property
    def area(self) -> Fraction:
        """The sum of the areas of the regions in slice coordinates: that of the domain."""
        return self.domain.polytope.exact_volume

    @cached_property
    def partition(self) -> Partition:
        """The exact partition (backend "exact"), its regions in the order of the list; verified, if need be, now."""
        return self.verify() if self.known is None else self.known

    @property
    def verified(self) -> bool:
        """Whether the claim is true: the answer of ``verify``, asked once."""
        try:
            return self.partition is not None
        except VerificationError:
            return False

    def verify(self, *, progress: Progress | None = None) -> Partition:
        """The exact partition, after every rule of the tiling criterion has been checked (proofs/, Theorem 2).

        Raises ``VerificationError``, with the rule and the regions that break it, if the claim is not proved.
        """
        from .prove import verified_partition

        return verified_partition(self.network, self.domain, self.listing, progress)

    def report(self) -> str:
        """The result in a few lines for people; verifies, if that has not been done."""
        count, area = f"{self.regions:,}", _readable(self.area)
        if not self.verified:
            return f"{count} regions of total area {area} are claimed; the claim is NOT verified"
        lines = [
            f"{count} of {count} regions verified exactly",
            f"areas sum to exactly {area} = area of the domain",
        ]
        if len(self.repaired):
            lines.append(f"{len(self.repaired):,} regions of the given partition failed and were recomputed exactly")
        return "\n".join(lines)

    __str__ = report

    def document(self) -> dict[str, Any]:
        from .document import document, proof

        claim = {"regions": self.regions}
        return {**document("partition", (self.network,), self.domain, claim), "proof": proof(self.listing)}

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Certificate:
        """The claim in a file, not verified yet; raises ``FileFormatError`` unless it is a partition certificate."""
        from .document import read

        return read(path)


def _readable(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else f"{number} (about {float(number):.6g})"


@ieee
def certify(partition: Partition, *, progress: Progress | None = None) -> Certificate:
    """The exact partition that a partition stands for, with the proof that it is exactly that.

    Every region is lifted to exact vertices and the whole list is put to the tiling criterion (proofs/, Theorem 2);
    regions that fail are recomputed by the exact backend, and listed in ``repaired``. Raises ``VerificationError`` only
    if exact arithmetic itself finds no proof, which is a defect of the library. ``progress`` is called with the labels
    "lift" (counts edges) and "check" (counts regions).
    """
    if not isinstance(partition, Partition):
        raise ArgumentError(f"partition must be a Partition, got {type(partition).__name__}. Use cpwl.partition.")
    if partition.domain.dim != 2:
        raise UnsupportedDimensionError(
            f"partitions of 2-D slices are certified, got one of dimension {partition.domain.dim}. Take a 2-D slice."
        )
    from .prove import prove

    return prove(partition, progress)
