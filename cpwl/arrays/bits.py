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

    def beside(self, other: BitMatrix) -> BitMatrix:
        """The columns of both matrices, this one's first."""
        if self.columns % 8 == 0:
            return BitMatrix(np.concatenate([self.packed, other.packed], axis=1), self.columns + other.columns)
        return BitMatrix.pack(np.concatenate([self.dense(), other.dense()], axis=1))

    def take(self, rows: NDArray[np.int64]) -> BitMatrix:
        """The matrix of the given rows."""
        return BitMatrix(self.packed[rows], self.columns)

    def varying(self) -> NDArray[np.int64]:
        """The columns in which not all rows are equal, increasing."""
        different = np.bitwise_or.reduce(self.packed, axis=0) & ~np.bitwise_and.reduce(self.packed, axis=0)
        return np.flatnonzero(np.unpackbits(different, count=self.columns, bitorder="little"))

    def at(self, columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Some columns as a boolean matrix (rows, len(columns))."""
        return (self.packed[:, columns // 8] >> (columns % 8).astype(np.uint8) & 1).view(np.bool_)

    @classmethod
    def alike_but(cls, base: NDArray[np.bool_], columns: NDArray[np.int64], dense: NDArray[np.bool_]) -> BitMatrix:
        """Rows that are all ``base`` but for some columns, distinct, given as a boolean matrix (rows, len(columns))."""
        packed = np.tile(np.packbits(base, bitorder="little"), (len(dense), 1))
        touched = np.unique(columns // 8)
        some = np.unpackbits(packed[:, touched], axis=1, bitorder="little").view(np.bool_)
        some[:, 8 * np.searchsorted(touched, columns // 8) + columns % 8] = dense
        packed[:, touched] = np.packbits(some, axis=1, bitorder="little")
        return cls(packed, len(base))
