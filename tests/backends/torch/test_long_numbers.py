"""Long numbers in float64 digits (proofs/, Lemma 10): bounds against exact rationals, and decisions from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import backends
from cpwl.backends import rungs
from cpwl.backends.exact import ExactArithmetic, short
from cpwl.backends.torch import TorchArrangement, arithmetic_on
from cpwl.backends.torch.fields import arithmetic
from cpwl.backends.torch.long_numbers import arithmetic as extended
from cpwl.backends.torch.long_numbers import oracle
from cpwl.backends.torch.long_numbers.arithmetic import ExtendedArithmetic, ExtendedField
from cpwl.backends.torch.long_numbers.digits import Grid, bits_for
from cpwl.backends.torch.long_numbers.lines import CloseLines
from cpwl.backends.torch.long_numbers.reckoning import Reckoning
from cpwl.backends.torch.refinement.decide import Decider
from cpwl.fields.predicates import Names
from cpwl.fields.structural_zeros import Named
from cpwl.geometry import ladder
from cpwl.geometry.ladder import INTEGERS, Counts, Values, positions
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Periodic, Piecewise
from cpwl.numbers.double_double import Balls
from cpwl.tiling.sweep import Sweep
from tests.support import local_networks
from tests.support.agreement import disagreements
from tests.support.families import FAMILIES, case
from tests.support.networks import mlp

seeds = st.integers(0, 2**32 - 1)
floats = st.floats(-(2.0**100), 2.0**100, allow_subnormal=False)


def total(parts: Any) -> Any:
    """The sum along the first axis, in Fractions."""
    return np.vectorize(Fraction, otypes=[object])(parts).sum(axis=0)


def values(field: ExtendedField) -> Any:
    return total(np.stack([part.numpy() for part in field.digits.parts]))


def passed(network: Network, seed: int, count: int) -> list[tuple[Node, ExtendedField, Any]]:
    """All nodes with their outputs for three rows on one pattern: in long numbers, and in Fractions."""
    generator = np.random.default_rng(seed)
    rows, weights = generator.standard_normal((3, network.inputs)), np.array([1.0, 0.0, 0.0])
    long, exact = ExtendedArithmetic(network, count), ExactArithmetic()
    found = {0: (long.rows(rows, weights), exact.stack([exact.points(rows[:1]), exact.tangents(rows[1:])]))}
    for i, node in enumerate(network.nodes[1:], start=1):
        mine, true = zip(*(found[j] for j in node.inputs), strict=True)
        if not node.is_nonlinear:
            found[i] = long.linear(node, mine), exact.linear(node, true)
            continue
        most = node.op.breakpoints.size + 1 if hasattr(node.op, "breakpoints") else mine[0].zeros.shape[1] // node.size
        pieces = np.repeat(generator.integers(0, most, (1, node.size)), 3, axis=0)
        found[i] = long.on_pieces(node, mine[0], torch.as_tensor(pieces)), exact.on_pieces(node, true[0], pieces)
    return [(node, mine, true.to_numpy()) for node, (mine, true) in zip(network.nodes, found.values(), strict=True)]


def jittered(network: Network, seed: int) -> Network:
    """The same network with weights of full length."""
    generator = np.random.default_rng(seed)
    scaled = {"weight", "bias", "factor", "shift"}
    nodes = []
    for node in network.nodes:
        parts = {key: value for key, value in vars(node.op).items() if key not in ("is_identity", "intercepts")}
        for key in scaled & set(parts):
            parts[key] = parts[key] * generator.uniform(0.1, 2, np.shape(parts[key]))
        nodes.append(Node(type(node.op)(**parts), node.inputs, node.shape, node.name))
    return Network(tuple(nodes))


def assert_within_the_bounds(network: Network, seed: int, count: int) -> None:
    size = 1.0
    for node, mine, true in passed(network, seed, count):
        off = ((values(mine) - true) ** 2).sum(axis=1)
        bound = [Fraction(x) for x in mine.error.tolist()]
        assert all(square <= e * e for square, e in zip(off, bound, strict=True)), node
        assert not true[mine.zeros.numpy()].any(), node
        size = max(size, float(np.sqrt(max((true.astype(float) ** 2).sum(axis=1)))))
        assert max(bound) <= size * 2.0 ** (20 - 20 * count), node


def without_periods(network: Network) -> bool:
    return not any(isinstance(node.op, Periodic) for node in network.nodes)


SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
MAKERS = (local_networks.images, local_networks.solids)


@settings(max_examples=8, deadline=None)
@given(make=st.sampled_from(MAKERS), seed=seeds, count=st.integers(4, 7))
def test_lemma_10_every_operator_stays_within_its_bound(make: Callable[[int], Network], seed: int, count: int) -> None:
    network = make(seed)
    assume(without_periods(network))
    assert_within_the_bounds(jittered(network, seed), seed, count)
    assert_within_the_bounds(network, seed, count)


@pytest.mark.parametrize("at_once", [1, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_lemma_10_a_matrix_in_parts_stays_within_its_bound(
    seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extended, "_AT_ONCE", at_once)
    assert_within_the_bounds(mlp(seed, [5, 9, 8, 3]), seed, 4)


@given(numbers=st.lists(floats, min_size=1, max_size=6), count=st.integers(3, 6), terms=st.integers(1, 10**4))
def test_lemma_10_digits_are_exact_and_short(numbers: list[float], count: int, terms: int) -> None:
    grid = Grid(bits_for(terms, count), count)
    digits = grid.digits(torch.tensor([numbers], dtype=torch.float64))
    assert total(np.stack([part.numpy() for part in digits.parts]))[0].tolist() == [Fraction(x) for x in numbers]
    for k, part in enumerate(digits.parts[:-1]):
        units = total(part[None].numpy())[0] / Fraction(2) ** (digits.exponent - k * grid.bits)
        assert all(x.denominator == 1 and abs(x) <= 2 ** (grid.bits - 1) for x in units)
    assert terms * count * 4 ** (grid.bits - 1) <= 2**52


def ball(numbers: list[tuple[float, float]]) -> Balls:
    return Balls.sums(np.array(numbers).T, np.zeros(len(numbers)))


def inside(found: Balls, true: list[Fraction]) -> bool:
    off = total(np.stack([found.high, found.low])) - np.array(true)
    return all(abs(x) <= Fraction(r) for x, r in zip(off.tolist(), found.radius.tolist(), strict=True))


@given(pairs=st.lists(st.tuples(floats, floats, floats, floats), min_size=1, max_size=4))
def test_lemma_10_balls_hold_sums_and_products(pairs: list[tuple[float, float, float, float]]) -> None:
    one, other = ball([p[:2] for p in pairs]), ball([p[2:] for p in pairs])
    a, b = ([Fraction(p[k]) + Fraction(p[k + 1]) for p in pairs] for k in (0, 2))
    assert inside(one, a) and inside(other, b)
    assert inside(one + other, [x + y for x, y in zip(a, b, strict=True)])
    assert inside(one - other, [x - y for x, y in zip(a, b, strict=True)])
    assert inside(one * other, [x * y for x, y in zip(a, b, strict=True)])
    signs = [(x > y) - (x < y) for x, y in zip(a, b, strict=True)]
    assert all(mine in (0, true) for mine, true in zip((one - other).signs().tolist(), signs, strict=True))


@given(x=floats, y=floats)
def test_lemma_10_what_zeros_make_is_zero_and_nothing_else_is(x: float, y: float) -> None:
    zero, number, other = ball([(0.0, 0.0)]), ball([(x, 0.0)]), ball([(y, 0.0)])
    assert zero.is_zero() and (zero + zero).is_zero() and (zero * number).is_zero()
    assert number.is_zero() == (x == 0) and (number - other).is_zero() == (x == y == 0)


def test_lemma_10_sums_of_products_of_zeros_are_known_to_be_zero() -> None:
    """Units that are off, then a layer without bias: its first unit reads the first two entries, its second all."""
    dense = Dense(np.array([[2.0, -3.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), np.array([0.0, 0.0, 1.0]))
    arithmetic = ExtendedArithmetic(Network((Node(Input(), (), (3,), "x"), Node(dense, (0,), (3,), "dense"))), 4)
    field = arithmetic.rows(np.array([[0.0, 0.0, 0.1]]), np.ones(1))
    assert arithmetic.linear(Node(dense, (0,), (3,), "dense"), [field]).zeros.tolist() == [[True, False, False]]


@given(ends=st.lists(st.tuples(*[st.floats(2.0**-40, 2.0**40)] * 4), min_size=1, max_size=4))
def test_lemma_10_positions_are_within_their_bounds(ends: list[tuple[float, float, float, float]]) -> None:
    p, v, q, w = (ball([(end[k], 0.0) for end in ends]) for k in range(4))
    found, slack = positions((p, v), (-q, w))
    for t, dt, (a, b, c, d) in zip(found.tolist(), slack.tolist(), ends, strict=True):
        one, other = Fraction(a) / Fraction(b), Fraction(c) / Fraction(d)
        assert abs(Fraction(t) - one / (one + other)) <= Fraction(dt) <= Fraction(1, 2**52)


# ---- decisions -----------------------------------------------------------------------------------------------------
class Watched:
    """The middle tier for networks of any size, with float64 bounds that leave most signs open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exact: list[int] = []
        """All signs that were left to integers."""
        monkeypatch.setattr(rungs, "_CHEAP", 0)
        monkeypatch.setattr(short, "may_be_short", lambda *_: False)
        monkeypatch.setattr(arithmetic, "ROUND_UP", 2.0**30)
        truly = Values.signs

        def noted(values: Values, *given: Any) -> Any:
            signs, still_open = truly(values, *given)
            self.exact += signs.tolist() if values.parts == INTEGERS else []
            return signs, still_open

        monkeypatch.setattr(Values, "signs", noted)


