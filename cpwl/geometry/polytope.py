"""Bounded convex polytopes with float64 vertices, that is, with rational ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DomainError, ShapeError
from ..numbers.rounding import floats, nearest
from ..runtime.ieee import ieee
from ..runtime.inputs import real, unrounded
from .faces import MAX_FACES, Faces

MAX_BOX_DIMENSION = 16
"""A box is given by its 2^D corners; above this dimension a box of the input space is not low-dimensional."""

MAX_CORNERS = 256
"""Points, and halfspaces, of which the hull, or the intersection, is looked for."""


@ieee
@dataclass(frozen=True, eq=False)
class Polytope:
    """A convex polytope of dimension D with non-empty interior, the hull of its vertices, float64 (N, D).

    When D = 2 the vertices are in strictly convex position, counter-clockwise.
    """

    vertices: NDArray[np.float64]

    @property
    def dim(self) -> int:
        """The dimension D."""
        return int(self.vertices.shape[1])

    @cached_property
    def volume(self) -> float:
        """The volume (length, area, ...) in float64, rounded once (maybe infinite)."""
        return nearest(self.exact_volume)

    @cached_property
    def corners(self) -> list[tuple[Fraction, ...]]:
        """The vertices as rationals."""
        return [tuple(map(Fraction, vertex)) for vertex in self.vertices.tolist()]

    @cached_property
    def sides(self) -> list[tuple[Fraction, ...]]:
        """The halfspaces that bound it as rows (a, ..., c), a u + c >= 0 inside.

        Side i of a polygon starts at vertex i. Those of a box come in pairs, coordinate by coordinate, the lower first.
        """
        if self.dim == 2:
            ends = zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
            return [(p[1] - q[1], q[0] - p[0], _cross(p, q)) for p, q in ends]
        if self.is_box:
            return self._sides_of_box()
        return self._sides_of_simplex() if len(self.vertices) == self.dim + 1 else self._sides_of_hull()

    @cached_property
    def incidence(self) -> list[int]:
        """For each side the vertices on it, as the bits of an integer."""
        rows = [_at(side, p) for side in self.sides for p in self.corners]
        count = len(self.corners)
        return [
            sum(1 << v for v, value in enumerate(rows[start : start + count]) if value == 0)
            for start in range(0, len(rows), count)
        ]

    @cached_property
    def faces(self) -> Faces:
        """Its face lattice; side i is facet i. ``DomainError`` above ``MAX_FACES`` faces: a box has 3^D."""
        if self.is_box and 3**self.dim > MAX_FACES:
            raise DomainError(
                f"dom must have at most {MAX_FACES:,} faces of all dimensions, as its partition has them all; this box "
                f"of dimension {self.dim} has {3**self.dim:,}. Take a slice, such as Domain.through(p1, p2, p3)."
            )
        return Faces(len(self.vertices), self.incidence, self.dim)

    def contains(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point lies in the closed polytope."""
        return all(_at(side, point) >= 0 for side in self.sides)

    @cached_property
    def exact_volume(self) -> Fraction:
        """The volume as a rational."""
        points = self.corners
        if self.dim == 2:
            return sum((_cross(p, q) for p, q in zip(points, points[1:] + points[:1], strict=True)), Fraction(0)) / 2
        if self.is_box:
            return prod((max(axis) - min(axis) for axis in zip(*points, strict=True)), start=Fraction(1))
        from ..numbers.integers import determinant

        simplices = ([points[v] for v in simplex] for simplex in self.faces.simplices())
        whole = sum((abs(determinant(_edges(corners))) for corners in simplices), Fraction(0))
        return whole / factorial(self.dim)

    @property
    def is_box(self) -> bool:
        """Whether it is a product of intervals."""
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        at_ends = ((self.vertices == low) | (self.vertices == high)).all()
        return bool(at_ends) and len(self.vertices) == 2**self.dim

    def _sides_of_box(self) -> list[tuple[Fraction, ...]]:
        rows = []
        for axis, values in enumerate(zip(*self.corners, strict=True)):
            for sign, end in ((1, min(values)), (-1, max(values))):
                rows.append((*(Fraction(sign * (axis == k)) for k in range(self.dim)), -sign * end))
        return rows

    def _sides_of_simplex(self) -> list[tuple[Fraction, ...]]:
        """Side i is opposite to vertex i."""
        from ..numbers.integers import determinant

        points = [(*corner, Fraction(1)) for corner in self.corners]
        rows = []
        for i, point in enumerate(points):
            others = points[:i] + points[i + 1 :]
            minors = [determinant([(*p[:k], *p[k + 1 :]) for p in others]) for k in range(len(point))]
            row = [(-1) ** k * minor for k, minor in enumerate(minors)]
            sign = 1 if sum(a * x for a, x in zip(row, point, strict=True)) > 0 else -1
            rows.append(tuple(sign * a for a in row))
        return rows

    def _sides_of_hull(self) -> list[tuple[Fraction, ...]]:
        from .polyhedra import halfspaces_of

        return [(*row[1:], row[0]) for row in halfspaces_of(self.vertices).tolist()]

    @classmethod
    def box(cls, lo: ArrayLike, hi: ArrayLike) -> Polytope:
        """The box lo <= u <= hi; ``lo`` and ``hi`` have shape (D,) (scalars count as D = 1)."""
        low, high = np.atleast_1d(unrounded("lo", lo)), np.atleast_1d(unrounded("hi", hi))
        if low.ndim != 1 or low.shape != high.shape:
            raise ShapeError(
                f"lo and hi must be vectors of one length, got shapes {low.shape} and {high.shape}. "
                "Give one lower and one upper bound for each coordinate."
            )
        if not len(low):
            raise ShapeError("lo and hi must hold one number or more, got none. Give a bound for each coordinate.")
        if len(low) > MAX_BOX_DIMENSION:
            raise DomainError(
                f"lo and hi have {len(low)} coordinates; a box domain has at most {MAX_BOX_DIMENSION}. "
                "Take a 2-D slice instead, with Domain.through or Domain.polygon."
            )
        flat = np.flatnonzero(low >= high)
        if len(flat):
            i = int(flat[0])
            raise DomainError(f"lo must be below hi in every coordinate; coordinate {i} has lo {low[i]}, hi {high[i]}.")
        if len(low) == 2:
            return cls(np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]]))
        corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij"))
        return cls(corners.reshape(len(low), -1).T.copy())

    @classmethod
    def simplex(cls, dim: int) -> Polytope:
        """The simplex u >= 0, u_1 + ... + u_D <= 1."""
        return cls(np.concatenate([np.zeros((1, dim)), np.eye(dim)]))

    @classmethod
    def hull(cls, vertices: ArrayLike) -> Polytope:
        """The convex hull of points (N, D); those that are no vertices of it are dropped. All is decided exactly.

        When D > 2 by pycddlib. ``DomainError`` where it has no interior.
        """
        points = unrounded("vertices", vertices)
        if points.ndim != 2 or not 0 < points.shape[1] < len(points):
            raise ShapeError(f"vertices must have shape (N, D) with N > D, got {points.shape}.")
        _check_size("vertices", points)
        if points.shape[1] == 2:
            return cls.polygon(points[_around([(Fraction(x), Fraction(y)) for x, y in points.tolist()])])
        if points.shape[1] == 1:
            return cls.box(points.min(axis=0), points.max(axis=0))
        return cls(points[_extreme(points)])

    @classmethod
    def of_vertices(cls, vertices: NDArray[np.float64]) -> Polytope:
        """The polytope with these vertices (N, D), as ``hull``; of boxes of any dimension, and simplices, at once."""
        polytope = cls(vertices)
        count, dim = vertices.shape
        if 0 < dim <= MAX_BOX_DIMENSION and count == 2**dim:
            low, high = vertices.min(axis=0), vertices.max(axis=0)
            if (low < high).all() and np.array_equal(cls.box(low, high).vertices, vertices):
                return polytope
        if count == dim + 1 and _independent_edges(vertices):
            return polytope
        return cls.hull(vertices)

    @classmethod
    def halfspaces(cls, A: ArrayLike, c: ArrayLike) -> Polytope:
        """The hull of the vertices, each rounded to float64, of {u: A u + c >= 0}, A (M, D) and c (M,).

        Vertices are found exactly, by pycddlib. ``DomainError`` where the intersection is empty, unbounded or flat.
        """
        normals, offsets = real("A", A), real("c", c)
        if normals.ndim != 2 or offsets.shape != normals.shape[:1] or 0 in normals.shape:
            raise ShapeError(f"A and c must have shapes (M, D) and (M,), got {normals.shape} and {offsets.shape}.")
        _check_size("A", normals)
        from .polyhedra import vertices_of

        try:
            exact = vertices_of(np.concatenate([offsets[:, None], normals], axis=1))
        except ArgumentError as error:
            raise DomainError(f"A and c: {error}") from None
        if len(exact) <= normals.shape[1]:
            what = "is empty" if not len(exact) else "lies in a hyperplane"
            raise DomainError(
                f"A and c must be halfspaces A u + c >= 0 that bound a polytope; their intersection {what}."
            )
        return cls.hull(floats(exact))

    @classmethod
    def polygon(cls, vertices: ArrayLike) -> Polytope:
        """The convex polygon with the given corners (N, 2), listed along its boundary in either direction.

        Corners at which the boundary does not turn are dropped. Convexity is decided exactly.
        """
        corners = unrounded("vertices", vertices)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ShapeError(f"vertices must have shape (N, 2) with N >= 3, got {corners.shape}.")
        points = [[Fraction(x) for x in corner] for corner in corners.tolist()]
        kept = _turning(points)
        if len(kept) < 3:
            raise DomainError("vertices span no area: all of them lie on one line. Give a polygon with an interior.")
        turns = [_turn(points, *triple) for triple in _triples(kept)]
        if turns[0] < 0:
            kept = kept[::-1]
            turns = [-turn for turn in turns]
        cycle = [points[i] for i in kept]
        steps = ((q[0] - p[0], q[1] - p[1]) for p, q in zip(cycle, cycle[1:] + cycle[:1], strict=True))
        if min(turns) < 0 or not winds_once(steps):
            raise DomainError(
                "vertices must go once around a convex polygon, in order; "
                "the boundary given turns both ways or crosses itself."
            )
        return cls(corners[kept])


