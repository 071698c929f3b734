"""Meshes: how polygons meet is counted, sides and sizes are those of the exact surface, the degenerate is listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.analysis import volume_below
from cpwl.boundary.boundary import DecisionBoundary
from cpwl.boundary.meshes.incidence import Edges
from cpwl.boundary.meshes.mesh import SurfaceMesh
from cpwl.boundary.meshes.orientation import turned
from cpwl.errors import ArgumentError, IncompleteWarning, InternalError, UnsupportedDimensionError
from cpwl.network import Dense, Network
from tests.support import shapes
from tests.support.networks import mlp
from tests.support.real_data import FOLDER, implicit, needs

BACKENDS = ("torch", "exact")


def surface(net: Network, level: float, backend: str = "torch", size: float = 2.0) -> DecisionBoundary:
    return cpwl.partition(net, shapes.cube(size), backend=backend).decision_boundary(level=level)


def check(mesh: SurfaceMesh) -> None:
    """What is true of every mesh."""
    polygons, vertices = mesh.polygons, mesh.vertices.astype(float)
    assert {frozenset(row.tolist()) for row in polygons} == {frozenset(row.tolist()) for row in mesh.surface.faces}
    for k in range(len(mesh)):  # a plane of its region's map, seen from the side of larger values
        corners = vertices[polygons[k]]
        assert np.abs((corners - corners[0]) @ mesh.normals[k]).max() < 1e-9
        crossed = np.cross(corners - corners[0], np.roll(corners, -1, axis=0) - corners[0]).sum(axis=0) / 2
        assert k in mesh.unoriented or crossed @ mesh.normals[k] >= -1e-12
        assert abs(np.linalg.norm(crossed) - mesh.areas()[k]) <= mesh.area_errors()[k] + 1e-12
    directed = Counter()
    for row in polygons:
        directed.update(zip(row.tolist(), np.roll(row, -1).tolist(), strict=True))
    if mesh.closed:
        assert all(count == 1 and directed[b, a] == 1 for (a, b), count in directed.items())
    kinds = np.concatenate([mesh.border, mesh.degenerate])
    assert len(np.unique(kinds)) == len(kinds)
    triangles, owner = mesh.triangles()
    assert np.array_equal(np.bincount(owner, minlength=len(mesh)), polygons.counts - 2)
    for triangle, k in zip(triangles.tolist(), owner.tolist(), strict=True):
        assert set(triangle) <= set(polygons[k].tolist())
    first, second, third = vertices[triangles].swapaxes(0, 1)
    cut = np.cross(second - first, third - first)
    whole = np.zeros((len(mesh), 3))
    np.add.at(whole, owner, cut / 2)
    assert np.allclose(np.linalg.norm(whole, axis=1), mesh.areas(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("net", "level", "size", "components", "genus", "volume"),
    [
        (shapes.diamond(), 1.0, 2.0, 1, 0, Fraction(4, 3)),
        (shapes.ring(), 0.5, 2.0, 1, 1, None),
        (shapes.rings(1.5), 0.75, 4.0, 1, 2, None),
        (shapes.rings(2.0), 0.75, 4.0, 2, 2, None),
        (shapes.shell(), 0.25, 2.0, 2, 0, Fraction(4, 3) * (Fraction(125, 64) - Fraction(27, 64))),
    ],
    ids=["diamond", "ring", "rings grown together", "two rings", "a cavity"],
)
def test_shapes_have_their_genus_and_their_volume(
    net: Network, level: float, size: float, components: int, genus: int, volume: Any, backend: str
) -> None:
    found = surface(net, level, backend, size)
    mesh = found.mesh()
    check(mesh)
    assert mesh.closed and mesh.components == components and mesh.genus == genus and not len(mesh.pinched)
    assert mesh.euler == 2 * components - 2 * genus
    table = mesh.table()
    assert table["euler"].sum() == mesh.euler and table["genus"].sum() == genus and (table["loops"] == 0).all()
    below = volume_below(found.partition, level, accuracy=2.0**-50)
    if backend == "exact":
        assert mesh.volume == below and mesh.volume_error == 0
    else:
        assert abs(mesh.volume - below) <= mesh.volume_error + 2.0**-48 * below < 1e-9
    assert volume is None or abs(Fraction(mesh.volume) - volume) <= mesh.volume_error + Fraction(1, 10**12)
    assert table["volume"].sum() == pytest.approx(float(below))
    assert np.isclose(mesh.area, found.measures().sum()) and 0 <= mesh.area_error < 1e-9


@pytest.mark.parametrize("exponent", [-200, -100, 10, 20])
def test_sizes_scale_with_a_shape(exponent: int) -> None:
    """The ring in units of 2^exponent: areas of 4^exponent, volumes of 8^exponent."""
    plain, mesh = surface(shapes.ring(), 0.5).mesh(), scaled_ring(exponent).mesh()
    assert mesh.genus == 1 and mesh.closed and not len(mesh.unoriented)
    assert abs(mesh.area - np.ldexp(plain.area, 2 * exponent)) <= 2 * mesh.area_error <= 1e-9 * mesh.area
    assert abs(mesh.volume - np.ldexp(2.0, 3 * exponent)) <= mesh.volume_error <= 1e-9 * mesh.volume


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("exponent", [-530, -520, -400, 400, 520])
def test_sizes_beyond_the_range_of_float64_are_infinite_and_never_no_numbers(exponent: int, backend: str) -> None:
    mesh = scaled_ring(exponent, backend).mesh()
    assert mesh.closed and mesh.genus == 1 and not np.isnan([*mesh.areas(), *mesh.area_errors()]).any()
    assert (mesh.area_errors() > 0).all() and mesh.area_error > 0
    if exponent == 520:
        assert np.isinf(mesh.area) and np.isinf(mesh.area_error)
        return
    off, bound = (
        Fraction(mesh.area) / Fraction(2) ** (2 * exponent),
        Fraction(mesh.area_error) / Fraction(2) ** (2 * exponent),
    )
    assert max(off - bound, 0) ** 2 <= 192 <= (off + bound) ** 2, "the area is 8 times the root of 3"


def scaled_ring(exponent: int, backend: str = "torch") -> DecisionBoundary:
    """The ring, 2^exponent as large, in a cube as much larger."""
    return surface(scaled(shapes.ring(), exponent), 0.5, backend, size=2.0 * 2.0**exponent)


def scaled(net: Network, exponent: int) -> Network:
    """The network of x / 2^exponent."""
    nodes = list(net.nodes)
    first = nodes[1].op
    assert isinstance(first, Dense)
    nodes[1] = replace(nodes[1], op=Dense(np.ldexp(first.weight, -exponent), first.bias))
    return Network(tuple(nodes))


def test_the_surface_of_a_cavity_has_a_negative_volume() -> None:
    table = surface(shapes.shell(), 0.25).mesh().table()
    assert table["volume"].round(12).tolist() == [round(4 / 3 * 125 / 64, 12), round(-4 / 3 * 27 / 64, 12)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_surface_that_meets_the_domain_ends_in_loops(backend: str) -> None:
    mesh = surface(shapes.diamond(), 3.0, backend).mesh()
    check(mesh)
    assert not mesh.closed and len(mesh.border) == 24 and not len(mesh.degenerate)
    assert mesh.euler == 2 - 6 and mesh.table()["loops"].tolist() == [6] and mesh.genus == 0
    with pytest.raises(ArgumentError, match="closed surface"):
        mesh.volume  # noqa: B018


@pytest.mark.parametrize("backend", BACKENDS)
def test_degenerate_zero_sets_are_listed(backend: str) -> None:
    cone = surface(shapes.double_cone(), 0.0, backend).mesh()
    check(cone)
    assert [cone.vertices[v].astype(float).tolist() for v in cone.pinched] == [[0, 0, 0]]
    assert not len(cone.degenerate) and cone.components == 1 and cone.genus is None

    planes = surface(shapes.crossed_planes(), 0.0, backend).mesh()
    check(planes)
    middle = planes.vertices[planes.edges[planes.degenerate]].astype(float)
    assert len(middle) and not middle[:, :, :2].any() and len(planes) == 4 and planes.genus is None

    crease = surface(shapes.creased_plane(), 0.0, backend).mesh()
    check(crease)
    assert not len(crease.degenerate) and crease.genus == 0 and crease.table()["loops"].tolist() == [1]

    one_sided = surface(shapes.one_sided_plane(), 0.0, backend).mesh()
    assert one_sided.surface.touching.all() and len(one_sided.degenerate) == len(one_sided.edges)

    wedge = surface(shapes.plane_and_wedge(), 0.0, backend).mesh()
    check(wedge)
    beside = wedge.vertices[wedge.edges[wedge.degenerate]].astype(float)
    assert len(beside) and not beside[:, :, :2].any() and len(wedge.surface.ties) and wedge.genus is None

    flat = surface(shapes.chain(([[1, 0, 0]], [0], "relu"), ([[1]], [0])), 0.0, backend)
    assert len(flat.mesh()) == 0 and len(flat.ties) == 1 and flat.mesh().components == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_polygons_at_an_edge_beside_ties_say_nothing_of_each_other(backend: str) -> None:
    """Above, below, tie, above, below, tie: the edge has two polygons that neighbours' rule would turn wrongly."""
    mesh = surface(shapes.wedges(), 0.0, backend).mesh()
    check(mesh)
    assert len(mesh) == 2 and len(mesh.degenerate) == 1 and not len(mesh.unoriented) and len(mesh.surface.ties)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", range(4))
