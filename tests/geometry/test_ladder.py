"""The ladder of decisions: what each rung decides is what integers decide, in any dimension; each is asked once."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.backends import rungs
from cpwl.backends.exact import ExactArithmetic, short
from cpwl.backends.torch import arithmetic_on
from cpwl.backends.torch.fields import arithmetic
from cpwl.backends.torch.long_numbers import lines, oracle
from cpwl.errors import InternalError
from cpwl.fields.arithmetic import Forward
from cpwl.fields.predicates import Names
from cpwl.geometry.ladder import INTEGERS, Functions, Ladder, Lookup, Rung, Values, Vertices, climb, dot, meeting
from cpwl.network import Network
from cpwl.numbers.double_double import Balls
from cpwl.numbers.exact import Exact
from tests.support.agreement import disagreements
from tests.support.networks import mlp

DIMENSIONS = (1, 2, 3, 4, 5)
RADII = {1: 2.0**-4, 2: 2.0**-30, 5: 2.0**-90}
"""How closely numbers of so many parts know functions here, relative to the largest coefficient."""
WALLS = 8
seeds = st.integers(0, 2**32 - 1)


def determinant(rows: list[list[Fraction]]) -> Fraction:
    """By elimination in rational numbers."""
    rows, found = [list(row) for row in rows], Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], found = rows[pivot], rows[k], -found
        found *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return found


def sign_at(form: list[int], walls: list[list[int]]) -> int:
    """The sign of a function where D others vanish: two determinants, of size D + 1 and of size D."""
    exact = [[Fraction(x) for x in row] for row in [*walls, form]]
    value, over = determinant(exact), determinant([row[:-1] for row in exact[:-1]])
    assert over
    return ((value > 0) - (value < 0)) * (1 if over > 0 else -1)


class ByHand:
    """Random functions with small integers on a few regions, in dimension D; columns are numbered as walls are."""

    def __init__(self, seed: int, dim: int, regions: int = 3, reach: int = 3) -> None:
        self.random, self.dim = np.random.default_rng(seed), dim
        self.table = self.random.integers(-reach, reach + 1, (regions, 2 * WALLS, dim + 1))
        """Of each region the functions of walls, then those of columns."""
        self.asked: list[int] = []
        self.walls = Ragged.of([list(range(WALLS))] * regions)

    def rows(self, region: NDArray[np.int64], name: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.table[region, np.where(name >= 0, name, WALLS - 1 - name)]

    def known(self, regions: NDArray[np.int64], walls: Ragged, parts: int) -> Lookup | None:
        assert [row.tolist() for row in walls] == [list(range(WALLS))] * len(regions)

        def exactly(place: NDArray[np.int64], name: NDArray[np.int64]) -> Exact:
            self.asked += [INTEGERS] * len(name)
            return Exact.of(self.rows(regions[place], name).tolist(), self.dim + 1)

        def closely(place: NDArray[np.int64], name: NDArray[np.int64]) -> Balls:
            self.asked += [parts] * len(name)
            exact = self.rows(regions[place], name) * 1.0
            off = RADII[parts] * np.abs(exact).max(axis=1, keepdims=True) * np.ones_like(exact)
            high = exact + off * self.random.uniform(-1, 1, exact.shape)
            return Balls(high, np.zeros_like(high), off * 1.001 + 2.0**-52)

        return exactly if parts == INTEGERS else closely

    def vanishing(self, regions: NDArray[np.int64], columns: NDArray[np.int64], others: NDArray[np.int64]) -> Any:
        """Of functions with even numbers it is known by name, if they are the same or opposite."""
        one, other = self.rows(regions, -1 - columns), self.rows(regions, others)
        return ((one == other).all(axis=1) | (one == -other).all(axis=1)) & (columns % 2 == 0)

    def vanishing_everywhere(self, regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
        return (self.rows(regions, -1 - columns) == 0).all(axis=1) & (columns % 3 == 0)

    def only(self, columns: NDArray[np.int64]) -> Functions:
        raise NotImplementedError

    def cases(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
        """Regions, columns, names of D functions that have one zero in common, and the signs there."""
        found: list[tuple[int, int, list[int], int]] = []
        while len(found) < count:
            region, column = int(self.random.integers(len(self.table))), int(self.random.integers(WALLS))
            names = self.random.choice(2 * WALLS, self.dim, replace=False) - WALLS
            walls = self.rows(np.full(self.dim, region), names).tolist()
            if determinant([[Fraction(x) for x in row[:-1]] for row in walls]):
                form = self.rows(np.array([region]), np.array([-1 - column]))[0].tolist()
                found.append((region, column, names.tolist(), sign_at(form, walls)))
        region, column, names, signs = zip(*found, strict=True)
        return np.array(region), np.array(column), np.array(names).reshape(-1, self.dim), list(signs)


# ---- vertices and signs in any dimension ----------------------------------------------------------------------------
@given(seed=seeds, dim=st.sampled_from(DIMENSIONS))
@settings(max_examples=30)
def test_lemma_8_the_sign_at_a_vertex_of_any_dimension_is_that_of_two_determinants(seed: int, dim: int) -> None:
    known = ByHand(seed, dim)
    regions, columns, walls, wanted = known.cases(20)
    whole = Ladder(known, known.walls)
    assert whole.signs(regions, columns, walls).tolist() == wanted
    points, numbers = np.unique(np.concatenate([regions[:, None], walls], axis=1), axis=0, return_inverse=True)
    for offset in (0, -len(points)):
        assert whole.signs(regions, columns, walls, numbers.ravel() + offset, "cut").tolist() == wanted
        again = Ladder(known, known.walls)
        one_by_one = [again.signs(*(x[[i]] for x in (regions, columns, walls, numbers))) for i in range(len(columns))]
        assert np.concatenate(one_by_one).tolist() == wanted
    assert whole.counts.decisions == 3 * len(columns)


@given(seed=seeds, dim=st.sampled_from(DIMENSIONS), parts=st.sampled_from(sorted(RADII)))
@settings(max_examples=30)
def test_lemma_10_what_one_rung_decides_integers_decide_as_well(seed: int, dim: int, parts: int) -> None:
    known = ByHand(seed, dim)
    regions, columns, walls, wanted = known.cases(20)
    values = Values(known, known.walls, parts)
    assert values.fetch(regions)
    signs, still_open = values.signs(Vertices(regions, walls), regions, columns)
    sure = np.flatnonzero(~still_open)
    assert signs[sure].tolist() == [wanted[i] for i in sure] and set(known.asked) == {parts}
    assert not signs[still_open].any()
    if parts == 5:
        assert all(wanted[i] == 0 for i in np.flatnonzero(still_open))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_where_numbers_tell_nothing_the_other_rungs_decide(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function may then be zero on its whole region."""
    monkeypatch.setitem(RADII, 1, 4.0)
    monkeypatch.setitem(RADII, 2, 4.0)
    monkeypatch.setitem(RADII, 5, 4.0)
    known = ByHand(dim, dim)
    regions, columns, walls, wanted = known.cases(40)
    whole = Ladder(known, known.walls)
    assert whole.signs(regions, columns, walls).tolist() == wanted and any(wanted)
    assert whole.counts["sign", "long number"] == 0 < whole.counts["sign", "integer"]
    assert whole.vanish(regions, columns).tolist() == [
        not any(known.table[r, WALLS + c]) for r, c in zip(regions, columns, strict=True)
    ]


