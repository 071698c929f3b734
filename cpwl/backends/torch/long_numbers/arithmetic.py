"""Network operators on rows of long numbers, on given pieces, with a running error bound (proofs/, Lemma 10).

A row has at least one and a half times the digits of float64, so that the bound stays far below the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import prod, sqrt
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....network.network import Network, Node, table
from ....network.operators import Conv, Dense, Divide, Gather, Max, Op, Piecewise, Scale, Shape, Sum
from ....runtime.budget import checkpoint
from ..fields.field import ROUND_UP, gamma, lifted, row_norms, taken
from ..fields.norms import absolute_operator_norm, largest, operator_norms
from .digits import Digits, Factor, Grid, Levels, bits_for
from .windows import Windows


@dataclass(frozen=True, eq=False)
class ExtendedField:
    """Rows of long numbers with a bound on the 2-norm of each row's error."""

    digits: Digits
    error: Tensor
    """(rows,)"""
    weights: Tensor
    """Homogeneous weights of the rows: 1 for points, 0 for tangents, (rows,)."""
    zeros: Tensor
    """Entries known to be exactly zero, bool (rows, columns)."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.error)

    @property
    def columns(self) -> int:
        """The number of entries of a row."""
        return int(self.zeros.shape[1])

    def take(self, rows: Tensor) -> ExtendedField:
        """The field of the given rows."""
        digits = self.digits.of(lambda part: part[rows])
        return ExtendedField(digits, self.error[rows], self.weights[rows], self.zeros[rows])


@dataclass(frozen=True, eq=False)
class _Weights:
    """The digits of an operator's weights, and the norms that its bound needs."""

    factor: Factor
    bias: Factor
    rests: list[float]
    """Bounds on the 2-norms of the absolute values of ``factor.rests``."""
    stacks: list[Tensor | None]
    """``factor.terms(used)`` as one operator with more outputs, for each ``used``."""
    terms: int
    """Products in one entry of the result."""
    present: Tensor | None
    """1.0 where a weight is not zero, else 0.0: how many entries that are not zero go into an entry of the result.
    Of a matrix without zeros one row, for all outputs; of such a convolution ``windows`` say it."""
    windows: Windows | None = None
    """Of a convolution of one group. Where images are small, weights are those of windows."""


_MUCH = 1 << 18
"""Weights of an operator, of which several copies are a lot of memory."""

_AT_ONCE = 1 << 21
"""Weights of a matrix that are split into digits at once."""

_known: WeakKeyDictionary[Network, dict[int, ExtendedArithmetic]] = WeakKeyDictionary()


