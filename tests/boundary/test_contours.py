"""Outlines and areas of {f < level} are those of the level set, exactly; slices lie where they are said to lie."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import cpwl
from cpwl.analysis import axis_slices, contours, volume_below
from cpwl.errors import ArgumentError, DomainError
from cpwl.network import Network
from cpwl.nn import PositionalEncoding
from cpwl.plots.implicit import plot_stack
from tests.support.real_data import FOLDER, implicit, needs

BACKENDS = ("torch", "exact")
SQUARE = cpwl.Domain.box([-1, -1], [1, 1])


def absolute(rows: Any, factors: Any, constant: float) -> Network:
    """sum of factor * |row . x| + constant."""
    weights = np.array([sign * np.array(row, float) for row in rows for sign in (1, -1)])
    return Network.mlp([weights, np.repeat(factors, 2)[None]], [np.zeros(len(weights)), np.array([constant])])


def random(seed: int, inputs: int = 2, width: int = 7) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) for a, b in pairwise((inputs, width, width, 1))]
    return Network.mlp(weights, [rng.standard_normal(len(w)) / 2 for w in weights])


DIAMOND = absolute([(1, 0), (0, 1)], [1.0, 1.0], -0.5)
CROSS = absolute([(1, 0), (0, 1)], [1.0, -1.0], 0.0)


# ---- contours ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_zero_set_of_a_diamond_is_one_closed_line_around_its_area(backend: str) -> None:
    part = cpwl.partition(DIAMOND, SQUARE, backend=backend)
    (line,) = contours(part.decision_boundary(level=0))
    assert line.closed and np.isclose(line.length, 4 * np.sqrt(0.5)) and line.area == 0.5 == volume_below(part)
    assert sorted(map(tuple, line.points.tolist())) == [(-0.5, 0.0), (0.0, -0.5), (0.0, 0.5), (0.5, 0.0)]
    if backend == "exact":
        assert isinstance(line.area, Fraction) and isinstance(volume_below(part), Fraction)
    assert repr(line) == "<Contour: 4 points, closed, length 2.82843>"


@pytest.mark.parametrize("backend", BACKENDS)
def test_lines_end_where_several_meet(backend: str) -> None:
    lines = contours(cpwl.partition(CROSS, SQUARE, backend=backend).decision_boundary(level=0))
    assert len(lines) == 4 and not any(line.closed or line.area for line in lines)
    assert all([0, 0] in (line.points[0].tolist(), line.points[-1].tolist()) for line in lines)
    assert all(np.isclose(line.length, np.sqrt(2)) for line in lines)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", range(6))
def test_contours_hold_each_segment_once_and_end_at_the_border_or_at_a_junction(backend: str, seed: int) -> None:
    boundary = cpwl.partition(random(seed), SQUARE, backend=backend).decision_boundary(level=0.2)
    lines = contours(boundary)
    joined = [
        frozenset((tuple(a), tuple(b)))
        for line in lines
        for a, b in pairwise([*line.points.tolist(), *(line.points[:1].tolist() if line.closed else [])])
    ]
    wanted = [frozenset(map(tuple, pair)) for pair in boundary.ends.tolist()]
    assert len(joined) == len(wanted) and set(joined) == set(wanted)
    degrees: dict[Any, int] = {}
    for point in (tuple(point) for pair in boundary.ends.tolist() for point in pair):
        degrees[point] = degrees.get(point, 0) + 1
    for line in lines:
        ends = [] if line.closed else [tuple(line.points[0].tolist()), tuple(line.points[-1].tolist())]
        assert all(degrees[end] != 2 for end in ends)
        assert all(max(map(abs, end)) == 1 or degrees[end] > 2 for end in ends)
    assert [line.length for line in lines] == sorted((line.length for line in lines), reverse=True)


def test_an_empty_level_set_has_no_contours() -> None:
    assert contours(cpwl.partition(DIAMOND, SQUARE).decision_boundary(level=9)) == []


# ---- volumes -------------------------------------------------------------------------------------------------------
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), level=st.integers(-16, 16).map(lambda k: k / 16))
def test_what_is_below_and_what_is_above_make_up_the_domain(seed: int, level: float) -> None:
    net = random(seed, width=4)
    negated = Network.mlp([net.nodes[1].op.weight, net.nodes[3].op.weight, -net.nodes[5].op.weight],
                          [net.nodes[1].op.bias, net.nodes[3].op.bias, -net.nodes[5].op.bias])  # fmt: skip
    for backend in BACKENDS:
        part, other = (cpwl.partition(f, SQUARE, backend=backend) for f in (net, negated))
        total = volume_below(part, level) + volume_below(other, -level)
        assert total == 4 if backend == "exact" and not part.decision_boundary(level=level).ties else total <= 4 + 1e-12
        assert volume_below(part, level) <= volume_below(part, level + 1 / 16)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_the_area_below_a_convex_function_is_that_inside_its_level_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = absolute([(2, 0), (0, 2), *rng.integers(-3, 4, (3, 2))], [1.0] * 5, -1.0)
    float_part, exact_part = (cpwl.partition(net, SQUARE, backend=backend) for backend in BACKENDS)
    (line,) = contours(exact_part.decision_boundary(level=0))
    assert line.area == volume_below(exact_part)
    assert np.isclose(volume_below(float_part), float(line.area), rtol=1e-13)


def test_regions_at_the_level_throughout_are_not_below_it() -> None:
    flat = Network.mlp([np.array([[1.0, 0.0]]), np.array([[1.0]])], [np.zeros(1), np.zeros(1)])  # relu(x)
    part = cpwl.partition(flat, SQUARE)
    assert volume_below(part, 0.0) == 0 and volume_below(part, 2.0**-40) == 2 + 2.0**-39


def test_the_area_below_is_that_of_many_points_of_an_encoded_network() -> None:
    torch.manual_seed(0)
    encoding = PositionalEncoding(2, [1.0, 2.0])
    layers = (torch.nn.Linear(encoding.outputs, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    net = cpwl.compile(torch.nn.Sequential(encoding, *layers).eval(), torch.zeros(1, 2))
    part = cpwl.partition(net, cpwl.Domain.box([0, 0], [1, 1]))
    grid = (np.stack(np.meshgrid(np.arange(200), np.arange(200)), axis=-1).reshape(-1, 2) + 0.5) / 200
    values = cpwl.evaluate(net, grid)[:, 0]
    middle = float(np.median(values))
    assert len(part) > 100 and abs(volume_below(part, middle) - 0.5) < 0.01


# ---- slices of a solid ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_is_the_plane_at_its_height_in_the_order_of_the_other_axes(axis: int) -> None:
    lo, hi, heights = [-1.0, -2.0, -3.0], [1.0, 2.0, 3.0], [-0.5, 0.75]
    others = [i for i in range(3) if i != axis]
    for height, domain in zip(heights, axis_slices(lo, hi, axis=axis, at=heights)):
        assert domain.polytope.vertices.min(axis=0).tolist() == [lo[i] for i in others]
        assert domain.polytope.vertices.max(axis=0).tolist() == [hi[i] for i in others]
        x = domain.to_input([0.25, 0.5])
        assert x[axis] == height and x[others].tolist() == [0.25, 0.5]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_octahedron_is_cut_in_squares(backend: str) -> None:
    octahedron = absolute(np.eye(3), [1.0] * 3, -1.0)
    for height, domain in zip((-0.5, 0.0, 0.25), axis_slices([-2] * 3, [2] * 3, axis=2, at=[-0.5, 0.0, 0.25])):
        part = cpwl.partition(octahedron, domain, backend=backend)
        (line,) = contours(part.decision_boundary(level=0))
        assert line.area == volume_below(part) == 2 * (1 - abs(height)) ** 2


def test_lines_of_a_stack_are_drawn_where_they_lie_in_space(tmp_path: Path) -> None:
    octahedron, heights = absolute(np.eye(3), [1.0] * 3, -1.0), [-0.5, 0.25, 1.5]
    domains = [*axis_slices([-2] * 3, [2] * 3, axis=0, at=heights), cpwl.Domain.through(*np.eye(3) / 4, margin=3)]
    zeros = [part.decision_boundary(level=-0.01) for part in cpwl.partition_many(octahedron, domains)]
    axes = plot_stack(zeros)
    assert isinstance(axes.figure, Figure)
    drawn = [np.array(collection._segments3d) for collection in axes.collections]
    for segments, zero in zip(drawn, [zeros[0], zeros[1], zeros[3]], strict=True):  # the third plane misses the solid
        assert len(segments) == len(zero)
        assert np.allclose(np.abs(segments).sum(axis=2), 0.99)
    axes.figure.savefig(tmp_path / "stack.png")
    assert np.allclose(plot_stack([zeros[2]]).get_xlim(), [1.5 - 0.12, 1.5 + 0.12])


def test_arguments_that_make_no_sense_are_named() -> None:
    with pytest.raises(ArgumentError, match="axis must be a whole number from 0 to 2, got 3"):
        axis_slices([0] * 3, [1] * 3, axis=3, at=[0.5])
    with pytest.raises(ArgumentError, match=r"at must be numbers from 0.0 to 1.0"):
        axis_slices([0] * 3, [1] * 3, axis=0, at=[1.5])
    with pytest.raises(DomainError, match="lo and hi must be points of a 3-D space"):
        axis_slices([0] * 2, [1] * 2, axis=0, at=[0.5])
    with pytest.raises(ArgumentError, match="boundaries must hold at least one"):
        plot_stack([])
    part = cpwl.partition(DIAMOND, SQUARE)
    with pytest.raises(DomainError, match="got inputs of 2"):
        plot_stack([part.decision_boundary(level=0)])
    two = Network.mlp([np.eye(2)], [np.zeros(2)])
    with pytest.raises(ArgumentError, match="level needs a network with one output"):
        volume_below(cpwl.partition(two, SQUARE))


@needs("implicit/fox.npz")
def test_outlines_of_the_fox_enclose_what_is_below_zero() -> None:
    net = implicit(FOLDER / "implicit" / "fox.npz")
    for domain in axis_slices([-1] * 3, [1] * 3, axis=2, at=[-0.4, 0.0]):
        part = cpwl.partition(net, domain)
        lines = contours(part.decision_boundary(level=0))
        assert lines and all(line.closed for line in lines)
        inside = volume_below(part)
        assert any(np.isclose(inside, s) for s in signed_sums([float(line.area) for line in lines]))


def signed_sums(areas: list[float]) -> list[float]:
    """The areas added up, those after the first also subtracted: some lines bound holes."""
    sums = [areas[0]]
    for area in areas[1:]:
        sums = [s + sign * area for s in sums for sign in (1, -1)]
    return sums
