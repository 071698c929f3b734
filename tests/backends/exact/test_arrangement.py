"""The exact arrangement against independent oracles, and what is its own: known polygons, exact sums, refusals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl import backends
from cpwl.backends.exact import ExactArrangement
from cpwl.geometry.domain import exactly
from cpwl.geometry.polyhedra import halfspaces_of, irredundant, vertices_of
from cpwl.geometry.polytope import Polytope
from cpwl.network import Dense, Network
from cpwl.numbers.integers import total
from tests.support import conformance as laws
from tests.support import conformance_inputs as inputs
from tests.support import exact_model as model
from tests.support.conformance import Cut
from tests.support.conformance_inputs import SQUARE, Functions

EXACT = backends.get("exact")


def as_model(network: Network) -> model.Net:
    """The network in the tests' own words."""
    ops = [node.op for node in network.nodes[1:]]
    dense = [op for op in ops if isinstance(op, Dense)]
    layers = [(exactly(op.weight).tolist(), exactly(op.bias).tolist()) for op in dense]
    return [model.Layer(*layer, model.RELU) for layer in layers[:-1]] + [model.Layer(*layers[-1])]


def regions(arrangement: ExactArrangement) -> list[tuple[laws.Point, ...]]:
    return sorted(map(laws.canonical, laws.polygons(arrangement)))


def last_cut(network: Network) -> Cut:
    return list(laws.network_cuts(EXACT, network))[-1]


def he_network(seed: int, *widths: int) -> Network:
    rng = np.random.default_rng(seed)
    layers = [(rng.standard_normal((b, a)) * np.sqrt(2 / a), rng.standard_normal(b) * 0.1) for a, b in pairwise(widths)]
    return Network.mlp(*zip(*layers, strict=True))


@settings(max_examples=60)
@given(inputs.small_networks())
def test_regions_of_degenerate_networks_are_those_of_the_model(network: Network) -> None:
    expected = model.partition(as_model(network), laws.polygons(EXACT.arrangement(SQUARE))[0])
    assert regions(last_cut(network).after) == sorted(map(laws.canonical, expected))


def test_regions_of_a_generic_network_are_those_of_the_model() -> None:
    network = he_network(7, 2, 6, 6, 1)
    expected = model.partition(as_model(network), laws.polygons(EXACT.arrangement(SQUARE))[0])
    found = last_cut(network).after
    assert regions(found) == sorted(map(laws.canonical, expected))
    assert total(found.volumes()) == 4


def test_a_reference_network_has_its_known_number_of_regions() -> None:
    """mlp-32x3: 4,414 regions of the square, a count on which independent programs agree."""
    found = last_cut(he_network(crc32(b"mlp-32x3"), 2, 32, 32, 32, 1)).after
    assert len(found) == 4414
    laws.check_euler(found)
    assert total(found.volumes()) == 4


def test_fields_that_live_through_a_cut_agree_with_the_network_at_every_vertex() -> None:
    """Rows made by combination are those of an evaluation at the vertex."""
    network = he_network(3, 2, 5, 5, 1)
    made = last_cut(network)
    vertices = [list(point) for point in laws.corners(made.after)]
    hidden = as_model(network)[:2]
    hidden[1] = hidden[1]._replace(activation=None)
    assert made.refinement.values.to_numpy().tolist() == [model.evaluate(hidden, u) for u in vertices]


# ---- cddlib ----------------------------------------------------------------------------------------------------------
@settings(max_examples=30)
@given(inputs.degenerate(most=5), st.sampled_from(inputs.DOMAINS))
def test_each_region_is_the_intersection_of_its_halfspaces(functions: Functions, polytope: Polytope) -> None:
    """Vertices by double description of the domain's halfspaces and those of the functions' signs on the region."""
    made = laws.cut(EXACT, functions, polytope)
    domain = halfspaces_of(polytope.vertices)
    rows = np.roll(exactly(functions), 1, axis=1)
    for below, polygon in zip(made.refinement.below.dense(), laws.polygons(made.after), strict=True):
        signed = np.where(below[:, None], -rows, rows)
        proper = [row for row in signed.tolist() if any(row[1:])]
        halfspaces = np.array([*domain.tolist(), *proper], dtype=object)
        assert sorted(map(tuple, vertices_of(halfspaces).tolist())) == sorted(polygon)
        assert len(irredundant(halfspaces)) == len(polygon) == len(halfspaces_of(polygon))


# ---- known polygons --------------------------------------------------------------------------------------------------
HALF = Fraction(1, 2)


