"""Boundaries and level sets of every dimension: faces, their sizes, samples, exact samples, the nearest point."""

from __future__ import annotations

from fractions import Fraction
from math import factorial, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl import analysis, checker
from cpwl.boundary import nearest_faces
from cpwl.boundary.nearest_faces import Near, nearest_exactly
from cpwl.errors import ArgumentError, UnsupportedDimensionError
from cpwl.network import RELU, Dense, Input, Network, Node, Piecewise
from tests.support.checker_inputs import encoded
from tests.support.networks import mlp
from tests.support.solids import DIMENSIONS

BACKENDS = ("torch", "exact")
ABS = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))


def cube(dim: int, size: float = 2.0) -> cpwl.Domain:
    return cpwl.Domain.box(-size * np.ones(dim), size * np.ones(dim))


def norm_one(dim: int) -> Network:
    """|u_1| + ... + |u_D|: its level set 1 is a cross-polytope."""
    eye, ones = np.eye(dim), np.ones((1, dim))
    return Network(
        (
            Node(Input(), (), (dim,), "u"),
            Node(Dense(eye, np.zeros(dim)), (0,), (dim,), "u again"),
            Node(ABS, (1,), (dim,), "absolute"),
            Node(Dense(ones, np.zeros(1)), (2,), (1,), "sum"),
        )
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5])
def test_the_level_set_of_the_sum_of_absolute_values_is_a_cross_polytope(dim: int, backend: str) -> None:
    part = cpwl.partition(norm_one(dim), cube(dim), backend=backend)
    found = part.decision_boundary(level=1.0)
    assert len(found) == 2**dim and len(found.vertices) == 2 * dim
    assert found.faces.counts.tolist() == [dim] * len(found)
    area = sqrt(dim) / factorial(dim - 1)  # of a simplex between unit vectors
    assert np.allclose(found.measures(), area)
    assert float(analysis.volume_below(part, 1.0)) == pytest.approx(2**dim / factorial(dim))
    near = found.nearest(np.full((1, dim), 0.75))
    assert near.distances[0] == pytest.approx(abs(0.75 * dim - 1) / sqrt(dim))
    assert np.allclose(near.points.astype(float), 1 / dim)


@pytest.mark.parametrize("dim", [1, 3])
def test_polygons_of_a_level_set_close_up(dim: int) -> None:
    """Around a level set that does not meet the domain's border each edge belongs to two polygons."""
    part = cpwl.partition(norm_one(dim), cube(dim))
    found = part.decision_boundary(level=1.5)
    if dim == 1:
        assert sorted(found.vertices[:, 0].tolist()) == [-1.5, 1.5]
        return
    ends = np.stack([found.faces.values, found.faces.values[found.faces.successor]], axis=1)
    _, counts = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
    assert (counts == 2).all() and len(found.vertices) - len(counts) + len(found) == 2
    flat = np.linalg.norm(np.diff(found.vertices[found.simplices], axis=1), axis=2)
    assert (flat > 0).all()


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_samples_lie_on_the_boundary_and_are_spread_by_size(dim: int) -> None:
    net = mlp(3, [dim, 8, 8, 3], bias=0.6)
    for backend in BACKENDS:
        part = cpwl.partition(net, cube(dim), backend=backend)
        for found in (part.decision_boundary(), part.decision_boundary((0, 1), everywhere=True)):
            if not len(found):
                continue
            u, face = found.sample_slice(400, seed=1)
            values, bounds = found.residuals(u, face)
            assert (values <= bounds).all() and (backend == "torch" or not values.any())
            counts = np.bincount(face, minlength=len(found))
            expected = 400 * found.measures() / found.measures().sum()
            assert (np.abs(counts - expected) <= 5 * np.sqrt(expected) + 2).all()
            outputs = cpwl.evaluate(net, u[:50].astype(float))
            pairs = found.pairs[face[:50]]
            row = np.arange(50)
            assert np.abs(outputs[row, pairs[:, 0]] - outputs[row, pairs[:, 1]]).max() < 1e-12


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_exact_samples_are_proved_on_both_backends(dim: int) -> None:
    net = mlp(5, [dim, 6, 6, 1], bias=0.6)
    parts = [cpwl.partition(net, cube(dim), backend=backend) for backend in BACKENDS]
    level = float(np.median(parts[0].outputs.to_numpy()))
    for part in parts:
        found = part.decision_boundary(level=level)
        assert len(found) > 0
        samples = found.certify(5, seed=2)
        assert len(samples) == 5
        for sample in samples:
            assert sample.logits[0] == Fraction(level) and part.domain.polytope.contains(sample.u.tolist())
        low, high = samples.neighbours()[0]
        assert low is not None and high is not None and low.difference < 0 < high.difference


