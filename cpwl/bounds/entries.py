"""Operators that move, scale and add entries, and maxima, on enclosures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..network.network import Node
from ..network.operators import Divide, Gather, Scale, Sum
from .enclosure import LOWER, UPPER, Enclosure
from .precision import Floats, Precision


def gathered(op: Gather, inputs: Sequence[Enclosure]) -> Enclosure:
    """Entries by index; -1 is zero."""
    index = op.index.ravel()

    def entries(parts: Sequence[Floats], axis: int) -> Floats:
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
        taken = np.take(whole, np.maximum(index, 0), axis=axis)
        if (index < 0).any():
            taken[(slice(None),) * axis + (index < 0,)] = 0
        return taken

    return Enclosure(
        entries([x.table for x in inputs], 1),
        *(entries([getattr(x, name) for x in inputs], 0) for name in ("size", "low", "high")),
    )


def scaled(node: Node, op: Scale | Divide, x: Enclosure, precision: Precision) -> Enclosure:
    """Entries times factors, or over divisors, plus shifts."""
    factor, shift = (1 / op.divisor, np.zeros(())) if isinstance(op, Divide) else (op.factor, op.shift)
    slope, constant = (
        np.broadcast_to(part, node.shape).ravel().astype(precision.dtype)[:, None] for part in (factor, shift)
    )
    return x.scaled(slope, constant, precision)


def summed(op: Sum, inputs: Sequence[Enclosure], precision: Precision) -> Enclosure:
    """A sum with coefficients."""
    kind = precision.dtype
    first, *rest = [
        x.scaled(np.full((x.columns, 1), c, kind), np.zeros((x.columns, 1), kind), precision)
        for c, x in zip(op.coefficients, inputs, strict=True)
    ]
    table, low, high, sizes = first.table, first.low, first.high, first.size
    for x in rest:
        table, low, high, sizes = table + x.table, low + x.low, high + x.high, sizes + x.size
    margin = precision.margin(sizes, len(inputs))
    table = np.stack([table[UPPER] + margin[:, None], table[LOWER] - margin[:, None]])
    return Enclosure.of(table).within(low - margin, high + margin)


def largest(node: Node, x: Enclosure) -> Enclosure:
    """The maximum over the last axis of the functions.

    The upper table is the maximum at each corner (a maximum is convex); the lower one that of the argument that is
    probably the largest on the region: each is at most the maximum.
    """
    groups = (node.size, x.columns // node.size)
    low, high, size = (part.reshape(*groups, -1) for part in (x.low, x.high, x.size))
    table = x.table.reshape(2, *groups, *x.table.shape[2:])
    chosen = np.argmax(low + high, axis=1)[:, None]
    lower = np.take_along_axis(table[LOWER], chosen[:, :, None], axis=1)[:, 0]
    bounds = np.stack([table[UPPER].max(axis=1), lower])
    return Enclosure(bounds, size.max(axis=1), low.max(axis=1), high.max(axis=1))
