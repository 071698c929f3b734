"""Budgets: whatever the moment at which one is spent, what comes back is regions of the whole, and no more than asked.

Time is that of a clock which tests set: it tells that all is over at the k-th look.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import backends
from cpwl.analysis import study, units
from cpwl.backends.torch.low_rank import arithmetic as spanning
from cpwl.errors import IncompleteError, NumericalRangeError
from cpwl.network import RELU, Conv, Dense, Gather, Input, Max, Network, Node
from cpwl.partitions.partition import Partition
from cpwl.runtime import budget
from cpwl.tiling import sweep
from cpwl.tiling.blocks import Blocks
from tests.support.agreement import lines_elsewhere
from tests.support.blocks import SQUARE, Here, same, small
from tests.support.clocks import Clock
from tests.support.families import FAMILIES, case
from tests.support.networks import mlp

__all__ = ["small"]


def maxout(seed: int, units: int, width: int, outputs: int = 1) -> Network:
    """A layer of maxima over ``width`` affine functions each."""
    generator = np.random.default_rng(seed)
    weight, bias = generator.standard_normal((units * width, 2)), generator.standard_normal(units * width)
    out = generator.standard_normal((outputs, units))
    nodes = [Node(Input(), (), (2,)), Node(Dense(weight, bias), (0,), (units * width,))]
    nodes.append(Node(Gather(np.arange(units * width).reshape(units, width)), (1,), (units, width)))
    nodes += [Node(Max(), (2,), (units,)), Node(Dense(out, np.zeros(outputs)), (3,), (outputs,))]
    return Network(tuple(nodes))


def convolutional(seed: int, channels: int, side: int) -> Network:
    """Two convolutions on an image that depends on two numbers."""
    random, entries = np.random.default_rng(seed), channels * side * side
    first = Dense(random.standard_normal((side * side, 2)), random.standard_normal(side * side))
    kernels = (random.standard_normal((channels, k, 3, 3)) / 3 for k in (1, channels))
    ops = [Conv(k, random.standard_normal(channels) / 9, (side, side), (1, 1), ((1, 1), (1, 1)), (1, 1))
           for k in kernels]  # fmt: skip
    last = Dense(random.standard_normal((1, entries)) / entries, np.zeros(1))
    nodes = [Node(Input(), (), (2,)), Node(first, (0,), (side * side,))]
    nodes.append(Node(Gather(np.arange(side * side).reshape(1, side, side)), (1,), (1, side, side)))
    for op in ops:
        nodes.append(Node(op, (len(nodes) - 1,), (channels, side, side)))
        nodes.append(Node(RELU, (len(nodes) - 1,), (channels, side, side)))
    nodes.append(Node(Gather(np.arange(entries)), (len(nodes) - 1,), (entries,)))
    return Network((*nodes, Node(last, (len(nodes) - 1,), (1,))))


NETWORKS = {
    "one layer": mlp(1, [2, 20, 1]),
    "deep": mlp(2, [2, 8, 8, 8, 2]),
    "maxima": maxout(3, 8, 3, outputs=2),
    "maxima of four": maxout(4, 5, 4),
}


def shapes(part: Partition) -> dict[bytes, tuple[int, float]]:
    """For each pattern the corners and the area of its region."""
    areas = [float(area) for area in part.volumes().tolist()]
    rows = zip(part.patterns(), part.regions.counts.tolist(), areas, strict=True)
    return {row.tobytes(): (corners, area) for row, corners, area in rows}


def check_part(part: Partition, whole: Partition, *, float_decisions: bool = False) -> None:
    """All regions are regions of the whole, each once; it is complete if they are all."""
    found, true = shapes(part), shapes(whole)
    assert len(found) == len(part) or float_decisions
    assert found.keys() <= true.keys()
    for pattern, (corners, area) in found.items():
        assert corners == true[pattern][0] and abs(area - true[pattern][1]) <= 1e-9
    assert part.complete == (len(found) == len(true))
    assert len(part.outputs.to_numpy()) == len(part.vertices)
    assert part.affine_maps()[0].shape == (len(part), part.network.outputs, 2)


def in_portions(patch: pytest.MonkeyPatch, *, rows: int, columns: int) -> None:
    """Sets how many vertices a block has at most, and how many levels cut at once."""
    sizes = Blocks(1 << 10 if rows < 1 << 20 else 1 << 25, 1 << 62, 1 << 62, most_rows=rows, most_columns=columns)
    patch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))


@pytest.mark.parametrize("options", [{}, {"predicates": "float"}, {"backend": "exact"}], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_whenever_the_time_is_over_there_are_regions_of_the_whole(
    name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cpwl.partition(NETWORKS[name], SQUARE, **options)
    in_portions(monkeypatch, rows=12, columns=5)
    monkeypatch.setattr(budget, "time", every := Clock(np.inf))
    check_part(cpwl.partition(NETWORKS[name], SQUARE, max_seconds=1.0, **options), whole)
    sizes = set()
    for k in np.unique(np.linspace(0, every.looks, 16).astype(int)).tolist():
        monkeypatch.setattr(budget, "time", Clock(k))
        part = cpwl.partition(NETWORKS[name], SQUARE, max_seconds=1.0, **options)
        check_part(part, whole)
        sizes.add(len(part))
    assert len(sizes) > 3 and 0 in sizes and max(sizes) == len(whole)


@pytest.mark.parametrize("regions", [1, 7, 60])
@pytest.mark.parametrize("options", [{}, {"predicates": "float"}, {"backend": "exact"}], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_there_are_just_as_many_regions_as_asked_for(name: str, options: dict[str, Any], regions: int) -> None:
    whole = cpwl.partition(NETWORKS[name], SQUARE, **options)
    part = cpwl.partition(NETWORKS[name], SQUARE, max_regions=regions, **options)
    assert len(part) == min(regions, len(whole))
    check_part(part, whole)


@pytest.mark.parametrize("backend", backends.names())
@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_units_that_cut_some_at_a_time_make_the_same_regions(
    family: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of degenerate networks, with and without blocks between the units of one layer; lines keep their names."""
    for k, rows in ((0, 1 << 62), (1, 3), (2, 6)):
        chosen = case(family + k * len(FAMILIES))
        whole = cpwl.partition(chosen.network, chosen.domain, backend=backend)
        with monkeypatch.context() as patch:
            in_portions(patch, rows=rows, columns=1 + k)
            part = cpwl.partition(chosen.network, chosen.domain, backend=backend)
        assert part.complete and len(part) == len(whole)
        assert len(part.vertices) == len(whole.vertices) and len(part.facets().regions) == len(whole.facets().regions)
        assert {key: corners for key, (corners, _) in shapes(part).items()} == {
            key: corners for key, (corners, _) in shapes(whole).items()
        }
        if backend == "torch":
            assert lines_elsewhere(part) == []


