"""Statistics of a partition's regions, as the SplineCam papers define them (Humayun et al., CVPR 2023)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, NumericalRangeError
from ..geometry.rounded import Rounded
from ..numbers.norms import norms
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance
from ..runtime.pictures import picture
from ..storage.files import named_as, replaced
from ..tiling.tiling import Tiling
from .slopes import slope_norms

if TYPE_CHECKING:
    import pandas


COLUMNS = ("region", "area", "vertices", "eccentricity", "slope", "ambiguous")


@ieee
@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers about each of R regions, and about the partition as a whole; areas are volumes when D is not 2."""

    areas: NDArray[np.float64]
    """(R,), in slice coordinates."""
    corners: NDArray[np.int64]
    """The number of extreme vertices of each region, int64 (R,)."""
    eccentricities: NDArray[np.float64]
    """Largest over smallest distance between two vertices of each region, (R,); infinite where two of them round to one
    float64 point."""
    slopes: NDArray[np.float64]
    """The Frobenius norm of A in f = A u + b on each region, u in slice coordinates, (R,); see ``slopes.py``."""
    ambiguous: NDArray[np.bool_]
    """Regions in whose making some decision was within its rounding-error bound, bool (R,)."""
    vertices: int
    """The number of vertices V of the partition."""
    edges: int
    """The number of facets E (edges, when D = 2), those on the domain's boundary included."""
    complete: bool = True
    """Whether the regions cover the domain; if not, all numbers are about those that are there."""

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        return f"<Statistics: {part}{self.regions} regions, {self.vertices} vertices, {self.edges} edges>"

    @property
    def regions(self) -> int:
        """The number of regions R ("NR" in the papers)."""
        return len(self.areas)

    @property
    def mean_area(self) -> float:
        """The average region volume ("ARV")."""
        return self._area / self.regions

    @property
    def mean_corners(self) -> float:
        """The average number of vertices of a region ("ANV")."""
        return float(self.corners.mean())

    @property
    def mean_eccentricity(self) -> float:
        """The average eccentricity of a region ("ARE")."""
        return float(self.eccentricities.mean())

    @property
    def density(self) -> float:
        """The number of regions per unit of area."""
        return self.regions / self._area

    @property
    def mean_slope(self) -> float:
        """The mean of the slope over the domain: each region counts by its area."""
        return float(self.slopes @ (self.areas / self._area))

    @property
    def _area(self) -> float:
        return checked_sum("areas", float(self.areas.sum()), self.regions)

    @cached_property
    def summary(self) -> dict[str, int | float]:
        """The numbers about the whole partition, by name; those of one that is not complete begin with "complete".

        Without regions none but the counts.
        """
        counts = {**marked_incomplete(self.complete), "regions": self.regions, "vertices": self.vertices}
        counts |= {"edges": self.edges, "ambiguous": int(self.ambiguous.sum())}
        if not self.regions:
            return counts
        return {
            **counts,
            "density": self.density,
            "ARV": self.mean_area,
            "ANV": self.mean_corners,
            "ARE": self.mean_eccentricity,
            "smallest area": float(self.areas.min()),
            "largest area": float(self.areas.max()),
            "mean slope": self.mean_slope,
            "largest slope": float(self.slopes.max()),
        }

    def rows(self) -> Iterator[tuple[int, float, int, float, float, int]]:
        """The table of regions row by row: index, area, vertices, eccentricity, slope, ambiguous (0 or 1)."""
        columns = (self.areas, self.corners, self.eccentricities, self.slopes, self.ambiguous.astype(np.int64))
        return zip(range(self.regions), *(column.tolist() for column in columns), strict=True)

    def to_frame(self) -> pandas.DataFrame:
        """The table of regions as a pandas DataFrame, one row a region; ``.attrs`` holds the summary."""
        import pandas

        columns = (self.areas, self.corners, self.eccentricities, self.slopes, self.ambiguous)
        table = pandas.DataFrame(dict(zip(COLUMNS[1:], columns, strict=True)))
        table.index.name = COLUMNS[0]
        table.attrs = dict(self.summary)
        return table

    def plot(self, **options: Any) -> Any:
        """A figure of the distributions over the regions; see ``cpwl.plots.plot_distributions``."""
        return picture("plot_distributions")({"" if self.complete else "INCOMPLETE": self}, **options)

    def _repr_html_(self) -> str:
        return str(picture("statistics_html")(self))

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Writes the table of regions; the summary stands above it, in lines that begin with "#".

        Returns the path.

        ``ArgumentError`` for a name with an ending that says another format, such as .json.
        """
        write_table(path, self.summary, self.rows())
        return Path(path)


def statistics(partition: Tiling) -> Statistics:
    """The statistics of a partition, computed in float64 (exact coordinates are rounded first).

    Counts are those of the partition: exact when its predicates are. Areas, eccentricities and slopes are measures.
    """
    regions = partition.regions
    ambiguous = np.zeros(len(regions), np.bool_)
    ambiguous[partition.ambiguous] = True
    return Statistics(
        areas=floats(partition.volumes()),
        corners=regions.counts,
        eccentricities=eccentricities(np.asarray(partition.vertices, np.float64), regions),
        slopes=slope_norms(partition),
        ambiguous=ambiguous,
        vertices=len(partition.vertices),
        edges=len(partition.facets().regions),
        complete=partition.complete,
    )


def checked_sum(what: str, total: float, regions: int) -> float:
    """A sum over regions, of numbers that are not negative; ``NumericalRangeError`` if float64 can't hold the mean."""
    if total < regions * np.finfo(np.float64).tiny or total == np.inf:
        raise NumericalRangeError(
            f"the {what} of {regions:,} regions add up to {total} in float64: they are out of its range, and so are "
            "means and densities. Scale the network and the domain; the exact backend has areas of any size "
            "(partition.volumes)."
        )
    return total


