"""The command line: every command does its work on files, and mistakes are one line and an exit status."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from cpwl.certification import Certificate
from cpwl.cli import main
from cpwl.comparisons.partitions import Comparison
from cpwl.errors import ArgumentError, MismatchError
from cpwl.partitions.partition import Partition, load
from tests.support.command_line import answer, cpwl, export, write_nnet, write_onnx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exported models, points, and partitions made by the command line."""
    path = tmp_path_factory.mktemp("cli")
    export(path / "classes.pt2", 2, 3)
    export(path / "scalar.pt2", 2, 1)
    export(path / "wide.pt2", 5, 2)
    export(path / "deep.pt2", 2, 2, hidden=(24, 24))
    write_onnx(path / "classes.onnx")
    write_nnet(path / "scalar.nnet")
    (path / "model.txt").write_text("")
    np.save(path / "points.npy", np.random.default_rng(0).standard_normal((3, 5)))
    (path / "polygon.txt").write_text("0, 0\n2, 0\n1, 3\n")
    for name, backend in (("float", "torch"), ("exact", "exact")):
        answer("partition", path / "classes.pt2", "--box", -3, 3, "--backend", backend, "--out", path / f"{name}.npz")
    answer("partition", path / "scalar.pt2", "--box", -3, 3, "--out", path / "scalar.npz")
    return path


def partition(folder: Path, model: str, *options: object) -> Partition:
    answer("partition", folder / model, *options, "--out", folder / "new.npz")
    return load(folder / "new.npz")


# ---- models --------------------------------------------------------------------------------------------------------
def test_partition_takes_files_of_other_kinds(folder: Path) -> None:
    assert len(partition(folder, "classes.onnx", "--box", -1, 1)) == 4
    assert len(partition(folder, "classes.onnx", "--box", -1, 1, "--until", "relu")) == 1
    assert len(partition(folder, "scalar.nnet", "--box", -10, 10)) == 9


def test_a_softmax_left_out_is_noted_and_no_warning_of_python(folder: Path) -> None:
    result = cpwl("partition", folder / "classes.onnx", "--box", -1, 1, "--out", folder / "new.npz")
    assert "Note: Softmax at the output is left out" in result.stdout and not result.stderr


# ---- what the commands do ------------------------------------------------------------------------------------------
def test_partition_of_a_box_given_once_for_all_inputs_or_once_for_each(folder: Path) -> None:
    once = partition(folder, "classes.pt2", "--box", -1, 2)
    each = partition(folder, "classes.pt2", "--box", -1, 2, "--box", 0, 0.5)
    assert once.domain.polytope.vertices.tolist() == [[-1, -1], [2, -1], [2, 2], [-1, 2]]
    assert each.domain.polytope.vertices.tolist() == [[-1, 0], [2, 0], [2, 0.5], [-1, 0.5]]


def test_partition_through_points_and_of_a_polygon(folder: Path) -> None:
    through = partition(folder, "wide.pt2", "--through", folder / "points.npy", "--margin", 1)
    assert through.domain.shape == (5,)
    assert (through.locate(through.to_slice(np.load(folder / "points.npy"))) >= 0).all()
    polygon = partition(folder, "classes.pt2", "--polygon", folder / "polygon.txt")
    assert polygon.domain.polytope.vertices.tolist() == [[0, 0], [2, 0], [1, 3]]


def test_partition_writes_a_folder_that_it_goes_on_with(folder: Path, tmp_path: Path) -> None:
    command = ("partition", folder / "deep.pt2", "--box", -3, 3, "--max-regions", 40, "--out", tmp_path / "set")
    first = answer(*command)
    assert "INCOMPLETE" in first and "--resume" in first
    texts = [answer(*command, "--resume") for _ in range(30)]
    assert "INCOMPLETE" not in texts[-1]
    regions = len(partition(folder, "deep.pt2", "--box", -3, 3))
    assert f"{regions:,} regions" in texts[-1]
    assert sum(len(pyarrow.parquet.read_table(file)) for file in (tmp_path / "set").glob("*.parquet")) == regions


def test_partition_counts_regions_without_holding_them(folder: Path) -> None:
    text = answer("partition", folder / "deep.pt2", "--box", -3, 3, "--stats", "--memory-limit", 0.1)
    part = partition(folder, "deep.pt2", "--box", -3, 3)
    for name in ("regions", "vertices", "edges"):
        assert any(line.split() == [name, f"{part.statistics().summary[name]:,}"] for line in text.splitlines())


