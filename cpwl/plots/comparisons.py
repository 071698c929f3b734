"""Pictures of comparisons, two of the slice side by side, with matplotlib; see ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..comparisons.execution import interior_points
from ..errors import check_planar
from .figures import new_figure
from .palette import EDGE
from .regions import INCOMPLETE, RASTER_REGIONS, frame, line_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    from ..comparisons.execution import ExecutionComparison
    from ..comparisons.partitions import Comparison
    from ..tiling.tiling import Tiling

_PLAIN = "#EEF1F4"
_MISSING, _EXTRA, _MISSHAPEN, _AMBIGUOUS = "#CC3311", "#0077BB", "#EE7733", "#F2E08A"
_UNREACHED, _VOID, _CHANGED = "#EE7733", "#4B0E8C", "#CC3311"
_BADGE = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": EDGE, "linewidth": 0.8}


def plot_comparison(found: Comparison) -> Figure:
    """Left: regions that differ, that are ambiguous, and the thinnest; right: how far the corners of each one moved."""
    figure, (left, right) = _two_pictures(found.reference)
    _draw_differences(left, found)
    _draw_displacements(right, found)
    return figure


def plot_execution(found: ExecutionComparison) -> Figure:
    """Left: inputs at which the run is on other pieces or decides otherwise; right: regions that no input reached."""
    figure, (left, right) = _two_pictures(found.partition)
    _draw_flips(left, found)
    _draw_reached(right, found)
    return figure


# ---- partitions ----------------------------------------------------------------------------------------------------
def _draw_differences(axes: Axes, comparison: Comparison) -> None:
    part, reference = comparison.partition, comparison.reference
    _polygons(axes, reference, np.arange(len(reference)), _PLAIN)
    kinds = (
        (part, part.ambiguous, _AMBIGUOUS, "ambiguous in float"),
        (part, comparison.misshapen, _MISSHAPEN, "of another shape"),
        (part, comparison.extra, _EXTRA, "extra"),
        (reference, comparison.missing, _MISSING, "missing"),
    )
    for source, regions, color, label in kinds:
        _marked(axes, source, regions, color, f"{len(regions):,} {label}")
    centres = interior_points(reference)
    for number, r in enumerate(comparison.thinnest.tolist(), start=1):
        axes.annotate(str(number), centres[r], ha="center", va="center", fontsize=7, bbox=_BADGE, zorder=6)
    widths = ", ".join(f"{w:.1e}" for w in comparison.widths)
    count, reference_count = comparison.regions
    verdict = "the same" if comparison.agree else "not the same"
    axes.set_title(f"{count:,} regions, {reference_count:,} in the reference: {verdict}", fontsize=11)
    axes.set_xlabel(f"numbered: the thinnest regions, of width {widths}", fontsize=8)
    _legend(axes)


def _draw_displacements(axes: Axes, comparison: Comparison) -> None:
    from matplotlib.colors import LogNorm

    part, ulps = comparison.reference, comparison.largest_displacements / comparison.ulp
    known = np.flatnonzero(~np.isnan(ulps))
    moved = ulps[known][ulps[known] > 0]
    collection = _polygons(axes, part, known, _PLAIN)
    _marked(axes, part, np.flatnonzero(np.isnan(ulps)), _MISSING, "no counterpart of this shape")
    axes.set_title(f"how far corners moved: {comparison.displacements[-1]:.1e} at most", fontsize=11)
    if len(moved):
        low, high = float(moved.min()), float(moved.max())
        collection.set(array=np.where(ulps[known] > 0, ulps[known], np.nan), cmap="viridis_r")
        collection.set_norm(LogNorm(low, high if high > low else 2 * low))
        label = "largest displacement of a corner, ulps of the domain's largest coordinate"
        axes.figure.colorbar(collection, ax=axes, label=label, shrink=0.8)
    _legend(axes)


# ---- runs ----------------------------------------------------------------------------------------------------------
def _draw_flips(axes: Axes, comparison: ExecutionComparison) -> None:
    part, runs = comparison.partition, (comparison.grid, comparison.interiors)
    _polygons(axes, part, np.arange(len(part)), "white", edge="#BBBBBB")
    u = np.concatenate([run.u for run in runs])
    flips, changed = (np.concatenate([getattr(run, name) for run in runs]) for name in ("flips", "changed"))
    several = np.flatnonzero(flips)
    most = int(flips.max(initial=1))
    points = axes.scatter(
        u[several, 0],
        u[several, 1],
        c=flips[several],
        s=5,
        cmap="viridis_r",
        vmin=0.5,
        vmax=most + 0.5,
        linewidths=0,
        zorder=4,
    )
    if len(several):
        ticks = np.unique(np.linspace(1, most, min(most, 6)).astype(int))
        axes.figure.colorbar(points, ax=axes, label="units on another piece than exactly", ticks=ticks, shrink=0.8)
    other = f"{int(changed.sum()):,} with another decision"
    axes.plot(u[changed, 0], u[changed, 1], "x", color=_CHANGED, markersize=5, label=other, zorder=5)
    title = f"{comparison.dtype}: units on other pieces at {len(several):,} of {len(u):,} inputs"
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("inputs: on a grid, and one inside each region", fontsize=8)
    _legend(axes, always=True)


def _draw_reached(axes: Axes, comparison: ExecutionComparison) -> None:
    part = comparison.partition
    void = np.zeros(len(part), np.bool_) if comparison.void is None else comparison.void
    missed = ~comparison.reached
    _polygons(axes, part, np.arange(len(part)), _PLAIN)
    kinds = (
        (missed & ~void, _UNREACHED, "not reached by any input tried"),
        (void, _VOID, f"hold no {comparison.dtype} input"),
    )
    for chosen, color, label in kinds:
        _marked(axes, part, np.flatnonzero(chosen), color, f"{int(chosen.sum()):,} {label}")
    axes.set_title(f"{int(missed.sum()):,} of {len(part):,} regions not reached in {comparison.dtype}", fontsize=11)
    _legend(axes)


# ---- parts ---------------------------------------------------------------------------------------------------------
def _two_pictures(part: Tiling) -> tuple[Figure, tuple[Axes, Axes]]:
    check_planar(part.domain.dim, "pictures of comparisons")
    figure = new_figure((15.0, 6.6))
    axes = (figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2))
    for each in axes:
        frame(each, part)
    if not part.complete:
        figure.suptitle(INCOMPLETE)
    return figure, axes


def _polygons(axes: Axes, part: Tiling, regions: NDArray[np.int64], color: str, *, edge: str = EDGE) -> PolyCollection:
    from matplotlib.collections import PolyCollection

    vertices, rows = np.asarray(part.vertices, np.float64), part.regions
    collection = PolyCollection(
        [vertices[rows[r]] for r in regions.tolist()],
        facecolors=color,
        edgecolors=edge,
        linewidths=line_width(len(part)),
        rasterized=len(regions) > RASTER_REGIONS,
    )
    axes.add_collection(collection)
    return collection


def _marked(axes: Axes, part: Tiling, regions: NDArray[np.int64], color: str, label: str) -> None:
    """Regions in a colour, each with a dot inside, so that those too thin to be seen are seen."""
    if len(regions):
        _polygons(axes, part, regions, color)
        axes.plot(*interior_points(part)[regions].T, ".", color=color, markersize=3, label=label, zorder=4)


def _legend(axes: Axes, *, always: bool = False) -> None:
    handles: list[Any] = axes.get_legend_handles_labels()[0]
    if handles:
        axes.legend(loc="upper right", fontsize=9, markerscale=1 if always else 4, framealpha=0.9)
