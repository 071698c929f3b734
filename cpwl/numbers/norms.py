"""2-norms in float64, also where squares are out of its range."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UP = 1 + 2.0**-20
"""Covers the rounding of sums of fewer than 2^30 squares, and of products of a few such bounds."""

_SMALL, _LARGE = 2.0**-480, 2.0**480
"""Squares of numbers between these, and their sums, lose nothing to underflow and do not overflow."""


def norms(values: NDArray[Any], axis: int | tuple[int, int] = -1) -> NDArray[np.float64]:
    """The 2-norm of a vector, or the Frobenius norm of a matrix, for each place of the other axes."""
    given = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        sizes = np.asarray(np.linalg.norm(given, axis=axis))
    if sizes.size and not (sizes.min() > _SMALL and sizes.max() < _LARGE):
        peak = np.abs(given).max(axis=axis, keepdims=True, initial=0.0)
        unit = np.where((peak > 0) & np.isfinite(peak), peak, 1.0)
        sizes = np.linalg.norm(given / unit, axis=axis) * unit.reshape(sizes.shape)
    return sizes


def spectral_bound(matrix: Any, squarings: int, most: float = inf) -> float:
    """An upper bound on the spectral norm of a matrix, of numpy or of torch, in float64.

    ||A||_2^2 = ||A'A||_2, repeated, and a Frobenius norm at the end: at most n^(1 / 2^(squarings + 1)) times the norm,
    1.3 for n = 64 and three squarings. One that takes more than ``most`` products is left out.

    Scaled to a Frobenius norm of 1 the product is known up to gamma_n in that norm (Higham 2002, 3.5), and scaling
    itself adds 2 u.
    """
    rows, columns = matrix.shape
    peak = float(abs(matrix).max()) if rows * columns else 0.0
    if not 0.0 < peak < np.inf:  # nothing to scale: zero, or no bound
        return peak
    scaled = matrix / peak  # whose squares are in the range of float64, or make no difference
    size = sqrt(float((scaled * scaled).sum())) * _UP
    if not squarings or rows * columns * min(rows, columns) > most:
        return peak * size * _UP
    unit = (scaled if rows >= columns else scaled.T) / size
    gram = spectral_bound(unit.T @ unit, squarings - 1, most)
    return peak * size * sqrt(gram + (len(unit) + 4) * 2.0**-52) * _UP
