"""Arrays that grow at their end, and lists of faces that do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged

Words = NDArray[np.uint64]
"""Sets of columns, 64 to a word: (n, words)."""


class Growing:
    """An array with room to grow along its first axis."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._count = len(values)
        self._room = np.empty((max(64, 2 * len(values)), *values.shape[1:]), values.dtype)
        self._room[: self._count] = values

    def __len__(self) -> int:
        return self._count

    @property
    def all(self) -> NDArray[Any]:
        """What is there, as a view that is good until something is added."""
        return self._room[: self._count]

    def add(self, values: NDArray[Any]) -> None:
        """Adds rows."""
        total = self._count + len(values)
        if total > len(self._room):
            room = np.empty((max(2 * len(self._room), total), *self._room.shape[1:]), self._room.dtype)
            room[: self._count] = self.all
            self._room = room
        self._room[self._count : total] = values
        self._count = total


class FacesInMaking:
    """The k-faces of a lattice that is being cut: their boundaries, and on which sides of which columns they reach."""

    def __init__(self, boundary: Ragged, below: Words, above: Words) -> None:
        self._start, self._length = Growing(boundary.offsets[:-1]), Growing(boundary.counts)
        self._pool = Growing(boundary.values)
        """The boundaries: those of all faces, and some that are no more."""
        self.below, self.above = Growing(below), Growing(above)
        """Columns that are strictly below (above) their level at some vertex."""
        self.upper = Growing(np.full(len(boundary), -1))
        """In this round, for a face that is cut, the number of its part above; else -1."""
        self.middle = Growing(np.full(len(boundary), -1))
        """In this round, for a face that is cut, the (k-1)-face between its parts."""

    def __len__(self) -> int:
        return len(self._start)

    def members(self, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The (k-1)-faces that bound some faces, and the place of the face that each bounds."""
        length = self._length.all[faces]
        ends = np.cumsum(length)
        index = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(self._start.all[faces] - ends + length, length)
        return np.repeat(np.arange(len(faces)), length), self._pool.all[index]

    def ends(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """The two vertices of 1-faces, (n, 2)."""
        return np.asarray(self._pool.all[self._start.all[edges][:, None] + np.arange(2)])

    def add(self, boundary: Ragged, below: Words, above: Words) -> None:
        """Adds faces."""
        self._start.add(len(self._pool) + boundary.offsets[:-1])
        self._length.add(boundary.counts)
        self._pool.add(boundary.values)
        self.below.add(below)
        self.above.add(above)
        for extra in (self.upper, self.middle):
            extra.add(np.full(len(boundary), -1))

    def replace(self, faces: NDArray[np.int64], boundary: Ragged, below: Words, above: Words) -> None:
        """Gives faces other boundaries."""
        self._start.all[faces] = len(self._pool) + boundary.offsets[:-1]
        self._length.all[faces] = boundary.counts
        self._pool.add(boundary.values)
        self.below.all[faces], self.above.all[faces] = below, above

    def finished(self, order: NDArray[np.int64] | None = None) -> Ragged:
        """The boundaries of all faces, in their order or another."""
        faces = np.arange(len(self)) if order is None else order
        place, members = self.members(faces)
        return Ragged.from_counts(members, np.bincount(place, minlength=len(faces)))


def union(bits: Words, lists: Ragged) -> Words:
    """For each list the union of the sets of its members; no list is empty."""
    if not len(lists):
        return bits[:0]
    return np.asarray(np.bitwise_or.reduceat(bits[lists.values], lists.offsets[:-1], axis=0))


def has(bits: Words, column: int) -> NDArray[np.bool_]:
    """Whether sets hold a column."""
    return np.asarray(bits[:, column >> 6] >> np.uint64(column & 63) & np.uint64(1)).astype(np.bool_)


def dense(bits: Words, columns: int) -> NDArray[np.bool_]:
    """Sets as truth values (n, columns)."""
    packed = np.ascontiguousarray(bits).view(np.uint8)
    return np.unpackbits(packed, axis=1, bitorder="little", count=columns).view(np.bool_)


def packed(truth: NDArray[np.bool_]) -> Words:
    """Truth values (n, columns) as sets."""
    words = max(1, -(-truth.shape[1] // 64))
    wide = np.zeros((len(truth), 64 * words), np.bool_)
    wide[:, : truth.shape[1]] = truth
    return np.packbits(wide, axis=1, bitorder="little").view(np.uint64)
