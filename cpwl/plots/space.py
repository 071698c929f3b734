"""The interactive page of a solid, of a surface in it, or of both: one file for a browser, drawn by ``space.js``.

Places, maps and patterns are in the page as they are in the library; the section of the solid by the cut plane, and
what is under the mouse, are computed there in float64, and drawn in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..boundary.meshes.mesh import SurfaceMesh
from ..errors import ArgumentError
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of, optional
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling
from .figures import check_drawn
from .page_marks import Marks
from .page_parts import Block, Page, Patterns, add_patterns, fits_single, html_path, layers, written
from .painting import positive
from .palette import palette
from .solid import surface_of

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary

Numbers = NDArray[np.int64]
_SHADES = 256
"""That the page has of kinds at once; those of further ones repeat."""

SolidColor = Literal["slope", "volume", "class", "pattern", "output"]
SurfaceColor = Literal["gradient", "slope", "class", "pattern", "output", "component"]


@ieee
def view_solid(
    partition: Tiling,
    path: str | PathLike[str] | None = None,
    *,
    color: SolidColor = "slope",
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[Any] | None = None,
    samples: int = 0,
    data: ArrayLike | None = None,
    data_labels: Sequence[Any] | None = None,
    title: str = "",
) -> Path | Page:
    """Writes the interactive page of a partition of a solid (D = 3) to a file, and returns its path.

    Without a path it returns the page itself, as ``view`` does. It shows the solid's border, a cut plane with the
    planar partition on it, and, pulled apart, all regions as polytopes, coloured by ``color`` at first; edges layer by
    layer; of the region under the mouse its affine map, volume, class and pattern. ``boundary`` is a surface in it,
    whose polygons are shown as well. ``points`` (n, 3), in slice coordinates, with ``labels``, ``samples`` of the
    boundary and ``data`` with ``data_labels`` are marked as by ``view``, on top of all, also of what covers them.

    Raises ``ArgumentError`` for an unknown colour, "class" with one output, samples without a boundary, labels without
    data, or more than a page can hold; ``ShapeError`` for points or data of another shape;
    ``UnsupportedDimensionError`` unless on a solid.
    """
    instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition")
    check_drawn(partition, (3,), "view_solid")
    one_of("color", color, get_args(SolidColor))
    optional(html_path, "path", path)
    if color == "class" and partition.network.outputs < 2:
        raise ArgumentError("color='class' needs a network with several outputs; this one has one. Use color='slope'.")
    surface = None if boundary is None else surface_of(boundary, "view_solid")
    if surface is not None and surface.surface.partition is not partition:
        raise ArgumentError("boundary must be one of this partition: give boundary=part.decision_boundary(...).")
    marks = Marks.of(partition, boundary, points, labels, samples, data, data_labels)
    block, regions = Block(), np.arange(len(partition))
    pieces = Patterns.of(partition)
    _add_solid(block, partition, pieces)
    if surface is not None:
        _add_surface(block, surface, regions, pieces)
    shown = title or f"{len(partition):,} regions"
    known = {
        "color": color,
        "solid": True,
        "surface": surface is not None,
        "complete": partition.complete,
        "palette": palette(max(partition.network.outputs, marks.kinds)),
        **marks.add(block, partition, boundary),
    }
    counts = f"{len(partition):,} regions, {len(partition.vertices):,} vertices, {partition.network.units:,} units"
    return _page(block, partition, regions, pieces, partition.facets().regions, shown, known, counts, path)


@ieee
def view_surface(
    boundary: DecisionBoundary,
    path: str | PathLike[str] | None = None,
    *,
    color: SurfaceColor = "gradient",
    title: str = "",
) -> Path | Page:
    """Writes the interactive page of a surface in space (D = 3) to a file, and returns its path.

    Without a path it returns the page itself, as ``view`` does. It shows the polygons, shaded by their exact planes,
    of a level set the side of smaller values darker; coloured by ``color`` at first: "gradient" (its direction as red,
    green and blue), "slope" (its length), "class" (the pair of classes), "pattern" (the region), "component". Edges can
    be switched layer by layer, each for the first unit that bends there; a plane cuts the surface; of the polygon under
    the mouse the page shows its region, map and pattern.

    Raises as ``view_solid`` does.
    """
    one_of("color", color, get_args(SurfaceColor))
    optional(html_path, "path", path)
    surface = surface_of(boundary, "view_surface")
    partition = boundary.partition
    if color == "class" and boundary.level is not None:
        raise ArgumentError("color='class' needs a boundary between classes; this is a level set. Use color='slope'.")
    block = Block()
    regions = np.unique(surface.regions)
    pieces = Patterns.of(partition, regions)
    sides = _add_surface(block, surface, regions, pieces)
    shown = title or f"{len(surface):,} polygons"
    known = {
        "color": color,
        "solid": False,
        "surface": True,
        "complete": boundary.complete,
        "palette": palette(min(_SHADES, max(surface.components, len(np.unique(boundary.pairs, axis=0))))),
    }
    parts = "1 component" if surface.components == 1 else f"{surface.components} components"
    closed = "closed" if surface.closed else "not closed"
    sizes = f"{len(surface):,} polygons, {len(surface.vertices):,} vertices"
    counts = f"{sizes}, Euler number {surface.euler}, {parts}, {closed}"
    return _page(block, partition, regions, pieces, sides, shown, known, counts, path)


def _page(
    block: Block,
    partition: Tiling,
    regions: Numbers,
    pieces: Patterns,
    sides: Numbers,
    title: str,
    known: dict[str, Any],
    counts: str,
    path: str | PathLike[str] | None,
) -> Path | Page:
    """The page of these regions, of which pairs are neighbours."""
    polytope = partition.domain.polytope
    corners = np.asarray(polytope.vertices, np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    weights, biases = partition.affine_maps(regions)
    block.add("maps", "f8", np.concatenate([floats(weights), floats(biases)[:, :, None]], axis=2))
    volumes = floats(partition.volumes(regions))
    block.add("areas", "f4" if fits_single(volumes) else "f8", volumes)
    block.add("ambiguous", "u1", np.isin(regions, partition.ambiguous))
    block.add("numbers", "i4", regions, differences=True)
    block.add("frame", "f8", corners[np.array(polytope.faces.boundary[0])])
    head = {
        "dim": 3,
        "center": ((low + high) / 2).tolist(),
        "half": float((high - low).max() / 2),
        "regions": len(regions),
        "outputs": partition.network.outputs,
        "counts": counts,
        "smallArea": float(np.quantile(positive(volumes), 0.05)) if len(volumes) else 1.0,
        "layers": layers(partition),
        **known,
        **add_patterns(block, pieces, sides),
    }
    head["color"] = "output0" if head["color"] == "output" else head["color"]
    return written(title, bool(known["complete"]), head, block, "space.js", path)


def _add_solid(block: Block, partition: Tiling, pieces: Patterns) -> None:
    """The regions, cut by the largest output if there are several: their facets with the cells on both sides."""
    arrangement, parents, outputs = partition.arrangement, np.arange(len(partition)), partition.network.outputs
    if outputs > 1:
        cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(outputs)]))
        arrangement, parents = cells.arrangement, cells.regions
        block.add("winners", "u2", by_maximum.winners[:, 0])
    facets = arrangement.facets()
    sides = np.where(facets.regions >= 0, parents[facets.regions], -1)
    units = pieces.bending(sides)
    units[sides[:, 0] == sides[:, 1]] = partition.network.units + 2  # between classes, inside a region
    block.add("vertices", "f8", floats(arrangement.vertices))
    block.add("facetCorners", "i4", facets.vertices.values, differences=True)
    block.add("facetStarts", "i4", facets.vertices.offsets, differences=True)
    block.add("facetCells", "i4", facets.regions.ravel(), differences=True)
    block.add("facetUnits", "i4", units)
    block.add("cellRegion", "i4", parents, differences=True)


def _add_surface(block: Block, surface: SurfaceMesh, regions: Numbers, pieces: Patterns) -> Numbers:
    """The polygons, their edges with the first unit that bends there; the regions beside each edge, by their places."""
    place = np.searchsorted(regions, surface.regions)
    block.add("surfaceVertices", "f8", floats(surface.vertices))
    block.add("surfaceCorners", "i4", surface.polygons.values, differences=True)
    block.add("surfaceStarts", "i4", surface.polygons.offsets, differences=True)
    block.add("surfaceRegion", "i4", place, differences=True)
    block.add("component", "i4", surface.labels, differences=True)
    if surface.surface.level is None:
        _, kinds = np.unique(surface.surface.pairs, axis=0, return_inverse=True)
        block.add("pairs", "u2", surface.surface.pairs)
        block.add("pairKind", "u2", kinds)
    sides = surface.sides()
    beside = np.where(sides >= 0, place[sides], -1) if len(place) else sides
    block.add("surfaceEdges", "i4", surface.edges.ravel(), differences=True)
    block.add("surfaceUnits", "i4", pieces.bending(beside))
    return beside
