"""Lattices of blocks that were refined apart, put together along their borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from .lattice import Faces, Lattice
from .names import Names, alike, border


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
    ) -> Glue:
        """``order``: for each region the block's it is, counting those of all blocks one after the other.

        Walls of block i from ``first_walls[i]`` on are its own, and numbered from ``walls`` on, block by block.
        """
        dim = blocks[0].dim
        number, kept = alike(names)
        vertex_number, boundary = number, []
        for k in range(1, dim + 1):
            members = _beside([block.boundary[k - 1] for block in blocks], number, [b.count(k - 1) for b in blocks])
            if k == dim:
                boundary.append(members.take(order))
                break
            on = np.concatenate([_marked(block.count(k), border(block, k)) for block in blocks])
            number, first = _faces_alike(members, on)
            boundary.append(members.take(first))
        facets = kept if dim == 1 else first
        wall = np.concatenate(
            [
                _renumbered(b.wall, low, walls + own)
                for b, low, own in zip(blocks, first_walls, _own(blocks, first_walls), strict=True)
            ]
        )
        generation = np.concatenate([block.generation for block in blocks])
        total = walls + sum(b.walls - low for b, low in zip(blocks, first_walls, strict=True))
        lattice = Lattice(len(kept), tuple(boundary), wall[facets], generation[facets], total)
        return cls(lattice, kept, vertex_number)


def _beside(lists: Sequence[Ragged], number: NDArray[np.int64], counts: Sequence[int]) -> Ragged:
    """Lists of members of several blocks, one after the other, by the numbers that members have in all."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    values = np.concatenate([number[start + part.values] for start, part in zip(starts, lists, strict=True)])
    return Ragged.from_counts(values, np.concatenate([part.counts for part in lists]))


def _faces_alike(members: Ragged, on: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Faces]:
    """Faces of several blocks: for each its number in all, and the first that has each number.

    Two faces of a complex have at most one face of the dimension below in common: two members tell which it is.
    """
    place = np.arange(len(members))
    some = np.flatnonzero(on)
    chosen = members.take(some)
    width = int(chosen.values.max(initial=0)) + 1
    ordered = np.sort(chosen.row_of * width + chosen.values) % width
    lowest = ordered[chosen.offsets[:-1]], ordered[chosen.offsets[:-1] + 1]
    _, first, which = np.unique(lowest[0] * width + lowest[1], return_index=True, return_inverse=True)
    place[some] = some[first][which]
    kept, number = np.unique(place, return_inverse=True)
    return number, kept


def _marked(count: int, faces: Faces) -> NDArray[np.bool_]:
    result = np.zeros(count, np.bool_)
    result[faces] = True
    return result


def _own(blocks: Sequence[Lattice], first_walls: Sequence[int]) -> list[int]:
    """How many walls of their own the blocks before each have."""
    counts = [block.walls - low for block, low in zip(blocks, first_walls, strict=True)]
    return [sum(counts[:i]) for i in range(len(counts))]


def _renumbered(wall: NDArray[np.int64], low: int, start: int) -> NDArray[np.int64]:
    return np.where(wall < low, wall, wall - low + start)
