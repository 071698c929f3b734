"""Network operators on float64 fields, each with its error bound (proofs/, Lemma 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from math import prod, sqrt
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....fields.arithmetic import Arithmetic
from ....geometry.arrangement import Refinement
from ....network.network import Node
from ....network.operators import Conv, Dense, Divide, Gather, Max, Op, Piecewise, Scale, Sum
from ....runtime.budget import checkpoint
from ..refinement.float_refinement import FloatRefinement
from ..refinement.streamed import RectifiedRows
from .field import ROUND_UP, UNIT, FloatField, Scaled, Sharp, gamma, least_positive, lifted, room, row_norms, taken
from .norms import Norms, absolute_norm, factor, largest, operator_norms


@dataclass(frozen=True, eq=False)
class _WeightConstants:
    """The tensors of a dense operator or a convolution, and the norms that its bound needs, once it needs them."""

    weight: Tensor
    bias: Tensor
    measure: Callable[[Tensor], Norms]

    @cached_property
    def norms(self) -> Norms:
        """Those of the operator."""
        return self.measure(self.weight)

    @cached_property
    def row_norms(self) -> Tensor:
        """The 2-norm of the weights of each output (channel)."""
        return row_norms(self.weight.flatten(1))

    @cached_property
    def bias_norm(self) -> float:
        """The 2-norm of the bias."""
        return float(row_norms(self.bias[None])[0])

    @cached_property
    def chooses(self) -> bool:
        """Whether each output is an input, its negative or zero: what is known exactly stays so."""
        weight = self.weight.flatten(1).abs()
        return bool(((weight == 0) | (weight == 1)).all() and (weight.sum(1) <= 1).all() and not self.bias.any())

    @property
    def terms(self) -> int:
        """Products in one entry of the result."""
        return prod(self.weight.shape[1:])

    def on_columns(self, columns: Tensor) -> _WeightConstants:
        """Those of a matrix for arguments that are zero elsewhere; the whole matrix's norms are bounds for it."""
        if len(columns) == self.weight.shape[1]:
            return self
        part = self.weight.index_select(1, columns)
        return replace(self, weight=part, measure=lambda _: replace(self.norms, absolute=absolute_norm(part)))


@dataclass(frozen=True, eq=False)
class _PieceConstants:
    """A piecewise function's tensors: slopes and intercepts (P + 1, *s), rounded once, and its Lipschitz constant."""

    breakpoints: Tensor
    slopes: Tensor
    intercepts: Tensor
    lipschitz: float
    rounds: bool
    """Whether a value may be rounded: not where each piece is constant, or the argument or its negative itself."""
    shifts: bool
    """Whether there is an intercept that is not zero."""


