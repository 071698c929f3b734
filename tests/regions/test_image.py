"""Images: they hold the values of all points, are attained at vertices, and are in a polytope exactly when they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cpwl
from cpwl.errors import BackendError, IncompleteError
from tests.support.networks import mlp
from tests.support.properties import integer_network, largest_value, seeds


def image(seed: int = 0, widths: tuple[int, ...] = (3, 10, 10, 3)) -> tuple[cpwl.Network, cpwl.Partition]:
    net = mlp(seed, list(widths))
    return net, cpwl.partition(net, cpwl.Domain.box([-1] * widths[0], [1] * widths[0]))


def test_polygons_hold_the_values_of_points_of_their_regions_and_are_convex() -> None:
    net, part = image()
    found = part.image([2, 0])
    assert len(found) == len(part)
    points = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    values = cpwl.evaluate(net, points)[:, [2, 0]]
    polygons = found.polygons()
    for region, value in zip(part.locate(points), values):
        corners = found.values[polygons[region]]
        edges = np.roll(corners, -1, axis=0) - corners
        to_value = value - corners
        turns = edges[:, 0] * to_value[:, 1] - edges[:, 1] * to_value[:, 0]
        assert (turns >= -1e-9).all()
        assert set(polygons[region]) <= set(part.regions[region])


def test_support_is_the_largest_value_and_its_bound_holds() -> None:
    for random in seeds(10):
        net = integer_network(random, 2, 2)
        part = cpwl.partition(net, cpwl.Domain.box([-1, -1], [1, 1]))
        row = random.integers(-2, 3, 2).tolist()
        value, error = part.image().support(row)
        assert abs(Fraction(value) - largest_value(net, [-1, -1], [1, 1], row)) <= Fraction(error)
        assert error < 1e-9


@pytest.mark.parametrize("scale", [1e-324 * 5, 1e-310, 1e-200, 1e-165, 1e-100, 1e100, 1e165, 1e300])
@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_bounds_on_supports_hold_where_squares_and_products_leave_the_range_of_float64(
    scale: float, backend: str
) -> None:
    net = mlp(1, [2, 5, 2])
    part = cpwl.partition(net, cpwl.Domain.box([-1, -1], [1, 1]), backend=backend)
    for row in np.random.default_rng(0).uniform(-1, 1, (8, 2)) * scale:
        value, error = part.image().support(row)
        exact = largest_value(net, [-1, -1], [1, 1], [Fraction(x) for x in row.tolist()])
        assert abs(Fraction(value) - exact) <= Fraction(error)
        assert error <= max(1e-12 * scale, 1e-322)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_an_image_is_inside_of_the_halfspaces_that_it_touches_and_of_none_that_is_nearer(dim: int) -> None:
    for random in seeds(8):
        net = integer_network(random, dim, 2)
        part = cpwl.partition(net, cpwl.Domain.box([-1] * dim, [1] * dim))
        found = part.image()
        rows = random.integers(-1, 2, (2, 2))
        exact = [largest_value(net, [-1] * dim, [1] * dim, row.tolist()) for row in rows]
        tops = [_at_least(top) for top in exact]
        assert found.inside(-rows, tops)
        assert not found.inside(-rows, [tops[0], -_at_least(Fraction(1, 1 << 1000) - exact[1])])


def _at_least(x: Fraction) -> float:
    """The least float64 number that is not below x."""
    return float(x) if Fraction(float(x)) >= x else float(np.nextafter(float(x), np.inf))


def test_segments_and_points_are_polygons_of_two_and_of_one_corner() -> None:
    net = cpwl.Network.mlp([np.array([[1.0, 0.0]]), np.array([[1.0], [2.0]])], [np.zeros(1), np.zeros(2)])
    part = cpwl.partition(net, cpwl.Domain.box([-1, -1], [1, 1]))
    assert sorted(part.image().polygons().counts.tolist()) == [1, 2]


def test_what_makes_no_sense_is_refused_by_name() -> None:
    _, part = image()
    for wrong, message in (
        (lambda: part.image([3]), r"outputs must lie in 0\.\.2"),
        (lambda: part.image([1, 1]), "outputs must be different outputs"),
        (lambda: part.image([]), "outputs must be different outputs"),
        (lambda: part.image().polygons(), "images of two outputs, got 3"),
        (lambda: part.image([0, 1]).support([1.0]), r"direction must have shape \(2,\)"),
        (lambda: part.image([0, 1]).inside([[1.0]], [0.0]), "A must be"),
        (lambda: part.image([0, 1]).support([1.7e308, -1.7e308]), "direction is too large"),
    ):
        with pytest.raises(cpwl.CpwlError, match=message):
            wrong()
    some = cpwl.partition(mlp(0, [2, 40, 40, 2]), cpwl.Domain.box([-1, -1], [1, 1]), max_regions=3)
    quick = cpwl.partition(mlp(0, [2, 4, 2]), cpwl.Domain.box([-1, -1], [1, 1]), predicates="float")
    with pytest.raises(BackendError, match="inside needs exact decisions"):
        quick.image().inside([[1.0, 0.0]], [0.0])
    with pytest.raises(IncompleteError, match="the support of an image"):
        some.image().support([1, 0])
