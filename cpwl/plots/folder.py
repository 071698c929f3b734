"""The picture of a partition in a folder, which may have more regions than memory holds: a part is drawn at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..datasets.folder_statistics import rows_of
from ..datasets.parquet import RegionRows
from ..datasets.written import domain_of, read_written
from ..errors import ArgumentError, check_planar
from ..geometry.domain import Domain
from ..runtime.ieee import ieee
from ..runtime.inputs import one_of, whole
from ..runtime.inputs import path as check_path
from .figures import flat_axes
from .legends import colorbar, explain
from .painting import area_scale
from .palette import BOUNDARY, EDGE, pastels
from .regions import INCOMPLETE, settle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Color = Literal["slope", "area", "class"]
Table = NDArray[np.float64]
Rows = NDArray[np.int64]

_SEVERAL = BOUNDARY
"""Of regions in which another output becomes the largest."""


@ieee
def plot_folder(
    path: str | PathLike[str], ax: Axes | None = None, *, color: Color = "slope", pixels: int = 1600
) -> Axes:
    """The axes (``ax``, or those of a new figure) with the regions in a folder of ``cpwl.write_partition``.

    They are drawn as pixels, ``pixels`` along the longer side, without edges: a pixel has the colour of the region in
    its middle. No more regions are held than a part of a file has, and a number of each. ``color``: "slope", "area", or
    "class" (regions without one class, which the decision boundary crosses, are red). Of a folder that is not finished
    the picture says so.

    Raises ``FileFormatError`` for a folder that holds no partition, or damaged files; ``ArgumentError`` for an unknown
    colour or "class" with one output; ``UnsupportedDimensionError`` unless the domain is a plane's;
    ``MissingDependencyError`` without matplotlib or pyarrow.
    """
    one_of("color", color, get_args(Color))
    folder = check_path("path", path)
    written, grid = read_written(folder), _Grid.of(domain_of(folder), whole("pixels", pixels, 16, 1 << 14))
    picture, numbers = np.full((grid.height, grid.width), np.nan), [np.zeros(0)]
    for rows in rows_of(written):
        values = _numbers(rows, color)
        grid.draw(picture, rows, values)
        numbers.append(np.unique(values) if color == "class" else values)
    axes = flat_axes(ax, (7.2, 6.0))
    _show(axes, picture, grid, np.concatenate(numbers), color, "beside" if ax is None else "inside")
    axes.set(xlabel="slice coordinate 1", ylabel="slice coordinate 2")
    if not written.complete:
        axes.set_title(INCOMPLETE)
    if ax is None:
        settle(axes)
    return axes


def _numbers(rows: RegionRows, color: Color) -> Table:
    if color == "class":
        return rows.classes.astype(np.float64)
    return rows.areas if color == "area" else rows.slopes


@dataclass(frozen=True, eq=False)
class _Grid:
    """The pixels of a picture of a domain's box; the lowest row comes first."""

    low: Table
    size: Table
    """Of the box, (2,)."""
    width: int
    height: int

    @classmethod
    def of(cls, domain: Domain, pixels: int) -> _Grid:
        """So many pixels along the longer side."""
        check_planar(domain.dim, "pictures of folders")
        low, size = domain.polytope.vertices.min(axis=0), np.ptp(domain.polytope.vertices, axis=0)
        width, height = np.maximum(np.rint(size / size.max() * pixels), 1).astype(int).tolist()
        return cls(low, size, width, height)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        (left, bottom), (right, top) = self.low.tolist(), (self.low + self.size).tolist()
        return left, right, bottom, top

    def draw(self, picture: Table, rows: RegionRows, values: Table) -> None:
        """Gives all pixels whose middles lie in regions these regions' values.

        Row by row: in a row of pixels a convex region takes those between the two edges that cross the row's middle. An
        edge has its lower end and not its upper one, so that each row meets two; middles are at whole numbers here.
        """
        places = (rows.places - self.low) / self.size * [self.width, self.height] - 0.5
        polygons = Ragged.from_counts(np.arange(len(places)), rows.corners)
        ends = np.stack([places, places[polygons.successor]], axis=1)
        first, beyond = (np.ceil(at(ends[:, :, 1], axis=1)).astype(np.int64) for at in (np.min, np.max))
        edge, row = _steps(first, beyond)
        (x, y), (other_x, other_y) = (ends[edge, k].T for k in (0, 1))
        crossings = x + (row - y) * (other_x - x) / (other_y - y)
        order = np.lexsort((crossings, row, polygons.row_of[edge]))
        starts = np.ceil(crossings[order]).astype(np.int64).clip(0, self.width)
        span, column = _steps(starts[0::2], starts[1::2])
        of = order[0::2][span]
        inside = (row[of] >= 0) & (row[of] < self.height)
        picture[row[of][inside], column[inside]] = values[polygons.row_of[edge[of]]][inside]


def _steps(first: Rows, beyond: Rows) -> tuple[Rows, Rows]:
    """All numbers of some ranges one after the other, each with the place of its range."""
    counts = beyond - first
    place = np.repeat(np.arange(len(counts)), counts)
    return place, np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts) + first[place]


def _show(axes: Axes, picture: Table, grid: _Grid, numbers: Table, color: Color, place: str) -> None:
    """Draws a picture of numbers, of which all regions have these, and what explains it."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    options: dict[str, Any] = {"extent": grid.extent, "origin": "lower", "aspect": "equal"}
    if color != "class":
        scale = {"norm": area_scale(numbers), "cmap": "YlGnBu_r"} if color == "area" else {"cmap": "YlGnBu"}
        image = axes.imshow(picture, interpolation="antialiased", **scale, **options)
        colorbar(axes, image, "area" if color == "area" else "slope (Frobenius norm)", place)
        return
    classes = np.unique(numbers).astype(np.int64)
    if not (classes >= 0).any():
        raise ArgumentError("color='class' needs regions of one class each, and there is none. Use color='slope'.")
    shades = _shades(classes.max() + 1)
    axes.imshow(
        picture, cmap=ListedColormap(shades), vmin=-1.5, vmax=classes.max() + 0.5, interpolation="nearest", **options
    )
    names = ["several classes" if k < 0 else f"class {k}" for k in classes.tolist()]
    patches = zip(classes.tolist(), names, strict=True)
    explain(axes, [Patch(facecolor=shades[k + 1], edgecolor=EDGE, label=name) for k, name in patches], place)


def _shades(count: int) -> Sequence[tuple[float, ...]]:
    """Colours for no class, and for so many classes."""
    from matplotlib.colors import to_rgb

    return [to_rgb(_SEVERAL), *map(tuple, pastels(count).tolist())]
