"""Pictures of decisions, with matplotlib: points of a boundary as images, and where two networks agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary.nearest import closest_data
from ..errors import ShapeError, check_planar
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, texts, whole
from .figures import flat_axes, new_figure
from .legends import explain
from .palette import EDGE
from .regions import INCOMPLETE, RASTER_REGIONS, frame, line_width, settle, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..analysis.overlay import Agreement
    from ..boundary.boundary import DecisionBoundary

_CANDIDATES = 200
"""Points drawn from the boundary, from which those far apart are taken."""

_AGREED = "#E4E9EE"
_HUES = ("#CC3311", "#0077BB", "#EE7733", "#009988", "#EE3377", "#6F4C9B", "#B8A415", "#5A3A22")


@ieee
def plot_samples(
    boundary: DecisionBoundary,
    data: ArrayLike,
    *,
    labels: Sequence[Any] | None = None,
    count: int = 8,
    seed: int = 0,
) -> Figure:
    """A figure with points of a boundary as images, and under each the closest image of a data set.

    For networks that take images, (h, w) or (1 or 3, h, w). ``count`` points, drawn by length and far apart; their
    classes stand above them. ``data`` (N, ...), with a label each in ``labels``; the closest one is that at
    the least Euclidean distance in the input space, which stands below it. Grey levels are those of the data's range.
    """
    part = boundary.partition
    images = finite("data", data)
    if images.shape[1:] != part.network.input_shape or not len(images):
        raise ShapeError(f"data must have shape (N, {part.network.input_shape}), got {images.shape}.")
    names_of = [] if labels is None else texts("labels", labels, len(images), "images")
    whole("count", count, 1)
    u, segments = boundary.sample_slice(max(_CANDIDATES, count), seed=seed)
    chosen = spread(np.asarray(u, np.float64), count)
    points = np.asarray(part.to_input(u[chosen]), np.float64)
    rows, distances = closest_data(points, images)
    titles = [_pair(boundary, segment) for segment in segments[chosen].tolist()]
    names = [
        f"{f'{names_of[row]}, ' if names_of else ''}{far:.3g} away" for row, far in zip(rows, distances, strict=True)
    ]
    figure = _strips(points, images[rows], titles, names, (float(images.min()), float(images.max())))
    if not boundary.complete:
        figure.suptitle(INCOMPLETE)
    return figure


@ieee
def plot_agreement(found: Agreement, ax: Axes | None = None) -> Axes:
    """The axes (``ax``, or those of a new figure) with the cells on which two networks decide differently in colour.

    A colour for each pair of classes, those of the largest areas first, with their share of the area; the last colour
    stands for all further pairs. Where the two agree it is grey, with the edges of the regions of both in white.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    check_planar(found.partition.domain.dim, "pictures of where networks agree")
    axes = flat_axes(ax, (8.2, 6.0))
    colors, legend = _colored(found)
    vertices, cells = np.asarray(found.arrangement.vertices, np.float64), found.arrangement.regions
    pixels = len(cells) > RASTER_REGIONS
    edges = np.where(found.apart, EDGE, "white")
    axes.add_collection(
        PolyCollection(
            [vertices[row] for row in cells],
            facecolors=colors,
            edgecolors=edges,
            linewidths=line_width(len(cells)),
            rasterized=pixels,
        )
    )
    handles = [Patch(facecolor=color, edgecolor=EDGE, label=label) for label, color in legend]
    explain(axes, handles, "beside" if ax is None else "inside")
    axes.set_title(f"the two networks differ on {found.share:.2%} of the area", fontsize=11)
    frame(axes, found.partition)
    if ax is None:
        settle(axes)
    return axes


# ---- parts ---------------------------------------------------------------------------------------------------------
def _pair(boundary: DecisionBoundary, segment: int) -> str:
    first, second = boundary.pairs[segment].tolist()
    return f"{first} = {second}" if first >= 0 else f"output = {boundary.level:g}"


def _strips(
    points: NDArray[np.float64],
    images: NDArray[np.float64],
    titles: Sequence[str],
    names: Sequence[str],
    reach: tuple[float, float],
) -> Figure:
    figure = new_figure((1.35 * max(len(points), 3), 3.2))
    table = figure.subplots(2, len(points), squeeze=False)
    low, high = reach
    for column, (point, image) in enumerate(zip(points, images, strict=True)):
        for axes, picture in zip(table[:, column], (point, image), strict=True):
            with np.errstate(over="ignore"):  # beyond white is white
                scaled = np.clip((_as_image(picture) - low) / max(high - low, np.finfo(np.float64).tiny), 0, 1)
            axes.imshow(scaled, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
        table[0, column].set_title(titles[column], fontsize=10)
        table[1, column].set_xlabel(names[column], fontsize=9)
    table[0, 0].set_ylabel("on the boundary", fontsize=10)
    table[1, 0].set_ylabel("closest data", fontsize=10)
    return figure


def _as_image(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """An input as rows of pixels, grey or RGB."""
    if x.ndim == 2:
        return x
    if x.ndim == 3 and x.shape[0] in (1, 3):
        return x[0] if x.shape[0] == 1 else np.moveaxis(x, 0, 2)
    raise ShapeError(f"the network's inputs must be images, (h, w) or (1 or 3, h, w), got {x.shape}.")


def _colored(agreement: Agreement) -> tuple[NDArray[np.float64], list[tuple[str, Any]]]:
    """A colour for each cell, RGBA, and what the colours mean."""
    from matplotlib.colors import to_rgba

    colors = np.tile(to_rgba(_AGREED), (len(agreement), 1))
    areas = agreement.shares()
    legend = [(f"the same class: {areas[~agreement.apart].sum():.2%}", _AGREED)]
    cells = np.flatnonzero(agreement.apart)
    pairs, kind = np.unique(agreement.classes[cells], axis=0, return_inverse=True)
    shares = np.bincount(kind.ravel(), areas[cells], len(pairs))
    rank = np.argsort(np.argsort(-shares))[kind.ravel()]
    for place, pair in enumerate(np.argsort(-shares)[: len(_HUES)].tolist()):
        rest = place == len(_HUES) - 1 and len(pairs) > len(_HUES)
        chosen = rank >= place if rest else rank == place
        colors[cells[chosen]] = to_rgba(_HUES[place])
        name = "other pairs" if rest else f"first {pairs[pair, 0]}, second {pairs[pair, 1]}"
        legend.append((f"{name}: {areas[cells[chosen]].sum():.2%}", _HUES[place]))
    return colors, legend
