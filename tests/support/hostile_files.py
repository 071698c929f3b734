"""Small certificates of all versions that would keep a checker busy, or fill its memory, did it not count.

Each kind is made in any size; ``HOSTILE`` holds it at less than 64,000 characters.
"""

from __future__ import annotations

import base64
import gzip
import random
import struct
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cpwl import checker
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded

Nodes = list[dict[str, Any]]
SQUARE = [["0", "0"], ["1", "0"], ["1", "1"], ["0", "1"]]
PLANE = {"polygon": SQUARE, "origin": ["0", "0"], "basis": [["1", "0"], ["0", "1"]]}


# ---- parts -----------------------------------------------------------------------------------------------------------
def tensor(values: list[Any], *shape: int) -> dict[str, Any]:
    return {"shape": list(shape or (len(values),)), "values": [str(Fraction(x)) for x in values]}


def long(digits: int) -> Fraction:
    """A number near 1 of so many digits, twice."""
    return Fraction(10**digits + 7, 10**digits - 3)


def start(shape: list[int] | None = None) -> Nodes:
    return [{"op": "Input", "inputs": [], "shape": shape or [1, 2]}]


def windows(weight: list[Any], source: int, entries: int, padding: int = 0, gap: int = 1, bias: Any = -1) -> Any:
    """A convolution of one channel."""
    reach = entries + 2 * padding - gap * (len(weight) - 1)
    return {
        "op": "Conv", "inputs": [source], "shape": [1, reach], "weight": tensor(weight, 1, 1, len(weight)),
        "bias": tensor([bias]), "stride": [1], "padding": [[padding, padding]], "dilation": [gap], "groups": 1,
    }  # fmt: skip


def steps(source: int, shape: list[int], slopes: tuple[Any, ...] = (0, 1), at: tuple[Any, ...] = (0,)) -> Any:
    return {
        "op": "Piecewise", "inputs": [source], "shape": shape, "breakpoints": tensor(list(at)),
        "slopes": tensor(list(slopes)), "value": "0",
    }  # fmt: skip


def dense(source: int, rows: list[list[Any]], bias: list[Any]) -> Any:
    weight = tensor([x for row in rows for x in row], len(rows), len(rows[0]))
    return {"op": "Dense", "inputs": [source], "shape": [len(rows)], "weight": weight, "bias": tensor(bias)}


def first(source: int) -> Any:
    return {"op": "Gather", "inputs": [source], "shape": [1], "index": {"shape": [1], "values": [0]}}


def scale(source: int, shape: list[int], factor: Any, shift: Any = 0) -> Any:
    return {"op": "Scale", "inputs": [source], "shape": shape, "factor": tensor([factor]), "shift": tensor([shift])}


def spread(count: int, layers: int) -> Nodes:
    """About so many entries to the power of the layers, which all differ."""
    made, gap = start(), 2
    for k in range(layers):
        made.append(windows(list(range(1, count + 1)), k, width(made), gap * (count - 1), gap))
        gap *= count
    return made


def width(nodes: Nodes) -> int:
    size: int = nodes[-1]["shape"][-1]
    return size


def in_a_row(source: int, size: int) -> Any:
    """The entries of a vector as those of one channel."""
    index = {"shape": [1, size], "values": list(range(size))}
    return {"op": "Gather", "inputs": [source], "shape": [1, size], "index": index}


def fan(units: int, bias: int = 3) -> Nodes:
    """A layer of units that bend on lines of one direction."""
    lines = dense(0, [[1, -1]] * units, [Fraction(1, j + bias) for j in range(units)])
    return [*start([2]), lines, steps(1, [units])]


def file(version: int, kind: str, nodes: Nodes, claim: Any, proof: Any = None, domain: Any = None) -> Document:
    document = {
        "format": checker.FORMAT, "version": version, "kind": kind,
        "networks": [{"nodes": nodes, "sha256": digest(nodes)}], "domain": domain or PLANE, "claim": claim,
    }  # fmt: skip
    return document if proof is None else {**document, "proof": proof}


def named(nodes: Nodes, names: list[list[Any]] | None = None, bits: int = 64, times: int = 1) -> Document:
    """The unit square as one region."""
    regions = [[[0, 1, 2], [0, 2, 3]] * times]
    proof = {"bits": bits, "vertices": SQUARE + (names or []), "regions": regions}
    return file(3, "partition", nodes, {"regions": 1}, proof)


