"""The dual graph of a partition as a networkx graph: regions that share a facet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx

    from .partition import Partition


def dual_graph(partition: Partition) -> networkx.Graph:
    """The graph whose nodes are the regions (with ``volume`` and ``ambiguous``) and whose edges are shared facets.

    An edge has ``facet``, the facet's index in ``partition.facets()``, and ``units``: the units whose piece changes
    across it, as columns of ``partition.patterns()`` (several when their boundaries coincide).
    """
    import networkx

    graph = networkx.Graph()
    ambiguous = set(partition.ambiguous.tolist())
    for region, volume in enumerate(partition.volumes().tolist()):
        graph.add_node(region, volume=volume, ambiguous=region in ambiguous)
    sides, patterns = partition.facets().regions, partition.patterns()
    for facet in np.flatnonzero(sides[:, 1] >= 0).tolist():
        one, other = sides[facet].tolist()
        units = np.flatnonzero(patterns[one] != patterns[other]).tolist()
        graph.add_edge(one, other, facet=facet, units=units)
    return graph
