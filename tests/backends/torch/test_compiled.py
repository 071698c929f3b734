"""The compiled loops and the torch code beside them give the same: on degenerate networks, and loop by loop."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import cpwl
from cpwl.backends.torch.complex.complex import Complex, HalfEdges
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.refinement.crossings import Crossings
from cpwl.backends.torch.refinement.kernels import compiled
from cpwl.backends.torch.refinement.kernels.choice import KERNELS
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.points import Points
from cpwl.backends.torch.refinement.prolong import Prolongation
from cpwl.backends.torch.refinement.signs import Columns
from cpwl.errors import InternalError
from cpwl.network import Network
from tests.support.agreement import disagreements
from tests.support.families import case
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
BOTH = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)


@pytest.fixture
def either(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Switches the compiled loops off (or leaves them as they are)."""
    return lambda built: None if built else monkeypatch.setattr(compiled, "enabled", False)


def both_ways(monkeypatch: pytest.MonkeyPatch, network: Network, domain: cpwl.Domain) -> list[cpwl.Partition]:
    found = [cpwl.partition(network, domain)]
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "enabled", False)
        return [*found, cpwl.partition(network, domain)]


def test_the_loops_are_compiled_where_everything_must_be_tested() -> None:
    assert compiled.enabled or "CI" not in os.environ


@pytest.mark.parametrize("widths", [[2, 40, 1], [2, 70, 20, 1], [2, 16, 16, 16, 1]])
def test_generic_networks_give_the_same_complex_number_by_number(
    widths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both_ways(monkeypatch, mlp(3, widths), SQUARE)
    for mine, theirs in zip(_combinatorics(one), _combinatorics(other)):
        assert np.array_equal(mine, theirs)
    assert np.allclose(one.vertices, other.vertices, rtol=0, atol=1e-13)


def _combinatorics(part: cpwl.Partition) -> list[NDArray[Any]]:
    facets = part.facets()
    cells = [part.arrangement.regions.values, part.arrangement.regions.offsets, part.patterns()]
    return [*cells, facets.vertices.values, facets.regions]


@pytest.mark.parametrize("seed", range(300, 420))
def test_degenerate_networks_give_the_same_regions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    degenerate = case(seed)
    one, other = both_ways(monkeypatch, degenerate.network, degenerate.domain)
    assert _by_pattern(one) == _by_pattern(other)
    assert len(one.vertices) == len(other.vertices)


def _by_pattern(part: cpwl.Partition) -> Counter[tuple[bytes, int]]:
    corners = np.diff(part.arrangement.regions.offsets).tolist()
    return Counter((row.tobytes(), count) for row, count in zip(part.patterns(), corners, strict=True))


@pytest.mark.parametrize("seed", range(420, 450))
def test_torch_alone_agrees_with_exact_arithmetic(seed: int, either: Callable[[bool], None]) -> None:
    either(False)
    degenerate = case(seed)
    assert disagreements(degenerate.network, degenerate.domain) == []


# ---- loop by loop ----------------------------------------------------------------------------------------------------
def columns(values: NDArray[np.float64], error: float) -> Columns:
    field = FloatField.exactly(values, torch.device("cpu"))
    bounded = FloatField(field.values, torch.full_like(field.error, error))
    names = torch.arange(values.shape[1])
    return Columns.of(bounded, names, torch.zeros(len(names), dtype=torch.float64))


@pytest.mark.parametrize("error", [0.0, 1e-3, 0.3])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 300])
def test_signs_and_crossings_are_the_same(count: int, error: float) -> None:
    """Few distinct values, so that many columns are zero at a vertex, and many cross an edge at one point."""
    square, random = Complex.polygon(4, torch.device("cpu")), np.random.default_rng(count)
    given = columns(random.integers(-2, 3, (4, count)) / 2.0, error)
    found = []
    for kernel in KERNELS:
        signs = kernel.signs(given)
        crossings = kernel.crossings(square.edges, given, signs)
        parts = signs.above, signs.below, signs.doubtful, *vars(crossings).values()
        found.append([part.numpy() for part in parts])
    for mine, theirs in zip(*found, strict=True):
        assert np.allclose(mine, theirs, rtol=1e-15, atol=0)


@BOTH
@pytest.mark.parametrize("met", [1, 2, 3])
def test_a_column_that_is_not_met_twice_makes_its_cell_irregular(met: int, kernel: Kernel) -> None:
    triangle = Complex.polygon(3, torch.device("cpu"))
    none, edge = torch.zeros(met, dtype=torch.int64), torch.arange(met)
    flags, counts = torch.zeros(3, dtype=torch.bool), torch.bincount(edge, minlength=3)
    crossings = Crossings(edge, none, none + 0.5, none.double(), none.bool(), flags, counts)
    regular = torch.ones(1, dtype=torch.bool)
    chords, odd = kernel.chords(triangle, crossings, kernel.visits(triangle, crossings), regular)
    assert (len(chords), odd.tolist()) == ((1, [False]) if met == 2 else (0, [True]))


@BOTH
def test_half_edges_that_do_not_close_up_are_an_error(kernel: Kernel) -> None:
    none = torch.zeros(3, dtype=torch.int64)
    half = HalfEdges(none, none.bool(), torch.tensor([1, 2, 1]), none)
    with pytest.raises(InternalError, match="do not close up"):
        kernel.cycles(half, 1)


@BOTH
@pytest.mark.parametrize("slack", [0.0, 1e-3])
def test_new_rows_are_within_their_bounds(slack: float, kernel: Kernel) -> None:
    """Wherever within its slack a position is, and its ends are within their bounds; rows are wanted in longer numbers.

    A second layer refers to the first.
    """
    ends = np.random.default_rng(0).standard_normal((2, 70))
    error = torch.tensor([0.0, slack], dtype=torch.float64)
    field = replace(FloatField.exactly(ends, torch.device("cpu")), error=error)
    layers = [_points([0, 0], [1, 1], [0.25, 0.5], slack), _points([2, 0], [3, 2], [0.5, 0.125], slack)]
    grown = Prolongation.of(2, layers, kernel).carry(field)
    assert np.array_equal(grown.to_numpy()[:2], ends) and np.array_equal(grown.errors()[:2], error.numpy())
    assert grown.errors().max() < 1e-13 + 25 * slack
    shift = np.zeros((2, 70))
    shift[1, 0] = slack
    for sign in (-1, 0, 1):
        moved = (ends + sign * shift).astype(np.longdouble)
        one, other = (moved[0] + (t + sign * slack) * (moved[1] - moved[0]) for t in (0.25, 0.5))
        three = one + (0.5 + sign * slack) * (other - one)
        four = moved[0] + (0.125 + sign * slack) * (one - moved[0])
        distance = np.linalg.norm(grown.to_numpy()[2:] - np.stack([one, other, three, four]), axis=1)
        assert (distance > 0).any() and (distance <= grown.errors()[2:]).all()


def _points(first: list[int], second: list[int], position: list[float], slack: float) -> Points:
    where = torch.tensor(position, dtype=torch.float64)
    ends = torch.tensor(first), torch.tensor(second)
    return Points.of(*ends, torch.zeros(len(first), dtype=torch.int64), where, torch.full_like(where, slack))
