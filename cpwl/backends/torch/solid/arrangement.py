"""Arrangements of any dimension in float64; see ``backends/lattice``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ....arrays.ragged import Ragged
from ....errors import InternalError
from ....geometry.arrangement import Created, ExactWalls, NewWalls, Refinement
from ....geometry.ladder import Functions
from ....geometry.polytope import Polytope
from ....geometry.rounded import Rounded
from ....numbers.integers import homogeneous
from ....numbers.norms import norms
from ...lattice.arrangement import LatticeArrangement
from ...lattice.cut import Outcome
from ...lattice.glue import Laying
from ...lattice.lattice import Lattice
from ...lattice.measure import ExactPoints, NearPoints, volumes
from ...lattice.meeting import forms_of_walls, independent, points
from ..fields.field import ROUND_UP, FloatField, lifted, stacked
from ..refinement.corners import Corners, coordinates
from ..refinement.kernels import choice as row_kernels
from ..refinement.prolong import Prolongation
from .kernels.choice import kernel_for
from .kernels.kernel import Levels
from .rows import Decisions, FloatRows

_CLOSELY = 2.0**-50
"""How near to exact vertices, relative to their distances from the origin, those are from which volumes are computed
again."""


class TorchLatticeArrangement(LatticeArrangement[FloatField], Rounded[FloatField]):
    """A polytope cut into convex regions, with float64 coordinates that carry error bounds."""

    exact: ClassVar[bool] = False

    @classmethod
    def of(cls, polytope: Polytope, *, device: str | None = None) -> TorchLatticeArrangement:
        """The arrangement with one region, the polytope itself."""
        place = torch.device("cpu" if device is None else device)
        return cls(FloatField.exactly(polytope.vertices, place), Lattice.of(polytope), np.zeros(1, np.int64))

    def _rows(self, field: FloatField, rows: NDArray[np.int64]) -> FloatField:
        return field.take(torch.as_tensor(rows, device=field.values.device))

    def field(self, values: NDArray[Any]) -> FloatField:
        """The field with exactly the given values (V, K)."""
        return FloatField.exactly(self._checked(values), self._points.values.device)

    # ---- the complex -----------------------------------------------------------------------------------------------
    def faces(self, k: int) -> Ragged:
        """The vertices of each k-face, increasing."""
        return kernel_for(self._points.values).corners(self._lattice, k)

    # ---- change ----------------------------------------------------------------------------------------------------
    def refine(self, values: FloatField, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[FloatField]:
        """The arrangement cut by every level set; see ``Arrangement.refine``."""
        self._check_refine(values, levels)
        values.check_range(self._points.values, bounded=exactly is None)
        device = values.values.device
        function = torch.as_tensor(levels.row_of, device=device)
        level = torch.as_tensor(levels.values.astype(np.float64), device=device)
        decisions = None if exactly is None else Decisions(exactly, self._lattice)
        kernel = kernel_for(values.values)
        rows = FloatRows(values, Levels(function, level), decisions, kernel)
        refined = kernel.cut(self._lattice, *rows.signs(), len(level), rows, self._generation + 1)
        plan = (
            Prolongation.of(self._points.rows, rows.batches, row_kernels.kernel_for(values.values))
            if rows.batches
            else None
        )

        def carried(field: FloatField, vertices: NDArray[np.int64] | None = None) -> FloatField:
            if plan is None:
                return field if vertices is None else self._rows(field, vertices)
            if vertices is None:
                return plan.carry(field)
            return plan.carry_to(field, torch.as_tensor(vertices, device=device))

        new = TorchLatticeArrangement(
            carried(self._points),
            refined.lattice,
            refined.parents,
            self._generation + 1,
            self._ambiguous[refined.parents] | self._doubted(refined, rows.doubtful),
            np.concatenate([self._sharp, np.zeros(refined.lattice.vertices - len(self._sharp), np.bool_)]),
            self._names_after(refined),
        )
        return Refinement(
            new,
            carried,
            carried,
            below=refined.below,
            created=Created(*refined.made),
            cutting=lambda vertices: rows.field if vertices is None else self._rows(rows.field, vertices),
            walls=NewWalls(self._lattice.walls, refined.region, refined.column),
            settled=0 if decisions is None else decisions.ladder.counts.decisions,
        )

    @staticmethod
    def _doubted(refined: Outcome, vertices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The regions that come from one in which a sign is not certain at some vertex of these, or contradicts
        others."""
        if not len(vertices) and not len(refined.contradicted):
            return np.zeros(len(refined.parents), np.bool_)
        doubtful = np.zeros(refined.lattice.vertices, np.bool_)
        doubtful[vertices] = True
        corners = refined.lattice.corners(refined.lattice.dim)
        regions = refined.parents[corners.row_of[doubtful[corners.values]]]
        return np.isin(refined.parents, np.concatenate([regions, refined.contradicted]))

    def doubting(self, regions: NDArray[np.bool_]) -> TorchLatticeArrangement:
        """The same, with some more regions ambiguous."""
        ambiguous = self._ambiguous | regions
        return TorchLatticeArrangement(
            self._points, self._lattice, self._parents, self._generation, ambiguous, self._sharp, self._names
        )

    # ---- measures --------------------------------------------------------------------------------------------------
    def _rounded(self) -> NearPoints:
        return NearPoints(self.vertices, self._points.errors())

    def _exact_points(self, walls: ExactWalls | None) -> ExactPoints:
        if walls is None:
            return lambda vertices: homogeneous(self.vertices[vertices])
        forms = forms_of_walls(walls)
        return lambda vertices: points(forms, *self._lattice.walls_at(vertices), self.dim)

    def volumes(self) -> NDArray[np.float64]:
        """Volumes (R,)."""
        return self._measured[0].copy()

    def volume_errors(self) -> NDArray[np.float64]:
        """Bounds on the errors of the volumes (R,)."""
        return self._measured[1].copy()

    @cached_property
    def _measured(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return volumes(self._lattice, self._rounded())

    def sharp_volumes(
        self, regions: NDArray[np.int64], walls: ExactWalls, accuracy: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Volumes from exact walls: from vertices in long numbers, or in integers where that is not enough."""
        part, vertices = self._lattice.take(regions)
        measured, errors = volumes(part, NearPoints(*self._meeting(walls, vertices, _CLOSELY)))
        poor = np.flatnonzero(~(errors < accuracy * (1 - 2.0**-40) * (measured - errors)))
        if len(poor):
            measured[poor], errors[poor] = super().sharp_volumes(regions[poor], walls, accuracy)
        return measured, errors

    # ---- coordinates -----------------------------------------------------------------------------------------------
    def sharpened(self, walls: ExactWalls, accuracy: float, margin: float = 1.0) -> TorchLatticeArrangement:
        """With vertices from exact walls; see ``Arrangement.sharpened``."""
        values, errors = self.vertices.copy(), self._points.errors().copy()
        poor = np.flatnonzero((errors > 0) & ~(errors <= accuracy * norms(values)) & ~self._sharp)
        if len(poor):
            sharper, bounds = self._meeting(walls, poor, margin * accuracy)
            apart = norms(sharper - values[poor])
            if not (apart <= (errors[poor] + bounds) * ROUND_UP).all():
                raise InternalError("a vertex is farther from where its walls meet than its bound allows")
            values[poor], errors[poor] = sharper, np.minimum(bounds, errors[poor] + apart)
        place = self._points.values.device
        field = FloatField(torch.as_tensor(values, device=place), lifted(torch.as_tensor(errors, device=place)))
        sharp = self._sharp if accuracy else np.ones_like(self._sharp)
        return type(self)(field, self._lattice, self._parents, self._generation, self._ambiguous, sharp, self._names)

    def _meeting(
        self, walls: ExactWalls, vertices: NDArray[np.int64], accuracy: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the walls through some vertices meet, as closely as is asked, and bounds on how far that is off."""
        region, through = kernel_for(self._points.values).walls_at(self._lattice, vertices)
        names = independent(forms_of_walls(walls), region, through, self.dim)
        lists = Ragged(names.ravel(), np.arange(0, names.size + 1, self.dim))
        points, errors = coordinates(Corners(walls, region, lists), accuracy, float(np.abs(self.vertices).max()))
        return points, norms(errors) * ROUND_UP

    @property
    def is_sharp(self) -> bool:
        """Whether all vertices are; see ``Arrangement.is_sharp``."""
        return bool(self._sharp.all())

    # ---- blocks ----------------------------------------------------------------------------------------------------
    def _beside(self, fields: Sequence[FloatField]) -> FloatField:
        return stacked(fields)

    @property
    def _laying(self) -> Laying:
        return kernel_for(self._points.values)

    def border(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The vertices on a block's border and their names; see ``Rounded.border``."""
        if self._names is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        vertices = np.flatnonzero(self._names)
        return vertices, self._names[vertices]

    def moved(self, vertices: NDArray[np.int64], points: NDArray[Any]) -> TorchLatticeArrangement:
        """With some vertices at other points; see ``Rounded.moved``."""
        chosen = torch.as_tensor(vertices, device=self._points.values.device)
        wanted = torch.as_tensor(np.ascontiguousarray(points, np.float64), device=chosen.device)
        values, error = self._points.values.clone(), self._points.error.clone()
        shift = torch.linalg.vector_norm(values[chosen] - wanted, dim=1)
        values[chosen], error[chosen] = wanted, lifted((error[chosen] + shift) * ROUND_UP)
        sharp = self._sharp.copy()
        sharp[vertices] = False
        field = FloatField(values, error)
        return type(self)(field, self._lattice, self._parents, self._generation, self._ambiguous, sharp, self._names)
