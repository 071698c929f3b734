"""A partition written to a folder is the partition, region by region, however often the writing was stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest
import torch
from hypothesis import given, settings

import cpwl
from cpwl.datasets import folder as dataset
from cpwl.datasets import parquet
from cpwl.datasets.journal import Entry, Journal
from cpwl.datasets.written import check_written
from cpwl.errors import ArgumentError, FileFormatError
from cpwl.network import Dense
from cpwl.tiling.blocks import Blocks
from tests.support.networks import layered, mlp
from tests.support.parquet import table

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
NETWORK = mlp(5, [2, 16, 16, 3])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks of 20 vertices."""
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=20)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    return iter(())


def nnet(network: cpwl.Network) -> str:
    """A perceptron as an .nnet file."""
    layers = [node.op for node in network.nodes if isinstance(node.op, Dense)]
    sizes = [network.inputs, *(len(op.bias) for op in layers)]
    rows: list[Any] = [(len(layers), sizes[0], sizes[-1], max(sizes)), sizes, (0,)]
    rows += [(-9,) * sizes[0], (9,) * sizes[0], (0,) * (sizes[0] + 1), (1,) * (sizes[0] + 1)]
    for op in layers:
        rows += [*op.weight.tolist(), *([bias] for bias in op.bias.tolist())]
    return "".join(",".join(map(repr, row)) + "\n" for row in rows)


NNET = nnet(NETWORK)


def polygon(data: bytes) -> list[tuple[float, float]]:
    """The ring of a polygon in WKB, by the letter of the standard."""
    assert data[0] == 1 and np.frombuffer(data[1:9], "<u4").tolist() == [3, 1]
    (count,) = np.frombuffer(data[9:13], "<u4").tolist()
    assert len(data) == 13 + 16 * count
    return [(x, y) for x, y in np.frombuffer(data[13:], "<f8").reshape(-1, 2).tolist()]


def unpacked(patterns: list[bytes], units: int, bits: int) -> Any:
    rows = np.frombuffer(b"".join(patterns), np.uint8).reshape(len(patterns), -1)
    table = np.unpackbits(rows, axis=1, count=units * bits, bitorder="little").reshape(len(rows), units, bits)
    return table @ (1 << np.arange(bits))


def check_rows(found: dict[str, list[Any]], part: cpwl.Partition, about: dict[str, int]) -> None:
    """Every row is a region of the partition, with its map and its polygon; and none is missing."""
    index = {row.tobytes(): i for i, row in enumerate(part.patterns().astype(np.int64))}
    rows = [index[row.tobytes()] for row in unpacked(found["pattern"], about["units"], about["bits"])]
    assert sorted(rows) == list(range(len(part)))
    assert found["region"] == list(range(len(part)))
    weights, biases = part.affine_maps()
    np.testing.assert_array_equal(np.array(found["A"]).reshape(len(rows), -1, 2), weights[rows].astype(float))
    np.testing.assert_array_equal(np.array(found["b"]), biases[rows].astype(float))
    np.testing.assert_allclose(found["area"], part.volumes()[rows].astype(float), rtol=1e-9, atol=1e-15)
    assert found["vertices"] == part.regions.counts[rows].tolist()
    for x, y, geometry in zip(found["x"], found["y"], found["geometry"]):
        corners = list(zip(x, y))
        assert polygon(geometry) == [*corners, corners[0]]


def about(folder: Path) -> dict[str, int]:
    (first, *_) = sorted(folder.glob("part-*.parquet"))
    metadata = pyarrow.parquet.read_schema(first).metadata
    assert json.loads(metadata[b"geo"])["primary_column"] == "geometry"
    found: dict[str, int] = json.loads(metadata[b"cpwl"])
    return found


@pytest.mark.parametrize("backend", cpwl.backends.names())
def test_the_rows_are_the_regions(backend: str, tmp_path: Path, small: Any) -> None:
    network = mlp(5, [2, 8, 8, 3])
    written = cpwl.write_partition(network, SQUARE, tmp_path / "set", backend=backend)
    part = cpwl.partition(network, SQUARE, backend=backend)
    assert written.complete and written.regions == len(part) and written.parts > 2
    assert written.area == pytest.approx(4.0)
    found = table(tmp_path / "set")
    check_rows(found, part, about(tmp_path / "set"))
    for x, y, wanted in zip(found["x"], found["y"], found["class"]):
        middle = np.array([[np.mean(x), np.mean(y)]])
        assert wanted in (None, int(cpwl.evaluate(network, SQUARE.to_input(middle)).argmax()))
    assert any(wanted is not None for wanted in found["class"])


