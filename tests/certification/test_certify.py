"""Certificates: every partition, right or wrong, becomes the exact one; every wrong list is rejected."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import checker
from cpwl.certification import Certificate, certify, certify_samples
from cpwl.certification.criterion import Listing, is_convex
from cpwl.certification.repair import Regions
from cpwl.errors import ArgumentError, FileFormatError, VerificationError
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Gather, Input, Network, Node, Sum
from cpwl.network.digest import digest
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support import exact_model as model
from tests.support.certify_inputs import (
    SQUARE,
    Polygon,
    as_model,
    as_set,
    corners,
    forged,
    he_network,
    network,
    networks,
    polygons,
)


def claim(net: Network, cells: list[Polygon], domain: Domain = SQUARE) -> Certificate:
    """The certificate of any list of polygons, proved or not."""
    listing = Listing.of([tuple(homogeneous(corner) for corner in cell) for cell in cells])
    return Certificate(net, domain, listing)


def homogeneous(corner: tuple[Fraction, Fraction]) -> Any:
    from cpwl.geometry.exact_points import point

    return point(corner)


def generic() -> tuple[Partition, Certificate]:
    part = partition(he_network(3, [2, 8, 8, 1], ["relu", "relu"]), SQUARE)
    return part, certify(part)


# ---- what is right is certified --------------------------------------------------------------------------------------
@settings(max_examples=40)
@given(networks(), st.sampled_from(["torch", "exact"]))
def test_certified_regions_of_degenerate_networks_are_those_of_the_model(net: Network, backend: str) -> None:
    certificate = certify(partition(net, SQUARE, backend=backend))
    expected = model.partition(as_model(net), corners(SQUARE))
    assert as_set(polygons(certificate.partition)) == as_set(expected)
    assert certificate.regions == len(expected) and certificate.area == 4 and certificate.verified


@settings(max_examples=30)
@given(networks(st.integers(-9, 9).map(lambda k: k / 10)))
def test_networks_of_tenths_are_certified(net: Network) -> None:
    """Lines that nearly meet in a point: here a float partition does have regions too many or too few."""
    certificate = certify(partition(net, SQUARE))
    assert as_set(polygons(certificate.partition)) == as_set(model.partition(as_model(net), corners(SQUARE)))


@settings(max_examples=15)
@given(networks())
def test_an_exact_partition_is_certified_as_it_is(net: Network) -> None:
    part = partition(net, SQUARE, backend="exact")
    certificate = certify(part)
    assert not len(certificate.repaired) and not len(certificate.added)
    assert list(map(set, polygons(certificate.partition))) == list(map(set, polygons(part)))


@pytest.mark.parametrize(
    "kinds", [["relu", "relu"], ["leaky", "abs"], ["hardtanh", "relu"], ["maxout of three", "abs"]]
)
def test_a_generic_float_partition_is_certified_without_repair(kinds: list[str]) -> None:
    part = partition(he_network(5, [2, 7, 6, 2], kinds), SQUARE)
    certificate = certify(part)
    exact = certificate.partition
    assert not len(certificate.repaired) and not len(certificate.added)
    assert exact.backend == "exact" and exact.arrangement.exact
    np.testing.assert_array_equal(exact.patterns(), part.patterns())
    np.testing.assert_allclose(exact.volumes().astype(float), part.volumes(), rtol=0, atol=1e-13)
    assert sum(exact.volumes()) == certificate.area == 4


def test_the_exact_partition_works_as_any_other() -> None:
    net = he_network(6, [2, 6, 5, 3], ["relu", "maxout"])
    exact = certify(partition(net, SQUARE)).partition
    outputs, maps = exact.outputs.to_numpy(), exact.affine_maps()
    for region, (slope, constant) in enumerate(zip(*maps)):
        for vertex in exact.regions[region]:
            value = model.evaluate(as_model(net), exact.vertices[vertex].tolist())
            assert outputs[vertex].tolist() == value == (slope @ exact.vertices[vertex] + constant).tolist()
    boundary = exact.decision_boundary()
    again = partition(net, SQUARE, backend="exact").decision_boundary()
    assert len(boundary) and boundary.lengths().sum() == pytest.approx(again.lengths().sum(), abs=1e-12)
    assert (exact.facets().regions[:, 1] < 0).sum() == (partition(net, SQUARE).facets().regions[:, 1] < 0).sum()


def test_a_slice_of_a_larger_input_space_is_certified() -> None:
    rng = np.random.default_rng(0)
    domain = Domain.through(*rng.standard_normal((3, 10)))
    certificate = certify(partition(he_network(2, [10, 9, 7, 4], ["relu", "leaky"]), domain))
    assert certificate.verified and certificate.area == domain.polytope.exact_volume
    assert not len(certificate.repaired) and certificate.regions > 20


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e6])
def test_triangles_of_any_size_are_certified(size: float) -> None:
    domain = Domain.polygon(size * np.array([[-0.9, -0.7], [1.1, -0.3], [0.2, 0.8]]))
    net = he_network(8, [2, 9, 6, 1], ["relu", "abs"])
    certificate = certify(partition(net, domain))
    assert certificate.verified and certificate.area == domain.polytope.exact_volume
    assert as_set(polygons(certificate.partition)) == as_set(polygons(partition(net, domain, backend="exact")))
    assert not len(certificate.repaired)


def test_skips_from_the_input_and_across_units_are_certified() -> None:
    rng = np.random.default_rng(11)
    dense = [Dense(rng.standard_normal((n, k)), rng.standard_normal(n)) for n, k in [(3, 5), (3, 3), (2, 8)]]
    nodes = [
        Node(Input(), (), (5,)),
        Node(dense[0], (0,), (3,)),
        Node(Sum((0.5, 2.0)), (1, 1), (3,)),
        Node(RELU, (2,), (3,)),
        Node(dense[1], (3,), (3,)),
        Node(Sum((1.0, -1.0)), (4, 1), (3,)),
        Node(RELU, (5,), (3,)),
        Node(Gather(np.array([0, 1, 2, 3, 4, 5, 6, 7])), (6, 0), (8,)),
        Node(dense[2], (7,), (2,)),
    ]
    net, domain = Network(tuple(nodes)), Domain.through(*rng.standard_normal((3, 5)))
    certificate = certify(partition(net, domain))
    exact = partition(net, domain, backend="exact")
    assert as_set(polygons(certificate.partition)) == as_set(polygons(exact)) and len(exact) > 8
    values = dict(zip(map(tuple, exact.vertices.tolist()), exact.outputs.to_numpy().tolist()))
    found = certificate.partition
    assert values == dict(zip(map(tuple, found.vertices.tolist()), found.outputs.to_numpy().tolist()))


def test_the_function_is_not_hidden_by_its_package() -> None:
    assert cpwl.certify is certify and cpwl.certify_samples is certify_samples


def lines(*rows: tuple[float, float, float]) -> Network:
    """One layer of ReLUs with the given arguments p x + q y + r."""
    table = np.array(rows)
    return Network.mlp([table[:, :2], np.ones((1, len(rows)))], [table[:, 2], np.zeros(1)])


@pytest.mark.parametrize(
    ("net", "count"),
    [
        (lines((1, 0.5, 0.1), (1, 0.5, 0.1), (0, 1, -0.2)), 4),
        (lines((1, 0, -0.2), (-2, 0, 0.4), (0, 1, 0.1)), 4),
        (lines((1, 0.3, -0.1), (3, 0.9, -0.3), (0, 1, 0.1)), 7),
        (lines((0, 0, 0), (1, 0, 0.25), (0, 1, 0.25)), 4),
        (lines((1, 1, -2)), 1),
        (lines((1, -1, 0)), 2),
        (lines((1, 0, -1)), 1),
        (lines((1, 0, 0), (0, 1, 0), (1, -1, 0)), 6),
        (lines((1, 0, -0.1), (0, 1, -0.2), (1, 1, -(0.1 + 0.2))), 7),
        (lines((1, 0, 0), (0, 1, 0), (1, -1, 0), (1, 1, 0), (1, 2, 0)), 10),
        (lines((1, 0, 0), (1, 0, -1e-13)), 3),
        (lines((1, 0, 0), (0, 1, 0), (1, 1, -1e-12)), 7),
        (lines((1e-12, 0, 0.2e-12), (0, 1e-12, 0.1e-12), (1e-12, 1e-12, -0.5e-12)), 7),
    ],
)
def test_known_counts_are_certified(net: Network, count: int) -> None:
    assert certify(partition(net, SQUARE)).regions == count == len(partition(net, SQUARE, backend="exact"))


def test_a_network_without_units_has_one_region() -> None:
    certificate = certify(partition(Network.mlp([np.ones((1, 2))], [np.zeros(1)]), SQUARE))
    assert certificate.regions == 1 and certificate.verified


def test_progress_counts_regions() -> None:
    calls: list[tuple[int, int, str]] = []
    part, _ = generic()
    certify(part, progress=lambda *call: calls.append(call))
    assert calls[-1] == (len(part), len(part), "check") and {label for *_, label in calls} == {"lift", "check"}
    assert all(done <= total for done, total, _ in calls)


# ---- what is wrong is repaired ---------------------------------------------------------------------------------------
def rows_of(part: Partition) -> list[list[int]]:
    return [row.tolist() for row in part.regions]


def deleted(part: Partition, region: int) -> tuple[Partition, set[int]]:
    keep = [r for r in range(len(part)) if r != region]
    return forged(part, [rows_of(part)[r] for r in keep], part.patterns(keep)), set()


def duplicated(part: Partition, region: int) -> tuple[Partition, set[int]]:
    keep = [*range(len(part)), region]
    return forged(part, [rows_of(part)[r] for r in keep], part.patterns(keep)), {len(part)}


def flipped(part: Partition, region: int) -> tuple[Partition, set[int]]:
    patterns = part.patterns()
    patterns[region, 3] = 1 - patterns[region, 3]
    return forged(part, rows_of(part), patterns), {region}


def swapped(part: Partition, region: int) -> tuple[Partition, set[int]]:
    patterns = part.patterns()
    patterns[[region, 0]] = patterns[[0, region]]
    return forged(part, rows_of(part), patterns), {0, region}


def moved(part: Partition, region: int) -> tuple[Partition, set[int]]:
    rows = rows_of(part)
    rows[region][0] = next(v for v in rows[(region + 7) % len(rows)] if v not in rows[region])
    return forged(part, rows, part.patterns()), {region}


def cut_off(part: Partition, region: int) -> tuple[Partition, set[int]]:
    rows = rows_of(part)
    rows[region] = rows[region][:-1]
    return forged(part, rows, part.patterns()), {region}


def joined(part: Partition, region: int) -> tuple[Partition, set[int]]:
    """A region that takes its neighbour's place as well; its lines, and so its lifted polygon, are still right."""
    facets = part.facets()
    facet = next(f for f in range(len(facets.regions)) if region in facets.regions[f] and facets.regions[f, 1] >= 0)
    (a, b), other = facets.vertices[facet].tolist(), int(sum(facets.regions[facet]) - region)
    first, second = (rows_of(part)[r] for r in facets.regions[facet].tolist())
    i, j = first.index(b), second.index(a)
    union = first[i:] + first[:i] + (second[j:] + second[:j])[1:-1]
    keep = [r for r in range(len(part)) if r != other]
    rows = [union if r == region else rows_of(part)[r] for r in keep]
    return forged(part, rows, part.patterns(keep)), set()


