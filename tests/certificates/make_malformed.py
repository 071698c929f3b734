"""Golden files that are no certificates: those that a checker must refuse before it computes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np

from cpwl.claims.entries import network_entry
from cpwl.network import Dense, Network
from tests.certificates.changes import Change, changed, put, renamed
from tests.certificates.make_solids import malformed_solids
from tests.support.checker_inputs import Document, encoded


def malformed(made: dict[str, Document]) -> Iterator[tuple[str, bytes]]:
    part, data = made["partition"], encoded(made["partition"])
    yield "empty.json", b""
    yield "not-json.json", b"a certificate"
    yield "a-list.json", b"[]"
    yield "cut-off.json", data[:-40]
    yield "more-after-the-end.json", data + data
    yield "cut-off.json.gz", gzip.compress(data, mtime=0)[:-20]
    yield "gzip-with-rubbish-after-it.json.gz", gzip.compress(data, mtime=0) + b"rubbish"
    yield "gzip-of-gzip.json.gz", gzip.compress(gzip.compress(data, mtime=0), mtime=0)
    yield "not-ascii.json", data.replace(b'"1"', '"١"'.encode(), 1)
    yield "escaped-digit.json", data.replace(b'"1"', b'"\\u0031"', 1)
    yield "key-given-twice.json", data.replace(b'"version":1', b'"version":1,"version":1')
    yield "nested-too-deeply.json", b"[" * 100_000 + b"]" * 100_000
    yield "utf-16.json", data.decode().encode("utf-16-le")
    yield "object-nested-too-deeply.json", data[:-1] + b',"x":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_000 + b"}"
    yield "float-number.json", data.replace(b'"regions":13', b'"regions":13.0')
    yield "exponent-number.json", data.replace(b'"regions":13', b'"regions":1e9')
    yield "not-a-number.json", data.replace(b'"regions":13', b'"regions":NaN')
    yield "long-integer.json", data.replace(b'"regions":13', b'"regions":' + b"9" * 5000)
    for name, change in malformed_changes(part):
        yield f"{name}.json", encoded(changed(part, change))
    for name, change in malformed_solids():
        yield f"solid-{name}.json", encoded(changed(made["solid-partition"], change))
    for name, change in malformed_networks():
        yield f"network-{name}.json", encoded(changed(made["every-operator"], renamed(change)))
    yield "networks-of-different-inputs.json", encoded(different_inputs(made["equal-networks"]))


def malformed_changes(part: Document) -> Iterator[tuple[str, Change]]:
    yield "another-format", put("certificate", "format")
    yield "version-0", put(0, "version")
    yield "version-2", put(2, "version")
    yield "version-true", put(True, "version")
    yield "unknown-kind", put("tiling", "kind")
    yield "kind-is-a-list", put([], "kind")
    yield "unknown-key", put("yes", "verified")
    yield "claim-is-missing", lambda d: d.pop("claim")
    yield "proof-is-missing", lambda d: d.pop("proof")
    yield "two-networks", lambda d: d["networks"].append(d["networks"][0])
    yield "network-is-null", put(None, "networks", 0)
    yield "pattern-in-a-region", put({"corners": part["proof"]["regions"][0]}, "proof", "regions", 0)
    yield "corner-beyond-the-table", put(10_000, "proof", "regions", 0, 0)
    yield "corner-negative", put(-1, "proof", "regions", 0, 0)
    yield "corner-true", put(True, "proof", "regions", 0, 0)
    yield "corner-is-a-string", put("1", "proof", "regions", 0, 0)
    yield "point-of-three-coordinates", put(["0", "0", "1"], "proof", "vertices", 0)
    texts = {
        "as-an-integer": 1, "with-a-point": "0.5", "with-an-exponent": "1e3", "hexadecimal": "0x1p-3",
        "over-zero": "1/0", "over-a-negative": "1/-2", "not-in-lowest-terms": "2/4", "over-one": "1/1",
        "with-leading-zero": "01", "with-plus": "+1", "minus-zero": "-0", "with-a-space": " 1",
        "with-underscore": "1_0",
        "empty": "", "infinite": "inf", "too-long": "9" * 4001, "very-long": "9" * 300_000,
        "with-a-long-denominator": "1/" + "9" * 4001,
    }  # fmt: skip
    for name, text in texts.items():
        yield f"number-{name}", put(text, "proof", "vertices", 0, 0)
    yield "basis-of-one-column", lambda d: [row.pop() for row in d["domain"]["basis"]]
    yield "origin-is-null", put(None, "domain", "origin")
    yield "domain-of-5000-corners", put([["0", "0"]] * 5000, "domain", "polygon")
    yield "origin-too-short", lambda d: d["domain"]["origin"].pop()
    yield "number-of-regions-is-a-string", put("13", "claim", "regions")


def malformed_networks() -> Iterator[tuple[str, Change]]:
    node = ("networks", 0, "nodes")
    yield "reads-a-later-node", put([3], *node, 2, "inputs")
    yield "reads-itself", put([2], *node, 2, "inputs")
    yield "nested-almost-too-deeply", lambda d: d["networks"][0]["nodes"].append(nested(300))
    yield "without-input", lambda d: d["networks"][0]["nodes"].pop(0)
    yield "of-one-node", lambda d: d["networks"][0]["nodes"].__setitem__(slice(1, None), [])
    yield "with-two-inputs", put({"op": "Input", "inputs": [], "shape": [2]}, *node, 1)
    yield "unknown-operator", put("Sigmoid", *node, 1, "op")
    yield "operator-is-a-list", put([], *node, 1, "op")
    yield "periodic-operator", put("Periodic", *node, 1, "op")
    yield "with-a-name", put("fc1", *node, 1, "name")
    yield "wrong-shape", put([25], *node, 1, "shape")
    yield "empty-axis", put([0], *node, 1, "shape")
    yield "shape-too-large", put([10**9, 10**9], *node, 1, "shape")
    yield "weight-too-short", lambda d: d["networks"][0]["nodes"][1]["weight"]["values"].pop()
    yield "weight-of-floats", put([0.5] * 48, *node, 1, "weight", "values")
    yield "weight-beyond-all-floats", put("9" * 2000, *node, 1, "weight", "values", 0)
    yield "index-too-large", put(24, *node, 2, "index", "values", 0)
    yield "index-minus-2", put(-2, *node, 2, "index", "values", 0)
    yield "stride-zero", put([0], *node, 3, "stride")
    yield "padding-negative", put([[-1, 0]], *node, 3, "padding")
    yield "padding-of-a-million", padded_by_a_million
    yield "input-of-a-node-many-times", read_many_times
    yield "maximum-of-many-arguments", largest_of_many
    yield "breakpoints-of-many-entries", steps_of_many
    yield "padding-huge", put([[1, 60_000_000]], *node, 3, "padding")
    yield "groups-that-do-not-divide", put(3, *node, 3, "groups")
    yield "breakpoints-decrease", put({"shape": [2], "values": ["1", "0"]}, *node, 11, "breakpoints")
    yield "one-slope-too-few", put({"shape": [2], "values": ["1", "0"]}, *node, 11, "slopes")
    yield "divisor-zero", put("0", *node, 8, "divisor", "values", 0)
    yield "maximum-of-another-shape", put([4, 2], *node, 7, "shape")
    yield "one-coefficient-too-many", put(["1", "1", "1"], *node, 10, "coefficients")


def padded_by_a_million(document: Document) -> None:
    """An output of two million places, most of which read nothing: more work than the size of the file allows."""
    conv = document["networks"][0]["nodes"][3]
    conv["padding"], conv["stride"] = [[1_000_000, 1_000_000]], [1]
    conv["shape"][-1] = 2_000_000 + 6 - 2 * 2


def read_many_times(document: Document) -> None:
    """One entry, gathered from sixty times all those of a node before."""
    padded_many(document, 10**6)["nodes"].append(
        {"op": "Gather", "inputs": [1] * 60, "shape": [1], "index": {"shape": [1], "values": [0]}}
    )


def largest_of_many(document: Document) -> None:
    """A maximum of so many arguments that their pairs are more work than the size of the file allows."""
    padded_many(document, 10**5)["nodes"].append({"op": "Max", "inputs": [1], "shape": [1]})


def steps_of_many(document: Document) -> None:
    """Many breakpoints of many entries."""
    points = {"shape": [100], "values": list(map(str, range(100)))}
    slopes = {"shape": [101], "values": ["0", "1"] * 50 + ["0"]}
    padded_many(document, 10**6)["nodes"].append(
        {"op": "Piecewise", "inputs": [1], "shape": [1, 10**6], "breakpoints": points, "slopes": slopes, "value": "0"}
    )


def padded_many(document: Document, entries: int) -> Any:
    """The network, which now is so many entries, all but two of them 0."""
    (network,) = document["networks"]
    window = {"weight": {"shape": [1, 1, 1], "values": ["1"]}, "bias": {"shape": [1], "values": ["0"]}}
    moved = {"stride": [1], "padding": [[entries - 2, 0]], "dilation": [1], "groups": 1}
    network["nodes"] = [
        {"op": "Input", "inputs": [], "shape": [1, 2]},
        {"op": "Conv", "inputs": [0], "shape": [1, entries], **window, **moved},
    ]
    return network


def nested(depth: int) -> Any:
    """Lists in lists."""
    return [nested(depth - 1)] if depth else []


def different_inputs(document: Document) -> Document:
    wide = Network.sequential(3, [Dense(np.ones((2, 3)), np.zeros(2))])
    return changed(document, put(network_entry(wide), "networks", 1))
