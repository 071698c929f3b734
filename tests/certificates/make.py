"""Writes the golden certificates beside it: accept/, reject/ (the name begins with the rule), malformed/.

    python -m tests.certificates.make

The files are kept; no test writes them. Run it when the format changes, and read what it changed.
"""

from __future__ import annotations

import copy
import gzip
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from cpwl import certify
from cpwl.claims.document import document as stated
from cpwl.claims.entries import network_entry
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Network
from cpwl.network.digest import digest
from cpwl.partitions.compute import partition
from tests.certificates.make_named import malformed_names, rejected_names
from tests.support.certify_inputs import SQUARE
from tests.support.checker_inputs import Document, documents, encoded, shifted, small_network
from tests.support.named_inputs import named_documents
from tests.support.solid_inputs import CUBE, as_simplices, small_solid, solids

HERE = Path(__file__).parent
Change = Callable[[Document], None]


def changed(document: Document, change: Change) -> Document:
    """A copy of a document with a change."""
    result = copy.deepcopy(document)
    change(result)
    return result


def put(value: Any, *path: Any) -> Change:
    """The change that puts a value at a place."""

    def change(document: Document) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def renamed(change: Change) -> Change:
    """A change of the networks, with their SHA-256 as it should be."""

    def both(document: Document) -> None:
        change(document)
        for network in document["networks"]:
            network["sha256"] = digest(network["nodes"])

    return both


def in_regions(change: Callable[[list[list[int]], Document], None]) -> Change:
    """A change of the regions, whose number is claimed as it then is."""

    def both(document: Document) -> None:
        change(document["proof"]["regions"], document)
        document["claim"]["regions"] = len(document["proof"]["regions"])

    return both


# ---- attacks on a tiling -------------------------------------------------------------------------------------------
def split(regions: list[list[int]], _: Document) -> None:
    """Divides the largest region along a diagonal."""
    region = max(regions, key=len)
    regions[regions.index(region)] = region[:3]
    regions.append([region[0], *region[2:]])


def merged(regions: list[list[int]], _: Document) -> None:
    """Joins two triangles or other regions that share an edge."""
    for one in regions:
        for other in regions:
            shared = [v for v in one if v in other]
            if one is not other and len(shared) == 2:
                first = next(v for v in shared if one[(one.index(v) + 1) % len(one)] in shared)
                start, at = one.index(first) + 1, other.index(first) + 1
                outline = one[start:] + one[: start - 1], other[at:] + other[: at - 1]
                joined = [*outline[0], first, *[v for v in outline[1] if v not in shared]]
                regions.remove(one)
                regions[regions.index(other)] = joined
                return


def winding_twice(regions: list[list[int]], _: Document) -> None:
    """A polygon whose corners are listed round and round."""
    regions[0] = regions[0] * 2


def moved(document: Document) -> None:
    """Moves an inner vertex by about one unit in the last place of a float64."""
    vertices = document["proof"]["vertices"]
    inner = next(v for v in vertices if all(abs(Fraction(x)) < 1 for x in v))
    inner[0] = str(Fraction(inner[0]) + Fraction(1, 2**53))


def hanging(regions: list[list[int]], document: Document) -> None:
    """Adds a corner in the middle of an edge along the domain."""
    vertices = document["proof"]["vertices"]
    for region in regions:
        for i, (v, w) in enumerate(zip(region, [*region[1:], region[0]])):
            if vertices[v][0] == vertices[w][0] == "1":
                middle = (Fraction(vertices[v][1]) + Fraction(vertices[w][1])) / 2
                vertices.append(["1", str(middle)])
                region.insert(i + 1, len(vertices) - 1)
                return


def all_twice(regions: list[list[int]], document: Document) -> None:
    """Every point and every region a second time: edges match, patterns are looked at later."""
    vertices = document["proof"]["vertices"]
    count = len(vertices)
    vertices.extend([list(point) for point in vertices])
    regions.extend([[v + count for v in region] for region in list(regions)])


