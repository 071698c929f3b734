"""The library computes by the rules of IEEE 754 in every public call, in all threads and processes, and puts back."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl.errors import FloatingPointModeError
from cpwl.network import RELU, Dense, Network
from cpwl.partitions.partition import Partition
from cpwl.runtime.ieee import Plain, ieee, is_ieee, thread_is_plain
from tests.support.blocks import same
from tests.support.public import members, public

LINES = Dense(np.array([[1.0, 0.5], [-0.3, 1.0], [1.0, 1.0]]), np.array([1e-311, 2e-311, -4e-311]))
NETWORK = Network.sequential(2, [LINES, RELU, Dense(np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -1.0]]), np.zeros(2))])
"""Three lines that cut a box of half width 1e-310 into seven regions; all numbers are subnormal."""
CORNER = np.array([1e-310, 1e-310])
POINT = np.array([3e-311, -2e-311])
MODEL = torch.nn.Sequential(torch.nn.Linear(2, 3, dtype=torch.float64), torch.nn.ReLU()).eval()
torch.nn.utils.vector_to_parameters(torch.full((9,), 3e-310, dtype=torch.float64), MODEL.parameters())


def box() -> cpwl.Domain:
    return cpwl.Domain.box(-CORNER, CORNER)


def partition(**options: Any) -> Partition:
    return cpwl.partition(NETWORK, box(), **options)


@pytest.fixture
def flushing() -> Iterator[None]:
    """Flush-to-zero, as training scripts switch it on, in this thread."""
    assert torch.set_flush_denormal(True)
    assert not thread_is_plain()
    yield
    still = not thread_is_plain()
    torch.set_flush_denormal(False)
    assert still, "what the caller had set was not put back"


# ---- every public name is covered ----------------------------------------------------------------------------------
INDICES = {"Ragged", "Facets"}
"""Tables of indices."""


@pytest.mark.parametrize("name", sorted(public()))
def test_every_public_call_computes_plainly(name: str) -> None:
    what = public()[name]
    if not isinstance(what, type):
        assert is_ieee(what)
    elif what.__name__ not in INDICES:
        assert [member for member, value in members(what).items() if not is_ieee(value)] == []


def test_that_law_sees_a_method_that_was_forgotten() -> None:
    class Late(Partition):
        def area(self) -> float:
            return 0.0

    Late.__module__ = "cpwl.late"
    assert [name for name, value in members(Late).items() if not is_ieee(value)] == ["area"]


# ---- and gives the same --------------------------------------------------------------------------------------------
def numbers(found: Any) -> list[Any]:
    """What a call has found, as lists that can be compared; floats by their bits."""
    if isinstance(found, Partition):
        return [numbers(found.vertices), found.regions.values.tolist(), found.patterns().tolist(), found.complete]
    if isinstance(found, np.ndarray):
        return [found.view(np.int64).tolist()] if found.dtype == np.float64 else [found.tolist()]
    if isinstance(found, (list, tuple)):
        return [numbers(part) for part in found]
    return [found]


def compiled() -> Network:
    return cpwl.compile(MODEL, torch.zeros(1, 2, dtype=torch.float64))


CALLS: dict[str, Callable[[Path], Any]] = {
    "partition": lambda folder: partition(),
    "float predicates": lambda folder: [len(partition(predicates="float")), partition(predicates="float").ambiguous],
    "exact": lambda folder: partition(backend="exact"),
    "partition_many": lambda folder: list(cpwl.partition_many([NETWORK] * 2, box())),
    "partition_blocks": lambda folder: list(cpwl.partition_blocks(NETWORK, box())),
    "write_partition": lambda folder: cpwl.write_partition(NETWORK, box(), folder / "regions").regions,
    "decision_boundary": lambda folder: partition(backend="exact").decision_boundary().ends,
    "certify": lambda folder: cpwl.certify(partition()).partition,
    "certify_extremum": lambda folder: cpwl.certify_extremum(cpwl.certify(partition()), output=0).value,
    "evaluate": lambda folder: cpwl.evaluate(NETWORK, CORNER),
    "evaluate exactly": lambda folder: cpwl.evaluate(NETWORK, CORNER, backend="exact"),
    "local_map": lambda folder: [cpwl.local_map(NETWORK, POINT).bias, cpwl.local_map(NETWORK, POINT).undecided],
    "local_map exactly": lambda folder: cpwl.local_map(NETWORK, POINT, backend="exact").bias,
    "compare": lambda folder: [len(c.missing) for c in [cpwl.compare(partition(), partition(backend="exact"))]],
    "compile": lambda folder: [node.op.weight for node in compiled().nodes if isinstance(node.op, Dense)],
    "compiled": lambda folder: cpwl.evaluate(compiled(), np.ones(2)),
    "locate": lambda folder: partition().locate(POINT[None]),
    "affine maps": lambda folder: partition().affine_maps(),
    "region": lambda folder: partition().region(0).exact_vertices,
    "merged": lambda folder: len(partition().merged()),
    "save and load": lambda folder: [partition().save(folder / "p.npz").name, cpwl.load(folder / "p.npz")],
    "domain": lambda folder: cpwl.Domain.box(-CORNER, CORNER).to_input(POINT),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_finds_the_same_under_flush_to_zero(call: str, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir(), (tmp_path / "flushing").mkdir()
    wanted = numbers(CALLS[call](tmp_path / "plain"))
    assert torch.set_flush_denormal(True)
    try:
        found = CALLS[call](tmp_path / "flushing")
        assert not thread_is_plain()
    finally:
        torch.set_flush_denormal(False)
    assert numbers(found) == wanted


@pytest.mark.usefixtures("flushing")
@pytest.mark.parametrize("options", [{}, {"backend": "exact"}])
def test_subnormal_lines_cut_under_flush_to_zero(options: dict[str, Any]) -> None:
    assert len(partition(**options)) == 7


@pytest.mark.parametrize("direction", [0x400, 0x800, 0xC00], ids=["down", "up", "to zero"])
def test_another_rounding_changes_nothing(direction: int) -> None:
    wanted = partition()
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    assert library.fesetround(direction) == 0
    try:
        found = partition()
        assert library.fegetround() == direction
    finally:
        library.fesetround(0)
    assert numbers(found) == numbers(wanted)


@pytest.mark.usefixtures("flushing")
def test_an_error_puts_back_what_was_set() -> None:
    with pytest.raises(cpwl.CpwlError):
        cpwl.partition(NETWORK, box(), max_seconds=-1)
    assert not thread_is_plain()


@pytest.mark.usefixtures("flushing")
def test_between_the_items_of_a_generator_the_callers_rules_hold() -> None:
    seen = []
    for block in cpwl.partition_blocks(NETWORK, box()):
        seen.append((len(block), thread_is_plain()))
    assert seen == [(7, False)]


def test_a_generator_is_closed_with_its_caller() -> None:
    ended = []

    @ieee
    def counting() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(thread_is_plain())

    assert next(iter(counting())) == 1
    assert ended == [True]


def test_where_the_rules_cannot_be_set_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.runtime.ieee._environment", lambda: (None, None))
    torch.set_flush_denormal(True)
    try:
        with pytest.raises(FloatingPointModeError, match="set_flush_denormal"), Plain():
            pass
    finally:
        torch.set_flush_denormal(False)


# ---- in other threads and processes --------------------------------------------------------------------------------
@pytest.mark.usefixtures("flushing")
@pytest.mark.parametrize("pool", ["fork", "spawn", "threads"])
def test_workers_of_a_flushing_process_compute_plainly(pool: str) -> None:
    executor: Executor = ThreadPoolExecutor(2) if pool == "threads" else ProcessPoolExecutor(2, get_context(pool))
    with executor:
        found = list(cpwl.partition_many([NETWORK] * 2, box(), executor=executor))
    assert [len(part) for part in found] == [7, 7]


SCRIPT = """
import os, sys
import numpy as np
import torch
torch.set_num_threads(2)
torch.set_flush_denormal(True)
rows = torch.ones(1 << 18, dtype=torch.float64) * 2  # the threads of torch begin under flush-to-zero
if os.fork() == 0:
    os._exit(0)
