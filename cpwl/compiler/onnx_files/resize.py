"""Resize and Upsample: nearest entries, or linear interpolation at exact rational places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from ...network import Shape
from ..bounds import SINGLE
from ..builder import Value
from ..handlers_resample import interpolate
from .call import Call, Handler, Result, axes, bounded
from .layout import moved

HALF = Fraction(1, 2)

_LONGEST = 1 << 16
"""Of a resized axis: its places are exact fractions, one by one."""

_ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda place: ceil(place - HALF),
    "round_prefer_ceil": lambda place: floor(place + HALF),
    "floor": floor,
    "ceil": ceil,
}


def resize(call: Call) -> Result:
    """A tensor of another size: the nearest entries, or interpolated ones."""
    x = call.value()
    size, factors = _sizes(call, x.shape)
    bounded(size)
    places = {
        axis: _places(call, x.shape[axis], size[axis], factors[axis])
        for axis in range(len(size))
        if size[axis] != x.shape[axis] or factors[axis] != Fraction(1)
    }
    mode = call.attribute("mode", str, "nearest")
    if mode not in ("nearest", "linear") or call.integer("antialias"):
        raise UnsupportedLayerError(f"resizing of mode {mode!r}, or with antialias, is not supported")
    return _nearest(call, x, places) if mode == "nearest" else _linear(call, x, places)


def slack(call: Call) -> float:
    """By how much of the largest entry onnxruntime may change the argument: it rounds places to float32.

    A place p is found by at most four operations on numbers up to the length of the axis, and a linear interpolation
    that is off by d in its place is off by d times the difference of two entries.
    """
    x = call.value()
    if call.attribute("mode", str, "nearest") != "linear":
        return 0.0
    return sum(2 * 8 * SINGLE.unit * (length + 1) for length in x.shape)


def _nearest(call: Call, x: Value, places: Mapping[int, Sequence[Fraction]]) -> Result:
    name = call.attribute("nearest_mode", str, "round_prefer_floor" if call.opset >= 11 else "floor")
    if name not in _ROUNDINGS:
        raise FileFormatError(f"its nearest_mode {name!r} is unknown")
    index = [np.arange(n) for n in x.shape]
    for axis, along in places.items():
        index[axis] = np.clip([_ROUNDINGS[name](place) for place in along], 0, x.shape[axis] - 1)
    return moved(call, lambda entries: entries[np.ix_(*index)])


def _linear(call: Call, x: Value, places: Mapping[int, Sequence[Fraction]]) -> Result:
    """Along one axis after the other, none of the tensors between being too large."""
    shape = list(x.shape)
    for axis, along in places.items():
        bounded((len(along), shape[axis]))
        shape[axis] = len(along)
        bounded(shape)
    return interpolate(call.builder, x, {axis: [max(Fraction(0), p) for p in along] for axis, along in places.items()})


def _sizes(call: Call, shape: Shape) -> tuple[list[int], list[Fraction]]:
    """The size of the result along each axis, and the factor by which it is larger."""
    along = axes(call.integers("axes") or range(len(shape)), len(shape))
    factors = _scales(call)
    sizes = call.integers("sizes", 3) if not factors else None
    given = factors or sizes or []
    if len(given) != len(along) or min(given) <= 0:
        raise FileFormatError(f"one positive scale or size for each of {len(along)} axes is needed, got {given[:8]}")
    if call.attribute("keep_aspect_ratio_policy", str, "stretch") != "stretch":
        raise UnsupportedLayerError("only the policy 'stretch' is supported")
    lengths, scales = list(shape), [Fraction(1)] * len(shape)
    for i, axis in enumerate(along):
        # In float32, as onnxruntime does: 3 times the float32 number next to 7 / 3 is 7.
        lengths[axis] = sizes[i] if sizes else int(np.float32(shape[axis]) * np.float32(given[i]))
        scales[axis] = Fraction(lengths[axis], shape[axis]) if sizes else Fraction(given[i])
    return lengths, scales


def _scales(call: Call) -> list[float]:
    """The factors: an attribute at first, then input 1, and input 2 from operator set 11 on."""
    if call.operator.kind == "Upsample" and call.opset < 9:
        return list(call.attribute("scales", list, []))
    found = call.constant(2 if call.opset >= 11 else 1)
    numbers = [] if found is None else found.reshape(-1).tolist()
    if not np.isfinite(numbers).all():
        raise FileFormatError("its scales must be finite")
    return numbers


def _places(call: Call, length: int, size: int, factor: Fraction) -> list[Fraction]:
    """The places in the input (length) of the entries of the result (size) along an axis."""
    if size > _LONGEST:
        raise UnsupportedLayerError(f"an axis of length {size} is longer than {_LONGEST}")
    default = "half_pixel" if call.opset >= 11 else "asymmetric"
    name = call.attribute("coordinate_transformation_mode", str, default)
    if name not in _TRANSFORMATIONS:
        raise UnsupportedLayerError(f"the coordinate_transformation_mode {name!r} is not supported")
    return [_TRANSFORMATIONS[name](k, length, size, factor) for k in range(size)]


def _symmetric(k: int, length: int, size: int, factor: Fraction) -> Fraction:
    offset = Fraction(length, 2) * (1 - size / (factor * length))
    return offset + (k + HALF) / factor - HALF


_TRANSFORMATIONS: Mapping[str, Callable[[int, int, int, Fraction], Fraction]] = {
    "half_pixel": lambda k, length, size, factor: (k + HALF) / factor - HALF,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda k, length, size, factor: (k + HALF) / factor - HALF if size > 1 else Fraction(0),
    "asymmetric": lambda k, length, size, factor: k / factor,
    "align_corners": lambda k, length, size, factor: Fraction(k * (length - 1), size - 1) if size > 1 else Fraction(0),
}

HANDLERS: Mapping[str, Handler] = {"Resize": resize, "Upsample": resize}
