"""What units and layers do: against truncated networks, against signs at points, and by hand on small networks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.analysis import Units, units
from cpwl.errors import ArgumentError
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Gather, Input, Network, Node, Periodic, Piecewise
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from cpwl.plots.page_parts import bending_units
from cpwl.statistics.crossing_units import crossings
from cpwl.tiling.blocks import Blocks
from tests.support.networks import layered, mlp, residual

SQUARE = Domain.box([-1, -1], [1, 1])
BACKENDS = ("torch", "exact")


def relu_layer(rows: list[list[float]], backend: str = "torch", domain: Domain = SQUARE) -> Units:
    """The units a x + b y + c, a row [a, b, c] each, under a ReLU."""
    table = np.array(rows, np.float64)
    net = Network.sequential(2, [Dense(table[:, :2], table[:, 2]), RELU])
    return units(partition(net, domain, backend=backend))


def of_facets(part: Partition) -> list[set[int]]:
    """For each facet the units whose piece differs on its sides, from whole patterns."""
    patterns, sides = part.patterns(), part.facets().regions
    return [set(np.flatnonzero(patterns[a] != patterns[b]).tolist()) if b >= 0 else set() for a, b in sides.tolist()]


# ---- crossings -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@given(pair=layered())
@settings(max_examples=25)
def test_the_units_of_a_facet_are_those_whose_piece_differs(backend: str, pair: Any) -> None:
    part = partition(pair.network, SQUARE, backend=backend)
    found = crossings(part)
    assert [set(row.tolist()) for row in found.by_facet(len(part.facets().regions))] == of_facets(part)
    patterns, sides = part.patterns(), part.facets().regions[found.facet]
    assert np.array_equal(found.left, patterns[sides[:, 0], found.unit])
    assert np.array_equal(found.right, patterns[sides[:, 1], found.unit])


def test_the_first_unit_of_a_facet_is_that_of_the_interactive_page() -> None:
    part = partition(mlp(2, [2, 12, 12, 2]), SQUARE)
    sides = part.facets().regions
    rows = crossings(part).by_facet(len(sides))
    assert [row[0] if len(row) else part.network.units for row in rows] == bending_units(part, sides).tolist()


@pytest.mark.parametrize("rows", [6, 20])
def test_blocks_make_no_difference_to_the_units(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = mlp(3, [2, 10, 10, 2])
    whole = units(partition(net, SQUARE))
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=rows)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    parted = units(partition(net, SQUARE))
    assert parted.regions_after.tolist() == whole.regions_after.tolist()
    assert parted.states.tolist() == whole.states.tolist()
    assert np.allclose(parted.lengths, whole.lengths, rtol=1e-9)


# ---- layers --------------------------------------------------------------------------------------------------------
@given(net=st.one_of(layered().map(lambda pair: pair.network), residual()))
@settings(max_examples=25)
def test_regions_after_a_layer_are_those_of_the_network_ended_there(net: Network) -> None:
    found = units(partition(net, SQUARE))
    parts = [found.partition_after(layer) for layer in range(1, len(net.nonlinear) + 1)]
    assert found.regions_after.tolist() == [len(part) for part in parts]
    assert len(parts[-1]) == len(found.partition)


def test_by_layer_adds_up() -> None:
    found = units(partition(mlp(1, [2, 9, 7, 2]), SQUARE))
    table = found.by_layer()
    assert table["units"].tolist() == [9, 7] and table.index.tolist() == [1, 2]
    assert (table[["cuts", "dead", "linear"]].sum(axis=1) == table["units"]).all()
    assert np.isclose(table["length"].sum(), found.lengths.sum())
    assert table["regions"].iloc[-1] == len(found.partition)


@pytest.mark.parametrize("layer", [0, 3, -1])
def test_a_layer_that_is_none_is_refused(layer: int) -> None:
    with pytest.raises(ArgumentError, match=r"layer must be a whole number from 1 to 2"):
        units(partition(mlp(1, [2, 4, 4, 1]), SQUARE)).partition_after(layer)


# ---- states --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_states_of_units_that_cut_touch_or_miss_the_square(backend: str) -> None:
    # In order: cuts; misses above and below; touches a corner from either side; along a side; identically zero.
    rows = [[1, 0, 0], [0, 1, 2], [0, 1, -2], [1, 1, 2], [-1, -1, -2], [1, 0, -1], [0, 0, 0]]
    found = relu_layer(rows, backend)
    assert found.states.tolist() == ["cuts", "linear", "dead", "linear", "dead", "dead", "linear"]
    assert len(found.partition) == 2


def test_a_leaky_unit_that_does_not_cut_is_linear_and_a_saturated_hardtanh_is_dead() -> None:
    from tests.support.networks import ACTIVATIONS

    for name, wanted in (("leaky relu", "linear"), ("hardtanh", "dead"), ("abs", "linear")):
        ops = [Dense(np.array([[1.0, 0.0]]), np.array([-3.0])), ACTIVATIONS[name]]
        assert units(partition(Network.sequential(2, ops), SQUARE)).states.tolist() == [wanted]


def test_slopes_of_each_unit_or_channel_decide_which_units_are_dead() -> None:
    """A leaky ReLU of slope 0 is dead below its breakpoint; the other units of the layer pass something on."""
    below = Dense(np.zeros((8, 2)), np.full(8, -1.0))
    unitwise = Piecewise(np.zeros(1), np.stack([np.arange(8.0), np.ones(8)]))
    found = units(partition(Network.sequential(2, [below, unitwise]), SQUARE))
    assert found.states.tolist() == ["dead"] + ["linear"] * 7
    channels = Piecewise(np.zeros(1), np.array([[1.0, 0.0], [1.0, 1.0]]).reshape(2, 2, 1, 1))
    image = Gather(np.arange(8).reshape(2, 2, 2))
    nodes = [
        Node(Input(), (), (2,)),
        Node(below, (0,), (8,)),
        Node(image, (1,), (2, 2, 2)),
        Node(channels, (2,), (2, 2, 2)),
    ]
    assert units(partition(Network(tuple(nodes)), SQUARE)).states.tolist() == ["linear"] * 4 + ["dead"] * 4


def test_a_periodic_unit_has_a_curve_for_each_breakpoint_that_it_reaches() -> None:
    """A triangle wave of period 1 on an argument from -1 to 1, with breakpoints at its halves."""
    wave = Periodic(1.0, np.array([0.0, 0.5]), np.array([1.0, -1.0]))
    found = units(partition(Network.sequential(2, [Dense(np.eye(1, 2), np.zeros(1)), wave]), SQUARE))
    assert found.regions_after.tolist() == [len(found.partition_after(1))] == [4]
    places = [found.partition.vertices[curve.vertices][:, 0] for curve in found.polylines()]
    assert sorted(place[0] for place in places) == [-0.5, 0, 0.5] and all((place == place[0]).all() for place in places)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_a_unit_that_takes_both_signs_at_points_cuts(seed: int) -> None:
    net = mlp(seed, [2, 6, 6, 1])
    found = units(partition(net, SQUARE))
    x = np.random.default_rng(seed).uniform(-1, 1, (200, 2))
    values = []
    for node in net.nodes[1:-1]:
        if isinstance(node.op, Dense):
            x = x @ node.op.weight.T + node.op.bias
            values.append(x)
        else:
            x = np.maximum(x, 0)
    signs = np.concatenate(values, axis=1) > 0
    mixed = signs.any(axis=0) & ~signs.all(axis=0)
    assert set(found.states[mixed].tolist()) <= {"cuts"}
    assert signs[:, found.states == "linear"].all() and not signs[:, found.states == "dead"].any()


# ---- repeats and lengths -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_units_with_the_same_line_repeat_it_and_others_do_not(backend: str) -> None:
    third = 1 / 3
    rows = [[1, 1, 0], [1, -1, 0], [-3, -3, 0], [third, third, 0], [1, 1, 1e-12], [1, 0, 5]]
    found = relu_layer(rows, backend)
    assert found.repeats.tolist() == [-1, -1, 0, 0, -1, -1]
    assert np.allclose(found.lengths[[0, 1, 2]], 8**0.5) and found.lengths[5] == 0
    assert np.allclose(found.shared, np.where(np.isin(np.arange(6), [0, 2, 3]), found.lengths, 0))


def test_a_unit_that_shares_a_part_of_its_boundary_repeats_none() -> None:
    """relu(x) - relu(-x) = x bends nowhere; relu(x) + relu(y) - 1/2 and x - 1/2 meet along a ray where y < 0."""
    first = Dense(np.eye(2), np.zeros(2))
    second = Dense(np.array([[1.0, 1.0], [1.0, 0.0]]), np.full(2, -0.5))
    found = units(partition(Network.sequential(2, [first, RELU, second, RELU]), SQUARE))
    assert found.repeats.tolist() == [-1] * 4
    assert np.allclose(found.shared[2:], [1, 1]) and np.allclose(found.lengths[2:], [2 + 0.5**0.5, 2])


@given(pair=layered(kinds=("integers", "ternary")))
@settings(max_examples=50)
def test_a_unit_repeats_the_first_one_with_the_same_facets(pair: Any) -> None:
    found = units(partition(pair.network, SQUARE))
    cut = [frozenset(found.crossings.facet[row].tolist()) for row in found.crossings.by_unit(len(found))]
    wanted = [cut.index(facets) if facets and cut.index(facets) < unit else -1 for unit, facets in enumerate(cut)]
    assert found.repeats.tolist() == wanted


# ---- polylines -----------------------------------------------------------------------------------------------------
def cross(points: NDArray[np.float64], to: NDArray[np.float64]) -> float:
    return float(points[0] * to[1] - points[1] * to[0])


@given(pair=layered())
@settings(max_examples=25)
def test_polylines_hold_each_crossing_once_with_the_larger_piece_on_the_left(pair: Any) -> None:
    part = partition(pair.network, SQUARE)
    found = units(part)
    ends = part.facets().vertices.values.reshape(-1, 2).tolist()
    wanted = {}
    known = found.crossings
    for facet, unit, left, right in np.stack([known.facet, known.unit, known.left, known.right], axis=1).tolist():
        a, b = ends[facet] if left > right else ends[facet][::-1]
        wanted[unit, a, b] = (min(left, right), max(left, right))
    steps = []
    for curve in found.polylines():
        vertices = [*curve.vertices.tolist(), *([int(curve.vertices[0])] if curve.closed else [])]
        steps += [((curve.unit, a, b), curve.pieces) for a, b in pairwise(vertices)]
    assert len(steps) == len(wanted) and dict(steps) == wanted


def test_a_line_is_one_polyline_from_border_to_border() -> None:
    found = relu_layer([[1, 0.5, 0], [0.25, -1, 0], [1, 1, 0.5]])
    curves = found.polylines()
    assert [curve.unit for curve in curves] == [0, 1, 2] and not any(curve.closed for curve in curves)
    for curve in curves:
        points = found.partition.vertices[curve.vertices]
        assert (np.abs(points[[0, -1]]).max(axis=1) == 1).all()
        # The unit grows to the left: its gradient is the direction turned left.
        weight = found.partition.network.nodes[1].op.weight[curve.unit]
        assert cross(points[-1] - points[0], weight) > 0


def test_a_bump_has_a_closed_polyline() -> None:
    """1/2 - |x| - |y|, from four ReLUs: a diamond."""
    first = Dense(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4))
    net = Network.sequential(2, [first, RELU, Dense(-np.ones((1, 4)), np.array([0.5])), RELU])
    (diamond,) = units(partition(net, SQUARE)).polylines(4)
    assert diamond.closed and diamond.pieces == (0, 1) and len(diamond.vertices) == 4
    points = partition(net, SQUARE).vertices[diamond.vertices]
    assert np.allclose(np.abs(points).sum(axis=1), 0.5)
    turns = [cross(b - a, c - b) for a, b, c in zip(points, np.roll(points, -1, 0), np.roll(points, -2, 0))]
    assert min(turns) > 0  # counter-clockwise: active inside


def test_a_boundary_that_crosses_itself_is_parted_there() -> None:
    """|x| - |y|: the two diagonals."""
    first = Dense(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4))
    net = Network.sequential(2, [first, RELU, Dense(np.array([[1.0, 1, -1, -1]]), np.zeros(1)), RELU])
    found = units(partition(net, SQUARE))
    ends = [found.partition.vertices[curve.vertices[[0, -1]]] for curve in found.polylines(4)]
    assert len(ends) == 4 and all(sorted(np.abs(pair).sum(axis=1).tolist()) == [0, 2] for pair in ends)


def test_an_activation_of_several_breakpoints_has_curves_for_each() -> None:
    from tests.support.networks import ACTIVATIONS

    ops = [Dense(np.array([[4.0, 1.0]]), np.zeros(1)), ACTIVATIONS["triangle wave"]]
    curves = units(partition(Network.sequential(2, ops), SQUARE)).polylines()
    assert sorted(curve.pieces for curve in curves) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("wanted", [[-1], [3], [[0]]])
def test_units_that_are_none_are_refused(wanted: Any) -> None:
    with pytest.raises(ArgumentError, match=r"units must"):
        relu_layer([[1, 0, 0], [0, 1, 0]]).polylines(wanted)


# ---- tables and pictures -------------------------------------------------------------------------------------------
def test_the_table_has_a_row_for_each_unit_and_says_where_it_is() -> None:
    found = units(partition(mlp(1, [2, 3, 2, 1]), SQUARE))
    table = found.to_frame()
    assert table["layer"].tolist() == [1, 1, 1, 2, 2] and table["index"].tolist() == [0, 1, 2, 0, 1]
    assert table["facets"].tolist() == np.bincount(found.crossings.unit, minlength=5).tolist()
    assert ((table["facets"] > 0) == (table["state"] == "cuts")).all()


def test_a_network_without_units_has_an_empty_table() -> None:
    found = units(partition(Network.sequential(2, [Dense(np.eye(2), np.zeros(2))]), SQUARE))
    assert len(found) == len(found.to_frame()) == len(found.polylines()) == 0


def test_the_picture_has_a_panel_for_each_layer() -> None:
    found = units(partition(mlp(1, [2, 6, 5, 4, 1]), SQUARE))
    titles = [ax.get_title() for ax in found.plot().axes if ax.get_visible()]
    assert [title.split(":")[0] for title in titles] == ["layer 1", "layer 2", "layer 3"]
    assert len(found.plot(layers=[2]).axes) == 1
    with pytest.raises(ArgumentError, match="layers must be"):
        found.plot(layers=[4])
