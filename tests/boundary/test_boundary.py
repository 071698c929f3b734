"""Decision boundaries and level sets: samples hit zero, nothing is missed, ties over areas are listed apart."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.errors import ArgumentError
from cpwl.network import RELU, Dense, Network
from tests.support.networks import Pair, layered, mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
backends = pytest.mark.parametrize("backend", ["torch", "exact"])


def linear(weight: list[list[float]], bias: list[float]) -> Network:
    return Network.sequential(2, [Dense(np.array(weight, float), np.array(bias, float))])


@backends
@settings(max_examples=40)
@given(pair=layered(outputs=3))
def test_samples_hit_zero_difference_of_the_two_largest_outputs(backend: str, pair: Pair) -> None:
    part = cpwl.partition(pair.network, SQUARE, backend=backend)
    boundary = part.decision_boundary()
    if not len(boundary):
        return
    u, segment = boundary.sample_slice(20, seed=1)
    difference, bound = boundary.residuals(u, segment)
    assert (difference <= bound).all()
    if part.arrangement.exact:
        assert not difference.any()
    exact = cpwl.partition(pair.network, SQUARE, backend="exact")
    values = _outputs(exact, u)
    largest = values.max(axis=1)
    for i in (0, 1):
        gap = largest - values[np.arange(len(u)), boundary.pairs[segment, i]]
        assert (gap.astype(float) <= np.maximum(bound, 0)).all()


@settings(max_examples=40)
@given(pair=layered(outputs=3, kinds=("integers", "ternary", "quantised")))
def test_where_the_winner_changes_along_a_line_the_exact_boundary_has_been_crossed(pair: Pair) -> None:
    part = cpwl.partition(pair.network, SQUARE, backend="exact")
    boundary = part.decision_boundary()
    t = [Fraction(2 * k + 1, 41) for k in range(-21, 21)]
    line = np.array([[x, x * Fraction(1, 3) + Fraction(1, 7)] for x in t if abs(x) < 1], dtype=object)
    winners = np.array([row.argmax() for row in _outputs(part, line)])
    for k in np.flatnonzero(winners[1:] != winners[:-1]):
        assert _meets(boundary, line[k], line[k + 1]) or _meets_tie(boundary, line[k], line[k + 1])


@settings(max_examples=40)
@given(pair=layered(outputs=4, kinds=("generic",)))
def test_float_and_exact_boundaries_agree_when_nothing_is_ambiguous(pair: Pair) -> None:
    quick = cpwl.partition(pair.network, SQUARE, predicates="float").decision_boundary()
    exact = cpwl.partition(pair.network, SQUARE, backend="exact").decision_boundary()
    assert set(quick.regions[quick.ambiguous].tolist()) <= set(quick.undecided.tolist())
    if len(quick.undecided) or len(quick.partition.ambiguous):
        return
    assert len(quick) == len(exact) and len(quick.ties) == len(exact.ties)
    assert quick.lengths().sum() == pytest.approx(exact.lengths().sum(), abs=8 * quick.slack.sum() + 1e-9)
    assert sorted(map(tuple, quick.pairs.tolist())) == sorted(map(tuple, exact.pairs.tolist()))


@backends
def test_two_lines_through_the_centre_have_four_argmax_segments(backend: str) -> None:
    # max(x, -x, y, -y): the classes are the four quarters between the diagonals.
    part = cpwl.partition(linear([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), SQUARE, backend=backend)
    boundary = part.decision_boundary()
    assert sorted(map(tuple, boundary.pairs.tolist())) == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert boundary.lengths().sum() == pytest.approx(4 * np.sqrt(2), abs=1e-12)
    assert len(part.decision_boundary((0, 1))) == 0
    assert part.decision_boundary((1, 0), everywhere=True).lengths().sum() == pytest.approx(2)


@backends
def test_outputs_that_only_touch_along_a_line_are_equal_and_largest_there(backend: str) -> None:
    # |x| against 0: equal on x = 0, where the winner does not change.
    network = Network.sequential(
        2,
        [
            Dense(np.array([[1.0, 0], [-1, 0]]), np.zeros(2)),
            RELU,
            Dense(np.array([[1.0, 1], [0, 0]]), np.zeros(2)),
        ],
    )
    boundary = cpwl.partition(network, SQUARE, backend=backend).decision_boundary()
    assert boundary.lengths().sum() == pytest.approx(2)
    assert np.abs(boundary.ends[:, :, 0].astype(float)).max() == 0


@backends
def test_four_outputs_that_meet_along_one_line_are_divided_by_it_once(backend: str) -> None:
    # With h = x + y: 0.3 h + 0.3 twice, h + 0.3 and 0.3 - h are all equal on h = 0, and one of the last two is largest.
    rows = [[0.3, 0.3], [0.3, 0.3], [1.0, 1.0], [-1.0, -1.0]]
    boundary = cpwl.partition(linear(rows, [0.3] * 4), SQUARE, backend=backend).decision_boundary()
    assert boundary.pairs.tolist() == [[2, 3]] and boundary.ties == ()
    assert boundary.lengths().sum() == pytest.approx(2 * np.sqrt(2))


@backends
def test_a_line_beside_an_area_over_which_two_outputs_tie_is_kept(backend: str) -> None:
    # (x, x, -x): 0 and 1 tie on the right half, and x = 0 divides them from 2.
    boundary = cpwl.partition(linear([[1, 0], [1, 0], [-1, 0]], [0] * 3), SQUARE, backend=backend).decision_boundary()
    assert boundary.lengths().sum() == pytest.approx(2) and boundary.pairs.tolist() == [[0, 2]]
    assert [tie[1] for tie in boundary.ties] == [(0, 1)]


@backends
def test_every_pair_that_ties_is_found_and_a_facet_counts_once_by_default(backend: str) -> None:
    part = cpwl.partition(linear([[1, 0], [-1, 0], [0, 0]], [0] * 3), SQUARE, backend=backend)
    assert part.decision_boundary().lengths().sum() == pytest.approx(2)
    for pair in ((0, 1), (0, 2), (1, 2)):
        assert part.decision_boundary(pair).lengths().sum() == pytest.approx(2)
    same = cpwl.partition(linear([[0, 0]] * 3, [0] * 3), SQUARE, backend=backend)
    assert same.decision_boundary().ties == ((0, (0, 1)), (0, (0, 2)), (0, (1, 2)))
    assert same.decision_boundary((1, 2)).ties == ((0, (1, 2)),)


def test_a_line_on_which_outputs_tie_up_to_rounding_over_an_area_beside_it_is_reported() -> None:
    level = 3 * 0.1
    hidden = [Dense(np.array([[1.0, 0], [0, 0]]), np.array([0, 0.1])), RELU]
    one = Network.sequential(2, [*hidden, Dense(np.array([[1.0, 3.0]]), np.zeros(1))])
    two = Network.sequential(2, [*hidden, Dense(np.array([[1.0, 3.0], [0, 0]]), np.array([0, level]))])
    for network, options in ((one, {"level": level}), (two, {}), (two, {"classes": (0, 1), "everywhere": True})):
        quick, exact = (
            cpwl.partition(network, SQUARE, backend=name).decision_boundary(**options) for name in ("torch", "exact")
        )
        assert len(exact) == 1 and exact.ties == ()
        assert len(quick.undecided) or (len(quick) == 1 and quick.ties == ())


@backends
@pytest.mark.parametrize("direction", [[1.0, 0], [-1.0, 0], [0, 1.0], [0, -1.0]])
def test_a_tie_over_an_area_on_either_side_is_no_line(backend: str, direction: list[float]) -> None:
    hidden = [Dense(np.array([direction]), np.zeros(1)), RELU]
    two = Network.sequential(2, [*hidden, Dense(np.array([[1.0], [0.0]]), np.zeros(2))])
    one = Network.sequential(2, [*hidden, Dense(np.array([[1.0]]), np.zeros(1))])
    for network, options in ((two, {}), (one, {"level": 0.0})):
        boundary = cpwl.partition(network, SQUARE, backend=backend).decision_boundary(**options)
        assert len(boundary) == 0 and len(boundary.ties) == 1


@given(network=st.integers(0, 2**32).map(lambda seed: mlp(seed, [2, 8, 8, 3])))
@settings(max_examples=15)
def test_segments_lie_in_their_region_and_within_their_slack_of_the_exact_ones(network: Network) -> None:
    exact = cpwl.partition(network, SQUARE, backend="exact").decision_boundary()
    for (p, q), region in zip(exact.ends, exact.regions.tolist(), strict=True):
        corners = exact.partition.vertices[exact.partition.regions[region]]
        sides = list(zip(corners, np.roll(corners, -1, axis=0), strict=True))
        assert all(_side(a, b, (p + q) / 2) >= 0 for a, b in sides)
    quick = cpwl.partition(network, SQUARE).decision_boundary()
    if len(quick.undecided):
        return
    true = exact.ends.reshape(-1, 2)
    for point, slack in zip(quick.ends.reshape(-1, 2).tolist(), quick.slack.repeat(2).tolist(), strict=True):
        here = np.array([Fraction(x) for x in point], dtype=object)
        assert slack > 0 and min(((here - other) ** 2).sum() for other in true) <= Fraction(slack) ** 2


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30)
def test_outputs_that_tie_only_up_to_rounding_are_reported_as_undecided(seed: int) -> None:
    # The same sum in another order: equal as rationals, in floating point only up to rounding.
    generator = np.random.default_rng(seed)
    hidden, out = generator.standard_normal((8, 2)), generator.standard_normal(8)
    order = generator.permutation(8)
    first = np.concatenate([hidden, hidden[order]])
    second = np.zeros((2, 16))
    second[0, :8], second[1, 8:] = out, out[order]
    net = Network.mlp([first, second], [np.zeros(16), np.zeros(2)])
    quick = cpwl.partition(net, SQUARE, predicates="float").decision_boundary()
    exact = cpwl.partition(net, SQUARE, backend="exact").decision_boundary()
    assert len(exact.ties) == len(exact.partition) and not len(exact)
    reported = {region for region, _ in quick.ties} | set(quick.undecided.tolist())
    assert reported == set(range(len(quick.partition)))


@backends
def test_a_tie_over_an_area_is_listed_apart_and_not_as_a_line(backend: str) -> None:
    # relu(x) against 0: equal on the whole left half.
    network = Network.sequential(
        2, [Dense(np.array([[1.0, 0]]), np.zeros(1)), RELU, Dense(np.array([[1.0], [0.0]]), np.zeros(2))]
    )
    part = cpwl.partition(network, SQUARE, backend=backend)
    boundary = part.decision_boundary()
    left = int(part.locate(np.array([[-0.5, 0.0]]))[0])
    assert boundary.ties == ((left, (0, 1)),) and len(boundary) == 0


@backends
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_level_sets_of_a_scalar_output(backend: str, share: float) -> None:
    part = cpwl.partition(mlp(2, [2, 10, 10, 1]), SQUARE, backend=backend)
    values = part.outputs.to_numpy().astype(float)
    level = float(values.min() + share * np.ptp(values))
    boundary = part.decision_boundary(level=level)
    assert len(boundary) and (boundary.pairs == -1).all()
    u, segment = boundary.sample_slice(200)
    difference, bound = boundary.residuals(u, segment)
    assert (difference <= bound).all()


@backends
def test_a_level_line_along_a_side_of_the_domain_or_an_old_edge_is_found(backend: str) -> None:
    part = cpwl.partition(linear([[1.0, 0.0]], [0.0]), SQUARE, backend=backend)
    assert part.decision_boundary(level=1.0).lengths().sum() == pytest.approx(2)
    bent = Network.sequential(2, [Dense(np.array([[1.0, 0]]), np.zeros(1)), RELU, Dense(np.eye(1), np.zeros(1))])
    whole = cpwl.partition(bent, SQUARE, backend=backend).decision_boundary(level=0.0)
    assert len(whole) == 0 and len(whole.ties) == 1


@backends
@given(seed=st.integers(0, 100))
@settings(max_examples=5)
def test_samples_are_spread_by_length_and_repeat_with_the_seed(backend: str, seed: int) -> None:
    part = cpwl.partition(linear([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), SQUARE, backend=backend)
    boundary = part.decision_boundary()
    u, segment = boundary.sample_slice(400, seed=seed)
    assert np.bincount(segment, minlength=4).min() > 50
    assert np.array_equal(boundary.sample(400, seed=seed), part.to_input(u))
    assert boundary.sample(0).shape == (0, 2)


@backends
def test_bad_requests_are_named(backend: str) -> None:
    part = cpwl.partition(linear([[1, 0], [0, 1]], [0, 0]), SQUARE, backend=backend)
    scalar = cpwl.partition(linear([[1, 0]], [5.0]), SQUARE, backend=backend)
    with pytest.raises(ArgumentError, match="classes must be two different outputs"):
        part.decision_boundary((0, 2))
    with pytest.raises(ArgumentError, match="classes must be two different outputs"):
        part.decision_boundary(())  # type: ignore[arg-type]
    for pair in ((0.7, 1.9), "01", 3):
        with pytest.raises(ArgumentError, match="classes must be a pair of output indices"):
            part.decision_boundary(pair)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="goes with classes"):
        scalar.decision_boundary(level=0.0, everywhere=True)
    with pytest.raises(ArgumentError, match="level needs a network with one output"):
        part.decision_boundary(level=0.0)
    with pytest.raises(ArgumentError, match="give level="):
        scalar.decision_boundary()
    with pytest.raises(ArgumentError, match="level must be finite"):
        scalar.decision_boundary(level=float("nan"))
    with pytest.raises(ArgumentError, match="the boundary is empty"):
        scalar.decision_boundary(level=0.0).sample(3)


def _outputs(part: cpwl.Partition, u: np.ndarray) -> np.ndarray:
    """Exact outputs at points of the slice."""
    from cpwl.backends import get
    from cpwl.fields.arithmetic import embedding, evaluate

    arithmetic = get("exact").arithmetic
    start = arithmetic.linear(embedding(part.domain), [arithmetic.points(u)])
    return evaluate(part.network, arithmetic, start).to_numpy()


def _meets(boundary: cpwl.DecisionBoundary, p: np.ndarray, q: np.ndarray) -> bool:
    """Whether some segment of an exact boundary meets the segment p q."""
    return any(_side(a, b, p) * _side(a, b, q) <= 0 and _side(p, q, a) * _side(p, q, b) <= 0 for a, b in boundary.ends)


def _meets_tie(boundary: cpwl.DecisionBoundary, p: np.ndarray, q: np.ndarray) -> bool:
    part = boundary.partition
    for region, _ in boundary.ties:
        corners = part.vertices[part.regions[region]]
        sides = list(zip(corners, np.roll(corners, -1, axis=0), strict=True))
        if any(_side(a, b, p) * _side(a, b, q) <= 0 and _side(p, q, a) * _side(p, q, b) <= 0 for a, b in sides):
            return True
        if all(_side(a, b, p) >= 0 for a, b in sides):
            return True
    return False


def _side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> int:
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (turn > 0) - (turn < 0)
