"""Lattices in float64: the compiled loops and the array operations beside them give the same, and both what is so."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.backends.lattice.cut import Crossing
from cpwl.backends.torch.backend import TorchBackend
from cpwl.backends.torch.fields.field import FloatField, Scaled
from cpwl.backends.torch.refinement.prolong import Points
from cpwl.backends.torch.solid import arrangement as solid
from cpwl.backends.torch.solid.arrangement import TorchLatticeArrangement
from cpwl.backends.torch.solid.growing_field import GrowingField
from cpwl.backends.torch.solid.kernels import compiled
from cpwl.backends.torch.solid.kernels.choice import KERNELS
from cpwl.backends.torch.solid.kernels.kernel import Kernel, Levels
from cpwl.backends.torch.solid.kernels.operations import ArrayOperations
from cpwl.errors import NumericalRangeError
from cpwl.network import Network
from tests.support.blocks import same_regions, small  # noqa: F401
from tests.support.families import in_dimension
from tests.support.networks import mlp
from tests.support.solids import check_lattice

EACH = pytest.mark.parametrize("kernel", KERNELS, ids=[type(kernel).__name__ for kernel in KERNELS])
DIMENSIONS = pytest.mark.parametrize("dim", [1, 3, 4, 5])


LARGE = {2, 30, 31, 40}
"""Seeds of networks with many faces in dimension 5; their families come with other seeds."""


def box(dim: int, half: float = 1.0) -> cpwl.Domain:
    return cpwl.Domain.box([-half] * dim, [half] * dim)


@contextmanager
def by(kernel: Kernel) -> Iterator[None]:
    """All refinements by one kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solid, "kernel_for", lambda values: kernel)
        yield


def both_ways(network: Network, domain: cpwl.Domain, **options: Any) -> list[cpwl.Partition]:
    found = []
    for kernel in KERNELS:
        with by(kernel):
            found.append(cpwl.partition(network, domain, **options))
    return found


def test_the_loops_are_compiled_where_everything_must_be_tested() -> None:
    assert compiled.enabled or "CI" not in os.environ


def test_rows_on_the_cpu_are_cut_by_the_loops() -> None:
    values = torch.zeros(1, 1, dtype=torch.float64)
    assert solid.kernel_for(values) is KERNELS[0 if compiled.enabled else 1]
    assert isinstance(solid.kernel_for(values.to("meta")), ArrayOperations)


# ---- one result, whoever computes it ---------------------------------------------------------------------------------
def assert_alike(one: cpwl.Partition, other: cpwl.Partition) -> None:
    """Faces, walls and rows bit by bit; bounds in the 2-norm up to the rounding of a sum."""
    mine, theirs = one.arrangement, other.arrangement
    assert isinstance(mine, TorchLatticeArrangement) and isinstance(theirs, TorchLatticeArrangement)
    for a, b in zip(mine.lattice.boundary, theirs.lattice.boundary, strict=True):
        assert np.array_equal(a.values, b.values) and np.array_equal(a.offsets, b.offsets)
    for name in ("wall", "generation"):
        assert np.array_equal(getattr(mine.lattice, name), getattr(theirs.lattice, name))
    assert np.array_equal(mine.parents, theirs.parents) and np.array_equal(mine.ambiguous, theirs.ambiguous)
    assert np.array_equal(one.patterns(), other.patterns())
    assert np.array_equal(one.vertices, other.vertices, equal_nan=True)
    assert np.allclose(one.vertex_errors(), other.vertex_errors(), rtol=1e-10, atol=0)
    assert np.array_equal(one.outputs.to_numpy(), other.outputs.to_numpy(), equal_nan=True)
    assert np.allclose(one.outputs.errors(), other.outputs.errors(), rtol=1e-10, atol=0)


@pytest.mark.parametrize("predicates", ["exact", "float"])
@pytest.mark.parametrize(
    ("seed", "dim"), [(seed, dim) for dim in (1, 3, 4, 5) for seed in range(42) if dim < 5 or seed not in LARGE]
)
def test_degenerate_networks_are_cut_alike(seed: int, predicates: Any, dim: int) -> None:
    """Those that float64 cannot hold are refused alike; a failed check of the library's own is no refusal."""
    degenerate = in_dimension(seed, dim)
    try:
        found = both_ways(degenerate.network, degenerate.domain, predicates=predicates)
    except NumericalRangeError:
        with pytest.raises(NumericalRangeError), by(KERNELS[1]):
            cpwl.partition(degenerate.network, degenerate.domain, predicates=predicates)
        return
    assert_alike(*found)
    if predicates == "float":
        check_lattice(found[0], dim)


