"""Random slices and tables over many of them: laws of the draws, and rows against partitions computed one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.analysis import off_data, plot_study, random_slice, study, summarised
from cpwl.errors import ArgumentError, CpwlError, ShapeError
from cpwl.partitions.compute import partition
from cpwl.plots.statistics import plot_distributions
from tests.support.networks import mlp

NETWORKS = {"wide": mlp(0, [5, 12, 2]), "deep": mlp(1, [5, 6, 6, 2])}
TRAIN = np.random.default_rng(0).standard_normal((3, 5))


# ---- slices --------------------------------------------------------------------------------------------------------
@given(st.integers(2, 300), st.integers(0, 2**63), st.floats(1e-3, 1e3))
def test_a_random_slice_is_an_orthonormal_square_centred_on_its_point(entries: int, seed: int, side: float) -> None:
    point = np.random.default_rng(seed).standard_normal(entries)
    found = random_slice(point, side=side, seed=seed)
    assert np.allclose(found.basis.T @ found.basis, np.eye(2), rtol=0, atol=1e-14)
    assert np.isclose(found.volume, side**2) and np.array_equal(found.to_input([0, 0]), point)


def test_the_shape_of_the_point_is_kept_and_the_seed_alone_decides() -> None:
    point = np.zeros((1, 4, 4))
    one, same, other, pair = (random_slice(point, seed=seed) for seed in (1, 1, 2, (1, 1)))
    assert one.shape == (1, 4, 4) and np.array_equal(one.basis, same.basis)
    assert not np.allclose(one.basis, other.basis) and not np.allclose(one.basis, pair.basis)


def test_the_slice_of_a_seed_is_pinned() -> None:
    """The numbers that numpy's generator gives for a seed, orthonormalised: a change here changes published tables."""
    drawn = np.random.default_rng(7).standard_normal((2, 3))
    q, r = np.linalg.qr(drawn.T)
    assert np.allclose(random_slice(np.zeros(3), seed=7).basis, q * np.sign(np.diag(r)), rtol=0, atol=1e-15)
    assert np.allclose(random_slice(np.zeros(3), seed=7).basis[:, 0], [0.00303393, 0.73679711, -0.6761071], atol=1e-7)


def test_planes_are_uniform_in_direction() -> None:
    """Of a Haar plane in R^n each entry of the projection has mean 2 / n on the diagonal and 0 off it."""
    bases = np.stack([random_slice(np.zeros(4), seed=seed).basis for seed in range(2000)])
    mean = np.einsum("kia,kja->ij", bases, bases) / len(bases)
    assert np.allclose(mean, np.eye(4) / 2, atol=0.03)


@pytest.mark.parametrize(
    ("point", "side", "text"),
    [([1.0], 1, "point"), ([0, 0], 0, "side"), ([0, np.nan], 1, "point"), ([0, 0], -1, "side")],
)
def test_points_and_sides_that_make_no_sense_are_refused(point: Any, side: float, text: str) -> None:
    with pytest.raises(CpwlError, match=text):
        random_slice(point, side=side)


def test_points_off_the_data_fill_its_box() -> None:
    data = np.array([[0.0, 5, 1], [2, 5, -1]])
    found = off_data(data, 500, seed=3)
    assert found.shape == (500, 3) and (found[:, 1] == 5).all()
    assert (found >= data.min(axis=0)).all() and (found <= data.max(axis=0)).all()
    assert np.allclose(found.mean(axis=0), [1, 5, 0], atol=0.1) and np.array_equal(found, off_data(data, 500, seed=3))
    with pytest.raises(ArgumentError, match="count"):
        off_data(data, -1)
    with pytest.raises(ShapeError, match="data"):
        off_data(np.zeros(3), 1)


# ---- the table -----------------------------------------------------------------------------------------------------
def test_each_row_is_the_statistics_of_its_slice() -> None:
    table = study(NETWORKS, {"train": TRAIN, "off": off_data(TRAIN, 2)}, slices=2, side=[0.5, 3.0], seed=4)
    assert len(table) == 2 * (3 + 2) * 2 * 2 and table["complete"].all()
    row = table[(table.network == "deep") & (table.points == "train") & (table.point == 2) & (table.slice == 1)]
    for side, found in zip((0.5, 3.0), row.to_dict("records")):
        part = partition(NETWORKS["deep"], random_slice(TRAIN[2], side=side, seed=(4, 2, 1)))
        wanted = part.statistics()
        assert found["side"] == side and {name: found[name] for name in wanted.summary} == wanted.summary
        assert found["median area"] == np.median(wanted.areas)


