"""A small exact model of networks on the plane, written from the statements in proofs/ alone: the tests' own oracle.

It shares no code with the library. A network is a list of layers (W, b, activation) on inputs u in R^2; an activation
is ``None``, a ``Scalar`` (for every unit alike), or an integer k: maxima of groups of k. An affine function of u is a
triple (p, q, r): p u_1 + q u_2 + r. Polygons are lists of points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

Point = tuple[Fraction, Fraction]
Polygon = list[Point]
Affine = tuple[Fraction, Fraction, Fraction]
Pattern = tuple[int, ...]


class Scalar(NamedTuple):
    """A continuous piecewise-linear function of one variable."""

    breakpoints: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]
    value: Fraction = Fraction(0)

    def piece(self, k: int) -> tuple[Fraction, Fraction]:
        """Slope and intercept of piece k (proofs/, Lemma 1)."""
        intercept = self.value - self.slopes[0] * self.breakpoints[0]
        for i in range(k):
            intercept += (self.slopes[i] - self.slopes[i + 1]) * self.breakpoints[i]
        return self.slopes[k], intercept

    def __call__(self, h: Fraction) -> Fraction:
        slope, intercept = self.piece(sum(b <= h for b in self.breakpoints))
        return slope * h + intercept


RELU = Scalar((Fraction(0),), (Fraction(0), Fraction(1)))


class Layer(NamedTuple):
    """x -> activation(W x + b)."""

    weight: Sequence[Sequence[Fraction]]
    bias: Sequence[Fraction]
    activation: Scalar | int | None = None


Net = list[Layer]


def at(f: Affine, u: Point) -> Fraction:
    """The value of an affine function at a point."""
    return f[0] * u[0] + f[1] * u[1] + f[2]


def minus(f: Affine, g: Affine) -> Affine:
    """The difference of two affine functions."""
    return (f[0] - g[0], f[1] - g[1], f[2] - g[2])


def evaluate(net: Net, x: Sequence[Fraction]) -> list[Fraction]:
    """The network's output at a point of its input space."""
    values = list(x)
    for weight, bias, activation in net:
        values = [sum((w * v for w, v in zip(row, values)), b) for row, b in zip(weight, bias)]
        if isinstance(activation, Scalar):
            values = [activation(v) for v in values]
        elif activation is not None:
            values = [max(values[i : i + activation]) for i in range(0, len(values), activation)]
    return values


def preactivations(layer: Layer, functions: list[Affine]) -> list[Affine]:
    """The affine functions W f + b."""
    return [
        (
            sum((w * f[0] for w, f in zip(row, functions)), Fraction(0)),
            sum((w * f[1] for w, f in zip(row, functions)), Fraction(0)),
            sum((w * f[2] for w, f in zip(row, functions)), b),
        )
        for row, b in zip(layer.weight, layer.bias)
    ]


IDENTITY: list[Affine] = [(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1), Fraction(0))]


def units(activation: Scalar | int | None, h: list[Affine]) -> list[list[Affine]]:
    """The arguments of each unit of a layer."""
    size = 1 if isinstance(activation, Scalar) else activation or 1
    return [h[i : i + size] for i in range(0, len(h), size)] if activation is not None else []


def fitting(activation: Scalar | int, arguments: list[Affine], polygon: Polygon) -> list[int]:
    """All pieces that a unit may be said to be on, in increasing order (proofs/, Theorem 2)."""
    values = [[at(f, u) for u in polygon] for f in arguments]
    if isinstance(activation, Scalar):
        ends = [None, *activation.breakpoints, None]
        return [k for k in range(len(ends) - 1) if all(_between(ends[k], v, ends[k + 1]) for v in values[0])]
    return [i for i, a in enumerate(values) if all(x >= y for b in values for x, y in zip(a, b))]