@pytest.mark.parametrize("outputs", [1, 3], ids=["level", "classes"])
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_the_checker_accepts_exact_samples_and_none_beside_the_boundary(dim: int, outputs: int) -> None:
    part = cpwl.partition(mlp(2, [dim, 6, 6, outputs], bias=0.3), cube(dim))
    level = float(np.median(part.outputs.to_numpy())) if outputs == 1 else 0.0
    claim = (part.decision_boundary(level=level) if outputs == 1 else part.decision_boundary()).certify(4, seed=2)
    assert checker.check(encoded(claim.document()))
    moved = claim.document()
    point = moved["claim"]["points"][1]
    point[0] = str(Fraction(str(point[0])) + Fraction(1, 2**80))
    with pytest.raises(checker.Rejected):
        checker.check(encoded(moved))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_the_boundary_of_both_backends_is_one(dim: int) -> None:
    net = mlp(11, [dim, 6, 5, 3], bias=0.8)
    one, other = (cpwl.partition(net, cube(dim), backend=backend).decision_boundary() for backend in BACKENDS)
    assert len(one) == len(other) and sorted(map(tuple, one.pairs)) == sorted(map(tuple, other.pairs))
    assert np.allclose(np.sort(one.measures()), np.sort(other.measures()), rtol=1e-9)
    assert one.table().shape == other.table().shape
    columns = {1: ["points", "share", "tied"], 3: ["polygons", "area", "share", "tied"]}
    assert list(one.table().columns) == columns.get(dim, ["faces", "area", "share", "tied"])


def test_on_either_side_of_a_polygon_its_classes_win() -> None:
    net = mlp(2, [3, 8, 3], bias=0.5)
    found = cpwl.partition(net, cube(3), backend="exact").decision_boundary()
    assert len(found) > 3
    for k in range(len(found)):
        corners = found.vertices[found.faces[k]]
        middle = corners.sum(axis=0) / Fraction(len(corners))
        outputs = cpwl.evaluate(net, middle[None], backend="exact")[0]
        i, j = found.pairs[k].tolist()
        assert outputs[i] == outputs[j] == max(outputs)


def test_a_region_on_which_outputs_tie_is_listed() -> None:
    """max(u1, 0) - max(u1, 0) is zero everywhere: outputs tie over a half-space."""
    weight = np.array([[1.0, 0, 0]])
    nodes = (
        Node(Input(), (), (3,), "u"),
        Node(Dense(weight, np.zeros(1)), (0,), (1,), "first"),
        Node(RELU, (1,), (1,), "relu"),
        Node(Dense(np.array([[0.0], [1.0]]), np.zeros(2)), (2,), (2,), "outputs"),
    )
    for backend in BACKENDS:
        found = cpwl.partition(Network(nodes), cube(3), backend=backend).decision_boundary()
        assert len(found) == 0 and [pair for _, pair in found.ties] == [(0, 1)]


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_the_nearest_point_is_no_farther_than_any_sample(dim: int) -> None:
    net = mlp(5, [dim, 6, 6, 1], bias=0.6)
    u = np.random.default_rng(0).integers(-8, 9, (6, dim)) / 4
    results = []
    for backend in BACKENDS:
        part = cpwl.partition(net, cube(dim), backend=backend)
        found = part.decision_boundary(level=float(np.median(cpwl.partition(net, cube(dim)).outputs.to_numpy())))
        near = found.nearest(u)
        results.append(near)
        samples = found.sample_slice(2000)[0].astype(float)
        distances = np.linalg.norm(u[:, None] - samples, axis=2).min(axis=1)
        assert (distances >= near.distances - near.bounds - 1e-12).all()
        assert np.allclose(np.linalg.norm(near.points.astype(float) - u, axis=1), near.distances)
        assert near.table().shape == (6, dim + 5)
    quick, exact = results
    assert exact.decided.all() and (np.abs(quick.distances - exact.distances) <= quick.bounds + exact.bounds).all()
    assert (quick.segments == exact.segments)[quick.decided].all() or dim > 1


