"""The claim that a list of exact polygons is the partition of a domain by a network, and its verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import chain
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import checker
from ..claims.claim import Claim
from ..claims.document import FORMAT, document, proof, version
from ..claims.domains import domain_of
from ..claims.entries import float_of, integers, network_of
from ..claims.listing import Listing
from ..claims.naming import Naming
from ..claims.triangulation import Triangulation
from ..errors import ArgumentError, FileFormatError, VerificationError
from ..geometry.domain import Domain, exactly
from ..network.network import Network
from ..numbers.integers import Integer, matrix, primitive
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..runtime.inputs import whole
from ..runtime.pictures import picture
from ..storage.files import content_of, reading
from ..tiling.states import Progress
from .by_name import Bounds, proved
from .criterion import derived
from .spaces import verified_spaces
from .verify import verified_partition


def _none() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@ieee
@dataclass(frozen=True, eq=False)
class Certificate(Claim):
    """A list of exact polygons, claimed to be exactly the regions of a domain under a network, each once.

    When D is not 2, or vertices are named and have no coordinates in the file, each region is a list of simplices.
    """

    network: Network
    domain: Domain
    listing: Listing | Triangulation | Naming
    """The polygons or simplices, over a table of distinct rational points, or of named ones."""
    repaired: NDArray[np.int64] = field(default_factory=_none)
    """The regions of the partition given to ``certify`` that failed and were recomputed; a file does not tell."""
    added: NDArray[np.int64] = field(default_factory=_none)
    """The regions of ``partition`` that the exact backend computed; the others were lifted, in their old order."""
    known: Partition | None = None
    """The exact partition, when the claim has been verified in the making."""
    known_bounds: Bounds | None = None
    """What its checker says of the outputs at named vertices."""

    def __repr__(self) -> str:
        return f"<Certificate: {self.regions} regions, {len(self.repaired)} repaired>"

    @property
    def regions(self) -> int:
        """The claimed number of regions."""
        return len(self.listing.polygons if isinstance(self.listing, Listing) else self.listing)

    @property
    def vertices(self) -> Literal["exact", "named"]:
        """Whether the vertices are listed by exact coordinates, or named: see ``certify``."""
        return "named" if isinstance(self.listing, Naming) else "exact"

    @property
    def area(self) -> Fraction:
        """The sum of the areas (lengths, volumes) of the regions in slice coordinates: that of the domain."""
        return self.domain.polytope.exact_volume

    @cached_property
    def partition(self) -> Partition:
        """The partition that is proved; verified, if need be, now.

        With exact vertices the exact one (backend "exact"), its regions in the order of the list. With named vertices
        one whose decisions are those of exact arithmetic, with float64 coordinates: that of which the certificate was
        made, its regions in the order of the list, or, for one from a file, computed anew, in an order of its own.
        """
        return self.verify() if self.known is None else self.known

    @property
    def verified(self) -> bool:
        """Whether the claim is true: the answer of ``verify``, asked once."""
        try:
            return self.partition is not None
        except VerificationError:
            return False

    @cached_property
    def values(self) -> NDArray[Any]:
        """The network's exact outputs at the points of the list, Fractions (V, m); verified, if need be, now.

        Of named vertices only ``bounds`` are known: raises ``ArgumentError``.
        """
        if isinstance(self.listing, Naming):
            raise ArgumentError("named vertices have no exact outputs; take bounds, or certify with vertices='exact'.")
        if isinstance(self.listing, Listing) or self.known is not None:
            verified: NDArray[Any] = self.partition.outputs.to_numpy()
            return verified
        self.partition  # noqa: B018  what is not verified has no values
        outputs: NDArray[Any] = derived(self.network, self.domain, self.listing.points, self.listing.corners())[
            1
        ].to_numpy()
        return outputs

    @cached_property
    def bounds(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Fractions (V, m) between which the outputs at the vertices of the list lie; the same ones if these are exact.

        Verified, if need be, now.
        """
        if not isinstance(self.listing, Naming):
            return self.values, self.values
        proved = self._proved_bounds
        low, high = proved.centres - proved.radii, proved.centres + proved.radii
        return _fractions(low, proved.one), _fractions(high, proved.one)

    def near(self, vertex: int) -> NDArray[Any]:
        """Slice coordinates of a point of the domain at a vertex of the list, Fractions (D,): exact, or very near."""
        if not isinstance(self.listing, Naming):
            *exact, w = self.listing.points[whole("vertex", vertex, 0, len(self.listing.points) - 1)]
            return np.array([Fraction(int(x), int(w)) for x in exact], dtype=object)
        proved = self._proved_bounds
        u = _fractions(proved.places[whole("vertex", vertex, 0, len(proved.places) - 1)], proved.one)
        corners = exactly(self.domain.polytope.vertices)
        inward = corners.sum(axis=0) / len(corners) - u
        # A rounded point beside a slanted side may lie out of the domain: the first of a few steps leads into it.
        steps = (u + inward / (1 << k) for k in (*range(proved.one.bit_length(), 0, -4), 0))
        return next(p for p in chain([u], steps) if self.domain.polytope.contains(p.tolist()))

    @cached_property
    def _proved_bounds(self) -> Bounds:
        return self.known_bounds or _proved(self)

    def verify(self, *, progress: Progress | None = None) -> Partition:
        """The exact partition, after every rule of the tiling criterion has been checked (proofs/, Theorems 2 and 6).

        Raises ``VerificationError``, with the rule and the regions that break it, if the claim is not proved.
        """
        if isinstance(self.listing, Listing):
            return verified_partition(self.network, self.domain, self.listing, progress)
        if isinstance(self.listing, Naming):
            self._proved_bounds  # noqa: B018  raises where a rule is broken
            return partition(self.network, self.domain, progress=progress)
        return verified_spaces(self.network, self.domain, self.listing, progress)

    def report(self) -> str:
        """The result in a few lines for people; verifies, if that has not been done."""
        count, area = f"{self.regions:,}", _readable(self.area)
        measure = {1: "length", 2: "area"}.get(self.domain.dim, "volume")
        if not self.verified:
            return f"{count} regions of total {measure} {area} are claimed; the claim is NOT verified"
        lines = [
            f"{count} of {count} regions verified exactly",
            f"{measure}s sum to exactly {area} = {measure} of the domain",
        ]
        if len(self.repaired):
            lines.append(f"{len(self.repaired):,} regions of the given partition failed and were recomputed exactly")
        return "\n".join(lines)

    __str__ = report

    def _repr_html_(self) -> str:
        return str(picture("certificate_html")(self))

    def document(self) -> dict[str, Any]:
        claim, number = {"regions": self.regions}, 3 if self.vertices == "named" else None
        return {**document("partition", (self.network,), self.domain, claim, number), "proof": proof(self.listing)}

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Certificate:
        """The claim in a file, not verified yet; raises ``FileFormatError`` unless it is a partition certificate."""
        data = content_of(path, checker.MAX_BYTES)
        hint = "Save it again with Certificate.save, or check it with cpwl check."
        with reading(path, "a certificate", hint):
            return _certificate(_parsed(data))


