"""Bounds never exclude a value: of every operator, in both precisions, at corners and between, in exact numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.bounds.precision import DOUBLE, SINGLE, Precision
from cpwl.bounds.relevance import Functionals
from cpwl.bounds.remainder import Remainder, Values
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Periodic, Piecewise, Scale, Sum
from tests.support.networks import ACTIVATIONS

PRECISIONS = {"float32": SINGLE, "float64": DOUBLE}
KINDS: dict[str, Any] = {
    **ACTIVATIONS,
    "concave": Piecewise(np.array([-0.5, 0.5]), np.array([2.0, 0.5, -1.0]), 0.3),
    "one a unit": Piecewise(np.zeros(1), np.stack([np.linspace(-1.5, 1.5, 18), np.linspace(1.0, -1.0, 18)])),
    "wave": Periodic(4.0, np.array([-1.0, 1.0]), np.array([1.0, -1.0]), -1.0),
}
exactly = np.vectorize(Fraction, otypes=[object])


def all_operators(seed: int, activation: Any) -> Network:
    """Each operator, behind units that read the input as it is: so what bounds start from is exact."""
    random = np.random.default_rng(seed)
    normal = random.standard_normal
    kernel = Conv(normal((4, 1, 2, 2)), normal(4), (3, 3), (1, 1), ((1, 0), (0, 1)), (1, 1), groups=2)
    second = RELU if isinstance(activation, Piecewise) and activation.slopes.ndim > 1 else activation
    return Network(
        (
            Node(Input(), (), (3,), "input"),
            Node(ACTIVATIONS["triangle wave"], (0,), (3,), "first"),
            Node(Dense(normal((18, 3)), normal(18)), (1,), (18,), "dense"),
            Node(activation, (2,), (18,), "activation"),
            Node(Gather(np.r_[random.permutation(18)[:17], -1].reshape(2, 3, 3)), (3,), (2, 3, 3), "image"),
            Node(kernel, (4,), (4, 3, 3), "convolution"),
            Node(second, (5,), (4, 3, 3), "activation"),
            Node(Divide(np.full((4, 1, 1), 3.0)), (6,), (4, 3, 3), "third"),
            Node(Sum((1.0, -2.0)), (7, 5), (4, 3, 3), "skip"),
            Node(Gather(np.arange(36).reshape(12, 3)), (8,), (12, 3), "groups"),
            Node(Max(), (9,), (12,), "largest"),
            Node(Scale(normal(12), normal(12)), (10,), (12,), "scaled"),
            Node(RELU, (11,), (12,), "relu"),
            Node(Gather(np.arange(12).reshape(3, 4)), (12,), (3, 4), "rows"),
            Node(Dense(normal((2, 4)), normal(2)), (13,), (3, 2), "row by row"),
            Node(Gather(np.arange(6)), (14,), (6,), "flat"),
        )
    )


def chain(seed: int, widths: list[int], activation: Any = RELU, scale: float = 1.0) -> Network:
    """Units that read the input, then dense layers: the last one becomes one matrix with functions of the output."""
    random, nodes = np.random.default_rng(seed), [Node(Input(), (), (widths[0],), "input")]
    for fan_in, fan_out in pairwise(widths):
        nodes.append(Node(activation, (len(nodes) - 1,), (fan_in,), "units"))
        op = Dense(random.standard_normal((fan_out, fan_in)) * scale, random.standard_normal(fan_out))
        nodes.append(Node(op, (len(nodes) - 1,), (fan_out,), "dense"))
    return Network(tuple(nodes))


def between(corners: NDArray[Any], count: int, random: np.random.Generator) -> NDArray[Any]:
    """Exact points between corners (k, D), on faces of all dimensions among them."""
    points = []
    for _ in range(count):
        weights = random.integers(0, 4, len(corners)) * (random.random(len(corners)) < random.random())
        weights[random.integers(len(corners))] += 1
        shares = [Fraction(int(w), int(weights.sum())) for w in weights]
        points.append([sum(s * x for s, x in zip(shares, column)) for column in exactly(corners).T])
    return np.array(points, dtype=object)


def bounds(
    network: Network,
    regions: list[NDArray[np.float64]],
    A: NDArray[Any],
    c: NDArray[Any],
    precision: Precision,
    *,
    wide: bool = False,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bounds on A y + c on regions with these corners, of a network whose units read the input; or ``wide`` ones."""
    remainder = Remainder(network, 0, Functionals(A, c), precision)
    assert remainder.starts == [0]
    lists = Ragged.of(np.split(np.arange(sum(map(len, regions))), np.cumsum([len(r) for r in regions])[:-1]))
    points = np.concatenate(regions)
    known = {0: Values(points, np.zeros(len(points)))}
    return remainder.wide_bounds(known, lists) if wide else remainder.bounds(known, lists)


def check(network: Network, precision: Precision, seed: int, size: float = 1.5, *, wide: bool = False) -> None:
    """Exact values in regions of all sizes lie between the bounds."""
    random = np.random.default_rng(seed)
    dim = network.inputs
    sizes = [size, size, size / 8, size / 64, 0.0]
    regions = [
        random.uniform(-size, size, dim) + random.uniform(-s, s, (dim + 1 + k, dim)) for k, s in enumerate(sizes)
    ]
    A, c = random.integers(-2, 3, (4, network.outputs)).astype(float), random.standard_normal(4)
    lower, upper = bounds(network, regions, A, c, precision, wide=wide)
    assert np.isfinite(lower).all() and np.isfinite(upper).all()
    for r, region in enumerate(regions):
        inner = np.concatenate([exactly(region), between(region, 12, random)])
        outputs = cpwl.evaluate(network, inner, backend="exact").reshape(len(inner), -1)
        values = outputs @ exactly(A).T + exactly(c)
        for k in range(len(c)):
            assert Fraction(float(lower[r, k])) <= values[:, k].min(), (r, k)
            assert values[:, k].max() <= Fraction(float(upper[r, k])), (r, k)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_values_of_all_operators_lie_between_their_bounds(kind: str, precision: str, seed: int, wide: bool) -> None:
    check(all_operators(seed, KINDS[kind]), PRECISIONS[precision], seed, wide=wide)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("seed", range(12))