def test_a_file_says_that_its_partition_is_incomplete(folder: Path) -> None:
    assert not partition(folder, "deep.pt2", "--box", -3, 3, "--max-regions", 40).complete
    assert partition(folder, "deep.pt2", "--box", -3, 3).complete


def test_both_backends_are_there(folder: Path) -> None:
    one, other = load(folder / "float.npz"), load(folder / "exact.npz")
    assert (one.backend, other.backend) == ("torch", "exact") and len(one) == len(other) > 5


@pytest.mark.parametrize("suffix", ["npz", "csv"])
@pytest.mark.parametrize("part", ["float.npz", "exact.npz"])
def test_boundary_writes_samples_on_the_boundary(folder: Path, part: str, suffix: str) -> None:
    out = folder / f"samples.{suffix}"
    text = answer("boundary", folder / part, "--samples", 7, "--seed", 1, "--out", out)
    assert "segments" in text and "classes" in text
    if suffix == "npz":
        with np.load(out) as archive:
            u, x, pairs = archive["u"], archive["x"], archive["pairs"]
    else:
        with open(out, newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header == ["u0", "u1", "x0", "x1", "class1", "class2"]
        table = np.array(rows, dtype=float)
        u, x, pairs = table[:, :2], table[:, 2:4], table[:, 4:].astype(int)
    loaded = load(folder / "float.npz")
    A, b = loaded.affine_maps(loaded.locate(u))
    values = np.einsum("nij,nj->ni", A, u) + b
    row = np.arange(7)
    assert u.shape == (7, 2) and np.array_equal(u, x)
    assert np.allclose(values[row, pairs[:, 0]], values[row, pairs[:, 1]], atol=1e-6)
    assert np.allclose(values[row, pairs[:, 0]], values.max(axis=1), atol=1e-6)


def test_the_seed_alone_decides_the_samples(folder: Path) -> None:
    files = []
    for seed in (1, 1, 2):
        answer("boundary", folder / "float.npz", "--samples", 3, "--seed", seed, "--out", folder / "seeded.csv")
        files.append((folder / "seeded.csv").read_text())
    assert files[0] == files[1] != files[2]


def test_boundary_of_a_pair_and_of_a_level(folder: Path) -> None:
    found = load(folder / "float.npz").decision_boundary()
    pair = tuple(found.pairs[0].tolist())
    text = answer("boundary", folder / "float.npz", "--pair", *pair)
    assert f"classes {pair[0]} and {pair[1]}: {(found.pairs == pair).all(axis=1).sum()} segments" in text
    level = load(folder / "scalar.npz").decision_boundary(level=0.25)
    assert f"segments           {len(level)}" in answer("boundary", folder / "scalar.npz", "--level", 0.25)


def test_certify_writes_a_certificate_and_the_exact_partition(folder: Path) -> None:
    out, exact = folder / "certificate.json.gz", folder / "certified.npz"
    text = answer("certify", folder / "float.npz", "--out", out, "--exact", exact)
    regions = len(load(folder / "float.npz"))
    assert f"{regions} of {regions} regions verified exactly" in text and "areas sum to exactly 36" in text
    assert Certificate.load(out).verified
    assert load(exact).arrangement.exact


def test_check_decides_a_certificate_and_ends_with_its_status(folder: Path) -> None:
    out = folder / "checked.json"
    answer("certify", folder / "float.npz", "--out", out)
    assert answer("check", out).startswith("accepted: partition: the listed polygons are exactly the regions")
    text = out.read_text()
    (folder / "wrong.json").write_text(text.replace('"claim":{"regions":', '"claim":{"regions":1'))
    (folder / "odd.json").write_text(text[:-3])
    wrong, odd = cpwl("check", folder / "wrong.json"), cpwl("check", folder / "odd.json")
    assert (wrong.exit_code, odd.exit_code) == (1, 2)
    assert wrong.output.startswith("rejected: rule 11") and odd.output.startswith("malformed")


def test_compare_says_whether_the_regions_agree(folder: Path) -> None:
    text = answer("compare", folder / "float.npz", folder / "exact.npz", "--samples", 20)
    assert {"missing": "0", "extra": "0"}.items() <= {
        line.split()[0]: line.split()[1] for line in text.splitlines()
    }.items()
    assert "boundary samples' residual" in text


def test_compare_writes_its_numbers_and_a_picture(folder: Path) -> None:
    out, numbers = folder / "compare.png", folder / "compare.json"
    answer("compare", folder / "scalar.npz", "--device", "cpu", "--out", out, "--json", numbers)
    assert json.loads(numbers.read_text())["agree"] and out.read_bytes().startswith(b"\x89PNG")
    text = answer("compare", folder / "exact.npz", "--run", "float32", "--grid", 9, "--out", out, "--json", numbers)
    assert json.loads(numbers.read_text())["type"] == "float32" and "another decision" in text


def test_compare_ends_with_status_1_when_they_do_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Comparison, "agree", False)
    assert cpwl("compare", folder / "float.npz", folder / "exact.npz").exit_code == 1


