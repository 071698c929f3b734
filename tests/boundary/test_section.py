"""A section of a solid's regions is the partition of the plane, region by region, in degenerate position as well."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cpwl
from cpwl.analysis import axis_slices
from cpwl.boundary.section import Section
from cpwl.errors import ArgumentError, ShapeError
from cpwl.network import Gather, Max, Network, Node
from tests.support import shapes
from tests.support.networks import mlp

BACKENDS = ("torch", "exact")


def plane(axis: int, at: float, size: float = 1.0) -> cpwl.Domain:
    return axis_slices([-size] * 3, [size] * 3, axis=axis, at=[at])[0]


def check_equal(section: Section, planar: cpwl.Partition, axis: int) -> None:
    """Region by region: the same patterns, areas, corners."""
    assert len(section) == len(planar)
    mine, theirs = ({row.tobytes(): k for k, row in enumerate(p.patterns())} for p in (section, planar))
    assert len(mine) == len(section) and set(mine) == set(theirs)
    areas, planar_areas = section.measures(), planar.volumes().astype(float)
    places = np.delete(section.faces.vertices, axis, axis=1).astype(float)
    assert np.allclose(section.places(), places)
    for pattern, k in mine.items():
        other = theirs[pattern]
        assert areas[k] == pytest.approx(planar_areas[other], rel=1e-6, abs=1e-12)
        corners = {tuple(np.round(p, 6) + 0.0) for p in places[section.faces.faces[k]]}
        assert corners >= {tuple(np.round(p.astype(float), 6) + 0.0) for p in planar.vertices[planar.regions[other]]}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("seed", "axis", "at"), [(0, 0, 0.3), (1, 1, -0.4), (2, 2, 0.0), (3, 0, 0.125)])
def test_a_section_is_the_partition_of_the_plane(seed: int, axis: int, at: float, backend: str) -> None:
    net = mlp(seed, [3, 7, 6, 2], bias=0.6)
    part = cpwl.partition(net, shapes.cube(1.0), backend=backend)
    section = part.section(np.eye(3)[axis], at)
    assert not section.along.any()
    check_equal(section, cpwl.partition(net, plane(axis, at), backend=backend), axis)
    if backend == "exact":
        assert {x for row in section.faces.vertices[:, axis : axis + 1] for x in row} == {Fraction(at)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("net", [shapes.diamond(), shapes.ring(), shapes.rings(0.5), shapes.crossed_planes()],
                         ids=["diamond", "ring", "rings", "planes"])  # fmt: skip
@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_a_plane_along_facets_and_through_vertices_has_the_same_regions(net: Network, at: float, backend: str) -> None:
    """At 0 it runs along facets, at 1/2 through vertices, at 1 along the domain's border."""
    for axis in range(3):
        part = cpwl.partition(net, shapes.cube(1.0), backend=backend)
        section = part.section(np.eye(3)[axis], at)
        check_equal(section, cpwl.partition(net, plane(axis, at), backend=backend), axis)
    assert at < 1 or section.along.all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("outer", ["relu", "max"])
