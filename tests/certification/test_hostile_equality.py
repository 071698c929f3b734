"""Files about two networks, and zeros that are supposed, that are made to deceive the checker or to keep it busy."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from cpwl import checker
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded

Nodes = list[dict[str, Any]]


def tensor(values: list[Any], *shape: int) -> dict[str, Any]:
    return {"shape": list(shape or (len(values),)), "values": [str(x) for x in values]}


def entry(nodes: Nodes) -> dict[str, Any]:
    return {"nodes": nodes, "sha256": digest(nodes)}


def equality(first: Nodes, second: Nodes, inputs: int) -> Document:
    """A file that says that two networks without units are equal where inputs are u, 2 u, ..., u in 0 .. 1."""
    return {
        "format": checker.FORMAT, "version": 3, "kind": "equal-networks", "networks": [entry(first), entry(second)],
        "domain": {
            "halfspaces": [["1", "0"], ["-1", "1"]], "origin": ["0"] * inputs,
            "basis": [[str(i + 1)] for i in range(inputs)],
        },
        "claim": {}, "proof": {"bits": 32, "vertices": [["0"], ["1"]], "regions": [[[0, 1]]]},
    }  # fmt: skip


def of_a_corner(shape: list[int]) -> Nodes:
    """A convolution at one place, that stands in a file as it does for other shapes of the input."""
    return [
        {"op": "Input", "inputs": [], "shape": shape},
        {
            "op": "Conv", "inputs": [0], "shape": [1, 1, 1], "weight": tensor([1, 2, 3, 5], 1, 1, 2, 2),
            "bias": tensor([0]), "stride": [5, 5], "padding": [[0, 0], [0, 0]], "dilation": [1, 1], "groups": 1,
        },
    ]  # fmt: skip


def test_nodes_that_read_inputs_of_other_shapes_are_not_one() -> None:
    document = equality(of_a_corner([1, 4, 5]), of_a_corner([1, 5, 4]), 20)
    with pytest.raises(checker.Rejected, match="rule 19"):
        checker.check(encoded(document))
    same = equality(of_a_corner([1, 4, 5]), of_a_corner([1, 4, 5]), 20)
    assert "the two networks are equal" in checker.check(encoded(same))


def test_inputs_of_other_shapes_do_not_make_networks_differ() -> None:
    flat: Nodes = [
        {"op": "Input", "inputs": [], "shape": [4]},
        {"op": "Gather", "inputs": [0], "shape": [2], "index": {"shape": [2], "values": [3, 0]}},
    ]
    square: Nodes = [{"op": "Input", "inputs": [], "shape": [2, 2]}, flat[1]]
    assert "the two networks are equal" in checker.check(encoded(equality(flat, square, 4)))


def test_nodes_of_two_networks_are_not_compared_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry is read once, not once for every node of the other network."""
    digest, asked = checker.digest, []
    numbers = [1] * 400
    gather = {"op": "Gather", "inputs": [0], "shape": [400], "index": {"shape": [400], "values": [0] * 400}}
    last = {"op": "Gather", "inputs": [1], "shape": [1], "index": {"shape": [1], "values": [0]}}

    def network(value: int) -> Nodes:
        scale = {"op": "Scale", "inputs": [1], "shape": [400], "factor": tensor(numbers)}
        scales = [{**scale, "shift": tensor([*numbers[1:], value + i])} for i in range(1000)]
        return [{"op": "Input", "inputs": [], "shape": [1]}, gather, *scales, last]

    read = [checker.Network.of(entry(network(value)), {}) for value in (1, 5000)]
    monkeypatch.setattr(checker, "digest", lambda entry: asked.append(entry) or digest(entry))
    assert len(checker.difference(*read).nodes) == 1003 + 1000 + 1
    assert len(asked) == 1003 + 1002


