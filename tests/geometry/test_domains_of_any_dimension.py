"""Domains of every dimension: segments, simplices, hulls, halfspaces, slices through points; and what is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import Domain
from cpwl.errors import DomainError, ShapeError
from cpwl.geometry.polyhedra import halfspaces_of
from cpwl.geometry.polytope import MAX_CORNERS, Polytope


def drawn(seed: int, count: int, inputs: int) -> Any:
    return np.random.default_rng(seed).standard_normal((count, inputs))


@pytest.mark.parametrize("seed", range(5))
def test_a_segment_begins_and_ends_at_its_points(seed: int) -> None:
    p, q = np.random.default_rng(seed).integers(-255, 256, (2, 1, 5, 5)) / 256
    found = Domain.segment(p, q)
    assert found.dim == 1 and found.shape == (1, 5, 5) and found.volume == 1
    assert (found.to_input([[0.0], [1.0]]) == np.stack([p, q])).all()
    assert (found.to_input(np.array([[Fraction(1, 3)]], dtype=object)) == (2 * exact(p) + exact(q))[None] / 3).all()


def exact(values: Any) -> Any:
    return np.vectorize(Fraction, otypes=[object])(values)


def test_a_polyline_is_its_segments() -> None:
    points = drawn(0, 5, 7).round(3)
    found = Domain.polyline(points)
    assert [segment.dim for segment in found] == [1] * 4
    for segment, p, q in zip(found, points[:-1], points[1:], strict=True):
        assert np.allclose(segment.to_input([[0.0], [1.0]]), [p, q], atol=1e-15)
    net = cpwl.Network.mlp([drawn(1, 6, 7), drawn(2, 1, 6)], [np.zeros(6), np.zeros(1)])
    parts = list(cpwl.partition_many(net, found))
    ends = [sorted(zip(part.vertices[:, 0], part.outputs.to_numpy()[:, 0], strict=True)) for part in parts]
    assert all(abs(one[-1][1] - other[0][1]) < 1e-12 for one, other in pairwise(ends))


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 6])
def test_a_slice_through_points_holds_them_in_an_orthonormal_frame(dim: int) -> None:
    points = drawn(dim, dim + 1, 9).reshape(dim + 1, 3, 3)
    for fit in ("square", "rectangle"):
        found = Domain.through(*points, margin=0.25, fit=fit)
        assert found.dim == dim and found.shape == (3, 3)
        assert np.allclose(found.basis.T @ found.basis, np.eye(dim), atol=1e-14)
        u = found.to_slice(points)
        assert np.allclose(found.to_input(u), points, atol=1e-13)
        low, high = found.polytope.vertices.min(axis=0), found.polytope.vertices.max(axis=0)
        assert (u > low - 1e-12).all() and (u < high + 1e-12).all()
        if fit == "square":
            assert np.allclose(-low, high) and np.allclose(high, 1.25 * np.abs(u).max())
        else:
            assert np.allclose(high - low, 1.25 * np.ptp(u, axis=0))


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_simplex_has_its_points_as_corners(dim: int) -> None:
    points = np.random.default_rng(dim).integers(-9, 10, (dim + 1, dim + 2)).astype(float)
    found = Domain.simplex(*points)
    assert (found.to_input(found.polytope.vertices) == points).all()
    assert found.polytope.exact_volume == Fraction(1, factorial(dim))
    centre = [Fraction(1, dim + 2)] * dim
    assert found.polytope.contains(centre) and not found.polytope.contains([-c for c in centre])


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_hull_drops_what_is_inside_and_repeats(dim: int) -> None:
    corners = Polytope.box(-np.ones(dim), np.ones(dim)).vertices
    inner = np.concatenate([corners / 2, corners, (corners[:1] + corners[1:2]) / 2, np.zeros((1, dim))])
    found = Domain.hull(np.random.default_rng(0).permutation(inner))
    assert {tuple(v) for v in found.polytope.vertices.tolist()} == {tuple(v) for v in corners.tolist()}
    assert found.polytope.exact_volume == 2**dim and len(found.polytope.sides) == 2 * dim


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_halfspaces_bound_the_polytope_that_they_are_those_of(dim: int) -> None:
    points = np.random.default_rng(dim).integers(-4, 5, (dim + 5, dim)).astype(float)
    rows = halfspaces_of(points)
    hull, found = Domain.hull(points), Domain.halfspaces(rows[:, 1:], rows[:, 0])
    assert {tuple(v) for v in hull.polytope.vertices} == {tuple(v) for v in found.polytope.vertices}
    assert hull.polytope.exact_volume == found.polytope.exact_volume
    sides = np.array(found.polytope.sides, dtype=object)
    again = Domain.halfspaces(sides[:, :-1], sides[:, -1])
    assert again.polytope.exact_volume == found.polytope.exact_volume


def test_vertices_of_halfspaces_are_rounded_once() -> None:
    thirds = [[Fraction(-3), Fraction(0), Fraction(0)], [Fraction(0), Fraction(-3), Fraction(0)], [0, 0, -3]]
    found = Domain.halfspaces(np.array([*thirds, *np.eye(3).tolist()], dtype=object), [1, 1, 1, 0, 0, 0])
    assert found.polytope.vertices.max() == 1 / 3 and len(found.polytope.sides) == 6


def test_polytopes_in_slices_take_origin_and_basis() -> None:
    origin, basis = np.arange(5.0), np.eye(5)[:, :3]
    tetrahedron = np.concatenate([np.zeros((1, 3)), np.eye(3)])
    for found in (
        Domain.hull(tetrahedron, origin, basis),
        Domain.halfspaces([*np.eye(3), -np.ones(3)], [0, 0, 0, 1], origin, basis),
    ):
        assert found.shape == (5,) and (found.to_input([1.0, 0, 0]) == origin + basis[:, 0]).all()


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5])
def test_sides_of_simplices_are_those_that_cddlib_finds(dim: int) -> None:
    points = np.random.default_rng(dim).integers(-9, 10, (dim + 1, dim)).astype(float)
    polytope = Polytope.polygon(points) if dim == 2 else Polytope(points)
    wanted = {primitive([*row[1:], row[0]]) for row in halfspaces_of(points).tolist()}
    assert {primitive(row) for row in polytope.sides} == wanted
    assert all(polytope.contains(corner) for corner in polytope.corners)


def primitive(row: Any) -> tuple[Fraction, ...]:
    return tuple(Fraction(x) / max(abs(Fraction(y)) for y in row) for x in row)


BOX12 = Domain.box([0] * 12, [1] * 12)
NET12 = cpwl.Network.mlp([np.ones((2, 12)), np.ones((1, 2))], [np.zeros(2), np.zeros(1)])


@pytest.mark.parametrize(
    ("make", "error", "named"),
    [
        (lambda: Domain.segment([0, 1], [0, 1]), DomainError, "p and q are equal"),
        (lambda: Domain.segment([0, 1], [0, 1, 2]), ShapeError, "p and q must have one shape"),
        (lambda: Domain.segment(0.0, 1.0), ShapeError, "p must be a point"),
        (lambda: Domain.segment([1e308], [-1e308]), DomainError, "float64 overflows"),
        (lambda: Domain.polyline([[0, 0], [1, 1], [1, 1]]), DomainError, "points 1 and 2 are equal"),
        (lambda: Domain.polyline([[0, 0]]), ShapeError, "points must have shape"),
        (lambda: Domain.through([0, 0]), ShapeError, "points must be two or more"),
        (lambda: Domain.through([0, 0], [0, 0]), DomainError, "p1 and p2 are one point"),
        (lambda: Domain.through([0, 0], [1, 0], [0, 1], [2, 2]), DomainError, "span less than 3 dimensions"),
        (lambda: Domain.through(*np.eye(4), margin=-1), DomainError, "margin must be"),
        (lambda: Domain.through(*np.eye(4), fit="cube"), cpwl.errors.ArgumentError, "fit must be"),
        (lambda: Domain.simplex([0, 0], [1, 1], [2, 2]), DomainError, "must span 2 dimensions"),
        (lambda: Domain.simplex([0, 0]), ShapeError, "two points or more"),
        (lambda: Domain.hull(np.eye(3)), ShapeError, "vertices must have shape"),
        (lambda: Domain.hull([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]), DomainError, "lie in a hyperplane"),
        (lambda: Domain.hull([[1.0], [1.0]]), DomainError, "lo must be below hi"),
        (lambda: Domain.hull(np.zeros((MAX_CORNERS + 1, 3))), DomainError, "at most 256 rows"),
        (lambda: Domain.hull(np.eye(4)[:, :3], [0] * 4, np.ones((4, 3))), DomainError, "basis must have rank 3"),
        (lambda: Domain.halfspaces(np.eye(3), [0, 0, 0]), DomainError, "unbounded"),
        (lambda: Domain.halfspaces([[1], [-1]], [0, -1]), DomainError, "is empty"),
        (lambda: Domain.halfspaces([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 1, 1]), DomainError, "hyperplane"),
        (lambda: Domain.halfspaces(np.eye(3), [0, 0]), ShapeError, "A and c must have shapes"),
        (lambda: cpwl.partition(NET12, BOX12), DomainError, "at most 20,000 faces"),
    ],
)
def test_bad_domains_are_refused_by_name(make: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        make()
