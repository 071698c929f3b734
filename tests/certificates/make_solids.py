"""Golden certificates of solids: attacks on a tiling by simplices, and what is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from cpwl import certify
from cpwl.claims.entries import network_entry
from cpwl.geometry.domain import Domain
from cpwl.network import Dense, Network
from cpwl.partitions.compute import partition
from tests.certificates.changes import Change, changed, put, renamed
from tests.certificates.make_claims import another_vertex, nudged, swapped, whole
from tests.support.checker_inputs import Document, shifted
from tests.support.solid_inputs import CUBE, small_solid

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
