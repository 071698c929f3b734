"""Whether a network is well formed: a DAG in topological order, of operators whose shapes fit, all numbers finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError, ShapeError
from .network import Dense, Gather, Input, Max, Network, Node, Op, Piecewise, Scale, Shape, Sum


def check_network(network: Network) -> None:
    """Raises ``ShapeError`` or ``ArgumentError``, naming the node, unless the network is well formed."""
    if not network.nodes or not isinstance(network.nodes[0].op, Input):
        raise ArgumentError("network must begin with its input: node 0 must be an Input.")
    for i, node in enumerate(network.nodes):
        where = f"node {i} ({type(node.op).__name__} {node.name!r})"
        _check_place(where, i, node)
        _check_numbers(where, node.op)
        shapes = [network.nodes[j].shape for j in node.inputs]
        wanted = node.shape if isinstance(node.op, Input) else _RULES[type(node.op)](where, node.op, shapes)
        if node.shape != wanted:
            raise ShapeError(f"{where}: its shape must be {wanted}, got {node.shape}.")


def numbers(op: Op) -> dict[str, NDArray[Any]]:
    """All numbers that an operator holds, by the name of the field, as arrays."""
    return {field.name: np.asarray(getattr(op, field.name)) for field in fields(op)}


def _check_place(where: str, i: int, node: Node) -> None:
    if not all(size > 0 for size in node.shape):
        raise ShapeError(f"{where}: its shape must have no empty axis, got {node.shape}.")
    if not all(0 <= j < i for j in node.inputs):
        raise ArgumentError(f"{where}: its inputs must be earlier nodes, got {node.inputs}.")
    wanted = {Input: "none", Sum: "at least one", Gather: "at least one"}.get(type(node.op), "one")
    fits = {"none": not node.inputs, "one": len(node.inputs) == 1, "at least one": len(node.inputs) > 0}[wanted]
    if not fits or (isinstance(node.op, Input) and i > 0):
        raise ArgumentError(f"{where}: its inputs must be {wanted}, and only node 0 is an Input; got {node.inputs}.")


def _check_numbers(where: str, op: Op) -> None:
    for name, values in numbers(op).items():
        wanted = np.int64 if isinstance(op, Gather) else np.float64
        if values.dtype != wanted:
            raise ArgumentError(f"{where}: {name} must hold {np.dtype(wanted)}, got {values.dtype}.")
        if not np.isfinite(values).all():
            raise ArgumentError(f"{where}: {name} must be finite, got NaN or an infinity.")


def _dense(where: str, op: Dense, shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    if op.weight.ndim != 2 or op.bias.shape != op.weight.shape[:1] or shape[-1:] != op.weight.shape[1:]:
        raise ShapeError(
            f"{where}: weight must have shape (out, in) and bias (out,), with in the last axis of the input; "
            f"got weight {op.weight.shape}, bias {op.bias.shape}, input {shape}."
        )
    return (*shape[:-1], op.weight.shape[0])


def _scale(where: str, op: Scale, shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    for name, values in numbers(op).items():
        _check_broadcast(where, name, values.shape, shape)
    return shape


def _sum(where: str, op: Sum, shapes: Sequence[Shape]) -> Shape:
    if len(op.coefficients) != len(shapes) or any(shape != shapes[0] for shape in shapes):
        raise ShapeError(f"{where}: needs one coefficient an input, all of one shape; got {op.coefficients}, {shapes}.")
    return shapes[0]


def _gather(where: str, op: Gather, shapes: Sequence[Shape]) -> Shape:
    entries = sum(prod(shape) for shape in shapes)
    if op.index.size and not (op.index.min() >= 0 and op.index.max() < entries):
        raise ArgumentError(f"{where}: index must lie in 0 .. {entries - 1}, got {op.index.min()} .. {op.index.max()}.")
    return op.index.shape


def _piecewise(where: str, op: Piecewise, shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    if op.breakpoints.ndim != 1 or not len(op.breakpoints) or not (np.diff(op.breakpoints) > 0).all():
        raise ArgumentError(f"{where}: breakpoints must be one or more, strictly increasing, got {op.breakpoints}.")
    if op.slopes.shape[:1] != (len(op.breakpoints) + 1,) or np.ndim(op.value):
        raise ShapeError(
            f"{where}: needs one slope more than breakpoints, and one value, got slopes {op.slopes.shape}."
        )
    _check_broadcast(where, "slopes", op.slopes.shape[1:], shape)
    return shape


def _max(where: str, op: Max, shapes: Sequence[Shape]) -> Shape:
    if not shapes[0]:
        raise ShapeError(f"{where}: the input must have a last axis to take the maximum over, got shape ().")
    return shapes[0][:-1]


def _check_broadcast(where: str, name: str, shape: Shape, wanted: Shape) -> None:
    try:
        fits = np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{where}: {name} of shape {shape} does not broadcast to the input's shape {wanted}.")


_RULES: dict[type, Callable[[str, Any, Sequence[Shape]], Shape]] = {
    Dense: _dense,
    Scale: _scale,
    Sum: _sum,
    Gather: _gather,
    Piecewise: _piecewise,
    Max: _max,
}
