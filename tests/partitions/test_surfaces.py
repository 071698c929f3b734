"""Level sets and boundaries without the partition: the same faces, face by face, whatever is dropped on the way."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl.bounds.relevance import AnyOf, AtBoundary, AtLevel, Bound, Functionals, Relevance
from cpwl.errors import ArgumentError, IncompleteError
from cpwl.network import Dense, Input, Network, Node, Periodic
from cpwl.partitions.compute import relevant_partition
from cpwl.tiling.blocks import Blocks
from tests.support.blocks import Here, small
from tests.support.families import Case, case, solid
from tests.support.networks import ACTIVATIONS, mlp

BACKENDS = ("torch", "exact")
__all__ = ["small"]


def cube(dim: int, size: float = 1.0) -> cpwl.Domain:
    return cpwl.Domain.box([-size] * dim, [size] * dim)


def degenerate(seed: int, dim: int) -> Case:
    return case(seed) if dim == 2 else solid(seed, dim)


def face_by_face(boundary: cpwl.DecisionBoundary) -> Counter[Any]:
    """The faces of a boundary by where exact ones are, or by their patterns, corners and pairs where they are rounded.

    Of a face between two regions either is its region: such faces go by the pair and the corners alone.
    """
    if boundary.vertices.dtype == object:
        places = [frozenset(map(tuple, boundary.vertices[face].tolist())) for face in boundary.faces]
        return Counter(zip(places, map(tuple, boundary.pairs.tolist()), strict=True))
    return Counter(zip(boundary.faces.counts.tolist(), map(tuple, boundary.pairs.tolist()), strict=True))


def same(one: cpwl.DecisionBoundary, other: cpwl.DecisionBoundary) -> None:
    """Two boundaries with the same faces and ties."""
    assert face_by_face(one) == face_by_face(other)
    assert len(one.vertices) == len(other.vertices)
    sizes = [np.sort(boundary.measures()) for boundary in (one, other)]
    np.testing.assert_allclose(*sizes, rtol=1e-4, atol=1e-6 * max(s.max(initial=0.0) for s in sizes))
    assert ties(one) == ties(other)


def ties(boundary: cpwl.DecisionBoundary) -> Counter[Any]:
    """The regions that tie, by their patterns."""
    patterns = boundary.partition.patterns([region for region, _ in boundary.ties])
    return Counter((row.tobytes(), pair) for row, (_, pair) in zip(patterns, boundary.ties, strict=True))


def whole_and_pruned(
    net: Network, dom: cpwl.Domain, backend: str
) -> tuple[cpwl.DecisionBoundary, cpwl.DecisionBoundary]:
    part = cpwl.partition(net, dom, backend=backend)
    if net.outputs > 1:
        return part.decision_boundary(), cpwl.class_boundary(net, dom, backend=backend)
    level = float(np.median(part.outputs.to_numpy().astype(float)))
    return part.decision_boundary(level=level), cpwl.level_set(net, dom, level, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(0, 84, 3))
def test_pruned_equals_unpruned_on_degenerate_networks(seed: int, dim: int, backend: str) -> None:
    if backend == "exact" and seed % 2 and dim > 2:
        seed += 1
    found = degenerate(seed, dim)
    whole, pruned = whole_and_pruned(found.network, found.domain, backend)
    same(whole, pruned)
    part = pruned.partition
    assert pruned.complete and part.pruned is not None and part.pruned.finished
    assert len(part) + sum(part.pruned.dropped.values()) <= len(whole.partition)
    patterns = set(map(bytes, whole.partition.patterns()))
    assert set(map(bytes, part.patterns())) <= patterns


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_pruned_equals_unpruned_on_generic_networks(dim: int) -> None:
    for seed, outputs in ((1, 1), (2, 3), (3, 5)):
        net = mlp(seed, [dim, 12, 10, 8, outputs][: 5 if dim < 4 else 3] + ([outputs] if dim == 4 else []), 0.3)
        whole, pruned = whole_and_pruned(net, cube(dim), "torch")
        same(whole, pruned)
        assert len(pruned.partition) < len(whole.partition)


class Recorder(Relevance):
    """Drops nothing, and remembers the bounds on the outputs on all regions, stage by stage."""

    def __init__(self, stages: int) -> None:
        self.stages = stages
        self.asked: list[tuple[Bound, Bound]] = []
        """Stage by stage bounds from intervals, what is attained at corners, bounds from tables."""

    def functionals(self, outputs: int) -> Functionals:
        random = np.random.default_rng(outputs)
        return Functionals(np.vstack([np.eye(outputs), random.standard_normal((2, outputs))]), np.zeros(outputs + 2))

    def irrelevant(self, lower: Bound, upper: Bound) -> NDArray[np.bool_]:
        if len(self.asked) < 3 * self.stages:
            self.asked.append((lower, upper))
            return np.full(len(lower), len(self.asked) % 3 == 2)
        return np.zeros(len(lower), np.bool_)


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(0, 63, 3))
def test_bounds_of_all_stages_hold_on_all_regions_that_come_of_a_region(seed: int, dim: int) -> None:
    """The way of a sweep: all operators of the families, all stages, values of finished regions in float64."""
    found = degenerate(seed, dim)
    recorder = Recorder(len(found.network.nonlinear) - 1)
    part = relevant_partition(found.network, found.domain, recorder)
    assert part.complete and len(recorder.asked) == 3 * recorder.stages
    A = recorder.functionals(part.network.outputs).A
    values, errors = part.outputs.to_numpy() @ A.T, part.outputs.errors()[:, None] * np.linalg.norm(A, axis=1)
    errors += np.abs(part.outputs.to_numpy()) @ np.abs(A.T) * 2.0**-48
    ends = [
        part.regions.reduce(fold, side[part.regions.values])
        for fold, side in ((np.minimum, values + errors), (np.maximum, values - errors))
    ]
    rows = np.arange(len(part))
    parents = [rows := step.parents[rows] for step in reversed(part.steps)][:-1]
    for kind in (0, 2):
        for (lower, upper), ancestors in zip(reversed(recorder.asked[kind::3]), parents, strict=True):
            assert not (lower[ancestors] > ends[0]).any() and not (upper[ancestors] < ends[1]).any()


# ---- blocks, budgets, executors ------------------------------------------------------------------------------------
@pytest.mark.parametrize("dim", [2, 3, 4])
@pytest.mark.parametrize("executor", [None, Here])
def test_blocks_make_no_difference(dim: int, executor: Any, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(mlp(5, [dim, 9, 8, 7, 1] if dim < 4 else [4, 6, 5, 1], 0.3), cube(dim))]
    found += [(x.network, x.domain) for x in (degenerate(seed, dim) for seed in (0, 4, 8, 10, 30)[: 9 - 2 * dim])]
    wholes = [whole_and_pruned(net, dom, "torch")[1] for net, dom in found]
    small(12)
    monkeypatch.setattr("cpwl.tiling.blocks._LEAST_APART", 1)
    monkeypatch.setattr("cpwl.tiling.blocks._FEWEST_APART", 1)
    for (net, dom), whole in zip(found, wholes, strict=True):
        options = {} if executor is None else {"executor": executor()}
        if net.outputs > 1:
            again = cpwl.class_boundary(net, dom, **options)
        else:
            assert whole.level is not None
            again = cpwl.level_set(net, dom, whole.level, **options)
        same(whole, again)
        assert again.complete


@pytest.mark.parametrize("dim", [2, 3])
def test_borders_that_pruning_makes_in_large_blocks_are_no_borders_between_them(
    dim: int, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many vertices are made on them by one column, between vertices that no other block knows. It is not seen in what
    comes out: where borders differ all is done again without any."""
    monkeypatch.delattr(Blocks, "without_borders")
    net = mlp(7, [dim, *[12] * 6, 1], 0.3)
    whole = whole_and_pruned(net, cube(dim), "torch")[1]
    for rows in (60, 150, 400):
        small(rows)
        assert whole.level is not None
        same(whole, cpwl.level_set(net, cube(dim), whole.level))


