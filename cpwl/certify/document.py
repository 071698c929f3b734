"""The file of a certificate: JSON, every number exact, nothing rounded and nothing to execute.

Rationals are strings "p/q" in lowest terms. ``network`` is the header of ``network_io`` and its arrays; ``sha256`` is
the SHA-256 of that entry, written without spaces and with sorted keys.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.exact.integers import Integer
from ..backends.exact.points import Point, primitive
from ..domain import Domain
from ..errors import CpwlError, FileFormatError
from ..network import Network
from ..network_io import network_from_arrays, network_to_arrays
from .certificate import Certificate
from .criterion import Listing

FORMAT = "cpwl-certificate"
VERSION = 0
_RATIONAL = re.compile(r"(-?[0-9]+)/([0-9]+)")


def write(certificate: Certificate, path: str | PathLike[str]) -> None:
    """Writes the file; see ``Certificate.save``."""
    data = (json.dumps(_document(certificate), indent=None, separators=(",", ":")) + "\n").encode("ascii")
    Path(path).write_bytes(gzip.compress(data, mtime=0) if Path(path).suffix == ".gz" else data)


def read(path: str | PathLike[str]) -> Certificate:
    """The claim in a file; see ``Certificate.load``."""
    data = Path(path).read_bytes()
    try:
        document = json.loads(gzip.decompress(data) if Path(path).suffix == ".gz" else data, parse_float=_no_float)
        return _certificate(document)
    except (CpwlError, OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise FileFormatError(f"{path} is not a certificate that this version of cpwl can read: {error}") from error


def sha256(network: dict[str, Any]) -> str:
    """The SHA-256 of a network's entry."""
    text = json.dumps(network, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


# ---- out -----------------------------------------------------------------------------------------------------------
def _document(certificate: Certificate) -> dict[str, Any]:
    network, domain, listing = _network_out(certificate.network), certificate.domain, certificate.listing
    return {
        "format": FORMAT,
        "version": VERSION,
        "claim": {"regions": certificate.regions, "area": _ratio(certificate.area)},
        "sha256": sha256(network),
        "network": network,
        "domain": {
            "polygon": _numbers(domain.polytope.vertices),
            "origin": _numbers(domain.origin),
            "basis": _numbers(domain.basis),
            "shape": list(domain.shape),
        },
        "vertices": [[_quotient(x, w), _quotient(y, w)] for x, y, w in listing.points],
        "regions": [row.tolist() for row in listing.polygons],
        "history": {"repaired": certificate.repaired.tolist(), "added": certificate.added.tolist()},
    }


def _network_out(network: Network) -> dict[str, Any]:
    header, arrays = network_to_arrays(network)
    tables = {name: {"shape": list(a.shape), "values": _flat(a)} for name, a in arrays.items()}
    return {"header": header, "arrays": tables}


def _flat(values: NDArray[Any]) -> list[Any]:
    entries: list[Any] = values.ravel().tolist()
    return entries if values.dtype == np.int64 else [_ratio(x) for x in entries]


def _numbers(table: NDArray[np.float64]) -> Any:
    return [_numbers(row) for row in table] if table.ndim else _ratio(float(table))


def _ratio(x: float | Fraction) -> str:
    p, q = x.as_integer_ratio()
    return f"{p}/{q}"


def _quotient(x: Integer, w: Integer) -> str:
    common = x.gcd(w)
    return f"{x // common}/{w // common}"


# ---- in ------------------------------------------------------------------------------------------------------------
def _certificate(document: Any) -> Certificate:
    if document["format"] != FORMAT or document["version"] != VERSION:
        raise FileFormatError(f"format must be {FORMAT!r}, version {VERSION}; got {document['format']!r}.")
    if document["sha256"] != sha256(document["network"]):
        raise FileFormatError("sha256 must be that of the network in the file; it is another one.")
    network, domain = _network_in(document["network"]), _domain_in(document["domain"])
    domain.check_input(network.input_shape)
    points = [_point(entry) for entry in document["vertices"]]
    listing = Listing.of([tuple(points[v] for v in row) for row in _regions_in(document)])
    repaired, added = (np.array(document["history"][key], np.int64).reshape(-1) for key in ("repaired", "added"))
    return Certificate(network, domain, listing, _fraction(document["claim"]["area"]), repaired, added)


def _network_in(entry: Any) -> Network:
    return network_from_arrays(entry["header"], {name: _array(table) for name, table in entry["arrays"].items()})


def _array(table: Any) -> NDArray[Any]:
    values = table["values"]
    if all(type(x) is int for x in values) and values:
        return np.array(values, np.int64).reshape(table["shape"])
    return np.array([_float(x) for x in values], np.float64).reshape(table["shape"])


def _domain_in(entry: Any) -> Domain:
    polygon, origin, basis = (_floats(entry[key]) for key in ("polygon", "origin", "basis"))
    domain = Domain.polygon(polygon, origin=origin.reshape(entry["shape"]), basis=basis.reshape(*entry["shape"], 2))
    if not np.array_equal(domain.polytope.vertices, polygon):
        raise FileFormatError("domain.polygon must list the corners of a convex polygon counter-clockwise.")
    return domain


def _regions_in(document: Any) -> list[list[int]]:
    rows = document["regions"]
    if not all(type(v) is int and 0 <= v < len(document["vertices"]) for row in rows for v in row) or not all(rows):
        raise FileFormatError("regions must be non-empty lists of indices of vertices.")
    if len(rows) != document["claim"]["regions"]:
        raise FileFormatError(f"regions: {document['claim']['regions']} are claimed, {len(rows)} are listed.")
    regions: list[list[int]] = rows
    return regions


def _point(entry: Any) -> Point:
    (x, p), (y, q) = (_integers(text) for text in entry)
    return primitive(x * q, y * p, p * q)


def _integers(text: Any) -> tuple[Integer, Integer]:
    match = _RATIONAL.fullmatch(text)
    if match is None or not Integer(match[2]):
        raise FileFormatError(f"a rational must be written 'p/q' with q > 0, got {text!r:.60}.")
    return Integer(match[1]), Integer(match[2])


def _fraction(text: Any) -> Fraction:
    p, q = _integers(text)
    return Fraction(int(p), int(q))


def _float(text: Any) -> float:
    value = _fraction(text)
    if Fraction(float(value)) != value:
        raise FileFormatError(f"a weight or a coordinate of the domain must be a float64 number, got {text!r:.60}.")
    return float(value)


def _floats(entry: Any) -> NDArray[np.float64]:
    return np.array([[_float(x) for x in row] if isinstance(row, list) else _float(row) for row in entry], np.float64)


def _no_float(text: str) -> float:
    raise FileFormatError(f"a certificate holds no floating-point number, got {text}.")
