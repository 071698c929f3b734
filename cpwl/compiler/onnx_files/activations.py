"""Piecewise-linear activations, maxima and minima."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from ...network.operators import Piecewise
from ..builder import Builder, Value, entries
from ..operators import nonlinear as shared
from ..operators.linear import negate
from .call import Call, Handler, Result, bounded, broadcast
from .graph import Array


def relu(call: Call) -> Result:
    """max(x, 0)."""
    return shared.relu(call.builder, call.value())


def leaky_relu(call: Call) -> Result:
    """x for x >= 0, alpha x below."""
    return shared.leaky_relu(call.builder, call.value(), call.number("alpha", 0.01))


def prelu(call: Call) -> Result:
    """x for x >= 0, slope x below; the slopes broadcast to x."""
    x, slope = call.value(), call.needed(1)
    if np.broadcast_shapes(slope.shape, x.shape) != x.shape:
        raise FileFormatError(f"slopes of shape {slope.shape} do not broadcast to an input of shape {x.shape}")
    if slope.size == 1:
        return shared.leaky_relu(call.builder, x, slope.item())
    below = call.builder.fit(slope, x)
    return call.builder.pointwise(Piecewise(np.zeros(1), np.stack([below, np.ones_like(below)])), x)


def absolute(call: Call) -> Result:
    """|x|."""
    return shared.absolute(call.builder, call.value())


def clip(call: Call) -> Result:
    """min(max(x, low), high): attributes before operator set 11, then inputs."""
    if call.opset < 11:
        bounds = [call.attribute(name, float, None) for name in ("min", "max")]
    else:
        bounds = [_single(call.constant(i)) for i in (1, 2)]
    return shared.clamp(call.builder, call.value(), *bounds)


def _single(bound: Array | None) -> float | None:
    if bound is not None and bound.size != 1:
        raise FileFormatError(f"its bounds must be single numbers, got shape {bound.shape}")
    return None if bound is None else float(bound.item())


def hard_sigmoid(call: Call) -> Result:
    """max(0, min(1, alpha x + beta))."""
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    return shared.clamp(call.builder, call.builder.scale(call.value(), alpha, beta), 0.0, 1.0)


def shrink(call: Call) -> Result:
    """0 within lambd, and beyond it x moved towards 0 by bias: continuous when both are equal."""
    limit, bias = call.number("lambd", 0.5), call.number("bias", 0.0)
    if not limit == bias > 0:
        raise UnsupportedLayerError(f"with lambd {limit} and bias {bias} it is not continuous")
    return call.builder.pointwise(Piecewise(np.array([-limit, limit]), np.array([1.0, 0.0, 1.0])), call.value())


def thresholded_relu(call: Call) -> Result:
    """x above alpha, else 0: continuous for alpha 0, where it is the ReLU."""
    if call.number("alpha", 1.0):
        raise UnsupportedLayerError("its value jumps: it is not continuous")
    return relu(call)


def maximum(call: Call) -> Result:
    """The largest of all inputs, entry by entry; constants come after the others."""
    broadcast(*call.operands())
    return _largest(call.builder, call.operands(), shared.maximum)


def minimum(call: Call) -> Result:
    """The smallest of all inputs, entry by entry: the negative of a maximum."""
    broadcast(*call.operands())
    negated = [negate(call.builder, x) if isinstance(x, Value) else -x for x in call.operands()]
    return negate(call.builder, _largest(call.builder, negated, shared.maximum))


def _largest(
    b: Builder, operands: list[Value | Array] | tuple[Value | Array, ...], pair: Callable[..., Value]
) -> Value:
    values = [x for x in operands if isinstance(x, Value)]
    result = values[0]
    if len(values) > 1:
        together = b.together(*values)
        index = entries(together[0]).numpy()
        bounded((len(values), index.size))
        result = b.max_groups(together, np.stack([index + k * index.size for k in range(len(values))], axis=-1))
    for x in operands:
        if not isinstance(x, Value):
            result = pair(b, result, x.reshape(()) if x.size == 1 and x.ndim <= len(result.shape) else x)
    return result


HANDLERS: Mapping[str, Handler] = {
    "Abs": absolute,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "LeakyRelu": leaky_relu,
    "Max": maximum,
    "Min": minimum,
    "PRelu": prelu,
    "Relu": relu,
    "Shrink": shrink,
    "ThresholdedRelu": thresholded_relu,
}
