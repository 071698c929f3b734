"""Linear regions: the activation regions of a partition with one and the same affine map, joined.

Equality of two maps is decided exactly, by the ladder: structure says which are certainly the same (``relevance``),
float64 with its error bounds, then long numbers, which certainly differ, and the others are compared as rationals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import VerificationError, check_planar
from ..geometry.ladder import Rung, climb
from ..geometry.outlines import HalfEdges, Rings, rings
from ..local.evaluate import batches
from ..network.relevance import reduced
from ..runtime.ieee import ieee
from ..runtime.inputs import one_of, whole
from ..runtime.pictures import picture
from ..tiling.tiling import Tiling
from .dual_graph import centroids_of, classes_of, named, records, sizes_of_facets, slopes_of
from .exact_maps import Forms

if TYPE_CHECKING:
    import networkx

Join = Literal["connected", "everywhere"]
Rows = NDArray[np.int64]

Enclosures = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Numbers, and bounds on how far the exact ones are."""

_PARTS = (2, 5)
"""Of the long numbers in which maps are compared that float64 does not tell apart."""

_MARGIN = 2.0**-50
"""More than the rounding of a difference and a sum of two float64 numbers, relative to them: 2^-53 each."""

_ROUNDING = 2.0**-49
"""More than the relative rounding of a cross product and of its bound: at most a dozen operations, 2^-53 each."""


@ieee
@dataclass(frozen=True, eq=False)
class Merged:
    """The linear regions of a partition, L of them; they need be neither convex nor simply connected."""

    partition: Tiling
    labels: Rows
    """The linear region of each activation region, int64 (R,); numbered by their first activation regions."""
    components: Rows
    """The connected part of a linear region that each activation region lies in, int64 (R,), numbered likewise; the
    same as ``labels`` unless ``join="everywhere"``."""
    join: Join
    """Whether a linear region is connected, or holds all activation regions with its map, wherever they lie."""
    settled: int
    """How many maps were compared exactly, those that neither float64 told apart nor structure to be the same."""

    def __len__(self) -> int:
        return int(self.labels.max()) + 1

    def __repr__(self) -> str:
        return f"<Merged: {len(self)} linear regions of {len(self.partition)} activation regions, {self.join}>"

    @cached_property
    def representatives(self) -> Rows:
        """The first activation region of each linear region, int64 (L,)."""
        return np.unique(self.labels, return_index=True)[1]

    def volumes(self) -> NDArray[Any]:
        """The volume (area) of each linear region, (L,); they add up to the domain's."""
        volumes = self.partition.volumes()
        total = np.zeros(len(self), dtype=volumes.dtype)
        np.add.at(total, self.labels, volumes)
        return total

    def affine_maps(self, *, frame: Literal["slice", "input"] = "slice") -> tuple[NDArray[Any], NDArray[Any]]:
        """The affine map of each linear region, A (L, m, k) and b (L, m); see ``Partition.affine_maps``.

        With ``frame="input"`` A is the Jacobian on its first activation region: on others, which agree on the slice
        only, it may be another.
        """
        return self.partition.affine_maps(self.representatives, frame=frame)

    def locate(self, u: ArrayLike) -> Rows:
        """For points u (M, D) of the slice, or one (D,), a linear region that contains each, or -1; int64 (M,)."""
        located = self.partition.locate(u)
        return np.where(located >= 0, self.labels[located], -1)

    @cached_property
    def outlines(self) -> Outlines:
        """The rings that bound the linear regions.

        Raises ``UnsupportedDimensionError`` unless D = 2, and ``VerificationError`` when regions are ambiguous: where
        those bend can't be decided.
        """
        check_planar(self.partition.domain.dim, "outlines, polygons and convexity of linear regions")
        if len(self.partition.ambiguous):
            raise VerificationError(
                f"the partition has {len(self.partition.ambiguous):,} ambiguous regions, whose outlines cannot be "
                "decided. Use predicates='exact', or certify the partition and take Certificate.partition."
            )
        edges = HalfEdges.of(self.partition.facets())
        traced = rings(edges, self.components)
        turns = _turns(self.partition, edges, traced)
        kept = np.flatnonzero(turns)
        offsets = np.searchsorted(kept, traced.edges.offsets)
        owner = np.zeros(int(self.components.max()) + 1, np.int64)
        owner[self.components] = self.labels
        return Outlines(
            rings=Ragged(edges.origin[traced.edges.values[kept]], offsets),
            regions=owner[traced.labels],
            components=traced.labels,
            holes=traced.holes,
            reflex=np.asarray(traced.edges.reduce(np.minimum, turns) < 0),
        )

    def polygons(self, region: int) -> list[list[NDArray[Any]]]:
        """The polygons that a linear region consists of: each a list of rings (N, 2), its shell and then its holes.

        Shells are counter-clockwise and holes clockwise; a ring lists corners only. There is one polygon, unless
        ``join="everywhere"``. Coordinates are the partition's.
        """
        region = whole("region", region, 0, len(self) - 1)
        outlines = self.outlines
        chosen = np.flatnonzero(outlines.regions == region)
        chosen = chosen[np.lexsort((outlines.holes[chosen], outlines.components[chosen]))]
        polygons: list[list[NDArray[Any]]] = []
        for ring in chosen.tolist():
            if not outlines.holes[ring]:
                polygons.append([])
            polygons[-1].append(self.partition.vertices[outlines.rings[ring]])
        return polygons

    @cached_property
    def convex(self) -> NDArray[np.bool_]:
        """Whether each linear region is convex, decided exactly, bool (L,)."""
        outlines = self.outlines
        convex = np.bincount(outlines.regions, minlength=len(self)) == 1
        convex[outlines.regions[outlines.reflex]] = False
        return np.asarray(convex)

    def dual_graph(self) -> networkx.Graph:
        """The graph of linear regions that share a facet; see ``cpwl.regions.merged.merged_graph``."""
        return merged_graph(self)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draws the linear regions and returns the matplotlib axes; see ``cpwl.plots.plot_merged``."""
        return picture("plot_merged")(self, ax, **options)


@ieee
@dataclass(frozen=True, eq=False)
class Outlines:
    """The rings that bound linear regions: N simple closed curves, with the region on their left."""

    rings: Ragged
    """The corners of each ring, as indices into the partition's vertices; where it does not turn there is none."""
    regions: Rows
    """The linear region of each, int64 (N,)."""
    components: Rows
    """The connected part of it, int64 (N,)."""
    holes: NDArray[np.bool_]
    """Which of them are holes (clockwise), bool (N,)."""
    reflex: NDArray[np.bool_]
    """Which of them turn right somewhere, bool (N,)."""


