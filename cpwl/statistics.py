"""Statistics of a partition's regions, as the SplineCam papers define them (Humayun et al., CVPR 2023)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
