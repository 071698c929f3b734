"""Channels made alike by powers of two: the same function, the same signs, and nothing where it cannot be done."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import cpwl
from cpwl.network import Conv, Dense, Network
from cpwl.network.equilibrate import equilibrated


def model(seed: int, tail: nn.Module, size: float = 2.0**-40) -> nn.Sequential:
    """A convolution of which half the filters are small, and what follows."""
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Conv2d(1, 4, 3), *tail.children() if isinstance(tail, nn.Sequential) else [tail]).double()
    with torch.no_grad():
        made[0].weight[:2] *= size
        made[0].bias[:2] *= size
    return made.eval()


class Skip(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x) + x.flip(1)


def tails() -> dict[str, nn.Module]:
    flat = (nn.Flatten(), nn.LazyLinear(3))
    return {
        "relu, dense": nn.Sequential(nn.ReLU(), *flat),
        "pool, relu, convolution": nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 3, 2), nn.ReLU(), *flat),
        "normalised, leaky, pool": nn.Sequential(
            nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(2, padding=1), *flat
        ),
        "grouped": nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 2, groups=2), nn.ReLU(), *flat),
        "average": nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), *flat),
        "twice": nn.Sequential(
            nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.ReLU(), *flat
        ),
    }


REFUSED: dict[str, nn.Module] = {
    "bends elsewhere": nn.Sequential(nn.Hardtanh(), nn.Flatten(), nn.LazyLinear(3)),
    "channels of different size meet": nn.Sequential(nn.ReLU(), Skip(), nn.Flatten(), nn.LazyLinear(3)),
    "the output": nn.ReLU(),
}


def compiled(seed: int, tail: nn.Module, size: float = 2.0**-40) -> Network:
    example = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    made = model(seed, tail, size)
    made(example)
    return cpwl.compile(made, example)


def sizes_of(network: Network) -> list[float]:
    """By how much the outputs of each matrix differ in size."""
    ratios = []
    for node in network.nodes:
        if isinstance(node.op, (Dense, Conv)):
            sizes = np.abs(np.column_stack([node.op.weight.reshape(len(node.op.bias), -1), node.op.bias])).max(axis=1)
            ratios.append(float(sizes.max() / sizes.min()))
    return ratios


@pytest.mark.parametrize("name", tails())
@given(seed=st.integers(0, 1000), exponent=st.integers(-60, -20))
@settings(max_examples=3)
def test_the_network_with_channels_alike_is_the_same_function(name: str, seed: int, exponent: int) -> None:
    network = compiled(seed, tails()[name], 2.0**exponent)
    alike = equilibrated(network)
    assert alike is not network and sizes_of(alike)[0] < 2**8 < sizes_of(network)[0]
    points = np.random.default_rng(seed).normal(size=(3, 1, 6, 6))
    one, other = (cpwl.evaluate(net, list(points), backend="exact") for net in (network, alike))
    assert (one == other).all()


@pytest.mark.parametrize("name", tails())
def test_partitions_are_the_same_bit_for_bit_with_smaller_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = compiled(0, tails()[name])
    points = np.random.default_rng(0).normal(size=(3, 1, 6, 6))
    domain = cpwl.Domain.through(*points)
    with_alike = cpwl.partition(network, domain)
    monkeypatch.setattr(import_module("cpwl.partitions.compute"), "equilibrated", lambda net: net)
    without = cpwl.partition(network, domain)
    assert with_alike.network is network
    assert np.array_equal(with_alike.patterns(), without.patterns())
    assert with_alike.settled <= without.settled


@pytest.mark.parametrize("name", REFUSED)
def test_where_channels_are_needed_as_they_are_nothing_changes(name: str) -> None:
    network = compiled(0, REFUSED[name])
    assert equilibrated(network) is network


def test_ordinary_networks_stay_as_they_are() -> None:
    network = compiled(0, tails()["relu, dense"], 0.5)
    assert equilibrated(network) is network
