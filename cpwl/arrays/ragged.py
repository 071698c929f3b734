"""Rows of different lengths in two flat arrays (compressed sparse rows)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pickled import Compact


@dataclass(frozen=True, eq=False)
class Ragged(Compact):
    """Rows of different lengths: row i is ``values[offsets[i]:offsets[i + 1]]``."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], dtype: Any = np.int64) -> Ragged:
        """The ragged array with the given rows."""
        counts = np.array([len(row) for row in rows], dtype=np.int64)
        values = np.array([item for row in rows for item in row], dtype=dtype)
        return cls.from_counts(values, counts)

    @classmethod
    def from_counts(cls, values: NDArray[Any], counts: NDArray[np.int64]) -> Ragged:
        """The ragged array whose rows have the given lengths and lie one after the other in ``values``."""
        return cls(values, np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a ragged array with {len(self)} rows")
        row %= len(self)
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[row] for row in range(len(self)))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Lengths of the rows, int64 (rows,)."""
        return np.diff(self.offsets)

    @property
    def row_of(self) -> NDArray[np.int64]:
        """For every value the row that it lies in, int64 (values,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def successor(self) -> NDArray[np.int64]:
        """For every value the position of the next one in its row, the first after the last, int64 (values,)."""
        following = np.arange(1, len(self.values) + 1)
        filled = self.counts > 0
        following[self.offsets[1:][filled] - 1] = self.offsets[:-1][filled]
        return following

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The ragged array of the given rows, in the given order."""
        counts = self.counts[rows]
        starts = np.repeat(self.offsets[rows] - (np.cumsum(counts) - counts), counts)
        return Ragged.from_counts(self.values[starts + np.arange(counts.sum())], counts)

    def reduce(self, ufunc: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """``ufunc`` reduced over each (non-empty) row of ``values``, which has one entry per entry of the array."""
        return np.asarray(ufunc.reduceat(values, self.offsets[:-1], axis=0))
