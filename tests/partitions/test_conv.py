"""Partitions of convolutions, pools, residual connections and concatenations: the cells of exact brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl.compiler.builder import Builder, Value
from cpwl.compiler.operators import conv as handlers_conv
from cpwl.compiler.operators import layout as handlers_layout
from cpwl.compiler.operators import pool as handlers_pool
from cpwl.network import RELU, Conv, Network
from tests.support import exact_model
from tests.support.exact_conv import matrix_of, windows

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
CORNERS = [tuple(map(Fraction, corner)) for corner in SQUARE.polytope.vertices.tolist()]
SIDE = 4
"""Of the image that a linear layer makes of the two inputs."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Image -> convolution -> (ReLU) -> max-pool -> convolution -> ReLU -> sum."""

    first: NDArray[np.float64]
    """(SIDE^2, 3): weights and biases of the layer that makes the image."""
    kernels: tuple[NDArray[np.float64], NDArray[np.float64]]
    relu: bool
    pool: tuple[int, int, int]
    """Kernel, stride, padding."""

    def network(self) -> Network:
        """As the compiler builds it."""
        b = Builder((1, 2))
        x = b.dense(b.input, self.first[:, :2].copy(), self.first[:, 2].copy())
        x = handlers_conv.convolution(b, b.reshape(x, (1, 1, SIDE, SIDE)), torch.as_tensor(self.kernels[0]))
        x = b.pointwise(RELU, x) if self.relu else x
        kernel, stride, padding = ([n] for n in self.pool)
        x = handlers_pool.max_pool(b, x, kernel, stride, padding, dims=2)
        x = b.pointwise(RELU, handlers_conv.convolution(b, x, torch.as_tensor(self.kernels[1])))
        x = b.reshape(x, (1, x.shape[-1] * x.shape[-2]))
        return b.network(b.dense(x, np.ones((1, x.shape[1]))))[0]

    def model(self) -> exact_model.Net:
        """As a chain of dense layers, with a group of arguments for every window."""
        image = exact_model.Layer(_exact(self.first[:, :2]), _exact(self.first[:, 2]), None)
        layers = [image, _convolution(self.kernels[0], SIDE, exact_model.RELU if self.relu else None)]
        size = SIDE - self.kernels[0].shape[-1] + 1
        groups = windows((size, size), *self.pool)
        longest = max(map(len, groups))
        arguments = [q for group in groups for q in group + [group[0]] * (longest - len(group))]
        choice = np.eye(size * size)[arguments]
        layers.append(exact_model.Layer(_exact(choice), _exact(np.zeros(len(choice))), longest))
        layers.append(_convolution(self.kernels[1], round(len(groups) ** 0.5), exact_model.RELU))
        ones = np.ones((1, len(layers[-1].bias)))
        return [*layers, exact_model.Layer(_exact(ones), _exact(np.zeros(1)), None)]


def _convolution(kernel: NDArray[np.float64], side: int, activation: Any) -> exact_model.Layer:
    op = Conv(kernel, np.zeros(1), (side, side), (1, 1), ((0, 0), (0, 0)), (1, 1))
    matrix = matrix_of(op)
    return exact_model.Layer(matrix, [Fraction(0)] * len(matrix), activation)


def _exact(values: NDArray[np.float64]) -> Any:
    return [_exact(v) if isinstance(v, np.ndarray) else Fraction(float(v)) for v in values]