def test_networks_are_measured_on_the_same_slices_and_more_slices_change_no_row() -> None:
    twice = study({"a": NETWORKS["wide"], "b": NETWORKS["wide"]}, TRAIN, slices=2)
    one, other = (twice[twice.network == name].drop(columns="network").reset_index(drop=True) for name in "ab")
    assert one.equals(other)
    fewer = study(NETWORKS["wide"], TRAIN[:2], slices=1).drop(columns="network")
    kept = one[(one.slice == 0) & (one.point < 2)].reset_index(drop=True)
    assert kept.equals(fewer)


def test_options_go_to_the_partitions_and_progress_is_told() -> None:
    calls: list[tuple[int, int, str]] = []
    exact = study(NETWORKS, TRAIN, backend="exact", progress=lambda *call: calls.append(call))
    assert np.allclose(exact["ARV"], study(NETWORKS, TRAIN)["ARV"])
    assert [call[0] for call in calls] == list(range(1, 7)) and {call[1:] for call in calls} == {
        (6, "wide"),
        (6, "deep"),
    }


@pytest.mark.parametrize(
    ("networks", "points", "options", "text"),
    [
        ({}, TRAIN, {}, "networks"),
        ({"a": 3}, TRAIN, {}, "networks"),
        (NETWORKS, TRAIN[0, :3], {}, "points"),
        (NETWORKS, {}, {}, "points"),
        (NETWORKS, {"a": np.zeros((0, 5))}, {}, "points 'a'"),
        (NETWORKS, TRAIN, {"slices": 0}, "slices"),
        (NETWORKS, TRAIN, {"side": -1.0}, "side"),
        (NETWORKS, TRAIN[:, :4], {}, r"points must have shape \(M, 5\)"),
    ],
)
def test_what_makes_no_sense_is_named(networks: Any, points: Any, options: Any, text: str) -> None:
    with pytest.raises(CpwlError, match=text):
        study(networks, points, **options)


def test_the_summary_has_the_mean_and_quantiles_of_each_group() -> None:
    table = study(NETWORKS, {"train": TRAIN}, slices=3)
    found = summarised(table, measures=["regions", "ARV"], quantiles=[0.1, 0.5])
    assert found.index.names == ["measure", "network", "points", "side"] and len(found) == 4
    values = table.loc[table.network == "wide", "regions"]
    row = found.loc[("regions", "wide", "train", 1.0)]
    assert row["slices"] == 9 and row["mean"] == values.mean() and row["q50"] == values.median()
    assert np.isclose(row["q10"], values.quantile(0.1)) and (row["min"], row["max"]) == (values.min(), values.max())
    with pytest.raises(ArgumentError, match="no such"):
        summarised(table, measures=["no such"])


# ---- pictures ------------------------------------------------------------------------------------------------------
def test_pictures_have_a_panel_for_each_measure() -> None:
    table = study(NETWORKS, {"train": TRAIN, "off": off_data(TRAIN, 2)})
    assert len([ax for ax in plot_study(table).axes if ax.get_visible()]) == 6
    curves = plot_study(table, kind="ecdf", measures=["regions"]).axes[0].lines
    assert len(curves) == 4 and all(curve.get_ydata()[-1] == 1 for curve in curves)
    with pytest.raises(ArgumentError, match="kind"):
        plot_study(table, kind="pie")


def test_squares_of_several_sides_are_not_mixed() -> None:
    table = study(NETWORKS, TRAIN, side=[1, 2])
    assert len(summarised(table, measures=["regions"])) == 4
    with pytest.raises(ArgumentError, match="by='side'"):
        plot_study(table)
    assert plot_study(table, by="side", measures=["regions"]).axes[0].get_xticklabels()[1].get_text() == "2.0"


def test_distributions_reach_one_and_name_the_groups() -> None:
    parts = {name: partition(net, random_slice(TRAIN[0], side=4)).statistics() for name, net in NETWORKS.items()}
    figure = plot_distributions(parts)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["wide", "deep"]
    assert all(line.get_ydata()[-1] == 1 for line in figure.axes[0].lines)
    assert np.isclose(sum(bar.get_height() for bar in figure.axes[1].patches), 2)
    assert not parts["wide"].plot(measures=["area"]).legends
    with pytest.raises(ArgumentError, match="measures must be"):
        plot_distributions(parts, measures=["size"])
