"""Attacks on a certificate of a tiling by polygons: what a checker that is not strict would accept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from cpwl import certify
from cpwl.network import RELU, Dense, Network
from cpwl.partitions.compute import partition
from tests.certificates.changes import changed, put
from tests.support.certify_inputs import SQUARE
from tests.support.checker_inputs import Document


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