@pytest.mark.parametrize("dim", [2, 3, 4, 5])
def test_bounds_on_the_distance_of_a_simplex_hold_however_thin_it_is(dim: int) -> None:
    random = np.random.default_rng(dim)
    for k in range(40):
        corners, u = random.standard_normal((1, dim, dim)), random.standard_normal((1, dim))
        if k % 2:
            corners[0, -1] = corners[0, :-1].mean(axis=0) + 10.0 ** -random.integers(1, 17) * random.standard_normal(
                dim
            )
        near = Near(corners, u)
        point = nearest_exactly([[Fraction(x) for x in row] for row in corners[0].tolist()], list(map(Fraction, u[0])))
        square = sum(((a - Fraction(b)) ** 2 for a, b in zip(point, u[0].tolist(), strict=True)), Fraction(0))
        assert Fraction(near.lower[0, 0]) ** 2 <= square <= Fraction(near.upper[0, 0]) ** 2
        assert near.upper[0, 0] - near.lower[0, 0] < 1e-10


@pytest.mark.parametrize("dim", [3, 4])
def test_the_lower_bound_holds_whatever_point_of_the_simplex_was_found(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for one that is not the nearest: where float64 takes another for it, bounds are wide, and not wrong."""

    def first(corners: Any, u: Any) -> tuple[Any, Any]:
        points = np.broadcast_to(corners[:, 0], (len(u), *corners[:, 0].shape))
        return points, np.linalg.norm(u[:, None] - points, axis=2)

    monkeypatch.setattr(nearest_faces, "_nearest", first)
    random = np.random.default_rng(dim)
    for _ in range(40):
        corners, u = random.standard_normal((1, dim, dim)), random.standard_normal((1, dim))
        near = Near(corners, u)
        point = nearest_exactly([[Fraction(x) for x in row] for row in corners[0].tolist()], list(map(Fraction, u[0])))
        square = sum(((a - Fraction(b)) ** 2 for a, b in zip(point, u[0].tolist(), strict=True)), Fraction(0))
        assert Fraction(near.lower[0, 0]) ** 2 <= square <= Fraction(near.upper[0, 0]) ** 2


@pytest.mark.parametrize("dim", [1, 3])
def test_what_is_planar_says_so(dim: int, tmp_path: Path) -> None:
    part = cpwl.partition(norm_one(dim), cube(dim))
    found = part.decision_boundary(level=1.0)
    calls: list[Any] = [
        lambda: found.ends,
        found.lengths,
        lambda: analysis.contours(found),
        lambda: part.merged().convex,
        lambda: part.merged().polygons(0),
        lambda: analysis.units(part).polylines(),
        lambda: analysis.Recorder(part.network, part.domain),
        lambda: part.plot_surface(),
        lambda: cpwl.plots.plot(part),
    ]
    if dim == 1:
        calls.append(lambda: part.view(tmp_path / "nowhere.html"))
    said = rf"(slices of dimension 2, got one|got a domain) of (dimension )?{dim}\b"
    for call in calls:
        with pytest.raises(UnsupportedDimensionError, match=said):
            call()


def test_an_empty_boundary_has_nothing_to_sample() -> None:
    found = cpwl.partition(norm_one(3), cube(3)).decision_boundary(level=-1.0)
    assert len(found) == 0 and found.measures().tolist() == []
    for call in (lambda: found.sample(1), lambda: found.nearest(np.zeros((1, 3)))):
        with pytest.raises(ArgumentError, match="the boundary is empty"):
            call()
