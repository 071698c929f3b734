"""Tournaments: what is known to be one function is met once, and few matches at a time come to the same regions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Scale
from cpwl.tiling import maximum

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def lattice(weight: NDArray[np.float64], bias: NDArray[np.float64], index: NDArray[np.int64]) -> Network:
    """The largest of the minima of groups of affine functions, which are given by index (groups, arguments)."""
    groups = len(index)
    nodes = (
        Node(Input(), (), (2,), "x"),
        Node(Dense(-weight, -bias), (0,), (len(bias),), "functions"),
        Node(Gather(index), (1,), index.shape, "groups"),
        Node(Max(), (2,), (groups,), "minus the minima"),
        Node(Scale(np.array([-1.0]), np.zeros(1)), (3,), (groups,), "minima"),
        Node(Gather(np.arange(groups)[None]), (4,), (1, groups), "group"),
        Node(Max(), (5,), (1,), "largest"),
    )
    return Network(nodes)


def drawn(seed: int, functions: int, *, integer: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    if integer:
        return random.integers(-3, 4, (functions, 2)).astype(float), random.integers(-3, 4, functions).astype(float)
    return random.standard_normal((functions, 2)), random.standard_normal(functions)


def signature(part: cpwl.Partition) -> list[tuple[tuple[int, ...], float]]:
    """Patterns and areas, in an order of their own."""
    areas = np.round(part.volumes().astype(float), 9).tolist()
    return sorted((tuple(row), area) for row, area in zip(part.patterns().tolist(), areas, strict=True))


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize(("groups", "size"), [(1, 25), (3, 12), (6, 10)])
def test_few_matches_at_a_time_come_to_the_regions_of_all_at_once(
    groups: int, size: int, backend: str, integer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = drawn(groups, groups * size, integer=integer)
    net = lattice(*functions, np.arange(groups * size).reshape(groups, size))
    wanted = signature(cpwl.partition(net, SQUARE, backend=backend))
    for at_once in (1, 3, 7):
        monkeypatch.setattr(maximum, "_AT_ONCE", at_once)
        assert signature(cpwl.partition(net, SQUARE, backend=backend)) == wanted, at_once


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_groups_that_share_arguments_have_the_regions_of_the_exact_backend(seed: int, integer: bool) -> None:
    random = np.random.default_rng(seed)
    index = random.integers(0, 8, (6, 4))
    index[3], index[4, :2] = index[0], index[1, :2]  # a group twice, and a match of another
    net = lattice(*drawn(seed, 8, integer=integer), index)
    assert signature(cpwl.partition(net, SQUARE)) == signature(cpwl.partition(net, SQUARE, backend="exact"))


def test_a_match_of_the_same_two_functions_is_played_once() -> None:
    """So that a group that stands twice leaves nothing open that it does not leave open alone."""
    functions, index = drawn(0, 6), np.array([[0, 1, 2, 3, 4, 5]])
    alone, twice = (cpwl.partition(lattice(*functions, np.repeat(index, k, axis=0)), SQUARE) for k in (1, 2))
    assert len(alone) == len(twice) > 3 and twice.settled == alone.settled == 0


def test_hundreds_of_functions_of_which_few_win() -> None:
    weight, bias = drawn(5, 400)
    part = cpwl.partition(lattice(weight, bias, np.arange(400)[None]), SQUARE)
    inner = np.stack([part.vertices[row].mean(axis=0) for row in part.regions])
    assert part.patterns()[:, 0].tolist() == (inner @ weight.T + bias).argmin(axis=1).tolist()
    samples = np.random.default_rng(0).uniform(-1, 1, (4000, 2)) @ weight.T + bias
    assert set(samples.argmin(axis=1).tolist()) <= set(part.patterns()[:, 0].tolist())
