"""Affine operators: sums, products by constants, matrix products, batch norm, sums and means over axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from ...errors import UnsupportedLayerError
from ...network.operators import Shape
from ..builder import Value, entries
from ..operators import contract as contractions
from ..operators import linear as shared
from ..operators import nonlinear as nonlinear
from .call import Call, Handler, Operand, Result, axes, bounded, broadcast, shape_of
from .folding import FLOAT_TYPES
from .graph import is_float
from .layout import moved


def add(call: Call) -> Result:
    """The sum of all inputs (Add, Sum)."""
    operands = call.operands()
    broadcast(*operands)
    total = operands[0]
    for x in operands[1:]:
        if isinstance(total, np.ndarray) and isinstance(x, np.ndarray):
            total = np.add(total, x)
        else:
            total = _operand(shared.add(call.builder, total, x))
    return total


def subtract(call: Call) -> Result:
    """x - y."""
    broadcast(*call.operands())
    return _operand(shared.subtract(call.builder, call.operand(0), call.operand(1)))


def mean(call: Call) -> Result:
    """The mean of all inputs, divided exactly."""
    total = add(call)
    assert isinstance(total, Value)
    return call.builder.divide(total, len(call.inputs))


def multiply(call: Call) -> Result:
    """x * y, one of them constant."""
    broadcast(*call.operands())
    return _operand(shared.multiply(call.builder, call.operand(0), call.operand(1)))


def divide(call: Call) -> Result:
    """x / y exactly, y constant."""
    broadcast(*call.operands())
    return _operand(shared.divide(call.builder, call.operand(0), call.operand(1)))


def power(call: Call) -> Result:
    """x to the power of 1, a constant."""
    broadcast(*call.operands())
    return _operand(shared.power(call.builder, call.operand(0), call.operand(1)))


def negate(call: Call) -> Result:
    """-x."""
    return shared.negate(call.builder, call.value())


def matmul(call: Call) -> Result:
    """The matrix product as numpy defines it, one factor constant."""
    x, y = call.operand(0), call.operand(1)
    if min(len(shape_of(x)), len(shape_of(y))) == 1 and max(len(shape_of(x)), len(shape_of(y))) > 2:
        return _of_vector(call, x, y)
    rows = shape_of(x)[-2:-1] if len(shape_of(x)) > 1 else ()
    columns = shape_of(y)[-1:] if len(shape_of(y)) > 1 else ()
    shape = bounded((*np.broadcast_shapes(shape_of(x)[:-2], shape_of(y)[:-2]), *rows, *columns))
    if shape_of(x)[-1:] != shape_of(y)[-2:][:1]:
        raise UnsupportedLayerError(f"matrices of shapes {shape_of(x)} and {shape_of(y)} have no product")
    constant = x if isinstance(x, np.ndarray) else y
    if prod(shape_of(constant)[:-2]) > 1:
        x, y = (_expanded(call, operand, shape[:-2]) for operand in (x, y))
    product = contractions.batched_matmul(call.builder, x, y)
    return call.builder.reshape(product, shape) if product.shape != shape else product


def _of_vector(call: Call, x: Operand, y: Operand) -> Result:
    """The product of a vector, as a matrix of one row or column, and a stack of matrices, in one order or the other."""
    first = len(shape_of(x)) == 1
    vector = Call(call.builder, call.operator, (x if first else y,), call.opset)
    matrix = moved(vector, lambda entries: entries[None] if first else entries[:, None])
    product = matmul(Call(call.builder, call.operator, (matrix, y) if first else (x, matrix), call.opset))
    assert isinstance(product, Value)
    lead, (rows, columns) = product.shape[:-2], product.shape[-2:]
    return call.builder.reshape(product, (*lead, columns if first else rows))


def _expanded(call: Call, x: Operand, lead: Shape) -> Operand:
    """A stack of matrices repeated along its leading axes."""
    if len(shape_of(x)) < 2:
        raise UnsupportedLayerError("a product of a vector and a stack of matrices is not supported")
    shape = bounded((*lead, *shape_of(x)[-2:]))
    return call.builder.expand(x, shape) if isinstance(x, Value) else np.broadcast_to(x, shape).copy()


def einsum(call: Call) -> Result:
    """A sum of products with a constant, by letters for the axes."""
    operands, equation = call.operands(), call.attribute("equation", str, "")
    bounded([prod(shape_of(x)) for x in operands])
    return contractions.einsum(call.builder, equation, operands)


def gemm(call: Call) -> Result:
    """alpha A B + beta C, with A and B transposed where their flags say so."""
    a = _transposed(call, 0, bool(call.integer("transA")))
    b = _transposed(call, 1, bool(call.integer("transB")))
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    added = call.inputs[2] if len(call.inputs) > 2 else None
    shape = bounded((shape_of(a)[0], shape_of(b)[1]))
    if isinstance(a, Value) and isinstance(b, np.ndarray) and alpha == 1 and _is_bias(added, beta, shape):
        bias = None if added is None else np.broadcast_to(added, (1, shape[1]))[0].copy()  # type: ignore[arg-type]
        return call.builder.dense(a, np.ascontiguousarray(b.T), bias)
    product = shared.matmul(call.builder, a, b)
    assert isinstance(product, Value)
    scaled = product if alpha == 1 else call.builder.scale(product, alpha)
    if added is None:
        return scaled
    _check_fits(added, shape)
    return _operand(shared.add(call.builder, scaled, added, alpha=beta))


def _transposed(call: Call, i: int, flag: bool) -> Operand:
    x = call.operand(i)
    if len(shape_of(x)) != 2:
        raise UnsupportedLayerError(f"its input {i} must be a matrix, got shape {shape_of(x)}")
    alone = Call(call.builder, call.operator, (x,), call.opset)
    return moved(alone, lambda entries: entries.T) if flag else x


def _is_bias(added: Operand | None, beta: float, shape: Shape) -> bool:
    """Whether C is one constant number a column."""
    if added is None:
        return True
    return isinstance(added, np.ndarray) and beta == 1 and added.shape in ((shape[1],), (1, shape[1]), (1,), ())


def _check_fits(added: Operand, shape: Shape) -> None:
    if np.broadcast_shapes(shape_of(added), shape) != shape:
        raise UnsupportedLayerError(f"its input C of shape {shape_of(added)} does not broadcast to {shape}")


def batch_norm(call: Call) -> Result:
    """(x - mean) * scale + bias a channel, with scale the float64 nearest to weight / sqrt(var + epsilon)."""
    if call.integer("training_mode") or not call.integer("spatial", 1):
        raise UnsupportedLayerError("only batch norm in inference, one number a channel, is supported")
    weight, bias, average, var = (call.needed(i) for i in range(1, 5))
    x = call.value()
    if any(part.shape != x.shape[1:2] for part in (weight, bias, average, var)):
        raise UnsupportedLayerError(f"its numbers must be one for each channel of an input of shape {x.shape}")
    epsilon = call.number("epsilon", 1e-5)
    result = shared.batch_norm(call.builder, x, weight, bias, average, var, 0.0, epsilon)
    return result[0] if isinstance(result, tuple) else result


def cast(call: Call) -> Result:
    """The input: casts between floating-point types are left out."""
    if call.integer("to") not in FLOAT_TYPES:
        raise UnsupportedLayerError("a cast to a type that is not floating-point rounds")
    return call.operand()


def cast_like(call: Call) -> Result:
    """The input, when the example of the type is a floating-point number too."""
    example = call.operand(1)
    if isinstance(example, np.ndarray) and not is_float(example):
        raise UnsupportedLayerError("a cast to a type that is not floating-point rounds")
    return call.operand()


def _reduction(function: Callable[..., Value]) -> Handler:
    """The handler of a reduction over axes (all when none is given)."""

    def handler(call: Call) -> Result:
        x, given = call.value(), call.integers("axes", 1)
        if not given and call.integer("noop_with_empty_axes"):
            return x
        over = axes(given, len(x.shape)) if given else None
        return function(call.builder, x, over, bool(call.integer("keepdims", 1)))

    return handler


def absolute_sum(call: Call) -> Result:
    """The sum of absolute values over axes."""
    absolute = nonlinear.absolute(call.builder, call.value())
    return _reduction(shared.sum_over)(Call(call.builder, call.operator, (absolute, *call.inputs[1:]), call.opset))


def running_sum(call: Call) -> Result:
    """The sums of the first 1, 2, ... entries along a constant axis; from the end, or without the entry itself."""
    x = call.value()
    axis = axes([int(call.needed(1).item())], len(x.shape))[0]
    last = call.builder.gather([x], entries(x).transpose(axis, -1).numpy())
    ones = np.tri(x.shape[axis], k=-1 if call.integer("exclusive") else 0)
    sums = call.builder.dense(last, ones.T.copy() if call.integer("reverse") else ones)
    return call.builder.gather([sums], entries(sums).transpose(axis, -1).numpy())


def _global(function: Callable[..., Value]) -> Handler:
    """The handler of a reduction over all pixels."""

    def handler(call: Call) -> Result:
        x = call.value()
        return function(call.builder, x, list(range(2, len(x.shape))), True) if len(x.shape) > 2 else x

    return handler


def _operand(result: object) -> Operand:
    """A handler's result, which is no tuple."""
    assert isinstance(result, (Value, np.ndarray))
    return result


HANDLERS: Mapping[str, Handler] = {
    "Add": add,
    "BatchNormalization": batch_norm,
    "Cast": cast,
    "CastLike": cast_like,
    "CumSum": running_sum,
    "Div": divide,
    "Einsum": einsum,
    "Gemm": gemm,
    "GlobalAveragePool": _global(shared.mean_over),
    "GlobalMaxPool": _global(nonlinear.largest),
    "MatMul": matmul,
    "Mean": mean,
    "Mul": multiply,
    "Pow": power,
    "Neg": negate,
    "ReduceL1": absolute_sum,
    "ReduceMax": _reduction(nonlinear.largest),
    "ReduceMean": _reduction(shared.mean_over),
    "ReduceMin": _reduction(nonlinear.smallest),
    "ReduceSum": _reduction(shared.sum_over),
    "Sub": subtract,
    "Sum": add,
}