def test_lemma_10_decisions_agree_with_the_exact_backend_and_only_zeros_go_to_integers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    for seed in range(len(FAMILIES)):
        chosen = case(seed)
        assert disagreements(chosen.network, chosen.domain) == [], chosen.name
    assert watched.exact and not any(watched.exact)


def test_lemma_10_no_integers_are_needed_where_nothing_is_degenerate(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    network = mlp(3, [2, 10, 8, 6, 3])
    assert disagreements(network, SQUARE) == []
    part = cpwl.partition(network, SQUARE)
    assert part.settled > 1000 and not watched.exact


@pytest.mark.parametrize("power", [400, 600, 900])
def test_numbers_beyond_what_halves_can_be_taken_of_are_decided_without_a_warning(
    power: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dekker's halves overflow from 2^997 on, products of two numbers from 2^512 on: then integers decide."""
    Watched(monkeypatch)
    plain = mlp(5, [2, 6, 6, 5, 2])
    up, down = (np.ldexp(1.0, k * power) for k in (1, -1))
    nodes, linear = list(plain.nodes), [i for i, node in enumerate(plain.nodes) if isinstance(node.op, Dense)]
    for k, i in enumerate(linear):
        op = nodes[i].op
        assert isinstance(op, Dense)
        weight, bias = op.weight * {1: up, 3: down}.get(k, 1.0), op.bias * (up if k in (1, 2) else 1.0)
        nodes[i] = Node(Dense(weight, bias), nodes[i].inputs, nodes[i].shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part = cpwl.partition(Network(tuple(nodes)), SQUARE)
    assert len(part) == len(cpwl.partition(plain, SQUARE, backend="exact"))


def overlapping_windows() -> Network:
    """Maxima over windows that hold the same entries, some of them twice."""
    weight = np.random.default_rng(5).standard_normal((4, 2))
    nodes = [
        Node(Input(), (), (2,), "input"),
        Node(Dense(weight, np.full(4, 0.1)), (0,), (4,), "dense"),
        Node(Piecewise(np.zeros(1), np.array([0.25, 1.0])), (1,), (4,), "leaky"),
        Node(Gather(np.array([[0, 1, 0], [1, 0, 1], [2, 2, 3]])), (2,), (3, 3), "windows"),
        Node(Max(), (3,), (3,), "max"),
    ]
    return Network(tuple(nodes))


def test_decisions_are_counted_by_question_and_by_what_settled_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as ``settled`` says, and as many by integers as integers were asked."""
    watched, deciders, begun = Watched(monkeypatch), [], Decider.__init__

    def noted(decider: Decider, *given: Any) -> None:
        begun(decider, *given)
        deciders.append(decider)

    monkeypatch.setattr(Decider, "__init__", noted)
    wanted = [(chosen.network, chosen.domain) for chosen in map(case, range(len(FAMILIES)))]
    settled = [cpwl.partition(*one).settled for one in (*wanted, (overlapping_windows(), SQUARE))]
    counts = Counts()
    for decider in deciders:
        counts.update(decider.counts)
    assert counts.decisions == sum(settled) > 1000
    by_integers = {question: n for (question, rung), n in counts.items() if rung == "integer"}
    assert by_integers.get("sign", 0) + by_integers.get("cut", 0) == len(watched.exact) > 0
    assert all(counts[question, "long number"] > 0 for question in ("sign", "order", "place"))
    assert counts["cut", "name"] > 0 and counts["cut", "integer"] > 0


def test_lemma_11_decisions_from_rows_that_span_agree_with_the_exact_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    Watched(monkeypatch)
    monkeypatch.setattr(Reckoning, "spanned", lambda *_: -1.0)
    spanned: list[int] = []
    truly = CloseLines.stage

    def noted(close: CloseLines, *given: Any) -> Any:
        forms = truly(close, *given)
        spanned.append(forms is not None)
        return forms

    monkeypatch.setattr(CloseLines, "stage", noted)
    for seed in range(len(FAMILIES)):
        chosen = case(seed)
        assert disagreements(chosen.network, chosen.domain) == [], chosen.name
    assert sum(spanned) > 20


@pytest.mark.parametrize("parts", [(2,), (5,), (1, 2), (1, 2, 5)])
def test_lemma_10_decisions_from_numbers_of_any_length_agree_with_the_exact_backend(
    parts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rungs, "_CHEAP", 0)
    monkeypatch.setattr(rungs, "_DEAR", 0)
    monkeypatch.setattr(ladder, "PARTS", parts)
    for seed in range(len(FAMILIES), 2 * len(FAMILIES)):
        chosen = case(seed)
        assert disagreements(chosen.network, chosen.domain) == [], chosen.name


def test_float64_numbers_computed_anew_decide_what_the_bounds_of_vertices_leave_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bounds of the sweep say nothing at all; those of three rows a region are honest."""
    monkeypatch.setattr(rungs, "_CHEAP", 0)
    monkeypatch.setattr(rungs, "_DEAR", 0)
    asked: dict[int, list[int]] = {parts: [] for parts in (*ladder.PARTS, INTEGERS)}
    truly = Values.signs

    def noted(values: Values, *given: Any) -> Any:
        asked[values.parts].append(len(given[1]))
        return truly(values, *given)

    monkeypatch.setattr(Values, "signs", noted)
    network = mlp(3, [2, 8, 8, 3])
    sweep = Sweep(network, SQUARE, backends.get("torch"))
    lines = Names.sides(len(SQUARE.polytope.vertices))
    found = sweep.finish(sweep.start(TorchArrangement.of(SQUARE.polytope), lines, trusting=False))
    assert found is not None and len(found.state.arrangement) == len(cpwl.partition(network, SQUARE, backend="exact"))
    assert sum(asked[1]) > 100 and sum(asked[2]) < sum(asked[1]) / 4


@pytest.mark.parametrize("kept", [0, oracle._KEPT])
def test_regions_go_on_from_where_their_parents_are_kept_or_from_the_start(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Watched(monkeypatch)
    monkeypatch.setattr(oracle, "_KEPT", kept)
    monkeypatch.setattr(oracle, "_ENTRIES", 200)
    assert disagreements(mlp(4, [2, 8, 8, 3]), SQUARE) == []


def test_lemma_10_copies_of_one_entry_tie_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    Watched(monkeypatch)
    network = overlapping_windows()
    assert disagreements(network, SQUARE) == []
    structure = Named(network, SQUARE)
    itself, same, turned, third = (1, 0, 2, 0.0), (1, 4, 5, 0.0), (1, 1, 0, 0.0), (1, 0, 6, 0.0)
    column, side, earlier = (1, 0, 1, 0.0), (-1, 0, -1, 0.0), (0, 0, 1, 0.0)
    pairs = [(itself, side), (column, same), (column, turned), (column, third), (column, side), (column, earlier)]
    known = structure.vanish(*(Names.of([pair[k] for pair in pairs]) for k in (0, 1)))
    assert known.tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize(("enough", "parts"), [(1.0, 2), (2.0**-120, 5), (2.0**-400, 8)])
def test_numbers_get_longer_until_the_bounds_are_small(
    enough: float, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle, "_ENOUGH", enough)
    network = mlp(0, [2, 8, 8, 3])
    found = oracle.CloseOracle(network, SQUARE, arithmetic_on(torch.device("cpu")), 2)
    stage = found(np.ones((1, 16), np.int16), np.zeros(0, np.int64), Names.levels(0, *np.zeros((2, 0), np.int64)))
    field = stage.states[0].live[stage.argument]
    assert field.digits.count == parts and (parts == 8 or float(field.error.max()) <= enough * 10)
