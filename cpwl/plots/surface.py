"""An output of a network over a slice as a surface in space, with matplotlib: a flat facet for each region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..numbers.norms import norms
from ..runtime.ieee import ieee
from ..runtime.inputs import one_of
from .figures import space_axes, view_angles
from .legends import explain_in_space
from .painting import Painting, class_painting, painting_of
from .palette import BOUNDARY, EDGE
from .regions import INCOMPLETE, RASTER_REGIONS, check_output, check_plane, line_width, logits

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d.axes3d import Axes3D

    from ..boundary.boundary import DecisionBoundary
    from ..tiling.tiling import Tiling

Color = Literal["output", "slope", "area", "class", "pattern"]

_LIFTED = {"colors": BOUNDARY, "linewidths": 2.2, "zorder": 4, "capstyle": "round"}
_FLOOR = {"colors": BOUNDARY, "linewidths": 1.0, "alpha": 0.6, "zorder": 1}


@ieee
def plot_surface(
    partition: Tiling,
    ax: Axes3D | None = None,
    *,
    output: int = 0,
    color: Color = "output",
    boundary: DecisionBoundary | None = None,
    angles: tuple[float, float] = (35.0, -60.0),
) -> Axes3D:
    """The axes (``ax``, or those of a new figure) with output number ``output`` as a surface over the slice.

    Every region is one flat polygon, lifted to the values at its vertices, so the facets are the network's own; they
    are drawn in float64. ``color``: "output" (its mean over the corners of the facet), "slope" (the norm of the
    output's gradient), or "area", "class" and "pattern", as in ``plot``. ``boundary`` (a level set, or a decision
    boundary) is drawn in red on the surface, in front of all, and below it. ``angles``: elevation and azimuth of the
    view, degrees.

    Raises as ``plot`` does.
    """
    one_of("color", color, get_args(Color))
    check_plane(partition, boundary, "plot_surface")
    check_output(partition, output)
    view = view_angles(angles)
    axes = space_axes(ax, (7.6, 6.4), computed_zorder=False)
    heights = logits(partition, output)
    _draw_facets(axes, partition, heights, color, output, "beside" if ax is None else "inside")
    _set_frame(axes, partition, heights, output)
    if boundary is not None and len(boundary):
        _draw_lifted(axes, boundary, output)
    if not partition.complete:
        axes.set_title(INCOMPLETE)
    axes.view_init(*view)
    return axes


def _draw_facets(
    axes: Axes3D, partition: Tiling, heights: NDArray[np.float64], color: str, output: int, place: str
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.patches import Patch
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if color == "class":
        painting, outputs = class_painting(partition)
        heights = outputs[:, output]
    else:
        painting = _painted(partition, heights, color, output)
    mapped = ScalarMappable(painting.norm, "viridis" if color == "output" else painting.cmap)
    corners = np.column_stack([painting.vertices, heights])
    facets = Poly3DCollection(
        [corners[row] for row in painting.polygons],
        facecolors=mapped.to_rgba(painting.colors) if painting.scale else painting.colors,
        edgecolors=EDGE,
        linewidths=line_width(len(painting.polygons)) / 2,
        rasterized=len(painting.polygons) > RASTER_REGIONS,
        zorder=2,
    )
    axes.add_collection3d(facets, autolim=False)
    explain_in_space(
        axes, [Patch(facecolor=shade, edgecolor=EDGE, label=name) for name, shade in painting.legend], place
    )
    if painting.scale:
        axes.figure.colorbar(mapped, ax=axes, label=painting.scale, shrink=0.6, pad=0.12)


def _painted(partition: Tiling, heights: NDArray[np.float64], color: str, output: int) -> Painting:
    """The regions with the colours or numbers of the facets over them."""
    from matplotlib.colors import Normalize

    regions, vertices = partition.regions, np.asarray(partition.vertices, np.float64)
    if color == "output":
        means = regions.reduce(np.add, heights[regions.values]) / regions.counts
        norm = Normalize(heights.min(), heights.max())
        return Painting(vertices, regions, means, f"output {output} (mean over a facet's corners)", norm)
    if color == "slope":
        gradients = np.asarray(partition.jacobians()[:, output], np.float64)
        return Painting(vertices, regions, norms(gradients), f"slope of output {output}")
    return painting_of(partition, color)


def _set_frame(axes: Axes3D, partition: Tiling, heights: NDArray[np.float64], output: int) -> None:
    plane = np.asarray(partition.domain.polytope.vertices, np.float64)
    (left, low), (right, high) = plane.min(axis=0), plane.max(axis=0)
    bottom, top = float(heights.min()), float(heights.max())
    pad = 0.05 * (top - bottom) or 0.5
    axes.set(xlim=(left, right), ylim=(low, high), zlim=(bottom - pad, top + pad))
    axes.set(xlabel="slice coordinate 1", ylabel="slice coordinate 2", zlabel=f"output {output}")
    axes.set_box_aspect((right - left, high - low, 0.6 * max(right - left, high - low)))


def _draw_lifted(axes: Axes3D, boundary: DecisionBoundary, output: int) -> None:
    """The boundary at the output's height, by the affine maps of the regions that its segments lie in; and below."""
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    ends = np.asarray(boundary.ends, np.float64)
    regions, place = np.unique(boundary.regions, return_inverse=True)
    weight, bias = (np.asarray(part, np.float64)[place, output] for part in boundary.partition.affine_maps(regions))
    heights = np.einsum("sed,sd->se", ends, weight) + bias[:, None]
    floor = np.full_like(heights, axes.get_zlim()[0])
    for level, style in ((heights, _LIFTED), (floor, _FLOOR)):
        lines: Any = Line3DCollection(np.concatenate([ends, level[:, :, None]], axis=2), **style)
        axes.add_collection3d(lines, autolim=False)