@pytest.mark.parametrize("fault", [deleted, duplicated, flipped, swapped, moved, cut_off, joined])
@pytest.mark.parametrize("region", [9, 30, 48])
def test_a_planted_fault_is_repaired_exactly(fault: Any, region: int) -> None:
    part, right = generic()
    wrong, faulty = fault(part, region)
    certificate = certify(wrong)
    assert as_set(polygons(certificate.partition)) == as_set(polygons(right.partition))
    assert certificate.regions == len(part) and certificate.verified
    assert faulty <= set(certificate.repaired.tolist())
    assert len(certificate.repaired) < len(part) / 2
    assert (len(certificate.added) > 0) == (fault is not duplicated)


def test_a_partition_that_is_all_wrong_is_computed_anew() -> None:
    part, right = generic()
    certificate = certify(forged(part, rows_of(part), np.zeros_like(part.patterns())))
    assert as_set(polygons(certificate.partition)) == as_set(polygons(right.partition))
    assert len(certificate.repaired) == len(certificate.added) == len(part)


def test_a_recomputed_region_replaces_one_of_its_pattern_that_differs() -> None:
    square = [(Fraction(x), Fraction(y)) for x, y in [(0, 0), (2, 0), (2, 2), (0, 2)]]
    large, half = (tuple(homogeneous(p) for p in cell) for cell in (square, square[:3]))
    pattern = np.zeros((1, 3), np.int16)
    small = Regions([half], pattern, np.array([0]))
    assert small.with_cells(Regions([large], pattern, np.array([-1]))).source.tolist() == [-1]
    assert small.with_cells(Regions([half[1:] + half[:1]], pattern, np.array([-1]))).source.tolist() == [0]
    assert small.with_cells(Regions([large], pattern + 1, np.array([-1]))).source.tolist() == [0, -1]


