"""Names of the vertices on the border of a block of cells, by which blocks that are refined apart find together again.

Both blocks beside a border edge know its ends by the same names. In exact arithmetic both divide it at the same points,
so that the two ends' names, the refinement and the rank along the edge name a new vertex the same on both sides.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from .complex import Complex

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