def marked_incomplete(complete: bool | None) -> dict[str, int | float]:
    """What stands above the numbers of regions that do not cover the domain; nothing if they do, or nobody knows."""
    return {"complete": False} if complete is False else {}


@ieee
@dataclass(eq=False)
class Measures:
    """The numbers about regions that come some at a time; no region is held.

    Counts, extremes and the histogram are exact; sums of areas, eccentricities and slopes are rounded as sums of
    float64 numbers are.
    """

    regions: int = 0
    ambiguous: int = 0
    area: float = 0.0
    smallest_area: float = np.inf
    largest_area: float = 0.0
    largest_slope: float = 0.0
    corners: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """How many regions have so many extreme vertices, by that number."""
    _eccentricities: float = 0.0
    _slopes: float = 0.0

    def add(
        self,
        areas: NDArray[np.float64],
        corners: NDArray[np.int64],
        eccentricities: NDArray[np.float64],
        slopes: NDArray[np.float64],
        ambiguous: NDArray[np.bool_],
    ) -> None:
        """Adds regions, (n,) each; a slope may be NaN where it is not known."""
        self.regions += len(areas)
        self.ambiguous += int(ambiguous.sum())
        self.area += float(areas.sum())
        self.smallest_area = min(self.smallest_area, float(areas.min(initial=np.inf)))
        self.largest_area = max(self.largest_area, float(areas.max(initial=0.0)))
        self.largest_slope = float(np.maximum(self.largest_slope, slopes.max(initial=0.0)))
        self._eccentricities += float(eccentricities.sum())
        self._slopes += float(slopes @ areas)
        counts = np.bincount(corners, minlength=len(self.corners))
        counts[: len(self.corners)] += self.corners
        self.corners = counts

    @property
    def summary(self) -> dict[str, int | float]:
        """The numbers by name; without regions none but their count."""
        if not self.regions:
            return {"regions": 0}
        corners, area = int(self.corners @ np.arange(len(self.corners))), checked_sum("areas", self.area, self.regions)
        slopes = checked_sum("slopes, times areas,", self._slopes, self.regions) if self.largest_slope != 0 else 0.0
        return {
            "regions": self.regions,
            "ambiguous": self.ambiguous,
            "density": self.regions / area,
            "ARV": area / self.regions,
            "ANV": corners / self.regions,
            "ARE": self._eccentricities / self.regions,
            "smallest area": self.smallest_area,
            "largest area": self.largest_area,
            "mean slope": slopes / area,
            "largest slope": self.largest_slope,
        }


@ieee
@dataclass(eq=False)
class Totals:
    """The numbers about a partition as a whole, added up block by block; no region is held.

    Of what blocks share (vertices and edges on their borders) names of 64 bits are kept.
    """

    measures: Measures = field(default_factory=Measures)
    complete: bool | None = None
    """Whether the blocks cover the domain, if that is known: see ``statistics_of_blocks``."""
    _inner_vertices: int = 0
    _inner_edges: int = 0
    _shared_vertices: _Distinct = field(default_factory=lambda: _Distinct())
    _shared_edges: _Distinct = field(default_factory=lambda: _Distinct())

    def __repr__(self) -> str:
        part = "INCOMPLETE, " if self.complete is False else ""
        return f"<Totals: {part}{self.regions} regions, {self.vertices} vertices, {self.edges} edges>"

    def add(self, block: Tiling) -> None:
        """Adds a block; each region of a partition must come once."""
        measured = statistics(instance("block", block, Tiling, "Each of blocks is a Partition.", "Partition"))
        self.measures.add(
            measured.areas, measured.corners, measured.eccentricities, measured.slopes, measured.ambiguous
        )
        self._add_shared(block, measured)

    def _add_shared(self, block: Tiling, measured: Statistics) -> None:
        facets = block.facets()
        outer = facets.vertices.take(np.flatnonzero(facets.regions[:, 1] < 0))
        vertices, names = _border(block, outer.values)
        name_of, shared = np.zeros(measured.vertices, np.int64), np.zeros(measured.vertices, np.bool_)
        name_of[vertices], shared[vertices] = names, True
        facets_shared = outer.take(np.flatnonzero(outer.reduce(np.logical_and, shared[outer.values])))
        self._shared_vertices.add(names)
        self._shared_edges.add(_mixed(facets_shared, name_of))
        self._inner_vertices += measured.vertices - len(names)
        self._inner_edges += measured.edges - len(facets_shared)

    @property
    def regions(self) -> int:
        """The number of regions."""
        return self.measures.regions

    @property
    def ambiguous(self) -> int:
        """How many of them are ambiguous."""
        return self.measures.ambiguous

    @property
    def corners(self) -> NDArray[np.int64]:
        """How many regions have so many extreme vertices, by that number."""
        return self.measures.corners

    @property
    def vertices(self) -> int:
        """The number of vertices, those on borders counted once."""
        return self._inner_vertices + len(self._shared_vertices)

    @property
    def edges(self) -> int:
        """The number of facets, those on borders counted once."""
        return self._inner_edges + len(self._shared_edges)

    @property
    def summary(self) -> dict[str, int | float]:
        """The numbers about the whole partition, by name; as those of ``Statistics``."""
        measured = self.measures.summary
        counts = {"regions": measured.pop("regions"), "vertices": self.vertices, "edges": self.edges}
        return {**marked_incomplete(self.complete), **counts, **measured}


