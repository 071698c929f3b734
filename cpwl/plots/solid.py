"""Stills of solids and surfaces in space, with matplotlib: polygons with light and shade, for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..boundary.faces import BoundaryFaces
from ..boundary.meshes.mesh import SurfaceMesh, mesh
from ..errors import ArgumentError
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, number, one_of
from ..statistics.slopes import slope_norms
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling
from .figures import check_drawn, check_surface, line_width_of, space_axes, view_angles
from .legends import LABEL, check_labels, explain_in_space, marked
from .painting import pattern_hues, positive
from .palette import EDGE, pastels
from .regions import INCOMPLETE, RASTER_REGIONS, Legend, line_width

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d.axes3d import Axes3D

    from ..boundary.boundary import DecisionBoundary
    from ..geometry.arrangement import Arrangement

Floats = NDArray[np.float64]
SolidColor = Literal["slope", "volume", "class", "pattern", "output", "none"]
SurfaceColor = Literal["gradient", "slope", "class", "pattern", "component", "none"]

_LAMP = np.array([0.35, -0.55, 0.75])
"""Where light comes from, beside the eye."""


@ieee
def plot_solid(
    partition: Tiling,
    ax: Axes3D | None = None,
    *,
    color: SolidColor = "slope",
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[Any] | None = None,
    apart: float = 0.0,
    angles: tuple[float, float] = (25.0, -60.0),
    linewidth: float | None = None,
    legend: Legend | None = None,
) -> Axes3D:
    """The axes (``ax``, or those of a new figure) with the regions of a solid (D = 3) as polytopes.

    ``apart`` pulls them apart: each is moved away from the middle by so many times its distance from there; at 0 only
    the border of the solid is drawn. ``color``: "slope", "volume", "pattern" of the region, "class" (the largest
    output), "output" (the mean of output 0 over the corners), "none". ``boundary``, a surface in it, is drawn instead
    of the solid's border when nothing is pulled apart. ``points`` (n, 3), in slice coordinates, are marked on top of
    all, with ``labels`` beside them; pulled apart they go with their regions. ``angles``: elevation and azimuth of the
    view, degrees. ``legend``: what the colours mean, "inside" the axes, "beside" them, or "none"; by default inside
    given axes, and beside those of a new figure.

    Raises ``ArgumentError`` for an unknown colour or "class" with one output, ``ShapeError`` for points of another
    shape or labels that do not fit, ``UnsupportedDimensionError`` unless on a solid.
    """
    instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition")
    check_drawn(partition, (3,), "plot_solid")
    one_of("color", color, get_args(SolidColor))
    moved = number("apart", apart)
    if moved < 0:
        raise ArgumentError(f"apart must not be negative, got {apart!r}.")
    view = view_angles(angles)
    if boundary is not None:
        instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary(...).", "DecisionBoundary")
        if boundary.partition is not partition:
            raise ArgumentError("boundary must be one of this partition: give boundary=part.decision_boundary(...).")
    check_labels(points, labels)
    places, names = marked(np.zeros((0, 3)) if points is None else points, labels, 3)
    place = one_of("legend", ("beside" if ax is None else "inside") if legend is None else legend, get_args(Legend))
    axes = space_axes(ax, (7.2, 6.4))
    if boundary is not None and not moved:
        surface = mesh(boundary)
        _draw_mesh(axes, surface, "class" if surface.surface.level is None else "gradient", view, linewidth, place)
    else:
        cells = _Cells.of(partition, color, moved)
        _draw_cells(axes, partition, cells, color, view, linewidth, place)
        places = cells.moved(places) if moved else places
    if points is not None:
        _draw_points(axes, places, names)
    domain = np.asarray(partition.domain.polytope.vertices, np.float64)
    middle = (domain.min(axis=0) + domain.max(axis=0)) / 2
    box = middle + (1 + moved) * (np.stack([domain.min(axis=0), domain.max(axis=0)]) - middle)
    _set_frame(axes, box, view, complete=partition.complete)
    return axes


def plotted_solid(partition: Tiling, ax: Axes3D | None, options: Mapping[str, Any]) -> Axes3D:
    """``plot_solid`` with options that were given to ``plot``; ``ArgumentError`` for one that it does not have."""
    strange = sorted(set(options) - set(signature(plot_solid).parameters))
    if strange:
        raise ArgumentError(
            f"{', '.join(strange)}: options of plot for planes; this is a solid. "
            "What there is: help(cpwl.plots.plot_solid)."
        )
    return plot_solid(partition, ax, **options)


def surface_of(boundary: Any, what: str) -> SurfaceMesh:
    """The mesh of a boundary that ``what`` is to draw; ``UnsupportedDimensionError`` unless it is one in a solid."""
    instance("boundary", boundary, BoundaryFaces, "Use part.decision_boundary(...).", "DecisionBoundary")
    check_surface(boundary.partition.domain.dim, what)
    return mesh(boundary)


@ieee
def plot_mesh(
    boundary: DecisionBoundary,
    ax: Axes3D | None = None,
    *,
    color: SurfaceColor = "gradient",
    angles: tuple[float, float] = (25.0, -60.0),
    linewidth: float | None = None,
) -> Axes3D:
    """The axes (``ax``, or those of a new figure) with a surface in space (D = 3), polygon by polygon.

    Light falls on the exact planes of the polygons. ``color``: "gradient" (its direction as red, green and blue),
    "slope" (its length, with a scale), "class" (the pair of classes), "pattern" (the region), "component", "none".
    ``angles``: elevation and azimuth of the view, degrees. ``linewidth`` of the edges, 0 for none.

    Raises as ``plot_solid`` does.
    """
    surface = surface_of(boundary, "plot_mesh")
    one_of("color", color, get_args(SurfaceColor))
    view = view_angles(angles)
    axes = space_axes(ax, (7.2, 6.4))
    _draw_mesh(axes, surface, color, view, linewidth, "beside" if ax is None else "inside")
    corners = floats(surface.vertices) if len(surface) else boundary.partition.domain.polytope.vertices
    low, high = corners.min(axis=0), corners.max(axis=0)
    half = 0.52 * (high - low).max()
    _set_frame(axes, np.stack([(low + high) / 2 - half, (low + high) / 2 + half]), view, complete=boundary.complete)
    return axes


# ---- polygons --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Cells:
    """The polytopes that are drawn: the regions, or parts of them on which one output is the largest."""

    arrangement: Arrangement[Any]
    parents: NDArray[np.int64]
    """The region of each."""
    winners: NDArray[np.int64] | None
    """The largest output of each, if it is asked for."""
    shifts: Floats
    """How far each is pulled away from the middle, (cells, 3)."""

    @classmethod
    def of(cls, partition: Tiling, color: str, apart: float) -> _Cells:
        """The cells of a partition for pictures of that colour."""
        arrangement, parents, winners = partition.arrangement, np.arange(len(partition)), None
        if color == "class":
            if partition.network.outputs < 2:
                raise ArgumentError(
                    "color='class' needs a network with several outputs; this one has one. Use color='slope'."
                )
            cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(partition.network.outputs)]))
            arrangement, parents, winners = cells.arrangement, cells.regions, by_maximum.winners[:, 0].astype(np.int64)
        regions, vertices = arrangement.regions, floats(arrangement.vertices)
        middles = regions.reduce(np.add, vertices[regions.values]) / regions.counts[:, None]
        centre = np.asarray(partition.domain.polytope.vertices, np.float64).mean(axis=0)
        return cls(arrangement, parents, winners, apart * (middles - centre))

    def moved(self, points: Floats) -> Floats:
        """Where points (n, 3) are when they go with their cells; those outside of all stay."""
        cell = self.arrangement.locate(points)
        return points + np.where((cell >= 0)[:, None], self.shifts[cell], 0.0)


def _draw_cells(
    axes: Axes3D,
    partition: Tiling,
    cells: _Cells,
    color: str,
    view: tuple[float, float],
    width: float | None,
    place: str,
) -> None:
    facets, vertices, winners = cells.arrangement.facets(), floats(cells.arrangement.vertices), cells.winners
    apart = cells.shifts.any()
    facet, side = np.nonzero(facets.regions >= 0) if apart else (np.flatnonzero(facets.regions[:, 1] < 0), 0)
    cell = facets.regions[facet, side]
    polygons = facets.corners(facet)
    corners = vertices[polygons.values] + cells.shifts[cell][polygons.row_of]
    painted, scale = _cell_colors(partition, color, cells.parents, winners)
    _draw(axes, corners, polygons, painted[cell], None, view, width)
    if winners is not None:
        present, palette = np.unique(winners).tolist(), pastels(partition.network.outputs)
        _explain(axes, [f"class {k}" for k in present], palette[present], place)
    _scale(axes, scale, place)


def _cell_colors(
    partition: Tiling, color: str, parents: NDArray[np.int64], winners: NDArray[np.int64] | None
) -> tuple[Floats, tuple[Any, str] | None]:
    """The colour of each cell, and the scale that it is from."""
    from matplotlib.colors import LogNorm

    if color == "none":
        return np.full((len(parents), 3), 0.85), None
    if winners is not None:
        return pastels(partition.network.outputs)[winners], None
    if color == "pattern":
        return _hues(pattern_hues(partition)), None
    if color == "volume":
        volumes = floats(partition.volumes())
        drawn = positive(volumes)
        return _scaled(volumes, "volume", LogNorm(np.quantile(drawn, 0.05), drawn.max(), clip=True))
    if color == "output":
        regions, outputs = partition.regions, floats(partition.outputs.to_numpy())[:, 0]
        return _scaled(regions.reduce(np.add, outputs[regions.values]) / regions.counts, "output 0 (mean over corners)")
    return _scaled(slope_norms(partition), "slope (Frobenius norm)")


def _draw_points(axes: Axes3D, places: Floats, names: list[str]) -> None:
    """Marks places on top of all that is drawn."""
    axes.computed_zorder = False  # else what is nearer to the eye covers them
    axes.plot(*places.T, "o", color="black", markersize=6, markeredgecolor="white", zorder=7)
    for place, name in zip(places.tolist(), names, strict=True):
        if name:
            axes.text(*place, f"  {name}", fontweight="bold", bbox=LABEL, zorder=6, va="bottom")


def _draw_mesh(
    axes: Axes3D, surface: SurfaceMesh, color: str, view: tuple[float, float], width: float | None, place: str
) -> None:
    boundary, scale = surface.surface, None
    if color == "class":
        if boundary.level is not None:
            raise ArgumentError(
                "color='class' needs a boundary between classes; this is a level set. Use color='slope'."
            )
        names, kinds = np.unique(boundary.pairs, axis=0, return_inverse=True)
        painted = pastels(len(names))[kinds.reshape(-1)]
        _explain(axes, [f"classes {i} and {j}" for i, j in names.tolist()], pastels(len(names)), place)
    elif color == "gradient":
        painted = 0.6 + 0.36 * surface.normals
    elif color == "slope":
        painted, scale = _scaled(norms(surface.gradients), "slope (norm of the gradient)")
    elif color == "pattern":
        painted = _hues(pattern_hues(boundary.partition, surface.regions))
    elif color == "component":
        painted = pastels(surface.components)[surface.labels]
    else:
        painted = np.full((len(surface), 3), 0.85)
    corners = floats(surface.vertices)[surface.polygons.values]
    _draw(axes, corners, surface.polygons, painted, surface.normals, view, width)
    _scale(axes, scale, place)


def _draw(
    axes: Axes3D,
    corners: Floats,
    polygons: Ragged,
    colors: Floats,
    normals: Floats | None,
    view: tuple[float, float],
    width: float | None,
) -> None:
    """Draws polygons with these corners (n, 3), with light and shade on both of their sides."""
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if normals is None:
        arms = corners - corners[polygons.offsets[:-1]][polygons.row_of]
        normals = polygons.reduce(np.add, np.cross(arms, arms[polygons.successor]))
        normals = normals / np.maximum(norms(normals), 1e-300)[:, None]
    rise, turn = np.radians(view)
    eye = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
    facing = np.where((normals @ eye < 0)[:, None], -normals, normals)
    light = 0.45 + 0.4 * (facing @ eye) + 0.2 * np.maximum(facing @ (_LAMP / np.linalg.norm(_LAMP)), 0)
    lines = line_width(len(polygons)) / 2 if width is None else line_width_of("linewidth", width)
    painted = np.clip(colors * light[:, None], 0, 1)
    drawn = Poly3DCollection(
        [corners[start:end] for start, end in zip(polygons.offsets[:-1], polygons.offsets[1:], strict=True)],
        facecolors=painted,
        edgecolors=EDGE if lines else painted,
        linewidths=lines or 0.1,
        rasterized=len(polygons) > RASTER_REGIONS,
    )
    axes.add_collection3d(drawn, autolim=False)


# ---- colours, the frame ----------------------------------------------------------------------------------------------
def _hues(hues: Floats) -> Floats:
    from matplotlib.colors import hsv_to_rgb

    return np.asarray(hsv_to_rgb(np.stack([hues, np.full_like(hues, 0.45), np.full_like(hues, 0.97)], axis=1)))


def _scaled(values: Floats, label: str, norm: Any = None) -> tuple[Floats, tuple[Any, str]]:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    mapped = ScalarMappable(Normalize(low, high) if norm is None else norm, "YlGnBu")
    return np.asarray(mapped.to_rgba(values)[:, :3], np.float64), (mapped, label)


def _scale(axes: Axes3D, scale: tuple[Any, str] | None, place: str) -> None:
    """The colour scale; inside axes in space there is no room for it, and it stands beside them too."""
    if scale is not None and place != "none":
        axes.figure.colorbar(scale[0], ax=axes, label=scale[1], shrink=0.6, pad=0.1)


def _explain(axes: Axes3D, names: list[str], palette: Floats, place: str) -> None:
    from matplotlib.patches import Patch

    pairs = zip(names, palette, strict=True)
    explain_in_space(axes, [Patch(facecolor=color, edgecolor=EDGE, label=name) for name, color in pairs], place)


def _set_frame(axes: Axes3D, box: Floats, view: tuple[float, float], *, complete: bool) -> None:
    """Shows just a box, from its lowest to its highest corner, in equal scales."""
    from matplotlib.ticker import MaxNLocator

    low, high = box
    for k, axis in enumerate((axes.xaxis, axes.yaxis, axes.zaxis)):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_label_text(f"slice coordinate {k + 1}")
    limits = box.T.tolist()
    axes.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
    axes.set_box_aspect(high - low)
    axes.view_init(*view)
    if not complete:
        axes.set_title(INCOMPLETE)
