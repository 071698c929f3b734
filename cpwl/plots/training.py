"""Pictures of training: animations, frames side by side, curves of statistics.

All frames of a recording are drawn in one colour scale, of the slope norm, so that colours can be compared over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..analysis.recording import Frame, Recording, Scale
from ..errors import ArgumentError
from ..runtime.ieee import ieee
from ..runtime.inputs import flag
from .figures import new_figure
from .legends import marked
from .movie import write_movie
from .palette import BOUNDARY, EDGE, dark
from .regions import line_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_CURVES = ("loss", "regions", "ARV", "ARE", "boundary length", "mean slope")
_MEANINGS = {
    "ARV": "average region area (ARV)",
    "ANV": "average number of vertices (ANV)",
    "ARE": "average eccentricity (ARE)",
}
_LOGARITHMIC = 20.0
"""Positive numbers are drawn on a logarithmic scale when the largest is so many times the smallest."""

_OUTLIERS = 0.005
"""The part of the area, at either end, that the colour scale does not reach: a few slivers would take half of it."""

_BOUNDARY = {"colors": BOUNDARY, "linewidths": 1.8, "zorder": 3, "capstyle": "round"}
_MARKERS = (("o", "black", "white"), ("s", "white", "black"), ("^", "#FFAABB", "black"), ("D", "#DDDDDD", "black"))
"""What points of the first classes look like: marker, colour and edge."""
_CLASSES = 256
"""That have colours of their own after these."""
_EXACT_CLASSES = 32
"""Whose colours an animation has exactly."""


@ieee
def animate(
    recording: Recording,
    path: str | PathLike[str],
    *,
    fps: float = 6.0,
    hold: float = 2.0,
    width: int = 480,
    scale: Scale = "log",
    points: ArrayLike | None = None,
    classes: ArrayLike | None = None,
) -> Path:
    """Writes a recording as an animation, .gif or .mp4 by the name of ``path``, and returns the path.

    Regions are coloured by slope norm, in one ``scale`` for all frames, with the boundary in red; step, metric "loss"
    (if there is one) and number of regions are in the title. ``fps`` frames are shown a second, the last one is held
    for ``hold`` seconds. ``width`` is in pixels. ``points`` (n, 2), in slice coordinates, are marked, each according to
    its class, ``classes`` (n,) of integers, if given. An .mp4 needs the extra ``cpwl[video]``. Raises ``ArgumentError``
    (an empty recording, another suffix), ``ShapeError`` (points) or ``MissingDependencyError``.
    """
    _check(recording)
    marks = _Marks.of(points, classes)
    pictures = _pictures(recording, width, scale, marks)
    return write_movie(path, pictures, fps=fps, hold=hold, exact=_named_colors(marks))


@ieee
def plot_frames(
    recording: Recording,
    steps: Sequence[int] | None = None,
    *,
    scale: Scale = "log",
    own_scales: bool = False,
    points: ArrayLike | None = None,
    classes: ArrayLike | None = None,
) -> Figure:
    """A figure of the frames at some steps (the last recorded up to each; by default four), in one colour scale.

    The scale is that of the whole recording, as in ``animate``, which also explains the other arguments and errors.
    With ``own_scales`` each frame has a scale of its own, beside it: early frames, whose slopes are small, then show
    their differences.
    """
    _check(recording)
    marks, known = _Marks.of(points, classes), recording.steps
    wanted = [known[i] for i in np.linspace(0, len(known) - 1, min(4, len(known))).round().astype(int)]
    frames = [recording.at(step) for step in (wanted if steps is None else steps)]
    figure = new_figure((3.4 * len(frames) + 0.9, 3.9))
    axes = list(np.atleast_1d(figure.subplots(1, len(frames))))
    shared = None if flag("own_scales", own_scales) else _norm(recording, scale)
    for ax, frame in zip(axes, frames, strict=True):
        collection = _draw(ax, recording, frame, _norm([frame], scale) if shared is None else shared)
        _draw_points(ax, marks)
        if shared is None:
            figure.colorbar(collection, ax=ax, shrink=0.7).ax.tick_params(labelsize=7)
    if shared is not None:
        _explain(figure, axes, collection)
    return figure


@ieee
def plot_curves(recording: Recording, names: Sequence[str] | None = None) -> Figure:
    """A figure of metrics and statistics of a recording over the steps, one panel each.

    ``names`` are columns of ``recording.table()``; by default the loss, the numbers of the SplineCam papers, the
    boundary's length and the mean slope, as far as they were recorded. Raises ``ArgumentError`` for others.
    """
    _check(recording)
    table = recording.table()
    chosen = [name for name in _CURVES if name in table] if names is None else list(names)
    unknown = [name for name in chosen if name not in table]
    if unknown or not chosen:
        raise ArgumentError(f"names must be columns of recording.table(), {', '.join(table)}; got {chosen!r}.")
    columns = min(3, len(chosen))
    rows = ceil(len(chosen) / columns)
    figure = new_figure((3.3 * columns, 2.4 * rows))
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    if not table["complete"].all():
        figure.suptitle(f"{int((~table['complete']).sum()):,} of {len(table):,} frames INCOMPLETE", fontsize=10)
    for ax, name in zip(panels, chosen, strict=False):
        _draw_curve(ax, table.index.to_numpy(), table[name].to_numpy(np.float64), _MEANINGS.get(name, name))
    for ax in panels[len(chosen) :]:
        ax.set_axis_off()
    if _geometric(recording.steps):
        panels[0].set_xscale("symlog", linthresh=min(step for step in recording.steps if step > 0))
        panels[0].set_xlim(recording.steps[0], 1.2 * recording.steps[-1])
    for ax in panels[max(0, len(chosen) - columns) : len(chosen)]:
        ax.set_xlabel("step")
        ax.tick_params(labelbottom=True)
    return figure


def _check(recording: Recording) -> None:
    if not len(recording):
        raise ArgumentError("recording must hold a frame: call Recorder.step or Recorder.record while training.")


def _geometric(steps: list[int]) -> bool:
    """Whether the gaps between steps differ so much that the early ones could not be told apart on an even scale."""
    gaps = np.diff(steps)
    return len(gaps) > 1 and bool(gaps.max() > _LOGARITHMIC * gaps.min())


def _draw_curve(ax: Axes, steps: NDArray[Any], values: NDArray[np.float64], title: str) -> None:
    known = values[np.isfinite(values)]
    ax.plot(steps, values, ".-", color="#4477AA", markersize=4, linewidth=1.2)
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8, which="both")
    if len(known) and known.min() > 0 and known.max() > _LOGARITHMIC * known.min():
        ax.set_yscale("log")
    elif len(known) and known.min() >= 0:
        ax.set_ylim(bottom=0)


# ---- frames --------------------------------------------------------------------------------------------------------
def _pictures(recording: Recording, width: int, scale: Scale, marks: _Marks) -> Iterator[NDArray[np.uint8]]:
    """The frames as arrays (height, width, 3), one after the other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = new_figure((4.8, 4.15))
    figure.set_dpi(width / 4.8)
    canvas, ax, norm = FigureCanvasAgg(figure), figure.subplots(), _norm(recording, scale)
    for i, frame in enumerate(recording):
        ax.clear()
        collection = _draw(ax, recording, frame, norm)
        _draw_points(ax, marks)
        if i == 0:
            _explain(figure, [ax], collection)
        canvas.draw()  # type: ignore[no-untyped-call]
        if i == 0:  # a layout that follows the length of each title would make the picture tremble
            figure.set_layout_engine("none")
        yield np.asarray(canvas.buffer_rgba())[:, :, :3].copy()  # type: ignore[no-untyped-call]


