"""The floor: the network's own matrix products and convolutions alone, each over the vertices that exist at its stage.

Whoever evaluates a network at the vertices of its partition computes these products; what a partition costs beyond
them is geometry, error bounds, and the making of new rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import cpwl
from cpwl.network import Conv, Dense, Network
from cpwl.tiling.blocks import Blocks


def stage_vertices(part: cpwl.Partition) -> dict[int, int]:
    """For each nonlinear node, and 0 for the input: how many vertices there are after it.

    They are found in the partition itself, however it was computed: its regions with the same region of a stage around
    them are joined, and vertices counted that are corners of the domain or where three edges meet.
    """
    facets = part.facets()
    ends, sides = facets.vertices.values.reshape(-1, 2), facets.regions
    corner = (part.vertices[:, None] == part.domain.polytope.vertices).all(axis=2).any(axis=1)
    around, found = np.arange(len(part)), {}
    for step in (*reversed(part.steps), None):
        edges = (sides[:, 1] < 0) | (around[sides[:, 0]] != around[sides[:, 1]])
        degree = np.bincount(ends[edges].ravel(), minlength=len(corner))
        found[0 if step is None else step.node] = int((corner | (degree > 2)).sum())
        around = around if step is None else step.parents[around]
    return found


@dataclass(frozen=True)
class _Product:
    """The product of one node, over ``rows`` vertices, ``at_once`` at a time."""

    compute: Callable[[Tensor, Tensor], object]
    """From rows of the argument to rows of the result."""
    entries: tuple[int, int]
    """Of a row of the argument and of the result."""
    rows: int
    at_once: int


class Floor:
    """The products of a network over given numbers of vertices; a call computes them once.

    They go through blocks of the size of the partition's, in two buffers that are used again and again.
    """

    def __init__(self, network: Network, vertices: dict[int, int], device: str | None = None) -> None:
        self._products = list(_products(network, vertices, device))
        largest = max(product.at_once * max(product.entries) for product in self._products)
        self._argument = torch.randn(largest, dtype=torch.float64, device=device)
        self._result = torch.empty_like(self._argument)

    def __call__(self) -> None:
        for product in self._products:
            for start in range(0, product.rows, product.at_once):
                count = min(product.at_once, product.rows - start)
                x, y = (
                    buffer[: count * entries].view(count, entries)
                    for buffer, entries in zip((self._argument, self._result), product.entries, strict=True)
                )
                product.compute(x, y)


def _products(network: Network, vertices: dict[int, int], device: str | None) -> Iterator[_Product]:
    rows = vertices[0]
    for i, node in enumerate(network.nodes):
        rows = vertices.get(i, rows)
        if isinstance(node.op, (Dense, Conv)):
            entries = (network.nodes[node.inputs[0]].size, node.size)
            at_once = -(-rows // Blocks().wanted(rows, sum(entries)))
            yield _Product(_computing(node.op, device), entries, rows, at_once)


def _computing(op: Dense | Conv, device: str | None) -> Callable[[Tensor, Tensor], object]:
    weight = torch.as_tensor(op.weight, device=device)
    if isinstance(op, Dense):
        outputs, inputs = weight.shape
        return lambda x, y: torch.mm(x.view(-1, inputs), weight.T, out=y.view(-1, outputs))
    convolve = getattr(torch, f"conv{len(op.spatial)}d")
    before = [pad for pad, _ in op.padding]
    assert op.padding == tuple((pad, pad) for pad in before), "the benchmarks' networks pad both sides alike"
    images = (-1, op.channels, *op.spatial)
    return lambda x, _: convolve(x.view(images), weight, None, op.stride, before, op.dilation, op.groups)
