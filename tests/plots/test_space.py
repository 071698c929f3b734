"""The page of a solid and of a surface: what it holds, and in a real browser that the mouse finds the right region."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import ArgumentError, ShapeError, UnsupportedDimensionError
from cpwl.plots.space import view_solid, view_surface
from tests.support import shapes
from tests.support.networks import mlp

BACKENDS = ("torch", "exact")
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TYPES = {"f8": "<f8", "f4": "<f4", "i4": "<i4", "u2": "<u2", "u1": "u1"}
SET = """([id, value]) => { const e = document.getElementById(id);
  if (e.type === "checkbox") { if (e.checked !== value) e.click(); return; }
  e.value = value; e.oninput?.(); e.onchange?.(); }"""


@cache
def solid(backend: str = "torch", outputs: int = 3) -> cpwl.Partition:
    return cpwl.partition(mlp(2, [3, 6, 5, outputs], bias=0.5), shapes.cube(1.0), backend=backend)


@cache
def ring(backend: str = "torch") -> cpwl.DecisionBoundary:
    return cpwl.partition(shapes.ring(), shapes.cube(), backend=backend).decision_boundary(level=0.5)


# ---- without a browser ---------------------------------------------------------------------------------------------
def decoded(text: str) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    head = json.loads(re.findall(r'id="head">(.*?)</script>', text, re.DOTALL)[0])
    data = zlib.decompress(base64.b64decode(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0]))
    arrays = {}
    for name, (kind, offset, count, differences) in head["arrays"].items():
        size = np.dtype(TYPES[kind]).itemsize
        rows = np.frombuffer(data, np.uint8, count * size, offset).reshape(size, count).T
        values = np.ascontiguousarray(rows).view(TYPES[kind]).ravel()
        arrays[name] = np.cumsum(values, dtype=values.dtype) if differences else values
    return head, arrays


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_page_of_a_surface_holds_its_polygons_regions_and_maps(backend: str) -> None:
    boundary = ring(backend)
    mesh, (head, arrays) = boundary.mesh(), decoded(boundary.view().text)
    assert np.array_equal(arrays["surfaceVertices"].reshape(-1, 3), mesh.vertices.astype(float))
    assert np.array_equal(arrays["surfaceCorners"], mesh.polygons.values)
    assert np.array_equal(arrays["numbers"][arrays["surfaceRegion"]], mesh.regions)
    weights, biases = boundary.partition.affine_maps(arrays["numbers"])
    maps = np.concatenate([weights, biases[:, :, None]], axis=2).astype(float)
    assert np.array_equal(arrays["maps"], maps.ravel())
    assert head["counts"].endswith("Euler number 0, 1 component, closed") and not head["solid"]
    units = arrays["surfaceUnits"]
    patterns = boundary.partition.patterns()
    for unit, (one, other) in zip(units, mesh.regions[mesh.sides()]):
        differs = np.flatnonzero(patterns[one] != patterns[other])
        assert unit == (differs[0] if len(differs) else boundary.partition.network.units + 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_page_of_a_solid_holds_the_facets_of_its_cells(backend: str) -> None:
    part = solid(backend, 1)
    head, arrays = decoded(part.view().text)
    facets = part.facets()
    assert np.array_equal(arrays["facetCorners"], facets.vertices.values)
    assert np.array_equal(arrays["facetCells"].reshape(-1, 2), facets.regions)
    assert np.allclose(arrays["areas"], part.volumes().astype(float)) and head["regions"] == len(part)
    classes = decoded(solid(backend).view(color="class").text)[1]
    assert len(classes["cellRegion"]) == len(classes["winners"]) >= len(solid(backend))
    inside = classes["facetUnits"] == solid(backend).network.units + 2
    sides = classes["cellRegion"][classes["facetCells"].reshape(-1, 2)]
    assert (sides[inside, 0] == sides[inside, 1]).all()


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: view_solid(solid(), color="mood"), ArgumentError, "color"),
        (lambda: view_solid(solid(outputs=1), color="class"), ArgumentError, "several outputs"),
        (lambda: view_solid(solid(), boundary=ring()), ArgumentError, "of this partition"),
        (lambda: view_surface(ring(), color="class"), ArgumentError, "level set"),
        (lambda: view_surface(ring(), color="area"), ArgumentError, "color"),
        (lambda: solid().view(points=[[0, 0]]), ShapeError, "points must have shape"),
        (lambda: solid().view(data=[[0, 0]]), ShapeError, "data must have shape"),
        (lambda: solid().view(samples=3), ArgumentError, "samples are drawn from a boundary"),
        (lambda: solid().view(data_labels=[1]), ArgumentError, "data_labels go with data"),
        (lambda: solid().plot_solid(labels=["a"]), ArgumentError, "labels go with points"),
        (lambda: solid().plot_solid(points=[[0, 0]]), ShapeError, "points must have shape"),
        (lambda: view_solid(cpwl.partition(mlp(0, [2, 3, 1]), cpwl.Domain.box([0, 0], [1, 1]))),
         UnsupportedDimensionError, "view_solid draws solids"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        call()


def test_a_surface_that_is_empty_has_a_page() -> None:
    nothing = cpwl.partition(shapes.ring(), shapes.cube()).decision_boundary(level=-1.0)
    without_regions = cpwl.level_set(shapes.ring(), shapes.cube(), level=-1.0)
    assert not len(without_regions.partition)
    for surface in (nothing, without_regions):
        assert "0 polygons" in surface.view().text and surface.plot().figure is not None


@pytest.mark.parametrize("backend", BACKENDS)
def test_marks_have_the_places_and_regions_that_the_library_has(backend: str) -> None:
    part = solid(backend)
    boundary = part.decision_boundary()
    random = np.random.default_rng(0)
    points, data = random.uniform(-1.5, 1.5, (6, 3)), random.uniform(-1, 1, (9, 3))
    names, labels = [f"p{k}" for k in range(6)], [*range(8), 30]
    page = part.view(points=points, labels=names, data=data, data_labels=labels, boundary=boundary, samples=12)
    head, arrays = decoded(page.text)
    assert np.array_equal(arrays["points"].reshape(-1, 3), points) and head["labels"] == names
    assert np.array_equal(arrays["data"].reshape(-1, 3), part.to_slice(data)) and head["data"]["kinds"] == labels
    assert np.allclose(arrays["apart"], 0, atol=1e-12) and len(set(head["palette"])) >= 31
    drawn = boundary.sample_slice(12)[0]
    assert np.array_equal(arrays["samples"].reshape(-1, 3), drawn.astype(float))
    for kind, places in (("points", points), ("data", data), ("samples", drawn.astype(float))):
        assert np.array_equal(arrays[f"{kind}Region"], part.locate(places)), kind
    assert (arrays["pointsRegion"] == -1).any() and (arrays["pointsRegion"] >= 0).any()


@pytest.mark.parametrize("color", ["slope", "class"])
def test_points_of_a_still_go_with_their_cells(color: Any) -> None:
    """Pulled apart, a corner of the solid and a point beside it stay as far from each other as they were."""
    part = solid()
    points = np.array([[1.0, 1, 1], [0.999, 0.998, 0.999], [5, 0, 0]])
    for apart in (0.0, 0.7):
        axes = part.plot_solid(points=points, labels=["corner", "beside", "out"], apart=apart, color=color)
        (line,) = axes.get_lines()
        corner, beside, out = np.array(line.get_data_3d()).T
        assert np.allclose(beside - corner, points[1] - points[0]) and np.array_equal(out, points[2])
        polygons = axes.collections[0].get_verts3d() if hasattr(axes.collections[0], "get_verts3d") else None
        corners = axes.collections[0]._faces.reshape(-1, 3) if polygons is None else np.concatenate(polygons)
        assert np.isclose(corners, corner, atol=1e-9).all(axis=1).any(), "a corner of what is drawn"
        assert [text.get_text().strip() for text in axes.texts] == ["corner", "beside", "out"]


# ---- in a browser --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install playwright")
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found[0], args=ARGUMENTS)
        yield running
        running.close()


def opened(browser: Any, path: Path) -> Any:
    page = browser.new_page(viewport={"width": 1000, "height": 640})
    page.context.set_offline(True)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("window.cpwl || document.getElementById('failure').textContent")
    assert page.complaints == []
    return page


def picked(page: Any, u: Any) -> Any:
    """What is under the mouse where a point is shown."""
    return page.evaluate("u => cpwl.pick(...cpwl.toPage(u))", [float(x) for x in u])


def colors(page: Any) -> int:
    count = """() => { cpwl.draw(); const gl = document.getElementById('paint').getContext('webgl2');
      const pixels = new Uint8Array(4 * gl.canvas.width * gl.canvas.height);
      gl.readPixels(0, 0, gl.canvas.width, gl.canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
      return new Set(new Uint32Array(pixels.buffer)).size; }"""
    return int(page.evaluate(count))


def test_the_planar_partition_on_the_cut_plane_is_the_section(browser: Any, tmp_path: Path) -> None:
    """Region by region: the triangles that the page draws have the areas of the library's exact section."""
    part = solid(outputs=1)
    page = opened(browser, part.view(tmp_path / "solid.html"))
    for axis, name, at in ((0, "x₁", 0.25), (2, "x₃", -0.5)):
        page.evaluate(SET, ["direction", name])
        page.evaluate(SET, ["offset", str(at)])
        exact = page.evaluate("cpwl.cut().offset")
        drawn = np.array(page.evaluate("[...cpwl.section().triangles]")).reshape(-1, 3, 3)
        owners = np.array(page.evaluate("cpwl.section().owners"))
        doubled = np.linalg.norm(np.cross(drawn[:, 1] - drawn[:, 0], drawn[:, 2] - drawn[:, 0]), axis=1)
        areas = np.bincount(owners, doubled / 2)
        section = part.section(np.eye(3)[axis], exact)
        assert sorted(np.unique(owners)) == sorted(section.regions)
        assert np.allclose(areas[section.regions], section.measures(), atol=1e-9)
        middle = section.faces.vertices[section.faces.faces[int(section.measures().argmax())]].mean(axis=0)
        found = picked(page, middle)
        in_front = not np.allclose(found["place"], middle, atol=1e-6)
        assert in_front or found["region"] == part.locate(middle[None])[0]
    assert page.complaints == []


def test_the_mouse_finds_the_polygon_that_is_in_front(browser: Any, tmp_path: Path) -> None:
    boundary = ring()
    page = opened(browser, boundary.view(tmp_path / "ring.html"))
    mesh = boundary.mesh()
    eye = np.array(page.evaluate("cpwl.position()")) * 2  # the cube is from -2 to 2
    seen = 0
    for k, row in enumerate(mesh.polygons):
        middle = mesh.vertices[row].mean(axis=0)
        found = picked(page, middle)
        assert found["region"] >= 0
        if np.allclose(found["place"], middle, atol=1e-6):
            seen += 1
            assert page.evaluate("r => data.numbers[r]", found["region"]) == mesh.regions[k]
        else:  # another one is in front of it
            assert np.linalg.norm(np.array(found["place"]) - eye) < np.linalg.norm(middle - eye)
    assert 4 <= seen < len(mesh)
    x, y = page.evaluate("u => cpwl.toPage(u)", [0.0, -1.0, 0.5])
    page.mouse.move(x, y)
    page.wait_for_function("document.getElementById('which').textContent.startsWith('Region ')")
    shown = page.inner_text("#info")
    assert "u = (" in shown and "A₃" in shown and page.complaints == []


def test_every_colour_draws_and_every_switch_changes_the_picture(browser: Any, tmp_path: Path) -> None:
    part = solid()
    page = opened(browser, part.view(tmp_path / "both.html", boundary=part.decision_boundary(), color="class"))
    for choice in page.eval_on_selector_all("#color option", "options => options.map(o => o.value)"):
        page.select_option("#color", choice)
        assert colors(page) > 3, choice
    page.select_option("#color", "class")
    before = page.screenshot()
    switches = ("cut", "show-surface", "shading", "show-solid", "show-frame")
    for id_, value in (("explode", "0.5"), ("explode", "0"), *((name, False) for name in switches)):
        page.evaluate(SET, [id_, value])
        page.wait_for_timeout(100)
        now = page.screenshot()
        assert now != before, id_
        before = now
    assert colors(page) == 1 and page.complaints == []


def test_the_mouse_finds_marks_and_the_cells_that_they_go_with(browser: Any, tmp_path: Path) -> None:
    """Two of them lie in one region, on the two sides of the decision boundary."""
    part = solid()
    anywhere = np.random.default_rng(1).uniform(-1, 1, (400, 3))
    region, winner = part.locate(anywhere), cpwl.evaluate(part.network, anywhere).argmax(axis=1)
    first, second = np.argwhere((region[:, None] == region) & (winner[:, None] != winner))[0]
    points = np.array([anywhere[first], anywhere[second], [1.5, 0, 0]])
    names = ["<i>one", "two", "out"]
    page = opened(browser, part.view(tmp_path / "marks.html", points=points, labels=names, data=points))
    outputs = cpwl.evaluate(part.network, points)
    for apart in ("0", "1"):
        page.evaluate(SET, ["explode", apart])
        page.uncheck("#show-data")
        for k, mark in enumerate(page.evaluate("cpwl.marks()")):
            assert mark["kind"] == "points" and mark["region"] == part.locate(points)[k]
            if mark["region"] < 0:
                continue
            page.mouse.move(*mark["at"])
            page.wait_for_function("k => document.getElementById('info').textContent.startsWith(`point ${k}`)", arg=k)
            shown = page.inner_text("#info")
            assert f"point {k}: {names[k]}" in shown and f"class here {outputs[k].argmax()}" in shown
            assert page.inner_text("#which") == f"Region {mark['region']}"
            cell = page.evaluate("([region, place]) => cellAt(region, place)", [mark["region"], points[k].tolist()])
            assert page.evaluate("c => data.winners[c]", cell) == outputs[k].argmax()
            middle = np.array(page.evaluate("c => [...data.middles.subarray(3 * c, 3 * c + 3)]", cell))
            moved = points[k] + float(apart) * middle  # the cube is from -1 to 1
            assert np.allclose(page.evaluate("u => cpwl.toPage(u)", moved.tolist()), mark["at"])
        page.check("#show-data")
        page.mouse.move(*page.evaluate("cpwl.marks().find(m => m.kind === 'data' && m.region < 0).at"))
        page.wait_for_function("document.getElementById('which').textContent === 'No region'")
        assert page.evaluate("cpwl.marks().length") == 6
    assert page.complaints == []


def test_turning_and_zooming_keep_the_middle_and_a_double_click_shows_all(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, ring().view(tmp_path / "ring.html"))
    start = page.evaluate("cpwl.eye()")
    page.mouse.move(200, 300)
    page.mouse.down()
    page.mouse.move(260, 330, steps=4)
    page.mouse.up()
    page.mouse.wheel(0, -400)
    page.wait_for_function("away => cpwl.eye().away < away", arg=start["away"])
    turned = page.evaluate("cpwl.eye()")
    assert turned["turn"] != start["turn"] and turned["at"] == start["at"]
    page.mouse.dblclick(300, 300)
    assert page.evaluate("cpwl.eye()") == start and page.complaints == []


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = ring().view(title="</title><script>alert(1)").text
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|https?://|@import""", text)
    assert "<script>alert" not in text