def test_meshes_of_random_networks_obey_the_laws(seed: int, backend: str) -> None:
    net = mlp(seed, [3, 7, 6, 1], bias=0.6)
    part = cpwl.partition(net, shapes.cube(1.0), backend=backend)
    level = float(np.median(cpwl.partition(net, shapes.cube(1.0)).outputs.to_numpy())) + 1 / 128  # that of no vertex
    mesh = part.decision_boundary(level=level).mesh()
    check(mesh)
    assert len(mesh) and not len(mesh.degenerate) and not len(mesh.unoriented) and mesh.genus is not None
    step = 1e-6 * mesh.normals
    middles = np.array([mesh.vertices[row].astype(float).mean(axis=0) for row in mesh.polygons])
    large = mesh.areas() > 1e-3
    low, high = (cpwl.evaluate(net, middles + sign * step)[large, 0] for sign in (-1, 1))
    assert (low < level).all() and (high > level).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_between_classes_normals_lead_to_the_second_one_and_three_meet_in_degenerate_edges(backend: str) -> None:
    net = mlp(2, [3, 8, 3], bias=0.5)
    mesh = cpwl.partition(net, shapes.cube(), backend=backend).decision_boundary().mesh()
    check(mesh)
    middles = np.array([mesh.vertices[row].astype(float).mean(axis=0) for row in mesh.polygons])
    large = np.flatnonzero(mesh.areas() > 1e-2)
    for sign, side in ((-1, 0), (1, 1)):
        outputs = cpwl.evaluate(net, (middles + sign * 1e-5 * mesh.normals)[large])
        assert np.array_equal(outputs.argmax(axis=1), mesh.surface.pairs[large, side])
    degree = np.bincount(Edges(mesh.polygons, len(mesh.vertices)).at)
    assert (degree[mesh.degenerate] == 3).all() and len(mesh.degenerate)


