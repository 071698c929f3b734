"""Pictures of partitions of a plane, with matplotlib: no pyplot, no global state.

Every function returns a matplotlib object: ``axes.figure.savefig("picture.png")`` writes it to a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError
from ..numbers.norms import norms
from ..regions.merged import Merged
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, number, one_of, optional, rows, whole
from ..tiling.tiling import Tiling
from .figures import check_drawn, color_map, color_of, colors_of, flat_axes, line_width_of, new_figure
from .legends import check_labels, colorbar, draw_points, explain
from .painting import Color, Look, Painting, area_painting, painting_of, slope_painting
from .palette import BOUNDARY, EDGE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from ..boundary.boundary import DecisionBoundary

Legend = Literal["inside", "beside", "none"]

RASTER_REGIONS = 10_000
"""Above so many regions a vector file holds them as pixels: it would grow to many megabytes."""


_THUMBNAIL = 48
"""The longer side of an image beside its place, in points."""
INCOMPLETE = "INCOMPLETE: these regions do not cover the domain"
"""What stands above a picture of regions that do not."""
_BOUNDARY = {"colors": BOUNDARY, "linewidths": 1.6, "zorder": 3, "capstyle": "round"}
_BADGE = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": BOUNDARY, "linewidth": 1.0}


@ieee
def plot(
    partition: Tiling,
    ax: Axes | None = None,
    *,
    color: Color | ArrayLike = "slope",
    output: int | None = None,
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[Any] | None = None,
    cmap: str | Colormap | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    colors: Sequence[Any] | None = None,
    class_names: Sequence[str] | None = None,
    linewidth: float | None = None,
    edgecolor: Any = EDGE,
    label: str | None = None,
    xlabel: str = "slice coordinate 1",
    ylabel: str = "slice coordinate 2",
    legend: Legend | None = None,
) -> Axes:
    """The axes (``ax``, or those of a new figure) with the regions drawn in slice coordinates.

    ``color``: "slope" (the Frobenius norm of the region's linear map), "area", "class" (the largest output; regions are
    then cut along the decision boundary), "output" (output number ``output``, 0 by default, shaded from its values at
    the vertices, between which it is affine), or "pattern" (a colour for each activation pattern); or an array of R
    numbers or R names, one for each region. ``boundary`` is drawn in red. ``points`` (n, 2), in slice coordinates, are
    marked, with ``labels`` beside them.

    ``cmap`` (matplotlib's name or object), ``vmin`` and ``vmax`` are those of the colour scale, and ``label`` is what
    stands beside it. ``colors`` are those of the classes or names, in order, and ``class_names`` what the legend calls
    the classes. What the chosen ``color`` has no use for is refused. ``linewidth`` (points) and ``edgecolor`` are of
    the regions' edges. ``legend``: "inside" the axes, "beside" them, or "none"; by default inside given axes, so that
    pictures side by side are of one size, and beside those of a new figure.

    Raises ``ArgumentError`` for an unknown colour or output, "class" with one output, or an option that ``color`` has
    no use for; ``ShapeError`` for points or colours of another shape; ``UnsupportedDimensionError`` unless the domain
    is a plane's; ``MissingDependencyError`` without matplotlib.
    """
    check_color(color, get_args(Color))
    if output is not None and not _is(color, "output"):
        raise ArgumentError(f"output goes with color='output', not with {color!r:.60}.")
    check_plane(partition, boundary, "plot")
    output = 0 if output is None else output
    check_output(partition, output)
    place: Legend = ("beside" if ax is None else "inside") if legend is None else legend
    one_of("legend", place, get_args(Legend))
    check_labels(points, labels)
    look = Look(
        optional(color_map, "cmap", cmap),
        optional(number, "vmin", vmin),
        optional(number, "vmax", vmax),
        optional(colors_of, "colors", colors),
        optional(rows, "class_names", class_names),
        optional(line_width_of, "linewidth", linewidth),
        color_of("edgecolor", edgecolor),
        label,
        place,
    )
    axes = flat_axes(ax, (7.2, 6.0))
    if _is(color, "output"):
        handles = _draw_output(axes, partition, int(output), look)
    else:
        handles = _draw_regions(axes, look.applied(painting_of(partition, color)), look)
    if boundary is not None:
        handles.insert(0, _draw_boundary(axes, boundary))
    explain(axes, handles, place)
    frame(axes, partition)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if points is not None:
        axes.apply_aspect()
        draw_points(axes, points, labels)
    if not partition.complete:
        axes.set_title(INCOMPLETE)
    if ax is None:
        settle(axes)
    return axes


def check_color(color: Any, names: Sequence[str]) -> None:
    """Raises ``ArgumentError`` for a word that is no name of colours; what is no word is an array."""
    if isinstance(color, str) or color is None:
        one_of("color", color, names)


def _is(color: Any, name: str) -> bool:
    return isinstance(color, str) and color == name


def check_plane(partition: Tiling, boundary: DecisionBoundary | None, what: str, dims: Sequence[int] = (2,)) -> None:
    """As ``check_drawn``, for one that draws planes; ``ArgumentError`` for another partition's boundary."""
    check_drawn(instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition"), dims, what)
    if boundary is not None and getattr(boundary, "partition", None) is not partition:
        raise ArgumentError("boundary must be one of this partition: give partition.decision_boundary().")


def check_output(partition: Tiling, output: int) -> None:
    """Raises ``ArgumentError`` unless the network has an output of that number."""
    whole("output", output, 0, partition.network.outputs - 1)


@ieee
def plot_merged(merged: Merged, ax: Axes | None = None, *, color: Literal["slope", "area"] = "slope") -> Axes:
    """The axes (``ax``, or those of a new figure) with the linear regions of a partition and their outlines.

    ``color``: "slope" (the Frobenius norm of the linear map) or "area", in slice coordinates. Raises as ``plot`` does.
    """
    instance("merged", merged, Merged, "Use part.merged().")
    one_of("color", color, ("slope", "area"))
    axes = flat_axes(ax, (7.2, 6.0))
    part = merged.partition
    if color == "slope":
        sizes = norms(np.asarray(merged.affine_maps()[0], np.float64), axis=(1, 2))
        painting = slope_painting(part, sizes[merged.labels])
    else:
        painting = area_painting(part, merged.volumes()[merged.labels])
    look = Look(legend="beside" if ax is None else "inside")
    _draw_regions(axes, painting, look, edges="face")
    _draw_outlines(axes, [painting.vertices[np.append(ring, ring[:1])] for ring in merged.outlines.rings])
    frame(axes, part)
    return axes


def overview(
    partition: Tiling,
    boundary: DecisionBoundary,
    *,
    images: NDArray[np.float64],
    captions: Sequence[str],
    samples: NDArray[np.float64],
    sample_captions: Sequence[str],
    title: str,
    subtitle: str = "",
) -> Figure:
    """A figure for networks that take images: the regions, the boundary, some images on it, and a strip of samples.

    ``images`` (n, height, width), points of the slice, are shown beside the places where they lie; ``samples`` (k, 2),
    in slice coordinates, are numbered on the boundary and shown as images (their inputs) in the strip below. Grey
    levels are those of the range of ``images``.
    """
    figure = new_figure((10.0, 10.0), layout=None)
    axes = figure.add_axes((0.07, 0.225, 0.71, 0.71))
    plot(partition, axes, color="class", boundary=boundary, legend="beside")
    figure.text(0.07, 0.967, title, fontsize=15, fontweight="bold")
    figure.text(0.07, 0.944, subtitle, fontsize=11)
    _draw_images(axes, partition, images, captions)
    for i, place in enumerate(samples, start=1):
        axes.annotate(str(i), place, ha="center", va="center", fontsize=8, bbox=_BADGE, zorder=6)
    explanation = "The numbered points of the boundary as images: two classes share the highest score"
    figure.text(0.07, 0.143, explanation, fontsize=11)
    pictures = np.asarray(partition.to_input(samples), np.float64).reshape(len(samples), *images.shape[1:])
    width = 0.92 / max(len(samples), 1)
    for i, (picture, caption) in enumerate(zip(pictures, sample_captions, strict=True)):
        cell = figure.add_axes((0.04 + (i + 0.06) * width, 0.02, 0.88 * width, 0.09))
        _show(cell, picture, (float(images.min()), float(images.max())))
        cell.set_title(f"{i + 1}:  {caption}", fontsize=10)
    return figure


def spread(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Indices of ``count`` of the points (n, D), far apart: after the first, always the farthest from those chosen."""
    chosen = [0]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen[: len(points)], np.int64)


# ---- drawing -------------------------------------------------------------------------------------------------------
def _draw_regions(axes: Axes, painting: Painting, look: Look, *, edges: Any = None) -> list[Artist]:
    """Draws the polygons, their edges in the given colour; what is to be explained in the legend."""
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    polygons = [painting.vertices[row] for row in painting.polygons]
    collection = PolyCollection(
        polygons,
        edgecolors=look.edgecolor if edges is None else edges,
        linewidths=line_width(len(polygons)) if look.linewidth is None else look.linewidth,
        rasterized=len(polygons) > RASTER_REGIONS,
    )
    if painting.scale:
        collection.set(array=painting.colors, cmap=painting.cmap, norm=painting.norm)
        colorbar(axes, collection, painting.scale, look.legend)
    else:
        collection.set(facecolor=painting.colors)
    axes.add_collection(collection)
    return [Patch(facecolor=color, edgecolor=EDGE, label=label) for label, color in painting.legend]


def _draw_output(axes: Axes, partition: Tiling, output: int, look: Look) -> list[Artist]:
    """One output, exactly affine on every triangle of a region; vector files hold its pixels."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import CenteredNorm
    from matplotlib.tri import Triangulation

    vertices, values = np.asarray(partition.vertices, np.float64), logits(partition, output)
    look.refuse_names()
    norm = look.limits(None, values)
    signed = values.min() < 0 < values.max()
    style: dict[str, Any] = {"cmap": "PuOr_r", "norm": CenteredNorm()} if signed else {"cmap": "YlGnBu"}
    style |= {} if norm is None else {"norm": norm}
    style |= {} if look.cmap is None else {"cmap": look.cmap}
    triangulation = Triangulation(vertices[:, 0], vertices[:, 1], _triangles(partition.regions))
    mesh = axes.tripcolor(triangulation, values, shading="gouraud", rasterized=True, **style)
    colorbar(axes, mesh, f"output {output}" if look.label is None else look.label, look.legend)
    edges = vertices[partition.facets().vertices.values.reshape(-1, 2)]
    width = line_width(len(partition)) if look.linewidth is None else look.linewidth
    pixels = len(partition) > RASTER_REGIONS
    axes.add_collection(LineCollection(edges, colors=look.edgecolor, linewidths=width, rasterized=pixels, zorder=2))
    return []


def logits(partition: Tiling, output: int) -> NDArray[np.float64]:
    """One output at the vertices, (V,), in float64."""
    return np.asarray(partition.outputs.to_numpy()[:, output], np.float64)


def _triangles(regions: Ragged) -> NDArray[np.int64]:
    """The triangles from the first vertex of each region, (T, 3); those beside a vertex on a straight side are flat."""
    place = np.arange(len(regions.values)) - regions.offsets[:-1][regions.row_of]
    second = np.flatnonzero((place > 0) & (place < regions.counts[regions.row_of] - 1))
    first = regions.offsets[:-1][regions.row_of[second]]
    return regions.values[np.stack([first, second, second + 1], axis=1)]


def line_width(polygons: int) -> float:
    """Thinner lines for more polygons, so that the lines never cover the colours."""
    return float(np.clip(12 / np.sqrt(max(polygons, 1)), 0.05, 0.6))


def _draw_outlines(axes: Axes, rings: list[NDArray[np.float64]]) -> None:
    from matplotlib.collections import LineCollection

    width, pixels = line_width(len(rings)), len(rings) > RASTER_REGIONS
    axes.add_collection(LineCollection(rings, colors=EDGE, linewidths=width, rasterized=pixels))


def _draw_boundary(axes: Axes, boundary: DecisionBoundary) -> Artist:
    from matplotlib.collections import LineCollection

    segments = LineCollection(np.asarray(boundary.ends, np.float64), **_BOUNDARY)  # type: ignore[arg-type]
    segments.set_label("decision boundary" if boundary.level is None else f"output = {boundary.level:g}")
    axes.add_collection(segments)
    return segments


def _draw_images(axes: Axes, partition: Tiling, images: NDArray[np.float64], captions: Sequence[str]) -> None:
    """Thumbnails tied to the places where the images lie, pushed away from their middle but not out of the picture."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage, TextArea, VPacker

    places = partition.to_slice(images.reshape(len(images), *partition.domain.shape))
    corners = partition.domain.polytope.vertices
    axes.plot(*places.T, "o", color="black", markersize=8, markeredgecolor="white", markeredgewidth=1.5, zorder=5)
    for place, spot, image, caption in zip(places, beside(places, corners), images, captions, strict=True):
        thumbnail = OffsetImage(image, zoom=_THUMBNAIL / max(image.shape), cmap="gray_r", interpolation="nearest")
        box = VPacker(children=[thumbnail, TextArea(caption, textprops={"fontsize": 10})], align="center", pad=0, sep=2)
        arrow = {"arrowstyle": "-", "linewidth": 1.5, "color": "black"}
        axes.add_artist(AnnotationBbox(box, place, spot, pad=0.25, arrowprops=arrow, zorder=7))


def beside(places: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each place one near it: straight away from the middle of all, or turned until it is well inside.

    "Well inside" is a box of five sixths of the sides of that around ``corners``.
    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    half = float((high - low).max()) / 2
    ways = places - places.mean(axis=0)
    ways *= 0.33 * half / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), np.finfo(float).tiny)
    turns = np.exp(0.125j * np.pi * np.array([0, *(side * k for k in range(1, 8) for side in (1, -1)), 8]))
    turned = (ways[:, 0] + 1j * ways[:, 1])[:, None] * turns
    spots = places[:, None] + np.stack([turned.real, turned.imag], axis=2)
    outside = (np.abs(spots - (low + high) / 2) > (high - low) * 5 / 12).any(axis=2)
    return np.asarray(spots[np.arange(len(places)), outside.argmin(axis=1)])


def settle(axes: Axes) -> None:
    """Lays the figure out beforehand: beside axes of equal scales a legend has its room in the third round only."""
    figure = axes.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()
        figure.draw_without_rendering()


def _show(axes: Axes, picture: NDArray[np.float64], levels: tuple[float, float]) -> None:
    axes.imshow(picture, cmap="gray_r", interpolation="nearest", vmin=levels[0], vmax=levels[1])
    axes.set(xticks=[], yticks=[])


def frame(axes: Axes, partition: Tiling) -> None:
    """Shows just the domain, in equal scales."""
    corners = partition.domain.polytope.vertices
    margin = 0.02 * np.ptp(corners, axis=0)
    (left, low), (right, high) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    axes.set(xlabel="slice coordinate 1", ylabel="slice coordinate 2")
