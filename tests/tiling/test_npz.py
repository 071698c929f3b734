"""Partitions in files: what was saved comes back bit for bit, and whatever is not such a file is refused by name."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl.errors import FileFormatError
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Sum
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition, load
from cpwl.tiling.npz import save

BACKENDS = ("torch", "exact")
Arrays = dict[str, np.ndarray[Any, Any]]
Attack = Callable[[Arrays, dict[str, Any]], None]
"""Changes the arrays and the header of a file, in place."""


def random_mlp(*widths: int, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) for a, b in pairwise(widths)]
    return Network.mlp(weights, [rng.standard_normal(b) / 2 for b in widths[1:]])


def maxout_with_skip() -> Network:
    """A maxout layer of 4 units of 3 arguments, and a residual sum: every kind of piece, integer weights."""
    rng = np.random.default_rng(1)
    first = Dense(rng.integers(-2, 3, (12, 2)).astype(float), rng.integers(-2, 3, 12).astype(float))
    second = Dense(rng.integers(-2, 3, (4, 4)).astype(float), np.ones(4))
    return Network(
        (
            Node(Input(), (), (2,), "input"),
            Node(first, (0,), (12,), "first"),
            Node(Gather(np.arange(12).reshape(4, 3)), (1,), (4, 3), "groups"),
            Node(Max(), (2,), (4,), "max"),
            Node(second, (3,), (4,), "second"),
            Node(RELU, (4,), (4,), "relu"),
            Node(Sum((1.0, -0.5)), (3, 5), (4,), "sum"),
        )
    )


def planes() -> Domain:
    """A pentagon in a plane of a 3-D input space."""
    corners = [[-2, -1], [1, -2], [2, 0.5], [0.25, 2], [-1.5, 1]]
    return Domain.polygon(corners, [0.1, 0.2, 0.3], np.array([[1, 0], [0.5, 1], [0, 0.25]]))


CASES: dict[str, tuple[Network, Domain]] = {
    "mlp": (random_mlp(2, 8, 8, 3), Domain.box([-1, -1], [1, 1])),
    "maxout": (maxout_with_skip(), Domain.box([-2, -2], [2, 2])),
    "slice": (random_mlp(3, 6, 1), planes()),
    "affine": (random_mlp(2, 2), Domain.box([-1, -1], [1, 1])),
}


@cache
def part_of(case: str, backend: str) -> Partition:
    return partition(*CASES[case], backend=backend)


def flat(value: Any, name: str = "") -> dict[str, bytes]:
    """Everything that an object holds, as bytes by name; caches and functions left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return merged(flat(getattr(value, f.name), f"{name}.{f.name}") for f in fields(value))
    if isinstance(value, (tuple, list)):
        return merged(flat(item, f"{name}[{i}]") for i, item in enumerate(value))
    if type(value).__name__ == "ExactArrangement":
        slots = ("_points", "_cycles", "_parents", "_generation", "_facets", "_straight")
        return merged(flat(vars(value)[slot], f"{name}.{slot}") for slot in slots)
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return {name: f"{value.dtype} {value.shape} ".encode() + value.tobytes()}
    return {name: repr(value.tolist() if isinstance(value, np.ndarray) else value).encode()}


