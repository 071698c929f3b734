"""Rationals as the nearest float64 numbers."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest(numerator: int, denominator: int) -> float:
    """The float64 nearest to a quotient (Python rounds it correctly); infinite when it is too large."""
    try:
        return numerator / denominator
    except OverflowError:
        return inf if numerator > 0 else -inf


def nearest_floats(values: NDArray[Any]) -> NDArray[np.float64]:
    """The float64 numbers nearest to float64 numbers or Fractions."""
    if values.dtype != object:
        return values.astype(np.float64)
    found = [nearest(*x.as_integer_ratio()) for x in values.ravel().tolist()]
    return np.array(found, np.float64).reshape(values.shape)
