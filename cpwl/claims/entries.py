"""Networks, domains and points as the entries of a certificate; networks back (proofs/certificate-format.md).

Every number is a string "p" or "p/q" in lowest terms: nothing is rounded.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileFormatError
from ..geometry.domain import Domain
from ..network.digest import INTEGERS, MAX_DIGITS, TENSORS, Entry, floats, nested
from ..network.network import Network
from ..network.serial import FORMAT, VERSION, network_from_arrays

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
    """The network of an entry that the checker has read; raises ``FileFormatError`` for a number that is no float64."""
    nodes, arrays = entry["nodes"], {}
    for i, node in enumerate(nodes):
        fields = {name: value for name, value in node.items() if name not in ("op", "inputs", "shape")}
        arrays.update({f"{i}.{name}": _array(name, value) for name, value in fields.items()})
        if node["op"] == "Conv":
            axes = len(node["stride"])
            arrays[f"{i}.spatial"] = np.array(nodes[node["inputs"][0]]["shape"][-axes:], np.int64)
    header = {"format": FORMAT, "version": VERSION, "nodes": nodes}
    return network_from_arrays(header, arrays)


def _array(name: str, value: Any) -> NDArray[Any]:
    if name == "weight" and "floats" in value:
        return floats(value["floats"]).reshape(value["shape"])
    if name in TENSORS:
        return _table(name, value["values"]).reshape(value["shape"])
    return _table(name, value)


def _table(name: str, values: Any) -> NDArray[Any]:
    return np.array(values, np.int64) if name in INTEGERS else np.array(floats_of(values), np.float64)


def floats_of(values: Any) -> Any:
    """The float64 numbers of strings in nested lists; raises ``FileFormatError``."""
    return [floats_of(x) for x in values] if isinstance(values, list) else float_of(values)


def float_of(text: Any) -> float:
    """The float64 number of a string; raises ``FileFormatError`` if it is none."""
    value = fraction(text)
    if Fraction(float(value)) != value:
        raise FileFormatError(f"a weight or a coordinate of the domain must be a float64 number, got {text!r:.60}.")
    return float(value)
