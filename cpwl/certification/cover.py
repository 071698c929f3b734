"""Do simplices cover a domain once, and are their unions its partition? The rules of proofs/, Theorem 6.

Every rule is decided on integers from the simplices, the domain and the network alone, however they were found.
"""

from __future__ import annotations

from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..claims.triangulation import Triangulation
from ..geometry.polytope import Polytope
from ..numbers.integers import Integer, Integers, array, common_scale, determinants, factor_of, matrix, product, signs
from .verify import demand

Numbers = NDArray[np.int64]


def demand_cover(polytope: Polytope, listing: Triangulation) -> None:
    """Rules 3 and 22 to 25: vertices, simplices, their number, their facets, and that they lie over no point twice."""
    values = _heights(polytope, listing.points)
    demand(np.asarray((values >= 0).all(axis=1), np.bool_), "rule 3: every vertex must lie in the domain")
    some = np.append(np.diff(listing.offsets) > 0, len(listing) > 0)
    demand(some, "rule 24: there must be a region, and a simplex in every region")
    turns = signs(determinants(listing.points[listing.simplices]))
    demand(turns != 0, "rule 22: no simplex may be flat")
    facets, sums = oriented_facets(listing.simplices, turns)
    along = (values == 0)[facets].all(axis=1).any(axis=1)
    demand((sums == 0) | along, "rule 23: every facet inside the domain must have as many simplices on either side")
    demand(~_over_centroid(listing, turns), "rule 25: no simplex may contain the centroid of the first one")


def _heights(polytope: Polytope, points: Integers) -> Integers:
    """For each point numbers that are positive inside the sides of a polytope, (V, sides)."""
    rows = [common_scale(array(side, (len(side),)))[0].tolist() for side in polytope.sides]
    return product(points, factor_of(matrix(rows, points.shape[1]).T))


def oriented_facets(simplices: Numbers, turns: NDArray[np.int8]) -> tuple[Numbers, Numbers]:
    """The facets of simplices, each once, and the sum of its orientations.

    The orientation of a simplex without its vertex i is the simplex's own times (-1)^i.
    """
    width = simplices.shape[1]
    facets = np.concatenate([np.delete(simplices, i, axis=1) for i in range(width)])
    oriented = np.concatenate([turns.astype(np.int64) * (-1) ** i for i in range(width)])
    order = np.lexsort(facets.T[::-1])
    facets = facets[order]
    first = np.flatnonzero(np.append(True, (facets[1:] != facets[:-1]).any(axis=1)))
    return facets[first], np.add.reduceat(oriented[order], first)


def _over_centroid(listing: Triangulation, turns: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which simplices but the first contain its centroid, bool (S,)."""
    points, simplices = listing.points, listing.simplices
    centre = _centroid(points[simplices[0]])
    gaps = signs(points[:, :-1] * centre[-1] - centre[:-1] * points[:, -1:])[simplices]
    beyond: NDArray[np.bool_] = np.logical_or((gaps > 0).all(axis=1), (gaps < 0).all(axis=1))
    near = np.flatnonzero(~beyond.any(axis=1))
    result = np.zeros(len(simplices), np.bool_)
    corners, inside = points[simplices[near]], np.ones(len(near), np.bool_)
    for i in range(simplices.shape[1]):
        moved = corners.copy()
        moved[:, i] = centre
        inside &= signs(determinants(moved)) * turns[near] >= 0
    result[near] = inside
    result[0] = False
    return result


def _centroid(corners: Integers) -> Integers:
    """The centroid of points, in homogeneous integers (D + 1,)."""
    scale = Integer(1)
    for w in corners[:, -1].tolist():
        scale *= w // scale.gcd(w)
    shares = [scale // w for w in corners[:, -1].tolist()]
    sums: list[Any] = [sum(map(mul, column, shares)) for column in corners.T.tolist()]
    return array(sums, (len(sums),))
