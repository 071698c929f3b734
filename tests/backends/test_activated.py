"""What an arithmetic makes of a refinement is the activation of its functions: held, with any rounding, or streamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl import backends
from cpwl.arrays.ragged import Ragged
from cpwl.fields.arithmetic import embedding
from cpwl.geometry.arrangement import Refinement
from cpwl.geometry.rounded import Rounded
from cpwl.network import RELU, Dense, Node, Piecewise

HINGE = Piecewise(np.array([0.0]), np.array([0.25, 1.0]))


def cut(backend: Any, seed: int) -> Refinement[Any]:
    """A square, cut by the zeros of eight functions; some are below 0 everywhere, some above."""
    random = np.random.default_rng(seed)
    table = np.array([*random.integers(-2, 3, (6, 3)), [0, 1, -9], [1, 0, 9]]) / 2
    domain = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
    arrangement = backend.arrangement(domain.polytope)
    input_ = backend.arithmetic.linear(embedding(domain), [arrangement.coordinates()])
    node = Node(Dense(table[:, :2].copy(), table[:, 2].copy()), (0,), (8,), "functions")
    levels = Ragged(np.zeros(8), np.arange(9))
    refinement: Refinement[Any] = arrangement.refine(backend.arithmetic.linear(node, [input_]), levels)
    return refinement


def numbers(field: Any) -> NDArray[Any]:
    whole = field.whole() if hasattr(field, "whole") else field
    return np.asarray(whole.to_numpy())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("op", [RELU, HINGE], ids=["relu", "hinge"])
@pytest.mark.parametrize("name", backends.names())
def test_it_is_the_activation_of_the_functions_however_it_is_rounded(name: str, op: Piecewise, seed: int) -> None:
    backend = backends.get(name)
    refinement, node = cut(backend, seed), Node(op, (0,), (8,), "units")
    wanted = numbers(backend.arithmetic.activate(node, refinement.values))
    some = np.random.default_rng(seed).permutation(len(wanted))[: len(wanted) // 2 + 1]
    for any_rounding in (False, True):
        for vertices in (None, some):
            field = backend.arithmetic.activated(node, refinement, vertices, any_rounding=any_rounding)
            assert np.array_equal(numbers(field), wanted if vertices is None else wanted[vertices])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", backends.names())
def test_a_matrix_reads_the_same_from_rows_that_are_streamed(name: str, seed: int) -> None:
    backend = backends.get(name)
    refinement, node = cut(backend, seed), Node(RELU, (0,), (8,), "units")
    weight = np.random.default_rng(seed).integers(-3, 4, (3, 8)).astype(float)
    matrix = Node(Dense(weight, np.ones(3)), (0,), (3,), "matrix")
    streamed = backend.arithmetic.streamed(node, refinement)
    held = backend.arithmetic.activated(node, refinement, None, any_rounding=True)
    wanted = backend.arithmetic.linear(matrix, [held])
    if streamed is not None:
        made = backend.arithmetic.linear(matrix, [streamed])
        slack = wanted.errors() + made.errors()
        assert (np.linalg.norm(made.to_numpy() - wanted.to_numpy(), axis=1) <= slack).all()
    other = Node(HINGE, (0,), (8,), "units")
    assert backend.arithmetic.streamed(other, refinement) is None


def test_what_only_rounded_coordinates_need_is_offered_by_those_backends_alone() -> None:
    for name in backends.names():
        backend = backends.get(name)
        arrangement = backend.arrangement(cpwl.Domain.box([0.0, 0.0], [1.0, 1.0]).polytope)
        assert isinstance(arrangement, Rounded) != arrangement.exact
        assert all(hasattr(arrangement, verb) != arrangement.exact for verb in ("border", "moved", "doubting"))
