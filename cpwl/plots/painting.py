"""What colours regions have in pictures, what the colours mean, and how a caller changes that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, NumericalRangeError, ShapeError
from ..numbers.rounding import floats
from ..runtime.inputs import array_of, finite
from ..statistics.slopes import slope_norms
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling
from .palette import EDGE, pastels

if TYPE_CHECKING:
    from matplotlib.colors import Normalize

Color = Literal["slope", "area", "class", "output", "pattern"]

_BLOCK = 1 << 16
"""Regions whose patterns are held at once."""


@dataclass(frozen=True, eq=False)
class Painting:
    """Polygons with their colours, and what the colours mean."""

    vertices: NDArray[np.float64]
    polygons: Ragged
    colors: NDArray[np.float64]
    """RGBA (n, 4) of each polygon, or the numbers (n,) that a colour scale shows."""
    scale: str = ""
    """What the numbers are."""
    norm: Normalize | None = None
    legend: tuple[tuple[str, Any], ...] = ()
    """Labels and colours to explain."""
    kinds: Any = None
    """Which of them each polygon has, int64 (n,)."""
    by_number: bool = False
    """Whether labels are of numbered classes."""

    own_cmap: Any = None
    """The colour scale that was asked for."""

    @property
    def cmap(self) -> Any:
        """The colour scale; small areas are dark, so that slivers are seen."""
        if self.own_cmap is not None:
            return self.own_cmap
        return "YlGnBu_r" if type(self.norm).__name__ == "LogNorm" else "YlGnBu"


@dataclass(frozen=True, eq=False)
class Look:
    """How a picture is drawn, beside what it shows."""

    cmap: Any = None
    vmin: float | None = None
    vmax: float | None = None
    colors: Sequence[Any] | None = None
    class_names: Sequence[str] | None = None
    linewidth: float | None = None
    edgecolor: Any = EDGE
    label: str | None = None
    legend: str = "beside"

    def applied(self, painting: Painting) -> Painting:
        """A painting with these colours, limits and names; ``ArgumentError`` for some that it has no use for."""
        if painting.scale:
            self.refuse_names()
            norm = self.limits(painting.norm, painting.colors)
            scale = painting.scale if self.label is None else self.label
            return replace(painting, norm=norm, own_cmap=self.cmap, scale=scale or " ")
        self._refuse(("cmap", "vmin", "vmax", "label"), "a colour scale: color='slope', 'area' or 'output', or numbers")
        if not painting.legend:
            self.refuse_names()
            return painting
        return self._named(painting)

    def refuse_names(self) -> None:
        """``ArgumentError`` for colours and names of classes, where none are drawn."""
        self._refuse(("colors", "class_names"), "classes: color='class', or a name for each region")

    def _refuse(self, options: Sequence[str], where: str) -> None:
        for option in options:
            if getattr(self, option) is not None:
                raise ArgumentError(f"{option} goes with {where}. Leave it out, or give such a color.")

    def limits(self, norm: Normalize | None, values: NDArray[np.float64]) -> Normalize | None:
        """The limits of a colour scale, where some are asked for; of a logarithmic one a logarithmic one."""
        if self.vmin is None and self.vmax is None:
            return norm
        from matplotlib.colors import LogNorm, Normalize

        low = values.min() if self.vmin is None else self.vmin
        high = values.max() if self.vmax is None else self.vmax
        if not low < high:
            raise ArgumentError(f"vmin must be below vmax, got {low:g} and {high:g}.")
        if isinstance(norm, LogNorm):
            if low <= 0:
                raise ArgumentError(f"vmin must be positive for areas, whose scale is logarithmic, got {low:g}.")
            return LogNorm(low, high, clip=True)
        return Normalize(low, high, clip=True)

    def _named(self, painting: Painting) -> Painting:
        """The colours and names of classes."""
        from matplotlib.colors import to_rgba

        kinds = [kind for kind, _ in painting.legend]
        numbers = [int(kind.split()[-1]) if painting.by_number else k for k, kind in enumerate(kinds)]
        count = max(numbers) + 1
        if self.colors is not None and len(self.colors) < count:
            raise ShapeError(f"colors must be one for each of the {count} classes, got {len(self.colors)}.")
        if self.class_names is not None and len(self.class_names) < count:
            raise ShapeError(f"class_names must be one for each of the {count} classes, got {len(self.class_names)}.")
        names = kinds if self.class_names is None else [str(self.class_names[n]) for n in numbers]
        shades = [shade for _, shade in painting.legend]
        colors = painting.colors
        if self.colors is not None:
            shades = [to_rgba(self.colors[n]) for n in numbers]
            colors = np.array(shades)[painting.kinds]
        return replace(painting, colors=colors, legend=tuple(zip(names, shades, strict=True)))


def _regions(partition: Tiling) -> tuple[NDArray[np.float64], Ragged]:
    return np.asarray(partition.vertices, np.float64), partition.regions


def _by_slope(partition: Tiling) -> Painting:
    return slope_painting(partition, slope_norms(partition))


def _by_area(partition: Tiling) -> Painting:
    return area_painting(partition, partition.volumes())


def slope_painting(partition: Tiling, norms: NDArray[np.float64]) -> Painting:
    return Painting(*_regions(partition), norms, "slope (Frobenius norm)")


def area_painting(partition: Tiling, volumes: NDArray[Any]) -> Painting:
    areas = floats(volumes)
    return Painting(*_regions(partition), areas, "area", area_scale(areas))


def area_scale(areas: NDArray[np.float64]) -> Normalize:
    """A logarithmic scale for areas, of which a few slivers would take half."""
    from matplotlib.colors import LogNorm

    drawn = positive(areas)
    return LogNorm(np.quantile(drawn, 0.05), drawn.max(), clip=True)


_LEAST_SCALE = 1e-280
"""Matplotlib takes a scale that ends below 2e-287 for empty."""


def positive(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those that are; a float region may be so thin that its area rounds to 0."""
    positive_areas = areas[areas > 0]
    largest = float(positive_areas.max(initial=0.0))
    if not _LEAST_SCALE < largest < np.inf:
        raise NumericalRangeError(
            f"the largest of {len(areas):,} areas is {largest} in float64: they are out of its range, and there is no "
            "scale of colours for them. Scale the network and the domain."
        )
    return positive_areas


