"""Domains: a bounded convex polytope in slice coordinates u, embedded in the input space by x = origin + basis u.

Origin and basis, once rounded to float64, *are* the plane: every exact statement of the library is about that rational
plane, and lengths, areas and volumes are in its slice coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DomainError, ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, number, one_of, real
from .axes import point_and_axes
from .polytope import Polytope
from .projection import Projection


@ieee
@dataclass(frozen=True, eq=False)
class Domain:
    """A polytope in slice coordinates and its affine embedding into the input space.

    ``origin`` (n,), ``basis`` (n, D) of full column rank; ``shape`` is the shape of one input, n entries in all.
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
        """The box lo <= x <= hi of the input space itself; slice coordinates are the input's own."""
        polytope = Polytope.box(lo, hi)
        return cls(polytope, np.zeros(polytope.dim), np.eye(polytope.dim), (polytope.dim,))

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
    def through(
        cls,
        p1: ArrayLike,
        p2: ArrayLike,
        p3: ArrayLike,
        margin: float = 0.5,
        *,
        fit: Literal["square", "rectangle"] = "square",
    ) -> Domain:
        """A square of the plane through three points of the input space, centred on their centroid; or a rectangle.

        The frame is orthonormal (first axis along p2 - p1), rounded to float64 once. The square is the smallest of that
        frame, centred on the centroid, that holds the points, enlarged by the factor 1 + margin. With
        ``fit="rectangle"`` it is the smallest rectangle of that frame, enlarged in both directions about its centre.
        """
        points = [finite(name, p) for name, p in (("p1", p1), ("p2", p2), ("p3", p3))]
        if not points[0].shape == points[1].shape == points[2].shape:
            raise ShapeError(f"p1, p2 and p3 must have one shape, got {[p.shape for p in points]}.")
        if number("margin", margin) < 0:
            raise DomainError(f"margin must be a finite number >= 0, got {margin}.")
        flat = np.stack([p.ravel() for p in points])
        basis = _orthonormal_frame(flat)
        origin = flat.mean(axis=0)
        places = (flat - origin) @ basis
        if one_of("fit", fit, ("square", "rectangle")) == "square":
            half = (1 + margin) * float(np.abs(places).max())
            return cls(Polytope.box([-half, -half], [half, half]), origin, basis, points[0].shape)
        low, high = places.min(axis=0), places.max(axis=0)
        border = margin * (high - low) / 2
        return cls(Polytope.box(low - border, high + border), origin, basis, points[0].shape)

    @classmethod
    def polygon(cls, vertices: ArrayLike, origin: ArrayLike | None = None, basis: ArrayLike | None = None) -> Domain:
        """A convex polygon (N, 2) in the slice origin + basis u; without origin and basis, of a 2-D input space.

        ``origin`` has the input's shape, ``basis`` that shape with a last axis of length 2 added.
        """
        polytope = Polytope.polygon(vertices)
        if (origin is None) != (basis is None):
            raise DomainError("origin and basis must be given together, or neither of them.")
        if origin is None or basis is None:
            return cls(polytope, np.zeros(2), np.eye(2), (2,))
        centre, frame = finite("origin", origin), finite("basis", basis)
        if frame.shape != (*centre.shape, 2):
            raise ShapeError(
                f"basis must have shape {(*centre.shape, 2)} (that of origin and a last axis of 2), got {frame.shape}."
            )
        flat = frame.reshape(-1, 2)
        if _rank_two(flat):
            return cls(polytope, centre.ravel(), flat, centre.shape)
        raise DomainError("basis must have two linearly independent columns; these span less than a plane.")

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
        found = Projection(self.origin, self.basis)(points.reshape(-1, len(self.origin)))
        return found.reshape(*batch, self.dim)


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


def _orthonormal_frame(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The frame (n, 2) of the plane through three points (3, n) by Gram-Schmidt, orthogonal to rounding."""
    if not _rank_two((points[1:] - points[0]).T):
        raise DomainError("p1, p2 and p3 lie on one line (or coincide): they span no plane. Choose other points.")
    points = points / np.abs(points).max()
    edges = points[1:] - points[0]
    first = edges[0] / np.linalg.norm(edges[0])
    second = edges[1] - (edges[1] @ first) * first
    # Each entry of a point is a rounded number: a distance from the line below the sum of those errors proves nothing.
    if np.linalg.norm(second) <= 4 * np.finfo(np.float64).eps * np.linalg.norm(points):
        raise DomainError("p1, p2 and p3 lie on one line up to rounding: they span no plane. Choose other points.")
    second -= (second @ first) * first
    return np.stack([first, second / np.linalg.norm(second)], axis=1)


def _rank_two(columns: NDArray[np.float64]) -> bool:
    """Whether the two columns (n, 2) are linearly independent, decided exactly."""
    pairs = [(Fraction(a), Fraction(b)) for a, b in columns.tolist()]
    pivot = next(((a, b) for a, b in pairs if a or b), None)
    return pivot is not None and any(pivot[0] * b != pivot[1] * a for a, b in pairs)
