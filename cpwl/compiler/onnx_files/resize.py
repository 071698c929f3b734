"""Resize and Upsample: nearest entries, or linear or cubic interpolation with exact rational weights.

Which entry is the nearest is a decision that the file's own arithmetic makes: places are rounded to float32 as
onnxruntime rounds them. Where entries are interpolated places are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from ...network.operators import Shape
from ..bounds import SINGLE
from ..builder import Value
from ..operators.resample import (
    CUBIC_CHANGE,
    LINEAR_CHANGE,
    Weights,
    cubic_weights,
    interpolate,
    linear_weights,
    places_slack,
)
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
    changed = [axis for axis, n in enumerate(size) if n != x.shape[axis] or factors[axis] != 1]
    if list(x.shape) == size:
        return x  # as onnxruntime, whatever the factors
    mode = call.attribute("mode", str, "nearest")
    if call.integer("antialias") or mode not in ("nearest", "linear", "cubic"):
        how = "with antialias" if call.integer("antialias") else f"of mode {mode!r}"
        raise UnsupportedLayerError(f"resizing {how} is not supported")
    if mode == "nearest":
        return _nearest(call, x, {axis: _places(call, x.shape[axis], size[axis], factors[axis]) for axis in changed})
    _check_between(x, {axis: size[axis] for axis in changed})
    weights = _weights(call, mode)
    rows = {
        axis: [weights(place, x.shape[axis]) for place in _places(call, x.shape[axis], size[axis], factors[axis])]
        for axis in changed
    }
    return interpolate(call.builder, x, rows)


def slack(call: Call) -> float:
    """By how much of the largest entry onnxruntime may change the argument: it rounds places to float32."""
    change = _CHANGES.get(call.attribute("mode", str, "nearest"), 0.0)
    return places_slack(call.value().shape, SINGLE, change) if change else 0.0


_CHANGES: Mapping[str, float] = {"linear": LINEAR_CHANGE, "cubic": CUBIC_CHANGE}


def _weights(call: Call, mode: str) -> Callable[[Fraction, int], Weights]:
    if mode == "linear":
        return lambda place, n: linear_weights(max(Fraction(0), place), n)
    a, inside = Fraction(call.number("cubic_coeff_a", -0.75)), bool(call.integer("exclude_outside"))
    return lambda place, n: cubic_weights(place, n, a, inside=inside)


def _nearest(call: Call, x: Value, places: Mapping[int, Sequence[Fraction]]) -> Result:
    index = [np.arange(n) for n in x.shape]
    for axis, along in places.items():
        length, rounded = x.shape[axis], _rounding(call, shrinks=len(along) < x.shape[axis])
        index[axis] = np.clip([rounded(place) for place in along], 0, length - 1)
        if call.attribute("coordinate_transformation_mode", str, "") == "half_pixel_symmetric":
            _check_apart(along, length, rounded)
    return moved(call, lambda entries: entries[np.ix_(*index)])


def _check_apart(places: Sequence[Fraction], length: int, rounded: Callable[[Fraction], int]) -> None:
    """The order of the sum that gives a symmetric place is not known: no place may be that close to a boundary."""
    reach = Fraction(8 * SINGLE.unit * (length + 1))
    if any(rounded(place - reach) != rounded(place + reach) for place in places if 0 <= place <= length - 1):
        raise UnsupportedLayerError("rounding alone decides which of its entries is the nearest")


def _rounding(call: Call, *, shrinks: bool) -> Callable[[Fraction], int]:
    """Before operator set 11 there is no choice: an axis that becomes shorter takes the next entry, as onnxruntime."""
    default = "round_prefer_floor" if call.opset >= 11 else "ceil" if shrinks else "floor"
    name = call.attribute("nearest_mode", str, default)
    if name not in _ROUNDINGS:
        raise FileFormatError(f"its nearest_mode {name!r} is unknown")
    return _ROUNDINGS[name]


def _check_between(x: Value, sizes: Mapping[int, int]) -> None:
    """Along one axis after the other, none of the tensors and matrices between is too large."""
    shape = list(x.shape)
    for axis, size in sizes.items():
        bounded((size, shape[axis]))
        shape[axis] = size
        bounded(shape)


def _sizes(call: Call, shape: Shape) -> tuple[list[int], list[Fraction]]:
    """The size of the result along each axis, and the factor by which it is larger."""
    along = axes(call.integers("axes") or range(len(shape)), len(shape))
    factors = _scales(call)
    sizes = call.integers("sizes", 3) if not factors else None
    given = factors or sizes or []
    if len(given) != len(along) or min(given) <= 0:
        raise FileFormatError(f"one positive scale or size for each of {len(along)} axes is needed, got {given[:8]}")
    lengths, scales = list(shape), [Fraction(1)] * len(shape)
    if sizes:
        wanted = _kept_in_proportion(call, [shape[axis] for axis in along], sizes)
    else:
        # In float32, as onnxruntime does: 3 times the float32 number next to 7 / 3 is 7.
        wanted = [(int(np.float32(shape[a]) * np.float32(f)), Fraction(f)) for a, f in zip(along, given, strict=True)]
    for axis, (length, scale) in zip(along, wanted, strict=True):
        lengths[axis], scales[axis] = length, scale
    return lengths, scales


def _kept_in_proportion(call: Call, lengths: Sequence[int], sizes: Sequence[int]) -> list[tuple[int, Fraction]]:
    """The sizes and factors, or those of one factor for all: the smallest or the largest that the sizes ask for."""
    policy = call.attribute("keep_aspect_ratio_policy", str, "stretch")
    factors = [Fraction(size, length) for size, length in zip(sizes, lengths, strict=True)]
    if policy == "stretch":
        return list(zip(sizes, factors, strict=True))
    if policy not in ("not_larger", "not_smaller"):
        raise FileFormatError(f"its keep_aspect_ratio_policy {policy!r} is unknown")
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [(floor(factor * length + HALF), factor) for length in lengths]


def _scales(call: Call) -> list[float]:
    """The factors: an attribute at first, then input 1, and input 2 from operator set 11 on."""
    if call.operator.kind == "Upsample" and call.opset < 9:
        return list(call.attribute("scales", list, []))
    scales = call.constant(2 if call.opset >= 11 else 1)
    numbers = [] if scales is None else scales.reshape(-1).tolist()
    if not np.isfinite(numbers).all():
        raise FileFormatError("its scales must be finite")
    return numbers


def _places(call: Call, length: int, size: int, factor: Fraction) -> list[Fraction]:
    """The places in the input (length) of the entries of the result (size) along an axis.

    Exact, and for the nearest entries in float32, operation by operation.
    """
    if size > _LONGEST:
        raise UnsupportedLayerError(f"an axis of length {size} is longer than {_LONGEST}")
    default = "half_pixel" if call.opset >= 11 else "asymmetric"
    name = call.attribute("coordinate_transformation_mode", str, default)
    if name not in _TRANSFORMATIONS:
        raise UnsupportedLayerError(f"the coordinate_transformation_mode {name!r} is not supported")
    if call.attribute("mode", str, "nearest") == "nearest":
        with np.errstate(over="ignore"):
            numbers = (np.float32(length), np.float32(size), np.float32(float(factor)), np.float32(0.5), np.float32(1))
            places = [_TRANSFORMATIONS[name](np.float32(k), *numbers) for k in range(size)]
        return [Fraction(float(place)) for place in places]
    exact = (Fraction(length), Fraction(size), factor, HALF, Fraction(1))
    return [_TRANSFORMATIONS[name](Fraction(k), *exact) for k in range(size)]


def _symmetric(k: Any, length: Any, size: Any, factor: Any, half: Any, one: Any) -> Any:
    offset = length * half * (one - size / (factor * length))
    return offset + (k + half) / factor - half


_TRANSFORMATIONS: Mapping[str, Callable[..., Any]] = {
    "half_pixel": lambda k, n, size, factor, half, one: (k + half) / factor - half,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda k, n, size, factor, half, one: (k + half) / factor - half if size > 1 else one - one,
    "tf_half_pixel_for_nn": lambda k, n, size, factor, half, one: (k + half) / factor,
    "asymmetric": lambda k, n, size, factor, half, one: k / factor,
    "align_corners": lambda k, n, size, factor, half, one: k * (n - one) / (size - one) if size > 1 else one - one,
}
"""Places from the number k of an entry, the lengths, the factor, a half and one, all numbers of one kind."""

HANDLERS: Mapping[str, Handler] = {"Resize": resize, "Upsample": resize}
