"""Constants computed from constants, in the types of the file, as the standard's own reference computes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from .call import Call, Handler, Result, axes, bounded, broadcast, shape_of
from .graph import Array, is_float


def constant(call: Call) -> Result:
    """The number or tensor that the node holds."""
    given = call.operator.attributes
    for name, kind in _STORED.items():
        if given.get(name) is not None:
            return np.asarray(given[name], kind)
    raise UnsupportedLayerError("it holds no numbers")


_STORED: Mapping[str, Any] = {
    "value": None,
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}
"""The attributes of a Constant that hold numbers, and their types where the value does not tell."""


def constant_of_shape(call: Call) -> Result:
    """A tensor of one number (0)."""
    shape = bounded(call.integers("shape", 0) or [])
    number = call.attribute("value", np.ndarray, np.zeros(1, np.float32))
    return np.full(shape, number.reshape(-1)[0])


def shape(call: Call) -> Result:
    """The shape of a tensor, whatever it holds; that of one sample, with a batch axis of length one."""
    lengths = shape_of(call.operand())
    return np.array(lengths[call.integer("start") : call.attribute("end", int, None)], np.int64)


def size(call: Call) -> Result:
    """The number of entries of a tensor."""
    return np.array(np.prod(shape_of(call.operand()), dtype=np.int64))


def arange(call: Call) -> Result:
    """Numbers from a start to a limit."""
    start, limit, step = (call.needed(i).item() for i in range(3))
    bounded([max(0, int((limit - start) / step) + 1)])
    return np.arange(start, limit, step, dtype=call.needed(0).dtype)


def cast(call: Call) -> Result:
    """Constants in another type; from floating-point numbers to integers the fraction is cut off."""
    x, kind = call.needed(0), call.integer("to")
    if kind in FLOAT_TYPES:
        return x.astype(_FLOATS[kind]) if kind in _FLOATS else _as_bfloat16(x)
    if kind not in _INTEGERS or not np.isfinite(x).all():
        raise UnsupportedLayerError(f"a cast to element type {kind} is not supported")
    return x.astype(_INTEGERS[kind])


def cast_like(call: Call) -> Result:
    """Constants in the type of another."""
    return np.asarray(call.needed(0), call.needed(1).dtype)


def _as_bfloat16(x: Array) -> Array:
    try:
        return x.astype("bfloat16")
    except TypeError:  # numpy knows the name where ml_dtypes, on which onnx depends, has registered it
        raise UnsupportedLayerError("constants of bfloat16 need the package ml_dtypes") from None


FLOAT_TYPES = (1, 10, 11, 16)
_FLOATS: dict[int, Any] = {1: np.float32, 10: np.float16, 11: np.float64}
_INTEGERS: dict[int, Any] = {
    **{2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64},
    **{9: np.bool_, 12: np.uint32, 13: np.uint64},
}


def _pointwise(function: Callable[..., Any]) -> Handler:
    def handler(call: Call) -> Result:
        operands = [call.needed(i) for i in range(len(call.inputs))]
        broadcast(*operands)
        return np.asarray(function(*operands))

    return handler


def _many(function: Callable[[Any, Any], Any]) -> Handler:
    return _pointwise(lambda *operands: reduce(function, operands))


def _divide(x: Array, y: Array) -> Array:
    """Integers are divided towards zero."""
    if is_float(x):
        return np.asarray(x / y)
    if not y.all():
        raise FileFormatError("it divides by zero")
    return np.asarray(np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)), x.dtype)


def _power(x: Array, y: Array) -> Array:
    base = x if is_float(x) else x.astype(np.float64)
    return np.asarray(np.power(base, y)).astype(x.dtype)


def _modulo(call: Call) -> Result:
    function = np.fmod if call.integer("fmod") else np.mod
    return np.asarray(function(call.needed(0), call.needed(1)))


def _reduced(function: Callable[..., Any]) -> Handler:
    def handler(call: Call) -> Result:
        x, given = call.needed(0), call.integers("axes", 1)
        if not given and call.integer("noop_with_empty_axes"):
            return x
        over = tuple(axes(given, x.ndim)) if given else None
        return np.asarray(function(x, axis=over, keepdims=bool(call.integer("keepdims", 1))))

    return handler


def _matmul(call: Call) -> Result:
    x, y = call.needed(0), call.needed(1)
    bounded((*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), *x.shape[-2:-1], *y.shape[-1:]))
    return np.asarray(x @ y)


def _gemm(call: Call) -> Result:
    x, y, added = call.needed(0), call.needed(1), call.constant(2)
    x, y = (x.T if call.integer("transA") else x), (y.T if call.integer("transB") else y)
    bounded((*x.shape[:1], *y.shape[1:]))
    alpha, beta = (np.asarray(call.number(name, 1.0), x.dtype) for name in ("alpha", "beta"))
    return np.asarray(alpha * (x @ y) if added is None else alpha * (x @ y) + beta * added)


def _clip(call: Call) -> Result:
    x = call.needed(0)
    if call.opset < 11:
        low, high = (call.attribute(name, float, None) for name in ("min", "max"))
    else:
        low, high = call.constant(1), call.constant(2)
    raised = x if low is None else np.maximum(x, np.asarray(low, x.dtype))
    return raised if high is None else np.minimum(raised, np.asarray(high, x.dtype))


def _leaky(call: Call) -> Result:
    x = call.needed(0)
    return np.asarray(np.where(x < 0, x * np.asarray(call.number("alpha", 0.01), x.dtype), x))


def _extreme(function: Callable[..., Any]) -> Handler:
    """ArgMax or ArgMin: of several the first, or the last where the flag says so."""

    def handler(call: Call) -> Result:
        x = call.needed(0)
        axis = call.axis("axis", 0, x.ndim)
        last = bool(call.integer("select_last_index"))
        places = function(np.flip(x, axis) if last else x, axis=axis, keepdims=bool(call.integer("keepdims", 1)))
        return np.asarray(x.shape[axis] - 1 - places if last else places, np.int64)

    return handler


def _running_sum(call: Call) -> Result:
    x = call.needed(0)
    axis = axes([int(call.needed(1))], x.ndim)[0]
    turned = np.flip(x, axis) if call.integer("reverse") else x
    sums = np.cumsum(turned, axis, dtype=x.dtype)
    if call.integer("exclusive"):
        sums = np.asarray(np.roll(sums, 1, axis))
        sums[(slice(None),) * axis + (0,)] = 0
    return np.flip(sums, axis) if call.integer("reverse") else sums


def _dequantize(call: Call) -> Result:
    """(x - zero point) * scale, in the type of the scale."""
    x, zero = call.needed(0), call.constant(2)
    scale = _spread(call, call.needed(1), x.shape)
    whole = x.astype(np.int64)
    if zero is not None:
        whole = whole - _spread(call, zero.astype(np.int64), x.shape)
    return whole.astype(scale.dtype) * scale


def _quantize(call: Call) -> Result:
    """x / scale rounded (to even), plus the zero point, within the range of the type."""
    x, zero = call.needed(0), call.constant(2)
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if kind.kind not in "iu" or call.integer("output_dtype"):
        raise UnsupportedLayerError("quantised numbers must be integers of the type of the zero point")
    rounded = np.rint(x / _spread(call, call.needed(1), x.shape))
    shift = 0 if zero is None else _spread(call, zero.astype(np.int64), x.shape)
    limits = np.iinfo(kind)
    return np.asarray(np.clip(rounded.astype(np.int64) + shift, limits.min, limits.max), kind)


def _spread(call: Call, numbers: Array, shape: Sequence[int]) -> Array:
    """Numbers of a quantisation as they broadcast: one for all, one for each place along an axis, or one a block."""
    if numbers.size == 1:
        return numbers.reshape(())
    axis = call.axis("axis", 1, len(shape))
    if numbers.ndim == 1 and len(numbers) == shape[axis]:
        return numbers.reshape([-1 if d == axis else 1 for d in range(len(shape))])
    block = call.integer("block_size")
    if block < 1 or numbers.ndim != len(shape):
        raise FileFormatError(f"scales of shape {numbers.shape} do not fit a tensor of shape {tuple(shape)}")
    return np.repeat(numbers, block, axis).take(range(shape[axis]), axis)


ALWAYS: Mapping[str, Handler] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Range": arange,
    "Shape": shape,
    "Size": size,
}
"""Operators whose result never depends on the network's input."""