def level(nodes: Nodes, points: int, dimension: int = 2) -> Document:
    """That the output is 0 at many points, of version 2."""
    basis = [[str(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    domain = {"halfspaces": [["1"] * (dimension + 1)], "origin": ["0"] * dimension, "basis": basis}
    claim = {"points": [[f"1/{k + 2}"] * dimension for k in range(points)], "level": "0"}
    return file(2, "level-sample", nodes, claim, domain=domain)


def plain(dimension: int = 2) -> Nodes:
    return [*start([dimension]), dense(0, [[1] * dimension], [0])]


def equality(first_network: Nodes, second: Nodes) -> Document:
    document = named(first_network)
    networks = [{"nodes": nodes, "sha256": digest(nodes)} for nodes in (first_network, second)]
    return {**document, "kind": "equal-networks", "networks": networks, "claim": {}}


# ---- kinds -----------------------------------------------------------------------------------------------------------
def units(count: int) -> Document:
    nodes = spread(count, 3)
    return named([*nodes, steps(3, [1, width(nodes)])])


def units_after_units(count: int) -> Document:
    nodes = spread(count, 3)
    return named([*nodes, steps(3, [1, width(nodes)]), steps(4, [1, width(nodes)])])


def windows_after_units(count: int) -> Document:
    nodes = spread(count, 3)
    nodes.append(steps(3, [1, width(nodes)]))
    for k in range(3):
        nodes.append(windows([1, Fraction(-1, 2), 1], 4 + 2 * k, width(nodes), 1, bias=Fraction(1, 7)))
        nodes.append(steps(5 + 2 * k, [1, width(nodes)]))
    return named(nodes)


def sums_after_units(count: int) -> Document:
    nodes = spread(count, 3)
    size = width(nodes)
    nodes.append(steps(3, [1, size]))
    for k in range(40):
        nodes.append({"op": "Sum", "inputs": [4 + k, 4], "shape": [1, size], "coefficients": ["1", "1/3"]})
    return named(nodes)


def layers_of_units(count: int) -> Document:
    nodes = [*fan(40), in_a_row(2, 40)]
    for k in range(count):
        nodes.append(windows([1, Fraction(-2, 3), Fraction(1, 3)], 3 + 3 * k, 40, 1, bias=Fraction(1, 9)))
        nodes.append(steps(4 + 3 * k, [1, 40]))
        nodes.append({"op": "Sum", "inputs": [5 + 3 * k, 3], "shape": [1, 40], "coefficients": ["1", "1"]})
    return named(nodes, [[f"1/{k + 2}", "1/3"] for k in range(8 * count)])


def narrow_layers(count: int, slopes: tuple[Any, ...] = (Fraction(1, 3), 1), bits: int = 64) -> Document:
    nodes = [*fan(40), in_a_row(2, 40)]
    for k in range(count):
        nodes.append(windows([1, Fraction(-2, 3), Fraction(1, 3)], 3 + 2 * k, 40, 1, bias=Fraction(1, 9)))
        nodes.append(steps(4 + 2 * k, [1, 40], slopes))
    return named(nodes, [[f"1/{k + 2}", "1/3"] for k in range(8 * count)], bits)


def long_numbers_at_points(count: int, digits: int = 1000) -> Document:
    nodes = [*start(), windows([1], 0, 2, 25 * count), steps(1, [1, 2 + 50 * count])]
    nodes += [scale(2 + k, [1, 2 + 50 * count], long(digits), Fraction(1, 3)) for k in range(8)]
    return level([*nodes, first(len(nodes) - 1)], count)


def words_far_apart(count: int) -> Document:
    """Few characters for numbers of 2098 bits over their common denominator."""
    nodes = [*start([2]), steps(0, [2])]
    text = base64.b64encode(struct.pack("<4d", 1.7e308, 5e-324, 3.0, 1.0)).decode()
    for k in range(count):
        node = dense(1 + k, [[0, 0], [0, 0]], [0, 0])
        nodes.append({**node, "weight": {"shape": [2, 2], "floats": text}})
    return level([*nodes, first(len(nodes) - 1)], 5 * count)


def one_number_of_many_entries(count: int) -> Document:
    nodes = [*start(), windows([1], 0, 2, 500 * count)]
    nodes.append(scale(1, [1, width(nodes)], long(1000), Fraction(1, 3)))
    nodes.append(steps(2, [1, width(nodes)], (long(500), Fraction(1, 7)), (Fraction(1, 3),)))
    return named(nodes)


def many_breakpoints(count: int) -> Document:
    nodes = [*start(), windows([1, 2], 0, 2, 50)]
    points = tuple(Fraction(k, count) for k in range(count))
    nodes.append(steps(1, [1, width(nodes)], tuple(k % 3 for k in range(count + 1)), points))
    return named(nodes)


def many_names_of_one_unit(count: int) -> Document:
    slopes, points = tuple(k % 3 for k in range(count + 1)), tuple(range(count))
    nodes = [*start([2]), dense(0, [[count, 0]], [0]), steps(1, [1], slopes, points)]
    return named(nodes, [[0, 1, 2, 0, 1 + j % (count - 2)] for j in range(count)])


def names_in_a_maximum(count: int) -> Document:
    """All arguments are equal on one line: zeros of pairs follow from others."""
    nodes = [*start([2]), dense(0, [[j, count - j] for j in range(count)], [0] * count)]
    nodes.append({"op": "Max", "inputs": [1], "shape": []})
    return named(nodes, [[1, 3, 2, 0, 1 + j % (count - 1)] for j in range(20 * count)])


def names_and_units(count: int) -> Document:
    nodes = [*fan(count), in_a_row(2, count)]
    nodes.append(windows([(j * 7) % 11 - 5 for j in range(count // 2)], 3, count, count // 2))
    nodes.append(steps(4, [1, width(nodes)]))
    return named(nodes, [[1, 3, 2, j % count, 0] for j in range(2 * count)])


def supposed_zeros(count: int, digits: int = 1000) -> Document:
    """Units that nearly vanish together, and long numbers after them for the exact rows that are to prove it."""
    lines = [[Fraction(1, j + 3), Fraction(-1, j + 3)] for j in range(count)]
    nodes = [*start([2]), dense(0, lines, [0] * count), steps(1, [count])]
    nodes += [scale(2 + k, [count], long(digits), 0) for k in range(8)]
    domain = {"polygon": [["0", "0"], ["1", "0"], ["0", "1"]], "origin": ["0", "0"], "basis": [["1", "0"], ["0", "1"]]}
    proof = {"bits": 64, "vertices": [*domain["polygon"], [1, 2, 2, 0, 0]], "regions": [[[0, 1, 3]], [[0, 2, 3]]]}
    return file(3, "partition", nodes, {"regions": 2}, proof, domain)


def equal_with_long_numbers(count: int) -> Document:
    """No unit bends: sums of coordinates are positive."""

    def network(bias: Any) -> Nodes:
        nodes = [*start([2]), dense(0, [[1, 1]] * count, [Fraction(1, j + 3) for j in range(count)])]
        nodes.append(steps(1, [count]))
        nodes += [scale(2 + k, [count], long(700)) for k in range(4)]
        return [*nodes, dense(6, [[2] * count], [bias])]

    return equality(network(0), network(0))


def long_corners(count: int, digits: int = 1900) -> Document:
    far = [[str(1 / long(digits)), str(1 - 1 / long(digits) ** 2)]]
    proof = {"vertices": SQUARE + far, "regions": [[0, 1, 4]] * count}
    return file(1, "partition", plain(), {"regions": 1}, proof)


def long_edges(count: int) -> Document:
    """Edges along one side of the domain, all from one corner of many digits: their areas have a long denominator."""
    far, others = [[str(1 / long(1900) / 2), "0"]], [[str(Fraction(k, 2 * count + 1)), "0"] for k in range(1, count)]
    apexes = [[str(Fraction(k, 2 * count + 3)), str(Fraction(1, k + 1000))] for k in range(1, count)]
    regions = [[5 + k, 4, 5 + count - 1 + k] for k in range(count - 1)]
    return file(
        1, "partition", plain(), {"regions": 1}, {"vertices": SQUARE + far + others + apexes, "regions": regions}
    )


def long_simplices(count: int, dimension: int = 16, version: int = 2, digits: int = 600) -> Document:
    rng = random.Random(1)
    corners = [["0"] * dimension, *([str(int(i == j)) for j in range(dimension)] for i in range(dimension))]
    corners += [[f"1/{rng.randrange(2, 99)}" for _ in range(dimension)] for _ in range(8)]
    corners.append([str(1 / long(digits + k)) for k in range(6)] + ["0"] * (dimension - 6))
    last = len(corners) - 1
    simplices = [sorted([*rng.sample(range(last), dimension), last]) for _ in range(count)]
    sides = [[str(int(i == j)) for j in range(dimension + 1)] for i in range(dimension)] + [["-1"] * dimension + ["99"]]
    basis = corners[1 : dimension + 1]
    domain = {"halfspaces": sides, "origin": ["0"] * dimension, "basis": basis}
    proof: dict[str, Any] = {"vertices": corners, "regions": [simplices]}
    if version == 3:
        proof["bits"] = 4096
    return file(version, "partition", plain(dimension), {"regions": 1}, proof, domain)


def long_halfspaces(count: int, digits: int = 3900) -> Document:
    document = level(plain(), count)
    sides = [[str(k + 1), "1", str(10**digits + k)] for k in range(4)] + [
        [str(k), "1", "1000"] for k in range(1, count)
    ]
    return {**document, "domain": {**document["domain"], "halfspaces": sides}}


def many_coordinates(count: int) -> Document:
    """A long layer before all units, in sixteen coordinates."""
    nodes = [*start([1, 16]), windows([1] * 4, 0, 16, 150 * count)]
    nodes.append(steps(1, [1, width(nodes)]))
    return level([*nodes, first(2)], count, 16)


def many_outputs(count: int) -> Document:
    nodes = [*start(), windows([1, 2], 0, 2, 50 * count)]
    claim = {"points": [["1/2", f"1/{k + 2}"] for k in range(count)], "pairs": [[0, 1]] * count}
    return file(1, "equality-sample", nodes, claim)


def many_segments(count: int) -> Document:
    nodes = spread(min(count, 12), 3)
    segments = [[["0", "0"], ["1", f"1/{k + 2}"]] for k in range(count)]
    claim = {"bits": 4096, "segments": segments, "pairs": [[0, 1]] * count}
    return file(3, "equality-sample", [*nodes, steps(3, [1, width(nodes)])], claim)


def windows_of_one(count: int) -> Document:
    nodes = start()
    nodes += [windows([1], 0, 2, min(20_000, 500 * count)) for _ in range(count)]
    return named([*nodes, first(1)])


def simplices_again(count: int, bits: int = 4096) -> Document:
    return named([*plain(), steps(1, [1])], bits=bits, times=count)


KINDS: dict[str, tuple[Callable[[int], Document], int, int]] = {
    "units": (units, 7, 18),
    "units after units": (units_after_units, 6, 18),
    "windows after units": (windows_after_units, 4, 14),
    "sums after units": (sums_after_units, 3, 12),
    "layers of units": (layers_of_units, 3, 75),
    "narrow layers": (narrow_layers, 4, 80),
    "narrow layers of long numbers": (lambda count: narrow_layers(count, (0, 1), 4096), 3, 60),
    "long numbers at points": (long_numbers_at_points, 4, 600),
    "words far apart": (words_far_apart, 8, 150),
    "one number of many entries": (one_number_of_many_entries, 4, 600),
    "many breakpoints": (many_breakpoints, 50, 3000),
    "many names of one unit": (many_names_of_one_unit, 40, 1400),
    "names in a maximum": (names_in_a_maximum, 12, 90),
    "names and units": (names_and_units, 20, 400),
    "supposed zeros": (supposed_zeros, 4, 150),
    "equal with long numbers": (equal_with_long_numbers, 3, 300),
    "long corners": (long_corners, 20, 3500),
    "long edges": (long_edges, 10, 500),
    "long simplices": (long_simplices, 4, 500),
    "long simplices, named": (lambda count: long_simplices(count, 16, 3), 2, 500),
    "long halfspaces": (long_halfspaces, 10, 1000),
    "many coordinates": (many_coordinates, 4, 300),
    "many outputs": (many_outputs, 10, 1500),
    "many segments": (many_segments, 3, 1200),
    "windows of one number": (windows_of_one, 2, 60),
    "simplices again": (simplices_again, 10, 2000),
}
"""Each kind, and its size for a test that runs it to the end, and for one of less than 64,000 characters."""


def hostile(name: str, small: bool = False) -> bytes:
    """The bytes of a file."""
    make, few, many = KINDS[name]
    return encoded(make(few if small else many))


def bomb(count: int) -> bytes:
    """A short file that unpacks to much."""
    return gzip.compress(b"[" + b"[]," * count + b"[]]", 9)


# ---- what they cost --------------------------------------------------------------------------------------------------
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
