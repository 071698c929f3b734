"""A network without units that are copies of others: two networks beside each other often bend in the same places.

What is proposed here is not trusted: regions by the units that are left are put to the checker with the network as it
was, which finds the zeros of all units (proofs/, Theorem 7 (f)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..backends.exact.fingerprints import fingerprints
from ..claims.naming import Naming
from ..fields.spans import Bent, Ranges
from ..geometry.domain import Domain
from ..network.network import Network, Node, table
from ..network.operators import Gather, Max, Op, Piecewise, Scale

Rows = NDArray[np.int64]
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


def without_copies(network: Network, domain: Domain, ranges: Ranges, start: int) -> WithoutCopies:
    """The network whose nodes from ``start`` on read units that others before them have instead of having their own.

    ``ranges``: by nonlinear node the lowest and the highest piece of each unit on the domain. Units that keep to one
    piece there become linear.
    """
    known: dict[tuple[float, ...], Place] = {}
    copies: dict[int, tuple[Bent, list[Place | None]]] = {}
    for i, bent, prints in fingerprints(network, domain, ranges):
        keys = prints.of(bent.units)
        places = [known.get(key) for key in keys]
        if i >= start and (any(places) or not places) and _is_plain(network.nodes[i]):
            copies[i] = bent, places
        for key, unit in zip(keys, bent.units.tolist(), strict=True):
            known.setdefault(key, (i, unit))
    return _Rewriting(network, copies).made()


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
    copies: Mapping[int, tuple[Bent, list[Place | None]]]
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

    def _replaced(self, i: int, node: Node, bent: Bent, known: list[Place | None]) -> int:
        """A node that reads the units that are there already, and has the others."""
        own = np.array([place is None for place in known])
        index, inputs = np.arange(node.size), [self._on_lowest_pieces(node, bent)]
        taken: dict[int, list[tuple[int, int]]] = {}
        for unit, place in zip(bent.units.tolist(), known, strict=True):
            if place is not None:
                taken.setdefault(self.places[place[0]], []).append((unit, place[1]))
        if own.any():
            units = bent.units[own]
            taken[self._smaller(i, node, units)] = [(unit, k) for k, unit in enumerate(units.tolist())]
        size = node.size
        for source, entries in taken.items():
            for unit, entry in entries:
                index[unit] = size + entry
            inputs.append(source)
            size += self.nodes[source].size
        return self._gathered(index.reshape(node.shape), f"{node.name}, units of others", *inputs)

    def _on_lowest_pieces(self, node: Node, bent: Bent) -> int:
        """The node as far as no unit bends."""
        (argument,) = node.inputs
        if isinstance(node.op, Piecewise):
            unit = np.arange(node.size)
            parts = (table(part, node)[bent.base, unit] for part in (node.op.slopes, node.op.intercepts))
            factor, shift = (part.astype(np.float64).reshape(node.shape) for part in parts)
            return self._add(Node(Scale(factor, shift), (argument,), node.shape, f"{node.name}, on pieces"))
        width = self.nodes[argument].size // node.size
        return self._gathered(np.arange(node.size) * width + bent.base, f"{node.name}, on pieces", argument)

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
