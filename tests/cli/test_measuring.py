"""``cpwl stats | units | study``: what they print and write is what the functions say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas
import pytest

from cpwl.analysis import off_data, study, units
from cpwl.compiler import compile
from cpwl.datasets.folder_statistics import statistics_of_folder
from cpwl.datasets.parquet import read_regions
from cpwl.errors import FileFormatError
from cpwl.partitions.partition import load
from tests.support.command_line import answer, cpwl, export

THROUGH = ("--margin", 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, points, and a partition as a file, as a folder, and as one without maps or an end."""
    path = tmp_path_factory.mktemp("measuring")
    export(path / "small.pt2", 5, 3, hidden=(12, 12))
    export(path / "other.pt2", 5, 3, hidden=(9,))
    points = np.random.default_rng(0).standard_normal((4, 5))
    np.save(path / "test.npy", points)
    np.save(path / "three.npy", points[:3])
    through = ("--through", path / "three.npy", *THROUGH)
    answer("partition", path / "small.pt2", *through, "--out", path / "part.npz")
    answer("partition", path / "small.pt2", *through, "--out", path / "regions")
    answer("partition", path / "small.pt2", *through, "--max-regions", 40, "--out", path / "begun")
    return path


def numbers(text: str) -> dict[str, str]:
    """The two columns that are printed."""
    return {line[:17].strip(): line[17:].strip() for line in text.splitlines() if line.startswith("  ")}


def table(path: Path) -> list[list[float]]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        next(rows)
        return [list(map(float, row)) for row in rows]


# ---- stats ---------------------------------------------------------------------------------------------------------
def test_stats_of_a_folder_are_those_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.datasets.parquet._READ", 7)  # many reads
    one = numbers(answer("stats", folder / "part.npz", "--csv", folder / "one.csv"))
    other = numbers(answer("stats", folder / "regions", "--csv", folder / "other.csv"))
    assert int(one["regions"].replace(",", "")) > 50
    assert other == {name: value for name, value in one.items() if name not in ("vertices", "edges")}
    first, second = (np.array(sorted(row[1:] for row in table(folder / name))) for name in ("one.csv", "other.csv"))
    assert np.allclose(first, second, rtol=1e-9)


def test_a_folder_is_read_some_rows_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.datasets.parquet._READ", 7)
    sizes = [len(rows.region) for file in sorted((folder / "regions").glob("*.parquet")) for rows in read_regions(file)]
    assert max(sizes) <= 7 and sum(sizes) == len(load(folder / "part.npz"))


def test_stats_of_a_folder_without_its_end_say_so(folder: Path) -> None:
    text = answer("stats", folder / "begun")
    assert "INCOMPLETE" in text and "INCOMPLETE" not in answer("stats", folder / "regions")
    assert numbers(text)["regions"] == str(statistics_of_folder(folder / "begun").written.regions)


def test_stats_of_a_folder_without_maps_have_the_slopes_too(folder: Path, tmp_path: Path) -> None:
    import cpwl as library

    part = load(folder / "part.npz")
    library.write_partition(part.network, part.domain, tmp_path / "set", maps=False)
    found = statistics_of_folder(tmp_path / "set")
    wanted = part.statistics()
    assert found.summary["regions"] == len(part)
    assert found.summary["mean slope"] == pytest.approx(wanted.mean_slope, rel=1e-9)
    assert np.allclose(np.sort([row[4] for row in found.rows()]), np.sort(wanted.slopes), rtol=1e-9)


def test_folders_that_hold_something_else_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = cpwl("stats", tmp_path / "empty")
    assert result.exit_code == 2 and "no folder that write_partition has begun" in result.stderr
    assert cpwl("stats", folder / "regions", "--plot", tmp_path / "x.png").exit_code == 2
    assert cpwl("stats", tmp_path / "none").exit_code == 2


def test_a_part_that_was_changed_is_noticed(folder: Path, tmp_path: Path) -> None:
    import cpwl as library

    part = load(folder / "part.npz")
    library.write_partition(part.network, part.domain, tmp_path / "set")
    next((tmp_path / "set").glob("part-*.parquet")).write_bytes(b"")
    with pytest.raises(FileFormatError, match="has been changed"):
        statistics_of_folder(tmp_path / "set")


def test_stats_draw_the_distributions(folder: Path) -> None:
    answer("stats", folder / "part.npz", "--plot", folder / "stats.svg")
    assert "<svg" in (folder / "stats.svg").read_text(encoding="utf-8")


# ---- units ---------------------------------------------------------------------------------------------------------
def test_units_are_told_layer_by_layer(folder: Path) -> None:
    text = answer("units", folder / "part.npz", "--csv", folder / "units.csv", "--plot", folder / "units.png")
    found = units(load(folder / "part.npz"))
    header, *rows = (line.split() for line in text.splitlines())
    assert header == ["layer", *found.by_layer().columns] and len(rows) == 2
    assert [int(row[-1]) for row in rows] == found.regions_after.tolist()
    written = pandas.read_csv(folder / "units.csv", index_col="unit", dtype={"name": str})
    pandas.testing.assert_frame_equal(written, found.to_frame(), check_dtype=False)
    assert (folder / "units.png").stat().st_size > 1000


# ---- study ---------------------------------------------------------------------------------------------------------
def test_study_writes_the_table_of_the_function(folder: Path) -> None:
    text = answer(
        *("study", folder / "small.pt2", folder / "other.pt2", "--points", f"given={folder / 'test.npy'}"),
        *("--count", 2, "--off-data", 3, "--slices", 2, "--side", 2, "--seed", 5),
        *("--csv", folder / "slices.csv", "--plot", folder / "slices.png"),
    )
    assert "20 slices" in text and "off data" in text and "median eccentricity" in text
    points = np.load(folder / "test.npy")
    wanted = study(
        {name: compile(folder / f"{name}.pt2") for name in ("small", "other")},
        {"given": points[:2], "off data": off_data(points, 3, seed=5)},
        slices=2, side=2, seed=5,
    )  # fmt: skip
    pandas.testing.assert_frame_equal(pandas.read_csv(folder / "slices.csv"), wanted)
    assert (folder / "slices.png").stat().st_size > 1000


def test_a_set_of_points_without_a_name_has_that_of_its_file(folder: Path) -> None:
    assert " three " in answer("study", folder / "other.pt2", "--points", folder / "three.npy")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{0}/other.pt2", "--points"),
        ("{0}/other.pt2 --points a={0}/none.npy", "does not exist"),
        ("{0}/other.pt2 --points a={0}/test.npy --points a={0}/three.npy", "name of its own"),
        ("{0}/other.pt2 {0}/other.pt2 --points {0}/test.npy", "given twice"),
        ("{0}/other.pt2 --points {0}/test.npy --side 0", "--side"),
    ],
)
def test_mistakes_in_a_study_are_named(words: str, message: str, folder: Path) -> None:
    result = cpwl("study", *words.format(folder).split())
    assert result.exit_code == 2 and message in result.stderr
