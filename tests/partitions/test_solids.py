"""Partitions of every dimension: both backends agree, slices of one are partitions of slices, counts by other means."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl import nn
from cpwl.errors import BordersDifferError, IncompleteError
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Piecewise
from cpwl.tiling import maximum
from cpwl.tiling.blocks import Blocks
from tests.support.agreement import disagreements
from tests.support.blocks import Here
from tests.support.families import spread
from tests.support.networks import ACTIVATIONS, mlp
from tests.support.solids import (
    DIMENSIONS,
    box,
    check_everything,
    check_lattice,
    check_volumes,
    patterns_across,
    patterns_by_programs,
    restricted,
)

BACKENDS = ("torch", "exact")


def cube(dim: int, size: float = 2.0) -> cpwl.Domain:
    return cpwl.Domain.box(-size * np.ones(dim), size * np.ones(dim))


def drawn(seed: int, widths: list[int], numbers: str, activation: str = "relu", *, bias: bool = True) -> Network:
    """A chain of dense layers and activations with weights of some kind."""
    random = np.random.default_rng((seed, *widths))
    nodes = [Node(Input(), (), (widths[0],), "input")]
    for columns, rows in pairwise(widths):
        table = {
            "integers": lambda r=rows, c=columns: random.integers(-2, 3, (r, c + 1)).astype(float),
            "ternary": lambda r=rows, c=columns: random.integers(-1, 2, (r, c + 1)).astype(float),
            "thirds": lambda r=rows, c=columns: random.integers(-4, 5, (r, c + 1)) / 3,
            "generic": lambda r=rows, c=columns: random.standard_normal((r, c + 1)),
        }[numbers]()
        offsets = table[:, -1] if bias else np.zeros(rows)
        nodes.append(Node(Dense(table[:, :-1].copy(), offsets.copy()), (len(nodes) - 1,), (rows,), "dense"))
        if rows != widths[-1] or columns != widths[-2]:
            nodes.append(Node(ACTIVATIONS[activation], (len(nodes) - 1,), (rows,), activation))
    return Network(tuple(nodes))


# ---- both backends -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dim", "seeds"), [(1, range(45)), (3, range(30)), (4, range(4))])
def test_degenerate_networks_have_the_regions_vertices_and_boundaries_of_exact_arithmetic(
    dim: int, seeds: range
) -> None:
    for seed in seeds:
        found = spread(seed, dim)
        assert not disagreements(found.network, found.domain), found.name


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("numbers", ["integers", "thirds", "generic"])
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_all_laws_of_partitions_hold(dim: int, numbers: str, backend: str) -> None:
    for seed, activation in enumerate(["relu", "abs", "hardtanh"] if dim > 1 else ACTIVATIONS):
        widths = [dim, 5, 2, 2] if dim > 1 else [1, 6, 6, 2]
        net = drawn(seed, widths, numbers, activation, bias=seed % 2 == 0)
        check_everything(cpwl.partition(net, cube(dim), backend=backend))


def test_five_dimensions_at_once() -> None:
    net = drawn(0, [5, 4, 2, 1], "integers")
    assert not disagreements(net, cube(5))
    check_everything(cpwl.partition(net, cube(5)))


# ---- counts by other means -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("dim", "widths"), [(1, [5, 4]), (3, [4, 3]), (4, [4, 2])])
@pytest.mark.parametrize("numbers", ["integers", "ternary", "thirds"])
def test_the_patterns_are_those_that_exact_linear_programs_find(
    dim: int, widths: list[int], numbers: str, backend: str
) -> None:
    for seed in range(2):
        activation = list(ACTIVATIONS)[2 * seed if numbers == "integers" else 0]
        net = drawn(seed, [dim, *widths, 1], numbers, activation, bias=seed != 1)
        part = cpwl.partition(net, cube(dim), backend=backend)
        assert {tuple(row) for row in part.patterns().tolist()} == patterns_by_programs(net, cube(dim).polytope)


# ---- restriction ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dim", "axis"), [(3, 0), (3, 1), (3, 2), (4, 1), (2, 0)])
@pytest.mark.parametrize("numbers", ["integers", "generic"])
def test_a_slice_of_a_partition_is_the_partition_of_the_slice(dim: int, axis: int, numbers: str) -> None:
    """Planes of solids are planar partitions, and lines of planes the partitions of lines."""
    for seed in range(3):
        net = drawn(seed, [dim, 6, 3, 2] if dim < 4 else [4, 4, 3, 2], numbers)
        whole = cpwl.partition(net, cube(dim), backend="exact")
        value = 0.3 + 0.1 * seed  # a float64 number on which no facet of these networks lies
        part = cpwl.partition(net, restricted(cube(dim), axis, value))
        assert {row.tobytes() for row in part.patterns()} == patterns_across(whole, axis, value)
        inner = np.stack([part.vertices[row].astype(float).mean(axis=0) for row in part.regions])
        found = whole.locate(part.to_input(inner))
        assert (whole.patterns(found) == part.patterns()).all()


@pytest.mark.parametrize("dim", [1, 3, 4])
def test_every_point_has_the_map_of_its_region(dim: int) -> None:
    net = drawn(1, [dim, 6, 4, 2], "thirds")
    u = np.random.default_rng(0).integers(-8, 9, (40, dim)) / 4
    outputs = cpwl.evaluate(net, u, backend="exact")
    for backend in BACKENDS:
        part = cpwl.partition(net, cube(dim), backend=backend)
        found = part.locate(u)
        assert (found >= 0).all() and (part.locate(5 * np.ones((1, dim))) == -1).all()
        weights, biases = part.affine_maps(found)
        values = (weights * u[:, None]).sum(axis=2) + biases
        assert np.abs((values - outputs).astype(float)).max() < 1e-12
        sharp = part.sharpened()
        assert sharp.arrangement.is_sharp and (sharp.locate(u) == found).all()


# ---- all kinds of units --------------------------------------------------------------------------------------------
def largest(index: Any, weight: Any, bias: Any) -> Network:
    """The maxima of groups of affine functions, and the minimum of these."""
    groups = len(index)
    return Network(
        (
            Node(Input(), (), (weight.shape[1],), "x"),
            Node(Dense(weight, bias), (0,), (len(bias),), "functions"),
            Node(Gather(np.asarray(index)), (1,), np.shape(index), "groups"),
            Node(Max(), (2,), (groups,), "maxima"),
            Node(Dense(-np.eye(groups), np.zeros(groups)), (3,), (groups,), "negative"),
            Node(Gather(np.arange(groups)[None]), (4,), (1, groups), "group"),
            Node(Max(), (5,), (1,), "minus the minimum"),
        )
    )


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(("dim", "groups", "size"), [(1, 3, 6), (3, 2, 6), (3, 1, 12), (4, 2, 4), (4, 1, 7)])
def test_tournaments_with_ties_have_the_cells_of_exact_arithmetic(
    dim: int, groups: int, size: int, integer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when a few matches are played at a time, and what they cut too much is dissolved before the next."""
    for seed in range(2):
        random = np.random.default_rng((seed, dim, groups, size))
        count = groups * size
        weight = random.integers(-2, 3, (count, dim)).astype(float) if integer else random.standard_normal((count, dim))
        bias = random.integers(-2, 3, count).astype(float) if integer else random.standard_normal(count)
        index = random.integers(0, count, (groups, size)) if seed % 2 else np.arange(count).reshape(groups, size)
        net, wanted = largest(index, weight, bias), None
        for at_once in (96, 3):
            monkeypatch.setattr(maximum, "_AT_ONCE", at_once)
            monkeypatch.setattr(maximum, "_LARGE", 9 if at_once == 96 else 1)
            assert not disagreements(net, cube(dim))
            part = cpwl.partition(net, cube(dim), backend="exact")
            check_everything(part)
            found = sorted(zip(map(tuple, part.patterns().tolist()), part.volumes().tolist(), strict=True))
            assert wanted in (None, found)
            wanted = found


