"""Functions on many regions from a row for each unit that bends (proofs/, Lemma 11 (e)): exact ones, and close ones.

The reference are rows of each region's own, in integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl.backends.exact import residues
from cpwl.backends.exact.oracle import SliceOracle
from cpwl.backends.exact.residues import ResidueFunctions
from cpwl.backends.torch import arithmetic_on
from cpwl.backends.torch.long_numbers import lines, reckoning
from cpwl.backends.torch.long_numbers.arithmetic import ExtendedArithmetic
from cpwl.backends.torch.long_numbers.oracle import sides_of
from cpwl.backends.torch.long_numbers.reckoning import Reckoning
from cpwl.backends.torch.long_numbers.spans import CloseFunctions, CloseRows
from cpwl.fields.predicates import Names
from cpwl.fields.spans import Span
from cpwl.network import RELU, Dense, Input, Network, Node, Piecewise, Sum
from cpwl.numbers.double_double import Balls
from tests.support import families, local_networks
from tests.support.networks import mlp

seeds = st.integers(0, 2**32 - 1)


def residual(seed: int) -> Network:
    """Blocks with a skip: rows of later units are zero in the branch that goes around them."""
    random = np.random.default_rng(seed)
    nodes = [Node(Input(), (), (3,), "input")]
    nodes.append(Node(Dense(random.standard_normal((6, 3)), random.standard_normal(6)), (0,), (6,), "first"))
    for block in range(3):
        skip = len(nodes) - 1
        nodes.append(Node(RELU, (skip,), (6,), f"relu {block}"))
        dense = Dense(random.standard_normal((6, 6)), random.standard_normal(6))
        nodes.append(Node(dense, (skip + 1,), (6,), f"dense {block}"))
        nodes.append(Node(Sum((1.0, -0.75)), (skip + 2, skip), (6,), f"sum {block}"))
    return Network(tuple(nodes))


@dataclass(frozen=True)
class Asked:
    """A network on a slice, with patterns, real ones and others, and names."""

    network: Network
    domain: cpwl.Domain
    patterns: NDArray[np.int16]
    place: NDArray[np.int64]
    names: Names


def slice_of(network: Network, seed: int, dim: int = 2) -> cpwl.Domain:
    random = np.random.default_rng(seed)
    points = random.standard_normal((dim + 1, *network.input_shape))
    middle = points.mean(axis=0)
    return cpwl.Domain.through(*(middle + 0.1 * (point - middle) for point in points))


def random_patterns(network: Network, random: np.random.Generator, count: int) -> NDArray[np.int16]:
    """Patterns that agree on most units: nothing that is asked depends on whether a region has them."""
    most: list[int] = []
    for node in (network.nodes[i] for i in network.nonlinear):
        width = network.nodes[node.inputs[0]].size // node.size
        most += [len(node.op.breakpoints) if isinstance(node.op, Piecewise) else width - 1] * node.size
    table = random.integers(0, np.array(most) + 1, (count, len(most)))
    return np.where(random.random(len(most)) < 0.1, table, table[0]).astype(np.int16)


def asked(network: Network, domain: cpwl.Domain, patterns: NDArray[np.int16], seed: int, count: int = 60) -> Asked:
    random, stages = np.random.default_rng(seed), len(network.nonlinear)
    sizes = np.array([network.nodes[network.read_by(stage)].size for stage in range(stages + 1)])
    stage = random.integers(0, stages + 1, count)
    first, second = random.integers(0, sizes[stage]), random.integers(0, sizes[stage])
    single = random.random(count) < 0.5
    level = np.where(single, random.choice([0.0, 0.3, -2.5, 1e-30], count), 0.0)
    names = Names(stage, first, np.where(single, -1, second), level)
    return Asked(network, domain, patterns, random.integers(0, len(patterns), count), names)


def of_images(seed: int) -> Asked:
    network = local_networks.images(seed)
    random = np.random.default_rng(seed)
    return asked(network, slice_of(network, seed, 1 + seed % 3), random_patterns(network, random, 7), seed)


def of_solids(seed: int) -> Asked:
    network = local_networks.solids(seed)
    return asked(network, slice_of(network, seed), random_patterns(network, np.random.default_rng(seed), 5), seed)


def of_residuals(seed: int) -> Asked:
    network = residual(seed)
    return asked(network, slice_of(network, seed), random_patterns(network, np.random.default_rng(seed), 9), seed)


def of_partition(network: Network, domain: cpwl.Domain, seed: int, backend: str = "exact") -> Asked:
    part = cpwl.partition(network, domain, backend=backend, max_regions=60)
    return asked(part.network, domain, part.patterns()[:60], seed)


def degenerate(seed: int) -> Asked:
    one = families.case(seed)
    return of_partition(one.network, one.domain, seed)


def shrunk(seed: int) -> Asked:
    one = families.shrunk(seed)
    return of_partition(one.network, one.domain, seed)


def of_lines(seed: int) -> Asked:
    network = local_networks.lines(seed)
    return of_partition(network, slice_of(network, seed), seed)


def pooled(seed: int) -> Asked:
    network = local_networks.images(seed)
    return of_partition(network, slice_of(network, seed), seed, "torch")


CASES: dict[str, Callable[[int], Asked]] = {
    "images": of_images,
    "solids": of_solids,
    "residual": of_residuals,
    "degenerate": degenerate,
    "shrunk": shrunk,
    "lines": of_lines,
    "pooled": pooled,
}


def by_regions(one: Asked, monkeypatch: pytest.MonkeyPatch) -> SliceOracle:
    """What computes in integers, with rows of each region's own."""
    with monkeypatch.context() as patch:
        patch.setattr(residues, "_DEAR", 1 << 62)
        return SliceOracle(one.network, one.domain)


