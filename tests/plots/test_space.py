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
from cpwl.errors import ArgumentError, UnsupportedDimensionError
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
        (lambda: solid().view(points=[[0, 0, 0]]), ArgumentError, "shown on planes"),
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
