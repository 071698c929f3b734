"""Single entries of a network restricted to a slice, exactly, on a region given by its pattern.

Before the second matrix an entry comes from few others, and costs little by itself: the rows of all entries of a region
(``SliceOracle``) would cost as much for the one or two that a decision asks for as for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network.network import Network, Node, table
from ...network.operators import Conv, Dense, Divide, Gather, Input, Max, Piecewise, Scale, Sum
from ...numbers.integers import Integer, rational
from .field import Row

_FEW = 64
"""Operations for one entry that are fewer than what the rows of all entries cost."""

_KEPT = 1 << 16
"""Entries, and pieces of units, that are kept."""

Pattern = NDArray[np.int64]


class Entries:
    """Entries of a restricted network; a row is their constant and their slopes, over one denominator."""

    def __init__(self, network: Network, columns: dict[int, slice]) -> None:
        """``columns``: of each nonlinear node the columns of a pattern that hold its units."""
        self._network, self._columns = network, columns
        self._costs: list[float] = []
        for node in network.nodes:
            self._costs.append(self._cost(node))
        self._affine, self._piece = (lru_cache(_KEPT)(made) for made in (self._affine_row, self._piece_of))

    def cheap(self, stage: int) -> bool:
        """Whether single entries of what a stage reads cost little."""
        return self._costs[self._network.read_by(stage)] <= _FEW

    def at(self, stage: int, entry: int, pattern: Pattern) -> Row:
        """An entry of what a stage reads, on the region with that pattern (of the units before the stage at least)."""
        return self._row(self._network.read_by(stage), entry, pattern)

    def _cost(self, node: Node) -> float:
        """The operations for one entry; infinite where a matrix mixes those of units."""
        if isinstance(node.op, (Dense, Conv)):
            return 0 if self._is_affine(node) else inf
        return sum(1 + self._costs[j] for j in node.inputs)

    def _is_affine(self, node: Node) -> bool:
        """Whether a node is an affine map of the slice, which holds all that comes before units (``restricted``)."""
        return isinstance(node.op, Dense) and isinstance(self._network.nodes[node.inputs[0]].op, Input)

    def _row(self, i: int, entry: int, pattern: Pattern) -> Row:
        node = self._network.nodes[i]
        first = node.inputs[0]
        match op := node.op:
            case Dense():
                return self._affine(i, entry)
            case Gather():
                return self._gathered(node, int(op.index.flat[entry]), pattern)
            case Scale():
                return _mapped(
                    self._row(first, entry, pattern), _at(op.factor, node, entry), _at(op.shift, node, entry)
                )
            case Divide():
                (p, q), (numbers, d) = rational(_at(op.divisor, node, entry)), self._row(first, entry, pattern)
                return _positive([x * q for x in numbers], d * p)
            case Sum():
                terms = zip(node.inputs, op.coefficients, strict=True)
                return _total([_mapped(self._row(j, entry, pattern), c, 0.0) for j, c in terms])
        piece = int(pattern[self._columns[i].start + entry])
        if isinstance(op, Max):
            return self._row(first, entry * (self._network.nodes[first].size // node.size) + piece, pattern)
        slope, intercept = self._piece(i, entry, piece)
        return _mapped(self._row(first, entry, pattern), slope, intercept)

    def _gathered(self, node: Node, index: int, pattern: Pattern) -> Row:
        """Entry ``index`` of a node's inputs, one after the other; -1 is zero."""
        if index < 0:
            return _constant(0.0, 0, self._network.inputs + 1)
        for j in node.inputs:
            size = self._network.nodes[j].size
            if index < size:
                return self._row(j, index, pattern)
            index -= size
        raise IndexError(index)

    def _affine_row(self, i: int, entry: int) -> Row:
        op = self._network.nodes[i].op
        assert isinstance(op, Dense)
        numbers = [op.bias[entry], *op.weight[entry]]
        return _total([_constant(x, k, len(numbers)) for k, x in enumerate(numbers)])

    def _piece_of(self, i: int, entry: int, piece: int) -> tuple[Any, Any]:
        """Slope and intercept of a unit's piece."""
        node = self._network.nodes[i]
        assert isinstance(node.op, Piecewise)
        slopes, intercepts = (table(part, node)[piece, entry] for part in (node.op.slopes, node.op.intercepts))
        return slopes, intercepts


def _at(values: NDArray[Any], node: Node, entry: int) -> Any:
    """One of the values that broadcast to the shape of a node."""
    return np.broadcast_to(values, node.shape).flat[entry]


def _constant(value: Any, place: int, count: int) -> Row:
    """The row of so many numbers with one, a float64 number or a Fraction, at one of its places, and else zeros."""
    p, q = rational(value)
    return [p if k == place else Integer(0) for k in range(count)], q


def _mapped(row: Row, factor: Any, shift: Any) -> Row:
    """factor * row + shift."""
    (numbers, d), (p, q) = row, rational(factor)
    scaled = [x * p for x in numbers], d * q
    return scaled if shift == 0 else _total([scaled, _constant(shift, 0, len(numbers))])


def _total(rows: Sequence[Row]) -> Row:
    numbers, d = rows[0]
    for others, e in rows[1:]:
        common = d.gcd(e)
        left, right = e // common, d // common
        numbers, d = [x * left + y * right for x, y in zip(numbers, others, strict=True)], d * left
    return numbers, d


def _positive(numbers: list[Integer], d: Integer) -> Row:
    """The row with a denominator > 0."""
    return (numbers, d) if d > 0 else ([-x for x in numbers], -d)