def _named_colors(points: _Marks) -> NDArray[np.uint8]:
    """The colours that mean something, (n, 3): an animation with few colours must not lose the rare ones."""
    from matplotlib.colors import to_rgb

    classes = np.unique(points.classes)[:_EXACT_CLASSES].tolist()
    marks = [BOUNDARY, EDGE, *dict.fromkeys(color for number in classes for color in _marker(number)[1:])]
    rows = [*_colors()(np.linspace(0, 1, 48))[:, :3], *map(to_rgb, marks)]
    return np.round(255 * np.array(rows)).astype(np.uint8)


def _draw(ax: Axes, recording: Recording, frame: Frame, norm: Normalize) -> Any:
    """Draws a frame; the collection that a colour bar explains."""
    from matplotlib.collections import LineCollection, PolyCollection

    polygons = [frame.vertices[row] for row in frame.regions]
    collection = PolyCollection(
        polygons, array=frame.slopes, cmap=_colors(), norm=norm, edgecolors=EDGE, linewidths=line_width(len(polygons))
    )
    ax.add_collection(collection)
    ax.add_collection(LineCollection(list(frame.boundary), **_BOUNDARY))  # type: ignore[arg-type]
    corners = recording.domain.polytope.vertices
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    ax.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    ax.tick_params(labelsize=8)
    ax.set_title(_title(frame), fontsize=10)
    return collection


