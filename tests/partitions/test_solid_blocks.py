"""Solids of many thousand regions under the least memory limit: blocks, workers and folders make no difference."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.tiling.sweep import Sweep
from tests.support.networks import mlp

LEAST = 1 << 26
"""The least memory limit: four MiB of a block's rows and lattice."""

SOLIDS = {3: mlp(1, [3, 16, 16, 4, 4, 2]), 4: mlp(1, [4, 10, 8, 6, 2])}


def cube(dim: int) -> cpwl.Domain:
    return cpwl.Domain.box([-1.0] * dim, [1.0] * dim)


def same(one: cpwl.Partition, other: cpwl.Partition) -> None:
    """The same regions in the same order, neighbours, numbers of faces, and nearly the same volumes."""
    np.testing.assert_array_equal(one.patterns(), other.patterns())
    np.testing.assert_array_equal(one.regions.counts, other.regions.counts)
    for k in range(one.domain.dim):
        assert len(one.faces(k)) == len(other.faces(k))
    sides = [np.sort(part.facets().regions, axis=1) for part in (one, other)]
    np.testing.assert_array_equal(*(pairs[np.lexsort(pairs.T)] for pairs in sides))
    slack = one.arrangement.volume_errors() + other.arrangement.volume_errors()
    assert (np.abs(one.volumes() - other.volumes()) <= slack * (1 + 1e-9)).all()


@pytest.fixture
def divisions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many blocks there are at each division."""
    counted: list[int] = []
    tasks = Sweep.tasks

    def counting(self: Sweep, division: Any) -> Any:
        counted.append(len(division.chosen))
        return tasks(self, division)

    monkeypatch.setattr(Sweep, "tasks", counting)
    return counted


@pytest.mark.parametrize("dim", SOLIDS)
def test_a_limit_that_makes_blocks_makes_no_difference(dim: int, divisions: list[int]) -> None:
    whole = cpwl.partition(SOLIDS[dim], cube(dim))
    assert not divisions and len(whole) > 6_000
    part = cpwl.partition(SOLIDS[dim], cube(dim), memory_limit=LEAST)
    assert sum(divisions) > 2
    same(part, whole)
    assert part.arrangement.euler == 1
    assert float(part.volumes().sum()) == pytest.approx(2.0**dim)
    lattice = part.arrangement.lattice  # type: ignore[attr-defined]
    numbers = [*(part.values for part in lattice.boundary), lattice.wall, lattice.generation]
    assert {array.dtype for array in numbers} == {np.dtype(np.int64)}, "what was put by in 32 bits is back in 64"


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_what_is_put_by_has_the_same_faces_in_half_the_memory(backend: str) -> None:
    arrangement: Any = cpwl.partition(mlp(0, [3, 5, 2]), cube(3), backend=backend).arrangement
    kept = arrangement.put_by()
    for mine, theirs in zip(arrangement.lattice.boundary, kept.lattice.boundary, strict=True):
        assert np.array_equal(mine.values, theirs.values) and np.array_equal(mine.offsets, theirs.offsets)
        assert 2 * theirs.values.nbytes == mine.values.nbytes
    for name in ("wall", "generation"):
        assert np.array_equal(getattr(arrangement.lattice, name), getattr(kept.lattice, name))
    assert np.array_equal(arrangement.parents, kept.parents) and kept.generation == arrangement.generation


def test_two_processes_give_the_same_solid(divisions: list[int]) -> None:
    alone = cpwl.partition(SOLIDS[3], cube(3), memory_limit=LEAST)
    assert len(divisions) == 2  # blocks of blocks
    with ProcessPoolExecutor(2) as pool:
        together = cpwl.partition(SOLIDS[3], cube(3), memory_limit=LEAST, executor=pool)
    same(together, alone)
    np.testing.assert_array_equal(together.vertices, alone.vertices)


def test_a_folder_of_a_solid_that_was_interrupted_is_gone_on_with(tmp_path: Path, divisions: list[int]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.dataset")
    whole = cpwl.partition(SOLIDS[3], cube(3))
    written = cpwl.write_partition(SOLIDS[3], cube(3), tmp_path, memory_limit=LEAST, max_regions=4_000)
    assert not written.complete and 4_000 <= written.regions < len(whole) and divisions
    while not written.complete:
        before = written.regions
        written = cpwl.write_partition(SOLIDS[3], cube(3), tmp_path, memory_limit=LEAST, resume=True, max_regions=8_000)
        assert written.regions > before
    columns = ["pattern", "volume"]
    found = pyarrow.dataset.dataset(tmp_path, format="parquet").to_table(columns=columns).to_pydict()
    assert len(found["pattern"]) == written.regions == len(whole)
    assert sum(found["volume"]) == pytest.approx(8.0)
    assert len({bytes(p) if isinstance(p, bytes) else tuple(p) for p in found["pattern"]}) == len(whole)


def test_a_lattice_travels_in_less_than_half_of_what_it_takes() -> None:
    lattice = cpwl.partition(SOLIDS[3], cube(3)).arrangement.lattice
    held = sum(part.values.nbytes + part.offsets.nbytes for part in lattice.boundary)
    sent = pickle.dumps(lattice)
    assert len(sent) < held / 2
    again = pickle.loads(sent)
    for one, other in zip(again.boundary, lattice.boundary, strict=True):
        assert one.values.dtype == other.values.dtype and one.offsets.dtype == other.offsets.dtype
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.offsets, other.offsets)
    np.testing.assert_array_equal(again.wall, lattice.wall)