def twice_in_place_of_another() -> Document:
    """relu(relu(x)) on the square: the half on which both units are zero, listed twice in place of the other one.

    The areas add up; with any fitting pieces the two copies could have different patterns (proofs/, Theorem 2).
    """
    good = certify(partition(Network.sequential(2, [row(1.0, 0.0), RELU, RELU]), SQUARE)).document()
    points = good["proof"]["vertices"]
    left = next(r for r in good["proof"]["regions"] if all(Fraction(points[v][0]) <= 0 for v in r))
    regions = [left, [v + len(points) for v in left]]
    return changed(good, put({"vertices": [*points, *points], "regions": regions}, "proof"))


def the_whole_domain() -> Document:
    """relu(x) on the square with one region."""
    good = certify(partition(Network.sequential(2, [row(1.0, 0.0), RELU]), SQUARE)).document()
    proof = {"vertices": good["domain"]["polygon"], "regions": [[0, 1, 2, 3]]}
    return {**good, "claim": {"regions": 1}, "proof": proof}


def row(*weights: float) -> Dense:
    """A unit without bias."""
    return Dense(np.array([weights]), np.zeros(1))


def pentagram() -> Document:
    """A five-pointed star: only left turns, and a core that counts twice."""
    net = Network.sequential(2, [row(1.0, 0.0)])
    good = certify(partition(net, SQUARE)).document()
    good["proof"]["vertices"] = [["0", "1"], ["-3/5", "-4/5"], ["9/10", "3/10"], ["-9/10", "3/10"], ["3/5", "-4/5"]]
    good["proof"]["regions"] = [[0, 1, 2, 3, 4]]
    return good


# ---- attacks on a tiling by simplices ------------------------------------------------------------------------------
Simplices = list[list[list[int]]]


def in_simplices(change: Callable[[Simplices, Document], None]) -> Change:
    """A change of the regions, whose number is claimed as it then is."""

    def both(document: Document) -> None:
        change(document["proof"]["regions"], document)
        document["claim"]["regions"] = len(document["proof"]["regions"])

    return both


def coordinates(document: Document, simplex: list[int]) -> list[list[Fraction]]:
    """The corners of a simplex."""
    return [list(map(Fraction, document["proof"]["vertices"][v])) for v in simplex]


def divided(regions: Simplices, _: Document) -> None:
    """A region listed as two."""
    region = max(regions, key=len)
    half = len(region) // 2
    regions.append(region[half:])
    del region[half:]


def joined(regions: Simplices, _: Document) -> None:
    """Two regions listed as one."""
    regions[0] += regions.pop()


def all_simplices_twice(regions: Simplices, document: Document) -> None:
    """Every point and every simplex a second time, in the same regions."""
    vertices = document["proof"]["vertices"]
    count = len(vertices)
    vertices.extend([list(point) for point in vertices])
    for region in regions:
        region.extend([[v + count for v in simplex] for simplex in list(region)])


def flat(regions: Simplices, document: Document) -> None:
    """A simplex with its last corner at the middle of two others."""
    simplex, vertices = regions[0][0], document["proof"]["vertices"]
    p, q, *_ = coordinates(document, simplex)
    vertices.append([str((x + y) / 2) for x, y in zip(p, q)])
    simplex[-1] = len(vertices) - 1


def folded(regions: Simplices, document: Document) -> None:
    """Replaces a corner of a simplex such that it lies on the other side of the facet of the rest: matched, but wrong.

    The facet of the rest then has two simplices on one side.
    """
    simplex, vertices = regions[0][0], document["proof"]["vertices"]
    corners = coordinates(document, simplex)
    centre = [sum(axis) / len(corners) for axis in zip(*corners)]
    rest = [sum(axis) / (len(corners) - 1) for axis in zip(*corners[1:])]
    beyond = [r + (r - c) / 64 for r, c in zip(rest, centre)]
    simplex[:] = [*simplex[1:], len(vertices)]
    vertices.append(list(map(str, beyond)))


def moved_off(document: Document) -> None:
    """A vertex on a side of the domain is moved out of it, by 2^-53."""
    point = next(p for p in document["proof"]["vertices"] if p[0] == "1")
    point[0] = str(1 + Fraction(1, 2**53))


