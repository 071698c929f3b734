"""The interactive page: a real browser loads it without a network, shows the right regions, and reports no error."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpwl.errors import ArgumentError, ShapeError
from cpwl.geometry.domain import Domain
from cpwl.network import Gather, Input, Network, Node
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from cpwl.plots.page import view
from cpwl.plots.page_parts import bending_units
from tests.support.view_parts import part_of, part_of_maxima

BACKENDS = ("torch", "exact")
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@cache
def part_of_images() -> Partition:
    rng = np.random.default_rng(2)
    nodes = Network.mlp([rng.standard_normal((6, 12)), rng.standard_normal((2, 6))], [np.zeros(6), np.zeros(2)]).nodes
    corners = rng.random((3, 3, 4))
    dom = Domain.through(*corners)
    flat = Node(Gather(np.arange(12)), (0,), (12,), "flat")
    moved = [Node(node.op, tuple(i + 1 for i in node.inputs), node.shape, node.name) for node in nodes[1:]]
    return partition(Network((Node(Input(), (), (3, 4), "x"), flat, *moved)), dom)


# ---- without a browser ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_edge_counts_for_the_first_unit_that_bends_there(backend: str) -> None:
    part = part_of(backend)
    patterns, sides = part.patterns(), part.facets().regions
    units = bending_units(part, sides)
    assert np.array_equal(units == part.network.units, (sides < 0).any(axis=1))
    for unit, (a, b) in zip(units, sides):
        if b >= 0:
            assert np.array_equal(patterns[a, :unit], patterns[b, :unit]) and patterns[a, unit] != patterns[b, unit]


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    text = view(part_of(), tmp_path / "view.html", title="</title><script>alert(1)").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|https?://|@import""", text)
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"color": "mood"}, ArgumentError, "color"),
        ({"samples": 3}, ArgumentError, "boundary"),
        ({"points": [1.0, 2.0, 3.0]}, ShapeError, "points"),
        ({"points": [[0, 0]], "labels": ["a", "b"]}, ShapeError, "labels"),
        ({"data": [[0, 0, 0]]}, ShapeError, "data must have shape"),
        ({"data": [[0, 0]], "data_labels": [1, 2]}, ShapeError, "data_labels must be one for each"),
        ({"data_labels": [1]}, ArgumentError, "data_labels go with data"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    tmp_path: Path, options: Any, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        view(part_of(), tmp_path / "view.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_classes_need_several_outputs(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="several outputs"):
        view(part_of(outputs=1), tmp_path / "view.html", color="class")


def test_what_no_browser_would_open_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.plots.page_parts._LARGEST", 1000)
    with pytest.raises(ArgumentError, match="smaller domain"):
        view(part_of(), tmp_path / "view.html")


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


class Opened:
    """A page in a browser that has no network, and all that it complained about."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1000, "height": 640})
        self.page.context.set_offline(True)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())
        self.page.wait_for_function("window.cpwl || document.getElementById('failure').textContent")
        assert self.complaints == []

    def locate(self, points: np.ndarray[Any, Any]) -> list[int]:
        found: list[int] = self.page.evaluate("points => points.map(cpwl.locate)", points.tolist())
        return found

    def hover(self, u: Any) -> str:
        x, y = self.page.evaluate("u => cpwl.toPage(u)", [float(c) for c in u])
        self.page.mouse.move(x, y)
        return str(self.page.inner_text("#which")) + "\n" + str(self.page.inner_text("#info"))

    def colors(self) -> int:
        """How many colours are on the canvas."""
        count = """() => { cpwl.draw(); const gl = document.getElementById('paint').getContext('webgl2');
          const size = gl.canvas.width * gl.canvas.height, pixels = new Uint8Array(4 * size);
          gl.readPixels(0, 0, gl.canvas.width, gl.canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
          return new Set(new Uint32Array(pixels.buffer)).size; }"""
        return int(self.page.evaluate(count))


def written(part: Partition, folder: Path, **options: Any) -> Path:
    return view(part, folder / "view.html", **options)


def middles(part: Partition) -> np.ndarray[Any, Any]:
    vertices = np.asarray(part.vertices, np.float64)
    return np.array([vertices[row].mean(axis=0) for row in part.regions])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_page_finds_the_regions_that_the_library_finds(
    browser: Any, tmp_path: Path, backend: str, outputs: int
) -> None:
    part = part_of(backend, outputs)
    opened = Opened(browser, written(part, tmp_path))
    assert opened.locate(middles(part)) == list(range(len(part)))
    anywhere = np.random.default_rng(0).uniform(-1.1, 1.1, (1000, 2))
    assert opened.locate(anywhere) == part.locate(anywhere).tolist()
    lowest = np.full(len(part.vertices), len(part))
    np.minimum.at(lowest, part.regions.values, part.regions.row_of)
    assert opened.locate(np.asarray(part.vertices, np.float64)) == lowest.tolist()


@pytest.mark.parametrize("part", [part_of, part_of_maxima], ids=["relu", "max"])
def test_the_mouse_shows_the_map_area_class_and_pattern_of_its_region(browser: Any, tmp_path: Path, part: Any) -> None:
    chosen = part()
    opened = Opened(browser, written(chosen, tmp_path))
    maps, areas = chosen.affine_maps(), chosen.volumes()
    for region in np.argsort(areas)[-4:].tolist():
        middle = middles(chosen)[region]
        text = opened.hover(middle)
        assert text.startswith(f"Region {region}\n")
        assert f"area {areas[region]:.6g}"[:10] in text
        weight, bias = (values[region] for values in maps)
        shown = opened.page.eval_on_selector_all("#info td", "cells => cells.map(cell => Number(cell.textContent))")
        rows = np.array(shown).reshape(-1, 5)
        assert np.allclose(rows[:, 2:4], weight, rtol=1e-4) and np.allclose(rows[:, 4], bias, rtol=1e-4)
        assert np.allclose(rows[:, 1], weight @ middle + bias, rtol=0.05, atol=0.02)  # the mouse is on whole pixels
        pattern = "".join(opened.page.eval_on_selector_all(".bits", "parts => parts.map(part => part.textContent)"))
        assert pattern == "".join(map(str, chosen.patterns([region])[0]))
        if chosen.network.outputs > 1:
            assert f"class here {rows[:, 1].argmax()}" in text


def test_zooming_keeps_the_place_under_the_mouse_and_a_double_click_shows_all(browser: Any, tmp_path: Path) -> None:
    page = Opened(browser, written(part_of(), tmp_path)).page
    page.mouse.move(200, 300)
    before = page.evaluate("cpwl.toSlice(200, 300)")
    page.mouse.wheel(0, -800)
    page.wait_for_function("cpwl.zoom() > 5")
    assert np.allclose(page.evaluate("cpwl.toSlice(200, 300)"), before)
    page.mouse.down()
    page.mouse.move(260, 330, steps=4)
    page.mouse.up()
    assert np.allclose(page.evaluate("cpwl.toSlice(260, 330)"), before, atol=0.01)
    page.mouse.dblclick(260, 330)
    assert page.evaluate("cpwl.zoom()") == 1


def test_every_colour_draws_and_every_switch_changes_the_picture(browser: Any, tmp_path: Path) -> None:
    part = part_of()
    options = {"boundary": part.decision_boundary(), "samples": 5, "points": [[0, 0]], "labels": ["<i>origin"]}
    opened = Opened(browser, written(part, tmp_path, color="output", **options))
    choices = opened.page.eval_on_selector_all("#color option", "options => options.map(o => o.value)")
    assert choices == ["slope", "area", "class", "pattern", "output0", "output1", "output2"]
    assert opened.page.input_value("#color") == "output0"
    for choice in choices:
        opened.page.select_option("#color", choice)
        assert opened.colors() > 3, choice
    opened.page.select_option("#color", "class")
    counts = [opened.colors()]
    for box in opened.page.query_selector_all("#layers input[type=checkbox], #show-boundary"):
        box.uncheck()
        counts.append(opened.colors())
    assert counts[-1] < counts[0] and sorted(counts, reverse=True) == counts
    assert "point 0: <i>origin" in opened.hover((0, 0))
    assert opened.complaints == []


def test_a_list_of_units_shows_their_edges_alone(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, written(part_of(), tmp_path, color="class"))
    field = opened.page.locator("#layers input[type=text]").first
    opened.page.evaluate("document.querySelectorAll('#layers input[type=checkbox]').forEach((b, i) => i && b.click())")
    all_units = opened.colors()
    field.fill("99")
    none = opened.colors()
    field.fill("0, 2-4")
    assert none < opened.colors() <= all_units
    field.fill("a few")
    assert not field.evaluate("field => field.checkValidity()")


def test_inputs_that_are_images_are_shown(browser: Any, tmp_path: Path) -> None:
    part = part_of_images()
    opened = Opened(browser, written(part, tmp_path))
    text = opened.hover((0.1, -0.2))
    size, grey = opened.page.evaluate(
        "(() => { const c = document.getElementById('image'); return [[c.height, c.width, c.hidden], "
        "[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)]; })()"
    )
    assert text.startswith("Region ") and size == [3, 4, False]
    corners = part.to_input(part.domain.polytope.vertices)
    u = np.array(json.loads("[" + re.findall(r"u = \((.*)\)", text)[0] + "]"))
    expected = 255 * (part.to_input(u) - corners.min()) / (corners.max() - corners.min())
    assert np.allclose(grey, expected.ravel(), atol=1)


def test_data_are_marked_where_they_are_nearest_with_their_own_images_and_how_far_they_are(
    browser: Any, tmp_path: Path
) -> None:
    part = part_of_images()
    rng = np.random.default_rng(5)
    u = np.array([[0.05, 0.1], [-0.2, 0.15], [0.3, -0.2]])
    data = part.to_input(u) + 0.2 * rng.standard_normal((3, 3, 4))
    opened = Opened(browser, written(part, tmp_path, data=data, data_labels=[1, 0, 1]))
    places, own = part.to_slice(data), np.rint(255 * (data - data.min()) / np.ptp(data)).reshape(3, -1)
    for i, place in enumerate(places):
        text = opened.hover(place)
        apart = np.linalg.norm(part.to_input(place) - data[i])
        found = re.search(rf"data {i}: class {[1, 0, 1][i]}, (\S+) from the slice", text)
        assert found and np.isclose(float(found[1]), apart, rtol=1e-4)
        grey = opened.page.evaluate(
            "[...document.getElementById('image').getContext('2d').getImageData(0, 0, 4, 3).data]"
            ".filter((_, i) => i % 4 === 0)"
        )
        assert np.allclose(grey, own[i], atol=1)
    assert [text for text in opened.complaints if "getImageData" not in text] == []  # which the test itself calls


def test_images_are_shown_beside_marks_when_they_are_switched_on(browser: Any, tmp_path: Path) -> None:
    part = part_of_images()
    boundary = part.decision_boundary()
    data = part.to_input(np.random.default_rng(0).uniform(-0.3, 0.3, (30, 2)))
    options = {"data": data, "points": [[0.4, 0.4]], "labels": ["p"]}
    options |= {"boundary": boundary, "samples": 4} if len(boundary) else {}
    opened = Opened(browser, written(part, tmp_path, **options))
    page = opened.page
    covered = """() => { draw(); const c = document.getElementById('shapes');
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
      return data.filter((v, i) => i % 4 === 3 && v > 0).length; }"""
    before = page.evaluate(covered)
    page.check("#show-images")
    with_images = page.evaluate(covered)
    assert with_images > before + 44 * 33
    place = page.evaluate("u => cpwl.toPage(u)", part.to_slice(data[0]).tolist())
    corner = "([x, y]) => [...$('shapes').getContext('2d').getImageData(x + 10, y + 8, 1, 1).data]"
    grey = page.evaluate(corner, [round(float(c)) for c in place])
    assert abs(grey[0] - 255 * (data[0, 0, 0] - data.min()) / np.ptp(data)) <= 2 and grey[3] == 255
    page.uncheck("#show-data")
    assert page.evaluate(covered) < with_images
    assert [text for text in opened.complaints if "getImageData" not in text] == []  # which the test itself calls


def test_a_network_without_images_offers_none(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, written(part_of(), tmp_path, data=[[0.5, 0.5]], data_labels=["<b>seven"]))
    assert opened.page.query_selector("#show-images") is None
    assert "data 0: <b>seven, 0 from the slice" in opened.hover((0.5, 0.5))


def test_where_drawing_is_slow_the_edges_come_back_when_the_picture_rests(browser: Any, tmp_path: Path) -> None:
    page = Opened(browser, written(part_of(), tmp_path)).page
    page.wait_for_function("!waiting")
    page.evaluate(
        "() => { slow = true; window.drawn = []; const all = draw; draw = (how) => { drawn.push(how); all(how); }; }"
    )
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -200)
    page.wait_for_function("drawn.length >= 2")
    assert page.evaluate("drawn[0].edges") is False and page.evaluate("drawn.at(-1) === undefined")
