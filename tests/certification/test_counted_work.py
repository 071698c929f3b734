"""What is counted beside the network: halfspaces, determinants, points of the frame, corners of polygons."""

from __future__ import annotations

from typing import Any

import pytest

from cpwl import checker
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded

SQUARE = [["0", "0"], ["1", "0"], ["1", "1"], ["0", "1"]]


def tensor(values: list[Any], *shape: int) -> dict[str, Any]:
    return {"shape": list(shape or (len(values),)), "values": values}


def affine(inputs: int, outputs: int = 1) -> list[dict[str, Any]]:
    """A network without units."""
    weight = tensor(["1"] * inputs * outputs, outputs, inputs)
    return [
        {"op": "Input", "inputs": [], "shape": [inputs]},
        {"op": "Dense", "inputs": [0], "shape": [outputs], "weight": weight, "bias": tensor(["0"] * outputs)},
    ]


def simplex(dimension: int, copies: int = 1, vertices: int = 0) -> Document:
    """One simplex of some dimension as one region, every side of it so many times, and further vertices."""
    corners = [["0"] * dimension] + [["1" if j == i else "0" for j in range(dimension)] for i in range(dimension)]
    sides = [["1" if j == i else "0" for j in range(dimension + 1)] for i in range(dimension)]
    sides.append(["-1"] * dimension + ["1"])
    nodes = affine(dimension)
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
    beside, determinants = 2 * (dimension + 1) ** 3, (dimension + 1) ** 3  # twice: in the domain, and along it
    assert least >= beside + determinants + 2 * (dimension + 1) ** 2 + network
    more = work_of(simplex(dimension, copies=5, vertices=7))
    assert more - work_of(simplex(dimension, copies=5)) >= 7 * 5 * (dimension + 1) ** 2
    assert more - work_of(simplex(dimension, vertices=7)) >= 4 * (dimension + 8) * (dimension + 1) ** 2


@pytest.mark.parametrize("dimension", [1, 3, 12])
def test_determinants_are_counted_for_each_simplex(dimension: int) -> None:
    """Of a simplex that is listed again and again, which is found out later."""
    counted = []
    for copies in (2, 5):
        document, spent = simplex(dimension), checker.Work()
        document["proof"]["regions"] = [document["proof"]["regions"][0] * copies]
        with pytest.raises(checker.Rejected):
            checker.decided(document, [], spent)
        counted.append(spent.done)
    assert counted[1] - counted[0] >= 3 * (dimension + 1) ** 3


def test_many_vertices_and_many_halfspaces_are_refused_before_they_are_compared() -> None:
    data = encoded(simplex(2, copies=1300, vertices=5000))
    with pytest.raises(checker.Refused):
        checker.check(data, most=10**7)
    named = {**simplex(2, copies=1300), "version": 3}
    named["proof"] = {"bits": 64, **simplex(2, vertices=5000)["proof"]}
    with pytest.raises(checker.Refused):
        checker.check(encoded(named), most=10**7)


def on_a_square(nodes: list[dict[str, Any]], **other: Any) -> Document:
    """A certificate of version 1 about the unit square."""
    return {
        "format": checker.FORMAT, "version": 1, "networks": [{"nodes": nodes, "sha256": digest(nodes)}],
        "domain": {"polygon": SQUARE, "origin": ["0", "0"], "basis": [["1", "0"], ["0", "1"]]}, **other,
    }  # fmt: skip


def test_points_of_the_frame_are_counted_where_there_are_no_others() -> None:
    document = on_a_square(affine(2), kind="level-sample", claim={"points": [], "level": "0"})
    products, read = 3 * (2 + 1 + 2), checker.Work()
    checker.Network.of(document["networks"][0], {}, 0, read)
    counted = work_of(document) - read.done
    assert counted == products + 8 * 3 * (2 + 1) + 3  # each value is listed; each number of the affine map is made
    with pytest.raises(checker.Refused):
        checker.check(encoded(document), most=8 * len(encoded(document)) + read.done + counted - 1)


def test_polygons_are_counted() -> None:
    kind = {"kind": "partition", "claim": {"regions": 1}}
    one = on_a_square(affine(2), **kind, proof={"vertices": SQUARE, "regions": [[0, 1, 2, 3]]})
    halves = on_a_square(affine(2), **kind, proof={"vertices": SQUARE, "regions": [[0, 1, 2], [0, 2, 3]]})
    spent = checker.Work()
    with pytest.raises(checker.Rejected, match="rule 9"):
        checker.decided(halves, [], spent)
    assert spent.done - work_of(one) >= 2 * checker.WORK_OF_A_CORNER
