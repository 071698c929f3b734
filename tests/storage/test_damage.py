"""One law for all readers: any file gives the object or an error of the library, in bounded time and memory."""

from __future__ import annotations

import gzip
import io
import json
import random
import resource
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

import cpwl
from cpwl.analysis import Recording
from cpwl.analysis.recording import Frame
from cpwl.cli.files import read_numbers
from cpwl.datasets import written as dataset
from cpwl.datasets.parquet import read_regions
from cpwl.errors import CpwlError, FileFormatError
from cpwl.network.digest import digest
from cpwl.tiling.blocks import Blocks
from tests.support.damage import changed_arrays, changed_bytes, changed_json, changed_member, deflated
from tests.support.networks import mlp
from tests.support.nnet_file import TEXT

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
NETWORK = mlp(3, [2, 5, 4, 3])
Draw = random.Random


@contextmanager
def little_memory(size: int = 2 << 30) -> Iterator[None]:
    """No more than so many bytes beyond what is there; a reader that asks for more says so in its error."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def outcome(read: Callable[[], object]) -> str:
    """ "object", "more memory", or the name of the library's error."""
    start = time.process_time()
    try:
        with little_memory(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
        found = "object"
    except CpwlError as error:
        found = "more memory" if "more memory than there is" in str(error) else type(error).__name__
    assert time.process_time() - start < 20
    return found


# ---- bombs ---------------------------------------------------------------------------------------------------------
def npy_header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue()


def onnx_model(dims: tuple[int, ...], data: bytes = b"") -> bytes:
    """Adds a constant of these dimensions."""
    constant = TensorProto(dims=dims, data_type=TensorProto.FLOAT, raw_data=data, name="c")
    node = helper.make_node("Add", ["x", "c"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    return helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [constant])).SerializeToString()  # type: ignore[no-any-return]


def strided_program() -> bytes:
    """Of a weight that is one stored number, seen 2^40 times."""

    class Wide(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("wide", torch.zeros(1).expand(1 << 20, 1 << 20))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            wide: torch.Tensor = self.wide  # type: ignore[assignment]
            return x + wide[0, 0]

    exported = torch.export.export(Wide(), (torch.zeros(1, 2),))
    return written("model.pt2", lambda path: torch.export.save(exported, path))


LARGE = 300 << 20
BOMBS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], object]]] = {
    "a partition": ("part.npz", lambda: deflated("x.npy", npy_header((LARGE // 8,)), LARGE), cpwl.load),
    "a header": ("part.npz", lambda: deflated("header.npy", npy_header((LARGE // 8,)), LARGE), cpwl.load),
    "an array that claims to be long": ("x.npz", lambda: deflated("x.npy", npy_header((1 << 60,)), 1 << 20), cpwl.load),
    "an array of length 0 and 2^62": ("x.npz", lambda: deflated("x.npy", npy_header((0, 1 << 62)), 0), cpwl.load),
    "a certificate": ("c.json.gz", lambda: gzip.compress(b" " * LARGE), cpwl.Certificate.load),
    "a nested certificate": ("c.json", lambda: b"[" * (1 << 20), cpwl.Certificate.load),
    "a program": ("net.pt2", lambda: deflated("archive/data.pkl", b"", LARGE), cpwl.compile),
    "an ONNX constant of 2^62": ("net.onnx", lambda: onnx_model((1 << 62,)), cpwl.compile),
    "an ONNX constant of 0 times 2^62": ("net.onnx", lambda: onnx_model((0, 1 << 62)), cpwl.compile),
    "an ONNX constant of 2^31 squared": ("net.onnx", lambda: onnx_model((1 << 31, 1 << 31, 4)), cpwl.compile),
    "an .nnet of 2^31 layers": ("net.nnet", lambda: b"2147483647,2,1,3,\n2,1,\n0,\n", cpwl.compile),
    "an .nnet of 2^31 inputs": ("n.nnet", lambda: b"1,2147483647,1,3,\n2147483647,1,\n0,\n1,\n", cpwl.compile),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unpacks_to_too_much_is_refused(name: str, tmp_path: Path) -> None:
    file, made, read = BOMBS[name]
    path = tmp_path / file
    path.write_bytes(made())
    assert path.stat().st_size < 2 << 20
    with little_memory(400 << 20), pytest.raises(FileFormatError, match=file.replace(".", r"\.")) as error:
        read(path)
    assert "more memory" not in str(error.value)


def test_a_program_of_more_numbers_than_are_stored_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(strided_program())
    assert path.stat().st_size < 2 << 20
    with little_memory(), pytest.raises(FileFormatError, match="more than 536870912 numbers"):
        cpwl.compile(path)


def test_numbers_for_a_command_are_read_no_further_than_the_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    for header in (npy_header((1 << 60,)), npy_header((1 << 62, 0)), b"\x93NUMPY\x01\x00\x10\x00{'descr': (1 +  "):
        path.write_bytes(header)
        with little_memory(), pytest.raises(click.BadParameter, match=r"points\.npy holds no array"):
            read_numbers(path)


def test_honest_files_of_many_equal_numbers_are_read(tmp_path: Path) -> None:
    """A layer of zeros compresses a thousand times; what it unpacks to is little."""
    zeros = cpwl.Network.mlp([np.zeros((1000, 2)), np.zeros((1, 1000))], [np.zeros(1000), np.zeros(1)])
    cpwl.partition(zeros, SQUARE).save(tmp_path / "part.npz")
    with np.load(tmp_path / "part.npz") as archive:
        arrays: dict[str, Any] = dict(archive)
    np.savez_compressed(tmp_path / "small.npz", **arrays)
    assert (tmp_path / "small.npz").stat().st_size * 4 < (tmp_path / "part.npz").stat().st_size
    assert len(cpwl.load(tmp_path / "small.npz")) == len(cpwl.load(tmp_path / "part.npz"))


# ---- the files -----------------------------------------------------------------------------------------------------
@cache
def saved(backend: str) -> bytes:
    return written("part.npz", lambda path: cpwl.partition(NETWORK, SQUARE, backend=backend).save(path))


@cache
def certificate() -> bytes:
    return written("cert.json", lambda path: cpwl.certify(cpwl.partition(NETWORK, SQUARE)).save(path))


@cache
def program() -> bytes:
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).eval()
    exported = torch.export.export(model, (torch.zeros(1, 2),))
    return written("model.pt2", lambda path: torch.export.save(exported, path))


def written(name: str, write: Callable[[Path], object]) -> bytes:
    """What a writer writes to a file of that name."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def forged_certificate(draw: Draw) -> bytes:
    """One whose networks mostly have the names that they should have."""
    entry = changed_json(json.loads(certificate()), draw)
    if draw.random() < 0.8 and isinstance(entry, dict):
        networks = entry.get("networks")
        for network in networks if isinstance(networks, list) else ():
            if isinstance(network, dict) and "nodes" in network:
                network["sha256"] = digest(network["nodes"])
    return json.dumps(entry).encode()


FILES: dict[str, tuple[str, Callable[[Draw], bytes], Callable[[Path], object]]] = {
    "a partition": ("part.npz", lambda draw: changed_bytes(saved("torch"), draw), cpwl.load),
    "an exact partition": ("part.npz", lambda draw: changed_bytes(saved("exact"), draw), cpwl.load),
    "a forged partition": ("part.npz", lambda draw: changed_arrays(saved("torch"), draw), cpwl.load),
    "a forged exact partition": ("part.npz", lambda draw: changed_arrays(saved("exact"), draw), cpwl.load),
    "a certificate": ("c.json", lambda draw: changed_bytes(certificate(), draw), cpwl.Certificate.load),
    "a compressed certificate": (
        "c.json.gz",
        lambda draw: changed_bytes(gzip.compress(certificate()), draw),
        cpwl.Certificate.load,
    ),
    "a forged certificate": ("c.json", forged_certificate, cpwl.Certificate.load),
    "an .nnet file": ("net.nnet", lambda draw: changed_bytes(TEXT.encode(), draw), cpwl.compile),
    "a program": ("net.pt2", lambda draw: changed_bytes(program(), draw), cpwl.compile),
    "a forged program": ("net.pt2", lambda draw: changed_member(program(), draw), cpwl.compile),
}
"""By what they are: a name, how they are drawn, and their reader. ONNX files: test_onnx_files."""

SLOW = {"a forged program": 40, "a program": 40}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_or_forged_file_gives_the_object_or_an_error_of_the_library(name: str, tmp_path: Path) -> None:
    file, drawn, read = FILES[name]
    draw, found = Draw(0), set()
    for _ in range(SLOW.get(name, 250)):
        (tmp_path / file).write_bytes(drawn(draw))
        found.add(outcome(lambda: read(tmp_path / file)))
    assert "FileFormatError" in found <= {"object", "FileFormatError", "ArgumentError", "ShapeError"}


# ---- folders -------------------------------------------------------------------------------------------------------
def of_a_recording(folder: Path) -> None:
    part = cpwl.partition(NETWORK, SQUARE)
    Recording(SQUARE, [Frame.of(part, part.decision_boundary(), k, {"loss": 1.0}) for k in (0, 7)]).save(folder)


def of_a_partition(folder: Path) -> None:
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
        cpwl.write_partition(mlp(5, [2, 8, 8, 3]), SQUARE, folder, max_regions=60)


def every_way(folder: Path) -> None:
    """A folder of a partition is read by statistics, by check and on resume; each may be the first to refuse it."""
    refused: list[CpwlError] = []
    for read in (
        cpwl.statistics_of_folder,
        dataset.check_written,
        lambda path: cpwl.write_partition(mlp(5, [2, 8, 8, 3]), SQUARE, path, resume=True, max_regions=1),
    ):
        try:
            read(folder)  # type: ignore[no-untyped-call]
        except CpwlError as error:
            refused.append(error)
    if refused:
        raise refused[0]


FOLDERS: dict[str, tuple[Callable[[Path], None], Callable[[Path], object]]] = {
    "a recording": (of_a_recording, lambda path: list(Recording.load(path))),
    "a partition": (of_a_partition, every_way),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_damaged_folder_gives_the_object_or_an_error_of_the_library(name: str, tmp_path: Path) -> None:
    write, read = FOLDERS[name]
    write(tmp_path / "good")
    files = [file.relative_to(tmp_path / "good") for file in (tmp_path / "good").rglob("*") if file.is_file()]
    draw, found = Draw(0), set()
    for k in range(120):
        folder = tmp_path / f"set{k}"
        shutil.copytree(tmp_path / "good", folder)
        file = folder / draw.choice(files)
        content = file.read_bytes()
        forge = name == "a recording" and draw.random() < 0.5
        file.write_bytes(changed_arrays(content, draw) if forge else changed_bytes(content, draw))
        found.add(outcome(partial(read, folder)))
        shutil.rmtree(folder)
    assert "FileFormatError" in found <= {"object", "FileFormatError", "ArgumentError"}


def test_rows_that_are_damaged_with_the_right_checksum_are_an_error_of_the_library(tmp_path: Path) -> None:
    cpwl.write_partition(NETWORK, SQUARE, tmp_path / "good")
    (good,) = (tmp_path / "good").glob("part-*.parquet")
    draw, found = Draw(0), set()
    for _ in range(250):
        (tmp_path / "part.parquet").write_bytes(changed_bytes(good.read_bytes(), draw))
        found.add(outcome(lambda: list(read_regions(tmp_path / "part.parquet"))))
    assert found == {"object", "FileFormatError"}
