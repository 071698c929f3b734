"""Separation bounds of short functions: what is not zero where walls meet is no smaller (proofs/, Lemma 14 (d))."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cpwl
from cpwl.backends import rungs
from cpwl.backends.exact.oracle import SliceOracle
from cpwl.fields.predicates import Names
from cpwl.geometry.separation import Separation
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Piecewise
from tests.support.short_networks import mixed, multiples, pieces_of

Exactly = list[Fraction]
SQUARE = cpwl.Domain.box([-1.0, -0.75], [1.0, 1.0])


class Functions:
    """The functions of all stages on some region, in rational numbers, and the lines where they vanish."""

    def __init__(self, network: Network, random: np.random.Generator) -> None:
        self.network, self.random = network, random
        self.pattern = np.concatenate(
            [random.integers(0, pieces_of(network.nodes[i].op), network.nodes[i].size) for i in network.nonlinear]
        )

    def entry(self, stage: int, entry: int) -> Exactly:
        """Slopes and constant of an entry of what a stage reads, by the exact backend's arithmetic."""
        oracle = SliceOracle(self.network, SQUARE)
        oracle._short = None  # which is what is tested
        (constant, *slopes), denominator = oracle(self.pattern[None, : oracle.units_before(stage)])[0]._entry(
            stage, entry
        )
        return [Fraction(int(x), int(denominator)) for x in (*slopes, constant)]

    def column(self, stage: int) -> Exactly:
        """One of what a stage cuts by."""
        i = self.network.nonlinear[stage]
        op, entries = self.network.nodes[i].op, self.network.nodes[self.network.read_by(stage)].size
        first = self.entry(stage, int(self.random.integers(entries)))
        if isinstance(op, Max):
            second = self.entry(stage, int(self.random.integers(entries)))
            return [x - y for x, y in zip(first, second, strict=True)]
        assert isinstance(op, Piecewise)
        return [*first[:-1], first[-1] - Fraction(self.random.choice(op.breakpoints))]

    def wall(self, last: int) -> Exactly:
        """A function of a stage up to the last, or a side."""
        stage = int(self.random.integers(-1, last + 1))
        if stage < 0:
            return list(SQUARE.polytope.sides[int(self.random.integers(4))])
        return self.column(stage)


def meeting(one: Exactly, other: Exactly) -> tuple[Fraction, Fraction] | None:
    """Where two lines meet, if they do in one point."""
    (a, b, c), (d, e, f) = one, other
    determinant = a * e - b * d
    return ((b * f - c * e) / determinant, (c * d - a * f) / determinant) if determinant else None


def separation(network: Network, stage: int, last: int) -> Separation | None:
    oracle = rungs.oracle(network, SQUARE)
    return oracle.separation(stage, Names.levels(last, np.zeros(1, np.int64), np.zeros(1)))


@pytest.mark.parametrize("seed", range(8))
def test_what_is_not_zero_where_walls_meet_is_as_far_from_it_as_the_bound_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    network = mixed(random, int(random.integers(1, 3)), 2)
    closest = np.inf
    for stage in range(len(network.nonlinear)):
        found = separation(network, stage, stage - 1)
        if found is None or not found.grain:
            break
        for _ in range(40):
            functions, walls = Functions(network, random), int(random.integers(3))
            lines = [functions.wall(stage - 1) for _ in range(walls)]
            lines += [functions.column(stage) for _ in range(2 - walls)]
            point = meeting(*lines)
            if point is None:
                continue
            a, b, c = functions.column(stage)
            value, least = abs(a * point[0] + b * point[1] + c), found.least(walls, 2 - walls)
            assert least > 0 and (value == 0 or value >= least)
            if value:
                closest = min(closest, float(value / Fraction(least)))
            if walls == 2:
                assert all(x == 0 or abs(x) >= found.nearest(2) for x in point)
    assert closest < 2.0**24, "a bound as wide as that tells nothing"


