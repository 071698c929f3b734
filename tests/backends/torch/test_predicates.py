"""Exact predicates in float64: the regions are exactly the network's, however degenerate it is (proofs/, Lemma 8)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl import backends
from cpwl.arrays.ragged import Ragged
from cpwl.backends.torch.complex.complex import Complex
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.refinement.decide import Decider, Places
from cpwl.backends.torch.refinement.prolong import Prolongation
from cpwl.errors import InternalError
from cpwl.fields.predicates import Names
from cpwl.geometry.ladder import INTEGERS, Functions, Lookup, vanishing, vanishing_along
from cpwl.network import RELU, Dense, Network
from cpwl.numbers.exact import Exact
from tests.support.agreement import disagreements, lines_elsewhere
from tests.support.families import FAMILIES, MIXTURES, case
from tests.support.networks import layered, mlp, residual

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
ROUNDS = 7


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_regions_vertices_and_boundaries_of_degenerate_networks_are_those_of_the_exact_backend(family: int) -> None:
    for k in range(ROUNDS * len(MIXTURES)):
        chosen = case(family + k * len(FAMILIES))
        assert disagreements(chosen.network, chosen.domain) == [], chosen.name


@settings(max_examples=25)
@given(network=st.one_of(layered(outputs=3).map(lambda pair: pair.network), layered().map(lambda p: p.network)))
def test_layered_networks_agree_with_the_exact_backend(network: Network) -> None:
    assert disagreements(network, SQUARE) == []


@settings(max_examples=15)
@given(network=residual())
def test_residual_networks_agree_with_the_exact_backend(network: Network) -> None:
    assert disagreements(network, SQUARE) == []


def test_nothing_is_settled_exactly_where_nothing_is_doubtful() -> None:
    part = cpwl.partition(mlp(0, [2, 16, 16, 1]), SQUARE)
    assert part.predicates == "exact" and part.settled == 0 and "0 decisions settled exactly" in repr(part)


def test_float_predicates_report_what_exact_ones_settle() -> None:
    chosen = case(1)
    quick, sure = (cpwl.partition(chosen.network, chosen.domain, predicates=p) for p in ("float", "exact"))
    assert len(quick.ambiguous) and quick.settled == 0 and quick.exact_predicates() is None
    assert sure.settled and not len(sure.ambiguous)


def test_coincident_lines_are_one_line() -> None:
    # x = y three times: once turned round, once times 1/3.
    same = np.array([[1, -1], [-1, 1], [1 / 3, -1 / 3]])
    part = cpwl.partition(Network.mlp([same, np.ones((1, 3))], [np.zeros(3), np.zeros(1)]), SQUARE)
    assert len(part) == 2 and len(part.vertices) == 4


def test_concurrent_lines_meet_in_one_vertex() -> None:
    angles = np.arange(16) * 0.1
    rows = np.round(np.stack([np.cos(angles), np.sin(angles)], 1) * 1024) / 1024
    through = np.array([0.125, 0.375])
    star = cpwl.partition(Network.mlp([rows, np.ones((1, 16))], [-rows @ through, np.zeros(1)]), SQUARE)
    assert len(star) == 32
    assert (np.abs(star.vertices - through).max(axis=1) < 1e-6).sum() == 1


@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-13, 2.0**-52])
def test_two_lines_this_near_are_two_lines(gap: float) -> None:
    weight = np.array([[1 / 3, 0.7], [1 / 3, 0.7]])
    bias = np.array([0.1, 0.1 + gap])
    deep = Network.sequential(
        2, [Dense(weight, bias), RELU, Dense(np.eye(2), np.zeros(2)), RELU, Dense(np.ones((1, 2)), np.zeros(1))]
    )
    assert disagreements(deep, SQUARE) == [] and len(cpwl.partition(deep, SQUARE)) == 3


def test_lemma_8_the_sides_of_pieces_do_not_depend_on_rounded_values(monkeypatch: pytest.MonkeyPatch) -> None:
    truly = Prolongation.carry

    def turned(plan: Prolongation, field: FloatField, held: torch.Tensor | None = None) -> FloatField:
        found = truly(plan, field, held)
        found.values[plan.old :] *= -1.0
        return found

    network = mlp(1, [2, 12, 1])
    exact = cpwl.partition(network, SQUARE, backend="exact")
    monkeypatch.setattr(Prolongation, "carry", turned)
    part = cpwl.partition(network, SQUARE)
    assert {row.tobytes() for row in part.patterns()} == {row.tobytes() for row in exact.patterns()}


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_lemma_8_the_function_named_by_a_line_is_zero_on_all_edges_of_the_line_and_nowhere_else(seed: int) -> None:
    assert lines_elsewhere(cpwl.partition(mlp(seed, [2, 5, 4, 2]), SQUARE)) == []


def test_the_exact_functions_of_a_region_are_those_of_its_pattern() -> None:
    part = cpwl.partition(mlp(3, [2, 6, 5, 2]), SQUARE, backend="exact")
    oracle = backends.get("torch").oracle(part.network, part.domain)
    slopes, constants = part.affine_maps()
    names, patterns = Names.of([(2, 0, 1, 0.0), (2, 1, -1, 0.75)]), part.patterns()
    forms = oracle.walls(patterns, np.repeat(np.arange(len(part)), 2), names.take(np.tile([0, 1], len(part))), INTEGERS)
    for k, (slope, constant) in enumerate(zip(slopes, constants, strict=True)):
        form, (a, b, c) = forms.values[2 * k], forms.values[2 * k + 1]
        wanted = [*(slope[0] - slope[1]), constant[0] - constant[1]]
        scale = Fraction(int(form[0])) / wanted[0]
        assert scale > 0 and [Fraction(int(x)) for x in form] == [scale * x for x in wanted]
        scale = Fraction(int(a)) / slope[1][0]
        assert scale > 0 and (int(b), int(c)) == (scale * slope[1][1], scale * (constant[1] - Fraction(3, 4)))


class Squares:
    """The functions on squares, by hand and in integers: those of their sides, and column k, which is x + 1 - k / 4."""

    def known(self, regions: NDArray[np.int64], walls: Ragged, parts: int) -> Lookup | None:
        sides = [(0, 1, 1), (-1, 0, 1), (0, -1, 1), (1, 0, 1)]
        if parts != INTEGERS:
            return None
        return lambda place, name: Exact.of([sides[k] if k >= 0 else (4, 0, 4 + (1 + k)) for k in name.tolist()], 3)

    def vanishing(self, regions: NDArray[np.int64], columns: NDArray[np.int64], others: NDArray[np.int64]) -> Any:
        return np.zeros(len(regions), np.bool_)

    def vanishing_everywhere(self, regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
        pytest.fail("structure is not asked for what costs less in integers")

    def only(self, columns: NDArray[np.int64]) -> Functions:
        pytest.fail("nobody asks for some columns here")


def decider() -> Decider:
    return Decider(Squares(), Complex.polygon(4, torch.device("cpu")))


def test_lemma_8_a_vertex_is_where_its_two_lines_meet_and_signs_there_are_exact() -> None:
    found = decider()
    corners = Places.of_vertices(Complex.polygon(4, torch.device("cpu")), torch.arange(4))
    assert found.signs(corners, torch.tensor([0, 8, 7, 9])).tolist() == [0, 0, 1, -1]
    first, second, cell = corners.take(torch.tensor([0])), corners.take(torch.tensor([1])), torch.tensor([0])
    assert found.positions(first, second, cell, torch.tensor([6]))[0].tolist() == [0.75]


def test_lines_that_are_parallel_make_no_vertex() -> None:
    places = Places(torch.tensor([0]), torch.tensor([0]), torch.tensor([[0, 2]]))
    with pytest.raises(InternalError, match="parallel"):
        decider().signs(places, torch.tensor([1]))


def test_functions_that_vanish_along_a_line_are_its_multiples() -> None:
    forms = [(2, -4, 6), (0, 0, 0), (2, -4, 7), (0, 0, 1)]
    walls = [(-1, 2, -3), (1, 2, 3), (-1, 2, -3), (1, 2, 3)]
    zero, open_ = vanishing(Exact.of(forms, 3))
    assert zero.tolist() == [False, True, False, False] and not open_.any()
    zero, open_ = vanishing_along(Exact.of(forms, 3), Exact.of(walls, 3))
    assert zero.tolist() == [True, True, False, False] and not open_.any()


def test_names_that_follow_take_the_place_of_those_that_are_no_more() -> None:
    names = Names.sides(4).followed_by(3, Names.differences(1, np.array([5, 6]), np.array([7, 8])))
    assert [names.at(i) for i in (2, 3, 4)] == [(-1, 2, -1, 0.0), (1, 5, 7, 0.0), (1, 6, 8, 0.0)]


@pytest.mark.parametrize("predicates", ["exact", "float"])
def test_a_loaded_partition_decides_its_boundary_as_the_saved_one(predicates: str, tmp_path: Path) -> None:
    chosen = case(next(seed for seed in range(0, 2000, 13) if case(seed).network.outputs == 3))
    part = cpwl.partition(chosen.network, chosen.domain, predicates=predicates)
    part.save(tmp_path / "part.npz")
    again = cpwl.load(tmp_path / "part.npz")
    assert (again.predicates, again.settled) == (part.predicates, part.settled)
    one, other = part.decision_boundary(), again.decision_boundary()
    assert np.array_equal(one.ends, other.ends) and one.ties == other.ties
    assert np.array_equal(one.undecided, other.undecided)
