"""A short file makes neither much work nor much memory: refused by count, before anything is built."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from cpwl import checker
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded

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


def peak(call: Callable[[], Any]) -> int:
    """The most bytes that were held."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", MUCH)
def test_a_short_file_that_makes_much_is_refused(name: str) -> None:
    nodes = MUCH[name]()
    assert len(checker.text_of(nodes)) < 20_000

    def refused() -> None:
        with pytest.raises(checker.Malformed, match="products a point"):
            checker.operators(nodes)

    assert peak(refused) < MEMORY


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

    assert peak(ends) < 20_000_000 + 50 * most


def test_a_limit_of_too_many_digits_is_malformed() -> None:
    assert checker.main(["--max-work", "9" * 5000, "none.json"]) == 2


# ---- what is counted beside the network ------------------------------------------------------------------------------
def simplex(dimension: int, copies: int = 1, vertices: int = 0) -> Document:
    """One simplex of some dimension as one region, every side of it so many times, and further vertices."""
    corners = [["0"] * dimension] + [["1" if j == i else "0" for j in range(dimension)] for i in range(dimension)]
    sides = [["1" if j == i else "0" for j in range(dimension + 1)] for i in range(dimension)]
    sides.append(["-1"] * dimension + ["1"])
    nodes = [
        {"op": "Input", "inputs": [], "shape": [dimension]},
        {"op": "Dense", "inputs": [0], "shape": [1], "weight": tensor(["1"] * dimension, 1, dimension),
         "bias": tensor(["0"])},
    ]  # fmt: skip
    return {
        "format": checker.FORMAT, "version": 2, "kind": "partition",
        "networks": [{"nodes": nodes, "sha256": digest(nodes)}],
        "domain": {"halfspaces": sides * copies, "origin": ["0"] * dimension, "basis": corners[1:]},
        "claim": {"regions": 1},
        "proof": {"vertices": corners + [corners[0]] * vertices, "regions": [[list(range(dimension + 1))]]},
    }  # fmt: skip


def work_of(document: Document) -> int:
    spent = checker.Work()
    checker.decided(document, [], spent)
    return spent.done


@pytest.mark.parametrize("dimension", [1, 3, 12])
def test_halfspaces_determinants_and_points_of_the_frame_are_counted(dimension: int) -> None:
    least = work_of(simplex(dimension))
    network = (2 * dimension + 1 + dimension) * (dimension + 2)
    assert least >= (dimension + 1) ** 3 + (dimension + 1) ** 3 + network
    more = work_of(simplex(dimension, copies=5, vertices=7))
    assert more - work_of(simplex(dimension, copies=5)) >= 7 * 5 * (dimension + 1) ** 2
    assert more - work_of(simplex(dimension, vertices=7)) >= 4 * (dimension + 8) * (dimension + 1) ** 2


def test_many_vertices_and_many_halfspaces_are_refused_before_they_are_compared() -> None:
    data = encoded(simplex(2, copies=1300, vertices=5000))
    with pytest.raises(checker.Refused):
        checker.check(data, most=10**7)
    named = {**simplex(2, copies=1300), "version": 3}
    named["proof"] = {"bits": 64, **simplex(2, vertices=5000)["proof"]}
    with pytest.raises(checker.Refused):
        checker.check(encoded(named), most=10**7)


def test_points_of_the_frame_are_counted_where_there_are_no_others() -> None:
    nodes = spread(40, 2)
    document = {**named(nodes), "version": 1, "kind": "level-sample", "claim": {"points": [], "level": "0"}}
    del document["proof"]
    document["networks"][0]["nodes"] = [*nodes, first_of([len(nodes) - 1])]
    document["networks"][0]["sha256"] = digest(document["networks"][0]["nodes"])
    with pytest.raises(checker.Refused):
        checker.check(encoded(document), most=1000)


def test_polygons_are_counted() -> None:
    document = named([*START, first_of([0])])
    corners = [*SQUARE[:3], ["0", "1"]]
    document |= {"version": 1, "proof": {"vertices": corners, "regions": [[0, 1, 2, 3]]}}
    before = work_of(document)
    halves = {"vertices": corners, "regions": [[0, 1, 2], [0, 2, 3]]}
    with pytest.raises(checker.Rejected, match="rule 9"):
        work_of({**document, "proof": halves, "claim": {"regions": 2}})
    spent = checker.Work()
    with pytest.raises(checker.Rejected):
        checker.decided({**document, "proof": halves, "claim": {"regions": 2}}, [], spent)
    assert spent.done - before >= 2 * checker.WORK_OF_A_CORNER
