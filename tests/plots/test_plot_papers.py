"""Pictures for papers: what can be chosen, pictures side by side, names that do not overlap, areas by class."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

import cpwl
from cpwl import plots
from cpwl.analysis import Recorder, plot_study, study
from cpwl.errors import ArgumentError, ShapeError
from tests.support.networks import mlp

PART = cpwl.partition(mlp(0, [2, 9, 6, 4]), cpwl.Domain.box([-1, -1], [1, 1]))


def cells(axes: Any) -> PolyCollection:
    (found,) = (item for item in axes.collections if isinstance(item, PolyCollection))
    return found


# ---- what can be chosen ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["plot", "plot_surface", "view"])
def test_help_of_the_method_lists_the_options_of_the_function(name: str) -> None:
    method, function = (inspect.signature(getattr(owner, name)).parameters for owner in (cpwl.Partition, plots))
    options = [{key: p.default for key, p in list(found.items())[1:]} for found in (method, function)]
    if name == "plot":  # which draws lines as well, with an option more and other defaults: None stands for both
        assert options[0].pop("outputs") is None
        for key in ("color", "edgecolor", "xlabel", "ylabel"):
            assert options[0].pop(key) is None and options[1].pop(key) is not None
    assert options[0] == options[1] and len(options[0]) > 3


def test_regions_are_coloured_by_any_numbers() -> None:
    values = np.linspace(-3, 5, len(PART))
    axes = PART.plot(color=values, cmap="plasma", vmin=-1, vmax=2, label="my measure")
    drawn = cells(axes)
    assert np.array_equal(drawn.get_array(), values) and drawn.get_cmap().name == "plasma"
    assert (drawn.norm.vmin, drawn.norm.vmax) == (-1, 2)
    assert "my measure" in [ax.get_ylabel() for ax in axes.figure.axes]


def test_regions_are_coloured_by_any_names() -> None:
    names = np.where(PART.volumes() > 0.05, "large", "small")
    axes = PART.plot(color=names, colors=["red", "blue"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["large", "small"]
    faces = cells(axes).get_facecolor()
    assert (faces[names == "large"][:, :3] == (1, 0, 0)).all() and (faces[names == "small"][:, :3] == (0, 0, 1)).all()


def test_classes_have_names_and_colours_of_ones_own() -> None:
    axes = PART.plot(color="class", class_names=["a", "b", "c", "d"], colors=["red", "lime", "blue", "black"])
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    present = sorted({"abcd"[k] for k in PART.class_table().index})
    assert texts == present and len(texts) > 1
    shown = {tuple(face[:3]) for face in cells(axes).get_facecolor().round(6).tolist()}
    assert shown <= {(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)} and len(shown) == len(texts)


def test_lines_and_axes_are_ones_own() -> None:
    axes = PART.plot(linewidth=2.5, edgecolor="red", xlabel="first", ylabel="second", legend="none")
    assert cells(axes).get_linewidth() == [2.5] and cells(axes).get_edgecolor()[0].tolist() == [1, 0, 0, 1]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("first", "second")
    assert len(axes.figure.axes) == 1, "no colour scale"


@pytest.mark.parametrize("color", ["area", "output"])
def test_limits_of_a_scale_hold_for_areas_and_outputs_too(color: Any) -> None:
    axes = PART.plot(color=color, vmin=0.01, vmax=0.5)
    (shown,) = [c for c in axes.collections if c.get_array() is not None]
    assert (shown.norm.vmin, shown.norm.vmax) == (0.01, 0.5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"color": np.zeros(3)}, ShapeError, "an array of a number or a name for each"),
        ({"color": np.full(len(PART), np.nan)}, ArgumentError, "color must be finite"),
        ({"vmin": 2.0, "vmax": 1.0}, ArgumentError, "vmin must be below vmax"),
        ({"color": "area", "vmin": 0.0, "vmax": 1.0}, ArgumentError, "vmin must be positive"),
        ({"color": "class", "colors": ["red"]}, ShapeError, "colors must be one for each"),
        ({"color": "class", "class_names": ["red"]}, ShapeError, "class_names must be one for each"),
        ({"colors": ["red"]}, ArgumentError, "colors goes with classes"),
        ({"color": "pattern", "class_names": ["a"]}, ArgumentError, "class_names goes with classes"),
        ({"color": "output", "colors": ["red"] * 9}, ArgumentError, "colors goes with classes"),
        ({"color": np.arange(len(PART)), "class_names": ["a"]}, ArgumentError, "class_names goes with classes"),
        ({"color": "class", "cmap": "plasma"}, ArgumentError, "cmap goes with a colour scale"),
        ({"color": "pattern", "vmin": 1.0}, ArgumentError, "vmin goes with a colour scale"),
        ({"color": ["a"] * len(PART), "label": "kind"}, ArgumentError, "label goes with a colour scale"),
        ({"legend": "somewhere"}, ArgumentError, "legend must be one of"),
        ({"color": "none"}, ArgumentError, "color must be one of"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PART.plot(**options)


# ---- pictures side by side ------------------------------------------------------------------------------------------
def test_pictures_side_by_side_are_of_one_size_and_keep_to_themselves() -> None:
    figure = Figure((9, 4))
    axes = figure.subplots(1, 3)
    boundary = PART.decision_boundary()
    for ax, color in zip(axes, ("slope", "class", "output")):
        PART.plot(ax, color=color, boundary=boundary)
    figure.draw_without_rendering()
    boxes = [ax.get_window_extent() for ax in axes]
    assert len({(round(box.width, 6), round(box.height, 6), round(box.y0, 6)) for box in boxes}) == 1
    for ax, box in zip(axes, boxes):
        for part in (ax.get_legend(), *ax.child_axes):
            room = part.get_window_extent()
            assert box.x0 <= room.x0 and room.x1 <= box.x1 and box.y0 <= room.y0 and room.y1 <= box.y1


def test_names_of_near_points_do_not_overlap_and_stay_inside() -> None:
    points = np.array([[0, 0], [0.02, 0.01], [0.03, -0.01], [0.01, -0.03], [0.98, 0.97], [-0.99, -0.98]])
    names = ["first", "second", "third", "fourth", "corner", "other corner"]
    figure = Figure((5, 5))
    axes = figure.subplots()
    PART.plot(axes, color="class", points=points, labels=names)
    figure.draw_without_rendering()
    rooms = [Text.get_window_extent(text) for text in axes.texts]  # without the line to the point
    assert sorted(text.get_text() for text in axes.texts) == sorted(names)
    inside = axes.get_window_extent().padded(1)
    for k, room in enumerate(rooms):
        assert not any(room.overlaps(other) for other in rooms[:k])
        assert inside.x0 <= room.x0 and room.x1 <= inside.x1 and inside.y0 <= room.y0 and room.y1 <= inside.y1
        assert not room.overlaps(axes.get_legend().get_window_extent())


# ---- tables and other pictures --------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_areas_by_class_add_up_and_are_those_of_a_fine_grid(backend: str) -> None:
    part = cpwl.partition(PART.network, PART.domain, backend=backend)
    table = part.class_table()
    assert float(table["area"].sum()) == pytest.approx(4.0, rel=1e-6) and table["share"].sum() == pytest.approx(1.0)
    if backend == "exact":
        assert table["area"].sum() == 4
    side = np.linspace(-1, 1, 400, endpoint=False) + 1 / 400
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    counts = np.bincount(cpwl.evaluate(part.network, grid).argmax(axis=1), minlength=4) / len(grid)
    for label in range(4):
        share = table["share"].get(label, 0.0)
        assert share == pytest.approx(counts[label], abs=0.01)
    assert table["area"].is_monotonic_decreasing and len(table) > 1


@pytest.mark.parametrize("dim", [1, 3])
def test_volumes_by_class_add_up_in_every_dimension(dim: int) -> None:
    part = cpwl.partition(mlp(1, [dim, 8, 3]), cpwl.Domain.box([-1] * dim, [1] * dim))
    table = part.class_table()
    assert float(table["volume"].sum()) == pytest.approx(2.0**dim, rel=1e-6) and len(table) > 1


def test_areas_by_class_need_classes() -> None:
    scalar = cpwl.partition(mlp(1, [2, 4, 1]), PART.domain)
    with pytest.raises(ArgumentError, match="several outputs"):
        scalar.class_table()


def test_frames_have_scales_of_their_own_on_request() -> None:
    recorder = Recorder(PART.network, PART.domain, every=1)
    for step in range(2):
        recorder.model = cpwl.head(PART.network, 10.0**step)
        recorder.step(step)
    shared, own = (plots.plot_frames(recorder.recording, own_scales=flag) for flag in (False, True))
    drawn = [[c for ax in figure.axes for c in ax.collections if type(c) is PolyCollection] for figure in (shared, own)]
    limits = [[(c.norm.vmin, c.norm.vmax) for c in found] for found in drawn]
    assert len(set(limits[0])) == 1 and len(set(limits[1])) == 2


def test_logarithmic_axes_of_a_study_have_readable_numbers() -> None:
    points = np.random.default_rng(0).normal(size=(6, 4))
    figure = plot_study(study({"a": mlp(0, [4, 9, 9, 3])}, {"p": points}, side=2.0), measures=["ARE"])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    shown = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert axes.get_yscale() == "log" and 2 <= sum(map(bool, shown)) <= 8
