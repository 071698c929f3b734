"""The dual graphs of a partition as networkx graphs: regions that share a facet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx

    from .merged import Merged
    from .partition import Partition


def dual_graph(partition: Partition) -> networkx.Graph:
    """The graph whose nodes are the regions and whose edges are shared facets, in slice coordinates.

    A node has ``volume``, ``ambiguous``, ``center`` (the mean of its vertices, (D,)) and its affine map f = A u + b:
    ``weight`` A (m, D) and ``bias`` b (m,). An edge has ``facet``, the facet's index in ``partition.facets()``, and
    ``units``: the units whose piece changes across it, as columns of ``partition.patterns()`` (several when their
    boundaries coincide).
    """
    import networkx

    graph = networkx.Graph()
    ambiguous = set(partition.ambiguous.tolist())
    regions, (weights, biases) = partition.regions, partition.affine_maps()
    centers = regions.reduce(np.add, partition.vertices[regions.values]) / regions.counts[:, None]
    for region, volume in enumerate(partition.volumes().tolist()):
        known = {"center": centers[region], "weight": weights[region], "bias": biases[region]}
        graph.add_node(region, volume=volume, ambiguous=region in ambiguous, **known)
    sides, patterns = partition.facets().regions, partition.patterns()
    for facet in np.flatnonzero(sides[:, 1] >= 0).tolist():
        one, other = sides[facet].tolist()
        units = np.flatnonzero(patterns[one] != patterns[other]).tolist()
        graph.add_edge(one, other, facet=facet, units=units)
    return graph


def merged_graph(merged: Merged) -> networkx.Graph:
    """The graph whose nodes are the linear regions and whose edges join those that share a facet.

    A node has ``volume``, ``convex``, ``regions`` (its activation regions, in order) and its affine map f = A u + b:
    ``weight`` A (m, D) and ``bias`` b (m,). An edge has ``facets``, indices into ``partition.facets()``.
    """
    import networkx

    graph, (weights, biases) = networkx.Graph(), merged.affine_maps()
    members: list[list[int]] = [[] for _ in range(len(merged))]
    for region, label in enumerate(merged.labels.tolist()):
        members[label].append(region)
    nodes = zip(members, merged.volumes().tolist(), merged.convex.tolist(), weights, biases, strict=True)
    for label, (regions, volume, convex, weight, bias) in enumerate(nodes):
        graph.add_node(label, volume=volume, convex=convex, regions=regions, weight=weight, bias=bias)
    sides = merged.partition.facets().regions
    for facet in np.flatnonzero(sides[:, 1] >= 0).tolist():
        one, other = merged.labels[sides[facet]].tolist()
        if one != other:
            graph.add_edge(one, other)
            graph.edges[one, other].setdefault("facets", []).append(facet)
    return graph
