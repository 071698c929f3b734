"""Surfaces that are computed in several calls: blocks are kept in a folder; what comes out is what one call gives."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import ArgumentError, FileFormatError
from cpwl.tiling import kept_blocks
from cpwl.tiling.distributed import Job
from cpwl.tiling.joining import some_of
from cpwl.tiling.states import Finished, Task
from tests.support import shapes
from tests.support.blocks import Here, small
from tests.support.networks import mlp

__all__ = ["small"]
NET = mlp(7, [3, 14, 12, 10, 1], 0.3)


def cube(dim: int = 3) -> cpwl.Domain:
    return cpwl.Domain.box([-1.0] * dim, [1.0] * dim)


@pytest.fixture
def blocks(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are made of few vertices."""
    small(100)
    monkeypatch.setattr("cpwl.tiling.blocks._LEAST_APART", 1)
    monkeypatch.setattr("cpwl.tiling.blocks._FEWEST_APART", 1)


class Stopped(Exception):
    """As if the machine had been turned off."""


def stopping(monkeypatch: pytest.MonkeyPatch, after: int) -> list[Any]:
    """Blocks that are computed from now on; so many of them."""
    finish, computed = Job.finish, list[Any]()

    def counted(job: Job, task: Task) -> Any:
        if len(computed) == after:
            raise Stopped
        computed.append(task.state.path)
        return finish(job, task)

    monkeypatch.setattr(Job, "finish", counted)
    return computed