@ieee
def statistics_of_blocks(blocks: Iterable[Tiling]) -> Totals:
    """The statistics of the partition that some blocks make up (``cpwl.partition_blocks``), without holding them.

    Whether they are ``complete`` is known of what ``partition_blocks`` returns, unless it has been begun before.
    """
    if isinstance(blocks, Tiling) or not isinstance(blocks, Iterable):
        raise ArgumentError(
            f"blocks must be partitions of parts of a domain, as cpwl.partition_blocks returns them, got "
            f"{type(blocks).__name__}. Of one partition use part.statistics(), or [part]."
        )
    totals, remaining = Totals(), iter(blocks)
    while True:
        try:
            totals.add(next(remaining))
        except StopIteration as end:
            totals.complete = end.value
            return totals


def write_table(path: str | PathLike[str], summary: Mapping[str, int | float], rows: Iterable[Sequence[float]]) -> None:
    """Writes a table of regions, with columns ``COLUMNS``, below a summary in lines that begin with "#"."""
    file_name = named_as(path, "a table, comma-separated", ".csv")
    with replaced(file_name) as new, open(new, "w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {name}: {value}\n" for name, value in summary.items())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


class _Distinct:
    """How many different numbers there are among those added, int64."""

    def __init__(self) -> None:
        self._tables: list[NDArray[np.int64]] = []

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Adds numbers: a sorted table, joined with those before it that are not twice as long."""
        table = np.unique(numbers)
        while self._tables and len(self._tables[-1]) < 2 * len(table):
            table = np.union1d(self._tables.pop(), table)
        self._tables.append(table)

    def __len__(self) -> int:
        return len(np.unique(np.concatenate(self._tables))) if self._tables else 0


def _border(block: Tiling, outer: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertices that other blocks may have too, and for each a number by which all know it; int64 (n,) each."""
    if isinstance(block.arrangement, Rounded):
        return block.arrangement.border()
    vertices = np.unique(outer)
    texts = [str(point).encode() for point in block.vertices[vertices].tolist()]
    digests = b"".join(blake2b(text, digest_size=8).digest() for text in texts)
    return vertices, np.frombuffer(digests, np.int64)


def _mixed(facets: Ragged, names: NDArray[np.int64]) -> NDArray[np.int64]:
    """A name of 64 bits for each facet, whatever the order of its vertices; their names are hashes themselves."""
    odd, name = np.uint64(0x9E3779B97F4A7C15), names[facets.values].view(np.uint64)
    mixed = (name ^ (name >> np.uint64(29))) * odd
    return np.asarray(facets.reduce(np.add, mixed ^ (mixed >> np.uint64(32))).view(np.int64))


def eccentricities(vertices: NDArray[np.float64], regions: Ragged) -> NDArray[np.float64]:
    """Largest over smallest distance between two vertices of each region, (R,); infinite where the smallest is 0.

    Each step takes, of all regions at once, the pairs of vertices that are so many places apart in the region's list.
    """
    largest, smallest = np.zeros(len(regions)), np.full(len(regions), np.inf)
    for apart in range(1, int(regions.counts.max(initial=0)) // 2 + 1):
        rows = np.flatnonzero(regions.counts >= 2 * apart)
        part = regions.take(rows)
        distances = _distances(vertices, part, apart)
        largest[rows] = np.maximum(largest[rows], part.reduce(np.maximum, distances))
        smallest[rows] = np.minimum(smallest[rows], part.reduce(np.minimum, distances))
    ratios = np.full(len(regions), np.inf)
    with np.errstate(over="ignore"):  # a ratio beyond float64 is infinite
        np.divide(largest, smallest, out=ratios, where=smallest > 0)
    return ratios


def _distances(vertices: NDArray[np.float64], regions: Ragged, apart: int) -> NDArray[np.float64]:
    """From every vertex of every region the distance to the one ``apart`` places on, cyclically."""
    row = regions.row_of
    start = regions.offsets[row]
    partner = start + (np.arange(len(row)) - start + apart) % regions.counts[row]
    steps = vertices[regions.values[partner]] - vertices[regions.values]
    return norms(steps)
