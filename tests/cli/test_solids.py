"""Domains of every dimension on the command line; what is for planes alone says so before anything is compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl as library
from tests.support.command_line import answer, cpwl, export


@pytest.fixture
def model(tmp_path: Path) -> Path:
    export(tmp_path / "net.pt2", 3, 2)
    return tmp_path / "net.pt2"


def points(tmp_path: Path, count: int) -> Path:
    path = tmp_path / f"{count}.npy"
    np.save(path, np.random.default_rng(count).standard_normal((count, 3)))
    return path


@pytest.mark.parametrize(("options", "dim"), [(("--box", -1, 1), 3), (("--segment", 2), 1), (("--through", 2), 1),
                                              (("--through", 4), 3), (("--through", 3), 2)])  # fmt: skip
def test_a_partition_of_any_dimension_goes_through_all_commands(
    options: tuple[Any, ...], dim: int, model: Path, tmp_path: Path
) -> None:
    given = options if options[0] == "--box" else (options[0], points(tmp_path, options[1]))
    part = tmp_path / "part.npz"
    assert "regions" in answer("partition", model, *given, "--out", part)
    assert library.load(part).domain.dim == dim
    assert "regions" in answer("stats", part)
    answer("units", part)
    kind = {1: "points", 2: "segments", 3: "polygons"}[dim]
    assert kind in answer("boundary", part, "--samples", 0 if not len(library.load(part).decision_boundary()) else 3,
                          "--out", tmp_path / "samples.npz")  # fmt: skip
    exact = tmp_path / "exact.npz"
    answer("partition", model, *given, "--backend", "exact", "--out", exact)
    answer("compare", part, exact)  # its status is 0 if the two agree
    answer("plot", part, "--out", tmp_path / "picture.png")
    if dim == 3:
        answer("partition", model, *given, "--out", tmp_path / "folder")
        assert "regions" in answer("stats", tmp_path / "folder")
    assert (cpwl("view", part, "--out", tmp_path / "view.html").exit_code == 0) == (dim > 1)


def test_commands_for_planes_say_so_before_they_compile(model: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pt2"
    nothing.write_bytes(b"no model")  # reading it would fail
    for words in (
        ("record", nothing, "--segment", points(tmp_path, 2), "--out", tmp_path / "recording"),
        ("record", nothing, "--through", points(tmp_path, 4), "--out", tmp_path / "recording"),
        ("agree", nothing, nothing, "--box", 0, 1, "--box", 0, 1, "--box", 0, 1, "--out", tmp_path / "a.png"),
    ):
        found = cpwl(*words)
        assert found.exit_code != 0 and "slices of dimension 2, got one of" in found.output
    assert "differently" in answer("agree", model, model, "--box", -1, 1)


@pytest.mark.parametrize(("option", "count", "said"), [("--segment", 3, "must hold two points"),
                                                       ("--through", 1, "two points or more")])  # fmt: skip
def test_files_of_points_are_checked(option: str, count: int, said: str, model: Path, tmp_path: Path) -> None:
    found = cpwl("partition", model, option, points(tmp_path, count), "--out", tmp_path / "part.npz")
    assert found.exit_code == 2 and said in found.output
    both = cpwl("partition", model, "--box", 0, 1, "--segment", points(tmp_path, 2), "--out", tmp_path / "part.npz")
    assert both.exit_code == 2 and "exactly one of" in both.output
