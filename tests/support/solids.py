"""Arrangements and partitions of every dimension: functions on boxes, their regions by independent means, and laws."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cpwl
from cpwl.arrays.ragged import Ragged
from cpwl.backends import Backend
from cpwl.geometry.arrangement import Arrangement, Refinement
from cpwl.geometry.polyhedra import dimension_of
from cpwl.geometry.polytope import Polytope
from cpwl.network import Dense, Max, Network, Node, Piecewise

Table = NDArray[np.float64]
Row = list[Fraction]

DIMENSIONS = (1, 3, 4)


def box(dim: int) -> Polytope:
    """From -1 to 1 in each coordinate."""
    return Polytope.box(-np.ones(dim), np.ones(dim))


def cut(backend: Backend, functions: Table, polytope: Polytope) -> Refinement[Any]:
    """A polytope cut where affine functions, rows [normal, offset], are zero; all at once."""
    return cut_further(backend, backend.arrangement(polytope), functions)


def cut_further(backend: Backend, arrangement: Arrangement[Any], functions: Table) -> Refinement[Any]:
    """An arrangement cut by functions of the coordinates."""
    table = np.asarray(functions, np.float64)
    values = backend.arithmetic.linear(
        Node(Dense(table[:, :-1], table[:, -1]), (0,), (len(table),)), [arrangement.coordinates()]
    )
    return arrangement.refine(values, Ragged.of([[0.0]] * len(table), np.float64))


def halfspaces(functions: Table, signs: NDArray[np.bool_], polytope: Polytope) -> list[Row]:
    """Rows [offset, normal] of the region on which functions are below (signs set) or above zero, for cddlib."""
    rows = [[Fraction(x) for x in row] for row in functions.tolist()]
    inside = [[-x for x in row] if low else row for row, low in zip(rows, signs.tolist(), strict=True)]
    return [[row[-1], *row[:-1]] for row in (*inside, *(list(side) for side in polytope.sides))]


def count_of_regions(functions: Table, polytope: Polytope) -> int:
    """How many regions functions in general position cut a polytope into: one for each flat that meets its interior.

    Source: T. Zaslavsky, A combinatorial analysis of topological dissections, Advances in Mathematics 25 (1977).
    """
    rows = [[Fraction(row[-1]), *map(Fraction, row[:-1])] for row in functions.tolist()]
    sides = [[side[-1], *side[:-1]] for side in polytope.sides]
    total = 0
    for size in range(polytope.dim + 1):
        for chosen in combinations(rows, size):
            flat = [row for one in chosen for row in (one, [-x for x in one])]
            total += dimension_of([*sides, *flat]) == polytope.dim - size
    return total


# ---- laws ----------------------------------------------------------------------------------------------------------
def check_lattice(part: cpwl.Partition | Arrangement[Any], dim: int) -> None:
    """Faces are those of a subdivided polytope: Euler's relation, diamonds, two regions a facet at most."""
    counts = [len(part.faces(k)) for k in range(dim + 1)]
    assert sum((-1) ** k * count for k, count in enumerate(counts)) == 1
    for k in range(1, dim + 1):
        lists = part.boundary(k)
        assert len(lists) == counts[k] and lists.counts.min() >= k + 1
        assert np.unique(lists.values).tolist() == list(range(counts[k - 1]))
        if k > 1:
            lower = part.boundary(k - 1).take(lists.values)
            pairs = np.stack([lists.row_of[lower.row_of], lower.values])
            assert (np.unique(pairs, axis=1, return_counts=True)[1] == 2).all()
    facets = part.facets()
    assert np.bincount(part.boundary(dim).values).max() <= 2
    assert (facets.regions[:, 0] >= 0).all()
    for k in range(dim + 1):  # faces lie in what they bound
        corners = part.faces(k)
        if k:
            below = part.faces(k - 1).take(part.boundary(k).values)
            held = part.boundary(k).row_of[below.row_of]
            width = counts[0]
            assert np.isin(held * width + below.values, corners.row_of * width + corners.values).all()


def check_neighbours(part: cpwl.Partition) -> None:
    """Two regions beside a facet differ in some unit; without maxima a region has on average fewer than 2 D neighbours.

    The second: A. Gaines and J. Bi, ICLR 2026, for piecewise-linear units of one argument.
    """
    sides = part.facets().regions
    inner = sides[sides[:, 1] >= 0]
    patterns = part.patterns()
    assert (patterns[inner[:, 0]] != patterns[inner[:, 1]]).any(axis=1).all()
    maxima = any(isinstance(node.op, Max) for node in part.network.nodes)
    assert maxima or 2 * len(inner) < 2 * part.domain.dim * len(part)
    assert len({row.tobytes() for row in patterns}) == len(part)


def check_affine(part: cpwl.Partition) -> None:
    """On each region the outputs at its vertices are those of its affine map, exactly or within the bounds."""
    weights, biases = part.affine_maps()
    slack, apart = part.map_errors()
    row, vertex = part.regions.row_of, part.regions.values
    places, outputs = part.vertices[vertex], part.outputs.to_numpy()[vertex]
    found = (weights[row] * places[:, None]).sum(axis=2) + biases[row]
    if part.arrangement.exact:
        assert (found == outputs).all()
        return
    sizes = np.abs(places).sum(axis=1)[:, None]
    bound = part.outputs.errors()[vertex][:, None] + slack[row].max(axis=2) * (1 + sizes) + apart[row]
    steep = np.abs(weights[row]).sum(axis=2)
    bound = bound + steep * part.vertex_errors()[vertex][:, None] + 2.0**-48 * (steep * sizes + np.abs(outputs))
    assert (np.abs(found - outputs) <= bound).all()


