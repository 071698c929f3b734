"""The interactive page of a partition: one file for a browser, without a network; it draws with WebGL2.

This is that of a plane, drawn by ``plane.js``; that of a solid is in ``space.py``. Regions are looked up, and their
numbers shown, in float64; the drawing itself is in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of, optional
from ..statistics.slopes import near_one, solved, triangles
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling
from .page_marks import Marks
from .page_parts import Block, Page, Patterns, add_patterns, fits_single, html_path, layers, written
from .painting import positive
from .palette import palette
from .regions import check_plane
from .space import view_solid

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary
    from ..geometry.arrangement import Arrangement

Color = Literal["slope", "area", "volume", "class", "pattern", "output"]
""""area" is that of regions of a plane, "volume" of a solid."""

_PROVEN = 5e-6
"""The page computes a map from values at corners where this relative error is proved: it shows five digits."""


@ieee
def view(
    partition: Tiling,
    path: str | PathLike[str] | None = None,
    *,
    color: Color = "slope",
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[Any] | None = None,
    samples: int = 0,
    data: ArrayLike | None = None,
    data_labels: Sequence[Any] | None = None,
    title: str = "",
) -> Path | Page:
    """Writes the interactive page of a partition of a plane, or of a solid, to a file, and returns its path.

    Without a path it returns the page itself, which a notebook shows in place (it is then part of the notebook's file);
    ``page.save(path)`` writes it.

    The page needs nothing else: no server, no network. It shows the regions, coloured by ``color`` at first ("output"
    is output 0; the page offers all of them), the edges layer by layer (each counts for the first unit whose piece
    differs on its two sides), and of the region under the mouse its affine map, area, class and pattern.
    ``boundary`` is drawn in red, with ``samples`` random points of it. ``points`` (n, 2), in slice coordinates, are
    marked, with ``labels`` beside them. ``data`` (N, ...), inputs wherever they lie, are marked at the nearest
    points of the slice; the page says how far from it they are, and their ``data_labels`` (numbers of classes give them
    the colours of these). Where inputs are images, (h, w) or (1 or 3, h, w), that of the point under the mouse is
    shown, and a switch shows those of points, data (their own) and samples beside their marks.

    The page of a solid is that of ``view_solid``; then points are (n, 3).

    Raises ``ArgumentError`` for an unknown colour, "class" with one output, samples without a boundary, labels without
    data, or more than a page can hold; ``ShapeError`` for points or data of another shape;
    ``UnsupportedDimensionError`` unless on a plane or a solid.
    """
    if instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition").domain.dim == 3:
        return view_solid(
            partition, path, color="volume" if color == "area" else color, boundary=boundary, points=points,
            labels=labels, samples=samples, data=data, data_labels=data_labels, title=title,
        )  # fmt: skip
    _check(partition, path, color, boundary)
    marks = Marks.of(partition, boundary, points, labels, samples, data, data_labels)
    block, areas = Block(), floats(partition.volumes())
    _add_polygons(block, partition)
    _add_numbers(block, partition, areas)
    pieces = Patterns.of(partition)
    _add_edges(block, partition, pieces)
    patterns = add_patterns(block, pieces, partition.facets().regions)
    if boundary is not None:
        block.add("boundary", "f8", np.asarray(boundary.ends, np.float64))
    about = {"color": "output0" if color == "output" else color, **marks.add(block, partition, boundary), **patterns}
    shown, head = title or f"{len(partition):,} regions", {**_head(partition, areas, marks.kinds), **about}
    return written(shown, partition.complete, head, block, "plane.js", path)


def _check(partition: Tiling, path: Any, color: str, boundary: DecisionBoundary | None) -> None:
    check_plane(partition, boundary, "view", (2, 3))
    one_of("color", color, [name for name in get_args(Color) if name != "volume"])
    optional(html_path, "path", path)
    if color == "class" and partition.network.outputs < 2:
        raise ArgumentError("color='class' needs a network with several outputs; this one has one. Use color='slope'.")


# ---- the page ------------------------------------------------------------------------------------------------------
def _head(partition: Tiling, areas: NDArray[np.float64], kinds: int) -> dict[str, Any]:
    """What the page knows of the partition beside the arrays; ``areas`` are those of its regions (R,)."""
    corners = np.asarray(partition.domain.polytope.vertices, np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = (len(partition), "regions"), (len(partition.vertices), "vertices"), (partition.network.units, "units")
    return {
        "dim": 2,
        "box": [*low.tolist(), *high.tolist()],
        "center": ((low + high) / 2).tolist(),
        "half": float((high - low).max() / 2),
        "regions": len(partition),
        "outputs": partition.network.outputs,
        "counts": ", ".join(f"{count:,} {what}" for count, what in counts),
        "smallArea": float(np.quantile(positive(areas), 0.05)),
        "palette": palette(max(partition.network.outputs, kinds)),
        "layers": layers(partition),
    }


# ---- the arrays ----------------------------------------------------------------------------------------------------
def _add_polygons(block: Block, partition: Tiling) -> None:
    """The regions, cut by the largest output if there are several, and the outputs at all corners."""
    arrangement, parents, outputs = partition.arrangement, np.arange(len(partition)), partition.network.outputs
    values = partition.outputs
    if outputs > 1:
        cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(outputs)]))
        arrangement, parents, (values,) = cells.arrangement, cells.regions, by_maximum.fields
        block.add("winners", "u2", by_maximum.winners[:, 0])
    block.add("vertices", "f8", np.asarray(arrangement.vertices, np.float64))
    block.add("corners", "i4", arrangement.regions.values, differences=True)
    block.add("starts", "i4", arrangement.regions.offsets, differences=True)
    block.add("parent", "i4", parents, differences=True)
    _add_maps(block, partition, arrangement, parents, values)


def _add_maps(
    block: Block, partition: Tiling, arrangement: Arrangement[Any], parents: NDArray[np.int64], values: Any
) -> None:
    """What the page makes the affine maps from: outputs at the corners of one polygon of each region, its largest.

    Where the bounds do not prove that enough digits come out, its linear part itself.
    """
    places, numbers = np.asarray(arrangement.vertices, np.float64), floats(values.to_numpy())
    near, *_ = near_one(places, np.zeros(len(places)))  # as products would overflow, or vanish
    corners = triangles(near, arrangement.regions)
    sides = near[corners[:, 1:]] - near[corners[:, :1]]
    sizes = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    order = np.lexsort((sizes, parents))
    holder = order[np.searchsorted(parents[order], np.arange(len(partition)), side="right") - 1]
    chosen = corners[holder]
    rounding = 2.0**-52
    apart = np.asarray(arrangement.coordinates().errors()) + rounding * np.abs(places).max(axis=1)
    off = np.asarray(values.errors()) + rounding * np.abs(numbers).max(axis=1, initial=0.0)
    with np.errstate(over="ignore", invalid="ignore"):  # the page computes in this scale: what overflows is given
        slopes, errors = solved(places[chosen], numbers[chosen], apart[chosen], off[chosen])
    given = np.flatnonzero(~(errors <= _PROVEN * slopes))
    block.add("values", "f8", numbers)
    block.add("holder", "i4", holder, differences=True)
    block.add("given", "i4", given, differences=True)
    given_slopes = partition.jacobians(given).astype(np.float64)
    block.add("givenSlopes", "f4" if fits_single(np.abs(given_slopes)) else "f8", given_slopes)


def _add_numbers(block: Block, partition: Tiling, areas: NDArray[np.float64]) -> None:
    block.add("areas", "f4" if fits_single(areas) else "f8", areas)
    ambiguous = np.zeros(len(partition), np.uint8)
    ambiguous[partition.ambiguous] = 1
    block.add("ambiguous", "u1", ambiguous)


def _add_edges(block: Block, partition: Tiling, pieces: Patterns) -> None:
    facets = partition.facets()
    if not np.array_equal(np.asarray(partition.vertices, np.float64), _first_vertices(block, len(partition.vertices))):
        block.add("sites", "f8", np.asarray(partition.vertices, np.float64))
    block.add("edges", "i4", facets.vertices.values, differences=True)
    block.add("units", "i4", pieces.bending(facets.regions))


def _first_vertices(block: Block, count: int) -> NDArray[np.float64]:
    """The first corners that the block has already."""
    _, offset, size, _ = block.index["vertices"]
    data = next(part for start, part in zip(_offsets(block), block.parts, strict=True) if start == offset)
    rows = np.frombuffer(data, np.uint8, 8 * size).reshape(8, size).T
    return np.ascontiguousarray(rows).view(np.float64).reshape(-1, 2)[:count]


def _offsets(block: Block) -> list[int]:
    return [0, *accumulate(map(len, block.parts))][:-1]
