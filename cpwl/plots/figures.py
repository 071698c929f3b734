"""What a picture is drawn in and with, as users give it: figures, axes, views, colours; checked, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import (
    ArgumentError,
    IncompleteError,
    MissingDependencyError,
    ShapeError,
    UnsupportedDimensionError,
)
from ..runtime.inputs import finite, number, rows
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.axes3d import Axes3D


def new_figure(size: tuple[float, float], layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure; raises ``MissingDependencyError`` without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("plots need matplotlib, which is not installed: pip install matplotlib.") from None
    return Figure(figsize=size, layout=layout, dpi=120)


def flat_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes that were given, or (None) those of a new figure of that size."""
    if ax is None:
        return new_figure(size).add_subplot()
    if not hasattr(ax, "add_collection") or hasattr(ax, "add_collection3d"):
        raise ArgumentError(f"ax must be flat axes of matplotlib, or None, got {_given(ax)}.")
    return ax


def space_axes(ax: Axes3D | None, size: tuple[float, float], **options: Any) -> Axes3D:
    """The axes in space that were given, or (None) those of a new figure of that size, made with these options."""
    if ax is None:
        axes: Axes3D = new_figure(size).add_subplot(projection="3d", **options)
        return axes
    if not hasattr(ax, "add_collection3d"):
        raise ArgumentError(
            f"ax must be axes in space, figure.add_subplot(projection='3d') of matplotlib, or None, got {_given(ax)}."
        )
    return ax


def _given(ax: Any) -> str:
    """What was given for axes, and what to do with the name of a file."""
    if isinstance(ax, str) or hasattr(ax, "__fspath__"):
        return f"{ax!r:.80}. A picture is written by its figure: axes.figure.savefig({str(ax)!r:.80})"
    return type(ax).__name__


def view_angles(angles: Any) -> tuple[float, float]:
    """Elevation and azimuth of a view, in degrees."""
    view = finite("angles", angles)
    if view.shape != (2,):
        raise ShapeError(f"angles must be two numbers, elevation and azimuth in degrees, got shape {view.shape}.")
    return float(view[0]), float(view[1])


def color_of(name: str, value: Any) -> Any:
    """A colour, checked to be one that matplotlib knows."""
    from matplotlib.colors import is_color_like

    if not is_color_like(value):
        raise ArgumentError(
            f"{name} must be a colour as matplotlib has them, such as 'red' or '#ff8800', got {value!r:.80}."
        )
    return value


def colors_of(name: str, values: Any) -> list[Any]:
    """A list of colours."""
    return [color_of(f"each of {name}", value) for value in rows(name, values)]


def color_map(name: str, value: Any) -> Any:
    """A colour scale, checked to be one of matplotlib's, or the name of one."""
    from matplotlib import colormaps
    from matplotlib.colors import Colormap

    if isinstance(value, Colormap) or (isinstance(value, str) and value in colormaps):
        return value
    raise ArgumentError(f"{name} must be a colour map of matplotlib or its name, such as 'viridis', got {value!r:.80}.")


def line_width_of(name: str, value: Any) -> float:
    """The width of lines, in points."""
    width = number(name, value)
    if width < 0:
        raise ArgumentError(f"{name} must be a number of points, at least 0, got {value!r:.80}.")
    return width


_SHAPES = {1: "lines", 2: "planes", 3: "solids"}
_DRAWN_BY = {
    1: "A line is drawn by part.plot().",
    2: "A plane is drawn by part.plot(), part.plot_surface() and part.view().",
    3: "A solid is drawn by part.plot(), part.plot_solid() and part.view(), a plane in it by part.section(...).plot().",
}


def check_drawable(dim: int, dims: Sequence[int], what: str) -> None:
    """Raises ``UnsupportedDimensionError`` unless ``what`` draws domains of that dimension, one of ``dims``."""
    if dim not in dims:
        slices = (
            "Lines, planes and solids have pictures: take one of the same input space, such as Domain.segment(p, q), "
            "Domain.through(p1, p2, p3) or Domain.through(p1, p2, p3, p4)."
        )
        raise UnsupportedDimensionError(
            f"{what} draws {' and '.join(_SHAPES[d] for d in dims)}, got a domain of dimension {dim}. "
            f"{_DRAWN_BY.get(dim, slices)}"
        )


def check_surface(dim: int, what: str) -> None:
    """Raises ``UnsupportedDimensionError`` unless ``what``, a picture of a boundary, is asked for in a solid."""
    if dim != 3:
        planar = "One of a line or plane is drawn with its partition: part.plot(boundary=b)" + (
            ", part.view(boundary=b)." if dim == 2 else "."
        )
        raise UnsupportedDimensionError(
            f"{what} draws surfaces in solids, got a boundary on a domain of dimension {dim}. "
            f"{planar if dim < 3 else 'Take a solid: Domain.through(p1, p2, p3, p4) of the same input space.'}"
        )


def check_drawn(partition: Tiling, dims: Sequence[int], what: str) -> None:
    """Raises ``UnsupportedDimensionError`` unless a picture, ``what``, is of such partitions; ``IncompleteError`` for
    one that is not complete and has no regions."""
    check_drawable(partition.domain.dim, dims, what)
    if not len(partition):
        why = "a budget ended the work. Give a larger max_regions or max_seconds, or none."
        pruned = "none of its regions matters to what was looked for. Use cpwl.partition for all of them."
        raise IncompleteError(
            f"the partition is not complete, and has no regions: {what} has nothing to draw, as "
            f"{why if partition.pruned is None else pruned}"
        )
