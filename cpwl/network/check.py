"""Whether a network is well formed: a DAG in topological order, of operators whose shapes fit, all numbers finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any
from weakref import WeakSet

import numpy as np

from ..errors import ArgumentError, ShapeError
from .digest import INTEGERS, numbers
from .network import Network, Node
from .operators import Conv, Dense, Divide, Gather, Input, Max, Op, Periodic, Piecewise, Scale, Shape, Sum

_checked: WeakSet[Network] = WeakSet()
"""Networks that are well formed; they do not change."""


def check_network(network: Network) -> None:
    """Raises ``ShapeError`` or ``ArgumentError``, naming the node, unless the network is well formed."""
    if network not in _checked:
        _check(network)
        _checked.add(network)


def _check(network: Network) -> None:
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
        wanted = np.int64 if name in INTEGERS else np.float64
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


def _conv(where: str, op: Conv, shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    dims = op.weight.ndim - 2
    per_axis = [np.shape(axes) for axes in (op.spatial, op.stride, op.dilation, op.padding)]
    if per_axis != [(dims,)] * 3 + [(dims, 2)] or dims not in (1, 2, 3) or op.bias.shape != op.weight.shape[:1]:
        raise ShapeError(
            f"{where}: needs a weight (out, in // groups, *kernel) with 1, 2 or 3 kernel axes, a bias (out,), and "
            f"spatial, stride, padding (before, after) and dilation for each axis; got weight {op.weight.shape}, bias "
            f"{op.bias.shape}, spatial {op.spatial}, stride {op.stride}, padding {op.padding}, dilation {op.dilation}."
        )
    if not op.weight.size or min(*op.stride, *op.dilation, op.groups) < 1 or np.min(op.padding) < 0:
        raise ArgumentError(
            f"{where}: kernel, stride, dilation and groups must be at least 1, padding at least 0; got kernel "
            f"{op.weight.shape}, stride {op.stride}, dilation {op.dilation}, groups {op.groups}, padding {op.padding}."
        )
    if len(op.bias) % op.groups or shape[-dims - 1 :] != (op.channels, *op.spatial) or min(op.output_spatial) < 1:
        raise ShapeError(
            f"{where}: the input must have shape (*lead, {op.channels}, {', '.join(map(str, op.spatial))}), at least "
            f"as large as the kernel {op.weight.shape[2:]} with dilation {op.dilation} after padding {op.padding}, and "
            f"groups {op.groups} must divide the {len(op.bias)} outputs; got {shape}."
        )
    return (*shape[: -dims - 1], len(op.bias), *op.output_spatial)


def _divide(where: str, op: Divide, shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    _check_broadcast(where, "divisor", op.divisor.shape, shape)
    if not op.divisor.all():
        raise ArgumentError(f"{where}: divisor must not be zero.")
    return shape


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
    if op.index.size and not (op.index.min() >= -1 and op.index.max() < entries):
        raise ArgumentError(
            f"{where}: index must lie in 0 .. {entries - 1}, or be -1 for zero; "
            f"got {op.index.min()} .. {op.index.max()}."
        )
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


def _periodic(where: str, op: Periodic, shapes: Sequence[Shape]) -> Shape:
    points = op.breakpoints
    if points.ndim != 1 or not len(points) or op.slopes.shape != points.shape or np.ndim([op.value, op.period]) != 1:
        raise ShapeError(
            f"{where}: needs one or more breakpoints, as many slopes, one period and one value; got breakpoints "
            f"{points.shape}, slopes {op.slopes.shape}."
        )
    if not (np.diff(points) > 0).all() or not Fraction(op.period) > Fraction(points[-1]) - Fraction(points[0]):
        raise ArgumentError(
            f"{where}: breakpoints must be strictly increasing within one period {op.period}, got {points}."
        )
    if op.drift != 0:
        raise ArgumentError(
            f"{where}: slopes times widths of the pieces must add up to exactly 0 over a period, got {op.drift}: "
            "otherwise the function is not periodic. Use slopes and breakpoints that are multiples of a power of two."
        )
    return shapes[0]


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
    Conv: _conv,
    Scale: _scale,
    Divide: _divide,
    Sum: _sum,
    Gather: _gather,
    Piecewise: _piecewise,
    Periodic: _periodic,
    Max: _max,
}