def _by_class(partition: Tiling) -> Painting:
    return class_painting(partition)[0]


def class_painting(partition: Tiling) -> tuple[Painting, NDArray[np.float64]]:
    """The regions, cut where the largest output changes, in the colours of classes; the outputs at their vertices."""
    outputs = partition.network.outputs
    if outputs < 2:
        raise ArgumentError("color='class' needs a network with several outputs; this one has one. Use color='slope'.")
    cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(outputs)]))
    winners = by_maximum.winners[:, 0].astype(np.int64)
    palette = pastels(outputs)
    present, kinds = np.unique(winners, return_inverse=True)
    legend = tuple((f"class {c}", palette[c]) for c in present.tolist())
    vertices = np.asarray(cells.arrangement.vertices, np.float64)
    regions = cells.arrangement.regions
    painting = Painting(vertices, regions, palette[winners], legend=legend, kinds=kinds.ravel(), by_number=True)
    return painting, floats(by_maximum.fields[0].to_numpy())


def _by_pattern(partition: Tiling) -> Painting:
    from matplotlib.colors import hsv_to_rgb

    hues = pattern_hues(partition)
    hsv = np.stack([hues, np.full_like(hues, 0.4), np.full_like(hues, 0.95)], axis=1)
    return Painting(*_regions(partition), np.asarray(hsv_to_rgb(hsv)))


_PAINTERS: dict[str, Callable[[Tiling], Painting]] = {
    "slope": _by_slope,
    "area": _by_area,
    "class": _by_class,
    "pattern": _by_pattern,
}


def painting_of(partition: Tiling, color: Any) -> Painting:
    """The polygons of a partition in the colours of that name, all but "output", or by an array."""
    return _PAINTERS[color](partition) if isinstance(color, str) else _by_array(partition, color)


def _by_array(partition: Tiling, given: Any) -> Painting:
    """A number, or a name, for each region."""
    array = array_of("color", given)
    if array.shape != (len(partition),):
        raise ShapeError(
            f"color must be one of {', '.join(map(repr, get_args(Color)))}, or an array of a number or a name for each "
            f"of the {len(partition):,} regions, got one of shape {array.shape}."
        )
    if array.dtype.kind in "US" or (array.dtype == object and all(isinstance(x, str) for x in array)):
        names, kinds = np.unique(array.astype(str), return_inverse=True)
        palette = pastels(len(names))
        legend = tuple(zip(names.tolist(), palette, strict=True))
        return Painting(*_regions(partition), palette[kinds.ravel()], legend=legend, kinds=kinds.ravel())
    return Painting(*_regions(partition), finite("color", array), " ")


def pattern_hues(partition: Tiling, regions: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """A number in [0, 1) for some regions, or (None) each: of the pattern alone, by multilinear hashing modulo 2^64."""
    chosen = np.arange(len(partition)) if regions is None else regions
    keys = np.random.default_rng(0).integers(2**64, size=partition.network.units, dtype=np.uint64)
    blocks = (partition.patterns(chosen[start : start + _BLOCK]) for start in range(0, len(chosen), _BLOCK))
    none = np.zeros(0, np.uint64)
    hashes = np.concatenate(
        [none, *((block.astype(np.uint64) * keys).sum(axis=1, dtype=np.uint64) for block in blocks)]
    )
    return (hashes >> np.uint64(11)).astype(np.float64) / 2**53
