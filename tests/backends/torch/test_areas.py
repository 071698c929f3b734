"""Areas are as accurate as is asked, or their bounds say how accurate they are (proofs/, Lemma 12)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import cpwl
from cpwl.analysis import Agreement, agreement
from cpwl.backends.torch.complex.areas import area_errors, areas
from cpwl.backends.torch.complex.complex import Complex
from cpwl.backends.torch.fields.field import FloatField
from cpwl.errors import ArgumentError
from cpwl.network import Network
from tests.support.coordinates import SQUARE, Pair, mismeasured
from tests.support.families import case, moved
from tests.support.networks import mlp


@pytest.mark.parametrize("seed", [196, 2, 3, 4])
@pytest.mark.parametrize("accuracy", [None, 2.0**-50])
def test_areas_of_agreement_are_as_accurate_as_is_asked(seed: int, accuracy: float | None) -> None:
    """Seed 196 had a share of 0.3169 for 0.3160."""
    r = np.random.default_rng(seed)
    weight, bias, row = r.standard_normal((4, 2)), r.standard_normal(4), r.standard_normal(4)
    gap = 2.0 ** -int(r.integers(38, 50))
    rows = np.stack([row, row * (1 + gap * r.integers(-2, 3, 4))])
    c = r.standard_normal()
    first = Network.mlp([weight, rows], [bias, np.array([c, c + gap * r.standard_normal()])])
    second = Network.mlp(
        [r.standard_normal((3, 2)), r.standard_normal((2, 3))], [r.standard_normal(3), r.standard_normal(2)]
    )
    found, exact = (agreement(first, second, SQUARE, backend=name) for name in ("torch", "exact"))
    relative = Fraction(2.0**-20 if accuracy is None else accuracy)
    areas, errors = found.areas(accuracy=accuracy), found.area_errors(accuracy=accuracy)
    here, there = ({(*_pattern(x, i), *x.classes[i]): i for i in range(len(x))} for x in (found, exact))
    assert here.keys() == there.keys()
    for key, i in here.items():
        right = exact.areas()[there[key]]
        assert abs(Fraction(areas[i]) - right) <= min(Fraction(errors[i]), relative * right)
    assert abs(found.share - exact.share) <= 2.0**-20 * exact.share
    assert abs(found.shares().sum() - 1) < 1e-6


def _pattern(found: Agreement, cell: int) -> list[int]:
    return found.partition.patterns([int(found.regions[cell])])[0].tolist()


@pytest.mark.parametrize("power", [-1060, -540, -530, -500, 500, 540, 900, 1020])
def test_areas_are_right_or_their_bounds_say_by_how_much_they_are_not(power: int) -> None:
    s = 2.0**power
    network = Network.mlp([np.eye(2), np.ones((1, 2))], [np.zeros(2), np.zeros(1)])
    part = cpwl.partition(network, cpwl.Domain.box([-s, -s], [s, s]))
    for accuracy in (None, 1e-12):
        for area, error in zip(part.volumes(accuracy=accuracy), part.volume_errors(accuracy=accuracy), strict=True):
            if np.isfinite(area):
                assert abs(Fraction(area) - Fraction(s) ** 2) <= Fraction(error)
                assert error <= max(2.0**-7 * area, 2.0**-1074)
            else:
                assert error == np.inf and power > 511


@pytest.mark.parametrize("seed", [145, 165, 207])
def test_areas_of_slivers_are_right_where_rounded_vertices_say_nothing(seed: int) -> None:
    pair = Pair.of(moved(seed))
    rounded = pair.float.arrangement.volumes().tolist()
    assert max(abs(Fraction(v) / a - 1) for v, a in zip(rounded, pair.areas, strict=True)) > 10
    assert mismeasured(pair, None) == mismeasured(pair, 1e-9) == []


@pytest.mark.parametrize("accuracy", [0.0, 2.0**-53, 1.0, -1.0])
def test_an_accuracy_that_float64_cannot_have_is_refused(accuracy: float) -> None:
    part = cpwl.partition(mlp(2, [2, 6, 2]), SQUARE)
    with pytest.raises(ArgumentError, match=r"accuracy must be at least 2\^-52"):
        part.volumes(accuracy=accuracy)


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("accuracy", [None, 2.0**-50])
def test_volumes_of_some_regions_are_those_of_all(backend: str, accuracy: float | None) -> None:
    for seed in (1, 7, 12, 15):
        chosen = case(seed)
        part = cpwl.partition(chosen.network, chosen.domain, backend=backend)
        some = np.random.default_rng(seed).integers(len(part), size=7)
        volumes, errors = part.volumes(accuracy=accuracy), part.volume_errors(accuracy=accuracy)
        few, bounds = part.volumes(some, accuracy=accuracy), part.volume_errors(some, accuracy=accuracy)
        assert (bounds <= errors[some]).all() and (abs(few - volumes[some]) <= bounds + errors[some]).all()
        assert part.region(int(some[0])).volume == part.volumes([some[0]])[0]


@given(
    corners_=st.lists(st.tuples(*[st.floats(-1, 1)] * 2), min_size=3, max_size=7),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
    far=st.sampled_from([0.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_lemma_12_areas_of_moved_corners_are_within_their_bounds(
    corners_: list[tuple[float, float]], scale: float, far: float, seed: int
) -> None:
    """Of any polygon: the bound asks for no convexity."""
    random = np.random.default_rng(seed)
    points = (np.array(corners_) + far) * scale
    error = random.choice([0.0, 2.0**-50, 2.0**-20], len(points)) * scale
    cells = Complex.polygon(len(points), torch.device("cpu"))
    field = FloatField(torch.as_tensor(points), torch.as_tensor(error))
    area, bound = float(areas(cells, field.values)), Fraction(float(area_errors(cells, field)))
    for _ in range(4):
        angle = random.uniform(0, 7, len(points))
        step = np.stack([np.cos(angle), np.sin(angle)], 1) * (error * (1 - 2.0**-50))[:, None]
        exact = [(Fraction(a) + Fraction(c), Fraction(b) + Fraction(d)) for (a, b), (c, d) in zip(points, step)]
        twice = sum(x * v - u * y for (x, y), (u, v) in zip(exact, exact[1:] + exact[:1], strict=True))
        assert abs(Fraction(area) - twice / 2) <= bound