def test_an_exact_part_is_exactly_that_of_the_whole() -> None:
    network = mlp(5, [2, 30, 1])
    whole, part = (cpwl.partition(network, SQUARE, backend="exact", max_regions=n) for n in (None, 40))
    true = {row.tobytes(): area for row, area in zip(whole.patterns(), whole.volumes().tolist(), strict=True)}
    found = {row.tobytes(): area for row, area in zip(part.patterns(), part.volumes().tolist(), strict=True)}
    assert len(found) == 40 and all(isinstance(area, Fraction) and true[key] == area for key, area in found.items())


def test_a_budget_that_is_enough_changes_nothing() -> None:
    for network in NETWORKS.values():
        whole = cpwl.partition(network, SQUARE)
        same(cpwl.partition(network, SQUARE, max_regions=50 * len(whole), max_seconds=1e6), whole)
        assert cpwl.partition(network, SQUARE, max_regions=len(whole)).complete


@pytest.mark.parametrize("executor", [Here(), ThreadPoolExecutor(2)], ids=["pickled", "threads"])
def test_workers_watch_the_time_as_well(executor: Executor, monkeypatch: pytest.MonkeyPatch, small: Any) -> None:
    network = mlp(2, [2, 24, 24, 2])
    whole = cpwl.partition(network, SQUARE)
    small(30)
    sizes = set()
    for k in (0, 30, 100, 300, 1000, 3000, 10**6):
        monkeypatch.setattr(budget, "time", Clock(k))
        part = cpwl.partition(network, SQUARE, executor=executor, max_seconds=1.0)
        check_part(part, whole)
        sizes.add(len(part))
    assert 0 in sizes and len(whole) in sizes and len(sizes) > 2


def test_blocks_and_folders_make_progress_whatever_the_budget(
    monkeypatch: pytest.MonkeyPatch, small: Any, tmp_path: Any
) -> None:
    """So that whoever goes on again and again comes to an end."""
    network = NETWORKS["deep"]
    whole = cpwl.partition(network, SQUARE)
    small(20)
    monkeypatch.setattr(budget, "time", Clock(0))
    written = cpwl.write_partition(network, SQUARE, tmp_path / "r", max_seconds=1.0)
    runs = 1
    while not written.complete:
        before = written.regions
        written = cpwl.write_partition(network, SQUARE, tmp_path / "r", max_seconds=1.0, resume=True)
        assert written.regions > before or written.complete
        runs += 1
    assert written.regions == len(whole) and runs > 5


