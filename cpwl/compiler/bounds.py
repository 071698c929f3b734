"""A network evaluated in plain float64, with a bound on the rounding error of that and of every similar evaluation.

The bound holds for every evaluation of the same functions in which a sum of n products is formed in any order, with at
most ``EXTRA`` further roundings an operator (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section
3.1: such a sum is off by at most gamma_n times the sum of the absolute values, gamma_n = n u / (1 - n u)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import frexp
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..network.network import Network, Node
from ..network.operators import Conv, Dense, Divide, Gather, Max, Periodic, Piecewise, Scale, Sum

# Roundings of an operator beyond those of its sum: batch norm, the longest, takes four for its scale and four to apply
# it, where the network's own scale is rounded once; a constant computed in two ways may differ by some more.
EXTRA = 16
# The bound is itself computed with rounding, of relative size at most that of a sum of 2^20 terms.
ROUND_UP = 1 + 2.0**-32


NO_SLACK: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True)
class Precision:
    """A floating-point format: the unit roundoff, the smallest positive number, and a bound that no number reaches."""

    unit: float
    smallest: float
    overflow: float

    @classmethod
    def of(cls, dtype: torch.dtype) -> Precision:
        """That of a floating-point type of torch."""
        kind = torch.finfo(dtype)
        overflow = float("inf") if kind.bits == 64 else 2.0 ** frexp(kind.max)[1]
        return cls(kind.eps / 2, kind.smallest_normal * kind.eps, overflow)


DOUBLE, SINGLE = Precision.of(torch.float64), Precision.of(torch.float32)


@dataclass(frozen=True, eq=False)
class Bounded:
    """Values (S, *shape) of S samples; any admissible evaluation is within ``error`` of the exact function's values."""

    value: Tensor
    error: Tensor
    precision: Precision = DOUBLE

    @property
    def magnitude(self) -> Tensor:
        """An upper bound on the absolute value that any admissible evaluation computes."""
        return self.value.abs() + 2 * self.error

    def rounding(self, terms: int) -> float:
        """gamma of a sum of so many terms."""
        n = (terms + EXTRA) * self.precision.unit
        return n / (1 - n) if n < 1 else float("inf")


def evaluate(
    network: Network, points: Tensor, precision: Precision = DOUBLE, slack: Mapping[int, float] = NO_SLACK
) -> Iterator[tuple[int, Bounded]]:
    """The index and the values of one node after the other at points (S, *input_shape), with their bounds.

    ``precision`` is that of the evaluations which the bound is about. ``slack`` names nodes whose arguments these
    evaluations may moreover change by that part of the largest entry. Values that no later node reads are let go.
    """
    start = points.reshape(-1, *network.input_shape).to(torch.float64)
    live = {0: Bounded(start, torch.zeros_like(start), precision)}
    yield 0, live[0]
    for i, node in enumerate(network.nodes[1:], start=1):
        inputs = [live[j] for j in node.inputs]
        if i in slack:
            inputs = [_loosened(x, slack[i]) for x in inputs]
        live[i] = _RULES[type(node.op)](node, node.op, inputs)
        yield i, live[i]
        for j in (*node.inputs, i):
            if network.last_use[j] <= i:
                live.pop(j, None)


def _loosened(x: Bounded, part: float) -> Bounded:
    largest = x.magnitude.flatten(1).amax(dim=1).reshape(-1, *[1] * (x.value.ndim - 1))
    return Bounded(x.value, x.error + part * largest, x.precision)


def _rounded(x: Bounded, value: Tensor, error: Tensor, terms: int) -> Bounded:
    """An operator's value, and its error: rounded up, and with what underflow may add; infinite where it may overflow.

    No partial sum is larger than the error divided by gamma, which the error contains as a factor.
    """
    total = (error + (terms + EXTRA) * x.precision.smallest) * ROUND_UP
    overflows = total / x.rounding(terms) + value.abs() >= x.precision.overflow
    return Bounded(value, total.masked_fill(overflows, float("inf")), x.precision)


