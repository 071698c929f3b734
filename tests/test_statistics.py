"""Statistics of regions: by hand on small complexes, against a plain loop on random ones."""

from __future__ import annotations

import csv
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.blocks import Blocks
from cpwl.domain import Domain
from cpwl.network import RELU, Dense, Network
from cpwl.partition import Partition, partition, partition_blocks
from cpwl.ragged import Ragged
from cpwl.statistics import COLUMNS, Statistics, eccentricities, statistics, statistics_of_blocks

BACKENDS = ("torch", "exact")


def random_partition(seed: int, backend: str = "torch") -> Partition:
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) for a, b in pairwise((2, 8, 8, 2))]
    net = Network.mlp(weights, [rng.standard_normal(len(w)) for w in weights])
    return partition(net, Domain.box([-1, -1], [1, 1]), backend=backend)


def halves(backend: str) -> Partition:
    """The rectangle [0, 4] x [0, 3] cut by its diagonal, into two triangles with sides 3, 4, 5."""
    net = Network.sequential(2, [Dense(np.array([[3.0, -4.0]]), np.zeros(1)), RELU])
    return partition(net, Domain.box([0, 0], [4, 3]), backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_triangles_have_the_statistics_computed_by_hand(backend: str) -> None:
    part = halves(backend)
    assert statistics(part).summary == {
        "regions": 2, "vertices": 4, "edges": 5, "ambiguous": len(part.ambiguous),
        "ARV": 6.0, "ANV": 3.0, "ARE": 5 / 3, "smallest area": 6.0, "largest area": 6.0,
    }  # fmt: skip


@given(st.integers(0, 50))
def test_eccentricities_are_those_of_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vertices = rng.standard_normal((12, int(rng.integers(1, 4))))
    regions = [rng.permutation(12)[: rng.integers(2, 13)] for _ in range(rng.integers(0, 8))]
    found = eccentricities(vertices, Ragged.of([list(region) for region in regions]))
    for region, value in zip(regions, found):
        distances = [np.linalg.norm(vertices[a] - vertices[b]) for a, b in combinations(region, 2)]
        assert np.isclose(value, max(distances) / min(distances), rtol=1e-12)


def test_a_region_whose_vertices_coincide_in_float64_has_infinite_eccentricity() -> None:
    vertices = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    assert eccentricities(vertices, Ragged.of([[0, 1, 2]])).tolist() == [np.inf]


@pytest.mark.parametrize("seed", range(3))
def test_euler_and_the_area_of_the_domain(seed: int) -> None:
    found = random_partition(seed).statistics()
    assert found.vertices - found.edges + found.regions == 1
    assert np.isclose(found.areas.sum(), 4) and np.isclose(found.mean_area * found.regions, 4)
    assert found.corners.sum() == 2 * found.edges - (random_partition(seed).facets().regions[:, 1] < 0).sum()


@pytest.mark.parametrize("seed", range(3))
def test_both_backends_give_the_same_statistics(seed: int) -> None:
    one, other = (statistics(random_partition(seed, backend)).summary for backend in BACKENDS)
    assert one.keys() == other.keys()
    assert np.allclose(list(one.values()), list(other.values()), rtol=1e-6)


def test_the_table_in_a_file_is_that_of_rows(tmp_path: Path) -> None:
    found = statistics(random_partition(0))
    found.to_csv(tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    comments = [line[2:].split(": ") for line in lines if line.startswith("# ")]
    assert {name: float(value) for name, value in comments} == found.summary
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    assert tuple(header) == COLUMNS
    assert [tuple(map(float, row)) for row in rows] == list(found.rows())


def test_ambiguous_regions_are_marked() -> None:
    marked = Statistics(np.ones(2), np.full(2, 3), np.ones(2), np.array([False, True]), 4, 5)
    assert [row[-1] for row in marked.rows()] == [0, 1] and marked.summary["ambiguous"] == 1


# ---- block by block ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rows", [6, 20, 1 << 40])
def test_statistics_of_blocks_are_those_of_the_whole(backend: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = random_partition(3, backend)
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=rows)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    found = statistics_of_blocks(partition_blocks(whole.network, whole.domain, backend=backend))
    wanted = whole.statistics()
    assert found.summary == pytest.approx(wanted.summary, rel=1e-9)
    for name in ("regions", "vertices", "edges", "ambiguous"):
        assert found.summary[name] == wanted.summary[name]
    assert found.corners.tolist() == np.bincount(wanted.corners).tolist()
