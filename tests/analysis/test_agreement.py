"""Where two networks agree: cells tile the domain, each has one decision of either network, areas add up exactly."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import cpwl
from cpwl.analysis.overlay import Agreement, agreement
from cpwl.errors import ArgumentError, ShapeError
from cpwl.network import Dense, Network
from tests.support.image_planes import plane
from tests.support.networks import Pair, layered, mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
BACKENDS = ("torch", "exact")
kinds = layered(outputs=3) | layered(outputs=2) | layered(outputs=1)


def linear(*rows: list[float]) -> Network:
    table = np.array(rows, float)
    return Network.sequential(2, [Dense(table[:, :-1], table[:, -1])])


def decisions(network: Network, u: Any) -> Any:
    """Classes at exact points, from exact values; -1 where the largest output is not alone."""
    values = cpwl.evaluate(network, u, backend="exact")
    if network.outputs == 1:
        return np.array([-1 if v == 0 else int(v > 0) for v in values[:, 0]])
    order = np.sort(values, axis=1)
    return np.where(order[:, -1] == order[:, -2], -1, values.argmax(axis=1))


def inner_points(found: Agreement) -> Any:
    vertices, regions = found.arrangement.vertices, found.arrangement.regions
    return np.stack([vertices[row].sum(axis=0) / len(row) for row in regions])


@settings(max_examples=40, deadline=None)
@given(first=kinds, second=kinds)
def test_exact_areas_add_up_to_the_domain_and_each_cell_has_the_decisions_of_its_inner_point(
    first: Pair, second: Pair
) -> None:
    found = agreement(first.network, second.network, SQUARE, backend="exact")
    assert found.areas().sum() == 4 and found.table().to_numpy().sum() == 4
    assert found.area_apart + found.areas()[~found.apart].sum() == 4
    points = inner_points(found)
    for network, classes in zip((first.network, second.network), found.classes.T):
        alone = decisions(network, points)
        assert ((alone == classes) | (alone < 0)).all()


@settings(max_examples=30, deadline=None)
@given(first=kinds, second=kinds)
def test_float_areas_are_the_exact_ones_up_to_rounding_with_as_many_cells(first: Pair, second: Pair) -> None:
    quick, exact = (agreement(first.network, second.network, SQUARE, backend=name) for name in BACKENDS)
    assert len(quick) == len(exact) and not quick.ambiguous.any()
    one, other = quick.table(), exact.table()
    assert one.index.equals(other.index) and one.columns.equals(other.columns)
    assert np.allclose(one.to_numpy(float), other.to_numpy(float), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(pair=kinds)
def test_a_network_agrees_with_itself_everywhere_and_changing_places_transposes_the_table(pair: Pair) -> None:
    other = mlp(1, [2, 4, 3], bias=0.5)
    assert agreement(pair.network, pair.network, SQUARE, backend="exact").area_apart == 0
    one, two = (
        agreement(*nets, SQUARE, backend="exact").table() for nets in ((pair.network, other), (other, pair.network))
    )
    assert (one.to_numpy() == two.to_numpy().T).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_halfplanes_have_known_areas(backend: str) -> None:
    right, above = linear([1, 0, 0]), linear([0, 0, 0], [0, 1, -0.5])
    found = agreement(right, above, SQUARE, backend=backend)
    assert found.table().to_numpy().astype(float).tolist() == [[1.5, 0.5], [1.5, 0.5]]
    assert found.share == 0.5 and found.area_apart == 2 and len(found) == 4
    if backend == "exact":
        assert isinstance(found.area_apart, Fraction)


def test_monte_carlo_finds_the_same_share() -> None:
    first, second = (mlp(seed, [2, 12, 8, 3], bias=0.5) for seed in (0, 1))
    found = agreement(first, second, SQUARE)
    u = np.random.default_rng(0).uniform(-1, 1, (20000, 2))
    apart = cpwl.evaluate(first, u).argmax(axis=1) != cpwl.evaluate(second, u).argmax(axis=1)
    assert 0.02 < found.share < 0.98 and abs(apart.mean() - found.share) < 0.015


def test_exact_points_of_cells_lie_in_the_region_that_the_cell_names() -> None:
    found = agreement(mlp(2, [2, 5, 3], bias=0.5), mlp(3, [2, 5, 2], bias=0.5), SQUARE, backend="exact")
    assert (found.partition.locate(inner_points(found)) == found.regions).all()


def test_networks_on_other_inputs_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"inputs of one shape, got \(2,\) and \(3,\)"):
        agreement(mlp(0, [2, 3, 2]), mlp(0, [3, 3, 2]), SQUARE)
    with pytest.raises(ArgumentError, match="second must be a Network"):
        agreement(mlp(0, [2, 3, 2]), None, SQUARE)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1, 3, 13, 14])
def test_a_network_beside_itself_leaves_nothing_open_that_it_does_not_leave_open_alone(seed: int) -> None:
    chosen = plane(seed)
    alone = cpwl.partition(chosen.network, chosen.domain)
    found = agreement(chosen.network, copy.deepcopy(chosen.network), chosen.domain)
    assert found.partition.settled == alone.settled and len(found.partition) == len(alone)
    assert (found.classes[:, 0] == found.classes[:, 1]).all() and not found.apart.any()


def test_networks_that_share_their_first_layers_have_those_units_once() -> None:
    first = mlp(0, [2, 8, 6, 3], bias=0.5)
    nodes = list(first.nodes)
    nodes[-1] = replace(nodes[-1], op=Dense(-nodes[-1].op.weight, nodes[-1].op.bias))  # type: ignore[union-attr]
    found = agreement(first, Network(tuple(nodes)), SQUARE)
    assert found.partition.network.units == first.units and found.apart.any()