@settings(max_examples=25)
@given(networks(), st.data())
def test_any_patterns_and_corners_end_in_the_exact_partition(net: Network, data: st.DataObject) -> None:
    part = partition(net, SQUARE, backend="exact")
    rows, patterns = rows_of(part), part.patterns()
    for _ in range(data.draw(st.integers(1, 3))):
        region = data.draw(st.integers(0, len(rows) - 1))
        fault = data.draw(st.sampled_from(["drop", "repeat", "pattern", "corner"]))
        if fault == "drop" and len(rows) > 1:
            rows, patterns = rows[:region] + rows[region + 1 :], np.delete(patterns, region, 0)
        elif fault == "repeat":
            rows, patterns = [*rows, rows[region]], np.vstack([patterns, patterns[region]])
        elif fault == "pattern":
            unit = data.draw(st.integers(0, patterns.shape[1] - 1))
            patterns[region, unit] = abs(patterns[region, unit] - 1)
        elif fault == "corner":
            place = data.draw(st.integers(0, len(rows[region]) - 1))
            rows[region][place] = data.draw(st.integers(0, len(part.vertices) - 1))
    certificate = certify(forged(part, rows, patterns))
    assert as_set(polygons(certificate.partition)) == as_set(polygons(part))


# ---- the criterion ---------------------------------------------------------------------------------------------------
def mutations(cells: list[Polygon]) -> dict[str, list[Polygon]]:
    """Lists that are wrong, made from a right one of at least two cells."""
    half = Fraction(1, 2)
    first, rest = cells[0], cells[1:]
    hub = [sum((p[axis] for p in first), Fraction(0)) / len(first) for axis in (0, 1)]
    smaller = [((p[0] + hub[0]) / 2, (p[1] + hub[1]) / 2) for p in first]
    middle = ((first[0][0] + first[1][0]) * half, (first[0][1] + first[1][1]) * half)
    return {
        "missing": rest,
        "twice": [*cells, first],
        "another in its place": [rest[0], *rest],
        "clockwise": [first[::-1], *rest],
        "smaller": [smaller, *rest],
        "too large": [[(2 * p[0], 2 * p[1]) for p in first], *rest],
        "hanging vertex": [[first[0], middle, *first[1:]], *rest],
        "split": [[first[0], middle, first[-1]], [middle, *first[1:]], *rest],
        "twice round": [[*first, *first], *rest],
        "moved": [[(x + 1, y) for x, y in first], *rest],
        "a corner less": [first[1:], *rest],
    }


