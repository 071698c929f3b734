"""Affine operators: sums, products by constants, matrix products, batch norm, sums and means over axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedLayerError
from ..builder import Builder, Constant, Handler, Operand, Value, array, entries


def add(b: Builder, x: Operand, y: Operand, *, alpha: float = 1) -> Value:
    """x + alpha * y."""
    if not isinstance(x, Value):
        assert isinstance(y, Value)
        return b.scale(y, alpha, x)
    return b.sum(x, y, alpha) if isinstance(y, Value) else b.scale(x, shift=array(y) * alpha)


def subtract(b: Builder, x: Operand, y: Operand, *, alpha: float = 1) -> Value:
    """x - alpha * y."""
    return add(b, x, y, alpha=-alpha)


def subtract_from(b: Builder, x: Operand, y: Operand, alpha: float = 1) -> Value:
    """y - alpha * x."""
    return add(b, y, x, alpha=-alpha)


def negate(b: Builder, x: Value) -> Value:
    """-x."""
    return b.scale(x, -1.0)


def multiply(b: Builder, x: Operand, y: Operand) -> Value:
    """x * y, one of them constant."""
    if not isinstance(x, Value):
        return multiply(b, y, x) if isinstance(y, Value) else b.value(array(x) * array(y))
    if isinstance(y, Value):
        raise UnsupportedLayerError("a product of two tensors that both depend on the input is not piecewise linear")
    return b.scale(x, y)


def divide(b: Builder, x: Operand, y: Operand) -> Value:
    """x / y exactly, with y constant."""
    if isinstance(y, Value):
        raise UnsupportedLayerError("a division by a tensor that depends on the input is not piecewise linear")
    assert isinstance(x, Value)
    return b.divide(x, y)


def power(b: Builder, x: Operand, exponent: Operand) -> Value:
    """x to the power of 1, which a model has where an order is a parameter, as in pooling by norms."""
    if isinstance(exponent, Value) or not (array(exponent) == 1).all():
        raise UnsupportedLayerError("it is curved, not piecewise linear")
    return multiply(b, x, exponent)


def linear(b: Builder, x: Operand, weight: Operand, bias: Operand | None = None) -> Value:
    """x weight^T + bias."""
    if not isinstance(x, Value) or isinstance(weight, Value) or isinstance(bias, Value):
        raise UnsupportedLayerError("a layer whose weights depend on the input is not piecewise linear")
    return b.dense(x, array(weight), None if bias is None else array(bias))


def matmul(b: Builder, x: Operand, y: Operand) -> Value:
    """The matrix product of x and y as torch.matmul defines it, one of them a constant vector or matrix."""
    if isinstance(x, Value) and isinstance(y, Value):
        raise UnsupportedLayerError("a product of two tensors that both depend on the input is not piecewise linear")
    if isinstance(x, Value):
        matrix = _matrix(y)
        product = b.dense(x, np.atleast_2d(matrix.T))
        return product if matrix.ndim == 2 else b.reshape(product, x.shape[:-1])
    assert isinstance(y, Value)
    return _matmul_left(b, _matrix(x), y)


def _matmul_left(b: Builder, matrix: NDArray[np.float64], y: Value) -> Value:
    """matrix @ y: the products of its rows with the columns of y."""
    columns = y if len(y.shape) == 1 else b.gather([y], entries(y).mT.numpy())
    product = b.dense(columns, np.atleast_2d(matrix))
    if matrix.ndim == 1:
        return b.reshape(product, product.shape[:-1])
    return product if len(y.shape) == 1 else b.gather([product], entries(product).mT.numpy())


def _matrix(constant: Operand) -> NDArray[np.float64]:
    assert not isinstance(constant, Value)
    values = array(constant)
    if values.ndim > 2 and prod(values.shape[:-2]) == 1:
        values = values.reshape(values.shape[-2:])
    if values.ndim > 2:
        raise UnsupportedLayerError(f"a constant factor of shape {values.shape} is not one matrix")
    return values


def add_matmul(b: Builder, bias: Operand, x: Operand, y: Operand, *, beta: float = 1, alpha: float = 1) -> Value:
    """beta * bias + alpha * x y."""
    if not isinstance(x, Value) and not isinstance(y, Value):
        return add(b, b.value(array(x) @ array(y) * alpha), bias, alpha=beta)
    product = matmul(b, x, y)
    scaled = product if alpha == 1 else b.scale(product, alpha)
    return add(b, scaled, bias, alpha=beta)


def batch_norm(
    b: Builder,
    x: Value,
    weight: Constant | None,
    bias: Constant | None,
    mean: Constant,
    var: Constant,
    momentum: float,
    eps: float,
) -> tuple[Value, None, None]:
    """(x - mean) * scale + bias along axis 1, with scale the float64 nearest to weight / sqrt(var + eps)."""
    variance = array(var)
    factors = np.ones_like(variance) if weight is None else array(weight)
    shifts = np.zeros_like(variance) if bias is None else array(bias)
    scale = np.array([nearest_scale(w, v, eps) for w, v in zip(factors.tolist(), variance.tolist(), strict=True)])
    axes = (-1,) + (1,) * (len(x.shape) - 2)
    centred = b.scale(x, shift=-array(mean).reshape(axes))
    return (b.scale(centred, scale.reshape(axes), shifts.reshape(axes)), None, None)


def instance_norm(
    b: Builder,
    x: Value,
    weight: Constant | None,
    bias: Constant | None,
    mean: Constant,
    var: Constant,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Value:
    """With running statistics the same function as batch norm."""
    if use_input_stats:
        raise UnsupportedLayerError("it divides by the standard deviation of its input")
    return batch_norm(b, x, weight, bias, mean, var, momentum, eps)[0]


def nearest_scale(weight: float, var: float, eps: float) -> float:
    """The float64 nearest to weight / sqrt(var + eps), rounded once: an integer root of 80 bits, and a sticky bit."""
    (w, wd), (v, vd), (e, ed) = weight.as_integer_ratio(), var.as_integer_ratio(), eps.as_integer_ratio()
    numerator, denominator = w * w * vd * ed, wd * wd * (v * ed + e * vd)
    if denominator <= 0:
        raise UnsupportedLayerError("var + eps is not positive")
    shift = max(0, 160 + denominator.bit_length() - numerator.bit_length())
    shift += shift % 2
    scaled, rest = divmod(numerator << shift, denominator)
    root = isqrt(scaled)
    sticky = int(root * root != scaled or rest != 0)
    # An integer division is correctly rounded, and a last bit far below the 53rd stands for all that was cut off.
    magnitude = (2 * root + sticky) / (1 << (shift // 2 + 1))
    return -magnitude if weight < 0 else magnitude


def interpolate_between(b: Builder, x: Operand, y: Operand, weight: float) -> Value:
    """x + weight * (y - x)."""
    return add(b, x, subtract(b, y, x), alpha=weight)


def add_product(b: Builder, x: Operand, y: Operand, z: Operand, *, value: float = 1) -> Value:
    """x + value * y * z, where y or z is constant."""
    return add(b, x, multiply(b, y, z), alpha=value)


def running_sum(b: Builder, x: Value, dim: int, *, dtype: object = None) -> Value:
    """The sums of the first 1, 2, ... entries along an axis."""
    if not x.shape:
        return x
    last = b.gather([x], entries(x).transpose(dim, -1).numpy())
    sums = b.dense(last, np.tri(x.shape[dim]))
    return b.gather([sums], entries(sums).transpose(dim, -1).numpy())


def sum_over(
    b: Builder, x: Value, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: object = None
) -> Value:
    """The sum over some axes (all when none is given)."""
    groups, shape = group(x, dims, keepdim)
    if groups.shape[-1] == 1:
        return b.gather([x], groups.reshape(shape))
    return b.reshape(b.sum_groups([x], groups), shape)


def mean_over(
    b: Builder, x: Value, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: object = None
) -> Value:
    """The mean over some axes: the sum, divided exactly by the number of entries."""
    count = prod(x.shape[d] for d in axes_of(x, dims))
    total = sum_over(b, x, dims, keepdim)
    return total if count == 1 else b.divide(total, count)


def axes_of(x: Value, dims: Sequence[int] | int | None) -> list[int]:
    """The axes that a reduction runs over, counted from the front."""
    given = [dims] if isinstance(dims, int) else list(dims or range(len(x.shape)))
    return [d % len(x.shape) for d in given]


def group(x: Value, dims: Sequence[int] | int | None, keepdim: bool) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Indices of the entries that are reduced together, (*s, k), and the shape of the result (with keepdim, not s)."""
    if not x.shape:
        return np.zeros((1, 1), np.int64), ()
    reduced = axes_of(x, dims)
    kept = [d for d in range(len(x.shape)) if d not in reduced]
    index = entries(x).permute(*kept, *reduced).reshape(*(x.shape[d] for d in kept), -1)
    shape = [1 if d in reduced else n for d, n in enumerate(x.shape) if keepdim or d not in reduced]
    return index.numpy(), tuple(shape)


