"""Convolutions, pools and resizing: operators on windows of pixels (N, C, *spatial)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import FileFormatError, UnsupportedLayerError
from ...network.operators import Shape
from ..builder import Value
from ..operators.conv import transposed
from ..operators.pool import Sliding, largest_in, mean_in
from .call import Call, Handler, Result, bounded

Pads = list[tuple[int, int]]

_LONGEST = 1 << 20
"""Of an axis of a pool's result: its windows are listed one by one."""


def conv(call: Call) -> Result:
    """The cross-correlation with constant weights."""
    x, weight, bias = call.value(0), call.needed(1), call.constant(2)
    _check_kernel(call, weight.shape[2:], len(x.shape) - 2)
    stride, dilation = _steps(call, len(x.shape) - 2)
    padding = _padding(call, x.shape[2:], weight.shape[2:], stride, dilation)
    _check_room(x, padding)
    out = [
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, d, (low, high) in zip(x.shape[2:], weight.shape[2:], stride, dilation, padding, strict=True)
    ]
    bounded((*x.shape[:1], len(weight), *out))
    groups = call.integer("group", 1)
    return call.builder.conv(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _check_room(x: Value, padding: Pads) -> None:
    """The padded input is not too large."""
    bounded((*x.shape[:2], *(n + low + high for n, (low, high) in zip(x.shape[2:], padding, strict=True))))


def _check_kernel(call: Call, kernel: Shape, dims: int) -> None:
    given = call.integers("kernel_shape") or list(kernel)
    if not 1 <= dims <= 3 or len(kernel) != dims or given != list(kernel) or min(kernel) < 1:
        raise FileFormatError(f"a kernel of shape {tuple(kernel)} does not fit {dims} spatial axes")


def _steps(call: Call, dims: int) -> tuple[list[int], list[int]]:
    """Stride and dilation along each axis."""
    stride = call.integers("strides") or [1] * dims
    dilation = call.integers("dilations") or [1] * dims
    if len(stride) != dims or len(dilation) != dims or min(*stride, *dilation) < 1:
        raise FileFormatError(f"its strides {stride} and dilations {dilation} must be {dims} positive numbers each")
    return stride, dilation


def _padding(call: Call, spatial: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pads:
    mode = call.attribute("auto_pad", str, "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        axes = zip(spatial, kernel, stride, dilation, strict=True)
        totals = [max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n) for n, k, s, d in axes]
        halves = [(total // 2, total - total // 2) for total in totals]
        return halves if mode == "SAME_UPPER" else [(high, low) for low, high in halves]
    return _given_pads(call, len(spatial), mode)


def _given_pads(call: Call, dims: int, mode: str) -> Pads:
    given = call.integers("pads") or [0] * (2 * dims)
    if mode == "VALID":
        given = [0] * (2 * dims)
    if mode not in ("NOTSET", "VALID") or len(given) != 2 * dims or min(given) < 0:
        raise UnsupportedLayerError(f"padding {given} of mode {mode!r} is not supported")
    return list(zip(given[:dims], given[dims:], strict=True))


def conv_transpose(call: Call) -> Result:
    """The transposed convolution with constant weights."""
    x, weight, bias = call.value(0), call.needed(1), call.constant(2)
    kernel, spatial = weight.shape[2:], x.shape[2:]
    _check_kernel(call, kernel, len(spatial))
    stride, dilation = _steps(call, len(kernel))
    extra = call.integers("output_padding") or [0] * len(kernel)
    whole = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(spatial, stride, dilation, kernel, strict=True)]
    bounded((*x.shape[:1], max(x.shape[1], weight.shape[1] * call.integer("group", 1)), *whole))
    cuts = _cuts(call, spatial, whole, stride, extra)
    bounded([n - low - high + more for n, (low, high), more in zip(whole, cuts, extra, strict=True)])
    starts = [low for low, _ in cuts]
    ends = [low - high + more for (low, high), more in zip(cuts, extra, strict=True)]
    return transposed(call.builder, x, weight, bias, stride, starts, ends, call.integer("group", 1), dilation)


def _cuts(call: Call, spatial: Shape, whole: Sequence[int], stride: Sequence[int], extra: Sequence[int]) -> Pads:
    """What is cut off each end of the whole result."""
    wanted = call.integers("output_shape")
    mode = call.attribute("auto_pad", str, "NOTSET")
    if wanted is None and mode in ("NOTSET", "VALID"):
        return _given_pads(call, len(spatial), mode)
    if wanted is None:
        wanted = [n * s for n, s in zip(spatial, stride, strict=True)]
    totals = [n + more - length for n, more, length in zip(whole, extra, wanted[-len(whole) :], strict=True)]
    if min(totals) < 0:
        raise UnsupportedLayerError("a result larger than what the kernel reaches is not supported")
    halves = [(total // 2, total - total // 2) for total in totals]
    return halves if mode == "SAME_UPPER" else [(high, low) for low, high in halves]


def max_pool(call: Call) -> Result:
    """The maximum over each window; where it is attained cannot be used."""
    x = call.value()
    return (largest_in(call.builder, x, _sliding(call, x)), None)


def average_pool(call: Call) -> Result:
    """The mean over each window, divided exactly; padding counts where the flag says so."""
    x = call.value()
    return mean_in(call.builder, x, _sliding(call, x), padding_counts=bool(call.integer("count_include_pad")))


def _sliding(call: Call, x: Value) -> list[Sliding]:
    """The windows along each spatial axis, not more of them than can be held."""
    spatial = x.shape[2:]
    kernel = call.integers("kernel_shape") or []
    _check_kernel(call, tuple(kernel), len(spatial))
    stride, dilation = _steps(call, len(spatial))
    pads = _padding(call, spatial, kernel, stride, dilation)
    _check_room(x, [(low, high + s) for (low, high), s in zip(pads, stride, strict=True)])
    rounded_up = bool(call.integer("ceil_mode"))
    axes = [
        Sliding(n, k, s, low, high, d, rounded_up)
        for n, k, s, (low, high), d in zip(spatial, kernel, stride, pads, dilation, strict=True)
    ]
    if max(len(axis.starts) for axis in axes) > _LONGEST:
        raise UnsupportedLayerError(f"its result has an axis longer than {_LONGEST}")
    bounded((*x.shape[:2], *(len(axis.starts) for axis in axes), *kernel))
    return axes


HANDLERS: Mapping[str, Handler] = {
    "AveragePool": average_pool,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
}
