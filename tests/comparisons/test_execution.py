"""Runs in floating point: units, decisions and errors are judged by exact arithmetic at the inputs that were fed."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl import backends
from cpwl.comparisons import judge as judgement
from cpwl.comparisons.execution import compare_execution, raster_points
from cpwl.comparisons.judge import Judge, Run
from cpwl.errors import ArgumentError, BackendError
from cpwl.fields.arithmetic import Forward
from cpwl.geometry.domain import Domain
from cpwl.network import RELU, Dense, Max, Network, Piecewise
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support.certify_inputs import SQUARE, networks
from tests.support.image_planes import plane

DTYPES = ["float16", "bfloat16", "float32", "float64"]


def dense(weight: list[list[float]], bias: list[float]) -> Dense:
    return Dense(np.array(weight), np.array(bias))


def pieces_that_fit(network: Network, i: int, row: list[Any]) -> list[set[int]]:
    """For each unit of a node the pieces on which its argument lies."""
    node = network.nodes[i]
    if isinstance(node.op, Max):
        width = len(row) // node.size
        groups = [row[k : k + width] for k in range(0, len(row), width)]
        return [{j for j, x in enumerate(group) if x == max(group)} for group in groups]
    assert isinstance(node.op, Piecewise)
    points = [Fraction(b) for b in node.op.breakpoints.tolist()]
    ends = [None, *points, None]
    return [
        {k for k, (low, high) in enumerate(pairwise(ends)) if (low is None or low <= x) and (high is None or x <= high)}
        for x in row
    ]


def expected_flips(network: Network, dtype: str, inputs: np.ndarray) -> list[int]:
    """How many units have no piece in common, counted unit by unit in Fractions."""
    exact = backends.get("exact").arithmetic
    forward = Forward(network, exact, exact.points(inputs))
    arguments = {stage.index: stage.argument.to_numpy().tolist() for stage in forward}
    flips = [0] * len(inputs)
    for i, values in backends.get("torch").execution(dtype).run(network, inputs):
        for r, row in enumerate(values.tolist() if i >= 0 else []):
            ran = pieces_that_fit(network, i, [Fraction(x) for x in row])
            truly = pieces_that_fit(network, i, arguments[i][r])
            flips[r] += sum(not a & b for a, b in zip(ran, truly))
    return flips


@settings(max_examples=30)
@given(networks(), st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
def test_units_on_other_pieces_and_errors_are_those_counted_one_by_one(net: Network, dtype: Any, seed: int) -> None:
    part = partition(net, SQUARE)
    near = part.vertices[:6] + np.random.default_rng(seed).normal(size=(min(len(part.vertices), 6), 2)) * 2.0**-12
    run = Judge(part, dtype, None).at_slice(np.concatenate([part.vertices[:6], near]))
    assert run.flips.tolist() == expected_flips(part.network, dtype, run.inputs)
    exactly = cpwl.evaluate(part.network, run.inputs, backend="exact")
    *_, (_, output) = backends.get("torch").execution(dtype).run(part.network, run.inputs)
    for r in range(len(run)):
        error = max(abs(Fraction(x) - y) for x, y in zip(output[r].tolist(), exactly[r].ravel().tolist()))
        assert run.errors[r] == pytest.approx(float(error), rel=2.0**-9, abs=0)


@settings(max_examples=20)
@given(networks(), st.sampled_from(DTYPES[:3]))
def test_float64_with_its_bound_judges_as_exact_arithmetic_does(net: Network, dtype: Any) -> None:
    part = partition(net, SQUARE)
    points = np.concatenate([part.vertices, raster_points(part, 5)])
    filtered = Judge(part, dtype, None).at_slice(points)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judgement, "_SHARP", 0.0)  # leaves every row with an error open, and so to exact arithmetic
        exactly = Judge(part, dtype, None).at_slice(points)
    for name in ("regions", "chosen", "flips", "changed"):
        assert getattr(filtered, name).tolist() == getattr(exactly, name).tolist()


def lost_in_float32(exponent: int = 30) -> Network:
    """The last unit is 2^-30 x1 - 2^-40 x1 > 0; in float32 the 2^-30 x1 is lost beside 1, and -2^-40 x1 is left."""
    first = dense([[0.0, 2.0**-exponent], [0.0, 1.0]], [1.0, 0.0])
    second, third = dense([[1.0, 0.0], [0.0, 1.0]], [-1.0, 0.0]), dense([[1.0, -(2.0 ** -(exponent + 10))]], [0.0])
    return Network.sequential(2, [first, RELU, second, RELU, third, RELU, dense([[1.0], [-1.0]], [0.0, 0.0])])


@pytest.mark.parametrize(("dtype", "exponent"), [("float32", 30), ("float32", 70), ("float64", 70)])
def test_a_unit_that_rounding_turns_off_is_found_at_every_input_and_its_region_never_reached(
    dtype: Any, exponent: int
) -> None:
    part = partition(lost_in_float32(exponent), Domain.box([0.0, 1.0], [1.0, 2.0]), backend="exact")
    assert len(part) == 1
    found = compare_execution(part, dtype=dtype, grid=7)
    for run in (found.vertices, found.interiors, found.grid):
        assert (run.flips == 1).all() and (run.chosen == -1).all() and (run.regions == 0).all()
        assert run.changed.sum() == 0, "where both outputs are 0 in the run, the larger one ties"
        assert (run.errors <= 2.0 ** (1 - exponent)).all() and (run.errors >= 2.0**-exponent * (1 - 2.0**-9)).all()
    assert not found.reached.any() and found.void is not None and not found.void.any()
    assert not found.moved.any() and found.rounded == 0


def test_a_tie_of_the_run_or_of_exact_arithmetic_accuses_nobody() -> None:
    """In float32 1 - 2^-30 x is 1, so the run ties where the unit is off; then what it lost is taken off what is 0."""
    less = 2.0**-30
    first, second = dense([[0.0, -less], [0.0, 1.0]], [1.0, 0.0]), dense([[1.0, 0.0], [0.0, 1.0]], [-1.0, 0.0])
    off = Network.sequential(2, [first, RELU, second, RELU, dense([[1.0, 1.0]], [0.0])])
    more = dense([[0.0, less], [0.0, 1.0]], [1.0, 0.0])
    nothing = [dense([[1.0, -less]], [0.0]), RELU, dense([[1.0]], [1.0])]
    zero = Network.sequential(2, [more, RELU, second, RELU, *nothing])
    for net in (off, zero):
        part = partition(net, Domain.box([0.0, 1.0], [1.0, 2.0]), backend="exact")
        execution = compare_execution(part, dtype="float32", grid=7)
        for run in (execution.vertices, execution.interiors, execution.grid):
            assert len(run) and run.flips.tolist() == [0] * len(run) == expected_flips(net, "float32", run.inputs)


def test_what_is_lost_in_float32_is_not_in_float64() -> None:
    assert compare_execution(small(), dtype="float64", grid=7).grid.flips.sum() == 0


def test_a_region_between_two_numbers_of_a_type_is_proved_to_hold_no_input() -> None:
    ends = [1 + 2.0**-30, 1 + 2.0**-29]
    net = Network.sequential(2, [dense([[1.0, 0.0]] * 2, [-x for x in ends]), RELU, dense([[1.0, 1.0]], [0.0])])
    part = partition(net, Domain.box([0.5, -1.0], [1.5, 1.0]), backend="exact")
    (middle,) = part.locate([[1 + 1.5 * 2.0**-30, 0.0]]).tolist()
    found = compare_execution(part, dtype="float32", grid=9)
    assert found.void is not None and np.flatnonzero(found.void).tolist() == [middle]
    assert np.flatnonzero(~found.reached).tolist() == [middle] == np.flatnonzero(found.moved).tolist()
    assert found.rounded == 2
    finer = compare_execution(part, dtype="float64", grid=9)
    assert finer.reached.all() and finer.void is not None and not finer.void.any() and not finer.moved.any()


def test_a_thin_region_that_rounded_points_miss_is_reached_by_an_input_that_was_searched_for() -> None:
    line, strip = dense([[0.625, 0.6875]], [-1.640625]), dense([[1.0], [1.0]], [2.0**-14, -(2.0**-14)])
    net = Network.sequential(2, [line, strip, RELU, dense([[1.0, 1.0]], [0.0])])
    part = partition(net, Domain.box([1.00037, 1.00071], [1.91, 1.93]), backend="exact")
    found = compare_execution(part, dtype="float16", grid=0)
    assert len(part) == 3 and len(found.found) and found.reached.all()
    assert found.found.inputs.tolist() == found.found.u.tolist()


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_overflow_is_an_infinite_error_and_never_agreement() -> None:
    large = dense([[3e4, 3e4], [3e4, -3e4]], [0.0, 0.0])
    net = Network.sequential(2, [large, RELU, large, RELU, dense([[1.0, -1.0], [1.0, 1.0]], [0.0, 0.0])])
    found = compare_execution(partition(net, Domain.box([2.0, -1.0], [4.0, 1.0])), dtype="float16", grid=3)
    assert np.isinf(found.grid.errors).all() and (found.grid.flips > 0).any() and found.grid.changed.any()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "inf" in found.report()


class Cnn(torch.nn.Module):
    """One of each: a convolution with padding and groups, pools, a division, a skip, scales, several activations."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.second = torch.nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.norm = torch.nn.BatchNorm2d(4)
        self.last = torch.nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.max_pool2d(torch.relu(self.first(x)), 3, 2, 1)
        y = y + torch.nn.functional.leaky_relu(self.norm(self.second(y)), 0.125)
        y = torch.nn.functional.hardtanh(torch.nn.functional.avg_pool2d(y, 3, 1, 1) / 3, -2.0, 2.0)
        return self.last(torch.cat([y, -y], dim=1).flatten(1)[:, :16])  # type: ignore[no-any-return]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5), ("float16", 2e-2)])