@pytest.mark.parametrize(("widths", "half"), [([3, 12, 12, 1], 1.0), ([1, 200, 70, 3], 1.0), ([3, 80, 130, 2], 0.02)])
def test_generic_networks_are_cut_alike(widths: list[int], half: float) -> None:
    """Also with more columns than a word has bits, and no multiple of them."""
    assert_alike(*both_ways(mlp(5, widths), box(widths[0], half)))


@DIMENSIONS
@pytest.mark.parametrize("seed", range(14))
def test_degenerate_networks_have_the_regions_of_exact_arithmetic(seed: int, dim: int) -> None:
    if dim == 5:
        seed = 14 * (seed % 3) + seed  # not all mixtures: exact arithmetic takes seconds there
    degenerate = in_dimension(seed, dim)
    quick = cpwl.partition(degenerate.network, degenerate.domain)
    exact = cpwl.partition(degenerate.network, degenerate.domain, backend="exact")
    assert by_pattern(quick) == by_pattern(exact)
    assert [len(quick.arrangement.faces(k)) for k in range(dim)] == [
        len(exact.arrangement.faces(k)) for k in range(dim)
    ]
    assert not len(quick.ambiguous)


def by_pattern(part: cpwl.Partition) -> Counter[tuple[bytes, int]]:
    corners = np.diff(part.arrangement.regions.offsets).tolist()
    return Counter((row.tobytes(), count) for row, count in zip(part.patterns(), corners, strict=True))


@EACH
@pytest.mark.parametrize("seed", range(42))
def test_in_the_plane_lattices_have_the_regions_of_the_planar_arrangement(seed: int, kernel: Kernel) -> None:
    degenerate = in_dimension(seed, 2)
    planar = cpwl.partition(degenerate.network, degenerate.domain)
    with pytest.MonkeyPatch.context() as patch, by(kernel):
        patch.setattr(TorchBackend, "arrangement", lambda self, polytope: TorchLatticeArrangement.of(polytope))
        patch.setattr(TorchBackend, "sweeping", lambda self, network, domain, exact: self.arithmetic)
        lattice = cpwl.partition(degenerate.network, degenerate.domain)
    assert isinstance(lattice.arrangement, TorchLatticeArrangement)
    assert by_pattern(lattice) == by_pattern(planar)
    assert len(lattice.vertices) == len(planar.vertices)
    assert np.isclose(lattice.volumes().sum(), planar.volumes().sum(), rtol=1e-9)


