"""Planes through real images: right for small convolutional networks with max-pools, on whatever images users bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn

import cpwl
from cpwl.backends import rungs
from cpwl.geometry import ladder
from cpwl.geometry.ladder import INTEGERS, Values
from tests.support.agreement import disagreements
from tests.support.image_planes import plane, sets
from tests.support.real_data import around

DIGITS = load_digits().images[:, None] / 16


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_on_planes_through_digits_float64_and_exact_arithmetic_agree(seed: int) -> None:
    chosen = plane(seed)
    assert disagreements(chosen.network, chosen.domain) == [], chosen.name


@pytest.mark.parametrize("seed", range(12))
def test_on_planes_through_images_of_every_set_float64_and_exact_arithmetic_agree(seed: int) -> None:
    chosen = plane(seed, tuple(sets()))
    assert disagreements(chosen.network, chosen.domain) == [], chosen.name


@pytest.mark.parametrize(
    ("first", "regions"), [(0, 228), (3, 156), (6, 216), (9, 247), (12, 221), (15, 212), (18, 141), (39, 265)]
)
def test_one_max_pool_over_three_digits_has_as_many_regions_as_an_independent_clipper_counts(
    first: int, regions: int
) -> None:
    net = cpwl.compile(nn.MaxPool2d(2).eval(), torch.zeros(1, 1, 8, 8))
    part = cpwl.partition(net, cpwl.Domain.through(*DIGITS[first : first + 3], margin=0.3))
    assert len(part) == regions and part.complete and not len(part.ambiguous)


FAR = cpwl.Domain.polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]], origin=[1e6, -1e6], basis=1e-6 * np.eye(2))


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ([[-0.03, -20000.0], [0.0, -10.0], [-3.0, -0.01]], [-19999970000.0, -1e7, 2990000.0]),
        ([[3e7, -0.03], [2e-7, -1e7], [-3e9, 0.0]], [-30000000030000.0, -10000000000000.2, 3e15]),
        ([[0.0, 2e-7], [-3e8, 0.0], [100.0, -0.003]], [0.19999999999999998, 3e14, -100003000.0]),
        ([[-2e7, -3e-6], [0.01, -3e-6], [-2e7, 0.0]], [19999999999997.0, -10003.0, 2e13]),
    ],
)
def test_three_units_on_a_small_square_far_away_have_seven_regions(
    weight: list[list[float]], bias: list[float]
) -> None:
    net = cpwl.network.Network.mlp([weight, [[1.0, 1.0, 1.0]]], [bias, [0.0]])
    assert [len(cpwl.partition(net, FAR, backend=name)) for name in ("torch", "exact")] == [7, 7]


def test_equal_windows_of_a_background_are_told_by_structure_and_ask_for_no_decision() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 4)]
    framed = np.zeros((3, 1, 10, 10))
    framed[:, :, 3:9, 3:9] = DIGITS[[0, 11, 27], :, 1:7, 1:7]
    net = cpwl.compile(nn.Sequential(*layers).eval(), torch.zeros(1, 1, 10, 10))
    part = cpwl.partition(net, cpwl.Domain.through(*framed, margin=0.3))
    assert len(part) > 300 and part.settled < len(part) / 20


def small_filters(seed: int, scaled: tuple[str, ...], size: float) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10)]
    model = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for name in scaled:
            model.get_parameter(name)[:2] *= size
    return model


@pytest.mark.parametrize("scaled", [("0.weight", "0.bias"), ("2.weight", "2.bias"), ("0.weight", "0.bias", "2.weight")])
@pytest.mark.parametrize("size", [1e-16, 1e-20, 1e12])
def test_filters_of_another_size_ask_for_no_more_decisions_than_others(scaled: tuple[str, ...], size: float) -> None:
    domain = cpwl.Domain.through(*DIGITS[[0, 11, 27]], margin=0.1)
    net = cpwl.compile(small_filters(0, scaled, size), torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    part = cpwl.partition(net, domain)
    assert len(part) > 1000 and part.settled < len(part) / 20


def pooled(seed: int, *channels: int) -> nn.Sequential:
    """Two convolutions, each with a max-pool, the second with windows that overlap."""
    torch.manual_seed(seed)
    first, second = channels
    layers = [nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(first, second, 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2, stride=1), nn.Flatten(), nn.Linear(4 * second, 3)).double().eval()


@pytest.fixture
def by_integers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """All signs that integers will have decided, with long numbers for networks of any size."""
    monkeypatch.setattr(rungs, "_CHEAP", 0)
    found: list[int] = []
    truly = Values.signs

    def noted(values: Values, *given: Any) -> Any:
        signs, still_open = truly(values, *given)
        found.extend(signs.tolist() if values.parts == INTEGERS else [])
        return signs, still_open

    monkeypatch.setattr(Values, "signs", noted)
    return found


@pytest.mark.parametrize(("layer", "parts"), [(0, (1, 2, 5)), (3, (1, 2, 5)), (3, (2,))])
def test_integers_decide_little_where_a_bias_drowns_its_filter_and_numbers_are_long(
    layer: int, parts: tuple[int, ...], by_integers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "PARTS", parts)
    model = pooled(0, 2, 3)
    model[layer + 1] = nn.Hardtanh().eval()  # after a ReLU the bias would be kept apart
    with torch.no_grad():
        model[layer].weight[0] *= 1e-20  # type: ignore[operator, index]
        model[layer].bias[0] = 0.1  # type: ignore[operator, index]
    net = cpwl.compile(model, torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    domain = around(DIGITS[0], cpwl.Domain.through(*DIGITS[[0, 11, 27]], margin=0.1), 0.3)
    part = cpwl.partition(net, domain)
    assert (
        len(part) > 20
        and part.settled > 300
        and (np.count_nonzero(by_integers) < part.settled / 20) == (len(parts) > 1)
    )
    assert disagreements(net, domain) == []


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9])
def test_on_a_tiny_square_around_an_image_integers_decide_zeros_alone(size: float, by_integers: list[int]) -> None:
    net = cpwl.compile(pooled(1, 2, 3), torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    domain = around(DIGITS[11], cpwl.Domain.through(*DIGITS[[0, 11, 27]], margin=0.1), size)
    part = cpwl.partition(net, domain)
    assert len(part) > 3 and part.settled and not any(by_integers)
    assert disagreements(net, domain) == []