@settings(max_examples=5)
@given(pair=layered(outputs=2))
def test_units_with_many_pieces_are_packed_too(pair: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("sets") / "set"
    cpwl.write_partition(pair.network, SQUARE, folder)
    check_rows(table(folder), cpwl.partition(pair.network, SQUARE), about(folder))


def test_all_regions_have_a_common_vertex_at_the_same_place(tmp_path: Path, small: Any) -> None:
    cpwl.write_partition(NETWORK, SQUARE, tmp_path)
    found = table(tmp_path)
    points = {point for x, y in zip(found["x"], found["y"]) for point in zip(x, y)}
    assert len(points) == len(cpwl.partition(NETWORK, SQUARE).vertices)


def test_a_budget_leaves_what_resume_goes_on_with(tmp_path: Path, small: Any) -> None:
    whole = cpwl.write_partition(NETWORK, SQUARE, tmp_path / "whole")
    part = cpwl.write_partition(NETWORK, SQUARE, tmp_path / "part", max_regions=50)
    assert not part.complete and 50 <= part.regions < whole.regions
    rounds = 0
    while not part.complete:
        part = cpwl.write_partition(NETWORK, SQUARE, tmp_path / "part", resume=True, max_regions=50)
        rounds += 1
    assert rounds > 2
    assert table(tmp_path / "part") == table(tmp_path / "whole")
    again = cpwl.write_partition(NETWORK, SQUARE, tmp_path / "part", resume=True)
    assert again == part


SCRIPT = """
import os, signal, sys
from pathlib import Path
import cpwl
from cpwl.storage import files
from cpwl.tiling.blocks import Blocks
from tests.support.networks import mlp
sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=20)
Blocks.within = classmethod(lambda cls, memory, regions=None: sizes)
path, deadly = Path(sys.argv[1]), int(sys.argv[2])
calls, truly = [], files._to_disk
def counted(file):
    calls.append(file)
    if len(calls) == deadly:
        print("ready", flush=True)
        signal.pause()
    truly(file)
files._to_disk = counted
square = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
cpwl.write_partition(mlp(5, [2, 16, 16, 3]), square, path, resume=True)
"""
"""Writes, and at one of the moments when a file goes to the disk waits to be killed."""


@pytest.mark.parametrize("deadly", [6, 7, 8, 9, 25, 26])
def test_a_process_that_is_killed_loses_only_what_it_had_in_hand(deadly: int, tmp_path: Path, small: Any) -> None:
    path = tmp_path / "killed"
    here = os.pathsep.join([str(Path(cpwl.__file__).parents[1]), str(Path(__file__).parents[2])])
    command = [sys.executable, "-c", SCRIPT, os.fspath(path), str(deadly)]
    # The last bits of a product of matrices depend on how many threads share it; a Dask cluster of another test leaves
    # MKL_NUM_THREADS behind.
    threads = str(torch.get_num_threads())
    env = {**os.environ, "PYTHONPATH": here, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)
    before = [pyarrow.parquet.read_table(file) for file in sorted(path.glob("part-*.parquet"))]
    assert not dataset._Folder(path, resume=True).summary().complete
    assert cpwl.write_partition(NETWORK, SQUARE, path, resume=True).complete
    cpwl.write_partition(NETWORK, SQUARE, tmp_path / "whole")
    found = table(path)
    assert found == table(tmp_path / "whole")
    assert sum(map(len, before)) <= len(found["region"])


def test_ctrl_c_leaves_what_resume_goes_on_with(tmp_path: Path, small: Any) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        if 2 * done > total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"set holds \d+ regions that are finished.*resume=True goes on"):
        cpwl.write_partition(NETWORK, SQUARE, tmp_path / "set", progress=interrupt)
    reports: list[int] = []
    cpwl.write_partition(
        NETWORK, SQUARE, tmp_path / "set", resume=True, progress=lambda done, total, what: reports.append(done)
    )
    assert reports[-1] == 1000
    cpwl.write_partition(NETWORK, SQUARE, tmp_path / "whole")
    assert table(tmp_path / "set") == table(tmp_path / "whole")


class Here(Executor):
    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future


def test_an_executor_may_come_and_go(tmp_path: Path, small: Any) -> None:
    whole = cpwl.write_partition(NETWORK, SQUARE, tmp_path / "whole")
    for executor in (None, Here(), None, Here()):
        cpwl.write_partition(NETWORK, SQUARE, tmp_path / "set", resume=True, max_regions=40, executor=executor)
    assert cpwl.write_partition(NETWORK, SQUARE, tmp_path / "set", resume=True).regions == whole.regions
    assert table(tmp_path / "set")["pattern"] == table(tmp_path / "whole")["pattern"]


