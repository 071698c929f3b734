"""What README.md shows works as shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.support.pages import blocks, run

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_runs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = (torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    model = torch.nn.Sequential(*layers).eval()
    p1, p2, p3 = np.random.default_rng(0).standard_normal((3, 5))
    names = {"model": model, "example_input": torch.zeros(1, 5), "p1": p1, "p2": p2, "p3": p3}
    names = run(README, tmp_path, names)
    assert names["cert"].regions == len(names["part"])
    assert names["x"].shape == (1000, 5)


def test_the_first_two_commands_are_those_that_ci_runs() -> None:
    block = next(block for block in blocks(README) if block.kind == "sh")
    commands = [line.split("#")[0].strip() for line in block.code.splitlines()]
    assert commands == ["scripts/setup && .venv/bin/cpwl demo", "scripts/setup test && .venv/bin/pytest -n 2"]