def test_the_bound_is_met_by_lines_that_are_as_steep_as_they_may_be() -> None:
    """Two lines with slopes (1, 1) and (1, -1), and x between them: 1/2 at the nearest, in quarters of sides."""
    weight = np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]])
    network = Network.sequential(2, [Dense(weight, np.array([1.0, 0.0, 0.0])), RELU])
    found = separation(network, 0, -1)
    assert found is not None and found.grain == 1.0
    assert found.least(0, 2) <= 0.5 < 4 * found.least(0, 2)


def test_bounds_are_kept_for_a_network_on_a_domain_and_for_no_other() -> None:
    """Steeper slices have steeper functions, and sides with long numbers have no bound; whoever asks first."""
    network = Network.mlp([np.array([[1.0, 0.5], [0.25, 1.0]])], [np.array([0.5, -1.0])])
    network = Network((*network.nodes, Node(RELU, (len(network.nodes) - 1,), (2,), "relu")))
    walls = Names.levels(-1, np.zeros(1, np.int64), np.zeros(1))
    steep = cpwl.Domain.polygon([[-1, -1], [1, -1], [0, 1]], [0.0, 0.0], 8 * np.eye(2))
    long = cpwl.Domain.polygon([[-1, -1], [1 / 3, -0.7], [0.1, 1]])
    wanted = [SliceOracle(network, domain).separation(0, 0) for domain in (SQUARE, steep, long)]
    assert len({found and (found.walls, found.columns) for found in wanted}) == 3 and wanted[2] is None
    for _ in range(2):
        for domain, alone in zip((SQUARE, steep, long), wanted, strict=True):
            assert rungs.oracle(network, domain).separation(0, walls) == alone


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0 + 2.0**-20, 0.1])
def test_levels_off_the_grid_are_not_separated(level: float) -> None:
    """Nor is what is behind them: a wall where a unit is at such a level."""
    bent = Piecewise(np.array([level]), np.array([0.0, 1.0]), 0.0)
    first, second = Dense(np.array([[1.0, 0.5], [0.5, -1.0]]), np.array([0.25, 0.0])), Dense(np.eye(2), np.zeros(2))
    network, whole = Network.sequential(2, [first, bent, second, RELU]), level in (0.0, 0.25)
    here, behind = separation(network, 0, -1), separation(network, 1, 0)
    assert (here is not None and here.grain > 0) == whole == (behind is not None and behind.grain > 0)


@pytest.mark.parametrize("seed", range(4))
def test_networks_that_are_not_short_have_no_separation(seed: int) -> None:
    random = np.random.default_rng(seed)
    network = Network.mlp([random.standard_normal((4, 2)), np.ones((1, 4))], [np.zeros(4), np.zeros(1)])
    assert separation(network, 0, -1) is None
    steep = Network.mlp([multiples(random, (4, 2), 3) / 3, np.ones((1, 4))], [np.zeros(4), np.zeros(1)])
    assert separation(steep, 0, -1) is None


def test_nothing_is_known_beyond_the_numbers_that_are_short() -> None:
    """Walls may be, where columns are not: then only what lies at the origin is told."""
    first = Dense(np.eye(2), np.zeros(2))
    second = Dense(np.array([[0.5, 0.0]]), np.array([2.0**58]))
    network = Network.sequential(2, [first, RELU, second, RELU])
    found = separation(network, 1, 0)
    assert found is not None and found.nearest(2) > 0
    assert found.least(2, 0) == found.least(1, 1) == found.least(0, 2) == 0.0


def test_columns_are_no_steeper_than_their_bound() -> None:
    """Of a maximum they are differences; of a sum of units that are all on, steeper than any row of its matrices."""
    opposite = Dense(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.zeros(2))
    pair = Node(Gather(np.array([[0, 1]])), (1,), (1, 2), "pair")
    nodes = Node(Input(), (), (2,), "input"), Node(opposite, (0,), (2,), "both"), pair, Node(Max(), (2,), (1,), "max")
    found = separation(Network(nodes), 0, -1)
    assert found is not None and 2.0 <= found.columns <= 4.0
    layers = [Dense(np.ones((4, 2)), np.zeros(4)), RELU, Dense(np.ones((1, 4)), np.zeros(1)), RELU]
    found = separation(Network.sequential(2, layers), 1, 0)
    assert found is not None and 32**0.5 <= found.columns <= 2 * 32**0.5
