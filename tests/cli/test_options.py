"""Options that go together, and files that options name."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cpwl
from cpwl.cli import main
from tests.support.networks import mlp


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("options")
    cpwl.partition(mlp(0, [2, 8, 3]), cpwl.Domain.box([-1, -1], [1, 1])).save(made / "part.npz")
    cpwl.partition(mlp(0, [3, 4, 3]), cpwl.Domain.box([-1] * 3, [1] * 3)).save(made / "solid.npz")
    np.save(made / "wrong.npy", np.zeros((2, 5)))
    np.save(made / "x.npy", np.zeros((2, 2)))
    return made


def run(command: str, folder: Path) -> tuple[int, str]:
    answer = CliRunner().invoke(main, command.format(f=folder).split())
    return answer.exit_code, " ".join(answer.output.split())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("boundary {f}/part.npz --samples 5", "--samples goes with --out"),
        ("boundary {f}/part.npz --seed 5", "--seed goes with --out"),
        ("compare {f}/part.npz --run float32 --samples 5", "--samples goes with PART_EXACT"),
        ("compare {f}/part.npz {f}/part.npz --grid 5", "--grid goes with --run"),
        ("view {f}/part.npz --samples 5 --out {f}/v.html", "--samples goes with --boundary"),
        ("view {f}/part.npz --level 5 --out {f}/v.html", "--level goes with --boundary"),
        ("view {f}/part.npz --labels {f}/x.npy --out {f}/v.html", "--labels goes with --data"),
        ("plot {f}/part.npz --level 5 --out {f}/v.png", "--level goes with --boundary"),
        ("plot {f}/solid.npz --output 1 --out {f}/v.png", "--output is for lines and planes"),
    ],
)
def test_an_option_is_not_ignored(command: str, said: str, folder: Path) -> None:
    code, output = run(command, folder)
    assert code == 2 and said in output
    assert not (folder / "v.html").exists() and not (folder / "v.png").exists()


def test_nearest_reads_the_samples_of_boundary(folder: Path) -> None:
    assert run("boundary {f}/part.npz --samples 5 --out {f}/s.csv", folder)[0] == 0
    with open(folder / "s.csv", encoding="utf-8") as file:
        rows = [[float(row["x0"]), float(row["x1"])] for row in csv.DictReader(file)]
    np.save(folder / "s.npy", np.array(rows))
    answers = [
        run(f"nearest {{f}}/part.npz --data {{f}}/s.{kind} --csv {{f}}/n.csv", folder) for kind in ("csv", "npy")
    ]
    assert answers[0] == answers[1] and answers[0][0] == 0


@pytest.mark.parametrize(
    "text", ["u0,u1,class1\n1,2,3\n", "a b\n1 2\n", "1,2\n3\n", "", "x0,x1\n", "1 2\n3 four # five\n"]
)
def test_a_file_of_no_numbers_is_refused_in_our_words(text: str, folder: Path) -> None:
    (folder / "bad.csv").write_text(text, encoding="utf-8")
    code, output = run("nearest {f}/part.npz --data {f}/bad.csv", folder)
    assert code == 2 and "--data" in output and ".." not in output.replace("...", "") and "float64" not in output


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "# a comment\n1 2\n3 4  # another\n", "x0,x1,y\n1,2,a\n3,4,b\n"])
def test_a_file_of_numbers_is_read(text: str, folder: Path) -> None:
    (folder / "good.csv").write_text(text, encoding="utf-8")
    assert run("nearest {f}/part.npz --data {f}/good.csv", folder)[0] == 0


@pytest.mark.parametrize("option", ["--through", "--segment", "--polygon"])
def test_a_file_of_another_kind_is_called_none_of_numbers(option: str, folder: Path) -> None:
    code, output = run(f"partition {{f}}/m.nnet {option} {{f}}/part.npz --out {{f}}/p.npz", folder)
    assert code == 2
    (folder / "m.nnet").write_text("x", encoding="utf-8")
    code, output = run(f"partition {{f}}/m.nnet {option} {{f}}/part.npz --out {{f}}/p.npz", folder)
    assert code == 2 and option in output and "Give an .npy file, or a text file" in output and "codec" not in output


def test_the_package_runs() -> None:
    answer = subprocess.run([sys.executable, "-m", "cpwl", "--version"], capture_output=True, text=True, check=True)
    assert cpwl.__version__ in answer.stdout