class TorchArithmetic(Arithmetic[FloatField]):
    """Float64 arithmetic with torch on one device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._constants: WeakKeyDictionary[Op, Any] = WeakKeyDictionary()

    def points(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> FloatField:
        """The field of the given points."""
        return self._with_error(FloatField.exactly(values, self.device), error)

    def tangents(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> FloatField:
        """The field of the given tangent vectors."""
        return self._with_error(FloatField.exactly(values, self.device, weight=0.0), error)

    def _with_error(self, field: FloatField, error: NDArray[np.float64] | None) -> FloatField:
        return field if error is None else replace(field, error=torch.as_tensor(error, device=self.device))

    def stack(self, fields: Sequence[FloatField]) -> FloatField:
        """The rows of several fields, one after the other."""
        weights = torch.cat([_weights(field) for field in fields])
        values = torch.cat([field.values for field in fields])
        return FloatField(values, torch.cat([field.error for field in fields]), weights=weights)

    def take(self, field: FloatField, rows: NDArray[np.int64]) -> FloatField:
        """Some rows of a field."""
        return field.take(torch.as_tensor(rows, device=self.device))

    def replaced(self, field: FloatField, rows: NDArray[np.int64], anew: FloatField) -> FloatField:
        """See ``Arithmetic.replaced``; rows that are known better stay, and so do zeros that are known."""
        chosen = torch.as_tensor(rows, device=self.device)
        better = anew.error < field.error[chosen]
        values, error = field.whole().values.clone(), field.error.clone()
        values[chosen[better]], error[chosen[better]] = anew.values[better], anew.error[better]
        if field.zeros is not None:
            values.masked_fill_(field.zeros, 0.0)
        return FloatField(values, error, zeros=field.zeros)

    def linear(self, node: Node, inputs: Sequence[FloatField]) -> FloatField:
        """The output of a linear node; that of a matrix also from ``RectifiedRows``."""
        if not isinstance(node.op, Dense):
            inputs = [x.whole() for x in inputs]
        match node.op:
            case Dense():
                return self._dense(node.op, inputs[0])
            case Conv():
                return self._conv(node.op, inputs[0])
            case Scale():
                return self._scale(node, node.op, inputs[0])
            case Divide():
                return self._divide(node, node.op, inputs[0])
            case Sum():
                return _sum(node.op, inputs)
            case Gather():
                return self._gather(node.op, inputs)
        raise TypeError(f"{type(node.op).__name__} is not a linear operator")

    def activate(self, node: Node, x: FloatField, *, consuming: bool = False) -> FloatField:
        """The output of a nonlinear node on points."""
        if isinstance(node.op, Max):
            return FloatField(x.values.reshape(x.rows, node.size, x.columns // node.size).amax(dim=2), x.error)
        assert isinstance(node.op, Piecewise)
        if node.op.is_relu:
            values = x.values.clamp_(min=0) if consuming else x.values.clamp(min=0)
            return FloatField(values, x.error, scaled=x.scaled)
        constants = self._pieces(node.op)
        pieces = torch.bucketize(x.values.contiguous(), constants.breakpoints)
        values, error = _on_pieces(node, constants, x, pieces)
        return FloatField(values, error, scaled=_piecewise_scaled(node, constants, x))

    def activated(
        self, node: Node, cut: Refinement[FloatField], vertices: NDArray[np.int64] | None, *, any_rounding: bool
    ) -> FloatField:
        """The output of a piecewise-linear node; of a ReLU, with any rounding, without what is off everywhere."""
        assert isinstance(node.op, Piecewise)
        if not (any_rounding and node.op.is_relu and isinstance(cut, FloatRefinement)):
            return super().activated(node, cut, vertices, any_rounding=any_rounding)
        return cut.functions.rectified(None if vertices is None else torch.as_tensor(vertices, device=self.device))

    def streamed(self, node: Node, cut: Refinement[FloatField]) -> RectifiedRows | None:
        """Rows of a ReLU for a matrix, made as it reads them."""
        assert isinstance(node.op, Piecewise)
        return RectifiedRows.of(cut.functions) if node.op.is_relu and isinstance(cut, FloatRefinement) else None

    def noting_zeros(self, node: Node, x: FloatField, y: FloatField) -> FloatField:
        """y, with the entries that are zero because the argument is certainly below the first breakpoint."""
        op = node.op
        if not isinstance(op, Piecewise) or op.value != 0 or op.slopes[0].any():
            return y
        first = float(op.breakpoints[0])
        zeros = x.values < first - x.bound().all() - 2 * UNIT * abs(first)
        if x.zeros is not None and first >= 0:
            zeros |= x.zeros
        if x.settled is not None and first == 0:
            zeros[x.settled[:2]] = True
        return replace(y, zeros=zeros)

    def on_pieces(self, node: Node, x: FloatField, pieces: NDArray[np.int64]) -> FloatField:
        """The output of a nonlinear node on given pieces; its error is that of the affine map of these pieces."""
        index = torch.as_tensor(pieces, device=self.device).reshape(x.rows, node.size)
        if isinstance(node.op, Max):
            groups = x.values.reshape(x.rows, node.size, x.columns // node.size)
            return FloatField(groups.gather(2, index[:, :, None])[:, :, 0], x.error, weights=x.weights)
        assert isinstance(node.op, Piecewise)
        constants = self._pieces(node.op)
        values, error = _on_pieces(node, constants, x, index)
        return FloatField(values, error, weights=x.weights)

    def maximum(self, x: FloatField, y: FloatField, cut: Any) -> FloatField:
        """The larger of two fields."""
        error = lifted(torch.hypot(x.error, y.error) * ROUND_UP)
        scaled = _of_all([x, y], lambda parts: torch.stack(parts).amax(0))
        return FloatField(torch.maximum(x.values, y.values), error, zeros=_all_zero([x, y]), scaled=scaled)

    def doubted(self, field: FloatField) -> FloatField:
        """The same values with infinite bounds."""
        return FloatField(field.values, torch.full_like(field.error, torch.inf), weights=field.weights)

    def by_entries(self, field: FloatField) -> FloatField:
        """The field with bounds for each entry that stay with it when it is prolonged."""
        if field.unbounded or field.sharp is None:
            return field
        return replace(field, scaled=Scaled.of(field.values, field.sharp))

    # ---- linear operators ------------------------------------------------------------------------------------------
    def _dense(self, op: Dense, x: FloatField | RectifiedRows) -> FloatField:
        constants = self._weights_of(op)
        if isinstance(x, RectifiedRows):
            if x.columns == op.weight.shape[1]:
                return _streamed_product(constants.on_columns(x.held), x)
            x = x.cutting.rectified()
        if x.held is None or x.columns > op.weight.shape[1]:
            rows = x.whole().values.reshape(-1, op.weight.shape[1])
        else:
            rows, constants = x.values, constants.on_columns(x.held)
        if x.weights is None:
            values = _product(constants, rows)
        else:
            lead = len(rows) // max(x.rows, 1)
            values = rows @ constants.weight.T + x.weights.repeat_interleave(lead)[:, None] * constants.bias
        copies = x.columns // op.weight.shape[1]
        return _summed(x, constants, values.reshape(x.rows, copies * len(op.bias)), (copies, 1))

    def _conv(self, op: Conv, x: FloatField) -> FloatField:
        constants = self._weights_of(op)
        values = convolved(op, constants.weight, x.values)
        lead = x.columns // (op.channels * prod(op.spatial))
        bias = constants.bias[:, None].expand(values.shape[1:])
        if x.weights is not None:
            bias = x.weights.repeat_interleave(lead)[:, None, None] * bias
        return _summed(
            x, constants, values.add_(bias).reshape(x.rows, lead * prod(values.shape[1:])), (lead, values.shape[2])
        )

    def _scale(self, node: Node, op: Scale, x: FloatField) -> FloatField:
        factors, shift = self._broadcast(op.factor, node), self._broadcast(op.shift, node)
        values = x.values * factors + (shift if x.weights is None else x.weights[:, None] * shift)
        operations = 0 if not op.shift.any() and set(np.abs(op.factor).ravel().tolist()) <= {1.0} else 2
        return _entrywise(x, values, factors.abs(), shift.abs(), operations)

    def _divide(self, node: Node, op: Divide, x: FloatField) -> FloatField:
        divisor = self._broadcast(op.divisor, node)
        return _entrywise(x, x.values / divisor, (1 / divisor).abs() * ROUND_UP, torch.zeros_like(divisor), 2)

    def _gather(self, op: Gather, inputs: Sequence[FloatField]) -> FloatField:
        index = torch.as_tensor(op.index.ravel(), device=self.device)
        copies = int(np.bincount(op.index.ravel() + 1)[1:].max(initial=1))
        if len(inputs) > 1:
            values = taken(torch.cat([x.values for x in inputs], dim=1), index)
            error = row_norms(torch.stack([x.error for x in inputs], 1))
            sharp = fresh = None
            scaled = _of_all(inputs, torch.cat)
            scaled = None if scaled is None else scaled.take(index)
        else:
            x = inputs[0]
            whole = op.is_identity and op.index.size == x.columns
            values = x.values if whole else taken(x.values, index)
            error = x.error
            sharp, fresh = None if x.sharp is None else x.sharp.take(index), x.fresh
            scaled = None if x.scaled is None else x.scaled.take(index)
        zeros, error = _zeros_taken(inputs, index), lifted(error * (sqrt(copies) * ROUND_UP))
        return FloatField(values, error, sharp, fresh, inputs[0].weights, zeros, scaled=scaled)

    # ---- constants -------------------------------------------------------------------------------------------------
    def _weights_of(self, op: Dense | Conv) -> _WeightConstants:
        if op not in self._constants:
            weight = torch.as_tensor(op.weight, device=self.device)
            bias = torch.as_tensor(op.bias, device=self.device)
            self._constants[op] = _WeightConstants(weight, bias, partial(_norms_of, ref(op)))
        constants: _WeightConstants = self._constants[op]
        return constants

    def _pieces(self, op: Piecewise) -> _PieceConstants:
        if op not in self._constants:
            intercepts = op.intercepts.astype(np.float64)
            self._constants[op] = _PieceConstants(
                torch.as_tensor(op.breakpoints, device=self.device),
                torch.as_tensor(op.slopes, device=self.device),
                torch.as_tensor(intercepts, device=self.device),
                lipschitz=factor(float(np.abs(op.slopes).max())),
                rounds=not _is_exact(op.slopes, op.intercepts, intercepts),
                shifts=bool((op.intercepts != 0).any()),
            )
        constants: _PieceConstants = self._constants[op]
        return constants

    def _broadcast(self, values: NDArray[np.float64], node: Node) -> Tensor:
        return torch.as_tensor(np.broadcast_to(values, node.shape).ravel().copy(), device=self.device)


def _norms_of(op: ReferenceType[Dense | Conv], weight: Tensor) -> Norms:
    """The norms of an operator that is still there; nothing here keeps it."""
    operator = op()
    assert operator is not None
    return operator_norms(operator, weight)


_BLOCK = 1 << 18
"""Entries of the argument and the result of a matrix product at a time: both stay in the cache."""


def _product(constants: _WeightConstants, rows: Tensor) -> Tensor:
    """A matrix times each row, plus the bias."""
    outputs, inputs = constants.weight.shape
    values = room(len(rows), outputs, rows)
    step = max(64, _BLOCK // (outputs + inputs)) if rows.device.type == "cpu" else max(1, len(rows))
    for start in range(0, len(rows), step):
        checkpoint()
        part = slice(start, start + step)
        torch.addmm(constants.bias, rows[part], constants.weight.T, out=values[part])
    return values


def _streamed_product(constants: _WeightConstants, x: RectifiedRows) -> FloatField:
    """A matrix times rows that are made as it reads them, plus the bias."""
    outputs, inputs = constants.weight.shape
    values = room(x.rows, outputs, constants.weight)
    for part, rows in x.parts(max(64, _BLOCK // (outputs + inputs))):
        checkpoint()
        torch.addmm(constants.bias, rows, constants.weight.T, out=values[part])
    return _summed(FloatField(values[:0], x.error, norms=x.norms), constants, values, (1, 1))


def convolved(op: Conv, weight: Tensor, rows: Tensor) -> Tensor:
    """A convolution without its bias, (lead, O, places), by classical sums.

    Without cuDNN, which may use FFT or Winograd (oneDNN does not take float64).
    """
    images = rows.reshape(-1, op.channels, *op.spatial)
    padding = [before for before, _ in op.padding]
    if any(before != after for before, after in op.padding):
        images = torch.nn.functional.pad(images, [pad for pads in reversed(op.padding) for pad in pads])
        padding = [0] * len(padding)
    convolve = _CONVOLUTIONS[len(op.spatial) - 1]
    with torch.backends.cudnn.flags(enabled=False):
        return convolve(images, weight, None, op.stride, padding, op.dilation, op.groups).flatten(2)


_CONVOLUTIONS = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)


def _summed(x: FloatField, constants: _WeightConstants, values: Tensor, repeats: tuple[int, int]) -> FloatField:
    """Sums of products and a bias, with their bounds; each output stands ``repeats[0] * repeats[1]`` times in a row."""
    if x.unbounded or (constants.chooses and not bool(x.error.any())):
        return FloatField(values, x.error, weights=x.weights)
    outer, inner = repeats
    norms = row_norms(x.values) if x.norms is None else x.norms
    g = gamma(constants.terms + 2)
    rounding = g * (constants.norms.absolute * norms + sqrt(outer * inner) * constants.bias_norm)
    error = lifted((constants.norms.spectral * x.error + rounding) * ROUND_UP)
    column, floor = constants.row_norms, g * constants.bias.abs()
    if repeats != (1, 1):
        column, floor = (bound.repeat_interleave(inner).repeat(outer) for bound in (column, floor))
    fresh = lifted(g * norms)
    sharp = Sharp(lifted((x.error + g * norms) * ROUND_UP), column, floor, fresh)
    return FloatField(values, error, sharp, fresh, x.weights)


def _entrywise(x: FloatField, values: Tensor, factors: Tensor, shift: Tensor, operations: int) -> FloatField:
    """Entries times factors plus a shift (both given by magnitude), each rounded ``operations`` times, with bounds."""
    factors = lifted(factors)  # so that their products with other bounds do not underflow
    if x.sharp is None and operations == 2 and x.weights is None and not bool(x.error.any()):
        return _first_rounded(x, values, factors, shift)
    peak, norms, g = largest(factors), row_norms(x.values), gamma(operations)
    rounding = g * (peak * norms + float(row_norms(shift[None])[0]))
    error = lifted((peak * x.error + rounding) * ROUND_UP)
    zeros = None if shift.any() else x.zeros
    scaled = None if x.scaled is None else _entrywise_scaled(x.scaled, factors, shift, g)
    if scaled is not None:
        error = torch.minimum(error, _row_bound(scaled.sharp()))
    if x.sharp is None:
        return FloatField(values, error, weights=x.weights, zeros=zeros, scaled=scaled)
    sharp, size = x.sharp, g * norms if x.sharp.share is None else x.sharp.share
    made = Sharp(
        lifted((sharp.row + size) * ROUND_UP),
        lifted(factors * (sharp.column.clamp(min=1) if sharp.share is None else sharp.column) * ROUND_UP),
        lifted((2 * factors * sharp.floor + g * shift) * ROUND_UP),
        None if sharp.share is None else lifted(sharp.share * ROUND_UP),
    )
    fresh = None if x.fresh is None else lifted((x.fresh + size) * ROUND_UP)
    error = torch.minimum(error, _row_bound(made))
    return FloatField(values, error, made, fresh, x.weights, zeros, scaled=scaled)


def _first_rounded(x: FloatField, values: Tensor, factors: Tensor, shift: Tensor) -> FloatField:
    """Values that are exact times factors plus a shift: each entry is off by what its own size says, at most."""
    largest_of_each = x.values.abs().amax(dim=0) if x.rows else torch.zeros_like(factors)
    sizes = factors * lifted(largest_of_each) + shift
    row = torch.ones_like(x.error)
    sharp = Sharp(row, lifted(2 * gamma(2) * sizes), torch.zeros_like(sizes), row)
    zeros = None if bool(shift.any()) else x.zeros
    return FloatField(values, _row_bound(sharp), sharp, row, zeros=zeros)


def _row_bound(bound: Sharp) -> Tensor:
    """A bound on the 2-norms of rows from those on their entries."""
    column, floor = (row_norms(part[None])[0] for part in (bound.column, bound.floor))
    return lifted((bound.row * column + floor) * ROUND_UP)


def _entrywise_scaled(x: Scaled, factors: Tensor, shift: Tensor, rounding: float) -> Scaled:
    """Bounds of entries times factors plus a shift (both given by magnitude), each rounded by a share ``rounding``."""
    factors = lifted(factors)
    if not bool(shift.any()):
        scale = lifted(factors * x.scale * ROUND_UP)
        return Scaled(scale, lifted((x.error + rounding * x.size) * ROUND_UP), x.size)
    least = least_positive(x.size)
    size = torch.maximum(x.size, least)
    scale = lifted((factors * x.scale + lifted(shift) / least) * ROUND_UP)
    return Scaled(scale, lifted((x.error + rounding * size) * ROUND_UP), size * ROUND_UP)


def _piecewise_scaled(node: Node, constants: _PieceConstants, x: FloatField) -> Scaled | None:
    """The bounds of proofs/, Lemma 5 (b), entry by entry, of a function without intercepts; else none."""
    if x.scaled is None or bool(constants.intercepts.any()):
        return None
    steepest = per_unit(constants.slopes, node).abs().amax(dim=0)
    return _entrywise_scaled(x.scaled, steepest, torch.zeros_like(steepest), 4 * UNIT)


def _of_all(inputs: Sequence[FloatField], joined: Callable[[list[Tensor]], Tensor]) -> Scaled | None:
    """Bounds for what is made of entries of several fields, whose scales are ``joined``; None if one has none."""
    known = [x.scaled for x in inputs if x.scaled is not None]
    if len(known) < len(inputs):
        return None
    error, size = (torch.stack([getattr(x, name) for x in known]).amax(0) for name in ("error", "size"))
    return Scaled(joined([x.scale for x in known]), error, size)


def _weights(field: FloatField) -> Tensor:
    return torch.ones_like(field.error) if field.weights is None else field.weights


def _on_pieces(node: Node, constants: _PieceConstants, x: FloatField, pieces: Tensor) -> tuple[Tensor, Tensor]:
    """The values, and the bound of proofs/, Lemma 5 (b): with the piece of the stored value as with given pieces."""
    values = per_unit(constants.slopes, node).gather(0, pieces) * x.values
    shift = None
    if constants.shifts:
        shift = per_unit(constants.intercepts, node).gather(0, pieces)
        shift = shift if x.weights is None else shift * x.weights[:, None]
        values += shift
    if not constants.rounds and (shift is None or x.weights is None):
        return values, lifted(constants.lipschitz * x.error * ROUND_UP)
    sizes = constants.lipschitz * row_norms(x.values)
    if shift is not None:
        sizes += 2 * row_norms(shift)
    return values, lifted((constants.lipschitz * x.error + 4 * UNIT * sizes) * ROUND_UP)


def _is_exact(slopes: NDArray[np.float64], intercepts: NDArray[Any], rounded: NDArray[np.float64]) -> bool:
    """Whether float64 computes all pieces without rounding, whatever the argument."""
    plain = (slopes == 0) | ((np.abs(slopes) == 1) & (rounded == 0))
    return bool(plain.all()) and bool((intercepts == rounded).all())


def per_unit(values: Tensor, node: Node) -> Tensor:
    """Values (P + 1, *s) broadcast to (P + 1, node.size)."""
    lead = values.reshape(len(values), *(1,) * (len(node.shape) + 1 - values.ndim), *values.shape[1:])
    return lead.expand(len(values), *node.shape).reshape(len(values), node.size)


def _sum(op: Sum, inputs: Sequence[FloatField]) -> FloatField:
    values = sum(c * x.values for c, x in zip(op.coefficients, inputs, strict=True))
    assert isinstance(values, Tensor)
    error = sum(factor(c) * x.error for c, x in zip(op.coefficients, inputs, strict=True))
    assert isinstance(error, Tensor)
    sizes = torch.stack([factor(c) * row_norms(x.values) for c, x in zip(op.coefficients, inputs, strict=True)]).sum(0)
    if len(inputs) == 2 and {abs(c) for c in op.coefficients} == {1.0}:
        rounding = UNIT * row_norms(values)  # one rounding of the result itself: equal arguments cancel exactly
    else:
        rounding = gamma(len(inputs) + 1) * sizes
    bound = lifted((error + rounding) * ROUND_UP)
    scaled = _of_all(inputs, lambda scales: _weighted(op.coefficients, scales))
    if scaled is not None:
        scaled = replace(scaled, error=lifted((scaled.error + gamma(len(inputs) + 1) * scaled.size) * ROUND_UP))
    fresh = torch.minimum(bound, 8 * UNIT * sizes) if scaled is None else None
    return FloatField(values, bound, fresh=fresh, weights=inputs[0].weights, zeros=_all_zero(inputs), scaled=scaled)


def _weighted(coefficients: Sequence[float], scales: Sequence[Tensor]) -> Tensor:
    """The scale of a sum with coefficients."""
    total = torch.stack([factor(c) * scale for c, scale in zip(coefficients, scales, strict=True)]).sum(0)
    return lifted(total * ROUND_UP)


def _all_zero(inputs: Sequence[FloatField]) -> Tensor | None:
    """Where all inputs are known to be exactly zero."""
    known = [x.zeros for x in inputs if x.zeros is not None]
    return reduce(torch.logical_and, known) if len(known) == len(inputs) else None


def _zeros_taken(inputs: Sequence[FloatField], index: Tensor) -> Tensor | None:
    """Known zeros of the entries of all inputs by index; -1 is one."""
    if all(x.zeros is None for x in inputs):
        return None
    known = [x.values.new_zeros(x.values.shape, dtype=torch.bool) if x.zeros is None else x.zeros for x in inputs]
    taken = (known[0] if len(known) == 1 else torch.cat(known, dim=1)).index_select(1, index.clamp(min=0))
    missing = index < 0
    return taken.masked_fill_(missing, True) if bool(missing.any()) else taken