def test_processes_find_the_same_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl.tiling.blocks._LEAST_APART", 1)
    net = mlp(7, [3, 24, 24, 16, 1], 0.3)
    whole = cpwl.level_set(net, cube(3))
    with ProcessPoolExecutor(2) as pool:
        same(whole, cpwl.level_set(net, cube(3), executor=pool))


def test_budgets_end_the_work_and_are_told_from_pruning() -> None:
    net = mlp(7, [3, 16, 16, 16, 1], 0.3)
    whole = cpwl.level_set(net, cube(3))
    some = cpwl.level_set(net, cube(3), max_regions=20)
    assert len(whole) > 40 and whole.complete and not some.complete
    assert some.partition.pruned is not None and not some.partition.pruned.finished
    assert len(some.partition) <= 20
    assert not face_by_face(some) - face_by_face(whole)
    none = cpwl.level_set(net, cube(3), max_seconds=1e-9)
    assert not len(none) and not none.complete
    with pytest.raises(IncompleteError, match="pruned"):
        whole.partition.check_complete("this")


def test_a_file_says_what_was_dropped(tmp_path: Path) -> None:
    part = cpwl.level_set(mlp(7, [3, 8, 8, 1], 0.3), cube(3)).partition
    assert isinstance(part, cpwl.Partition) and part.pruned is not None
    again = cpwl.load(part.save(tmp_path / "part.npz"))
    assert again.pruned is not None and not again.complete
    assert (again.pruned.dropped, again.pruned.finished) == (part.pruned.dropped, part.pruned.finished)
    assert not again.decision_boundary(level=0.0).complete  # the file does not say what was looked for


