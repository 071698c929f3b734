"""Functions of networks whose numbers are short: float64 gives them exactly, or is not asked."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cpwl
from cpwl.backends.exact import oracle
from cpwl.backends.exact.oracle import SliceOracle
from cpwl.backends.exact.short import bits_of, may_be_short
from cpwl.fields.predicates import Names
from cpwl.geometry.arrangement import Form
from cpwl.network import RELU, Conv, Dense, Input, Network, Node
from cpwl.numbers.exact import Exact
from tests.support.agreement import disagreements
from tests.support.short_networks import mixed, multiples, pieces_of

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


@pytest.mark.parametrize("seed", range(12))
def test_short_functions_are_the_exact_ones(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    network = mixed(random, int(random.integers(0, 5)), 2)
    short = SliceOracle(network, SQUARE)
    monkeypatch.setattr(oracle, "may_be_short", lambda *_: False)
    exact = SliceOracle(network, SQUARE)
    ends = [0, *(columns.stop for columns in network.unit_columns.values())]
    quick = [short.quick(end) for end in ends[:-1]]
    assert quick[0] and not any(exact.quick(end) for end in ends[:-1])
    checked = 0
    for stage, end in enumerate(ends[:-1]):
        if not quick[stage]:
            break
        patterns = np.zeros((5, end), np.int16)
        for i, columns in network.unit_columns.items():
            if columns.stop <= end:
                patterns[:, columns] = random.integers(
                    0, pieces_of(network.nodes[i].op), (5, columns.stop - columns.start)
                )
        size = network.nodes[network.read_by(stage)].size
        for one, other in zip(short(patterns), exact(patterns)):
            for entry in range(size):
                second = int(random.integers(-1, size))
                name = stage, entry, second, 0.0 if second >= 0 else float(random.choice([0.0, 0.25, 0.1]))
                assert one.form(*name) == other.form(*name)
                checked += 1
    assert checked > 100


def test_the_output_is_read_exactly_all_the_same() -> None:
    network = mixed(np.random.default_rng(0), 2, 1)
    exact, short = cpwl.partition(network, SQUARE, backend="exact"), cpwl.partition(network, SQUARE)
    assert may_be_short(network, SQUARE)
    for region in range(len(short)):
        A, b = short.region(region).exact_map
        assert A.shape == (1, 2) and b.shape == (1,)
    assert len(short) == len(exact)


@pytest.mark.parametrize(
    ("shift", "fits"), [(0, True), (20, True), (53, True), (54, False), (60, False)], ids=lambda value: str(value)
)
def test_numbers_of_more_than_53_bits_are_not_short(shift: int, fits: bool) -> None:
    """The second layer adds 2^shift and a half of what the first gives: 53 bits in all, or more."""
    first = Dense(np.eye(2), np.zeros(2))
    second = Dense(np.array([[0.5, 0.0]]), np.array([2.0**shift / 4]))
    network = Network.sequential(2, [first, RELU, second, RELU, Dense(np.ones((1, 1)), np.zeros(1))])
    assert SliceOracle(network, SQUARE).quick(2) == fits


@pytest.mark.parametrize("power", [-30, 0, 30, 70])
def test_short_functions_of_any_size_are_the_exact_ones(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiples of 2^70 are as short as those of 2^-30."""
    random, size = np.random.default_rng(0), 2.0**power
    first = Dense(multiples(random, (4, 2), 3) * size, multiples(random, 4, 3) * size)
    network = Network.sequential(2, [first, RELU, Dense(np.ones((1, 4)), np.zeros(1)), RELU])
    short = SliceOracle(network, SQUARE)
    names = Names.of([(0, 1, 3, 0.0), (0, 2, -1, size), (0, 2, -1, 0.1), (1, 0, -1, 0.0)])
    assert short.quick(0) and short.quick(4)
    monkeypatch.setattr(oracle, "may_be_short", lambda *_: False)
    exact = SliceOracle(network, SQUARE)
    pattern, place = np.array([[1, 0, 1, 1]], np.int16), np.zeros(4, np.int64)
    together = short.at_once(pattern)
    assert together is not None
    assert_alike(together.forms(place, names), exact(pattern).forms(place, names))


