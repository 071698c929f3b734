"""Statistics of regions: by hand on small complexes, against a plain loop on random ones."""

from __future__ import annotations

import csv
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl.arrays.ragged import Ragged
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Network
from cpwl.partitions.compute import partition, partition_blocks
from cpwl.partitions.partition import Partition
from cpwl.statistics.slopes import ACCURACY, slope_norms, solved
from cpwl.statistics.statistics import COLUMNS, Statistics, eccentricities, statistics, statistics_of_blocks
from cpwl.tiling.blocks import Blocks
from tests.support.networks import layered

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
        "regions": 2, "vertices": 4, "edges": 5, "ambiguous": len(part.ambiguous), "density": 1 / 6,
        "ARV": 6.0, "ANV": 3.0, "ARE": 5 / 3, "smallest area": 6.0, "largest area": 6.0,
        "mean slope": 2.5, "largest slope": 5.0,
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
    marked = Statistics(np.ones(2), np.full(2, 3), np.ones(2), np.ones(2), np.array([False, True]), 4, 5)
    assert [row[-1] for row in marked.rows()] == [0, 1] and marked.summary["ambiguous"] == 1


def test_the_frame_is_the_table_of_rows_with_the_summary_beside_it() -> None:
    found = statistics(random_partition(0))
    table = found.to_frame()
    assert (table.index.name, *table.columns) == COLUMNS and table.attrs == found.summary
    assert list(table.itertuples(name=None)) == list(found.rows())


@pytest.mark.parametrize("domain", [Domain.box([-1, -1], [1, 1]), Domain.polygon([[0, 0], [2, 0], [1, 3], [-1, 1]])])
def test_regions_of_a_quadrilateral_in_general_position_have_four_vertices_on_average(domain: Domain) -> None:
    """A vertex inside is one of 4 regions, one on the border of 2, a corner of 1; R = 1 + inside + border / 2."""
    assert statistics(partition(random_partition(5).network, domain)).mean_corners == 4


# ---- slopes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@given(pair=layered(outputs=2))
@settings(max_examples=25)
def test_slopes_are_the_norms_of_the_affine_maps(backend: str, pair: Any) -> None:
    part = partition(pair.network, Domain.box([-1, -1], [1, 1]), backend=backend)
    wanted = np.linalg.norm(part.affine_maps()[0].astype(np.float64), axis=(1, 2))
    assert np.allclose(slope_norms(part), wanted, rtol=ACCURACY, atol=0 if backend == "exact" else 1e-12)


def test_slopes_of_slivers_are_as_good_as_others() -> None:
    """A strip of width 2^-40 with a slope of its own, far from the origin: values at its vertices say little."""
    rows = np.array([[1.0, 0.0], [1.0, 0.0]])
    ops = [Dense(rows, np.array([-1 / 3, -1 / 3 - 2.0**-40])), RELU, Dense(np.array([[1.0, -4.0]]), np.array([1000.0]))]
    part = partition(Network.sequential(2, ops), Domain.box([-1, -1], [1, 1]))
    assert np.allclose(np.sort(slope_norms(part)), [0, 1, 3], rtol=1e-12, atol=0)


def test_values_at_vertices_are_refused_where_their_bounds_prove_too_little() -> None:
    """A right triangle with legs 1; errors of the values of 1e-3 leave an error of about as much in the slope."""
    places, values = np.array([[[0.0, 0], [1, 0], [0, 1]]]), np.array([[[0.0], [3], [4]]])
    for error, low, high in ((0.0, 0, 1e-12), (1e-3, 1e-3, 1e-1)):
        found, bound = solved(places, values, np.zeros((1, 3)), np.full((1, 3), error))
        assert np.isclose(found[0], 5) and low <= bound[0] <= high
    assert solved(places, values, np.full((1, 3), 0.2), np.zeros((1, 3)))[1][0] == np.inf


@given(st.integers(0, 10**6))
def test_the_bound_on_slopes_holds_for_perturbed_triangles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, values = rng.standard_normal((1, 3, 2)), rng.standard_normal((1, 3, 2))
    size = 10.0 ** rng.uniform(-8, -1, 2)
    moved, changed = (size[k] * rng.uniform(-1, 1, (1, 3, 2)) for k in (0, 1))
    errors = [np.linalg.norm(x, axis=2) for x in (moved, changed)]
    exact, _ = solved(places, values, np.zeros((1, 3)), np.zeros((1, 3)))
    found, bound = solved(places + moved, values + changed, *errors)
    assert abs(found[0] - exact[0]) <= bound[0]


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