def merged(partition: Tiling, *, join: Join = "connected") -> Merged:
    """The linear regions of a partition: activation regions with the same affine map on the slice, joined.

    ``join="connected"``: a linear region is a maximal set that is connected through facets; two activation regions that
    touch in one point only are not joined. ``join="everywhere"``: all with the same map are one, wherever they lie.
    Maps are compared exactly, as rationals where float64 does not tell them apart, on the patterns of the partition;
    with ``predicates="float"`` that says nothing of regions that are ambiguous, and while there are some, outlines and
    convexity are refused. Raises ``IncompleteError`` for a partition that is not complete: how far a linear region
    reaches depends on all of them.
    """
    one_of("join", join, get_args(Join))
    partition.check_complete("which regions make up a linear region")
    comparison = Comparison(partition)
    sides = partition.facets().regions
    inner = sides[sides[:, 1] >= 0]
    components = _connected(inner[comparison.equal(inner)], len(partition))
    labels = components
    if join == "everywhere":
        first = np.unique(components, return_index=True)[1]
        labels = _numbered(comparison.classes(first))[components]
    return Merged(partition, labels, components, join, len(comparison.names))


class Comparison:
    """Which regions of a partition have the same affine map.

    Regions are of one *kind* if structure tells that their maps are the same; only maps of kinds are computed.
    """

    def __init__(self, partition: Tiling) -> None:
        self._partition, self._forms = partition, Forms(partition)
        self._kinds, self._first = _kinds(partition)
        self._seen: dict[tuple[tuple[int, int], ...], int] = {}
        self.names: dict[int, int] = {}
        """A number for the exact map of each kind that was asked for: equal maps have equal numbers."""

    def equal(self, pairs: Rows) -> NDArray[np.bool_]:
        """For pairs of regions (n, 2) whether their maps are equal."""
        kinds, equal = self._kinds[pairs], np.zeros(len(pairs), np.bool_)

        def by_structure(some: Rows) -> NDArray[np.bool_]:
            equal[some] = kinds[some, 0] == kinds[some, 1]
            return ~equal[some]

        def by_rationals(some: Rows) -> NDArray[np.bool_]:
            self._name(np.unique(kinds[some]))
            equal[some] = [self.names[kind] == self.names[other] for kind, other in kinds[some].tolist()]
            return np.zeros(len(some), np.bool_)

        def by(known: Callable[[Rows], Enclosures | None]) -> Callable[[Rows], NDArray[np.bool_]]:
            return lambda some: self._undecided(kinds[some], known)

        by_bounds = Rung("float64", by(self._by_bounds))
        closer = (Rung("long number", by(partial(self._closely, parts))) for parts in _PARTS)
        climb([Rung("name", by_structure), by_bounds, *closer, Rung("integer", by_rationals)], len(pairs))
        return equal

    def classes(self, regions: Rows) -> Rows:
        """A number for each of the given regions, the same for those with equal maps."""
        kinds, place = np.unique(self._kinds[regions], return_inverse=True)
        groups = np.zeros(len(kinds), np.int64)
        rungs: list[Callable[[Rows], Enclosures | None]] = [self._by_bounds]
        rungs += [partial(self._closely, parts) for parts in _PARTS]
        for known in rungs:
            shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
            table = known(kinds[shared])
            if len(shared) and table is not None:
                finer = np.stack([groups, np.zeros_like(groups)])
                finer[1, shared] = _groups(*table)
                groups = np.unique(finer, axis=1, return_inverse=True)[1].reshape(-1)
        shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
        self._name(kinds[shared])
        numbers = np.arange(len(kinds)) + len(self._seen)
        numbers[shared] = [self.names[kind] for kind in kinds[shared].tolist()]
        return numbers[place]

    def _undecided(self, pairs: Rows, known: Callable[[Rows], Enclosures | None]) -> NDArray[np.bool_]:
        """The pairs of kinds whose maps are not told apart by what is known of them; all of them where nothing is."""
        used, place = np.unique(pairs, return_inverse=True)
        table = known(used)
        if table is None:
            return np.ones(len(pairs), np.bool_)
        values, errors = (part[place.reshape(pairs.shape)] for part in table)
        apart = np.abs(values[:, 0] - values[:, 1]) * (1 - _MARGIN)
        differ = apart > (errors[:, 0] + errors[:, 1]) * (1 + _MARGIN)
        return np.asarray(~differ.any(axis=1))

    def _by_bounds(self, kinds: Rows) -> Enclosures | None:
        """The entries of the maps of some kinds, and bounds on their errors; None where there are no float maps.

        In a large network they come from what spans them where few units bend, which costs less than a row a region.
        """
        closely = self._closely(1, kinds)
        if closely is not None or self._partition.arrangement.exact:
            return closely
        values, errors = self._enclosures
        return values[kinds], errors[kinds]

    def _closely(self, parts: int, kinds: Rows) -> Enclosures | None:
        """The same from long numbers of so many parts; None where these cost as much as rationals."""
        entries = self._partition.network.outputs * (self._partition.domain.dim + 1)
        values, errors = np.empty((2, len(kinds), entries))
        for some, maps in self._forms.outputs(self._first[kinds], parts):
            if maps is None:
                return None
            values[some], errors[some] = (table.reshape(-1, entries) for table in maps.rounded())
        return values, errors

    @cached_property
    def _enclosures(self) -> Enclosures:
        """The entries of the maps of all kinds in float64 and bounds on their errors, (kinds, K) each."""
        parts = self._partition.affine_maps(self._first), self._partition.map_errors(self._first)
        values, errors = (np.concatenate([a.reshape(len(b), -1), b], axis=1) for a, b in parts)
        return values, errors

    def _name(self, kinds: Rows) -> None:
        new = np.array([kind for kind in kinds.tolist() if kind not in self.names], np.int64)
        for kind, weight, bias in zip(new.tolist(), *self._forms.maps(self._first[new]), strict=True):
            entries = [*weight.ravel().tolist(), *bias.tolist()]
            key = tuple((x.numerator, x.denominator) for x in entries)
            self.names[kind] = self._seen.setdefault(key, len(self._seen))


