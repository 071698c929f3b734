"""Convolutions: they stay convolutions; a transposed one is the convolution of its input with zeros put in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import UnsupportedLayerError
from ..builder import Builder, Handler, Operand, Value, array, entries

Widths = list[tuple[int, int]]


def convolution(
    b: Builder,
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Value:
    """The cross-correlation over the last axes; padding is a number an axis, "same" or "valid"."""
    kernel, shift = _kernel(weight, bias)
    steps, spacing = per_axis(stride, kernel.ndim - 2), per_axis(dilation, kernel.ndim - 2)
    widths = _padding(padding, _reach(kernel, spacing))

    def run(images: Value) -> Value:
        return b.conv(images, kernel, shift, stride=steps, padding=widths, dilation=spacing, groups=groups)

    return _batched(b, x, kernel.ndim - 2, run)


def transposed(
    b: Builder,
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    groups: int = 1,
    dilation: Sequence[int] = (1,),
) -> Value:
    """The transposed convolution: stride - 1 zeros between the entries, then the flipped kernel with stride 1."""
    kernel, shift = _kernel(weight, bias)
    dims = kernel.ndim - 2
    steps, spacing = per_axis(stride, dims), per_axis(dilation, dims)
    ends = zip(_reach(kernel, spacing), per_axis(padding, dims), per_axis(output_padding, dims), strict=True)
    widths = [(reach - cut, reach - cut + extra) for reach, cut, extra in ends]
    inside = min(min(pair) for pair in widths) < 0

    def run(images: Value) -> Value:
        spread = _spread(entries(images), steps)
        place = _framed(spread, widths) if inside else spread
        margin = [(0, 0)] * dims if inside else widths
        flipped = _exchanged(kernel, groups)
        ones = [1] * dims
        return b.conv(
            b.gather([images], place.numpy()),
            flipped,
            shift,
            stride=ones,
            padding=margin,
            dilation=spacing,
            groups=groups,
        )

    return _batched(b, x, dims, run)


def either_convolution(
    b: Builder,
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    is_transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Value:
    """A convolution or a transposed one, as core ATen writes them."""
    if is_transposed:
        return transposed(b, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return convolution(b, x, weight, bias, stride, padding, dilation, groups)


def per_axis(given: Sequence[int] | int, dims: int) -> list[int]:
    """One number an axis, from one for all of them or one for each."""
    numbers = [given] if isinstance(given, int) else list(given)
    return numbers * dims if len(numbers) == 1 else numbers


def _kernel(weight: Operand, bias: Operand | None) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    if isinstance(weight, Value) or isinstance(bias, Value):
        raise UnsupportedLayerError("a convolution whose weights depend on the input is not piecewise linear")
    return array(weight), None if bias is None else array(bias)


def _reach(kernel: NDArray[np.float64], dilation: Sequence[int]) -> list[int]:
    """How far apart the first and the last entry of a window are, axis by axis."""
    return [d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True)]


def _padding(padding: Sequence[int] | str, reach: Sequence[int]) -> Widths:
    if padding == "same":
        return [(r // 2, r - r // 2) for r in reach]
    if isinstance(padding, str):
        return [(0, 0)] * len(reach)
    return [(p, p) for p in per_axis(padding, len(reach))]


def _batched(b: Builder, x: Operand, dims: int, run: Callable[[Value], Value]) -> Value:
    """An operator on batches (B, C, *spatial), applied to one, or to an image (C, *spatial) without a batch axis."""
    value = b.value(x)
    if len(value.shape) == dims + 2:
        return run(value)
    result = run(b.reshape(value, (1, *value.shape)))
    return b.reshape(result, result.shape[1:])


def _spread(index: torch.Tensor, steps: Sequence[int]) -> torch.Tensor:
    """Indices (B, C, *spatial) with step - 1 zeros (-1) between neighbours along each spatial axis."""
    shape = [(n - 1) * step + 1 for n, step in zip(index.shape[2:], steps, strict=True)]
    spread = torch.full((*index.shape[:2], *shape), -1)
    places: tuple[Any, ...] = (..., *(slice(None, None, step) for step in steps))
    spread[places] = index
    return spread


def _framed(index: torch.Tensor, widths: Widths) -> torch.Tensor:
    """Indices with zeros (-1) added (before, after) each spatial axis, or with entries cut for a negative width."""
    flat = [width for pair in reversed(widths) for width in pair]
    wider = torch.nn.functional.pad(index, [max(width, 0) for width in flat], value=-1)
    return torch.nn.functional.pad(wider, [min(width, 0) for width in flat])


def _exchanged(kernel: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """A kernel (in, out // groups, *k) as (out, in // groups, *k), turned round along every spatial axis."""
    split = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
    joined = split.reshape(-1, *split.shape[2:])
    return np.flip(joined, axis=tuple(range(2, joined.ndim))).copy()


HANDLERS: dict[str, Handler] = {
    **{f"aten.conv{d}d.{overload}": convolution for d in (1, 2, 3) for overload in ("default", "padding")},
    "aten.conv_transpose1d.default": transposed,
    "aten.conv_transpose2d.input": transposed,
    "aten.conv_transpose3d.input": transposed,
    "aten.convolution.default": either_convolution,
}
