"""Constants computed from constants: integers exactly, other numbers in float64 (see the package's docstring)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from .call import Call, Handler, Result, axes, bounded, broadcast, shape_of
from .graph import Array


def constant(call: Call) -> Result:
    """The number or tensor that the node holds."""
    given = call.operator.attributes
    for name, kind in (("value", None), ("value_float", np.float64), ("value_int", np.int64)):
        if given.get(name) is not None:
            return np.asarray(given[name], kind)
    for name, many in (("value_floats", np.float64), ("value_ints", np.int64)):
        if given.get(name) is not None:
            return np.asarray(given[name], many)
    raise UnsupportedLayerError("it holds no numbers")


def constant_of_shape(call: Call) -> Result:
    """A tensor of one number (0)."""
    shape = bounded(call.integers("shape", 0) or [])
    number = call.attribute("value", np.ndarray, np.zeros(1))
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
    """Constants in another type; between floating-point types nothing changes, and float to integer cuts off."""
    x, kind = call.needed(0), call.integer("to")
    if kind in FLOAT_TYPES:
        return x.astype(np.float64)
    if kind not in _INTEGERS or not np.isfinite(x).all():
        raise UnsupportedLayerError(f"a cast to element type {kind} is not supported")
    return x.astype(_INTEGERS[kind])


FLOAT_TYPES = (1, 10, 11, 16)
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
    if x.dtype.kind == "f":
        return np.asarray(x / y)
    if not y.all():
        raise FileFormatError("it divides by zero")
    return np.asarray(np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)), x.dtype)


def _power(x: Array, y: Array) -> Array:
    return np.asarray(np.power(x.astype(np.float64), y)).astype(x.dtype)


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
    "Cast": cast,
    "Ceil": _pointwise(np.ceil),
    "Div": _pointwise(_divide),
    "Equal": _pointwise(np.equal),
    "Exp": _pointwise(np.exp),
    "Floor": _pointwise(np.floor),
    "Greater": _pointwise(np.greater),
    "GreaterOrEqual": _pointwise(np.greater_equal),
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
    "Reciprocal": _pointwise(np.reciprocal),
    "ReduceL2": _reduced(lambda x, **over: np.sqrt(np.sum(np.square(x), **over))),
    "ReduceMax": _reduced(np.max),
    "ReduceMean": _reduced(np.mean),
    "ReduceMin": _reduced(np.min),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceSumSquare": _reduced(lambda x, **over: np.sum(np.square(x), **over)),
    "Sqrt": _pointwise(np.sqrt),
    "Sub": _pointwise(np.subtract),
    "Sum": _many(np.add),
}
"""Operators on constants alone."""
