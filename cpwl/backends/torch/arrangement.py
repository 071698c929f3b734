"""The arrangement of the torch backend: planar, float64, all regions at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...arrays.bits import BitMatrix
from ...arrays.ragged import Ragged
from ...errors import (
    ArgumentError,
    BordersDifferError,
    InternalError,
    ShapeError,
    UnsupportedDimensionError,
)
from ...geometry.arrangement import (
    Arrangement,
    Change,
    Created,
    ExactWalls,
    Facets,
    Joined,
    NewWalls,
    Refinement,
    Taken,
)
from ...geometry.ladder import Functions
from ...geometry.polytope import Polytope
from ...geometry.rounded import Rounded
from ...numbers.rounding import floats
from ...runtime.budget import checkpoint
from .complex.areas import area_errors, areas
from .complex.border_names import VertexNames, mixed, named, prolonged
from .complex.complex import Complex
from .complex.dissolve import dissolve
from .complex.glue import Glue
from .complex.locate import Locator, rational
from .complex.segments import as_numpy, used
from .fields.field import ROUND_UP, FloatField, lengths, lifted, stacked
from .low_rank.field import Alike, Bending, LowRankField, repeated
from .portable import Portable
from .refinement import corners
from .refinement.corners import Corners
from .refinement.decide import Decider, Places
from .refinement.float_refinement import FloatRefinement
from .refinement.kernels.choice import kernel_for
from .refinement.refine import Task, refine


@dataclass(frozen=True, eq=False)
class TorchArrangement(Portable, Rounded[FloatField]):
    """A polygon cut into convex regions, with float64 coordinates that carry error bounds."""

    exact: ClassVar[bool] = False

    _points: FloatField
    _birth: Tensor
    """How many refinements came before each vertex (its own counted), int64 (V,)."""
    _complex: Complex
    _parents: Tensor
    _ambiguous: Tensor
    _generation: int = 0
    _names: VertexNames | None = None
    """For a block, what its border's vertices are called in all blocks that have them; None for a whole polygon."""
    _sharp: int = -1
    """Vertices that no more refinements came before than this are as near to theirs as float64 allows."""

    @classmethod
    def of(cls, polytope: Polytope, *, device: str | None = None) -> TorchArrangement:
        """The arrangement with one region, a polygon."""
        if polytope.dim != 2:
            raise UnsupportedDimensionError(
                f"the torch backend cuts domains of dimension 2, got one of dimension {polytope.dim}. Take a 2-D slice."
            )
        place = torch.device("cpu" if device is None else device)
        corners = len(polytope.vertices)
        return cls(
            FloatField.exactly(polytope.vertices, place),
            torch.zeros(corners, dtype=torch.int64, device=place),
            Complex.polygon(corners, place),
            torch.zeros(1, dtype=torch.int64, device=place),
            torch.zeros(1, dtype=torch.bool, device=place),
        )

    # ---- the complex -----------------------------------------------------------------------------------------------
    @property
    def dim(self) -> int:
        """The dimension, 2."""
        return 2

    @property
    def vertices(self) -> NDArray[np.float64]:
        """Coordinates (V, 2)."""
        return self._points.to_numpy()

    def __len__(self) -> int:
        return self._complex.cells

    @cached_property
    def regions(self) -> Ragged:
        """The extreme vertices of each region, counter-clockwise."""
        cells = self._complex
        counts = torch.bincount(cells.cell_of[cells.turns], minlength=cells.cells)
        return Ragged.from_counts(as_numpy(cells.origin[cells.turns]), as_numpy(counts))

    @property
    def parents(self) -> NDArray[np.int64]:
        """For each region that of the arrangement before, int64 (R,)."""
        return as_numpy(self._parents)

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        """Regions in whose making some decision was within its error bound, bool (R,)."""
        return as_numpy(self._ambiguous)

    @property
    def generation(self) -> int:
        """How many calls of ``refine`` led here."""
        return self._generation

    def facets(self) -> Facets:
        """All edges; a region on the left is always there."""
        ends, sides = self._complex.edges, self._complex.sides
        turned = sides[:, :1] < 0
        ends, sides = torch.where(turned, ends.flip(1), ends), torch.where(turned, sides.flip(1), sides)
        vertices = Ragged(as_numpy(ends.reshape(-1)), np.arange(0, 2 * len(ends) + 1, 2))
        marks = as_numpy(self._complex.marks)
        return Facets.listed(vertices, as_numpy(sides), marks[:, 0], marks[:, 1])

    def volumes(self) -> NDArray[np.float64]:
        """Areas (R,)."""
        return as_numpy(areas(self._complex, self._points.values))

    def volume_errors(self) -> NDArray[np.float64]:
        """Bounds on the errors of the areas (R,)."""
        return as_numpy(area_errors(self._complex, self._points))

    def sharp_volumes(
        self, regions: NDArray[np.int64], walls: ExactWalls, accuracy: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Areas from exact lines; see ``Arrangement.sharp_volumes``."""
        return corners.areas(self._corners(regions, walls), accuracy)

    def locate(self, points: NDArray[Any], walls: ExactWalls | None = None) -> NDArray[np.int64]:
        """The lowest index of a region that contains each point; see ``Arrangement.locate``."""
        wanted = np.asarray(points)
        if wanted.ndim != 2 or wanted.shape[1] != 2:
            raise ShapeError(f"points must have shape (M, 2), got {wanted.shape}.")
        if not len(self):
            return np.full(len(wanted), -1)
        if walls is None:
            return self._locator.locate(floats(wanted))

        def decide(point: NDArray[np.int64], region: NDArray[np.int64]) -> NDArray[np.bool_]:
            return corners.contains(self._corners(region, walls), rational(wanted[point]))

        return self._locator.locate_exactly(floats(wanted), decide, rounded=wanted.dtype == object)

    @cached_property
    def _locator(self) -> Locator:
        cycles = Ragged(as_numpy(self._complex.origin), as_numpy(self._complex.offsets))
        return Locator(self.vertices, cycles, self._points.errors())

    def _corners(self, regions: NDArray[np.int64], walls: ExactWalls) -> Corners:
        """Regions by the lines of their sides, in order, each once."""
        cells = self._complex
        turns, line = as_numpy(cells.turns), as_numpy(cells.marks[cells.half_edge, 1])
        counts = np.bincount(as_numpy(cells.cell_of)[turns], minlength=cells.cells)
        return Corners(walls, regions, Ragged.from_counts(line[turns], counts).take(regions))

    # ---- coordinates -----------------------------------------------------------------------------------------------
    def sharpened(self, walls: ExactWalls, accuracy: float, margin: float = 1.0) -> TorchArrangement:
        """With vertices from exact lines; see ``Arrangement.sharpened``."""
        points, sharp = self._points, self._sharp if accuracy else self._generation
        kernel = kernel_for(points.values)
        poor, away = kernel.poor(points.values, points.error, self._birth, self._sharp, accuracy)
        if not len(poor):
            return replace(self, _sharp=sharp)
        centre = (away + points.error[poor]) * ROUND_UP < walls.nearest(2)
        if bool(centre.any()):
            points, poor = _at_origin(points, poor[centre], away[centre]), poor[~centre]
            away = away[~centre]
        if len(poor):
            at = Places.of_vertices(self._complex, poor)
            central = torch.as_tensor(walls.central(as_numpy(at.names)).all(axis=1), device=poor.device)
            points = _at_origin(points, poor[central], away[central])
            if not bool(central.all()):
                met = self._met(walls, at.take(~central), margin * accuracy)
                points = _known_better(points, poor[~central], *met)
        return replace(self, _points=points, _sharp=sharp)

    def _met(
        self, walls: ExactWalls, vertices: Places, accuracy: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the exact walls of vertices meet, (n, 2), and bounds for each entry."""
        at = vertices.numpy()
        lines = Ragged(at.names.reshape(-1), np.arange(0, 2 * len(at.names) + 1, 2))
        return corners.coordinates(Corners(walls, at.region, lines), accuracy, float(self._points.values.abs().max()))

    @property
    def is_sharp(self) -> bool:
        """Whether all vertices are; see ``Arrangement.is_sharp``."""
        return self._sharp >= self._generation

    # ---- fields ----------------------------------------------------------------------------------------------------
    def coordinates(self) -> FloatField:
        """The field of the two coordinates."""
        return self._points

    def field(self, values: NDArray[Any]) -> FloatField:
        """The field with exactly the given values (V, K)."""
        array = np.asarray(values)
        if array.ndim != 2 or len(array) != self._points.rows:
            raise ShapeError(f"values must have shape ({self._points.rows}, K), one row a vertex, got {array.shape}.")
        return FloatField.exactly(array, self._points.values.device)

    # ---- change ----------------------------------------------------------------------------------------------------
    def refine(self, values: Any, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[Any]:
        """The arrangement cut by every level set; see ``Arrangement.refine``."""
        if isinstance(values, LowRankField):
            return self._refined_within_reach(values, levels, exactly)
        values.check_range(self._points.values, bounded=exactly is None)
        if len(levels) != values.columns:
            raise ShapeError(f"levels must have one row for each of the {values.columns} functions, got {len(levels)}.")
        device = values.values.device
        function = torch.as_tensor(levels.row_of, device=device)
        level = torch.as_tensor(levels.values.astype(np.float64), device=device)
        decider = None if exactly is None else Decider(exactly, self._complex)
        task = Task(values, function, level, self._generation + 1, decider, kernel_for(values.values))
        refined = refine(self._complex, task)
        plan = refined.cutting.prolongation
        points = plan.carry(self._points)
        new_birth = self._birth.new_full((len(plan.points),), self._generation + 1)
        new = TorchArrangement(
            points,
            torch.cat([self._birth, new_birth]),
            refined.complex,
            refined.parents,
            self._ambiguous[refined.parents] | refined.ambiguous,
            self._generation + 1,
            self._prolonged_names(refined.complex, refined.parents, plan.rows),
            self._sharp,
        )
        made = plan.points

        def carry_to(field: Any, vertices: NDArray[np.int64]) -> Any:
            chosen = torch.as_tensor(vertices, device=device)
            return _changed(lambda rows: plan.carry_to(rows, chosen), field)

        return FloatRefinement(
            new,
            lambda field: _changed(plan.carry, field),
            carry_to,
            below=BitMatrix(as_numpy(refined.below)[:, : -(-len(level) // 8)], len(level)),
            created=Created(as_numpy(made.first), as_numpy(made.second), as_numpy(made.column)),
            cutting=lambda vertices: refined.cutting.values(_on_device(vertices, device)),
            functions=refined.cutting,
            walls=NewWalls(self._complex.lines, *(as_numpy(part) for part in refined.lines)),
            settled=0 if decider is None else decider.settled,
            recut=refined.recut,
        )

    def _refined_within_reach(self, values: LowRankField, levels: Ragged, exactly: Functions | None) -> Refinement[Any]:
        """The arrangement cut by the functions that may reach a level; the others are below or not, on all regions."""
        function, level = torch.as_tensor(levels.row_of), torch.as_tensor(levels.values.astype(np.float64))
        reaching = torch.unique(function[values.enclosure.reaching(function, level)])
        alike = Alike.of(values.numbers, levels, as_numpy(reaching))
        chosen = np.flatnonzero(np.isin(levels.row_of, alike.first))
        field, some = values.on(torch.as_tensor(alike.first)), None if exactly is None else exactly.only(chosen)
        field.check_range(self._points.values, bounded=True)  # beyond the range of digits: rows reach further
        refined = self.refine(field, levels.take(alike.first), exactly=some)
        places, columns = alike.columns(levels)
        checkpoint()
        dense = refined.below.dense()[:, columns]
        checkpoint()
        carry = _CarriedOnce(refined.carry)
        below: NDArray[np.bool_] = as_numpy(values.enclosure.centre[function] < level)
        lowest, highest = (
            torch.zeros(values.columns, dtype=torch.int64).index_add_(0, function, torch.as_tensor(~bits).long())
            for bits in (_put(below, places, fold.reduce(dense, axis=0)) for fold in (np.logical_or, np.logical_and))
        )

        def cutting(vertices: NDArray[np.int64] | None) -> LowRankField:
            carried: LowRankField = carry(values) if vertices is None else refined.carry_to(values, vertices)
            bending = Bending(reaching, repeated(refined.cutting(vertices), alike.place), lowest, highest)
            return replace(carried, bending=bending)

        walls = refined.walls
        assert walls is not None
        return Refinement(
            refined.arrangement,
            carry,
            refined.carry_to,
            below=BitMatrix.alike_but(below, places, dense),
            created=replace(refined.created, column=chosen[refined.created.column]),
            cutting=cutting,
            walls=replace(walls, column=chosen[walls.column]),
            settled=refined.settled,
            recut=refined.recut,
        )

    def dissolve(self, facets: NDArray[np.int64]) -> Change[FloatField]:
        """The arrangement without the given edges."""
        chosen = torch.as_tensor(np.ascontiguousarray(facets, dtype=np.int64), device=self._parents.device)
        if bool((self._complex.sides[chosen] < 0).any()):
            raise ArgumentError(
                "facets must have a region on both sides; one of those given lies on the domain's boundary."
            )
        removed = torch.zeros(len(self._complex.edges), dtype=torch.bool, device=chosen.device)
        removed[chosen] = True
        dissolved = dissolve(self._complex, removed, self._birth, kernel_for(self._points.values).cycles)
        ambiguous = torch.zeros(dissolved.complex.cells, dtype=torch.bool, device=removed.device)
        ambiguous[dissolved.cell_of_old[self._ambiguous]] = True
        return self._compacted(dissolved.complex, dissolved.lowest, ambiguous)

    def doubting(self, regions: NDArray[np.bool_]) -> TorchArrangement:
        """The same, with some more regions ambiguous."""
        more = torch.as_tensor(regions, device=self._parents.device)
        return replace(self, _ambiguous=self._ambiguous | more)

    def take(self, regions: NDArray[np.int64]) -> Taken[FloatField]:
        """The given regions, in that order."""
        chosen = torch.as_tensor(np.ascontiguousarray(regions, dtype=np.int64), device=self._parents.device)
        if len(np.unique(regions)) < len(chosen):
            raise ArgumentError("regions must be distinct indices; one of them is given twice.")
        part = self._complex.take(chosen)
        return self._compacted(part, chosen, self._ambiguous[chosen])

    def block(self, regions: NDArray[np.int64], key: int) -> Taken[FloatField]:
        """The given regions as a block; see ``Arrangement.block``."""
        taken = self.take(regions)
        part = taken.arrangement
        assert isinstance(part, TorchArrangement)
        kept = torch.as_tensor(taken.vertices, device=self._parents.device)
        names = torch.zeros_like(kept) if part._names is None else part._names
        fresh = mixed(torch.full_like(kept, key), kept)
        return replace(taken, arrangement=replace(part, _names=named(part._complex, names, fresh)))

    def joined(
        self,
        parts: Sequence[Arrangement[FloatField]],
        first_walls: Sequence[int],
        parents: NDArray[np.int64],
        *,
        whole: bool = True,
    ) -> Joined[FloatField]:
        """All regions of blocks of this arrangement; see ``Arrangement.joined``."""
        blocks = [part for part in parts if isinstance(part, TorchArrangement)]
        device = self._parents.device
        points = stacked([block._points for block in blocks])
        names = [block.border_names for block in blocks]
        order = torch.as_tensor(np.argsort(parents, kind="stable"), device=device)
        glue = Glue.of([block._complex for block in blocks], names, order, self.walls, first_walls)
        if not bool((glue.spread(points.values) <= glue.spread_allowed(points.error)).all()):
            raise BordersDifferError("blocks do not agree on where a vertex of their border is")
        new = TorchArrangement(
            points.take(glue.kept),
            torch.cat([block._birth for block in blocks])[glue.kept],
            glue.complex,
            torch.as_tensor(parents, device=device)[order],
            torch.cat([block._ambiguous for block in blocks])[order],
            blocks[0]._generation,
            None if self._names is None else torch.cat(names)[glue.kept],
        )
        if whole and new.euler != self.euler:
            raise BordersDifferError("blocks do not fit together along their borders")
        return Joined(new, lambda fields: stacked(fields).take(glue.kept), as_numpy(order))

    def border(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The vertices on a block's border and their names; see ``Rounded.border``."""
        if self._names is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        vertices = self._names.nonzero(as_tuple=True)[0]
        return as_numpy(vertices), as_numpy(self._names[vertices])

    def moved(self, vertices: NDArray[np.int64], points: NDArray[Any]) -> TorchArrangement:
        """With some vertices at other points; see ``Rounded.moved``."""
        chosen = torch.as_tensor(vertices, device=self._parents.device)
        wanted = torch.as_tensor(np.ascontiguousarray(points, np.float64), device=chosen.device)
        values, error = self._points.values.clone(), self._points.error.clone()
        values[chosen] = wanted
        error[chosen] = lifted(error[chosen] + lengths(self._points.values[chosen] - wanted) * ROUND_UP)
        return replace(self, _points=replace(self._points, values=values, error=error), _sharp=-1)

    @property
    def euler(self) -> int:
        """Vertices minus edges plus regions: no refinement changes it."""
        return self._points.rows - len(self._complex.edges) + self._complex.cells

    @property
    def border_names(self) -> VertexNames:
        """The names of a block's border vertices."""
        assert self._names is not None
        return self._names

    @property
    def walls(self) -> int:
        """A number above those of all lines."""
        return self._complex.lines

    def _prolonged_names(self, new: Complex, parents: Tensor, vertices: int) -> VertexNames | None:
        if self._names is None:
            return None
        return prolonged(self._names, new, parents, vertices, self._generation + 1)

    def _compacted(self, complex_: Complex, parents: Tensor, ambiguous: Tensor) -> Taken[FloatField]:
        """The arrangement on the vertices that the complex uses."""
        kept, ends = used(complex_.edges, self._points.rows)
        compact = Complex(ends, complex_.marks, complex_.half_edge, complex_.forward, complex_.offsets)
        names = None if self._names is None else self._names[kept]
        new = TorchArrangement(
            self._points.take(kept),
            self._birth[kept],
            compact,
            parents,
            ambiguous,
            self._generation,
            names,
            self._sharp,
        )
        return Taken(
            new,
            lambda field: field.take(kept),
            lambda field, vertices: field.take(kept[torch.as_tensor(vertices, device=kept.device)]),
            as_numpy(kept),
        )


def _at_origin(points: FloatField, rows: Tensor, away: Tensor) -> FloatField:
    """Points of which some, ``away`` from it by these lengths, are the origin."""
    if bool((away > points.error[rows] * ROUND_UP).any()):
        raise InternalError("a vertex is farther from the origin, where it is, than its bound allows")
    values, error = points.values.index_fill(0, rows, 0.0), points.error.index_fill(0, rows, 0.0)
    return replace(points, values=values, error=error)


def _known_better(
    points: FloatField, rows: Tensor, wanted: NDArray[np.float64], errors: NDArray[np.float64]
) -> FloatField:
    """Points of which some rows, with a bound for each entry, have been computed anew."""
    known, bounds = (torch.as_tensor(part, device=rows.device) for part in (wanted, errors))
    bound = lifted(lengths(bounds) * ROUND_UP)
    apart = lengths(points.values[rows] - known)
    if bool((apart > (points.error[rows] + bound) * ROUND_UP).any()):
        raise InternalError("a vertex is farther from where its lines meet than its bound allows")
    values, error = points.values.clone(), points.error.clone()
    values[rows], error[rows] = known, bound
    return replace(points, values=values, error=error)


def _changed(change: Callable[[FloatField], FloatField], field: Any) -> Any:
    """The field on other vertices."""
    return field.changed(change) if isinstance(field, LowRankField) else change(field)


class _CarriedOnce:
    """Carries fields to new vertices: coefficients that several share are carried once, and shared again."""

    def __init__(self, carry: Callable[[Any], Any]) -> None:
        self._carry = carry
        self._known: WeakKeyDictionary[FloatField, ReferenceType[FloatField]] = WeakKeyDictionary()

    def __call__(self, field: FloatField | LowRankField) -> Any:
        return field.changed(self._coefficients) if isinstance(field, LowRankField) else self._carry(field)

    def _coefficients(self, old: FloatField) -> FloatField:
        known = self._known.get(old)
        new: FloatField | None = None if known is None else known()
        if new is None:
            new = self._carry(old)
            self._known[old] = ref(new)
        return new


def _put(values: NDArray[np.bool_], places: NDArray[np.int64], some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A copy with other values at some places."""
    result = values.copy()
    result[places] = some
    return result


def _on_device(index: NDArray[np.int64] | None, device: torch.device) -> Tensor | None:
    return None if index is None else torch.as_tensor(index, device=device)