@settings(max_examples=25)
@given(networks())
def test_the_criterion_accepts_the_partition_and_no_mutilated_list(net: Network) -> None:
    cells = model.partition(as_model(net), corners(SQUARE))
    assert claim(net, cells).verified
    if len(cells) > 1:
        for fault, wrong in mutations(cells).items():
            assert not model.is_partition(wrong, as_model(net), corners(SQUARE)), fault
            assert not claim(net, wrong).verified, fault


def test_two_copies_of_a_region_cannot_stand_for_another_one() -> None:
    net = Network.mlp([np.array([[1.0, 0.0]]), np.ones((1, 1)), np.ones((1, 1))], [np.zeros(1)] * 3)
    left, right = model.partition(as_model(net), corners(SQUARE))
    assert claim(net, [left, right]).verified
    for copies in ([left, left], [right, right]):
        with pytest.raises(VerificationError, match="rule 3"):
            claim(net, copies).verify()


def test_units_that_tie_or_vanish_over_a_region_are_on_the_canonical_piece() -> None:
    """On x <= 0 the arguments of the maximum, relu(x) and 2 relu(x), tie; relu of it is 0: pieces 0, then 0, then 1."""
    net = network([[[1, 0]], [[1], [2]], [[1]], [[1]]], [[0], [0, 0], [0], [0]], ["relu", "maxout", "relu"])
    exact = certify(partition(net, SQUARE)).partition
    assert sorted(exact.patterns().tolist()) == [[0, 0, 1], [1, 1, 1]]
    report = str(claim(net, [corners(SQUARE)]))
    assert "NOT verified" in report


