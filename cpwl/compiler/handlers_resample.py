"""Resampling: nearest neighbours are moves; linear interpolation is a matrix along each axis, of exact rationals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import floor, lcm
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .builder import Builder, Handler, Value, entries

Sizes = Sequence[int] | None
Factors = Sequence[float] | None

_EXACT = 2**53
"""Integers up to this are float64 numbers."""


def nearest(b: Builder, x: Value, size: Sizes, factors: Factors = None, *, op: Any) -> Value:
    """The nearest entries, chosen as torch chooses them in float64."""
    chosen = op(entries(x).to(torch.float64), size, factors)
    return b.gather([x], chosen.to(torch.int64).numpy())


def linear(b: Builder, x: Value, size: Sizes, align_corners: bool, factors: Factors = None, *, op: Any) -> Value:
    """Linear interpolation along each spatial axis. Its weights are exact where their numerators and common
    denominator are float64 numbers (sizes, and scale factors of few bits), else the nearest float64 numbers."""
    shape = op(torch.empty(x.shape, dtype=torch.float64), size, align_corners, factors).shape
    places: dict[int, list[Fraction]] = {}
    for axis in range(2, len(shape)):
        scale = _scale(x.shape[axis], shape[axis], align_corners, factors[axis - 2] if factors else None)
        places[axis] = [_source(k, scale, align_corners) for k in range(shape[axis])]
    return interpolate(b, x, places)


def interpolate(b: Builder, x: Value, places: Mapping[int, Sequence[Fraction]]) -> Value:
    """x at places (not negative) between its entries along some axes, by linear interpolation along one after the
    other; beyond the last entry it stays the same."""
    divisor = 1
    for axis, positions in places.items():
        matrix, denominator = _matrix(positions, x.shape[axis])
        x = _along(b, x, axis, matrix)
        divisor *= denominator
    return x if divisor == 1 else b.divide(x, divisor)


def _scale(size: int, wanted: int, align_corners: bool, factor: float | None) -> Fraction:
    """The distance of two neighbours of the result, in entries of the input."""
    if align_corners:
        return Fraction(size - 1, wanted - 1) if wanted > 1 else Fraction(0)
    return 1 / Fraction(factor) if factor else Fraction(size, wanted)


def _source(k: int, scale: Fraction, align_corners: bool) -> Fraction:
    """The place in the input of entry k of the result; without align_corners, centres of entries are aligned."""
    if align_corners:
        return k * scale
    return max(Fraction(0), (k + Fraction(1, 2)) * scale - Fraction(1, 2))


def _matrix(positions: Sequence[Fraction], size: int) -> tuple[NDArray[np.float64], int]:
    """Weights (positions, size) as float64 numbers, to be divided by a denominator."""
    lows = [min(floor(position), size - 1) for position in positions]
    parts = [p - low if low < size - 1 else Fraction(0) for p, low in zip(positions, lows, strict=True)]
    common = lcm(*(part.denominator for part in parts))
    denominator = common if common <= _EXACT else 1
    matrix = np.zeros((len(positions), size))
    for k, (low, part) in enumerate(zip(lows, parts, strict=True)):
        matrix[k, low] = float((1 - part) * denominator)
        if part:
            matrix[k, low + 1] = float(part * denominator)
    return matrix, denominator


def _along(b: Builder, x: Value, axis: int, matrix: NDArray[np.float64]) -> Value:
    """The matrix applied along an axis."""
    product = b.dense(_exchanged(b, x, axis), matrix)
    return _exchanged(b, product, axis)


def _exchanged(b: Builder, x: Value, axis: int) -> Value:
    return b.gather([x], entries(x).transpose(axis, -1).numpy())


HANDLERS: dict[str, Handler] = {}
for _name in ("upsample_nearest", "_upsample_nearest_exact"):
    for _dims in (1, 2, 3):
        HANDLERS[f"aten.{_name}{_dims}d.vec"] = partial(nearest, op=getattr(torch.ops.aten, f"{_name}{_dims}d").vec)
for _name in ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"):
    HANDLERS[f"aten.{_name}.vec"] = partial(linear, op=getattr(torch.ops.aten, _name).vec)