def test_stats_prints_the_summary_and_writes_the_table(folder: Path) -> None:
    text = answer("stats", folder / "float.npz", "--csv", folder / "table.csv")
    part = load(folder / "float.npz")
    assert f"regions        {len(part)}" in text and "ARV" in text and "ANV" in text and "ARE" in text
    rows = [line for line in (folder / "table.csv").read_text().splitlines() if not line.startswith("#")]
    assert len(rows) == len(part) + 1


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("part", ["float.npz", "exact.npz", "scalar.npz"])
def test_plot_writes_a_picture(folder: Path, part: str, suffix: str) -> None:
    out = folder / f"picture.{suffix}"
    answer("plot", folder / part, "--color", "area", "--boundary", "--out", out)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert out.read_bytes().startswith(start)


@pytest.mark.parametrize("part", ["float.npz", "exact.npz", "scalar.npz"])
def test_view_writes_a_page(folder: Path, part: str) -> None:
    answer("view", folder / part, "--boundary", "--out", folder / "view.html")
    assert (folder / "view.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_demo_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called = []
    monkeypatch.setattr("cpwl.cli.demo.run", lambda out, *, seed: called.append((out, seed)))
    answer("demo", "--out", tmp_path / "x", "--seed", 5)
    assert called == [(tmp_path / "x", 5)]


# ---- help ----------------------------------------------------------------------------------------------------------
def test_the_commands_are_those_of_the_issue() -> None:
    assert set(main.commands) == {
        "demo",
        "partition",
        "boundary",
        "certify",
        "check",
        "constant",
        "equal",
        "extremum",
        "hash",
        "compare",
        "stats",
        "units",
        "study",
        "plot",
        "view",
        "nearest",
        "agree",
        "clusters",
        "transfer",
        "record",
        "animate",
        "verify",
    }


@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_shows_an_example_that_the_command_line_accepts(name: str) -> None:
    text = answer(name, "--help")
    assert "Example" in text
    lines = [line.split() for line in text.splitlines() if line.strip().startswith(f"cpwl {name}")]
    assert lines
    for _, command, *words in lines:
        options = main.commands[command].make_parser(click.Context(main.commands[command])).parse_args(words)
        assert options


def test_the_groups_help_lists_every_command_once_and_in_a_section() -> None:
    text = answer("--help")
    listed = re.findall(r"^  (\w\S*)", text[text.index("Start here:") :], flags=re.MULTILINE)
    assert sorted(listed) == sorted(main.commands) and listed[0] == "demo"
    assert not [title for title in text.splitlines() if title == "More:"]


def test_the_groups_help_cuts_no_sentence_short_and_shows_commands_that_are_accepted() -> None:
    text = answer("--help")
    assert "..." not in text[text.index("Start here:") :]
    shown = [line.split("(")[0].split()[1:] for line in text.splitlines() if line.startswith("    cpwl ")]
    assert len(shown) >= 3
    for name, *words in shown:
        main.commands[name].make_parser(click.Context(main.commands[name])).parse_args(words)


def test_a_command_that_no_section_names_is_listed_last() -> None:
    group = type(main)(name="cpwl", commands={"zebra": click.Command("zebra", help="Zebras."), **main.commands})
    lines = CliRunner().invoke(group, ["--help"]).output.splitlines()
    assert lines[-2:] == ["More:", "  zebra  Zebras."]


def test_help_imports_no_heavy_package() -> None:
    script = "import sys, click.testing; from cpwl.cli import main; click.testing.CliRunner().invoke(main, ['--help']);"
    heavy = "{'torch', 'flint', 'cdd', 'matplotlib', 'sympy', 'sklearn', 'scipy', 'rich'}"
    command = [sys.executable, "-c", f"{script} print(*({heavy} & set(sys.modules)))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []


# ---- mistakes ------------------------------------------------------------------------------------------------------
MISTAKES: dict[str, tuple[str, str]] = {
    "no domain": ("partition --out {0}/x.npz {0}/classes.pt2", "exactly one of --box"),
    "two domains": ("partition --out {0}/x.npz {0}/wide.pt2 --box 0 1 --through {0}/points.npy", "exactly one of"),
    "a flat box": ("partition --out {0}/x.npz {0}/classes.pt2 --box 1 1", "LO must be a finite number below HI"),
    "a box of 3 dimensions": (
        "partition --out {0}/x.npz {0}/classes.pt2 --box 0 1 --box 0 1 --box 0 1",
        "a domain of 3 inputs, and the network has 2",
    ),
    "points of another network": (
        "partition --out {0}/x.npz {0}/classes.pt2 --through {0}/points.npy",
        "must hold an array",
    ),
    "points that are no numbers": (
        "partition --out {0}/x.npz {0}/wide.pt2 --through {0}/classes.pt2",
        "no array of numbers",
    ),
    "a model that is none": ("partition --out {0}/x.npz {0}/points.npy --box 0 1", "points.npy"),
    "a model of an unknown kind": ("partition --out {0}/x.npz {0}/model.txt --box 0 1", ".onnx, .pt2 or .nnet"),
    "an end that is not there": (
        "partition --out {0}/x.npz {0}/classes.onnx --box 0 1 --until nowhere", "until must name",
    ),
    "no such file": ("stats {0}/nowhere.npz", "does not exist"),
    "a partition that is none": ("stats {0}/points.npy", "is not a partition"),
    "an unknown backend": ("partition --out {0}/x.npz {0}/classes.pt2 --box 0 1 --backend magic", "magic"),
    "an unknown device": ("partition --out {0}/x.npz {0}/classes.pt2 --box 0 1 --device magic", "device must"),
    "a device for the exact backend": (
        "partition --out {0}/x.npz {0}/classes.pt2 --box 0 1 --backend exact --device cuda", "device must be None",
    ),
    "a partition and numbers": ("partition --out {0}/x.npz --stats {0}/classes.pt2 --box 0 1", "one of --out, --stats"),
    "neither of them": ("partition {0}/classes.pt2 --box 0 1", "one of --out, --stats"),
    "a file to go on with": ("partition --out {0}/x.npz --resume {0}/classes.pt2 --box 0 1", "goes on with a folder"),
    "classes out of range": ("boundary {0}/float.npz --pair 1 7", "classes must be"),
    "a level for a classifier": ("boundary {0}/float.npz --level 0", "level"),
    "no level for a scalar": ("boundary {0}/scalar.npz", "level"),
    "samples of an unknown type": ("boundary {0}/float.npz --out {0}/x.txt", ".npz, .csv"),
    "class colours of a scalar": ("plot {0}/scalar.npz --color class --out {0}/x.png", "several outputs"),
    "a picture of an unknown type": ("plot {0}/float.npz --out {0}/x.gif", ".png, .svg, .pdf"),
    "a page of an unknown type": ("view {0}/float.npz --out {0}/x.png", ".html"),
    "a picture in no folder": ("plot {0}/float.npz --out {0}/nowhere/x.png", "nowhere"),
    "a folder that does not exist": ("certify {0}/float.npz --out {0}/nowhere/c.json", "does not exist"),
    "a float partition as the exact one": ("compare {0}/float.npz {0}/float.npz", "must be an exact partition"),
    "nothing to compare with": ("compare {0}/float.npz", "either PART_EXACT"),
    "an exact partition and a run": ("compare {0}/float.npz {0}/exact.npz --run float32", "either PART_EXACT"),
    "partitions of two networks": ("compare {0}/float.npz {0}/scalar.npz", "one network"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_without_a_traceback_and_with_status_2(mistake: str, folder: Path) -> None:
    command, message = MISTAKES[mistake]
    result = cpwl(*(word.format(folder) for word in command.split()))
    assert result.exit_code == 2
    assert any(part in result.stderr for part in message.split("|")), result.output
    assert "Traceback" not in result.output and "Error: " in result.stderr
    assert not (folder / "x.npz").exists()


@pytest.mark.parametrize(("error", "status"), [(MismatchError("a\nb"), 1), (ArgumentError("a\nb"), 2)])
def test_errors_of_the_library_are_one_line(
    error: Exception, status: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("cpwl.partitions.partition.statistics", fail)
    result = cpwl("stats", folder / "float.npz")
    assert (result.exit_code, result.stderr) == (status, "Error: a b\n")
