"""The geometric object under a partition: a polytope cut into convex regions, and how to cut it further.

An arrangement knows nothing of networks. A *field* is a continuous function on the polytope that is affine on every
region; it is given by its values at the vertices, one row a vertex, so that neighbouring regions cannot disagree about
a sign. Each backend has its own type of field (a tensor with a running error bound, exact rationals); everything that
describes the complex itself (regions, facets, patterns) is a numpy array for every backend.

Axes: R regions, V vertices, F facets, K functions, C columns (function, level), D dimensions, M points.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arrays.bits import BitMatrix
from ..arrays.ragged import Ragged
from .ladder import Functions
from .polytope import Polytope


class FieldLike(Protocol):
    """What every backend's field offers: K functions by their values at V vertices."""

    @property
    def rows(self) -> int:
        """The number of vertices V."""
        ...

    @property
    def columns(self) -> int:
        """The number of functions K."""
        ...

    def signs(self) -> NDArray[np.int8]:
        """Signs in {-1, 0, 1}, int8 (V, K). Never wrong when -1 or 1; 0 is zero or, for a float field, undecided."""
        ...

    def limits(self) -> NDArray[np.float64]:
        """For each entry a bound on its distance from the exact value, (V, K); 0 for an exact field."""
        ...

    def errors(self) -> NDArray[np.float64]:
        """For each row a bound on the 2-norm of its distance from the exact values, (V,); 0 for an exact field."""
        ...

    def to_numpy(self) -> NDArray[Any]:
        """The values (V, K): float64, or ``fractions.Fraction`` objects for an exact field."""
        ...


Field = TypeVar("Field", bound=FieldLike)

Form: TypeAlias = tuple[Any, ...]
"""D + 1 integers (a, ..., c) of any length: the affine function a u + c of the D slice coordinates u, up to a positive
factor."""


