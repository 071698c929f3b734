"""Polyhedra of any dimension by cddlib: vertices and halfspaces of the same polytope."""

from __future__ import annotations

import builtins
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import MissingDependencyError
from cpwl.geometry.polyhedra import dimension_of, edges_of, halfspaces_of, irredundant, maximum, vertices_of
from tests.support.families import case


def cube(dim: int) -> list[list[int]]:
    return [[1, *(sign * (j == i) for j in range(dim))] for i in range(dim) for sign in (-1, 1)]


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_cube_has_two_to_the_d_vertices_and_2d_halfspaces(dim: int) -> None:
    vertices = vertices_of(cube(dim))
    assert sorted(map(tuple, vertices.tolist())) == sorted(product([-1, 1], repeat=dim))
    halfspaces = halfspaces_of(vertices)
    assert sorted(map(tuple, halfspaces.tolist())) == sorted(map(tuple, cube(dim)))


def test_coordinates_are_exact() -> None:
    corner = vertices_of([[0, 1, 0], [0, 0, 1], [Fraction(1, 3), -1, -7]])
    assert (Fraction(0), Fraction(1, 21)) in map(tuple, corner.tolist())
    assert Fraction(0.1) in vertices_of([[0.1, -1.0], [0, 1]]).ravel().tolist()


def test_redundant_halfspaces_are_left_out() -> None:
    """x <= 2 is implied, x + y <= 2 touches a corner only, and one of two equal ones is enough."""
    rows = [*cube(2), [2, -1, 0], [2, -1, -1], cube(2)[0]]
    kept = irredundant(rows)
    assert len(kept) == 4
    assert {tuple(rows[i]) for i in kept} == set(map(tuple, cube(2)))
    assert irredundant([[0, 0, 0], *rows, [5, 0, 0]]).tolist() == (kept + 1).tolist()
    assert not len(irredundant([[0, 0]]))


def test_an_inner_point_is_no_vertex_of_a_hull() -> None:
    triangle = np.array([[0, 0], [3, 0], [0, 3], [1, 1], [1, 2]])
    assert sorted(vertices_of(halfspaces_of(triangle)).tolist()) == [[0, 0], [0, 3], [3, 0]]


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_an_edge_of_a_cube_joins_vertices_that_differ_in_one_coordinate(dim: int) -> None:
    vertices, edges = vertices_of(cube(dim)), edges_of(cube(dim))
    assert len(edges) == dim * 2 ** (dim - 1)
    assert all((vertices[i] != vertices[j]).sum() == 1 for i, j in edges)


def test_a_part_of_a_cube_has_the_dimension_of_its_affine_hull() -> None:
    side, edge, corner = [-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]
    cuts: list[list[list[int]]] = [[], [side], [side, edge], [side, edge, corner], [[-2, 1, 0, 0]]]
    assert [dimension_of([*cube(3), *cut]) for cut in cuts] == [3, 2, 1, 0, -1]


def test_a_linear_program_is_solved_in_rationals() -> None:
    value, point = maximum(cube(2), [Fraction(1, 3), 2, -5])
    assert value == Fraction(22, 3) and point.tolist() == [1, -1]


# ---- against the code for the plane --------------------------------------------------------------------------------
DEGENERATE = [case(seed) for seed in (1, 4, 8, 9, 13, 24, 27, 33)]


@pytest.fixture(params=DEGENERATE, ids=lambda case: case.name)
def part(request: pytest.FixtureRequest) -> cpwl.Partition:
    """The exact partition of a degenerate network."""
    return cpwl.partition(request.param.network, request.param.domain, backend="exact")


def rows_of(region: Any) -> Any:
    """The H-representation of a region in cddlib's form."""
    halfspaces = region.halfspaces
    return np.concatenate([halfspaces.offsets[:, None], halfspaces.normals], axis=1)


def rays(rows: Any) -> set[tuple[Fraction, ...]]:
    """Rows up to positive factors."""
    return {tuple(x / max(map(abs, row)) for x in row) for row in rows.tolist()}


