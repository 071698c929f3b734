"""Which units of a network bend alike on a domain: by their values at random points modulo primes.

A network whose bending units are taken for unknowns is a function of these and of the slice coordinates, linear in the
unknowns, and it can be evaluated modulo a prime. Two entries that are the same sum of the same unknowns have the same
residues, in whatever order they are summed up, whatever adds nothing.

What a unit is beyond its piece at one point of the domain is, for each of its breakpoints, a factor times max(g, 0),
where g is the distance from the breakpoint, with the sign that makes it negative at that point. If two such distances
are each other's multiples, the factor is positive, so they have one wall and one unknown: a hash of the residues of g
up to a factor, times this factor. So units are told that are others with weights scaled, turned around (max(-x, 0) is
max(x, 0) - x), or written by others (|x|, leaky units, max(x, 0) as a maximum). Equal fingerprints mean one function,
but for a chance of about 2^-60 an entry and another: enough to propose what something else proves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...fields.spans import Bent, Ranges, Rows, Span
from ...geometry.domain import Domain
from ...network.network import Network, Node, table
from ...network.operators import Conv, Dense, Piecewise
from ...numbers.residues import Dyadic, Residues, inverses, largest_prime, primes_for, quotient_of, reduced
from .residues import ModuloRows, ResidueRows, sizes_of

_POINTS = 2
_SURE = 60
"""A quotient is known by so many bits more than it has."""
_BITS = 160
"""Of all primes together: one point alone tells entries apart, and quotients with parts of a hundred bits are known."""


@dataclass(frozen=True, eq=False)
class Occurring:
    """Which pieces units have on a domain, by nonlinear node."""

    ranges: Ranges
    """The lowest and the highest piece of each unit."""
    winners: Mapping[int, NDArray[np.bool_]]
    """Of maxima, which arguments are the largest somewhere, (units, arguments)."""
    here: Mapping[int, Rows]
    """The piece of each unit at one point."""

    def beside(self, other: Occurring, places: Sequence[int]) -> Occurring:
        """Of two networks on one domain, as one, in which the nodes of the other have these places."""
        ranges = {**{places[i]: pieces for i, pieces in other.ranges.items()}, **self.ranges}
        winners = {**{places[i]: table for i, table in other.winners.items()}, **self.winners}
        here = {**{places[i]: pieces for i, pieces in other.here.items()}, **self.here}
        return Occurring(ranges, winners, here)


class Print(NamedTuple):
    """What is known of a unit that bends."""

    shape: tuple[float, ...]
    """What it is beyond its piece at the point, up to a factor: modulo each prime at each point."""
    sizes: tuple[int, ...]
    """That factor modulo each prime."""
    values: tuple[int, ...]
    """What it is, modulo each prime at each point."""


@dataclass(frozen=True, eq=False)
class Prints:
    """The residues of a node's entries, and of what its units that bend are beyond their pieces at the point."""

    primes: tuple[int, ...]
    rows: tuple[ResidueRows, ...]
    """Modulo each prime the values at the points, (points, entries)."""
    beyond: tuple[Residues, ...] = ()
    """Modulo each prime, of the units that bend, (points, b)."""

    def of(self, entries: Rows) -> list[tuple[float, ...]]:
        """All residues of each of some entries, 0 ... p - 1."""
        return _columns([rows.values[:, entries] for rows in self.rows], self.primes)

    def of_units(self, units: Rows) -> list[Print]:
        """The fingerprints of the units that bend."""
        sizes = [_size(values) for values in self.beyond]
        shapes = [
            reduced(values * inverses(size, p), p)
            for values, size, p in zip(self.beyond, sizes, self.primes, strict=True)
        ]
        parts = _columns(shapes, self.primes), _columns([x[None] for x in sizes], self.primes), self.of(units)
        return [
            Print(shape, tuple(map(int, size)), tuple(map(int, values)))
            for shape, size, values in zip(*parts, strict=True)
        ]

    def quotient(self, unit: Print, other: Print) -> Fraction | None:
        """By how much larger a unit is, beyond its piece, than another one of that shape; None: it takes too long."""
        pairs = zip(unit.sizes, other.sizes, self.primes, strict=True)
        return quotient_of([x * pow(y, -1, p) % p if y else 0 for x, y, p in pairs], self.primes, 1 << _SURE)

    def is_multiple(self, unit: Print, factor: Fraction, other: Print) -> bool:
        """Whether a unit is another one times a factor."""
        primes = np.repeat(self.primes, _POINTS).tolist()
        p, q = factor.numerator, factor.denominator
        return all((x * q - p * y) % prime == 0 for x, y, prime in zip(unit.values, other.values, primes, strict=True))


def _columns(parts: Sequence[Residues], primes: Sequence[int]) -> list[tuple[float, ...]]:
    """The columns of residues modulo each prime, one upon the other, as numbers 0 ... p - 1."""
    return list(map(tuple, np.concatenate([np.mod(x, p) for x, p in zip(parts, primes, strict=True)]).T.tolist()))


def _size(values: Residues) -> Residues:
    """A number for each column that grows with it, and is not 0 where the column is not."""
    return np.asarray(np.where(values[0] != 0, values[0], values[1]))


