"""Certificates without coordinates: each vertex is named by an edge and a function that vanishes on it.

No exact number is computed to make one. A vertex came up where a function crossed an edge of what was there before, so
that the ends of this edge, and the function, tell where it is; the walls of a partition with exact predicates tell the
rest. Nothing here is trusted: the independent checker finds the vertices again, and applies the rules (proofs/,
Theorem 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checker
from ..claims.document import document, proof
from ..claims.naming import Naming
from ..geometry.domain import Domain
from ..network.network import Network
from ..network.operators import Piecewise
from ..tiling.tiling import Tiling

BITS = (128, 256, 512, 1024)
"""How many bits are tried, one after the other."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Where the vertices are, and the outputs there: integers over one denominator."""

    places: NDArray[Any]
    """(V, D), rounded."""
    centres: NDArray[Any]
    """(V, m)"""
    radii: NDArray[Any]
    """How far the outputs are from the centres at most, (V, m)."""
    one: int


class Level(NamedTuple):
    """When a vertex came up: at which stage (-1: of the domain), and how many more functions of it meet there."""

    stage: int
    depth: int


def certified(part: Tiling) -> tuple[Naming, Bounds] | None:
    """The regions of a partition by names that prove them, and bounds of the outputs; None where names cannot.

    So it is where more walls meet in a vertex than its coordinates need, and no structure of the network says why.
    """
    naming = naming_of(part)
    for bits in BITS if naming is not None else ():
        assert naming is not None
        naming = replace(naming, bits=bits)
        try:
            return naming, proved(part.network, part.domain, naming)
        except checker.Open:
            continue
        except checker.Rejected:
            break
    return None


def proved(network: Network, domain: Domain, naming: Naming) -> Bounds:
    """What the checker says of the outputs at the vertices; raises ``checker.Rejected`` if it rejects the regions."""
    entry = document("partition", (network,), domain, {"regions": len(naming)}, 3)
    read = checker.Network.of(entry["networks"][0], {}, len(json.dumps(entry["domain"])))
    named = checker.named_tiling(read, checker.Domain.of(entry["domain"], [read], 3), proof(naming))
    centres, radii = (_table([balls[k] for balls in named.outputs]) for k in (0, 1))
    return Bounds(_table([place for place, _ in named.places]), centres, radii, named.one)


def _table(rows: list[list[Any]]) -> NDArray[Any]:
    return np.array([[int(x) for x in row] for row in rows], dtype=object)


def naming_of(part: Tiling) -> Naming | None:
    """The names of the vertices of a partition; None where its walls have no names, or do not tell enough."""
    return None if part.walls is None else _Walls(part).naming()


class _Walls:
    """Which walls meet in the vertices of a partition, and which hold its edges."""

    def __init__(self, part: Tiling) -> None:
        walls, facets = part.walls, part.facets()
        assert walls is not None and facets.walls is not None
        self._part, self._dim = part, part.domain.dim
        keys = np.stack([walls.stage, walls.first, walls.second, walls.level.view(np.int64)], axis=1)[facets.walls]
        names, number = np.unique(keys, axis=0, return_inverse=True)
        number = number.ravel()
        self._stage: list[int] = names[:, 0].tolist()
        self._columns = [self._column(name) for name in names.tolist()]
        vertices = len(part.vertices)
        self._through: list[set[int]] = [set() for _ in range(vertices)]
        facets_at: list[set[int]] = [set() for _ in range(vertices)]
        for facet, corners in enumerate(facets.vertices):
            for v in corners.tolist():
                self._through[v].add(int(number[facet]))
                facets_at[v].add(facet)
        self._edges: list[list[tuple[int, set[int]]]] = [[] for _ in range(vertices)]
        for a, b in part.faces(1).values.reshape(-1, 2).tolist():
            held = {int(number[facet]) for facet in facets_at[a] & facets_at[b]}
            self._edges[a].append((b, held))
            self._edges[b].append((a, held))
        self._levels = [self._level(v) for v in range(vertices)]

    def naming(self) -> Naming | None:
        """See ``naming_of``; without a number of bits."""
        order = sorted(range(len(self._levels)), key=self._levels.__getitem__)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        corners = [v for v in order if self._levels[v].stage < 0]
        names = []
        for v in order[len(corners) :]:
            name = next(self._names(v), None)
            if name is None:
                return None
            (p, q), column = name
            names.append([int(place[p]), int(place[q]), *column])
        regions = len(self._part)
        owner, simplices = self._part.arrangement.simplices(self._dim, np.arange(regions))
        row = np.argsort(owner, kind="stable")
        offsets = np.append(0, np.bincount(owner, minlength=regions).cumsum())
        points = np.asarray(self._part.vertices[corners], np.float64)
        table = np.array(names, np.int64).reshape(-1, 5)
        return Naming(points, table, np.sort(place[simplices[row]], axis=1), offsets, BITS[0])

    def _column(self, name: list[int]) -> tuple[int, int, int]:
        """The node and the two numbers by which a certificate names a function; of a side nothing."""
        stage, first, second, level = name
        if stage < 0:
            return -1, first, 0
        node = self._part.network.nonlinear[stage]
        op = self._part.network.nodes[node].op
        if isinstance(op, Piecewise):
            return node, first, int(np.flatnonzero(op.breakpoints == np.int64(level).view(np.float64))[0])
        return node, min(first, second), max(first, second)

    def _level(self, v: int) -> Level:
        """The stage of the last of the D first functions that vanish at a vertex, and how many more are of it."""
        stages = sorted(self._stage[name] for name in self._through[v])[: self._dim]
        last = stages[-1]
        return Level(last, stages.count(last) - 1 if last >= 0 else 0)

    def _names(self, v: int) -> Iterator[tuple[tuple[int, int], tuple[int, int, int]]]:
        """The ends and the functions by which a vertex can be named."""
        known = sorted(name for name in self._through[v] if self._stage[name] <= self._levels[v].stage)
        for name in known:
            if self._stage[name] == self._levels[v].stage:
                for held in combinations([other for other in known if other != name], self._dim - 1):
                    ends = self._ends(v, set(held))
                    if ends is not None:
                        yield ends, self._columns[name]

    def _ends(self, v: int, held: set[int]) -> tuple[int, int] | None:
        """The two vertices nearest to one, along the edges on some walls, that were there before it."""
        ways = [w for w, walls in self._edges[v] if held <= walls]
        if len(ways) != 2:
            return None
        one, other = (self._walk(v, w, held) for w in ways)
        return None if one is None or other is None else (one, other)

    def _walk(self, v: int, w: int, held: set[int]) -> int | None:
        level, before = self._levels[v], v
        while not self._levels[w] < level:
            ways = [x for x, walls in self._edges[w] if held <= walls and x != before]
            if len(ways) != 1:
                return None
            before, w = w, ways[0]
        return w