def test_the_cells_of_a_maximum_are_those_of_a_power_diagram() -> None:
    """Of the largest of n generic affine functions each cell is convex, with as many facets as cddlib finds."""
    random = np.random.default_rng(7)
    weight, bias = random.standard_normal((30, 3)), random.standard_normal(30) / 2
    part = cpwl.partition(largest(np.arange(30)[None], weight, bias), cube(3))
    inner = np.stack([part.vertices[row].mean(axis=0) for row in part.regions])
    assert part.patterns()[:, 0].tolist() == (inner @ weight.T + bias).argmax(axis=1).tolist()
    samples = random.uniform(-2, 2, (3000, 3))
    assert set((samples @ weight.T + bias).argmax(axis=1)) <= set(part.patterns()[:, 0].tolist())
    for i in range(len(part)):
        region = part.region(i)
        assert len(region.halfspaces) == len(region.facets) and len(region.exact_vertices) == len(region.vertices)


class Small(torch.nn.Module):
    """Convolutions, a residual connection, pooling, and units of several kinds."""

    def __init__(self, pool: type[torch.nn.Module]) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, 1, 3, padding=1)
        self.second = torch.nn.Conv2d(1, 1, 3, padding=1)
        self.pool = pool(2)
        self.last = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.leaky_relu(self.first(x), 0.25)
        x = torch.relu(self.second(x)) + x
        found: torch.Tensor = self.last(self.pool(x).flatten(1))
        return found


