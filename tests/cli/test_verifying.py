"""``cpwl verify``: its exit status, what it prints and writes, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from tests.support.command_line import cpwl, export, write_nnet, write_onnx
from tests.support.onnx_models import model as onnx_model

NAMES = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)"
BOX = "(assert (and (<= X_0 1) (>= X_0 -1) (<= X_1 1) (>= X_1 -1)))"


def write_sum_of_rectified(path: Path) -> None:
    """max(x_0, 0) + max(x_1, 0)."""
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("MatMul", ["h", "w"], ["y"])]
    onnx.save(onnx_model(nodes, (1, 2), {"w": np.ones((2, 1), np.float32)}), path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_sum_of_rectified(tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def spec(folder: Path, formula: str, box: str = BOX, names: str = NAMES) -> Path:
    path = folder / "spec.vnnlib"
    path.write_text(f"{names}\n{box}\n(assert {formula})\n")
    return path


def test_what_holds_ends_with_status_0_and_unsat(model: Path) -> None:
    result = model.parent / "result.txt"
    found = cpwl("verify", model, spec(model.parent, "(>= Y_0 2.0000001)"), "--result", result)
    assert found.exit_code == 0, found.output
    assert "  holds\n" in found.output
    assert result.read_text() == "unsat\n"


def test_what_is_violated_ends_with_status_1_and_values_that_onnxruntime_gives(model: Path) -> None:
    result = model.parent / "result.txt"
    found = cpwl("verify", model, spec(model.parent, "(>= Y_0 1.999)"), "--result", result)
    assert found.exit_code == 1, found.output
    assert "  violated\n" in found.output
    assert "counterexample, in float32 numbers" in found.output
    word, *pairs = result.read_text().splitlines()
    x0, x1, y0 = (float(pair.strip("() ").split()[1]) for pair in pairs)
    assert word == "sat"
    (run,) = onnxruntime.InferenceSession(str(model)).run(None, {"x": np.array([[x0, x1]], np.float32)})
    assert float(run[0, 0]) == y0 >= 1.999


def test_what_takes_too_long_ends_with_status_3_and_is_gone_on_with(tmp_path: Path) -> None:
    export(tmp_path / "model.pt2", 3, 1, (32, 32))
    names = "".join(f"(declare-const X_{i} Real) " for i in range(3)) + "(declare-const Y_0 Real)"
    box = "".join(f"(assert (and (<= X_{i} 9) (>= X_{i} -9)))" for i in range(3))
    file, left = spec(tmp_path, "(>= Y_0 5)", box, names), tmp_path / "left.json"
    found = cpwl("verify", tmp_path / "model.pt2", file, "--timeout", "1e-9", "--resume", left)
    assert found.exit_code == 3, found.output
    assert "  undecided\n" in found.output and "boxes left" in found.output
    assert left.exists()
    rest = cpwl("verify", tmp_path / "model.pt2", file, "--resume", left)
    assert rest.exit_code in (0, 1), rest.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.onnx",), "Missing argument 'SPEC'"),
        (("model.onnx", "none.vnnlib"), "'none.vnnlib' does not exist"),
        (("model.onnx", "spec.vnnlib", "--timeout", "0"), "Invalid value for '--timeout'"),
        (("model.onnx", "bad.vnnlib"), "bad.vnnlib, line 1: wanted"),
        (("model.onnx", "other.vnnlib"), "spec is about 1 inputs and 1 outputs, but the network has 2 and 1"),
        (("spec.vnnlib", "spec.vnnlib"), "a file must be .onnx, .pt2 or .nnet"),
        (("softmax.onnx", "three.vnnlib"), "left out: .* But a property is about values"),
        (("model.onnx", "spec.vnnlib", "--resume", "spec.vnnlib"), "must not end in .vnnlib"),
        (("model.onnx", "spec.vnnlib", "--resume", "other.json"), "is not an undecided property"),
        (("model.onnx", "spec.vnnlib", "--result", "none/result.txt"), "folder 'none' does not exist"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_what(
    model: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(model.parent)
    Path("bad.vnnlib").write_text("assert")
    Path("other.json").write_text("assert")
    Path("other.vnnlib").write_text(
        "(declare-const X_0 Real) (declare-const Y_0 Real) (assert (and (<= X_0 1) (>= X_0 0) (>= Y_0 0)))"
    )
    names = f"{NAMES} (declare-const Y_1 Real) (declare-const Y_2 Real)"
    spec(Path(), "(>= Y_0 0.5)", names=names).rename("three.vnnlib")
    spec(Path(), "(>= Y_0 3)")
    write_onnx(Path("softmax.onnx"))
    found = cpwl("verify", *arguments)
    assert found.exit_code == 2, found.output
    assert re.search(message, " ".join(found.output.split())), found.output


def test_other_models_are_run_in_float32_by_the_library(tmp_path: Path) -> None:
    write_nnet(tmp_path / "net.nnet")
    found = cpwl("verify", tmp_path / "net.nnet", spec(tmp_path, "(>= Y_0 -1000)"))
    assert found.exit_code == 1, found.output
    assert "in float32 numbers" in found.output
