"""2-norms in float64, also where squares are out of its range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
