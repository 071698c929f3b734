"""Lattices for tests: boxes of any dimension on either backend, cut by affine functions, and laws that they obey."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl import backends
from cpwl.arrays.ragged import Ragged
from cpwl.backends.lattice.arrangement import LatticeArrangement
from cpwl.geometry.arrangement import Refinement
from cpwl.geometry.polytope import Polytope
from cpwl.network import Dense, Node

BACKENDS = "exact", "torch"
Table = NDArray[np.float64]


def kind(backend: str) -> Any:
    """The lattice arrangement of a backend, for every dimension."""
    return type(backends.get(backend).arrangement(Polytope.box([0] * 3, [1] * 3)))


def cut(arrangement: Any, functions: Table, backend: str, values: Any = None) -> Refinement[Any]:
    """An arrangement cut by affine functions of its coordinates."""
    table = np.asarray(functions, np.float64)
    node = Node(Dense(table[:, :-1].copy(), table[:, -1].copy()), (0,), (len(table),))
    field = backends.get(backend).arithmetic.linear(node, [arrangement.coordinates()])
    return arrangement.refine(field, Ragged.of([[0.0]] * len(table), np.float64))


def box(dim: int, backend: str, size: float = 1.0) -> Any:
    """The arrangement with one region, a box about the origin."""
    return kind(backend).of(Polytope.box([-size] * dim, [size] * dim))


def check(arrangement: LatticeArrangement[Any], dim: int) -> None:
    """Laws of a subdivided polytope: the alternating sum, diamonds, facets with one or two sides, all faces used."""
    lattice = arrangement.lattice
    assert lattice.euler == 1
    for k in range(2, dim + 1):
        place, lower = lattice.members(k, np.arange(lattice.count(k)))
        again, lowest = lattice.members(k - 1, lower)
        _, counts = np.unique(np.stack([place[again], lowest]), axis=1, return_counts=True)
        assert (counts == 2).all(), "in a k-face each (k-2)-face lies in exactly two of its (k-1)-faces"
    for k in range(dim):
        assert np.array_equal(np.unique(lattice.boundary[k].values), np.arange(lattice.count(k)))
    assert np.bincount(lattice.boundary[-1].values).max() <= 2
    assert np.array_equal(arrangement.parents, np.sort(arrangement.parents))


def functions(dim: int, most: int = 6) -> Any:
    """Tables of affine functions with small integers."""
    row = st.lists(st.integers(-3, 3), min_size=dim + 1, max_size=dim + 1)
    return st.lists(row, min_size=1, max_size=most).map(lambda rows: np.array(rows, float))


CASES = st.integers(1, 4).flatmap(lambda dim: st.tuples(st.just(dim), functions(dim), functions(dim, 3)))


def polytopes(arrangement: Any) -> set[frozenset[Any]]:
    """Regions by their vertices."""
    points = [tuple(row) for row in arrangement.vertices.tolist()]
    return {frozenset(points[v] for v in corners) for corners in arrangement.regions}
