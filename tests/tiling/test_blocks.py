"""A partition in blocks is the partition: the same regions in the same order, edges and patterns, whatever the size."""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import cpwl
from cpwl import backends
from cpwl.backends.torch import arrangement as torch_arrangement
from cpwl.errors import ArgumentError
from cpwl.geometry.rounded import Rounded
from cpwl.network import Network
from cpwl.partitions.partition import Partition
from cpwl.runtime import workers
from cpwl.tiling import blocks
from cpwl.tiling.blocks import Blocks, Borders
from tests.support.agreement import lines_elsewhere
from tests.support.blocks import SQUARE, Here, same, small
from tests.support.families import FAMILIES, MIXTURES, case
from tests.support.networks import layered, mlp, residual

__all__ = ["small"]


@pytest.mark.parametrize("backend", backends.names())
@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_blocks_of_degenerate_networks_fit_together(family: int, backend: str, small: Any) -> None:
    for k in range(len(MIXTURES)):
        chosen = case(family + k * len(FAMILIES))
        whole = cpwl.partition(chosen.network, chosen.domain, backend=backend)
        small(4 + k)
        same(cpwl.partition(chosen.network, chosen.domain, backend=backend), whole)


@pytest.mark.parametrize("rows", [5, 12, 40])
def test_lines_of_all_blocks_are_told_apart(rows: int, small: Any) -> None:
    """They are what later decisions, of the boundary say, are made from."""
    small(rows)
    assert lines_elsewhere(cpwl.partition(mlp(4, [2, 8, 6, 5, 2]), SQUARE)) == []


