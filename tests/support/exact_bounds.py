"""Lemma 18 in Fractions, written from its text: bounds on what is left of a network on one region, from its pattern.

Nothing here imports cpwl.bounds: networks are data, regions are vertices of halfspaces.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.geometry.polyhedra import vertices_of
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Piecewise, Sum

Table = NDArray[Any]
exactly = np.vectorize(Fraction, otypes=[object])


def affine_map(op: Any, parts: list[Table]) -> Table:
    """An affine node of functions given by rows (n, m): coefficients, with the constant last."""
    if isinstance(op, Sum):
        return np.asarray(sum(Fraction(c) * part for c, part in zip(op.coefficients, parts, strict=True)))
    rows = np.concatenate(parts)
    if isinstance(op, Dense):
        result = exactly(op.weight).dot(rows)
        result[:, -1] += exactly(op.bias)
        return np.asarray(result)
    if isinstance(op, Gather):
        return np.array([rows[i] if i >= 0 else 0 * rows[0] for i in op.index.ravel().tolist()], dtype=object)
    raise TypeError(type(op).__name__)


def region_of(
    network: Network, sides: Table, pattern: list[int], done: int, units: int
) -> tuple[Table, dict[int, Table]]:
    """The vertices (k, D) of the region on which the first units have a pattern; and the nodes that are affine on it,
    by coefficients with the constant last.

    ``sides``: halfspaces (M, 1 + D) of the domain, whose points are inputs. All units of the nodes up to ``done`` and
    the first ``units`` of the next nonlinear one are on the pieces of the pattern.
    """
    dim, left = sides.shape[1] - 1, list(pattern)
    halfspaces = [list(map(Fraction, row)) for row in sides.tolist()]
    maps: dict[int, Table] = {0: exactly(np.eye(dim, dim + 1))}

    def keep(row: Table) -> None:
        if any(row):
            halfspaces.append([row[-1], *row[:-1]])

    for i, node in enumerate(network.nodes):
        if isinstance(node.op, Input) or any(j not in maps for j in node.inputs):
            continue
        if not node.is_nonlinear:
            maps[i] = affine_map(node.op, [maps[j] for j in node.inputs])
            continue
        (given,) = (maps[j] for j in node.inputs)
        if i > done and not units:
            continue
        count, result = (node.size if i <= done else units), []
        for unit in range(count):
            piece = left.pop(0)
            if isinstance(node.op, Max):
                group = given.reshape(node.size, -1, dim + 1)[unit]
                for k in range(len(group)):
                    keep(group[piece] - group[k])
                result.append(group[piece])
                continue
            assert isinstance(node.op, Piecewise)
            assert node.op.slopes.ndim == 1
            breaks, row = exactly(node.op.breakpoints), given[unit]
            for k in (piece - 1, piece):
                if 0 <= k < len(breaks):
                    above = row.copy()
                    above[-1] -= breaks[k]
                    keep(above if k < piece else -above)
            slope, constant = pieces(node.op)[piece]
            row = slope * row
            row[-1] += constant
            result.append(row)
        units = units if i <= done else 0
        if i <= done:
            maps[i] = np.array(result, dtype=object)
    assert not left
    return vertices_of(halfspaces), maps


def pieces(op: Piecewise) -> list[tuple[Fraction, Fraction]]:
    """Slope and constant of each piece."""
    breaks, slopes = exactly(op.breakpoints), exactly(op.slopes)
    result, value = [(slopes[0], Fraction(op.value) - slopes[0] * breaks[0])], Fraction(op.value)
    for k in range(1, len(slopes)):
        if k > 1:
            value += slopes[k - 1] * (breaks[k - 1] - breaks[k - 2])
        result.append((slopes[k], value - slopes[k] * breaks[k - 1]))
    return result


class Enclosed:
    """Functions (n) between two tables at corners (n, k), and between numbers."""

    def __init__(self, upper: Table, lower: Table, low: Table | None = None, high: Table | None = None) -> None:
        self.upper, self.lower = upper, lower
        self.low, self.high = lower.min(axis=1), upper.max(axis=1)
        if low is not None and high is not None:
            self.low, self.high = np.maximum(self.low, low), np.minimum(self.high, high)
        assert (self.lower <= self.upper).all()

    def linear(self, weight: Table, bias: Table) -> Enclosed:
        """(a) 2 and 5."""
        up, down = np.maximum(weight, Fraction(0)), np.minimum(weight, Fraction(0))
        return Enclosed(
            up.dot(self.upper) + down.dot(self.lower) + bias[:, None],
            up.dot(self.lower) + down.dot(self.upper) + bias[:, None],
            up.dot(self.low) + down.dot(self.high) + bias,
            up.dot(self.high) + down.dot(self.low) + bias,
        )

    def weighted(self, factor: Fraction) -> Enclosed:
        """All of them times a number."""
        ends = [(factor * b, factor * a) if factor < 0 else (factor * a, factor * b) for a, b in self._pairs()]
        return Enclosed(ends[0][1], ends[0][0], *ends[1])

    def plus(self, other: Enclosed) -> Enclosed:
        """Sums."""
        ends = [(a + c, b + d) for (a, b), (c, d) in zip(self._pairs(), other._pairs(), strict=True)]
        return Enclosed(ends[0][1], ends[0][0], *ends[1])

    def _pairs(self) -> list[tuple[Table, Table]]:
        return [(self.lower, self.upper), (self.low, self.high)]

    def rows(self, places: list[int]) -> Enclosed:
        """Some of them; -1 for zero."""
        zero = [table[:1] * 0 for table in (self.upper, self.lower, self.low, self.high)]
        tables = (self.upper, self.lower, self.low, self.high)
        return Enclosed(*(np.concatenate([table, last])[places] for table, last in zip(tables, zero, strict=True)))

    def convex(self, op: Piecewise) -> Enclosed:
        """(a) 3 from above, the best of lines (4) from below."""
        lines = pieces(op)
        slopes = [slope for slope, _ in lines]
        assert slopes == sorted(slopes), "only convex functions are bounded here"
        above = np.maximum.reduce([self.along(s, c)[0] for s, c in lines])
        below = np.empty_like(above)
        ends = [np.array([max(s * t + c for s, c in lines) for t in side]) for side in (self.low, self.high)]
        for j in range(len(above)):
            low, high = self.low[j], self.high[j]
            inner = [low, high, *(b for b in exactly(op.breakpoints) if low < b < high)]
            best = []
            for slope in {*slopes, *([(ends[1][j] - ends[0][j]) / (high - low)] if high > low else [])}:
                constant = min(max(s * t + c for s, c in lines) - slope * t for t in inner)
                best.append((slope * (low + high) / 2 + constant, slope, constant))
            _, slope, constant = max(best)
            below[j] = self.along(slope, constant)[1][j]
        values = [np.array([max(s * t + c for s, c in lines) for t in side]) for side in (self.low, self.high)]
        breaks = exactly(op.breakpoints)
        least = np.minimum(*values)
        for b in breaks:
            inside = (self.low < b) & (b < self.high)
            least = np.where(inside, np.minimum(least, max(s * b + c for s, c in lines)), least)
        return Enclosed(above, below, least, np.maximum(*values))

    def along(self, slope: Fraction, constant: Fraction) -> tuple[Table, Table]:
        """Tables of a line of the functions."""
        one, other = slope * self.upper + constant, slope * self.lower + constant
        return (one, other) if slope >= 0 else (other, one)

    def largest(self, groups: int) -> Enclosed:
        """(a) 3 and 4: from above the largest at each corner, from below one of them."""
        upper, lower = (table.reshape(groups, -1, table.shape[1]) for table in (self.upper, self.lower))
        low, high = (side.reshape(groups, -1) for side in (self.low, self.high))
        chosen = np.argmax(low + high, axis=1)
        return Enclosed(upper.max(axis=1), lower[np.arange(groups), chosen], low.max(axis=1), high.max(axis=1))


def bounds(
    network: Network, vertices: Table, maps: dict[int, Table], A: Table, c: Table
) -> tuple[list[Fraction], list[Fraction]]:
    """Lower and upper bounds on A y + c on a region, (K,) each."""
    ones = np.concatenate([vertices, np.full((len(vertices), 1), Fraction(1))], axis=1).T
    known = {i: Enclosed(table, table) for i, table in ((i, rows.dot(ones)) for i, rows in maps.items())}
    last = len(network.nodes) - 1
    weight, bias = exactly(A), exactly(c)
    final = network.nodes[last]
    if last not in known and isinstance(final.op, Dense):  # one matrix with that of the functions
        weight, bias = weight.dot(exactly(final.op.weight)), weight.dot(exactly(final.op.bias)) + bias
        last = final.inputs[0]
    for i, node in enumerate(network.nodes[: last + 1]):
        if i not in known:
            known[i] = _through(node, [known[j] for j in node.inputs])
    result = known[last].linear(weight, bias)
    return list(result.low), list(result.high)


def _through(node: Node, given: list[Enclosed]) -> Enclosed:
    x = given[0]
    match node.op:
        case Dense():
            return x.linear(exactly(node.op.weight), exactly(node.op.bias))
        case Sum():
            terms = [part.weighted(Fraction(a)) for a, part in zip(node.op.coefficients, given, strict=True)]
            return reduce(Enclosed.plus, terms)
        case Gather():
            return x.rows(node.op.index.ravel().tolist())
        case Piecewise():
            return x.convex(node.op)
        case Max():
            return x.largest(node.size)
    raise TypeError(type(node.op).__name__)