HANDLERS: dict[str, Handler] = {
    "aten.add.Tensor": add,
    "aten.add.Scalar": lambda b, x, y, alpha=1: add(b, x, y, alpha=alpha),
    "aten.sub.Tensor": subtract,
    "aten.sub.Scalar": lambda b, x, y, alpha=1: subtract(b, x, y, alpha=alpha),
    "aten.subtract.Tensor": subtract,
    "aten.rsub.Scalar": subtract_from,
    "aten.rsub.Tensor": lambda b, x, y, *, alpha=1: subtract_from(b, x, y, alpha),
    "aten.neg.default": negate,
    "aten.mul.Tensor": multiply,
    "aten.pow.Tensor_Scalar": power,
    "aten.pow.Tensor_Tensor": power,
    "aten.mul.Scalar": multiply,
    "aten.multiply.Tensor": multiply,
    "aten.div.Tensor": divide,
    "aten.div.Scalar": divide,
    "aten.divide.Tensor": divide,
    "aten.true_divide.Tensor": divide,
    "aten.linear.default": linear,
    "aten.mm.default": matmul,
    "aten.mv.default": matmul,
    "aten.dot.default": matmul,
    "aten.addmm.default": add_matmul,
    "aten.addmv.default": add_matmul,
    "aten._native_batch_norm_legit_no_training.default": batch_norm,
    "aten.instance_norm.default": instance_norm,
    "aten.lerp.Scalar": interpolate_between,
    "aten.addcmul.default": add_product,
    "aten.cumsum.default": running_sum,
    "aten.sum.default": sum_over,
    "aten.sum.dim_IntList": sum_over,
    "aten.mean.default": mean_over,
    "aten.mean.dim": mean_over,
}
