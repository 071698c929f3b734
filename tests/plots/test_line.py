"""The picture of a line: outputs along it, where they bend, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import plots
from cpwl.errors import ArgumentError, UnsupportedDimensionError
from tests.support.networks import mlp

NET = mlp(3, [4, 10, 8, 3], bias=0.6)
ENDS = np.array([[-2.0, 1, 0, 1], [2.0, -1, 1, -2]])


def line(backend: str = "torch", **options: Any) -> cpwl.Partition:
    return cpwl.partition(NET, cpwl.Domain.segment(*ENDS), backend=backend, **options)


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_curves_are_the_outputs_and_ticks_the_breakpoints(backend: str) -> None:
    part = line(backend)
    axes = part.plot(color="class", boundary=part.decision_boundary(), points=[0.0, 1.0], labels=["p", "q"])
    curves = {str(curve.get_label()): curve for curve in axes.get_lines()}
    for k in range(3):
        u, values = np.asarray(curves[f"output {k}"].get_data(), float)
        assert len(u) == 2 * len(part) and u[0] == 0 and u[-1] == 1 and (np.diff(u) >= 0).all()
        assert np.allclose(values, cpwl.evaluate(NET, part.to_input(u[:, None]))[:, k], atol=1e-12)
    (ticks,) = (c for c in axes.get_lines() if c.get_marker() == "|")
    assert len(ticks.get_xdata()) == len(part) - 1
    shaded = sum(path.get_extents().width for c in axes.collections for path in c.get_paths())
    assert shaded == pytest.approx(1.0)


def test_some_outputs_alone_are_drawn() -> None:
    axes = plots.plot_line(line(), outputs=[2])
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["output 2"]


def test_where_regions_are_missing_curves_have_gaps() -> None:
    """And the title says so."""
    part = line()
    order = np.argsort([part.vertices[row].min() for row in part.regions])
    kept = part.arrangement.take(order[[0, -1]])
    some = replace(part, arrangement=kept.arrangement, outputs=kept.carry(part.outputs), complete=False)
    axes = plots.plot_line(some, outputs=[0])
    assert "INCOMPLETE" in axes.get_title()
    assert np.isnan(axes.get_lines()[0].get_ydata()).sum() == 1


def test_what_makes_no_sense_is_refused() -> None:
    part = line()
    plane = cpwl.partition(NET, cpwl.Domain.through(*ENDS, np.ones(4)))
    with pytest.raises(UnsupportedDimensionError, match="plot_line draws lines, got a domain of dimension 2"):
        plots.plot_line(plane)
    for options, said in (
        ({"outputs": [3]}, "outputs"),
        ({"color": "slope"}, "color must be"),
        ({"boundary": plane.decision_boundary()}, "boundary must be one of this partition"),
        ({"points": [0.0], "labels": ["a", "b"]}, "labels must be one for each"),
    ):
        with pytest.raises(ArgumentError, match=said):
            part.plot(**options)  # type: ignore[arg-type]
    scalar = cpwl.partition(mlp(1, [4, 3, 1]), cpwl.Domain.segment(*ENDS))
    with pytest.raises(ArgumentError, match="several outputs"):
        scalar.plot(color="class")
