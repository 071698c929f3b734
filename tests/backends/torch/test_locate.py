"""A point is located in the lowest of the exact regions that contain it, whatever its size."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.network import Network
from tests.support.coordinates import SQUARE, Pair, contains, mislocated, rational
from tests.support.families import case, moved


@pytest.mark.parametrize("seed", [14, 320, 353, 417])
def test_points_of_any_size_are_located(seed: int) -> None:
    """Fractions between float64 numbers, below the least and above the largest of them."""
    pair = Pair.of(case(seed))
    vertices = pair.exact.vertices[:6]
    tiny = np.array([[Fraction(1, 10**400), Fraction(-1, 10**401)], [Fraction(0), Fraction(1, 10**330)]], dtype=object)
    huge = np.array([[Fraction(10**400), Fraction(0)], [Fraction(0), Fraction(-(10**400))]], dtype=object)
    assert mislocated(pair, np.concatenate([vertices, vertices + tiny[:1], tiny, huge])) == []


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_no_point_of_the_domain_is_outside(seed: int) -> None:
    chosen = moved(seed % 1000)
    part = cpwl.partition(chosen.network, chosen.domain)
    polygon, random = chosen.domain.polytope.vertices, np.random.default_rng(seed)
    ends = np.concatenate([polygon, polygon[:1]])
    along = [a + t * (b - a) for a, b in pairwise(ends) for t in random.random(3)]
    points = np.concatenate([along, random.dirichlet(np.full(len(polygon), 0.2), 20) @ polygon])
    exact = [(Fraction(x), Fraction(y)) for x, y in polygon.tolist()]
    inside = [contains(exact, *rational(point)) for point in points]
    assert ((part.locate(points) >= 0) == inside).all()


def test_fractions_are_located_as_they_are() -> None:
    """Thirds are no float64 numbers: beside the diagonal at a distance that rounding takes away."""
    part = cpwl.partition(Network.mlp([np.array([[1.0, -1.0]]), np.ones((1, 1))], [np.zeros(1), np.zeros(1)]), SQUARE)
    third, little = Fraction(1, 3), Fraction(1, 10**40)
    points = np.array([[third, third], [third + little, third], [third, third + little]], dtype=object)
    on, right, left = part.locate(points).tolist()
    assert {right, left} == {0, 1} and on == 0
    assert part.locate(points.astype(float)).tolist() == [0, 0, 0]