def equal(one: cpwl.DecisionBoundary, other: cpwl.DecisionBoundary) -> None:
    """The same faces with the same corners and regions, in the same order, bit for bit."""
    np.testing.assert_array_equal(one.vertices, other.vertices)
    for first, second in ((one.faces, other.faces), (one.partition.regions, other.partition.regions)):
        np.testing.assert_array_equal(first.values, second.values)
        np.testing.assert_array_equal(first.offsets, second.offsets)
    np.testing.assert_array_equal(one.regions, other.regions)
    np.testing.assert_array_equal(one.partition.patterns(), other.partition.patterns())
    assert one.partition.pruned is not None and other.partition.pruned is not None
    assert one.partition.pruned.dropped == other.partition.pruned.dropped
    assert one.complete and other.complete


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.usefixtures("blocks")
def test_calls_that_are_stopped_again_and_again_give_what_one_call_gives(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = NET if backend == "torch" else mlp(7, [3, 6, 5, 1], 0.3)
    level = float(np.median(cpwl.partition(net, cube()).outputs.to_numpy()))
    whole = cpwl.level_set(net, cube(), level, backend=backend, executor=Here())
    assert len(whole)
    with monkeypatch.context() as patched:
        everything = stopping(patched, 10**6)
        equal(whole, cpwl.level_set(net, cube(), level, backend=backend, resume=tmp_path / "at once"))
    assert len(everything) > 6
    computed, rounds = [], 0
    while True:
        rounds += 1
        with monkeypatch.context() as patched:
            now = stopping(patched, 3)
            try:
                found = cpwl.level_set(net, cube(), level, backend=backend, resume=tmp_path / "in parts")
            except Stopped:
                assert len(now) == 3
                continue
            finally:
                computed += now
        break
    assert rounds > 2 and computed == everything  # each block once
    equal(whole, found)


@pytest.mark.usefixtures("blocks")
def test_each_call_finishes_a_block_however_short_its_time_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    level = float(np.median(cpwl.partition(NET, cube()).outputs.to_numpy()))
    whole = cpwl.level_set(NET, cube(), level, resume=tmp_path / "at once")
    computed, rounds, complete = stopping(monkeypatch, 10**6), 0, False
    while not complete:
        before, rounds = len(computed), rounds + 1
        found = cpwl.level_set(NET, cube(), level, resume=tmp_path / "kept", max_seconds=1e-9)
        complete = found.complete
        assert complete or len(computed) > before
        assert len(list((tmp_path / "kept").iterdir())) == len(computed)
    assert rounds > 3
    assert len(set(computed)) == len(computed)
    equal(whole, found)


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.usefixtures("blocks")
def test_a_surface_that_is_nowhere_is_one_without_faces(backend: str, tmp_path: Path, small: Any) -> None:
    """Every block ends with no region at all; where float64 bounds do not say so, the outputs do."""
    small(60)
    net = mlp(8, [3, 9, 8, 6, 1] if backend == "torch" else [3, 6, 5, 1], 0.3)
    highest = float(max(cpwl.partition(net, cube(), backend=backend).outputs.to_numpy()[:, 0]))
    ways: list[dict[str, Any]] = [{}, {"executor": Here()}, {"resume": tmp_path}, {"resume": tmp_path}]
    for options in ways:
        found = cpwl.level_set(net, cube(), highest + 2.0**-30, backend=backend, **options)
        part = found.partition
        assert found.complete and len(found) == len(part) == len(part.regions) == len(part.patterns()) == 0
        assert found.mesh().components == len(found.measures()) == 0
        assert len(part.volumes()) == len(part.facets().vertices) == 0
        assert part.pruned is not None and part.pruned.dropped
    assert list(tmp_path.iterdir())


@pytest.mark.usefixtures("blocks")
def test_a_block_of_which_a_part_is_missing_is_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, computed = Job.finish, list[Any]()

    def ended(job: Job, task: Task) -> list[Finished]:
        computed.append(task.state.path)
        leaves = finish(job, task)
        if len(computed) == 3:
            leaves = [some_of(leaf, 1) for leaf in leaves if len(leaf.state.arrangement)]
            assert leaves
        return leaves

    level = float(np.median(cpwl.partition(NET, cube()).outputs.to_numpy()))
    whole = cpwl.level_set(NET, cube(), level, resume=tmp_path / "at once")
    monkeypatch.setattr(Job, "finish", ended)
    assert not cpwl.level_set(NET, cube(), level, resume=tmp_path / "kept").complete
    before = computed.copy()
    equal(whole, cpwl.level_set(NET, cube(), level, resume=tmp_path / "kept"))
    assert computed == [*before, before[2]]


@pytest.mark.usefixtures("blocks")
def test_a_surface_is_closed_across_blocks_of_several_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, genus = shapes.cage((1, 1, 1), 3)
    with monkeypatch.context() as patched:
        stopping(patched, 5)
        with pytest.raises(Stopped):
            cpwl.level_set(net, cube(), resume=tmp_path)
    kept = len(list(tmp_path.iterdir()))
    mesh = cpwl.level_set(net, cube(), resume=tmp_path).mesh()
    assert 0 < kept < len(list(tmp_path.iterdir()))
    assert mesh.closed and (mesh.components, mesh.genus) == (1, genus)


def test_processes_go_on_where_one_had_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Any) -> None:
    monkeypatch.setattr("cpwl.tiling.blocks._LEAST_APART", 1)
    monkeypatch.setattr("cpwl.tiling.blocks._FEWEST_APART", 20)
    whole = cpwl.level_set(NET, cube(), 0.1, resume=tmp_path / "at once")
    with monkeypatch.context() as patched:
        stopping(patched, 4)
        with pytest.raises(Stopped):
            cpwl.level_set(NET, cube(), 0.1, resume=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 4
    with ProcessPoolExecutor(2) as pool:
        equal(whole, cpwl.level_set(NET, cube(), 0.1, resume=tmp_path / "kept", executor=pool))


@pytest.mark.usefixtures("blocks")
def test_boundaries_between_classes_go_on_as_well(tmp_path: Path) -> None:
    net = mlp(3, [3, 10, 8, 4], 0.5)
    whole = cpwl.class_boundary(net, cube(), resume=tmp_path)
    assert list(tmp_path.iterdir())
    equal(whole, cpwl.class_boundary(net, cube(), resume=tmp_path))


@pytest.mark.usefixtures("blocks")
def test_a_folder_is_about_one_question(tmp_path: Path) -> None:
    cpwl.level_set(NET, cube(), 0.1, resume=tmp_path)
    others: list[tuple[Any, ...]] = [
        (mlp(8, [3, 14, 12, 10, 1], 0.3), cube(), 0.1),
        (NET, cpwl.Domain.box([-1.0] * 3, [1.0, 1.0, 2.0]), 0.1),
        (NET, cube(), 0.2),
    ]
    for other in others:
        with pytest.raises(ArgumentError, match=r"resume: .* is about another"):
            cpwl.level_set(*other, resume=tmp_path)


@pytest.mark.usefixtures("blocks")
def test_damaged_blocks_are_named(tmp_path: Path) -> None:
    whole = cpwl.level_set(NET, cube(), 0.1, resume=tmp_path)
    file = sorted(tmp_path.iterdir())[0]
    content = file.read_bytes()
    refused = 0
    for k in range(0, len(content), max(1, len(content) // 24)):
        file.write_bytes(content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :])
        message = ""
        try:
            equal(whole, cpwl.level_set(NET, cube(), 0.1, resume=tmp_path))  # a byte that says nothing
        except FileFormatError as error:
            message = str(error)
        assert not message or ("Delete it" in message and os.fspath(file) in message)
        refused += bool(message)
    assert refused
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="Delete it"):
        cpwl.level_set(NET, cube(), 0.1, resume=tmp_path)
    file.unlink()
    equal(whole, cpwl.level_set(NET, cube(), 0.1, resume=tmp_path))


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="dimension 3 or more"):
        cpwl.level_set(mlp(1, [2, 4, 1]), cube(2), resume=tmp_path)
    with pytest.raises(ArgumentError, match="keep_dropped and resume"):
        cpwl.level_set(NET, cube(), resume=tmp_path, keep_dropped=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArgumentError, match="resume must be a folder, or not there yet"):
        cpwl.level_set(NET, cube(), resume=tmp_path / "file")
    with pytest.raises(ArgumentError, match="resume must be the name"):
        cpwl.level_set(NET, cube(), resume=3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="resume must be the name"):
        cpwl.level_set(NET, cube(), resume="")  # which would be the working directory


@pytest.mark.usefixtures("blocks")
def test_blocks_of_another_version_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpwl.level_set(NET, cube(), 0.1, resume=tmp_path)
    monkeypatch.setattr(kept_blocks, "RELEASE", "0.0.1")
    with pytest.raises(ArgumentError, match="another version of cpwl"):
        cpwl.level_set(NET, cube(), 0.1, resume=tmp_path)
