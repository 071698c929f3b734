"""The file of a certificate: JSON, every number exact, nothing to execute (proofs/certificate-format.md)."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from os import PathLike
from pathlib import Path

from .. import checker
from ..errors import ArgumentError
from ..geometry.domain import Domain
from ..network.digest import Entry, nested, quotient
from ..network.network import Network
from ..numbers.integers import Integer
from ..storage.files import content_of, replaced
from .entries import domain_entry, network_entry
from .listing import Listing
from .naming import Naming
from .triangulation import Triangulation

FORMAT = "cpwl-certificate"


def version(domain: Domain) -> int:
    """The version in which a certificate with coordinates is written: 1 lists polygons, 2 simplices. (3 has names.)"""
    return 1 if domain.dim == 2 else 2


def write(path: str | PathLike[str], document: Entry, most: int = 0) -> None:
    """Writes the file of a certificate, compressed by gzip when the name ends in .gz; ``most``: bytes, of networks."""
    most = max(most, checker.MAX_BYTES)
    data = (json.dumps(document, separators=(",", ":")) + "\n").encode("ascii")
    if len(data) > most:
        raise ArgumentError(
            f"a certificate has at most {most:,} bytes, which bounds what a checker reads; this one has "
            f"{len(data):,}. Certify the partition of a smaller domain, or the parts of a domain one by one; where "
            "the network is so large save(path, networks=FOLDER) writes it to a file of its own."
        )
    with replaced(path) as new:
        new.write_bytes(gzip.compress(data, compresslevel=6, mtime=0) if Path(path).suffix == ".gz" else data)


def write_named(path: str | PathLike[str], document: Entry, folder: str | PathLike[str]) -> None:
    """Writes a certificate that names its networks, and the networks to a folder, as <SHA-256>.json."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for network in document["networks"]:
        write(Path(folder) / f"{network['sha256']}.json", network, checker.MAX_FLOAT_BYTES)
    write(path, naming_networks(document))


def naming_networks(document: Entry) -> Entry:
    """A certificate that only names its networks."""
    return {**document, "networks": [{"sha256": network["sha256"]} for network in document["networks"]]}


def named_networks(path: str | PathLike[str]) -> list[str]:
    """The names (SHA-256) of the networks that a certificate is about; of a file that is none, an empty list."""
    try:
        entry = checker.parse(content_of(path, checker.MAX_BYTES))
        return [str(network["sha256"]) for network in entry["networks"]]
    except (checker.Malformed, RecursionError, TypeError, KeyError):
        return []


def network_file(network: Network) -> bytes:
    """What a file of a network holds, beside certificates that only name it."""
    return json.dumps(network_entry(network)).encode("ascii")


def document(
    kind: str, networks: tuple[Network, ...], domain: Domain, claim: Entry, number: int | None = None
) -> Entry:
    """A certificate as one entry, without its proof; ``number`` is the version, if it is not that of the domain."""
    return {
        "format": FORMAT,
        "version": version(domain) if number is None else number,
        "kind": kind,
        "networks": [network_entry(network) for network in networks],
        "domain": domain_entry(domain),
        "claim": claim,
    }


def proof(listing: Listing | Triangulation | Naming) -> Entry:
    """The entry of a list of polygons, or of regions cut into simplices."""
    if isinstance(listing, Naming):
        table = [*nested(listing.corners.tolist()), *listing.names.tolist()]
        return {"bits": listing.bits, "vertices": table, "regions": _regions(listing)}
    vertices = [[_coordinate(x, w) for x in coordinates] for *coordinates, w in listing.points]
    if isinstance(listing, Listing):
        return {"vertices": vertices, "regions": [row.tolist() for row in listing.polygons]}
    return {"vertices": vertices, "regions": _regions(listing)}


def _regions(listing: Triangulation | Naming) -> list[list[list[int]]]:
    """The simplices of each region."""
    simplices, ends = listing.simplices.tolist(), listing.offsets.tolist()
    return [simplices[start:end] for start, end in pairwise(ends)]


def _coordinate(x: Integer, w: Integer) -> str:
    common = x.gcd(w)
    return quotient(x // common, w // common)
