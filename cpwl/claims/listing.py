"""Exact polygons over a table of distinct points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..arrays.ragged import Ragged
from ..geometry.exact_lines import Polygon
from ..geometry.exact_points import Point


@dataclass(frozen=True, eq=False)
class Listing:
    """Polygons over a table of distinct points, which are numbered in the order of their first use."""

    points: tuple[Point, ...]
    polygons: Ragged

    @classmethod
    def of(cls, polygons: Sequence[Polygon]) -> Listing:
        """The listing of (non-empty) polygons given by their corners."""
        index: dict[Point, int] = {}
        rows = [[index.setdefault(corner, len(index)) for corner in polygon] for polygon in polygons]
        return cls(tuple(index), Ragged.of(rows))

    def corners(self) -> list[Polygon]:
        """The corners of each polygon."""
        return [tuple(self.points[v] for v in row.tolist()) for row in self.polygons]
