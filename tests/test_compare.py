"""Comparisons: what two partitions have in common, whatever the order of their regions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from certify_inputs import SQUARE, forged, he_network, networks
from hypothesis import given, settings

from cpwl.certify import certify
from cpwl.compare import compare
from cpwl.domain import Domain
from cpwl.errors import ArgumentError
from cpwl.network import Network
from cpwl.partition import Partition, partition

KINDS = ["relu", "leaky"]


@cache
def pair() -> tuple[Partition, Partition]:
    """A float partition and the exact one, their regions in different orders."""
    net = he_network(3, [2, 8, 7, 3], KINDS)
    return partition(net, SQUARE), partition(net, SQUARE, backend="exact")


def changed(part: Partition, rows: list[list[int]], regions: list[int]) -> Partition:
    """A partition with the given corners and the patterns of the given regions; it has volumes, too."""
    result = forged(part, rows, part.patterns(regions))
    object.__setattr__(result.arrangement, "volumes", lambda: part.volumes()[regions])
    return result


def test_float_and_exact_agree_on_a_generic_network() -> None:
    found = compare(*pair())
    assert found.agree and found.regions == (len(pair()[0]),) * 2
    assert 0 < found.displacements[-1] < 1e-13 and found.area_difference < 1e-14
    assert (np.diff(found.displacements) >= 0).all()


def test_the_order_of_regions_does_not_matter() -> None:
    part, exact = pair()
    order = np.random.default_rng(0).permutation(len(part)).tolist()
    shuffled = changed(part, [part.regions[r].tolist() for r in order], order)
    found, expected = compare(shuffled, exact), compare(part, exact)
    assert found.agree and found.displacements.tolist() == expected.displacements.tolist()
    assert found.area_difference == expected.area_difference


@settings(max_examples=20)
@given(networks())
def test_an_exact_partition_equals_the_certified_one(net: Network) -> None:
    exact = partition(net, SQUARE, backend="exact")
    found = compare(certify(partition(net, SQUARE)).partition, exact)
    assert found.agree and found.displacements[-1] == 0 == found.area_difference
    thickness = exact.volumes().astype(float) / _diameters(exact)
    assert found.thickness == pytest.approx(thickness.min()) == pytest.approx(thickness[found.thinnest])


def _diameters(part: Partition) -> list[float]:
    points = part.vertices.astype(float)
    return [max(np.linalg.norm(p - q) for p in points[row] for q in points[row]) for row in part.regions]


def test_missing_and_extra_regions_are_found() -> None:
    part, exact = pair()
    keep = list(range(1, len(part)))
    found = compare(changed(part, [part.regions[r].tolist() for r in keep], keep), exact)
    assert found.extra.tolist() == [] and not found.agree
    assert (exact.patterns(found.missing) == part.patterns([0])).all() and len(found.missing) == 1
    twice = compare(changed(part, [part.regions[r].tolist() for r in [*keep, 0, 5]], [*keep, 0, 5]), exact)
    assert twice.extra.tolist() == [len(part)] and len(twice.missing) == 0 and not twice.agree


def test_regions_of_another_shape_are_found() -> None:
    part, exact = pair()
    rows = [row.tolist() for row in part.regions]
    rows[4].append(rows[5][0])
    found = compare(changed(part, rows, list(range(len(part)))), exact)
    assert found.misshapen.tolist() == [4] and not found.agree


def test_a_vertex_out_of_place_is_measured() -> None:
    part, exact = pair()
    shifted = changed(part, [row.tolist() for row in part.regions], list(range(len(part))))
    vertices = part.vertices.copy()
    vertices[7, 0] += 2.0**-20
    shifted = replace(shifted, arrangement=replace(shifted.arrangement, vertices=vertices))
    object.__setattr__(shifted.arrangement, "volumes", part.volumes)
    assert compare(shifted, exact).displacements[-1] == pytest.approx(2.0**-20, rel=1e-6)


def test_the_largest_area_difference_is_measured() -> None:
    part, exact = pair()
    areas = part.volumes().copy()
    areas[3] += 2.0**-20
    shifted = forged(part, [row.tolist() for row in part.regions], part.patterns())
    object.__setattr__(shifted.arrangement, "volumes", lambda: areas)
    assert compare(shifted, exact).area_difference == pytest.approx(2.0**-20, rel=1e-6)


def test_the_report_says_what_was_found() -> None:
    part, exact = pair()
    boundary = part.decision_boundary()
    residuals = boundary.residuals(*boundary.sample_slice(50))
    found = compare(part, exact, residuals=residuals)
    assert found.residual == residuals[0].max() <= residuals[1].max() == found.residual_bound
    text = str(found)
    assert f"{len(part):,} float, {len(exact):,} exact; 0 missing" in text and "bound" in text
    assert "boundary" not in str(compare(part, exact))


def test_other_networks_and_domains_are_refused() -> None:
    part, exact = pair()
    with pytest.raises(ArgumentError, match="network"):
        compare(part, partition(he_network(4, [2, 8, 7, 3], KINDS), SQUARE))
    with pytest.raises(ArgumentError, match="network"):
        compare(part, partition(he_network(4, [2, 8, 3], KINDS[:1]), SQUARE))
    with pytest.raises(ArgumentError, match="domain"):
        compare(part, partition(part.network, Domain.box([-1.0, -1.0], [1.0, 2.0])))
    with pytest.raises(ArgumentError, match="part_exact"):
        compare(part, None)  # type: ignore[arg-type]
    same = partition(he_network(3, [2, 8, 7, 3], KINDS), Domain.box([-1.0, -1.0], [1.0, 1.0]))
    assert compare(same, exact).agree