class ExactWalls(Protocol):
    """The functions that vanish on walls."""

    def __call__(self, region: NDArray[np.int64], wall: NDArray[np.int64], parts: int, /) -> Any:
        """Those of walls on facets of regions, of either sign, in numbers of so many parts (2 to 8, or 1, or
        ``INTEGERS``): ``Balls`` or ``Exact`` (n, D + 1)."""
        ...

    def nearest(self, dim: int) -> float:
        """A point where so many walls meet that is nearer to the origin than this is the origin; 0.0 if not known."""
        ...

    def central(self, walls: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a wall's function is known by name to be zero at the origin, bool, of the shape of ``walls``."""
        ...


@dataclass(frozen=True, eq=False)
class Facets:
    """All facets (edges, when D = 2) of an arrangement, whose vertices are listed when they are asked for."""

    regions: NDArray[np.int64]
    """The regions on the two sides, int64 (F, 2); -1 outside the domain, and then always in the second column."""
    generation: NDArray[np.int64]
    """How many calls of ``refine`` came before the facet, int64 (F,): 0 for the domain's own facets."""
    walls: NDArray[np.int64] | None
    """The number of the wall that each facet lies on, int64 (F,), if the arrangement numbers its walls."""
    list_corners: Callable[[NDArray[np.int64] | None], Ragged] = field(repr=False)
    """From numbers of facets, or None for all, to their vertices."""

    @classmethod
    def listed(
        cls,
        vertices: Ragged,
        regions: NDArray[np.int64],
        generation: NDArray[np.int64],
        walls: NDArray[np.int64] | None = None,
    ) -> Facets:
        """Facets of which a list of all vertices is at hand."""
        return cls(regions, generation, walls, partial(_of_list, vertices))

    @cached_property
    def vertices(self) -> Ragged:
        """Vertex indices of each facet, F rows; for D = 2 the two ends, with ``regions[:, 0]`` on their left."""
        return self.list_corners(None)

    def corners(self, some: NDArray[np.int64]) -> Ragged:
        """The vertices of some facets."""
        return self.list_corners(some)


def _of_list(vertices: Ragged, some: NDArray[np.int64] | None) -> Ragged:
    return vertices if some is None else vertices.take(some)


@dataclass(frozen=True, eq=False)
class Created:
    """How the vertices that one call of ``refine`` added were made: on a segment, where a column is at its level."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    column: NDArray[np.int64]
    """int64 (N,) each: new vertex i has index V + i, lies between the vertices ``first[i]`` and ``second[i]`` (older,
    or new with a smaller index), and there the function of column ``column[i]`` is at its level."""


@dataclass(frozen=True, eq=False)
class NewWalls:
    """The walls that a call of ``refine`` added: on wall ``start`` + i, column[i] is at its level in region[i]."""

    start: int
    """Numbers from here on are new (a number may have been in use before, for a wall that is no more)."""
    region: NDArray[np.int64]
    """Of the arrangement before, int64 (n,)."""
    column: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Change(Generic[Field]):
    """An arrangement made from another, and how to carry fields over."""

    arrangement: Arrangement[Field]
    carry: Callable[[Field], Field]
    """Maps a field on the old arrangement to the same function on the new one."""
    carry_to: Callable[[Field, NDArray[np.int64]], Field]
    """The same at some vertices of the new arrangement alone, given by their numbers, each once; its rows are theirs.
    What the others would take is neither computed nor held."""


@dataclass(frozen=True, eq=False)
class Taken(Change[Field]):
    """The answer of ``Arrangement.take``."""

    vertices: NDArray[np.int64]
    """For each vertex its number in the arrangement before, int64 (V,)."""


@dataclass(frozen=True, eq=False)
class Refinement(Change[Field]):
    """The answer of ``Arrangement.refine``."""

    below: BitMatrix
    """Bit (r, c): on new region r the function of column c is below its level. A function that is identically at the
    level is not below it: the canonical choice of proofs/ (tiling criterion)."""
    created: Created
    cutting: Callable[[NDArray[np.int64] | None], Field]
    """``values`` at some vertices, as ``carry_to``, or (None) at all."""
    walls: NewWalls | None = None
    """The walls that were added, if the arrangement numbers its walls."""
    settled: int = 0
    """How many decisions float64 left open and exact arithmetic made."""
    recut: int = 0
    """How many regions before were cut again by exact decisions alone, because a self-check had failed."""

    @cached_property
    def values(self) -> Field:
        """The functions themselves on the new arrangement: ``carry(values)``, with new vertices exactly at their level.

        Computed when first asked for.
        """
        return self.cutting(None)


@dataclass(frozen=True, eq=False)
class Joined(Generic[Field]):
    """The answer of ``Arrangement.joined``."""

    arrangement: Arrangement[Field]
    carry: Callable[[Sequence[Field]], Field]
    """From one field on each block to one on all: the same function. At shared vertices the first block's is taken."""
    order: NDArray[np.int64]
    """For each region its number among those of the blocks, one block after the other."""


class Arrangement(ABC, Generic[Field]):
    """A convex polytope cut into convex regions by the level sets of functions affine on each region. Immutable."""

    exact: ClassVar[bool]
    """Whether coordinates and decisions are exact rationals; otherwise float64 with error bounds."""

    @classmethod
    @abstractmethod
    def of(cls, polytope: Polytope, *, device: str | None = None) -> Arrangement[Field]:
        """The arrangement with one region, the polytope itself."""

    # ---- the complex -----------------------------------------------------------------------------------------------
    @property
    @abstractmethod
    def dim(self) -> int:
        """The dimension D."""

    @property
    @abstractmethod
    def vertices(self) -> NDArray[Any]:
        """Coordinates (V, D) of the vertices: float64, or ``fractions.Fraction`` objects when exact."""

    @property
    @abstractmethod
    def regions(self) -> Ragged:
        """The extreme vertices of each region (R rows); counter-clockwise when D = 2."""

    @property
    @abstractmethod
    def parents(self) -> NDArray[np.int64]:
        """For each region the region of the arrangement that this one was made from, int64 (R,)."""

    @property
    @abstractmethod
    def ambiguous(self) -> NDArray[np.bool_]:
        """Regions in whose making some decision was within its error bound, bool (R,); never set when exact."""

    @property
    @abstractmethod
    def generation(self) -> int:
        """How many calls of ``refine`` led to this arrangement."""

    @abstractmethod
    def facets(self) -> Facets:
        """All facets, those on the domain's boundary included."""

    def faces(self, k: int) -> Ragged:
        """The vertices of each k-face, k = 0 .. D: of each vertex itself, ..., facet, region."""
        if k == 0:
            return Ragged(np.arange(len(self.vertices)), np.arange(len(self.vertices) + 1))
        return self.facets().vertices if k == 1 else self.regions

    def boundary(self, k: int) -> Ragged:
        """The (k-1)-faces of each k-face, k = 1 .. D."""
        facets = self.facets()
        if k == 1:
            return facets.vertices
        facet, side = np.nonzero(facets.regions >= 0)
        region = facets.regions[facet, side]
        order = np.argsort(region, kind="stable")
        return Ragged.from_counts(facet[order], np.bincount(region, minlength=len(self)))

    def simplices(self, k: int, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Simplices that triangulate some k-faces: the place of the face, int64 (n,), and k + 1 vertices (n, k + 1).

        Each face is cut in a way that depends on it alone: faces that share one agree on it.
        """
        corners = self.faces(k).take(faces)
        first, inner = corners.values[corners.offsets[:-1]], np.ones(len(corners.values), np.bool_)
        inner[corners.offsets[1:] - 1] = False
        if k < 2:
            return np.arange(len(faces)), corners.values.reshape(-1, k + 1)
        inner[corners.offsets[:-1]] = False
        at = np.flatnonzero(inner)
        row = corners.row_of[at]
        return row, np.stack([first[row], corners.values[at], corners.values[at + 1]], axis=1)

    @abstractmethod
    def volumes(self) -> NDArray[Any]:
        """Volumes (R,) (areas, when D = 2): float64, or Fractions when exact. They add up to the domain's."""

    @abstractmethod
    def volume_errors(self) -> NDArray[np.float64]:
        """Bounds on the distances of ``volumes`` from those of the exact regions, (R,); 0 when exact."""

    @abstractmethod
    def sharp_volumes(
        self, regions: NDArray[np.int64], walls: ExactWalls, accuracy: float
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Volumes of some regions from their exact walls, each up to ``accuracy`` times itself; and their bounds."""

    @abstractmethod
    def locate(self, points: NDArray[Any], walls: ExactWalls | None = None) -> NDArray[np.int64]:
        """For each of M points (M, D) the lowest index of a region that contains it, -1 outside; int64 (M,).

        Of the exact regions, if their ``walls`` are given (or coordinates exact); else of those that the coordinates
        make.
        """

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def held(self) -> int:
        """Numbers that are held for a vertex while regions are cut, beside its rows; 0 where these are by far more."""
        return 0

    def middles(self) -> NDArray[np.float64]:
        """A point of each region, (R, D), by which neighbours are found."""
        regions, vertices = self.regions, self.vertices.astype(np.float64)
        return np.asarray(regions.reduce(np.add, vertices[regions.values]) / regions.counts[:, None])

    # ---- coordinates -----------------------------------------------------------------------------------------------
    @abstractmethod
    def sharpened(self, walls: ExactWalls, accuracy: float, margin: float = 1.0) -> Arrangement[Field]:
        """The same with vertices computed from exact walls that may be farther from theirs than ``accuracy`` allows.

        That is relative to the vertex's distance from the origin. With ``accuracy`` 0 all are computed. A coordinate
        that is computed is then off by at most 0.501 ulps and 2^-63 of the largest coordinate, if not by ``margin`` of
        what was allowed: less than 1 where others will be made from these.
        """

    @property
    @abstractmethod
    def is_sharp(self) -> bool:
        """Whether all vertices were computed so with ``accuracy`` 0, or are exact; not if some were made since."""

    # ---- fields ----------------------------------------------------------------------------------------------------
    @abstractmethod
    def coordinates(self) -> Field:
        """The field of the D slice coordinates."""

    @abstractmethod
    def field(self, values: NDArray[Any]) -> Field:
        """The field with the given exact values (V, K) at the vertices (float64, or Fractions when exact)."""

    # ---- change ----------------------------------------------------------------------------------------------------
    @abstractmethod
    def refine(self, values: Field, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[Field]:
        """The arrangement cut by every level set {f_k = level} of K functions, given at the vertices.

        ``levels`` has K rows, the (distinct, increasing) float64 levels of each function. Columns (function, level)
        are numbered in the order of ``levels.values``. A column cuts a region only if it is strictly below its level
        at one vertex and strictly above at another. The answer is a valid tiling. That the functions are affine on
        every region is the caller's to see to: an exact backend may refuse others, a float one reports ambiguity.
        ``exactly``, when given, is asked where float64 leaves a decision open: then every decision is exact, and
        nothing is ambiguous (proofs/, Lemma 8). An exact backend does not need it.
        """

    @abstractmethod
    def dissolve(self, facets: NDArray[np.int64]) -> Change[Field]:
        """The arrangement without the given facets (indices into ``facets()``): regions on their two sides joined.

        The caller guarantees that the joined regions are convex. ``parents`` of the result holds for each new region
        the lowest index of the old ones that it joins.
        """

    @abstractmethod
    def take(self, regions: NDArray[np.int64]) -> Taken[Field]:
        """The part of the arrangement that consists of the given regions, in that order."""

    # ---- blocks ----------------------------------------------------------------------------------------------------
    @abstractmethod
    def block(self, regions: NDArray[np.int64], key: int) -> Taken[Field]:
        """The given regions, as ``take``, to be changed apart from the rest and put back by ``joined``.

        ``key`` is the same for all blocks that are to be joined, and different from that of all others. The functions
        by which two blocks are refined must be equal on their common border, and all decisions exact.
        """

    def put_by(self) -> Arrangement[Field]:
        """The same for nothing but ``joined``, perhaps in less memory."""
        return self

    @abstractmethod
    def joined(
        self,
        parts: Sequence[Arrangement[Field]],
        first_walls: Sequence[int],
        parents: NDArray[np.int64],
        *,
        whole: bool = True,
    ) -> Joined[Field]:
        """The arrangement of all regions of ``parts``: blocks of this one that were refined the same number of times.

        ``parents`` holds, for the regions of all parts one after the other, the region of this arrangement that each
        lies in; the answer's regions are sorted by it. ``first_walls[i]`` is ``walls`` of part i when it was made: its
        walls from there on are new, and numbered here from this arrangement's ``walls`` on, part by part. That the
        parts cover this arrangement is checked, unless they are not to be the ``whole`` of it.
        """

    @property
    @abstractmethod
    def walls(self) -> int:
        """A number above those of all walls, 0 if the arrangement does not number its walls."""
