"""The dual graphs of a partition as networkx graphs: regions that share a facet, with all that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary.boundary import certain_classes
from ..runtime.ieee import ieee

if TYPE_CHECKING:
    import networkx

    from ..partitions.partition import Partition
    from .merged import Merged

Rows = NDArray[np.int64]


@ieee
def dual_graph(partition: Partition) -> networkx.Graph:
    """The graph whose nodes are the regions and whose edges are shared facets, in slice coordinates.

    A node has ``volume``, ``ambiguous``, ``center`` (the mean of its vertices, (D,)), ``centroid`` (the mean of its
    area, when D = 2), its affine map f = A u + b: ``weight`` A (m, D) and ``bias`` b (m,), ``slope`` (the Frobenius
    norm of A), and ``class``: the output that is certainly the largest on all of it, or None (where the decision
    boundary passes or touches, or with one output). An edge has ``facet``, the facet's index in ``partition.facets()``,
    ``length`` (when D = 2), and ``units``: the units whose piece changes across it, as columns of
    ``partition.patterns()`` (several when their boundaries coincide). Numbers are float64, or Fractions from the exact
    backend, but for slopes and lengths, which are rounded. ``graph.graph["complete"]`` says whether all regions of the
    domain are there.
    """
    import networkx

    graph = networkx.Graph(complete=partition.complete)
    graph.add_nodes_from(enumerate(_records(_of_regions(partition))))
    facets, patterns = partition.facets(), partition.patterns()
    lengths = _lengths(partition, facets.vertices.values.reshape(-1, partition.domain.dim))
    for facet in np.flatnonzero(facets.regions[:, 1] >= 0).tolist():
        one, other = facets.regions[facet].tolist()
        units = np.flatnonzero(patterns[one] != patterns[other]).tolist()
        graph.add_edge(one, other, facet=facet, length=lengths[facet], units=units)
    return graph


@ieee
def merged_graph(merged: Merged) -> networkx.Graph:
    """The graph whose nodes are the linear regions and whose edges join those that share a facet.

    A node has ``volume``, ``convex``, ``regions`` (its activation regions, in order), ``centroid``, its affine map
    f = A u + b: ``weight`` A (m, D) and ``bias`` b (m,), ``slope``, and ``class``, as in ``dual_graph``. An edge has
    ``facets``, indices into ``partition.facets()``, and the sum of their lengths, ``length``.
    """
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(enumerate(_records(_of_linear_regions(merged))))
    facets, dim = merged.partition.facets(), merged.partition.domain.dim
    lengths = _lengths(merged.partition, facets.vertices.values.reshape(-1, dim))
    for facet in np.flatnonzero(facets.regions[:, 1] >= 0).tolist():
        one, other = merged.labels[facets.regions[facet]].tolist()
        if one != other:
            graph.add_edge(one, other)
            edge = graph.edges[one, other]
            edge.setdefault("facets", []).append(facet)
            edge["length"] = edge.get("length", 0.0) + lengths[facet]
    return graph


# ---- what is known of regions ----------------------------------------------------------------------------------------
def _records(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """A dictionary for each row of columns of one length."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_regions(partition: Partition) -> dict[str, Any]:
    regions, (weights, biases) = partition.regions, partition.affine_maps()
    ambiguous = np.isin(np.arange(len(partition)), partition.ambiguous)
    columns = {
        "volume": partition.volumes().tolist(),
        "ambiguous": ambiguous.tolist(),
        "center": regions.reduce(np.add, partition.vertices[regions.values]) / regions.counts[:, None],
        "weight": weights,
        "bias": biases,
        "slope": _slopes(weights),
        "class": _named(_classes(partition)),
    }
    return {**columns, "centroid": _centroids(partition)} if partition.domain.dim == 2 else columns


def _of_linear_regions(merged: Merged) -> dict[str, Any]:
    weights, biases = merged.affine_maps()
    volumes, classes = merged.volumes(), _classes(merged.partition)
    least, largest = np.full(len(merged), np.iinfo(np.int64).max), np.full(len(merged), -1)
    np.minimum.at(least, merged.labels, classes)
    np.maximum.at(largest, merged.labels, classes)
    centroids = _centroids(merged.partition)
    middle = centroids[merged.representatives]
    moments = np.zeros_like(middle)
    weighted = (centroids - middle[merged.labels]) * merged.partition.volumes()[:, None]
    np.add.at(moments, merged.labels, weighted)
    members = np.split(np.argsort(merged.labels, kind="stable"), np.cumsum(np.bincount(merged.labels))[:-1])
    return {
        "volume": volumes.tolist(),
        "convex": merged.convex.tolist(),
        "regions": [part.tolist() for part in members],
        "weight": weights,
        "bias": biases,
        "slope": _slopes(weights),
        "class": _named(np.where(least == largest, least, -1)),
        "centroid": middle + moments / np.where(volumes > 0, volumes, 1)[:, None],
    }


def _slopes(weights: NDArray[Any]) -> list[float]:
    norms: list[float] = np.linalg.norm(weights.astype(np.float64), axis=(1, 2)).tolist()
    return norms


def _classes(partition: Partition) -> Rows:
    """The class of each region, -1 where there is none."""
    return certain_classes(partition) if partition.network.outputs > 1 else np.full(len(partition), -1)


def _named(classes: Rows) -> list[int | None]:
    return [None if k < 0 else k for k in classes.tolist()]


def _centroids(partition: Partition) -> NDArray[Any]:
    """The centroid of each polygon, (R, 2): that of the triangles from its first vertex, by their areas.

    A float polygon whose area rounds to 0 has its first vertex instead.
    """
    regions, vertices = partition.regions, partition.vertices
    corners = vertices[regions.values]
    first = corners[regions.offsets[:-1]][regions.row_of]
    one, other = corners - first, corners[regions.successor] - first
    twice = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    moments = regions.reduce(np.add, (one + other) * twice[:, None])
    areas = regions.reduce(np.add, twice)
    return np.asarray(
        vertices[regions.values[regions.offsets[:-1]]] + moments / (3 * np.where(areas > 0, areas, 1))[:, None]
    )


def _lengths(partition: Partition, ends: Rows) -> list[float]:
    """The length of each facet of a planar partition."""
    steps = partition.vertices[ends[:, 1]] - partition.vertices[ends[:, 0]]
    lengths: list[float] = np.linalg.norm(steps.astype(np.float64), axis=1).tolist()
    return lengths
