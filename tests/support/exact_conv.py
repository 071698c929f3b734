"""Convolutions and windows in exact arithmetic, from their definitions: the tests' own oracle."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from cpwl.network import Conv


def taps(op: Conv, place: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The taps of the kernel that meet the input at an output's place, and where."""
    axes = list(zip(place, op.stride, op.padding, op.dilation, strict=True))
    pairs = []
    for tap in product(*map(range, op.weight.shape[2:])):
        at = tuple(p * s - pad[0] + d * t for (p, s, pad, d), t in zip(axes, tap, strict=True))
        if all(0 <= q < n for q, n in zip(at, op.spatial, strict=True)):
            pairs.append((tap, at))
    return pairs


def convolve(op: Conv, image: list[Fraction]) -> list[Fraction]:
    """The exact result of one image, from the definition."""
    x = np.array(image, dtype=object).reshape(op.channels, *op.spatial)
    inside, per_group = op.weight.shape[1], len(op.bias) // op.groups
    result = []
    for o, place in product(range(len(op.bias)), product(*map(range, op.output_spatial))):
        first = o // per_group * inside
        terms = (
            Fraction(float(op.weight[(o, c, *tap)])) * x[(first + c, *at)]
            for c in range(inside)
            for tap, at in taps(op, place)
        )
        result.append(sum(terms, Fraction(float(op.bias[o]))))
    return result


def matrix_of(op: Conv) -> list[list[Fraction]]:
    """The convolution without its bias as a matrix (out, in)."""
    linear = Conv(op.weight, np.zeros(len(op.bias)), op.spatial, op.stride, op.padding, op.dilation, op.groups)
    size = op.channels * prod(op.spatial)
    columns = [convolve(linear, [Fraction(int(i == j)) for i in range(size)]) for j in range(size)]
    return [list(row) for row in zip(*columns, strict=True)]


def windows(shape: tuple[int, int], kernel: int, stride: int, padding: int) -> list[list[int]]:
    """The entries of an image (flattened) that each output of a pool reads; those of the padding left out."""
    counts = [(n + 2 * padding - kernel) // stride + 1 for n in shape]
    axes = [
        [[q for q in range(o * stride - padding, o * stride - padding + kernel) if 0 <= q < n] for o in range(count)]
        for n, count in zip(shape, counts, strict=True)
    ]
    return [[row * shape[1] + column for row, column in product(*pair)] for pair in product(*axes)]