def test_a_pentagram_is_not_convex() -> None:
    pentagon = [(0, 3, 1), (-3, 1, 1), (-2, -2, 1), (2, -2, 1), (3, 1, 1)]
    points = [homogeneous((Fraction(x), Fraction(y))) for x, y, _ in pentagon]
    assert is_convex(points) and not is_convex([points[2 * i % 5] for i in range(5)])


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("clockwise", 1),
        ("too large", 1),
        ("joined", 2),
        ("twice", 3),
        ("missing", 4),
    ],
)
def test_the_error_names_the_rule(fault: str, rule: int) -> None:
    net = lines((1, 0, 0), (0, 1, 0))
    cells = model.partition(as_model(net), corners(SQUARE))
    wrong = {**mutations(cells), "joined": [corners(SQUARE)]}[fault]
    with pytest.raises(VerificationError, match=f"rule {rule}"):
        claim(net, wrong).verify()


# ---- files -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["certificate.json", "certificate.json.gz"])
def test_a_certificate_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    certificate = certify(partition(he_network(4, [2, 5, 4, 2], ["hardtanh", "maxout"]), SQUARE))
    certificate.save(tmp_path / name)
    loaded = Certificate.load(tmp_path / name)
    assert (loaded.regions, loaded.area) == (certificate.regions, certificate.area)
    assert loaded.verified and "verified exactly" in str(loaded)
    assert polygons(loaded.partition) == polygons(certificate.partition)
    np.testing.assert_array_equal(loaded.partition.patterns(), certificate.partition.patterns())
    loaded.save(tmp_path / f"again-{name}")
    assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()


def document(tmp_path: Path) -> dict[str, Any]:
    certify(partition(lines((1, 0, 0.1), (0, 1, 0.3), (1, 1, 0.1)), SQUARE)).save(tmp_path / "right.json")
    text = (tmp_path / "right.json").read_text()
    result: dict[str, Any] = json.loads(text, parse_float=lambda x: pytest.fail(f"a float in the file: {x}"))
    return result


