"""How far the rounded coordinates, areas and places of a float partition are from those of the exact backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cpwl
from cpwl.partitions.partition import Partition
from tests.support.agreement import corners_of
from tests.support.families import Case

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])

Exact = list[tuple[Fraction, Fraction]]


@dataclass(eq=False)
class Pair:
    """A float partition and the exact one."""

    float: Partition
    exact: Partition

    @classmethod
    def of(cls, chosen: Case) -> Pair:
        parts = (cpwl.partition(chosen.network, chosen.domain, backend=name) for name in ("torch", "exact"))
        return cls(*parts)

    @cached_property
    def regions(self) -> list[int]:
        """The exact region for each of the float ones."""
        numbers = {row.tobytes(): i for i, row in enumerate(self.exact.patterns())}
        return [numbers[row.tobytes()] for row in self.float.patterns()]

    @cached_property
    def polygons(self) -> list[Exact]:
        """For each float region the exact polygon."""
        return [self.exact.vertices[self.exact.regions[i]].tolist() for i in self.regions]

    @cached_property
    def places(self) -> list[tuple[NDArray[Any], ...]]:
        """For each float vertex the exact ones between the same regions: nearly always one."""
        there = defaultdict(list)
        for vertex, corner in corners_of(self.exact).items():
            there[corner].append(self.exact.vertices[vertex])
        here = corners_of(self.float)
        return [tuple(there[here[vertex]]) for vertex in range(len(here))]

    @cached_property
    def areas(self) -> list[Fraction]:
        """For each float region the exact area."""
        areas = self.exact.volumes()
        return [areas[i] for i in self.regions]

    def containing(self, x: Fraction, y: Fraction) -> list[int]:
        """The float regions whose exact ones contain a point."""
        return [i for i, polygon in enumerate(self.polygons) if contains(polygon, x, y)]


def contains(polygon: Exact, x: Fraction, y: Fraction) -> bool:
    """Whether a convex polygon, counter-clockwise, contains a point."""
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return all((u - a) * (y - b) - (v - b) * (x - a) >= 0 for (a, b), (u, v) in pairs)


def rational(row: NDArray[np.float64]) -> list[Fraction]:
    return [Fraction(x) for x in row.tolist()]


def promised(points: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """How far points may be from the exact ones: six digits, or next to nothing beside the largest coordinate."""
    norms = np.hypot(*points.T)
    return np.maximum(np.maximum(2.0**-20 * norms, 2.0**-62 * largest), 2.0**-499)


def misplaced(part: Partition, places: list[tuple[NDArray[Any], ...]]) -> list[int]:
    """Vertices that are farther from the exact one than ``vertex_errors`` says, or may be by more than is promised."""
    errors = part.vertex_errors()
    allowed = promised(part.vertices, float(np.abs(part.vertices).max()))
    found = np.flatnonzero(errors > allowed).tolist()
    for i, exact in enumerate(places):
        here = np.array(rational(part.vertices[i]), dtype=object)
        if min(((here - there) ** 2).sum() for there in exact) > Fraction(errors[i]) ** 2:
            found.append(i)
    return found


def misrounded(part: Partition, places: list[tuple[NDArray[Any], ...]]) -> list[int]:
    """Vertices with a coordinate that is off by more than 0.501 ulps plus 2^-63 of the largest coordinate."""
    floor = Fraction(float(np.abs(part.vertices).max())) / 2**63
    return [i for i, exact in enumerate(places) if not well_rounded(part.vertices[i], exact, floor)]


def well_rounded(point: NDArray[np.float64], places: Iterable[Any], floor: Fraction) -> bool:
    """Whether one of some exact places, correctly rounded up to ``floor``, is the point."""
    allowed = [Fraction(501, 1000) * Fraction(float(np.spacing(abs(x)))) + floor for x in point]
    away = ([abs(a - b) for a, b in zip(rational(point), there, strict=True)] for there in places)
    return any(all(a <= b for a, b in zip(one, allowed, strict=True)) for one in away)


def mismeasured(pair: Pair, accuracy: float | None) -> list[int]:
    """Regions whose area is not within its bound, or not as accurate as was asked."""
    part, relative = pair.float, Fraction(2.0**-7 if accuracy is None else accuracy)
    volumes, errors = part.volumes(accuracy=accuracy), part.volume_errors(accuracy=accuracy)
    away = [abs(Fraction(v) - a) for v, a in zip(volumes.tolist(), pair.areas, strict=True)]
    # Below 2^-1022 numbers have fewer digits.
    least = Fraction(2) ** -1074
    allowed = [min(Fraction(e), max(relative * a, least)) for e, a in zip(errors.tolist(), pair.areas, strict=True)]
    return [i for i, (one, bound) in enumerate(zip(away, allowed, strict=True)) if one > bound]


def queries(part: Partition, count: int, seed: int) -> NDArray[np.float64]:
    """Points that are hard to place: rounded vertices, corners and edges' middles, and their neighbours in float64."""
    random = np.random.default_rng(seed)
    ends = part.facets().vertices.values.reshape(-1, 2)
    points = np.concatenate([part.vertices, part.vertices[ends].mean(axis=1)])
    chosen = points[random.permutation(len(points))[:count]]
    return np.concatenate(
        [part.domain.polytope.vertices, chosen, np.nextafter(chosen, random.choice([-1, 1]) * np.inf)]
    )


def mislocated(pair: Pair, points: NDArray[Any]) -> list[int]:
    """Points that are not located in the lowest of the exact regions that contain them, or as outside."""
    exact = [[Fraction(x) for x in row] for row in points.tolist()]
    wanted = [min(pair.containing(*point), default=-1) for point in exact]
    return np.flatnonzero(pair.float.locate(points) != np.array(wanted)).tolist()


def check(chosen: Case, count: int = 8) -> None:
    pair = Pair.of(chosen)
    assert misplaced(pair.float, pair.places) == [], chosen.name
    sharp = pair.float.sharpened()
    assert misplaced(sharp, pair.places) == misrounded(sharp, pair.places) == [], chosen.name
    for accuracy in (None, 2.0**-30, 2.0**-52):
        assert mismeasured(pair, accuracy) == [], (chosen.name, accuracy)
    assert mislocated(pair, queries(pair.float, count, 0)) == [], chosen.name