def check_volumes(part: cpwl.Partition) -> None:
    """Volumes add up to the domain's: exactly, or within their bounds."""
    volumes, whole = part.volumes(), part.domain.polytope.exact_volume
    if part.arrangement.exact:
        assert sum(volumes.tolist(), Fraction(0)) == whole and min(volumes.tolist()) > 0
        return
    total = sum(map(Fraction, volumes.tolist()), Fraction(0))
    assert abs(total - whole) <= sum(map(Fraction, part.volume_errors().tolist()), Fraction(0))


def check_everything(part: cpwl.Partition) -> None:
    """All laws of a complete partition."""
    check_lattice(part, part.domain.dim)
    check_neighbours(part)
    check_affine(part)
    check_volumes(part)


# ---- restriction ---------------------------------------------------------------------------------------------------
def restricted(domain: cpwl.Domain, axis: int, value: float) -> cpwl.Domain:
    """The slice u[axis] = value of a box in the input space; its coordinates are the others."""
    kept = [k for k in range(domain.dim) if k != axis]
    low, high = (f(domain.polytope.vertices, axis=0)[kept] for f in (np.min, np.max))
    basis = np.eye(domain.dim)[:, kept]
    return cpwl.Domain.hull(Polytope.box(low, high).vertices, value * np.eye(domain.dim)[axis], basis)


def patterns_across(part: cpwl.Partition, axis: int, value: float) -> set[bytes]:
    """The patterns of the regions of an exact partition that have points on both sides of u[axis] = value."""
    low, high = (part.regions.reduce(f, part.vertices[part.regions.values][:, axis]) for f in (np.minimum, np.maximum))
    across = np.flatnonzero((low < Fraction(value)) & (high > Fraction(value)))
    return {row.tobytes() for row in part.patterns(across)}


# ---- an independent count ------------------------------------------------------------------------------------------
def patterns_by_programs(network: Network, polytope: Polytope) -> set[tuple[int, ...]]:
    """The patterns of a chain of dense layers and activations whose sets have an interior, by exact linear programs."""
    dim = network.inputs
    start = [[Fraction(int(i == k)) for i in range(dim)] + [Fraction(0)] for k in range(dim)]
    sides = [[side[-1], *side[:-1]] for side in polytope.sides]
    return set(_branches(network, 1, start, sides, ()))


def _branches(
    network: Network, index: int, values: list[Row], rows: list[Row], pattern: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Patterns of what is left, where the nodes so far give these affine functions."""
    if index == len(network.nodes):
        yield pattern
        return
    node = network.nodes[index]
    if isinstance(node.op, Dense):
        table = [[Fraction(w) for w in weights] for weights in node.op.weight.tolist()]
        found = [[_combined(weights, column) for column in zip(*values, strict=True)] for weights in table]
        for row, bias in zip(found, node.op.bias.tolist(), strict=True):
            row[-1] += Fraction(bias)
        yield from _branches(network, index + 1, found, rows, pattern)
        return
    assert isinstance(node.op, Piecewise)
    yield from _unit_by_unit(network, index, values, [], rows, pattern)


def _combined(weights: Row, values: tuple[Fraction, ...]) -> Fraction:
    return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0))


def _unit_by_unit(
    network: Network, index: int, values: list[Row], done: list[Row], rows: list[Row], pattern: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    unit = len(done)
    if unit == len(values):
        yield from _branches(network, index + 1, done, rows, pattern)
        return
    op, function = network.nodes[index].op, values[unit]
    assert isinstance(op, Piecewise)
    breaks = [Fraction(b) for b in op.breakpoints.tolist()]
    for piece in range(len(breaks) + 1):
        if not any(function[:-1]):  # constant: at a breakpoint the piece to its right
            if piece != sum(b <= function[-1] for b in breaks):
                continue
            inside = rows
        else:
            inside = list(rows)
            if piece > 0:
                inside.append([function[-1] - breaks[piece - 1], *function[:-1]])
            if piece < len(breaks):
                inside.append([breaks[piece] - function[-1], *(-x for x in function[:-1])])
            if dimension_of(inside) < len(function) - 1:
                continue
        slope = Fraction(op.slopes[piece])
        offset = _value(op, piece)
        bent = [slope * x for x in function]
        bent[-1] += offset
        yield from _unit_by_unit(network, index, values, [*done, bent], inside, (*pattern, piece))


def _value(op: Piecewise, piece: int) -> Fraction:
    """The constant of a piece of a function that is continuous, and ``value`` at its first breakpoint."""
    breaks, slopes = ([Fraction(x) for x in values.tolist()] for values in (op.breakpoints, op.slopes))
    at = Fraction(op.value)
    for k in range(piece - 1):
        at += slopes[k + 1] * (breaks[k + 1] - breaks[k])
    place = breaks[max(piece - 1, 0)]
    return at - slopes[piece] * place
