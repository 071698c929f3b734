"""Files that would keep the checker busy: what they take is counted before it is spent, and limited by default."""

from __future__ import annotations

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
    equal_with_long_numbers,
    fan,
    in_a_row,
    long_corners,
    long_halfspaces,
    long_numbers_at_points,
    long_simplices,
    named,
    narrow_layers,
    simplices_again,
    spent,
    supposed_zeros,
    windows,
)

ACCEPTED = sorted((Path(__file__).parents[1] / "certificates" / "accept").glob("*.json*"))


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
