"""A network's name: the SHA-256 of its operators as JSON whose numbers are exact (proofs/certificate-format.md).

Every number is a string "p" or "p/q" in lowest terms: nothing is rounded.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from .operators import Op, Periodic, Shape

Entry = dict[str, Any]
MAX_DIGITS = 4000
"""Of a numerator or a denominator, as the checker has it."""
_MAX_BITS = 13287
"""2^13287 < 10^4000: tested before a number is written out, since Python writes no longer ones."""

INTEGERS = frozenset({"index", "spatial", "stride", "padding", "dilation", "groups"})
"""Fields of operators that hold integers; all others hold float64 numbers."""
MANY = 1 << 22
"""Numbers in all weights of a network from which on they are written as float64 words."""
TENSORS = ("weight", "bias", "factor", "shift", "divisor", "index", "breakpoints", "slopes")
"""Fields of operators whose shape is written beside their numbers."""


def numbers(op: Op) -> dict[str, NDArray[Any]]:
    """All numbers that an operator holds, by the name of the field, as arrays."""
    return {field.name: np.asarray(getattr(op, field.name)) for field in fields(op)}


def number(x: float | Fraction) -> str:
    """The string of a rational number."""
    return quotient(*x.as_integer_ratio())


def quotient(p: Any, q: Any) -> str:
    """The string of p / q, in lowest terms with q > 0; raises ``ArgumentError`` when it has too many digits."""
    bits = max(p.bit_length(), q.bit_length())
    if bits > _MAX_BITS:
        raise ArgumentError(f"a certificate holds numbers of at most {MAX_DIGITS} digits, got one of {bits} bits.")
    return str(p) if q == 1 else f"{p}/{q}"


def nested(values: Any) -> Any:
    """The strings of numbers in lists, at all depths."""
    return [nested(x) for x in values] if isinstance(values, list) else number(values)


def node_entry(i: int, op: Op, inputs: tuple[int, ...], shape: Shape, *, words: bool = False) -> Entry:
    """The entry of node i, without its name; ``words``: a weight as float64 words."""
    if isinstance(op, Periodic):
        raise ArgumentError(
            f"node {i} is periodic: it has no finite form. Take the network of its partition, part.network."
        )
    held = {
        name: _words(values) if words and name == "weight" else _field_entry(name, values)
        for name, values in numbers(op).items()
        if name != "spatial"
    }
    return {"op": type(op).__name__, "inputs": list(inputs), "shape": list(shape), **held}


def digest(nodes: Any) -> str:
    """The SHA-256 of nodes as JSON without spaces, keys sorted."""
    return hashlib.sha256(json.dumps(nodes, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _words(values: NDArray[Any]) -> Entry:
    """Little-endian words in base64: a third of the length of decimal fractions, and read without a loop."""
    data = (np.ascontiguousarray(values, np.float64) + 0.0).astype("<f8").tobytes()  # + 0: there is no -0
    return {"shape": list(values.shape), "floats": base64.b64encode(data).decode("ascii")}


def floats(text: str) -> NDArray[np.float64]:
    """The numbers of float64 words in base64."""
    return np.frombuffer(base64.b64decode(text, validate=True), "<f8").astype(np.float64)


def _field_entry(name: str, values: NDArray[Any]) -> Any:
    if name in TENSORS:
        return {"shape": list(values.shape), "values": _plain(name, values.ravel())}
    return _plain(name, values)


def _plain(name: str, values: NDArray[Any]) -> Any:
    return values.tolist() if name in INTEGERS else nested(values.tolist())
