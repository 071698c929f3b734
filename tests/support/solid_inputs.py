"""Small certificates of every kind on lines, in space and in four dimensions: version 2 of the format."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from cpwl import Certificate, certify, certify_constant, certify_equal, certify_extremum
from cpwl.claims.document import document, proof
from cpwl.claims.triangulation import Triangulation
from cpwl.geometry.domain import Domain
from cpwl.geometry.polytope import Polytope
from cpwl.network import Network
from cpwl.network.digest import number
from cpwl.numbers.integers import matrix
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import network
from tests.support.checker_inputs import Document, permuted, shifted

CUBE = Domain.box([-1.0] * 3, [1.0] * 3)


def small_solid(inputs: int = 3, outputs: int = 2) -> Network:
    """A network of some inputs with short numbers, units of two kinds, and a unit that is 0 on whole regions."""
    first = [[1.0, 0.5, -0.25, 0.5][:inputs], [-0.5, 1.0, 0.5, -1.0][:inputs], [0.25, -1.0, 1.0, 0.25][:inputs]]
    second = [[1.0, -1.0, 0.5], [0.5, 1.0, -1.0], [-1.0, 0.5, 0.5], [0.5, 0.0, 1.0]]
    third = [[1.0, -0.5], [-1.0, 1.0]][:outputs]
    biases = [[0.25, -0.125, 0.0], [0.0, 0.25, -0.25, 0.125], [0.0, 0.125][:outputs]]
    return network([first, second, third], biases, ["relu", "maxout"])


def tetrahedron() -> Domain:
    """A slice of a five-dimensional input space that is no box."""
    corners = np.array([[-1.0, -1, -1], [2, -1, -1], [-1, 2, -1], [0, 0, 1.5]])
    basis = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 2, 1]])
    return Domain(Polytope(corners), np.arange(5) / 8, basis, (5,))


def wide() -> Network:
    """A network of five inputs."""
    rng = np.random.default_rng(3)
    weights = [rng.integers(-8, 9, shape) / 8 for shape in ((4, 5), (3, 4), (2, 3))]
    return network(weights, [rng.integers(-4, 5, len(w)) / 8 for w in weights], ["relu", "leaky"])


def crossing(certificate: Certificate, height: Any) -> list[Fraction]:
    """A point of an edge of some simplex at which a combination of the outputs, affine there, is 0."""
    listing = certificate.listing
    assert isinstance(listing, Triangulation)
    heights = [height(row) for row in certificate.values]
    for simplex in listing.simplices.tolist():
        for v, w in combinations(simplex, 2):
            if heights[v] * heights[w] < 0:
                t = heights[v] / (heights[v] - heights[w])
                a, b = (_coordinates(listing.points[k]) for k in (v, w))
                return [x + t * (y - x) for x, y in zip(a, b, strict=True)]
    raise AssertionError("no edge crosses")


def _coordinates(point: Any) -> list[Fraction]:
    return [Fraction(int(x), int(point[-1])) for x in point[:-1]]


def solids() -> Iterator[tuple[str, Document]]:
    """Certificates of every kind, by name."""
    net = small_solid()
    part = partition(net, CUBE)
    proven = certify(part)
    yield "solid-partition", proven.document()
    yield "solid-line", certify(partition(small_solid(1), Domain.box([-1.0], [1.0]))).document()
    yield "solid-four-dimensions", certify(partition(four(), Domain.box([-1.0] * 4, [1.0] * 4))).document()
    yield "solid-tetrahedron", certify(partition(wide(), tetrahedron())).document()
    yield "solid-without-units", certify(partition(Network.mlp([np.ones((1, 3))], [np.zeros(1)]), CUBE)).document()
    yield "solid-extremum-maximum", certify_extremum(proven, 1).document()
    yield "solid-extremum-minimum", certify_extremum(proven, 0, sense="minimum").document()
    yield "solid-decision-counterexample", certify_constant(proven).document()
    corner = Domain.box([0.75] * 3, [1.0] * 3)
    yield "solid-constant-decision", certify_constant(partition(net, corner)).document()
    tie = list(map(number, crossing(proven, lambda row: row[0] - row[1])))
    sample = {"points": [tie], "pairs": [[0, 1]]}
    yield "solid-boundary-sample", document("boundary-sample", (net,), CUBE, sample)
    yield "solid-equality-sample", document("equality-sample", (net,), CUBE, sample)
    scalar = small_solid(outputs=1)
    zero = crossing(certify(partition(scalar, CUBE)), lambda row: row[0] - Fraction(1, 8))
    level = {"points": [list(map(number, zero))], "level": "1/8"}
    yield "solid-level-sample", document("level-sample", (scalar,), CUBE, level)
    yield "solid-equal-networks", certify_equal(net, permuted(net), CUBE).document()
    yield "solid-different-networks", certify_equal(net, shifted(net), CUBE).document()


def four() -> Network:
    """A network of four inputs with few units."""
    weights = [[[1.0, 0.5, -0.25, 0.5], [-0.5, 1.0, 0.5, -1.0]], [[1.0, -1.0], [0.5, 1.0]], [[1.0, -0.5], [0.5, 0.5]]]
    return network(weights, [[0.25, -0.125], [0.25, 0.0], [0.0, 0.125]], ["relu", "abs"])


def as_simplices(planar: Certificate) -> Document:
    """The certificate of a plane in version 2: polygons cut into triangles from their lowest vertices."""
    polytope, rows = planar.domain.polytope, planar.listing.polygons  # type: ignore[union-attr]
    owner, triangles = [], []
    for r, row in enumerate(rows):
        corners = row.tolist()
        start = corners.index(min(corners))
        hub, *others = corners[start:] + corners[:start]
        triangles += [[hub, v, w] for v, w in pairwise(others)]
        owner += [r] * (len(corners) - 2)
    points = matrix(planar.listing.points, 3)  # type: ignore[arg-type]
    listing = Triangulation.of(points, np.array(owner), np.array(triangles), len(rows))
    sides = [list(map(number, side)) for side in polytope.sides]
    first = planar.document()
    domain = {"halfspaces": sides, **{key: first["domain"][key] for key in ("origin", "basis")}}
    return {**first, "version": 2, "domain": domain, "proof": proof(listing)}
