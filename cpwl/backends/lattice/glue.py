"""Lattices of blocks that were refined apart, put together along their borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from .lattice import Faces, Lattice
from .names import Names, borders


class Laying(Protocol):
    """How lists of blocks are put in their places: member m of one as ``number[m]``."""

    def lay_first(
        self, lists: Ragged, number: Faces, fresh: NDArray[np.bool_], values: Faces, ends: Faces, done: tuple[int, int]
    ) -> tuple[int, int]:
        """Puts the ``fresh`` lists, one after the other, into ``values``, and where each ends into ``ends``.

        So many lists, and members, as are ``done`` are in these before; and then.
        """
        ...

    def lay(self, lists: Ragged, number: Faces, starts: Faces, values: Faces) -> None:
        """Puts each list into ``values``, from ``starts[i]`` on."""
        ...


class ArrayLaying:
    """The same in array operations."""

    def lay_first(
        self, lists: Ragged, number: Faces, fresh: NDArray[np.bool_], values: Faces, ends: Faces, done: tuple[int, int]
    ) -> tuple[int, int]:
        """See ``Laying``."""
        (count, start), counts = done, lists.counts
        members = lists.values[np.repeat(fresh, counts)]
        stop = count + int(np.count_nonzero(fresh)), start + len(members)
        values[start : stop[1]] = number[members]
        ends[count : stop[0]] = start + np.cumsum(counts[fresh])
        return stop

    def lay(self, lists: Ragged, number: Faces, starts: Faces, values: Faces) -> None:
        """See ``Laying``."""
        place = np.repeat(starts - lists.offsets[:-1], lists.counts) + np.arange(len(lists.values))
        values[place] = number[lists.values]


@dataclass(frozen=True, eq=False)
class Glue:
    """What comes out of blocks."""

    lattice: Lattice
    kept: Faces
    """For each vertex the first that is it, counting those of all blocks one after the other."""
    number: NDArray[np.int64]
    """For each of these the vertex that it is."""

    @classmethod
    def of(
        cls,
        blocks: Sequence[Lattice],
        names: Sequence[Names],
        order: NDArray[np.int64],
        walls: int,
        first_walls: Sequence[int],
        laying: Laying,
    ) -> Glue:
        """``order``: for each region the block's it is, counting those of all blocks one after the other.

        Walls of block i from ``first_walls[i]`` on are its own, and numbered from ``walls`` on, block by block.
        """
        dim, on_borders = blocks[0].dim, [borders(block) for block in blocks]
        named = [np.flatnonzero(part) for part in names]
        vertices = below = _Numbering.of(
            [len(part) for part in names], named, [part[some] for part, some in zip(names, named, strict=True)]
        )
        boundary = []
        for k in range(1, dim):
            on = [faces[k] for faces in on_borders]
            keys = [
                _two_lowest(block.boundary[k - 1].take(faces), below.of_block(i))
                for i, (block, faces) in enumerate(zip(blocks, on, strict=True))
            ]
            here = _Numbering.of([block.count(k) for block in blocks], on, keys)
            boundary.append(_first_lists([block.boundary[k - 1] for block in blocks], below, here, laying))
            below = here
        boundary.append(_ordered_lists([block.boundary[-1] for block in blocks], below, order, laying))
        own = np.cumsum([0, *(block.walls - low for block, low in zip(blocks, first_walls, strict=True))])
        wall = [
            np.where(block.wall < low, block.wall, block.wall - low + (walls + start))
            for block, low, start in zip(blocks, first_walls, own.tolist(), strict=False)
        ]
        generation = np.concatenate([block.generation for block in blocks], dtype=np.int64)
        facets = np.concatenate(wall)[below.fresh], generation[below.fresh]
        kept = np.flatnonzero(vertices.fresh)
        lattice = Lattice(len(kept), tuple(boundary), *facets, walls + int(own[-1]))
        return cls(lattice, kept, vertices.number)


@dataclass(frozen=True, eq=False)
class _Numbering:
    """The faces of one dimension of several blocks, one block after the other: which are one."""

    number: NDArray[np.int64]
    """For each the number that it has in all."""
    fresh: NDArray[np.bool_]
    """Whether it is the first that has its number."""
    starts: NDArray[np.int64]
    """Where those of each block begin, and the end."""

    @classmethod
    def of(cls, counts: Sequence[int], some: Sequence[Faces], keys: Sequence[NDArray[np.int64]]) -> _Numbering:
        """Blocks have so many faces. Of ``some`` of each those with one key are one; the others are each one."""
        starts = np.cumsum([0, *counts])
        place = np.concatenate([start + faces for start, faces in zip(starts.tolist(), some, strict=False)])
        _, first, which = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
        fresh = np.ones(int(starts[-1]), np.bool_)
        fresh[place] = False
        fresh[place[first]] = True
        number = np.cumsum(fresh) - 1
        number[place] = number[place[first]][which]
        return cls(number, fresh, starts)

    def of_block(self, i: int) -> NDArray[np.int64]:
        """The numbers of the faces of block i."""
        return self.number[self.starts[i] : self.starts[i + 1]]


def _two_lowest(lists: Ragged, number: NDArray[np.int64]) -> NDArray[np.int64]:
    """The two lowest members of each list, by other numbers, in one: faces of a complex have at most one face of the
    dimension below in common, so that these tell which face it is."""
    members = number[lists.values]
    width = int(members.max(initial=0)) + 1
    ordered = np.sort(lists.row_of * width + members) % width
    first = lists.offsets[:-1]
    return np.asarray(ordered[first] << 32 | ordered[first + 1])


def _first_lists(lists: Sequence[Ragged], below: _Numbering, here: _Numbering, laying: Laying) -> Ragged:
    """The boundaries of the faces of all blocks, each once, by the numbers that members have in all."""
    fresh = [here.fresh[start:end] for start, end in pairwise(here.starts.tolist())]
    members = sum(int(part.counts[new].sum()) for part, new in zip(lists, fresh, strict=True))
    values, offsets = np.empty(members, np.int64), np.zeros(1 + int(np.count_nonzero(here.fresh)), np.int64)
    done = 0, 0
    for i, (part, new) in enumerate(zip(lists, fresh, strict=True)):
        done = laying.lay_first(part, below.of_block(i), new, values, offsets[1:], done)
    return Ragged(values, offsets)


def _ordered_lists(lists: Sequence[Ragged], below: _Numbering, order: Faces, laying: Laying) -> Ragged:
    """The boundaries of the regions of all blocks in an order, by the numbers that members have in all."""
    offsets = np.zeros(len(order) + 1, np.int64)
    np.cumsum(np.concatenate([part.counts for part in lists])[order], out=offsets[1:])
    starts = np.empty(len(order), np.int64)
    starts[order] = offsets[:-1]
    values, end = np.empty(int(offsets[-1]), np.int64), 0
    for i, part in enumerate(lists):
        start, end = end, end + len(part)
        laying.lay(part, below.of_block(i), starts[start:end], values)
    return Ragged(values, offsets)