def _groups(values: NDArray[np.float64], errors: NDArray[np.float64]) -> Rows:
    """A number for each row, certainly another one for those whose intervals are apart in some entry."""
    low, high = (np.nextafter(values + sign * errors, sign * np.inf) for sign in (-1, 1))
    order = np.argsort(low, axis=0)
    low, high = (np.take_along_axis(table, order, axis=0) for table in (low, high))
    gaps = low[1:] > np.maximum.accumulate(high, axis=0)[:-1]
    groups = np.zeros(values.shape, np.int64)
    np.put_along_axis(groups, order[1:], np.cumsum(gaps, axis=0), axis=0)
    return np.unique(groups, axis=0, return_inverse=True)[1].reshape(-1)


def _kinds(partition: Tiling) -> tuple[Rows, Rows]:
    """A number for each region, equal for those on which the same pieces are relevant; the first region of each."""
    network, known = partition.network, dict[bytes, int]()
    kinds = np.zeros(len(partition), np.int64)
    for part in batches(len(partition), network):
        patterns = reduced(network, partition.patterns(np.arange(part.start, part.stop)))
        kinds[part] = [known.setdefault(sha256(row.tobytes()).digest(), len(known)) for row in patterns]
    return kinds, np.unique(kinds, return_index=True)[1]