# ---- lines -----------------------------------------------------------------------------------------------------------
@EACH
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_no_vertex_is_farther_from_old_ones_than_the_dimension(
    dim: int, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps from the vertices that it lies between, however many columns cut: bounds do not grow with these."""
    made: list[tuple[int, list[Any]]] = []
    plan = solid.Prolongation.of

    def noted(old: int, batches: Any, *more: Any) -> Any:
        made.append((old, batches))
        return plan(old, batches, *more)

    monkeypatch.setattr(solid.Prolongation, "of", noted)
    polytope = box(dim).polytope
    columns = np.random.default_rng(3).normal(size=(30 if dim < 4 else 16, dim))
    arrangement = TorchLatticeArrangement.of(polytope)
    with by(kernel):
        levels = cpwl.arrays.ragged.Ragged.from_counts(
            np.random.default_rng(4).uniform(-1, 1, len(columns)), np.ones(len(columns), np.int64)
        )
        arrangement.refine(arrangement.field(arrangement.vertices @ columns.T), levels)
    ((old, batches),) = made
    depth = np.zeros(old, np.int64)
    for points in batches:
        ends = np.maximum(depth[points.first.numpy()], depth[points.second.numpy()])
        depth = np.concatenate([depth, ends + 1])
    assert depth.max() == dim


# ---- what is not a number is not certain -----------------------------------------------------------------------------
def rows_of(values: Any, error: float) -> tuple[GrowingField, Levels]:
    table = torch.tensor(values, dtype=torch.float64)
    bounds = torch.full((len(table),), error, dtype=torch.float64)
    scaled = Scaled(torch.ones(table.shape[1], dtype=torch.float64), bounds, torch.ones_like(bounds))
    names = torch.arange(table.shape[1])
    return GrowingField(FloatField(table, bounds), scaled), Levels(names, torch.zeros(len(names), dtype=torch.float64))


@EACH
@pytest.mark.parametrize(
    ("value", "error", "certain"),
    [
        (2.0, 1.0, True),
        (-2.0, 1.0, True),
        (0.0, 0.0, True),
        (1.0, 1.0, False),
        (np.nan, 1.0, False),
        (2.0, np.nan, False),
        (2.0, np.inf, False),
        (np.inf, np.inf, False),
    ],
)
def test_a_sign_is_certain_beyond_its_bound_alone(value: float, error: float, certain: bool, kernel: Kernel) -> None:
    rows, columns = rows_of([[value, 5.0], [5.0, value]], error)
    found = kernel.signs(rows, columns, 0, np.array([[0b01], [0b10]], np.uint64))
    open_ = [] if certain else [(0, 0), (1, 1)]
    assert list(zip(found.vertex.tolist(), found.column.tolist())) == open_
    if certain:
        assert found.below.ravel().tolist() == ([1, 2] if value < 0 else [0, 0])
        assert found.above.ravel().tolist() == ([1, 2] if value > 0 else [0, 0])


@EACH
@pytest.mark.parametrize("error", [0.0, 0.25, 1.25, np.nan, np.inf])
@pytest.mark.parametrize("far", [3.0, -3.0, 0.0, np.nan])
def test_lines_are_gone_along_where_the_column_is_certainly_on_both_sides(
    far: float, error: float, kernel: Kernel
) -> None:
    """Edge (0, 1), on a line from vertex 2 to vertex 3, where the column has the value ``far``; and with no line."""
    rows, columns = rows_of([[-1.0], [1.0], [-3.0], [far]], error)
    ones, none = np.array([0, 0]), np.array([-1, 2])
    crossing = Crossing(
        None,
        3,
        0,
        np.arange(2),
        np.arange(2),
        (ones, ones + 1),
        (none, np.array([-1, 3])),  # type: ignore[arg-type]
    )
    points = kernel.positions(rows, columns, crossing)
    along = far == 3.0 and error < 3
    assert points.first.tolist() == [0, 2 if along else 0] and points.second.tolist() == [1, 3 if along else 1]
    assert points.position.tolist() == [0.5, 0.5]
    assert all((slack == 1.0) == (not error < 1 and not (along and k)) for k, slack in enumerate(points.slack.tolist()))


@EACH
def test_a_row_between_others_has_the_bounds_of_both(kernel: Kernel) -> None:
    random = np.random.default_rng(0)
    for columns in (1, 2, 3, 4, 5, 8, 31):
        rows, _ = rows_of(random.normal(size=(4, columns)).tolist(), 2.0**-30)
        first, second = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 3])
        position = torch.tensor([0.25, 0.5, 0.875], dtype=torch.float64)
        start = rows.grow(3)
        points = Points.of(first, second, first, position, position * 2.0**-20)
        kernel.interpolate(rows, start, points)
        old, new = rows.values[:4].numpy(), rows.values[4:].numpy()
        t = position.numpy()[:, None]
        assert np.allclose(new, (1 - t) * old[:3] + t * old[1:4], rtol=1e-14, atol=1e-15)
        step = old[1:4] - old[:3]
        reach = t[:, 0] * 2.0**-20
        for bound, size in ((rows.error, np.linalg.norm(step, axis=1)), (rows.scaled.error, np.abs(step).max(axis=1))):
            expected = 2.0**-30 + reach * (size + 2.0**-29)
            assert np.allclose(bound[4:].numpy(), expected, rtol=1e-5, atol=0)
            assert (bound[4:].numpy() >= expected).all()


@EACH
def test_what_is_not_a_number_stays_so_in_rows_and_bounds(kernel: Kernel) -> None:
    rows, _ = rows_of([[1.0, np.nan, 2.0, 3.0, 1.0], [2.0, 1.0, 1.0, 1.0, 1.0]], 0.5)
    start = rows.grow(1)
    one, half = torch.tensor([0]), torch.tensor([0.5], dtype=torch.float64)
    points = Points.of(one, one + 1, one, half, half)
    kernel.interpolate(rows, start, points)
    assert torch.isnan(rows.values[2, 1]) and not bool(rows.scaled.error[2] < torch.inf)


# ---- what comes out --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_coordinates_are_where_walls_meet(dim: int) -> None:
    network = mlp(8, [dim, 5, 4, 1])
    quick, exact = (cpwl.partition(network, box(dim), backend=name) for name in ("torch", "exact"))
    sharp = quick.sharpened()
    order = [{row.tobytes(): k for k, row in enumerate(part.patterns())} for part in (sharp, exact)]
    for pattern, k in order[0].items():
        mine = sharp.vertices[sharp.arrangement.regions[k]]
        theirs = exact.vertices[exact.arrangement.regions[order[1][pattern]]].astype(float)
        apart = np.abs(mine[:, None] - theirs[None]).max(axis=2)
        assert (apart.min(axis=1) <= 2.0**-52).all()
    assert (sharp.vertex_errors() <= 2.0**-50).all()


@pytest.mark.parametrize("dim", [1, 3, 4])
@pytest.mark.parametrize("maximum", [False, True])
def test_blocks_make_no_difference(dim: int, maximum: bool, small: Any) -> None:  # noqa: F811
    network = in_dimension(30 + 14 * maximum, dim).network if maximum else mlp(2, [dim, 14, 10, 1])
    whole = cpwl.partition(network, box(dim))
    small(40)
    blocks = cpwl.partition(network, box(dim))
    assert blocks.arrangement.euler == 1
    same_regions(whole, blocks)


def test_values_that_are_known_exactly_stay_so_through_what_does_not_round() -> None:
    """Inputs of sizes that differ, clipped and scaled to 1, have bounds of their own size: not those of the largest."""
    scale = np.array([56000.0, 3.0, 2.0**-20])
    plain = mlp(4, [3, 8, 8, 2])
    nodes = [
        cpwl.network.Node(cpwl.network.Input(), (), (3,), "input"),
        cpwl.network.Node(cpwl.network.Scale(np.array(1.0), scale), (0,), (3,), "raised"),
        cpwl.network.Node(cpwl.network.RELU, (1,), (3,), "clip"),
        cpwl.network.Node(cpwl.network.Scale(np.array(1.0), -scale), (2,), (3,), "lowered"),
        cpwl.network.Node(cpwl.network.Scale(1 / scale, np.zeros(3)), (3,), (3,), "normalised"),
    ]
    inner = [
        cpwl.network.Node(node.op, tuple(j + 4 for j in node.inputs), node.shape, node.name) for node in plain.nodes[1:]
    ]
    network = Network((*nodes, *inner))
    found = cpwl.partition(network, cpwl.Domain.box(-scale, scale))
    beside = cpwl.partition(plain, box(3))
    assert len(found) == len(beside)
    assert found.outputs.errors().max() < 100 * beside.outputs.errors().max()
    exact = cpwl.evaluate(network, [found.to_input(u) for u in found.vertices[:50]], backend="exact").astype(float)
    assert (np.linalg.norm(found.outputs.to_numpy()[:50] - exact, axis=1) <= found.outputs.errors()[:50] + 1e-3).all()


def test_rows_are_the_functions_that_cut() -> None:
    """The rows of a refinement are the functions at its vertices, and zero where they are cut."""
    arrangement = TorchLatticeArrangement.of(box(3).polytope)
    columns = np.random.default_rng(1).normal(size=(9, 3))
    levels = cpwl.arrays.ragged.Ragged.from_counts(np.zeros(9), np.ones(9, np.int64))
    for kernel in KERNELS:
        with by(kernel):
            found = arrangement.refine(arrangement.field(arrangement.vertices @ columns.T), levels)
        rows = found.cutting(None)
        assert isinstance(found.arrangement, TorchLatticeArrangement)
        assert np.allclose(rows.to_numpy(), found.arrangement.vertices @ columns.T, rtol=0, atol=1e-13)
        assert (rows.to_numpy()[np.arange(8, rows.rows), found.created.column] == 0).all()


# ---- what holds vertices -------------------------------------------------------------------------------------------
@EACH
@DIMENSIONS
@pytest.mark.parametrize("seed", [3, 8, 21])
def test_a_vertex_is_on_the_walls_of_the_facets_of_its_region_that_have_it(seed: int, dim: int, kernel: Kernel) -> None:
    case = in_dimension(seed, dim)
    lattice = cpwl.partition(case.network, case.domain).arrangement.lattice
    vertices = np.random.default_rng(seed).permutation(lattice.vertices)[::2]
    region, walls = kernel.walls_at(lattice, vertices)
    facets, corners = lattice.boundary[-1], lattice.corners(dim - 1)
    for vertex, cell, wall in zip(vertices.tolist(), region.tolist(), walls, strict=True):
        beside = [facet for facet in facets[cell].tolist() if vertex in corners[facet]]
        assert beside and wall.tolist() == sorted(set(lattice.wall[beside].tolist()))


@EACH
@DIMENSIONS
@pytest.mark.parametrize("seed", [3, 8, 21])
def test_the_region_is_the_first_that_has_most_of_the_vertices(seed: int, dim: int, kernel: Kernel) -> None:
    case = in_dimension(seed, dim)
    lattice = cpwl.partition(case.network, case.domain).arrangement.lattice
    vertices = np.random.default_rng(seed).permutation(lattice.vertices)[::2]
    wanted, corners = set(vertices.tolist()), [set(row.tolist()) for row in lattice.corners(dim)]
    region, _ = kernel.walls_at(lattice, vertices)
    for vertex, cell in zip(vertices.tolist(), region.tolist(), strict=True):
        having = [i for i, row in enumerate(corners) if vertex in row]
        assert cell == max(having, key=lambda i: (len(corners[i] & wanted), -i))


# ---- lists of blocks -----------------------------------------------------------------------------------------------
@EACH
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_lists_of_blocks_come_to_their_places(count: int, dtype: Any, kernel: Kernel) -> None:
    """Empty ones too; and nothing else is written."""
    random = np.random.default_rng(count)
    lists = [random.integers(0, 9, random.integers(0, 6)).tolist() for _ in range(count)]
    given, number, fresh = Ragged.of(lists, dtype), random.permutation(100)[:9], random.random(count) < 0.6
    renumbered = [number[row].tolist() for row in given]
    first = Ragged.of([[7, 7, 7], *(row for row, new in zip(renumbered, fresh, strict=True) if new)])
    values, ends = np.full(len(first.values) + 2, 7), np.full(len(first) + 1, 3)
    assert kernel.lay_first(given, number, fresh, values, ends, (1, 3)) == (len(first), len(first.values))
    assert values.tolist() == [*first.values.tolist(), 7, 7]
    assert ends.tolist() == [*first.offsets[1:].tolist(), 3]
    order = random.permutation(count)
    starts, values = np.zeros(count, np.int64), np.full(len(given.values) + 1, 7)
    starts[order] = np.cumsum(given.counts[order]) - given.counts[order]
    kernel.lay(given, number, starts, values)
    assert values.tolist() == [*(member for i in order for member in renumbered[i]), 7]


@EACH
@DIMENSIONS
@pytest.mark.parametrize("seed", [3, 8, 21])
def test_corners_of_faces_are_all_vertices_of_what_bounds_them(seed: int, dim: int, kernel: Kernel) -> None:
    case = in_dimension(seed, dim)
    lattice = cpwl.partition(case.network, case.domain).arrangement.lattice
    below = [{vertex} for vertex in range(lattice.vertices)]
    for k in range(dim + 1):
        corners = kernel.corners(lattice, k)
        assert [row.tolist() for row in corners] == [sorted(vertices) for vertices in below]
        if k < dim:
            below = [set().union(*(below[face] for face in faces.tolist())) for faces in lattice.boundary[k]]


# ---- cells that are cut though none of their faces is --------------------------------------------------------------
@EACH
@pytest.mark.parametrize("options", [{}, {"predicates": "float"}, {"backend": "exact"}], ids=str)
@pytest.mark.parametrize("dim", [3, 4, 5])
def test_a_cross_polytope_is_halved_along_its_own_edges(dim: int, options: Any, kernel: Kernel) -> None:
    """The hyperplane holds faces of every dimension below D - 1, and cuts none; a second one goes through its edges."""
    pytest.importorskip("cdd")
    domain = cpwl.Domain.hull(np.concatenate([np.eye(dim), -np.eye(dim)]))
    normals, outputs = np.concatenate([np.eye(dim)[-1:], np.ones((1, dim))]), np.ones((1, 2))
    with by(kernel):
        halves, quarters = (
            cpwl.partition(Network.mlp([normals[:k], outputs[:, :k]], [np.zeros(k), np.zeros(1)]), domain, **options)
            for k in (1, 2)
        )
    assert len(halves) == 2 and halves.arrangement.euler == 1 and len(halves.vertices) == 2 * dim
    assert len(halves.faces(dim - 1)) == 2**dim + 1
    assert len(quarters) == 4 and quarters.arrangement.euler == 1
