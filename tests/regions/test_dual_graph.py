"""Dual graphs say of every region and facet what the partition says: exactly from the exact backend."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import networkx
import numpy as np
import pytest

import cpwl
from cpwl.network import RELU, Dense, Network
from tests.support.networks import mlp

BACKENDS = ("torch", "exact")
TRIANGLE = cpwl.Domain.polygon([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
L_SHAPE = Network.sequential(
    2,
    [
        Dense(np.array([[1.0, 0], [0, 1], [1, -1]]), np.array([-1.0, -1, 0])),
        RELU,
        Dense(np.array([[1.0, 0, -1]]), np.zeros(1)),
        RELU,
    ],
)


def column(graph: Any, name: str) -> list[Any]:
    return [graph.nodes[k][name] for k in range(len(graph))]


@pytest.mark.parametrize("backend", BACKENDS)
def test_centroids_weighted_by_area_give_the_centroid_of_the_domain(backend: str) -> None:
    part = cpwl.partition(mlp(0, [2, 9, 6, 3], bias=0.5), TRIANGLE, backend=backend)
    for graph in (part.dual_graph(), part.merged().dual_graph(), part.merged(join="everywhere").dual_graph()):
        volumes, centroids = np.array(column(graph, "volume")), np.stack(column(graph, "centroid"))
        total = (centroids * volumes[:, None]).sum(axis=0) / volumes.sum()
        if backend == "exact":
            assert total.tolist() == [1, 1] and isinstance(total[0], Fraction)
        assert np.allclose(total.astype(float), [1, 1])
    centroids = np.stack(column(part.dual_graph(), "centroid"))
    assert (part.locate(centroids) == np.arange(len(part))).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_nodes_hold_slopes_and_classes(backend: str) -> None:
    part = cpwl.partition(mlp(1, [2, 9, 6, 3], bias=0.5), TRIANGLE, backend=backend)
    graph, boundary = part.dual_graph(), part.decision_boundary()
    assert np.allclose(column(graph, "slope"), [np.linalg.norm(a.astype(float)) for a in part.affine_maps()[0]])
    assert {k for k in graph if graph.nodes[k]["class"] is None} >= set(boundary.regions.tolist())
    values = cpwl.evaluate(part.network, part.to_input(np.stack(column(graph, "center")).astype(float)))
    for node, value in zip(range(len(graph)), values, strict=True):
        assert graph.nodes[node]["class"] in (None, int(value.argmax()))
    assert any(graph.nodes[k]["class"] is not None for k in graph)


@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths_of_shared_edges_and_the_domain_make_up_every_perimeter(backend: str) -> None:
    part = cpwl.partition(mlp(2, [2, 9, 6, 1], bias=0.5), TRIANGLE, backend=backend)
    graph, facets = part.dual_graph(), part.facets()
    vertices = part.vertices.astype(float)
    outer = np.zeros(len(part))
    for facet in np.flatnonzero(facets.regions[:, 1] < 0).tolist():
        a, b = vertices[facets.vertices[facet]]
        outer[facets.regions[facet, 0]] += np.linalg.norm(a - b)
    for region, row in enumerate(part.regions):
        ring = vertices[row]
        shared = sum(length for _, _, length in graph.edges(region, data="length"))
        assert np.isclose(shared + outer[region], np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1).sum())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_merged_graph_adds_up_the_edges_between_two_linear_regions(backend: str) -> None:
    part = cpwl.partition(L_SHAPE, cpwl.Domain.box([0, 0], [2, 2]), backend=backend)
    graph = part.merged().dual_graph()
    flat = next(k for k in graph if graph.nodes[k]["volume"] == 3)
    assert not graph.nodes[flat]["convex"] and graph.nodes[flat]["slope"] == 0
    assert np.allclose(graph.nodes[flat]["centroid"].astype(float), 5 / 6)
    lengths = sorted(length for _, _, length in graph.edges(data="length"))
    assert np.allclose(lengths, [1, 1, np.sqrt(2)]) and len(graph) == 3
    assert networkx.is_connected(graph) and column(graph, "class") == [None] * 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_streams_that_cancel_leave_one_edge_of_two_facets_and_no_class_where_there_are_two(backend: str) -> None:
    hidden = np.array([[1.0, 0], [-1, 0], [0, 1], [0, 1], [1, 0]])
    out = np.array([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0], [0, 0, 0, 0, 1]])  # x, 0 and relu(x)
    net = Network.mlp([hidden, out], [np.zeros(5), np.array([0.0, 0, -0.5])])
    merged = cpwl.partition(net, cpwl.Domain.box([-2, -2], [2, 2]), backend=backend).merged()
    graph = merged.dual_graph()
    assert len(merged.partition) == 4 and len(graph) == 2
    ((_, _, edge),) = graph.edges(data=True)
    assert len(edge["facets"]) == 2 and np.isclose(edge["length"], 4)
    right = merged.locate([[1.0, 0.5]])[0]
    assert graph.nodes[right]["class"] is None  # x is largest right of 0, and ties with 0 on the line
    whole = Network.mlp(
        [np.array([[0.0, 1], [0, 1]]), np.array([[1.0, -1], [0, 0]])], [np.zeros(2), np.array([0.0, 1])]
    )
    sure = cpwl.partition(whole, cpwl.Domain.box([-2, -2], [2, 2]), backend=backend).merged().dual_graph()
    assert len(sure) == 1 and sure.nodes[0]["class"] == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_linear_region_with_a_boundary_in_a_part_of_it_has_no_class(backend: str) -> None:
    hidden, out = np.array([[1.0, 0], [-1, 0]]), np.array([[1.0, -1], [0, 0]])
    net = Network.mlp([hidden, out], [np.zeros(2), np.array([0.0, 0.5])])  # x and 1/2
    part = cpwl.partition(net, cpwl.Domain.box([-2, -2], [2, 2]), backend=backend)
    assert sorted(map(str, column(part.dual_graph(), "class"))) == ["1", "None"]
    assert column(part.merged().dual_graph(), "class") == [None]
