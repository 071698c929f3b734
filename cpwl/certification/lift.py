"""Exact polygons proposed for the regions of a partition, from their patterns and neighbours (proofs/, Lemma 6).

Nothing here is trusted: a wrong proposal fails the criterion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from ..arrays.batches import batches
from ..backends.exact import ExactArithmetic, ExactField
from ..backends.exact.restrict import frame, restricted
from ..fields.arithmetic import Forward
from ..geometry.exact_lines import Line, Polygon, domain_lines, line, polygon_of
from ..network.network import Network, Node
from ..network.operators import Piecewise
from ..numbers.integers import rational
from ..numbers.norms import norms
from ..tiling.tiling import Tiling

_NEAR = 2.0**-24
"""An edge this near to a side of the domain, relative to the domain's size, is proposed to lie on it."""

_REPORT = 4096
"""Edges between two reports of progress."""


def lift(partition: Tiling, progress: Callable[[int, int], None]) -> list[Polygon | None]:
    """For each region a polygon with its sides on exact lines; None where they name none.

    ``progress`` is called with the numbers of edges whose lines are known, and of all edges.

    A facet between two regions lies on the line of the first unit, in the order of the network, whose piece differs on
    its two sides: that unit's argument is the same affine function on both (proofs/, Theorem 2).
    """
    edges = Edges.of(partition)
    sides: list[Line | None] = [None] * len(edges.region)
    for done, (edge, side) in enumerate(chain(_inner(partition, edges), _outer(partition, edges)), start=1):
        sides[edge] = side
        if done % _REPORT == 0:
            progress(done, len(sides))
    progress(len(sides), len(sides))
    return [polygon_of(sides[start:end]) for start, end in pairwise(partition.regions.offsets.tolist())]


@dataclass(frozen=True, eq=False)
class Edges:
    """The directed edges of all regions, region by region."""

    ends: NDArray[np.int64]
    """The vertices that each edge goes from and to, (E, 2)."""
    region: NDArray[np.int64]
    """The region on the left of each, (E,)."""
    opposite: NDArray[np.int64]
    """The edge in the other direction, (E,); -1 where there is none."""

    @classmethod
    def of(cls, partition: Tiling) -> Edges:
        """The edges of a partition."""
        regions = partition.regions
        ends = np.stack([regions.values, regions.values[regions.successor]], axis=1)
        vertices = len(partition.vertices)
        keys, wanted = ends @ np.array([vertices, 1]), ends @ np.array([1, vertices])
        order = np.argsort(keys, kind="stable")
        place = np.minimum(np.searchsorted(keys[order], wanted), len(order) - 1)
        return cls(ends, regions.row_of, np.where(keys[order[place]] == wanted, order[place], -1))


@dataclass(frozen=True, eq=False)
class _Crossings:
    """Pairs of opposite edges, and the unit that passes from one piece to another between their regions."""

    edges: NDArray[np.int64]
    """(n, 2)"""
    unit: NDArray[np.int64]
    """Number of the unit in the pattern, (n,)."""
    pieces: NDArray[np.int16]
    """Its pieces on the two sides, the smaller one first, (n, 2)."""
    prefixes: NDArray[np.int16]
    """The distinct patterns of all units of earlier nodes, (N, units before)."""
    prefix: NDArray[np.int64]
    """The row of ``prefixes`` that holds on the two sides, (n,), increasing."""


def _inner(partition: Tiling, edges: Edges) -> Iterator[tuple[int, Line]]:
    """The lines of the edges with a region on both sides."""
    on_slice, patterns = restricted(partition.network, partition.domain), partition.patterns()
    lower = np.flatnonzero(edges.opposite > np.arange(len(edges.opposite)))
    pairs = np.stack([lower, edges.opposite[lower]], axis=1)
    unit = _first_difference(patterns, edges.region[pairs])
    for index, columns in on_slice.unit_columns.items():
        chosen = (unit >= columns.start) & (unit < columns.stop)
        crossings = _crossings(patterns, edges.region, pairs[chosen], unit[chosen], columns.start)
        for arguments in _arguments(on_slice, index, crossings.prefixes):
            yield from _lines(on_slice.nodes[index], arguments, crossings, columns.start)


