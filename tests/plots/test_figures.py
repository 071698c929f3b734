"""What a picture is drawn in, and what explains it: axes, dimensions, labels, one point, legends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import art3d

import cpwl
from cpwl import plots
from cpwl.errors import ArgumentError, ShapeError, UnsupportedDimensionError
from tests.support.networks import mlp

PARTS = {
    1: cpwl.partition(mlp(0, [3, 8, 4]), cpwl.Domain.segment([-1] * 3, [1] * 3)),
    2: cpwl.partition(mlp(0, [3, 8, 4]), cpwl.Domain.through([-1.0, -1, -1], [1, 1, 1], [1, 0, -1])),
    3: cpwl.partition(mlp(0, [3, 8, 4]), cpwl.Domain.box([-1] * 3, [1] * 3)),
    4: cpwl.partition(mlp(0, [4, 4, 2]), cpwl.Domain.box([-1] * 4, [1] * 4)),
}


# ---- dimensions ------------------------------------------------------------------------------------------------------
DRAWS: dict[str, tuple[Callable[[cpwl.Partition], Any], set[int]]] = {
    "plot": (lambda part: part.plot(), {1, 2, 3}),
    "plot_surface": (lambda part: part.plot_surface(), {2}),
    "plot_solid": (lambda part: part.plot_solid(), {3}),
    "plot_line": (plots.plot_line, {1}),
    "view": (lambda part: part.view(), {2, 3}),
    "view_solid": (plots.view_solid, {3}),
}


@pytest.mark.parametrize("dim", PARTS)
@pytest.mark.parametrize("name", DRAWS)
def test_what_cannot_be_drawn_so_says_what_draws_it(name: str, dim: int) -> None:
    draw, dims = DRAWS[name]
    if dim in dims:
        assert draw(PARTS[dim]) is not None
        return
    hint = {1: r"part\.plot\(\)", 2: r"part\.plot\(\)", 3: r"part\.plot_solid\(\)", 4: "Lines, planes and solids"}[dim]
    with pytest.raises(
        UnsupportedDimensionError, match=rf"^{name} draws .* got a domain of dimension {dim}\. .*{hint}"
    ):
        draw(PARTS[dim])


@pytest.mark.parametrize("dim", [1, 2, 4])
@pytest.mark.parametrize("name", ["plot", "view"])
def test_a_boundary_that_is_no_surface_says_what_draws_it(name: str, dim: int) -> None:
    hint = r"part\.plot\(boundary=b\)" if dim < 3 else r"Domain\.through"
    with pytest.raises(UnsupportedDimensionError, match=hint):
        getattr(PARTS[dim].decision_boundary(), name)()
    if dim < 3:
        assert PARTS[dim].plot(boundary=PARTS[dim].decision_boundary()) is not None


def test_axes_of_the_other_kind_are_refused() -> None:
    flat, space = Figure().add_subplot(), Figure().add_subplot(projection="3d")
    for draw, ax in ((PARTS[2].plot, space), (PARTS[2].plot_surface, flat), (PARTS[3].plot_solid, flat)):
        with pytest.raises(ArgumentError, match=r"^ax must be"):
            draw(ax)
    for draw, ax in ((PARTS[2].plot, flat), (PARTS[2].plot_surface, space), (PARTS[3].plot_solid, space)):
        assert draw(ax) is ax


# ---- labels, and one point -------------------------------------------------------------------------------------------
POINTS = np.array([[0.1, 0.2], [-0.2, 0.3]])
MANY: dict[str, Any] = {"array": np.array([3, 4]), "list": [3, 4], "tensor": torch.tensor([3, 4]), "texts": ["3", "4"]}


@pytest.mark.parametrize("name", MANY)
def test_labels_are_numbers_or_texts(name: str) -> None:
    axes = PARTS[2].plot(points=POINTS, labels=MANY[name])
    assert {text.get_text() for text in axes.texts} == {"3", "4"}
    line = PARTS[1].plot(points=[0.25, 0.5], labels=MANY[name])
    assert {text.get_text() for text in line.texts} == {"3", "4"}
    assert '"labels": ["3", "4"]' in PARTS[2].view(points=POINTS, labels=MANY[name]).text
    inputs = PARTS[2].to_input(POINTS)
    assert PARTS[2].view(data=inputs, data_labels=MANY[name]).text


def test_one_point_is_taken_where_several_are() -> None:
    for part in PARTS.values():
        x = np.full(part.network.input_shape, 0.125)
        u = part.to_slice(x)
        assert part.locate(u).tolist() == part.locate(u[None]).tolist()
        boundary = part.decision_boundary()
        if len(boundary):
            assert boundary.nearest(u).distances.tolist() == boundary.nearest(u[None]).distances.tolist()
    part, x = PARTS[2], np.full(3, 0.125)
    u = part.to_slice(x)
    for draw in (part.plot, part.view):
        assert draw(points=u, labels=[7]) is not None
        with pytest.raises(ShapeError, match=r"points must have shape \(M, 2\) or \(2,\).*part\.to_slice\(x\)"):
            draw(points=x)
    assert part.view(data=x, data_labels=[7]).text == part.view(data=x[None], data_labels=[7]).text


# ---- legends ---------------------------------------------------------------------------------------------------------
def names(figure: Any) -> list[str]:
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend() is not None)]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


@pytest.mark.parametrize("legend", ["inside", "beside", "none"])
def test_the_classes_of_a_solid_are_explained(legend: Any) -> None:
    part = PARTS[3]
    table = part.class_table()
    there = [f"class {k}" for k in sorted(table.index[table["cells"] > 0].tolist())]
    assert len(there) > 1
    for axes in (part.plot(color="class", legend=legend), part.plot_solid(color="class", apart=0.5, legend=legend)):
        assert names(axes.figure) == ([] if legend == "none" else there)
    assert len(part.plot(legend=legend).figure.axes) == (1 if legend == "none" else 2)  # the scale of slopes


def test_a_legend_in_space_lies_within_the_figure(tmp_path: Path) -> None:
    surface = PARTS[2].plot_surface(color="class")
    for axes in (PARTS[3].plot(color="class"), surface, PARTS[3].decision_boundary().plot(color="class")):
        axes.figure.savefig(tmp_path / "x.png")
        for legend in axes.figure.legends:
            box = legend.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= axes.figure.bbox.x1 and box.y1 <= axes.figure.bbox.y1
        assert names(axes.figure)


def test_the_facets_of_a_surface_by_class_are_those_of_the_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut where the largest output changes, at the output's own heights."""
    drawn: list[Any] = []

    class Recorded(art3d.Poly3DCollection):
        def __init__(self, polygons: Any, **options: Any) -> None:
            drawn.append((polygons, options["facecolors"]))
            super().__init__(polygons, **options)

    monkeypatch.setattr(art3d, "Poly3DCollection", Recorded)
    part = PARTS[2]
    part.plot_surface(color="class", output=1)
    ((polygons, colors),) = drawn
    corners = np.concatenate(polygons)
    middles = np.stack([polygon[:, :2].mean(axis=0) for polygon in polygons])
    winners = cpwl.evaluate(part.network, part.to_input(middles)).argmax(axis=1)
    assert len({(k, *color) for k, color in zip(winners.tolist(), colors.tolist(), strict=True)}) == len(set(winners))
    values = cpwl.evaluate(part.network, part.to_input(corners[:, :2]))
    np.testing.assert_allclose(corners[:, 2], values[:, 1], atol=1e-9)
    with pytest.raises(ArgumentError, match="several outputs"):
        part.head([[1, 0, 0, 0]], [0]).plot_surface(color="class")