def test_polygons_listed_the_other_way_around_are_turned_and_a_contradiction_is_an_error() -> None:
    found = surface(shapes.ring(), 0.5)
    values, offsets = found.faces.values.copy(), found.faces.offsets
    for k in range(0, len(found), 3):
        values[offsets[k] : offsets[k + 1]] = values[offsets[k] : offsets[k + 1]][::-1].copy()
    back = replace(found, faces=type(found.faces)(values, offsets)).mesh()
    assert back.volume == pytest.approx(found.mesh().volume, rel=1e-12) and back.closed
    edges = Edges(found.faces, len(found.vertices))
    carrying = np.ones(len(edges.degree), np.bool_)
    signs = np.zeros(len(found), np.int8)
    wrong, open_ = turned(edges, carrying, signs)
    assert open_.all() and not wrong.any()  # nothing is known: all are reported
    signs[0] = 1
    first = turned(edges, carrying, signs)[0]
    assert not turned(edges, carrying, signs)[1].any()
    signs[1] = 1 if first[1] else -1  # against what neighbours say
    with pytest.raises(InternalError, match="disagree"):
        turned(edges, carrying, signs)


def test_where_no_polygon_is_larger_than_its_bounds_sides_are_reported_as_unknown() -> None:
    found = surface(shapes.diamond(), 1.0)
    mesh = replace(found, slack=np.full(len(found), 10.0)).mesh()
    assert mesh.unoriented.tolist() == list(range(8))
    with pytest.raises(ArgumentError, match="8 polygons whose sides are not known"):
        mesh.volume  # noqa: B018


