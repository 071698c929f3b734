"""Areas of the cells of a complex from rounded coordinates, with bounds on their errors (proofs/, Lemma 12)."""

from __future__ import annotations

from torch import Tensor

from ..fields.field import ROUND_UP, SMALLEST, FloatField, gamma, lengths
from .complex import Complex


def areas(cells: Complex, points: Tensor) -> Tensor:
    """Shoelace sums (R,), each about the cell's first vertex so that large coordinates do not cancel."""
    here, following = _from_first(cells, points)
    return _sums(cells, here[:, 0] * following[:, 1] - here[:, 1] * following[:, 0]) / 2


def area_errors(cells: Complex, points: FloatField) -> Tensor:
    """Bounds on how far they are from the areas of the exact cells (R,)."""
    here, following = _from_first(cells, points.values)
    corner, error = points.values[cells.origin], points.error[cells.origin]
    after = cells.successor
    across = lengths(corner[after[after]] - corner)
    moved = error[after] * across * ROUND_UP + error * error[after]
    products = (here[:, 0] * following[:, 1]).abs() + (here[:, 1] * following[:, 0]).abs()
    rounding = products * gamma((int(cells.counts.max()) if cells.cells else 0) + 4)
    return (_sums(cells, moved + rounding) / 2 * ROUND_UP).clamp(min=SMALLEST)


def _from_first(cells: Complex, points: Tensor) -> tuple[Tensor, Tensor]:
    """The corners of each cell, and those that follow them, less the cell's first."""
    corner = points[cells.origin]
    base = corner[cells.offsets[:-1]][cells.cell_of]
    return corner - base, corner[cells.successor] - base


def _sums(cells: Complex, values: Tensor) -> Tensor:
    """Sums over the half-edges of each cell."""
    return values.new_zeros(cells.cells).index_add_(0, cells.cell_of, values)