class ExtendedArithmetic:
    """The operators of one network on rows of ``count`` parts."""

    @classmethod
    def of(cls, network: Network, count: int) -> ExtendedArithmetic:
        """The one that all partitions of a network share."""
        known = _known.setdefault(network, {})
        if count not in known:
            known[count] = cls(network, count)
        return known[count]

    def __init__(self, network: Network, count: int) -> None:
        self.grid = Grid(bits_for(max(map(_terms, network.nodes)), count), count)
        self._constants: WeakKeyDictionary[Op, Any] = WeakKeyDictionary()
        self._tables: dict[tuple[Piecewise, Shape], tuple[Factor, Factor | None]] = {}
        self._inverses: dict[tuple[Divide, Shape], Factor] = {}

    def rows(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> ExtendedField:
        """Rows of float64 numbers, exactly."""
        tensor = torch.as_tensor(np.ascontiguousarray(values))
        error = torch.zeros(len(tensor), dtype=torch.float64)
        return ExtendedField(self.grid.digits(tensor), error, torch.as_tensor(weights), tensor == 0)

    def linear(self, node: Node, inputs: Sequence[ExtendedField]) -> ExtendedField:
        """The output of a linear node."""
        return self.linear_of_all(node, [inputs])[0]

    def linear_of_all(self, node: Node, many: Sequence[Sequence[ExtendedField]]) -> list[ExtendedField]:
        """The outputs of a linear node for several lists of inputs; those of a large matrix part by part."""
        op = node.op
        if isinstance(op, Dense) and op.weight.size > _AT_ONCE and op.weight.shape[1] == many[0][0].zeros.shape[1]:
            return self._dense_in_parts(op, [x for (x,) in many])
        return [self._linear(node, inputs) for inputs in many]

    def _linear(self, node: Node, inputs: Sequence[ExtendedField]) -> ExtendedField:
        match node.op:
            case Dense():
                return self._dense(node.op, inputs[0])
            case Conv():
                return self._conv(node.op, inputs[0])
            case Scale():
                factors, shift = (_filled(values, node) for values in (node.op.factor, node.op.shift))
                return self._scaled(inputs[0], self.grid.split(factors), self.grid.split(shift))
            case Divide():
                return self._scaled(inputs[0], self._inverse(node), None)
            case Sum():
                return self._sum(node.op, inputs)
            case Gather():
                return self._gathered(node.op, inputs)
        raise TypeError(f"{type(node.op).__name__} is not a linear operator")

    def on_pieces(self, node: Node, x: ExtendedField, pieces: Tensor) -> ExtendedField:
        """The output of a nonlinear node on given pieces (rows, node.size), or (1, node.size) for all rows."""
        if isinstance(node.op, Max):
            index = pieces[:, :, None]
            chosen = partial(_chosen, index=index)
            return replace(x, digits=x.digits.of(chosen), zeros=chosen(x.zeros))
        assert isinstance(node.op, Piecewise), node.op
        if node.op.slopes.ndim == 1 and set(node.op.slopes.tolist()) <= {0.0, 1.0} and not node.op.intercepts.any():
            return masked(x, torch.as_tensor(node.op.slopes)[pieces])
        slopes, intercepts = self._pieces(node)
        slope = slopes.of(lambda table: table.gather(0, pieces))
        shift = None if intercepts is None else intercepts.of(lambda table: table.gather(0, pieces))
        if (
            shift is None
            and not slopes.rests[1].any()
            and bool(((slopes.rests[0] == 0) | (slopes.rests[0] == 1)).all())
        ):
            return masked(x, slope.rests[0])
        return self._scaled(x, slope, shift)

    # ---- linear operators ------------------------------------------------------------------------------------------
    def _dense(self, op: Dense, x: ExtendedField) -> ExtendedField:
        constants = self._weights_of(op)
        outputs, inputs = op.weight.shape

        def apply(part: Tensor, stack: Tensor) -> list[Tensor]:
            products = part.reshape(-1, inputs) @ stack.T
            lead = part.shape[1] // inputs
            return [value.reshape(len(part), lead * value.shape[1]) for value in torch.split(products, outputs, dim=1)]

        return self._summed(x, op, constants, apply, (x.zeros.shape[1] // inputs, 1))

    def _dense_in_parts(self, op: Dense, fields: Sequence[ExtendedField]) -> list[ExtendedField]:
        """A matrix times rows, some outputs at a time: digits of all weights would take many times their memory."""
        step = max(1, _AT_ONCE // op.weight.shape[1])
        parts: list[list[ExtendedField]] = [[] for _ in fields]
        for start in range(0, len(op.bias), step):
            checkpoint()
            part = Dense(op.weight[start : start + step], op.bias[start : start + step])
            for x, made in zip(fields, parts, strict=True):
                made.append(self._dense(part, replace(x, error=torch.zeros_like(x.error))))
        return [self._of_parts(op, x, made) for x, made in zip(fields, parts, strict=True)]

    def _of_parts(self, op: Dense, x: ExtendedField, parts: Sequence[ExtendedField]) -> ExtendedField:
        """The outputs of the parts of a matrix, one after the other, with the error that x brings along."""
        digits, rounding = self._joined(parts)
        fresh = row_norms(torch.stack([part.error for part in parts], 1))
        lipschitz = _spectral(op) if bool(x.error.any()) else 0.0
        error = lifted((lipschitz * x.error + fresh + rounding) * ROUND_UP)
        return ExtendedField(digits, error, x.weights, torch.cat([part.zeros for part in parts], 1))

    def _conv(self, op: Conv, x: ExtendedField) -> ExtendedField:
        constants = self._weights_of(op)
        size, places = op.channels * prod(op.spatial), prod(op.output_spatial)

        def apply(part: Tensor, stack: Tensor) -> list[Tensor]:
            images = part.reshape(-1, size)
            terms = _convolved(op, constants.windows, images, stack)
            terms = terms.reshape(len(images), op.groups, -1, len(op.bias) // op.groups, places)
            lead = part.shape[1] // size
            return [value.reshape(len(part), lead * prod(value.shape[1:])) for value in terms.unbind(2)]

        return self._summed(x, op, constants, apply, (x.zeros.shape[1] // size, places))

    def _summed(
        self,
        x: ExtendedField,
        op: Dense | Conv,
        constants: _Weights,
        apply: Callable[[Tensor, Tensor], list[Tensor]],
        repeats: tuple[int, int],
    ) -> ExtendedField:
        """Sums of products and a bias; each output stands ``repeats[0] * repeats[1]`` times in a row.

        ``apply`` multiplies rows by operators that stand one above the other.
        """
        outer, inner = repeats

        def products(part: Tensor, used: int) -> list[Tensor]:
            checkpoint()
            stack = constants.stacks[used]
            return [] if stack is None else apply(part, stack)

        bias = constants.bias.of(lambda term: term.repeat_interleave(inner).repeat(outer))
        levels = self.grid.product(constants.factor, x.digits, products).plus(self.grid.constant(bias, x.weights))
        sizes = self._sizes(x, constants.factor, constants.rests)
        sizes = sizes + float(row_norms(bias.rests[-1][None])[0])
        zeros = None
        if bool(x.zeros.any()):
            vanishing = self._vanishing(~x.zeros, constants, apply, len(op.bias))
            zeros = vanishing & ((bias.rests[0] == 0) | (x.weights == 0)[:, None])
        lipschitz = _spectral(op) if bool(x.error.any()) else 0.0
        return self._normal(levels, x, lipschitz, sizes, constants.terms, zeros)

    @staticmethod
    def _vanishing(
        there: Tensor, constants: _Weights, apply: Callable[[Tensor, Tensor], list[Tensor]], outputs: int
    ) -> Tensor:
        """Which sums have no argument that may be other than zero, where these are ``there``, bool (rows, columns)."""
        if constants.present is None:
            assert constants.windows is not None
            held = constants.windows.held(there)
            return ~held[:, None].expand(-1, outputs, -1).reshape(len(there), -1)
        (others,) = apply(there.to(torch.float64), constants.present)
        return (others == 0).repeat_interleave(outputs // len(constants.present), dim=1)

    def _scaled(self, x: ExtendedField, factors: Factor, shift: Factor | None) -> ExtendedField:
        """Entries times factors plus a shift."""
        levels = self.grid.product(factors, x.digits, lambda part, used: [part * f for f in factors.terms(used)])
        rests = [largest(rest.abs()) for rest in factors.rests]
        sizes = self._sizes(x, factors, rests)
        zeros = x.zeros | (factors.rests[0] == 0)
        if shift is not None:
            levels = levels.plus(self.grid.constant(shift, x.weights))
            sizes = sizes + row_norms(shift.rests[-1].reshape(-1, x.zeros.shape[1]))
            zeros = zeros & ((shift.rests[0] == 0) | (x.weights == 0)[:, None])
        return self._normal(levels, x, rests[0], sizes, 1, zeros)

    def _sizes(self, x: ExtendedField, factors: Factor, rests: list[float]) -> Tensor:
        """What the float64 products of ``Grid.product`` amount to, row by row."""
        used = [factors.used(x.digits.count - 1 - k) for k in range(x.digits.count)]
        sizes = torch.zeros_like(x.error)
        for u, part in zip(used, x.digits.parts, strict=True):
            if rests[u]:
                sizes = sizes + rests[u] * row_norms(part)
        return sizes

    def _normal(
        self, levels: Levels, x: ExtendedField, lipschitz: float, sizes: Tensor, terms: int, zeros: Tensor | None = None
    ) -> ExtendedField:
        """The field of a sum: ``sizes`` bounds, by row, the magnitudes of what went into its rest in float64."""
        digits, rounding = self.grid.normal(levels)
        error = lipschitz * x.error + gamma(terms + self.grid.count + 8) * sizes + rounding
        known = torch.zeros(digits.parts[0].shape, dtype=torch.bool) if zeros is None else zeros
        return ExtendedField(digits, lifted(error * ROUND_UP), x.weights, known)

    def _sum(self, op: Sum, inputs: Sequence[ExtendedField]) -> ExtendedField:
        terms = [self._times(c, x) for c, x in zip(op.coefficients, inputs, strict=True)]
        levels = [self.grid.levels(x.digits) for x in terms]
        total = levels[0]
        for other in levels[1:]:
            total = total.plus(other)
        sizes = torch.stack([row_norms(x.digits.parts[-1]) for x in terms]).sum(0)
        error = torch.stack([x.error for x in terms]).sum(0)
        zeros = torch.stack([x.zeros for x in terms]).all(0)
        return self._normal(total, replace(terms[0], error=error), 1.0, sizes, len(terms), zeros)

    def _times(self, coefficient: float, x: ExtendedField) -> ExtendedField:
        if abs(coefficient) == 1:
            return replace(x, digits=x.digits.of(lambda part: part * coefficient))
        return self._scaled(x, self.grid.split(torch.tensor([coefficient], dtype=torch.float64)), None)

    def _gathered(self, op: Gather, inputs: Sequence[ExtendedField]) -> ExtendedField:
        index = torch.as_tensor(op.index.ravel())
        copies = int(np.bincount(op.index.ravel() + 1)[1:].max(initial=1))
        error = row_norms(torch.stack([x.error for x in inputs], 1))
        zeros = taken(torch.cat([x.zeros for x in inputs], 1), index) | (index < 0)
        if len(inputs) == 1:
            digits, rounding = inputs[0].digits, torch.zeros_like(error)
        else:
            digits, rounding = self._joined(inputs)
        digits = digits.of(lambda part: taken(part, index))
        error = lifted((error + rounding) * (sqrt(copies) * ROUND_UP))
        return ExtendedField(digits, error, inputs[0].weights, zeros)

    def _joined(self, inputs: Sequence[ExtendedField]) -> tuple[Digits, Tensor]:
        """The columns of several fields, one after the other, on one grid."""
        levels = [self.grid.levels(x.digits) for x in inputs]
        positions = {position for part in levels for position in part.at}
        empty = [torch.zeros_like(part.rest) for part in levels]
        at = {
            p: torch.cat([part.at.get(p, zero) for part, zero in zip(levels, empty, strict=True)], 1) for p in positions
        }
        return self.grid.normal(Levels(at, torch.cat([part.rest for part in levels], 1)))

    def forget(self, op: Op) -> None:
        """Drops what is kept of an operator, if it is much: several copies of its weights."""
        if isinstance(op, (Dense, Conv)) and op.weight.size > _MUCH:
            self._constants.pop(op, None)

    # ---- constants -------------------------------------------------------------------------------------------------
    def _weights_of(self, op: Dense | Conv) -> _Weights:
        known: _Weights | None = self._constants.get(op)
        if known is None:
            weight, bias = torch.as_tensor(op.weight), torch.as_tensor(op.bias)
            groups = op.groups if isinstance(op, Conv) else 1
            windows = Windows(op) if isinstance(op, Conv) and groups == 1 else None
            if windows is not None and windows.are_few:
                weight = windows.weights(weight)
            terms = self.grid.split(weight)
            known = self._constants[op] = _Weights(
                terms,
                self.grid.split(bias),
                [absolute_operator_norm(op, _kernels(op, windows, rest)) for rest in terms.rests],
                [_stacked(terms.terms(used), groups) for used in range(len(terms.digits) + 1)],
                prod(weight.shape[1:]),
                _present(op, weight, windows),
                windows,
            )
        return known

    def _inverse(self, node: Node) -> Factor:
        """The reciprocals of a node's divisors, (units,)."""
        assert isinstance(node.op, Divide)
        key = node.op, node.shape
        if key not in self._inverses:
            inverse = np.vectorize(lambda d: 1 / Fraction(d), otypes=[object])(node.op.divisor)
            self._inverses[key] = self.grid.split_fractions(np.broadcast_to(inverse, node.shape).ravel())
        return self._inverses[key]

    def _pieces(self, node: Node) -> tuple[Factor, Factor | None]:
        """The tables (P + 1, units) of slopes and, unless all are zero, of intercepts."""
        assert isinstance(node.op, Piecewise)
        op = node.op
        key = op, node.shape
        if key not in self._tables:
            slopes, intercepts = (table(values, node) for values in (op.slopes, op.intercepts))
            shift = self.grid.split_fractions(intercepts) if intercepts.any() else None
            self._tables[key] = self.grid.split(torch.as_tensor(slopes.copy())), shift
        return self._tables[key]


_CONVOLUTIONS = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)


def _convolved(op: Conv, windows: Windows | None, images: Tensor, stack: Tensor) -> Tensor:
    """Images times a stack of weights, (images, outputs, places)."""
    if windows is not None:
        held = windows.held(images)
        if windows.are_few:
            return windows.product(images, held, stack)
        if windows.sparse(held):
            return windows.product(images, held, windows.weights(stack))
    pads = [pad for axis in reversed(op.padding) for pad in axis]
    padded = torch.nn.functional.pad(images.reshape(-1, op.channels, *op.spatial), pads)
    convolve = _CONVOLUTIONS[len(op.spatial) - 1]
    return convolve(padded, stack, None, op.stride, 0, op.dilation, op.groups).flatten(2)


def _kernels(op: Dense | Conv, windows: Windows | None, weight: Tensor) -> Tensor:
    """Weights as those of the operator are laid out, up to the shape of a kernel."""
    return weight if windows is None or not windows.are_few else windows.kernels(weight)


def _present(op: Dense | Conv, weight: Tensor, windows: Windows | None) -> Tensor | None:
    """Which weights are not zero: see ``_Weights``."""
    full = bool(weight.all())
    if full and windows is not None:
        return None
    return (weight[:1] if full and isinstance(op, Dense) else weight).ne(0).to(torch.float64)


def _terms(node: Node) -> int:
    """Products in one entry of a node's output."""
    return prod(node.op.weight.shape[1:]) if isinstance(node.op, (Dense, Conv)) else 1


def _spectral(op: Dense | Conv) -> float:
    """A bound on the 2-norm of an operator."""
    return operator_norms(op, torch.as_tensor(op.weight)).spectral


def _stacked(terms: list[Tensor], groups: int) -> Tensor | None:
    """Weights of the same shape one after the other, within each group of outputs; None for none."""
    if not terms:
        return None
    blocks = [term.reshape(groups, len(term) // groups, *term.shape[1:]) for term in terms]
    return torch.stack(blocks, 1).reshape(-1, *terms[0].shape[1:])


def _chosen(values: Tensor, index: Tensor) -> Tensor:
    groups = values.reshape(len(values), index.shape[1], values.shape[1] // index.shape[1])
    return groups.gather(2, index.expand(len(values), -1, -1))[:, :, 0]


def masked(x: ExtendedField, slope: Tensor) -> ExtendedField:
    """Entries times 0.0 or 1.0, exactly."""
    return replace(x, digits=x.digits.of(lambda part: part * slope), zeros=x.zeros | (slope == 0))


def _filled(values: NDArray[np.float64], node: Node) -> Tensor:
    return torch.as_tensor(np.broadcast_to(values, node.shape).ravel().copy())
