"""Colours of classes: each unlike the others, however many there are, and those of few the same as among many."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import cpwl
from cpwl.plots.palette import BOUNDARY, EDGE, FRAME, LIGHT, dark, line, palette, pastels
from cpwl.plots.training import _marker
from tests.support.networks import mlp


@pytest.mark.parametrize(("count", "apart"), [(2, 0.3), (10, 0.13), (30, 0.13), (100, 0.1), (1000, 0.05)])
def test_classes_have_colours_unlike_each_other_and_unlike_the_boundary(count: int, apart: float) -> None:
    colors = np.array([to_rgb(color) for color in palette(count)])
    others = np.concatenate([colors, [to_rgb(BOUNDARY), to_rgb(EDGE)]])
    gaps = np.linalg.norm(colors[:, None] - others, axis=2)
    assert gaps[~np.eye(count, len(others), dtype=bool)].min() > apart
    assert len(pastels(count)) == count and pastels(count).min() >= 0.25 and pastels(count).max() <= 1


def test_lines_have_colours_unlike_each_other_and_are_seen_on_white() -> None:
    colors = np.array([to_rgb(dark(k)) for k in range(60)])
    others = np.concatenate([colors, [to_rgb(BOUNDARY), to_rgb(EDGE)]])
    gaps = np.linalg.norm(colors[:, None] - others, axis=2)
    assert gaps[~np.eye(60, len(others), dtype=bool)].min() > 0.12
    assert (np.linalg.norm(1 - colors, axis=1) > 0.5).all()


def test_edges_of_many_layers_have_colours_unlike_each_other_and_unlike_the_boundary() -> None:
    colors = np.array([to_rgb(line(k)) for k in range(60)])
    others = np.concatenate([colors, [to_rgb(BOUNDARY), to_rgb(FRAME)]])
    gaps = np.linalg.norm(colors[:, None] - others, axis=2)
    assert gaps[~np.eye(60, len(others), dtype=bool)].min() > 0.1


def test_points_of_many_classes_look_different_in_pictures_of_training() -> None:
    """Also of numbers that are no classes of a network, such as -1 for none."""
    assert len({_marker(number) for number in range(-3, 60)}) == 63


def test_few_classes_have_the_colours_that_they_have_among_many() -> None:
    assert palette(300)[:47] == palette(47) and palette(10) == list(LIGHT)
    assert palette(0) == [] and pastels(0).shape == (0, 3) and len(palette(5000)) == 5000


def test_a_picture_of_many_classes_has_a_colour_for_each() -> None:
    """As the legend says: two classes that are ten apart had one colour."""
    part = cpwl.partition(mlp(2, [2, 14, 16], bias=0.5), cpwl.Domain.box([-3, -3], [3, 3]))
    legend = part.plot(color="class").get_legend()
    classes = [int(text.get_text().split()[1]) for text in legend.get_texts()]
    assert max(classes) > 10
    assert len({patch.get_facecolor() for patch in legend.get_patches()}) == len(classes) == len(part.class_table())