def assert_alike(found: Exact, wanted: list[Form]) -> None:
    """Functions up to positive factors."""
    assert len(found) == len(wanted)
    for one, other in zip(found.values.tolist(), wanted):
        mine, theirs = ([Fraction(int(x)) for x in form] for form in (one, other))
        ratios = {x / y for x, y in zip(mine, theirs) if y}
        assert len(ratios) == 1 and min(ratios) > 0 and [x == 0 for x in mine] == [y == 0 for y in theirs]


@pytest.mark.parametrize("entries", [1, 1 << 19], ids=["one region at a time", "all regions at once"])
@pytest.mark.parametrize("seed", range(6))
def test_functions_of_all_stages_and_sides_are_made_together(
    seed: int, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several regions, with levels on and off the grid, in any order; some regions come twice, some never."""
    monkeypatch.setattr(oracle, "_ENTRIES", entries)
    random = np.random.default_rng(seed)
    layers: list[Any] = []
    for columns in (2, 5, 5):
        layers += [Dense(multiples(random, (5, columns), 3), multiples(random, 5, 3)), RELU]
    network = Network.sequential(2, [*layers, Dense(np.ones((1, 5)), np.zeros(1))])
    corners = [[-1, -1], [1, -1], [0.75, [0.5, 1.5, 0.1][seed % 3]], [-1, 1]]  # with 0.1 two sides are long
    domain = cpwl.Domain.polygon(corners, np.zeros(2), np.eye(2))
    short = SliceOracle(network, domain)
    patterns, count = random.integers(0, 2, (6, 10)).astype(np.int16), 60
    place, stage = random.choice([0, 1, 3, 5], count), random.integers(-1, 3, count)
    first = np.where(stage < 0, random.integers(0, 4, count), random.integers(0, 5, count))
    second = np.where(stage < 0, -1, random.integers(-1, 5, count))
    second = np.where(second == first, -1, second)
    level = np.where((stage >= 0) & (second < 0), random.choice([0.0, 0.25, -1.5, 0.1, 2.0**-1000], count), 0.0)
    names = Names(stage, first, second, level)
    together = short.at_once(patterns)
    assert together is not None
    assert_alike(together.forms(place, names), short(patterns).forms(place, names))
    grid = np.flatnonzero((stage >= 0) & (level != 0.1) & (level != 2.0**-1000))
    assert together.forms(place[grid], names.take(grid)).peak is not None


@given(st.lists(st.floats(-(2.0**40), 2.0**40, allow_subnormal=False), min_size=1, max_size=6))
def test_bits_are_the_least_that_make_all_values_whole(values: list[float]) -> None:
    denominators = [x.as_integer_ratio()[1] for x in values if x]
    found = bits_of(np.array(values))
    if not denominators:
        assert found < -1000
    elif max(denominators) > 1:
        assert 2**found == max(denominators)
    else:
        assert found <= 0 and all(x / 2.0**-found % 1 == 0 for x in values)


@pytest.mark.parametrize(
    "op",
    [Conv(np.ones((1, 1, 1)), np.zeros(1), (2,), (1,), ((0, 0),), (1,)), Dense(np.full((2, 2), 1 / 3), np.zeros(2))],
    ids=["conv", "1/3"],
)
def test_other_operators_and_long_weights_are_not_looked_at(op: Any) -> None:
    nodes = [Node(Input(), (), (2,), "input"), Node(op, (0,), (2,), "op"), Node(RELU, (1,), (2,), "relu")]
    assert not may_be_short(Network(tuple(nodes)), SQUARE)


@pytest.mark.parametrize("seed", range(4))
def test_networks_of_short_numbers_agree_with_exact_arithmetic(seed: int) -> None:
    assert disagreements(mixed(np.random.default_rng(seed), 1, 2), SQUARE) == []
