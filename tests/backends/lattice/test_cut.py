"""Lemma 15: what lattices are after cuts, on both backends, in every dimension, in general and degenerate position."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl.geometry.domain import exactly
from tests.support.lattices import BACKENDS, CASES, Table, box, check, cut, polytopes


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60)
@given(CASES)
def test_cuts_by_integers_are_lattices_whose_volumes_add_up(backend: str, case: Any) -> None:
    """Small integers: many functions through one point, along faces of the box, equal, parallel or constant."""
    dim, first, second = case
    once = cut(box(dim, backend), first, backend)
    twice = cut(once.arrangement, second, backend)
    for refinement in (once, twice):
        arrangement = refinement.arrangement
        check(arrangement, dim)
        if not arrangement.ambiguous.any():
            assert sum(map(Fraction, arrangement.volumes())) == pytest.approx(2**dim, rel=1e-12)
            assert not arrangement.exact or sum(arrangement.volumes()) == 2**dim
    if backend == "exact":
        arrangement, table = once.arrangement, exactly(first)
        inside = np.array([arrangement.vertices[corners].sum(axis=0) / len(corners) for corners in arrangement.regions])
        assert np.array_equal(once.below.dense(), inside @ table[:, :-1].T + table[:, -1] < 0)


@settings(max_examples=40)
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_and_the_size_of_functions_make_no_difference(case: Any, random: Any) -> None:
    dim, table, _ = case
    order, signs = random.sample(range(len(table)), len(table)), np.array([random.choice([-1, 3]) for _ in table])
    plain = cut(box(dim, "exact"), table, "exact").arrangement
    other = cut(box(dim, "exact"), table[order] * signs[:, None], "exact").arrangement
    one_by_one = box(dim, "exact")
    for row in table:
        one_by_one = cut(one_by_one, row[None], "exact").arrangement
    for found in (other, one_by_one):
        assert [found.lattice.count(k) for k in range(dim + 1)] == [plain.lattice.count(k) for k in range(dim + 1)]
        assert polytopes(found) == polytopes(plain)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("dim", "count"), [(1, 30), (2, 12), (3, 9), (4, 8), (5, 7), (6, 7)])
def test_hyperplanes_in_general_position_make_as_many_regions_as_zaslavsky_says(
    backend: str, dim: int, count: int
) -> None:
    random = np.random.default_rng(dim)
    table = random.standard_normal((count, dim + 1))
    found = cut(box(dim, backend, 2.0**20), table, backend).arrangement
    assert len(found) == sum(comb(count, k) for k in range(dim + 1))
    check(found, dim)


def mirrors(family: str, dim: int) -> Table:
    """The mirrors of a reflection group, as functions."""
    rows = []
    for i, j in combinations(range(dim), 2):
        for sign in (1, -1) if family != "A" else (-1,):
            row = np.zeros(dim + 1)
            row[i], row[j] = 1, sign
            rows.append(row)
    if family == "B":
        rows += list(np.eye(dim, dim + 1))
    return np.array(rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", ["A", "B", "D"])
@pytest.mark.parametrize("dim", [2, 3, 4])
def test_mirrors_through_one_point_make_as_many_regions_as_their_group_has_elements(
    backend: str, family: str, dim: int
) -> None:
    orders = {"A": factorial(dim), "B": 2**dim * factorial(dim), "D": 2 ** (dim - 1) * factorial(dim)}
    found = cut(box(dim, backend), mirrors(family, dim), backend).arrangement
    assert len(found) == orders[family]
    check(found, dim)
    if backend == "exact":
        assert len(set(found.volumes())) == 1, "the group takes each chamber of the cube to each other"


def test_a_braid_arrangement_has_the_simplices_of_all_orders() -> None:
    found = cut(box(3, "exact"), mirrors("A", 3), "exact").arrangement
    inside = [found.vertices[corners].sum(axis=0) for corners in found.regions]
    assert {tuple(np.argsort(point.astype(float))) for point in inside} == set(permutations(range(3)))


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_the_faces_of_a_grid_are_counted(dim: int) -> None:
    """A product of intervals, each cut twice: 3^D boxes."""
    rows = [[*(float(k == axis) for k in range(dim)), shift] for axis in range(dim) for shift in (0.5, -0.5)]
    lattice = cut(box(dim, "torch"), np.array(rows), "torch").arrangement.lattice
    for k in range(dim + 1):
        assert lattice.count(k) == comb(dim, k) * 3**k * 4 ** (dim - k)  # along each axis an interval, or a point


def test_float_and_exact_lattices_are_one() -> None:
    """In general position, where float64 decides all."""
    table = np.random.default_rng(0).standard_normal((9, 4))
    both = [cut(box(3, backend), table, backend).arrangement for backend in BACKENDS]
    assert not both[1].ambiguous.any()
    for k in range(3):
        one, other = (part.lattice.boundary[k] for part in both)
        assert np.array_equal(one.values, other.values) and np.array_equal(one.offsets, other.offsets)
    assert np.allclose(both[0].vertices.astype(float), both[1].vertices)
