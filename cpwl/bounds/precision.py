"""How far rounded operations may be off, in the floating-point format in which bounds are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""Numbers of the format: float32 or float64."""

_SLACK = 1 + 2.0**-4
"""Covers the rounding of a margin's own evaluation, of sums of fewer than 2^17 terms in float32."""
_MORE = 8
"""Roundings beyond the terms of a sum: of constants, of what a margin is added to, of the addition."""


@dataclass(frozen=True)
class Precision:
    """A floating-point format."""

    dtype: type[np.floating[Any]]
    unit: float
    """The unit roundoff."""
    smallest: float
    """More than all underflows of an operation together."""
    floor: float
    """Squares of smaller numbers may underflow."""
    largest: float
    """A sum whose terms together are smaller does not overflow."""
    normal: float
    """Smaller constants are not rounded by a share of themselves."""

    def margin(self, sizes: Floats, terms: int) -> Floats:
        """How far computed sums of so many terms may be off, with what else is rounded on the way; NaN for overflow.

        ``sizes``: bounds on the sums of the absolute values of the terms.
        """
        shares = (terms + _MORE) * self.unit
        bound = sizes * self.dtype(shares / (1 - shares) * _SLACK if shares < 1 else np.nan) + self.dtype(self.smallest)
        return np.where(sizes < self.largest, bound, self.dtype(np.nan))

    def sizes(self, slope: Floats, size: Floats) -> Floats:
        """Bounds on slope * x, for margins, where the slope is once rounded, perhaps to nothing, and x of a size."""
        return np.asarray(np.maximum(np.abs(slope), self.dtype(self.normal)) * size)

    def lengths(self, values: Floats) -> Floats:
        """The 2-norms of columns, rounded up."""
        squares = np.einsum("nc,nc->c", values, values)
        norms: Floats = np.sqrt(squares) * self.dtype(_SLACK) + self.dtype(self.floor)
        return norms

    def near(self, values: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Numbers near float64 ones (V, n) that are known up to ``errors`` (V,), and what these are off by, (V,).

        The margin leaves room for one more rounding; it is NaN for what is out of range.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = values.astype(self.dtype)
            sizes = (
                np.maximum(rounded.max(axis=1, initial=0), -rounded.min(axis=1, initial=0)).astype(np.float64) + errors
            )
            margins = (errors + sizes * (4 * self.unit)) * 1.0625 + self.smallest
        return rounded, np.where(sizes < self.largest, margins, np.nan).astype(self.dtype)


DOUBLE = Precision(np.float64, 2.0**-53, 2.0**-1000, 2.0**-500, 2.0**1000, 2.0**-1022)
SINGLE = Precision(np.float32, 2.0**-24, 2.0**-110, 2.0**-54, 2.0**120, 2.0**-126)
