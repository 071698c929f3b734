"""Domains: frames, squares, conversions, and every way to ask for one that makes no sense."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import cpwl
from cpwl import Domain
from cpwl.errors import DomainError, NumericalRangeError, ShapeError
from cpwl.geometry.polytope import Polytope
from tests.support.networks import mlp

coordinates = st.integers(-20, 20).map(float)
points = st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=3, max_size=3)


@given(points=points, margin=st.sampled_from([0.0, 0.5, 2.0]))
def test_a_square_through_points_is_the_smallest_around_their_centroid_enlarged(points: Any, margin: float) -> None:
    p = np.array(points)
    if np.linalg.matrix_rank(p[1:] - p[0]) < 2:
        with pytest.raises(DomainError, match="lie on one line"):
            Domain.through(*p, margin=margin)
        return
    domain = Domain.through(*p, margin=margin)
    u = domain.to_slice(p)
    half = np.abs(u).max() * (1 + margin)
    assert np.allclose(domain.to_input(u), p, atol=1e-12 * np.abs(p).max())
    assert np.allclose(u.mean(axis=0), 0, atol=1e-12 * half)
    assert np.allclose(np.abs(domain.polytope.vertices), half) and domain.volume == pytest.approx(4 * half**2)
    assert np.allclose(domain.basis.T @ domain.basis, np.eye(2), atol=1e-14)


@given(shape=st.sampled_from([(3,), (1, 4), (2, 2, 2)]))
def test_points_keep_the_shape_of_the_input(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    domain = Domain.through(*generator.standard_normal((3, *shape)))
    x = domain.to_input(np.zeros((5, 2)))
    assert x.shape == (5, *shape) and domain.to_slice(x).shape == (5, 2) and domain.to_slice(x[0]).shape == (2,)
    assert np.allclose(domain.to_slice(x), 0)


def test_rational_points_stay_rational() -> None:
    domain = Domain.polygon([[0, 0], [1, 0], [0, 1]], origin=[0.1, 0.2, 0.3], basis=np.eye(3)[:, :2])
    u = np.array([[Fraction(1, 3), Fraction(0)]], dtype=object)
    assert domain.to_input(u).tolist() == [[Fraction(0.1) + Fraction(1, 3), Fraction(0.2), Fraction(0.3)]]


scales = st.sampled_from([-1000, -330, -60, -27, 0, 27, 60, 330, 900])
entries = st.integers(-8, 8).map(float)


@given(data=st.data(), n=st.integers(2, 4))
def test_the_nearest_point_of_a_plane_is_found_whatever_the_scale_of_its_basis(data: Any, n: int) -> None:
    """Against normal equations in rationals, for every basis that is accepted."""
    draw = data.draw
    shift = [[draw(scales) for _ in range(2)], [draw(scales) for _ in range(n)]]
    basis = np.array([[np.ldexp(draw(entries), a // 2 + b // 2) for a in shift[0]] for b in shift[1]])
    origin = np.array([np.ldexp(draw(entries), b) for b in shift[1]])
    if draw(st.booleans()):  # almost dependent: two columns that differ by an ulp somewhere
        basis[:, 1] = basis[:, 0]
        basis[draw(st.integers(0, n - 1)), 1] *= 1 + 2.0**-52
    try:
        domain = Domain.polygon([[0, 0], [1, 0], [0, 1]], origin, basis)
    except DomainError:
        return
    x = np.array([[np.ldexp(draw(entries), b + draw(st.integers(-2, 2))) for b in shift[1]] for _ in range(2)])
    x = np.concatenate([x, domain.to_input([[0.3, -0.2]])])
    wanted = [nearest_exactly(origin, basis, point) for point in x]
    if max(abs(number) for row in wanted for number in row) >= 2**1023:
        with pytest.raises(NumericalRangeError):
            domain.to_slice(x)
        return
    for found, exact in zip(domain.to_slice(x), wanted, strict=True):
        for number, true in zip(found, exact, strict=True):
            assert abs(Fraction(number) - true) <= abs(true) / 2**20 + Fraction(2) ** -1074
    rationals = np.vectorize(Fraction, otypes=[object])(x)
    assert domain.to_slice(rationals).tolist() == [[float(number) for number in row] for row in wanted]


def nearest_exactly(origin: Any, basis: Any, x: Any) -> list[Fraction]:
    rows = [[Fraction(a), Fraction(b)] for a, b in basis.tolist()]
    d = [Fraction(a) - Fraction(b) for a, b in zip(x.tolist(), origin.tolist(), strict=True)]
    aa, ab, bb = (sum(row[i] * row[j] for row in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    ad, bd = (sum(row[i] * e for row, e in zip(rows, d, strict=True)) for i in (0, 1))
    det = aa * bb - ab * ab
    return [(bb * ad - ab * bd) / det, (aa * bd - ab * ad) / det]


@pytest.mark.parametrize(
    ("basis", "u"),
    [
        ([[1e-8, 0], [0, 1e8]], [0.3, -0.2]),
        ([[1, 1], [0, 1e-17], [0, 0]], [0.3, -0.2]),
        ([[1e-310, 0], [0, 1e300]], [0.3, -0.2]),
    ],
)
def test_a_point_of_a_plane_comes_back(basis: Any, u: Any) -> None:
    domain = Domain.polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.zeros(len(basis)), basis)
    assert np.allclose(domain.to_slice(domain.to_input([u])), [u], rtol=1e-9, atol=0)


def test_a_basis_of_dependent_columns_has_no_slice_coordinates() -> None:
    domain = Domain(Polytope.box([0, 0, 0], [1, 1, 1]), np.zeros(3), np.ones((3, 3)), (3,))
    with pytest.raises(DomainError, match="basis must have linearly independent columns"):
        domain.to_slice([1.0, 2.0, 3.0])


@given(corners=st.permutations(range(6)), turn=st.integers(0, 5), flip=st.booleans())
def test_a_polygon_is_brought_into_one_form_however_it_is_listed(corners: list[int], turn: int, flip: bool) -> None:
    hexagon = np.array([[2, 0], [1, 2], [-1, 2], [-2, 0], [-1, -2], [1, -2]], float)
    ring = np.roll(hexagon, turn, axis=0)
    polytope = Polytope.polygon(ring[::-1] if flip else ring)
    assert polytope.exact_volume == 12 and {*map(tuple, polytope.vertices)} == {*map(tuple, hexagon)}
    if not _rotation_or_reflection(corners):
        with pytest.raises(DomainError, match="go once around a convex polygon"):
            Polytope.polygon(hexagon[corners])


def test_straight_corners_are_dropped_and_spikes_are_not_an_interior() -> None:
    assert len(Polytope.polygon([[0, 0], [1, 0], [2, 0], [2, 1], [0, 1], [0, 0.5]]).vertices) == 4
    with pytest.raises(DomainError, match="span no area"):
        Polytope.polygon([[0, 0], [1, 1], [2, 2]])
    with pytest.raises(DomainError):
        Polytope.polygon([[np.cos(4 * np.pi * k / 5), np.sin(4 * np.pi * k / 5)] for k in range(5)])


def test_a_thin_triangle_is_convex_and_one_that_bends_by_an_ulp_is_not() -> None:
    ulp = 2.0**-52
    assert Polytope.polygon([[0, 0], [1, 0], [0.5, ulp]]).exact_volume == Fraction(1, 2) * Fraction(ulp)
    with pytest.raises(DomainError, match="go once around"):
        Polytope.polygon([[0, 0], [1, 0], [1, 1], [0.5, 1 - ulp], [0, 1]])


@pytest.mark.parametrize(
    ("make", "error", "named"),
    [
        (lambda: Domain.box([0, 0], [1, 0]), DomainError, "coordinate 1 has lo 0.0, hi 0.0"),
        (lambda: Domain.box([0, 0], [1, np.inf]), DomainError, "hi must be finite"),
        (lambda: Domain.box([0, np.nan], [1, 1]), DomainError, "lo must be finite"),
        (lambda: Domain.box([0, 0], [1, 1, 1]), ShapeError, "lo and hi must have one shape"),
        (lambda: Domain.box([0] * 784, [1] * 784), DomainError, "Take a 2-D slice"),
        (lambda: Domain.through([0, 0, 0], [1, 1, 1], [2, 2, 2]), DomainError, "p1, p2 and p3 lie on one line"),
        (lambda: Domain.through([0.1, 0.3], [0.2, 0.6], [0.3, 0.9]), DomainError, "up to rounding"),
        (lambda: Domain.through([0, 0], [0, 0], [1, 2]), DomainError, "lie on one line"),
        (lambda: Domain.through([0, 0], [1, 0], [1, 2, 3]), ShapeError, "p1, p2 and p3 must have one shape"),
        (lambda: Domain.through([0, 0], [1, 0], [0, np.inf]), DomainError, "p3 must be finite"),
        (lambda: Domain.through([0, 0], [1, 0], [0, 1], margin=-2), DomainError, "margin must be"),
        (lambda: Domain.polygon([[0, 0], [1, 1]]), ShapeError, "vertices must have shape"),
        (lambda: Domain.polygon([[0, 0], [1, 0], [0, "x"]]), ShapeError, "vertices must be an array of real numbers"),
        (lambda: Domain.polygon([[0, 0], [1, 0], [0, 1]], origin=[0, 0, 0]), DomainError, "given together"),
        (
            lambda: Domain.polygon([[0, 0], [1, 0], [0, 1]], [0] * 3, np.ones((3, 2))),
            DomainError,
            "independent columns",
        ),
        (lambda: Domain.polygon([[0, 0], [1, 0], [0, 1]], [0] * 3, np.eye(3)), ShapeError, "basis must have shape"),
    ],
)
def test_bad_domains_are_refused_by_name(make: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        make()


def _rotation_or_reflection(order: list[int]) -> bool:
    steps = {(b - a) % 6 for a, b in zip(order, order[1:] + order[:1], strict=True)}
    return steps in ({1}, {5})


def test_a_domain_that_was_changed_in_place_is_the_changed_one() -> None:
    network, corners = mlp(1, [3, 6, 5, 2]), [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    basis = np.random.default_rng(0).integers(-10, 11, (3, 2)) / 10
    domain = Domain.polygon(corners, np.zeros(3), basis * 2.0**-60)
    cpwl.partition(network, domain)
    domain.basis[:] = basis
    fresh = cpwl.partition(network, Domain.polygon(corners, np.zeros(3), basis))
    changed = cpwl.partition(network, domain)
    assert len(changed) == len(fresh) > 5
    np.testing.assert_array_equal(changed.arrangement.coordinates().errors(), fresh.arrangement.coordinates().errors())


TAKES_POINTS: dict[str, Any] = {
    "through": lambda net, part, x: Domain.through(*x).origin,
    "box": lambda net, part, x: Domain.box(-(x[0] ** 2) - 1, x[0] ** 2 + 1).volume,
    "polygon": lambda net, part, x: Domain.polygon(x, x[0], x[:2].T.reshape(2, 2)).basis,
    "to_slice": lambda net, part, x: part.to_slice(x),
    "to_input": lambda net, part, x: part.to_input(x),
    "locate": lambda net, part, x: part.locate(x),
    "evaluate": lambda net, part, x: cpwl.evaluate(net, x),
    "evaluate exactly": lambda net, part, x: cpwl.evaluate(net, x, backend="exact").astype(float),
    "local_map": lambda net, part, x: cpwl.local_map(net, x[0]).weight,
    "contains": lambda net, part, x: cpwl.local_map(net, x[0]).contains(x).inside,
    "matvec": lambda net, part, x: cpwl.local_map(net, x[0]).matvec(x[1]),
    "nearest": lambda net, part, x: part.decision_boundary().nearest(x).distances,
}


@pytest.mark.parametrize("name", TAKES_POINTS)
def test_points_are_taken_from_tensors_of_every_kind(name: str) -> None:
    """Tensors that require gradients, of other types, and lists of them, as the same numbers in numpy."""
    net = mlp(0, [2, 6, 3])
    part = cpwl.partition(net, Domain.box([-1, -1], [1, 1]))
    given = np.array([[0.25, 0.5], [-0.5, 0.125], [0.75, -0.5]])
    wanted = np.asarray(TAKES_POINTS[name](net, part, given))
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        tensor = torch.tensor(given, dtype=dtype, requires_grad=True)
        assert np.array_equal(TAKES_POINTS[name](net, part, tensor), wanted)
        assert np.array_equal(TAKES_POINTS[name](net, part, tensor * 1), wanted)  # not a leaf
        assert tensor.requires_grad and tensor.grad is None


def test_a_list_of_tensors_is_taken() -> None:
    rows = [torch.tensor([0.25, 0.5], requires_grad=True), torch.tensor([-0.5, 0.125]), torch.tensor([0.75, -0.5])]
    net = mlp(0, [2, 6, 3])
    assert np.array_equal(cpwl.evaluate(net, rows), cpwl.evaluate(net, [row.tolist() for row in rows]))
