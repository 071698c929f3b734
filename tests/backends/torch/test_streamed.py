"""Rows that a matrix reads as they are made are those that would have been held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl.backends.torch.fields import arithmetic
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.refinement.kernels import compiled
from cpwl.backends.torch.refinement.streamed import RectifiedRows
from cpwl.network import Dense, Network, Node
from cpwl.tiling.blocks import Blocks
from tests.support.families import case
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
needs_loops = pytest.mark.skipif(not compiled.enabled, reason="the loops are not compiled: rows are always held")


def _checked(monkeypatch: pytest.MonkeyPatch, at_once: int | None = None) -> list[int]:
    """Compares all rows that are streamed with those that would be held; how many columns were left out, each time."""
    seen: list[int] = []
    truly = arithmetic._streamed_product

    def both(constants: Any, x: RectifiedRows) -> FloatField:
        held = x.cutting.rectified()
        rows = torch.cat([part.clone() for _, part in x.parts(at_once or x.rows)])
        assert torch.equal(held.held, x.held) and held.columns == x.columns
        # A sign that was decided to be positive is the smallest number there is in held rows, and 0 in streamed ones.
        assert ((rows - held.values).abs() <= np.nextafter(0.0, 1.0)).all(), "a value is another"
        assert torch.allclose(x.error, held.error, rtol=1e-5, atol=0), "a bound is another"
        norms = torch.linalg.vector_norm(held.values, dim=1)
        assert (norms <= x.norms).all() and (x.norms <= norms * (1 + 1e-5) + 1e-12).all(), "a norm is no close bound"
        seen.append(x.columns - len(x.held))
        return truly(constants, x)

    monkeypatch.setattr(arithmetic, "_streamed_product", both)
    return seen


@needs_loops
@pytest.mark.parametrize("at_once", [1, 3, 64, None])
def test_rows_are_those_that_would_be_held_however_many_are_made_at_once(
    at_once: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _checked(monkeypatch, at_once)
    cpwl.partition(mlp(5, [2, 24, 17, 9, 3]), SQUARE)
    assert len(seen) == 3


@needs_loops
@pytest.mark.parametrize("seed", range(500, 560))
def test_rows_are_those_that_would_be_held_on_degenerate_networks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _checked(monkeypatch)
    degenerate = case(seed)
    cpwl.partition(degenerate.network, degenerate.domain)


@needs_loops
def test_rows_are_streamed_in_blocks_and_with_columns_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Blocks, "within", classmethod(lambda kind, *_: kind(block=1 << 16, limit=1 << 18, first=4)))
    seen = _checked(monkeypatch)
    network = mlp(7, [2, 40, 40, 40, 1])
    assert len(cpwl.partition(network, SQUARE)) and len(seen) > 5 and max(seen) > 5
    monkeypatch.undo()
    assert len(cpwl.partition(network, SQUARE)) == len(cpwl.partition(network, SQUARE, backend="exact"))


@needs_loops
def test_bounds_hold_where_the_columns_that_are_left_out_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much columns that are not held change says nothing about the error of a row between two others."""
    seen = _checked(monkeypatch)
    network = mlp(2, [2, 12, 12, 1])
    first = network.nodes[1].op
    first.bias[:4] -= 1e6
    first.weight[:4] *= 1e3
    cpwl.partition(network, SQUARE)
    assert len(seen) == 2


@needs_loops
@pytest.mark.parametrize("bias", [-1.0, 1.0])
def test_where_no_unit_or_every_unit_is_on(bias: float) -> None:
    network = mlp(3, [2, 8, 1])
    network.nodes[1].op.bias[:] = 100 * bias
    found = cpwl.partition(network, SQUARE)
    assert len(found) == 1
    assert np.allclose(found.outputs.to_numpy(), cpwl.evaluate(network, found.vertices), rtol=1e-12)


@needs_loops
def test_columns_that_are_left_out_may_be_too_large_for_their_squares() -> None:
    network, corners = mlp(2, [2, 12, 12, 1]), [[-1, -1], [1, 1], [-1, 1]]
    network.nodes[1].op.weight[0], network.nodes[1].op.bias[0] = 6e153, -1.25e154
    triangle = cpwl.Domain.polygon(corners, np.zeros(2), np.eye(2))
    assert len(cpwl.partition(network, triangle)) == len(cpwl.partition(network, triangle, backend="exact"))


@pytest.mark.parametrize("tail", [[], [700], [700, 30]])
def test_what_comes_after_the_last_unit_is_not_held_for_all_vertices(
    tail: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, held = Blocks(pass_=1 << 16), dict[int, int]()
    monkeypatch.setattr(Blocks, "within", classmethod(lambda *_: sizes))
    truly = arithmetic.TorchArithmetic.linear

    def counted(self: Any, node: Any, inputs: Any) -> FloatField:
        result = truly(self, node, inputs)
        held[node.size] = max(held.get(node.size, 0), result.rows)
        return result

    monkeypatch.setattr(arithmetic.TorchArithmetic, "linear", counted)
    part = cpwl.partition(_with_tail(tail), SQUARE)
    monkeypatch.undo()
    assert len(part.vertices) == len(part.outputs.to_numpy()) > 500
    assert np.allclose(part.outputs.to_numpy(), cpwl.evaluate(part.network, part.vertices), atol=1e-9)
    assert all(held[width] * width * 8 <= sizes.pass_ for width in tail)


def _with_tail(widths: list[int]) -> Network:
    """Two layers of units, and matrices after them."""
    units, random = mlp(4, [2, 24, 16, 8]).nodes, np.random.default_rng(1)
    nodes = [*units]
    for width in [*widths, 3]:
        op = Dense(random.standard_normal((width, nodes[-1].size)) / 10, random.standard_normal(width))
        nodes.append(Node(op, (len(nodes) - 1,), (width,), "tail"))
    return Network(tuple(nodes))
