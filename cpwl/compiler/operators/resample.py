"""Resampling: nearest neighbours are moves; interpolation is a matrix along each axis, of exact rationals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import floor, lcm
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from ..bounds import Precision
from ..builder import Builder, Handler, Value, entries

Sizes = Sequence[int] | None
Factors = Sequence[float] | None

Weights: TypeAlias = Mapping[int, Fraction]
"""What an entry of the result takes of each entry of the input, along one axis."""

_EXACT = 2**53
"""Integers up to this are float64 numbers."""

STEEP = -Fraction(3, 4)
"""The coefficient of a cubic interpolation that torch uses."""


def nearest(b: Builder, x: Value, size: Sizes, factors: Factors = None, *, op: Any) -> Value:
    """The nearest entries, chosen as torch chooses them in float64."""
    chosen = op(entries(x).to(torch.float64), size, factors)
    return b.gather([x], chosen.to(torch.int64).numpy())


def linear(b: Builder, x: Value, size: Sizes, align_corners: bool, factors: Factors = None, *, op: Any) -> Value:
    """Linear interpolation along each spatial axis; beyond the first and the last entry it stays the same.

    Its weights are exact where their numerators and common denominator are float64 numbers (sizes, and scale factors of
    few bits), else the nearest float64 numbers.
    """
    return _resampled(
        b, x, size, align_corners, factors, op, lambda place, n: linear_weights(max(Fraction(0), place), n)
    )


def cubic(b: Builder, x: Value, size: Sizes, align_corners: bool, factors: Factors = None, *, op: Any) -> Value:
    """Cubic interpolation along each spatial axis, with weights as those of ``linear``; it may overshoot."""
    return _resampled(b, x, size, align_corners, factors, op, cubic_weights)


def _resampled(
    b: Builder,
    x: Value,
    size: Sizes,
    align_corners: bool,
    factors: Factors,
    op: Any,
    weights: Callable[[Fraction, int], Weights],
) -> Value:
    shape = op(torch.empty(x.shape, dtype=torch.float64), size, align_corners, factors).shape
    rows: dict[int, list[Weights]] = {}
    for axis in range(2, len(shape)):
        scale = _scale(x.shape[axis], shape[axis], align_corners, factors[axis - 2] if factors else None)
        places = (_source(k, scale, align_corners) for k in range(shape[axis]))
        rows[axis] = [weights(place, x.shape[axis]) for place in places]
    return interpolate(b, x, rows)


def interpolate(b: Builder, x: Value, rows: Mapping[int, Sequence[Weights]]) -> Value:
    """x between its entries along some axes, one after the other, by the weights of each entry of the result."""
    divisor = 1
    for axis, along in rows.items():
        matrix, denominator = _matrix(along, x.shape[axis])
        x = _along(b, x, axis, matrix)
        divisor *= denominator
    return x if divisor == 1 else b.divide(x, divisor)


def linear_weights(place: Fraction, size: int) -> Weights:
    """Of the two entries around a place (not negative); beyond the last entry, of the last."""
    low = min(floor(place), size - 1)
    part = place - low if low < size - 1 else Fraction(0)
    return {low: 1 - part, low + 1: part} if part else {low: Fraction(1)}


def cubic_weights(place: Fraction, size: int, a: Fraction = STEEP, *, inside: bool = False) -> Weights:
    """Of the four entries around a place (Keys' convolution with coefficient a).

    Those beyond an end are the end's own; or ``inside``: they are left out, and the others scaled to add up to one.
    """
    weights: dict[int, Fraction] = {}
    for entry in range(floor(place) - 1, floor(place) + 3):
        index = min(max(entry, 0), size - 1)
        if not inside or index == entry:
            weights[index] = weights.get(index, Fraction(0)) + _keys(abs(place - entry), a)
    total = sum(weights.values(), Fraction(0))
    return {index: weight / total for index, weight in weights.items() if weight}


def _keys(distance: Fraction, a: Fraction) -> Fraction:
    """The cubic convolution kernel (R. Keys, 1981) at a distance of at most 2."""
    t = distance
    if t <= 1:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


LINEAR_CHANGE, CUBIC_CHANGE = 2.0, 8.0
"""What an interpolation changes by, of the largest entry, when a place changes by one.

Linear: the difference of two entries. Cubic: the slopes of the four weights add up to less than 4, and the weights
along another axis to less than 1.4 in absolute value.
"""


def places_slack(shape: Sequence[int], precision: Precision, change: float) -> float:
    """By how much of the largest entry an evaluation may change the argument of an interpolation: it rounds places.

    A place p is found by at most four operations on numbers up to the length of the axis.
    """
    return sum(change * 8 * precision.unit * (length + 1) for length in shape)


def _scale(size: int, wanted: int, align_corners: bool, factor: float | None) -> Fraction:
    """The distance of two neighbours of the result, in entries of the input."""
    if align_corners:
        return Fraction(size - 1, wanted - 1) if wanted > 1 else Fraction(0)
    return 1 / Fraction(factor) if factor else Fraction(size, wanted)


def _source(k: int, scale: Fraction, align_corners: bool) -> Fraction:
    """The place in the input of entry k of the result; without align_corners, centres of entries are aligned."""
    return k * scale if align_corners else (k + Fraction(1, 2)) * scale - Fraction(1, 2)


def _matrix(rows: Sequence[Weights], size: int) -> tuple[NDArray[np.float64], int]:
    """Weights (rows, size) as float64 numbers, to be divided by a denominator."""
    common = lcm(*(weight.denominator for row in rows for weight in row.values()))
    exact = common <= _EXACT and all(abs(weight * common) <= _EXACT for row in rows for weight in row.values())
    denominator = common if exact else 1
    matrix = np.zeros((len(rows), size))
    for k, row in enumerate(rows):
        for index, weight in row.items():
            matrix[k, index] = float(weight * denominator)
    return matrix, denominator


def _along(b: Builder, x: Value, axis: int, matrix: NDArray[np.float64]) -> Value:
    """The matrix applied along an axis."""
    product = b.dense(_exchanged(b, x, axis), matrix)
    return _exchanged(b, product, axis)


def _exchanged(b: Builder, x: Value, axis: int) -> Value:
    return b.gather([x], entries(x).transpose(axis, -1).numpy())


HANDLERS: dict[str, Handler] = {}
CHANGES: dict[str, float] = {}
"""Operators whose evaluation rounds places, and how much that changes (see ``places_slack``)."""
for _name, _function, _change in (
    ("upsample_linear1d", linear, LINEAR_CHANGE),
    ("upsample_bilinear2d", linear, LINEAR_CHANGE),
    ("upsample_trilinear3d", linear, LINEAR_CHANGE),
    ("upsample_bicubic2d", cubic, CUBIC_CHANGE),
):
    HANDLERS[f"aten.{_name}.vec"] = partial(_function, op=getattr(torch.ops.aten, _name).vec)
    CHANGES[f"aten.{_name}.vec"] = _change
for _name in ("upsample_nearest", "_upsample_nearest_exact"):
    for _dims in (1, 2, 3):
        HANDLERS[f"aten.{_name}{_dims}d.vec"] = partial(nearest, op=getattr(torch.ops.aten, f"{_name}{_dims}d").vec)