@given(seed=seeds, dim=st.sampled_from((*DIMENSIONS, 6)))
@settings(max_examples=40)
def test_lemma_10_a_vertex_is_within_the_radii_of_what_is_computed_from_numbers_with_bounds(
    seed: int, dim: int
) -> None:
    """Of all functions within the given radii, those that are chosen here at the ends of them included."""
    random = np.random.default_rng(seed)
    high = random.standard_normal((dim + 1, 4, dim + 1)) * 2.0 ** random.integers(-30, 30, (dim + 1, 4, 1))
    low = high * 2.0**-54 * random.uniform(-1, 1, high.shape)
    radius = np.abs(high) * 2.0 ** random.integers(-90, -3, high.shape) * random.integers(0, 2, high.shape)
    *walls, form = (Balls(*parts) for parts in zip(high, low, radius, strict=True))
    points = meeting(walls)
    value = dot(form, points)
    ends = random.integers(-1, 2, high.shape)
    exact = np.vectorize(lambda h, x, r, e: Fraction(h) + Fraction(x) + int(e) * Fraction(r))(high, low, radius, ends)
    for i in range(4):
        rows = [row[i].tolist() for row in exact]
        minors = [
            (-1) ** k * determinant([row[:k] + row[k + 1 :] for row in rows[:-1]]) if dim else Fraction(1)
            for k in range(dim + 1)
        ]
        assert meeting([Exact.of([row], dim + 1) for row in rows[:-1]]).values[0].tolist() == minors
        for k, minor in enumerate(minors):
            found = Fraction(points.high[i, k]) + Fraction(points.low[i, k])
            assert abs(found - minor) <= Fraction(points.radius[i, k])
        at = sum(x * y for x, y in zip(rows[-1], minors, strict=True))
        found = Fraction(value.high[i]) + Fraction(value.low[i])
        assert abs(found - at) <= Fraction(value.radius[i])


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_functions_without_one_zero_in_common_are_an_error_whatever_the_first_rungs_say(dim: int) -> None:
    known = ByHand(0, dim)
    known.table[0, :dim] = 1
    known.table[0, WALLS] = 2
    known.table[0, WALLS, 0] = 3
    if dim == 1:
        known.table[0, 0] = (0, 1)
    nothing = np.zeros(1, np.int64)
    with pytest.raises(InternalError, match="parallel"):
        Ladder(known, known.walls).signs(nothing, nothing, np.arange(dim)[None])