@pytest.mark.parametrize("pool", [torch.nn.MaxPool2d, torch.nn.AvgPool2d])
@pytest.mark.parametrize("dim", [1, 3])
def test_convolutions_with_skips_and_pooling_on_slices_of_images(dim: int, pool: Any) -> None:
    torch.manual_seed(dim)
    net = cpwl.compile(Small(pool).eval(), torch.zeros(1, 1, 4, 4))
    random = np.random.default_rng(dim)
    points = random.standard_normal((1, 1, 4, 4)) + (1.0 if dim == 1 else 0.1) * random.standard_normal(
        (dim + 1, 1, 4, 4)
    )
    domain = cpwl.Domain.through(*points.astype(np.float32).astype(float), margin=0.0)
    assert not disagreements(net, domain)
    check_everything(cpwl.partition(net, domain))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_periodic_activations_bend_wherever_they_reach(dim: int) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(dim, 2), nn.TriangleWave(), torch.nn.Linear(2, 1)).double()
    torch.nn.init.constant_(model[0].weight, 0.75)
    with torch.no_grad():
        model[0].weight[1, 0] = -0.5
        model[0].bias[:] = torch.tensor([0.1, 0.2])
    net = cpwl.compile(model.eval(), torch.zeros(1, dim, dtype=torch.float64))
    assert not disagreements(net, cube(dim))
    check_everything(cpwl.partition(net, cube(dim), backend="exact"))


# ---- blocks, budgets, executors ------------------------------------------------------------------------------------
@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=60)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    return iter(())


def same_faces(one: cpwl.Partition, other: cpwl.Partition) -> None:
    """Two partitions with the same regions by their patterns, faces of all dimensions by number, and volumes."""
    orders = [np.lexsort(part.patterns().T) for part in (one, other)]
    np.testing.assert_array_equal(one.patterns(orders[0]), other.patterns(orders[1]))
    for k in range(one.domain.dim + 1):
        assert len(one.faces(k)) == len(other.faces(k))
    assert one.regions.counts[orders[0]].tolist() == other.regions.counts[orders[1]].tolist()
    volumes = [part.volumes(order).astype(float) for part, order in zip((one, other), orders, strict=True)]
    assert np.allclose(*volumes, rtol=1e-9, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", [3, 4])
@pytest.mark.parametrize("numbers", ["integers", "generic"])
def test_blocks_come_together_to_what_is_found_without_them(
    dim: int, numbers: str, backend: str, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(1):
        net = drawn(seed, [dim, 7, 4, 2] if dim == 3 else [4, 6, 2, 2], numbers)
        parts = [cpwl.partition(net, cube(dim), backend=backend, executor=e) for e in (None, Here())]
        blocks = list(cpwl.partition_blocks(net, cube(dim), backend=backend))
        monkeypatch.undo()
        whole = cpwl.partition(net, cube(dim), backend=backend)
        sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=60)
        monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None, s=sizes: s))
        for part in parts:
            same_faces(part, whole)
            check_everything(part)
        assert len(blocks) > 1 and sum(map(len, blocks)) == len(whole)
        totals, wanted = cpwl.statistics_of_blocks(blocks), whole.statistics()
        assert (totals.regions, totals.vertices, totals.edges) == (wanted.regions, wanted.vertices, wanted.edges)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_what_a_budget_leaves_is_part_of_the_partition(dim: int, backend: str, small: Any) -> None:
    net = drawn(0, [dim, 12, 12, 2] if dim == 1 else [dim, 7, 4, 2], "generic")
    whole = cpwl.partition(net, cube(dim), backend=backend)
    part = cpwl.partition(net, cube(dim), backend=backend, max_regions=5)
    assert len(part) <= 5 < len(whole) or dim == 1
    names = {row.tobytes() for row in whole.patterns()}
    assert {row.tobytes() for row in part.patterns()} <= names
    if not part.complete:
        assert part.volumes().sum() < whole.volumes().sum()
        with pytest.raises(IncompleteError):
            part.merged()


