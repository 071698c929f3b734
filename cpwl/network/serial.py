"""A network as a JSON header and plain arrays, and back: no pickle, every number bit for bit, checked on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, FileFormatError
from .check import check_network
from .digest import INTEGERS, numbers
from .network import Network, Node
from .operators import Op

FORMAT = "cpwl-network"
VERSION = 2
"""Version 2 brought further operators; a file of version 1 reads as one of version 2."""

_OPERATORS: dict[str, type[Any]] = {op.__name__: op for op in get_args(Op)}


_AXES = ("coefficients", "spatial", "stride", "dilation")
_DIMENSIONS = {**dict.fromkeys(_AXES, 1), "padding": 2, "groups": 0, "value": 0, "period": 0}
"""Fields that are no arrays, and how many axes they have."""


def network_to_arrays(network: Network) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A JSON-able header and the arrays ``node.field`` (float64, or int64 for indices) that it refers to."""
    nodes = [
        {"op": type(node.op).__name__, "inputs": list(node.inputs), "shape": list(node.shape), "name": node.name}
        for node in network.nodes
    ]
    arrays = {
        _key(i, name): values for i, node in enumerate(network.nodes) for name, values in numbers(node.op).items()
    }
    return {"format": FORMAT, "version": VERSION, "nodes": nodes}, arrays


def network_from_arrays(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Network:
    """The network that ``network_to_arrays`` took apart; raises ``FileFormatError`` for anything not well formed."""
    if header.get("format") != FORMAT or header.get("version") not in (1, VERSION):
        raise FileFormatError(
            f"header must be of format {FORMAT!r}, version {VERSION}; got {header.get('format')!r}, "
            f"version {header.get('version')!r}. Read it with the version of cpwl that wrote it."
        )
    nodes = header.get("nodes")
    if not isinstance(nodes, list):
        raise FileFormatError(f"header['nodes'] must be a list of nodes, got {type(nodes).__name__}.")
    network = Network(tuple(_node(i, entry, arrays) for i, entry in enumerate(nodes)))
    try:
        check_network(network)
    except ArgumentError as error:
        raise FileFormatError(f"the network in the file is not well formed: {error}") from error
    return network


def _key(i: int, field: str) -> str:
    return f"{i}.{field}"


def _node(i: int, entry: Any, arrays: Mapping[str, NDArray[Any]]) -> Node:
    if not isinstance(entry, dict) or entry.get("op") not in list(_OPERATORS):
        raise FileFormatError(f"node {i}: op must be one of {', '.join(_OPERATORS)}; got {entry!r:.80}.")
    inputs, shape, name = entry.get("inputs", []), entry.get("shape", []), entry.get("name", "")
    if not (_integers(inputs) and _integers(shape) and isinstance(name, str)):
        raise FileFormatError(
            f"node {i}: inputs and shape must be lists of integers, name a string; got {entry!r:.80}."
        )
    return Node(_operator(i, entry["op"], arrays), tuple(inputs), tuple(shape), name)


def _operator(i: int, name: str, arrays: Mapping[str, NDArray[Any]]) -> Op:
    values = {}
    for field in (field.name for field in fields(_OPERATORS[name])):
        array = arrays.get(_key(i, field))
        if array is None or array.dtype != (np.int64 if field in INTEGERS else np.float64):
            kind = "none" if array is None else str(array.dtype)
            raise FileFormatError(f"node {i}: the file must hold an array {_key(i, field)!r} of numbers, got {kind}.")
        values[field] = _plain(i, field, array)
    operator: Op = _OPERATORS[name](**values)
    return operator


def _plain(i: int, field: str, array: NDArray[Any]) -> Any:
    """The field's own type: an array, a tuple of numbers (of pairs, for padding), or one number."""
    if field not in _DIMENSIONS:
        return np.array(array)
    if array.ndim != _DIMENSIONS[field]:
        raise FileFormatError(f"node {i}: {field} has the wrong shape {array.shape}.")
    return _nested(array.tolist())


def _nested(values: Any) -> Any:
    """Lists as tuples, at all depths."""
    return tuple(map(_nested, values)) if isinstance(values, list) else values


def _integers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int for value in values)
