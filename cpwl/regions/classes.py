"""Which output is the largest on each region of a tiling, where one certainly is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..tiling.tiling import Tiling


def certain_classes(part: Tiling) -> NDArray[np.int64]:
    """The output that is certainly the largest on all of each region, int64 (R,), of a network with several outputs.

    -1 where there may be none: where float64 leaves it open at a vertex, and for ambiguous regions.
    """
    values, error = part.outputs.to_numpy(), part.outputs.errors()
    order = np.argsort(values, axis=1, kind="stable")
    row = np.arange(len(values))
    gap = (values[row, order[:, -1]] - values[row, order[:, -2]]).astype(np.float64)
    winner = np.where(gap > 2 * error, order[:, -1], -1)
    regions = part.regions
    low, high = (regions.reduce(ufunc, winner[regions.values]) for ufunc in (np.minimum, np.maximum))
    return np.asarray(np.where((low != high) | part.arrangement.ambiguous, -1, low))
