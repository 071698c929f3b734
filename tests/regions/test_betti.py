"""Betti numbers: of sets that are known, of all sets by Euler's number, and of the same set computed in two ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import BackendError, IncompleteError
from cpwl.network import Network
from cpwl.regions.homology import betti_numbers, subcomplex
from cpwl.tiling.headed import headed
from cpwl.tiling.signed_cells import signed_cells
from tests.support.networks import mlp
from tests.support.properties import integer_network, seeds


def one_norm(dim: int) -> Network:
    """|x_1| + ... + |x_D|."""
    return Network.mlp([np.concatenate([np.eye(dim), -np.eye(dim)]), np.ones((1, 2 * dim))], [np.zeros(2 * dim), [0.0]])


def box(net: Network, half: float = 2.0, **options: Any) -> cpwl.Partition:
    return cpwl.partition(net, cpwl.Domain.box([-half] * net.inputs, [half] * net.inputs), **options)


def sphere(dim: int) -> tuple[int, ...]:
    """The Betti numbers of a sphere of dimension dim - 1, and of nothing above."""
    return (2, 0) if dim == 1 else (1, *(int(k == dim - 1) for k in range(1, dim + 1)))


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_ball_a_sphere_and_what_is_outside_of_it(dim: int, backend: str) -> None:
    part = box(one_norm(dim), backend=backend)
    point = (1, *[0] * dim)
    assert part.betti(level=1.0) == sphere(dim)
    assert part.betti(level=1.0, side="below") == point
    assert part.betti(level=1.0, side="above") == sphere(dim)
    assert part.betti(level=0.0) == part.betti(level=0.0, side="below") == point
    assert part.betti(level=-0.5) == part.betti(level=-0.5, side="below") == (0,) * (dim + 1)


def test_a_set_that_is_joined_by_points_alone() -> None:
    """Where |x| + |y| is 2 or more in the square: four corners, that touch in the middles of its sides."""
    part = box(one_norm(2))
    assert part.betti(level=2.0, side="above") == (1, 1, 0)
    assert part.betti(level=2.0 + 2.0**-40, side="above") == (4, 0, 0)


def test_a_torus_in_space() -> None:
    """The set where max(|z|, | max(|x|, |y|) - 2 |) is 1: a square ring, all around."""
    fold = np.array(
        [[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]
    )  # |x - y|, |x + y|: max(|x|, |y|) is half of both
    first = np.concatenate([np.pad(fold, ((0, 0), (0, 1))), [[0, 0, 1.0], [0, 0, -1.0]]])
    # a = max(|x|, |y|) - 2, b = |z|; then |a| + b + | |a| - b | is twice the maximum.
    a, b = np.array([0.5, 0.5, 0.5, 0.5, 0, 0]), np.array([0, 0, 0, 0, 1.0, 1.0])
    second, third = np.stack([a, -a, b]), np.array([[1.0, 1, 1], [1, 1, -1], [-1, -1, 1]])
    biases = [np.zeros(6), np.array([-2.0, 2, 0]), np.zeros(3), np.zeros(1)]
    net = Network.mlp([first, second, third, np.array([[0.5, 0.5, 0.5]])], biases)
    part = box(net, half=4.0)
    assert part.betti(level=0.5) == (1, 2, 1, 0)
    assert part.betti(level=0.5, side="below") == (1, 1, 0, 0)
    assert part.betti(level=0.5, side="above") == (1, 1, 1, 0)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_alternating_sums_are_eulers_number_and_both_backends_agree(dim: int) -> None:
    for random in seeds(8):
        net = integer_network(random, dim, 3)
        parts = [box(net, 1.0, backend=backend) for backend in ("torch", "exact")]
        for classes in (0, 2, (0, 1), (0, 1, 2), None):
            numbers = [part.betti(classes) for part in parts]
            assert numbers[0] == numbers[1]
            assert len(numbers[0]) == dim + 1
            assert numbers[0][-1] == 0
        cells = signed_cells(headed(parts[0], [[1, -1, 0], [1, 0, -1]]))
        boundary, vertices = subcomplex(cells.arrangement, [(cells.signs >= 0).all(axis=1)])
        counts = [vertices, *map(len, boundary)]
        assert sum((-1) ** k * n for k, n in enumerate(counts)) == _alternating(parts[0].betti(0))
        assert betti_numbers(boundary, vertices) == parts[0].betti(0)


def _alternating(numbers: Sequence[int]) -> int:
    return sum((-1) ** k * b for k, b in enumerate(numbers))


def test_two_regions_cover_the_square_and_meet_in_the_boundary() -> None:
    """Euler's numbers of the regions of two classes, less that of their boundary, are that of the square."""
    ring = cpwl.head(one_norm(2), [[0.0], [1.0]], [1.0, 0.0])
    assert box(ring).betti() == (1, 1, 0)
    for random in seeds(12):
        part = box(integer_network(random, 2, 2), 1.0)
        first, second, both = (_alternating(part.betti(classes)) for classes in (0, 1, None))
        assert first + second - both == 1


def test_what_makes_no_sense_is_refused_by_name() -> None:
    part, scalar = box(mlp(0, [2, 4, 3])), box(mlp(0, [2, 4, 1]))
    for wrong, message in (
        (lambda: part.betti(3), r"classes must lie in 0\.\.2"),
        (lambda: part.betti(()), "classes must be at least one output"),
        (lambda: part.betti(level=0.0), "level needs a network with one output"),
        (lambda: scalar.betti(), "give level="),
        (lambda: scalar.betti(0, level=0.0), "level needs a network with one output and no classes"),
        (lambda: scalar.betti(level=np.nan), "level must be finite"),
        (lambda: scalar.betti(level=0.0, side="under"), "side must be one of"),
        (lambda: part.betti(0, side="below"), "side goes with level="),
    ):
        with pytest.raises(cpwl.CpwlError, match=message):
            wrong()
    with pytest.raises(IncompleteError, match="the topology of a set"):
        box(mlp(0, [2, 40, 40, 2]), max_regions=3).betti(0)
    with pytest.raises(BackendError, match="exact decisions"):
        box(mlp(0, [2, 4, 3]), predicates="float").betti(0)
