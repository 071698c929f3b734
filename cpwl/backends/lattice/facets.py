"""The facets of a lattice, whose vertices are listed when they are asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...geometry.arrangement import Facets
from .lattice import Lattice


class LatticeFacets(Facets):
    """Facets whose vertices go around when D = 3, else increase: most of the time of listing all goes into that."""

    def __init__(self, lattice: Lattice) -> None:
        vars(self).update(_lattice=lattice, regions=lattice.sides, generation=lattice.generation, walls=lattice.wall)

    @cached_property
    def vertices(self) -> Ragged:
        """The vertices of all."""
        return self._listed(None)

    def corners(self, some: NDArray[np.int64]) -> Ragged:
        """The vertices of some facets."""
        return self._listed(some)

    def _listed(self, some: NDArray[np.int64] | None) -> Ragged:
        lattice: Lattice = vars(self)["_lattice"]
        return lattice.cycles(some) if lattice.dim == 3 else lattice.corners(lattice.dim - 1, some)