def _check_size(name: str, rows: NDArray[Any]) -> None:
    count, dim = rows.shape
    if count > MAX_CORNERS or dim > MAX_BOX_DIMENSION:
        raise DomainError(
            f"{name} must have at most {MAX_CORNERS:,} rows of at most {MAX_BOX_DIMENSION} numbers, got {rows.shape}. "
            "Take a smaller polytope, or a slice of lower dimension."
        )


def _independent_edges(vertices: NDArray[np.float64]) -> bool:
    """Whether points span a simplex, decided exactly."""
    from ..numbers.integers import determinant

    points = [tuple(map(Fraction, row)) for row in vertices.tolist()]
    return determinant(_edges(points)) != 0


def _around(points: list[tuple[Fraction, Fraction]]) -> list[int]:
    """The vertices of the hull of points of a plane, in order: by Andrew's monotone chain, 1979."""
    order = sorted(range(len(points)), key=points.__getitem__)
    hull: list[int] = []
    for way in (order, order[::-1]):
        chain: list[int] = []
        for i in way:
            while len(chain) > 1 and _turn(points, chain[-2], chain[-1], i) <= 0:
                chain.pop()
            chain.append(i)
        hull += chain[:-1]
    return hull if len(hull) > 2 else order


def _extreme(points: NDArray[np.float64]) -> list[int]:
    """Which points are vertices of the hull of all, each once: no other one lies on all the sides that it lies on."""
    from .polyhedra import halfspaces_of

    try:
        sides = [(*row[1:], row[0]) for row in halfspaces_of(points).tolist()]
    except ArgumentError:
        raise DomainError(
            "vertices must span a polytope with an interior; these lie in a hyperplane. Give points off it."
        ) from None
    on: dict[tuple[Fraction, ...], int] = {}
    first: dict[tuple[Fraction, ...], int] = {}
    for i, row in enumerate(points.tolist()):
        point = tuple(map(Fraction, row))
        if point not in on:
            first[point] = i
            on[point] = sum(1 << s for s, side in enumerate(sides) if _at(side, point) == 0)
    return [first[p] for p, mask in on.items() if sum(mask & other == mask for other in on.values()) == 1]