def test_borders_that_differ_are_noticed() -> None:
    part = cpwl.partition(drawn(3, [3, 12, 2], "generic"), cube(3))
    taken = [part.arrangement.block(np.arange(k, len(part), 2), 5).arrangement for k in (0, 1)]
    parents = np.concatenate([np.arange(k, len(part), 2) for k in (0, 1)])
    walls = [block.walls for block in taken]
    joined = part.arrangement.joined(taken, walls, parents)
    assert joined.arrangement.euler == 1 and len(joined.arrangement) == len(part)
    sides = part.facets().regions
    outer = np.unique(sides[(sides < 0).any(axis=1)])
    inner = np.setdiff1d(np.arange(len(part)), outer)[0]
    rest = np.setdiff1d(np.arange(len(part)), [inner])
    block = part.arrangement.block(rest, 6).arrangement  # a cavity is left
    with pytest.raises(BordersDifferError):
        part.arrangement.joined([block], [block.walls], rest)


def test_float_predicates_give_a_tiling_and_list_what_is_doubtful() -> None:
    """A network with small integers ties everywhere; the doubtful regions are listed, and the rest is right."""
    net = drawn(0, [3, 6, 4, 1], "integers")
    quick = cpwl.partition(net, cube(3), predicates="float")
    exact = cpwl.partition(net, cube(3), backend="exact")
    check_lattice(quick, 3)
    check_volumes(quick)
    names = {row.tobytes() for row in exact.patterns()}
    sure = np.setdiff1d(np.arange(len(quick)), quick.ambiguous)
    assert len(quick.ambiguous) > 0 and {row.tobytes() for row in quick.patterns(sure)} <= names
    generic = cpwl.partition(drawn(0, [3, 6, 4, 1], "generic"), cube(3), predicates="float")
    assert not len(generic.ambiguous)
    check_everything(generic)


def test_many_domains_of_several_dimensions_go_through_one_network() -> None:
    net = mlp(0, [4, 8, 3])
    points = np.random.default_rng(0).standard_normal((5, 4))
    domains = [cpwl.Domain.segment(*points[:2]), cpwl.Domain.through(*points[:3]), cpwl.Domain.simplex(*points)]
    parts = list(cpwl.partition_many(net, domains, executor=Here()))
    assert [part.domain.dim for part in parts] == [1, 2, 4]
    for part in parts:
        assert np.isclose(float(part.volumes().sum()), part.domain.volume)


def test_a_box_of_seven_dimensions() -> None:
    net = Network.mlp([np.eye(7)[:2], np.ones((1, 2))], [np.zeros(2), np.zeros(1)])
    found = cpwl.partition(net, cpwl.Domain.box([-1] * 7, [1] * 7))
    assert len(found) == 4 and found.volumes().tolist() == [2.0**5] * 4
    assert Fraction(found.volumes().sum()) == box(7).exact_volume


def test_activation_of_one_unit_at_many_levels() -> None:
    """Parallel hyperplanes: a unit with three breakpoints makes four slabs."""
    wave = ACTIVATIONS["triangle wave"]
    assert isinstance(wave, Piecewise)
    nodes = (
        Node(Input(), (), (3,), "x"),
        Node(Dense(np.ones((1, 3)), np.zeros(1)), (0,), (1,), "sum"),
        Node(wave, (1,), (1,), "wave"),
    )
    for backend in BACKENDS:
        part = cpwl.partition(Network(nodes), cube(3), backend=backend)
        assert len(part) == 4 and sorted(part.patterns()[:, 0].tolist()) == [0, 1, 2, 3]
        check_lattice(part, 3)