@settings(max_examples=15)
@given(pair=layered(outputs=2))
def test_blocks_of_layered_networks_with_maxima_fit_together(pair: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = cpwl.partition(pair.network, SQUARE)
        patch.setattr(Blocks, "within", classmethod(lambda cls, *sizes: Blocks(1 << 8, 1, 1, most_rows=5)))
        same(cpwl.partition(pair.network, SQUARE), whole)


@settings(max_examples=10)
@given(network=residual())
def test_blocks_of_residual_networks_fit_together(network: Network) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = cpwl.partition(network, SQUARE)
        patch.setattr(Blocks, "within", classmethod(lambda cls, *sizes: Blocks(1 << 8, 1, 1, most_rows=5)))
        same(cpwl.partition(network, SQUARE), whole)


def pooled() -> Network:
    torch.manual_seed(0)
    return cpwl.compile(
        torch.nn.Sequential(
            torch.nn.Linear(2, 36),
            torch.nn.Unflatten(1, (1, 6, 6)),
            torch.nn.Conv2d(1, 3, 3),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(12, 8),
            torch.nn.ReLU(),
            torch.nn.Linear(8, 3),
        ).eval(),
        torch.zeros(1, 2),
    )


@pytest.mark.parametrize("rows", [6, 40])
def test_blocks_of_a_pooled_network_fit_together(rows: int, small: Any) -> None:
    whole = cpwl.partition(pooled(), SQUARE)
    small(rows)
    same(cpwl.partition(pooled(), SQUARE), whole)


def test_everything_that_is_asked_of_a_partition_works_on_one_made_of_blocks(small: Any) -> None:
    network = mlp(3, [2, 12, 12, 3])
    whole = cpwl.partition(network, SQUARE)
    small(12)
    part = cpwl.partition(network, SQUARE)
    assert cpwl.certify(part).regions == len(whole)
    np.testing.assert_allclose(part.volumes(), whole.volumes(), rtol=1e-9, atol=1e-15)
    boundaries = [p.decision_boundary() for p in (part, whole)]
    assert len(boundaries[0].ends) == len(boundaries[1].ends)
    points = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    np.testing.assert_array_equal(part.locate(points), whole.locate(points))


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_with_float_predicates_blocks_make_a_tiling_too(family: int, small: Any) -> None:
    small(6)
    for k in range(2):
        chosen = case(family + k * len(FAMILIES))
        part = cpwl.partition(chosen.network, chosen.domain, predicates="float")
        assert part.volumes().sum() == pytest.approx(chosen.domain.volume, rel=1e-9)
        assert len(part.vertices) - len(part.facets().vertices) + len(part) == 1


# ---- block by block ------------------------------------------------------------------------------------------------
def corners(part: Partition) -> list[tuple[float, ...]]:
    return [tuple(point) for point in part.vertices.tolist()]


def test_a_stream_of_blocks_has_each_region_once_and_borders_agree_bit_for_bit(small: Any) -> None:
    network = mlp(5, [2, 16, 16, 16, 2])
    whole = cpwl.partition(network, SQUARE)
    small(20)
    blocks = list(cpwl.partition_blocks(network, SQUARE))
    assert len(blocks) > 20 and not any(block.complete for block in blocks)
    rows = [row.tobytes() for block in blocks for row in block.patterns()]
    assert sorted(rows) == sorted(row.tobytes() for row in whole.patterns())
    # Every vertex of the whole is one point, whichever blocks have it; no other points are there.
    assert len(set().union(*map(corners, blocks))) == len(whole.vertices)
    assert sum(len(block.vertices) for block in blocks) > len(whole.vertices)


def test_a_block_is_a_partition_of_its_own(small: Any) -> None:
    network = mlp(5, [2, 16, 16, 2])
    small(20)
    for block in cpwl.partition_blocks(network, SQUARE):
        weight, bias = block.affine_maps()
        inside = np.array(
            [block.vertices[row].mean(axis=0) for row in map(block.regions.__getitem__, range(len(block)))]
        )
        expected = cpwl.evaluate(network, SQUARE.to_input(inside))
        np.testing.assert_allclose((weight @ inside[:, :, None])[:, :, 0] + bias, expected, atol=1e-10)
        assert (block.locate(inside) == np.arange(len(block))).all()
        block.decision_boundary()
        assert "INCOMPLETE" in repr(block)


def test_a_small_network_is_one_block_and_complete() -> None:
    (block,) = cpwl.partition_blocks(mlp(0, [2, 4, 1]), SQUARE)
    assert block.complete
    same(block, cpwl.partition(mlp(0, [2, 4, 1]), SQUARE))


def test_blocks_that_are_done_are_left_out(small: Any) -> None:
    network = mlp(5, [2, 16, 16, 2])
    small(20)
    total = [len(block) for block in cpwl.partition_blocks(network, SQUARE)]
    done: set[tuple[int, ...]] = set()
    first = []
    for block in cpwl.partition_blocks(network, SQUARE, done=done):
        first.append(len(block))
        if len(first) == 5:
            break
    # The fifth was handed over, but nothing was heard of it since: it comes again.
    rest = [len(block) for block in cpwl.partition_blocks(network, SQUARE, done=done)]
    assert first[:4] + rest == total
    assert list(cpwl.partition_blocks(network, SQUARE, done=done)) == []


def test_borders_remember_the_first_place_of_each_vertex() -> None:
    @Rounded.register
    class Block:
        def __init__(self, names: list[int], points: list[float]) -> None:
            self.names, self.vertices = np.array(names), np.array([[x, 0.0] for x in points])

        def border(self) -> tuple[Any, Any]:
            return np.arange(len(self.names)), self.names

        def moved(self, vertices: Any, points: Any) -> Block:
            found = Block(self.names.tolist(), self.vertices[:, 0].tolist())
            found.vertices[vertices] = points
            return found

    borders: Any = Borders()
    seen: dict[int, float] = {}
    generator = np.random.default_rng(0)
    for _ in range(60):
        names = generator.choice(200, generator.integers(1, 9), replace=False).tolist()
        found = borders.agreed(Block(names, generator.random(len(names)).tolist()))
        for name, (x, _y) in zip(names, found.vertices.tolist(), strict=True):
            assert seen.setdefault(name, x) == x


@pytest.mark.parametrize("rows", [20, 1 << 40])
def test_progress_ends_when_all_is_done(rows: int, small: Any) -> None:
    small(rows)
    reports: list[int] = []
    cpwl.partition(mlp(5, [2, 16, 16, 2]), SQUARE, progress=lambda done, total, what: reports.append(done))
    assert reports == sorted(reports) and reports[-1] == 1000


# ---- budgets -------------------------------------------------------------------------------------------------------
def test_a_budget_of_regions_returns_what_is_done_and_says_so() -> None:
    network = mlp(2, [2, 32, 32, 1])
    whole = cpwl.partition(network, SQUARE)
    part = cpwl.partition(network, SQUARE, max_regions=300)
    assert not part.complete and "INCOMPLETE" in repr(part)
    assert 300 <= len(part) < len(whole)
    assert {row.tobytes() for row in part.patterns()} < {row.tobytes() for row in whole.patterns()}
    assert part.volumes().sum() < SQUARE.volume
    enough = cpwl.partition(network, SQUARE, max_regions=10 * len(whole))
    assert enough.complete
    same(enough, whole)


def test_a_budget_of_time_ends_at_once_but_blocks_make_progress(small: Any) -> None:
    small(20)
    assert not len(cpwl.partition(mlp(2, [2, 32, 32, 1]), SQUARE, max_seconds=1e-9))
    (block,) = cpwl.partition_blocks(mlp(2, [2, 32, 32, 1]), SQUARE, max_seconds=1e-9)
    assert not block.complete and len(block) > 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"memory_limit": 1000}, "memory_limit"),
        ({"max_regions": 0}, "max_regions"),
        ({"max_seconds": 0}, "max_seconds"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(options: dict[str, int], name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        cpwl.partition(mlp(0, [2, 4, 1]), SQUARE, **options)  # type: ignore[arg-type]


# ---- several processes ---------------------------------------------------------------------------------------------
def test_the_job_is_sent_once_to_a_worker_and_results_are_the_same(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp(4, [2, 16, 16, 3])
    whole = cpwl.partition(network, SQUARE)
    small(20)
    monkeypatch.setattr(workers, "_jobs", {})
    executor = Here()
    part = cpwl.partition(network, SQUARE, executor=executor)
    assert executor.jobs == 1
    same(part, whole)
    streamed = [
        row.tobytes() for block in cpwl.partition_blocks(network, SQUARE, executor=executor) for row in block.patterns()
    ]
    assert sorted(streamed) == sorted(row.tobytes() for row in whole.patterns())


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers get blocks as soon as there are 32 vertices."""
    monkeypatch.setattr(blocks, "_FEWEST_APART", 1)
    monkeypatch.setattr(blocks, "_LEAST_APART", 1)


def test_workers_get_blocks_early_and_the_last_are_smaller(eager: None) -> None:
    network = mlp(5, [2, 16, 16, 3])
    alone, sizes = cpwl.partition(network, SQUARE), list[int]()

    class Counting(Here):
        def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
            sizes.append(len(arguments[2].task().state.arrangement))
            return super().submit(function, *arguments)

    same(cpwl.partition(network, SQUARE, executor=Counting()), alone)
    assert len(sizes) > 32 and max(sizes[-7:]) < min(sizes[:30])


def test_blocks_that_are_streamed_are_the_same_with_and_without_workers(eager: None) -> None:
    """A run that is resumed may have other workers than the one before, or none: it must find its blocks again."""
    done: list[set[Any]] = [set(), set()]
    for paths, executor in zip(done, (None, Here())):
        assert list(cpwl.partition_blocks(mlp(5, [2, 16, 16, 3]), SQUARE, done=paths, executor=executor))
    assert done[0] == done[1]


def test_two_processes_give_the_same_partition(small: Any) -> None:
    network = mlp(4, [2, 16, 16, 3])
    small(60)
    alone = cpwl.partition(network, SQUARE)
    with ProcessPoolExecutor(2) as pool:
        together = cpwl.partition(network, SQUARE, executor=pool)
    same(together, alone)
    np.testing.assert_array_equal(together.vertices, alone.vertices)


def test_a_budget_holds_for_what_workers_do() -> None:
    network = mlp(2, [2, 128, 8, 1])
    whole = cpwl.partition(network, SQUARE)
    part = cpwl.partition(network, SQUARE, max_regions=300, executor=Here())
    assert not part.complete and 300 <= len(part) < len(whole)
    blocks = cpwl.partition_blocks(network, SQUARE, max_regions=300, executor=Here())
    assert 300 <= sum(map(len, blocks)) < len(whole)


def _die(*_: Any) -> None:
    os._exit(1)


def test_a_job_whose_workers_die_is_finished_here(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp(4, [2, 16, 16, 3])
    small(60)
    alone = cpwl.partition(network, SQUARE)
    monkeypatch.setattr(workers, "_work", _die)
    with ProcessPoolExecutor(2) as pool, pytest.warns(RuntimeWarning, match="worker has died"):
        together = cpwl.partition(network, SQUARE, executor=pool)
    same(together, alone)


# ---- what must not go unnoticed ------------------------------------------------------------------------------------
@pytest.fixture
def misnamed(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, one of which calls its border's new vertices by wrong names, once."""
    small(12)
    truly, calls = torch_arrangement.prolonged, []

    def wrongly(*arguments: Any) -> Any:
        names = truly(*arguments)
        calls.append(names)
        if len(calls) == 3:
            names[len(arguments[0]) :] *= 3
        return names

    monkeypatch.setattr(torch_arrangement, "prolonged", wrongly)


@pytest.mark.usefixtures("misnamed")
def test_blocks_that_do_not_fit_are_done_again_with_no_trust_in_float64() -> None:
    part = cpwl.partition(mlp(3, [2, 12, 12, 3]), SQUARE)
    exact = cpwl.partition(mlp(3, [2, 12, 12, 3]), SQUARE, backend="exact")
    assert part.recut == len(part)
    assert {row.tobytes() for row in part.patterns()} == {row.tobytes() for row in exact.patterns()}


@pytest.mark.usefixtures("misnamed")
def test_with_float_predicates_blocks_that_do_not_fit_are_done_again_as_one() -> None:
    part = cpwl.partition(mlp(3, [2, 12, 12, 3]), SQUARE, predicates="float")
    exact = cpwl.partition(mlp(3, [2, 12, 12, 3]), SQUARE, backend="exact")
    assert {row.tobytes() for row in part.patterns()} == {row.tobytes() for row in exact.patterns()}
    assert len(part.vertices) - len(part.facets().vertices) + len(part) == 1


# ---- one hidden layer ----------------------------------------------------------------------------------------------
def test_a_layer_whose_regions_take_more_than_the_limit_is_divided_and_nothing_changes() -> None:
    """There is no node before it at which to divide: it is cut by some of its units at a time."""
    network, least = mlp(0, [2, 450, 1]), 1 << 26
    whole = cpwl.partition(network, SQUARE)
    assert len(whole) * 1024 > least
    found = list(cpwl.partition_blocks(network, SQUARE, memory_limit=least))
    assert len(found) > 20 and max(map(len, found)) * 1024 < least
    assert sum(map(len, found)) == len(whole)
    assert sum(float(block.volumes().sum()) for block in found) == pytest.approx(4)
    same(cpwl.partition(network, SQUARE, memory_limit=least), whole)
