"""Whether exact points lie in the regions of given patterns, as far as bounds tell: all units of a network at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....fields.predicates import Names
from ....fields.spans import Rows, Span
from ....geometry.domain import Domain
from ....network.network import Network
from ....network.operators import Piecewise
from ....numbers.double_double import Balls
from ..fields.field import ROUND_UP, UNIT
from .spans import CloseFunctions, CloseRows

_PARTS = 4
"""Of the numbers in the rows."""

_POINTS = 1 << 22
"""Values that are held at once."""


@dataclass(frozen=True, eq=False)
class Open:
    """What bounds leave open: a point lies in its region if these functions are not negative there, times ``sign``."""

    point: Rows
    names: Names
    sign: NDArray[np.int8]

    @classmethod
    def joined(cls, parts: list[Open]) -> Open:
        """Several lists, one after the other."""
        point, sign = (np.concatenate([getattr(part, name) for part in parts]) for name in ("point", "sign"))
        return cls(point, Names.joined([part.names for part in parts]), sign)


@dataclass(frozen=True, eq=False)
class _Values:
    """Float64 values of the entries that a stage reads at points, and bounds on their errors, (n, K)."""

    values: NDArray[np.float64]
    error: NDArray[np.float64]


@np.errstate(over="ignore", invalid="ignore")
def inside(
    network: Network, domain: Domain, patterns: NDArray[np.int16], points: NDArray[Any]
) -> tuple[NDArray[np.bool_], Open]:
    """Which of the points (n, D), Fractions, may lie in the closed regions with these patterns, and what is open.

    The arguments of all units at a point are combinations of the rows that span them (proofs/, Lemma 11 (b)).
    """
    stop = len(network.nonlinear)
    span = Span.of(network, patterns, stop)
    kinds = span.kinds(patterns)
    tables = _tables(network, CloseRows(network, domain, _PARTS), span, stop)
    may, left = np.ones(len(points), np.bool_), [Open(np.zeros(0, np.int64), Names.sides(0), np.zeros(0, np.int8))]
    homogeneous = Balls.of_fractions([x for row in points.tolist() for x in (Fraction(1), *row)])
    at = homogeneous.reshaped(len(points), domain.dim + 1)
    for stage, (_, rows, of_kinds) in enumerate(CloseFunctions(domain.dim).stages(span, kinds, tables)):
        coefficients = _extended(at, _at_points(of_kinds[kinds.place], at))
        part = list(network.unit_columns.values())[stage]
        step = max(1, _POINTS // max(rows.shape[1], 1))
        for start in range(0, len(points), step):
            some = np.arange(start, min(start + step, len(points)))
            values = _values(coefficients[some], rows)
            outside, open_ = _sides(network, stage, patterns[some, part].astype(np.int64), values)
            may[some] &= ~outside
            left.append(Open(some[open_.point], open_.names, open_.sign))
    return may, Open.joined(left)


def _tables(network: Network, rows: CloseRows, span: Span, stop: int) -> Iterator[tuple[Rows, Balls]]:
    """All entries that each stage reads, stage by stage."""
    columns = [np.arange(network.nodes[network.read_by(stage)].size) for stage in range(stop)]
    return ((columns[stage], table) for stage, table in rows.stages(span, columns))


def _at_points(functions: Balls, points: Balls) -> Balls:
    """Affine functions (n, D + 1, k), constants first, at points (n, D + 1) in homogeneous coordinates, 1 first."""
    total = functions[:, 0]
    for axis in range(1, functions.shape[1]):
        total = total + functions[:, axis] * points[:, axis, None]
    return total


def _extended(first: Balls, more: Balls) -> Balls:
    names = ("high", "low", "radius")
    return Balls(*(np.concatenate([getattr(first, x), getattr(more, x)], axis=1) for x in names))


def _values(coefficients: Balls, rows: Balls) -> _Values:
    """Combinations of rows in float64. With c + dc and r + dr for the exact ones, |dc| and |dr| known, they are off by
    |c| |dr| + |dc| (|r| + |dr|), and by the rounding of a sum of so many products."""
    c, r = coefficients.high, rows.high
    off_c, off_r = (np.abs(x.low) + x.radius for x in (coefficients, rows))
    size = np.abs(c) @ np.abs(r)
    rounding = (c.shape[1] + 4) * UNIT * ROUND_UP
    error = np.abs(c) @ off_r + off_c @ (np.abs(r) + off_r) + rounding * size
    # What underflows: a product is off by 2^-1075 at most, if it is not exactly zero.
    least = np.where(size > 0, (c.shape[1] + 1) * 2.0**-1074, 0.0)
    return _Values(c @ r, error * (1 + 8 * rounding) + least)


def _sides(network: Network, stage: int, pieces: Rows, x: _Values) -> tuple[NDArray[np.bool_], Open]:
    """Which points are certainly not on the given pieces (n, units) of a stage's units; and what is open."""
    node = network.nodes[network.nonlinear[stage]]
    if isinstance(node.op, Piecewise):
        levels = node.op.breakpoints
        above = _beyond(x, np.concatenate([[-np.inf], levels])[pieces], 1)
        below = _beyond(x, np.concatenate([levels, [np.inf]])[pieces], -1)
        parts = []
        for sign, (_, open_), shift in ((1, above, -1), (-1, below, 0)):
            point, unit = np.nonzero(open_)
            names = Names.levels(stage, unit, levels[pieces[point, unit] + shift])
            parts.append(Open(point, names, np.full(len(point), sign, np.int8)))
        return np.asarray((above[0] | below[0]).any(axis=1)), Open.joined(parts)
    width = x.values.shape[1] // node.size
    values, error = (part.reshape(len(pieces), node.size, width) for part in (x.values, x.error))
    best, slack = (np.take_along_axis(part, pieces[:, :, None], axis=2) for part in (values, error))
    over, bound = best - values, (slack + error) * ROUND_UP + 2 * UNIT * (np.abs(best) + np.abs(values))
    other = np.arange(width) != pieces[:, :, None]
    point, unit, loser = np.nonzero(other & ~_reaches(over, bound))
    first = unit * width
    names = Names.differences(stage, first + pieces[point, unit], first + loser)
    outside = (other & (over < -bound)).any(axis=(1, 2))
    return np.asarray(outside), Open(point, names, np.ones(len(point), np.int8))


def _beyond(x: _Values, levels: NDArray[np.float64], sign: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where x is certainly below levels (n, K) (of sign 1, above of sign -1), and where it is not certainly not so;
    nothing is below -inf, or above inf."""
    ends, over = np.isfinite(levels), sign * (x.values - levels)
    bound = x.error + np.where(ends, 2 * UNIT * (np.abs(x.values) + np.abs(levels)), 0.0)
    return over < -bound, ends & ~_reaches(over, bound)


def _reaches(over: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a value is certainly no less than zero: what overflows is not known at all."""
    return np.asarray(np.isfinite(bound) & (over >= bound))
