"""Decisions from functions that are known closely: to some hundred bits, with a bound (proofs/, Lemma 10)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..geometry.arrangement import CloseRegions, Exactly
from ..numbers.double_double import Balls

Rows = NDArray[np.int64]

_BLOCK = 1 << 18
"""Decisions made at a time."""

_SURE = 2.0**-24
"""A position on an edge must be known as closely as this."""


class CloseValues:
    """Values of columns at vertices of a complex, each the quotient of two numbers known up to a bound."""

    def __init__(self, exactly: Exactly, walls: Ragged, parts: int) -> None:
        """``walls``: the numbers of the walls of each cell; ``parts``: of a number, at least."""
        self._exactly, self._walls, self._parts = exactly, walls, parts
        self._batches: list[CloseRegions] = []
        self._home = np.full((len(walls), 2), -1)
        """The batch of each cell and its place there; -1 before it is asked for."""
        self._vertex = np.zeros(0, np.int64)
        """Vertices whose points are known, increasing."""
        self._points = Balls(*np.zeros((3, 0, 3)))
        self.known = True
        """Whether functions are known closely at all."""

    def fetch(self, cells: Rows) -> None:
        """Asks for the functions on some cells, all at once."""
        cells = np.unique(cells)
        wanted = cells[self._home[cells, 0] < 0]
        if self.known and len(wanted):
            found = self._exactly.closely(wanted, self._walls.take(wanted), self._parts)
            self.known = found is not None
            if found is not None:
                self._home[wanted, 0], self._home[wanted, 1] = len(self._batches), np.arange(len(wanted))
                self._batches.append(found)

    def signs(self, vertex: Rows, home: Rows, names: Rows, column: Rows) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """The signs of columns at vertices, int8; and which of them are open: 0, or perhaps not."""
        signs, zero = np.zeros(len(vertex), np.int8), np.zeros(len(vertex), np.bool_)
        for start in range(0, len(vertex), _BLOCK):
            block = slice(start, start + _BLOCK)
            value, over = self.values(vertex[block], home[block], names[block], home[block], column[block])
            signs[block], zero[block] = value.signs() * over.signs(), value.is_zero()
        return signs, (signs == 0) & ~zero

    def perhaps_zero(self, cell: Rows, column: Rows) -> NDArray[np.bool_]:
        """Where a column may be zero on the whole cell: no coefficient is known to be something else."""
        return np.asarray((self._forms(cell, -1 - column).signs() == 0).all(axis=1))

    def values(self, vertex: Rows, home: Rows, names: Rows, cell: Rows, column: Rows) -> tuple[Balls, Balls]:
        """The values, as quotients, up to a positive factor common to one cell and column."""
        self._meet(vertex, home, names)
        points = self._points[np.searchsorted(self._vertex, vertex)]
        return dot(self._forms(cell, -1 - column), points), points[:, 2]

    def _meet(self, vertex: Rows, home: Rows, names: Rows) -> None:
        """Makes the points of the vertices known: where two functions on an old cell, ``home``, are zero."""
        new, first = np.unique(vertex, return_index=True)
        missing = ~np.isin(new, self._vertex)
        new, first = new[missing], first[missing]
        if len(new):
            points = cross(*(self._forms(home[first], names[first, k]) for k in (0, 1))).scaled()
            at = np.searchsorted(self._vertex, new)
            self._vertex = np.insert(self._vertex, at, new)
            old = self._points
            pairs = (
                (part, getattr(points, name))
                for part, name in ((old.high, "high"), (old.low, "low"), (old.radius, "radius"))
            )
            self._points = Balls(*(np.insert(part, at, more, axis=0) for part, more in pairs))

    def _forms(self, cell: Rows, name: Rows) -> Balls:
        """The functions on cells that are zero on walls (name >= 0), or of columns -1 - name."""
        result = Balls(*np.zeros((3, len(cell), 3)))
        for batch, regions in enumerate(self._batches):
            here = self._home[cell, 0] == batch
            for chosen, find, names in (
                (here & (name >= 0), regions.walls, name),
                (here & (name < 0), regions.columns, -1 - name),
            ):
                index = np.flatnonzero(chosen)
                if len(index):
                    result.put(index, find(self._home[cell[index], 1], names[index]).scaled())
        return result


def positions(
    first: tuple[Balls, Balls], second: tuple[Balls, Balls]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a function with the values p / v and q / w, of opposite sign, vanishes between them, with a bound.

    The bound is infinite where the functions are not known closely enough.
    """
    one, other = _turned(first[0] * second[1]), _turned(second[0] * first[1])
    total = one + other
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        guess = one.high / total.high
        zero = np.zeros_like(guess)
        missing = one - Balls(guess, zero, zero) * total
        slack = (one.radius + other.radius + missing.radius) / (total.high - total.radius) * (1 + 2.0**-20) + 2.0**-53
        sure = (one.signs() > 0) & (other.signs() > 0) & (slack <= _SURE)
        return guess + missing.high / total.high, np.where(sure, slack, np.inf)


def _turned(x: Balls) -> Balls:
    """The magnitudes."""
    sign = np.where(x.high < 0, -1.0, 1.0)
    return Balls(x.high * sign, x.low * sign, x.radius)


def dot(form: Balls, point: Balls) -> Balls:
    products = form * point
    return products[:, 0] + products[:, 1] + products[:, 2]


def cross(p: Balls, q: Balls) -> Balls:
    """The products p_i q_j - p_j q_i: the point on two walls, of three coordinates, up to a factor."""
    one, other = [1, 2, 0], [2, 0, 1]
    return p[:, one] * q[:, other] - p[:, other] * q[:, one]
