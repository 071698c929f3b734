"""Names of the vertices on the border of a block, by which blocks that are refined apart find together again.

Both blocks beside a facet know its vertices by the same names. Decisions are exact, and columns come in one order: so
both cut the facet, and its faces, in the same rounds, and the names of the two vertices that a new one is made
between, the column and the refinement name it the same on both sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cut import Outcome
from .lattice import Faces, Lattice

Names = NDArray[np.int64]
"""int64 (V,), 0 for vertices that are on no border."""

_FACTORS = tuple(np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
"""Odd constants of SplitMix64 (Steele, Lea, Flood 2014)."""


def mixed(*parts: NDArray[np.int64]) -> Names:
    """One number of 64 bits for a tuple of numbers; different tuples practically never get the same."""
    result = np.zeros(parts[0].shape, np.uint64)
    for part in parts:
        result = (result + _FACTORS[0]) ^ part.astype(np.uint64)
        for shift, factor in ((30, _FACTORS[1]), (27, _FACTORS[2])):
            result = (result ^ (result >> np.uint64(shift))) * factor
        result ^= result >> np.uint64(31)
    name = result.view(np.int64)
    return np.where(name == 0, 1, name)


def borders(lattice: Lattice) -> list[Faces]:
    """For k = 0 .. D - 1 the k-faces of facets that have a region on one side alone, increasing."""
    faces = np.flatnonzero(np.bincount(lattice.boundary[-1].values, minlength=lattice.count(lattice.dim - 1)) == 1)
    by_level = [faces]
    for level in range(lattice.dim - 1, 0, -1):
        some = np.zeros(lattice.count(level - 1), np.bool_)
        some[lattice.boundary[level - 1].take(by_level[-1]).values] = True
        by_level.append(np.flatnonzero(some))
    return by_level[::-1]


def named(lattice: Lattice, names: Names, fresh: Names) -> Names:
    """Names for all vertices on the border: those that they have, or ``fresh`` ones (V,)."""
    result = np.zeros_like(names)
    on = borders(lattice)[0]
    result[on] = np.where(names[on] == 0, fresh[on], names[on])
    return result


def prolonged(names: Names, refined: Outcome, generation: int) -> Names:
    """The names after a refinement."""
    result = np.concatenate([names, np.zeros(refined.lattice.vertices - len(names), np.int64)])
    on = np.zeros(len(result), np.bool_)
    on[borders(refined.lattice)[0]] = True
    first, second, column = refined.made
    start = 0
    for stop in refined.rounds:  # the ends of an edge on the border may have been made in an earlier round
        new = start + np.flatnonzero(on[len(names) + start : len(names) + stop])
        parts = result[first[new]], result[second[new]], column[new], np.full(len(new), generation)
        result[len(names) + new] = mixed(*parts)
        start = stop
    return result