def merged(parts: Any) -> dict[str, bytes]:
    return {name: value for part in parts for name, value in part.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_a_partition_comes_back_bit_for_bit(case: str, backend: str, tmp_path: Path) -> None:
    part = part_of(case, backend)
    part.save(tmp_path / "part")
    again = load(tmp_path / "part")
    assert flat(again) == flat(part)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loaded_partition_answers_as_the_saved_one(backend: str, tmp_path: Path) -> None:
    part = part_of("maxout", backend)
    save(part, tmp_path / "part.npz")
    again = load(tmp_path / "part.npz")
    points = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    assert (again.patterns() == part.patterns()).all()
    assert (again.locate(points) == part.locate(points)).all()
    assert all((a == b).all() for a, b in zip(again.affine_maps(), part.affine_maps()))
    assert (again.volumes() == part.volumes()).all()
    assert (again.decision_boundary().ends == part.decision_boundary().ends).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_saving_a_loaded_partition_writes_the_same_arrays(backend: str, tmp_path: Path) -> None:
    part_of("mlp", backend).save(tmp_path / "one.npz")
    load(tmp_path / "one.npz").save(tmp_path / "two.npz")
    assert flat(list(stored(tmp_path / "one.npz").items())) == flat(list(stored(tmp_path / "two.npz").items()))


def test_loading_an_exact_partition_imports_no_torch(tmp_path: Path) -> None:
    part_of("mlp", "exact").save(tmp_path / "part.npz")
    script = "import sys; from cpwl import load; print(len(load(sys.argv[1])), 'torch' in sys.modules)"
    command = [sys.executable, "-c", script, str(tmp_path / "part.npz")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(len(part_of("mlp", "exact"))), "False"]


def test_a_file_is_one_archive_without_objects(tmp_path: Path) -> None:
    part_of("mlp", "exact").save(tmp_path / "part.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["part.npz"]
    assert not [name for name, values in stored(tmp_path / "part.npz").items() if values.dtype.hasobject]


def test_a_missing_file_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere.npz")


# ---- files that are not partitions ---------------------------------------------------------------------------------
def stored(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


@cache
def good(backend: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        part_of("maxout" if backend == "torch" else "mlp", backend).save(Path(folder) / "part.npz")
        return (Path(folder) / "part.npz").read_bytes()


def foreign(path: Path) -> dict[str, Callable[[], object]]:
    header = {"header": np.frombuffer(b'{"format": "something else"}', np.uint8)}
    return {
        "empty": lambda: path.write_bytes(b""),
        "text": lambda: path.write_text("not an archive"),
        "npy": lambda: path.write_bytes(b"\x93NUMPY\x01\x00"),
        "other_zip": lambda: zipfile.ZipFile(path, "w").writestr("a.txt", "text"),
        "other_npz": lambda: savez(path, {"x": np.zeros(3)}),
        "other_header": lambda: savez(path, header),
        "broken_json": lambda: savez(path, {"header": np.frombuffer(b'{"format": ', np.uint8)}),
        "pickle": lambda: savez(path, {"header": np.array([{"format": "cpwl-partition"}], dtype=object)}),
    }


def savez(path: Path, arrays: Arrays) -> None:
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(foreign(Path())))
def test_a_foreign_file_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.npz"
    foreign(path)[kind]()
    with pytest.raises(FileFormatError, match=rf"{kind}\.npz is not a partition"):
        load(path)


@settings(max_examples=60)
@given(st.sampled_from(BACKENDS), st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(backend: str, share: float) -> None:
    content = good(backend)
    with pytest.raises(FileFormatError):
        load_bytes(content[: int(share * len(content))])


@settings(max_examples=150)
@given(st.sampled_from(BACKENDS), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(backend: str, place: float, change: int) -> None:
    content = bytearray(good(backend))
    content[int(place * len(content))] ^= change
    try:
        part = load_bytes(bytes(content))
    except FileFormatError:
        return
    assert flat(part) == flat(load_bytes(good(backend)))


def load_bytes(content: bytes) -> Partition:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "part.npz").write_bytes(content)
        return load(Path(folder) / "part.npz")


def test_a_damaged_array_is_named(tmp_path: Path) -> None:
    content = bytearray(good("torch"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo("arrangement.vertices.npy")
    content[member.header_offset + 200 + member.file_size // 2] ^= 1
    (tmp_path / "part.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"member arrangement\.vertices\.npy is damaged"):
        load(tmp_path / "part.npz")


def set_entry(name: str, value: Any) -> Attack:
    def change(arrays: Arrays, header: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name].reshape(-1)[-1] = value

    return change


def replace(name: str, how: Callable[[Any], Any]) -> Attack:
    def change(arrays: Arrays, header: dict[str, Any]) -> None:
        arrays[name] = how(arrays[name])

    return change


def in_header(name: str, value: Any) -> Attack:
    return lambda arrays, header: header.update({name: value})


def without(name: str) -> Attack:
    def change(arrays: Arrays, header: dict[str, Any]) -> None:
        del arrays[name]

    return change


def in_three_dimensions(arrays: Arrays, header: dict[str, Any]) -> None:
    arrays |= {"domain.shape": np.array([3]), "domain.origin": np.zeros(3), "domain.basis": np.eye(3, 2)}


def shorter_last_step(arrays: Arrays, header: dict[str, Any]) -> None:
    arrays |= {name: arrays[name][:-1] for name in ("steps.1.parents", "steps.1.below")}


def text(*words: str, instead_of: int = 1) -> Callable[[Any], Any]:
    """The same text with other words instead of the first."""
    return lambda octets: np.frombuffer(
        b" ".join([*(word.encode() for word in words), *octets.tobytes().split()[instead_of:]]), np.uint8
    )


ATTACKS: dict[str, tuple[str, str, Attack]] = {
    "a version to come": ("torch", "version", in_header("version", 99)),
    "an unknown backend": ("torch", "backend", in_header("backend", "magic")),
    "steps of other nodes": ("torch", "steps", in_header("steps", [1])),
    "steps that are no list": ("torch", "steps", in_header("steps", None)),
    "an array missing": ("torch", "arrangement.edges", without("arrangement.edges")),
    "a weight that is NaN": ("torch", "1.weight|node 1", set_entry("network.1.weight", np.nan)),
    "a vertex at infinity": ("torch", "arrangement.vertices", set_entry("arrangement.vertices", np.inf)),
    "an output that is NaN": ("torch", "outputs.values", set_entry("outputs.values", np.nan)),
    "a negative error bound": ("torch", "arrangement.error", set_entry("arrangement.error", -1.0)),
    "an edge to no vertex": ("torch", "arrangement.edges", set_entry("arrangement.edges", 10**6)),
    "an edge to vertex -1": ("torch", "arrangement.edges", set_entry("arrangement.edges", -1)),
    "a half-edge of no edge": ("torch", "half_edge", set_entry("arrangement.half_edge", 10**6)),
    "a broken cycle": ("torch", "cycle", set_entry("arrangement.half_edge", 0)),
    "half-edges turned": ("torch", "cycle", replace("arrangement.forward", np.logical_not)),
    "offsets that fall": ("torch", "offsets", set_entry("arrangement.offsets", 0)),
    "vertices in float32": ("torch", "float64", replace("arrangement.vertices", np.float32)),
    "coordinates in 3-D": ("torch", "shape", replace("arrangement.vertices", lambda v: np.repeat(v, 2, axis=1))),
    "a parent out of range": ("torch", "steps.1.parents", set_entry("steps.1.parents", 10**6)),
    "a winner out of range": ("torch", "steps.0.winners", set_entry("steps.0.winners", 3)),
    "steps of fewer regions": ("torch", "regions|steps", replace("steps.1.parents", lambda p: p[:-1])),
    "a last step of fewer regions": ("torch", "last step", shorter_last_step),
    "a domain not convex": ("torch", "vertices", replace("domain.vertices", lambda v: v[[0, 2, 1, 3]])),
    "a domain listed clockwise": ("torch", "counter-clockwise", replace("domain.vertices", lambda v: v[::-1].copy())),
    "a flat basis": ("torch", "basis", replace("domain.basis", np.zeros_like)),
    "a domain of another space": ("torch", "input space", in_three_dimensions),
    "points with a letter": ("exact", "points", replace("arrangement.points", text("12x"))),
    "points too many": ("exact", "points", replace("arrangement.points", text("1", "2"))),
    "points not in lowest terms": ("exact", "points", replace("arrangement.points", text("2", "2", "2", instead_of=3))),
    "points not text": ("exact", "points", replace("arrangement.points", lambda o: o | np.uint8(128))),
    "a corner of no vertex": ("exact", "cycles", set_entry("arrangement.cycles.values", 10**6)),
    "regions of two corners": ("exact", "cycles", replace("arrangement.cycles.offsets", lambda o: np.sort([*o, 1]))),
    "other edges than sides": ("exact", "edges", set_entry("arrangement.edges", 0)),
    "overlapping regions": ("exact", "cycles", replace("arrangement.cycles.values", lambda v: np.roll(v, 1) * 0)),
    "a denominator of 0": ("exact", "denominators", replace("outputs.denominators", text("0"))),
    "a weight 2": ("exact", "weights", set_entry("outputs.weights", 2)),
}


def forge(path: Path, backend: str, change: Attack) -> None:
    """A file with a change that its header and its checksums agree with."""
    with np.load(io.BytesIO(good(backend)), allow_pickle=False) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("header").tobytes())
    change(arrays, header)
    header["arrays"] = {name: [str(values.dtype), list(values.shape)] for name, values in arrays.items()}
    savez(path, {"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays})


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_file_is_refused_and_the_message_says_where(attack: str, tmp_path: Path) -> None:
    backend, where, change = ATTACKS[attack]
    forge(tmp_path / "part.npz", backend, change)
    with pytest.raises(FileFormatError, match=rf"part\.npz is not a partition .*({where})"):
        load(tmp_path / "part.npz")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_forged_without_a_change_loads(backend: str, tmp_path: Path) -> None:
    forge(tmp_path / "part.npz", backend, lambda arrays, header: None)
    assert len(load(tmp_path / "part.npz")) > 1


def test_an_array_that_the_header_does_not_list_is_refused(tmp_path: Path) -> None:
    with np.load(io.BytesIO(good("torch")), allow_pickle=False) as archive:
        savez(tmp_path / "part.npz", {**archive, "extra": np.zeros(1)})
    with pytest.raises(FileFormatError, match="disagree about extra"):
        load(tmp_path / "part.npz")
