"""Convolutions, pools and resizing: operators on windows of pixels (N, C, *spatial)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import FileFormatError, UnsupportedLayerError
from ...network import Shape
from .call import Call, Handler, Result, bounded

Pads = list[tuple[int, int]]


def conv(call: Call) -> Result:
    """The cross-correlation with constant weights."""
    x, weight, bias = call.value(0), call.needed(1), call.constant(2)
    _check_kernel(call, weight.shape[2:], len(x.shape) - 2)
    stride, dilation, padding = _window(call, x.shape[2:], weight.shape[2:])
    out = [
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, d, (low, high) in zip(x.shape[2:], weight.shape[2:], stride, dilation, padding, strict=True)
    ]
    bounded((*x.shape[:1], len(weight), *out))
    groups = call.integer("group", 1)
    return call.builder.conv(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _check_kernel(call: Call, kernel: Shape, dims: int) -> None:
    given = call.integers("kernel_shape") or list(kernel)
    if not 1 <= dims <= 3 or len(kernel) != dims or given != list(kernel) or min(kernel) < 1:
        raise FileFormatError(f"a kernel of shape {tuple(kernel)} does not fit {dims} spatial axes")


def _window(call: Call, spatial: Shape, kernel: Sequence[int]) -> tuple[list[int], list[int], Pads]:
    """Stride, dilation and padding along each axis."""
    dims = len(spatial)
    stride = call.integers("strides") or [1] * dims
    dilation = call.integers("dilations") or [1] * dims
    if len(stride) != dims or len(dilation) != dims or min(*stride, *dilation) < 1:
        raise FileFormatError(f"its strides {stride} and dilations {dilation} must be {dims} positive numbers each")
    return stride, dilation, _padding(call, spatial, kernel, stride, dilation)


def _padding(call: Call, spatial: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pads:
    dims = len(spatial)
    mode = call.attribute("auto_pad", str, "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        axes = zip(spatial, kernel, stride, dilation, strict=True)
        totals = [max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n) for n, k, s, d in axes]
        halves = [(total // 2, total - total // 2) for total in totals]
        return halves if mode == "SAME_UPPER" else [(high, low) for low, high in halves]
    given = call.integers("pads") or [0] * (2 * dims)
    if mode == "VALID":
        given = [0] * (2 * dims)
    if mode not in ("NOTSET", "VALID") or len(given) != 2 * dims or min(given) < 0:
        raise UnsupportedLayerError(f"padding {given} of mode {mode!r} is not supported")
    return list(zip(given[:dims], given[dims:], strict=True))


HANDLERS: Mapping[str, Handler] = {"Conv": conv}
