"""What is kept of dropped regions is enough: nothing is lost, and Fractions show that each is irrelevant."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl.errors import ArgumentError
from cpwl.network import Dense, Gather, Input, Max, Network, Node
from cpwl.properties.specification import Specification
from cpwl.tiling.dropped import Dropped
from tests.support import exact_bounds
from tests.support.blocks import Here, small
from tests.support.exact_bounds import exactly
from tests.support.networks import ACTIVATIONS, mlp

__all__ = ["small"]


def cube(dim: int) -> cpwl.Domain:
    return cpwl.Domain.box([-1.0] * dim, [1.0] * dim)


def sides(dom: cpwl.Domain) -> NDArray[Any]:
    """The halfspaces (M, 1 + D) of a box."""
    low, high = exactly(dom.polytope.vertices.astype(float)).min(axis=0), dom.polytope.vertices.max(axis=0)
    rows = []
    for k, (a, b) in enumerate(zip(low, exactly(high.astype(float)), strict=True)):
        unit = [Fraction(int(j == k)) for j in range(dom.dim)]
        rows += [[-a, *unit], [b, *(-x for x in unit)]]
    return np.array(rows, dtype=object)


def network(kind: str, seed: int, dim: int) -> Network:
    """Three stages of one kind."""
    if kind == "relu":
        return mlp(seed, [dim, 7, 6, 5, 1][: 5 if dim < 3 else 3] + [1] * (dim == 3), 0.3)
    random, nodes = np.random.default_rng(seed), [Node(Input(), (), (dim,), "input")]
    width = dim
    for fan_out in (6, 6, 6):
        weight = random.standard_normal((fan_out, width)) * np.sqrt(2 / width)
        nodes.append(Node(Dense(weight, 0.3 * random.standard_normal(fan_out)), (len(nodes) - 1,), (fan_out,), "dense"))
        if kind == "maxima":
            groups = Gather(np.arange(fan_out).reshape(-1, 2))
            nodes.append(Node(groups, (len(nodes) - 1,), (fan_out // 2, 2), "groups"))
            nodes.append(Node(Max(), (len(nodes) - 1,), (fan_out // 2,), "largest"))
            width = fan_out // 2
        else:
            nodes.append(Node(ACTIVATIONS[kind], (len(nodes) - 1,), (fan_out,), "activation"))
            width = fan_out
    nodes.append(Node(Dense(random.standard_normal((1, width)), np.zeros(1)), (len(nodes) - 1,), (1,), "out"))
    return Network(tuple(nodes))


def prefixes(regions: tuple[Dropped, ...]) -> list[tuple[int, ...]]:
    return [tuple(row) for dropped in regions for row in dropped.patterns().tolist()]


def check_tree(part: cpwl.Partition, whole: cpwl.Partition) -> None:
    """Each region of the whole partition is kept, or lies in one dropped region, with whose pattern its own begins."""
    assert part.pruned is not None and part.pruned.regions is not None
    dropped, kept = Counter(prefixes(part.pruned.regions)), Counter(map(tuple, part.patterns().tolist()))
    assert max(dropped.values(), default=1) == max(kept.values(), default=1) == 1
    assert sum(dropped.values()) == sum(part.pruned.dropped.values())
    lengths, reached = sorted(set(map(len, dropped))), set()
    for row in map(tuple, whole.patterns().tolist()):
        above = [row[:n] for n in lengths if row[:n] in dropped]
        assert len(above) + (row in kept) == 1
        reached.update(above)
    assert len(reached) == len(dropped)  # and none is of no region


def check_bounds(part: cpwl.Partition) -> int:
    """Fractions show of each dropped region that it is irrelevant, by the rule; corners are where exact ones are, and
    what was computed holds there. How many were dropped before the end."""
    pruned = part.pruned
    assert pruned is not None and pruned.relevance is not None and pruned.regions is not None
    functions, last, early = pruned.relevance.functionals(part.network.outputs), len(part.network.nodes) - 1, 0
    for dropped in pruned.regions:
        stored = [exactly(side.tolist()) for side in (dropped.lower, dropped.upper)]
        assert dropped.lower.shape == dropped.upper.shape == (len(dropped), len(functions.c))
        for r, pattern in enumerate(dropped.patterns().tolist()):
            vertices, maps = exact_bounds.region_of(
                part.network, sides(part.domain), pattern, dropped.node, dropped.units
            )
            low, high = exact_bounds.bounds(part.network, vertices, maps, functions.A, functions.c)
            assert pruned.relevance.irrelevant(np.array([low]), np.array([high]))[0]
            early += dropped.node < max(part.network.nonlinear)
            near, errors = dropped.points[dropped.corners[r]], dropped.errors[dropped.corners[r]]
            assert len(near) == len(vertices)
            squares = ((exactly(near)[:, None] - vertices[None]) ** 2).sum(axis=2).min(axis=1)
            assert (squares <= exactly(errors) ** 2).all()
            ones = np.append(vertices, np.full((len(vertices), 1), Fraction(1)), axis=1)
            if last in maps:
                values = maps[last].dot(ones.T)
                values = exactly(functions.A).dot(values) + exactly(functions.c)[:, None]
            else:
                outputs = cpwl.evaluate(part.network, vertices, backend="exact")
                values = exactly(functions.A).dot(outputs.T) + exactly(functions.c)[:, None]
            for k in range(len(functions.c)):
                assert stored[0][r, k] <= values[k].min()
                assert values[k].max() <= stored[1][r, k]
    return early


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("kind", ["relu", "leaky relu", "maxima"])
def test_dropped_regions_and_their_bounds_are_found_again_in_fractions(kind: str, dim: int) -> None:
    pytest.importorskip("cdd")
    early = 0
    for seed in range(2 if dim < 3 else 1):
        net = network(kind, seed, dim)
        whole = cpwl.partition(net, cube(dim))
        level = float(np.quantile(whole.outputs.to_numpy(), 0.8))
        surface = cpwl.level_set(net, cube(dim), level, keep_dropped=True)
        assert isinstance(surface.partition, cpwl.Partition)
        check_tree(surface.partition, whole)
        early += check_bounds(surface.partition)
    assert early


def test_units_that_come_some_at_a_time_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cdd")
    monkeypatch.setattr("cpwl.tiling.pruning._UNITS", {2: 8})
    net = mlp(4, [2, 17, 6, 1], 0.3)
    part = cpwl.level_set(net, cube(2), 0.4, keep_dropped=True).partition
    assert isinstance(part, cpwl.Partition)
    check_tree(part, cpwl.partition(net, cube(2)))
    assert check_bounds(part)
    assert part.pruned is not None and part.pruned.regions is not None
    assert {dropped.units for dropped in part.pruned.regions} > {0, 8}


def test_boundaries_and_one_of_several_outputs() -> None:
    pytest.importorskip("cdd")
    net = mlp(3, [2, 8, 7, 3], 0.3)
    surfaces = [cpwl.class_boundary(net, cube(2), pair, keep_dropped=True) for pair in (None, (0, 2))]
    for surface in (*surfaces, cpwl.level_set(net, cube(2), 0.2, 1, keep_dropped=True)):
        assert isinstance(surface.partition, cpwl.Partition)
        check_tree(surface.partition, cpwl.partition(net, cube(2)))
        check_bounds(surface.partition)
        assert surface.complete


@pytest.mark.parametrize("executor", [None, Here])
def test_blocks_keep_what_they_drop(executor: Any, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = mlp(5, [2, 12, 10, 8, 1], 0.3)
    whole = cpwl.partition(net, cube(2))
    small(12)
    monkeypatch.setattr("cpwl.tiling.blocks._LEAST_APART", 1)
    monkeypatch.setattr("cpwl.tiling.blocks._FEWEST_APART", 1)
    options = {} if executor is None else {"executor": executor()}
    level = float(np.median(whole.outputs.to_numpy()))
    part = cpwl.level_set(net, cube(2), level, keep_dropped=True, **options).partition
    assert isinstance(part, cpwl.Partition)
    assert len(part)
    check_tree(part, whole)
    assert part.pruned is not None and part.pruned.regions is not None
    assert max(Counter(dropped.node for dropped in part.pruned.regions).values()) > 3  # that many blocks


def test_the_exact_backend_keeps_regions_whose_outputs_drop_them() -> None:
    pytest.importorskip("cdd")
    net = network("leaky relu", 1, 2)
    whole = cpwl.partition(net, cube(2), backend="exact")
    level = float(np.median(whole.outputs.to_numpy().astype(float)))
    part = cpwl.level_set(net, cube(2), level, backend="exact", keep_dropped=True).partition
    assert isinstance(part, cpwl.Partition)
    assert 0 < len(part) < len(whole)
    check_tree(part, whole)
    assert not check_bounds(part)


def test_without_being_asked_for_dropped_regions_are_counted_only() -> None:
    part = cpwl.level_set(mlp(7, [3, 8, 8, 1], 0.3), cube(3)).partition
    assert part.pruned is not None and part.pruned.regions is None


# ---- properties ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("timeout", [None, 1e-9])
def test_a_verdict_that_holds_is_found_again_in_fractions(timeout: float | None, tmp_path: Any) -> None:
    """Its boxes cover those of the property; on each the regions looked at and those dropped are all there are."""
    pytest.importorskip("cdd")
    net = mlp(0, [2, 8, 8, 2])
    top = float(cpwl.partition(net, cube(2)).outputs.to_numpy()[:, 0].max())
    spec = Specification.box([-1, -1], [1, 1], [([1, 0], -top - 1e-3), ([[1, 0], [0, 1]], [-top / 2, -9.0])])
    verdict = cpwl.verify(net, spec, timeout=timeout, keep_dropped=True)
    while verdict.status == "undecided":
        verdict = cpwl.verify(net, spec, timeout=timeout, resume=verdict, keep_dropped=True)
    assert verdict.status == "holds"
    (parts,) = verdict.parts
    assert len(parts) == verdict.boxes and sum(map(len, parts)) == verdict.regions
    areas = [np.ptp(exactly(part.domain.polytope.vertices.astype(float)), axis=0).prod() for part in parts]
    assert sum(areas) == 4  # and halves of halves do not overlap
    early = 0
    for part in parts:
        check_tree(part, cpwl.partition(part.network, part.domain))
        early += check_bounds(part)
        assert part.pruned is not None and part.pruned.relevance is not None
    assert early
    verdict.save(tmp_path / "file.json")
    with pytest.raises(ArgumentError, match="keep_dropped"):
        cpwl.verify(net, spec, resume=tmp_path / "file.json", keep_dropped=True)
    assert not cpwl.verify(net, spec, resume=verdict).parts[0]
