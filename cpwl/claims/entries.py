"""Networks, domains and points as the entries of a certificate, and back (proofs/certificate-format.md).

Every number is a string "p" or "p/q" in lowest terms: nothing is rounded.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DomainError, FileFormatError
from ..geometry.domain import Domain
from ..geometry.polyhedra import vertices_of
from ..geometry.polytope import Polytope
from ..network.digest import INTEGERS, MAX_DIGITS, TENSORS, Entry, digest, nested
from ..network.network import Network
from ..network.serial import FORMAT, VERSION, network_from_arrays
from ..numbers.integers import common_scale, homogeneous, independent_rows

_NUMBER = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")


# ---- out -----------------------------------------------------------------------------------------------------------
def network_entry(network: Network) -> Entry:
    """The entry of a network: its nodes, without their names, and its name, the SHA-256 of the nodes."""
    return {"nodes": network.entries, "sha256": network.sha256}


def domain_entry(domain: Domain) -> Entry:
    """The entry of a domain: by its corners in the plane, else by its halfspaces."""
    polytope = domain.polytope
    held: Entry = {"polygon": polytope.vertices.tolist()}
    if domain.dim != 2:
        held = {"halfspaces": [list(side) for side in polytope.sides]}
    held |= {"origin": domain.origin.tolist(), "basis": domain.basis.tolist()}
    return {name: nested(table) for name, table in held.items()}


# ---- in ------------------------------------------------------------------------------------------------------------
def integers(text: Any) -> tuple[int, int]:
    """Numerator and denominator of a string; raises ``FileFormatError``."""
    match = _NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= 2 * MAX_DIGITS + 2 else None
    if match is None:
        raise FileFormatError(f"a number must be a string 'p' or 'p/q' with q > 0, got {text!r:.60}.")
    return int(match[1]), int(match[2] or 1)


def fraction(text: Any) -> Fraction:
    """The number of a string."""
    return Fraction(*integers(text))


def network_of(entry: Any) -> Network:
    """The network of an entry; raises ``FileFormatError`` for one that is not well formed."""
    nodes = entry["nodes"]
    if entry["sha256"] != digest(nodes):
        raise FileFormatError("sha256 must be that of the network in the file; it is another one.")
    arrays = {}
    for i, node in enumerate(nodes):
        fields = {name: value for name, value in node.items() if name not in ("op", "inputs", "shape")}
        arrays.update({f"{i}.{name}": _array(name, value) for name, value in fields.items()})
        if node["op"] == "Conv":
            axes = len(node["stride"])
            arrays[f"{i}.spatial"] = np.array(nodes[node["inputs"][0]]["shape"][-axes:], np.int64)
    header = {"format": FORMAT, "version": VERSION, "nodes": nodes}
    return network_from_arrays(header, arrays)


def _array(name: str, value: Any) -> NDArray[Any]:
    if name in TENSORS:
        return _table(name, value["values"]).reshape(value["shape"])
    return _table(name, value)


def _table(name: str, values: Any) -> NDArray[Any]:
    return np.array(values, np.int64) if name in INTEGERS else np.array(_floats(values), np.float64)


def _floats(values: Any) -> Any:
    return [_floats(x) for x in values] if isinstance(values, list) else _float(values)


def _float(text: Any) -> float:
    value = fraction(text)
    if Fraction(float(value)) != value:
        raise FileFormatError(f"a weight or a coordinate of the domain must be a float64 number, got {text!r:.60}.")
    return float(value)


def domain_of(entry: Any, network: Network) -> Domain:
    """The domain of an entry, in the network's input space; raises ``FileFormatError``."""
    if "halfspaces" in entry:
        return _polyhedron_of(entry, network)
    polygon, origin, basis = (np.array(_floats(entry[name]), np.float64) for name in ("polygon", "origin", "basis"))
    shape = network.input_shape
    domain = Domain.polygon(polygon, origin=origin.reshape(shape), basis=basis.reshape(*shape, 2))
    if not np.array_equal(domain.polytope.vertices, polygon):
        raise FileFormatError("domain.polygon must list the corners of a convex polygon counter-clockwise.")
    return domain


def _polyhedron_of(entry: Any, network: Network) -> Domain:
    """The domain of an entry with halfspaces."""
    origin, basis = (np.array(_floats(entry[name]), np.float64) for name in ("origin", "basis"))
    if basis.ndim != 2 or origin.shape != basis.shape[:1] or len(origin) != network.inputs:
        raise FileFormatError(f"domain: origin and basis must have {network.inputs} rows, those of basis as long.")
    columns = common_scale(basis.T)[0]
    if len(independent_rows(columns.tolist(), basis.shape[1])) < basis.shape[1]:
        raise FileFormatError("domain: the columns of basis must be linearly independent.")
    rows = [[fraction(text) for text in row] for row in entry["halfspaces"]]
    if any(len(row) != basis.shape[1] + 1 for row in rows):
        raise FileFormatError(f"domain: a halfspace must have {basis.shape[1] + 1} numbers.")
    return Domain(_bounded(rows), origin, basis, network.input_shape)


def _bounded(rows: list[list[Fraction]]) -> Polytope:
    """The polytope that is the intersection of halfspaces [a, ..., c]: a u + c >= 0."""
    if all(sum(map(bool, row[:-1])) == 1 for row in rows):
        return _box(rows)
    try:
        corners = vertices_of(np.array([[row[-1], *row[:-1]] for row in rows], dtype=object))
    except ArgumentError:
        raise FileFormatError("domain: the halfspaces must bound a polytope.") from None
    vertices = np.array([[_float(str(x)) for x in corner] for corner in corners], np.float64)
    if len(independent_rows(homogeneous(vertices).tolist(), len(rows[0]))) < len(rows[0]):
        raise FileFormatError("domain: the halfspaces must bound a polytope with an interior.")
    return Polytope(vertices)


def _box(rows: list[list[Fraction]]) -> Polytope:
    """The box that halfspaces along the axes bound."""
    ends: dict[tuple[int, bool], Fraction] = {}
    for *normal, offset in rows:
        axis = next(k for k, a in enumerate(normal) if a)
        side, end = (axis, normal[axis] > 0), -offset / normal[axis]
        ends[side] = (max if side[1] else min)(end, ends.get(side, end))
    try:
        low, high = ([_float(str(ends[axis, side])) for axis in range(len(rows[0]) - 1)] for side in (True, False))
        return Polytope.box(low, high)
    except (KeyError, DomainError):
        raise FileFormatError("domain: the halfspaces must bound a polytope with an interior.") from None