def test_polygons_that_share_points_become_one_complex() -> None:
    """Equal points given twice, as Fractions or homogeneous integers, are one vertex."""
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [Fraction(2, 2), 0], [2, 0], [2, 1]], dtype=object)
    built = ExactArrangement.from_polygons(points, [[0, 1, 2, 3], [4, 5, 6, 2]])
    laws.check_tiling(built, Fraction(2))
    assert (len(built.vertices), len(built.facets().regions)) == (6, 7)
    homogeneous = np.array([[2 * x, 2 * y, 2] for x, y in points.tolist()], dtype=object)
    assert ExactArrangement.from_polygons(homogeneous, [[0, 1, 2, 3], [4, 5, 6, 2]]).points == built.points


def test_the_polygons_of_an_arrangement_rebuild_it() -> None:
    made = laws.cut(EXACT, np.array([[1.0, 0.25, 0.0], [0.25, 1.0, 0.25], [1.0, -1.0, 0.5]]))
    built = ExactArrangement.from_polygons(made.after.vertices, made.after.regions)
    laws.check_tiling(built, Fraction(4))
    assert regions(built) == regions(made.after)
    assert built.generation == 0 and (built.facets().generation == 0).all()


def test_an_unmatched_edge_has_the_outside_on_its_right() -> None:
    """A vertex in the middle of a neighbour's side leaves three unmatched edges."""
    points = np.array([[0, 0], [2, 0], [2, 1], [0, 1], [2, HALF], [3, 0], [3, 1]], dtype=object)
    built = ExactArrangement.from_polygons(points, [[0, 1, 2, 3], [1, 5, 4], [4, 5, 6, 2]])
    facets = built.facets()
    assert (facets.regions[:, 1] >= 0).sum() == 1
    assert (facets.regions[:, 0] >= 0).all()


def test_overlapping_polygons_are_refused() -> None:
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=object)
    with pytest.raises(ValueError, match="polygons must not overlap; polygon 1"):
        ExactArrangement.from_polygons(points, [[0, 1, 2], [0, 1, 3]])


# ---- exact numbers ---------------------------------------------------------------------------------------------------
@given(st.lists(st.fractions(max_denominator=10**6), max_size=20))
def test_total_is_the_sum(values: list[Fraction]) -> None:
    assert total(values) == sum(values)


def test_a_point_is_located_however_close_to_an_edge() -> None:
    made = laws.cut(EXACT, np.array([[1.0, 0.0, 0.0]]))
    tiny = Fraction(1, 10**400)
    queries = np.array([[-tiny, 0], [tiny, 0], [1 + tiny, 0], [Fraction(10**400), 0]], dtype=object)
    left, right, outside, far = made.after.locate(queries).tolist()
    assert {left, right} == {0, 1} and outside == far == -1
    assert made.after.locate(np.array([[0.0, 0.5]])).tolist() == [0]


# ---- refusals --------------------------------------------------------------------------------------------------------
def test_a_function_that_is_not_affine_on_a_region_is_refused() -> None:
    square = EXACT.arrangement(SQUARE)
    saddle = square.field(np.array([[1.0], [-1.0], [1.0], [-1.0]]))
    with pytest.raises(ValueError, match="values must be affine on every region; column 0"):
        square.refine(saddle, laws.zero_levels(1))


def test_bad_arguments_are_named() -> None:
    square = EXACT.arrangement(SQUARE)
    made = laws.cut(EXACT, np.array([[1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="values must have one row for each of the 6 vertices, got 4"):
        made.after.refine(square.coordinates(), laws.zero_levels(2))
    with pytest.raises(ValueError, match=r"values must have shape \(V, K\) with V = 4"):
        square.field(np.zeros((3, 1)))
    with pytest.raises(ValueError, match="values must be finite"):
        square.field(np.full((4, 1), np.nan))
    with pytest.raises(ValueError, match="facets must have a region on both sides"):
        square.dissolve(np.array([0]))
    with pytest.raises(ValueError, match="regions must be distinct"):
        made.after.take(np.array([0, 0]))
    with pytest.raises(ValueError, match="device must be None"):
        backends.get("exact", "cuda")


def test_facets_that_would_leave_a_hole_are_refused() -> None:
    """Four sides of a small square inside a larger: joining all but the middle makes a ring."""
    lines = np.array([[1.0, 0, 0.25], [1.0, 0, -0.25], [0, 1.0, 0.25], [0, 1.0, -0.25]])
    made = laws.cut(EXACT, lines)
    middle = int(made.after.locate(np.zeros((1, 2)))[0])
    facets = made.after.facets()
    around = (facets.regions[:, 1] >= 0) & (facets.regions != middle).all(axis=1)
    with pytest.raises(ValueError, match="region with a hole"):
        made.after.dissolve(np.flatnonzero(around))
