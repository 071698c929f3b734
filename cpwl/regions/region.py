"""One region of a partition, for people: an object with all that there is to ask about it.

Programs that go through all regions use the arrays of ``Partition`` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import VerificationError
from ..geometry.clipping import part_of
from ..geometry.exact_corners import corners
from ..geometry.halfspaces import Halfspaces
from ..numbers.rounding import nearest
from ..runtime.ieee import ieee
from ..tiling.tiling import Tiling
from .exact_maps import Forms, first_difference

if TYPE_CHECKING:
    from .symbolic import SymbolicRegion


@ieee
@dataclass(frozen=True, eq=False)
class Region:
    """Region ``index`` of a partition, in slice coordinates. What is exact here is so for every backend."""

    partition: Tiling
    index: int

    def __repr__(self) -> str:
        return f"<Region {self.index}: {len(self.vertices)} vertices, volume {nearest(self.volume):.6g}>"

    @property
    def vertices(self) -> NDArray[Any]:
        """The extreme vertices (N, D) as the partition holds them, float64 or Fractions; when D = 2
        counter-clockwise."""
        return np.asarray(self.partition.vertices[self.partition.regions[self.index]])

    @property
    def pattern(self) -> NDArray[np.int16]:
        """The linear piece of each unit, int16 (network.units,); see ``Partition.patterns``."""
        return np.asarray(self.partition.patterns([self.index])[0])

    @property
    def volume(self) -> Any:
        """The volume (area, when D = 2): a float, or a Fraction from the exact backend."""
        return self.partition.volumes([self.index]).tolist()[0]

    @property
    def ambiguous(self) -> bool:
        """Whether some decision on the way to this region was open; see ``Partition.ambiguous``."""
        return self.index in self.partition.ambiguous

    def affine_map(self, *, frame: Literal["slice", "input"] = "slice") -> tuple[NDArray[Any], NDArray[Any]]:
        """The affine map f = A y + b: A (m, k) and b (m,); see ``Partition.affine_maps``."""
        weight, bias = self.partition.affine_maps([self.index], frame=frame)
        return weight[0], bias[0]

    @cached_property
    def exact_map(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The exact affine map f = A u + b of slice coordinates: A (m, D) and b (m,), Fractions."""
        weights, biases = self._forms.maps(np.array([self.index]))
        return weights[0], biases[0]

    @cached_property
    def facets(self) -> NDArray[np.int64]:
        """Its facets, as indices into ``partition.facets()``, increasing, int64 (n,)."""
        sides = self.partition.facets().regions
        return np.flatnonzero((sides == self.index).any(axis=1))

    @cached_property
    def neighbors(self) -> NDArray[np.int64]:
        """The regions that share a facet with this one, increasing, int64 (n,).

        Of a partition that is not ``complete`` those that are there.
        """
        sides = np.unique(self.partition.facets().regions[self.facets])
        return np.asarray(sides[(sides >= 0) & (sides != self.index)])

    @cached_property
    def halfspaces(self) -> Halfspaces:
        """The exact irredundant H-representation, rows of integers without a common factor for the units.

        ``units`` says which unit bends on each side (the first of them in the network's order), -1 the domain. Raises
        ``VerificationError`` if the region or a neighbor of it is ambiguous: it may be none of the network's; and
        ``IncompleteError`` if neighbors may be missing, beside the border of a partition that is not complete.
        """
        if self.partition.domain.dim == 2:
            return self._shared.irredundant().halfspaces
        return self._shared.behind(self._domain_sides)

    @cached_property
    def exact_vertices(self) -> NDArray[Any]:
        """The exact vertices, Fractions (N, D), in the order of ``vertices``, when D = 2 counter-clockwise.

        Raises as ``halfspaces`` does.
        """
        if self.partition.domain.dim == 2:
            rows = self._shared
            table = np.concatenate([rows.normals, rows.offsets[:, None]], axis=1)
            return np.array(part_of(self.partition.domain.polytope, table), dtype=object)
        rows = self.halfspaces
        return corners(np.concatenate([rows.normals, rows.offsets[:, None]], axis=1), self._rows_at_vertices)

    @cached_property
    def witness(self) -> NDArray[Any]:
        """A rational point inside, the mean of the exact vertices: Fractions (D,), strictly inside all halfspaces."""
        vertices = self.exact_vertices
        return np.asarray(vertices.sum(axis=0) / Fraction(len(vertices)))

    def to_sympy(self, symbols: Sequence[Any] | None = None) -> SymbolicRegion:
        """The inequalities and the affine map as sympy objects, exact; see ``cpwl.regions.symbolic.SymbolicRegion``."""
        from .symbolic import closed_form

        return closed_form(self.halfspaces, self.exact_map, symbols)

    # ---- private ---------------------------------------------------------------------------------------------------
    @property
    def _on_border(self) -> bool:
        """Whether there is no region beyond some side."""
        sides = self.partition.facets().regions
        return bool((sides[:, 1] < 0)[sides[:, 0] == self.index].any())

    @cached_property
    def _forms(self) -> Forms:
        return Forms(self.partition)

    @cached_property
    def _by_unit(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The neighbors in the order of the first unit whose piece is another one there, and these units."""
        pattern, neighbors = self.pattern, self.neighbors
        units = np.array([first_difference(pattern, other) for other in self.partition.patterns(neighbors)], np.int64)
        order = np.argsort(units, kind="stable")
        return neighbors[order], units[order]

    @cached_property
    def _shared(self) -> Halfspaces:
        """The sides that the region shares with others, in the order of ``_by_unit``."""
        if self._on_border:
            self.partition.check_complete(f"region {self.index} lies on the border of these, and its exact shape")
        if np.isin([self.index, *self.neighbors.tolist()], self.partition.ambiguous).any():
            raise VerificationError(
                f"region {self.index} or one beside it is ambiguous, and may be none of the network's. Use "
                "predicates='exact', or certify the partition and take Certificate.partition."
            )
        (neighbors, units), polytope = self._by_unit, self.partition.domain.polytope
        forms = self._forms.between(np.full(len(neighbors), self.index), neighbors)
        rows = np.array([[Fraction(int(x)) for x in form] for form in forms], dtype=object)
        rows = rows.reshape(-1, polytope.dim + 1)
        return Halfspaces(rows[:, :-1], rows[:, -1], units, np.zeros(len(rows)), polytope)

    @property
    def _walls(self) -> NDArray[np.int64]:
        """For each facet the wall that it lies on; those of the domain have the numbers of its sides."""
        walls = self.partition.facets().walls
        assert walls is not None  # of every arrangement but planar ones
        return walls[self.facets]

    @property
    def _outer(self) -> NDArray[np.bool_]:
        """For each facet whether there is no region beyond it."""
        return np.asarray(self.partition.facets().regions[self.facets, 1] < 0)

    @property
    def _domain_sides(self) -> NDArray[np.int64]:
        """The sides of the domain that bound it, increasing."""
        return np.unique(self._walls[self._outer])

    @property
    def _rows_at_vertices(self) -> Ragged:
        """For each vertex the halfspaces on whose side it lies."""
        facets, outer, sides = self.partition.facets(), self._outer, self._domain_sides
        others = facets.regions[self.facets].sum(axis=1) - self.index
        neighbors = self._by_unit[0]
        order = np.argsort(neighbors)
        row = np.empty(len(outer), np.int64)
        row[outer] = np.searchsorted(sides, self._walls[outer])
        row[~outer] = len(sides) + order[np.searchsorted(neighbors[order], others[~outer])]
        held = facets.vertices.take(self.facets)
        vertices = self.partition.regions[self.index]
        pairs = np.unique(np.stack([np.searchsorted(vertices, held.values), row[held.row_of]]), axis=1)
        return Ragged.from_counts(pairs[1], np.bincount(pairs[0], minlength=len(vertices)))
