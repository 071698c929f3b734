"""A table of bits, eight to a byte: the form in which activation patterns are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BitMatrix:
    """A boolean matrix packed along its columns, lowest bit first."""

    packed: NDArray[np.uint8]
    columns: int

    @classmethod
    def pack(cls, dense: NDArray[np.bool_]) -> BitMatrix:
        """The packed form of a boolean matrix (rows, columns)."""
        return cls(np.packbits(dense, axis=1, bitorder="little"), dense.shape[1])

    def __len__(self) -> int:
        return len(self.packed)

    def dense(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """The rows (all by default) as a boolean matrix (rows, columns)."""
        packed = self.packed if rows is None else self.packed[rows]
        return np.unpackbits(packed, axis=1, count=self.columns, bitorder="little").view(np.bool_)

    def take(self, rows: NDArray[np.int64]) -> BitMatrix:
        """The matrix of the given rows."""
        return BitMatrix(self.packed[rows], self.columns)