def cut_corner(dimension: int, halfspaces: list[list[int]]) -> Document:
    """A simplex of which the hyperplane of one unit cuts the corner 0; another unit bends there too, by chance.

    That one is a third of the other, so that fixed-point numbers do not tell it.
    """
    row = [1] * dimension
    sides = [[int(i == j) for j in range(dimension + 1)] for i in range(dimension)] + [[-1] * dimension + [1]]
    weight = tensor([*row, *("1/3" for _ in row)], 2, dimension)
    nodes: Nodes = [
        {"op": "Input", "inputs": [], "shape": [dimension]},
        {"op": "Dense", "inputs": [0], "shape": [2], "weight": weight, "bias": tensor(["-1/7", "-1/21"])},
        {
            "op": "Piecewise", "inputs": [1], "shape": [2], "breakpoints": tensor([0]), "slopes": tensor([0, 1]),
            "value": "0",
        },
    ]  # fmt: skip
    corners = [["0"] * dimension] + [[str(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    names = [[0, i + 1, 2, 0, 0] for i in range(dimension)]
    beyond = [[*range(i, dimension + 1), *range(dimension + 1, dimension + 1 + i)] for i in range(1, dimension + 1)]
    return {
        "format": checker.FORMAT, "version": 3, "kind": "partition", "networks": [entry(nodes)],
        "domain": {
            "halfspaces": [list(map(str, side)) for side in sides + halfspaces], "origin": ["0"] * dimension,
            "basis": corners[1:],
        },
        "claim": {"regions": 2},
        "proof": {
            "bits": 64, "vertices": [*corners, *names],
            "regions": [[[0, *range(dimension + 1, 2 * dimension + 1)]], beyond],
        },
    }  # fmt: skip


def along_an_edge(dimension: int, count: int, digits: int) -> list[list[int]]:
    """Halfspaces that hold the first orthant, and on whose hyperplanes the first axis lies."""
    rng = random.Random(dimension)
    return [[0, *(rng.randrange(1, 10**digits) for _ in range(dimension - 1)), 0] for _ in range(count)]


@pytest.mark.parametrize("dimension", [1, 2, 3, 16])
def test_many_sides_through_a_vertex_do_not_make_long_numbers(dimension: int) -> None:
    document = cut_corner(dimension, along_an_edge(dimension, 2 * dimension, 200) if dimension > 1 else [])
    # Without divisions there are numbers of 2^14 times 200 digits: minutes.
    assert "2 in number" in checker.check(encoded(document))


def test_independent_rows_are_found_by_divisions_without_remainder() -> None:
    rows = along_an_edge(12, 30, 100)
    work = checker.Work()
    known = checker.Independent(12, work)
    known.extend(rows)
    kept = [x for _, row in known._rows for x in row]
    assert len(known._rows) == 11 and max(map(int.bit_length, kept)) <= 12 * (333 + 4)
    known.extend([[1, *[0] * 11, -1]])
    assert work.done >= 2 * 13 * sum(range(12)) + 2 * 13 * 19 * 11
    with pytest.raises(checker.Refused):
        checker.Independent(12, checker.Work(1000)).extend(rows)
    assert known.span([[5, *rows[0][1:-1], -5]]) and not known.span([[1] * 13])


def test_zeros_of_one_vertex_are_proved_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """What vanishes there anyway is reduced once, not for every zero that is supposed."""
    made: list[checker.Independent] = []

    class Noted(checker.Independent):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(checker, "Independent", Noted)
    assert "2 in number" in checker.check(encoded(repeated(cut_corner(3, []), 50)))
    assert len(made) == 3  # one for each vertex by name


def repeated(document: Document, count: int) -> Document:
    """The second unit so many times."""
    nodes = document["networks"][0]["nodes"]
    dense, relu = nodes[1:]
    for part in ("weight", "bias"):
        values = dense[part]["values"]
        dense[part]["values"] = values + values[len(values) // 2 :] * (count - 1)
        dense[part]["shape"][0] += count - 1
    dense["shape"], relu["shape"] = [count + 1], [count + 1]
    return {**document, "networks": [entry(nodes)]}


@pytest.mark.parametrize("off", ["0", f"1/{1 << 66}"])
def test_a_zero_beside_one_other_is_proved_by_it_alone(off: str) -> None:
    """At an auxiliary vertex inside, where one function is 0 by name: another one is, if it is a multiple of it."""
    document = cut_corner(2, [])
    nodes, proof = document["networks"][0]["nodes"], document["proof"]
    nodes[1]["weight"]["values"].reverse()  # what is supposed comes first
    nodes[1]["bias"]["values"] = [str(Fraction(off) - Fraction(1, 21)), "-1/7"]
    proof["vertices"] = [[*row[:3], 1, 0] if len(row) == 5 else row for row in proof["vertices"]]
    document["networks"] = [entry(nodes)]
    proof["vertices"] = [*proof["vertices"][:3], ["1/2", "1/2"], *proof["vertices"][3:]]
    proof["regions"] = [[[v + (v > 2) for v in simplex] for simplex in region] for region in proof["regions"]]
    proof["vertices"].append([0, 3, 2, 0, 0])
    if off == "0":
        assert "2 in number" in checker.check(encoded(document))
        return
    with pytest.raises(checker.Open, match="rule 29"):
        checker.check(encoded(document))
