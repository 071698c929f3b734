"""A network's operators on exact fields: integer arithmetic, with one positive denominator for each row."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...fields.arithmetic import Arithmetic
from ...network.network import Node, table
from ...network.operators import Conv, Dense, Divide, Gather, Max, Piecewise, Scale, Sum
from ...numbers.integers import Factor, Integer, Integers, common_scale, factor_of, product, rational, signs
from .field import ExactField, aligned, stacked


class ExactArithmetic(Arithmetic[ExactField]):
    """The operators of a network on exact rows: each tensor becomes integers over one common scale."""

    def points(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> ExactField:
        return ExactField.of(values, weight=1)

    def tangents(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> ExactField:
        return ExactField.of(values, weight=0)

    def stack(self, fields: Sequence[ExactField]) -> ExactField:
        return stacked(fields)

    def take(self, field: ExactField, rows: NDArray[np.int64]) -> ExactField:
        return field.take(rows)

    def linear(self, node: Node, inputs: Sequence[ExactField]) -> ExactField:
        op = node.op
        if isinstance(op, Dense):
            return _dense(op, inputs[0])
        if isinstance(op, Conv):
            return _convolved(op, inputs[0])
        if isinstance(op, Divide):
            inverse = np.vectorize(lambda d: 1 / Fraction(d), otypes=[object])(op.divisor)
            factor, scale = common_scale(np.broadcast_to(inverse, node.shape).ravel())
            return _scaled(inputs[0], factor, factor * 0, scale)
        if isinstance(op, Scale):
            maps = np.stack([np.broadcast_to(x, node.shape).ravel() for x in (op.factor, op.shift)])
            (factor, shift), scale = common_scale(maps)
            return _scaled(inputs[0], factor, shift, scale)
        if isinstance(op, Sum):
            return _sum(op, inputs)
        assert isinstance(op, Gather), op
        return _gathered(op, inputs)

    def activate(self, node: Node, x: ExactField, *, consuming: bool = False) -> ExactField:
        if isinstance(node.op, Piecewise):
            return self.on_pieces(node, x, _pieces(node.op, x))
        arguments = x.numerators.reshape(x.rows, node.size, x.columns // node.size)
        return ExactField(np.max(arguments, axis=2), x.denominators, x.weights)

    def noting_zeros(self, node: Node, x: ExactField, y: ExactField) -> ExactField:
        return y

    def on_pieces(self, node: Node, x: ExactField, pieces: NDArray[np.int64]) -> ExactField:
        if isinstance(node.op, Piecewise):
            return _on_pieces(node.op, node, x, pieces)
        assert isinstance(node.op, Max), node.op
        arguments = x.numerators.reshape(x.rows, node.size, x.columns // node.size)
        taken = np.take_along_axis(arguments, pieces[:, :, None], axis=2)[:, :, 0]
        return ExactField(taken, x.denominators, x.weights)

    def maximum(self, x: ExactField, y: ExactField, cut: Any) -> ExactField:
        (left, right), denominators = aligned([x, y])
        return ExactField(np.maximum(left, right), denominators, x.weights)


def _dense(op: Dense, x: ExactField) -> ExactField:
    """Every row [x, 1] times the matrix [weight, bias], along the last axis of the input."""
    outputs, inputs = op.weight.shape
    (matrix,), scale = _integers(op)
    lead = x.columns // inputs
    rows = x.numerators.reshape(x.rows * lead, inputs)
    result = _affine(rows, np.repeat(x.homogeneous, lead), matrix)
    return ExactField(result.reshape(x.rows, lead * outputs), x.denominators * scale, x.weights)


def _convolved(op: Conv, x: ExactField) -> ExactField:
    """Every window of the input as a row [window, 1] times the matrix [weight, bias], group by group."""
    matrices, scale = _integers(op)
    lead = x.columns // (op.channels * prod(op.spatial))
    images = x.numerators.reshape(x.rows * lead, op.groups, op.channels // op.groups, prod(op.spatial))
    padded = np.concatenate([images, np.full((*images.shape[:3], 1), Integer(0))], axis=3)
    windows = op.windows()  # -1, the last entry, is the zero that was just added
    taps = images.shape[2] * windows.shape[1]
    rows = np.moveaxis(padded[..., windows], 3, 1).reshape(len(images), len(windows), op.groups, taps)
    constants = np.repeat(x.homogeneous, lead * len(windows))
    parts = [_affine(rows[:, :, g].reshape(len(constants), taps), constants, part) for g, part in enumerate(matrices)]
    result = np.concatenate(parts, axis=1).reshape(len(images), len(windows), len(op.bias))
    columns = lead * prod(result.shape[1:])
    return ExactField(np.moveaxis(result, 2, 1).reshape(x.rows, columns), x.denominators * scale, x.weights)


_INTEGERS: WeakKeyDictionary[Dense | Conv, tuple[list[Factor], Integer]] = WeakKeyDictionary()


def _integers(op: Dense | Conv) -> tuple[list[Factor], Integer]:
    """For each group of an operator the transposed matrix [weight, bias], as integers over one scale; kept with it."""
    if op not in _INTEGERS:
        matrix, scale = common_scale(np.column_stack([op.weight.reshape(len(op.weight), -1), op.bias]))
        groups = op.groups if isinstance(op, Conv) else 1
        _INTEGERS[op] = [factor_of(part.T) for part in np.split(matrix, groups)], scale
    return _INTEGERS[op]


def _affine(rows: Integers, constants: Integers, matrix: Factor) -> Integers:
    """Every row [x, constant] times a transposed matrix."""
    return product(np.column_stack([rows, constants]), matrix)


def _scaled(x: ExactField, factor: Integers, shift: Integers, scale: Integer) -> ExactField:
    """(factor * x + shift) / scale, for factors and shifts that broadcast to (rows, columns)."""
    return ExactField(x.numerators * factor + x.homogeneous[:, None] * shift, x.denominators * scale, x.weights)


def _sum(op: Sum, inputs: Sequence[ExactField]) -> ExactField:
    coefficients, scale = common_scale(np.array(op.coefficients))
    numerators, denominators = aligned(inputs)
    result = sum(c * n for c, n in zip(coefficients, numerators, strict=True))
    return ExactField(np.asarray(result), denominators * scale, inputs[0].weights)


def _gathered(op: Gather, inputs: Sequence[ExactField]) -> ExactField:
    numerators, denominators = aligned(inputs)
    zero = np.full((len(denominators), 1), Integer(0))  # the last entry, index -1
    return ExactField(np.concatenate([*numerators, zero], axis=1)[:, op.index.ravel()], denominators, inputs[0].weights)


def _pieces(op: Piecewise, x: ExactField) -> NDArray[np.int64]:
    """The piece of each entry; at a breakpoint the one to the right (any would do: the function is continuous)."""
    pieces = np.zeros(x.numerators.shape, np.int64)
    for breakpoint in op.breakpoints.tolist():
        p, q = rational(breakpoint)
        pieces += signs(x.numerators * q - p * x.denominators[:, None]) >= 0
    return pieces


def _on_pieces(op: Piecewise, node: Node, x: ExactField, pieces: NDArray[np.int64]) -> ExactField:
    maps = np.stack([table(part, node) for part in (op.slopes, op.intercepts)]).astype(object)
    (slopes, intercepts), scale = common_scale(maps)
    units = np.arange(node.size)
    return _scaled(x, slopes[pieces, units], intercepts[pieces, units], scale)
