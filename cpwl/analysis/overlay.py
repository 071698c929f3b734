"""Where two networks decide alike on a slice and where they do not: exact areas.

Both networks become one with the outputs of both; its partition is cut by the largest output of the one and of the
other, so that both decisions are constant on every cell. The areas are those of the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import NumericalRangeError
from ..fields.value_numbers import ValueNumbering
from ..geometry.arrangement import Arrangement
from ..geometry.domain import Domain
from ..local.evaluate import check_compiled
from ..network.joint import paired
from ..network.network import Network
from ..numbers.rounding import floats
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..runtime.pictures import picture
from ..statistics.statistics import checked_sum
from ..tiling.cells import Cells, cut_by_maximum

if TYPE_CHECKING:
    import pandas


@ieee
@dataclass(frozen=True, eq=False)
class Agreement:
    """A domain cut into cells on which two networks each decide for one class throughout.

    The class is that of the largest output, the lowest where several are over an area; a network with one output has
    the classes 1, where it is positive, and 0.
    """

    first: Network
    second: Network
    partition: Partition
    """That of both networks together: its regions are the intersections of theirs."""
    cells: Cells
    """The regions cut by both decisions."""
    classes: NDArray[np.int64]
    """The class that each of the two decides for on each cell, int64 (C, 2)."""

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        try:
            apart = f"{self.share:.4g} of the area"
        except NumericalRangeError:
            apart = f"{self.apart.sum()} of them"
        return f"<Agreement: {len(self)} cells, apart on {apart}>"

    @property
    def arrangement(self) -> Arrangement[Any]:
        """The cells, as an arrangement."""
        return self.cells.arrangement

    @property
    def regions(self) -> NDArray[np.int64]:
        """The region of ``partition`` that each cell lies in, int64 (C,)."""
        return self.cells.regions

    @property
    def apart(self) -> NDArray[np.bool_]:
        """Cells on which the two decide differently, bool (C,)."""
        return np.asarray(self.classes[:, 0] != self.classes[:, 1])

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        """Cells in whose making some decision was within its error bound, bool (C,); never with exact predicates."""
        return self.arrangement.ambiguous

    def areas(self, *, accuracy: float | None = None) -> NDArray[Any]:
        """The area of each cell in slice coordinates, (C,): float64, or Fractions from the exact backend.

        With exact predicates each is off by at most ``accuracy`` times itself, 2^-20 (six digits) by default and at
        least 2^-52; with ``predicates="float"`` by ``area_errors()``.
        """
        return self.cells.measured(accuracy)[0]

    def area_errors(self, *, accuracy: float | None = None) -> NDArray[np.float64]:
        """For each cell a bound on how far ``areas`` with this accuracy is from the exact one, (C,); 0 if exact."""
        return self.cells.measured(accuracy)[1]

    @property
    def area_apart(self) -> Any:
        """The area on which the two decide differently: a float, or a Fraction from the exact backend."""
        return self.areas()[self.apart].sum()

    @property
    def share(self) -> float:
        """The share of the domain's area on which the two decide differently, a float."""
        return float(self.shares()[self.apart].sum())

    def shares(self) -> NDArray[np.float64]:
        """The share of each cell in the domain's area, (C,)."""
        domain, areas = self.partition.domain, self.areas()
        if self.arrangement.exact:
            return floats(areas / domain.polytope.exact_volume)
        return np.asarray(areas / checked_sum("areas", domain.volume, len(self)))

    def plot(self, ax: Any = None) -> Any:
        """Draws where the two differ and returns the axes; see ``cpwl.plots.plot_agreement``."""
        return picture("plot_agreement")(self, ax)

    def table(self) -> pandas.DataFrame:
        """The area on which the first network decides for the row's class and the second for the column's.

        All classes that occur, in order; the areas add up to the domain's, exactly from the exact backend.
        """
        import pandas

        rows, columns = (np.unique(part) for part in self.classes.T)
        areas = self.areas()
        total = np.zeros((len(rows), len(columns)), areas.dtype)
        places = tuple(np.searchsorted(k, part) for k, part in zip((rows, columns), self.classes.T, strict=True))
        np.add.at(total, places, areas)
        return pandas.DataFrame(total, pandas.Index(rows, name="first"), pandas.Index(columns, name="second"))


@ieee
def agreement(
    first: Network,
    second: Network,
    dom: Domain,
    *,
    backend: str = "torch",
    device: str | None = None,
    predicates: Literal["exact", "float"] = "exact",
) -> Agreement:
    """Where two networks on inputs of one shape decide alike on ``dom``; they need not have as many classes.

    ``backend``, ``device`` and ``predicates`` are those of ``cpwl.partition``: with exact predicates the cells are
    exactly those of the two networks and areas have six digits, or as many as are asked for; from the exact backend
    areas are exact too.
    Raises ``ShapeError`` for inputs of two shapes.
    """
    check_compiled(first, "first")
    check_compiled(second, "second")
    part = partition(paired(first, second), dom, backend=backend, device=device, predicates=predicates)
    split = max(first.outputs, 2)
    groups = Ragged.of([range(split), range(split, part.network.outputs)])
    numbers = ValueNumbering(part.network, dom).everywhere(len(part.network.nodes) - 1)
    cells, by_maximum = cut_by_maximum(part, groups, numbers=numbers)
    return Agreement(first, second, part, cells, by_maximum.winners.astype(np.int64))