def moved_in(document: Document) -> None:
    """A vertex on a side of the domain is moved into it, by 2^-60: a sliver is not covered."""
    point = next(p for p in document["proof"]["vertices"] if p[0] == "1" and "1" not in p[1:] and "-1" not in p[1:])
    point[0] = str(1 - Fraction(1, 2**60))


def moved_inside(document: Document) -> None:
    """An inner vertex is moved by 2^-53: still a triangulation, but of other regions."""
    point = next(p for p in document["proof"]["vertices"] if all(abs(Fraction(x)) < 1 for x in p))
    point[0] = str(Fraction(point[0]) + Fraction(1, 2**53))


def refined(regions: Simplices, document: Document) -> None:
    """Cuts a simplex into D + 1 around its centroid: the same regions."""
    simplex, vertices = regions[0].pop(0), document["proof"]["vertices"]
    corners = coordinates(document, simplex)
    vertices.append([str(sum(axis) / len(corners)) for axis in zip(*corners)])
    regions[0] += [[*simplex[:i], *simplex[i + 1 :], len(vertices) - 1] for i in range(len(simplex))]


def one_simplex_twice() -> Document:
    """A domain that is one simplex, in which no unit changes, listed twice over: all its facets lie on sides."""
    good = certify(partition(Network.sequential(1, [Dense(np.ones((1, 1)), np.zeros(1))]), LINE)).document()
    good["proof"]["regions"][0] *= 2
    return good


def unbounded() -> Document:
    """A domain without its last halfspace, which its simplices cannot cover."""
    good = certify(partition(small_solid(), CUBE)).document()
    good["domain"]["halfspaces"].pop()
    return good


LINE = Domain.box([-1.0], [1.0])


# ---- what is written -----------------------------------------------------------------------------------------------
def accepted(made: dict[str, Document]) -> Iterator[tuple[str, bytes]]:
    for name, document in made.items():
        yield f"{name}.json", encoded(document)
    yield "compressed.json.gz", gzip.compress(encoded(made["partition"]), mtime=0)
    yield "spaced.json", encoded(made["partition"]).replace(b",", b" ,\n ")
    yield "regions-in-another-order.json", encoded(changed(made["partition"], reordered))
    named = changed(made["partition"], put({"sha256": made["partition"]["networks"][0]["sha256"]}, "networks", 0))
    yield "network-by-name.json", encoded(named)
    yield "network-by-name.network", encoded(made["partition"]["networks"][0])
    last_layer = put("1/8", "networks", 0, "nodes", -1, "bias", "values", 0)
    yield "another-last-layer-has-the-same-regions.json", encoded(changed(made["partition"], renamed(last_layer)))
    solid = made["solid-partition"]
    yield "solid-simplex-refined.json", encoded(changed(solid, in_simplices(refined)))
    yield "solid-halfspaces-scaled-and-one-twice.json", encoded(changed(solid, rescaled))
    yield "solid-plane-in-triangles.json", encoded(as_simplices(certify(partition(small_network(), SQUARE))))


def rescaled(document: Document) -> None:
    halfspaces = document["domain"]["halfspaces"]
    halfspaces[0] = [str(Fraction(x) * Fraction(2, 3)) for x in halfspaces[0]]
    halfspaces.append(list(halfspaces[1]))


def reordered(document: Document) -> None:
    regions = document["proof"]["regions"]
    document["proof"]["regions"] = [region[1:] + region[:1] for region in reversed(regions)]


