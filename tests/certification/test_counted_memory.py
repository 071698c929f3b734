"""Files that would fill the checker's memory: what is held is counted before it is, and limited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cpwl import checker
from tests.support.checker_inputs import encoded
from tests.support.hostile_files import KINDS, bomb, hostile, spent, traced, units

BESIDE = 2_000_000
"""Bytes that do not depend on the file."""


@pytest.mark.parametrize("name", KINDS)
def test_more_is_counted_than_is_held(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of each kind that are small enough to be checked to the end, in integers that are all traced."""
    monkeypatch.setattr(checker.Matrix, "flint", None)
    data, work = hostile(name, small=True), checker.Work()
    assert len(data) < 40_000
    assert traced(lambda: spent(data, work)) < work.peak + BESIDE


@pytest.mark.parametrize("name", KINDS)
def test_what_would_take_more_is_refused_before_it_is_held(name: str) -> None:
    """Files of each kind that are as large as a short file can be, under limits of both."""
    data, work = hostile(name), checker.Work(most=10**7, room=5 * 10**7)
    assert len(data) < 64_000
    assert traced(lambda: spent(data, work)) < 5 * 10**7 + BESIDE


def test_rows_that_a_node_makes_are_counted_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[int] = []
    hold, linear = checker.Work.hold, checker.Passage._linear

    def held(work: checker.Work, size: int) -> None:
        announced.append(size)
        hold(work, size)

    def made(*arguments: Any) -> checker.Spanned:
        announced.clear()
        field = linear(*arguments)
        assert max(announced) >= field.rows.room > 0
        return field

    monkeypatch.setattr(checker.Work, "hold", held)
    monkeypatch.setattr(checker.Passage, "_linear", made)
    for name in ("layers of units", "windows after units"):
        spent(hostile(name, small=True), checker.Work())
    assert announced


def test_rows_of_units_are_not_held_until_they_are_mixed() -> None:
    """Thousands of units that bend, in a file of a thousand characters: a row for each would be gigabytes."""
    data, work = encoded(units(18)), checker.Work()
    assert len(data) < 2000
    assert traced(lambda: spent(data, work)) < 60_000_000 and work.peak < 100_000_000


def test_a_file_that_unpacks_to_much_is_refused_before_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.json.gz"
    path.write_bytes(bomb(4_000_000))
    assert path.stat().st_size < 20_000
    assert traced(lambda: checker.main([str(path)])) < 50_000_000
    assert capsys.readouterr().out.startswith("refused: it takes 768,000,256 bytes of memory or more")