# ---- what is looked for --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_nothing_is_left_where_there_is_nothing(dim: int, backend: str) -> None:
    net = mlp(1, [dim, 6, 5, 1])
    highest = float(cpwl.partition(net, cube(dim)).outputs.to_numpy().max())
    found = cpwl.level_set(net, cube(dim), highest + 1.0, backend=backend)
    assert not len(found) and found.complete and not len(found.partition) and found.level == highest + 1.0
    touching = cpwl.level_set(net, cube(dim), highest, backend="exact" if backend == "exact" else "torch")
    assert touching.complete


def test_one_output_of_several() -> None:
    net = mlp(2, [3, 10, 8, 4], 0.3)
    part = cpwl.partition(net, cube(3))
    for output in range(4):
        expected = part.head(np.eye(4)[output]).decision_boundary(level=0.1)
        same(expected, cpwl.level_set(net, cube(3), 0.1, output))


def test_a_pair_of_classes() -> None:
    net = mlp(3, [3, 10, 8, 4], 0.5)
    part = cpwl.partition(net, cube(3))
    whole = cpwl.class_boundary(net, cube(3)).partition
    for pair in ((0, 1), (3, 2), (1, 3)):
        found = cpwl.class_boundary(net, cube(3), pair)
        same(part.decision_boundary(pair), found)
        assert found.complete and whole.decision_boundary(pair).complete
        same(part.decision_boundary(pair), whole.decision_boundary(pair))
    other = cpwl.class_boundary(net, cube(3), (0, 1)).partition
    assert not other.decision_boundary((2, 3)).complete and not other.decision_boundary().complete


def test_many_classes_are_told_apart_by_their_outputs() -> None:
    net = mlp(4, [2, 10, 40], 0.5)
    whole, pruned = whole_and_pruned(net, cube(2), "torch")
    same(whole, pruned)
    assert len(pruned.partition) < len(whole.partition)


def test_a_boundary_of_what_was_not_looked_for_is_not_complete() -> None:
    found = cpwl.level_set(mlp(7, [3, 8, 8, 1], 0.3), cube(3)).partition
    assert found.decision_boundary(level=0.0).complete
    assert not found.decision_boundary(level=0.5).complete
    assert not found.head(1.0, 0.5).decision_boundary(level=0.0).complete


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_any_of_keeps_each_region_that_a_conjunction_reaches(dim: int, backend: str) -> None:
    """A disjunction of conjunctions against the outputs at the vertices of all regions."""
    for seed in range(6):
        random = np.random.default_rng(seed)
        net = mlp(seed, [dim, 7, 6, 3] if dim < 4 else [dim, 5, 4, 3], 0.4)
        A, c = random.integers(-2, 3, (4, 3)).astype(float), random.standard_normal(4) * 0.3
        looked_for = AnyOf(A, c, [[0, 1], [2, 3, 0]])
        part = cpwl.partition(net, cube(dim), backend=backend)
        kept = relevant_partition(net, cube(dim), looked_for, backend=backend)
        values = part.outputs.to_numpy().astype(float) @ A.T + c
        reached = values > 1e-9
        holds = (reached[:, [0, 1]].all(axis=1)) | reached[:, [2, 3, 0]].all(axis=1)
        wanted = part.regions.reduce(np.logical_or, holds[part.regions.values])
        names = set(map(bytes, kept.patterns()))
        assert {bytes(row) for row in part.patterns(np.flatnonzero(wanted))} <= names
        assert names <= set(map(bytes, part.patterns()))
        assert kept.complete == (len(kept) == len(part))


def test_any_of_nothing_is_nowhere_and_of_no_constraint_is_everywhere() -> None:
    net = mlp(1, [2, 6, 5, 2])
    nowhere = relevant_partition(net, cube(2), AnyOf(np.eye(2), np.zeros(2), []))
    assert not len(nowhere) and nowhere.pruned is not None and nowhere.pruned.finished
    everywhere = relevant_partition(net, cube(2), AnyOf(np.eye(2), np.zeros(2), [[]]))
    assert everywhere.complete and len(everywhere) == len(cpwl.partition(net, cube(2)))


