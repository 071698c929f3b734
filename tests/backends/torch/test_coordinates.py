"""Only coordinates are rounded, and by how much: vertices and ends of boundaries, against the exact backend."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.backends.torch.long_numbers.lines import CloseLines
from cpwl.backends.torch.refinement import corners
from cpwl.errors import BackendError, InternalError
from cpwl.geometry.ladder import INTEGERS, vanishing_along
from cpwl.network import Network
from cpwl.numbers.double_double import Balls
from cpwl.tiling import cells, stages
from cpwl.tiling.blocks import Blocks
from tests.support.coordinates import SQUARE, Pair, check, mislocated, misplaced, queries
from tests.support.cuts import boundaries, check_cuts, misdrawn
from tests.support.families import FAMILIES, MIXTURES, Case, case, moved, shrunk, tied
from tests.support.image_planes import plane
from tests.support.networks import layered, mlp


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_boundaries_and_level_sets_are_as_near_as_the_partition(family: int) -> None:
    for k in range(len(MIXTURES)):
        for kind in (case, tied, moved):
            check_cuts(kind(family + k * len(FAMILIES)))


def test_ends_of_boundaries_are_computed_anew_where_rows_leave_them_open(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = range(3 * len(FAMILIES))
    with monkeypatch.context() as patch:
        patch.setattr(cells, "POOR", 1.0)
        pairs = [Pair.of(tied(seed)) for seed in seeds]
        assert any(misdrawn(boundaries(p.float), boundaries(p.exact), sharp=False) for p in pairs)


@pytest.mark.parametrize("seed", [903, 5, 17])
def test_the_ends_of_a_boundary_between_nearly_equal_outputs_are_right(seed: int) -> None:
    """Seed 903 had an end 6e-3 off, a bound of 0.62 in a square of side 2, and 1.73338 for the length 1.72936."""
    r = np.random.default_rng(seed)
    weight, bias, row = r.standard_normal((4, 2)), r.standard_normal(4), r.standard_normal(4)
    gap = 2.0 ** -int(r.integers(30, 52))
    rows = np.stack([row, row * (1 + gap * r.integers(-2, 3, 4))])
    c = r.standard_normal()
    network = Network.mlp([weight, rows], [bias, np.array([c, c + gap * r.standard_normal()])])
    chosen = Case("nearly equal", network, SQUARE)
    check_cuts(chosen)
    part = cpwl.partition(network, SQUARE)
    assert part.decision_boundary().slack.max(initial=0.0) < 2.0**-18
    assert part.sharpened().decision_boundary().slack.max(initial=0.0) < 2.0**-45


def test_a_sharpened_partition_stays_so_in_a_file_and_in_parts(tmp_path: Path) -> None:
    chosen = tied(4)
    part = cpwl.partition(chosen.network, chosen.domain).sharpened()
    part.save(tmp_path / "part.npz")
    again = cpwl.load(tmp_path / "part.npz")
    assert part.arrangement.is_sharp and again.arrangement.is_sharp
    assert part.arrangement.take(np.arange(2)).arrangement.is_sharp
    assert not cpwl.partition(chosen.network, chosen.domain).arrangement.is_sharp
    assert (again.decision_boundary().ends == part.decision_boundary().ends).all()
    assert (part.sharpened().vertices == part.vertices).all()
    moved_ = part.arrangement.moved(np.zeros(1, np.int64), part.vertices[:1])
    assert not moved_.is_sharp


# ---- out of the range of squares and products ----------------------------------------------------------------------
@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_promises_hold_where_squares_and_areas_underflow(family: int) -> None:
    for k in range(2):
        chosen = shrunk(family + k * len(FAMILIES))
        check(chosen, count=3)
        check_cuts(chosen)


@pytest.mark.parametrize("power", [-1072, -1000, -900, -540, -500])
def test_vertices_near_the_origin_have_true_bounds(power: int) -> None:
    """At 2^-500 the bound was 0.0 and the error 7e-168: a norm whose squares had underflowed."""
    s = 2.0**power
    network = Network.mlp([np.array([[3.0, 1.0], [1.0, -2.0]]), np.ones((1, 2))], [np.array([-s, -s]), np.zeros(1)])
    pair = Pair.of(Case("near the origin", network, SQUARE))
    assert misplaced(pair.float, pair.places) == misplaced(pair.float.sharpened(), pair.places) == []
    points = [[s / 4, 0.0], [s, s], [-s, s / 2], [0.0, 0.0], [s, -s]]
    assert mislocated(pair, np.array(points)) == []


def test_vertices_are_computed_anew_where_rows_leave_them_open(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = moved(78)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "POOR", 1.0)
        pair = Pair.of(chosen)
        assert misplaced(pair.float, pair.places)
    pair = Pair.of(chosen)
    assert misplaced(pair.float, pair.places) == []


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_coordinates_areas_and_locations_are_as_near_to_the_exact_ones_as_promised(family: int) -> None:
    for k in range(2 * len(MIXTURES)):
        check(case(family + k * len(FAMILIES)))


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_they_are_on_domains_that_are_large_tiny_or_far_away(family: int) -> None:
    for k in range(2 * len(MIXTURES)):
        check(moved(family + k * len(FAMILIES)))


@pytest.mark.parametrize("seed", range(8))
def test_they_are_on_planes_through_images(seed: int) -> None:
    check(plane(seed))


@settings(max_examples=25)
@given(network=layered(outputs=3).map(lambda pair: pair.network), size=st.sampled_from([1e-7, 1.0, 1e6]))
def test_they_are_for_networks_of_all_kinds_of_layers(network: Network, size: float) -> None:
    check(Case("layered", network, cpwl.Domain.box([-size, -size], [size, size])))


@pytest.mark.parametrize("parts", [(), (1,), (2,), (3,), (8,)], ids=str)
def test_they_are_whichever_numbers_decide(parts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corners, "_PARTS", parts)
    for seed in (0, 7, 12, 27):
        check(moved(seed))


def test_a_vertex_that_was_far_off_is_right_for_where_it_belongs() -> None:
    """What is allowed is relative to the place that is found, not to the one before."""
    chosen = moved(145)
    part = cpwl.partition(chosen.network, chosen.domain)
    predicates, inexact = part.exact_predicates(), np.flatnonzero(part.vertex_errors() > 0)
    assert predicates is not None
    there = part.arrangement.moved(inexact, part.vertices[inexact] + 1e9)
    found, right = there.sharpened(predicates.exact_walls(), 2.0**-20), part.sharpened().vertices
    errors, norms = found.coordinates().errors(), np.linalg.norm(right, axis=1)
    allowed = np.maximum(2.0**-20 * norms, 2.0**-62 * 2e9)
    assert (np.linalg.norm(found.vertices - right, axis=1) <= errors * (1 + 1e-9) + 2.0**-52 * norms).all()
    assert (errors <= allowed).all()


def test_nothing_is_computed_anew_where_bounds_are_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> Balls:
        raise AssertionError("asked for exact lines")

    monkeypatch.setattr(CloseLines, "__call__", never)
    part = cpwl.partition(mlp(0, [2, 32, 32, 32, 1]), SQUARE)
    assert len(part) > 3000
    part.volumes()


@pytest.mark.parametrize("seed", [12, 56, 78, 236])
def test_blocks_keep_the_promise_and_agree_on_their_borders(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = moved(seed)
    whole = Pair.of(chosen)
    monkeypatch.setattr(Blocks, "wanted", lambda self, rows, entries: -(-rows // 8))
    pair = Pair(cpwl.partition(chosen.network, chosen.domain), whole.exact)
    assert misplaced(pair.float, pair.places) == []
    points = queries(pair.float, 8, 0)
    assert mislocated(pair, points) == []
    located = np.full(len(points), -1)
    places = set()
    for block in cpwl.partition_blocks(chosen.network, chosen.domain):
        here = block.locate(points)
        located[here >= 0] = 0
        norms, largest = np.linalg.norm(block.vertices, axis=1), np.abs(chosen.domain.polytope.vertices).max()
        assert (block.vertex_errors() <= 3 * np.maximum(2.0**-20 * norms, 2.0**-62 * largest)).all()
        places |= set(map(tuple, block.vertices.tolist()))
    assert ((located == 0) == (whole.float.locate(points) >= 0)).all()
    assert len(places) == len(set(map(tuple, pair.float.vertices.tolist())))


def test_a_stored_partition_is_as_sharp(tmp_path: Path) -> None:
    part = cpwl.partition(mlp(2, [2, 12, 12, 2]), SQUARE)
    part.save(tmp_path / "part.npz")
    again = cpwl.load(tmp_path / "part.npz")
    assert (again.sharpened().vertices == part.sharpened().vertices).all()
    assert (again.volumes(accuracy=2.0**-52) == part.volumes(accuracy=2.0**-52)).all()


def test_an_exact_partition_is_what_it_is() -> None:
    part = cpwl.partition(mlp(2, [2, 6, 2]), SQUARE, backend="exact")
    assert part.sharpened() is part
    assert not part.vertex_errors().any() and not part.volume_errors().any()
    assert (part.volumes(accuracy=1e-3) == part.volumes()).all()


def test_float_predicates_promise_bounds_alone() -> None:
    part = cpwl.partition(mlp(2, [2, 12, 12, 2]), SQUARE, predicates="float")
    sure = cpwl.partition(mlp(2, [2, 12, 12, 2]), SQUARE)
    assert (np.abs(part.volumes() - sure.volumes(accuracy=2.0**-50)) <= part.volume_errors() * (1 + 1e-9)).all()
    with pytest.raises(BackendError, match="predicates='exact'"):
        part.sharpened()
    with pytest.raises(BackendError, match="predicates='exact'"):
        part.volumes(accuracy=2.0**-52)


# ---- Lemma 12 ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("quick", [True, False], ids=["exactly where that is quick", "closely"])
@pytest.mark.parametrize("seed", range(0, 28, 3))
def test_lemma_12_lines_are_within_their_bounds(
    seed: int, quick: bool, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a multiple, up to the bounds of its three numbers, of the integers of the same line."""
    monkeypatch.setattr("cpwl.backends.torch.long_numbers.lines._ENTRIES", 100)
    if quick:
        monkeypatch.setattr("cpwl.backends.rungs._CHEAP", 1 << 40)
    else:
        monkeypatch.setattr("cpwl.backends.rungs._CHEAP", 0)
        monkeypatch.setattr("cpwl.backends.exact.short.may_be_short", lambda *_: False)
    chosen = case(seed)
    part = cpwl.partition(chosen.network, chosen.domain)
    facets, predicates = part.facets(), part.exact_predicates()
    assert predicates is not None and facets.walls is not None
    lines, region = predicates.exact_walls(), facets.regions[:, 0]
    found, exact = (lines(region, facets.walls, length) for length in (parts, INTEGERS))
    for k, form in enumerate(exact.values.tolist()):
        whole = [Fraction(int(x)) for x in form]
        steepest = max(range(3), key=lambda i: abs(whole[i]))
        high, low, radius = ([Fraction(x) for x in row[k].tolist()] for row in (found.high, found.low, found.radius))
        close = [h + x for h, x in zip(high, low, strict=True)]
        for i in range(3):
            # close = factor * whole + something within the radius, for one factor
            slack = radius[i] * abs(whole[steepest]) + radius[steepest] * abs(whole[i])
            assert abs(close[i] * whole[steepest] - close[steepest] * whole[i]) <= slack
        if parts > 2:
            assert max(radius) <= max(map(abs, close)) * 2.0**-30


def test_a_line_is_one_function_on_both_sides() -> None:
    part = cpwl.partition(mlp(2, [2, 12, 12, 2]), SQUARE)
    facets, predicates = part.facets(), part.exact_predicates()
    assert predicates is not None and facets.walls is not None
    inner = np.flatnonzero(facets.regions[:, 1] >= 0)
    lines = predicates.exact_walls()
    one, other = (lines(facets.regions[inner, side], facets.walls[inner], INTEGERS) for side in (0, 1))
    assert vanishing_along(one, other)[0].all()


def test_a_vertex_that_is_not_where_its_bound_allows_is_no_answer() -> None:
    part = cpwl.partition(mlp(2, [2, 12, 12, 2]), SQUARE)
    vertex = int(np.argmax(part.vertex_errors()))
    wrong = part.arrangement.moved(np.array([vertex]), part.vertices[[vertex]] + 1e-3)
    wrong._points.error[vertex] /= 2
    predicates = part.exact_predicates()
    assert predicates is not None
    with pytest.raises(InternalError, match="farther from where its lines meet"):
        wrong.sharpened(predicates.exact_walls(), 0.0)
