"""Certificates in the plain form that the checker extracted from Coq reads: one node a number."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

Document = dict[str, Any]
Places = np.ndarray
"""Which number of the flat network an entry of a node's output is, in the node's shape."""


class Flat:
    """A network of scalar nodes, written as it grows; the first numbers are the coordinates."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.lines: list[str] = []
        self.nothing = self.linear([], Fraction(0))

    def add(self, line: str) -> int:
        self.lines.append(line)
        return len(self.lines) + self.dimension - 1

    def linear(self, terms: list[tuple[Fraction, int]], shift: Fraction) -> int:
        return self.add(f"linear {many([f'{number(w)} {i}' for w, i in terms])} {number(shift)}")

    def maximum(self, places: Places) -> Places:
        groups = places.reshape(-1, places.shape[-1])
        found = [self.add(f"maximum {many(list(map(str, group)))}") for group in groups]
        return np.array(found, dtype=int).reshape(places.shape[:-1])

    def each(self, made: Callable[..., int], places: Places, *tensors: Places) -> Places:
        """A node for each place, with the entries of tensors that broadcast to them."""
        spread = [np.broadcast_to(tensor, places.shape).ravel() for tensor in tensors]
        found = [made(int(i), *entries) for i, *entries in zip(places.ravel(), *spread, strict=True)]
        return np.array(found, dtype=int).reshape(places.shape)


def number(value: Fraction) -> str:
    """A number in binary digits."""
    return f"{value.numerator:b}/{value.denominator:b}"


def many(entries: list[str]) -> str:
    """Entries after their count."""
    return " ".join([str(len(entries)), *entries])


def tensor(entry: Document) -> Places:
    """A tensor of fractions."""
    values = np.empty(len(entry["values"]), dtype=object)
    values[:] = [Fraction(value) for value in entry["values"]]
    return values.reshape(entry["shape"])