os.wait()
np.ones((600, 600)) @ np.ones((600, 600))  # and so do, after a fork, those of BLAS
torch.set_flush_denormal(sys.argv[1] == "still")
from cpwl.runtime.ieee import Plain, _blas_is_plain, _torch_is_plain
assert not _torch_is_plain(torch, 2), "no second thread of torch"
assert not _blas_is_plain() or os.cpu_count() == 1, "no second thread of BLAS"
import cpwl
from cpwl.network import Dense, Network
net = Network.sequential(2, [Dense(np.eye(2), np.zeros(2)), Dense(np.array([[1.0, 1.0]]), np.zeros(1))])
half = np.full((1 << 17, 2), 1 << 51, np.int64).view(np.float64)  # half of the smallest normal number
sums = cpwl.evaluate(net, half).view(np.int64)
inputs = cpwl.Domain.box([-1, -1], [1, 1]).to_input(half).view(np.int64)
with Plain():
    assert _torch_is_plain(torch, torch.get_num_threads()) and _blas_is_plain()
    wanted = 1 << 52
    print((sums == wanted).all(), (inputs == half.view(np.int64)).all(), torch.get_num_threads())
print(torch.get_num_threads())
"""


@pytest.mark.parametrize("caller", ["still", "no more"])
def test_threads_that_were_begun_under_flush_to_zero_are_left_out(caller: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", SCRIPT, caller]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert answer.stdout.split() == ["True", "True", "1", "2"], answer.stderr


def test_flush_to_zero_changes_what_the_tests_look_at() -> None:
    """The inputs of this file are wrong under flush-to-zero, where nothing prevents it."""
    unmarked = cpwl.evaluate.__wrapped__  # type: ignore[attr-defined]
    torch.set_flush_denormal(True)
    try:
        found = unmarked(NETWORK, CORNER)
    finally:
        torch.set_flush_denormal(False)
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(found, cpwl.evaluate(NETWORK, CORNER))


def test_partitions_of_many_threads_are_the_same() -> None:
    with ThreadPoolExecutor(2) as executor:
        for found in executor.map(lambda _: partition(), range(4)):
            same(found, partition())
