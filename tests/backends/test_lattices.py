"""Arrangements of every dimension, on both backends: counts that are theorems, and cddlib's answers by region."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from typing import Any

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from cpwl import backends
from cpwl.geometry.polyhedra import irredundant, vertices_of
from cpwl.geometry.polytope import Polytope
from tests.support.solids import box, check_lattice, count_of_regions, cut, cut_further, halfspaces

BACKENDS = ("torch", "exact")
TETRAHEDRON = Polytope(np.array([[-1.0, -1, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
PRISM = Polytope.hull([[x, y, z] for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (0, 1))])


def mirrors(kind: str, dim: int) -> Any:
    """The hyperplanes of a reflection group, through the origin: functions [normal, 0]."""
    rows = []
    for i, j in combinations(range(dim), 2):
        for sign in (-1, 1) if kind in "BD" else (-1,):
            rows.append([float((k == i) + sign * (k == j)) for k in range(dim)])
    if kind == "B":
        rows += np.eye(dim).tolist()
    return np.array([[*row, 0.0] for row in rows]).reshape(-1, dim + 1)


def chambers(kind: str, dim: int) -> int:
    """The order of the group: of permutations (A), of signed ones (B), of those with an even number of signs (D)."""
    return factorial(dim) * {"A": 1, "B": 2**dim, "D": 2 ** (dim - 1)}[kind]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(("kind", "dim"), [(k, d) for k in "ABD" for d in (1, 3, 4) if (k, d) != ("D", 1)] + [("A", 5)])
def test_mirrors_of_a_reflection_group_make_as_many_chambers_as_it_has_elements(name: str, kind: str, dim: int) -> None:
    backend = backends.get(name)
    found = cut(backend, mirrors(kind, dim), box(dim)) if len(mirrors(kind, dim)) else None
    arrangement = backend.arrangement(box(dim)) if found is None else found.arrangement
    assert len(arrangement) == chambers(kind, dim)
    check_lattice(arrangement, dim)
    volumes = [Fraction(x) for x in arrangement.volumes().tolist()]  # chambers are alike
    assert max(abs(v - Fraction(2**dim, chambers(kind, dim))) for v in volumes) < Fraction(1, 10**12)


def planes(seed: int, count: int, dim: int, *, integer: bool) -> Any:
    random = np.random.default_rng((seed, count, dim))
    if integer:
        return random.integers(-2, 3, (count, dim + 1)).astype(float)
    return np.concatenate([random.standard_normal((count, dim)), random.uniform(-0.8, 0.8, (count, 1))], axis=1)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(("dim", "count"), [(1, 9), (3, 7), (4, 6), (5, 5)])
def test_generic_hyperplanes_make_a_region_for_each_flat_inside(name: str, dim: int, count: int) -> None:
    for polytope in [box(dim), *([TETRAHEDRON, PRISM] if dim == 3 else [])]:
        functions = planes(0, count, dim, integer=False)
        found = cut(backends.get(name), functions, polytope).arrangement
        assert len(found) == count_of_regions(functions, polytope) > 3
        check_lattice(found, dim)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(("dim", "count"), [(1, 6), (3, 6), (4, 5), (5, 4)])
def test_each_region_has_the_vertices_facets_and_volume_that_cddlib_finds(
    name: str, dim: int, count: int, integer: bool
) -> None:
    """In degenerate position as well: planes with small integers meet in vertices, edges and facets of the box."""
    for seed in range(2):
        functions, polytope = planes(seed, count, dim, integer=integer), box(dim)
        found = cut(backends.get(name), functions, polytope)
        arrangement, below = found.arrangement, found.below.dense()
        facets = np.bincount(arrangement.boundary(dim).row_of, minlength=len(arrangement))
        volumes, total = arrangement.volumes(), Fraction(0)
        for region in range(len(arrangement)):
            live = functions[np.abs(functions[:, :-1]).sum(axis=1) > 0]
            signs = below[region][np.abs(functions[:, :-1]).sum(axis=1) > 0]
            rows = halfspaces(live, signs, polytope)
            corners = vertices_of(rows).tolist()
            assert facets[region] == len(irredundant(rows))
            mine = arrangement.vertices[arrangement.regions[region]].tolist()
            if arrangement.exact:
                assert {tuple(p) for p in corners} == {tuple(p) for p in mine} and len(corners) == len(mine)
            else:
                assert len(corners) == len(mine)
                near = [min(max(abs(float(a) - b) for a, b in zip(p, q)) for q in mine) for p in corners]
                assert max(near) < 1e-12
            volume = (
                float(max(corners)[0] - min(corners)[0])
                if dim == 1
                else ConvexHull(np.array(corners, np.float64), qhull_options="QJ").volume
            )
            assert float(volumes[region]) == pytest.approx(volume, rel=1e-6)
            total += Fraction(volumes[region])
        assert abs(total - 2**dim) <= (0 if arrangement.exact else Fraction(1, 10**12))


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_repeated_turned_and_scaled_functions_cut_once(name: str, dim: int) -> None:
    functions = planes(3, 4, dim, integer=True)
    again = np.concatenate([functions, -functions, 3 * functions, functions[::-1] / 4])
    one, other = (cut(backends.get(name), table, box(dim)).arrangement for table in (functions, again))
    assert [len(one.faces(k)) for k in range(dim + 1)] == [len(other.faces(k)) for k in range(dim + 1)]
    check_lattice(other, dim)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_the_order_of_functions_and_of_refinements_does_not_matter(name: str, dim: int) -> None:
    backend, functions = backends.get(name), planes(4, 4, dim, integer=True)
    whole = cut(backend, functions, box(dim))
    wanted = shapes(whole.arrangement)
    for order in list(permutations(range(4)))[1::7]:
        assert shapes(cut(backend, functions[list(order)], box(dim)).arrangement) == wanted
    arrangement = backend.arrangement(box(dim))
    for row in functions:
        arrangement = cut_further(backend, arrangement, row[None]).arrangement
    assert shapes(arrangement) == wanted and arrangement.generation == 4


def shapes(arrangement: Any) -> list[Any]:
    """The vertices of each region, rounded, in an order of their own; and the numbers of faces."""
    places = np.round(arrangement.vertices.astype(np.float64), 9) + 0.0
    counts = [len(arrangement.faces(k)) for k in range(arrangement.dim + 1)]
    return [counts, sorted(sorted(map(tuple, places[row].tolist())) for row in arrangement.regions)]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_what_touches_a_side_an_edge_or_a_corner_of_the_box_cuts_nothing(name: str, dim: int) -> None:
    side = np.array([[*(1.0 if k == 0 else 0.0 for k in range(dim)), -1.0]])
    corner = np.array([[*np.ones(dim), -float(dim)]])
    edge = np.array([[*np.append(np.ones(dim - 1), 0), 1.0 - dim]])
    for functions in (side, corner, edge[:, : dim + 1]) if dim > 1 else (side,):
        assert len(cut(backends.get(name), np.concatenate([functions, -functions]), box(dim)).arrangement) == 1


@pytest.mark.parametrize("name", BACKENDS)
def test_slivers_of_two_to_the_minus_forty_are_regions(name: str) -> None:
    gap = 2.0**-40
    functions = np.array([[1.0, 1, 1, 0], [1, 1, 1, gap], [1, -1, 0, 0], [1, -1, 0, -gap]])
    found = cut(backends.get(name), functions, box(3)).arrangement
    assert len(found) == 9
    check_lattice(found, 3)
    smallest = min(float(v) for v in found.volumes())
    assert 0 < smallest < 10 * gap**2
