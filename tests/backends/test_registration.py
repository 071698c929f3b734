"""Backends plug in: one that registers serves every call, file and command, without a change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cpwl
from cpwl import backends
from cpwl.cli import main
from cpwl.errors import ArgumentError, BackendError
from tests.support.families import case
from tests.support.nnet_file import TEXT
from tests.support.third_backend import registered


@pytest.fixture
def twin() -> Iterator[str]:
    with registered() as name:
        yield name


@pytest.mark.parametrize("seed", range(12))
def test_a_third_backend_gives_partitions_and_keeps_them_in_its_own_files(twin: str, seed: int, tmp_path: Path) -> None:
    chosen = case(seed)
    part, exact = (cpwl.partition(chosen.network, chosen.domain, backend=name) for name in (twin, "exact"))
    assert part.backend == twin and (part.vertices == exact.vertices).all()
    assert (part.patterns() == exact.patterns()).all() and cpwl.certify(part).verified
    part.save(tmp_path / "part.npz")
    with np.load(tmp_path / "part.npz") as arrays:
        assert any(name.endswith("-reversed") for name in arrays)
    again = cpwl.load(tmp_path / "part.npz")
    assert again.backend == twin and (again.vertices == part.vertices).all()
    point = chosen.domain.to_input(chosen.domain.polytope.vertices.mean(axis=0))
    one, other = (cpwl.evaluate(chosen.network, point, backend=name) for name in (twin, "exact"))
    assert (one == other).all()
    assert (cpwl.local_map(chosen.network, point, backend=twin).pattern == 0).size == chosen.network.units


def test_the_command_line_serves_it(twin: str, tmp_path: Path) -> None:
    (tmp_path / "net.nnet").write_text(TEXT)
    made = ["partition", str(tmp_path / "net.nnet"), "--box", "-1", "1", "--backend", twin, "--out"]
    for arguments in ([*made, str(tmp_path / "p.npz")], ["stats", str(tmp_path / "p.npz")]):
        answer = CliRunner().invoke(main, arguments)
        assert answer.exit_code == 0, answer.output
    assert cpwl.load(tmp_path / "p.npz").backend == twin


def test_it_writes_folders(twin: str, tmp_path: Path) -> None:
    chosen = case(3)
    written = cpwl.write_partition(chosen.network, chosen.domain, tmp_path / "folder", backend=twin)
    assert written.complete and written.regions == len(cpwl.partition(chosen.network, chosen.domain))


def test_a_name_is_given_once_and_an_unknown_one_is_refused(twin: str) -> None:
    assert backends.names() == ("torch", "exact", twin)
    with pytest.raises(ArgumentError, match="of no backend yet"):
        backends.register("exact", lambda device: backends.get("torch", device))
    with pytest.raises(BackendError, match="must be one of 'torch', 'exact', 'twin', got 'jax'"):
        cpwl.partition(case(0).network, case(0).domain, backend="jax")
