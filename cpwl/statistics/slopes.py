"""How steep a network is on each region: the norm of its linear map, from the values at the region's vertices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee

if TYPE_CHECKING:
    from ..tiling.tiling import Tiling

ACCURACY = 1e-3
"""The proven relative error up to which a norm is taken from values at vertices (the true one is near 1e-12)."""

_UNIT = 2.0**-53

_SMALL = 2.0**-400
"""Products of two lengths above this, and their rounding, do not underflow."""

Table = NDArray[np.float64]
Rows = NDArray[np.int64]


@ieee
def slope_norms(partition: Tiling) -> Table:
    """The Frobenius norm of A in f = A u + b (u: slice coordinates) on each region, (R,).

    Taken from values at vertices where the bounds on these prove a relative error of at most ``ACCURACY``; elsewhere
    (regions so thin that rounding matters) from ``partition.jacobians()``, which costs a pass through the network.
    """
    if partition.domain.dim != 2:
        return _norms(partition.jacobians())
    *there, width = near_one(*_rounded(partition.vertices, partition.arrangement.coordinates().errors()))
    *here, height = near_one(*_rounded(partition.outputs.to_numpy(), partition.outputs.errors()))
    corners = triangles(there[0], partition.regions)
    slopes, errors = solved(there[0][corners], here[0][corners], there[1][corners], here[1][corners])
    slopes, errors = np.ldexp(slopes, height - width), np.ldexp(errors, height - width)
    open_ = np.flatnonzero(~(errors <= ACCURACY * slopes))
    if len(open_):
        slopes[open_] = _norms(partition.jacobians(open_))
    return slopes


def _norms(maps: Table) -> Table:
    return norms(floats(maps), axis=(1, 2))


def _rounded(values: NDArray[Any], errors: Table) -> tuple[Table, Table]:
    """Rows as float64, and bounds on the 2-norms of their errors: those that they had, and of rounding to float64."""
    rows = floats(values)
    rounding = 0.0 if values.dtype == np.float64 else 2 * _UNIT
    return rows, errors + rounding * norms(rows)


def near_one(rows: Table, errors: Table) -> tuple[Table, Table, int]:
    """The same times a power of two, 2^-k, by which the largest entry is about 1; and k."""
    _, exponent = np.frexp(np.abs(rows).max(initial=0.0))
    return np.ldexp(rows, -exponent), np.ldexp(errors, -exponent), int(exponent)


def triangles(places: Table, regions: Ragged) -> Rows:
    """Three corners of each region (R, 3): the first, the farthest from it, and the farthest from their line."""
    first = regions.values[regions.offsets[:-1]]
    steps = places[regions.values] - places[first][regions.row_of]
    second = _farthest(regions, norms(steps))
    along = (places[second] - places[first])[regions.row_of]
    third = _farthest(regions, np.abs(along[:, 0] * steps[:, 1] - along[:, 1] * steps[:, 0]))
    return np.stack([first, second, third], axis=1)


def _farthest(regions: Ragged, distances: Table) -> Rows:
    """The vertex of each region with the largest distance; the first of several."""
    largest = regions.reduce(np.maximum, distances)
    at = np.flatnonzero(distances == largest[regions.row_of])
    return np.asarray(regions.values[at[np.unique(regions.row_of[at], return_index=True)[1]]])


def solved(places: Table, values: Table, place_errors: Table, value_errors: Table) -> tuple[Table, Table]:
    """The norms |A| of A E = F for triangles, and bounds on their errors; infinite where there is none.

    The columns of E (2, 2) and F (m, 2) are the differences of two corners and two values from the first. If E and F
    are off by matrices of norms at most d and a, then the computed A is off by at most (a + d |A|) |E^-1|, with the
    exact A: with the computed one at most twice that while d |E^-1| <= 1/4. In the Frobenius norm, which all norms are,
    |E^-1| = |E| / |det E|. Differences and Cramer's rule round by at most 8 units of |F| and |E|: part of a and d. So
    they do unless products underflow: of triangles and values that are too small for that nothing is said.
    """
    sides, steps = (rows[:, 1:] - rows[:, :1] for rows in (places, values))
    det = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    length, height = (norms(rows, axis=(1, 2)) for rows in (sides, steps))
    columns = (
        steps[:, 0] * sides[:, 1, 1:] - steps[:, 1] * sides[:, 0, 1:],
        steps[:, 1] * sides[:, 0, :1] - steps[:, 0] * sides[:, 1, :1],
    )
    off, wrong = (norms(rows[:, 1:] + rows[:, :1]) for rows in (place_errors, value_errors))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slopes = norms(np.stack(columns, axis=2) / det[:, None, None], axis=(1, 2))
        inverse = length / np.abs(det)
        lost = off + 8 * _UNIT * length
        errors = 2 * inverse * (wrong + 8 * _UNIT * height + lost * slopes)
        known = (lost * inverse <= 0.25) & (length > _SMALL) & ((height > _SMALL) | (height == 0))
        return slopes, np.where(known, errors, np.inf)