def test_both_representations_of_a_region_are_those_of_the_planar_code(part: cpwl.Partition) -> None:
    for i in range(min(len(part), 20)):
        region = part.region(i)
        rows = rows_of(region)
        assert set(map(tuple, vertices_of(rows).tolist())) == set(map(tuple, region.vertices.tolist()))
        assert rays(halfspaces_of(region.vertices)) == rays(rows)


def test_the_edges_of_a_region_join_consecutive_vertices(part: cpwl.Partition) -> None:
    for i in range(min(len(part), 20)):
        region = part.region(i)
        rows = rows_of(region)
        place = {tuple(vertex): k for k, vertex in enumerate(region.vertices.tolist())}
        number = [place[tuple(vertex)] for vertex in vertices_of(rows).tolist()]
        count = len(number)
        assert len(edges_of(rows)) == count
        assert all((number[a] - number[b]) % count in (1, count - 1) for a, b in edges_of(rows))


def test_redundant_rows_of_a_region_are_those_that_the_planar_code_leaves_out(part: cpwl.Partition) -> None:
    """All units of the network, on the region of one point, against pycddlib's redundancy removal."""
    for i in range(min(len(part), 6)):
        witness = part.region(i).witness
        local = cpwl.local_map(part.network, part.to_input(witness[None])[0], backend="exact")
        every = local.halfspaces(part.domain)
        planar = every.irredundant().halfspaces
        border = halfspaces_of(part.domain.polytope.vertices)
        table = np.concatenate([border, np.concatenate([every.offsets[:, None], every.normals], axis=1)])
        kept = table[irredundant(table)]
        assert rays(kept) == rays(np.concatenate([planar.offsets[:, None], planar.normals], axis=1))
        assert rays(kept) == rays(rows_of(part.region(i)))


def test_regions_share_a_facet_if_and_only_if_their_intersection_is_a_segment(part: cpwl.Partition) -> None:
    chosen = range(min(len(part), 12))
    table = {i: rows_of(part.region(i)) for i in chosen}
    for i in chosen:
        beside = part.region(i).neighbors
        for j in range(i):
            common = np.concatenate([table[i], table[j]])
            assert (dimension_of(common) == 1) == (j in beside)
            assert dimension_of(common) <= 1


def test_the_maximum_by_linear_programs_is_the_certified_one(part: cpwl.Partition) -> None:
    found = []
    for i in range(len(part)):
        region = part.region(i)
        weight, bias = region.exact_map
        found.append(maximum(rows_of(region), [bias[0], *weight[0]])[0])
    assert max(found) == cpwl.certify_extremum(part).value


def test_an_empty_intersection_has_no_vertices() -> None:
    assert vertices_of([[-1, 1], [-1, -1]]).shape == (0, 1)


def test_what_is_not_a_polytope_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="halfspaces must bound a polytope"):
        vertices_of([[1, 1, 0], [1, -1, 0]])
    with pytest.raises(ValueError, match="vertices must span a polytope"):
        halfspaces_of([[0, 0], [1, 1], [2, 2]])
    with pytest.raises(ValueError, match="halfspaces must have an intersection with an interior"):
        irredundant([[0, 1, 0], [0, -1, 0], [1, 0, 1]])
    with pytest.raises(ValueError, match="here it has none: dual_inconsistent"):
        maximum([[1, 1, 0]], [0, 1, 0])
    with pytest.raises(ValueError, match="here it has none: inconsistent"):
        maximum([[-1, 1], [-1, -1]], [0, 1])
    with pytest.raises(ValueError, match="objective must have 3 entries, as the halfspaces have, got 2"):
        maximum(cube(2), [0, 1])
    with pytest.raises(ValueError, match="vertices must be a non-empty table"):
        halfspaces_of([])


def test_without_pycddlib_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cdd"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r"cpwl\[cdd\].*libcdd-dev libgmp-dev.*brew install cddlib gmp"):
        vertices_of(cube(2))
