"""Certificates without coordinates: each vertex is named by an edge and a function that vanishes on it.

No exact number is computed to make one. A vertex came up where a function crossed an edge of what was there before, so
that the ends of this edge, and the function, tell where it is; the walls of a partition with exact predicates tell the
rest. Nothing here is trusted: the independent checker finds the vertices again, and applies the rules (proofs/,
Theorem 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checker
from ..claims.document import document, proof
from ..claims.naming import Naming
from ..errors import ArgumentError
from ..geometry.domain import Domain
from ..network.digest import Entry
from ..network.network import Network
from ..network.operators import Piecewise
from ..tiling.tiling import Tiling

BITS = (128, 256, 512, 1024)
"""How many bits are tried, one after the other."""


_ALONG = 2.0**-16
"""A vector that is so short beside a unit vector lies in the span of others: the checker knows better."""


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


Ends = tuple[int, int]
"""Two vertices."""
Column = tuple[int, int, int]
"""A node, and two numbers that name a function of it."""
Held = tuple[int, ...]
"""Walls that an edge lies on, increasing."""


class Level(NamedTuple):
    """When a vertex came up: at which stage (-1: of the domain), and how many more functions of it meet there."""

    stage: int
    depth: int


def certified(part: Tiling) -> tuple[Naming, Bounds] | None:
    """The regions of a partition by names that prove them, and bounds of the outputs; None where names cannot.

    So it may be where a vertex lies on no edge of what was there before. Raises ``ArgumentError`` for a network beyond
    the limits of the format.
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
        except checker.Malformed as error:
            raise ArgumentError(
                "network and domain must be within the limits of a certificate (proofs/certificate-format.md); certify "
                f"a smaller part of them. The checker says: {error}."
            ) from None
    return None


def proved(network: Network, domain: Domain, naming: Naming) -> Bounds:
    """What the checker says of the outputs at the vertices; raises ``checker.Rejected`` if it rejects the regions."""
    return _bounds("partition", (network,), domain, {"regions": len(naming)}, naming)


def proved_equal(networks: tuple[Network, Network], domain: Domain, naming: Naming) -> tuple[Naming, Bounds] | None:
    """The regions of two networks together, by names that prove them, and that the outputs are equal; else None."""
    for bits in BITS:
        wide = replace(naming, bits=bits)
        try:
            return wide, _bounds("equal-networks", networks, domain, {}, wide)
        except checker.Open:
            continue
        except checker.Rejected:
            break
    return None


@checker.uncollected()
def _bounds(kind: str, networks: tuple[Network, ...], domain: Domain, claim: Entry, naming: Naming) -> Bounds:
    """What the checker says of the outputs at the vertices of a proof of version 3, if it accepts it."""
    entry = document(kind, networks, domain, claim, 3)
    beside = len(json.dumps(entry["domain"]))
    read = [checker.Network.of(network, {}, beside) for network in entry["networks"]]
    both = len(read) > 1
    whole = checker.difference(*read) if both else read[0]
    plane = checker.Domain.of(entry["domain"], read, 3)
    named = checker.named_tiling(whole, plane, proof(naming), vanishing=both)
    centres, radii = (_table([balls[k] for balls in named.outputs]) for k in (0, 1))
    return Bounds(_table([place for place, _ in named.places]), centres, radii, named.one)


def _table(rows: list[list[Any]]) -> NDArray[Any]:
    return np.array([[int(x) for x in row] for row in rows], dtype=object)


