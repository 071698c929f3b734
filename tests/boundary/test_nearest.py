"""The nearest point of a boundary is nearer than any other, and lies on it; lengths by class pair add up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.errors import ArgumentError, ShapeError
from cpwl.geometry.domain import exactly
from cpwl.network import Dense, Network
from tests.support.networks import Pair, layered, mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
BACKENDS = ("torch", "exact")
QUARTERS = Network.sequential(2, [Dense(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4))])
seeds = st.integers(0, 2**32)


def places(seed: int, count: int) -> Any:
    return exactly(np.random.default_rng(seed).integers(-40, 41, (count, 2)).astype(float)) / 32


def squared_distance(u: Any, first: Any, second: Any) -> Any:
    """By cases, as in a textbook: before the first end, beyond the second, or the height over the line."""
    along, to_first, to_second = second - first, u - first, u - second
    if along @ to_first <= 0:
        return to_first @ to_first
    if along @ to_second >= 0:
        return to_second @ to_second
    return (along[0] * to_first[1] - along[1] * to_first[0]) ** 2 / (along @ along)


@settings(max_examples=40, deadline=None)
@given(pair=layered(outputs=3), seed=seeds)
def test_no_segment_is_nearer_exactly_and_the_point_lies_on_the_segment_named(pair: Pair, seed: int) -> None:
    boundary = cpwl.partition(pair.network, SQUARE, backend="exact").decision_boundary()
    assume(len(boundary))
    u = places(seed, 4)
    found = boundary.nearest(u)
    for i, place in enumerate(u):
        squares = [squared_distance(place, *ends) for ends in boundary.ends]
        assert found.squared[i] == min(squares) and found.segments[i] == squares.index(min(squares))
        assert (found.points[i] - place) @ (found.points[i] - place) == found.squared[i]
        assert squared_distance(found.points[i], *boundary.ends[found.segments[i]]) == 0
    assert found.decided.all() and (found.pairs == boundary.pairs[found.segments]).all()
    assert (np.abs(found.distances - np.sqrt(found.squared.astype(float))) <= found.bounds).all()


@settings(max_examples=40, deadline=None)
@given(pair=layered(outputs=3), seed=seeds, predicates=st.sampled_from(["exact", "float"]))
def test_the_float_answer_is_within_its_bound_of_the_exact_one(pair: Pair, seed: int, predicates: Any) -> None:
    quick = cpwl.partition(pair.network, SQUARE, predicates=predicates).decision_boundary()
    exact = cpwl.partition(pair.network, SQUARE, backend="exact").decision_boundary()
    assume(len(quick) and len(exact))
    u = places(seed, 6)
    found, wanted = quick.nearest(u.astype(float)), exact.nearest(u)
    for i in range(len(u)):
        assert abs(Fraction(found.distances[i]) - Fraction(wanted.distances[i])) <= found.bounds[i] + wanted.bounds[i]
        if found.decided[i]:
            assert found.pairs[i].tolist() == wanted.pairs[i].tolist()
            assert np.allclose(found.points[i], wanted.points[i].astype(float), atol=1e-9)
    if predicates == "exact" and not quick.ambiguous.any():
        assert (found.bounds < 1e-6).all()


def test_exact_points_lie_on_the_boundary_of_the_network_itself() -> None:
    part = cpwl.partition(mlp(5, [2, 8, 6, 4], bias=0.5), SQUARE, backend="exact")
    boundary = part.decision_boundary()
    found = boundary.nearest(places(0, 20))
    values = cpwl.evaluate(part.network, part.to_input(found.points), backend="exact")
    row = np.arange(20)
    assert (values[row, found.pairs[:, 0]] == values[row, found.pairs[:, 1]]).all()
    assert (values.max(axis=1) == values[row, found.pairs[:, 0]]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_point_as_far_from_two_segments_names_the_first_and_float_leaves_it_open(backend: str) -> None:
    boundary = cpwl.partition(QUARTERS, SQUARE, backend=backend).decision_boundary()
    found = boundary.nearest([[0.5, 0.0], [0.5, 0.25], [0.0, 0.0]])
    assert found.segments[0] == min(boundary.pairs.tolist().index([0, k]) for k in (2, 3))
    assert np.abs(found.points[:2].astype(float)).tolist() == [[0.25, 0.25], [0.375, 0.375]]
    assert found.decided.tolist() == ([True] * 3 if backend == "exact" else [False, True, False])
    assert np.allclose(found.distances, [np.sqrt(1 / 8), np.sqrt(1 / 32), 0], atol=1e-12)


def test_many_points_are_handled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    boundary = cpwl.partition(QUARTERS, SQUARE).decision_boundary()
    u = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    whole = boundary.nearest(u)
    monkeypatch.setattr("cpwl.boundary.nearest._ENTRIES", 10)
    assert (boundary.nearest(u).points == whole.points).all()
    assert boundary.nearest(np.zeros((0, 2))).points.shape == (0, 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths_by_pair_add_up_and_ties_over_areas_are_counted(backend: str) -> None:
    table = cpwl.partition(QUARTERS, SQUARE, backend=backend).decision_boundary().table()
    assert sorted(table.index) == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert np.allclose(table["length"], np.sqrt(2)) and np.isclose(table["share"].sum(), 1)
    assert table["segments"].tolist() == [1] * 4 and not table["tied"].any()
    same = Network.sequential(2, [Dense(np.array([[1.0, 0], [1, 0]]), np.zeros(2))])
    tied = cpwl.partition(same, SQUARE, backend=backend).decision_boundary().table()
    assert tied.loc[(0, 1)].tolist() == [0, 0, 0, 1]
    net = mlp(0, [2, 5, 1])
    value = float(cpwl.evaluate(net, [0.25, 0.125])[0])
    level = cpwl.partition(net, SQUARE, backend=backend).decision_boundary(level=value)
    assert len(level) and np.isclose(level.table().loc[(-1, -1), "length"], level.lengths().sum())


def test_nothing_is_nearest_on_an_empty_boundary_and_bad_points_are_refused() -> None:
    one = Network.sequential(2, [Dense(np.zeros((2, 2)), np.array([0.0, 1]))])
    with pytest.raises(ArgumentError, match="the boundary is empty on this domain"):
        cpwl.partition(one, SQUARE).decision_boundary().nearest([[0, 0]])
    boundary = cpwl.partition(QUARTERS, SQUARE).decision_boundary()
    with pytest.raises(ShapeError, match=r"u must have shape \(M, 2\)"):
        boundary.nearest([0, 0, 0])
    with pytest.raises(ArgumentError, match="u"):
        boundary.nearest([[np.nan, 0]])
