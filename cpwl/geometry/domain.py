"""Domains: a bounded convex polytope in slice coordinates u, embedded in the input space by x = origin + basis u.

Origin and basis, once rounded to float64, *are* the plane: every exact statement of the library is about that rational
plane, and lengths, areas and volumes are in its slice coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DomainError, ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import number, one_of, real, unrounded
from .axes import point_and_axes
from .polytope import Polytope
from .projection import Projection


@ieee
@dataclass(frozen=True, eq=False)
class Domain:
    """A polytope in slice coordinates and its affine embedding into the input space.

    ``origin`` (n,), ``basis`` (n, D) of full column rank; ``shape`` is the shape of one input, n entries in all.
    What a domain is made of is taken as it is: a Fraction, or an integer, that float64 does not hold is refused by all
    ways to make one but ``halfspaces``, which says what it rounds.
    """

    polytope: Polytope
    origin: NDArray[np.float64]
    basis: NDArray[np.float64]
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<Domain: dimension {self.dim}, volume {self.volume:.6g}, in inputs of shape {self.shape}>"

    @property
    def dim(self) -> int:
        """The dimension D of the slice."""
        return self.polytope.dim

    @property
    def volume(self) -> float:
        """The volume (area, when D = 2) in slice coordinates."""
        return self.polytope.volume

    @property
    def frames(self) -> NDArray[np.float64]:
        """Of each slice, here of one, the input at its origin, and along its axes: (1, D + 1, n)."""
        return np.concatenate([self.origin[None], self.basis.T])[None]

    @property
    def leading(self) -> int:
        """How many numbers of a pattern come before those of units: 1 where there are several slices, to say which."""
        return 0

    @classmethod
    def box(cls, lo: ArrayLike, hi: ArrayLike) -> Domain:
        """The box lo <= x <= hi of the input space itself; slice coordinates are the input's own, flattened.

        ``lo`` and ``hi`` have the shape of an input.
        """
        low, high = np.atleast_1d(unrounded("lo", lo)), np.atleast_1d(unrounded("hi", hi))
        _check_shapes([low, high], "lo and hi")
        polytope = Polytope.box(low.ravel(), high.ravel())
        return cls(polytope, np.zeros(polytope.dim), np.eye(polytope.dim), low.shape)

    @classmethod
    def slice(
        cls,
        lo: ArrayLike,
        hi: ArrayLike,
        *,
        axes: Sequence[int | str],
        fixed: Mapping[Any, float] | ArrayLike,
        names: Sequence[str] | None = None,
    ) -> Domain:
        """The box lo <= x <= hi of some inputs, the ``axes``, all others fixed; slice coordinates are those inputs.

        ``axes`` are numbers of inputs (of flattened ones), or their names, in the order of ``names``, which then lists
        all inputs. ``fixed`` gives the others: a number for each of them by number or name, or one input, an array in
        which the axes' own entries do not count. ``lo`` and ``hi`` are one number for each axis.
        """
        polytope = Polytope.box(lo, hi)
        centre, chosen = point_and_axes(axes, fixed, names)
        if len(chosen) != polytope.dim:
            raise ShapeError(f"lo and hi must be one number for each of the {len(chosen)} axes, got {polytope.dim}.")
        basis = np.zeros((centre.size, polytope.dim))
        basis[chosen, np.arange(polytope.dim)] = 1
        return cls(polytope, centre.ravel(), basis, centre.shape)

    @classmethod
    def segment(cls, p: ArrayLike, q: ArrayLike) -> Domain:
        """The segment from p to q, two points of the input space; u = 0 is p, and u = 1 is q.

        So lengths are shares of the segment. q is off by the rounding of q - p, if at all.
        """
        return cls._spanned([_point("p", p), _point("q", q)], "p and q")

    @classmethod
    def polyline(cls, points: ArrayLike) -> tuple[Domain, ...]:
        """The segments between neighbours of points (N, *shape) of the input space, N - 1 of them, in order.

        A polyline is no convex polytope: it is as many domains as it has segments, for ``cpwl.partition_many``. How
        long segment k is: ``norm(points[k + 1] - points[k])``.
        """
        given = unrounded("points", points)
        if given.ndim < 2 or len(given) < 2:
            raise ShapeError(f"points must have shape (N, ...) with N >= 2, got {given.shape}.")
        return tuple(cls._spanned([p, q], f"points {k} and {k + 1}") for k, (p, q) in enumerate(pairwise(given)))

    @classmethod
    def simplex(cls, *vertices: ArrayLike) -> Domain:
        """The simplex with D + 1 corners, points of the input space: a triangle of three, a tetrahedron of four.

        Slice coordinates are barycentric: u = 0 is the first corner, and the unit vectors are the others, in order, off
        by the rounding of their differences from the first, if at all. So the volume is 1 / D!.
        """
        if len(vertices) < 2:
            raise ShapeError(f"vertices must be two points or more, got {len(vertices)}.")
        points = [_point(f"vertex {k}", vertex) for k, vertex in enumerate(vertices)]
        return cls._spanned(points, "vertices")

    @classmethod
    def _spanned(cls, points: Sequence[NDArray[np.float64]], name: str) -> Domain:
        _check_shapes(points, name)
        flat = np.stack([point.ravel() for point in points])
        basis = _differences(flat, name)
        if not _independent(basis):
            dim = len(points) - 1
            what = "are equal: they span no segment" if dim == 1 else f"must span {dim} dimensions; these span fewer"
            raise DomainError(f"{name} {what}. Choose other points.")
        return cls(Polytope.simplex(len(points) - 1), flat[0], basis, points[0].shape)

    @classmethod
    def through(cls, *points: ArrayLike, margin: float = 0.5, fit: Literal["square", "rectangle"] = "square") -> Domain:
        """A cube around D + 1 points of the input space, in the slice that they span: a square, when they are three.

        The frame is orthonormal (first axis along p2 - p1), rounded to float64 once. The cube is the smallest of that
        frame, centred on the centroid, that holds the points, enlarged by the factor 1 + margin. With
        ``fit="rectangle"`` it is the smallest box of that frame, enlarged in all directions about its centre. Two
        points give a segment, measured from its middle.
        """
        if len(points) < 2:
            raise ShapeError(f"points must be two or more, each an argument, got {len(points)}.")
        given = [_point(f"p{k}", p) for k, p in enumerate(points, start=1)]
        names = _listed([f"p{k}" for k in range(1, len(points) + 1)])
        _check_shapes(given, names)
        if number("margin", margin) < 0:
            raise DomainError(f"margin must be a finite number >= 0, got {margin}.")
        flat = np.stack([p.ravel() for p in given])
        basis = _orthonormal_frame(flat, names)
        origin = flat.mean(axis=0)
        places = (flat - origin) @ basis
        if one_of("fit", fit, ("square", "rectangle")) == "square":
            half = np.full(basis.shape[1], (1 + margin) * float(np.abs(places).max()))
            return cls(Polytope.box(-half, half), origin, basis, given[0].shape)
        low, high = places.min(axis=0), places.max(axis=0)
        border = margin * (high - low) / 2
        return cls(Polytope.box(low - border, high + border), origin, basis, given[0].shape)

    @classmethod
    def hull(cls, vertices: ArrayLike, origin: ArrayLike | None = None, basis: ArrayLike | None = None) -> Domain:
        """The convex hull of points u (N, D) in the slice origin + basis u; without these of a D-dimensional space.

        ``origin`` has the input's shape, ``basis`` that shape with a last axis of length D added. Points that are no
        vertices of the hull are dropped. For D > 2 it needs pycddlib, ``cpwl[cdd]``.
        """
        return cls.of_polytope(Polytope.hull(vertices), origin, basis)

    @classmethod
    def halfspaces(
        cls, A: ArrayLike, c: ArrayLike, origin: ArrayLike | None = None, basis: ArrayLike | None = None
    ) -> Domain:
        """The polytope {u: A u + c >= 0}, A (M, D) and c (M,), in the slice origin + basis u, as for ``hull``.

        Numbers may be Fractions. Its vertices are found exactly, by pycddlib (``cpwl[cdd]``), and each is rounded to
        float64 once: the domain is the hull of the rounded ones. It is the intersection itself where they are float64
        numbers; else, when D > 2, a side with more than D vertices may become several.
        """
        return cls.of_polytope(Polytope.halfspaces(A, c), origin, basis)

    @classmethod
    def polygon(cls, vertices: ArrayLike, origin: ArrayLike | None = None, basis: ArrayLike | None = None) -> Domain:
        """A convex polygon (N, 2) in the slice origin + basis u; without origin and basis, of a 2-D input space.

        ``origin`` has the input's shape, ``basis`` that shape with a last axis of length 2 added.
        """
        return cls.of_polytope(Polytope.polygon(vertices), origin, basis)

    @classmethod
    def of_polytope(cls, polytope: Polytope, origin: ArrayLike | None, basis: ArrayLike | None) -> Domain:
        """A polytope in the slice origin + basis u, or (None) in its own space."""
        dim = polytope.dim
        if (origin is None) != (basis is None):
            raise DomainError("origin and basis must be given together, or neither of them.")
        if origin is None or basis is None:
            return cls(polytope, np.zeros(dim), np.eye(dim), (dim,))
        centre, frame = unrounded("origin", origin), unrounded("basis", basis)
        if frame.shape != (*centre.shape, dim):
            raise ShapeError(
                f"basis must have shape {(*centre.shape, dim)} (that of origin and a last axis of {dim}), got "
                f"{frame.shape}."
            )
        flat = frame.reshape(-1, dim)
        if _independent(flat):
            return cls(polytope, centre.ravel(), flat, centre.shape)
        words = ("two linearly independent columns", "a plane") if dim == 2 else (f"rank {dim}", "the polytope needs")
        raise DomainError(f"basis must have {words[0]}; these span less than {words[1]}.")

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raises ``DomainError`` unless the domain lies in an input space of that shape."""
        if self.shape != shape and not (len(self.shape) == 1 and self.shape[0] == prod(shape)):
            raise DomainError(
                f"dom has dimension {self.dim} and lies in an input space of shape {self.shape}, but the network takes "
                f"{prod(shape)} inputs, of shape {shape}. {_remedy(self.shape, shape)}"
            )

    def to_input(self, u: ArrayLike) -> NDArray[Any]:
        """Points of the input space (M, *shape) at slice coordinates u (M, D), or one point for u (D,).

        Exact (an array of Fractions) when ``u`` holds Fractions, otherwise float64.
        """
        points = _coordinates("u", u, self.dim)
        if points.dtype == object:
            x = points @ exactly(self.basis).T + exactly(self.origin)
        else:
            x = points @ self.basis.T + self.origin
        return np.asarray(x).reshape(*points.shape[:-1], *self.shape)

    def to_slice(self, x: ArrayLike) -> NDArray[np.float64]:
        """Slice coordinates (M, D) of the points of the plane nearest to x (M, *shape), or (D,) for one point.

        Each is within 2^-20 of itself (six digits) of the exact one, nearly always within some ulps, whatever the scale
        of the basis. Those of Fractions are rounded once.
        """
        points = real("x", x)
        if points.shape[points.ndim - len(self.shape) :] != self.shape:
            raise ShapeError(f"x must have shape {self.shape}, or (M, ...) of it, got {points.shape}.")
        batch = points.shape[: points.ndim - len(self.shape)]
        coordinates = Projection(self.origin, self.basis)(points.reshape(-1, len(self.origin)))
        return coordinates.reshape(*batch, self.dim)