def loaded(document: dict[str, Any], tmp_path: Path) -> Certificate:
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    return Certificate.load(tmp_path / "wrong.json")


def test_the_file_holds_no_floating_point_number(tmp_path: Path) -> None:
    assert loaded(document(tmp_path), tmp_path).verified


@pytest.mark.parametrize("part", ["vertices", "regions", "network"])
def test_a_forged_file_is_read_and_not_verified(part: str, tmp_path: Path) -> None:
    wrong = document(tmp_path)
    if part == "vertices":
        wrong["proof"]["vertices"][0][0] = "1/3"
    elif part == "regions":
        wrong["proof"]["regions"].pop()
        wrong["claim"]["regions"] -= 1
    else:
        network = wrong["networks"][0]
        network["nodes"][1]["bias"]["values"][0] = "1/8"
        network["sha256"] = digest(network["nodes"])
    assert not loaded(wrong, tmp_path).verified


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "something else"),
        (("version",), 0),
        (("kind",), "extremum"),
        (("networks", 0, "sha256"), "0" * 64),
        (("proof", "vertices", 0, 0), "0.5"),
        (("proof", "vertices", 0, 0), "1/0"),
        (("proof", "vertices", 0, 0), 0.5),
        (("proof", "regions", 0, 0), 10_000),
        (("proof", "regions", 0), []),
        (("claim", "regions"), 2),
        (("domain", "polygon", 0, 0), "1/3"),
        (("domain", "origin"), ["0"]),
        (("networks",), []),
    ],
)
def test_a_damaged_file_is_refused(path: tuple[Any, ...], value: Any, tmp_path: Path) -> None:
    wrong = document(tmp_path)
    place: Any = wrong
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(FileFormatError, match=r"wrong\.json"):
        loaded(wrong, tmp_path)


def test_what_is_no_certificate_at_all_is_refused(tmp_path: Path) -> None:
    for name, data in [("a.json", b"{"), ("b.json", b"[1]"), ("c.json.gz", b"{}"), ("d.json.gz", gzip.compress(b"3"))]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileFormatError, match=name):
            Certificate.load(tmp_path / name)


# ---- samples ---------------------------------------------------------------------------------------------------------
def check(net: Network, samples: list[Any], level: float | None = None, *, largest: bool = True) -> None:
    for sample in samples:
        logits = model.evaluate(as_model(net), sample.x.ravel().tolist())
        assert logits == sample.logits.tolist()
        assert all(isinstance(x, Fraction) and -1 <= x <= 1 for x in sample.u)
        if level is not None:
            assert logits == [Fraction(level)] and sample.pair == (-1, -1)
            continue
        i, j = sample.pair
        assert i < j and logits[i] == logits[j] and (not largest or logits[i] == max(logits))


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_certified_samples_lie_exactly_on_the_argmax_boundary(backend: str) -> None:
    net = he_network(6, [2, 8, 8, 4], ["relu", "leaky"])
    boundary = partition(net, SQUARE, backend=backend).decision_boundary()
    samples = certify_samples(boundary, 12, seed=1)
    assert len(samples) == 12
    check(net, samples)
    again = certify_samples(boundary, 12, seed=1)
    assert [sample.u.tolist() for sample in again] == [sample.u.tolist() for sample in samples]


def test_given_samples_are_certified_in_order_each_next_to_where_it_was() -> None:
    boundary = partition(he_network(6, [2, 8, 8, 4], ["relu", "leaky"]), SQUARE).decision_boundary()
    u, segments = boundary.sample_slice(100, seed=3)
    samples = certify_samples(boundary, 10, points=(u, segments))
    moved = np.array([sample.u for sample in samples], float)
    assert np.abs(moved - u[:10]).max() < 1e-9
    assert [sample.pair for sample in samples] == [tuple(pair) for pair in boundary.pairs[segments[:10]].tolist()]


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_certified_samples_lie_exactly_on_a_level_set(backend: str) -> None:
    net = he_network(1, [2, 8, 8, 1], ["relu", "maxout"])
    samples = certify_samples(partition(net, SQUARE, backend=backend).decision_boundary(level=0.1), 8)
    assert len(samples) == 8
    check(net, samples, level=0.1)


