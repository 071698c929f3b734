"""Arrangements of any dimension in float64; see ``backends/lattice``."""

from __future__ import annotations

from functools import cached_property, partial
from math import factorial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ....arrays.batches import batches
from ....arrays.bits import BitMatrix
from ....arrays.ragged import Ragged
from ....errors import NumericalRangeError
from ....geometry.arrangement import Created, NewWalls, Refinement
from ....geometry.ladder import Functions
from ....geometry.polytope import Polytope
from ...lattice.arrangement import LatticeArrangement
from ...lattice.cut import Cut, Outcome
from ...lattice.lattice import Lattice
from ..fields.field import FloatField
from ..refinement.prolong import Prolongation
from .rows import Decisions, FloatRows

_SIMPLICES = 1 << 18
"""Regions whose simplices are measured at a time, times their entries."""


class TorchLatticeArrangement(LatticeArrangement[FloatField]):
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

    # ---- change ----------------------------------------------------------------------------------------------------
    def refine(self, values: FloatField, levels: Ragged, *, exactly: Functions | None = None) -> Refinement[FloatField]:
        """The arrangement cut by every level set; see ``Arrangement.refine``."""
        self._check_refine(values, levels)
        self._check_range(values, exactly is not None)
        device = values.values.device
        function = torch.as_tensor(levels.row_of, device=device)
        level = torch.as_tensor(levels.values.astype(np.float64), device=device)
        decisions = None if exactly is None else Decisions(exactly, self._lattice)
        rows = FloatRows(values, function, level, decisions)
        found = Cut(self._lattice, *rows.signs(), len(level), rows).run(self._generation + 1)
        plan = Prolongation.of(self._points.rows, rows.batches) if rows.batches else None

        def carried(field: FloatField, vertices: NDArray[np.int64] | None = None) -> FloatField:
            if plan is None:
                return field if vertices is None else self._rows(field, vertices)
            if vertices is None:
                return plan.carry(field)
            return plan.carry_to(field, torch.as_tensor(vertices, device=device))

        new = TorchLatticeArrangement(
            carried(self._points),
            found.lattice,
            found.parents,
            self._generation + 1,
            self._ambiguous[found.parents] | self._doubted(found, rows.doubtful),
        )
        return Refinement(
            new,
            carried,
            carried,
            below=BitMatrix.pack(found.below),
            created=Created(*found.made),
            cutting=lambda vertices: rows.field if vertices is None else self._rows(rows.field, vertices),
            walls=NewWalls(self._lattice.walls, found.region, found.column),
            settled=0 if decisions is None else decisions.ladder.counts.decisions,
        )

    def _check_range(self, field: FloatField, exact: bool) -> None:
        """Refuses values that are not there; bounds may be infinite if what they leave open is decided exactly."""
        missing = ~torch.isfinite(field.values)
        if not exact:
            missing |= ~torch.isfinite(field.error)[:, None]
        if bool(missing.any()):
            vertex, function = missing.nonzero()[0].tolist()
            value, place = float(field.values[vertex, function]), self._points.values[vertex].tolist()
            raise NumericalRangeError(
                f"entry {function} of what the next units read is {value} in float64 at u = {place}, with an error of "
                f"at most {float(field.error[vertex]):.1e}: numbers overflow float64 on the way. Scale the "
                "network or the domain, or use the exact backend."
            )

    @staticmethod
    def _doubted(found: Outcome, doubtful: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The regions that come from one in which a sign is not certain."""
        if not doubtful.any():
            return np.zeros(len(found.parents), np.bool_)
        corners = found.lattice.corners(found.lattice.dim)
        regions = found.parents[corners.row_of[doubtful[corners.values]]]
        return np.isin(found.parents, regions)
