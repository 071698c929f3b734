"""Names of the vertices on the border of a block of cells, by which blocks that are refined apart find together again.

Both blocks beside a border edge know its ends by the same names. In exact arithmetic both divide it at the same points,
so that the two ends' names, the refinement and the rank along the edge name a new vertex the same on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

import torch
from torch import Tensor

from .complex import Complex
from .field import ROUND_UP
from .segments import distinct

VertexNames: TypeAlias = Tensor
"""int64 (V,), 0 for vertices that are on no border."""

_FACTORS = (-7046029254386353131, -4658895280553007687, -7723592293110705685)
"""Odd constants of SplitMix64 (Steele, Lea, Flood 2014), as signed numbers."""


def mixed(*parts: Tensor) -> Tensor:
    """One number of 64 bits for a tuple of numbers; different tuples practically never get the same."""
    result = torch.zeros_like(parts[0])
    for part in parts:
        result = (result + _FACTORS[0]) ^ part
        for shift, constant in ((30, _FACTORS[1]), (27, _FACTORS[2])):
            result = (result ^ (result >> shift)) * constant
        result = result ^ (result >> 31)
    return torch.where(result == 0, 1, result)


def border(cells: Complex) -> Tensor:
    """The half-edges that have no cell on their right."""
    return cells.one_sided[cells.half_edge].nonzero(as_tuple=True)[0]


def named(cells: Complex, names: VertexNames, fresh: Tensor) -> VertexNames:
    """Names for all vertices on the border: those that they have, or ``fresh`` ones (V,)."""
    ends = cells.origin[border(cells)]
    result = names.clone()
    result[ends] = torch.where(names[ends] == 0, fresh[ends], names[ends])
    return result


def prolonged(names: VertexNames, new: Complex, parents: Tensor, vertices: int, generation: int) -> VertexNames:
    """The names after a refinement; vertices that it made on border edges are named by where they are on these."""
    old = len(names)
    result = torch.cat([names, names.new_zeros(vertices - old)])
    walk = border(new)
    origin, end = new.origin[walk], new.origin[new.successor[walk]]
    following = torch.full_like(result, -1)
    following[origin[origin >= old]] = (origin >= old).nonzero(as_tuple=True)[0]
    start = (origin < old).nonzero(as_tuple=True)[0]
    chain, current, steps = torch.arange(len(start), device=start.device), start, []
    counts, last = torch.zeros_like(start), end[start]
    while len(current):
        made = end[current] >= old
        last[chain] = end[current]
        chain, current = chain[made], current[made]
        steps.append((chain, end[current]))
        counts[chain] += 1
        current = following[end[current]]
    first_name, last_name = names[origin[start]], names[last]
    turned = first_name > last_name
    low, high = torch.minimum(first_name, last_name), torch.maximum(first_name, last_name)
    for rank, (chain, vertex) in enumerate(steps):
        place = torch.where(turned[chain], counts[chain] - 1 - rank, rank)
        result[vertex] = mixed(low[chain], high[chain], place, torch.full_like(place, generation))
    return result


def side_by_side(blocks: Sequence[Complex], lines: int, first_lines: Sequence[int]) -> Complex:
    """Several complexes as one, with no vertex or edge in common.

    A block's lines from its entry of ``first_lines`` on are its own: they are numbered from ``lines`` on.
    """
    vertices, edges = (exclusive(counts) for counts in ([_vertices(b) for b in blocks], [len(b.edges) for b in blocks]))
    own = exclusive([b.lines - first for b, first in zip(blocks, first_lines, strict=True)])
    marks = [_shifted(b.marks, first, lines + k) for b, first, k in zip(blocks, first_lines, own, strict=True)]
    counts = torch.cat([b.counts for b in blocks])
    return Complex(
        torch.cat([b.edges + k for b, k in zip(blocks, vertices, strict=True)]),
        torch.cat(marks),
        torch.cat([b.half_edge + k for b, k in zip(blocks, edges, strict=True)]),
        torch.cat([b.forward for b in blocks]),
        torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)]),
    )


def exclusive(counts: Sequence[int]) -> list[int]:
    """For each entry the sum of the entries before it."""
    return [0, *accumulate(counts)][:-1]


def _vertices(block: Complex) -> int:
    return int(block.edges.max()) + 1


def _shifted(marks: Tensor, first: int, start: int) -> Tensor:
    generation, line = marks.unbind(1)
    return torch.stack([generation, torch.where(line < first, line, line - first + start)], 1)


@dataclass(frozen=True, eq=False)
class Glue:
    """Blocks as one complex: vertices with equal names, and border edges between them, are one."""

    complex: Complex
    leader: Tensor
    """For each vertex side by side the first that it is one with."""
    kept: Tensor
    """The vertex side by side that each vertex was, int64 (V,): the first of those that are one."""

    @classmethod
    def of(cls, names: VertexNames, cells: Complex) -> Glue:
        """The blocks of ``cells``, which stand side by side, glued."""
        on_border = (names != 0).nonzero(as_tuple=True)[0]
        first = _first_alike(names[on_border], on_border)
        leader = torch.arange(len(names), device=names.device)
        leader[on_border] = first
        kept, vertex = _without_repeats(len(names), on_border, first)
        edges = vertex[cells.edges]
        border_edge = cells.one_sided.nonzero(as_tuple=True)[0]
        double = border_edge[(names[cells.edges[border_edge]] != 0).all(1)]
        ends = edges[double].unbind(1)
        first = _first_alike(torch.minimum(*ends) * len(kept) + torch.maximum(*ends), double)
        kept_edges, number = _without_repeats(len(edges), double, first)
        turned = torch.zeros(len(edges), dtype=torch.bool, device=edges.device)
        turned[double] = edges[double, 0] != edges[first, 0]
        forward = cells.forward ^ turned[cells.half_edge]
        glued = Complex(edges[kept_edges], cells.marks[kept_edges], number[cells.half_edge], forward, cells.offsets)
        return cls(glued, leader, kept)

    def spread(self, points: Tensor) -> Tensor:
        """How far each vertex is from the one that is kept for it."""
        distance: Tensor = torch.linalg.vector_norm(points - points[self.leader], dim=1)
        return distance

    def spread_allowed(self, error: Tensor) -> Tensor:
        """How far it may be: both are that near to the exact place."""
        return (error + error[self.leader]) * ROUND_UP


def _without_repeats(count: int, some: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """Of so many things those that stay, if some[i] is the same as first[i] <= some[i]; and the new number of each."""
    stays = torch.ones(count, dtype=torch.bool, device=some.device)
    stays[some] = some == first
    number = torch.cumsum(stays, 0).sub_(1)
    number[some] = number[first]
    return stays.nonzero(as_tuple=True)[0], number


def _first_alike(keys: Tensor, places: Tensor) -> Tensor:
    """For each key the first (lowest) of the places that have the same."""
    different, which = distinct(keys)
    first = torch.full_like(different, torch.iinfo(torch.int64).max)
    return first.scatter_reduce_(0, which, places, "amin")[which]
