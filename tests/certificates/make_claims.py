"""Golden certificates of single claims that are false, or that their proofs do not show."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from cpwl import certify
from cpwl.claims.document import document as stated
from cpwl.claims.entries import network_entry
from cpwl.network import Dense, Network
from cpwl.partitions.compute import partition
from tests.certificates.changes import changed, put
from tests.support.certify_inputs import SQUARE
from tests.support.checker_inputs import Document, shifted, small_network


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