def _between(low: Fraction | None, value: Fraction, high: Fraction | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def on_piece(activation: Scalar | int, arguments: list[Affine], piece: int) -> Affine:
    """The output of a unit on a piece."""
    if not isinstance(activation, Scalar):
        return arguments[piece]
    slope, intercept = activation.piece(piece)
    p, q, r = arguments[0]
    return (slope * p, slope * q, slope * r + intercept)


def canonical(activation: Scalar | int, pieces: list[int]) -> int:
    """The canonical one of the fitting pieces: right of a breakpoint, least index of a maximum."""
    return max(pieces) if isinstance(activation, Scalar) else min(pieces)


def patterns(net: Net, polygon: Polygon, *, any_piece: bool = False) -> Iterator[tuple[Pattern, list[Affine]]]:
    """The canonical pattern (or every fitting one) of a polygon, with the outputs; nothing if it has none."""

    def walk(index: int, functions: list[Affine], pattern: Pattern) -> Iterator[tuple[Pattern, list[Affine]]]:
        if index == len(net):
            yield pattern, functions
            return
        activation = net[index].activation
        h = preactivations(net[index], functions)
        if activation is None:
            yield from walk(index + 1, h, pattern)
            return
        groups = units(activation, h)
        choices = [fitting(activation, group, polygon) for group in groups]
        if not any_piece:
            choices = [[canonical(activation, pieces)] if pieces else [] for pieces in choices]
        for chosen in product(*choices):
            outputs = [on_piece(activation, group, k) for group, k in zip(groups, chosen)]
            yield from walk(index + 1, outputs, pattern + chosen)

    yield from walk(0, IDENTITY, ())


def area(polygon: Polygon) -> Fraction:
    """The signed area (shoelace formula)."""
    pairs = zip(polygon, polygon[1:] + polygon[:1])
    return sum((p[0] * q[1] - p[1] * q[0] for p, q in pairs), Fraction(0)) / 2


def clip(polygon: Polygon, f: Affine) -> Polygon:
    """The part of a convex polygon where f >= 0; empty if it has no interior."""
    result: Polygon = []
    for p, q in zip(polygon, polygon[1:] + polygon[:1]):
        a, b = at(f, p), at(f, q)
        if a >= 0:
            result.append(p)
        if a * b < 0:
            t = a / (a - b)
            result.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return result if len(result) >= 3 and area(result) > 0 else []


def partition(net: Net, domain: Polygon) -> list[Polygon]:
    """The regions, by cutting with one unit after the other (proofs/, Lemma 3)."""
    cells: list[tuple[Polygon, list[Affine]]] = [(domain, IDENTITY)]
    for layer in net:
        next_cells = []
        for polygon, functions in cells:
            h = preactivations(layer, functions)
            if layer.activation is None:
                next_cells.append((polygon, h))
                continue
            parts: list[tuple[Polygon, list[Affine]]] = [(polygon, [])]
            for group in units(layer.activation, h):
                parts = [
                    (piece, [*outputs, on_piece(layer.activation, group, k)])
                    for part, outputs in parts
                    for k, piece in cut(layer.activation, group, part)
                ]
            next_cells.extend(parts)
        cells = next_cells
    return [polygon for polygon, _ in cells]


def cut(activation: Scalar | int, arguments: list[Affine], polygon: Polygon) -> Iterator[tuple[int, Polygon]]:
    """The parts of a polygon on which a unit is on one piece, with the canonical piece."""
    pieces = range(len(activation.slopes)) if isinstance(activation, Scalar) else range(len(arguments))
    for k in pieces:
        part = polygon
        for f in sides(activation, arguments, k):
            part = clip(part, f) if part else part
        if part and canonical(activation, fitting(activation, arguments, part)) == k:
            yield k, part


def sides(activation: Scalar | int, arguments: list[Affine], k: int) -> Iterator[Affine]:
    """The functions that are >= 0 where a unit is on piece k."""
    if not isinstance(activation, Scalar):
        yield from (minus(arguments[k], f) for f in arguments)
        return
    p, q, r = arguments[0]
    if k > 0:
        yield (p, q, r - activation.breakpoints[k - 1])
    if k < len(activation.breakpoints):
        yield (-p, -q, activation.breakpoints[k] - r)


def is_convex(polygon: Polygon, *, winding: bool = True) -> bool:
    """Whether a polygon turns strictly left at every vertex and, if asked, winds exactly once."""
    edges = [(q[0] - p[0], q[1] - p[1]) for p, q in zip(polygon, polygon[1:] + polygon[:1])]
    turns = [a[0] * b[1] - a[1] * b[0] for a, b in zip(edges, edges[1:] + edges[:1])]
    upper = [y > 0 or (y == 0 and x > 0) for x, y in edges]
    windings = sum(now and not before for before, now in zip(upper[-1:] + upper[:-1], upper))
    return len(polygon) >= 3 and min(turns) > 0 and (windings == 1 or not winding)


def is_partition(cells: list[Polygon], net: Net, domain: Polygon, *, winding: bool = True) -> bool:
    """The four rules of Theorem 2."""
    edges = list(zip(domain, domain[1:] + domain[:1]))
    inside = all(area([a, b, u]) >= 0 for cell in cells for u in cell for a, b in edges)
    if not inside or not all(is_convex(cell, winding=winding) for cell in cells):
        return False
    derived = [pattern for cell in cells for pattern, _ in patterns(net, cell)]
    distinct = len(derived) == len(cells) == len(set(derived))
    return distinct and sum((area(cell) for cell in cells), Fraction(0)) == area(domain)