@st.composite
def pooled(draw: Callable[[Any], Any]) -> Pooled:
    """Small integers (ties everywhere) or generic numbers; windows that overlap, and that the border cuts short."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    generic = draw(st.booleans())

    def numbers(*shape: int) -> NDArray[np.float64]:
        return generator.standard_normal(shape) if generic else generator.integers(-2, 3, shape).astype(np.float64)

    pool = draw(st.sampled_from([(2, 1, 0), (3, 2, 1), (2, 2, 1), (3, 1, 1)]))
    return Pooled(numbers(SIDE**2, 3), (numbers(1, 1, 2, 2), numbers(1, 1, 2, 2)), draw(st.booleans()), pool)


@settings(max_examples=12, deadline=None)
@given(pooled())
def test_the_cells_of_a_pool_are_exactly_the_argmax_cells(net: Pooled) -> None:
    part = cpwl.partition(net.network(), SQUARE, backend="exact")
    cells = exact_model.partition(net.model(), CORNERS)
    assert sorted(part.volumes()) == sorted(map(exact_model.area, cells))
    polygons = [[tuple(part.vertices[v]) for v in region] for region in part.regions]
    assert exact_model.is_partition(polygons, net.model(), CORNERS)


def assert_backends_agree(network: Network) -> None:
    """The same regions by pattern, each of the same area."""
    quick, exact = (cpwl.partition(network, SQUARE, backend=name) for name in ("torch", "exact"))
    assert not len(quick.ambiguous)
    areas = [dict(zip(map(bytes, p.patterns()), map(float, p.volumes()), strict=True)) for p in (quick, exact)]
    assert areas[0].keys() == areas[1].keys() and len(areas[0]) == len(exact)
    assert all(abs(areas[0][pattern] - area) < 1e-9 for pattern, area in areas[1].items())


@settings(max_examples=25, deadline=None)
@given(pooled())
def test_both_backends_find_the_same_regions_of_a_pool(net: Pooled) -> None:
    assert_backends_agree(net.network())


def residual(b: Builder, x: Value, numbers: Callable[..., torch.Tensor]) -> Value:
    """relu(conv(relu(conv(x))) + x)."""
    inner = handlers_conv.convolution(b, x, numbers(2, 2, 3, 3), numbers(2), padding=[1])
    outer = handlers_conv.convolution(b, b.pointwise(RELU, inner), numbers(2, 2, 3, 3), None, padding=[1], groups=1)
    return b.pointwise(RELU, b.sum(outer, x, 1.0))


def branches(b: Builder, x: Value, numbers: Callable[..., torch.Tensor]) -> Value:
    """Branches of a grouped, a dilated and a pooling kind, side by side."""
    grouped = handlers_conv.convolution(b, x, numbers(2, 1, 2, 2), None, padding="same", groups=2)
    dilated = handlers_conv.convolution(b, x, numbers(1, 2, 2, 2), numbers(1), padding=[1], dilation=[2])
    mean = handlers_pool.mean_pool(b, x, [3], [1], [1], dims=2)
    parts = [b.pointwise(RELU, grouped), b.pointwise(RELU, dilated), handlers_pool.max_pool(b, mean, [2], [1], dims=2)]
    flat = [b.reshape(part, (1, int(np.prod(part.shape)))) for part in parts]
    return handlers_layout.HANDLERS["aten.cat.default"](b, flat, 1)  # type: ignore[return-value]


def decoder(b: Builder, x: Value, numbers: Callable[..., torch.Tensor]) -> Value:
    """A pool down, a transposed convolution up, and the image it started from beside it."""
    small = handlers_pool.max_pool(b, x, [2], dims=2)
    up = handlers_conv.transposed(b, small, numbers(2, 2, 2, 2), numbers(2), stride=[2])
    return b.pointwise(RELU, b.sum(up, x, -1.0))


@pytest.mark.parametrize("generic", [True, False])
@pytest.mark.parametrize("body", [residual, branches, decoder])
def test_both_backends_find_the_same_regions_of_networks_with_branches(body: Any, generic: bool) -> None:
    generator = np.random.default_rng(5)

    def numbers(*shape: int) -> torch.Tensor:
        values = generator.standard_normal(shape) if generic else generator.integers(-2, 3, shape).astype(np.float64)
        return torch.as_tensor(values)

    for _ in range(3):
        b = Builder((1, 2))
        image = b.dense(b.input, numbers(18 if body is not decoder else 32, 2).numpy(), None)
        side = 3 if body is not decoder else 4
        x = body(b, b.reshape(image, (1, 2, side, side)), numbers)
        x = b.reshape(x, (1, int(np.prod(x.shape))))
        assert_backends_agree(b.network(b.dense(x, numbers(1, x.shape[1]).numpy()))[0])
