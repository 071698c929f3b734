"""Degenerate cells are cut all at once: lines through vertices, through one point, on top of one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl.backends.torch.complex.segments import sort_within
from cpwl.backends.torch.refinement import corners
from cpwl.backends.torch.refinement import refine as refine_module
from cpwl.backends.torch.refinement.coincidence import Rules, exact_order
from cpwl.backends.torch.refinement.decide import Decider
from cpwl.backends.torch.refinement.kernels import compiled
from cpwl.backends.torch.refinement.kernels.choice import KERNELS
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.sequential import Sequential
from cpwl.fields.predicates import Predicates
from cpwl.fields.structural_zeros import Named
from cpwl.geometry.ladder import Ladder
from cpwl.network import RELU, Dense, Network
from tests.support.agreement import disagreements, lines_elsewhere
from tests.support.families import bias_free, case, concurrent, corner, integer, quantised, ternary

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
BOTH = pytest.mark.parametrize("built", [True, False], ids=["compiled", "torch, by the ladder"])
EACH = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
Table = NDArray[np.float64]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Sequential) -> None:
        raise AssertionError("a cell was cut column by column")

    monkeypatch.setattr(Sequential, "run", refused)


@pytest.fixture
def either(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Compiled, and what bounds or names tell; or tensor operations, and all of it asked of the ladder."""

    def chosen(built: bool) -> None:
        if not built:
            monkeypatch.setattr(compiled, "enabled", False)
            by_ladder(monkeypatch)

    return chosen


