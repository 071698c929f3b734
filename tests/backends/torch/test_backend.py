"""What is particular to the torch backend: its two ways of cutting agree, and points are located exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.backends.torch import TorchArrangement
from cpwl.backends.torch.complex.locate import Locator
from cpwl.backends.torch.complex.segments import common_bits, folded, pack, set_bits
from cpwl.backends.torch.refinement.kernels.choice import kernel_for
from cpwl.backends.torch.refinement.signs import CellSigns
from cpwl.errors import BackendError, NumericalRangeError
from cpwl.geometry.polytope import Polytope
from cpwl.network import Network
from cpwl.numbers.norms import spectral_bound
from tests.support.networks import Pair, layered, mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def sequentially(network: Network, monkeypatch: pytest.MonkeyPatch) -> cpwl.Partition:
    """The partition with every cell that is cut at all cut column by column."""
    with monkeypatch.context() as patch:
        kernel = type(kernel_for(torch.zeros(0, dtype=torch.float64)))
        signs_of = kernel.cell_signs

        def all_touched(*args: Any) -> CellSigns:
            found = signs_of(*args)
            return replace(found, touched=(found.cut != 0).any(1))

        patch.setattr(kernel, "cell_signs", all_touched)
        return cpwl.partition(network, SQUARE, predicates="float")


@pytest.mark.parametrize("seed", range(4))
def test_cutting_all_at_once_and_column_by_column_give_the_same_regions(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = mlp(seed, [2, 12, 12, 1])
    together, apart = cpwl.partition(network, SQUARE), sequentially(network, monkeypatch)
    assert len(together) == len(apart) and not len(apart.ambiguous)
    one, other = (np.argsort([row.tobytes() for row in part.patterns()]) for part in (together, apart))
    assert np.array_equal(together.patterns()[one], apart.patterns()[other])
    assert np.allclose(together.volumes()[one], apart.volumes()[other], atol=1e-12)


@settings(max_examples=40)
@given(pair=layered())
def test_cutting_column_by_column_agrees_with_exact_arithmetic_where_it_is_certain(pair: Pair) -> None:
    patch = pytest.MonkeyPatch()
    part = sequentially(pair.network, patch)
    exact = cpwl.partition(pair.network, SQUARE, backend="exact")
    true = {row.tobytes() for row in exact.patterns()}
    certain = np.setdiff1d(np.arange(len(part)), part.ambiguous)
    assert {row.tobytes() for row in part.patterns(certain)} <= true
    assert len(part.ambiguous) or len(part) == len(exact)


@given(
    st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20),
    st.sampled_from([1, 20, 21, 22, 64, 65]),
)
def test_packed_bits_are_those_packed(rows: list[list[bool]], repeats: int) -> None:
    dense = torch.tensor(rows).repeat(1, repeats)
    row, column = set_bits(pack(dense))
    assert torch.equal(torch.stack([row, column], 1), dense.nonzero())


@given(st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=9), st.integers(0, 2**16 - 1))
def test_bits_that_all_rows_have_are_found_on_any_device(rows: list[int], common: int) -> None:
    words = torch.tensor(rows)[:, None].repeat(1, 2) | common
    expected = np.bitwise_and.reduce(words.numpy(), axis=0)
    assert (
        folded(words).tolist() == expected.tolist() == common_bits(words.view(torch.uint8)).view(torch.int64).tolist()
    )


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1e-200, 1e-12, 1.0, 1e150]))
def test_the_spectral_bound_is_never_below_the_norm_and_close_to_it(
    seed: int, rows: int, columns: int, scale: float
) -> None:
    matrix = torch.as_tensor(np.random.default_rng(seed).standard_normal((rows, columns)) * scale)
    norm = float(np.linalg.norm(matrix.numpy() / scale, 2)) * scale
    assert norm * (1 - 1e-12) <= spectral_bound(matrix, 5) <= 1.1 * norm


def grid(steps: int) -> Locator:
    """Squares of a grid on [0, 1]^2, ``steps`` a side."""
    ticks = np.linspace(0, 1, steps + 1)
    vertices = np.array([[x, y] for y in ticks for x in ticks])
    corner = (np.arange(steps)[:, None] * (steps + 1) + np.arange(steps)).ravel()
    squares = Ragged.of([[c, c + 1, c + steps + 2, c + steps + 1] for c in corner.tolist()])
    return Locator(vertices, squares, np.zeros(len(vertices)))


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(-1, 49), st.integers(-1, 49)), min_size=1, max_size=30))
def test_every_point_is_located_in_the_lowest_square_that_holds_it(steps: int, wanted: list[tuple[int, int]]) -> None:
    points = np.array(wanted) / 48
    ticks = [Fraction(t) for t in np.linspace(0, 1, steps + 1).tolist()]

    def slot(value: float) -> int:
        return next((i for i in range(steps) if ticks[i] <= Fraction(value) <= ticks[i + 1]), -1)

    expected = []
    for x, y in points.tolist():
        column, row = slot(x), slot(y)
        expected.append(row * steps + column if min(column, row) >= 0 else -1)
    assert grid(steps).locate(points).tolist() == expected


def test_a_point_one_ulp_from_an_edge_is_on_its_own_side() -> None:
    part = cpwl.partition(Network.mlp([np.array([[1.0, -1.0]]), np.eye(1)], [np.zeros(1), np.zeros(1)]), SQUARE)
    above, below = part.locate(np.array([[0.3, np.nextafter(0.3, 1)], [0.3, np.nextafter(0.3, 0)]]))
    assert above != below
    assert part.locate(np.array([[0.3, 0.3]]))[0] == min(above, below)


def test_a_line_through_two_corners_with_values_known_exactly_is_not_ambiguous() -> None:
    arrangement = TorchArrangement.of(SQUARE.polytope)
    values = arrangement.field(arrangement.vertices @ np.array([[1.0], [-1.0]]))
    refinement = arrangement.refine(values, Ragged.of([[0.0]], np.float64))
    assert len(refinement.arrangement) == 2 and not refinement.arrangement.ambiguous.any()


def test_a_part_of_an_arrangement_keeps_what_is_ambiguous() -> None:
    generator = np.random.default_rng(0)
    first = generator.standard_normal((4, 2))
    point = np.array([0.3, 0.4])
    network = Network.mlp([first, np.ones((1, 4))], [-first @ point, np.zeros(1)])
    arrangement = cpwl.partition(network, SQUARE, predicates="float").arrangement
    assert arrangement.ambiguous.any()
    rows = np.arange(len(arrangement))[::-2]
    assert (arrangement.take(rows).arrangement.ambiguous == arrangement.ambiguous[rows]).all()


def test_overflowing_networks_are_refused_and_not_answered() -> None:
    huge = np.full((3, 2), 1e200)
    network = Network.mlp([huge, np.full((3, 3), 1e200), np.ones((1, 3))], [np.zeros(3), np.zeros(3), np.zeros(1)])
    with pytest.raises(NumericalRangeError, match="overflow"):
        cpwl.partition(network, SQUARE)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_missing_gpu_is_an_error_that_names_device() -> None:
    with pytest.raises(BackendError, match="device must name a torch device"):
        cpwl.partition(mlp(0, [2, 3, 1]), SQUARE, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_finds_the_same_regions() -> None:
    network = mlp(3, [2, 32, 32, 1])
    one, other = (cpwl.partition(network, SQUARE, device=device) for device in (None, "cuda"))
    assert {row.tobytes() for row in one.patterns()} == {row.tobytes() for row in other.patterns()}


def test_an_arrangement_of_a_triangle_is_one_region() -> None:
    arrangement = TorchArrangement.of(Polytope.polygon([[0, 0], [1, 0], [0, 1]]))
    assert len(arrangement) == 1 and arrangement.volumes().tolist() == [0.5]