def _dense(node: Node, op: Dense, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    weight, bias = torch.from_numpy(op.weight), torch.from_numpy(op.bias)
    terms = weight.shape[1] + 1
    gamma = x.rounding(terms)
    error = (x.error + gamma * x.magnitude) @ weight.abs().T + gamma * bias.abs()
    return _rounded(x, x.value @ weight.T + bias, error, terms)


def _conv(node: Node, op: Conv, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    weight, bias = torch.from_numpy(op.weight), torch.from_numpy(op.bias)
    gamma = x.rounding(op.terms + 1)
    error = _convolved(node, op, x.error + gamma * x.magnitude, weight.abs(), gamma * bias.abs())
    return _rounded(x, _convolved(node, op, x.value, weight, bias), error, op.terms + 1)


def _convolved(node: Node, op: Conv, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    images = x.reshape(-1, op.channels, *op.spatial)
    images = torch.nn.functional.pad(images, [pad for pads in reversed(op.padding) for pad in pads])
    convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[weight.ndim - 3]
    return convolve(images, weight, bias, op.stride, 0, op.dilation, op.groups).reshape(len(x), *node.shape)


def _scale(node: Node, op: Scale, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    factor, shift = torch.from_numpy(op.factor), torch.from_numpy(op.shift)
    error = factor.abs() * (x.error + x.rounding(2) * x.magnitude) + x.rounding(2) * shift.abs()
    return _rounded(x, factor * x.value + shift, error, 2)


def _divide(node: Node, op: Divide, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    divisor = torch.from_numpy(op.divisor)
    return _rounded(x, x.value / divisor, (x.error + x.rounding(2) * x.magnitude) / divisor.abs(), 2)


def _sum(node: Node, op: Sum, inputs: Sequence[Bounded]) -> Bounded:
    x = inputs[0]
    gamma = x.rounding(len(inputs))
    values = torch.stack([c * y.value for c, y in zip(op.coefficients, inputs, strict=True)])
    errors = (abs(c) * (y.error + gamma * y.magnitude) for c, y in zip(op.coefficients, inputs, strict=True))
    return _rounded(x, values.sum(0), torch.stack(list(errors)).sum(0), len(inputs))


def _gather(node: Node, op: Gather, inputs: Sequence[Bounded]) -> Bounded:
    index = torch.from_numpy(op.index)

    def entries(parts: list[Tensor]) -> Tensor:
        flat = torch.cat([part.reshape(len(part), -1) for part in parts], dim=1)
        return flat[:, index.clamp(min=0)].masked_fill(index < 0, 0.0)

    return Bounded(entries([x.value for x in inputs]), entries([x.error for x in inputs]), inputs[0].precision)


def _piecewise(node: Node, op: Piecewise, inputs: Sequence[Bounded]) -> Bounded:
    """The value at the first breakpoint and, piece by piece, slope times the part of the way that lies in the piece."""
    (x,) = inputs
    slopes = torch.from_numpy(op.slopes)
    value = torch.full_like(x.value, op.value) + slopes[0] * (x.value - op.breakpoints[0]).clamp(max=0)
    ends = [*op.breakpoints[1:].tolist(), float("inf")]
    for slope, low, high in zip(slopes[1:], op.breakpoints.tolist(), ends, strict=True):
        value = value + slope * (x.value.clamp(low, high) - low)
    steepest = slopes.abs().amax(dim=0)
    gamma = x.rounding(len(slopes) + 1)
    sizes = x.magnitude + np.abs(op.breakpoints).max()
    return _rounded(x, value, steepest * (x.error + gamma * sizes) + gamma * abs(op.value), len(slopes) + 1)


def _periodic(node: Node, op: Periodic, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    finite = torch.where(x.value.isfinite(), x.value, 0.0)
    low, high = (Fraction(float(extreme)) for extreme in (finite.min(), finite.max()))
    unrolled = op.unrolled(low, high)
    return _piecewise(replace(node, op=unrolled), unrolled, inputs)


def _max(node: Node, op: Max, inputs: Sequence[Bounded]) -> Bounded:
    (x,) = inputs
    return Bounded(x.value.amax(dim=-1), x.error.amax(dim=-1), x.precision)


_RULES: dict[type, Callable[[Node, Any, Sequence[Bounded]], Bounded]] = {
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
