"""The file of a certificate: JSON, every number exact, nothing to execute (proofs/certificate-format.md)."""

from __future__ import annotations

import gzip
import json
from os import PathLike
from pathlib import Path
from typing import Any

from .. import checker
from ..errors import ArgumentError, FileFormatError
from ..geometry.domain import Domain
from ..geometry.exact_points import Point, primitive
from ..network.network import Network
from ..numbers.integers import Integer
from ..storage.files import content_of, reading, replaced
from .certificate import Certificate
from .criterion import Listing
from .entries import Entry, domain_entry, domain_of, integers, network_entry, network_of, quotient

FORMAT = "cpwl-certificate"
VERSION = 1


def write(path: str | PathLike[str], document: Entry) -> None:
    """Writes the file of a certificate, compressed by gzip when the name ends in .gz."""
    data = (json.dumps(document, separators=(",", ":")) + "\n").encode("ascii")
    if len(data) > checker.MAX_BYTES:
        raise ArgumentError(
            f"a certificate has at most {checker.MAX_BYTES:,} bytes, which bounds what a checker reads; this one "
            f"has {len(data):,}. Certify the partition of a smaller domain, or the parts of a domain one by one."
        )
    with replaced(path) as new:
        new.write_bytes(gzip.compress(data, mtime=0) if Path(path).suffix == ".gz" else data)


def write_named(path: str | PathLike[str], document: Entry, folder: str | PathLike[str]) -> None:
    """Writes a certificate that names its networks, and the networks to a folder, as <SHA-256>.json."""
    for network in document["networks"]:
        write(Path(folder) / f"{network['sha256']}.json", network)
    names = [{"sha256": network["sha256"]} for network in document["networks"]]
    write(path, {**document, "networks": names})


def document(kind: str, networks: tuple[Network, ...], domain: Domain, claim: Entry) -> Entry:
    """A certificate as one entry, without its proof."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": kind,
        "networks": [network_entry(network) for network in networks],
        "domain": domain_entry(domain),
        "claim": claim,
    }


def proof(listing: Listing) -> Entry:
    """The entry of a list of polygons."""
    return {
        "vertices": [[_coordinate(x, w), _coordinate(y, w)] for x, y, w in listing.points],
        "regions": [row.tolist() for row in listing.polygons],
    }


def _coordinate(x: Integer, w: Integer) -> str:
    common = x.gcd(w)
    return quotient(x // common, w // common)


def read(path: str | PathLike[str]) -> Certificate:
    """The claim in the file of a partition certificate; see ``Certificate.load``."""
    data = content_of(path, checker.MAX_BYTES)
    hint = "Save it again with Certificate.save, or check it with cpwl check."
    with reading(path, "a certificate", hint):
        return _certificate(_parsed(data))


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