def _connected(pairs: Rows, count: int) -> Rows:
    """The connected part that each of ``count`` regions is in, numbered by their first regions."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), "i1"), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return _numbered(connected_components(graph, directed=False)[1])


def _numbered(names: NDArray[Any]) -> Rows:
    """The names as numbers 0, 1, ... in the order of their first use."""
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


# ---- turns ---------------------------------------------------------------------------------------------------------
def _turns(partition: Tiling, edges: HalfEdges, traced: Rings) -> NDArray[np.int8]:
    """At the origin of each half-edge of the rings: 1 if the ring turns left there, -1 right, 0 straight; exactly.

    On the domain's boundary a ring turns left where it leaves or joins that boundary, as the domain is convex, and
    along the boundary it turns at the domain's corners alone. Elsewhere it is a matter of signs: of the float64
    coordinates where their errors allow, else of the exact functions that vanish on the two edges.
    """
    after = traced.edges.values
    before = np.empty_like(after)
    before[traced.edges.successor] = after
    turns = np.ones(len(after), np.int8)
    border = [edges.left[half ^ 1] < 0 for half in (before, after)]
    along = border[0] & border[1]
    turns[along] = _is_corner(partition, edges.origin[after[along]])
    inner = np.flatnonzero(~border[0] & ~border[1])

    def by_bounds(some: Rows) -> NDArray[np.bool_]:
        turns[inner[some]] = _float_turns(partition, edges, before[inner[some]], after[inner[some]])
        return np.asarray(turns[inner[some]] == 0)

    def by_integers(some: Rows) -> NDArray[np.bool_]:
        turns[inner[some]] = _exact_turns(partition, edges, before[inner[some]], after[inner[some]])
        return np.zeros(len(some), np.bool_)

    climb([Rung("float64", by_bounds), Rung("integer", by_integers)], len(inner))
    return turns


def _is_corner(partition: Tiling, vertices: Rows) -> NDArray[np.bool_]:
    """Which vertices are corners of the domain: these are known without error, and distinct points."""
    places, errors = partition.vertices[vertices], partition.arrangement.coordinates().errors()[vertices]
    corners = {tuple(corner) for corner in partition.domain.polytope.vertices.tolist()}
    at = np.array([tuple(place) in corners for place in places.tolist()], np.bool_)
    return np.asarray(at & (errors == 0))


def _float_turns(partition: Tiling, edges: HalfEdges, before: Rows, after: Rows) -> NDArray[np.int8]:
    """The turns that float64 coordinates are certain of; 0 elsewhere, and everywhere for rounded exact ones.

    With p, q, r known up to errors e the cross product (q - p) x (r - q) is known up to
    |q - p| (e_q + e_r) + |r - q| (e_p + e_q) + (e_p + e_q) (e_q + e_r), and up to the rounding of its computation.
    """
    if partition.arrangement.exact:
        return np.zeros(len(before), np.int8)
    points, errors = partition.vertices, partition.arrangement.coordinates().errors()
    p, q, r = (edges.origin[half] for half in (before, after, after ^ 1))
    incoming, outgoing = points[q] - points[p], points[r] - points[q]
    terms = incoming * outgoing[:, ::-1]
    first, second = errors[p] + errors[q], errors[q] + errors[r]
    lengths = np.abs(incoming).sum(axis=1), np.abs(outgoing).sum(axis=1)
    bound = lengths[0] * second + lengths[1] * first + first * second + _ROUNDING * np.abs(terms).sum(axis=1)
    cross = terms[:, 0] - terms[:, 1]
    certain = np.abs(cross) > bound * (1 + _ROUNDING) + np.finfo(np.float64).tiny
    return np.where(certain, np.sign(cross), 0).astype(np.int8)


def _exact_turns(partition: Tiling, edges: HalfEdges, before: Rows, after: Rows) -> list[int]:
    """The turns from edge to edge, by the functions that vanish on them and are positive on the left."""
    used, place = np.unique(np.concatenate([before, after]), return_inverse=True)
    forms = Forms(partition).between(edges.left[used], edges.left[used ^ 1])
    pairs: Sequence[Sequence[int]] = place.reshape(2, -1).T.tolist()
    return [_orientation(forms[incoming], forms[outgoing]) for incoming, outgoing in pairs]


def _orientation(incoming: Sequence[Any], outgoing: Sequence[Any]) -> int:
    cross = incoming[0] * outgoing[1] - incoming[1] * outgoing[0]
    return int(cross > 0) - int(cross < 0)


# ---- as a graph ----------------------------------------------------------------------------------------------------
@ieee
def merged_graph(merged: Merged) -> networkx.Graph:
    """The graph whose nodes are the linear regions and whose edges join those that share a facet.

    A node has ``volume``, ``regions`` (its activation regions, in order), its affine map f = A u + b: ``weight`` A
    (m, D) and ``bias`` b (m,), ``slope``, and ``class``, as in ``dual_graph``, and when D = 2 ``convex`` and
    ``centroid``. An edge has ``facets``, indices into ``partition.facets()``, and the sum of their sizes, ``length``
    (D = 2) or ``area`` (D > 2).
    """
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(enumerate(records(_of_linear_regions(merged))))
    facets = merged.partition.facets()
    name, sizes = sizes_of_facets(merged.partition)
    for facet in np.flatnonzero(facets.regions[:, 1] >= 0).tolist():
        region, neighbour = merged.labels[facets.regions[facet]].tolist()
        if region != neighbour:
            graph.add_edge(region, neighbour)
            edge = graph.edges[region, neighbour]
            edge.setdefault("facets", []).append(facet)
            if name is not None:
                edge[name] = edge.get(name, 0.0) + sizes[facet]
    return graph


def _of_linear_regions(merged: Merged) -> dict[str, Any]:
    weights, biases = merged.affine_maps()
    volumes, classes = merged.volumes(), classes_of(merged.partition)
    least, largest = np.full(len(merged), np.iinfo(np.int64).max), np.full(len(merged), -1)
    np.minimum.at(least, merged.labels, classes)
    np.maximum.at(largest, merged.labels, classes)
    members = np.split(np.argsort(merged.labels, kind="stable"), np.cumsum(np.bincount(merged.labels))[:-1])
    columns = {
        "volume": volumes.tolist(),
        "regions": [part.tolist() for part in members],
        "weight": weights,
        "bias": biases,
        "slope": slopes_of(weights),
        "class": named(np.where(least == largest, least, -1)),
    }
    if merged.partition.domain.dim != 2:
        return columns
    return {**columns, "convex": merged.convex.tolist(), "centroid": _centroids(merged, volumes)}


def _centroids(merged: Merged, volumes: NDArray[Any]) -> NDArray[Any]:
    """The centroid of each linear region of a plane, (L, 2)."""
    centroids = centroids_of(merged.partition)
    middle = centroids[merged.representatives]
    moments = np.zeros_like(middle)
    weighted = (centroids - middle[merged.labels]) * merged.partition.volumes()[:, None]
    np.add.at(moments, merged.labels, weighted)
    return np.asarray(middle + moments / np.where(volumes > 0, volumes, 1)[:, None])
