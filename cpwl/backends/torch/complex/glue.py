"""Blocks of cells that have been refined apart, put together again along their borders.

Block after block, so that what is at work stays in the cache: only what comes out is as large as all blocks together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from ..fields.field import ROUND_UP, lengths
from .border_names import VertexNames
from .complex import Complex
from .segments import distinct, numbers_of_ranges, offsets_of


@dataclass(frozen=True, eq=False)
class Glue:
    """Blocks as one complex: vertices with equal names, and border edges between them, are one."""

    complex: Complex
    leader: Tensor
    """For each vertex side by side the first that it is one with."""
    kept: Tensor
    """The vertex side by side that each vertex was, int64 (V,): the first of those that are one."""

    @classmethod
    def of(
        cls,
        blocks: Sequence[Complex],
        names: Sequence[VertexNames],
        order: Tensor,
        lines: int,
        first_lines: Sequence[int],
    ) -> Glue:
        """The blocks, whose vertices have these names, with their cells (numbered block by block) in that order.

        A block's lines from its entry of ``first_lines`` on are its own: they are numbered from ``lines`` on.
        """
        named = [own.nonzero(as_tuple=True)[0] for own in names]
        keys = [own[some] for own, some in zip(names, named, strict=True)]
        vertices = _Merged.of([len(own) for own in names], named, keys)
        shared = [_shared_edges(block, own) for block, own in zip(blocks, names, strict=True)]
        triples = zip(vertices.parts, blocks, shared, strict=True)
        ends = [vertices.number[part][block.edges[some]] for part, block, some in triples]
        keys = [_unordered(pairs, vertices.kept) for pairs in ends]
        edges = _Merged.of([len(block.edges) for block in blocks], shared, keys)
        glued = _glued(blocks, vertices, edges, edges.differing(torch.cat(ends)[:, 0]), order, lines, first_lines)
        leader = torch.arange(len(vertices.stays), device=order.device)
        leader[vertices.places] = vertices.first
        return cls(glued, leader, vertices.stays.nonzero(as_tuple=True)[0])

    def spread(self, points: Tensor) -> Tensor:
        """How far each vertex is from the one that is kept for it."""
        return lengths(points - points[self.leader])

    def spread_allowed(self, error: Tensor) -> Tensor:
        """How far it may be: both are that near to the exact place."""
        return (error + error[self.leader]) * ROUND_UP


@dataclass(frozen=True, eq=False)
class _Merged:
    """Things of several blocks side by side, of which some are the same as others."""

    parts: list[slice]
    """Where the things of each block are."""
    places: Tensor
    """Those that may be the same as others, increasing."""
    first: Tensor
    """For each of these the first thing that it is the same as."""
    stays: Tensor
    """Which things are the first of those that are the same, bool (N,)."""
    number: Tensor
    """The number of each thing when others that are the same do not count, int64 (N,)."""
    kept: int
    """How many there are then."""

    @classmethod
    def of(cls, counts: Sequence[int], some: Sequence[Tensor], keys: Sequence[Tensor]) -> _Merged:
        """So many things of each block; ``some`` of them, increasing, have keys, equal for the same."""
        parts = _parts(counts)
        places = torch.cat([own + part.start for own, part in zip(some, parts, strict=True)])
        first = _first_alike(torch.cat(list(keys)), places)
        stays = torch.ones(sum(counts), dtype=torch.bool, device=places.device)
        stays[places] = places == first
        number = torch.cumsum(stays, 0).sub_(1)
        kept = int(number[-1]) + 1
        number[places] = number[first]
        return cls(parts, places, first, stays, number, kept)

    def differing(self, values: Tensor) -> Tensor:
        """Things whose value is not that of the first they are the same as, bool (N,); values as ``places``."""
        differs = torch.zeros_like(self.stays)
        differs[self.places] = values != values[torch.searchsorted(self.places, self.first)]
        return differs


def _glued(
    blocks: Sequence[Complex],
    vertices: _Merged,
    edges: _Merged,
    turned: Tensor,
    order: Tensor,
    lines: int,
    first_lines: Sequence[int],
) -> Complex:
    """The blocks in one; edges that are ``turned`` run against the one that stays for them."""
    offsets = offsets_of(torch.cat([block.counts for block in blocks])[order])
    begin = torch.empty_like(order)
    begin[order] = offsets[:-1]
    ends, marks = order.new_empty(edges.kept, 2), order.new_empty(edges.kept, 2)
    half_edge, forward = order.new_empty(int(offsets[-1])), turned.new_empty(int(offsets[-1]))
    cells, done = _parts([block.cells for block in blocks]), 0
    for k, block in enumerate(blocks):
        part = edges.parts[k]
        stays = edges.stays[part].nonzero(as_tuple=True)[0]
        here = slice(done, done + len(stays))
        own = block.edges.index_select(0, stays).view(-1)
        torch.index_select(vertices.number[vertices.parts[k]], 0, own, out=ends[here].view(-1))
        marks[here] = _shifted(block.marks.index_select(0, stays), first_lines[k], lines)
        place = numbers_of_ranges(begin[cells[k]], block.counts)
        half_edge[place] = edges.number[part].index_select(0, block.half_edge)
        forward[place] = block.forward ^ turned[part].index_select(0, block.half_edge)
        done, lines = here.stop, lines + block.lines - first_lines[k]
    return Complex(ends, marks, half_edge, forward, offsets)


def _shared_edges(block: Complex, names: VertexNames) -> Tensor:
    """The edges of a block's border that another block may have as well."""
    border = block.one_sided.nonzero(as_tuple=True)[0]
    return border[(names[block.edges[border]] != 0).all(1)]


def _unordered(pairs: Tensor, count: int) -> Tensor:
    """One number for each pair of numbers below ``count``, in whichever order they are."""
    first, second = pairs.unbind(1)
    return torch.minimum(first, second) * count + torch.maximum(first, second)


def _parts(counts: Sequence[int]) -> list[slice]:
    """Where things are that come so many at a time, one after the other."""
    return [slice(end - count, end) for end, count in zip(accumulate(counts), counts, strict=True)]


def _shifted(marks: Tensor, first: int, start: int) -> Tensor:
    """The marks with lines from ``first`` on numbered from ``start`` on."""
    generation, line = marks.unbind(1)
    return torch.stack([generation, torch.where(line < first, line, line - first + start)], 1)


def _first_alike(keys: Tensor, places: Tensor) -> Tensor:
    """For each key the first (lowest) of the places that have the same."""
    different, which = distinct(keys)
    first = torch.full_like(different, torch.iinfo(torch.int64).max)
    return first.scatter_reduce_(0, which, places, "amin")[which]
