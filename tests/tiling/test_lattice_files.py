"""Files of partitions in dimensions other than two: number by number; and what is broken is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import CpwlError, FileFormatError
from tests.support.damage import Draw, changed_arrays, changed_bytes
from tests.support.networks import mlp
from tests.support.solids import DIMENSIONS, check_everything

BACKENDS = ("torch", "exact")


def part_of(dim: int, backend: str) -> cpwl.Partition:
    domain = cpwl.Domain.box(-np.ones(dim), np.ones(dim))
    return cpwl.partition(mlp(4, [dim, 6, 4, 2], bias=0.5), domain, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_a_partition_comes_back_number_by_number(dim: int, backend: str, tmp_path: Path) -> None:
    part = part_of(dim, backend)
    part.save(tmp_path / "part.npz")
    again = cpwl.load(tmp_path / "part.npz")
    assert (again.vertices == part.vertices).all() and (again.patterns() == part.patterns()).all()
    assert (again.volumes() == part.volumes()).all() and (again.vertex_errors() == part.vertex_errors()).all()
    for k in range(dim + 1):
        assert (again.faces(k).values == part.faces(k).values).all()
    facets, wanted = again.facets(), part.facets()
    for name in ("regions", "generation", "walls"):
        assert (getattr(facets, name) == getattr(wanted, name)).all()
    check_everything(again)
    u = np.random.default_rng(0).uniform(-1, 1, (20, dim))
    assert (again.locate(u) == part.locate(u)).all()
    assert (again.decision_boundary().vertices == part.decision_boundary().vertices).all()
    assert (again.sharpened().vertices == part.sharpened().vertices).all()
    assert (again.region(0).exact_vertices == part.region(0).exact_vertices).all()


def test_domains_of_all_kinds_come_back(tmp_path: Path) -> None:
    net = mlp(4, [4, 5, 2])
    points = np.random.default_rng(0).integers(-4, 5, (6, 4)).astype(float)
    basis = np.eye(4)[:, :3]
    for domain in (
        cpwl.Domain.segment(points[0], points[1]),
        cpwl.Domain.simplex(*points[:4]),
        cpwl.Domain.through(*points[:4]),
        cpwl.Domain.hull(points[:, :3], np.zeros(4), basis),
    ):
        cpwl.partition(net, domain).save(tmp_path / "part.npz")
        again = cpwl.load(tmp_path / "part.npz").domain
        assert (again.polytope.vertices == domain.polytope.vertices).all() and again.shape == domain.shape
        assert (again.origin == domain.origin).all() and (again.basis == domain.basis).all()


def changed(path: Path, change: dict[str, Any]) -> None:
    """The same file with other arrays, of which its header knows."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("header").tobytes())
    for name, of in change.items():
        arrays[name] = of(arrays[name].copy())
        header["arrays"][name] = [str(arrays[name].dtype), list(arrays[name].shape)]
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


def with_entry(place: int, value: int) -> Any:
    def change(values: Any) -> Any:
        values.flat[place] = value
        return values

    return change


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("arrangement.boundary.1.values", lambda v: np.where(np.arange(len(v)) == 0, v[1], v), "each once"),
        ("arrangement.boundary.2.values", lambda v: np.where(v == 0, v.max(), v), "boundary.2"),
        ("arrangement.boundary.3.values", lambda v: np.roll(v, 1), "boundary.3"),
        ("arrangement.boundary.2.values", lambda v: v[[-1, *range(1, len(v) - 1), 0]], "has a gap"),
        ("arrangement.boundary.3.values", lambda v: v[[-1, *range(1, len(v) - 1), 0]], "has a gap"),
        ("arrangement.wall", with_entry(0, 10**6), "wall"),
        ("arrangement.dim", lambda v: v - 1, "dim|shape|boundary"),
        ("arrangement.dim", lambda v: v + 1, "dim|shape|boundary"),
        ("domain.vertices", lambda v: v[::-1].copy() * 0, "vertices|hyperplane|lo must be"),
        ("domain.vertices", lambda v: np.concatenate([v, np.zeros((1, 3))]), "domain.vertices"),
        ("domain.basis", lambda v: v * 0, "basis"),
    ],
)
def test_arrays_that_are_those_of_no_lattice_are_refused(
    name: str, change: Any, said: str, backend: str, tmp_path: Path
) -> None:
    path = tmp_path / "part.npz"
    part_of(3, backend).save(path)
    changed(path, {name: change})
    with pytest.raises(FileFormatError, match=said):
        cpwl.load(path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_damaged_and_forged_files_give_a_partition_or_an_error_of_the_library(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    part_of(3, backend).save(path)
    content, draw, found = path.read_bytes(), Draw(0), set()
    for k in range(160):
        path.write_bytes((changed_arrays if k % 2 else changed_bytes)(content, draw))
        try:
            part = cpwl.load(path)
            found.add("object")
            part.facets(), part.volumes(), part.statistics()
        except CpwlError as error:
            found.add(type(error).__name__)
    assert "FileFormatError" in found
