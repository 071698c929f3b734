"""The commands for maps, boundaries and pictures do on files what the library does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from cpwl.analysis.clusters import cluster_table
from cpwl.analysis.maps_at_points import local_maps
from cpwl.analysis.overlay import agreement
from cpwl.compiler import compile
from cpwl.geometry.domain import Domain
from cpwl.partitions.partition import load
from tests.support.command_line import answer, cpwl, export


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maps")
    export(path / "small.pt2", 2, 3)
    export(path / "large.pt2", 2, 3, hidden=(8, 8))
    export(path / "scalar.pt2", 2, 1)
    answer("partition", path / "small.pt2", "--box", -3, 3, "--out", path / "part.npz")
    answer("partition", path / "scalar.pt2", "--box", -3, 3, "--out", path / "scalar.npz")
    data = np.random.default_rng(0).uniform(-3, 3, (60, 2))
    np.save(path / "data.npy", data)
    classes = local_maps(compile(path / "small.pt2"), data).classes
    (path / "labels.txt").write_text("\n".join(map(str, classes.tolist())))
    return path


@pytest.mark.parametrize(
    "options",
    [
        ("--color", "output", "--output", 2),
        ("--color", "output", "--boundary"),
        ("--surface", "--output", 1, "--boundary"),
        ("--surface", "--color", "slope", "--dpi", 60),
        ("--surface", "--color", "class"),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot_draws_an_output_as_a_colour_or_a_surface(
    folder: Path, tmp_path: Path, options: tuple[object, ...], suffix: str
) -> None:
    answer("plot", folder / "part.npz", *options, "--out", tmp_path / f"picture.{suffix}")
    assert (tmp_path / f"picture.{suffix}").stat().st_size > 2000


def test_plot_refuses_an_output_that_is_not_there_or_not_shown(folder: Path, tmp_path: Path) -> None:
    for options in (("--color", "output", "--output", 3), ("--output", 1), ("--surface", "--output", 3)):
        result = cpwl("plot", folder / "part.npz", *options, "--out", tmp_path / "picture.png")
        assert result.exit_code == 2 and result.stderr.startswith("Error: ")


def test_view_takes_data_and_labels(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "view.html"
    answer("view", folder / "part.npz", "--data", folder / "data.npy", "--labels", folder / "labels.txt", "--out", page)
    assert '"names": ["class ' in page.read_text(encoding="utf-8")


def test_boundary_prints_the_length_of_each_pair(folder: Path) -> None:
    text = answer("boundary", folder / "part.npz")
    table = load(folder / "part.npz").decision_boundary().table()
    for (i, j), row in table.iterrows():  # type: ignore[misc]
        assert f"classes {i} and {j}: {row['segments']:.0f} segments, length {row['length']:.6g}" in text


def test_nearest_writes_the_nearest_points(folder: Path, tmp_path: Path) -> None:
    answer("nearest", folder / "part.npz", "--points", folder / "data.npy", "--csv", tmp_path / "nearest.csv")
    table, data = pandas.read_csv(tmp_path / "nearest.csv"), np.load(folder / "data.npy")
    found = load(folder / "part.npz").decision_boundary().nearest(data)
    assert np.allclose(table["distance"], found.distances) and np.allclose(table[["u1", "u2"]], found.points)
    assert (table["from slice"] < 1e-12).all() and (table[["first", "second"]] == found.pairs).all(axis=None)
    level = float(load(folder / "scalar.npz").outputs.to_numpy().mean())
    assert "distance" in answer("nearest", folder / "scalar.npz", "--points", folder / "data.npy", "--level", level)


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_agree_prints_and_writes_areas_that_add_up(folder: Path, tmp_path: Path, backend: str) -> None:
    files = (folder / "small.pt2", folder / "large.pt2")
    out = ("--csv", tmp_path / "areas.csv", "--out", tmp_path / "agree.png")
    text = answer("agree", *files, "--box", -3, 3, "--backend", backend, *out)
    found = agreement(*map(compile, files), Domain.box([-3, -3], [3, 3]))  # type: ignore[misc]
    assert f"{found.share:.4%} of the domain" in text and (tmp_path / "agree.png").stat().st_size > 5000
    assert found.table().shape == pandas.read_csv(tmp_path / "areas.csv", index_col=0).shape
    assert cpwl("agree", *files).exit_code == 2


def test_clusters_judges_the_second_half_by_maps_of_the_first(folder: Path, tmp_path: Path) -> None:
    inputs = ("--data", folder / "data.npy", "--labels", folder / "labels.txt")
    answer("clusters", folder / "small.pt2", *inputs, "--clusters", "1,3", "--csv", tmp_path / "table.csv")
    maps = local_maps(compile(folder / "small.pt2"), np.load(folder / "data.npy"))
    rows, labels = np.arange(60), np.loadtxt(folder / "labels.txt").astype(int)[30:]
    expected = cluster_table(maps.take(rows[:30]), [1, 3], test=maps.take(rows[30:]), labels=labels)
    assert np.allclose(pandas.read_csv(tmp_path / "table.csv", index_col="clusters"), expected)
    assert cpwl("clusters", folder / "small.pt2", *inputs, "--clusters", "few").exit_code == 2
    assert cpwl("clusters", folder / "small.pt2", *inputs, "--clusters", "31").exit_code == 2


def test_transfer_maps_in_both_directions(folder: Path, tmp_path: Path) -> None:
    inputs = ("--data", folder / "data.npy", "--labels", folder / "labels.txt", "--csv", tmp_path / "table.csv")
    answer("transfer", folder / "small.pt2", folder / "large.pt2", *inputs)
    table = pandas.read_csv(tmp_path / "table.csv", index_col=["from", "to"])
    assert set(table.index) == {("small", "large"), ("large", "small")}
    assert table.loc[("large", "small"), "target"] == 1
    assert cpwl("transfer", folder / "small.pt2", *inputs).exit_code == 2


def test_labels_must_be_classes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("0.5\n" * 60)
    result = cpwl("clusters", folder / "small.pt2", "--data", folder / "data.npy", "--labels", tmp_path / "labels.txt")
    assert result.exit_code == 2 and "whole numbers from 0 on" in result.stderr