def test_facets_beside_what_was_dropped_are_told_from_sides_of_the_domain() -> None:
    for dim in (2, 3):
        part = whole_and_pruned(mlp(7, [dim, 10, 10, 1], 0.3), cube(dim), "torch")[1].partition
        facets = part.facets()
        single = facets.regions[:, 1] < 0
        places = [part.vertices[face] for face in facets.vertices]
        border = np.array([(np.abs(np.abs(p) - 1.0) < 1e-9).all(axis=0).any() for p in places])
        assert (single & (facets.generation > 0)).any()
        assert (border == (facets.generation == 0)).all() and (single | (facets.generation > 0)).all()


def test_a_periodic_network_is_pruned_as_well() -> None:
    wave = Periodic(4.0, np.array([-1.0, 1.0]), np.array([1.0, -1.0]), -1.0)
    random = np.random.default_rng(0)
    nodes = [Node(Input(), (), (2,), "input")]
    for fan_in, fan_out in ((2, 6), (6, 5)):
        op = Dense(random.standard_normal((fan_out, fan_in)), random.standard_normal(fan_out))
        nodes.append(Node(op, (len(nodes) - 1,), (fan_out,), "dense"))
        nodes.append(Node(wave, (len(nodes) - 1,), (fan_out,), "wave"))
    nodes.append(Node(Dense(random.standard_normal((1, 5)), np.array([0.5])), (len(nodes) - 1,), (1,), "out"))
    whole, pruned = whole_and_pruned(Network(tuple(nodes)), cube(2), "torch")
    same(whole, pruned)
    assert len(pruned.partition) < len(whole.partition)


# ---- rules and arguments -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rule", [AtLevel(), AtBoundary(3), AtBoundary(3, (0, 2)), AtBoundary(30)])
def test_rules_are_monotone_and_what_is_not_known_is_relevant(rule: Relevance) -> None:
    random = np.random.default_rng(0)
    k = len(rule.functionals(30 if rule == AtBoundary(30) else 3).c)
    middle, width = random.standard_normal((4000, k)), np.abs(random.standard_normal((4000, k)))
    wide, narrow = [rule.irrelevant(middle - f * width, middle + f * width) for f in (1.0, 0.5)]
    assert not (wide & ~narrow).any() and (k == 30 or wide.any())
    for bound in range(2):
        ends = [middle.copy(), middle.copy()]
        assert rule.irrelevant(*ends).any()
        ends[bound][:] = np.nan
        ends[1 - bound][:] = np.nan
        assert not rule.irrelevant(*ends).any()


def test_arguments_that_make_no_sense_are_refused() -> None:
    net, single = mlp(1, [2, 4, 3]), mlp(1, [2, 4, 1])
    with pytest.raises(ArgumentError, match="output"):
        cpwl.level_set(net, cube(2), output=3)
    with pytest.raises(ArgumentError, match="level"):
        cpwl.level_set(net, cube(2), level=float("nan"))
    with pytest.raises(ArgumentError, match="level_set"):
        cpwl.class_boundary(single, cube(2))
    with pytest.raises(ArgumentError, match="classes"):
        cpwl.class_boundary(net, cube(2), (1, 1))
    with pytest.raises(ArgumentError, match="relevance"):
        relevant_partition(net, cube(2), "level")  # type: ignore[arg-type]


# ---- many layers ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dim", "width", "depth"), [(1, 16, 16), (2, 10, 10), (2, 8, 14), (3, 6, 8), (4, 5, 5)])
@pytest.mark.parametrize("kind", ["relu", "leaky relu", "hardtanh"])
def test_pruned_equals_unpruned_through_many_layers(kind: str, dim: int, width: int, depth: int) -> None:
    """Bounds grow from layer to layer, and vertices get worse: as deep as shapes are, and deeper."""
    random, nodes = np.random.default_rng(width + depth), [Node(Input(), (), (dim,), "input")]
    for fan_in in (dim, *[width] * (depth - 1)):
        weight = random.standard_normal((width, fan_in)) * np.sqrt(2 / fan_in)
        nodes.append(Node(Dense(weight, 0.2 * random.standard_normal(width)), (len(nodes) - 1,), (width,), "dense"))
        nodes.append(Node(ACTIVATIONS[kind], (len(nodes) - 1,), (width,), "activation"))
    nodes.append(Node(Dense(random.standard_normal((1, width)), np.zeros(1)), (len(nodes) - 1,), (1,), "out"))
    whole, pruned = whole_and_pruned(Network(tuple(nodes)), cube(dim), "torch")
    assert len(whole)
    same(whole, pruned)
    assert len(pruned.partition) < len(whole.partition)
