"""The arrangement of a lattice: what is the same for every kind of numbers at the vertices."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from ...arrays.pickled import Uncached
from ...arrays.ragged import Ragged
from ...errors import ArgumentError, ShapeError
from ...geometry.arrangement import Arrangement, Change, Facets, FieldLike, Taken
from .dissolve import dissolve
from .lattice import Lattice

Field = TypeVar("Field", bound=FieldLike)


class LatticeArrangement(Uncached, Arrangement[Field]):
    """A polytope of any dimension cut into convex regions."""

    def __init__(
        self,
        points: Field,
        lattice: Lattice,
        parents: NDArray[np.int64],
        generation: int = 0,
        ambiguous: NDArray[np.bool_] | None = None,
    ) -> None:
        """``points``: the field of the coordinates."""
        self._points, self._lattice, self._parents, self._generation = points, lattice, parents, generation
        self._ambiguous = np.zeros(len(lattice), np.bool_) if ambiguous is None else ambiguous

    @abstractmethod
    def _rows(self, field: Field, rows: NDArray[np.int64]) -> Field:
        """Some rows of a field."""

    def _like(
        self,
        points: Field,
        lattice: Lattice,
        parents: NDArray[np.int64],
        generation: int,
        ambiguous: NDArray[np.bool_],
    ) -> Self:
        """An arrangement of the same kind."""
        return type(self)(points, lattice, parents, generation, ambiguous)

    # ---- the complex -----------------------------------------------------------------------------------------------
    @property
    def lattice(self) -> Lattice:
        """The faces."""
        return self._lattice

    @property
    def dim(self) -> int:
        """The dimension D."""
        return self._lattice.dim

    @property
    def vertices(self) -> NDArray[Any]:
        """Coordinates (V, D)."""
        return self._points.to_numpy()

    def __len__(self) -> int:
        return len(self._lattice)

    @cached_property
    def regions(self) -> Ragged:
        """The vertices of each region, increasing."""
        return self._lattice.corners(self.dim)

    @property
    def parents(self) -> NDArray[np.int64]:
        """For each region that of the arrangement before, int64 (R,)."""
        return self._parents

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        """Regions in whose making some decision was within its error bound, bool (R,)."""
        return self._ambiguous

    @property
    def generation(self) -> int:
        """How many calls of ``refine`` led here."""
        return self._generation

    @property
    def euler(self) -> int:
        """The alternating sum of the numbers of faces: no refinement changes it."""
        return self._lattice.euler

    @property
    def walls(self) -> int:
        """A number above those of all walls."""
        return self._lattice.walls

    def faces(self, k: int) -> Ragged:
        """The vertices of each k-face, increasing."""
        return self._lattice.corners(k)

    def boundary(self, k: int) -> Ragged:
        """The (k-1)-faces of each k-face, k >= 1."""
        return self._lattice.boundary[k - 1]

    def facets(self) -> Facets:
        """All facets; their vertices go around when D = 3, else they increase."""
        lattice = self._lattice
        vertices = lattice.cycles() if lattice.dim == 3 else lattice.corners(lattice.dim - 1)
        return Facets(vertices, lattice.sides, lattice.generation, lattice.wall)

    # ---- fields ----------------------------------------------------------------------------------------------------
    def coordinates(self) -> Field:
        """The field of the D slice coordinates."""
        return self._points

    def _checked(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of functions at the vertices."""
        table = np.asarray(values)
        if table.ndim != 2 or len(table) != self._points.rows:
            raise ShapeError(f"values must have shape ({self._points.rows}, K), one row a vertex, got {table.shape}.")
        return table

    def _check_refine(self, values: Field, levels: Ragged) -> None:
        if values.rows != self._points.rows:
            raise ShapeError(f"values must have one row for each of the {self._points.rows} vertices, got {values.rows}.")
        if len(levels) != values.columns:
            raise ShapeError(f"levels must have one row for each of the {values.columns} functions, got {len(levels)}.")

    # ---- change ----------------------------------------------------------------------------------------------------
    def take(self, regions: NDArray[np.int64]) -> Taken[Field]:
        """The given regions, in that order."""
        chosen = np.asarray(regions, np.int64)
        if len(np.unique(chosen)) < len(chosen):
            raise ArgumentError("regions must be distinct indices; one of them is given twice.")
        lattice, kept = self._lattice.take(chosen)
        part = self._like(self._rows(self._points, kept), lattice, chosen, self._generation, self._ambiguous[chosen])
        return Taken(
            part,
            lambda field: self._rows(field, kept),
            lambda field, vertices: self._rows(field, kept[vertices]),
            kept,
        )

    def dissolve(self, facets: NDArray[np.int64]) -> Change[Field]:
        """The arrangement without the given facets; see ``Arrangement.dissolve``."""
        chosen = np.asarray(facets, np.int64)
        if (self._lattice.sides[chosen] < 0).any():
            raise ArgumentError(
                "facets must have a region on both sides; one of those given lies on the domain's boundary."
            )
        found = dissolve(self._lattice, chosen)
        ambiguous = np.zeros(len(found.lattice), np.bool_)
        ambiguous[found.region_of_old[self._ambiguous]] = True
        points, kept = self._rows(self._points, found.vertices), found.vertices
        return Change(
            self._like(points, found.lattice, found.lowest, self._generation, ambiguous),
            lambda field: self._rows(field, kept),
            lambda field, vertices: self._rows(field, kept[vertices]),
        )
