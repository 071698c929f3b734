"""The dual graphs of a partition as networkx graphs: regions that share a facet, with all that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.simplices import facet_measures
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from .classes import certain_classes

if TYPE_CHECKING:
    import networkx

    from ..tiling.tiling import Tiling

Rows = NDArray[np.int64]


@ieee
def dual_graph(partition: Tiling) -> networkx.Graph:
    """The graph whose nodes are the regions and whose edges are shared facets, in slice coordinates.

    A node has ``volume``, ``ambiguous``, ``center`` (the mean of its vertices, (D,)), ``centroid`` (the mean of its
    area, when D = 2), its affine map f = A u + b: ``weight`` A (m, D) and ``bias`` b (m,), ``slope`` (the Frobenius
    norm of A), and ``class``: the output that is certainly the largest on all of it, or None (where the decision
    boundary passes or touches, or with one output). An edge has ``facet``, the facet's index in ``partition.facets()``,
    ``length`` (when D = 2) or ``area`` (its (D - 1)-dimensional volume, when D > 2), and ``units``: the units whose
    piece changes across it, as columns of ``partition.patterns()`` (several when their boundaries coincide). Numbers
    are float64, or Fractions from the exact backend, but for slopes and lengths, which are rounded. Of a partition that
    is not complete it is the graph of the regions that are there, without their missing neighbours;
    ``graph.graph["complete"]`` says so.
    """
    import networkx

    graph = networkx.Graph(complete=partition.complete)
    graph.add_nodes_from(enumerate(records(_of_regions(partition))))
    facets, patterns = partition.facets(), partition.patterns()
    name, sizes = sizes_of_facets(partition)
    for facet in np.flatnonzero(facets.regions[:, 1] >= 0).tolist():
        region, neighbour = facets.regions[facet].tolist()
        units = np.flatnonzero(patterns[region] != patterns[neighbour]).tolist()
        size = {} if name is None else {name: sizes[facet]}
        graph.add_edge(region, neighbour, facet=facet, **size, units=units)
    return graph


# ---- what is known of regions ----------------------------------------------------------------------------------------
def records(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """A dictionary for each row of columns of one length."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_regions(partition: Tiling) -> dict[str, Any]:
    regions, (weights, biases) = partition.regions, partition.affine_maps()
    ambiguous = np.isin(np.arange(len(partition)), partition.ambiguous)
    columns = {
        "volume": partition.volumes().tolist(),
        "ambiguous": ambiguous.tolist(),
        "center": regions.reduce(np.add, partition.vertices[regions.values]) / regions.counts[:, None],
        "weight": weights,
        "bias": biases,
        "slope": slopes_of(weights),
        "class": named(classes_of(partition)),
    }
    return {**columns, "centroid": centroids_of(partition)} if partition.domain.dim == 2 else columns


def slopes_of(weights: NDArray[Any]) -> list[float]:
    slopes: list[float] = norms(floats(weights), axis=(1, 2)).tolist()
    return slopes


def classes_of(partition: Tiling) -> Rows:
    """The class of each region, -1 where there is none."""
    return certain_classes(partition) if partition.network.outputs > 1 else np.full(len(partition), -1)


def named(classes: Rows) -> list[int | None]:
    return [None if k < 0 else k for k in classes.tolist()]


def centroids_of(partition: Tiling) -> NDArray[Any]:
    """The centroid of each polygon, (R, 2): that of the triangles from its first vertex, by their areas.

    A float polygon whose area rounds to 0 beside the square of its size has its first vertex instead.
    """
    regions, vertices = partition.regions, partition.vertices
    corners = vertices[regions.values]
    first = corners[regions.offsets[:-1]][regions.row_of]
    steps: NDArray[Any] = corners - first
    if steps.dtype == object:
        size = np.full(len(regions), 1)
    else:  # so that products neither overflow nor underflow
        size = regions.reduce(np.maximum, np.abs(steps).max(axis=1))
        size = np.where(size > 0, size, 1.0)
        steps = steps / size[regions.row_of][:, None]
    to_corner, to_next = steps, steps[regions.successor]
    twice = to_corner[:, 0] * to_next[:, 1] - to_corner[:, 1] * to_next[:, 0]
    moments = regions.reduce(np.add, (to_corner + to_next) * twice[:, None])
    areas = regions.reduce(np.add, twice)
    steps = moments / (3 * np.where(areas > 0, areas, 1))[:, None]
    return np.asarray(vertices[regions.values[regions.offsets[:-1]]] + steps * size[:, None])


def sizes_of_facets(partition: Tiling) -> tuple[str | None, list[float]]:
    """What the size of a facet is called, and that of each: None for points, which have none."""
    sizes: list[float] = facet_measures(partition.arrangement, partition.vertices).tolist()
    return {1: None, 2: "length"}.get(partition.domain.dim, "area"), sizes
