"""Pictures of statistics with matplotlib: distributions over regions and slices, and where units cut; see ``plot``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..analysis.unit_activity import Units
from ..errors import ArgumentError
from ..runtime.ieee import ieee
from ..runtime.inputs import instance
from ..statistics.statistics import Statistics
from .figures import new_figure
from .palette import dark
from .regions import INCOMPLETE, RASTER_REGIONS, frame, line_width

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


"""Lines and boxes by group; after Paul Tol's "vibrant" scheme. From the ninth group on they repeat."""

_LOGARITHMIC = ("area", "eccentricity", "median area", "smallest area", "ARE")

_UNITS = {"area": "area of a region", "vertices": "vertices of a region", "eccentricity": "eccentricity of a region",
          "slope": "slope (Frobenius norm) on a region"}  # fmt: skip


@ieee
def plot_distributions(
    groups: Mapping[str, Statistics], *, measures: Sequence[str] = ("area", "vertices", "eccentricity", "slope")
) -> Figure:
    """The distributions of measures over the regions of several partitions, by name: a panel for each measure.

    A curve is the share of the regions (not of the area) whose measure is at most that large; the number of vertices
    is drawn as bars. Infinite values are beyond the right edge. ``measures`` are among "area", "vertices",
    "eccentricity" and "slope".
    """
    unknown = [name for name in measures if name not in _UNITS]
    instance("groups", groups, Mapping, "Give part.statistics() by names.")  # type: ignore[type-abstract]
    if unknown or not groups:
        raise ArgumentError(f"measures must be among {', '.join(_UNITS)}, and groups one or more, got {unknown}.")
    figure, axes = _panels(len(measures), columns=2)
    for ax, measure in zip(axes, measures, strict=True):
        values = {name: _of_regions(statistics, measure) for name, statistics in groups.items()}
        (_draw_bars if measure == "vertices" else _draw_curves)(ax, values, logarithmic=measure in _LOGARITHMIC)
        ax.set_xlabel(_UNITS[measure])
        ax.set_ylabel("share of the regions")
    _name_groups(figure, [_marked(name, statistics) for name, statistics in groups.items()])
    return figure


@ieee
def plot_study(
    table: pandas.DataFrame,
    *,
    measures: Sequence[str],
    by: str = "points",
    hue: str = "network",
    kind: Literal["box", "ecdf"] = "box",
) -> Figure:
    """The distributions of measures over the slices of a table of ``cpwl.analysis.study``: a panel for each measure.

    ``kind="box"``: boxes (quartiles, median, whiskers to the farthest value within 1.5 times the box, and all values
    as dots) for each value of column ``by``, in the colour of column ``hue``. ``kind="ecdf"``: for each pair of both
    the share of the slices whose measure is at most that large. Squares of several sides are not mixed: then ``by`` or
    ``hue`` has to be "side".
    """
    missing = [name for name in (by, hue, *measures) if name not in table.columns]
    if missing or kind not in ("box", "ecdf"):
        raise ArgumentError(
            f"kind must be 'box' or 'ecdf', and the table have all columns; got {kind!r}, no {missing}."
        )
    if "side" not in (by, hue) and table["side"].nunique() > 1:
        raise ArgumentError("the table has squares of several sides: give by='side', or take one of them only.")
    figure, axes = _panels(len(measures), columns=3)
    hues, values = list(table[hue].unique()), list(table[by].unique())
    for ax, measure in zip(axes, measures, strict=True):
        cells = {(h, v): table.loc[(table[hue] == h) & (table[by] == v), measure] for h, v in product(hues, values)}
        if kind == "box":
            _draw_boxes(ax, {key: _finite(cell.to_numpy(float)) for key, cell in cells.items()}, hues, values)
            ax.set_title(measure, fontsize=10)
            if measure in _LOGARITHMIC:
                ax.set_yscale("log")
                _readable(ax)
            else:
                ax.set_ylim(bottom=0)
        else:
            _draw_curves(
                ax, {f"{h}, {v}": c.to_numpy(float) for (h, v), c in cells.items()}, logarithmic=measure in _LOGARITHMIC
            )
            ax.set_xlabel(measure)
            ax.set_ylabel("share of the slices")
    if "complete" in table and not table["complete"].all():
        figure.suptitle(f"{int((~table['complete']).sum()):,} of {len(table):,} slices INCOMPLETE")
    _name_groups(figure, hues if kind == "box" else [f"{h}, {v}" for h, v in product(hues, values)])
    return figure


@ieee
def plot_units(units: Units, *, layers: Sequence[int] | None = None) -> Figure:
    """Where units cut: a panel for each layer (all by default; numbers from 1), a colour for each unit.

    The edges that the layers before have made are grey. Coincident boundaries are drawn over one another.
    """
    count = len(instance("units", units, Units, "Use cpwl.analysis.units.").regions_after)
    chosen = list(range(1, count + 1)) if layers is None else list(layers)
    if not chosen or not all(layer in range(1, count + 1) for layer in chosen):
        raise ArgumentError(f"layers must be some of 1..{count}, got {layers!r}.")
    figure, axes = _panels(len(chosen), columns=3)
    for ax, layer in zip(axes, chosen, strict=True):
        _draw_layer(ax, units, layer)
    if not units.partition.complete:
        figure.suptitle(INCOMPLETE)
    return figure