def test_blocks_say_in_the_end_whether_they_are_all(small: Any) -> None:
    small(20)
    whole = cpwl.partition(NETWORKS["deep"], SQUARE)
    for regions in (1, 10, len(whole), None):
        totals = cpwl.statistics_of_blocks(cpwl.partition_blocks(NETWORKS["deep"], SQUARE, max_regions=regions))
        assert totals.complete == (totals.regions == len(whole))


# ---- again, by rows ------------------------------------------------------------------------------------------------
def test_blocks_that_long_numbers_do_not_reach_are_done_by_rows_and_by_workers_too(
    monkeypatch: pytest.MonkeyPatch, small: Any
) -> None:
    monkeypatch.setattr(spanning, "_WIDE", 1)
    small(20)
    network, executor, failed = mlp(2, [2, 16, 16, 2]), Here(), list[Any]()
    through = sweep.Sweep._through

    def narrow(self: sweep.Sweep, task: Any, workers: int) -> Any:
        if self._arithmetic.rank(task.live):
            failed.append(task.state.path)
            raise NumericalRangeError("too large for long numbers")
        return through(self, task, workers)

    monkeypatch.setattr(sweep.Sweep, "_through", narrow)
    part = cpwl.partition(network, SQUARE, executor=executor, max_seconds=1e6, max_regions=10**6)
    assert failed and executor.jobs and part.recut == 0
    monkeypatch.setattr(spanning, "_WIDE", 1 << 40)
    assert shapes(part).keys() == shapes(cpwl.partition(network, SQUARE)).keys() and part.complete


# ---- nothing at all ------------------------------------------------------------------------------------------------
@pytest.fixture(params=[*backends.names(), "maxima"])
def nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Partition]:
    network, backend = NETWORKS["deep"], request.param
    if backend == "maxima":
        network, backend = NETWORKS["maxima"], "torch"
    monkeypatch.setattr(budget, "time", Clock(0))
    part = cpwl.partition(network, SQUARE, max_seconds=1.0, backend=backend)
    monkeypatch.undo()
    return part


@pytest.mark.filterwarnings("error")
def test_a_partition_without_regions_can_be_asked(nothing: Partition, tmp_path: Any) -> None:
    assert len(nothing) == 0 and not nothing.complete and "INCOMPLETE, 0 regions" in repr(nothing)
    assert nothing.patterns().shape == (0, nothing.network.units) and nothing.locate([[0.0, 0.0]]).tolist() == [-1]
    assert nothing.volumes().shape == (0,) and nothing.vertices.shape == (0, 2) and len(nothing.regions) == 0
    assert nothing.affine_maps()[0].shape == (0, 2, 2) and nothing.map_errors()[1].shape == (0, 2)
    assert nothing.statistics().summary == {"complete": False, "regions": 0, "vertices": 0, "edges": 0, "ambiguous": 0}
    assert len(nothing.statistics().to_frame()) == 0 and len(nothing.dual_graph()) == 0
    assert len(nothing.decision_boundary()) == 0 and len(nothing.decision_boundary().table()) == 0
    nothing.save(tmp_path / "p.npz")
    assert len(cpwl.load(tmp_path / "p.npz")) == 0
    for ask in (nothing.plot, nothing.plot_surface, lambda: nothing.view(tmp_path / "v.html"), lambda: units(nothing)):
        with pytest.raises(IncompleteError):
            ask()


def test_a_study_goes_on_where_nothing_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time", Clock(0))
    table = study(NETWORKS["deep"], np.zeros((2, 2)), max_seconds=1.0)
    assert table["regions"].tolist() == [0, 0] and not table["complete"].any()


# ---- how often the clock is looked at ------------------------------------------------------------------------------
LONG = {
    "wide": (mlp(1, [2, 600, 1]), {}),
    "deep": (mlp(2, [2, 48, 48, 48, 1]), {}),
    "exact": (mlp(3, [2, 24, 24, 1]), {"backend": "exact"}),
    "maxima": (maxout(4, 60, 4), {}),
    "convolutions": (convolutional(5, 16, 14), {}),
    "exact convolutions": (convolutional(5, 8, 10), {"backend": "exact", "max_regions": 30}),
}


@pytest.mark.parametrize("name", LONG)
def test_the_clock_is_looked_at_every_second(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the processor's time of this thread, on networks of which each takes some seconds at most."""
    network, options = LONG[name]
    looks = [time.thread_time()]

    class Watching(Clock):
        def monotonic(self) -> float:
            looks.append(time.thread_time())
            return 0.0

    monkeypatch.setattr(budget, "time", Watching(np.inf))
    side = 0.05 if name == "convolutions" else 1.0
    cpwl.partition(network, cpwl.Domain.box([-side] * 2, [side] * 2), max_seconds=1e6, **options)
    assert len(looks) > 10
    assert np.diff([*looks, time.thread_time()]).max() < 1
