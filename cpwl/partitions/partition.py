"""A partition, with all that can be asked of it: each verb is one line that hands on to who answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..boundary.boundary import DecisionBoundary, decision_boundary
from ..errors import FileFormatError
from ..regions.dual_graph import dual_graph
from ..regions.merged import Merged, merged
from ..regions.region import Region
from ..runtime.ieee import ieee
from ..runtime.inputs import whole
from ..runtime.pictures import picture
from ..statistics.statistics import Statistics, statistics
from ..storage.files import opened, reading
from ..tiling.npz import read, save
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    import networkx


@ieee
@dataclass(frozen=True, eq=False, repr=False)
class Partition(Tiling):
    """All regions of a domain on which a network is affine: activation regions, one activation pattern each."""

    def decision_boundary(
        self, classes: tuple[int, int] | None = None, *, everywhere: bool = False, level: float | None = None
    ) -> DecisionBoundary:
        """Where the two largest outputs are equal; see ``cpwl.boundary.boundary.decision_boundary``."""
        return decision_boundary(self, classes, everywhere=everywhere, level=level)

    def statistics(self) -> Statistics:
        """Counts, areas and shapes of the regions; see ``cpwl.statistics``."""
        return statistics(self)

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

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the partition, with its domain and network, to one file; ``cpwl.load`` reads it."""
        save(self, path)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draws the regions and returns the matplotlib axes; see ``cpwl.plots.plot``.

        When D = 1 the outputs along the line; see ``cpwl.plots.plot_line``. There is no picture when D > 2.
        """
        return picture("plot_line" if self.domain.dim == 1 else "plot")(self, ax, **options)

    def plot_surface(self, ax: Any = None, **options: Any) -> Any:
        """Draws one output over the slice and returns the matplotlib axes; see ``cpwl.plots.plot_surface``."""
        return picture("plot_surface")(self, ax, **options)

    def view(self, path: str | PathLike[str], **options: Any) -> Path:
        """Writes an interactive page for a browser, one file, and returns its path; see ``cpwl.plots.view``."""
        page: Path = picture("view")(self, path, **options)
        return page


@ieee
def load(path: str | PathLike[str], *, device: str | None = None) -> Partition:
    """The partition in a file that ``save`` wrote; one of the torch backend is put on ``device`` (None: the CPU).

    Raises ``FileFormatError``, naming the file and what is wrong, for anything but a well-formed file. That its regions
    are those of its network is for ``cpwl.certify`` to decide.
    """
    with opened(path) as file:
        start = file.read(2)
    if start == b"\x1f\x8b" or start[:1] == b"{":
        raise FileFormatError(
            f"{path} is no partition but looks like a certificate. Read it with cpwl.Certificate.load, and take its "
            "partition, or check it with cpwl check."
        )
    with reading(path, "a partition", "Write it again with Partition.save."):
        return read(path, device, Partition)
