"""Polyhedra of any dimension by cddlib: vertices and halfspaces of the same polytope."""

from __future__ import annotations

import builtins
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from cpwl.backends.exact.polyhedra import halfspaces_of, irredundant, vertices_of
from cpwl.errors import MissingDependencyError


def cube(dim: int) -> list[list[int]]:
    return [[1, *(sign * (j == i) for j in range(dim))] for i in range(dim) for sign in (-1, 1)]


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_cube_has_two_to_the_d_vertices_and_2d_halfspaces(dim: int) -> None:
    vertices = vertices_of(cube(dim))
    assert sorted(map(tuple, vertices.tolist())) == sorted(product([-1, 1], repeat=dim))
    halfspaces = halfspaces_of(vertices)
    assert sorted(map(tuple, halfspaces.tolist())) == sorted(map(tuple, cube(dim)))


def test_coordinates_are_exact() -> None:
    corner = vertices_of([[0, 1, 0], [0, 0, 1], [Fraction(1, 3), -1, -7]])
    assert (Fraction(0), Fraction(1, 21)) in map(tuple, corner.tolist())
    assert Fraction(0.1) in vertices_of([[0.1, -1.0], [0, 1]]).ravel().tolist()


def test_redundant_halfspaces_are_left_out() -> None:
    """x <= 2 is implied, x + y <= 2 touches a corner only, and one of two equal ones is enough."""
    rows = [*cube(2), [2, -1, 0], [2, -1, -1], cube(2)[0]]
    kept = irredundant(rows)
    assert len(kept) == 4
    assert {tuple(rows[i]) for i in kept} == set(map(tuple, cube(2)))


def test_an_inner_point_is_no_vertex_of_a_hull() -> None:
    triangle = np.array([[0, 0], [3, 0], [0, 3], [1, 1], [1, 2]])
    assert sorted(vertices_of(halfspaces_of(triangle)).tolist()) == [[0, 0], [0, 3], [3, 0]]


def test_an_empty_intersection_has_no_vertices() -> None:
    assert vertices_of([[-1, 1], [-1, -1]]).shape == (0, 1)


def test_what_is_not_a_polytope_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="halfspaces must bound a polytope"):
        vertices_of([[1, 1, 0], [1, -1, 0]])
    with pytest.raises(ValueError, match="vertices must span a polytope"):
        halfspaces_of([[0, 0], [1, 1], [2, 2]])
    with pytest.raises(ValueError, match="halfspaces must have an intersection with an interior"):
        irredundant([[0, 1, 0], [0, -1, 0], [1, 0, 1]])
    with pytest.raises(ValueError, match="vertices must be a non-empty table"):
        halfspaces_of([])


def test_without_pycddlib_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cdd"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r"cpwl\[cdd\].*libcdd-dev libgmp-dev.*brew install cddlib gmp"):
        vertices_of(cube(2))
