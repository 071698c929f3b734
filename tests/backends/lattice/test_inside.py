"""Which regions hold a point: by the planes of their facets as by their simplices, nearly or exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.backends.lattice import inside
from cpwl.backends.lattice.inside import (
    ByFacets,
    BySimplices,
    Cells,
    Pairs,
    inside_exactly,
    stored_regions_hold,
    surely_inside,
)
from cpwl.backends.lattice.lattice import Lattice
from cpwl.backends.lattice.measure import NearPoints
from cpwl.geometry.domain import exactly
from cpwl.numbers.integers import homogeneous
from cpwl.numbers.rounding import floats
from tests.support.families import solid
from tests.support.networks import mlp


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
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("known", [True, False])
def test_stored_regions_hold_the_points_of_their_simplices(dim: int, seed: int, known: bool) -> None:
    """Vertices are moved so far, some much farther than others, that no facet is flat; how far is known, or not."""
    random, chosen = np.random.default_rng(seed), solid(seed, dim)
    part = cpwl.partition(chosen.network, chosen.domain, backend="exact")
    lattice: Lattice = part.arrangement.lattice  # type: ignore[attr-defined]
    true = floats(part.vertices)
    size = float(np.ptp(true, axis=0).min())
    steps = 10 ** random.uniform(-9, -2, len(true))
    moved = true + random.standard_normal(true.shape) * size * steps[:, None]
    honest = np.linalg.norm(moved - true, axis=1) * (1 + 2.0**-20) + 2.0**-40 * size
    errors = honest if known else np.zeros(len(true))
    facets = part.facets()
    some = random.integers(len(facets.regions), size=300)
    points = np.array([random.dirichlet(np.ones(len(corners))) @ moved[corners] for corners in facets.corners(some)])
    point, side = np.nonzero(facets.regions[some] >= 0)
    region = facets.regions[some][point, side]
    vertices, queries = homogeneous(exactly(moved)), homogeneous(exactly(points))

    def stored(some: Any) -> Any:
        return vertices[some]

    pairs = Pairs(region, NearPoints(points, np.zeros(len(points))).take(point), lambda some: queries[point[some]])
    held = stored_regions_hold(lattice, pairs, NearPoints(moved, errors), stored, np.full(len(part), known))
    by_simplices = inside_exactly(BySimplices(lattice), region, stored, queries[point])
    assert np.array_equal(held, by_simplices)


def test_simplices_are_asked_only_where_planes_of_facets_leave_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is why a point of a region in four dimensions is not sought in up to 24 simplices a facet."""
    part = cpwl.partition(mlp(0, [4, 8, 1]), cpwl.Domain.box([-1] * 4, [1] * 4), predicates="float")
    points = np.random.default_rng(0).uniform(-1, 1, (200, 4))
    asked = []
    sides = BySimplices.sides
    monkeypatch.setattr(BySimplices, "sides", lambda self, regions: asked.append(len(regions)) or sides(self, regions))
    place = part.locate(points)
    assert (place >= 0).all() and sum(asked) <= 2
    assert (part.locate(floats(part.vertices)[:5]) >= 0).all() and sum(asked) > 2, "borders are left to simplices"


@pytest.mark.parametrize("dim", [1, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_facets_and_simplices_hold_the_same_points(dim: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "_NUMBERS", 1 << 10)  # in many lots
    chosen = solid(seed, dim)
    part = cpwl.partition(chosen.network, chosen.domain, backend="exact")
    lattice: Lattice = part.arrangement.lattice  # type: ignore[attr-defined]
    points, region, point = asked(part, seed)
    vertices = homogeneous(part.vertices)

    def held(cells: Cells) -> Any:
        return inside_exactly(cells, region, lambda chosen: vertices[chosen], homogeneous(points)[point])

    true = held(ByFacets(lattice))
    assert np.array_equal(true, held(BySimplices(lattice)))
    assert np.bincount(point, true)[:-4].all(), "every point of the domain lies in a region"
    near = floats(part.vertices)
    known = NearPoints(near, np.abs(near).sum(axis=1) * 2.0**-52)
    places = floats(points)
    queries = NearPoints(places, np.abs(places).sum(axis=1) * 2.0**-52 + 2.0**-1000)
    for cells in (ByFacets(lattice), BySimplices(lattice)):
        told = surely_inside(cells, region, known, queries.take(point))
        assert (told[true] >= 0).all() and (told[~true] <= 0).all()
        assert told.any()
