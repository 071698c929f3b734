"""The section of a solid by a plane as a picture, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..boundary.section import Section
from ..errors import check_solid
from ..numbers.norms import norms
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of
from .figures import flat_axes, line_width_of
from .legends import colorbar
from .painting import pattern_hues
from .palette import EDGE
from .regions import INCOMPLETE, line_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Color = Literal["slope", "area", "pattern", "none"]


@ieee
def plot_section(
    section: Section, ax: Axes | None = None, *, color: Color = "slope", linewidth: float | None = None
) -> Axes:
    """The axes (``ax``, or those of a new figure) with the regions of a plane section of a solid, in its own ``frame``.

    ``color``: "slope" (Frobenius norm of the region's map in the solid), "area", "pattern" or "none". ``linewidth`` of
    the edges. ``UnsupportedDimensionError`` unless of a solid (D = 3).
    """
    instance("section", section, Section, "Use part.section(normal, offset).")
    check_solid(section.partition.domain.dim, "the picture of a section")
    one_of("color", color, get_args(Color))
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm, hsv_to_rgb

    axes = flat_axes(ax, (7.2, 6.0))
    places, faces = section.places(), section.faces.faces
    width = line_width(len(section)) if linewidth is None else line_width_of("linewidth", linewidth)
    polygons = PolyCollection([places[row] for row in faces], edgecolors=EDGE, linewidths=width)
    place = "beside" if ax is None else "inside"
    if color == "slope":
        polygons.set(array=norms(section.partition.jacobians(section.regions), axis=(1, 2)), cmap="YlGnBu")
        colorbar(axes, polygons, "slope (Frobenius norm)", place)
    elif color == "area":
        polygons.set(array=section.measures(), cmap="YlGnBu_r", norm=LogNorm())
        colorbar(axes, polygons, "area", place)
    elif color == "pattern":
        hues = pattern_hues(section.partition, section.regions)
        polygons.set(facecolor=hsv_to_rgb(np.stack([hues, np.full_like(hues, 0.4), np.full_like(hues, 0.95)], axis=1)))
    else:
        polygons.set(facecolor="white")
    axes.add_collection(polygons)
    axes.set(xlabel="along the plane 1", ylabel="along the plane 2", aspect="equal")
    axes.autoscale_view()
    if not section.partition.complete:
        axes.set_title(INCOMPLETE)
    return axes
