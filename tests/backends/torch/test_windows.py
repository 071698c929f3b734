"""Convolutions of long numbers as products over their windows: the same as image by image, zeros left out or not."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.backends.exact import ExactArithmetic
from cpwl.backends.torch.long_numbers import windows
from cpwl.backends.torch.long_numbers.arithmetic import ExtendedArithmetic
from cpwl.backends.torch.long_numbers.windows import Windows
from cpwl.network import Conv, Input, Network, Node

seeds = st.integers(0, 2**32 - 1)
PATHS = list(product((0, 1 << 6), (0.0, 1.0)))
"""Whether all windows are multiplied together, and if not whether those that hold something are."""


def convolution(generator: np.random.Generator, full: bool) -> Conv:
    """A convolution of one group with integer weights, none of them zero if it is to be ``full``."""
    dims = int(generator.integers(1, 4))
    kernel, stride, dilation = (tuple(generator.integers(1, 4 if k else 3, dims).tolist()) for k in range(3))
    padding = tuple((int(a), int(b)) for a, b in generator.integers(0, 3, (dims, 2)))
    spatial = tuple(int(d * (k - 1) + generator.integers(1, 4)) for k, d in zip(kernel, dilation, strict=True))
    outputs, channels = generator.integers(1, 4, 2).tolist()
    weight = generator.integers(1, 9, (outputs, channels, *kernel)) * generator.choice([-1, 1])
    if not full:
        weight = weight * generator.integers(0, 2, weight.shape)
    bias = generator.integers(0, 2, outputs) * generator.integers(-3, 4, outputs)
    return Conv(weight.astype(float), bias.astype(float), spatial, stride, padding, dilation)


def images(generator: np.random.Generator, op: Conv, count: int) -> NDArray[np.float64]:
    """Images of integers, the last of them zero, the others at most places."""
    shape = (count, op.channels * prod(op.spatial))
    values = generator.integers(-9, 10, shape) * (generator.random(shape) < generator.uniform(0, 0.6))
    values[-1] = 0
    return values.astype(float)


def summed(op: Conv, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of products (rows, outputs, places), in integers, window by window."""
    read = op.windows()
    pixels = np.pad(rows.reshape(len(rows), op.channels, -1), ((0, 0), (0, 0), (0, 1)))[:, :, read]
    return np.einsum("rcpt,oct->rop", pixels, op.weight.reshape(len(op.weight), op.channels, -1))


@settings(max_examples=100, deadline=None)
@given(seed=seeds, at_once=st.sampled_from([1, 40, 1 << 21]))
def test_windows_that_hold_something_are_all_that_is_needed(seed: int, at_once: int) -> None:
    generator = np.random.default_rng(seed)
    op = convolution(generator, full=False)
    rows = images(generator, op, 4)
    of_op = Windows(op)
    weights = of_op.weights(torch.as_tensor(op.weight))
    assert torch.equal(of_op.kernels(weights), torch.as_tensor(op.weight).flatten(2))
    held = of_op.held(torch.as_tensor(rows))
    counts = summed(Conv(np.ones_like(op.weight), op.bias, *geometry(op)), np.abs(rows))
    assert np.array_equal(held.numpy(), counts[:, 0] > 0) and not held[-1].any()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_AT_ONCE", at_once)
        found = of_op.product(torch.as_tensor(rows), held, weights)
    assert np.array_equal(found.numpy(), summed(op, rows))
    left_out = of_op.product(torch.as_tensor(rows), torch.zeros_like(held), weights)
    assert not left_out.any()


def geometry(op: Conv) -> tuple[tuple[int, ...], ...]:
    """Where a convolution reads."""
    return op.spatial, op.stride, op.padding, op.dilation  # type: ignore[return-value]


@pytest.mark.parametrize(("small", "few"), PATHS)
@pytest.mark.parametrize("full", [False, True])
@settings(max_examples=25, deadline=None)
@given(seed=seeds, count=st.integers(2, 4))
def test_rows_are_within_their_bounds_and_zeros_are_known(
    full: bool, small: int, few: float, seed: int, count: int
) -> None:
    generator = np.random.default_rng(seed)
    op = convolution(generator, full)
    weight = op.weight * generator.uniform(0.5, 2, op.weight.shape)
    op = Conv(weight, op.bias, *geometry(op))
    lead = int(generator.integers(1, 3))
    shape = (lead, op.channels, *op.spatial)
    output = Node(op, (0,), (lead, len(op.bias), *op.output_spatial), "convolution")
    network = Network((Node(Input(), (), shape, "input"), output))
    rows = images(generator, op, 4 * lead).reshape(4, -1)
    weights = np.array([1.0, 0.0, 0.0, 0.0])
    exact = ExactArithmetic()
    true = exact.linear(output, [exact.stack([exact.points(rows[:1]), exact.tangents(rows[1:])])]).to_numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_SMALL", small)
        patch.setattr(windows, "_FEW", few)
        long = ExtendedArithmetic(network, count)
        field = long.linear(output, [long.rows(rows, weights)])
    assert np.array_equal(sum(part.numpy() for part in field.digits.parts), true.astype(float))
    assert not true[field.zeros.numpy()].any()
    assert full <= np.array_equal(field.zeros.numpy()[1:], unread(op, rows[1:], lead))


def unread(op: Conv, rows: NDArray[np.float64], lead: int) -> NDArray[np.bool_]:
    """Which entries of the result have nothing but zeros to read."""
    ones = Conv(np.ones_like(op.weight), op.bias, *geometry(op))
    return summed(ones, np.abs(rows).reshape(len(rows) * lead, -1)).reshape(len(rows), -1) == 0


def test_windows_are_used_where_images_are_small_or_hardly_anything_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    product = Windows.product

    def counted(self: Windows, rows: torch.Tensor, held: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        asked.append(int(held.sum()))
        return product(self, rows, held, weights)

    monkeypatch.setattr(Windows, "product", counted)
    generator = np.random.default_rng(0)
    for side, density, uses in ((4, 1.0, True), (12, 1.0, False), (12, 0.01, True)):
        shape = (2, side, side)
        op = Conv(generator.standard_normal((3, 2, 3, 3)), np.zeros(3), (side, side), (1, 1), ((1, 1),) * 2, (1, 1))
        network = Network((Node(Input(), (), shape, "input"), Node(op, (0,), (3, side, side), "convolution")))
        long, asked[:] = ExtendedArithmetic(network, 2), []
        rows = generator.standard_normal((2, prod(shape))) * (generator.random((2, prod(shape))) <= density)
        long.linear(network.nodes[1], [long.rows(rows, np.zeros(2))])
        assert bool(asked) == uses
        assert all(count <= 2 * side * side for count in asked)
