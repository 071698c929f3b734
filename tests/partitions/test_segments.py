"""Many segments at once are what partitions of each of them are, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import cpwl
from cpwl.backends.torch.refinement.kernels.compiled import CompiledLoops
from cpwl.errors import ArgumentError, BackendError, DomainError, NumericalRangeError, ShapeError
from cpwl.geometry.bundle import Bundle
from cpwl.network import Dense, Input, Network, Node, Periodic
from cpwl.partitions.segment_pieces import SegmentPieces
from tests.support.networks import mlp
from tests.support.real_data import images, needs
from tests.support.segment_cases import KINDS, drawn, drawn_network, drawn_points


def whole(found: SegmentPieces, i: int, backend: str) -> tuple[cpwl.Partition, NDArray[np.int64]]:
    """The partition of one segment alone, and its regions in order."""
    bundle = Bundle.of(
        found.starts[i : i + 1].reshape(1, -1), found.steps[i : i + 1].reshape(1, -1), found.starts.shape[1:]
    )
    part = cpwl.partition(found.network, bundle.domain_of(0), backend=backend)
    middle = [sum(part.vertices[region, 0]) for region in part.regions]
    return part, np.array(sorted(range(len(part)), key=lambda r: middle[r]))


def check_segment(found: SegmentPieces, i: int) -> list[tuple[Any, NDArray[Any]]]:
    """A segment against exact arithmetic; the exact position and outputs of each of its positions."""
    part, order = whole(found, i, "exact")
    np.testing.assert_array_equal(found.patterns([i]), part.patterns(order))
    ends = [sorted(part.regions[r], key=lambda v: part.vertices[v, 0]) for r in order.tolist()]
    chain = [ends[0][0], *(pair[1] for pair in ends)]
    exact = [(part.vertices[v, 0], part.outputs.to_numpy()[v]) for v in chain]
    rows = slice(*found.positions.offsets[i : i + 2])
    assert len(exact) == len(found.positions[i]) == found.counts[i] + 1
    known = (found.positions[i], found.position_errors[rows], found.values[rows], found.value_errors[rows])
    for (t, outputs), at, off, values, errors in zip(exact, *known, strict=True):
        assert abs(Fraction(float(at)) - t) <= Fraction(float(off))
        for value, error, output in zip(values.tolist(), errors.tolist(), outputs, strict=True):
            assert abs(Fraction(value) - output) <= Fraction(error)
    assert (np.diff(found.positions[i]) >= 0).all()
    return exact


def check_integral(found: SegmentPieces, i: int, exact: list[tuple[Any, NDArray[Any]]]) -> None:
    pairs = list(pairwise(exact))
    for k in range(found.network.outputs):
        wanted = sum((t - s) * (a[k] + b[k]) / 2 for (s, a), (t, b) in pairs)
        assert abs(Fraction(float(found.integrals()[i, k])) - wanted) <= Fraction(float(found.integral_errors()[i, k]))


def check_slopes(found: SegmentPieces, i: int, exact: list[tuple[Any, NDArray[Any]]]) -> None:
    slopes, errors = found.slopes([i]), found.slope_errors([i])
    for k, ((s, a), (t, b)) in enumerate(pairwise(exact)):
        for m in range(found.network.outputs):
            assert abs(Fraction(float(slopes[k, m])) - (b[m] - a[m]) / (t - s)) <= Fraction(float(errors[k, m]))


def check_classes(found: SegmentPieces, i: int, exact: list[tuple[Any, NDArray[Any]]]) -> None:
    """Runs of the largest output by rational arithmetic: on each piece lines, which cross at most once each."""
    runs: list[tuple[int, Any]] = []
    for (s, a), (t, b) in pairwise(exact):
        m = len(a)
        cuts = {s, t}
        for j in range(m):
            for k in range(j):
                one, other = a[j] - a[k], b[j] - b[k]
                if one * other < 0:
                    cuts.add(s + (t - s) * one / (one - other))
        places = sorted(cuts)
        for low, high in pairwise(places):
            at = ((low + high) / 2 - s) / (t - s)
            values = [a[j] + (b[j] - a[j]) * at for j in range(m)]
            best = values.index(max(values))
            if not runs or runs[-1][0] != best:
                runs.append((best, low))
    classes = found.classes
    assert classes.classes[i].tolist() == [best for best, _ in runs]
    for at, off, (_, t) in zip(classes.positions[i], classes.errors[i], runs, strict=True):
        assert abs(Fraction(float(at)) - t) <= Fraction(float(off))


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_values_integrals_slopes_and_classes_are_those_of_exact_arithmetic(kind: str) -> None:
    for seed in range(16):
        rng = np.random.default_rng([KINDS.index(kind), seed])
        net = drawn_network(rng, kind)
        starts, ends = drawn_points(rng, kind, 4, net.inputs)
        found = cpwl.segments(net, starts, ends)
        for i in range(4):
            exact = check_segment(found, i)
            check_integral(found, i, exact)
            check_slopes(found, i, exact)
            if net.outputs > 1:
                check_classes(found, i, exact)


@pytest.mark.parametrize("kind", ["integers", "thirds"])
def test_ties_in_networks_that_are_asked_in_long_numbers_are_decided(kind: str) -> None:
    rng = np.random.default_rng(5)
    sizes = [3, 48, 48, 48, 2]
    weights = [drawn(rng, kind, (n, m)) / 4 for m, n in pairwise(sizes)]
    for weight in weights[:-1]:
        weight[1::3] = weight[0::3]
    net = Network.mlp(weights, [drawn(rng, kind, n) / 4 for n in sizes[1:]])
    assert net.products > 1 << 12  # below, integers are as fast
    starts, ends = drawn_points(rng, "integers", 3, 3)
    found = cpwl.segments(net, starts, ends)
    assert found.settled > 0
    for i in range(3):
        check_segment(found, i)


def test_pieces_are_those_of_partitions_of_deep_networks_and_bounds_stay_small() -> None:
    net = mlp(0, [20, *[32] * 10, 3])
    starts, ends = np.random.default_rng(1).standard_normal((2, 40, 20))
    found = cpwl.segments(net, starts, ends)
    for i in (0, 7, 39):
        part, order = whole(found, i, "torch")
        np.testing.assert_array_equal(found.patterns([i]), part.patterns(order))
    assert found.position_errors.max() < 1e-7  # of rows at exact vertices they are multiplied from layer to layer
    assert found.value_errors.max() < 1e-6


def test_without_the_compiled_loops_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = mlp(3, [4, 16, 16, 2])
    starts, ends = np.random.default_rng(2).standard_normal((2, 20, 4))
    with_loops = cpwl.segments(net, starts, ends)
    monkeypatch.setattr(CompiledLoops, "serves", lambda kernel, values: False)
    found = cpwl.segments(net, starts, ends)
    np.testing.assert_array_equal(found.patterns(), with_loops.patterns())
    np.testing.assert_allclose(found.values, with_loops.values, atol=1e-12)
    check_segment(found, 0)


# ---- degenerate position ---------------------------------------------------------------------------------------------
def test_all_units_that_bend_at_one_point_bend_at_one_breakpoint() -> None:
    net = mlp(0, [6, 40, 40, 2], bias=0.0)
    points = np.random.default_rng(0).standard_normal((5, 6))
    found = cpwl.segments(net, -points, points)
    assert (found.counts == 2).all()  # rays from 0 are never cut
    assert (found.breakpoints.values == 0.5).all()
    assert (found.units().counts > 40).all()
    check_segment(found, 0)


def test_a_segment_along_a_kink_starts_and_ends_on_it() -> None:
    weight = np.array([[1.0, -1.0], [1.0, 1.0], [2.0, 2.0]])
    net = Network.mlp([weight, np.array([[1.0, 3.0, -1.0]])], [np.zeros(3), np.zeros(1)])
    found = cpwl.segments(net, [[0.0, 0.0], [-1.0, -1.0], [1.0, -1.0]], [[1.0, 1.0], [1.0, 1.0], [3.0, -3.0]])
    for i in range(3):
        check_segment(found, i)
    assert found.counts.tolist() == [1, 2, 1]  # unit 0 is zero along the first two, the others along the third


def test_a_point_is_a_segment_of_one_piece() -> None:
    net = mlp(1, [3, 16, 16, 2])
    point = np.random.default_rng(0).standard_normal(3)
    found = cpwl.segments(net, point, np.stack([point, point + 1]))
    assert found.counts[0] == 1 and found.lengths[0] == 0
    np.testing.assert_array_equal(found.slopes([0]), 0)
    np.testing.assert_allclose(found.integrals()[0], cpwl.evaluate(net, point), atol=found.integral_errors()[0].max())


def convolutional(*, pool: bool) -> Network:
    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(1, 3, 3, padding=1, bias=pool),
        torch.nn.ReLU(),
        torch.nn.Conv2d(3, 3, 3, stride=2, bias=False),
    ]
    layers += [torch.nn.MaxPool2d(2)] if pool else [torch.nn.ReLU()]
    layers += [torch.nn.Flatten(), torch.nn.LazyLinear(3)]
    model = torch.nn.Sequential(*layers).double().eval()
    example = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    model(example)
    return cpwl.compile(model, example)


@pytest.mark.parametrize("pool", [False, True])
def test_backgrounds_of_zeros_are_decided(pool: bool) -> None:
    net = convolutional(pool=pool)
    image = np.zeros((4, 1, 9, 9))
    image[:, :, 3:6, 2:7] = np.random.default_rng(0).integers(0, 256, (4, 1, 3, 5)) / 255
    found = cpwl.segments(net, image[:2], image[2:])
    for i in range(2):
        check_segment(found, i)
    assert len(found.ambiguous) == 0


@needs("mnist")
def test_generic_networks_on_images_need_no_exact_decision() -> None:
    points = images("mnist", 40).reshape(40, 784) / 255
    found = cpwl.segments(mlp(0, [784, 128, 128, 128, 10]), points[:20], points[20:])
    assert found.settled == 0
    assert found.position_errors.max() < 1e-6
    part, order = whole(found, 3, "torch")
    np.testing.assert_array_equal(found.patterns([3]), part.patterns(order))


def test_breakpoints_closer_than_float64_tells_are_in_exact_order() -> None:
    """Units that bend at thirds which are rounded in different ways: 2^-55 apart."""
    weight, bias = np.array([[3.0], [1.0], [6.0], [-3.0]]), np.array([-1.0, -1 / 3, -2.0, 3 * (1 / 3)])
    net = Network.mlp([weight, np.ones((1, 4))], [bias, np.zeros(1)])
    found = cpwl.segments(net, [[0.0]], [[1.0]])
    assert found.counts[0] == 3
    check_segment(found, 0)


def test_periodic_activations_have_the_pieces_that_any_segment_reaches() -> None:
    wave = Periodic(2.0, np.array([-1.0, 0.0]), np.array([1.0, -1.0]), 0.0)
    nodes = (Node(Input(), (), (1,)), Node(Dense(np.array([[4.0]]), np.zeros(1)), (0,), (1,)), Node(wave, (1,), (1,)))
    found = cpwl.segments(Network(nodes), [[0.0], [-1.0]], [[1.0], [3.0]])
    for i in range(2):
        check_segment(found, i)
    assert found.counts.tolist() == [4, 16]


# ---- what is read from it --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pieces() -> SegmentPieces:
    starts, ends = np.random.default_rng(3).standard_normal((2, 30, 4))
    return cpwl.segments(mlp(7, [4, 20, 20, 3]), starts, ends)


def test_units_are_those_whose_pieces_differ(pieces: SegmentPieces) -> None:
    units = pieces.units([4, 2])
    at = 0
    for i in (4, 2):
        patterns = pieces.patterns([i])
        for before, after in pairwise(patterns):
            assert units[at].tolist() == np.flatnonzero(before != after).tolist()
            at += 1
    assert at == len(units) == (pieces.counts[[4, 2]] - 1).sum()


def test_values_are_the_networks_and_lie_on_the_segments(pieces: SegmentPieces) -> None:
    for i in (0, 29):
        rows = slice(*pieces.positions.offsets[i : i + 2])
        points = pieces.to_input(i, pieces.positions[i])
        np.testing.assert_allclose(cpwl.evaluate(pieces.network, points), pieces.values[rows], atol=1e-11)
    assert pieces.breakpoints.counts.tolist() == (pieces.counts - 1).tolist()


def test_bundles_make_no_difference(pieces: SegmentPieces, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, str]] = []
    monkeypatch.setattr("cpwl.partitions.segments._MOST", 7)
    ends = pieces.starts + pieces.steps
    found = cpwl.segments(pieces.network, pieces.starts, ends, progress=lambda *told: seen.append(told))
    assert len(found.parts) == 5 and seen[-1] == (30, 30, "segments")
    again = cpwl.segments(pieces.network, pieces.starts, ends)
    np.testing.assert_array_equal(found.patterns(), again.patterns())
    np.testing.assert_array_equal(found.patterns([8, 0]), again.patterns([8, 0]))
    np.testing.assert_allclose(found.positions.values, again.positions.values, atol=1e-13)
    np.testing.assert_array_equal(found.classes.classes.values, again.classes.classes.values)
    assert [row.tolist() for row in found.units()] == [row.tolist() for row in again.units()]


def test_tables_have_a_row_a_segment_and_a_row_a_piece(pieces: SegmentPieces) -> None:
    table, frame = pieces.table(), pieces.to_frame()
    assert len(table) == len(pieces) and len(frame) == pieces.counts.sum()
    assert table["class changes"].tolist() == pieces.classes.changes.tolist()
    assert (frame["to"] >= frame["from"]).all()
    lengths = (frame["to"] - frame["from"]).groupby(frame["segment"]).sum()
    np.testing.assert_allclose(lengths, 1)


def test_the_picture_has_the_outputs_the_breakpoints_and_the_classes(pieces: SegmentPieces) -> None:
    ax = pieces.plot(2, outputs=[0, 2])
    assert len(ax.lines) == 2 and ax.lines[0].get_xydata().shape == (pieces.counts[2] + 1, 2)
    assert len(ax.collections[0].get_segments()) == pieces.counts[2] - 1
    assert len(ax.patches) == len(pieces.classes.classes[2])


def test_float_predicates_list_what_they_leave_open() -> None:
    net = mlp(0, [6, 40, 40, 2], bias=0.0)
    points = np.random.default_rng(0).standard_normal((3, 6))
    found = cpwl.segments(net, -points, points, predicates="float")
    assert len(found.ambiguous) and "ambiguous" in repr(found)
    generic = cpwl.segments(mlp(0, [6, 20, 2]), -points, 2 * points, predicates="float")
    assert len(generic.ambiguous) == 0


# ---- arguments -------------------------------------------------------------------------------------------------------
def test_bad_segments_are_refused() -> None:
    net = mlp(0, [3, 4, 1])
    with pytest.raises(ShapeError, match="starts and ends must be equally many"):
        cpwl.segments(net, np.zeros((2, 3)), np.ones((3, 3)))
    with pytest.raises(ShapeError, match="ends must have shape"):
        cpwl.segments(net, np.zeros(3), np.ones(4))
    with pytest.raises(ShapeError, match="one point or more"):
        cpwl.segments(net, np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(DomainError, match="starts must be finite"):
        cpwl.segments(net, [np.nan, 0, 0], np.ones(3))
    with pytest.raises(DomainError, match="ends must be so near"):
        cpwl.segments(net, np.full(3, -1.7e308), np.full(3, 1.7e308))
    with pytest.raises(BackendError, match="predicates"):
        cpwl.segments(net, np.zeros(3), np.ones(3), predicates="exactly")  # type: ignore[arg-type]
    with pytest.raises(NumericalRangeError):
        cpwl.segments(net, np.zeros(3), np.full(3, 1.7e308))


def test_classes_of_one_output_and_segments_that_are_not_there_are_refused() -> None:
    found = cpwl.segments(mlp(0, [3, 4, 1]), np.zeros(3), np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="two outputs"):
        _ = found.classes
    with pytest.raises(ArgumentError, match="segment must be a whole number"):
        found.plot(2)
    with pytest.raises(ArgumentError, match="segments must lie in"):
        found.patterns([2])