def rejected(made: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    part = made["partition"]
    yield "rule-1-weight-edited", changed(part, put("1/3", "networks", 0, "nodes", 1, "weight", "values", 0))
    yield "rule-1-network-not-given", changed(part, put({"sha256": "0" * 64}, "networks", 0))
    yield "rule-2-domain-clockwise", changed(part, lambda d: d["domain"]["polygon"].reverse())
    yield "rule-2-domain-winds-twice", changed(part, lambda d: d["domain"]["polygon"].extend(d["domain"]["polygon"]))
    yield "rule-2-domain-flat", changed(part, put([["0", "0"], ["1", "0"], ["2", "0"]], "domain", "polygon"))
    smaller = put([["-1/2", "-1/2"], ["1/2", "-1/2"], ["1/2", "1/2"], ["-1/2", "1/2"]], "domain", "polygon")
    yield "rule-3-domain-smaller", changed(part, smaller)
    yield "rule-3-vertex-outside", changed(part, lambda d: d["proof"]["vertices"].append(["2", "0"]))
    yield "rule-4-region-clockwise", changed(part, in_regions(lambda r, d: r[0].reverse()))
    yield "rule-4-region-winds-twice", changed(part, in_regions(winding_twice))
    yield "rule-4-region-with-hanging-vertex", changed(part, in_regions(hanging))
    yield "rule-4-region-of-two-corners", changed(part, in_regions(lambda r, d: r.append(r[0][:2])))
    yield "rule-4-pentagram", pentagram()
    yield "rule-5-region-listed-twice", changed(part, in_regions(lambda r, d: r.append(r[0])))
    yield "rule-6-region-dropped", changed(part, in_regions(lambda r, d: r.pop()))
    yield "rule-6-only-one-region", changed(part, in_regions(lambda r, d: r.__setitem__(slice(1, None), [])))
    larger = put([["-2", "-2"], ["2", "-2"], ["2", "2"], ["-2", "2"]], "domain", "polygon")
    yield "rule-6-domain-larger", changed(part, larger)
    yield "rule-7-no-regions", changed(part, in_regions(lambda r, d: r.clear()))
    yield "rule-6-region-twice-in-place-of-another", twice_in_place_of_another()
    yield "rule-7-everything-twice-over-two-tables-of-vertices", changed(part, in_regions(all_twice))
    yield "rule-8-vertex-moved-by-one-ulp", changed(part, moved)
    yield "rule-8-weight-edited", changed(part, renamed(put("7/8", "networks", 0, "nodes", 1, "weight", "values", 0)))
    yield "rule-4-regions-merged", changed(part, in_regions(merged))
    yield "rule-8-two-regions-merged-into-the-whole-domain", the_whole_domain()
    yield "rule-8-basis-edited", changed(part, put("3/2", "domain", "basis", 0, 0))
    yield "rule-8-origin-edited", changed(part, put("1/1024", "domain", "origin", 1))
    yield "rule-9-region-split", changed(part, in_regions(split))
    yield "rule-11-count-too-large", changed(part, lambda d: put(d["claim"]["regions"] + 1, "claim", "regions")(d))
    yield from rejected_claims(made)
    yield from rejected_solids(made)


def rejected_solids(made: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    part = made["solid-partition"]
    yield "rule-1-solid-weight-edited", changed(part, put("1/3", "networks", 0, "nodes", 1, "weight", "values", 0))
    yield "rule-21-solid-halfspace-without-normal", changed(part, put(["0", "0", "0", "1"], "domain", "halfspaces", 0))
    yield "rule-3-solid-vertex-moved-off-the-domain", changed(part, moved_off)
    yield "rule-3-solid-domain-smaller", changed(part, put("1/2", "domain", "halfspaces", 0, 3))
    yield "rule-23-solid-domain-larger", changed(part, put("2", "domain", "halfspaces", 0, 3))
    yield "rule-23-solid-domain-unbounded", unbounded()
    yield "rule-22-solid-flat-simplex", changed(part, in_simplices(flat))
    yield "rule-23-solid-simplex-missing", changed(part, in_simplices(lambda r, d: max(r, key=len).pop()))
    yield "rule-23-solid-simplex-doubled", changed(part, in_simplices(lambda r, d: r[0].append(r[0][0])))
    yield "rule-23-solid-simplex-folded-over-a-facet", changed(part, in_simplices(folded))
    yield "rule-23-solid-region-missing", changed(part, in_simplices(lambda r, d: r.pop()))
    yield "rule-23-solid-region-doubled", changed(part, in_simplices(lambda r, d: r.append(r[0])))
    yield "rule-23-solid-vertex-moved-into-the-domain", changed(part, moved_in)
    yield "rule-24-solid-no-regions", changed(part, in_simplices(lambda r, d: r.clear()))
    yield "rule-24-solid-region-without-simplices", changed(part, in_simplices(lambda r, d: r.append([])))
    yield "rule-25-solid-everything-twice", changed(part, in_simplices(all_simplices_twice))
    yield "rule-25-solid-domain-that-is-one-simplex-twice", one_simplex_twice()
    yield "rule-8-solid-vertex-moved", changed(part, moved_inside)
    yield "rule-8-solid-regions-joined", changed(part, in_simplices(joined))
    yield (
        "rule-8-solid-weight-edited",
        changed(part, renamed(put("7/8", "networks", 0, "nodes", 1, "weight", "values", 0))),
    )
    yield "rule-8-solid-origin-edited", changed(part, put("1/1024", "domain", "origin", 1))
    yield "rule-9-solid-region-divided", changed(part, in_simplices(divided))
    yield (
        "rule-11-solid-count-too-large",
        changed(part, lambda d: put(d["claim"]["regions"] + 1, "claim", "regions")(d)),
    )
    top, sample = made["solid-extremum-maximum"], made["solid-boundary-sample"]
    yield "rule-12-solid-another-vertex", changed(top, another_vertex)
    yield "rule-13-solid-maximum-claimed-to-be-minimum", changed(top, put("minimum", "claim", "sense"))
    constant = made["solid-constant-decision"]
    yield "rule-14-solid-the-whole-domain", whole(constant, part)
    yield "rule-10-solid-sample-outside", changed(sample, put(["1", "3/2", "0"], "claim", "points", 0))
    yield "rule-16-solid-sample-moved", changed(sample, nudged)
    yield "rule-15-solid-no-counterexample", changed(made["solid-decision-counterexample"], swapped)
    yield "rule-18-solid-another-level", changed(made["solid-level-sample"], put("1/7", "claim", "level"))
    yield "rule-19-solid-networks-that-differ", changed(made["solid-equal-networks"], unequal_solids)
    yield "rule-20-solid-no-difference", changed(made["solid-different-networks"], put(0, "claim", "output"))


def unequal_solids(document: Document) -> None:
    document["networks"][0] = network_entry(shifted(small_solid()))


def rejected_claims(made: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    top, constant = made["extremum-maximum"], made["constant-decision"]
    yield "rule-12-value-not-attained", changed(top, put("100", "claim", "value"))
    yield "rule-12-another-vertex", changed(top, another_vertex)
    yield "rule-13-maximum-claimed-to-be-minimum", changed(top, put("minimum", "claim", "sense"))
    yield "rule-13-value-of-a-lower-vertex", lower(top)
    yield "rule-14-another-class", changed(constant, put(1 - constant["claim"]["class"], "claim", "class"))
    yield "rule-14-the-whole-domain", whole(constant, made["partition"])
    yield "rule-14-tie-at-one-corner", tie_at_one_corner()
    counter, sample = made["decision-counterexample"], made["boundary-sample"]
    yield "rule-10-counterexample-outside", changed(counter, put(["2", "2"], "claim", "point"))
    yield "rule-15-no-counterexample", changed(counter, swapped)
    yield "rule-15-other-is-the-class", changed(counter, lambda d: put(d["claim"]["class"], "claim", "other")(d))
    yield "rule-10-sample-outside", changed(sample, put(["1", "3/2"], "claim", "points", 0))
    yield "rule-16-sample-moved", changed(sample, nudged)
    yield "rule-16-pair-of-one-output", changed(sample, put([1, 1], "claim", "pairs", 0))
    yield "rule-17-third-output-is-larger", below_the_top()
    yield "rule-18-another-level", changed(made["level-sample"], put("1/7", "claim", "level"))
    yield "rule-19-networks-that-differ-by-2-to-the-minus-40", changed(made["equal-networks"], unequal)
    yield "rule-20-no-difference", changed(made["different-networks"], put(0, "claim", "output"))


def another_vertex(document: Document) -> None:
    document["claim"]["vertex"] = int(document["claim"]["vertex"] == 0)


def lower(document: Document) -> Document:
    """The maximum is claimed to be a value that is taken elsewhere."""
    from cpwl import certify_extremum

    least = certify_extremum(partition(small_network(), SQUARE), 0, sense="minimum").document()
    return changed(least, put("maximum", "claim", "sense"))


def whole(constant: Document, part: Document) -> Document:
    """A decision that is constant in a corner is claimed to be constant everywhere."""
    return {**part, "kind": "constant-decision", "claim": constant["claim"]}


def tie_at_one_corner() -> Document:
    """Outputs x + y + 2 and 0 on the square: equal at (-1, -1), and nowhere else."""
    net = Network.sequential(2, [Dense(np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([2.0, 0.0]))])
    good = certify(partition(net, SQUARE)).document()
    return {**good, "kind": "constant-decision", "claim": {"class": 0}}


def swapped(document: Document) -> None:
    claim = document["claim"]
    claim["class"], claim["other"] = claim["other"], claim["class"]


def nudged(document: Document) -> None:
    point = document["claim"]["points"][0]
    point[0] = str(Fraction(point[0]) + Fraction(1, 2**60))


def below_the_top() -> Document:
    """Outputs x, x and x + 1: the first two are equal everywhere, and never largest."""
    net = Network.sequential(2, [Dense(np.array([[1.0, 0.0]] * 3), np.array([0.0, 0.0, 1.0]))])
    return stated("boundary-sample", (net,), SQUARE, {"points": [["0", "0"]], "pairs": [[0, 1]]})


def unequal(document: Document) -> None:
    document["networks"][0] = network_entry(shifted(small_network()))


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


def malformed_solids() -> Iterator[tuple[str, Change]]:
    regions, space = ("proof", "regions"), "domain"
    yield "version-1", put(1, "version")
    yield "version-3", put(3, "version")
    yield "domain-is-a-polygon", put([["0", "0"], ["1", "0"], ["0", "1"]], space, "polygon")
    yield "halfspaces-are-null", put(None, space, "halfspaces")
    yield "halfspace-of-three-numbers", lambda d: d[space]["halfspaces"][0].pop()
    yield "halfspaces-5000", put([["1", "0", "0", "1"]] * 5000, space, "halfspaces")
    yield "basis-empty", put([], space, "basis")
    yield "basis-of-no-columns", put([[]] * 3, space, "basis")
    yield "basis-of-seventeen-columns", put([["0"] * 17] * 3, space, "basis")
    yield "basis-ragged", lambda d: d[space]["basis"][1].pop()
    yield "basis-of-two-columns", lambda d: [row.pop() for row in d[space]["basis"]]
    yield "point-of-two-coordinates", lambda d: d["proof"]["vertices"][0].pop()
    yield "region-is-a-polygon", put([0, 1, 2, 3], *regions, 0)
    yield "region-is-null", put(None, *regions, 0)
    yield "simplex-of-three-corners", lambda d: d["proof"]["regions"][0][0].pop()
    yield "simplex-of-five-corners", lambda d: d["proof"]["regions"][0][0].append(len(d["proof"]["vertices"]) - 1)
    yield "simplex-turned-inside-out", lambda d: d["proof"]["regions"][0][0].reverse()
    yield "simplex-with-a-corner-twice", lambda d: put(d["proof"]["regions"][0][0][0], *regions, 0, 0, 1)(d)
    yield "corner-beyond-the-table", put(10_000, *regions, 0, 0, 3)
    yield "corner-negative", put(-1, *regions, 0, 0, 0)
    yield "corner-true", put([0, True, 2, 3], *regions, 0, 0)
    yield "corner-is-a-string", put([0, "1", 2, 3], *regions, 0, 0)


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


def main() -> None:
    made = dict([*documents(), *solids(), *named_documents()])
    wrong = chain(rejected(made), rejected_names(made))
    for folder, files in (
        ("accept", accepted(made)),
        ("reject", ((f"{name}.json", encoded(document)) for name, document in wrong)),
        ("malformed", chain(malformed(made), malformed_names(made))),
    ):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in files:
            (HERE / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
