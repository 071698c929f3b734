"""Changes of certificates by simplices, and whether the regions that one lists are those of the network."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.claims.entries import fraction
from cpwl.geometry.domain import Domain
from cpwl.network import Network
from cpwl.numbers.integers import determinant
from cpwl.partitions.compute import partition

Document = dict[str, Any]
Random = random.Random
Simplex = list[int]


def listed(document: Document) -> list[list[Simplex]]:
    regions: list[list[Simplex]] = document["proof"]["regions"]
    return regions


def drop_simplex(document: Document, rng: Random) -> None:
    region = rng.choice(listed(document))
    region.pop(rng.randrange(len(region)))


def drop_region(document: Document, rng: Random) -> None:
    listed(document).pop(rng.randrange(len(listed(document))))


def double_simplex(document: Document, rng: Random) -> None:
    regions = listed(document)
    rng.choice(regions).append(list(rng.choice(rng.choice(regions))))


def double_region(document: Document, rng: Random) -> None:
    listed(document).append(rng.choice(listed(document)))


def double_all(document: Document, rng: Random) -> None:
    """Everything a second time on a second table of vertices: in the same regions, or in new ones."""
    vertices, regions = document["proof"]["vertices"], listed(document)
    count = len(vertices)
    vertices.extend([list(point) for point in vertices])
    copies = [[[v + count for v in simplex] for simplex in region] for region in regions]
    if rng.random() < 0.5:
        regions.extend(copies)
    else:
        for region, copy in zip(regions, copies):
            region.extend(copy)


def move_simplex(document: Document, rng: Random) -> None:
    """Gives a simplex to another region."""
    regions = listed(document)
    source, target = rng.choice(regions), rng.choice(regions)
    target.append(source.pop(rng.randrange(len(source))))


def split_region(document: Document, rng: Random) -> None:
    regions = listed(document)
    region = rng.choice(regions)
    rng.shuffle(region)
    if len(region) > 1:
        cut = rng.randrange(1, len(region))
        regions.append(region[cut:])
        del region[cut:]


def merge_regions(document: Document, rng: Random) -> None:
    regions = listed(document)
    if len(regions) > 1:
        one, other = rng.sample(range(len(regions)), 2)
        regions[one] += regions[other]
        regions.pop(other)


def other_corner(document: Document, rng: Random) -> None:
    """Another vertex in a simplex: folded over a facet, overlapping, or with a hole."""
    simplex = rng.choice(rng.choice(listed(document)))
    simplex[rng.randrange(len(simplex))] = rng.randrange(len(document["proof"]["vertices"]))
    simplex.sort()


def exchange_corners(document: Document, rng: Random) -> None:
    """Two corners listed in the wrong order: turned inside out."""
    simplex = rng.choice(rng.choice(listed(document)))
    i, j = rng.sample(range(len(simplex)), 2)
    simplex[i], simplex[j] = simplex[j], simplex[i]


def move_vertex(document: Document, rng: Random) -> None:
    point = rng.choice(document["proof"]["vertices"])
    axis = rng.randrange(len(point))
    point[axis] = str(Fraction(point[axis]) + rng.choice([-1, 1]) * Fraction(1, 2 ** rng.choice([53, 53, 80, 10])))


def glue_vertices(document: Document, rng: Random) -> None:
    """Puts a vertex where another one is."""
    vertices = document["proof"]["vertices"]
    vertices[rng.randrange(len(vertices))] = list(rng.choice(vertices))


def refine_simplex(document: Document, rng: Random) -> None:
    """Cuts a simplex into D + 1 at a point of its own: harmless inside, wrong outside or on its border."""
    vertices = document["proof"]["vertices"]
    region = rng.choice(listed(document))
    simplex = region.pop(rng.randrange(len(region)))
    shares = [rng.choice([1, 1, 2, 0, -1]) for _ in simplex]
    total = sum(shares) or 1
    corners = [[fraction(x) for x in vertices[v]] for v in simplex]
    point = [sum((k * x for k, x in zip(shares, axis)), Fraction(0)) / total for axis in zip(*corners)]
    vertices.append(list(map(str, point)))
    region += [sorted([*simplex[:i], *simplex[i + 1 :], len(vertices) - 1]) for i in range(len(simplex))]


def shuffle_regions(document: Document, rng: Random) -> None:
    """Another order of regions and simplices: harmless."""
    for region in listed(document):
        rng.shuffle(region)
    rng.shuffle(listed(document))


OF_SIMPLICES: tuple[Callable[[Document, Random], None], ...] = (
    drop_simplex, drop_region, double_simplex, double_region, double_all, move_simplex, split_region, merge_regions,
    other_corner, exchange_corners, move_vertex, glue_vertices, refine_simplex, shuffle_regions,
)  # fmt: skip


# ---- the truth -----------------------------------------------------------------------------------------------------
def simplices_are_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    """Whether the regions are those of the exact backend: simplices inside one cell each, with its volume in all, none
    of which holds the centroid of another; every cell once."""
    found, table = partition(networks[0], domain, backend="exact"), document["proof"]["vertices"]
    points = np.array([[fraction(x) for x in point] for point in table], dtype=object)
    volumes, cells = found.volumes(), []
    for region in listed(document):
        corners = [points[simplex] for simplex in region]
        centres = np.array([simplex.mean(axis=0) for simplex in corners], dtype=object)
        cell = {int(i) for i in found.locate(centres)}
        if len(cell) != 1:
            return False
        cells.append(cell.pop())
        whole = sum((abs(volume(simplex)) for simplex in corners), Fraction(0))
        apart = not any(
            inside(one, centre) for i, centre in enumerate(centres) for j, one in enumerate(corners) if i != j
        )
        if whole != volumes[cells[-1]] or not apart or not within(found, cells[-1], corners):
            return False
    return sorted(cells) == list(range(len(found))) and len(cells) == document["claim"]["regions"]


def volume(corners: NDArray[Any]) -> Fraction:
    return determinant((corners[1:] - corners[0]).tolist()) / factorial(len(corners) - 1)


def inside(corners: NDArray[Any], point: NDArray[Any]) -> bool:
    """Whether a simplex contains a point."""
    if (corners > point).all(axis=0).any() or (corners < point).all(axis=0).any():
        return False
    whole = volume(corners)
    for i in range(len(corners)):
        moved = corners.copy()
        moved[i] = point
        if volume(moved) * whole < 0:
            return False
    return True


def within(found: Any, cell: int, corners: list[NDArray[Any]]) -> bool:
    """Whether simplices lie in a region: none of their corners is beyond a facet of it, seen from its centroid."""
    own = found.vertices[found.regions[cell]]
    centre = own.mean(axis=0)
    facets = found.facets()
    beside = np.flatnonzero((facets.regions == cell).any(axis=1))
    for f in beside.tolist():
        wall = found.vertices[facets.vertices[f]]
        base = next(
            wall[list(some)] for some in combinations(range(len(wall)), own.shape[1]) if spans(wall[list(some)], centre)
        )
        sign = volume(np.concatenate([[centre], base]))
        if any(volume(np.concatenate([[p], base])) * sign < 0 for simplex in corners for p in simplex):
            return False
    return True


def spans(base: NDArray[Any], point: NDArray[Any]) -> bool:
    return volume(np.concatenate([[point], base])) != 0
