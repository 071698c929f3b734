"""Linear regions: the activation regions of a partition with one and the same affine map, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import VerificationError, check_planar
from ..geometry.ladder import Rung, climb
from ..geometry.outlines import HalfEdges, Rings, rings
from ..runtime.ieee import ieee
from ..runtime.inputs import one_of, whole
from ..runtime.pictures import picture
from ..tiling.tiling import Tiling
from .dual_graph import centroids_of, classes_of, named, records, sizes_of_facets, slopes_of
from .equal_maps import Comparison
from .exact_maps import Forms

if TYPE_CHECKING:
    import networkx

Join = Literal["connected", "everywhere"]
Rows = NDArray[np.int64]


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
