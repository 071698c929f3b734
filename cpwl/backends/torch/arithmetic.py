"""Network operators on float64 fields, each with its error bound (proofs/, Lemma 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...arithmetic import Arithmetic
from ...network import Dense, Gather, Max, Node, Op, Piecewise, Scale, Sum
from .field import ROUND_UP, SMALLEST, UNIT, FloatField, Sharp, gamma, lifted, row_norms


@dataclass(frozen=True, eq=False)
class _DenseConstants:
    """A dense operator's tensors and the norms that its bound needs."""

    weight: Tensor
    bias: Tensor
    spectral: float
    """At least ||W||_2."""
    absolute: float
    """At least || |W| ||_2."""
    row_norms: Tensor
    bias_norm: float


@dataclass(frozen=True, eq=False)
class _PieceConstants:
    """A piecewise function's tensors: slopes and intercepts (P + 1, *s), rounded once, and its Lipschitz constant."""

    breakpoints: Tensor
    slopes: Tensor
    intercepts: Tensor
    lipschitz: float
    largest_intercept: float


class TorchArithmetic(Arithmetic[FloatField]):
    """Float64 arithmetic with torch on one device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._constants: WeakKeyDictionary[Op, Any] = WeakKeyDictionary()

    def points(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> FloatField:
        """The field of the given points."""
        field = FloatField.exactly(values, self.device)
        return field if error is None else replace(field, error=torch.as_tensor(error, device=self.device))

    def tangents(self, values: NDArray[Any]) -> FloatField:
        """The field of the given tangent vectors."""
        return FloatField.exactly(values, self.device, weight=0.0)

    def stack(self, fields: Sequence[FloatField]) -> FloatField:
        """The rows of several fields, one after the other."""
        weights = torch.cat([_weights(field) for field in fields])
        values = torch.cat([field.values for field in fields])
        return FloatField(values, torch.cat([field.error for field in fields]), weights=weights)

    def linear(self, node: Node, inputs: Sequence[FloatField]) -> FloatField:
        """The output of a linear node."""
        match node.op:
            case Dense():
                return self._dense(node.op, inputs[0])
            case Scale():
                return self._scale(node, node.op, inputs[0])
            case Sum():
                return _sum(node.op, inputs)
            case Gather():
                return self._gather(node.op, inputs)
        raise TypeError(f"{type(node.op).__name__} is not a linear operator")

    def activate(self, node: Node, x: FloatField) -> FloatField:
        """The output of a nonlinear node on points."""
        if isinstance(node.op, Max):
            return FloatField(x.values.reshape(x.rows, node.size, x.columns // node.size).amax(dim=2), x.error)
        assert isinstance(node.op, Piecewise)
        if _is_relu(node.op):
            return FloatField(x.values.clamp(min=0), x.error)
        constants = self._pieces(node.op)
        pieces = torch.bucketize(x.values, constants.breakpoints)
        values = _on_pieces(node, constants, x, pieces)
        sizes = constants.lipschitz * row_norms(x.values) + 2 * sqrt(node.size) * constants.largest_intercept
        return FloatField(values, lifted((constants.lipschitz * x.error + 4 * UNIT * sizes) * ROUND_UP))

    def on_pieces(self, node: Node, x: FloatField, pieces: NDArray[np.int64]) -> FloatField:
        """The output of a nonlinear node on given pieces; its error is not bounded."""
        index = torch.as_tensor(pieces, device=self.device).reshape(x.rows, node.size)
        unbounded = torch.full_like(x.error, torch.inf)
        if isinstance(node.op, Max):
            groups = x.values.reshape(x.rows, node.size, x.columns // node.size)
            return FloatField(groups.gather(2, index[:, :, None])[:, :, 0], unbounded, weights=x.weights)
        assert isinstance(node.op, Piecewise)
        values = _on_pieces(node, self._pieces(node.op), x, index)
        return FloatField(values, unbounded, weights=x.weights)

    def maximum(self, x: FloatField, y: FloatField) -> FloatField:
        """The larger of two fields."""
        error = lifted(torch.hypot(x.error, y.error) * ROUND_UP)
        return FloatField(torch.maximum(x.values, y.values), error)

    # ---- linear operators ------------------------------------------------------------------------------------------
    def _dense(self, op: Dense, x: FloatField) -> FloatField:
        constants = self._dense_constants(op)
        rows = x.values.reshape(-1, op.weight.shape[1])
        if x.weights is None:
            values = torch.addmm(constants.bias, rows, constants.weight.T)
        else:
            lead = len(rows) // max(x.rows, 1)
            values = rows @ constants.weight.T + x.weights.repeat_interleave(lead)[:, None] * constants.bias
        copies = x.columns // op.weight.shape[1]
        values = values.reshape(x.rows, copies * len(op.bias))
        norms = row_norms(x.values)
        g = gamma(op.weight.shape[1] + 2)
        rounding = g * (constants.absolute * norms + sqrt(copies) * constants.bias_norm)
        error = lifted((constants.spectral * x.error + rounding) * ROUND_UP)
        sharp = Sharp(
            lifted((x.error + g * norms) * ROUND_UP),
            constants.row_norms.repeat(copies),
            (g * constants.bias.abs()).repeat(copies),
        )
        return FloatField(values, error, sharp, lifted(g * norms), x.weights)

    def _scale(self, node: Node, op: Scale, x: FloatField) -> FloatField:
        factor, shift = self._broadcast(op.factor, node), self._broadcast(op.shift, node)
        values = x.values * factor + (shift if x.weights is None else x.weights[:, None] * shift)
        largest = _largest(factor.abs())
        rounding = gamma(2) * (largest * row_norms(x.values) + float(row_norms(shift[None])[0]))
        if not op.shift.any() and set(np.abs(op.factor).ravel().tolist()) <= {1.0}:
            rounding = torch.zeros_like(x.error)
        return FloatField(values, lifted((largest * x.error + rounding) * ROUND_UP), weights=x.weights)

    def _gather(self, op: Gather, inputs: Sequence[FloatField]) -> FloatField:
        index = torch.as_tensor(op.index.ravel(), device=self.device)
        if len(inputs) > 1:
            values = torch.cat([x.values for x in inputs], dim=1)[:, index]
            error = torch.stack([x.error for x in inputs]).square().sum(0).sqrt()
            sharp = fresh = None
        else:
            x = inputs[0]
            whole = op.is_identity and op.index.size == x.columns
            values = x.values if whole else x.values[:, index]
            error = x.error
            sharp, fresh = None if x.sharp is None else x.sharp.take(index), x.fresh
        copies = int(np.bincount(op.index.ravel()).max()) if op.index.size else 1
        return FloatField(values, lifted(error * (sqrt(copies) * ROUND_UP)), sharp, fresh, inputs[0].weights)

    # ---- constants -------------------------------------------------------------------------------------------------
    def _dense_constants(self, op: Dense) -> _DenseConstants:
        if op not in self._constants:
            weight = torch.as_tensor(op.weight, device=self.device)
            bias = torch.as_tensor(op.bias, device=self.device)
            magnitudes = weight.abs()
            absolute = sqrt(_largest(magnitudes.sum(0))) * sqrt(_largest(magnitudes.sum(1))) * ROUND_UP
            self._constants[op] = _DenseConstants(
                weight,
                bias,
                _factor(min(spectral_bound(weight), absolute)),
                absolute,
                row_norms(weight),
                float(row_norms(bias[None])[0]),
            )
        constants: _DenseConstants = self._constants[op]
        return constants

    def _pieces(self, op: Piecewise) -> _PieceConstants:
        if op not in self._constants:
            intercepts = op.intercepts.astype(np.float64)
            self._constants[op] = _PieceConstants(
                torch.as_tensor(op.breakpoints, device=self.device),
                torch.as_tensor(op.slopes, device=self.device),
                torch.as_tensor(intercepts, device=self.device),
                lipschitz=_factor(float(np.abs(op.slopes).max())),
                largest_intercept=_factor(float(np.abs(op.intercepts).max())),
            )
        constants: _PieceConstants = self._constants[op]
        return constants

    def _broadcast(self, values: NDArray[np.float64], node: Node) -> Tensor:
        return torch.as_tensor(np.broadcast_to(values, node.shape).ravel().copy(), device=self.device)


def spectral_bound(matrix: Tensor, squarings: int = 5) -> float:
    """An upper bound on the spectral norm: ||A||_2^2 = ||A'A||_2, repeated, and a Frobenius norm at the end.

    With A scaled to Frobenius norm 1, the product is computed up to gamma_n in the Frobenius norm (proofs/, Lemma 5).
    The bound is at most n^(1 / 2^(squarings + 1)) times the norm: 1.1 for n = 256.
    """
    largest = float(matrix.abs().max()) if matrix.numel() else 0.0
    if largest == 0:
        return 0.0
    scaled = matrix / largest
    size = float(torch.linalg.matrix_norm(scaled)) * ROUND_UP
    if squarings == 0:
        return largest * size * ROUND_UP
    unit = (scaled if matrix.shape[0] >= matrix.shape[1] else scaled.T) / size
    gram = spectral_bound(unit.T @ unit, squarings - 1)
    return largest * size * (sqrt(gram + gamma(len(unit) + 2)) + 2 * UNIT) * ROUND_UP


def _largest(bounds: Tensor) -> float:
    """The largest of some non-negative factors, zero or at least ``SMALLEST``."""
    return float(lifted(bounds).max()) if bounds.numel() else 0.0


def _factor(coefficient: float) -> float:
    """A coefficient as a factor of a bound, zero or at least ``SMALLEST``."""
    return max(abs(coefficient), SMALLEST) if coefficient else 0.0


def _weights(field: FloatField) -> Tensor:
    return torch.ones_like(field.error) if field.weights is None else field.weights


def _is_relu(op: Piecewise) -> bool:
    return (
        op.value == 0
        and np.array_equal(op.breakpoints, [0.0])
        and op.slopes.ndim == 1
        and np.array_equal(op.slopes, [0.0, 1.0])
    )


def _on_pieces(node: Node, constants: _PieceConstants, x: FloatField, pieces: Tensor) -> Tensor:
    slopes = _per_unit(constants.slopes, node)
    intercepts = _per_unit(constants.intercepts, node)
    shift = intercepts.gather(0, pieces)
    if x.weights is not None:
        shift = shift * x.weights[:, None]
    return slopes.gather(0, pieces) * x.values + shift


def _per_unit(values: Tensor, node: Node) -> Tensor:
    """Values (P + 1, *s) broadcast to (P + 1, node.size)."""
    lead = values.reshape(len(values), *(1,) * (len(node.shape) + 1 - values.ndim), *values.shape[1:])
    return lead.expand(len(values), *node.shape).reshape(len(values), node.size)


def _sum(op: Sum, inputs: Sequence[FloatField]) -> FloatField:
    values = sum(c * x.values for c, x in zip(op.coefficients, inputs, strict=True))
    assert isinstance(values, Tensor)
    error = sum(_factor(c) * x.error for c, x in zip(op.coefficients, inputs, strict=True))
    assert isinstance(error, Tensor)
    sizes = torch.stack([_factor(c) * row_norms(x.values) for c, x in zip(op.coefficients, inputs, strict=True)]).sum(0)
    if len(inputs) == 2 and {abs(c) for c in op.coefficients} == {1.0}:
        rounding = UNIT * row_norms(values)  # one rounding of the result itself: equal arguments cancel exactly
    else:
        rounding = gamma(len(inputs) + 1) * sizes
    bound = lifted((error + rounding) * ROUND_UP)
    fresh = torch.minimum(bound, 8 * UNIT * sizes)
    return FloatField(values, bound, fresh=fresh, weights=inputs[0].weights)
