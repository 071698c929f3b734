"""The claim that a list of exact polygons is the partition of a domain by a network, and its verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checker
from ..claims.claim import Claim
from ..claims.document import FORMAT, VERSION, document, proof
from ..claims.entries import domain_of, integers, network_of
from ..claims.listing import Listing
from ..errors import FileFormatError, VerificationError
from ..geometry.domain import Domain
from ..geometry.exact_points import Point, primitive
from ..network.network import Network
from ..numbers.integers import Integer
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..runtime.pictures import picture
from ..storage.files import content_of, reading
from ..tiling.states import Progress
from .verify import verified_partition


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

    def _repr_html_(self) -> str:
        return str(picture("certificate_html")(self))

    def document(self) -> dict[str, Any]:
        claim = {"regions": self.regions}
        return {**document("partition", (self.network,), self.domain, claim), "proof": proof(self.listing)}

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Certificate:
        """The claim in a file, not verified yet; raises ``FileFormatError`` unless it is a partition certificate."""
        data = content_of(path, checker.MAX_BYTES)
        hint = "Save it again with Certificate.save, or check it with cpwl check."
        with reading(path, "a certificate", hint):
            return _certificate(_parsed(data))


def _readable(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else f"{number} (about {float(number):.6g})"


def _parsed(data: bytes) -> Any:
    """The JSON value, within the limits of the format, which are the checker's."""
    try:
        return checker.parse(data)
    except checker.Malformed as error:
        raise FileFormatError(str(error)) from None


def _certificate(entry: Any) -> Certificate:
    if (entry["format"], entry["version"], entry["kind"]) != (FORMAT, VERSION, "partition"):
        raise FileFormatError(
            f"it must be of the format {FORMAT!r}, version {VERSION}, kind 'partition'; got {entry['format']!r:.40}, "
            f"version {entry['version']!r:.40}, kind {entry['kind']!r:.40}."
        )
    network = network_of(entry["networks"][0])
    domain = domain_of(entry["domain"], network)
    points = [_point(point) for point in entry["proof"]["vertices"]]
    listing = Listing.of([tuple(points[v] for v in row) for row in _regions(entry)])
    return Certificate(network, domain, listing)


def _regions(entry: Any) -> list[list[int]]:
    rows, vertices = entry["proof"]["regions"], len(entry["proof"]["vertices"])
    if not all(type(v) is int and 0 <= v < vertices for row in rows for v in row) or not all(rows):
        raise FileFormatError("regions must be non-empty lists of indices of vertices.")
    if len(rows) != entry["claim"]["regions"]:
        raise FileFormatError(f"regions: {entry['claim']['regions']} are claimed, {len(rows)} are listed.")
    regions: list[list[int]] = rows
    return regions


def _point(entry: Any) -> Point:
    (x, p), (y, q) = (map(Integer, integers(text)) for text in entry)
    return primitive(x * q, y * p, p * q)