def test_samples_of_a_pair_everywhere_need_not_be_largest() -> None:
    net = he_network(6, [2, 8, 8, 4], ["relu", "leaky"])
    samples = certify_samples(partition(net, SQUARE).decision_boundary((0, 2), everywhere=True), 30)
    check(net, samples, largest=False)
    assert any(sample.logits[0] < max(sample.logits) for sample in samples)


def test_samples_at_which_another_output_is_larger_are_not_certified() -> None:
    boundary = partition(he_network(6, [2, 8, 8, 4], ["relu", "leaky"]), SQUARE).decision_boundary(
        (0, 2), everywhere=True
    )
    with pytest.raises(VerificationError, match="samples"):
        certify_samples(replace(boundary, everywhere=False), 10)


def test_samples_outside_the_domain_are_not_certified() -> None:
    net = Network.mlp([np.array([[1.0, 2.0], [3.0, -1.0]])], [np.array([0.1, 0.0])])
    boundary = partition(net, SQUARE).decision_boundary()
    samples = certify_samples(replace(boundary, vertices=2 * boundary.vertices), 20)
    check(net, samples)


def test_samples_with_wrong_patterns_are_never_certified() -> None:
    net = he_network(6, [2, 8, 8, 4], ["relu", "leaky"])
    part = partition(net, SQUARE)
    boundary = part.decision_boundary()
    wrong = forged(part, rows_of(part), np.zeros_like(part.patterns()))
    with pytest.raises(VerificationError, match="samples"):
        certify_samples(replace(boundary, partition=wrong), 10)


@pytest.mark.parametrize("level", [None, 0.1])
def test_some_wrong_patterns_cost_samples_only(level: float | None) -> None:
    net = he_network(6, [2, 8, 8, 4], ["relu", "leaky"]) if level is None else he_network(1, [2, 8, 8, 1], ["relu"] * 2)
    part = partition(net, SQUARE)
    boundary = part.decision_boundary(level=level)
    patterns, rng = part.patterns(), np.random.default_rng(0)
    for region in np.unique(boundary.regions)[::2]:
        unit = rng.integers(patterns.shape[1])
        patterns[region, unit] = 1 - patterns[region, unit]
    samples = certify_samples(replace(boundary, partition=forged(part, rows_of(part), patterns)), 20)
    assert len(samples) == 20
    check(net, samples, level=level)


# ---- bad arguments ---------------------------------------------------------------------------------------------------
def test_only_partitions_are_certified() -> None:
    with pytest.raises(ArgumentError, match="partition"):
        certify("a partition")  # type: ignore[arg-type]


def test_a_negative_number_of_samples_is_refused() -> None:
    boundary = partition(he_network(6, [2, 4, 2], ["relu"]), SQUARE).decision_boundary()
    with pytest.raises(ArgumentError, match="n must"):
        certify_samples(boundary, -1)
    assert certify_samples(boundary, 0) == []


def test_a_layer_of_more_units_than_python_writes_digits_is_checked(tmp_path: Path) -> None:
    count = 15_000
    network = Network.mlp([np.ones((count, 2)), np.ones((1, count))], [np.repeat([-3.0, 3.0], count // 2), np.zeros(1)])
    certificate = cpwl.certify(cpwl.partition(network, cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])))
    certificate.save(tmp_path / "wide.json")
    found = subprocess.run(
        [sys.executable, "-I", checker.__file__, tmp_path / "wide.json"], capture_output=True, text=True
    )
    assert found.returncode == 0 and found.stdout.startswith("accepted"), found.stderr