def by_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever float64 leaves open is asked of exact functions."""
    monkeypatch.setattr(Predicates, "separation", lambda _: None)
    monkeypatch.setattr(Named, "central", lambda _, names: np.zeros(len(names.stage), np.bool_))


def lines(*rows: tuple[float, float, float]) -> Network:
    """One layer that cuts along the lines a x + b y + c = 0."""
    table = np.array(rows, float)
    return Network.sequential(2, [Dense(table[:, :2], table[:, 2]), RELU, Dense(np.ones((1, len(rows))), np.zeros(1))])


def layered(random: np.random.Generator, tables: list[Callable[..., Table]], width: int) -> Network:
    """Layers of one family each, of the same width."""
    ops: list[Dense | type[RELU]] = []
    for k, table in enumerate(tables):
        found = table(random, width, 2 if k == 0 else width)
        ops += [Dense(found[:, :-1].copy(), found[:, -1].copy()), RELU]
    return Network.sequential(2, [*ops, Dense(np.ones((1, width)), np.zeros(1))])  # type: ignore[list-item]


def regions_of(rows: Sequence[tuple[float, float, float]]) -> int:
    """The number of cells of an arrangement of lines in the square, counted by its inner points (Lemma 4)."""
    exact = {
        tuple(Fraction(x) / max(abs(Fraction(y)) for y in row) * (1 if row > (0, 0, 0) else -1) for x in row)
        for row in rows
    }
    cutting = [row for row in exact if min(_corners(row)) < 0 < max(_corners(row))]
    through: dict[tuple[Fraction, Fraction], set[tuple[Fraction, ...]]] = {}
    for p, q in combinations(cutting, 2):
        w = p[0] * q[1] - p[1] * q[0]
        if w:
            x, y = (p[1] * q[2] - p[2] * q[1]) / w, (p[2] * q[0] - p[0] * q[2]) / w
            if abs(x) < 1 and abs(y) < 1:
                through.setdefault((x, y), set()).update((p, q))
    return 1 + len(cutting) + sum(len(found) - 1 for found in through.values())


def _corners(row: tuple[Fraction, ...]) -> list[Fraction]:
    return [row[0] * x + row[1] * y + row[2] for x in (-1, 1) for y in (-1, 1)]


ARRANGEMENTS = {
    "a pencil": [(a, b, 0) for a in range(-5, 6) for b in range(1, 6)],
    "a pencil through a corner": [(a, b, a + b) for a in range(-5, 6) for b in range(-5, 6) if a or b],
    "a pencil through the middle of a side": [(a, b, b) for a in range(-3, 4) for b in range(1, 4)],
    "a grid and its diagonals": [
        *[(4, 0, c) for c in range(-3, 4)],
        *[(0, 4, c) for c in range(-3, 4)],
        *[(4, 4, c) for c in range(-7, 8)],
        *[(4, -4, c) for c in range(-7, 8)],
    ],
    "lines on top of one another, turned round": [(1, 2, 0), (-1, -2, 0), (3, 6, 0), (2, -1, 0), (-4, 2, 0), (1, 1, 1)],
    "sides of the square": [(1, 0, 1), (-1, 0, 1), (0, 1, 1), (0, 1, -1), (1, 1, 0), (1, -1, 0)],
    "two pencils with a line in common": [(a, b, c) for c in (0, 1) for a, b in ((2, 0), (1, 2), (-1, 2), (3, 2))]
    + [(0, 1, 0)],
    "all small integers": [(a, b, c) for a in range(-2, 3) for b in range(-2, 3) for c in range(-2, 3) if a or b],
}


@BOTH
@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_an_arrangement_of_lines_has_as_many_regions_as_its_points_say(
    name: str, built: bool, either: Callable[[bool], None], at_once: None
) -> None:
    either(built)
    rows = ARRANGEMENTS[name]
    part = cpwl.partition(lines(*rows), SQUARE)
    assert len(part) == regions_of(rows) and part.recut == 0
    assert lines_elsewhere(part) == []


@BOTH
@pytest.mark.parametrize("gap", [2.0**-53, 2.0**-50, 2.0**-46])
@pytest.mark.parametrize("seed", range(6))
def test_lines_that_meet_and_lines_that_nearly_meet_are_told_apart(
    seed: int, gap: float, built: bool, either: Callable[[bool], None], at_once: None
) -> None:
    """Pencils through three points; some lines miss theirs by a few last bits, and some are there twice, nearly."""
    either(built)
    random = np.random.default_rng(seed)
    points = random.integers(-3, 4, (3, 2)) / 4
    normals = random.integers(-4, 5, (24, 2)).astype(float)
    normals = normals[normals.any(axis=1)]
    offsets = -(normals * points[random.integers(3, size=len(normals))]).sum(axis=1)
    offsets += gap * random.integers(-2, 3, len(normals)) * (random.random(len(normals)) < 0.6)
    rows = [(float(a), float(b), float(c)) for (a, b), c in zip(normals, offsets)]
    part = cpwl.partition(lines(*rows), SQUARE)
    assert len(part) == regions_of(rows) and part.recut == 0


@BOTH
@pytest.mark.parametrize("name", [name for name, rows in ARRANGEMENTS.items() if len(rows) < 40])
def test_patterns_vertices_and_outputs_are_those_of_exact_arithmetic(
    name: str, built: bool, either: Callable[[bool], None], at_once: None
) -> None:
    either(built)
    assert disagreements(lines(*ARRANGEMENTS[name]), SQUARE) == []


@BOTH
@pytest.mark.parametrize("family", [integer, ternary, quantised, bias_free, concurrent, corner])
@pytest.mark.parametrize("seed", range(3))
def test_layers_through_the_vertices_of_earlier_ones_agree_with_exact_arithmetic(
    family: Callable[..., Table], seed: int, built: bool, either: Callable[[bool], None], at_once: None
) -> None:
    """Wider than the networks of ``families``: many chords of one cell end in one vertex, or meet in one point."""
    either(built)
    network = layered(np.random.default_rng(seed), [family, family], 9)
    assert disagreements(network, SQUARE) == []


@pytest.mark.parametrize("seed", range(500, 540))
def test_with_exact_decisions_no_cell_is_cut_column_by_column(seed: int, at_once: None) -> None:
    degenerate = case(seed)
    assert cpwl.partition(degenerate.network, degenerate.domain).recut == 0


@pytest.mark.parametrize("seed", range(540, 580))
def test_cutting_all_at_once_and_column_by_column_give_the_same_regions(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    degenerate = case(seed)
    together = cpwl.partition(degenerate.network, degenerate.domain)
    nothing = property(lambda self: torch.zeros_like(self.irregular))
    monkeypatch.setattr(refine_module._Refinement, "degenerate", nothing)
    apart = cpwl.partition(degenerate.network, degenerate.domain)
    rows = [sorted(row.tobytes() for row in part.patterns()) for part in (together, apart)]
    assert rows[0] == rows[1] and len(together.vertices) == len(apart.vertices)


@pytest.mark.parametrize(
    "rows",
    [[(1, 2, 0), (2, -1, 0), (1, 1, 0)], [(1, 2, 1), (3, -1, 3)]],
    ids=["three that meet inside", "two that meet on a side"],
)
def test_signs_at_crossings_are_counted_apart(
    rows: list[tuple[int, int, int]], at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deciders, begun = [], Decider.__init__

    def noted(decider: Decider, *given: Any) -> None:
        begun(decider, *given)
        deciders.append(decider)

    monkeypatch.setattr(Decider, "__init__", noted)
    part = cpwl.partition(lines(*rows), SQUARE)
    (decider,) = deciders
    assert sum(n for (question, _), n in decider.counts.items() if question == "cut") == 1 <= part.settled


@pytest.mark.parametrize("depth", [2, 3])
def test_where_all_units_are_zero_nothing_is_asked_of_later_layers(depth: int, at_once: None) -> None:
    """Rows that are certainly zero after a ReLU are known exactly: lines of later layers certainly meet there."""
    random = np.random.default_rng(depth)
    ops: list[Dense | type[RELU]] = []
    for columns in [2, *[9] * (depth - 1)]:
        ops += [Dense(random.standard_normal((9, columns)), np.zeros(9)), RELU]
    network = Network.sequential(2, [*ops, Dense(np.ones((1, 9)), np.zeros(1))])  # type: ignore[list-item]
    part = cpwl.partition(network, SQUARE)
    assert 0 < part.settled < 9 and disagreements(network, SQUARE) == []


# ---- exact orders ----------------------------------------------------------------------------------------------------
@EACH
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), min_size=1, max_size=25),
    st.sampled_from([0.0, 0.05, 0.2, 1.0]),
    st.integers(0, 2**32),
)
def test_crossings_are_sorted_whatever_their_positions_say_within_their_slack(
    kernel: Kernel, places: list[tuple[int, int]], slack: float, seed: int
) -> None:
    """Places k / 6 on three segments; positions are off by up to the slack, which differs from one to the next."""
    random = np.random.default_rng(seed)
    segment, place = (torch.tensor(part) for part in zip(*places))
    slacks = torch.as_tensor(slack * random.uniform(0, 1, len(place)))
    position = (place / 6).double() + slacks * torch.as_tensor(random.uniform(-1, 1, len(place)))
    asked = 0

    def side(pivot: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        nonlocal asked
        asked += len(other)
        assert torch.equal(segment[pivot], segment[other])
        return torch.sign(place[other] - place[pivot]).to(torch.int8)

    def unite(point: torch.Tensor, pivot: torch.Tensor, other: torch.Tensor) -> None:
        point[other] = point[pivot]

    everything: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = lambda item, _: item >= 0  # noqa: E731
    given = sort_within(segment, position)
    unsure = kernel.clusters(given, segment, position, slacks + 1e-15)
    found = exact_order(given, *unsure, Rules(len(place), side, everything, unite))
    mine = [(int(segment[i]), int(place[i])) for i in found.order]
    assert mine == sorted(places)
    runs = found.point[found.order].tolist()
    for (one, other), (p, q) in zip(pairwise(mine), pairwise(runs)):
        assert (one == other) == (p == q)
    assert asked <= len(places) ** 2


@EACH
def test_a_position_that_is_not_a_number_is_in_no_certain_order(kernel: Kernel) -> None:
    position, slack = torch.tensor([0.1, torch.nan, 0.9]).double(), torch.tensor([0.0, 0.0, torch.nan]).double()
    asked: list[int] = []

    def side(pivot: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        asked.extend(other.tolist())
        return torch.sign(pivot - other).to(torch.int8)

    rules = Rules(3, side, lambda item, _: item >= 0, lambda *_: None)
    given, segment = torch.arange(3), torch.zeros(3, dtype=torch.int64)
    found = exact_order(given, *kernel.clusters(given, segment, position, slack), rules)
    assert found.order.tolist() == [2, 1, 0] and len(asked) >= 2


# ---- what needs no exact arithmetic ----------------------------------------------------------------------------------
@pytest.mark.parametrize("built", [True, False], ids=["compiled", "torch"])
@pytest.mark.parametrize("table", [integer, ternary, bias_free])
def test_ties_of_short_and_bias_free_networks_are_told_without_exact_arithmetic(
    table: Callable[..., Table], built: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partition, and the count of what was decided, are those of the ladder, bit for bit."""
    network = layered(np.random.default_rng(7), [table, table], 6)
    monkeypatch.setattr(compiled, "enabled", built)
    with monkeypatch.context() as patch:
        for name in ("signs", "positions"):
            patch.setattr(Ladder, name, lambda *_: pytest.fail("the ladder was asked"))
        told = cpwl.partition(network, SQUARE)
    by_ladder(monkeypatch)
    asked = cpwl.partition(network, SQUARE)
    assert told.settled == asked.settled > 0
    np.testing.assert_array_equal(told.patterns(), asked.patterns())
    np.testing.assert_array_equal(told.vertices, asked.vertices)
    mine, theirs = told.arrangement.facets(), asked.arrangement.facets()
    np.testing.assert_array_equal(mine.vertices.values, theirs.vertices.values)
    np.testing.assert_array_equal(mine.regions, theirs.regions)
    np.testing.assert_array_equal(mine.walls, theirs.walls)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_what_bounds_and_names_tell_is_what_the_ladder_says(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = case(seed)
    told = cpwl.partition(chosen.network, chosen.domain)
    by_ladder(monkeypatch)
    asked = cpwl.partition(chosen.network, chosen.domain)
    np.testing.assert_array_equal(told.patterns(), asked.patterns())
    np.testing.assert_array_equal(told.vertices, asked.vertices)


def test_the_origin_is_known_where_all_lines_meet_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, by names of generic weights and by the separation of short ones; nothing has to be computed for it."""
    random, none = np.random.default_rng(0), [np.zeros(8), np.zeros(8), np.zeros(1)]
    generic = [random.standard_normal(shape) for shape in ((8, 2), (8, 8), (1, 8))]
    for weights in (generic, [np.round(4 * weight) / 4 for weight in generic]):
        monkeypatch.setattr(corners, "coordinates", lambda *_: pytest.fail("a vertex was computed anew"))
        part = cpwl.partition(Network.mlp(weights, none), SQUARE)
        origin = np.flatnonzero((part.vertices == 0).all(axis=1))
        assert len(origin) == 1 and part.arrangement.coordinates().errors()[origin[0]] == 0.0
