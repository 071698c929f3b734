"""A network without units that are copies of others: two networks beside each other often bend in the same places.

A copy may be scaled, or turned around: what is left of it is a factor, and an affine function. What is proposed here is
not trusted: regions by the units that are left are put to the checker with the network as it was, which finds the zeros
of all units (proofs/, Theorem 7 (f)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.exact.fingerprints import Occurring, Print, Prints, fingerprints
from ..claims.naming import Naming
from ..fields.spans import Bent, Rows
from ..geometry.domain import Domain, exactly
from ..network.joint import places_beside
from ..network.network import Network, Node, table
from ..network.operators import Divide, Gather, Max, Op, Piecewise, Scale, Sum
from ..tiling.history import ranges_after, winners_after
from ..tiling.tiling import Tiling

Place = tuple[int, int]
"""A node and an entry of it."""


@dataclass(frozen=True, eq=False)
class WithoutCopies:
    """A network with the same outputs on a domain, and what its units are in the network that it was made from."""

    network: Network
    nodes: Mapping[int, tuple[int, Rows | None]]
    """By nonlinear node the one that it was, and the entries of its argument there (None: all)."""

    def named(self, naming: Naming) -> Naming:
        """The same vertices, named by functions of the network that this one was made from."""
        names = naming.names.copy()
        for i, (node, entries) in self.nodes.items():
            here = naming.names[:, 2] == i
            names[here, 2] = node
            if entries is not None:
                maximum = isinstance(self.network.nodes[i].op, Max)
                for column in (3, 4) if maximum else (3,):
                    names[here, column] = entries[naming.names[here, column]]
        return replace(naming, names=names)


@dataclass(frozen=True)
class Copy:
    """Where a unit is already, up to a factor."""

    place: Place
    factor: Fraction
    whole: bool
    """Whether the unit is the other one times the factor; else that holds of what both are beyond their pieces at the
    point, and the unit is its own piece there and so much more."""


def occurring(parts: Sequence[Tiling]) -> Occurring:
    """The pieces of units on the domain of one partition, or of two of it by networks that are then joined."""
    corners = exactly(parts[0].domain.polytope.vertices)
    weights = np.random.default_rng(0).integers(1, 1 << 20, len(corners)).tolist()
    point = np.array([Fraction(w, sum(weights)) for w in weights], dtype=object) @ corners
    pieces = [_occurring(part, point) for part in parts]
    if len(parts) == 1:
        return pieces[0]
    first, second = (part.network for part in parts)
    return pieces[0].beside(pieces[1], places_beside(first, second))


def _occurring(part: Tiling, point: NDArray[Any]) -> Occurring:
    regions = np.arange(len(part))
    there = ranges_after(part.steps, part.locate(point))
    winners = winners_after(part.steps, part.network, regions)
    return Occurring(ranges_after(part.steps, regions), winners, {i: piece for i, (piece, _) in there.items()})


def without_copies(network: Network, domain: Domain, pieces: Occurring, start: int) -> WithoutCopies:
    """The network whose nodes from ``start`` on read units that others before them have instead of having their own.

    They may have them times a factor, or be otherwise the same but for an affine function. Units that keep to one piece
    on the domain become linear.
    """
    known: dict[tuple[float, ...], tuple[Place, Print]] = {}
    copies: dict[int, tuple[Bent, list[Copy | None]]] = {}
    for i, bent, prints in fingerprints(network, domain, pieces):
        own = prints.of_units(bent.units)
        if i >= start and _is_plain(network.nodes[i]):
            as_copies = [_copy(network, prints, unit, known.get(unit.shape)) for unit in own]
            if any(as_copies) or not as_copies:
                copies[i] = bent, as_copies
        for unit, entry in zip(own, bent.units.tolist(), strict=True):
            known.setdefault(unit.shape, ((i, entry), unit))
    return _Rewriting(network, pieces.here, copies).made()


def _copy(network: Network, prints: Prints, unit: Print, other: tuple[Place, Print] | None) -> Copy | None:
    """Where a unit is, if it is another one."""
    if other is None:
        return None
    place, known = other
    factor = prints.quotient(unit, known)
    if factor is None or not all(_is_float(x) for x in factor.as_integer_ratio()):
        return None
    whole = prints.is_multiple(unit, factor, known)
    return Copy(place, factor, whole) if whole or _is_plain(network.nodes[place[0]]) else None


def _is_float(x: int) -> bool:
    """Whether float64 holds an integer, which is not very large."""
    return int(float(x)) == x


def _is_plain(node: Node) -> bool:
    """Whether the pieces are linear maps whose numbers float64 holds."""
    if not isinstance(node.op, Piecewise):
        return True
    intercepts = set(node.op.intercepts.ravel().tolist())
    return all(float(x) == x for x in intercepts)


@dataclass(eq=False)
class _Rewriting:
    """A network made node by node."""

    network: Network
    here: Mapping[int, Rows]
    copies: Mapping[int, tuple[Bent, list[Copy | None]]]
    """Of nodes that are to be replaced the units that bend, and where each of them is already."""
    nodes: list[Node] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Where each node of the network is now."""
    origins: dict[int, tuple[int, Rows | None]] = field(default_factory=dict)

    def made(self) -> WithoutCopies:
        for i, node in enumerate(self.network.nodes):
            moved = replace(node, inputs=tuple(self.places[j] for j in node.inputs))
            if i in self.copies:
                self.places.append(self._replaced(i, moved, *self.copies[i]))
            else:
                self.places.append(self._add(moved))
                if node.is_nonlinear:
                    self.origins[self.places[-1]] = i, None
        return WithoutCopies(Network(tuple(self.nodes)), self.origins)

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _gathered(self, index: Rows, name: str, *inputs: int) -> int:
        return self._add(Node(Gather(index), inputs, index.shape, name))

    def _replaced(self, i: int, node: Node, bent: Bent, copies: list[Copy | None]) -> int:
        """A node that reads the units that are there already, and has the others."""
        every = np.arange(node.size)
        linear = self._on_pieces(i, None)
        entries = [(linear, every, every)]
        own = bent.units[[copy is None for copy in copies]]
        if len(own):
            entries.append((self._smaller(i, node, own), own, np.arange(len(own))))
        pairs = [(unit, copy) for unit, copy in zip(bent.units.tolist(), copies, strict=True) if copy is not None]
        for whole in (True, False):
            some = [(unit, copy) for unit, copy in pairs if copy.whole == whole]
            if some:
                units = np.array([unit for unit, _ in some])
                entries.append(
                    (self._copied(linear, units, [copy for _, copy in some], whole), units, np.arange(len(some)))
                )
        return self._collected(entries, node.shape, f"{node.name}, units of others")

    def _copied(self, linear: int, units: Rows, copies: list[Copy], whole: bool) -> int:
        """Some units as those that they are copies of make them; ``linear``: all units on their pieces at the point."""
        count, places = len(units), [copy.place for copy in copies]
        read = self._at(places, lambda node, _: self.places[node], lambda entries: entries)
        if not whole:
            pieces = self._at(places, self._on_pieces, lambda entries: np.arange(len(entries)))
            read = self._add(Node(Sum((1.0, -1.0)), (read, pieces), (count,), "beyond pieces"))
        read = self._scaled(read, [copy.factor for copy in copies])
        if whole:
            return read
        return self._add(
            Node(Sum((1.0, 1.0)), (self._gathered(units, "pieces", linear), read), (count,), "on all pieces")
        )

    def _at(self, places: list[Place], made: Callable[[int, Rows], int], at: Callable[[Rows], Rows]) -> int:
        """Entries of several nodes of the network, in order: those of what is ``made`` of each node and its entries."""
        nodes, entries = np.array(places).T
        parts = []
        for i in np.unique(nodes).tolist():
            positions = np.flatnonzero(nodes == i)
            parts.append((made(i, entries[positions]), positions, at(entries[positions])))
        return self._collected(parts, (len(places),), "units of others")

    def _collected(self, parts: list[tuple[int, Rows, Rows]], shape: tuple[int, ...], name: str) -> int:
        """Of several nodes, each with places and entries: the entries at these places, of the last one that has any."""
        index, inputs, start = np.full(prod(shape), -1), [], 0
        for node, positions, entries in parts:
            index[positions] = start + entries
            inputs.append(node)
            start += self.nodes[node].size
        return self._gathered(index.reshape(shape), name, *inputs)

    def _scaled(self, source: int, factors: list[Fraction]) -> int:
        """The entries of a node times factors, of which float64 holds numerators and denominators."""
        shape = self.nodes[source].shape
        over, under = (
            np.array(part, np.float64) for part in zip(*(x.as_integer_ratio() for x in factors), strict=True)
        )
        dyadic = np.frexp(under)[0] == 0.5
        over, under = np.where(dyadic, over / under, over), np.where(dyadic, 1.0, under)
        if (over != 1).any():
            source = self._add(Node(Scale(over, np.zeros(len(over))), (source,), shape, "times factors"))
        if (under != 1).any():
            source = self._add(Node(Divide(under), (source,), shape, "divided"))
        return source

    def _on_pieces(self, i: int, some: Rows | None) -> int:
        """Some units of a node, in that order, or all, as far as none bends: their pieces at the point."""
        node = self.network.nodes[i]
        (argument,) = (self.places[j] for j in node.inputs)
        units, shape = (np.arange(node.size), node.shape) if some is None else (some, some.shape)
        pieces = self.here[i][units]
        if not isinstance(node.op, Piecewise):
            index = units * (self.nodes[argument].size // node.size) + pieces
            return self._gathered(index.reshape(shape), f"{node.name}, on pieces", argument)
        if some is not None:
            argument = self._gathered(units, f"{node.name}, arguments", argument)
        parts = (table(part, node)[pieces, units] for part in (node.op.slopes, node.op.intercepts))
        factor, shift = (part.astype(np.float64).reshape(shape) for part in parts)
        return self._add(Node(Scale(factor, shift), (argument,), shape, f"{node.name}, on pieces"))

    def _smaller(self, i: int, node: Node, units: Rows) -> int:
        """Some units of a node as a node of their own."""
        (argument,) = node.inputs
        op: Op = node.op
        if isinstance(op, Piecewise):
            entries = units
            op = Piecewise(op.breakpoints, table(op.slopes, node)[:, units], op.value)
        else:
            width = prod(self.nodes[argument].shape) // node.size
            entries = units[:, None] * width + np.arange(width)
        source = self._gathered(entries, f"{node.name}, arguments", argument)
        made = self._add(Node(op, (source,), (len(units),), f"{node.name}, own units"))
        self.origins[made] = i, entries.ravel()
        return made
