"""The golden certificates of version 3; see ``make``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cpwl.claims.domains import domain_of
from cpwl.claims.entries import fraction, network_of
from cpwl.network.digest import digest
from tests.support.checker_inputs import Document, encoded
from tests.support.float_words import in_words, numbers, weights_of, words
from tests.support.named_inputs import output_at

Change = Callable[[Document], Any]


def changed(document: Document, change: Change) -> Document:
    """A copy of a document with a change, its regions counted anew."""
    result = copy.deepcopy(document)
    change(result)
    if "regions" in result["claim"] and isinstance(result["proof"]["regions"], list):
        result["claim"]["regions"] = len(result["proof"]["regions"])
    return result


def names(document: Document) -> list[list[int]]:
    """The vertices that are named."""
    return [row for row in document["proof"]["vertices"] if isinstance(row[0], int)]


def table(document: Document) -> list[Any]:
    vertices: list[Any] = document["proof"]["vertices"]
    return vertices


def regions(document: Document) -> list[list[list[int]]]:
    listed: list[list[list[int]]] = document["proof"]["regions"]
    return listed


def set_name(document: Document, which: int, place: int, value: int) -> None:
    names(document)[which][place] = value


def across(document: Document) -> None:
    """A name of the second layer with ends on two sides of a unit of the first one: corners of the domain."""
    second = max(row[2] for row in names(document))
    row = next(row for row in names(document) if row[2] == second)
    row[:2] = [0, 2]


def split_one(document: Document) -> None:
    region = max(regions(document), key=len)
    regions(document).append([region.pop()])


def join_two(document: Document) -> None:
    regions(document)[0] += regions(document).pop()


def twice(document: Document) -> None:
    """All simplices again, over a second table of the same vertices."""
    proof, corners = document["proof"], len(table(document)) - len(names(document))
    count = len(table(document))
    place = [v if v < corners else v + corners for v in range(count)]
    place_again = [v + corners if v < corners else v + count for v in range(count)]
    renamed = [[where[p], where[q], *name] for where in (place, place_again) for p, q, *name in names(document)]
    first = [row for row in table(document) if isinstance(row[0], str)]
    both = sorted(zip([row[2] for row in renamed], range(len(renamed)), renamed))
    order = {2 * corners + old: 2 * corners + new for new, (_, old, _) in enumerate(both)}
    at = lambda v: order.get(v, v)  # noqa: E731
    proof["vertices"] = [*first, *first, *([at(p), at(q), *name] for _, _, (p, q, *name) in both)]
    proof["regions"] = [
        [sorted(at(where[v]) for v in simplex) for where in (place, place_again) for simplex in region]
        for region in proof["regions"]
    ]


def rejected_names(made: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    part, top, sample = made["named-partition"], made["named-extremum-maximum"], made["named-boundary-sample"]
    last = len(table(part)) - 1
    yield "rule-26-named-end-that-comes-later", changed(part, lambda d: set_name(d, 0, 0, last))
    yield "rule-26-named-end-that-is-itself", changed(part, lambda d: set_name(d, -1, 1, last))
    yield "rule-26-named-node-without-units", changed(part, lambda d: set_name(d, 0, 2, 1))
    yield "rule-26-named-node-after-the-last", changed(part, lambda d: set_name(d, -1, 2, 1000))
    yield "rule-26-named-between-two-pieces-of-a-unit", changed(part, across)
    yield (
        "rule-26-named-segment-over-two-regions",
        changed(sample, lambda d: d["claim"]["segments"][0].__setitem__(0, ["1", "1"])),
    )
    yield "rule-27-named-ends-that-are-one", changed(part, lambda d: set_name(d, 0, 1, names(d)[0][0]))
    yield "rule-27-named-function-of-no-unit-that-bends", changed(part, lambda d: set_name(d, 0, 3, 999))
    yield (
        "rule-27-named-segment-turned-off",
        changed(sample, lambda d: d["claim"]["segments"][0].__setitem__(0, d["claim"]["segments"][0][1])),
    )
    yield "rule-28-named-too-few-bits", changed(part, lambda d: d["proof"].__setitem__("bits", 6))
    yield "rule-3-named-corner-outside", changed(part, lambda d: table(d)[0].__setitem__(0, "-3/2"))
    yield "rule-23-named-corner-inside", changed(part, lambda d: table(d)[0].__setitem__(0, "-7/8"))
    yield "rule-23-named-simplex-missing", changed(part, lambda d: max(regions(d), key=len).pop())
    yield "rule-23-named-region-missing", changed(part, lambda d: regions(d).pop())
    yield "rule-24-named-no-regions", changed(part, lambda d: regions(d).clear())
    yield "rule-25-named-everything-twice", changed(part, twice)
    yield "rule-8-named-regions-joined", changed(part, join_two)
    yield "rule-9-named-region-divided", changed(part, split_one)
    yield "rule-11-named-count-too-large", {**part, "claim": {"regions": part["claim"]["regions"] + 1}}
    yield (
        "rule-12-named-another-vertex",
        changed(top, lambda d: d["claim"].__setitem__("vertex", d["claim"]["vertex"] + 1)),
    )
    yield "rule-13-named-bounds-of-a-lower-value", changed(top, lower)
    yield (
        "rule-14-named-the-whole-domain",
        {**part, "kind": "constant-decision", "claim": made["named-constant-decision"]["claim"]},
    )
    yield "rule-17-named-third-output-is-larger", changed(made["named-equality-sample"], third)
    yield "rule-1-words-of-another-network", changed(in_words(part), other_word)
    equal = made["named-equal-networks"]
    yield "rule-19-named-last-bias-edited", changed(equal, lambda d: add_to_bias(d, -1, 0))
    yield "rule-29-named-wall-beside-another", changed(equal, lambda d: add_to_bias(d, 1, 2))


def add_to_bias(document: Document, node: int, unit: int) -> None:
    """A bias of the second network larger by 2^-200."""
    network = document["networks"][1]
    bias = network["nodes"][node]["bias"]["values"]
    bias[unit] = str(Fraction(bias[unit]) + Fraction(1, 2**200))
    network["sha256"] = digest(network["nodes"])


def other_word(document: Document) -> None:
    """A weight that is a little larger."""
    weight = weights_of(document)[0]
    first, *others = numbers(weight["floats"])
    weight["floats"] = words([first + 2**-20, *others])


def third(document: Document) -> None:
    """The outputs of the pairs stay equal, and the third one is larger."""
    assert {tuple(sorted(pair)) for pair in document["claim"]["pairs"]} == {(0, 1)}
    document["kind"] = "boundary-sample"
    network = document["networks"][0]
    network["nodes"][-1]["bias"]["values"][2] = "100"
    network["sha256"] = digest(network["nodes"])


def lower(document: Document) -> None:
    """Bounds that hold the value of a corner of the domain, and not the largest."""
    net = network_of(document["networks"][0])
    domain, output = domain_of(document["domain"], net), document["claim"]["output"]
    corners = [[fraction(x) for x in row] for row in table(document) if isinstance(row[0], str)]
    values = output_at(net, domain, corners)[:, output]
    vertex = int(values.argmin())
    high = values[vertex] + Fraction(1, 2**40)
    document["claim"] |= {"low": "-1000", "high": str(high), "vertex": vertex}


def malformed_names(made: dict[str, Document]) -> Iterator[tuple[str, bytes]]:
    part, top, sample = made["named-partition"], made["named-extremum-maximum"], made["named-boundary-sample"]
    changes: dict[str, tuple[Document, Change]] = {
        "bits-0": (part, lambda d: d["proof"].__setitem__("bits", 0)),
        "bits-5000": (part, lambda d: d["proof"].__setitem__("bits", 5000)),
        "bits-are-text": (part, lambda d: d["proof"].__setitem__("bits", "128")),
        "bits-are-missing": (part, lambda d: d["proof"].pop("bits")),
        "name-of-four": (part, lambda d: names(d)[0].pop()),
        "name-negative": (part, lambda d: set_name(d, 0, 3, -1)),
        "name-true": (part, lambda d: set_name(d, 0, 3, True)),
        "corner-after-names": (part, lambda d: table(d).append(["0", "0"])),
        "no-corners": (part, lambda d: d["proof"].__setitem__("vertices", names(d))),
        "no-vertices": (part, lambda d: table(d).clear()),
        "regions-are-polygons": (part, lambda d: d["proof"].__setitem__("regions", [[0, 1, 2]])),
        "simplex-beyond-the-table": (part, lambda d: regions(d)[0][0].__setitem__(2, 10**6)),
        "value-and-no-bounds": (top, lambda d: d["claim"].__setitem__("value", d["claim"].pop("low"))),
        "sense-is-none": (top, lambda d: d["claim"].__setitem__("sense", None)),
        "kind-without-names": (sample, lambda d: d.__setitem__("kind", "level-sample")),
        "segment-of-three-ends": (sample, lambda d: d["claim"]["segments"][0].append(["0", "0"])),
        "segment-without-pair": (sample, lambda d: d["claim"]["pairs"].pop()),
        "no-segments": (sample, lambda d: d["claim"].update(segments=[], pairs=[])),
        "domain-is-null": (part, lambda d: d.__setitem__("domain", None)),
        "domain-is-true": (part, lambda d: d.__setitem__("domain", True)),
        "domain-is-a-list": (part, lambda d: d.__setitem__("domain", ["polygon"])),
        "proof-is-null": (part, lambda d: d.__setitem__("proof", None)),
        "claim-is-a-list": (part, lambda d: d.__setitem__("claim", [])),
        "version-4": (part, lambda d: d.__setitem__("version", 4)),
    }
    for name, (document, change) in changes.items():
        wrong = copy.deepcopy(document)
        change(wrong)
        yield f"named-{name}.json", encoded(wrong)
    for name, text in other_words(weights_of(in_words(part))[0]["floats"]).items():
        wrong = in_words(part)
        weights_of(wrong)[0]["floats"] = text
        yield f"words-{name}.json", encoded(rehashed(wrong))
    wrong = in_words(part)
    weights_of(wrong)[0]["values"] = weights_of(part)[0]["values"]
    yield "words-and-values.json", encoded(rehashed(wrong))
    wrong = in_words(part)
    bias = wrong["networks"][0]["nodes"][1]["bias"]
    bias["floats"] = words([float(fraction(text)) for text in bias.pop("values")])
    yield "words-of-a-bias.json", encoded(rehashed(wrong))


def other_words(text: str) -> dict[str, Any]:
    """Strings in place of one of words."""
    first, *others = numbers(text)
    return {
        "one-too-few": words(others),
        "one-too-many": words([first, first, *others]),
        "infinite": words([float("inf"), *others]),
        "no-number": words([float("nan"), *others]),
        "minus-zero": words([-0.0, *others]),
        "cut-off": text[:-4],
        "with-a-space": text[:4] + " " + text[4:],
        "without-padding": text.rstrip("=") if text.endswith("=") else text + "=",
        "not-base64": "*" + text[1:],
        "url-safe": "-_" + text[2:],
        "as-a-list": [text],
        "null": None,
    }


def rehashed(document: Document) -> Document:
    """With the SHA-256 of the networks as they are."""
    for network in document["networks"]:
        network["sha256"] = digest(network["nodes"])
    return document
