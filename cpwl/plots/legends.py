"""What explains a picture: legends and colour scales, beside the axes or inside them, and names beside points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError
from ..runtime.inputs import coordinates, finite, texts

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LABEL = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
"""The ground of a name beside a point."""


def colorbar(axes: Axes, shown: Any, label: str, place: str) -> None:
    """The colour scale, beside the axes or, small, on a white ground in their corner."""
    if place == "none":
        return
    if place == "beside":
        axes.figure.colorbar(shown, ax=axes, label=label, shrink=0.85)
        return
    ground = axes.inset_axes((0.015, 0.015, 0.5, 0.15), zorder=8)
    ground.set(xticks=[], yticks=[], facecolor="white")
    ground.patch.set_alpha(0.85)
    ground.spines[:].set_visible(False)
    bar = axes.inset_axes((0.045, 0.115, 0.44, 0.03), zorder=9)
    scale = axes.figure.colorbar(shown, cax=bar, orientation="horizontal")
    scale.set_label(label.strip(), fontsize=8, labelpad=1)
    bar.tick_params(labelsize=7, length=2, pad=1)
    if type(shown.norm).__name__ != "LogNorm":
        scale.locator = _few_ticks()
        scale.update_ticks()


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3)


def explain(axes: Axes, handles: Sequence[Artist], place: str) -> None:
    """The legend: inside the axes, or beside them (above when short, otherwise on the right)."""
    if not handles or place == "none":
        return
    if place == "inside":
        small = axes.legend(handles=handles, loc="upper right", fontsize=8, framealpha=0.85, borderpad=0.3)
        small.set_zorder(8)
    elif len(handles) > 1:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=10)
    else:
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=10)


def explain_in_space(axes: Axes, handles: Sequence[Artist], place: str) -> None:
    """The legend of axes in space: inside them, or (an own part of the figure, as they fill theirs) beside them."""
    if place == "beside" and handles:
        axes.figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=10)
    else:
        explain(axes, handles, place)


_OFFSETS = tuple((x, y) for reach in (7, 22, 40) for y in (reach, -reach) for x in (reach, -reach, 0))
"""Where a label may stand, in points from its own, the first that is free."""


def check_labels(points: Any, labels: Any) -> None:
    """Raises ``ArgumentError`` for labels of no points."""
    if labels is not None and points is None:
        raise ArgumentError("labels go with points: give the points that they belong to.")


def draw_points(axes: Axes, points: ArrayLike, labels: Sequence[Any] | None) -> None:
    places, names = marked(points, labels)
    axes.plot(*places.T, "o", color="black", markersize=6, markeredgecolor="white", zorder=5)
    scale = 72 / axes.figure.dpi
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in axes.transData.transform(places) * scale]
    legend = axes.get_legend()
    if legend is not None:
        taken.append(tuple(np.asarray(legend.get_window_extent().extents) * scale))
    for place, name in zip(places, names, strict=True):
        if name:
            taken.append(_labelled(axes, place, name, taken))


def _labelled(axes: Axes, place: NDArray[np.float64], name: str, taken: list[Any]) -> Any:
    """Writes a name beside a point where none of those taken is; the room that it takes, from its own point."""
    side = {1: "left", 0: "center", -1: "right"}
    width, height = 7.5 * max(len(name), 1) + 4, 14
    scale = 72 / axes.figure.dpi
    here, inside = np.asarray(axes.transData.transform(place)) * scale, np.asarray(axes.bbox.extents) * scale
    free_spot = None
    for x, y in _OFFSETS:
        left = here[0] + x - {1: 0, 0: width / 2, -1: width}[int(np.sign(x))]
        low = here[1] + y - (0 if y > 0 else height)
        room = (left, low, left + width, low + height)
        fits = inside[0] <= room[0] and inside[1] <= room[1] and room[2] <= inside[2] and room[3] <= inside[3]
        if fits and not any(room[0] < b[2] and b[0] < room[2] and room[1] < b[3] and b[1] < room[3] for b in taken):
            free_spot = x, y, room
            break
    x, y, room = free_spot or (7, 7, (0.0, 0.0, 0.0, 0.0))
    tie: Any = {"arrowstyle": "-", "linewidth": 0.6} if max(abs(x), abs(y)) > 7 else None
    axes.annotate(
        name, (float(place[0]), float(place[1])), (x, y), textcoords="offset points", fontweight="bold", bbox=LABEL,
        zorder=6, ha=side[int(np.sign(x))], va="bottom" if y > 0 else "top", arrowprops=tie,
    )  # fmt: skip
    return room


def marked(points: ArrayLike, labels: Sequence[Any] | None, dim: int = 2) -> tuple[NDArray[np.float64], list[str]]:
    """The points (n, dim) to be marked and their names, empty without labels; ``ShapeError`` where they do not fit."""
    places = coordinates("points", finite("points", points), dim)
    return places, [""] * len(places) if labels is None else texts("labels", labels, len(places), "points")