# ---- functions that are one ------------------------------------------------------------------------------------------
@given(seed=seeds, dim=st.sampled_from(DIMENSIONS))
@settings(max_examples=30)
def test_a_function_vanishes_along_a_wall_if_it_is_a_multiple_of_its_function(seed: int, dim: int) -> None:
    known = ByHand(seed, dim)
    region, column, wall = (known.random.integers(0, n, 60) for n in (3, WALLS, WALLS))
    known.table[0, :WALLS] = -2 * known.table[0, WALLS:]
    known.table[1, WALLS : WALLS + 4] = 0
    wall[::3] = column[::3]
    rows = [known.table[region, which].tolist() for which in (WALLS + column, wall)]
    along = [
        all(p[i] * q[j] == p[j] * q[i] for i, j in combinations(range(dim + 1), 2)) for p, q in zip(*rows, strict=True)
    ]
    there = np.flatnonzero(known.table[region, wall, :-1].any(axis=1))
    whole = Ladder(known, known.walls)
    assert whole.vanish(region[there], column[there], wall[there]).tolist() == [along[i] for i in there]
    assert whole.vanish(region, column).tolist() == [not any(row) for row in rows[0]]
    assert whole.counts.decisions == len(there) + 60


# ---- the loop --------------------------------------------------------------------------------------------------------
class Asked:
    """A rung that decides what it is told to."""

    def __init__(self, decides: Any) -> None:
        self.decides, self.asked = decides, list[NDArray[np.int64]]()

    def __call__(self, some: NDArray[np.int64]) -> NDArray[np.bool_]:
        self.asked.append(some)
        return ~np.asarray(self.decides(some))


def test_each_rung_is_asked_once_for_what_those_before_leave_open() -> None:
    even, third, rest = Asked(lambda i: i % 2 == 0), Asked(lambda i: i % 3 == 0), Asked(lambda i: i >= 0)
    settled = climb([Rung("name", even), Rung("long number", third), Rung("integer", rest)], 12)
    assert [np.concatenate(rung.asked).tolist() for rung in (even, third, rest)] == [
        list(range(12)),
        [1, 3, 5, 7, 9, 11],
        [1, 5, 7, 11],
    ]
    assert settled == {"name": 6, "long number": 2, "integer": 4}


def test_nobody_is_asked_for_nothing() -> None:
    never = Asked(lambda i: pytest.fail("nothing is open"))
    climb([Rung("integer", never)], 0)
    climb([Rung("name", Asked(lambda i: i >= 0)), Rung("integer", never)], 3)


def test_what_is_open_after_the_last_rung_is_an_error() -> None:
    with pytest.raises(InternalError, match="2 decisions are open"):
        climb([Rung("name", Asked(lambda i: i > 1))], 5)


@pytest.mark.parametrize(("share", "passed_over"), [(0.05, True), (0.9, False)])
def test_where_many_come_together_a_rung_that_settles_little_is_passed_over(share: float, passed_over: bool) -> None:
    count, chosen = 10_000, np.random.default_rng(0).random(10_000) < share
    tried, rest = Asked(lambda i: chosen[i]), Asked(lambda i: i >= 0)
    settled = climb([Rung("long number", tried, sampled=True), Rung("integer", rest)], count)
    assert sum(map(len, tried.asked)) < 600 if passed_over else sum(map(len, tried.asked)) > count
    assert sum(settled.values()) == count and len(rest.asked[0]) == count - settled["long number"]


@pytest.mark.parametrize("dim", [2, 3])
def test_signs_are_right_where_a_rung_is_tried_on_a_sample_and_passed_over(dim: int) -> None:
    known = ByHand(5, dim, reach=1)
    regions, columns, walls, wanted = known.cases(60)
    many = np.arange(6000) % len(columns)
    found = Ladder(known, known.walls).signs(regions[many], columns[many], walls[many])
    assert found.tolist() == [wanted[i] for i in many]


