"""Pictures: every region is drawn once, in the colour of its own number, and nothing is drawn from bad arguments."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from cpwl.errors import ArgumentError, ShapeError
from cpwl.geometry.domain import Domain
from cpwl.network import Network
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from cpwl.plots.painting import pattern_hues
from cpwl.plots.regions import beside, overview, plot, plot_merged, spread

BACKENDS = ("torch", "exact")
COLORS = ("slope", "area", "class", "output", "pattern")


@cache
def part_of(backend: str = "torch", outputs: int = 3, inputs: int = 2) -> Partition:
    rng = np.random.default_rng(4)
    weights = [rng.standard_normal((b, a)) for a, b in pairwise((inputs, 8, 8, outputs))]
    net = Network.mlp(weights, [rng.standard_normal(len(w)) / 2 for w in weights])
    dom = Domain.box([-1, -1], [1, 1]) if inputs == 2 else Domain.through(*rng.standard_normal((3, inputs)))
    return partition(net, dom, backend=backend)


def drawn(axes: Any, kind: type) -> Any:
    (found,) = (artist for artist in axes.collections if isinstance(artist, kind))
    return found


def area(polygon: np.ndarray[Any, Any]) -> float:
    (x, y), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    return float((x * y1 - y * x1).sum() / 2)


def polygons(axes: Any) -> list[np.ndarray[Any, Any]]:
    return [path.vertices[:-1] for path in drawn(axes, PolyCollection).get_paths()]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("color", ["slope", "area", "pattern"])
def test_every_region_is_drawn_once(backend: str, color: Any) -> None:
    part = part_of(backend)
    found = polygons(plot(part, color=color))
    vertices = part.vertices.astype(float)
    assert len(found) == len(part)
    assert all(np.array_equal(polygon, vertices[row]) for polygon, row in zip(found, part.regions))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("color", ["slope", "area"])
def test_linear_regions_have_one_colour_and_all_their_outlines(backend: str, color: Any) -> None:
    abs_ = Network.mlp(
        [np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1, 0]])], [np.zeros(3), np.zeros(1)]
    )
    merged = partition(abs_, Domain.box([-1, -1], [1, 1]), backend=backend).merged()
    axes = merged.plot(color=color)
    painted, outlines = drawn(axes, PolyCollection), drawn(axes, LineCollection)
    assert len(merged.partition) == 4 and len(merged) == len(outlines.get_segments()) == 2
    assert sum(abs(area(ring[:-1])) for ring in outlines.get_segments()) == 4
    assert np.asarray(painted.get_array()).tolist() == ([1.0] * 4 if color == "slope" else [2.0] * 4)
    with pytest.raises(ArgumentError, match="color must be 'slope' or 'area', got 'class'"):
        plot_merged(merged, color="class")  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_parts_of_the_class_picture_tile_the_domain_and_have_the_colour_of_their_class(backend: str) -> None:
    part = part_of(backend)
    axes = plot(part, color="class")
    found = polygons(axes)
    assert np.isclose(sum(area(polygon) for polygon in found), 4)
    centres = np.array([polygon.mean(axis=0) for polygon in found])
    A, b = (values.astype(float) for values in part.affine_maps(part.locate(centres)))
    winners = (np.einsum("nij,nj->ni", A, centres) + b).argmax(axis=1)
    colors = drawn(axes, PolyCollection).get_facecolor()
    for label, handle in zip(axes.get_legend().get_texts(), axes.get_legend().legend_handles):
        chosen = winners == int(label.get_text().split()[1])
        assert chosen.any() and np.allclose(colors[chosen, :3], handle.get_facecolor()[:3])


def test_colours_are_the_numbers_that_the_scale_names() -> None:
    part = part_of()
    slopes = drawn(plot(part, color="slope"), PolyCollection).get_array()
    assert np.allclose(slopes, [np.linalg.norm(A) for A in part.affine_maps()[0]])
    assert np.allclose(drawn(plot(part, color="area"), PolyCollection).get_array(), part.volumes())


@pytest.mark.parametrize("color", COLORS)
def test_a_partition_of_one_region_is_drawn(color: Any, tmp_path: Path) -> None:
    part = partition(Network.mlp([np.eye(2)], [np.array([0.0, 5.0])]), Domain.box([-1, -1], [1, 1]))
    axes = plot(part, color=color, boundary=part.decision_boundary())
    axes.figure.savefig(tmp_path / "one.png")
    assert color == "output" or [abs(area(polygon)) for polygon in polygons(axes)] == [4.0]


def test_pattern_colours_are_a_function_of_the_pattern_alone() -> None:
    one, other = part_of("torch"), part_of("exact")
    hues = [dict(zip(map(bytes, part.patterns()), pattern_hues(part))) for part in (one, other)]
    assert hues[0] == hues[1]
    assert len(set(hues[0].values())) == len(one)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_boundary_is_drawn_in_red_where_it_is(backend: str, outputs: int) -> None:
    part = part_of(backend, outputs)
    boundary = part.decision_boundary(level=0.5) if outputs == 1 else part.decision_boundary()
    lines = drawn(plot(part, boundary=boundary), LineCollection)
    assert len(boundary) > 0 and np.allclose(lines.get_segments(), boundary.ends.astype(float))
    red, green, blue, _ = lines.get_color()[0]
    assert red > 0.8 and green < 0.1 and blue < 0.1


def test_points_are_marked_with_their_labels() -> None:
    places = np.array([[0.0, 0.5], [0.25, -0.5]])
    axes = plot(part_of(), points=places, labels=["one", "two"])
    (markers,) = axes.lines
    assert np.array_equal(markers.get_xydata(), places)
    assert [text.get_text() for text in axes.texts] == ["one", "two"]


def test_axes_are_labelled_and_equal_and_given_axes_are_used() -> None:
    from matplotlib.figure import Figure

    given = Figure().add_subplot()
    axes = part_of().plot(given)
    assert axes is given and axes.get_aspect() == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("slice coordinate 1", "slice coordinate 2")


def test_many_regions_are_rasterised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not drawn(plot(part_of()), PolyCollection).get_rasterized()
    monkeypatch.setattr("cpwl.plots.regions.RASTER_REGIONS", len(part_of()) - 1)
    assert drawn(plot(part_of()), PolyCollection).get_rasterized()


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_pictures_are_written_without_a_display(color: Any, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{suffix}"
    plot(part_of(), color=color, boundary=part_of().decision_boundary()).figure.savefig(path)
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("color", COLORS)
def test_labels_and_legend_are_inside_the_figure(color: Any, tmp_path: Path) -> None:
    boundary = None if color == "class" else part_of().decision_boundary()
    axes = plot(part_of(), color=color, boundary=boundary)
    axes.figure.savefig(tmp_path / "picture.png")
    found = [part.get_window_extent() for part in (axes.yaxis.label, axes.xaxis.label, axes.get_legend())]
    box = axes.figure.bbox
    assert all(part.x0 > -1 and part.x1 < box.x1 + 1 and part.y0 > -1 and part.y1 < box.y1 + 1 for part in found)


def test_plotting_needs_no_pyplot() -> None:
    script = f"import sys, {__name__} as t; t.plot(t.part_of()); print('matplotlib.pyplot' in sys.modules)"
    command = [sys.executable, "-c", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert answer.stdout.split() == ["False"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"color": "red"}, ArgumentError, "color must be one of"),
        ({"points": [0.0, 1.0, 2.0]}, ShapeError, "points must have shape"),
        ({"points": [[0.0, 1.0, 2.0]]}, ShapeError, "points must have shape"),
        ({"points": [[0.0, 1.0]], "labels": ["a", "b"]}, ShapeError, "labels must be one for each"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot(part_of(), **options)


def test_class_colours_need_several_outputs() -> None:
    with pytest.raises(ArgumentError, match="several outputs"):
        plot(part_of(outputs=1), color="class")


def test_the_overview_shows_every_image_and_sample(tmp_path: Path) -> None:
    part = part_of(outputs=6, inputs=12)
    boundary = part.decision_boundary()
    u, _ = boundary.sample_slice(5)
    images = part.to_input(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).reshape(3, 3, 4)
    figure = overview(
        part, boundary, images=images, captions=["a", "b", "c"],
        samples=u, sample_captions=[str(i) for i in range(5)], title="title",
    )  # fmt: skip
    main, *strip = figure.axes
    assert np.allclose(main.lines[0].get_xydata(), [[0, 0], [1, 0], [0, 1]])
    assert [text.get_text() for text in main.texts] == ["1", "2", "3", "4", "5"]
    assert np.allclose([cell.images[0].get_array() for cell in strip], part.to_input(u).reshape(5, 3, 4))
    assert [cell.get_title() for cell in strip] == [f"{i + 1}:  {i}" for i in range(5)]
    figure.savefig(tmp_path / "overview.png")


def test_spread_chooses_different_points_far_apart() -> None:
    points = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [0.0, 4.0], [5.1, 0.0]])
    assert spread(points, 3).tolist() == [0, 4, 3]
    assert sorted(spread(points, 9).tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("wrong", [True, "red"])
def test_a_boundary_that_is_not_the_partitions_own_is_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="boundary must be one of this partition"):
        plot(part_of(), boundary=wrong)
    with pytest.raises(ArgumentError, match="boundary must be one of this partition"):
        plot(part_of(), boundary=part_of("exact").decision_boundary())


def test_images_stand_beside_their_places_and_inside_the_picture() -> None:
    """Wherever three places lie; one in the middle of all, which has no direction, stays where it is."""
    corners = np.array([[-2.0, -1.0], [2.0, -1.0], [2.0, 1.0], [-2.0, 1.0]])
    places = np.random.default_rng(0).uniform(-1, 1, (200, 3, 2)) * corners[2] * 0.99
    for three in places:
        spots = beside(three, corners)
        assert (np.abs(spots) <= corners[2] * 5 / 6 + 1e-9).all()
        np.testing.assert_allclose(np.linalg.norm(spots - three, axis=1), 0.33 * 2, rtol=1e-9)
    triangle = np.array([[-0.1, -0.05], [0.1, -0.05], [0.0, 0.1]])
    ways = beside(triangle, corners) - triangle
    np.testing.assert_allclose(
        ways / np.linalg.norm(ways, axis=1)[:, None], triangle / np.linalg.norm(triangle, axis=1)[:, None]
    )
    assert np.array_equal(beside(np.zeros((1, 2)), corners), np.zeros((1, 2)))
