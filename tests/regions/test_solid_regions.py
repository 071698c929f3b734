"""Single regions, linear regions and graphs in dimensions other than two, against cddlib and the exact backend."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import analysis
from cpwl.errors import ArgumentError, IncompleteError
from cpwl.geometry.polyhedra import irredundant, vertices_of
from cpwl.network import RELU, Dense, Input, Network, Node
from tests.support.networks import mlp
from tests.support.solids import DIMENSIONS

BACKENDS = ("torch", "exact")


def cube(dim: int) -> cpwl.Domain:
    return cpwl.Domain.box(-2 * np.ones(dim), 2 * np.ones(dim))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_a_region_is_the_polytope_of_its_halfspaces(dim: int, backend: str) -> None:
    part = cpwl.partition(mlp(3, [dim, 6, 5, 2], bias=0.7), cube(dim), backend=backend)
    for index in range(0, len(part), max(1, len(part) // 10)):
        region = part.region(index)
        rows, corners = region.halfspaces, region.exact_vertices
        table = np.concatenate([rows.offsets[:, None], rows.normals], axis=1)
        assert len(irredundant(table)) == len(rows) == len(region.facets)
        assert {tuple(v) for v in vertices_of(table).tolist()} == {tuple(v) for v in corners.tolist()}
        assert np.abs((corners - region.vertices).astype(float)).max() < 1e-12
        if backend == "exact":
            assert (corners == region.vertices).all()
        assert (rows.values(region.witness[None]) > 0).all()
        assert part.locate(region.witness[None]).tolist() == [index]
        weight, bias = region.exact_map
        at = weight @ region.witness + bias
        assert (at == cpwl.evaluate(part.network, region.witness[None], backend="exact")[0]).all()
        beside = part.patterns(region.neighbors)
        inner = rows.units >= 0
        assert inner.sum() == len(region.neighbors)
        for unit in rows.units[inner]:
            assert (beside[:, unit] != region.pattern[unit]).any()


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_closed_forms_of_regions_are_the_network(dim: int) -> None:
    part = cpwl.partition(mlp(1, [dim, 4, 2], bias=0.5), cube(dim))
    functions = part.to_sympy()
    names = sorted(set().union(*(f.free_symbols for f in functions)), key=str)
    assert [str(n) for n in names] == [f"u{k + 1}" for k in range(dim)]
    for index in range(len(part)):
        witness = part.region(index).witness
        wanted = cpwl.evaluate(part.network, witness[None], backend="exact")[0]
        for f, value in zip(functions, wanted, strict=True):
            found = f.subs({n: Fraction(x) for n, x in zip(names, witness, strict=True)})
            assert Fraction(int(found.p), int(found.q)) == value


def test_a_region_on_the_border_of_what_a_budget_left_has_no_exact_shape() -> None:
    part = cpwl.partition(mlp(3, [3, 10, 8, 2]), cube(3), max_regions=4)
    assert not part.complete
    outer = int(part.facets().regions[part.facets().regions[:, 1] < 0][0, 0])
    with pytest.raises(IncompleteError):
        _ = part.region(outer).halfspaces


def copies(dim: int) -> Network:
    """relu(s) - relu(s) + relu(t), s and t sums of coordinates: what cuts along s = 0 bends nothing."""
    table = np.array([np.ones(dim), np.ones(dim), np.eye(dim)[0]])
    return Network(
        (
            Node(Input(), (), (dim,), "u"),
            Node(Dense(table, np.array([0.0, 0.0, 0.5])), (0,), (3,), "sums"),
            Node(RELU, (1,), (3,), "relu"),
            Node(Dense(np.array([[1.0, -1, 1], [-1, 1, 2]]), np.zeros(2)), (2,), (2,), "out"),
        )
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_linear_regions_join_activation_regions_with_one_map(dim: int, backend: str) -> None:
    part = cpwl.partition(copies(dim), cube(dim), backend=backend)
    found = part.merged()
    assert len(found) == 2 < len(part)
    assert np.isclose(float(sum(found.volumes())), 4.0**dim)
    volumes = sorted(float(v) for v in found.volumes())
    assert np.allclose(volumes, [1.5 * 4 ** (dim - 1), 2.5 * 4 ** (dim - 1)])
    graph = found.dual_graph()
    assert graph.number_of_nodes() == 2 and graph.number_of_edges() == 1
    (edge,) = (data for _, _, data in graph.edges(data=True))
    assert {"area", "length"} & set(edge) == (set() if dim == 1 else {"area"})
    assert dim == 1 or edge["area"] == pytest.approx(4.0 ** (dim - 1))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_the_dual_graph_joins_what_shares_a_facet(dim: int) -> None:
    part = cpwl.partition(mlp(3, [dim, 6, 5, 2], bias=0.7), cube(dim))
    graph, sides = part.dual_graph(), part.facets().regions
    inner = sides[sides[:, 1] >= 0]
    assert graph.number_of_nodes() == len(part) and graph.number_of_edges() == len(inner)
    for index in range(0, len(part), 7):
        assert sorted(graph.neighbors(index)) == part.region(index).neighbors.tolist()
    assert all(data["units"] for _, _, data in graph.edges(data=True))


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_units_cut_where_facets_are_and_statistics_count_them(dim: int) -> None:
    part = cpwl.partition(mlp(3, [dim, 6, 5, 2], bias=0.7), cube(dim))
    found, numbers = analysis.units(part), part.statistics()
    assert len(found) == 11 and np.isclose(float(numbers.areas.sum()), 4.0**dim)
    assert numbers.edges == len(part.faces(dim - 1)) and numbers.vertices == len(part.faces(0))
    exact = cpwl.partition(part.network, part.domain, backend="exact")
    assert np.allclose(np.sort(analysis.units(exact).lengths), np.sort(found.lengths))
    assert cpwl.compare(part, exact).agree
    widths = cpwl.compare(part, exact).widths
    heights = [np.ptp(exact.vertices[row].astype(float), axis=0).max() for row in exact.regions]
    assert (widths > 0).all() and (np.diff(widths) >= 0).all() and widths[0] <= min(heights) + 1e-12
    if dim == 1:
        assert np.allclose(widths, np.sort(exact.volumes().astype(float))[: len(widths)])


def test_the_width_of_a_cut_cube_is_that_between_its_faces() -> None:
    net = Network.mlp([np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.ones((1, 2))], [np.array([1.5, 0.0]), np.zeros(1)])
    exact = cpwl.partition(net, cube(3), backend="exact")
    found = cpwl.compare(cpwl.partition(net, cube(3)), exact)
    assert found.widths.tolist() == [0.5, 0.5, 2.0, 2.0]


@pytest.mark.parametrize("dim", [1, 3])
def test_two_networks_and_a_float_run_are_compared(dim: int) -> None:
    one, other = mlp(1, [dim, 6, 3], bias=0.6), mlp(2, [dim, 6, 3], bias=0.6)
    quick, exact = (analysis.agreement(one, other, cube(dim), backend=backend) for backend in BACKENDS)
    assert len(quick) == len(exact) and sum(exact.areas().tolist()) == 4**dim
    assert float(quick.area_apart) == pytest.approx(float(exact.area_apart), rel=1e-6)
    run = cpwl.compare_execution(cpwl.partition(one, cube(dim)), grid=12)
    assert len(run.grid) == round(12 ** (2 / dim)) ** dim and run.reached.any()


def test_faces_are_asked_for_by_dimension() -> None:
    part: Any = cpwl.partition(mlp(1, [3, 4, 2]), cube(3))
    for call in (lambda: part.faces(4), lambda: part.faces(-1), lambda: part.boundary(0), lambda: part.boundary(1.5)):
        with pytest.raises(ArgumentError, match="k must be"):
            call()
    plane: Any = cpwl.partition(mlp(1, [2, 4, 2]), cube(2))
    assert sum((-1) ** k * len(plane.faces(k)) for k in range(3)) == 1
    assert plane.boundary(2).counts.sum() == (plane.facets().regions >= 0).sum()
