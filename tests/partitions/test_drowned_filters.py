"""Maxima of a large constant plus something tiny: filters that weight decay has left of channels with a bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor, nn

import cpwl
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Scale
from cpwl.network.drowned import drowned_arguments
from cpwl.tiling.blocks import Blocks
from tests.support.agreement import disagreements
from tests.support.blocks import same, same_regions, small
from tests.support.real_data import around

__all__ = ["small"]

DIGITS = load_digits().images[:, None] / 16
PLANE = cpwl.Domain.through(*DIGITS[[0, 11, 27]], margin=0.1)
UNITS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.25),
    "linear": nn.Identity,
    "clipped": lambda: nn.Hardtanh(-1, 1),
}


class Shift(nn.Module):
    """Each channel times a factor plus a shift: a batch norm that has been trained."""

    def __init__(self, factor: list[float], shift: list[float]) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor, dtype=torch.float64)[:, None, None])
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float64)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift


def pooled(seed: int, unit: str, *, drowned: tuple[int, ...], normed: bool, constant: float = 0.1) -> Network:
    """Two convolutions, each with units and a max-pool; in some all filters but the last are drowned."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for k, (channels, size) in enumerate([(1, 3), (2, 2)]):
        conv, faint = nn.Conv2d(channels, 2 + k, size, padding=1 - k).double(), 1 + k
        with torch.no_grad():
            if k in drowned and not normed:
                conv.weight[:faint] *= 1e-20
                conv.bias[:faint] = constant
        layers += [conv, UNITS[unit](), nn.MaxPool2d(2, stride=2 - k)]
        if k in drowned and normed:
            layers.insert(-2, Shift([1e-20] * faint + [1.0], [constant] * faint + [1.0]))
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(12, 3)).double().eval()
    return cpwl.compile(model, torch.zeros(1, 1, 8, 8, dtype=torch.float64))


def maxout(seed: int, constants: list[list[float]], size: float, *, normed: bool = False) -> Network:
    """Units that are maxima of rectified tiny functions plus these constants, biases or shifts of a norm."""
    random = np.random.default_rng(seed)
    units, width = np.shape(constants)
    count, flat = units * width, np.ravel(constants)
    weight = size * random.standard_normal((count, 2))
    first = [Dense(weight / 4, np.zeros(count)), Scale(np.full(count, 4.0), flat)] if normed else [Dense(weight, flat)]
    steps = [(op, (count,)) for op in (*first, RELU)]
    steps += [(Gather(np.arange(count).reshape(units, width)), (units, width)), (Max(), (units,))]
    steps.append((Dense(random.standard_normal((2, units)), np.zeros(2)), (2,)))
    return Network((Node(Input(), (), (2,)), *(Node(op, (i,), shape) for i, (op, shape) in enumerate(steps))))


def found_in(network: Network) -> list[int]:
    """How many units of each maximum have drowned arguments."""
    maxima = [i for i, node in enumerate(network.nodes) if isinstance(node.op, Max)]
    drowned = [drowned_arguments(network, i) for i in maxima]
    return [0 if some is None else len(some.arguments) for some in drowned]


@pytest.mark.parametrize("normed", [False, True], ids=["bias", "norm"])
@pytest.mark.parametrize("unit", UNITS)
def test_hardly_a_decision_is_left_open_where_a_constant_drowns_a_filter_under_a_maximum(
    unit: str, normed: bool
) -> None:
    """Thousands were, each by numbers of five parts. What is left are ties of the images, and of sums of constants."""
    identity = unit != "clipped"  # whose last piece is a constant
    for seed, drowned in [(1, (0,)), (2, (1,)), (3, (0, 1))]:
        network = pooled(seed, unit, drowned=drowned, normed=normed)
        assert [count > 0 for count in found_in(network)] == [k in drowned and identity for k in (0, 1)]
        domain = around(DIGITS[0], PLANE, 0.3)
        part = cpwl.partition(network, domain)
        assert len(part) > 50 and (part.settled < len(part) / 8) == identity
        assert disagreements(network, domain) == []


def test_networks_without_such_filters_are_not_looked_at() -> None:
    torch.manual_seed(0)
    assert found_in(pooled(0, "relu", drowned=(), normed=False)) == [0, 0]
    assert found_in(maxout(0, [[0.5, 0.5], [-0.5, -0.5]], 1.0)) == [0]
    dead = maxout(0, [[0.5, 0.5]], 0.0)
    assert found_in(dead) == [0], "constants that drown nothing"


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=30)
def test_constants_that_differ_by_an_ulp_or_are_off_are_no_common_constant(seed: int, data: Any) -> None:
    near = [0.1, np.nextafter(0.1, 1), -0.1]
    common = st.sampled_from(near).map(lambda c: [c] * 3)
    rows = st.one_of(common, st.lists(st.sampled_from(near), min_size=3, max_size=3))
    constants = data.draw(st.lists(rows, min_size=2, max_size=6))
    size, normed = data.draw(st.sampled_from([1e-20, 1e-16, 1e-12])), data.draw(st.booleans())
    network = maxout(seed, constants, size, normed=normed)
    alike = sum(len(set(row)) == 1 for row in constants)
    assert found_in(network) == [alike]
    assert disagreements(network, cpwl.Domain.box([-1, -1], [1, 1])) == []


@pytest.mark.parametrize("side", [1e8, 1e11, 1e19])
def test_on_a_domain_so_large_that_drowned_units_bend_they_are_cut_as_others(side: float) -> None:
    for seed in range(6):
        network = maxout(seed, [[0.1] * 3, [0.3] * 3, [-0.1] * 3], 1e-10 if side < 1e12 else 1e-19)
        assert found_in(network) == [3]
        domain = cpwl.Domain.box([-side, -side / 2], [side, side])
        assert len(cpwl.partition(network, domain)) > 1
        assert disagreements(network, domain) == []


def test_blocks_and_units_that_come_some_at_a_time_make_the_same(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = pooled(2, "relu", drowned=(0, 1), normed=False)
    domain = around(DIGITS[0], PLANE, 0.3)
    whole = cpwl.partition(network, domain)
    in_float = cpwl.partition(network, domain, predicates="float")
    assert not len(in_float.ambiguous)
    same(in_float, whole)
    small(24)
    same(cpwl.partition(network, domain), whole)
    same(cpwl.partition(network, domain, predicates="float"), whole)
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=24, most_columns=5)
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
    same_regions(cpwl.partition(network, domain), whole)


def test_a_segment_and_a_solid_have_the_regions_of_the_exact_backend() -> None:
    network = pooled(3, "relu", drowned=(0, 1), normed=True)
    directions = np.stack([DIGITS[k] - DIGITS[0] for k in (11, 27, 35)], axis=-1)
    line = cpwl.Domain.segment(DIGITS[0], DIGITS[11])
    solid = cpwl.Domain.hull(0.12 * np.vstack([np.zeros(3), np.eye(3)]), DIGITS[0], directions)
    for domain in (line, solid):
        assert len(cpwl.partition(network, domain)) > 10
        assert disagreements(network, domain) == []
