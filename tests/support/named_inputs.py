"""Certificates with named vertices, changes of them, and the same with exact coordinates: found without the checker."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl import Certificate, certify, certify_constant, certify_extremum
from cpwl.backends.exact import ExactArithmetic
from cpwl.claims.document import document as stated
from cpwl.claims.domains import domain_of
from cpwl.claims.entries import fraction, network_of
from cpwl.fields.arithmetic import Forward, embedding
from cpwl.geometry.domain import Domain
from cpwl.network import Network, Piecewise
from cpwl.network.digest import nested
from cpwl.network.joint import joined
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_inputs import Document, every_operator
from tests.support.equal_pairs import equality, layers, of_maxima, on_a_grid, permuted_and_scaled, plain
from tests.support.float_words import in_words
from tests.support.simplex_fuzz import (
    double_region,
    double_simplex,
    drop_region,
    drop_simplex,
    exchange_corners,
    merge_regions,
    move_simplex,
    other_corner,
    shuffle_regions,
    split_region,
)
from tests.support.solid_inputs import CUBE

Random = random.Random
Point = NDArray[Any]


def named(net: Network, domain: Domain) -> Certificate:
    """The certificate of a partition, with named vertices."""
    found = certify(partition(net, domain), vertices="named")
    assert found.vertices == "named"
    return found


def named_documents() -> Iterator[tuple[str, Document]]:
    """Certificates of every kind of version 3, by name."""
    net = he_network(1, [2, 5, 4, 3], ["relu", "maxout"])
    proven = named(net, SQUARE)
    yield "named-partition", proven.document()
    yield "named-extremum-maximum", certify_extremum(proven, 0).document()
    yield "named-extremum-minimum", certify_extremum(proven, 1, sense="minimum").document()
    yield "named-boundary-sample", sample(net, SQUARE, "boundary-sample")
    yield "named-equality-sample", sample(net, SQUARE, "equality-sample")
    corner = Domain.box([-1.0, -0.75], [-0.75, -0.5])
    constant = certify_constant(certify(partition(net, corner), vertices="named"))
    yield "named-constant-decision", constant.document()
    yield "named-every-operator", named(every_operator(8), SQUARE).document()
    yield "named-hardtanh", named(he_network(5, [2, 5, 3, 2], ["hardtanh", "abs"]), SQUARE).document()
    yield "named-line", named(he_network(2, [1, 6, 5, 2], ["relu", "leaky"]), Domain.box([-1.0], [1.0])).document()
    yield "named-solid", named(he_network(4, [3, 4, 3, 2], ["relu", "relu"]), CUBE).document()
    yield "named-words", in_words(named(every_operator(8), SQUARE).document())
    yield "named-narrow", named(he_network(1, [2, 6, 2, 6, 2], ["relu", "leaky", "abs"]), SQUARE).document()
    yield "named-grid", named(on_a_grid(10), SQUARE).document()
    made = layers(0, [2, 3, 3, 2])
    yield "named-equal-networks", equality(plain(made), permuted_and_scaled(made), SQUARE)
    yield "named-equal-to-maxima", equality(plain(made), of_maxima(made), SQUARE)


def sample(net: Network, domain: Domain, kind: str) -> Document:
    """A certificate of points where two outputs are equal, each between two points of a region."""
    boundary = partition(net, domain).decision_boundary(*(() if kind == "boundary-sample" else ((0, 1),)))
    part, segments, pairs = boundary.partition, [], []
    points, faces = boundary.sample_slice(20, seed=0)
    for u, face in zip(np.asarray(points, np.float64), faces.tolist(), strict=True):
        region, pair = int(boundary.regions[face]), boundary.pairs[face].tolist()
        step = (np.asarray(part.vertices[part.regions[region]], np.float64).mean(axis=0) - u) / 64
        ends = np.stack([u - step, u + step])
        values = output_at(net, domain, ends)
        gaps = values[:, pair[0]] - values[:, pair[1]]
        if gaps[0] * gaps[1] < 0 and (part.locate(ends) == region).all():
            segments.append(ends.tolist())
            pairs.append(pair)
    assert len(segments) >= 4
    claim = {"bits": 128, "segments": nested(segments[:4]), "pairs": pairs[:4]}
    return stated(kind, (net,), domain, claim, 3)


def output_at(net: Network, domain: Domain, points: Any) -> NDArray[Any]:
    """The exact outputs at points, Fractions."""
    return forward(net, domain, points).output.to_numpy()


def forward(net: Network, domain: Domain, points: Any) -> Forward[Any]:
    """An exact pass, after all stages."""
    arithmetic = ExactArithmetic()
    rows = arithmetic.points(np.array([[Fraction(x) for x in point] for point in points], dtype=object))
    passing = Forward(net, arithmetic, arithmetic.linear(embedding(domain), [rows]))
    for _ in passing:
        pass
    return passing


# ---- the same with coordinates -------------------------------------------------------------------------------------
def coordinates(document: Document) -> list[Point]:
    """The exact coordinates of all vertices of a proof, one after the other as their names say."""
    networks = [network_of(entry) for entry in document["networks"]]
    net = joined(*networks) if len(networks) > 1 else networks[0]
    domain = domain_of(document["domain"], net)
    found: list[Point] = []
    for row in document["proof"]["vertices"]:
        if isinstance(row[0], str):
            found.append(np.array([fraction(x) for x in row], dtype=object))
            continue
        p, q, node, first, second = row
        a, b = (function(net, domain, found[v], node, first, second) for v in (p, q))
        found.append(found[p] + (found[q] - found[p]) * (a / (a - b)))
    return found


def function(net: Network, domain: Domain, point: Point, node: int, first: int, second: int) -> Fraction:
    """The function with a name at a point."""
    arithmetic = ExactArithmetic()
    start = arithmetic.linear(embedding(domain), [arithmetic.points(point[None])])
    stage = next(stage for stage in Forward(net, arithmetic, start) if stage.index == node)
    x, op = stage.argument.to_numpy()[0], net.nodes[node].op
    return x[first] - (Fraction(op.breakpoints[second]) if isinstance(op, Piecewise) else x[second])


def with_coordinates(document: Document) -> Document:
    """The certificate of version 2 with the same vertices and regions."""
    table = [[str(x) for x in point] for point in coordinates(document)]
    proof = {"vertices": table, "regions": document["proof"]["regions"]}
    sides = domain_of(document["domain"], network_of(document["networks"][0])).polytope.sides
    held = {name: document["domain"][name] for name in ("origin", "basis")}
    domain = {"halfspaces": [list(map(str, side)) for side in sides], **held}
    return {**document, "version": 2, "domain": domain, "proof": proof}


def samples_are_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    """Whether each segment holds a point where the outputs of its pair are equal, and none is larger, if claimed."""
    claim, net = document["claim"], networks[0]
    for ends, (j, k) in zip(claim["segments"], claim["pairs"], strict=True):
        one, other = (np.array([fraction(x) for x in end], dtype=object) for end in ends)
        if not all(domain.polytope.contains(end.tolist()) for end in (one, other)):
            return False
        (a, b) = (row[j] - row[k] for row in output_at(net, domain, [one, other]))
        if a * b >= 0:
            return False
        row = output_at(net, domain, [one + (other - one) * (a / (a - b))])[0]
        if row[j] != row[k] or (document["kind"] == "boundary-sample" and row[j] < max(row)):
            return False
    return True


# ---- changes -------------------------------------------------------------------------------------------------------
def a_name(document: Document, rng: Random) -> list[int]:
    row: list[int] = rng.choice([row for row in document["proof"]["vertices"] if isinstance(row[0], int)])
    return row


def other_end(document: Document, rng: Random) -> None:
    a_name(document, rng)[rng.randrange(2)] = rng.randrange(len(document["proof"]["vertices"]))


def other_function(document: Document, rng: Random) -> None:
    row, other = a_name(document, rng), a_name(document, rng)
    row[2:] = other[2:]


def other_number(document: Document, rng: Random) -> None:
    row = a_name(document, rng)
    row[rng.randrange(2, 5)] += rng.choice([-1, 1, 1])


def exchange_names(document: Document, rng: Random) -> None:
    rows = document["proof"]["vertices"]
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    rows[i], rows[j] = rows[j], rows[i]


def other_bits(document: Document, rng: Random) -> None:
    document["proof"]["bits"] = rng.choice([1, 2, 5, 10, 20, 40, 64, 500])


def move_corner(document: Document, rng: Random) -> None:
    point = rng.choice([row for row in document["proof"]["vertices"] if isinstance(row[0], str)])
    axis = rng.randrange(len(point))
    point[axis] = str(Fraction(point[axis]) + rng.choice([-1, 1]) * Fraction(1, 2 ** rng.choice([53, 80, 200, 10])))


OF_NAMES: tuple[Callable[[Document, Random], None], ...] = (
    drop_simplex, drop_region, double_simplex, double_region, move_simplex, split_region, merge_regions, other_corner,
    exchange_corners, shuffle_regions, other_end, other_function, other_number, exchange_names, other_bits, move_corner,
)  # fmt: skip
