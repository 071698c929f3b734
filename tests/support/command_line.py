"""The command line, called in this process; and models for it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from click.testing import CliRunner, Result
from onnx import helper

from cpwl.cli import main
from tests.support.onnx_models import model as onnx_model


def cpwl(*words: object) -> Result:
    """The result of ``cpwl words...``; only ``SystemExit`` may come out of it."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answer(*words: object) -> str:
    result = cpwl(*words)
    assert result.exit_code == 0, result.output
    return result.output


def export(path: Path, inputs: int, outputs: int, hidden: tuple[int, ...] = (8,)) -> None:
    torch.manual_seed(0)
    widths = (inputs, *hidden)
    layers = [layer for a, b in pairwise(widths) for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], outputs)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(2, inputs),)), path)


def write_onnx(path: Path) -> None:
    """A small model that ends in a softmax."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["r"], name="relu")]
    nodes.append(helper.make_node("Softmax", ["r"], ["p"]))
    onnx.save(onnx_model(nodes, ("N", 2), {"w": np.eye(2, 3, dtype=np.float32)}, outputs=["p"]), path)


def write_nnet(path: Path) -> None:
    """A small .nnet file."""
    path.write_text("1,2,1,2,\n2,1,\n0,\n-9,-9,\n9,9,\n0,0,0,\n1,1,1,\n1,2,\n3,\n")
