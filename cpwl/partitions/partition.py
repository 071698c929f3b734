"""A partition, with all that can be asked of it: each verb is one line that hands on to who answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import index as as_index
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from numpy.typing import ArrayLike

from ..boundary.boundary import DecisionBoundary, decision_boundary
from ..boundary.section import Section, section
from ..errors import FileFormatError, PositionError
from ..regions.betti import Side, betti
from ..regions.class_areas import class_table
from ..regions.dual_graph import dual_graph
from ..regions.image import Image, image
from ..regions.merged import Merged, merged
from ..regions.region import Region
from ..runtime.ieee import ieee
from ..runtime.inputs import path as check_path
from ..runtime.inputs import whole
from ..runtime.pictures import picture
from ..statistics.statistics import Statistics, statistics
from ..storage.files import opened, reading
from ..storage.kinds import kind_of
from ..tiling.headed import headed
from ..tiling.npz import read, save
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    import networkx
    import pandas


@ieee
@dataclass(frozen=True, eq=False, repr=False)
class Partition(Tiling):
    """All regions of a domain on which a network is affine: activation regions, one activation pattern each."""

    @overload
    def __getitem__(self, index: int) -> Region: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Region, ...]: ...

    def __getitem__(self, index: int | slice) -> Region | tuple[Region, ...]:
        """``part[3]``: a region, as ``region(3)``; ``part[-1]`` the last one, ``part[2:5]`` some. ``IndexError``."""
        if isinstance(index, slice):
            return tuple(Region(self, i) for i in range(*index.indices(len(self))))
        try:
            return Region(self, range(len(self))[as_index(index)])
        except (TypeError, IndexError):
            wanted = f"a whole number from 0 to {len(self) - 1} (or below zero, from the end) or a slice"
            none = "a slice, as there are none to choose from"
            raise PositionError(f"index must be {wanted if len(self) else none}, got {index!r:.40}.") from None

    def __iter__(self) -> Iterator[Region]:
        """All regions, one by one. Programs that go through many use the arrays of the partition instead."""
        return (Region(self, i) for i in range(len(self)))

    def decision_boundary(
        self, classes: tuple[int, int] | None = None, *, everywhere: bool = False, level: float | None = None
    ) -> DecisionBoundary:
        """Where the two largest outputs are equal; see ``cpwl.boundary.boundary.decision_boundary``."""
        return decision_boundary(self, classes, everywhere=everywhere, level=level)

    def section(self, normal: ArrayLike, offset: float = 0.0) -> Section:
        """The regions on the hyperplane {x: normal . x = offset}, not computed again; see ``cpwl.boundary.section``."""
        return section(self, normal, offset)

    def statistics(self) -> Statistics:
        """Counts, areas and shapes of the regions; see ``cpwl.statistics``."""
        return statistics(self)

    def head(self, A: ArrayLike, c: ArrayLike = 0.0) -> Partition:
        """The same regions with the outputs A f + c, for matrices, vectors and numbers as in ``cpwl.head``.

        Nothing is partitioned again. So "the largest Y0 - Y3" is ``cpwl.certify_extremum(part.head([1, 0, 0, -1]))``.
        """
        return headed(self, A, c)

    def image(self, outputs: ArrayLike | None = None) -> Image:
        """The set of values that some outputs (all by default) take together on the domain; see ``Image``."""
        return image(self, outputs)

    def betti(
        self, classes: int | Sequence[int] | None = None, *, level: float | None = None, side: Side = "at"
    ) -> tuple[int, ...]:
        """Betti numbers of decision regions, boundaries and level sets; see ``cpwl.regions.betti.betti``."""
        return betti(self, classes, level=level, side=side)

    def class_table(self) -> pandas.DataFrame:
        """The area of each class (the largest output) on the domain; see ``cpwl.regions.class_areas.class_table``."""
        return class_table(self)

    def region(self, index: int) -> Region:
        """One region, with all there is to ask about it; see ``cpwl.regions.region``."""
        return Region(self, whole("index", index, 0, len(self) - 1))

    def merged(self, *, join: Literal["connected", "everywhere"] = "connected") -> Merged:
        """The linear regions: activation regions with one affine map, joined; see ``cpwl.regions.merged.merged``."""
        return merged(self, join=join)

    def to_sympy(self, symbols: Sequence[Any] | None = None, *, max_regions: int = 256) -> Any:
        """Each output as a sympy ``Piecewise`` of the slice coordinates; see ``cpwl.regions.piecewise.piecewise``."""
        from ..regions.piecewise import piecewise

        return piecewise(self, symbols, max_regions=max_regions)

    def dual_graph(self) -> networkx.Graph:
        """The regions that share a facet, as a networkx graph; see ``cpwl.regions.dual_graph``."""
        return dual_graph(self)

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the partition, with its domain and network, to one file, and returns its path; ``cpwl.load`` reads it.

        A name that does not end in .npz is given that ending.
        """
        written = _archive(path)
        save(self, written)
        return written

    def plot(
        self,
        ax: Any = None,
        *,
        color: Literal["slope", "area", "class", "output", "pattern", "none"] | ArrayLike | None = None,
        output: int | None = None,
        outputs: ArrayLike | None = None,
        boundary: DecisionBoundary | None = None,
        points: ArrayLike | None = None,
        labels: Sequence[Any] | None = None,
        cmap: Any = None,
        vmin: float | None = None,
        vmax: float | None = None,
        colors: Sequence[Any] | None = None,
        class_names: Sequence[str] | None = None,
        linewidth: float | None = None,
        edgecolor: Any = None,
        label: str | None = None,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Literal["inside", "beside", "none"] | None = None,
    ) -> Any:
        """Draws the regions and returns the matplotlib axes; what the options mean: ``help(cpwl.plots.plot)``.

        When D = 1 the outputs along the line, with the options of ``cpwl.plots.plot_line``; when D = 3 the solid, as
        ``plot_solid`` draws it. There is no picture when D > 3.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "ax") and value is not None}
        if self.domain.dim == 3:
            return picture("plotted_solid")(self, ax, given)
        return picture("plot_line" if self.domain.dim == 1 else "plot")(self, ax, **given)

    def plot_solid(
        self,
        ax: Any = None,
        *,
        color: Literal["slope", "volume", "class", "pattern", "output", "none"] = "slope",
        boundary: DecisionBoundary | None = None,
        points: ArrayLike | None = None,
        labels: Sequence[Any] | None = None,
        apart: float = 0.0,
        angles: tuple[float, float] = (25.0, -60.0),
        linewidth: float | None = None,
        legend: Literal["inside", "beside", "none"] | None = None,
    ) -> Any:
        """Draws the regions of a solid and returns the axes; options: ``help(cpwl.plots.plot_solid)``."""
        options = {name: value for name, value in locals().items() if name not in ("self", "ax")}
        return picture("plot_solid")(self, ax, **options)

    def plot_surface(
        self,
        ax: Any = None,
        *,
        output: int = 0,
        color: Literal["output", "slope", "area", "class", "pattern"] = "output",
        boundary: DecisionBoundary | None = None,
        angles: tuple[float, float] = (35.0, -60.0),
    ) -> Any:
        """Draws an output over the slice and returns the axes; options: ``help(cpwl.plots.plot_surface)``."""
        return picture("plot_surface")(self, ax, output=output, color=color, boundary=boundary, angles=angles)

    def view(
        self,
        path: str | PathLike[str] | None = None,
        *,
        color: Literal["slope", "area", "volume", "class", "pattern", "output"] = "slope",
        boundary: DecisionBoundary | None = None,
        points: ArrayLike | None = None,
        labels: Sequence[Any] | None = None,
        samples: int = 0,
        data: ArrayLike | None = None,
        data_labels: Sequence[Any] | None = None,
        title: str = "",
    ) -> Any:
        """Writes an interactive page for a browser, one file, and returns its path; options: ``help(cpwl.plots.view)``.

        Without a path it is shown where it is asked for, in a notebook.
        """
        options = {name: value for name, value in locals().items() if name not in ("self", "path")}
        return picture("view")(self, path, **options)

    def _repr_html_(self) -> str:
        return str(picture("partition_html")(self))


@ieee
def load(path: str | PathLike[str], *, device: str | None = None) -> Partition:
    """The partition in a file that ``save`` wrote; one of the torch backend is put on ``device`` (None: the CPU).

    Raises ``FileFormatError``, naming the file and what is wrong, for anything but a well-formed file. That its regions
    are those of its network is for ``cpwl.certify`` to decide. A name without the ending .npz is found as well.
    """
    given = path
    path = given if check_path("path", given).exists() else _archive(given)
    if not Path(path).exists():
        path = given
    opened(path).close()
    kind = kind_of(path)
    if kind not in (None, "partition"):
        raise FileFormatError(f"{path} is {_SOMETHING_ELSE[kind]}")
    with reading(path, "a partition", "Write it again with Partition.save."):
        return read(path, device, Partition)


def _archive(path: str | PathLike[str]) -> Path:
    """The name with .npz at its end, unless it has it or is that of no regular file, such as a pipe."""
    named = check_path("path", path)
    if named.suffix.lower() == ".npz" or (named.exists() and not named.is_file() and not named.is_dir()):
        return named
    return named.with_name(f"{named.name}.npz") if named.name else named


_MODEL = "a model, not a partition. Compute its partition first: cpwl.partition, or the command cpwl partition."
_SOMETHING_ELSE: dict[str | None, str] = {
    "certificate": "no partition but looks like a certificate. Read it with cpwl.Certificate.load, and take its "
    "partition, or check it with cpwl check.",
    **dict.fromkeys(("exported program", "ONNX", ".nnet"), _MODEL),
    **dict.fromkeys(("TorchScript", "weights", "pickled module"), f"a file of torch, {_MODEL}"),
}
"""What is said of files of other kinds."""
