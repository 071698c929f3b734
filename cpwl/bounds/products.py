"""Matrices and convolutions on enclosures: a product with the middles of tables, and one of absolute values with halves
of their differences, which together are those with the positive and the negative part of the weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..network.operators import Conv, Dense
from .enclosure import LOWER, UPPER, Enclosure
from .precision import Floats, Precision


@dataclass(frozen=True, eq=False)
class Matrix:
    """y = weight x + bias, once rounded to the precision: (k, n) and (k,)."""

    half: Floats
    """Half of the weight, (k, n)."""
    absolute: Floats
    """Its absolute values."""
    bias: Floats
    """(k, 1)"""
    sizes: Floats
    """The 2-norm of the absolute values that went into each row of weights, (k, 1)."""
    shares: Floats
    """The absolute values that went into each bias, (k, 1)."""
    terms: int
    """Roundings on the way to an entry."""
    precision: Precision

    @classmethod
    def of(
        cls,
        weight: NDArray[np.float64],
        bias: NDArray[np.float64],
        precision: Precision,
        *,
        sizes: NDArray[np.float64] | None = None,
        shares: NDArray[np.float64] | None = None,
        terms: int = 0,
    ) -> Matrix:
        """``sizes``, ``shares`` and ``terms``: of what weights and biases were computed from, where they were."""
        kind = precision.dtype
        half = weight.astype(kind) * kind(0.5)
        lengths = precision.lengths(np.abs(weight if sizes is None else sizes).astype(kind).T)
        absolute = np.abs(bias if shares is None else shares).astype(kind) * kind(1.0625)
        return cls(
            half,
            np.abs(half),
            bias.astype(kind)[:, None],
            lengths[:, None],
            absolute[:, None],
            weight.shape[1] + terms,
            precision,
        )

    @classmethod
    def composed(cls, A: NDArray[np.float64], c: NDArray[np.float64], op: Dense, precision: Precision) -> Matrix:
        """x -> A (W x + b) + c for a dense operator, as one matrix."""
        return cls.of(
            A @ op.weight,
            A @ op.bias + c,
            precision,
            sizes=np.abs(A) @ np.abs(op.weight),
            shares=np.abs(A) @ np.abs(op.bias) + np.abs(c),
            terms=A.shape[1] + 2,
        )

    @property
    def inputs(self) -> int:
        """The number n of columns."""
        return int(self.half.shape[1])

    def __call__(self, ends: Floats) -> Floats:
        """The product with both tables (2, ..., n, m), the upper one first; without bias, and without margin."""
        reach = np.matmul(self.absolute, ends[UPPER] - ends[LOWER])
        result = np.empty((2, *reach.shape), reach.dtype)
        np.matmul(self.half, ends[UPPER] + ends[LOWER], out=result[UPPER])
        np.subtract(result[UPPER], reach, out=result[LOWER])
        result[UPPER] += reach
        return result

    def shifts(self, length: Floats) -> tuple[Floats, Floats]:
        """What is to be added to the upper and to the lower table, (k, c): the bias, with a margin.

        ``length``: at least the 2-norm of every column of a table, by regions, (c,).
        """
        margin = self.precision.margin(self.sizes * length + self.shares, self.terms)
        return self.bias + margin, self.bias - margin


def product(matrix: Matrix, x: Enclosure) -> Enclosure:
    """A matrix along the last axis of the functions."""
    lead = x.columns // matrix.inputs

    def times(ends: Floats) -> Floats:
        flat = matrix(ends.reshape(2, lead, matrix.inputs, -1))
        return flat.reshape(2, -1, *ends.shape[2:])

    above, below = matrix.shifts(matrix.precision.lengths(x.size))
    return _mapped(x, times, np.tile(above, (lead, 1)), np.tile(below, (lead, 1)))


def convolution(op: Conv, matrices: list[Matrix], x: Enclosure) -> Enclosure:
    """A convolution; a matrix for each group."""
    windows = op.windows()
    lead, places = x.columns // (op.channels * prod(op.spatial)), len(windows)

    def times(ends: Floats) -> Floats:
        images = _grouped(op, ends, lead)
        parts = [_by_channel(matrix(_windows(images[:, :, g], windows)), places) for g, matrix in enumerate(matrices)]
        return np.concatenate(parts, axis=2).reshape(2, -1, *ends.shape[2:])  # of (2, lead, O, places, m)

    length = matrices[0].precision.lengths(x.size)
    shifts = zip(*(matrix.shifts(length) for matrix in matrices), strict=True)
    above, below = (np.tile(np.repeat(np.concatenate(part), places, axis=0), (lead, 1)) for part in shifts)
    return _mapped(x, times, above, below)


def group_matrices(op: Conv, precision: Precision) -> list[Matrix]:
    """The matrix (channels of the result, window) of each group of a convolution."""
    flat = op.weight.reshape(len(op.weight), -1)
    parts = np.split(flat, op.groups), np.split(op.bias, op.groups)
    return [Matrix.of(weight, bias, precision) for weight, bias in zip(*parts, strict=True)]


def _mapped(x: Enclosure, times: Callable[[Floats], Floats], above: Floats, below: Floats) -> Enclosure:
    """What comes of tables, and of the ends of intervals, by ``times``, with what is added above and below, (n, c)."""

    def mapped(ends: Floats) -> Enclosure:
        table = times(ends)
        table[UPPER] += above[:, None]
        table[LOWER] += below[:, None]
        return Enclosure.of(table)

    within = mapped(x.ends)
    return within if x.table.shape[2] == 1 else mapped(x.table).within(within.low, within.high)


def _grouped(op: Conv, values: Floats, lead: int) -> Floats:
    """(2, n, k, c) as (2, lead, groups, channels, places and one that is zero, k * c)."""
    images = values.reshape(2, lead, op.groups, op.channels // op.groups, prod(op.spatial), -1)
    return np.concatenate([images, np.zeros_like(images[..., :1, :])], axis=4)


def _windows(images: Floats, windows: NDArray[np.int64]) -> Floats:
    """The windows of images (2, lead, channels, places + 1, m): (2, lead * windows, channels * taps, m)."""
    taken = images[:, :, :, windows]  # (2, lead, channels, windows, taps, m)
    ordered = taken.transpose(0, 1, 3, 2, 4, 5)
    return ordered.reshape(2, ordered.shape[1] * ordered.shape[2], -1, ordered.shape[-1])


def _by_channel(products: Floats, places: int) -> Floats:
    """Products of windows (2, lead * places, channels, m) as (2, lead, channels, places, m)."""
    return products.reshape(2, -1, places, *products.shape[2:]).swapaxes(2, 3)
