"""Folders of regions in dimensions other than two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import cpwl
from cpwl.tiling.blocks import Blocks
from tests.support.networks import mlp
from tests.support.parquet import table


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=40)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    return iter(())


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_a_folder_holds_the_regions_and_goes_on_where_it_was_stopped(
    dim: int, backend: str, small: Any, tmp_path: Path
) -> None:
    net, domain = mlp(5, [dim, 8, 5, 2], bias=0.5), cpwl.Domain.box(-np.ones(dim), np.ones(dim))
    part = cpwl.partition(net, domain, backend=backend)
    first = cpwl.write_partition(net, domain, tmp_path / "regions", backend=backend, max_regions=10)
    assert first.complete == (dim == 1)
    written = cpwl.write_partition(net, domain, tmp_path / "regions", backend=backend, resume=True)
    assert written.complete and written.regions == len(part) and np.isclose(written.area, 2.0**dim)
    whole = cpwl.write_partition(net, domain, tmp_path / "whole", backend=backend)
    assert whole.digests == written.digests
    rows = table(tmp_path / "regions")
    coordinates = [f"u{k + 1}" for k in range(dim)]
    assert {"volume", *coordinates} <= set(rows) and not {"geometry", "area", "x", "y"} & set(rows)
    assert sorted(rows["vertices"]) == sorted(part.regions.counts.tolist())
    assert np.allclose(sorted(rows["volume"]), np.sort(part.volumes().astype(float)))
    schema = pyarrow.parquet.read_schema(next((tmp_path / "regions").glob("part-*.parquet")))
    assert b"geo" not in schema.metadata and json.loads(schema.metadata[b"cpwl"])["outputs"] == 2
    for k in range(0, len(part), 11):  # the map of a row is that of its region at its corners
        corners = np.stack([rows[name][k] for name in coordinates], axis=1)
        weight = np.reshape(rows["A"][k], (2, dim))
        values = corners @ weight.T + rows["b"][k]
        assert np.allclose(values, cpwl.evaluate(net, corners), atol=1e-9)
    found, wanted = cpwl.statistics_of_folder(tmp_path / "regions").summary, part.statistics().summary
    for name in ("regions", "ANV", "ARE", "ARV", "mean slope", "largest slope"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-9)