def _marked(name: str, statistics: Statistics) -> str:
    """The name of a group, marked where regions are missing."""
    return name if statistics.complete or "INCOMPLETE" in name else f"{name} (INCOMPLETE)"


def _draw_layer(ax: Axes, units: Units, layer: int) -> None:
    from matplotlib.collections import LineCollection

    part, made = units.partition, units.layers[units.crossings.unit]
    places = np.asarray(part.vertices, np.float64)
    before = np.unique(units.crossings.facet[made < layer])
    edges = places[part.facets().vertices.take(before).values.reshape(-1, 2)]
    raster = len(edges) > RASTER_REGIONS
    ax.add_collection(LineCollection(edges, colors="#BBBBBB", linewidths=line_width(len(edges)), rasterized=raster))
    own = np.flatnonzero(units.layers == layer)
    curves = units.polylines(own)
    lines = [places[np.append(c.vertices, c.vertices[:1]) if c.closed else c.vertices] for c in curves]
    colors = [dark(c.unit - int(own[0])) for c in curves]
    width = 1.6 * line_width(max(len(curves) * 4, 1))
    ax.add_collection(LineCollection(lines, colors=colors, linewidths=max(width, 0.3), rasterized=raster))
    cutting = int((units.states[own] == "cuts").sum())
    title = f"layer {layer}: {cutting:,} of {len(own):,} units cut\n{units.regions_after[layer - 1]:,} regions"
    ax.set_title(title, fontsize=9)
    frame(ax, part)
    ax.set(xlabel="", ylabel="")


def _panels(count: int, *, columns: int) -> tuple[Figure, list[Axes]]:
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = new_figure((3.1 * columns + 0.4, 2.6 * rows + 0.4))
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in grid[count:]:
        ax.set_visible(False)
    for ax in grid[:count]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    return figure, grid[:count]


def _of_regions(statistics: Statistics, measure: str) -> NDArray[Any]:
    return {
        "area": statistics.areas,
        "vertices": statistics.corners,
        "eccentricity": statistics.eccentricities,
        "slope": statistics.slopes,
    }[measure]


def _readable(ax: Axes) -> None:
    """Numbers at a few ticks of a logarithmic axis, also where it spans less than a power of ten."""
    from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter, NullLocator

    low, high = ax.get_ylim()
    decades = np.log10(high / low)
    if decades > 2.5:
        ax.yaxis.set_minor_formatter(NullFormatter())
        return
    steps = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    ax.yaxis.set_major_locator(LogLocator(subs=steps))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(LogFormatter(minor_thresholds=(np.inf, np.inf)))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _draw_curves(ax: Axes, groups: Mapping[str, NDArray[Any]], *, logarithmic: bool) -> None:
    for k, values in enumerate(groups.values()):
        ordered = np.sort(np.asarray(values, np.float64))
        shares = np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
        drawn = np.isfinite(ordered) & ((ordered > 0) | (not logarithmic))
        ax.plot(ordered[drawn], shares[drawn], color=dark(k), drawstyle="steps-post", linewidth=1.4)
    if logarithmic:
        ax.set_xscale("log")
    ax.set_ylim(0, 1.02)


def _draw_bars(ax: Axes, groups: Mapping[str, NDArray[Any]], *, logarithmic: bool) -> None:
    width = 0.8 / len(groups)
    for k, values in enumerate(groups.values()):
        counts = np.bincount(np.asarray(values, np.int64))
        places = np.flatnonzero(counts)
        ax.bar(places + (k - (len(groups) - 1) / 2) * width, counts[places] / counts.sum(), width, color=dark(k))


def _draw_boxes(
    ax: Axes, cells: Mapping[tuple[str, str], NDArray[np.float64]], hues: Sequence[str], values: Sequence[str]
) -> None:
    width = 0.8 / len(hues)
    for k, h in enumerate(hues):
        places = np.arange(len(values)) + (k - (len(hues) - 1) / 2) * width
        style = {"color": dark(k), "linewidth": 1.2}
        rows = [cells[h, v] for v in values]
        ax.boxplot(rows, positions=places, widths=0.7 * width, showfliers=False, manage_ticks=False, medianprops=style,
                   boxprops=style, whiskerprops=style, capprops=style)  # fmt: skip
        for place, row in zip(places, rows, strict=True):
            # The golden ratio's multiples spread the dots of a box evenly, without a generator.
            offsets = ((np.arange(len(row)) * 0.618034) % 1 - 0.5) * 0.5 * width
            ax.plot(place + offsets, row, ".", color=dark(k), markersize=3, alpha=0.5, markeredgewidth=0)
    ax.set_xticks(range(len(values)), [str(v) for v in values])


def _name_groups(figure: Figure, names: Sequence[Any]) -> None:
    """The legend of the colours, above all panels; none for a single group without a name."""
    from matplotlib.patches import Patch

    if len(names) > 1 or any(map(str, names)):
        handles = [Patch(color=dark(k), label=str(name)) for k, name in enumerate(names)]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(names), 4), frameon=False, fontsize=9)