def _first_difference(patterns: NDArray[np.int16], regions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first unit whose piece differs between the two regions of each row, (n,); -1 where none does."""
    unit = np.full(len(regions), -1, np.int64)
    for rows in batches(len(regions), patterns.shape[1]):
        differs = patterns[regions[rows, 0]] != patterns[regions[rows, 1]]
        unit[rows] = np.where(differs.any(axis=1), differs.argmax(axis=1), -1)
    return unit


def _crossings(
    patterns: NDArray[np.int16],
    region: NDArray[np.int64],
    edges: NDArray[np.int64],
    unit: NDArray[np.int64],
    before: int,
) -> _Crossings:
    prefixes, prefix = _distinct(patterns[region[edges[:, 0]], :before])
    order = np.argsort(prefix, kind="stable")
    pieces = np.sort(patterns[region[edges], unit[:, None]], axis=1)
    return _Crossings(edges[order], unit[order], pieces[order], prefixes, prefix[order])


def _distinct(table: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """The distinct rows of a table, and for each row which of them it is."""
    if not table.size:
        return table[:1], np.zeros(len(table), np.int64)
    rows = np.ascontiguousarray(table).view(np.dtype((np.void, table.dtype.itemsize * table.shape[1])))
    _, first, inverse = np.unique(rows[:, 0], return_index=True, return_inverse=True)
    return table[first], inverse


@dataclass(frozen=True, eq=False)
class _Arguments:
    """The affine argument of one node on some prefixes: three rows each, the constant and the two slopes."""

    prefixes: slice
    field: ExactField


def _arguments(on_slice: Network, index: int, prefixes: NDArray[np.int16]) -> Iterator[_Arguments]:
    """The argument of a nonlinear node under given pieces of all units of earlier nodes, in batches."""
    for rows in batches(len(prefixes), 3 * max(node.size for node in on_slice.nodes)):
        yield _Arguments(rows, _argument(on_slice, index, prefixes[rows]))


def _argument(on_slice: Network, index: int, prefixes: NDArray[np.int16]) -> ExactField:
    columns, pieces = on_slice.unit_columns, np.repeat(prefixes.astype(np.int64), 3, axis=0)
    start = frame(2).take(np.tile(np.arange(3), len(prefixes)))
    stages = Forward(on_slice, ExactArithmetic(), start, lambda i: pieces[:, columns[i]])
    return next(stage.argument for stage in stages if stage.index == index)


def _lines(node: Node, arguments: _Arguments, crossings: _Crossings, before: int) -> Iterator[tuple[int, Line]]:
    """The lines of the crossings whose prefixes are in the batch, for both edges of each."""
    rows = arguments.prefixes
    first, last = np.searchsorted(crossings.prefix, [rows.start, rows.stop])
    for i in range(int(first), int(last)):
        row = 3 * (int(crossings.prefix[i]) - rows.start)
        side = _line(node, arguments.field, row, int(crossings.unit[i]) - before, crossings.pieces[i].tolist())
        yield from ((edge, side) for edge in crossings.edges[i].tolist())


def _line(node: Node, argument: ExactField, row: int, unit: int, pieces: list[int]) -> Line:
    """Where a unit passes from one piece to another: at a breakpoint, or where two arguments are equal."""
    values = argument.numerators[row : row + 3]
    if isinstance(node.op, Piecewise):
        p, q = rational(node.op.breakpoints[pieces[0]])
        c, a, b = values[:, unit] * q
        return line(a, b, c - p * argument.denominators[row])
    group = values.reshape(3, node.size, -1)[:, unit]
    c, a, b = group[:, pieces[0]] - group[:, pieces[1]]
    return line(a, b, c)


def _outer(partition: Tiling, edges: Edges) -> Iterator[tuple[int, Line]]:
    """For edges with a region on one side only: the side of the domain that they run along, if one is near."""
    polytope = partition.domain.polytope
    edge = np.flatnonzero(edges.opposite < 0)
    points = np.asarray(partition.vertices, np.float64)[edges.ends[edge]]
    start = polytope.vertices
    direction = np.roll(start, -1, axis=0) - start
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1) / norms(direction)[:, None]
    distance = np.abs(points @ normal.T - (start * normal).sum(axis=1)).max(axis=1)
    near = distance.min(axis=1) <= _NEAR * np.ptp(start, axis=0).max()
    sides, nearest = domain_lines(polytope), distance.argmin(axis=1)
    return ((int(edge[i]), sides[nearest[i]]) for i in np.flatnonzero(near))
