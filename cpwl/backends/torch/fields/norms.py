"""Upper bounds on the norms of linear operators, for the error bounds of their results (proofs/, Lemma 5 (a))."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd, prod, sqrt
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ....network.operators import Conv, Dense
from ....numbers.norms import spectral_bound
from .field import ROUND_UP, SMALLEST, lifted

_LARGEST_GRAM = 1 << 34
"""Multiplications that one squaring may cost; a matrix beyond that is bounded by its absolute values alone."""


@dataclass(frozen=True)
class Norms:
    """Bounds for a linear operator W: at least ||W||_2, and at least || |W| ||_2."""

    spectral: float
    absolute: float


_known: WeakKeyDictionary[Dense | Conv, dict[torch.device, Norms]] = WeakKeyDictionary()
"""What has been worked out for an operator; on each device alone, as rounding may differ."""


def operator_norms(op: Dense | Conv, weight: Tensor) -> Norms:
    """The bounds for an operator, with its weights on some device."""
    known = _known.setdefault(op, {})
    if weight.device not in known:
        known[weight.device] = conv_norms(op, weight) if isinstance(op, Conv) else dense_norms(weight)
    return known[weight.device]


def absolute_operator_norm(op: Dense | Conv, weight: Tensor) -> float:
    """A bound on || |W| ||_2 for an operator with such weights."""
    return _absolute_conv_norm(op, weight) if isinstance(op, Conv) else absolute_norm(weight)


def dense_norms(weight: Tensor) -> Norms:
    """The bounds for a matrix (out, in)."""
    absolute = absolute_norm(weight)
    return Norms(factor(min(_spectral(weight), absolute)), absolute)


def absolute_norm(weight: Tensor) -> float:
    """A bound on || |W| ||_2 for a matrix."""
    return _schur(weight.abs().sum(1), weight.abs().sum(0))


def conv_norms(op: Conv, weight: Tensor) -> Norms:
    """The bounds for a convolution of any spatial size: weight (out, in // groups, *kernel)."""
    blocks, absolute = _grouped(op, weight), _absolute_conv_norm(op, weight)
    reads = prod(_meetings(*axis) for axis in zip(weight.shape[2:], op.stride, op.dilation, strict=True))
    by_output = max(_spectral(block.flatten(1)) for block in blocks)
    by_input = max(_spectral(block.transpose(0, 1).flatten(1)) for block in blocks)
    taps = prod(weight.shape[2:])
    unfolded = min(sqrt(reads) * by_output, sqrt(taps) * by_input) * ROUND_UP
    return Norms(factor(min(unfolded, absolute)), absolute)


def _absolute_conv_norm(op: Conv, weight: Tensor) -> float:
    """A bound on || |W| ||_2 for a convolution of any spatial size."""
    magnitudes = _grouped(op, weight).abs()
    return _schur(magnitudes.sum((2, 3)), magnitudes.sum((1, 3)))


def _grouped(op: Conv, weight: Tensor) -> Tensor:
    return weight.reshape(op.groups, len(weight) // op.groups, weight.shape[1], -1)


def _meetings(taps: int, stride: int, dilation: int) -> int:
    """How many taps of a kernel at most read one entry, along one axis: those whose places agree modulo the stride."""
    return ceil(taps / (stride // gcd(stride, dilation)))


def _schur(rows: Tensor, columns: Tensor) -> float:
    """sqrt(||A||_inf ||A||_1) >= ||A||_2 for a non-negative A, from its row and column sums."""
    return sqrt(largest(rows)) * sqrt(largest(columns)) * ROUND_UP


def _spectral(matrix: Tensor) -> float:
    """A bound on ||A||_2, at most 1.1 times that for n = 256."""
    return spectral_bound(matrix, 5, _LARGEST_GRAM)


def largest(bounds: Tensor) -> float:
    """The largest of some non-negative factors, zero or at least ``SMALLEST``."""
    return float(lifted(bounds).max()) if bounds.numel() else 0.0


def factor(coefficient: float) -> float:
    """A coefficient as a factor of a bound, zero or at least ``SMALLEST``."""
    return max(abs(coefficient), SMALLEST) if coefficient else 0.0
