"""Files that would keep the checker busy or fill its memory: both are counted before they are spent, and limited."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpwl import certify, checker
from cpwl.geometry.domain import Domain
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_inputs import Document, encoded
from tests.support.hostile_files import (
    KINDS,
    bomb,
    equal_with_long_numbers,
    fan,
    hostile,
    in_a_row,
    long_corners,
    long_halfspaces,
    long_numbers_at_points,
    long_simplices,
    named,
    narrow_layers,
    simplices_again,
    supposed_zeros,
    units,
    windows,
)

ACCEPTED = sorted((Path(__file__).parents[1] / "certificates" / "accept").glob("*.json*"))
BESIDE = 2_000_000
"""Bytes that do not depend on the file."""


def spent(data: bytes, work: checker.Work) -> tuple[str, checker.Work]:
    """How the check of a file ends, and what was counted."""
    try:
        checker.decided(checker.parsed("it", data, work), [], work)
    except (checker.Refused, checker.Rejected) as error:
        return type(error).__name__, work
    return "accepted", work


def traced(call: Callable[[], Any]) -> int:
    """The most bytes that were held."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ---- work ------------------------------------------------------------------------------------------------------------
LONGER: dict[str, Callable[[int], Document]] = {
    "numbers at points": lambda digits: long_numbers_at_points(2, digits),
    "exact rows": lambda digits: supposed_zeros(4, digits),
    "corners of polygons": lambda digits: long_corners(20, digits),
    "determinants": lambda digits: long_simplices(4, digits=digits),
    "determinants of balls": lambda digits: simplices_again(10, 4 * digits),
    "halfspaces": lambda digits: long_halfspaces(40, 3 * digits),
    "balls": lambda digits: narrow_layers(3, bits=4 * digits),
}


@pytest.mark.parametrize("name", LONGER)
def test_long_numbers_count_for_more(name: str) -> None:
    """Thirty times the digits."""
    few, many = (spent(encoded(LONGER[name](digits)), checker.Work())[1].done for digits in (30, 900))
    assert many > 4 * few


def test_rows_of_units_count_in_every_node_after_them() -> None:
    """Thirty units that bend, a constant and two coordinates, each through windows of many numbers."""
    nodes = [*fan(30), in_a_row(2, 30)]
    longer = [*nodes, windows(list(range(1, 31)), 3, 30, 30)]
    few, many = (spent(encoded(named(each)), checker.Work())[1].done for each in (nodes, longer))
    assert many - few >= 33 * checker.operators(longer)[-1].cost


def test_a_product_counts_for_its_words() -> None:
    """Of short numbers for one and a sixteenth; of long ones as Karatsuba's rule takes for their words."""
    assert checker.products(160) == checker.products(160, 63, 63) == 170
    assert checker.products(160, 128, 0) == 160 + 3 * 10
    assert checker.products(160, 640, 640) == 160 + 11 * 11 * 10
    squares = [checker.square(words) for words in range(1, 500)]
    assert squares == sorted(squares)
    assert all(words**2 >= square >= words for words, square in enumerate(squares, 1))
    assert 3**7 * 32**2 <= checker.square(1 << 12) < 2 * 3**7 * 32**2


# ---- limits by default -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.name)
def test_what_is_accepted_takes_a_tenth_of_what_is_allowed(path: Path) -> None:
    data = path.read_bytes()
    networks = [file.read_bytes() for file in path.parent.glob(f"{path.stem}.network")]
    work = checker.Work.by_default(len(data) + sum(map(len, networks)))
    files = [checker.parsed("a network", file, work) for file in networks]
    checker.decided(checker.parsed("it", data, work), files, work)
    assert work.most is not None and work.room is not None
    assert 10 * work.done < work.most and 10 * work.peak < work.room


@pytest.mark.parametrize("vertices", ["exact", "named"])
@pytest.mark.parametrize("sizes", [[2, 24, 24, 24, 3], [3, 10, 8, 2], [12, 40, 3]])
def test_what_the_library_writes_takes_a_fifth_of_what_is_allowed(sizes: list[int], vertices: Any) -> None:
    net = he_network(1, sizes, ["relu"] * (len(sizes) - 2))
    domain = {2: SQUARE, 3: Domain.box([-1.0] * 3, [1.0] * 3)}.get(
        sizes[0], Domain.through(*np.random.default_rng(0).random((3, 12)))
    )
    data = encoded(certify(partition(net, domain), vertices=vertices).document())
    ends, work = spent(data, checker.Work.by_default(len(data) // 4))  # as short as it may be packed
    assert ends == "accepted" and work.most is not None and work.room is not None
    assert 5 * work.done < work.most and 5 * work.peak < work.room


def test_limits_are_given_and_lifted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(encoded(equal_with_long_numbers(3)))
    for limit in ("--max-work", "--max-memory"):
        assert checker.main([limit, "1000", str(path)]) == 3
        assert f"1,000 are allowed ({limit})" in capsys.readouterr().out
        assert checker.main([limit, "none", str(path)]) == 0
        assert checker.main([limit, "", str(path)]) == checker.main([str(path), limit]) == 2
    assert checker.main([str(path), "--max-memory", "none", "--max-work", "none"]) == 0
    data = path.read_bytes()
    with pytest.raises(checker.Refused, match="memory"):
        checker.check(data, room=1000)


# ---- memory ----------------------------------------------------------------------------------------------------------
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