def values_of(one: Asked) -> NDArray[Any]:
    """The functions asked for themselves, Fractions (n, D + 1), constants first: what the first law is about."""
    rows, denominators = ResidueFunctions(one.network, one.domain)._functions(one.patterns, one.place, one.names)
    which = np.unique(one.names.stage, return_inverse=True)[1]
    flat = [[Fraction(int(x), denominators[k]) for x in row] for row, k in zip(rows.tolist(), which, strict=True)]
    return np.array(flat, dtype=object)


@pytest.mark.parametrize("kind", CASES)
@given(seed=seeds)
@settings(max_examples=6)
def test_exact_functions_are_those_of_each_regions_own_rows(kind: str, seed: int) -> None:
    one = CASES[kind](seed)
    with pytest.MonkeyPatch.context() as patch:
        plain = by_regions(one, patch)
    spanned = ResidueFunctions(one.network, one.domain)
    forms = plain.forms(one.patterns, one.place, one.names)
    assert spanned.forms(one.patterns, one.place, one.names) == [tuple(form) for form in forms]
    for mine, true in zip(spanned.maps(one.patterns), plain.maps(one.patterns), strict=True):
        assert mine.tolist() == true.tolist()


@pytest.mark.parametrize("kind", ["images", "solids", "residual", "degenerate", "lines"])
@pytest.mark.parametrize("parts", [2, 5])
@given(seed=seeds)
@settings(max_examples=2)
def test_close_functions_are_within_their_radius_and_that_is_small(kind: str, parts: int, seed: int) -> None:
    one = CASES[kind](seed)
    span = Span.of(one.network, one.patterns, int(one.names.stage.max()))
    read = CloseRows(one.network, one.domain, parts).read(span, span.columns(one.names))
    found: Balls = CloseFunctions(one.domain.dim).functions(span, read, span.kinds(one.patterns), one.place, one.names)
    exact = values_of(one)
    exactly = np.vectorize(Fraction, otypes=[object])
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(found.radius)
    off = np.abs(exactly(found.high[finite]) + exactly(found.low[finite]) - exact[finite])
    assert (off <= exactly(found.radius[finite])).all()
    if kind in ("images", "residual"):
        sizes = np.abs(exact.astype(np.float64)).max(axis=1)
        assert finite.all() and (found.radius.max(axis=1) <= 2.0**-40 * np.maximum(sizes, 1.0)).all()