def test_writing_takes_less_than_the_least_limit_however_large_a_block_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of one hidden layer is one block: its patterns alone, unpacked, would take more than the limit."""
    peaks = []
    write = parquet.PartFile.write

    def measured(self: parquet.PartFile, block: cpwl.Partition, first: int) -> None:
        tracemalloc.start()
        write(self, block, first)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    monkeypatch.setattr(parquet.PartFile, "write", measured)
    network, least = mlp(0, [2, 300, 2]), 1 << 26
    written = cpwl.write_partition(network, SQUARE, tmp_path, memory_limit=least)
    assert len(peaks) == written.parts == 1
    assert written.regions * network.units * 2 > least / 4 and peaks[0] < least
    found = pyarrow.dataset.dataset(tmp_path, format="parquet").to_table(columns=["region", "area"]).to_pydict()
    assert found["region"] == list(range(written.regions)) and sum(found["area"]) == pytest.approx(4)


# ---- what is refused -----------------------------------------------------------------------------------------------
def test_two_do_not_write_to_one_folder(tmp_path: Path, small: Any) -> None:
    refused = []

    def second(*_: Any) -> None:
        with pytest.raises(ArgumentError, match="another process is writing"):
            cpwl.write_partition(NETWORK, SQUARE, tmp_path / "regions", resume=True)
        refused.append(True)

    cpwl.write_partition(NETWORK, SQUARE, tmp_path / "regions", progress=second)
    assert refused and cpwl.write_partition(NETWORK, SQUARE, tmp_path / "regions", resume=True).complete


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    cpwl.write_partition(NETWORK, SQUARE, tmp_path)
    with pytest.raises(ArgumentError, match="resume=True"):
        cpwl.write_partition(NETWORK, SQUARE, tmp_path)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"net": mlp(6, [2, 16, 16, 3])}, "network or domain"),
        ({"dom": cpwl.Domain.box([-1, -1], [1, 2])}, "network or domain"),
        ({"maps": False}, "maps"),
        ({"backend": "exact"}, "backend"),
        ({"memory_limit": 1 << 27}, "memory_limit"),
    ],
)
def test_another_partition_is_not_resumed(other: dict[str, Any], name: str, tmp_path: Path, small: Any) -> None:
    cpwl.write_partition(NETWORK, SQUARE, tmp_path, max_regions=20)
    with pytest.raises(ArgumentError, match=f"another {name}"):
        cpwl.write_partition(**{"net": NETWORK, "dom": SQUARE, "path": tmp_path, "resume": True, **other})


COMMAND = """
import sys, time
from cpwl.datasets import folder as dataset
from cpwl.tiling.blocks import Blocks
from cpwl.cli import main
sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=20)
Blocks.within = classmethod(lambda cls, memory, regions=None: sizes)
calls, truly = [], dataset.digest_of
def counted(file):
    calls.append(file)
    if len(calls) == 5:
        print("ready", flush=True)
        time.sleep(60)
    return truly(file)
dataset.digest_of = counted
main(["partition", sys.argv[1], "--box", "-1", "1", "--out", sys.argv[2]])
"""
"""Writes, and after some files waits for a signal."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_which_says_how_to_go_on(number: int, tmp_path: Path, small: Any) -> None:
    model, folder = tmp_path / "model.nnet", tmp_path / "set"
    model.write_text(NNET)
    command = [sys.executable, "-c", COMMAND, str(model), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and any(line == "ready\n" for line in process.stdout)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in errors
    assert f"{folder}; the same command with --resume goes on" in errors
    assert not [*folder.rglob("*.tmp")]
    left = check_written(folder)
    net = cpwl.compile(model)
    assert 0 < left.regions < len(cpwl.partition(net, SQUARE)) and not left.complete
    assert cpwl.write_partition(net, SQUARE, folder, resume=True).regions == len(cpwl.partition(net, SQUARE))


CALL = COMMAND.replace(
    'main(["partition", sys.argv[1], "--box", "-1", "1", "--out", sys.argv[2]])',
    "import cpwl; cpwl.write_partition(cpwl.compile(sys.argv[1]), cpwl.Domain.box([-1, -1], [1, 1]), sys.argv[2])",
)
assert CALL != COMMAND


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("handled", [False, True])
def test_a_signal_ends_a_script_as_ever_and_it_says_how_to_go_on(
    number: int, handled: bool, tmp_path: Path, small: Any
) -> None:
    model, folder = tmp_path / "model.nnet", tmp_path / "set"
    model.write_text(NNET)
    handler = "lambda *_: sys.exit(7)" if handled else "signal.SIG_DFL"  # under nohup it would be ignored
    own = f"import signal; signal.signal({int(number)}, {handler})\n"
    command = [sys.executable, "-c", CALL.replace("calls, truly", f"{own}calls, truly"), str(model), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and any(line == "ready\n" for line in process.stdout)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == (7 if handled else -number)
    said = re.search(r"set holds (\d+) regions that are finished, and the same call with resume=True goes on", errors)
    assert (said is None) == handled
    assert handled or (said is not None and int(said[1]) == check_written(folder).regions > 0)


def test_a_resume_takes_the_memory_limit_that_it_was_begun_with(tmp_path: Path, small: Any) -> None:
    options: dict[str, Any] = {"net": NETWORK, "dom": SQUARE, "path": tmp_path}
    cpwl.write_partition(**options, memory_limit=1 << 27, max_regions=20)
    with pytest.raises(ArgumentError, match="another memory_limit"):
        cpwl.write_partition(**options, memory_limit=1 << 28, resume=True)
    assert cpwl.write_partition(**options, resume=True).complete
    assert cpwl.statistics_of_folder(tmp_path).complete


def test_a_torn_line_of_the_journal_has_not_happened(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    first = Entry((1, 0), part=f"part-{0:015d}.parquet", regions=3)
    journal.add(first)
    journal.add(Entry((1, 1)))
    file.write_bytes(file.read_bytes()[:-3])
    assert Journal(file).entries == [first]
    file.write_text("{}\n")
    with pytest.raises(FileFormatError, match="damaged"):
        Journal(file)
