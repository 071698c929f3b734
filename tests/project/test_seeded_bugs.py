"""The script that plants bugs finds the text of each one, and what it makes of it is still Python."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import click
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from seeded_bugs import BUGS, ROOT, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_bug_has_its_place_and_its_tests(bug: Bug) -> None:
    source = (ROOT / "cpwl" / bug.file).read_text(encoding="utf-8")
    assert _meaning(bug.planted(source), bug.file) != _meaning(source, bug.file)
    assert bug.test_files(ROOT)


def _meaning(source: str, file: str) -> str:
    """The syntax tree; of what is compiled by Cython the text, which the script compiles."""
    return source if file.endswith(".pyx") else ast.dump(ast.parse(source))


def test_bugs_have_different_names() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 15


@pytest.mark.parametrize("source", ["x = 2", "x = 1; y = (x = 1)"])
def test_a_text_that_does_not_stand_there_exactly_once_is_an_error(source: str) -> None:
    with pytest.raises(click.ClickException, match="times in"):
        Bug("one", "some.py", "x = 1", "x = 2", ("some",)).planted(source)
