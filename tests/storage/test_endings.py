"""No file gets a name that says another format: savers tell it before they write, commands before they compute."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import cpwl
from cpwl.errors import ArgumentError
from tests.support.command_line import cpwl as command_line
from tests.support.networks import mlp

NET = mlp(0, [2, 6, 2])
PART = cpwl.partition(NET, cpwl.Domain.box([-1, -1], [1, 1]))
VERDICT = cpwl.verify(NET, cpwl.Specification.box([-1, -1], [1, 1], [([1, 0], 0)]))
SAVERS: dict[str, tuple[Callable[[Path], object], list[str], list[str]]] = {
    "certificate": (cpwl.certify(PART).save, ["c.json", "c.json.gz", "c.txt", "c", "c.v2"], ["c.npz", "c.csv", "c.GZ"]),
    "extremum": (cpwl.certify_extremum(PART, output=0).save, ["c.json"], ["c.npz", "c.pt2"]),
    "statistics": (PART.statistics().to_csv, ["t.csv", "t.txt", "t"], ["t.json", "t.csv.gz", "t.parquet", "t.XLSX"]),
    "verdict": (VERDICT.save, ["left.json", "left"], ["left.json.gz", "left.npz"]),
}


@pytest.mark.parametrize("name", SAVERS)
def test_a_name_that_says_another_format_is_refused_and_no_file_is_left(name: str, tmp_path: Path) -> None:
    save, good, bad = SAVERS[name]
    for wrong in bad:
        with pytest.raises(
            ArgumentError, match=rf"path must not end in \{Path(wrong).suffix}, .*Give a name that ends"
        ):
            save(tmp_path / wrong)
    assert not list(tmp_path.iterdir())
    for right in good:
        save(tmp_path / right)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(good)


@pytest.mark.parametrize("name", ["c.json", "c.json.gz", "c.txt"])
def test_what_is_written_is_what_the_name_says(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    cpwl.certify(PART).save(path)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert json.loads(content)["format"] == "cpwl-certificate"
    assert cpwl.Certificate.load(path).verify()


@pytest.mark.parametrize(
    ("command", "option", "wrong"),
    [
        ("certify {part}", "--out", "c.npz"),
        ("certify {part}", "--exact", "c.json"),
        ("extremum {part} --output 0", "--out", "c.csv"),
        ("stats {part}", "--csv", "t.json"),
        ("units {part}", "--csv", "t.csv.gz"),
        ("compare {part} {part}", "--json", "t.csv"),
        ("verify {part} {part}", "--resume", "left.npz"),
    ],
)
def test_commands_say_so_before_they_compute(command: str, option: str, wrong: str, tmp_path: Path) -> None:
    part = PART.save(tmp_path / "part.npz")
    words = [word.format(part=part) for word in command.split()]
    result = command_line(*words, option, tmp_path / wrong)
    assert result.exit_code == 2 and option in result.output and not (tmp_path / wrong).exists()
