"""The command line, called in this process; and models for it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from click.testing import CliRunner, Result

from cpwl.cli import main


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
