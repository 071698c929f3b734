"""Small helpers on tensors of segments: sorting by two keys, concatenated ranges, packed bits, rows that grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_GATHER_BITS = 0x0102040810204080
"""Multiplying eight bytes that are 0 or 1 by this moves them, as bits, into the top byte (a perfect-hash multiply)."""


def as_numpy(values: Tensor) -> NDArray[Any]:
    """The tensor as a numpy array on the host."""
    return np.asarray(values.cpu().numpy())


def exclusive_sum(counts: Tensor) -> Tensor:
    """For each entry the sum of the entries before it."""
    return torch.cumsum(counts, 0) - counts


def ranges(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """The ranges of ``counts[i]`` numbers from ``starts[i]``, one after the other: the i of each, and the number."""
    return torch.repeat_interleave(counts), numbers_of_ranges(starts, counts)


def numbers_of_ranges(starts: Tensor, counts: Tensor) -> Tensor:
    """The numbers alone."""
    numbers = torch.repeat_interleave(starts - exclusive_sum(counts), counts)
    return numbers.add_(torch.arange(len(numbers), device=numbers.device))


def offsets_of(counts: Tensor) -> Tensor:
    """Where so many things each begin, one after the other, and where the last end, (n + 1,)."""
    return torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)])


def sort_within(groups: Tensor, keys: Tensor) -> Tensor:
    """The permutation that sorts by (group, key), ties in the given order."""
    by_key = torch.argsort(keys, stable=True)
    return by_key[torch.argsort(groups[by_key], stable=True)]


def distinct(values: Tensor) -> tuple[Tensor, Tensor]:
    """The different values, increasing, and for each entry the position of its value among them."""
    with_positions: tuple[Tensor, Tensor] = torch.unique(values, return_inverse=True)
    return with_positions


def used(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """As ``distinct``, for numbers below ``count``; without sorting unless there are many more numbers than entries."""
    if 16 * values.numel() < count:
        return distinct(values)
    here = torch.zeros(count, dtype=torch.bool, device=values.device)
    here[values.reshape(-1)] = True
    names = here.nonzero(as_tuple=True)[0]
    place = values.new_empty(count)
    place[names] = torch.arange(len(names), device=values.device)
    return names, place[values]


def pack(dense: Tensor) -> Tensor:
    """Boolean (rows, columns) packed to uint8 (rows, bytes), bytes a multiple of 8; lowest bit first."""
    rows, columns = dense.shape
    padded = max(1, -(-columns // 64)) * 64
    if padded != columns:
        dense = torch.nn.functional.pad(dense, (0, padded - columns))
    words = dense.contiguous().view(torch.int64) * _GATHER_BITS
    return (words >> 56).to(torch.uint8).reshape(rows, padded // 8)


def unpack(packed: Tensor, columns: int) -> Tensor:
    """The first columns of packed bits (rows, bytes), as truth values."""
    shifts = torch.arange(8, dtype=torch.uint8, device=packed.device)
    dense = packed[:, :, None].bitwise_right_shift(shifts) & 1
    return dense.flatten(1)[:, :columns] != 0


def common_bits(packed: Tensor) -> Tensor:
    """The bits that are set in every one of some packed rows, of which there is at least one: uint8 (bytes,)."""
    words = packed.view(torch.int64)
    common = torch.from_numpy(np.bitwise_and.reduce(words.numpy(), axis=0)) if words.is_cpu else folded(words)
    return common.view(torch.uint8)


def folded(words: Tensor) -> Tensor:
    """The bits that are set in every row of words, (words,); by halving, as torch has no such reduction."""
    while len(words) > 1:
        half = len(words) // 2
        words = torch.cat([words[:half] & words[half : 2 * half], words[2 * half :]])
    return words[0]


def valid_bits(columns: int, device: torch.device) -> Tensor:
    """The packed row in which the first ``columns`` bits are set, uint8 (1, bytes)."""
    return pack(torch.ones(1, columns, dtype=torch.bool, device=device))


def set_bits(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every set bit, row by row."""
    row, byte = packed.nonzero(as_tuple=True)
    shifts = torch.arange(8, dtype=torch.uint8, device=packed.device)
    entry, bit = (packed[row, byte][:, None].bitwise_right_shift(shifts) & 1).nonzero(as_tuple=True)
    return row[entry], byte[entry] * 8 + bit


def with_bits(packed: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """The packed bits with those set at row[i] and column[i], which are different and were not set before."""
    result = packed.clone()
    bits = torch.ones_like(column, dtype=torch.uint8).bitwise_left_shift((column % 8).to(torch.uint8))
    place = row * packed.shape[1] + column // 8
    result.view(-1).scatter_add_(0, place, bits)
    return result


def union_over_cells(packed: Tensor, members: Tensor, offsets: Tensor) -> Tensor:
    """For each cell the bitwise or of the packed rows of its members (``members[offsets[i]:offsets[i + 1]]``)."""
    words = packed.view(torch.int64)
    starts, counts = offsets[:-1], offsets[1:] - offsets[:-1]
    result = words[members[starts]]
    cells = torch.arange(len(starts), device=packed.device)
    for k in range(1, int(counts.max()) if len(counts) else 0):
        cells = cells[counts[cells] > k]
        result[cells] |= words[members[starts[cells] + k]]
    return result.view(torch.uint8)


class Rows:
    """Rows of a tensor, with room for more: adding rows one after the other does not copy all of them every time."""

    def __init__(self, rows: Tensor) -> None:
        self._room, self._count = rows, len(rows)

    @property
    def all(self) -> Tensor:
        """The rows so far, as a view."""
        return self._room[: self._count]

    def append(self, more: Tensor) -> None:
        """Adds rows."""
        count = self._count + len(more)
        if count > len(self._room):
            room = self._room.new_empty(2 * count, *self._room.shape[1:])
            room[: self._count] = self.all
            self._room = room
        self._room[self._count : count] = more
        self._count = count