# ---- boundaries ------------------------------------------------------------------------------------------------------
@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In what numbers functions were asked for, one after the other; bounds of the sweep leave most things open."""
    monkeypatch.setattr(rungs, "_CHEAP", 0)
    monkeypatch.setattr(short, "may_be_short", lambda *_: False)
    monkeypatch.setattr(arithmetic, "ROUND_UP", 2.0**30)
    asked: list[int] = []
    truly = Values.fetch

    def noted(values: Values, regions: NDArray[np.int64]) -> bool:
        asked.append(values.parts)
        return truly(values, regions)

    monkeypatch.setattr(Values, "fetch", noted)
    return asked


def test_a_boundary_without_ties_asks_for_no_integers(questions: list[int]) -> None:
    for seed in range(6):
        network, domain = mlp(seed, [2, 10, 8, 5]), cpwl.Domain.box([-2, -2], [2, 2])
        part = cpwl.partition(network, domain)
        questions.clear()
        boundary = part.decision_boundary()
        assert len(boundary) and questions and INTEGERS not in questions
        assert disagreements(network, domain) == []


@pytest.mark.parametrize("seen", [True, False])
def test_ties_are_left_to_integers_only_where_neither_names_nor_structure_tell(
    seen: bool, questions: list[int]
) -> None:
    """The two outputs are one function: the same weights, or twice a unit and a unit of twice its weights."""
    random = np.random.default_rng(3)
    weights = [random.standard_normal(shape) for shape in ((6, 2), (6, 6), (6, 6), (6, 6))]
    biases = [random.standard_normal(6) for _ in weights]
    weights[-1][1], biases[-1][1] = 2 * weights[-1][0], 2 * biases[-1][0]
    last = random.integers(-64, 64, (2, 6)) / 64
    last[1] = last[0] if seen else last[0] + (4.0, -2.0, 0.0, 0.0, 0.0, 0.0)
    network, domain = Network.mlp([*weights, last], [*biases, np.zeros(2)]), cpwl.Domain.box([-2, -2], [2, 2])
    part = cpwl.partition(network, domain)
    questions.clear()
    assert [region for region, _ in part.decision_boundary().ties] == list(range(len(part)))
    assert (INTEGERS in questions) != seen
    assert disagreements(network, domain) == []


# ---- functions of networks on slices of any dimension ----------------------------------------------------------------
@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_lemma_10_functions_on_regions_of_a_slice_of_any_dimension_are_within_their_bounds(
    dim: int, parts: int
) -> None:
    random = np.random.default_rng(dim)
    network, domain = mlp(dim, [dim, 7, 5, 3]), cpwl.Domain.box([-1.0] * dim, [2.0] * dim)
    patterns = random.integers(0, 2, (4, 12)).astype(np.int16)
    place = np.repeat(np.arange(4), 6)
    wanted = [(2, 0, 1, 0.0), (2, 2, -1, 0.3), (1, 4, -1, 0.0), (1, 1, 2, 0.0), (0, 6, -1, -1.5), (0, 0, 3, 0.0)]
    names = Names.of(wanted * 4)
    plain = arithmetic_on(torch.device("cpu"))
    stages = oracle.CloseOracle(network, domain, plain, parts)(patterns, place, names).forms(place, names)
    for found in (stages, lines.CloseLines(network, domain, plain)(patterns, place, names, parts)):
        assert found.shape == (24, dim + 1) and (parts == 1 or found.radius.max() < 2.0**-60)
        for i, (k, name) in enumerate(zip(place.tolist(), map(names.at, range(24)), strict=True)):
            for j, exact in enumerate(exact_form(network, domain, patterns[k], name)):
                close = Fraction(found.high[i, j]) + Fraction(found.low[i, j])
                assert abs(close - exact) <= Fraction(found.radius[i, j])


def exact_form(
    network: Network, domain: cpwl.Domain, pattern: NDArray[np.int16], name: tuple[int, int, int, float]
) -> list[Fraction]:
    """Slopes and constant of a function of that name, from rows in rational arithmetic."""
    exact, (stage, first, second, level) = ExactArithmetic(), name
    rows = exact.stack([exact.points(domain.origin[None]), exact.tangents(domain.basis.T)])
    pieces = np.repeat(pattern[None].astype(np.int64), len(rows.denominators), axis=0)
    forward = Forward(network, exact, rows, lambda i: pieces[:, network.unit_columns[i]])
    arguments = [passed.argument for passed in forward]
    values = [*arguments, forward.output][stage].to_numpy()
    constant, *slopes = values[:, first] - (values[:, second] if second >= 0 else 0)
    return [*slopes, constant - Fraction(level)]
