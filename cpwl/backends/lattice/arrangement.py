"""The arrangement of a lattice: what is the same for every kind of numbers at the vertices."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import factorial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...arrays.pickled import Uncached
from ...arrays.ragged import Ragged
from ...errors import ArgumentError, BordersDifferError, ShapeError
from ...geometry.arrangement import Arrangement, Change, ExactWalls, Facets, FieldLike, Joined, Taken
from ...geometry.boxes import Boxes
from ...numbers.integers import Integers, homogeneous, ratio_sum
from ...numbers.norms import norms
from ...numbers.rounding import floats, rounded
from .cut import Outcome
from .dissolve import dissolve
from .glue import ArrayLaying, Glue, Laying
from .inside import Pairs, exact_regions_hold, stored_regions_hold
from .lattice import Lattice
from .measure import ExactPoints, NearPoints, exact_volumes
from .names import Names, mixed, named, prolonged

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
        sharp: NDArray[np.bool_] | None = None,
        names: Names | None = None,
    ) -> None:
        """``points``: the field of the coordinates; ``sharp``: vertices that were computed from exact walls.

        ``names``: of a block, what its border's vertices are called in all blocks that have them.
        """
        self._points, self._lattice, self._parents, self._generation = points, lattice, parents, generation
        self._ambiguous = np.zeros(len(lattice), np.bool_) if ambiguous is None else ambiguous
        self._sharp = np.zeros(lattice.vertices, np.bool_) if sharp is None else sharp
        self._names = names

    @abstractmethod
    def _rows(self, field: Field, rows: NDArray[np.int64]) -> Field:
        """Some rows of a field."""

    @abstractmethod
    def _rounded(self) -> NearPoints:
        """The vertices in float64."""

    @abstractmethod
    def _exact_points(self, walls: ExactWalls | None) -> ExactPoints:
        """The exact vertices; without walls those that coordinates are."""

    def exact_points(self, walls: ExactWalls | None) -> Integers:
        """All vertices exactly, in homogeneous integers (V, D + 1); without walls the points that coordinates are."""
        return self._exact_points(walls)(np.arange(self._lattice.vertices))

    def _part(
        self, lattice: Lattice, vertices: NDArray[np.int64], parents: NDArray[np.int64], ambiguous: NDArray[np.bool_]
    ) -> Taken[Field]:
        """An arrangement with some of the vertices."""
        points, sharp = self._rows(self._points, vertices), self._sharp[vertices]
        names = None if self._names is None else self._names[vertices]
        return Taken(
            type(self)(points, lattice, parents, self._generation, ambiguous, sharp, names),
            lambda field: self._rows(field, vertices),
            lambda field, chosen: self._rows(field, vertices[chosen]),
            vertices,
        )

    # ---- the complex -----------------------------------------------------------------------------------------------
    @property
    def lattice(self) -> Lattice:
        """The faces."""
        return self._lattice

    @property
    def sharp(self) -> NDArray[np.bool_]:
        """The vertices that were computed from exact walls, bool (V,)."""
        return self._sharp

    @property
    def names(self) -> Names | None:
        """Of a block, what its border's vertices are called in all blocks that have them, 0 for others; int64 (V,)."""
        return self._names

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
        return self.faces(self.dim)

    @property
    def held(self) -> int:
        """See ``Arrangement.held``: members of boundaries, D 2^D in a large lattice in general position; those before
        and after, and what cuts them, with sets of columns."""
        return 4 * self.dim << self.dim

    def middles(self) -> NDArray[np.float64]:
        """A point of each region (R, D)."""
        return floats(self.vertices)[self._lattice.lowest[self.dim]]

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
        return Facets(lattice.sides, lattice.generation, lattice.wall, lattice.facet_corners)

    def simplices(self, k: int, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Simplices that triangulate some k-faces; see ``Arrangement.simplices``."""
        return self._lattice.simplices(faces, k)

    # ---- measures --------------------------------------------------------------------------------------------------
    def sharp_volumes(
        self, regions: NDArray[np.int64], walls: ExactWalls, accuracy: float
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Volumes of some regions from exact vertices, rounded once; see ``Arrangement.sharp_volumes``."""
        simplices = exact_volumes(self._lattice, regions, self._exact_points(walls))
        whole = [ratio_sum(list(zip(*parts, strict=True))) / factorial(self.dim) for parts in simplices]
        volumes = np.array([rounded(volume) for volume in whole], np.float64).reshape(-1, 2)
        return volumes[:, 0], volumes[:, 1]

    def locate(self, points: NDArray[Any], walls: ExactWalls | None = None) -> NDArray[np.int64]:
        """The lowest index of a region that contains each point; see ``Arrangement.locate``."""
        wanted = np.asarray(points)
        if wanted.ndim != 2 or wanted.shape[1] != self.dim:
            raise ShapeError(f"points must have shape (M, {self.dim}), got {wanted.shape}.")
        result = np.full(len(wanted), -1)
        if not len(self) or not len(wanted):
            return result
        near = floats(wanted)
        if not np.isfinite(near).all() and wanted.dtype != object:
            raise ArgumentError("points must be finite numbers; one of them is not.")
        moved = np.abs(near).sum(axis=1) * 2.0**-52 + 2.0**-1000 if wanted.dtype == object else np.zeros(len(near))
        point, region = self._boxes.holding(near)
        pairs = Pairs(region, NearPoints(near, moved).take(point), lambda some: homogeneous(wanted[point[some]]))
        vertices = self._rounded(), lambda some: self._exact_points(walls)(some)
        if walls is not None or self.exact:
            held = exact_regions_hold(self._lattice, pairs, *vertices)
        else:
            held = stored_regions_hold(self._lattice, pairs, *vertices, ~self._ambiguous)
        lowest = np.full(len(wanted), len(self))
        np.minimum.at(lowest, point[held], region[held])
        return np.where(lowest < len(self), lowest, -1)

    @cached_property
    def _boxes(self) -> Boxes:
        """A box around each region, wide enough for a rounded point of the exact one."""
        points, corners = self._rounded(), self.regions
        margin = (points.errors + np.abs(points.values).max(axis=1, initial=0.0) * 2.0**-50 + 2.0**-900)[:, None]
        low, high = points.values - margin, points.values + margin
        return Boxes(corners.reduce(np.minimum, low[corners.values]), corners.reduce(np.maximum, high[corners.values]))

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
            raise ShapeError(
                f"values must have one row for each of the {self._points.rows} vertices, got {values.rows}."
            )
        if len(levels) != values.columns:
            raise ShapeError(f"levels must have one row for each of the {values.columns} functions, got {len(levels)}.")

    # ---- change ----------------------------------------------------------------------------------------------------
    def take(self, regions: NDArray[np.int64]) -> Taken[Field]:
        """The given regions, in that order."""
        chosen = np.asarray(regions, np.int64)
        if len(np.unique(chosen)) < len(chosen):
            raise ArgumentError("regions must be distinct indices; one of them is given twice.")
        lattice, kept = self._lattice.take(chosen)
        return self._part(lattice, kept, chosen, self._ambiguous[chosen])

    def dissolve(self, facets: NDArray[np.int64]) -> Change[Field]:
        """The arrangement without the given facets; see ``Arrangement.dissolve``."""
        chosen = np.asarray(facets, np.int64)
        if (self._lattice.sides[chosen] < 0).any():
            raise ArgumentError(
                "facets must have a region on both sides; one of those given lies on the domain's boundary."
            )
        merged = dissolve(self._lattice, chosen)
        ambiguous = np.zeros(len(merged.lattice), np.bool_)
        ambiguous[merged.region_of_old[self._ambiguous]] = True
        return self._part(merged.lattice, merged.vertices, merged.lowest, ambiguous)

    # ---- blocks ----------------------------------------------------------------------------------------------------
    def _names_after(self, refined: Outcome) -> Names | None:
        """The names after a refinement."""
        return None if self._names is None else prolonged(self._names, refined, self._generation + 1)

    def block(self, regions: NDArray[np.int64], key: int) -> Taken[Field]:
        """The given regions as a block; see ``Arrangement.block``."""
        taken = self.take(regions)
        part, kept = taken.arrangement, taken.vertices
        assert isinstance(part, LatticeArrangement)
        names = np.zeros(len(kept), np.int64) if self._names is None else self._names[kept]
        part._names = named(part.lattice, names, mixed(np.full(len(kept), key), kept))
        return taken

    def put_by(self) -> LatticeArrangement[Field]:
        """The same in less memory; see ``Arrangement.put_by``."""
        known = self._parents, self._generation, self._ambiguous, self._sharp, self._names
        return type(self)(self._points, self._lattice.short(), *known)

    def joined(
        self,
        parts: Sequence[Arrangement[Field]],
        first_walls: Sequence[int],
        parents: NDArray[np.int64],
        *,
        whole: bool = True,
    ) -> Joined[Field]:
        """All regions of blocks of this arrangement; see ``Arrangement.joined``."""
        blocks = [part for part in parts if isinstance(part, LatticeArrangement)]
        names = [block._names for block in blocks if block._names is not None]
        order = np.argsort(parents, kind="stable")
        glue = Glue.of([block.lattice for block in blocks], names, order, self.walls, first_walls, self._laying)
        self._check_places(glue, blocks)
        if whole and glue.lattice.euler != self.euler:
            raise BordersDifferError("blocks do not fit together along their borders")
        kept = glue.kept
        new = type(self)(
            self._rows(self._beside([block._points for block in blocks]), kept),
            glue.lattice,
            parents[order],
            blocks[0]._generation,
            np.concatenate([block._ambiguous for block in blocks])[order],
            np.concatenate([block._sharp for block in blocks])[kept],
            None if self._names is None else np.concatenate(names)[kept],
        )
        return Joined(new, lambda fields: self._rows(self._beside(fields), kept), order)

    @property
    def _laying(self) -> Laying:
        """How lists of blocks are put in their places."""
        return ArrayLaying()

    @abstractmethod
    def _beside(self, fields: Sequence[Field]) -> Field:
        """The rows of several fields, one after the other."""

    def _check_places(self, glue: Glue, blocks: Sequence[LatticeArrangement[Field]]) -> None:
        """Raises ``BordersDifferError`` unless blocks agree, within their bounds, on where vertices of borders are."""
        values = np.concatenate([block._rounded().values for block in blocks])
        errors = np.concatenate([block._rounded().errors for block in blocks])
        again = np.ones(len(values), np.bool_)
        again[glue.kept] = False
        others = np.flatnonzero(again)
        first = glue.kept[glue.number[others]]
        apart = norms(values[others] - values[first])
        if not (apart <= (errors[others] + errors[first]) * (1 + 2.0**-20)).all():
            raise BordersDifferError("blocks do not agree on where a vertex of their border is")
