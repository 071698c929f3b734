"""What README.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import cpwl
from tests.support.pages import blocks, run

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_runs_and_prints_what_is_shown(tmp_path: Path) -> None:
    names = run(README, tmp_path)
    assert names["part"].complete and names["proof"].check()
    assert (tmp_path / "regions.png").stat().st_size > 10_000 and (tmp_path / "maximum.json.gz").exists()


def test_it_takes_a_minute_to_read() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 600


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)", README.read_text(encoding="utf-8"))
    assert len(links) > 10 and [link for link in links if not (README.parent / link).exists()] == []


def test_what_is_cited_is_this_version() -> None:
    cff = (README.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {cpwl.__version__}\n" in cff and f"version = {{{cpwl.__version__}}}" in README.read_text("utf-8")


def test_the_first_two_commands_are_those_that_ci_runs() -> None:
    block = next(block for block in blocks(README) if block.kind == "sh")
    commands = [line.split("#")[0].strip() for line in block.code.splitlines()]
    assert commands == ["scripts/setup && .venv/bin/cpwl demo", "scripts/setup test && .venv/bin/pytest -n 2"]
