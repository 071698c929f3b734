"""Meshes in files, as others read them: closed, of the exact volume, oriented, with the regions and gradients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.boundary.meshes.mesh import SurfaceMesh
from cpwl.boundary.meshes.triangulate import triangulated
from cpwl.errors import ArgumentError
from tests.support import shapes


@pytest.fixture(scope="module")
def torus() -> SurfaceMesh:
    """Two rings that have grown together."""
    return cpwl.partition(shapes.rings(1.5), shapes.cube(4.0)).decision_boundary(level=0.75).mesh()


@pytest.mark.parametrize("ending", [".ply", ".obj", ".stl", ".glb"])
def test_another_library_reads_a_closed_surface_of_the_exact_volume(
    torus: SurfaceMesh, ending: str, tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / f"torus{ending}"
    assert torus.save(path) == path
    read = trimesh.load(path, force="mesh")
    assert read.is_watertight and read.is_winding_consistent and read.euler_number == -2
    assert read.volume == pytest.approx(torus.volume, rel=1e-6 if ending in (".stl", ".glb") else 1e-12)
    assert read.area == pytest.approx(torus.area, rel=1e-6)


def test_objects_of_other_libraries_have_the_same_polygons(torus: SurfaceMesh) -> None:
    trimesh, meshio = pytest.importorskip("trimesh"), pytest.importorskip("meshio")
    solid = torus.to_trimesh()
    assert isinstance(solid, trimesh.Trimesh) and solid.is_watertight and np.array_equal(solid.vertices, torus.vertices)
    assert np.array_equal(solid.face_attributes["region"], torus.regions[solid.face_attributes["polygon"]])
    blocks = torus.to_meshio()
    assert isinstance(blocks, meshio.Mesh) and sum(len(block.data) for block in blocks.cells) == len(torus)
    rows = {tuple(row) for block in blocks.cells for row in block.data.tolist()}
    assert rows == {tuple(row.tolist()) for row in torus.polygons}
    assert np.isin(np.concatenate(blocks.cell_data["region"]), torus.regions).all()


def test_a_ply_file_has_polygons_with_regions_and_gradients(torus: SurfaceMesh, tmp_path: Path) -> None:
    lines = torus.save(tmp_path / "torus.ply").read_text().splitlines()
    body = [line.split() for line in lines[lines.index("end_header") + 1 :]]
    places, faces = body[: len(torus.vertices)], body[len(torus.vertices) :]
    assert np.array_equal([[float(x) for x in row] for row in places], torus.vertices) and len(faces) == len(torus)
    for k, row in enumerate(faces):
        count = int(row[0])
        assert [int(v) for v in row[1 : count + 1]] == torus.polygons[k].tolist()
        assert int(row[count + 1]) == torus.regions[k]
        assert [float(x) for x in row[count + 2 :]] == torus.gradients[k].tolist()


def test_an_obj_file_brings_every_digit_back(torus: SurfaceMesh, tmp_path: Path) -> None:
    lines = torus.save(tmp_path / "torus.obj").read_text().splitlines()
    places = [[float(x) for x in line.split()[1:]] for line in lines if line.startswith("v ")]
    assert np.array_equal(places, torus.vertices)
    assert [[int(x) - 1 for x in line.split()[1:]] for line in lines if line.startswith("f ")] == [
        row.tolist() for row in torus.polygons
    ]


def test_pyvista_takes_the_polygons_if_it_is_there(torus: SurfaceMesh) -> None:
    pyvista = pytest.importorskip("pyvista")
    found = torus.to_pyvista()
    assert isinstance(found, pyvista.PolyData) and found.n_cells == len(torus) and found.is_manifold
    assert np.array_equal(found.cell_data["gradient"], torus.gradients)


def test_another_ending_is_refused_and_nothing_written(torus: SurfaceMesh, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"must end in one of \.ply, \.obj, \.stl, \.glb"):
        torus.save(tmp_path / "torus.vtk")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_the_message_says_what_to_install(torus: SurfaceMesh, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(cpwl.CpwlError, match=r"needs trimesh.*cpwl\[mesh\]"):
        torus.to_trimesh()


def test_nothing_of_the_optional_libraries_is_loaded_before_it_is_asked_for() -> None:
    text = (
        "import sys, cpwl; from tests.support import shapes; "
        "m = cpwl.partition(shapes.ring(), shapes.cube()).decision_boundary(level=0.5).mesh(); m.table(); m.genus; "
        "print([n for n in ('trimesh', 'meshio', 'pyvista') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout == "[]\n"


# ---- triangles -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", range(3, 9))
def test_triangles_are_as_little_thin_as_any_triangulation_has_them(count: int) -> None:
    rng = np.random.default_rng(count)
    angles = np.sort(rng.random((20, count)) * 2 * np.pi, axis=1)
    radii = np.array([2.0, 0.3])
    corners = np.concatenate([np.stack([np.cos(angles), np.sin(angles)], 2) * radii, np.ones((20, count, 1))], axis=2)
    polygons = Ragged(np.arange(20 * count), np.arange(0, 20 * count + 1, count))
    owner, triangles = triangulated(corners.reshape(-1, 3), polygons)
    assert np.array_equal(owner, np.repeat(np.arange(20), count - 2))
    for k in range(20):
        mine = [tuple(int(v) - k * count for v in row) for row in triangles[owner == k]]
        best = max(min(smallest_angle(corners[k, list(t)]) for t in way) for way in triangulations(0, count - 1))
        assert min(smallest_angle(corners[k, list(t)]) for t in mine) == pytest.approx(best, rel=1e-9)


def triangulations(low: int, high: int) -> list[list[tuple[int, int, int]]]:
    """All ways to cut the polygon with corners low .. high."""
    if high - low < 2:
        return [[]]
    return [
        [(low, tip, high), *left, *right]
        for tip in range(low + 1, high)
        for left in triangulations(low, tip)
        for right in triangulations(tip, high)
    ]


def smallest_angle(corners: np.ndarray[Any, Any]) -> float:
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1)
    doubled = np.linalg.norm(np.cross(sides[0], sides[1]))
    return float(min(doubled / (lengths[i] * lengths[i - 1]) for i in range(3)))


def test_a_corner_on_a_straight_side_makes_no_flat_triangle_where_another_cut_has_none() -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]])
    polygons = Ragged(np.arange(5), np.array([0, 5]))
    _, triangles = triangulated(corners, polygons)
    assert min(smallest_angle(corners[row]) for row in triangles) > 0.3
