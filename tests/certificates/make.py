"""Writes the golden certificates beside it: accept/, reject/ (the name begins with the rule), malformed/.

    python -m tests.certificates.make

The files are kept; no test writes them. Run it when the format changes, and read what it changed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

from cpwl import certify
from cpwl.partitions.compute import partition
from tests.certificates.attacks import (
    all_twice,
    hanging,
    merged,
    moved,
    pentagram,
    split,
    the_whole_domain,
    twice_in_place_of_another,
    winding_twice,
)
from tests.certificates.changes import changed, in_regions, put, renamed
from tests.certificates.make_claims import rejected_claims
from tests.certificates.make_malformed import malformed
from tests.certificates.make_named import malformed_names, rejected_names
from tests.certificates.make_solids import in_simplices, refined, rejected_solids
from tests.support.certify_inputs import SQUARE
from tests.support.checker_inputs import Document, documents, encoded, small_network
from tests.support.named_inputs import named_documents
from tests.support.solid_inputs import as_simplices, solids

HERE = Path(__file__).parent


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