def _cross(p: Sequence[Fraction], q: Sequence[Fraction]) -> Fraction:
    return p[0] * q[1] - p[1] * q[0]


def _at(side: Sequence[Fraction], point: Sequence[Fraction]) -> Fraction:
    """The value of a side's function at a point."""
    return sum((a * x for a, x in zip(side, point, strict=False)), side[-1])


def _edges(points: Sequence[tuple[Fraction, ...]]) -> list[list[Fraction]]:
    """The vectors from the first of some points to the others."""
    return [[a - b for a, b in zip(point, points[0], strict=True)] for point in points[1:]]


def _turn(points: Sequence[Sequence[Fraction]], i: int, j: int, k: int) -> int:
    a, b, c = points[i], points[j], points[k]
    value = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    return (value > 0) - (value < 0)


def _triples(cycle: list[int]) -> Any:
    return zip(cycle[-1:] + cycle[:-1], cycle, cycle[1:] + cycle[:1], strict=True)


def _turning(points: list[list[Fraction]]) -> list[int]:
    """The corners of a closed polyline that are neither repeated nor on the line through their neighbours."""
    cycle = list(range(len(points)))
    while len(cycle) >= 3:
        kept = [j for i, j, k in _triples(cycle) if _turn(points, i, j, k) != 0]
        if len(kept) == len(cycle):
            return cycle
        cycle = _without_one_flat_corner(points, cycle)
    return cycle


def _without_one_flat_corner(points: list[list[Fraction]], cycle: list[int]) -> list[int]:
    flat = next(j for i, j, k in _triples(cycle) if _turn(points, i, j, k) == 0)
    return [j for j in cycle if j != flat]


def winds_once(steps: Iterable[tuple[Any, Any]]) -> bool:
    """Whether the sides (dx, dy) of a polygon that only turns left go around once: enter the upper half plane once.

    Of dx and dy only the signs matter.
    """
    upper = [dy > 0 or (dy == 0 and dx > 0) for dx, dy in steps]
    return bool(sum(now and not before for before, now in zip(upper[-1:] + upper[:-1], upper, strict=True)) == 1)