def dense(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    weight, bias = tensor(node["weight"]), tensor(node["bias"])
    rows = inputs[0].reshape(-1, weight.shape[1])
    pairs = list(zip(weight, bias, strict=True))
    found = [flat.linear(list(zip(w, map(int, row), strict=True)), b) for row in rows for w, b in pairs]
    return np.array(found, dtype=int).reshape(node["shape"])


def convolution(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    """The sum of section 2 of the format, as it stands there."""
    weight, bias, d = tensor(node["weight"]), tensor(node["bias"]), len(node["stride"])
    each, width, out = weight.shape[0] // node["groups"], weight.shape[1], node["shape"][-d:]
    images = inputs[0].reshape(-1, *inputs[0].shape[-d - 1 :])
    found = []
    for image, o, t in product(images, range(weight.shape[0]), product(*map(range, out))):
        terms = []
        for c, j in product(range(width), product(*map(range, weight.shape[2:]))):
            at = [t[a] * node["stride"][a] + j[a] * node["dilation"][a] - node["padding"][a][0] for a in range(d)]
            if all(0 <= x < n for x, n in zip(at, image.shape[1:], strict=True)):
                terms.append((weight[(o, c, *j)], int(image[(o // each * width + c, *at)])))
        found.append(flat.linear(terms, bias[o]))
    return np.array(found, dtype=int).reshape(node["shape"])


def scaling(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    made = lambda i, factor, shift: flat.linear([(factor, i)], shift)  # noqa: E731
    return flat.each(made, inputs[0], tensor(node["factor"]), tensor(node["shift"]))


def division(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    made = lambda i, divisor: flat.linear([(1 / divisor, i)], Fraction(0))  # noqa: E731
    return flat.each(made, inputs[0], tensor(node["divisor"]))


def summation(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    weights = [Fraction(value) for value in node["coefficients"]]
    columns = zip(*(places.ravel() for places in inputs), strict=True)
    found = [flat.linear(list(zip(weights, map(int, column), strict=True)), Fraction(0)) for column in columns]
    return np.array(found, dtype=int).reshape(node["shape"])


def gathering(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    joined = np.concatenate([*(places.ravel() for places in inputs), [flat.nothing]])
    return joined[np.array(node["index"]["values"], dtype=int)].reshape(node["shape"])


def piecewise(flat: Flat, node: Document, inputs: list[Places]) -> Places:
    points, value = tensor(node["breakpoints"]), Fraction(node["value"])

    def made(i: int, slope: Fraction, *later: Fraction) -> int:
        pieces = [f"{number(b)} {number(s)}" for b, s in zip(points, later, strict=True)]
        return flat.add(f"piecewise {number(points[0])} {number(value)} {number(slope)} {many(pieces)} {i}")

    return flat.each(made, inputs[0], *tensor(node["slopes"]))


OPERATORS: dict[str, Callable[[Flat, Document, list[Places]], Places]] = {
    "Dense": dense,
    "Conv": convolution,
    "Scale": scaling,
    "Divide": division,
    "Sum": summation,
    "Gather": gathering,
    "Piecewise": piecewise,
    "Max": lambda flat, node, inputs: flat.maximum(inputs[0]),
}


def outputs(flat: Flat, network: Document, domain: Document) -> list[int]:
    """Adds a network on a domain and returns the numbers of its outputs."""
    start = [
        flat.linear([(Fraction(a), k) for k, a in enumerate(row)], Fraction(o))
        for o, row in zip(domain["origin"], domain["basis"], strict=True)
    ]
    nodes = network["nodes"]
    places = [np.array(start, dtype=int).reshape(nodes[0]["shape"])]
    for node in nodes[1:]:
        places.append(OPERATORS[node["op"]](flat, node, [places[i] for i in node["inputs"]]))
    return [int(i) for i in places[-1].ravel()]


def claim(document: Document, found: list[list[int]]) -> str:
    """The claim, about the numbers of the outputs."""
    kind, stated = document["kind"], document["claim"]
    if kind == "partition":
        return f"regions {stated['regions']}"
    if kind == "extremum":
        sense = {"maximum": "largest", "minimum": "smallest"}[stated["sense"]]
        return f"{sense} {found[0][stated['output']]} {number(Fraction(stated['value']))} {stated['vertex']}"
    if kind == "constant-decision":
        k = stated["class"]
        return f"decision {found[0][k]} {many([str(i) for j, i in enumerate(found[0]) if j != k])}"
    return f"equality {many([f'{i} {j}' for i, j in zip(*found, strict=True)])}"


def facts(document: Document, found: list[list[int]]) -> list[tuple[Any, list[str]]]:
    """The points of a claim, and what is claimed of each."""
    kind, stated = document["kind"], document["claim"]
    if kind == "different-networks":
        return [(stated["point"], [f"unequal {found[0][stated['output']]} {found[1][stated['output']]}"])]
    (numbers,) = found
    if kind == "decision-counterexample":
        k, j = stated["class"], stated["other"]
        return [(stated["point"], [f"different {k} {j}", f"not-above {numbers[k]} {numbers[j]}"])]
    if kind == "level-sample":
        return [(point, [f"level {numbers[0]} {number(Fraction(stated['level']))}"]) for point in stated["points"]]
    made = []
    for point, (j, k) in zip(stated["points"], stated["pairs"], strict=True):
        below = [f"not-above {i} {numbers[j]}" for i in numbers] if kind == "boundary-sample" else []
        made.append((point, [f"different {j} {k}", f"equal {numbers[j]} {numbers[k]}", *below]))
    return made


def place(point: list[str]) -> str:
    return " ".join(number(Fraction(x)) for x in point)


def listed(point: list[str]) -> str:
    return many([number(Fraction(x)) for x in point])


def indices(row: list[int]) -> str:
    return many(list(map(str, row)))


def outline(domain: Document, dimension: int) -> str:
    """The domain: a polygon, or halfspaces in so many coordinates."""
    if "polygon" in domain:
        return f"domain {many(list(map(place, domain['polygon'])))}"
    sides = [f"{listed(side[:-1])} {number(Fraction(side[-1]))}" for side in domain["halfspaces"]]
    return f"dimension {dimension} halfspaces {many(sides)}"


def plain(document: Document) -> str:
    """A certificate with its networks inside, in the plain form."""
    domain, planar = document["domain"], document["version"] == 1
    flat = Flat(len(domain["basis"][0]))
    found = [outputs(flat, network, domain) for network in document["networks"]]
    written = place if planar else listed
    start = [f"network {len(flat.lines)}", *flat.lines, outline(domain, flat.dimension)]
    if "proof" not in document:
        sample = [f"{written(point)} {many(stated)}" for point, stated in facts(document, found)]
        return "\n".join([*start, "sample", f"points {many(sample)}", ""])
    regions = document["proof"]["regions"]
    tiling = [
        "tiling",
        f"vertices {many(list(map(written, document['proof']['vertices'])))}",
        f"regions {many([indices(region) if planar else many(list(map(indices, region))) for region in regions])}",
        f"claim {claim(document, found)}",
    ]
    return "\n".join([*start, *tiling, ""])
