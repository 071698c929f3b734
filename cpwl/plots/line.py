"""Pictures of partitions of a line: the outputs along it, with the points at which they bend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, ShapeError
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, indices, instance, one_of, texts
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling
from .figures import check_drawn, flat_axes
from .legends import check_labels
from .palette import BOUNDARY, EDGE, palette
from .regions import INCOMPLETE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..boundary.boundary import DecisionBoundary

Shade = Literal["none", "class"]

_MOST_OUTPUTS = 10
"""Curves that are drawn when none are chosen."""


@ieee
def plot_line(
    partition: Tiling,
    ax: Axes | None = None,
    *,
    outputs: ArrayLike | None = None,
    color: Shade = "none",
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[Any] | None = None,
    xlabel: str = "slice coordinate",
    ylabel: str = "output",
) -> Axes:
    """The axes (``ax``, or those of a new figure) with outputs of a network along a line, when D = 1.

    A curve for each of ``outputs``, numbers of some (by default the first ten), exact between its bends; a tick at each
    breakpoint. ``color="class"`` shades the line by the largest output. ``boundary``, a decision boundary or level
    set, is drawn in red. ``points`` (n,) or (n, 1), in slice coordinates, are marked, with ``labels`` above them.

    Raises ``UnsupportedDimensionError`` unless D = 1, ``ArgumentError`` for outputs that are none, "class" with one
    output, or another partition's boundary; ``MissingDependencyError`` without matplotlib.
    """
    instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition")
    check_drawn(partition, (1,), "plot_line")
    one_of("color", color, get_args(Shade))
    count = partition.network.outputs
    if color == "class" and count < 2:
        raise ArgumentError("color='class' needs a network with several outputs; this one has one.")
    if boundary is not None and getattr(boundary, "partition", None) is not partition:
        raise ArgumentError("boundary must be one of this partition: give partition.decision_boundary().")
    check_labels(points, labels)
    chosen = np.arange(min(count, _MOST_OUTPUTS)) if outputs is None else indices("outputs", outputs, count)
    axes = flat_axes(ax, (7.2, 4.2))
    if color == "class":
        _shade(axes, partition)
    _draw_outputs(axes, partition, chosen)
    if boundary is not None:
        name = "decision boundary" if boundary.level is None else f"output = {boundary.level:g}"
        for i, place in enumerate(floats(boundary.vertices)[:, 0].tolist()):
            axes.axvline(place, color=BOUNDARY, linewidth=1.2, label=name if not i else None, zorder=3)
    if points is not None:
        _mark(axes, points, labels)
    ends = partition.domain.polytope.vertices[:, 0]
    axes.set(xlim=(ends.min(), ends.max()), xlabel=xlabel, ylabel=ylabel)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=10)
    if not partition.complete:
        axes.set_title(INCOMPLETE)
    return axes


def _draw_outputs(axes: Axes, partition: Tiling, outputs: NDArray[np.int64]) -> None:
    """Each output on each region, in one curve where regions touch; and ticks where these do."""
    places, values = floats(partition.vertices)[:, 0], floats(partition.outputs.to_numpy())
    ends = partition.regions.values.reshape(-1, 2)
    ends = np.where((places[ends[:, 0]] <= places[ends[:, 1]])[:, None], ends, ends[:, ::-1])
    ends = ends[np.argsort(places[ends[:, 0]], kind="stable")]
    gap = np.flatnonzero(ends[1:, 0] != ends[:-1, 1]) + 1
    for output in outputs.tolist():
        along, height = places[ends].ravel(), values[ends, output].ravel()
        curve: Any = (np.insert(column, 2 * gap, np.nan) for column in (along, height))
        axes.plot(*curve, linewidth=1.4, label=f"output {output}", zorder=2)
    bends = partition.facets().vertices.values[partition.facets().regions[:, 1] >= 0]
    axes.plot(places[bends], np.zeros(len(bends)), "|", color=EDGE, markersize=6, transform=axes.get_xaxis_transform(),
              clip_on=False, zorder=4)  # fmt: skip


def _shade(axes: Axes, partition: Tiling) -> None:
    cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(partition.network.outputs)]))
    ends = floats(cells.arrangement.vertices)[cells.arrangement.regions.values.reshape(-1, 2), 0]
    winners, colors = by_maximum.winners[:, 0], palette(partition.network.outputs)
    for k in np.unique(winners).tolist():
        spans = [(low, high - low) for low, high in np.sort(ends[winners == k], axis=1).tolist()]
        axes.broken_barh(spans, (0, 1), transform=axes.get_xaxis_transform(), color=colors[k], alpha=0.35,
                         linewidth=0, label=f"class {k}", zorder=1)  # fmt: skip


def _mark(axes: Axes, points: ArrayLike, labels: Sequence[str] | None) -> None:
    places = finite("points", points)
    if places.ndim > 1 and places.shape[1:] != (1,):
        raise ShapeError(f"points must have shape (n,) or (n, 1), slice coordinates, got {places.shape}.")
    places = places.ravel()
    names = [""] * len(places) if labels is None else texts("labels", labels, len(places), "points")
    for place, name in zip(places.tolist(), names, strict=True):
        axes.axvline(place, color="black", linewidth=0.8, linestyle=":", zorder=3)
        if name:
            axes.annotate(name, (place, 1), (0, 3), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                          ha="center", fontsize=10)  # fmt: skip
