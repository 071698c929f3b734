"""Comparisons: what two partitions have in common, whatever the order of their regions."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from scipy.spatial import ConvexHull

from cpwl.certification import certify
from cpwl.comparisons.execution import compare_execution
from cpwl.comparisons.partitions import THINNEST, compare, compare_devices, width
from cpwl.errors import ArgumentError, BackendError
from cpwl.geometry.domain import Domain
from cpwl.network import Network
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support.certify_inputs import SQUARE, forged, he_network, networks

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
    assert (np.diff(found.widths) >= 0).all() and len(found.thinnest) == min(THINNEST, len(exact))
    assert found.widths[0] == pytest.approx(min(width(exact.vertices[row].tolist()) for row in exact.regions))


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(0.0, 6.3), st.floats(-5.0, 5.0))
def test_the_width_of_a_rectangle_is_its_shorter_side(long: float, wide: float, angle: float, shift: float) -> None:
    corners = np.array([[0.0, 0.0], [long, 0.0], [long, wide], [0.0, wide]])
    turned = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + shift
    assert width(turned.tolist()) == pytest.approx(min(long, wide), rel=1e-12)


@given(st.lists(st.tuples(*[st.integers(-20, 20)] * 2), min_size=3, max_size=9, unique=True))
def test_the_width_is_the_least_extent_over_all_directions(points: list[tuple[int, int]]) -> None:
    if np.linalg.matrix_rank(np.array(points[1:]) - points[0]) < 2:
        return
    hull = np.array(points)[ConvexHull(points).vertices].astype(float)
    angles = np.linspace(0, np.pi, 20_000)
    extents = np.ptp(hull @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
    found = width(hull.tolist())
    assert found <= extents.min() + 1e-9 and extents.min() <= found + 60 * np.pi / 20_000


def test_the_width_of_a_sliver_far_thinner_than_float64_can_tell_is_exact() -> None:
    tip = Fraction(1, 2**300)
    sliver = [(Fraction(1), Fraction(1)), (Fraction(2), Fraction(1)), (Fraction(2), 1 + tip), (Fraction(1), 1 + tip)]
    assert width(sliver) == 2.0**-300
    assert width([[1.0, 1.0]] * 3) == 0


def test_the_thinnest_region_of_many_is_named() -> None:
    gaps = np.arange(-4, 5) / 5
    bias = -np.append(gaps, 0.2 + 2.0**-30)
    part = partition(Network.mlp([np.tile([1.0, 0.0], (10, 1)), np.ones((1, 10))], [bias, np.zeros(1)]), SQUARE)
    found = compare(part, partition(part.network, SQUARE, backend="exact"))
    assert found.widths[0] == 2.0**-30 and found.thinnest[0] == found.reference.locate([[0.2 + 2.0**-31, 0.0]])[0]


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


def test_the_table_and_the_numbers_say_what_was_found() -> None:
    part, exact = pair()
    boundary = part.decision_boundary()
    residuals = boundary.residuals(*boundary.sample_slice(50))
    found = compare(part, exact, residuals=residuals)
    assert found.residual == residuals[0].max() <= residuals[1].max() == found.residual_bound
    rows = {what.strip(): value for what, value, _ in found.table()}
    assert rows["missing"] == "0" and rows["regions"] == rows["reference"] == f"{len(part):,}"
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["agree"] and numbers["partition"] == "float64 on cpu, exact predicates"
    assert numbers["displacements in ulps"][-1] == found.displacements[-1] / 2.0**-52
    assert numbers["residual in ulps"] == found.residual / np.spacing(np.abs(part.outputs.to_numpy()).max())
    assert "boundary samples" in str(found) and "boundary" not in str(compare(part, exact))


def test_what_each_region_moved_is_the_largest_of_its_corners() -> None:
    part, exact = pair()
    vertices = part.vertices.copy()
    vertices[7, 0] += 2.0**-20
    shifted = changed(part, [row.tolist() for row in part.regions], list(range(len(part))))
    shifted = replace(shifted, arrangement=replace(shifted.arrangement, vertices=vertices))
    object.__setattr__(shifted.arrangement, "volumes", part.volumes)
    moved = compare(shifted, exact).largest_displacements
    corner = np.flatnonzero(np.abs(exact.vertices.astype(float) - part.vertices[7]).max(axis=1) < 1e-12)
    assert np.flatnonzero(moved > 1e-9).tolist() == [r for r, row in enumerate(exact.regions) if corner[0] in row]
    some = changed(part, [part.regions[r].tolist() for r in range(1, len(part))], list(range(1, len(part))))
    found = compare(some, exact)
    assert np.flatnonzero(np.isnan(found.largest_displacements)).tolist() == found.missing.tolist()


# ---- devices -------------------------------------------------------------------------------------------------------
def test_one_device_twice_gives_one_partition() -> None:
    part, _ = pair()
    found = compare_devices(part.network, SQUARE, device="cpu", reference="cpu")
    assert found.agree and found.displacements[-1] == 0 == found.area_difference and len(found.partition) == len(part)
    assert found.to_dict()["reference"] == "float64 on cpu, exact predicates"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_regions_that_the_cpu_finds() -> None:
    part, _ = pair()
    found = compare_devices(part.network, SQUARE, device="cuda")
    assert found.agree and found.displacements[-1] < 1e-12
    assert compare_execution(part, device="cuda", grid=9).grid.errors.max() < 1e-5


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(BackendError, match="device"):
        compare_devices(pair()[0].network, SQUARE, device="magic")


# ---- pictures ------------------------------------------------------------------------------------------------------
def drawn(axes: Any) -> list[int]:
    """How many polygons each collection of a picture holds."""
    return [len(found.get_paths()) for found in axes.collections if isinstance(found, PolyCollection)]


def test_a_picture_shows_all_regions_and_marks_those_that_differ(tmp_path: Path) -> None:
    part, exact = pair()
    keep = [*range(1, len(part)), 5]
    rows = [part.regions[r].tolist() for r in keep]
    rows[3].append(rows[4][0])
    figure = compare(changed(part, rows, keep), exact).plot()
    left, right = figure.axes[:2]
    assert drawn(left) == [len(exact), 1, 1, 1] and drawn(right) == [len(exact) - 2, 2]
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["1 of another shape", "1 extra", "1 missing"] and "not the same" in left.get_title()
    figure.savefig(tmp_path / "picture.png")


def test_a_picture_of_a_run_shows_the_inputs_and_regions_concerned(tmp_path: Path) -> None:
    _, exact = pair()
    found = compare_execution(exact, dtype="bfloat16", grid=60)
    figure = found.plot()
    left, right = figure.axes[:2]
    several = int((found.grid.flips > 0).sum() + (found.interiors.flips > 0).sum())
    (points,) = (artist for artist in left.collections if not isinstance(artist, PolyCollection))
    assert 0 < several == len(points.get_offsets())
    assert drawn(left) == [len(exact)] and sum(drawn(right)[1:]) == int((~found.reached).sum()) > 0
    figure.savefig(tmp_path / "picture.png")


def test_pictures_of_nothing_to_show_can_be_drawn(tmp_path: Path) -> None:
    _, exact = pair()
    compare(exact, exact).plot().savefig(tmp_path / "one.png")
    compare_execution(exact, dtype="float64", grid=0).plot().savefig(tmp_path / "other.png")


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