HANDLERS: Mapping[str, Handler] = {
    "Abs": _pointwise(np.abs),
    "Add": _pointwise(np.add),
    "And": _pointwise(np.logical_and),
    "ArgMax": _extreme(np.argmax),
    "ArgMin": _extreme(np.argmin),
    "Cast": cast,
    "CastLike": cast_like,
    "Ceil": _pointwise(np.ceil),
    "Clip": _clip,
    "Cos": _pointwise(np.cos),
    "CumSum": _running_sum,
    "DequantizeLinear": _dequantize,
    "Div": _pointwise(_divide),
    "Equal": _pointwise(np.equal),
    "Exp": _pointwise(np.exp),
    "Floor": _pointwise(np.floor),
    "Gemm": _gemm,
    "Greater": _pointwise(np.greater),
    "GreaterOrEqual": _pointwise(np.greater_equal),
    "IsInf": _pointwise(np.isinf),
    "IsNaN": _pointwise(np.isnan),
    "LeakyRelu": _leaky,
    "Less": _pointwise(np.less),
    "LessOrEqual": _pointwise(np.less_equal),
    "Log": _pointwise(np.log),
    "MatMul": _matmul,
    "Max": _many(np.maximum),
    "Min": _many(np.minimum),
    "Mod": _modulo,
    "Mul": _pointwise(np.multiply),
    "Neg": _pointwise(np.negative),
    "Not": _pointwise(np.logical_not),
    "Or": _pointwise(np.logical_or),
    "Pow": _pointwise(_power),
    "QuantizeLinear": _quantize,
    "Reciprocal": _pointwise(np.reciprocal),
    "ReduceL1": _reduced(lambda x, **over: np.sum(np.abs(x), **over)),
    "ReduceL2": _reduced(lambda x, **over: np.sqrt(np.sum(np.square(x), **over))),
    "ReduceMax": _reduced(np.max),
    "ReduceMean": _reduced(np.mean),
    "ReduceMin": _reduced(np.min),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceSumSquare": _reduced(lambda x, **over: np.sum(np.square(x), **over)),
    "Relu": _pointwise(lambda x: np.maximum(x, x.dtype.type(0))),
    "Round": _pointwise(np.rint),
    "Sigmoid": _pointwise(lambda x: (1 / (1 + np.exp(-x))).astype(x.dtype)),
    "Sign": _pointwise(np.sign),
    "Sin": _pointwise(np.sin),
    "Sqrt": _pointwise(np.sqrt),
    "Sub": _pointwise(np.subtract),
    "Sum": _many(np.add),
    "Tanh": _pointwise(np.tanh),
    "Xor": _pointwise(np.logical_xor),
}
"""Operators on constants alone."""
