"""Which units a network's output depends on, on regions given by their patterns: by structure alone, no arithmetic.

On given pieces an entry is *relevant* if a chain of weights and slopes that are not zero, and of arguments that win a
maximum, leads from it to the output. Regions with the same pieces of all relevant units have one affine map (proofs/,
Lemma 13). Under max-pools and units that are off most units are not relevant.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .network import Network, Node, table
from .operators import Conv, Dense, Divide, Gather, Max, Piecewise, Scale, Sum

Bits = NDArray[np.bool_]
Patterns = NDArray[np.int16]

IRRELEVANT = -1
"""Stands for the piece of a unit that is not relevant."""


def reduced(network: Network, patterns: Patterns) -> Patterns:
    """Patterns (n, network.units) with ``IRRELEVANT`` in place of the pieces on which the output does not depend."""
    result = np.full(patterns.shape, IRRELEVANT, np.int16)
    last = len(network.nodes) - 1
    relevant: dict[int, Bits] = {last: np.ones((len(patterns), network.outputs), np.bool_)}
    for i in range(last, 0, -1):
        node, here = network.nodes[i], relevant.pop(i, None)
        if here is None:
            continue
        pieces = patterns[:, network.unit_columns[i]] if node.is_nonlinear else None
        if pieces is not None:
            result[:, network.unit_columns[i]] = np.where(here, pieces, np.int16(IRRELEVANT))
        sizes = [network.nodes[j].size for j in node.inputs]
        for j, read in zip(node.inputs, _read(node, here, pieces, sizes), strict=True):
            relevant[j] = relevant[j] | read if j in relevant else read
    return result


def _read(node: Node, relevant: Bits, pieces: Patterns | None, sizes: Sequence[int]) -> list[Bits]:
    """Which entries of each input the relevant entries of a node read, (n, sizes[k])."""
    match op := node.op:
        case Dense():
            rows = relevant.reshape(-1, len(op.weight))
            return [_any_product(rows, op.weight != 0).reshape(len(relevant), -1)]
        case Conv():
            return [_of_windows(op, relevant)]
        case Scale():
            return [relevant & _not_zero(op.factor, node)]
        case Sum():
            return [relevant if c != 0 else np.zeros_like(relevant) for c in op.coefficients]
        case Gather():
            return np.split(_of_copies(op, relevant, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
        case Divide():
            return [relevant]
    assert pieces is not None
    if isinstance(op, Max):
        chosen = np.zeros((len(relevant), node.size, sizes[0] // node.size), np.bool_)
        np.put_along_axis(chosen, pieces[:, :, None].astype(np.int64), relevant[:, :, None], axis=2)
        return [chosen.reshape(len(relevant), -1)]
    assert isinstance(op, Piecewise), op
    return [relevant & (table(op.slopes, node)[pieces.astype(np.int64), np.arange(node.size)] != 0)]


def _not_zero(values: NDArray[np.float64], node: Node) -> Bits:
    return np.asarray(np.broadcast_to(values, node.shape).ravel() != 0)


def _any_product(rows: Bits, present: Bits) -> Bits:
    """Rows (..., m) times a matrix (m, k), "or" of "and"."""
    return np.asarray(rows.astype(np.float32) @ present.astype(np.float32) > 0)


def _of_copies(op: Gather, relevant: Bits, count: int) -> Bits:
    """The entries whose copies are relevant."""
    index = op.index.ravel()
    order = np.argsort(index, kind="stable")[int((index < 0).sum()) :]
    copied, starts = np.unique(index[order], return_index=True)
    result = np.zeros((len(relevant), count), np.bool_)
    if len(copied):
        result[:, copied] = np.logical_or.reduceat(relevant[:, order], starts, axis=1)
    return result


def _of_windows(op: Conv, relevant: Bits) -> Bits:
    """The entries of the images that relevant entries of a convolution read: place by place of the kernel."""
    present = (op.weight != 0).reshape(op.groups, -1, op.weight.shape[1], *op.weight.shape[2:])
    places = op.output_spatial
    maps = np.moveaxis(relevant.reshape(-1, op.groups, present.shape[1], prod(places)), 2, 3)
    padded = tuple(n + sum(pad) for n, pad in zip(op.spatial, op.padding, strict=True))
    images = np.zeros((len(maps), op.channels, *padded), np.bool_)
    for tap in np.ndindex(*op.weight.shape[2:]):
        read = np.moveaxis(_any_product(maps, present[(slice(None), slice(None), slice(None), *tap)]), 3, 2)
        images[(slice(None), slice(None), *_strided(op, tap))] |= read.reshape(len(maps), op.channels, *places)
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(op.spatial, op.padding, strict=True))
    return np.ascontiguousarray(images[(slice(None), slice(None), *inner)]).reshape(len(relevant), -1)


def _strided(op: Conv, tap: tuple[int, ...]) -> tuple[slice, ...]:
    """The places of a padded image that one place of the kernel reads."""
    axes: Any = zip(tap, op.dilation, op.stride, op.output_spatial, strict=True)
    return tuple(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in axes)
