"""What the functions on regions cost, from rows of each region's own, or from rows that span those of all.

The unit is a product of two float64 numbers, as large matrix products make them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ....fields.spans import Rows, Span
from ....network.network import Network
from .spans import MORE

_BALL = 512
"""A product of two coefficients and its sum, in NumPy, in products of a matrix."""

_CALL = 1 << 21
"""Products of a matrix in the time of the calls by which a row gets its coefficients in one stage."""


def of_long(parts: int) -> int:
    """Products of float64 numbers in one of numbers of so many parts (proofs/, Lemma 10 (a))."""
    return parts * (parts + 1) // 2


class Reckoning:
    """Costs of functions up to those that some stage reads."""

    def __init__(self, network: Network, own: int) -> None:
        """``own``: rows that a region, or the slice, has of its own."""
        self._own = own
        left = [network.products_after(network.read_by(stage)) for stage in range(len(network.nonlinear) + 1)]
        between = [before - after for before, after in pairwise([network.products, *left])]
        self._between = np.array(between, np.float64)
        """Products of a row from what one stage reads, or the input, to what the next one reads."""

    def by_regions(self, before: Rows, lengths: Sequence[int]) -> float:
        """Of rows of regions, of which so many differ ``before`` each stage, in numbers of so many parts each time."""
        products = (before * self._between[: len(before)]).sum()
        return float(self._own * products * sum(map(of_long, lengths)))

    def spanned(self, span: Span, kinds: int, parts: int) -> float:
        """Of rows that span those of so many kinds of regions, and of the functions that are made of them."""
        born = np.cumsum([0, *(len(stage.units) for stage in span.stages)])
        rows = self._own * of_long(parts + MORE) + born * of_long(parts)
        functions = _BALL * kinds * self._own * int(born[-1]) ** 2 / 2 + _CALL * born.sum()
        return float((rows * self._between[: len(rows)]).sum() + functions)