@pytest.mark.parametrize("scale", [1.0, 3.0, 0.75, 0.1])
def test_units_that_vanish_along_the_plane_have_the_canonical_piece(scale: float, outer: str, backend: str) -> None:
    """relu(-|x|) and max(|x| + y, y): on the plane x = 0 they are at their breakpoint, or tie, from both sides; and so
    they do in any unit of length."""
    first = ([[scale, 0, 0], [0, scale, 0], [0, 0, scale]], [0, 0, 0], "abs")
    net = shapes.chain(first, ([[-1, 0, 0], [0, 1, 1]], [0, -scale], "relu"), ([[1, 1]], [0]))
    if outer == "max":
        nodes = shapes.chain(first, ([[1, 1, 0], [0, 1, 0], [0, 1, 1], [2, 1, 0]], [0] * 4)).nodes
        table = np.arange(4).reshape(2, 2)[:, ::-1]
        net = Network(
            (*nodes, Node(Gather(table), (len(nodes) - 1,), (2, 2), "pairs"), Node(Max(), (len(nodes),), (2,), "max"))
        )
    part = cpwl.partition(net, shapes.cube(1.0), backend=backend)
    section = part.section([1, 0, 0])
    assert section.along.all()
    beside = part.patterns(section.regions)
    assert (section.patterns() != beside).any()
    check_equal(section, cpwl.partition(net, plane(0, 0.0), backend=backend), 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_oblique_plane_and_its_area(backend: str) -> None:
    """x + y + z = 0 cuts a cube in a hexagon; the cells of the diamond on it are six triangles."""
    section = cpwl.partition(shapes.diamond(), shapes.cube(1.0), backend=backend).section([1, 1, 1])
    assert len(section) == 6 and section.measures().sum() == pytest.approx(3 * np.sqrt(3))
    places = section.places()
    assert places.shape == (len(section.faces.vertices), 2)
    sizes = np.linalg.norm(places, axis=1)
    assert np.allclose(sizes, np.linalg.norm(section.faces.vertices.astype(float), axis=1))


def test_both_backends_agree_on_a_plane_in_a_slice_of_more_inputs() -> None:
    points = np.random.default_rng(0).integers(-4, 5, (4, 6)) / 4
    dom, net = cpwl.Domain.simplex(*points), mlp(4, [6, 8, 2], bias=0.4)
    normal = np.array([1.0, -0.5, 0.25, 0, 2, 1])
    sections = [cpwl.partition(net, dom, backend=b).section(normal, 0.25) for b in BACKENDS]
    assert len(sections[0]) == len(sections[1]) > 3
    rows = [{row.tobytes() for row in section.patterns()} for section in sections]
    assert rows[0] == rows[1]
    values = sections[1].partition.to_input(sections[1].faces.vertices) @ np.array([Fraction(x) for x in normal])
    assert set(values.tolist()) == {Fraction(1, 4)}


def test_a_section_of_a_plane_is_a_line() -> None:
    net = mlp(1, [2, 8, 2], bias=0.5)
    section = cpwl.partition(net, cpwl.Domain.box([-1, -1], [1, 1])).section([1, 0], 0.25)
    line = cpwl.partition(net, cpwl.Domain.segment([0.25, -1], [0.25, 1]))
    assert len(section) == len(line) and section.measures().sum() == pytest.approx(2.0)


SLANTED = cpwl.Domain.hull(
    [[0, 0], [0.7, 0.1], [0.2, 0.9]], origin=[0.1, 0.2, 0.3], basis=[[0.1, 0.3], [0.3, 0.7], [0.1, 0.3]]
)
"""Rows 0 and 2 of the basis are equal: x[2] - x[0] is constant, and its values in float64 are not."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("offset", [0.0, 0.1 - 0.3])
def test_whether_a_plane_is_parallel_to_the_slice_is_decided_exactly(offset: float, backend: str) -> None:
    part = cpwl.partition(mlp(1, [3, 6, 2]), SLANTED, backend=backend)
    with pytest.raises(ArgumentError, match="orthogonal to the whole slice"):
        part.section([1, 0, -1], offset)
    far = cpwl.Domain.hull([[0, 0], [1, 0], [0, 1]], origin=[2.0**53, 0, 0], basis=[[0, 0], [1, 0], [0, 1]])
    section = cpwl.partition(mlp(1, [3, 6, 2]), far, backend=backend).section([1, 2.0**-40, 0], 2.0**53)
    assert section.measures().sum() == pytest.approx(1.0)  # {u0 = 0}, though all values round to 2^53


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [2.0**-1074, 2.0**-600, 2.0**-300, 2.0**300, 2.0**600])
def test_a_multiple_of_a_plane_is_the_same_plane(scale: float, backend: str) -> None:
    part = cpwl.partition(mlp(1, [2, 8, 2], bias=0.5), cpwl.Domain.box([-1, -1], [1, 1]), backend=backend)
    section, scaled = part.section([1, -2], 1.0), part.section([scale, -2 * scale], scale)
    assert len(scaled) == len(section) > 1
    np.testing.assert_allclose(np.sort(scaled.measures()), np.sort(section.measures()))
    np.testing.assert_allclose(np.sort(scaled.places(), axis=0), np.sort(section.places(), axis=0), atol=1e-9)


def test_what_makes_no_sense_is_refused() -> None:
    part = cpwl.partition(shapes.diamond(), shapes.cube(1.0))
    with pytest.raises(ShapeError, match="normal must have the shape"):
        part.section([1, 0])
    with pytest.raises(ArgumentError, match="orthogonal to the whole slice"):
        part.section([0, 0, 0])
    assert len(part.section([1, 0, 0], 5.0)) == 0
