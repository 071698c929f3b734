"""Piecewise-linear activations and maxima."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isinf

import numpy as np
import torch

from ...errors import UnsupportedLayerError
from ...network.operators import RELU, Periodic, Piecewise
from ..builder import Builder, Constant, Handler, Operand, Result, Value, array, entries
from .linear import axes_of, group, negate, sum_over


def relu(b: Builder, x: Value) -> Value:
    """max(x, 0)."""
    return b.pointwise(RELU, x)


def leaky_relu(b: Builder, x: Value, slope: float = 0.01) -> Value:
    """x for x >= 0, slope * x below."""
    return b.pointwise(Piecewise(np.zeros(1), np.array([float(slope), 1.0])), x)


def random_relu(
    b: Builder, x: Value, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, generator: object = None
) -> Value:
    """In eval mode the leaky ReLU with the mean slope."""
    if training:
        raise UnsupportedLayerError("it draws its slopes at random, as in train mode")
    return leaky_relu(b, x, (lower + upper) / 2)


def channel_relu(b: Builder, x: Value, weight: Operand) -> Value:
    """PReLU: a slope for negative x, shared or one a channel (axis 1)."""
    if isinstance(weight, Value):
        raise UnsupportedLayerError("its slopes depend on the input")
    below = array(weight)
    if below.size == 1:
        return leaky_relu(b, x, below.item())
    below = b.fit(below.reshape((1, -1) + (1,) * (len(x.shape) - 2)), x)
    return b.pointwise(Piecewise(np.zeros(1), np.stack([below, np.ones_like(below)])), x)


def absolute(b: Builder, x: Value) -> Value:
    """|x|."""
    return b.pointwise(Piecewise(np.zeros(1), np.array([-1.0, 1.0])), x)


def hardtanh(b: Builder, x: Value, low: float = -1.0, high: float = 1.0) -> Value:
    """min(max(x, low), high)."""
    return clamp(b, x, low, high)


def hard_sigmoid(b: Builder, x: Value) -> Value:
    """min(max(x + 3, 0), 6) / 6, divided exactly."""
    return b.divide(b.pointwise(Piecewise(np.array([-3.0, 3.0]), np.array([0.0, 1.0, 0.0])), x), 6.0)


def threshold(b: Builder, x: Value, bound: float, value: float) -> Value:
    """x where x > bound, else value: continuous, and then max(x, bound), when they are equal."""
    if bound != value:
        raise UnsupportedLayerError(f"it jumps at {bound} to {value}: not continuous")
    return clamp(b, x, bound)


def piecewise(b: Builder, x: Value, breakpoints: Sequence[float], slopes: Sequence[float], value: float) -> Value:
    """``cpwl.nn.PiecewiseLinear``."""
    return b.pointwise(Piecewise(np.array(breakpoints), np.array(slopes), value), x)


def periodic(
    b: Builder, x: Value, period: float, breakpoints: Sequence[float], slopes: Sequence[float], value: float
) -> Value:
    """``cpwl.nn.Periodic``."""
    return b.pointwise(Periodic(period, np.array(breakpoints), np.array(slopes), value), x)


def clamp(b: Builder, x: Value, low: Constant | None = None, high: Constant | None = None) -> Value:
    """min(max(x, low), high), where a missing or infinite bound bounds nothing."""
    lower, upper = _bound(low, -inf), _bound(high, inf)
    if isinstance(lower, float) and isinstance(upper, float):
        return _clamp_between(b, x, lower, upper)
    raised = x if low is None else maximum(b, x, low)
    return raised if high is None else minimum(b, raised, high)


def _clamp_between(b: Builder, x: Value, low: float, high: float) -> Value:
    if low >= high:
        return b.scale(x, 0.0, high)
    points = [bound for bound in (low, high) if not isinf(bound)]
    if not points:
        return x
    slopes = [*([] if isinf(low) else [0.0]), 1.0, *([] if isinf(high) else [0.0])]
    return b.pointwise(Piecewise(np.array(points), np.array(slopes), points[0]), x)


def _bound(bound: Constant | None, missing: float) -> float | torch.Tensor:
    """A bound as one number when it is one, however it was written."""
    if bound is None:
        return missing
    if isinstance(bound, Value):
        raise UnsupportedLayerError("its bounds depend on the input; use torch.minimum and torch.maximum")
    tensor = torch.as_tensor(bound, dtype=torch.float64)
    if tensor.isnan().any():
        raise UnsupportedLayerError("a bound is NaN")
    return tensor.item() if tensor.numel() == 1 and tensor.ndim == 0 else tensor


def maximum(b: Builder, x: Operand, y: Operand) -> Value:
    """max(x, y): a maximum of pairs, or of x and a constant: y + relu(x - y), which is exact."""
    if not isinstance(x, Value):
        return maximum(b, y, x)
    if isinstance(y, Value):
        return _largest_of_pair(b, x, y)
    bound = _bound(y, -inf)
    if isinstance(bound, float):
        return _clamp_between(b, x, bound, inf)
    return b.scale(relu(b, b.scale(x, shift=-bound)), shift=bound)


def minimum(b: Builder, x: Operand, y: Operand) -> Value:
    """min(x, y): a maximum of negated pairs, or of x and a constant: y - relu(y - x), which is exact."""
    if not isinstance(x, Value):
        return minimum(b, y, x)
    if isinstance(y, Value):
        return negate(b, _largest_of_pair(b, negate(b, x), negate(b, y)))
    bound = _bound(y, inf)
    if isinstance(bound, float):
        return _clamp_between(b, x, -inf, bound)
    return b.scale(relu(b, b.scale(x, -1.0, bound)), -1.0, bound)


def _largest_of_pair(b: Builder, x: Value, y: Value) -> Value:
    first, second = b.together(x, y)
    index = entries(first)
    return b.max_groups([first, second], torch.stack([index, index + index.numel()], dim=-1).numpy())


def largest(b: Builder, x: Value, dims: Sequence[int] | int | None = None, keepdim: bool = False) -> Value:
    """The maximum over some axes (all when none is given)."""
    groups, shape = group(x, dims, keepdim)
    if groups.shape[-1] == 1:
        return b.gather([x], groups.reshape(shape))
    return b.reshape(b.max_groups([x], groups), shape)


def smallest(b: Builder, x: Value, dims: Sequence[int] | int | None = None, keepdim: bool = False) -> Value:
    """The minimum over some axes (all when none is given)."""
    return negate(b, largest(b, negate(b, x), dims, keepdim))


def norm(
    b: Builder,
    x: Value,
    order: float = 2,
    dims: Sequence[int] | int | None = None,
    keepdim: bool = False,
    *,
    dtype: object = None,
) -> Value:
    """The sum, the largest or the smallest of the absolute values over some axes: the norms of order 1, inf, -inf."""
    if order == 1:
        return sum_over(b, absolute(b, x), axes_of(x, dims), keepdim)
    if isinf(order):
        return (largest if order > 0 else smallest)(b, absolute(b, x), dims, keepdim)
    raise UnsupportedLayerError(f"a norm of order {order} is curved, not piecewise linear")


def largest_with_index(b: Builder, x: Value, dim: int, keepdim: bool = False) -> Result:
    """The maximum over an axis; where it is attained is no piecewise-linear function, and cannot be used."""
    return (largest(b, x, dim, keepdim), None)


def smallest_with_index(b: Builder, x: Value, dim: int, keepdim: bool = False) -> Result:
    """The minimum over an axis; as for the maximum, where it is attained cannot be used."""
    return (smallest(b, x, dim, keepdim), None)


HANDLERS: dict[str, Handler] = {
    "aten.relu.default": relu,
    "aten.leaky_relu.default": leaky_relu,
    "aten.rrelu.default": random_relu,
    "aten.prelu.default": channel_relu,
    "aten._prelu_kernel.default": channel_relu,
    "aten.abs.default": absolute,
    "aten.hardtanh.default": hardtanh,
    "aten.relu6.default": lambda b, x: clamp(b, x, 0.0, 6.0),
    "aten.hardsigmoid.default": hard_sigmoid,
    "aten.threshold.default": threshold,
    "cpwl.piecewise_linear.default": piecewise,
    "cpwl.periodic.default": periodic,
    "aten.maximum.default": maximum,
    "aten.fmax.default": maximum,
    "aten.fmin.default": minimum,
    "aten.max.other": maximum,
    "aten.minimum.default": minimum,
    "aten.min.other": minimum,
    "aten.linalg_vector_norm.default": norm,
    "aten.max.default": largest,
    "aten.min.default": smallest,
    "aten.amax.default": largest,
    "aten.amin.default": smallest,
    "aten.max.dim": largest_with_index,
    "aten.min.dim": smallest_with_index,
}
for _name in ("clamp.default", "clamp.Tensor", "clip.default", "clip.Tensor"):
    HANDLERS[f"aten.{_name}"] = clamp
for _name in ("default", "Tensor"):
    HANDLERS[f"aten.clamp_min.{_name}"] = lambda b, x, low: clamp(b, x, low)
    HANDLERS[f"aten.clamp_max.{_name}"] = lambda b, x, high: clamp(b, x, None, high)
