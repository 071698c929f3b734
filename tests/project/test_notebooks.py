"""What notebooks show: each result shows itself, pages stand in place, and the notebooks of the examples run."""

from __future__ import annotations

import base64
import os
import re
import struct
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import cpwl
from cpwl.plots import Page
from tests.support.networks import mlp

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples" / "notebooks").glob("*.ipynb"))
NET = mlp(0, [2, 9, 6, 4])
PART = cpwl.partition(NET, cpwl.Domain.box([-1, -1], [1, 1]))


def shown(result: Any) -> str:
    html = result._repr_html_()
    assert isinstance(html, str)
    return html


def picture_of(html: str) -> tuple[int, int]:
    """Width and height of the image in it."""
    (data,) = re.findall(r"data:image/png;base64,([\w+/=]+)", html)
    png = base64.b64decode(data)
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and len(png) < 300_000
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


RESULTS = {
    "partition": (PART, [f"{len(PART):,}", "vertices"]),
    "boundary": (PART.decision_boundary(), ["segments", "length"]),
    "statistics": (PART.statistics(), ["ARV", "largest slope"]),
    "certificate": (cpwl.certify(PART), ["exactly, every region", NET.sha256[:16]]),
    "exact partition": (cpwl.certify(PART).partition, [f"{len(PART):,}"]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_shows_a_small_picture_and_its_figures(name: str) -> None:
    result, words = RESULTS[name]
    html = shown(result)
    width, height = picture_of(html)
    assert 200 < width < 700 and 150 < height < 600
    assert all(word in html for word in words)


def test_a_level_set_and_a_partition_that_is_not_complete_say_so() -> None:
    scalar = cpwl.partition(mlp(1, [2, 6, 1]), cpwl.Domain.box([-1, -1], [1, 1]))
    assert "Level set, output = 0.25" in shown(scalar.decision_boundary(level=0.25))
    some = cpwl.partition(NET, PART.domain, max_regions=10)
    assert not some.complete and "INCOMPLETE" in shown(some) and "INCOMPLETE" in shown(some.statistics())


def test_a_certificate_from_a_file_is_not_verified_for_showing_it(tmp_path: Path) -> None:
    cpwl.certify(PART).save(tmp_path / "c.json")
    loaded = cpwl.Certificate.load(tmp_path / "c.json")
    assert "not yet" in shown(loaded) and "image/png" not in shown(loaded) and loaded.known is None


def test_what_cannot_be_drawn_is_shown_without_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.plots.notebook._MOST_DRAWN", 5)
    assert "image/png" not in shown(PART) and f"{len(PART):,}" in shown(PART)


def test_a_page_without_a_path_is_shown_in_place(tmp_path: Path) -> None:
    page = PART.view(color="class")
    assert isinstance(page, Page)
    (inner,) = re.findall(r'srcdoc="([^"]*)"', shown(page))
    assert unescape(inner) == page.text == page.save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.text == PART.view(tmp_path / "b.html", color="class").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_the_top(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel of its own; what is printed is what the file shows, and results are shown as HTML."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(path.parents[2]), os.environ.get("PYTHONPATH", "")]))
    stored = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    NotebookClient(run, timeout=280, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    for old, new in zip(stored.cells, run.cells):
        if old.cell_type == "code":
            assert same(texts(old), texts(new)), f"{path.name} shows other results: run tests/notebooks.py"
    assert sum("text/html" in output.get("data", {}) for cell in run.cells for output in cell.get("outputs", [])) >= 1


def texts(cell: Any) -> str:
    """What a cell printed, and the plain forms of what it showed."""
    outputs = cell.get("outputs", [])
    return "\n".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in outputs)


def same(one: str, other: str) -> bool:
    """Equal but for the last digits of floating-point numbers, which differ from machine to machine."""
    number = r"-?\d+\.\d*(?:e[+-]?\d+)?"
    values = [np.array(re.findall(number, text), float) for text in (one, other)]
    plain = [
        re.sub(r"\s+", " ", re.sub(number, "#", re.sub(r"\d{9,}|<Page.*?>|0x\w+", "", text))) for text in (one, other)
    ]
    return len(values[0]) == len(values[1]) and np.allclose(*values, rtol=1e-3, atol=1e-6) and plain[0] == plain[1]