def test_bounds_on_areas_and_volumes_hold_when_corners_move_within_their_slack() -> None:
    """Lemma 19: corners moved at random within the slack give areas and volumes within the bounds."""
    rng = np.random.default_rng(0)
    found = surface(mlp(3, [3, 12, 8, 1], bias=0.6), 0.0, size=6.0)
    shape = surface(shapes.rings(1.5), 0.75, size=4.0)
    for exact in (shape, found):
        size = 1e-3
        moved = rng.standard_normal(exact.vertices.shape)
        moved *= size * rng.random((len(moved), 1)) ** (1 / 3) / np.linalg.norm(moved, axis=1, keepdims=True)
        rough = replace(exact, vertices=exact.vertices + moved, slack=np.full(len(exact), size)).mesh()
        sharp = exact.mesh()
        assert (np.abs(rough.areas() - sharp.areas()) <= rough.area_errors()).all()
        assert abs(rough.area - sharp.area) <= rough.area_error
        if sharp.closed and not len(rough.unoriented):
            assert 0 < abs(rough.volume - sharp.volume) <= rough.volume_error


@needs("implicit/fox.npz")
def test_the_fox_is_a_sphere_closed_for_others_as_well() -> None:
    """28,316 polygons: as many as an independent prototype found."""
    mesh = cpwl.level_set(implicit(FOLDER / "implicit/fox.npz"), shapes.cube(1.0)).mesh()
    assert mesh.closed and (len(mesh), len(mesh.vertices), mesh.euler, mesh.genus) == (28316, 28314, 2, 0)
    assert (
        not len(mesh.unoriented) and not len(mesh.pinched) and mesh.volume_error < 1e-5 < 0.119 < mesh.volume < 0.1191
    )
    other = pytest.importorskip("trimesh") and mesh.to_trimesh()
    assert other.is_watertight and other.is_winding_consistent and abs(other.volume - mesh.volume) <= mesh.volume_error


def test_a_mesh_is_of_three_dimensions_and_says_when_it_is_not_complete() -> None:
    plane = cpwl.partition(mlp(0, [2, 4, 1]), cpwl.Domain.box([-1, -1], [1, 1]))
    with pytest.raises(UnsupportedDimensionError, match="dimension 3"):
        plane.decision_boundary(level=0.0).mesh()
    part = cpwl.partition(mlp(1, [3, 16, 16, 1], bias=0.6), shapes.cube(), max_regions=200)
    level = float(np.median(part.outputs.to_numpy()))
    found = part.decision_boundary(level=level)
    assert not found.complete and len(found)
    with pytest.warns(IncompleteWarning, match="part of the surface"):
        found.mesh()


@pytest.mark.parametrize("cells", [(1, 1, 1), (2, 1, 1), (2, 2, 1)], ids=str)
def test_cages_have_the_genus_of_their_graph(cells: tuple[int, int, int]) -> None:
    """Many handles, thin bars: as the birdcage has them, with a genus that is known."""
    net, genus = shapes.cage(cells, sum(cells))
    found = cpwl.level_set(net, shapes.cube(1.0))
    mesh = found.mesh()
    assert found.complete and mesh.closed and not len(mesh.pinched) and not len(mesh.degenerate)
    assert (mesh.components, mesh.genus, mesh.euler) == (1, genus, 2 - 2 * genus)
    assert genus == {(1, 1, 1): 5, (2, 1, 1): 9, (2, 2, 1): 16}[cells]
