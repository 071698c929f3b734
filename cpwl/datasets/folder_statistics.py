"""The statistics of a partition in a folder (``cpwl.write_partition``), from some of its rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import FileFormatError
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..statistics.statistics import Measures, eccentricities, marked_incomplete, write_table
from .parquet import RegionRows, read_regions
from .written import Written, read_written

Row = tuple[int, float, int, float, float, int]


@ieee
@dataclass(frozen=True, eq=False)
class WrittenStatistics:
    """Numbers about the regions in a folder, and about all of them as a whole; the rows stay in the folder."""

    written: Written
    measures: Measures

    def __repr__(self) -> str:
        part = "" if self.written.complete else "INCOMPLETE, "
        return f"<WrittenStatistics: {part}{self.measures.regions} regions in {self.written.parts} files>"

    @property
    def complete(self) -> bool:
        """Whether the regions in the folder cover the domain."""
        return self.written.complete

    @property
    def summary(self) -> dict[str, int | float]:
        """The numbers by name; vertices and edges of the partition are not in the folder.

        Those of a folder that is not complete begin with "complete".
        """
        return {**marked_incomplete(self.written.complete), **self.measures.summary}

    def rows(self) -> Iterator[Row]:
        """The table of regions row by row, as that of ``Statistics``."""
        for part in rows_of(self.written):
            columns = (part.region, part.areas, part.corners, _eccentricities(part), part.slopes)
            yield from zip(*(column.tolist() for column in columns), map(int, part.ambiguous.tolist()), strict=True)

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Writes the table of regions; the summary stands above it, in lines that begin with "#".

        Returns the path.

        ``ArgumentError`` for a name with an ending that says another format, such as .json.
        """
        write_table(path, self.summary, self.rows())
        return Path(path)


@ieee
def statistics_of_folder(path: str | PathLike[str]) -> WrittenStatistics:
    """The statistics of the regions that ``cpwl.write_partition`` has written to a folder, finished or not.

    Needs the extra ``cpwl[parquet]``. ``FileFormatError`` for a folder that holds no partition, or damaged files.
    """
    written, measures = read_written(inputs.path("path", path)), Measures()
    for part in rows_of(written):
        measures.add(part.areas, part.corners, _eccentricities(part), part.slopes, part.ambiguous)
    if measures.regions != written.regions:
        raise FileFormatError(f"{path} has {measures.regions} regions, and its journal {written.regions}.")
    return WrittenStatistics(written, measures)


def rows_of(written: Written) -> Iterator[RegionRows]:
    """The rows of all files, each file after its checksum was found right."""
    for file in written.verified():
        yield from read_regions(file)


def _eccentricities(rows: RegionRows) -> NDArray[np.float64]:
    return eccentricities(rows.places, Ragged.from_counts(np.arange(len(rows.places)), rows.corners))
