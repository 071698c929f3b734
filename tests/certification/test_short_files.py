"""A short file makes neither much work nor much memory: refused by count, before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from cpwl import checker
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded
from tests.support.hostile_files import traced

Entries = list[dict[str, Any]]
START: Entries = [{"op": "Input", "inputs": [], "shape": [1, 2]}]
SQUARE = [["0", "0"], ["1", "0"], ["1", "1"], ["0", "1"]]
MEMORY = 100_000_000


def tensor(values: list[Any], *shape: int) -> dict[str, Any]:
    return {"shape": list(shape or (len(values),)), "values": values}


def windows(weight: list[str], source: int, padding: int = 0, *, entries: int = 2, **other: Any) -> dict[str, Any]:
    """One channel, a window of as many numbers as the weight has."""
    node = {
        "op": "Conv", "inputs": [source], "weight": tensor(weight, 1, 1, len(weight)), "bias": tensor(["-1"]),
        "stride": [1], "padding": [[padding, padding]], "dilation": [1], "groups": 1, **other,
    }  # fmt: skip
    reach = entries + 2 * padding - node["dilation"][0] * (len(weight) - 1) - 1
    return {**node, "shape": [1, reach // node["stride"][0] + 1]}


def padded(count: int) -> Entries:
    """So many entries, all but two of them alike, of a few characters."""
    return [*START, windows(["1"], 0, count // 2 - 1)]


def steps(source: int, entries: int, breakpoints: int) -> dict[str, Any]:
    points, slopes = [str(k) for k in range(breakpoints)], [str(k % 2) for k in range(breakpoints + 1)]
    return {
        "op": "Piecewise", "inputs": [source], "shape": [1, entries], "breakpoints": tensor(points),
        "slopes": tensor(slopes), "value": "0",
    }  # fmt: skip


def first_of(sources: list[int]) -> dict[str, Any]:
    return {"op": "Gather", "inputs": sources, "shape": [1], "index": tensor([0])}


def sum_of(sources: list[int], entries: int) -> dict[str, Any]:
    return {"op": "Sum", "inputs": sources, "shape": [1, entries], "coefficients": ["1"] * len(sources)}


def largest_of(source: int) -> dict[str, Any]:
    return {"op": "Max", "inputs": [source], "shape": [1]}


MUCH: dict[str, Callable[[], Entries]] = {
    "an activation of many pieces of many entries": lambda: [*padded(1 << 17), steps(1, 1 << 17, 40)],
    "one input many times": lambda: [*padded(1 << 17), first_of([1] * 64)],
    "a sum of one input many times": lambda: [*padded(1 << 17), sum_of([1] * 64, 1 << 17)],
    "many nodes that read all and make one entry": lambda: [*padded(1 << 17), *(first_of([1]) for _ in range(64))],
    "windows far apart": lambda: [
        *padded(1 << 17),
        *(windows(["1"], 1, entries=1 << 17, stride=[1 << 17]) for _ in range(64)),
    ],
    "many maxima of the same": lambda: [*padded(1 << 10), *(largest_of(1) for _ in range(64))],
    "a maximum of many arguments": lambda: [*padded(1 << 13), largest_of(1)],
}


@pytest.mark.parametrize("name", MUCH)
def test_a_short_file_that_makes_much_is_refused(name: str) -> None:
    nodes = MUCH[name]()
    assert len(checker.text_of(nodes)) < 20_000

    def refused() -> None:
        with pytest.raises(checker.Malformed, match="products a point"):
            checker.operators(nodes)

    assert traced(refused) < MEMORY


def spread(count: int, layers: int) -> Entries:
    """Entries that all differ, a power of the numbers that the weights have."""
    made, entries, gap = [*START], 2, 2
    for _ in range(layers):
        weight = [str(j + 1) for j in range(count)]
        made.append(windows(weight, len(made) - 1, gap * (count - 1), entries=entries, dilation=[gap]))
        entries, gap = made[-1]["shape"][1], gap * count
    return made


def named(nodes: Entries) -> Document:
    """A certificate of version 3 that calls the unit square one region."""
    return {
        "format": checker.FORMAT, "version": 3, "kind": "partition",
        "networks": [{"nodes": nodes, "sha256": digest(nodes)}],
        "domain": {"polygon": SQUARE, "origin": ["0", "0"], "basis": [["1", "0"], ["0", "1"]]},
        "claim": {"regions": 1},
        "proof": {"bits": 64, "vertices": SQUARE, "regions": [[[0, 1, 2], [0, 2, 3]]]},
    }  # fmt: skip


def bent(nodes: Entries) -> Entries:
    return [*nodes, steps(len(nodes) - 1, nodes[-1]["shape"][1], 1)]


BENT: dict[str, Callable[[], Entries]] = {
    "units": lambda: bent(spread(16, 3)),
    "units, and others after": lambda: bent(bent(spread(16, 3))),
    "arguments of a maximum": lambda: [*spread(10, 3), largest_of(3)],
    "arguments that are alike": lambda: [*padded(2000), largest_of(1)],
}


@pytest.mark.parametrize(("name", "most"), list(product(BENT, [10**6, 10**7])))
def test_what_is_held_is_counted_before_it_is_made(name: str, most: int) -> None:
    """Rows of units that bend are many numbers each, and pairs of arguments are many."""
    data = encoded(named(BENT[name]()))
    assert len(data) < 5000

    def ends() -> None:
        with pytest.raises((checker.Refused, checker.Rejected)):
            checker.check(data, most=most)

    assert traced(ends) < 20_000_000 + 50 * most


def test_a_limit_of_too_many_digits_is_malformed() -> None:
    assert checker.main(["--max-work", "9" * 5000, "none.json"]) == 2