def _proved(certificate: Certificate) -> Bounds:
    """What the checker says of the outputs at named vertices, if it accepts them."""
    assert isinstance(certificate.listing, Naming)
    try:
        return proved(certificate.network, certificate.domain, certificate.listing)
    except (checker.Rejected, checker.Malformed) as error:
        raise VerificationError(str(error)) from None


def _fractions(numbers: NDArray[Any], denominator: int) -> NDArray[Any]:
    result = np.empty(numbers.shape, dtype=object)
    result.ravel()[:] = [Fraction(x, denominator) for x in numbers.ravel().tolist()]
    return result


def _readable(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else f"{number} (about {float(number):.6g})"


def _parsed(data: bytes) -> Any:
    """The JSON value, within the limits of the format, which are the checker's."""
    try:
        return checker.parse(data)
    except checker.Malformed as error:
        raise FileFormatError(str(error)) from None


def _certificate(entry: Any) -> Certificate:
    if (entry["format"], entry["kind"]) != (FORMAT, "partition") or entry["version"] not in checker.VERSIONS:
        raise FileFormatError(
            f"it must be of the format {FORMAT!r}, version 1 to 3, kind 'partition'; got {entry['format']!r:.40}, "
            f"version {entry['version']!r:.40}, kind {entry['kind']!r:.40}."
        )
    _demand_format(entry)
    network = network_of(entry["networks"][0])
    domain = domain_of(entry["domain"], network)
    if entry["version"] == 3:
        return Certificate(network, domain, _naming(entry, domain.dim))
    if entry["version"] != version(domain):
        raise FileFormatError(
            f"a domain of dimension {domain.dim} is read from files of version {version(domain)}, got one of version "
            f"{entry['version']}. cpwl check decides it."
        )
    rows, points = _regions(entry), [_point(point) for point in entry["proof"]["vertices"]]
    if domain.dim == 2:
        return Certificate(network, domain, Listing.of([tuple(points[v] for v in row) for row in rows]))
    return Certificate(network, domain, _triangulation(points, rows, domain.dim))


def _demand_format(entry: Any) -> None:
    """Raises ``FileFormatError`` for what the checker calls malformed: it reads everything, and is to decide nothing.

    So it is for another name of the network, and a domain that is none.
    """
    try:
        checker.decided(entry, [], checker.Work(0))
    except (checker.Malformed, checker.Rejected) as error:
        raise FileFormatError(str(error)) from None
    except checker.Refused:
        return


def _regions(entry: Any) -> list[Any]:
    """The rows of the list: corners, or simplices."""
    rows = entry["proof"]["regions"]
    if not all(rows):
        raise FileFormatError("regions must be non-empty lists of indices of vertices, or of simplices.")
    if len(rows) != entry["claim"]["regions"]:
        raise FileFormatError(f"regions: {entry['claim']['regions']} are claimed, {len(rows)} are listed.")
    regions: list[Any] = rows
    return regions


def _naming(entry: Any, dim: int) -> Naming:
    table, rows = entry["proof"]["vertices"], _regions(entry)
    corners = [[float_of(x) for x in row] for row in table if not checker.is_name(row)]
    names = table[len(corners) :]
    simplices = np.array([simplex for row in rows for simplex in row], np.int64).reshape(-1, dim + 1)
    offsets = np.append(0, np.cumsum([len(row) for row in rows]))
    points = np.array(corners, np.float64).reshape(-1, dim)
    bits = entry["proof"]["bits"]
    return Naming(points, np.array(names, np.int64).reshape(-1, 5), simplices, offsets, bits)


def _triangulation(points: list[tuple[Integer, ...]], rows: list[list[list[int]]], dim: int) -> Triangulation:
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    simplices = np.array([simplex for row in rows for simplex in row], np.int64).reshape(-1, dim + 1)
    return Triangulation.of(matrix(points, dim + 1), owner, simplices, len(rows))


def _point(entry: Any) -> tuple[Integer, ...]:
    numbers = [tuple(map(Integer, integers(text))) for text in entry]
    scale = Integer(1)
    for _, q in numbers:
        scale *= q // scale.gcd(q)
    return primitive([*(p * (scale // q) for p, q in numbers), scale])