def _title(frame: Frame) -> str:
    parts = [f"step {frame.step:,}"]
    if "loss" in frame.metrics:
        parts.append(f"loss {frame.metrics['loss']:.3g}")
    parts.append(f"{len(frame.regions):,} regions" + ("" if frame.complete else " (INCOMPLETE)"))
    return "    ".join(parts)


@dataclass(frozen=True, eq=False)
class _Marks:
    """Points that are marked in every frame."""

    places: NDArray[np.float64]
    """In slice coordinates, (n, 2)."""
    classes: NDArray[np.int64]
    """(n,)"""

    @classmethod
    def of(cls, points: ArrayLike | None, classes: ArrayLike | None) -> _Marks:
        """Those that are given, none without ``points``."""
        if points is None:
            if classes is not None:
                raise ArgumentError("classes are those of points: give points as well.")
            return cls(np.zeros((0, 2)), np.zeros(0, np.int64))
        places, _ = marked(points, None)
        numbers = np.zeros(len(places), np.int64) if classes is None else np.asarray(classes)
        if numbers.shape != (len(places),) or numbers.dtype.kind not in "iub":
            raise ArgumentError(
                f"classes must be an integer for each of the {len(places)} points, got {numbers.shape}."
            )
        return cls(places, numbers.astype(np.int64))


def _draw_points(ax: Axes, marks: _Marks) -> None:
    for number in np.unique(marks.classes).tolist():
        marker, color, edge = _marker(number)
        chosen = marks.places[marks.classes == number]
        ax.plot(*chosen.T, marker, color=color, markersize=3, markeredgecolor=edge, markeredgewidth=0.5, zorder=4)


def _marker(number: int) -> tuple[str, str, str]:
    """What points of a class look like: marker, colour and edge; from the fifth class on the colour is the class's."""
    if 0 <= number < len(_MARKERS):
        return _MARKERS[number]
    return _MARKERS[number % len(_MARKERS)][0], dark((number - len(_MARKERS)) % _CLASSES), "black"


def _explain(figure: Figure, axes: list[Axes], collection: Any) -> None:
    bar = figure.colorbar(collection, ax=axes, label="slope (Frobenius norm)", shrink=0.85)
    bar.ax.tick_params(labelsize=8)


# ---- the colour scale ----------------------------------------------------------------------------------------------
def _colors() -> Any:
    """Yellow to blue, without the darkest quarter, on which no edges could be seen."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("slopes", colormaps["YlGnBu"](np.linspace(0.0, 0.75, 64)))


def _norm(recording: Iterable[Frame], scale: Scale) -> Normalize:
    """The scale of all frames: all their slopes but the outliers. One frame is read at a time."""
    from matplotlib.colors import LogNorm, Normalize

    if scale not in ("log", "linear"):
        raise ArgumentError(f"scale must be 'log' or 'linear', got {scale!r}.")
    ranges = [_range(frame) for frame in recording]
    known = [limits for limits in ranges if limits is not None]
    if not known:
        return Normalize(0, 1)
    high = max(limits[1] for limits in known)
    low = min(limits[0] for limits in known)
    if scale == "linear" or not low < high:
        return Normalize(0, high)
    return LogNorm(low, high, clip=True)


def _range(frame: Frame) -> tuple[float, float] | None:
    """The slopes, of those that are not 0, that all but the outliers of the area lie between; None when all are 0."""
    chosen = np.flatnonzero((frame.slopes > 0) & (frame.areas > 0))
    if not len(chosen):
        return None
    order = chosen[np.argsort(frame.slopes[chosen])]
    shares = np.cumsum(frame.areas[order]) / frame.areas[order].sum()
    first, last = np.searchsorted(shares, [_OUTLIERS, 1 - _OUTLIERS])
    return float(frame.slopes[order[first]]), float(frame.slopes[order[min(last, len(order) - 1)]])
