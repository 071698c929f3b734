"""Which entries of a network are one function on a domain: by their values at random points modulo primes.

A network whose bending units are taken for unknowns is a function of these and of the slice coordinates, linear in the
unknowns, and it can be evaluated modulo a prime. Two entries that are the same sum of the same unknowns have the same
residues, in whatever order they are summed up, whatever adds nothing. An unknown is a hash of the residues of what the
unit bends at. So equal fingerprints mean one function, but for a chance of about 2^-60 an entry and another: enough to
propose what something else proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np
from numpy.typing import NDArray

from ...fields.spans import Bent, Ranges, Span
from ...geometry.domain import Domain
from ...network.network import Network, Node, table
from ...network.operators import Conv, Dense, Piecewise
from ...numbers.residues import Dyadic, Residues, largest_prime, primes_for, reduced
from .residues import ModuloRows, ResidueRows, sizes_of

_POINTS = 2
_BITS = 60
"""Of all primes together, so that each point alone tells entries apart."""


@dataclass(frozen=True, eq=False)
class Prints:
    """The residues of a node's entries."""

    rows: tuple[ResidueRows, ...]
    """Modulo each prime the values at the points, (points, entries)."""

    def of(self, entries: NDArray[np.int64]) -> list[tuple[float, ...]]:
        """All residues of each of some entries."""
        residues = np.concatenate([rows.values[:, entries] for rows in self.rows])
        return list(map(tuple, residues.T.tolist()))


def fingerprints(network: Network, domain: Domain, ranges: Ranges) -> Iterator[tuple[int, Bent, Prints]]:
    """Of each nonlinear node its number, the units that bend, and the residues of its entries.

    ``ranges``: by nonlinear node the lowest and the highest piece of each unit on the domain.
    """
    terms = [prod(node.op.weight.shape[1:]) for node in network.nodes if isinstance(node.op, (Dense, Conv))]
    divisors = lcm(*(size.denominator for size in sizes_of(network, domain)))
    primes = primes_for(Fraction(1 << _BITS), largest_prime(max([domain.dim, *terms])), divisors)
    walks = [_Walk(network, domain, p) for p in primes]
    bent = {stage.node: stage for stage in Span.between(network, ranges).stages}
    live = {0: Prints(tuple(walk.inputs() for walk in walks))}
    for i, node in enumerate(network.nodes[1:], 1):
        inputs = [live[j] for j in node.inputs]
        parts = []
        for k, walk in enumerate(walks):
            rows = [x.rows[k] for x in inputs]
            parts.append(walk.bent(node, rows[0], bent[i]) if i in bent else walk.linear(node, rows))
        live[i] = Prints(tuple(parts))
        if i in bent:
            yield i, bent[i], live[i]
        live = {j: prints for j, prints in live.items() if network.last_use[j] > i or j == i}


class _Walk(ModuloRows):
    """Two points on their way through a network modulo a prime, units that bend taken for unknowns."""

    def inputs(self) -> ResidueRows:
        """The points of the input space."""
        frame = self.slice()
        u = np.random.default_rng(self._p).integers(-(self._p // 2), self._p // 2, (_POINTS, len(frame.values) - 1))
        values = np.tile(frame.values[0], (_POINTS, 1))
        for coordinates, row in zip(u.T, frame.values[1:], strict=True):
            values = reduced(values + reduced(coordinates[:, None] * row, self._p), self._p)
        return ResidueRows(values, np.ones(_POINTS))

    def bent(self, node: Node, x: ResidueRows, bent: Bent) -> ResidueRows:
        """The output of a nonlinear node: that of the lowest pieces, and of units with several an unknown more."""
        made = self.on_pieces(node, x, bent.base)
        more = self._hinges(node, x, bent) if isinstance(node.op, Piecewise) else self._largest(node, x, bent)
        values = made.values.copy()
        values[:, bent.units] = reduced(values[:, bent.units] + more, self._p)
        return ResidueRows(values, made.weights)

    def _hinges(self, node: Node, x: ResidueRows, bent: Bent) -> Residues:
        """For each unit that bends the sum of its changes of slope times unknowns, of what it is over breakpoints."""
        assert isinstance(node.op, Piecewise)
        slopes = table(Dyadic.of(node.op.slopes).modulo(self._p), node)[:, bent.units]
        result = np.zeros((_POINTS, len(bent.units)))
        levels = Dyadic.of(node.op.breakpoints).modulo(self._p).tolist()
        for piece, level in enumerate(levels, start=1):
            here = (bent.base[bent.units] < piece) & (piece <= bent.highest)
            unknown = self._hashed(reduced(x.values[:, bent.units] - level, self._p))
            change = reduced(np.where(here, slopes[piece] - slopes[piece - 1], 0.0), self._p)
            result = reduced(result + reduced(unknown * change, self._p), self._p)
        return result

    def _largest(self, node: Node, x: ResidueRows, bent: Bent) -> Residues:
        """For each maximum an unknown of the arguments that may be the largest, in whatever order."""
        pieces = np.arange(x.values.shape[1] // node.size)
        arguments = x.values.reshape(_POINTS, node.size, -1)[:, bent.units]
        here = (bent.base[bent.units, None] <= pieces) & (pieces <= bent.highest[:, None])
        unknown = self._hashed(arguments.reshape(_POINTS, -1)).reshape(arguments.shape)
        return self._hashed(reduced(np.where(here, unknown, 0.0).sum(axis=2), self._p))

    def _hashed(self, values: Residues) -> Residues:
        """Of each column of residues others that look like random ones."""
        state = np.zeros(values.shape[1], np.uint64)
        for row in values.astype(np.int64).view(np.uint64):
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
