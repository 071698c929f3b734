"""Networks, domains and points as the entries of a certificate; networks back (proofs/certificate-format.md).

Every number is a string "p" or "p/q" in lowest terms: nothing is rounded.
"""

from __future__ import annotations

import hashlib
import json
import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, FileFormatError
from ..geometry.domain import Domain
from ..network.check import INTEGERS, numbers
from ..network.network import Network, Node
from ..network.operators import Periodic
from ..network.serial import FORMAT, VERSION, network_from_arrays

Entry = dict[str, Any]
MAX_DIGITS = 4000
"""Of a numerator or a denominator, as the checker has it."""
_MAX_BITS = 13287
"""2^13287 < 10^4000: tested before a number is written out, since Python writes no longer ones."""

_NUMBER = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")
_TENSORS = ("weight", "bias", "factor", "shift", "divisor", "index", "breakpoints", "slopes")


# ---- out -----------------------------------------------------------------------------------------------------------
def number(x: float | Fraction) -> str:
    """The string of a rational number."""
    return quotient(*x.as_integer_ratio())


def quotient(p: Any, q: Any) -> str:
    """The string of p / q, in lowest terms with q > 0; raises ``ArgumentError`` when it has too many digits."""
    bits = max(p.bit_length(), q.bit_length())
    if bits > _MAX_BITS:
        raise ArgumentError(f"a certificate holds numbers of at most {MAX_DIGITS} digits, got one of {bits} bits.")
    return str(p) if q == 1 else f"{p}/{q}"


def network_entry(network: Network) -> Entry:
    """The entry of a network: its nodes, without their names, and its name, the SHA-256 of the nodes."""
    nodes = [_node_entry(i, node) for i, node in enumerate(network.nodes)]
    return {"nodes": nodes, "sha256": digest(nodes)}


def digest(nodes: Any) -> str:
    """The SHA-256 of nodes as JSON without spaces, keys sorted."""
    return hashlib.sha256(json.dumps(nodes, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def domain_entry(domain: Domain) -> Entry:
    """The entry of a domain: by its corners in the plane, else by its halfspaces."""
    polytope = domain.polytope
    held: Entry = {"polygon": polytope.vertices.tolist()}
    if domain.dim != 2:
        held = {"halfspaces": [list(side) for side in polytope.sides]}
    held |= {"origin": domain.origin.tolist(), "basis": domain.basis.tolist()}
    return {name: _nested(table) for name, table in held.items()}


def _node_entry(i: int, node: Node) -> Entry:
    if isinstance(node.op, Periodic):
        raise ArgumentError(
            f"node {i} is periodic: it has no finite form. Take the network of its partition, part.network."
        )
    held = {name: _field_entry(name, values) for name, values in numbers(node.op).items() if name != "spatial"}
    return {"op": type(node.op).__name__, "inputs": list(node.inputs), "shape": list(node.shape), **held}


def _field_entry(name: str, values: NDArray[Any]) -> Any:
    if name in _TENSORS:
        return {"shape": list(values.shape), "values": _plain(name, values.ravel())}
    return _plain(name, values)


def _plain(name: str, values: NDArray[Any]) -> Any:
    return values.tolist() if name in INTEGERS else _nested(values.tolist())


def _nested(values: Any) -> Any:
    return [_nested(x) for x in values] if isinstance(values, list) else number(values)


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
    if name in _TENSORS:
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
