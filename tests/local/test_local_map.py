"""The affine map around a point is the network's own, and its region is the one that a partition finds there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.errors import ArgumentError, BackendError, DomainError, NumericalRangeError, ShapeError
from cpwl.geometry.clipping import bounding
from cpwl.geometry.domain import exactly
from cpwl.network import RELU, Divide, Gather, Input, Max, Network, Node, Periodic, Piecewise
from tests.support import exact_model
from tests.support.local_networks import Builder, everything, in_torch, lines
from tests.support.networks import layered, mlp, residual

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
seeds = st.integers(0, 2**32)
backends = pytest.mark.parametrize("backend", ["torch", "exact"])
planar = layered().map(lambda pair: pair.network) | residual()


def dyadic(seed: int, shape: tuple[int, ...], parts: int = 8) -> Any:
    return np.random.default_rng(seed).integers(-3 * parts, 3 * parts + 1, shape) / parts


def inner_point(part: cpwl.Partition, region: int) -> Any:
    corners = part.vertices[part.regions[region]]
    return corners.sum(axis=0) / len(corners)


# ---- the map -------------------------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(everything, seeds)
def test_jacobian_and_value_are_those_of_torch_exactly_on_dyadic_numbers(network: Network, seed: int) -> None:
    x = dyadic(seed, network.input_shape, 8192)
    local = cpwl.local_map(network, x)
    assume(not len(local.undecided))
    function, at = in_torch(network), torch.tensor(x)
    jacobian = torch.func.jacrev(function)(at).reshape(network.outputs, network.inputs).numpy()
    assert (local.weight == jacobian).all()
    assert (local.value == function(at).numpy()).all()
    direction = dyadic(seed + 1, network.input_shape)
    pushed = torch.func.jvp(function, (at,), (torch.tensor(direction),))[1].numpy()
    assert (local.matvec(direction) == pushed.ravel()).all()


@settings(max_examples=30, deadline=None)
@given(everything, seeds)
def test_rows_columns_and_bias_agree_in_exact_arithmetic(network: Network, seed: int) -> None:
    x = exactly(dyadic(seed, network.input_shape)) / 3
    local = cpwl.local_map(network, x, backend="exact")
    v, w = (exactly(dyadic(seed + k, (size,))) / 7 for k, size in enumerate([network.inputs, network.outputs]))
    assert local.rmatvec(w) @ v == w @ local.matvec(v)
    assert (local.weight @ x.ravel() + local.bias == local.value.ravel()).all()
    assert (local.weight == np.stack([local.row(j) for j in range(network.outputs)])).all()
    assert (local.value == cpwl.evaluate(network, x, backend="exact")).all()


@settings(max_examples=20, deadline=None)
@given(everything, seeds)
def test_float_and_exact_agree_on_everything_that_float_decides(network: Network, seed: int) -> None:
    x = dyadic(seed, network.input_shape)
    quick, exact = (cpwl.local_map(network, x, backend=backend) for backend in ("torch", "exact"))
    assert set(exact.undecided) <= set(quick.undecided)
    doubtful = np.isin(np.arange(network.units), quick.undecided)
    assert (quick.pattern == exact.pattern)[~doubtful].all()
    assert (quick.margins == exact.margins).all()  # these numbers are exact in float64
    assert (quick.pattern == exact.pattern).all() and (quick.weight == exact.weight).all()


def test_a_quotient_that_float64_does_not_hold_is_exact_in_the_exact_backend() -> None:
    b = Builder(3, (3,))
    b.add(Divide(np.array([3.0, 7.0, -49.0])))
    b.add(RELU)
    b.dense(2)
    x = np.array([0.3, 0.5, -0.7])
    quick, exact = (cpwl.local_map(b.network(), x, backend=backend) for backend in ("torch", "exact"))
    weight = exactly(b.nodes[-1].op.weight)  # type: ignore[union-attr]
    assert (exact.weight == weight / np.array([Fraction(3), Fraction(7), Fraction(-49)])).all()
    assert np.allclose(quick.weight, exact.weight.astype(float), rtol=2**-50, atol=0)


def test_an_entry_that_is_used_unevenly_often_collects_all_of_its_uses() -> None:
    index = np.random.default_rng(0).zipf(1.3, 500).clip(max=40) - 2  # -1 among them
    network = Network((Node(Input(), (), (45,), "x"), Node(Gather(index), (0,), (500,), "gathered")))
    local = cpwl.local_map(network, np.zeros(45))
    w = np.arange(500.0)
    expected = np.zeros(45)
    np.add.at(expected, index[index >= 0], w[index >= 0])
    assert (local.rmatvec(w) == expected).all()


def test_the_operator_is_the_jacobian() -> None:
    from scipy.sparse.linalg import svds

    network = mlp(3, [20, 30, 12])
    local = cpwl.local_map(network, np.full(20, 0.25))
    operator = local.operator
    assert operator.shape == (12, 20)
    assert np.allclose(operator @ np.eye(20), local.weight) and np.allclose(operator.T @ np.eye(12), local.weight.T)
    assert np.allclose(svds(operator, 1)[1], np.linalg.norm(local.weight, 2))


@backends
def test_the_jacobian_does_not_depend_on_which_way_it_is_computed(backend: str) -> None:
    wide, tall = mlp(1, [2, 9, 7]), mlp(1, [7, 9, 2])
    for network in (wide, tall):
        local = cpwl.local_map(network, np.full(network.inputs, 0.375), backend=backend)
        rows = np.stack([local.row(j) for j in range(network.outputs)]).astype(float)
        columns = np.stack([local.matvec(v) for v in np.eye(network.inputs)], axis=1).astype(float)
        assert np.allclose(local.weight.astype(float), rows) and np.allclose(rows, columns)


@backends
def test_evaluation_takes_one_point_or_many(backend: str) -> None:
    network = lines(5)
    points = dyadic(0, (4, *network.input_shape))
    many = cpwl.evaluate(network, points, backend=backend)
    assert many.shape == (4, *network.output_shape)
    assert (many == np.stack([cpwl.evaluate(network, x, backend=backend) for x in points])).all()
    assert (many.astype(float) == torch.stack([in_torch(network)(torch.tensor(x)) for x in points]).numpy()).all()
    assert cpwl.evaluate(network, np.zeros((0, *network.input_shape)), backend=backend).shape == (0, 2)


# ---- the region ----------------------------------------------------------------------------------------------------
@backends
@settings(max_examples=40, deadline=None)
@given(network=planar)
def test_the_irredundant_halfspaces_are_the_edges_of_the_partitions_region(backend: str, network: Network) -> None:
    part = cpwl.partition(network, SQUARE, backend="exact")
    for region in range(min(len(part), 6)):
        x = inner_point(part, region)
        local = cpwl.local_map(network, x if backend == "exact" else x.astype(float), backend=backend)
        if backend == "torch" and len(local.undecided):
            continue
        assert (local.pattern == part.patterns([region])[0]).all()
        found = local.halfspaces(SQUARE).irredundant()
        corners = part.vertices[part.regions[region]]
        assert not (found.complete and found.certain.all()) or len(found) == len(corners)
        if backend == "torch":
            continue
        ends = zip(corners, np.roll(corners, -1, axis=0))
        tight = [np.flatnonzero((found.halfspaces.values(np.stack(pair)) == 0).all(axis=0)) for pair in ends]
        assert all(len(rows) == 1 for rows in tight)
        assert sorted(np.concatenate(tight)) == list(range(len(found)))


@backends
@settings(max_examples=30, deadline=None)
@given(network=planar, seed=seeds)
def test_membership_is_that_of_the_partitions_regions(backend: str, network: Network, seed: int) -> None:
    part = cpwl.partition(network, SQUARE, backend="exact")
    region = seed % len(part)
    local = cpwl.local_map(network, inner_point(part, region), backend="exact")
    if backend == "torch":
        local = cpwl.local_map(network, inner_point(part, region).astype(float))
        assume(not len(local.undecided))
    corners = part.vertices[part.regions[region]]
    others = np.array([inner_point(part, r) for r in range(len(part)) if r != region], object).reshape(-1, 2)
    exact = backend == "exact"
    near = local.contains(corners if exact else corners.astype(float))
    assert near.inside.all() if exact else not (~near.inside & ~near.undecided).all()
    far = local.contains(others if exact else others.astype(float))
    assert not far.inside.any()
    assert exact or (~far.undecided | ~far.inside).all()


@backends
def test_halfspaces_hold_at_x_by_its_margins_and_tell_other_patterns_apart(backend: str) -> None:
    network = mlp(2, [2, 12, 12, 3])
    x = np.array([0.25, -0.5])
    local = cpwl.local_map(network, x, backend=backend)
    halfspaces = local.halfspaces()
    values = halfspaces.values(x[None] if backend == "torch" else exactly(x[None]))[0]
    assert values.min() > 0 and np.allclose(values.astype(float), local.margins[halfspaces.units].astype(float))
    for y in np.random.default_rng(0).uniform(-1, 1, (40, 2)):
        other = cpwl.local_map(network, y, backend=backend)
        inside = local.contains(y).inside[0]
        assert inside == bool((other.pattern == local.pattern).all())
        assert inside == bool((halfspaces.values(y[None] if backend == "torch" else exactly(y[None])) > 0).all())


@settings(max_examples=15, deadline=None)
@given(everything, seeds)
def test_every_halfspace_of_a_slice_is_within_its_stated_error(network: Network, seed: int) -> None:
    points = dyadic(seed, (3, *network.input_shape)) / 3
    domain = cpwl.Domain.through(*points)
    quick, exact = (cpwl.local_map(network, points[0], backend=backend) for backend in ("torch", "exact"))
    assume((quick.pattern == exact.pattern).all())
    rows, true = quick.halfspaces(domain), exact.halfspaces(domain)
    assert (rows.units == true.units).all() and np.isfinite(rows.errors).all()
    corners = exactly(domain.polytope.vertices)
    stored = corners @ exactly(rows.normals).T + exactly(rows.offsets)
    assert (np.abs(stored - true.values(corners)) <= rows.errors).all()


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_what_is_certain_of_a_float_region_is_true(seed: int) -> None:
    network = mlp(seed, [5, 24, 24, 2])
    points = np.random.default_rng(seed).standard_normal((3, 5))
    domain = cpwl.Domain.through(*points)
    quick, exact = (cpwl.local_map(network, points[0], backend=backend) for backend in ("torch", "exact"))
    assert not len(quick.undecided)
    found, true = quick.halfspaces(domain).irredundant(), exact.halfspaces(domain).irredundant()
    assert found.certain.all() and found.complete and not found.halfspaces.exact
    assert found.halfspaces.units.tolist() == true.halfspaces.units.tolist()


def test_the_region_of_the_input_space_by_double_description_is_that_of_the_slice_which_is_all_of_it() -> None:
    network = mlp(6, [2, 10, 2])
    local = cpwl.local_map(network, np.array([0.1, 0.2]), backend="exact")
    wide = cpwl.Domain.box([-(2.0**20)] * 2, [2.0**20] * 2)
    free, boxed = local.halfspaces().irredundant(), local.halfspaces(wide).irredundant()
    assert set(free.halfspaces.units) == set(boxed.halfspaces.units) - {-1}
    assert free.certain.all() and free.complete
    rough = cpwl.local_map(network, np.array([0.1, 0.2])).halfspaces().irredundant()
    assert set(rough.halfspaces.units) == set(free.halfspaces.units)
    assert not rough.certain.any() and not rough.complete


def test_the_region_in_a_box_of_dimension_three_has_the_boxs_sides_among_its_own() -> None:
    network = mlp(8, [3, 6, 1])
    cube = cpwl.Domain.box([-1.0] * 3, [1.0] * 3)
    found = cpwl.local_map(network, np.full(3, 0.25), backend="exact").halfspaces(cube).irredundant()
    assert found.complete and -1 in found.halfspaces.units
    everything_ = cpwl.local_map(network, np.full(3, 0.25), backend="exact").halfspaces(cube)
    assert len(found) <= len(everything_) + 6


# ---- breakpoints, ties, periods ------------------------------------------------------------------------------------
@backends
def test_on_a_breakpoint_the_piece_to_the_right_is_taken_and_the_unit_listed(backend: str) -> None:
    network = Network.mlp([np.eye(2), np.ones((1, 2))], [np.zeros(2), np.zeros(1)])
    local = cpwl.local_map(network, np.array([0.0, -1.0]), backend=backend)
    assert local.pattern.tolist() == [1, 0] and local.undecided.tolist() == [0]
    assert local.margins.astype(float).tolist() == [0, 1] and local.weight.astype(float).tolist() == [[1, 0]]


def test_a_pattern_on_a_breakpoint_that_no_region_has_is_reported_when_its_region_is_asked_for() -> None:
    network = Network.mlp([np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones((1, 2))], [np.zeros(2), np.zeros(1)])
    local = cpwl.local_map(network, np.array([0.0, 0.5]), backend="exact")
    assert local.undecided.tolist() == [0, 1]
    for domain in (SQUARE, None):
        with pytest.raises(ArgumentError, match="interior"):
            local.halfspaces(domain).irredundant()


@backends
def test_ties_of_zeros_after_a_relu_and_repeated_arguments_are_no_boundary(backend: str) -> None:
    b = Builder(0, (1, 3, 3))
    b.add(RELU)
    b.pool(2, 2)
    x = np.array([[[-1.0, -2.0, 1.0], [-3.0, -1.0, 2.0], [3.0, 1.0, -5.0]]])
    local = cpwl.local_map(b.network(), x, backend=backend)
    assert len(local.undecided) == 0
    assert local.pattern[9:].tolist() == [0, 1, 0, 0]
    assert local.margins[9:].astype(float).tolist() == [np.inf, 1, 2, np.inf]
    assert local.row(0).astype(float).tolist() == [0.0] * 9


@backends
def test_a_tie_of_entries_that_differ_elsewhere_is_listed_and_the_lowest_index_wins(backend: str) -> None:
    network = Network((Node(Input(), (), (3,), "x"), Node(Max(), (0,), (), "max")))
    local = cpwl.local_map(network, np.array([0.5, 2.0, 2.0]), backend=backend)
    assert local.pattern.tolist() == [1] and local.undecided.tolist() == [0]
    assert local.weight.astype(float).tolist() == [[0, 1, 0]]


@backends
@pytest.mark.parametrize("at", [0.25, 3.5, -2.5, 4.75, 1000.25])
def test_the_region_of_a_periodic_activation_ends_at_its_breakpoints_on_both_sides(backend: str, at: float) -> None:
    wave = Periodic(4.0, np.array([-1.0, 1.0]), np.array([1.0, -1.0]), -1.0)
    network = Network((Node(Input(), (), (1,), "x"), Node(wave, (0,), (1,), "wave")))
    local = cpwl.local_map(network, np.array([at]), backend=backend)
    assert isinstance(local.network.nodes[1].op, Piecewise)
    low = 2 * np.floor((at + 1) / 2) - 1
    inside = local.contains(np.array([[low], [low + 2], [low - 2**-10], [low + 2 + 2**-10], [low + 4.5], [low + 1]]))
    assert inside.inside[2:].tolist() == [False, False, False, True]
    assert (inside.inside | inside.undecided)[:2].all()
    slope = 1.0 if (low + 1) % 4 == 0 else -1.0
    assert local.weight.astype(float).tolist() == [[slope]]


def test_points_on_the_boundary_are_inside_exactly_and_undecided_in_float() -> None:
    network = Network.mlp([np.eye(2), np.ones((1, 2))], [np.zeros(2), np.zeros(1)])
    corner = np.array([[0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]])
    for backend, inside, undecided in [
        ("exact", [True, True, False], [False] * 3),
        ("torch", [False, True, False], [True, False, False]),
    ]:
        found = cpwl.local_map(network, np.ones(2), backend=backend).contains(corner)
        assert found.inside.tolist() == inside and found.undecided.tolist() == undecided


# ---- bad arguments -------------------------------------------------------------------------------------------------
def test_bad_arguments_are_named() -> None:
    network = mlp(0, [2, 3, 1])
    local = cpwl.local_map(network, np.zeros(2))
    refused: list[tuple[type[Exception], str, Any]] = [
        (ArgumentError, "net must be a Network", lambda: cpwl.local_map("net", np.zeros(2))),  # type: ignore[arg-type]
        (ShapeError, "x must have shape", lambda: cpwl.local_map(network, np.zeros((1, 2)))),
        (DomainError, "x must be finite", lambda: cpwl.local_map(network, np.array([0.0, np.nan]))),
        (BackendError, "backend must be one of", lambda: cpwl.local_map(network, np.zeros(2), backend="magic")),
        (ShapeError, "points must have shape", lambda: local.contains(np.zeros(3))),
        (ShapeError, "points must have shape", lambda: cpwl.evaluate(network, np.zeros((2, 2, 2)))),
        (ShapeError, "v must have shape", lambda: local.matvec(np.zeros(3))),
        (ShapeError, "w must have shape", lambda: local.rmatvec(np.zeros(2))),
        (ArgumentError, "j must be a whole number from 0 to", lambda: local.row(1)),
        (ArgumentError, "limit: the Jacobian would take 16 bytes", lambda: local.jacobian(limit=15)),
        (ArgumentError, "limit: the halfspaces would take 72 bytes", lambda: local.halfspaces(limit=71)),
        (DomainError, "lies in an input space", lambda: local.halfspaces(cpwl.Domain.box([0] * 3, [1] * 3))),
        (ArgumentError, "domain must be a Domain", lambda: local.halfspaces("square")),  # type: ignore[arg-type]
        (
            BackendError,
            "operator is in float64",
            lambda: cpwl.local_map(network, np.zeros(2), backend="exact").operator,
        ),
    ]
    for error, message, call in refused:
        with pytest.raises(error, match=message):
            call()


def test_outputs_that_overflow_are_refused() -> None:
    network = Network.mlp([np.full((1, 2), 1e308)], [np.full(1, 1e308)])
    with pytest.raises(NumericalRangeError, match="overflow"):
        cpwl.local_map(network, np.ones(2))
    assert cpwl.local_map(network, np.ones(2), backend="exact").value[0] == 3 * Fraction(1e308)


# ---- halfplanes ----------------------------------------------------------------------------------------------------
rows_of_integers = st.lists(st.tuples(*[st.integers(-4, 4)] * 3), max_size=8)


@given(rows_of_integers)
def test_rows_that_bound_a_polygon_are_those_whose_removal_enlarges_it(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, np.float64).reshape(-1, 3)
    found = bounding(SQUARE.polytope, table, np.zeros(len(table)))
    everything_ = [*SQUARE.polytope.sides, *(tuple(map(Fraction, row)) for row in rows)]

    def region(kept: list[Any]) -> Any:
        polygon: Any = [(Fraction(4 * x), Fraction(4 * y)) for x, y in SQUARE.polytope.vertices.tolist()]
        for row in kept:
            polygon = exact_model.clip(polygon, row) if polygon else polygon
        return exact_model.area(polygon) if polygon else 0

    whole = region(everything_)
    assert bool(whole) == bool(len(found.rows)) and found.certain.all() and found.complete
    kept = [everything_[i] for i in found.rows]
    if whole:
        assert region(kept) == whole
        assert all(region([row for row in kept if row is not left]) > whole for left in kept)


@settings(max_examples=200)
@given(rows_of_integers, st.lists(st.integers(0, 3), min_size=8, max_size=8), st.integers(0, 2**32))
def test_what_is_certain_of_rows_with_errors_holds_for_all_rows_within_them(
    rows: list[tuple[int, int, int]], sizes: list[int], seed: int
) -> None:
    table = np.array(rows, np.float64).reshape(-1, 3)
    errors = np.array(sizes[: len(rows)]) / 16
    found = bounding(SQUARE.polytope, table, errors)
    generator = np.random.default_rng(seed)
    for _ in range(4):
        change = generator.integers(-16, 17, (len(rows), 3)) / 16 * errors[:, None] / 3  # |x|, |y| <= 1 on the square
        true = bounding(SQUARE.polytope, table + np.clip(change, -errors[:, None] / 3, errors[:, None] / 3), errors * 0)
        assert set(found.rows[found.certain]) <= set(true.rows)
        assert not found.complete or (found.certain.all() and set(found.rows) == set(true.rows))


def test_a_row_that_may_coincide_with_another_is_not_certain() -> None:
    rows, errors = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.5]]), np.full(2, 0.25)  # both may be x + 1/4 >= 0
    found = bounding(SQUARE.polytope, rows, errors)
    assert found.rows.tolist() == [0, 1, 2, 4]
    assert found.certain.tolist() == [True, True, True, False] and not found.complete