def _remedy(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What to do about a domain in an input space of another shape."""
    count = prod(wanted)
    if shape == (1,) and count <= 3:
        return f"Domain.box takes one number for each input: Domain.box({[-3] * count}, {[3] * count})."
    return (
        "Take points of the network's input space: Domain.through(p1, p2, p3); or Domain.slice(lo, hi, axes=(0, 1), "
        "fixed=x), where two inputs vary around one input x."
    )


def exactly(values: NDArray[np.float64]) -> NDArray[Any]:
    """The same numbers as an object array of ``fractions.Fraction``."""
    flat = [Fraction(x) for x in values.ravel().tolist()]
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(values.shape)


def _coordinates(name: str, u: ArrayLike, dim: int) -> NDArray[Any]:
    points = real(name, u)
    if points.ndim not in (1, 2) or points.shape[-1] != dim:
        raise ShapeError(f"{name} must have shape (M, {dim}) or ({dim},), got {points.shape}.")
    return points


def _point(name: str, value: ArrayLike) -> NDArray[np.float64]:
    point = unrounded(name, value)
    if not point.ndim:
        raise ShapeError(f"{name} must be a point of the input space, an array, got the number {point}.")
    return point


def _differences(points: NDArray[np.float64], names: str) -> NDArray[np.float64]:
    """Of points (N, n) those from the first, as columns (n, N - 1)."""
    with np.errstate(over="ignore"):
        differences = (points[1:] - points[0]).T
    if not np.isfinite(differences).all():
        raise DomainError(f"{names} are so far apart that float64 overflows. Scale the network's inputs.")
    return np.asarray(differences, np.float64)


def _check_shapes(points: Sequence[NDArray[np.float64]], names: str) -> None:
    if len({point.shape for point in points}) > 1:
        raise ShapeError(f"{names} must have one shape, got {[point.shape for point in points]}.")


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _orthonormal_frame(points: NDArray[np.float64], names: str) -> NDArray[np.float64]:
    """The frame (n, D) of the slice through D + 1 points (D + 1, n) by Gram-Schmidt, orthogonal to rounding."""
    dim = len(points) - 1
    lie, span = {
        1: ("are one point", "no line"),
        2: ("lie on one line", "no plane"),
    }.get(dim, ("lie in a flat", f"less than {dim} dimensions"))
    coincide = " (or coincide)" if dim > 1 else ""
    if not _independent(_differences(points, names)):
        raise DomainError(f"{names} {lie}{coincide}: they span {span}. Choose other points.")
    points = points / np.abs(points).max()
    frame: list[NDArray[np.float64]] = []
    for edge in points[1:] - points[0]:
        axis = edge
        for other in frame:
            axis = axis - (axis @ other) * other
        # Entries of points are rounded numbers: a distance from the flat below the sum of those errors proves nothing.
        if frame and np.linalg.norm(axis) <= 4 * np.finfo(np.float64).eps * np.linalg.norm(points):
            raise DomainError(f"{names} {lie} up to rounding: they span {span}. Choose other points.")
        for other in frame:
            axis = axis - (axis @ other) * other
        frame.append(axis / np.linalg.norm(axis))
    return np.stack(frame, axis=1)


def _independent(columns: NDArray[np.float64]) -> bool:
    """Whether the columns (n, D) are linearly independent, decided exactly."""
    from ..numbers.integers import common_scale, independent_rows

    numerators, _ = common_scale(columns.T)
    return len(independent_rows(numerators.tolist(), columns.shape[1])) == int(columns.shape[1])