def test_a_run_computes_what_torch_computes_in_that_type(dtype: str, tolerance: float) -> None:
    torch.manual_seed(0)
    module = Cnn().eval()
    net = cpwl.compile(module, torch.zeros(1, 2, 5, 5))
    x = torch.randn(9, 2, 5, 5)
    *_, (_, output) = backends.get("torch").execution(dtype).run(net, x.double().flatten(1).numpy())
    wanted = module.to(getattr(torch, dtype))(x.to(getattr(torch, dtype))).detach().double().numpy()
    assert np.abs(output - wanted).max() <= tolerance * np.abs(wanted).max()


def test_inputs_off_the_slice_are_judged_where_they_are() -> None:
    rng = np.random.default_rng(1)
    net = Network.mlp([rng.standard_normal((6, 5)), rng.standard_normal((3, 6))], [rng.standard_normal(6), np.zeros(3)])
    part = partition(net, Domain.through(*rng.standard_normal((3, 5))))
    found = compare_execution(part, dtype="bfloat16", grid=20)
    assert found.void is None and len(found.found) == 0 and len(found.interiors) == len(part)
    run = found.grid
    assert (run.inputs != part.to_input(run.u)).any()
    exact = cpwl.evaluate(net, run.inputs, backend="exact").argmax(axis=1)
    *_, (_, output) = backends.get("torch").execution("bfloat16").run(net, run.inputs)
    assert run.changed.tolist() == (output.argmax(axis=1) != exact).tolist()
    assert run.flips.tolist() == expected_flips(net, "bfloat16", run.inputs)