def test_values_of_dense_networks_lie_between_their_bounds(precision: str, seed: int, wide: bool) -> None:
    kinds = [kind for name, kind in KINDS.items() if name != "one a unit"]
    widths = [[2, 6, 3], [4, 9, 9, 2], [3, 30, 30, 30, 1], [1, 5, 1]][seed % 4]
    network = chain(seed, widths, kinds[seed % len(kinds)], scale=[1.0, 1e-3, 30.0][seed % 3])
    check(network, PRECISIONS[precision], seed, wide=wide)


@pytest.mark.parametrize("seed", range(4))
def test_wide_bounds_are_no_narrower_and_on_points_hardly_wider(seed: int) -> None:
    """Nothing is dropped by them that the others leave; and they are not wide for nothing."""
    network, random = chain(seed, [3, 20, 20, 2]), np.random.default_rng(seed)
    middles = random.uniform(-1, 1, (40, 1, 3))
    for size, count in ((0.2, 9), (0.0, 1)):
        regions = list(middles + random.uniform(-size, size, (40, count, 3)))
        (low, high), (lower, upper) = (
            bounds(network, regions, np.eye(2), np.zeros(2), DOUBLE, wide=wide) for wide in (False, True)
        )
        assert (lower <= low + 1e-9).all() and (high <= upper + 1e-9).all()
        assert (upper - lower).max() < 1e-9 if not size else (upper - lower > 1.5 * (high - low)).any()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_bounds_of_points_are_their_values_up_to_rounding(precision: str) -> None:
    """Where nothing has to be relaxed the bounds differ by margins alone: no wider than rounding makes them."""
    network, kind = chain(3, [3, 20, 20, 2], ACTIVATIONS["leaky relu"]), PRECISIONS[precision]
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    lower, upper = bounds(network, list(points[:, None]), np.eye(2), np.zeros(2), kind)
    assert (upper > lower).all() and (upper - lower).max() < 2.0**17 * kind.unit * np.abs(upper).max()
    values = cpwl.evaluate(network, points)
    assert (lower <= values).all() and (values <= upper).all()


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_bounds_hold_of_values_that_are_off_by_what_is_said(precision: str, wide: bool) -> None:
    """Values at a vertex that is off by its bound, in every direction: those at the vertex itself are not excluded."""
    network, random = chain(5, [3, 8, 2]), np.random.default_rng(0)
    remainder = Remainder(network, 0, Functionals(np.eye(2), np.zeros(2)), PRECISIONS[precision])
    points = random.uniform(-1, 1, (60, 3))
    steps = random.standard_normal((60, 3))
    off = points + 2.0**-7 * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    known = {0: Values(off, np.full(60, 2.0**-7 * (1 + 2.0**-40)))}
    asked = remainder.wide_bounds if wide else remainder.bounds
    lower, upper = asked(known, Ragged.of([[k] for k in range(60)]))
    values = cpwl.evaluate(network, points)
    assert (lower <= values).all() and (values <= upper).all()


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_margins_are_needed(precision: str, wide: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them rounding excludes values: the other tests would see a margin that is missing."""
    monkeypatch.setattr(Precision, "margin", lambda self, sizes, terms: np.zeros_like(sizes))
    near = Precision.near
    monkeypatch.setattr(Precision, "near", lambda self, *args: (near(self, *args)[0], 0 * near(self, *args)[1]))
    with pytest.raises(AssertionError):
        _check_points(PRECISIONS[precision], wide=wide)


def _check_points(precision: Precision, *, wide: bool) -> None:
    """Values at single points, on which bounds are no wider than they have to be."""
    for seed in range(5):
        check(chain(seed, [3, 30, 30, 2], ACTIVATIONS["leaky relu"]), precision, seed, size=2.0**-40, wide=wide)
        check(chain(seed, [3, 30, 30, 2], ACTIVATIONS["leaky relu"]), precision, seed, wide=wide)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("value", [1e39, 1e200, np.inf, np.nan])
def test_what_is_out_of_range_has_no_bounds(precision: str, value: float, wide: bool) -> None:
    """Numbers that overflow on the way, in the values or in the weights: NaN, in the regions that are concerned."""
    kind = PRECISIONS[precision]
    within = value < kind.largest**0.5 / 2.0**20  # their squares are in range as well
    regions = [np.array([[0.5, 0.5], [value, 0.1], [0.2, 0.3]]), np.array([[0.1, 0.2], [0.3, 0.4], [0.0, 0.0]])]
    for activation in (RELU, ACTIVATIONS["abs"], ACTIVATIONS["hardtanh"]):
        lower, upper = bounds(chain(1, [2, 3, 1], activation), regions, np.eye(1), np.zeros(1), kind, wide=wide)
        assert np.isfinite([lower[1], upper[1]]).all()
        assert (lower[0] <= upper[0]).all() if within else np.isnan([lower[0], upper[0]]).all()
    if np.isfinite(value):
        lower, upper = bounds(
            chain(1, [2, 3, 1], RELU, scale=value), regions[1:], np.eye(1), np.zeros(1), kind, wide=wide
        )
        assert within or np.isnan([lower, upper]).all()