@pytest.mark.parametrize("kind", ["images", "residual", "pooled"])
def test_what_is_kept_for_all_regions_gives_the_same_and_costs_no_pass(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = CASES[kind](3)
    lowest, highest = one.patterns.min(axis=0).astype(np.int64), one.patterns.max(axis=0).astype(np.int64)
    columns = one.network.unit_columns
    kept = ResidueFunctions(
        one.network, one.domain, lambda: {i: (lowest[part], highest[part]) for i, part in columns.items()}
    )
    passes: list[int] = []
    truly = residues.ModuloRows.read
    monkeypatch.setattr(
        residues.ModuloRows, "read", lambda rows, span, read: passes.append(span.bending) or truly(rows, span, read)
    )
    whole = kept.maps(one.patterns)
    primes = len(passes)
    assert primes > 1 and set(passes) == {Span.of(one.network, one.patterns, len(columns)).bending}
    for k in range(len(one.patterns)):
        weight, bias = kept.maps(one.patterns[k : k + 1])
        assert weight[0].tolist() == whole[0][k].tolist() and bias[0].tolist() == whole[1][k].tolist()
    assert len(passes) == primes
    fresh = ResidueFunctions(one.network, one.domain)
    assert kept.forms(one.patterns, one.place, one.names) == fresh.forms(one.patterns, one.place, one.names)
    other = 1 - one.patterns[:1] % 2
    assert [x.tolist() for x in kept.maps(other)] == [x.tolist() for x in fresh.maps(other)]


def test_where_nearly_all_units_bend_regions_are_halved_until_they_have_more_in_common(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = mlp(0, [2, 60, 40, 1])
    random = np.random.default_rng(0)
    patterns = random.integers(0, 2, (5, network.units)).astype(np.int16)
    seen: list[int] = []
    truly = residues.ModuloRows.read
    monkeypatch.setattr(
        residues.ModuloRows, "read", lambda rows, span, read: seen.append(span.bending) or truly(rows, span, read)
    )
    domain = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
    weight, bias = ResidueFunctions(network, domain).maps(patterns)
    assert set(seen) == {0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(residues, "_DEAR", 1 << 62)
        true = SliceOracle(network, domain).maps(patterns)
    assert weight.tolist() == true[0].tolist() and bias.tolist() == true[1].tolist()


def test_rows_that_are_sent_in_several_batches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("images", "residual"):
        one = CASES[kind](5)
        whole = ResidueFunctions(one.network, one.domain).maps(one.patterns)
        with monkeypatch.context() as patch:
            patch.setattr(residues, "_ENTRIES", 4 * max(node.size for node in one.network.nodes))
            patch.setattr(residues, "_COMBINED", 1)
            patch.setattr(residues, "_HELD", 1)
            patch.setattr(residues, "_WINDOWS", 1)
            parts = ResidueFunctions(one.network, one.domain).maps(one.patterns)
        assert [x.tolist() for x in parts] == [x.tolist() for x in whole]


@pytest.mark.parametrize("seed", range(4))
def test_functions_of_weights_that_float64_cannot_add_up_are_exact_as_well(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = mlp(seed, [3, 8, 8, 2])
    nodes = list(net.nodes)
    dense = nodes[3].op
    assert isinstance(dense, Dense)
    nodes[3] = replace(nodes[3], op=Dense(np.ldexp(np.sign(dense.weight), 1023), dense.bias))
    network = Network(tuple(nodes))
    patterns = random_patterns(network, np.random.default_rng(seed), 6)
    one = asked(network, slice_of(network, seed), patterns, seed)
    functions = ResidueFunctions(network, one.domain)
    assert functions.forms(patterns, one.place, one.names) == by_regions(one, monkeypatch).forms(
        patterns, one.place, one.names
    )


# ---- functions of the stage that comes next, and what they cost ------------------------------------------------------
PLAIN = arithmetic_on(torch.device("cpu"))


def before(one: Asked, stage: int) -> NDArray[np.int16]:
    """The patterns of all units before a stage."""
    ends = [0, *(part.stop for part in one.network.unit_columns.values())]
    return one.patterns[:, : ends[stage]]


def assert_within(found: Balls, one: Asked) -> None:
    """Close functions, constants last, are as close as they say to the exact ones that are asked for."""
    exactly = np.vectorize(Fraction, otypes=[object])
    exact = np.roll(values_of(one), -1, axis=1)
    finite = np.isfinite(found.radius)
    off = np.abs(exactly(found.high[finite]) + exactly(found.low[finite]) - exact[finite])
    assert (off <= exactly(found.radius[finite])).all()


@pytest.mark.parametrize("kind", ["images", "residual", "degenerate", "lines"])
@given(seed=seeds)
@settings(max_examples=4, deadline=None)
def test_functions_of_a_stage_are_close_on_all_regions_of_a_span_however_often_they_are_asked_for(
    kind: str, seed: int
) -> None:
    one, random = CASES[kind](seed), np.random.default_rng(seed)
    stage = int(random.integers(0, len(one.network.nonlinear) + 1))
    names = one.names.take(np.flatnonzero(one.names.stage <= stage))
    place = one.place[one.names.stage <= stage]
    close = lines.CloseLines(one.network, one.domain, PLAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reckoning, "spanned", lambda *_: -1.0)
        forms = close.stage(before(one, stage), place, names, 2)
        kept = close._last
        assert forms is not None and kept is not None
        assert_within(forms(place, names), replace(one, place=place, names=names))
        fresh = np.flatnonzero(names.stage == stage)  # any function of the stage itself, on any region
        others = random.integers(0, len(one.patterns), len(fresh))
        assert_within(forms(others, names.take(fresh)), replace(one, place=others, names=names.take(fresh)))
        fewer = np.unique(place[: max(1, len(place) // 2)])
        some = np.flatnonzero(np.isin(place, fewer))
        again = close.stage(before(one, stage)[fewer], np.searchsorted(fewer, place[some]), names.take(some), 2)
        assert again is not None and close._last is kept
        on_fewer = again(np.searchsorted(fewer, place[some]), names.take(some))
        assert_within(on_fewer, replace(one, place=place[some], names=names.take(some)))
        more = asked(one.network, one.domain, one.patterns, seed + 1)  # other functions of the same regions
        chosen = np.flatnonzero(more.names.stage <= stage)
        more = replace(more, place=more.place[chosen], names=more.names.take(chosen))
        found = close.stage(before(one, stage), more.place, more.names, 2)
        assert found is not None
        assert_within(found(more.place, more.names), more)
        kept = close._last
        assert kept is not None
        elsewhere = replace(one, patterns=random_patterns(one.network, random, len(one.patterns)))
        anew = not kept[1].span.holds(before(elsewhere, stage))
        found = close.stage(before(elsewhere, stage), place, names, 2)
        assert found is not None and (close._last is not kept) >= anew
        assert_within(found(place, names), replace(elsewhere, place=place, names=names))
        sides = Names.sides(len(one.domain.polytope.sides))
        on_sides = forms(np.zeros(len(sides.stage), np.int64), sides)
        assert np.array_equal(on_sides.high, sides_of(one.domain.polytope).high)


@given(seed=seeds)
@settings(max_examples=30)
def test_kinds_before_a_stage_are_those_that_differ_there(seed: int) -> None:
    one, random = of_residuals(seed), np.random.default_rng(seed)
    chosen = random.integers(0, len(one.patterns), 6)
    span = Span.of(one.network, one.patterns[chosen], len(one.network.nonlinear))
    kinds = span.kinds(one.patterns[chosen])
    counts = [len(np.unique(before(one, s)[chosen], axis=0)) for s in range(len(one.network.nonlinear) + 1)]
    assert kinds.before.tolist() == counts and counts[-1] == kinds.count


@pytest.mark.parametrize("seed", range(4))
def test_the_reckoning_counts_the_rows_that_go_through_the_network(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp(seed, [3, 9, 8, 7, 6, 4])
    domain = slice_of(network, seed)
    patterns = random_patterns(network, np.random.default_rng(seed), 12)
    one = asked(network, domain, patterns, seed)
    monkeypatch.setattr(reckoning, "of_long", lambda parts: 1)
    monkeypatch.setattr(reckoning, "_BALL", 0)
    monkeypatch.setattr(reckoning, "_CALL", 0)
    counted: list[int] = []
    truly = ExtendedArithmetic.linear_of_all

    def counting(self: ExtendedArithmetic, node: Node, many: Any) -> Any:
        counted.extend(len(x.error) * node.op.weight.size for (x,) in many)
        return truly(self, node, many)

    monkeypatch.setattr(ExtendedArithmetic, "linear_of_all", counting)
    last = int(one.names.stage.max())
    span = Span.of(network, patterns, last)
    kinds, costs = span.kinds(patterns), Reckoning(network, domain.dim + 1)
    CloseRows(network, domain, 2).read(span, span.columns(one.names))
    assert sum(counted) == costs.spanned(span, kinds.count, 2)
    counted.clear()
    everywhere = Names.levels(last, np.zeros(len(patterns), np.int64), np.zeros(len(patterns)))
    lines.CloseLines(network, domain, PLAIN)._by_regions(patterns, np.arange(len(patterns)), everywhere, 2)
    assert sum(counted) == costs.by_regions(kinds.before, [2])


@pytest.mark.parametrize(("depth", "enough"), [(2, True), (24, False)])
def test_plain_rows_are_asked_again_as_rows_that_span_where_one_region_shows_that_they_know_little(
    depth: int, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = mlp(5, [3, *[12] * depth, 2])
    patterns = random_patterns(network, np.random.default_rng(5), 30)
    one = asked(network, slice_of(network, 5), patterns, 5)
    some = np.flatnonzero(one.names.second < 0)  # differences may be zero
    everywhere, first = np.arange(len(patterns)), np.zeros(len(patterns), np.int64)
    early = Names.levels(0, first, np.zeros(len(patterns)))  # known from plain rows in any depth
    names = Names.joined([one.names.take(some), early])
    one = replace(one, place=np.concatenate([one.place[some], everywhere]), names=names)
    monkeypatch.setattr(Reckoning, "spanned", lambda *_: 0.0)
    plain: list[int] = []
    truly = lines.CloseLines._by_regions

    def counted(self: lines.CloseLines, patterns: Any, place: Any, names: Names, parts: int) -> Balls:
        plain.append(len(np.unique(place)))
        return truly(self, patterns, place, names, parts)

    monkeypatch.setattr(lines.CloseLines, "_by_regions", counted)
    found = lines.CloseLines(network, one.domain, PLAIN)(one.patterns, one.place, one.names, 1)
    assert plain == [1] + enough * [len(np.unique(one.place))]
    assert_within(found, one)
    assert enough or found.radius.max() < 2.0**-20