def test_the_raster_lies_in_the_domain_and_fills_it() -> None:
    corners = [[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]]
    points = raster_points(partition(lost_in_float32(), Domain.polygon(corners)), 40)
    assert ((points > 0).all() and (points[:, 0] + 2 * points[:, 1] <= 4).all()) and 780 <= len(points) <= 820


def small() -> Partition:
    return partition(lost_in_float32(), Domain.box([0.0, 1.0], [1.0, 2.0]), backend="exact")


def test_the_table_and_the_numbers_say_what_was_found() -> None:
    found = compare_execution(small(), dtype="float32", grid=4)
    rows = {what.strip(): value for what, value, _ in found.table()}
    assert rows["run"] == "float32 on cpu" and rows["regions not reached"] == "1"
    assert rows["units on other pieces"].startswith("16 (100.00%)")
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["grid"]["inputs"] == 16 == numbers["grid"]["with units on other pieces"]
    assert numbers["regions not reached"] == 1 and numbers["of these proved to hold no input"] == 0
    assert "float32" in str(found)


def test_an_ulp_is_the_spacing_of_the_type_at_the_largest_output() -> None:
    net = Network.mlp([np.eye(2), np.array([[3.0, 0.0]])], [np.zeros(2), np.zeros(1)])
    found = compare_execution(partition(net, SQUARE), dtype="float32", grid=2)
    assert found.ulp == float(np.spacing(np.float32(3.0)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"part": None}, ArgumentError, "part must be a Partition"),
        ({"dtype": "float8"}, ArgumentError, "dtype must be one of 'float16'"),
        ({"grid": -1}, ArgumentError, "grid must be"),
        ({"device": "magic"}, BackendError, "device must name"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(change: Any, error: type[Exception], message: str) -> None:
    arguments = {"part": small(), "dtype": "float32", "grid": 2, **change}
    with pytest.raises(error, match=message):
        compare_execution(arguments.pop("part"), **arguments)


def test_a_partition_with_ambiguous_regions_is_refused() -> None:
    part = partition(Network.mlp([np.ones((3, 2)) / 3, np.ones((1, 3))], [-np.ones(3) / 3, np.zeros(1)]), SQUARE)
    object.__setattr__(part, "ambiguous", np.array([0]))
    with pytest.raises(ArgumentError, match="ambiguous"):
        compare_execution(part)


def test_no_inputs_are_no_errors() -> None:
    run = Judge(small(), "float32", None).at_inputs(np.zeros((0, 2)), np.zeros((0, 2)))
    assert isinstance(run, Run) and len(run) == 0 and run.to_dict(1.0)["inputs"] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [4, 5, 11])
def test_what_long_numbers_decide_at_a_point_is_what_exact_arithmetic_says(dtype: Any, seed: int) -> None:
    """On planes through images, where maxima tie at every point: each reference alone, where it leaves nothing open."""
    chosen = plane(seed)
    part = partition(chosen.network, chosen.domain)
    judge = Judge(part, dtype, None)
    points = np.concatenate([part.vertices[:40], raster_points(part, 5)])
    inputs = judge.rounded(part.to_input(points).reshape(len(points), -1))
    _, output = judge._ran(inputs)
    *references, exact = judge._references
    wanted, nothing, errors = exact.judgement(inputs, output)
    assert not nothing.any()
    for reference in references:
        masks, is_open, found = reference.judgement(inputs, output)
        for mask, right in zip(masks, wanted, strict=True):
            assert np.array_equal(mask[~is_open], right[~is_open])
        size = judgement.FORMATS[dtype].spacing * np.abs(output).max(axis=1)
        assert (np.abs(found - errors) <= 2.0**-9 * size)[~is_open].all()
    longest = references[-1].judgement(inputs, output)[1]
    assert longest.mean() < 0.5, "few points are left for rational arithmetic"