@checker.uncollected()
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
        self._name_of: list[int] = number.ravel().tolist()
        self._facets = facets
        self._stage: list[int] = names[:, 0].tolist()
        self._columns = [self._column(name) for name in names.tolist()]
        vertices = len(part.vertices)
        self._through: list[set[int]] = [set() for _ in range(vertices)]
        self._facets_at: list[set[int]] = [set() for _ in range(vertices)]
        for facet, v in zip(facets.vertices.row_of.tolist(), facets.vertices.values.tolist(), strict=True):
            self._through[v].add(self._name_of[facet])
            self._facets_at[v].add(facet)
        self._along: list[dict[Held, list[int]]] = [{} for _ in range(vertices)]
        """Of each vertex the neighbours along the edges on some walls, one fewer than there are coordinates."""
        self._edges: list[list[int]] = part.faces(1).values.reshape(-1, 2).tolist()
        self._on: list[list[int]] = []
        """The walls that each edge lies on, increasing."""
        for a, b in self._edges:
            self._on.append(sorted({self._name_of[facet] for facet in self._facets_at[a] & self._facets_at[b]}))
            for held in combinations(self._on[-1], self._dim - 1):
                self._along[a].setdefault(held, []).append(b)
                self._along[b].setdefault(held, []).append(a)
        self._levels = [self._level(v) for v in range(vertices)]
        self._named: dict[int, tuple[Ends, Column]] = {}

    def naming(self) -> Naming | None:
        """See ``naming_of``; without a number of bits."""
        for v, level in enumerate(list(self._levels)):
            name = self._name(v) or self._by_extension(v) if level.stage >= 0 else None
            if name is not None:
                self._named[v] = name
            elif level.stage >= 0:
                return None
        order = sorted(range(len(self._levels)), key=self._levels.__getitem__)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        corners = [v for v in order if self._levels[v].stage < 0]
        told = [self._named[v] for v in order[len(corners) :]]
        names = [[int(place[p]), int(place[q]), *column] for (p, q), column in told]
        regions = len(self._part)
        owner, simplices = self._part.arrangement.simplices(self._dim, np.arange(regions))
        row = np.argsort(owner, kind="stable")
        offsets = np.append(0, np.bincount(owner, minlength=regions).cumsum())
        points = np.asarray(self._part.vertices[corners], np.float64)
        table = np.array(names, np.int64).reshape(-1, 5)
        return Naming(points, table, np.sort(place[simplices[row]], axis=1), offsets, BITS[0])

    def _column(self, name: list[int]) -> Column:
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
        """The stage of the last of the D first functions that vanish at a vertex, and how many more are of it.

        Vertices where walls end come before those where they cross, which may lie between them.
        """
        first = self._first(v)
        last = self._stage[first[-1]]
        earlier = tuple(name for name in first if self._stage[name] < last)
        depth = len(first) - len(earlier) - 1 if last >= 0 else 0
        return Level(last, depth + 1 if depth and not self._walls_end(v, last, earlier) else depth)

    def _first(self, v: int) -> list[int]:
        """The first walls through a vertex, by stage, that meet in no other point: as many as there are coordinates."""
        names = sorted(self._through[v], key=self._stage.__getitem__)
        if len(names) == self._dim or self._dim < 3:
            return names[: self._dim]
        chosen: list[int] = []
        span = np.zeros((0, self._dim))
        for name in names:
            normal = self._normal(v, name)
            rest = normal - span.T @ (span @ normal)
            size = float(np.linalg.norm(rest))
            if size > _ALONG and len(chosen) < self._dim:
                chosen.append(name)
                span = np.vstack([span, rest / size])
        return chosen

    def _normal(self, v: int, name: int) -> NDArray[np.float64]:
        """A vector of length 1 that is perpendicular to a wall through a vertex."""
        points = np.asarray(self._part.vertices, np.float64)
        facet = next(facet for facet in self._facets_at[v] if self._name_of[facet] == name)
        normal: NDArray[np.float64] = np.linalg.svd(points[self._facets.vertices[facet]] - points[v])[2][-1]
        return normal

    def _walls_end(self, v: int, stage: int, earlier: Held) -> bool:
        """Whether a line in walls of a stage, and of those earlier ones, ends at a vertex, in a plane or in space."""
        own = [name for name in self._through[v] if self._stage[name] == stage]
        lines = combinations(own, self._dim - 1 - len(earlier))
        return self._dim < 4 and any(
            len(self._along[v].get(tuple(sorted((*earlier, *line))), ())) == 1 for line in lines
        )

    def _name(self, v: int) -> tuple[Ends, Column] | None:
        """The ends and the function by which a vertex is named; None where there are none.

        Where more walls meet than its coordinates need, in three dimensions, some hold the edge on which it lies: the
        wall is taken that this edge goes through most steeply.
        """
        candidates = self._names(v)
        if len(self._through[v]) > self._dim > 2:
            candidates = iter(sorted(candidates, key=lambda way: -self._apart(v, *way)))
        ends, name = next(candidates, (None, None))
        return None if ends is None or name is None else (ends, self._columns[name])

    def _apart(self, v: int, ends: Ends, name: int) -> float:
        """How far apart two vertices are across a wall through a vertex, relative to their distance."""
        step = np.subtract(*np.asarray(self._part.vertices, np.float64)[list(ends)])
        return float(abs(self._normal(v, name) @ step) / np.linalg.norm(step))

    def _names(self, v: int) -> Iterator[tuple[Ends, int]]:
        """The ends and the walls by which a vertex can be named."""
        known = sorted(name for name in self._through[v] if self._stage[name] <= self._levels[v].stage)
        for name in known:
            if self._stage[name] == self._levels[v].stage:
                for held in combinations([other for other in known if other != name], self._dim - 1):
                    ends = self._ends(v, held)
                    if ends is not None:
                        yield ends, name

    def _by_extension(self, v: int) -> tuple[Ends, Column] | None:
        """A name of a vertex where walls of one maximum end: on one of these, prolonged to a new vertex.

        So it is in a plane, or in a wall of an earlier stage in space. The new vertex is where the function of the one
        wall vanishes on the border of what was one cell before.
        """
        stage = self._levels[v].stage
        own = sorted(name for name in self._through[v] if self._stage[name] == stage)
        earlier = tuple(name for name in self._first(v) if self._stage[name] < stage)
        for name in own if self._dim - len(earlier) == 2 and self._dim < 4 else ():
            held = tuple(sorted((*earlier, name)))
            ways = self._along[v].get(held, [])
            start = self._walk(v, ways[0], held, self._levels[v]) if len(ways) == 1 else None
            ends = None if start is None else self._border_beyond(v, start, earlier, stage)
            if start is not None and ends is not None:
                new = len(self._levels)
                self._levels.append(Level(stage, 0))
                self._named[new] = ends, self._columns[name]
                return (start, new), self._columns[next(other for other in own if other != name)]
        return None

    def _border_beyond(self, v: int, start: int, flat: Held, stage: int) -> Ends | None:
        """The ends of the edge by which a ray from another vertex leaves what was the cell around a vertex before.

        Within a wall, if there is one in ``flat``.
        """
        points = np.asarray(self._part.vertices, np.float64)
        if flat:
            points = points @ np.linalg.svd(self._normal(v, flat[0])[None])[2][1:].T
        ray = points[v] - points[start]
        for edge, wall in self._border(v, flat, stage):
            (x, y), held = self._edges[edge], tuple(sorted((*flat, wall)))
            past_x, past_y = self._walk(y, x, held, Level(stage, 0)), self._walk(x, y, held, Level(stage, 0))
            if past_x is None or past_y is None:
                continue
            sides = [
                float(ray[0] * step[1] - ray[1] * step[0])
                for step in (points[past_x] - points[v], points[past_y] - points[v])
            ]
            if sides[0] * sides[1] < 0:
                share = sides[0] / (sides[0] - sides[1])
                if (points[past_x] + share * (points[past_y] - points[past_x]) - points[v]) @ ray > 0:
                    return past_x, past_y
        return None

    def _border(self, v: int, flat: Held, stage: int) -> Iterator[tuple[int, int]]:
        """The edges around what was one face at a vertex before a stage, and walls of earlier stages that they lie on.

        That is a face in a wall, if there is one in ``flat``, else a region.
        """
        edges_of, faces_of = self._faces
        faces = {next(face for face in self._faces_at(v) if self._lies_on(face, flat))}
        left = list(faces)
        while left:
            for edge in edges_of[left.pop()]:
                walls = [name for name in self._on[edge] if name not in flat and self._stage[name] < stage]
                if walls:
                    yield edge, walls[0]
                    continue
                new = {face for face in faces_of[edge] if self._lies_on(face, flat)} - faces
                faces |= new
                left += new

    @cached_property
    def _faces(self) -> tuple[list[list[int]], list[list[int]]]:
        """The edges of each two-dimensional face, and the faces of each edge."""
        edges_of = [edges.tolist() for edges in self._part.boundary(2)]
        faces_of: list[list[int]] = [[] for _ in self._edges]
        for face, edges in enumerate(edges_of):
            for edge in edges:
                faces_of[edge].append(face)
        return edges_of, faces_of

    def _faces_at(self, v: int) -> Iterable[int]:
        """Two-dimensional faces at a vertex."""
        facets = self._facets_at[v]
        return facets if self._dim == 3 else (int(self._facets.regions[facet, 0]) for facet in facets)

    def _lies_on(self, face: int, flat: Held) -> bool:
        """Whether a two-dimensional face lies on a wall, if one is given."""
        return not flat or self._name_of[face] in flat

    def _ends(self, v: int, held: Held) -> Ends | None:
        """The two vertices nearest to one, along the edges on some walls, that were there before it."""
        ways = self._along[v].get(held, ())
        if len(ways) != 2:
            return None
        first, second = (self._walk(v, w, held, self._levels[v]) for w in ways)
        return None if first is None or second is None else (first, second)

    def _walk(self, v: int, w: int, held: Held, level: Level) -> int | None:
        """The next vertex below a level, from one by way of a neighbour and on along the same walls; None if none is.

        The line may close.
        """
        before = v
        while not self._levels[w] < level:
            ways = [x for x in self._along[w][held] if x != before]
            if len(ways) != 1 or w == v:
                return None
            before, w = w, ways[0]
        return w