def fingerprints(network: Network, domain: Domain, pieces: Occurring) -> Iterator[tuple[int, Bent, Prints]]:
    """Of each nonlinear node its number, the units that bend, and the residues of its entries."""
    terms = [prod(node.op.weight.shape[1:]) for node in network.nodes if isinstance(node.op, (Dense, Conv))]
    divisors = lcm(*(size.denominator for size in sizes_of(network, domain)))
    primes = tuple(primes_for(Fraction(1 << _BITS), largest_prime(max([domain.dim, *terms])), divisors))
    walks = [_Walk(network, domain, p, pieces) for p in primes]
    bent = {stage.node: stage for stage in Span.between(network, pieces.ranges).stages}
    live = {0: Prints(primes, tuple(walk.inputs() for walk in walks))}
    for i, node in enumerate(network.nodes[1:], 1):
        inputs = [[live[j].rows[k] for j in node.inputs] for k in range(len(primes))]
        if i in bent:
            pairs = [walk.bent(node, rows[0], bent[i]) for walk, rows in zip(walks, inputs, strict=True)]
            made, beyond = zip(*pairs, strict=True)
            yield i, bent[i], Prints(primes, made, beyond)
        else:
            made = tuple(walk.linear(node, rows) for walk, rows in zip(walks, inputs, strict=True))
        live[i] = Prints(primes, made)
        live = {j: prints for j, prints in live.items() if network.last_use[j] > i or j == i}


class _Walk(ModuloRows):
    """Two points on their way through a network modulo a prime, units that bend taken for unknowns."""

    def __init__(self, network: Network, domain: Domain, p: int, pieces: Occurring) -> None:
        super().__init__(network, domain, p)
        self._pieces = pieces

    def inputs(self) -> ResidueRows:
        """The points of the input space."""
        frame = self.slice()
        u = np.random.default_rng(self._p).integers(-(self._p // 2), self._p // 2, (_POINTS, len(frame.values) - 1))
        values = np.tile(frame.values[0], (_POINTS, 1))
        for coordinates, row in zip(u.T, frame.values[1:], strict=True):
            values = reduced(values + reduced(coordinates[:, None] * row, self._p), self._p)
        return ResidueRows(values, np.ones(_POINTS))

    def bent(self, node: Node, x: ResidueRows, bent: Bent) -> tuple[ResidueRows, Residues]:
        """The output of a nonlinear node: that of the pieces at the point, and of units with others an unknown more.

        And these unknowns, (points, b).
        """
        here = self._pieces.here[bent.node]
        made, own = self.on_pieces(node, x, here), here[bent.units]
        hinges = isinstance(node.op, Piecewise)
        beyond = self._hinges(node, x, bent, own) if hinges else self._largest(node, x, bent, own)
        values = made.values.copy()
        values[:, bent.units] = reduced(values[:, bent.units] + beyond, self._p)
        return ResidueRows(values, made.weights), beyond

    def _hinges(self, node: Node, x: ResidueRows, bent: Bent, here: Rows) -> Residues:
        """For each unit that bends the sum of its changes of slope times unknowns, of what it is past breakpoints."""
        assert isinstance(node.op, Piecewise)
        slopes = table(Dyadic.of(node.op.slopes).modulo(self._p), node)[:, bent.units]
        result = np.zeros((_POINTS, len(bent.units)))
        levels = Dyadic.of(node.op.breakpoints).modulo(self._p).tolist()
        for piece, level in enumerate(levels, start=1):
            bends = (bent.base[bent.units] < piece) & (piece <= bent.highest)
            side = np.where(piece <= here, -1.0, 1.0) * bends
            past = self._positive((side * reduced(x.values[:, bent.units] - level, self._p))[:, :, None])
            result = reduced(
                result + reduced(past * reduced(slopes[piece] - slopes[piece - 1], self._p), self._p), self._p
            )
        return result

    def _largest(self, node: Node, x: ResidueRows, bent: Bent, here: Rows) -> Residues:
        """For each maximum what it is beyond an argument, from the differences of others that may be the largest."""
        pieces = np.arange(x.values.shape[1] // node.size)
        arguments = x.values.reshape(_POINTS, node.size, -1)[:, bent.units]
        others = self._pieces.winners[bent.node][bent.units] & (pieces != here[:, None])
        least = np.take_along_axis(arguments, here[None, :, None], axis=2)
        return self._positive(np.where(others, reduced(arguments - least, self._p), 0.0))

    def _positive(self, functions: Residues) -> Residues:
        """An unknown for the maximum of 0 and some functions (points, b, k), in whatever order, that scales with them.

        A function that is 0 adds nothing to it.
        """
        size = _size(reduced(functions.sum(axis=2), self._p))
        shapes = reduced(functions * inverses(size, self._p)[:, None], self._p)
        unknown = self._hashed(shapes.reshape(_POINTS, -1)).reshape(functions.shape)
        total = np.where(functions.any(axis=0), unknown, 0.0).sum(axis=2)
        return reduced(self._hashed(reduced(total, self._p)) * size, self._p)

    def _hashed(self, values: Residues) -> Residues:
        """Of each column of residues others that look like random ones."""
        state = np.zeros(values.shape[1], np.uint64)
        for row in np.mod(values, self._p).astype(np.uint64):
            state = _mixed(state ^ row)
        made = [_mixed(state + np.uint64(k)) % np.uint64(self._p) for k in range(_POINTS)]
        return reduced(np.stack(made).astype(np.float64), self._p)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64 (Steele, Lea, Flood 2014), a permutation of all 64-bit numbers."""
    increment, first, second = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
    state = state + increment
    state = (state ^ (state >> np.uint64(30))) * first
    state = (state ^ (state >> np.uint64(27))) * second
    return np.asarray(state ^ (state >> np.uint64(31)))
