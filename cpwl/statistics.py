"""Statistics of a partition's regions, as the SplineCam papers define them (Humayun et al., CVPR 2023)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .ragged import Ragged

if TYPE_CHECKING:
    from .partition import Partition

COLUMNS = ("region", "area", "vertices", "eccentricity", "ambiguous")


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
    ambiguous: NDArray[np.bool_]
    """Regions in whose making some decision was within its rounding-error bound, bool (R,)."""
    vertices: int
    """The number of vertices V of the partition."""
    edges: int
    """The number of facets E (edges, when D = 2), those on the domain's boundary included."""

    def __repr__(self) -> str:
        return f"<Statistics: {self.regions} regions, {self.vertices} vertices, {self.edges} edges>"

    @property
    def regions(self) -> int:
        """The number of regions R ("NR" in the papers)."""
        return len(self.areas)

    @property
    def mean_area(self) -> float:
        """The average region volume ("ARV")."""
        return float(self.areas.mean())

    @property
    def mean_corners(self) -> float:
        """The average number of vertices of a region ("ANV")."""
        return float(self.corners.mean())

    @property
    def mean_eccentricity(self) -> float:
        """The average eccentricity of a region ("ARE")."""
        return float(self.eccentricities.mean())

    @cached_property
    def summary(self) -> dict[str, int | float]:
        """The numbers about the whole partition, by name."""
        return {
            "regions": self.regions,
            "vertices": self.vertices,
            "edges": self.edges,
            "ambiguous": int(self.ambiguous.sum()),
            "ARV": self.mean_area,
            "ANV": self.mean_corners,
            "ARE": self.mean_eccentricity,
            "smallest area": float(self.areas.min()),
            "largest area": float(self.areas.max()),
        }

    def rows(self) -> Iterator[tuple[int, float, int, float, int]]:
        """The table of regions row by row: index, area, vertices, eccentricity, ambiguous (0 or 1)."""
        columns = (self.areas, self.corners, self.eccentricities, self.ambiguous.astype(np.int64))
        return zip(range(self.regions), *(column.tolist() for column in columns), strict=True)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Writes the table of regions; the summary stands above it, in lines that begin with "#"."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.writelines(f"# {name}: {value}\n" for name, value in self.summary.items())
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self.rows())


def statistics(partition: Partition) -> Statistics:
    """The statistics of a partition, computed in float64 (exact coordinates are rounded first)."""
    regions = partition.regions
    ambiguous = np.zeros(len(regions), np.bool_)
    ambiguous[partition.ambiguous] = True
    return Statistics(
        areas=np.asarray(partition.volumes(), np.float64),
        corners=regions.counts,
        eccentricities=eccentricities(np.asarray(partition.vertices, np.float64), regions),
        ambiguous=ambiguous,
        vertices=len(partition.vertices),
        edges=len(partition.facets().regions),
    )


@dataclass(eq=False)
class Totals:
    """The numbers about a partition as a whole, added up block by block; no region is held.

    Counts, extremes and the histogram are exact; sums of areas and eccentricities are rounded as sums of float64
    numbers are. Of what blocks share (vertices and edges on their borders) names of 64 bits are kept.
    """

    regions: int = 0
    ambiguous: int = 0
    area: float = 0.0
    smallest_area: float = np.inf
    largest_area: float = 0.0
    corners: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """How many regions have so many extreme vertices, by that number."""
    _eccentricities: float = 0.0
    _inner_vertices: int = 0
    _inner_edges: int = 0
    _shared_vertices: _Distinct = field(default_factory=lambda: _Distinct())
    _shared_edges: _Distinct = field(default_factory=lambda: _Distinct())

    def __repr__(self) -> str:
        return f"<Totals: {self.regions} regions, {self.vertices} vertices, {self.edges} edges>"

    def add(self, block: Partition) -> None:
        """Adds a block; each region of a partition must come once."""
        found = statistics(block)
        self.regions += found.regions
        self.ambiguous += int(found.ambiguous.sum())
        self.area += float(found.areas.sum())
        self.smallest_area = min(self.smallest_area, float(found.areas.min()))
        self.largest_area = max(self.largest_area, float(found.areas.max()))
        self._eccentricities += float(found.eccentricities.sum())
        counts = np.bincount(found.corners, minlength=len(self.corners))
        counts[: len(self.corners)] += self.corners
        self.corners = counts
        self._add_shared(block, found)

    def _add_shared(self, block: Partition, found: Statistics) -> None:
        facets = block.facets()
        outer = facets.vertices.take(np.flatnonzero(facets.regions[:, 1] < 0)).values.reshape(-1, block.domain.dim)
        vertices, names = _border(block, outer)
        name_of, shared = np.zeros(found.vertices, np.int64), np.zeros(found.vertices, np.bool_)
        name_of[vertices], shared[vertices] = names, True
        edges = np.sort(name_of[outer[shared[outer].all(axis=1)]].view(np.uint64), axis=1)
        self._shared_vertices.add(names)
        self._shared_edges.add(_mixed(edges))
        self._inner_vertices += found.vertices - len(names)
        self._inner_edges += found.edges - len(edges)

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
        corners = int(self.corners @ np.arange(len(self.corners)))
        return {
            "regions": self.regions,
            "vertices": self.vertices,
            "edges": self.edges,
            "ambiguous": self.ambiguous,
            "ARV": self.area / self.regions,
            "ANV": corners / self.regions,
            "ARE": self._eccentricities / self.regions,
            "smallest area": self.smallest_area,
            "largest area": self.largest_area,
        }


def statistics_of_blocks(blocks: Iterable[Partition]) -> Totals:
    """The statistics of the partition that some blocks make up (``cpwl.partition_blocks``), without holding them."""
    totals = Totals()
    for block in blocks:
        totals.add(block)
    return totals


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


def _border(block: Partition, outer: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertices that other blocks may have too, and for each a number by which all know it; int64 (n,) each."""
    if not block.arrangement.exact:
        return block.arrangement.border()
    vertices = np.unique(outer)
    texts = [str(point).encode() for point in block.vertices[vertices].tolist()]
    digests = b"".join(blake2b(text, digest_size=8).digest() for text in texts)
    return vertices, np.frombuffer(digests, np.int64)


def _mixed(edges: NDArray[np.uint64]) -> NDArray[np.int64]:
    """A name of 64 bits for each pair of such names (n, 2), which are hashes themselves."""
    odd = np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((edges[:, 0] * odd + (edges[:, 1] ^ (edges[:, 1] >> np.uint64(29)))).view(np.int64))


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
    np.divide(largest, smallest, out=ratios, where=smallest > 0)
    return ratios


def _distances(vertices: NDArray[np.float64], regions: Ragged, apart: int) -> NDArray[np.float64]:
    """From every vertex of every region the distance to the one ``apart`` places on, cyclically."""
    row = regions.row_of
    start = regions.offsets[row]
    partner = start + (np.arange(len(row)) - start + apart) % regions.counts[row]
    steps = vertices[regions.values[partner]] - vertices[regions.values]
    return np.asarray(np.linalg.norm(steps, axis=1))
