"""Local maps of many points are those of each point; clusters of maps and affine maps between networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.analysis.clusters import cluster_maps, cluster_table
from cpwl.analysis.maps_at_points import decided_by, dual_points, local_maps
from cpwl.analysis.transfer import Represented, affine_fit, transfer_table
from cpwl.errors import ArgumentError, NumericalRangeError, ShapeError
from cpwl.geometry.domain import exactly
from cpwl.network import Network
from tests.support.local_networks import everything
from tests.support.networks import layered, mlp, residual

BACKENDS = ("torch", "exact")
SQUARE = cpwl.Domain.box([-2.0, -2.0], [2.0, 2.0])
ABS = Network.mlp([np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([[1.0, 1.0]])], [np.zeros(2), np.zeros(1)])
seeds = st.integers(0, 2**32)


def dyadic(seed: int, shape: tuple[int, ...], parts: int = 8) -> Any:
    return np.random.default_rng(seed).integers(-3 * parts, 3 * parts + 1, shape) / parts


# ---- local maps ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=25, deadline=None)
@given(network=everything, seed=seeds)
def test_the_maps_of_many_points_are_those_of_each_point(backend: str, network: Network, seed: int) -> None:
    x = dyadic(seed, (4, *network.input_shape))
    maps = local_maps(network, x, backend=backend)
    for i, point in enumerate(x):
        local = cpwl.local_map(network, point, backend=backend)
        assert (maps.weight[i] == local.weight).all() and (maps.bias[i] == local.bias).all()
        assert (maps.values[i] == local.value.ravel()).all()
        assert maps.undecided[i] == bool(len(local.undecided))


@settings(max_examples=25, deadline=None)
@given(network=layered(outputs=3).map(lambda pair: pair.network) | residual(), seed=seeds)
def test_exact_maps_give_the_exact_values_and_points_float_decides_have_the_same_maps(
    network: Network, seed: int
) -> None:
    x = exactly(dyadic(seed, (5, 2))) / 3
    exact, quick = local_maps(network, x, backend="exact"), local_maps(network, x.astype(float))
    assert ((exact.weight @ x[:, :, None])[:, :, 0] + exact.bias == exact.values).all()
    assert (exact.values == cpwl.evaluate(network, x, backend="exact").reshape(5, -1)).all()
    sure = ~quick.undecided
    assert np.allclose(quick.weight[sure], exact.weight[sure].astype(float), rtol=1e-12, atol=1e-9)


def test_points_on_the_boundary_of_regions_are_undecided_and_no_others() -> None:
    x = np.array([[0.0, 1.0], [0.5, -1.0], [-1e-3, 0.0]])
    for backend in BACKENDS:
        maps = local_maps(ABS, x, backend=backend)
        assert maps.undecided.tolist() == [True, False, False]
        assert maps.weight[:, 0, 0].tolist() == [0, 1, -1]  # at 0 the canonical pattern is that of no region


def test_zeros_that_tie_over_a_region_make_no_point_undecided() -> None:
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(27, 4)
    )
    net = cpwl.compile(model.eval(), torch.zeros(1, 1, 8, 8))
    x = np.random.default_rng(0).standard_normal((20, 1, 8, 8))
    maps = local_maps(net, x)
    assert not maps.undecided.any()
    assert np.allclose(np.einsum("imn,in->im", maps.weight, x.reshape(20, -1)) + maps.bias, maps.values)


def test_maps_taken_are_those_of_the_points_taken_and_flat_maps_decide_as_the_network() -> None:
    net = mlp(0, [6, 12, 3])
    maps = local_maps(net, np.random.default_rng(1).standard_normal((30, 6)))
    some = maps.take(maps.classes == 1)
    assert 0 < len(some) < 30 and (some.classes == 1).all() and some.flat.shape == (len(some), 21)
    assert (decided_by(maps.flat, maps.points) == maps.classes).all()
    assert local_maps(net, np.zeros((0, 6))).weight.shape == (0, 3, 6)


def test_bad_arguments_are_refused_by_name() -> None:
    net = mlp(0, [6, 12, 3])
    with pytest.raises(ArgumentError, match="limit: the Jacobians would take 14,400 bytes"):
        local_maps(net, np.zeros((100, 6)), limit=1000)
    with pytest.raises(ShapeError, match="points must have shape"):
        local_maps(net, np.zeros((100, 5)))
    huge = Network.mlp([np.full((1, 1), 1e200), np.full((1, 1), 1e200)], [np.zeros(1), np.zeros(1)])
    with pytest.raises(NumericalRangeError, match="overflow float64"):
        local_maps(huge, [[1.0]])
    with pytest.raises(ArgumentError, match="count must be a number of clusters"):
        cluster_maps(local_maps(net, np.zeros((3, 6))), 4)
    with pytest.raises(ArgumentError, match=r"output must be a whole number from 0 to 0"):
        dual_points(cpwl.partition(ABS, SQUARE), output=1)


def test_importing_the_analysis_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'sklearn', 'matplotlib', 'scipy', 'networkx'}"
    script = f"import sys, cpwl.analysis; print(*sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.split() == []


# ---- dual points ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_dual_points_are_the_affine_maps_and_linear_regions_have_different_ones(backend: str) -> None:
    part = cpwl.partition(mlp(3, [2, 9, 5, 2], bias=0.5), SQUARE, backend=backend)
    points, (weight, bias) = dual_points(part), part.affine_maps()
    assert (points[:, :, :2] == weight).all() and (points[:, :, 2] == bias).all()
    assert (dual_points(part, output=1) == points[:, 1]).all()
    linear = part.merged(join="everywhere")
    assert len({tuple(row.ravel().tolist()) for row in dual_points(linear)}) == len(linear)


# ---- clusters ------------------------------------------------------------------------------------------------------
def test_as_many_clusters_as_maps_keep_all_decisions_and_one_cluster_is_the_mean_map() -> None:
    net = mlp(2, [4, 10, 3])
    x = np.random.default_rng(0).standard_normal((40, 4))
    maps = local_maps(net, x)
    labels = maps.classes
    different = len(np.unique(maps.flat, axis=0))
    table = cluster_table(maps, [1, different], test=maps, labels=labels)
    assert table.loc[different, "accuracy"] == table.loc[different, "agreement"] == 1
    assert 20 < different < 40 and table.loc[different, "unexplained"] < 1e-12
    one = cluster_maps(maps, 1)
    assert np.allclose(one.centers[0], maps.flat.mean(axis=0)) and np.isclose(one.unexplained, 1)
    mean = (maps.weight.mean(axis=0) @ x.T).T + maps.bias.mean(axis=0)
    assert table.loc[1, "accuracy"] == (mean.argmax(axis=1) == labels).mean()


def test_a_network_of_two_maps_is_reduced_to_two_without_loss() -> None:
    net = Network.mlp([np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([[1.0, 1], [0, 0]])], [np.zeros(2), [0.0, 0.5]])
    rng = np.random.default_rng(0)
    maps, test = (local_maps(net, rng.uniform(-1, 1, (60, 2))) for _ in range(2))
    labels = test.classes.copy()
    labels[:6] = 1 - labels[:6]
    table = cluster_table(maps, [1, 2], test=test, labels=labels)
    assert np.allclose(table.loc[2], [0.9, 1, 1, 0]) and table.loc[1, "agreement"] < 1
    assert len(np.unique(cluster_maps(maps, 2).assign(test))) == 2


# ---- maps between networks -----------------------------------------------------------------------------------------
def test_vectors_that_are_an_affine_image_are_mapped_exactly() -> None:
    rng = np.random.default_rng(0)
    one, matrix, shift = rng.standard_normal((50, 5)), rng.standard_normal((4, 5)), rng.standard_normal(4)
    mapping = affine_fit(one, one @ matrix.T + shift)
    fresh = rng.standard_normal((7, 5))
    assert np.allclose(mapping(fresh), fresh @ matrix.T + shift)
    with pytest.raises(ShapeError, match="source and target must have rows of the same M"):
        affine_fit(one, one[:-1])


def test_a_least_squares_map_is_better_than_any_other_nearby() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((30, 3)), rng.standard_normal((30, 2))
    fitted = affine_fit(one, other)(one)
    best = ((fitted - other) ** 2).sum()
    for _ in range(20):
        nudge = 1e-3 * rng.standard_normal((3, 2)), 1e-3 * rng.standard_normal(2)
        assert ((fitted + one @ nudge[0] + nudge[1] - other) ** 2).sum() > best


def test_networks_with_the_same_maps_transfer_fully_and_others_less() -> None:
    first = mlp(1, [5, 8, 3])
    order = np.random.default_rng(0).permutation(8)
    hidden, out = first.nodes[1].op, first.nodes[3].op
    second = Network.mlp(
        [hidden.weight[order], out.weight[:, order]],  # type: ignore[union-attr]
        [hidden.bias[order], out.bias],  # type: ignore[union-attr]
    )
    rng = np.random.default_rng(1)
    train, test = rng.standard_normal((80, 5)), rng.standard_normal((40, 5))
    networks = {
        name: Represented.by_maps(local_maps(net, train), local_maps(net, test))
        for name, net in {"first": first, "shuffled": second, "other": mlp(9, [5, 8, 3])}.items()
    }
    labels = networks["first"].decide(networks["first"].test)
    table = transfer_table(networks, labels)
    assert len(table) == 6 and table.loc[("first", "shuffled"), "own"] == 1
    for pair in (("first", "shuffled"), ("shuffled", "first")):
        assert table.loc[pair, "mapped"] == 1 and table.loc[pair, "explained"] > 1 - 1e-9
    assert table.loc[("first", "other"), "explained"] < 0.99
    assert table.loc[("first", "other"), "own"] == table.loc[("other", "first"), "target"] == 1
    assert table.loc[("other", "first"), "own"] == table.loc[("first", "other"), "target"] < 1
    with pytest.raises(ArgumentError, match="networks must be two or more"):
        transfer_table({"first": networks["first"]}, labels)
    with pytest.raises(ShapeError, match="labels must be the classes of the 40 test points"):
        transfer_table(networks, labels[:-1])


def test_representations_are_judged_through_the_head() -> None:
    rng = np.random.default_rng(0)
    h, head, shift = rng.standard_normal((90, 6)), rng.standard_normal((3, 6)), rng.standard_normal(3)
    turn = rng.standard_normal((6, 6))
    one = Represented.by_layer(h[:60], h[60:], head, shift)
    other = Represented.by_layer(h[:60] @ turn, h[60:] @ turn, np.linalg.solve(turn, head.T).T, shift)
    table = transfer_table({"one": one, "other": other}, one.decide(h[60:]))
    assert (table["mapped"] == 1).all() and (table["agreement"] == 1).all()
    with pytest.raises(ShapeError, match=r"weight must have shape \(m, p\)"):
        Represented.by_layer(h[:60], h[60:], head[:, :-1], shift)
