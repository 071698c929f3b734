"""Many segments, each cut into pieces, as one arrangement of dimension 1 in float64."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....arrays.bits import BitMatrix
from ....arrays.ragged import Ragged
from ....errors import ArgumentError
from ....geometry.arrangement import Change, Created, ExactWalls, NewWalls, Refinement
from ....geometry.bundle import BundleArrangement
from ....geometry.ladder import Functions
from ...lattice.lattice import Lattice
from ..complex.segments import as_numpy
from ..fields.field import ROUND_UP, FloatField, lifted, row_norms
from ..refinement.float_refinement import FloatRefinement
from ..solid.arrangement import TorchLatticeArrangement
from .cut import LineCut
from .decide import Decisions
from .places import Places, parameters

Rows = NDArray[np.int64]


class TorchLineArrangement(TorchLatticeArrangement, BundleArrangement[FloatField]):
    """See ``BundleArrangement``. The coordinate of a vertex is the parameter on its own segment."""

    _placed: bool = False
    """Whether rows are kept at their places (``Places``)."""
    _off: Tensor | None = None
    """If coordinates were computed anew, bounds on how far rows are taken from the exact vertices."""

    @classmethod
    def bundle(cls, segments: int, *, placed: bool, device: str | None = None) -> TorchLineArrangement:
        """So many segments, each of one piece.

        ``placed``: rows are kept at their places (``Places``), which a maximum of two fields does not know of.
        """
        ends = Ragged(np.arange(2 * segments), np.arange(0, 2 * segments + 1, 2))
        wall, generation = np.tile(np.arange(2), segments), np.zeros(2 * segments, np.int64)
        points = np.tile(np.array([[0.0], [1.0]]), (segments, 1))
        place = torch.device("cpu" if device is None else device)
        lattice = Lattice(2 * segments, (ends,), wall, generation, 2)
        return cls(FloatField.exactly(points, place), lattice, np.arange(segments))._keeping(placed)

    def _keeping(self, placed: bool, off: Tensor | None = None) -> TorchLineArrangement:
        """This new arrangement, with rows at their places or not."""
        self._placed, self._off = placed, off
        return self

    @property
    def _places(self) -> Places:
        return Places(self._points, self._points.error if self._off is None else self._off, self._placed)

    def at_vertices(self, field: FloatField) -> FloatField:
        """See ``BundleArrangement.at_vertices``."""
        if not self._placed:
            return field
        moved = self._places.moved(field.values, field.bound(), self.ends)
        more = moved * row_norms(field.bound().column[None])[0]
        return FloatField(field.values, lifted((field.error + more) * ROUND_UP))

    def fixed(self) -> TorchLineArrangement:
        """See ``BundleArrangement.fixed``."""
        return TorchLineArrangement(
            self._points, self._lattice, self._parents, self._generation, self._ambiguous, self._sharp
        )

    def sharpened(self, walls: ExactWalls, accuracy: float, margin: float = 1.0) -> TorchLineArrangement:
        """See ``Arrangement.sharpened``; ``accuracy`` is relative to the segment."""
        open_ = (self._points.error > accuracy) & ~torch.as_tensor(self._sharp, device=self._points.error.device)
        poor = as_numpy(open_.nonzero(as_tuple=True)[0])
        values, error, sharp = self._points.values.clone(), self._points.error.clone(), self._sharp.copy()
        if len(poor):
            region, through = self._lattice.walls_at(poor)
            places = parameters(walls, region, through.values, margin * accuracy)
            values[open_, 0], error[open_] = (torch.as_tensor(part, device=error.device) for part in places)
        sharp[:] |= not accuracy
        points = FloatField(values, lifted(error))
        made = TorchLineArrangement(points, self._lattice, self._parents, self._generation, self._ambiguous, sharp)
        return made._keeping(self._placed, self._places.off)

    @property
    def ends(self) -> Rows:
        """The two vertices of each piece, (R, 2), the one nearer to 0 first."""
        return self._lattice.boundary[0].values.reshape(-1, 2)

    def refine(self, values: FloatField, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[FloatField]:
        """The pieces cut by every level set, all at once; see ``Arrangement.refine``."""
        self._check_refine(values, levels)
        values.check_range(self._points.values, bounded=exactly is None)
        device = values.values.device
        function = torch.as_tensor(levels.row_of, device=device)
        level = torch.as_tensor(levels.values.astype(np.float64), device=device)
        decisions = None if exactly is None else Decisions(exactly, self.ends, self._lattice.wall)
        places = self._places
        cut = LineCut(values.whole(), function, level, self.ends, places, decisions)
        region, column = cut.walls
        plan = cut.cutting.prolongation
        unclean = torch.as_tensor(np.bincount(cut.sorted.vertex, cut.sorted.unclean) > 0, device=device)
        new = TorchLineArrangement(
            places.with_new(cut.points, unclean | torch.tensor(not self._placed, device=device)),
            self._cut(cut.pieces, len(region)),
            cut.parents,
            self._generation + 1,
            (self._ambiguous | cut.doubtful)[cut.parents],
            np.concatenate([self._sharp, np.zeros(len(region), np.bool_)]),
        )
        new = new._keeping(self._placed)
        made = plan.points
        return FloatRefinement(
            new,
            plan.carry,
            lambda field, vertices: plan.carry_to(field, torch.as_tensor(vertices, device=device)),
            below=BitMatrix(cut.below()[:, : -(-len(level) // 8)], len(level)),
            created=Created(as_numpy(made.first), as_numpy(made.second), as_numpy(made.column)),
            cutting=lambda vertices: cut.cutting.values(_on_device(vertices, device)),
            functions=cut.cutting,
            walls=NewWalls(self._lattice.walls, region, column),
            settled=0 if decisions is None else decisions.ladder.counts.decisions,
        )

    def _cut(self, pieces: Rows, vertices: int) -> Lattice:
        """The pieces and their ends, of which so many are new, each on a wall of its own."""
        old = self._lattice
        wall = np.concatenate([old.wall, old.walls + np.arange(vertices)])
        generation = np.concatenate([old.generation, np.full(vertices, self._generation + 1)])
        ends = Ragged(pieces.ravel(), np.arange(0, pieces.size + 1, 2))
        return Lattice(old.vertices + vertices, (ends,), wall, generation, old.walls + vertices)

    def dissolve(self, facets: NDArray[np.int64]) -> Change[FloatField]:
        """The arrangement without some vertices between pieces; see ``Arrangement.dissolve``."""
        gone = np.zeros(self._lattice.vertices, np.bool_)
        gone[facets] = True
        if gone[self._outer].any():
            raise ArgumentError(
                "facets must have a region on both sides; one of those given lies on the domain's boundary."
            )
        old, kept = self._lattice, np.flatnonzero(~gone)
        number = np.cumsum(~gone) - 1
        first = np.flatnonzero(~gone[self.ends[:, 0]])
        ends = np.stack([self.ends[first, 0], self.ends[~gone[self.ends[:, 1]], 1]], axis=1)
        pieces = Ragged(number[ends].ravel(), np.arange(0, ends.size + 1, 2))
        lattice = Lattice(len(kept), (pieces,), old.wall[kept], old.generation[kept], old.walls)
        return self._part(lattice, kept, first, np.logical_or.reduceat(self._ambiguous, first))

    @cached_property
    def _outer(self) -> Rows:
        """The vertices that end only one piece."""
        return np.flatnonzero(np.bincount(self.ends.ravel(), minlength=self._lattice.vertices) == 1)


def _on_device(vertices: Rows | None, device: torch.device) -> Tensor | None:
    return None if vertices is None else torch.as_tensor(vertices, device=device)
