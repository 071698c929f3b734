"""Which regions hold a point: by the planes of their facets as by their simplices, nearly or exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.backends.lattice import inside
from cpwl.backends.lattice.inside import SidesOf, by_facets, by_simplices, inside_exactly, surely_inside
from cpwl.backends.lattice.lattice import Lattice
from cpwl.backends.lattice.measure import NearPoints
from cpwl.geometry.domain import exactly
from cpwl.numbers.integers import homogeneous
from cpwl.numbers.rounding import floats
from tests.support.families import solid


def asked(part: cpwl.Partition, seed: int) -> tuple[Any, Any, Any]:
    """Regions, exact points (of all kinds of places: corners, middles of edges and regions, anywhere), all pairs."""
    random, exact = np.random.default_rng(seed), part.vertices
    corners = exact[random.integers(len(exact), size=4)]
    middles = np.array([exact[corner].sum(axis=0) / len(corner) for corner in list(part.regions)[:4]])
    anywhere = exactly(random.uniform(-1, 1, (4, part.domain.dim)))
    points = np.concatenate([corners, middles, (corners + exact[:1]) / 2, anywhere])
    region, point = (pairs.ravel() for pairs in np.indices((len(part), len(points))))
    return points, region, point


@pytest.mark.parametrize("dim", [1, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_facets_and_simplices_hold_the_same_points(dim: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "_NUMBERS", 1 << 10)  # in many lots
    chosen = solid(seed, dim)
    part = cpwl.partition(chosen.network, chosen.domain, backend="exact")
    lattice: Lattice = part.arrangement.lattice  # type: ignore[attr-defined]
    points, region, point = asked(part, seed)
    vertices = homogeneous(part.vertices)

    def held(sides_of: SidesOf) -> Any:
        return inside_exactly(lattice, region, sides_of, lambda chosen: vertices[chosen], homogeneous(points)[point])

    true = held(by_facets)
    assert np.array_equal(true, held(by_simplices))
    assert np.bincount(point, true)[:-4].all(), "every point of the domain lies in a region"
    near = floats(part.vertices)
    known = NearPoints(near, np.abs(near).sum(axis=1) * 2.0**-52)
    places = floats(points)
    queries = NearPoints(places, np.abs(places).sum(axis=1) * 2.0**-52 + 2.0**-1000)
    for sides_of in (by_facets, by_simplices):
        told = surely_inside(lattice, region, sides_of, known, queries.take(point))
        assert (told[true] >= 0).all() and (told[~true] <= 0).all()
        assert told.any()
