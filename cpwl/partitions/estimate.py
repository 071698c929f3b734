"""How many regions a partition would have, and how long it would take: from a few small squares of the domain.

A planar partition with interior vertices of degrees d and T vertices on its border, corners apart, has
1 + sum(d / 2 - 1) + T / 2 regions (Euler). Per area and per length of border these sums are the same in expectation for
a square anywhere in the domain as for the domain, so that no region cut by a square's border is counted as a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, NumericalRangeError, UnsupportedDimensionError
from ..geometry.domain import Domain
from ..geometry.polytope import Polytope
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import number, whole
from ..runtime.progress import Report, shows_progress
from .compute import check_problem, partition

_FIRST, _LAST = 128, 4
"""Rectangles a side of the grid that the domain's box is divided into: at first, and at the coarsest."""
_ENOUGH = 300
"""Regions of a square that say what one costs."""
_TRIED = 400
"""Cells of a grid of which those in the domain are taken."""
_VERTEX = 100
"""Bytes that a region's share of vertices, edges and outputs takes, about; patterns are counted for themselves."""


@ieee
@dataclass(frozen=True, eq=False)
class Estimate:
    """What a partition would be, extrapolated from some squares: the expected number of regions, and its spread."""

    regions: float
    """The expected number; exact where ``complete``."""
    deviation: float
    """The standard error of ``regions``, from the differences between the squares."""
    seconds: float
    """The time that it would take, about: rather more than less, since large partitions cost less a region."""
    memory: float
    """Bytes of the result, about."""
    counts: NDArray[np.int64]
    """The regions in each square (K,)."""
    complete: bool
    """Whether the whole domain was partitioned, because that took no longer."""

    def __repr__(self) -> str:
        if self.complete:
            return f"<Estimate: {round(self.regions):,} regions, counted, in {self.seconds:.2g} s>"
        return (
            f"<Estimate: about {_rounded(self.regions)} regions, standard error {_rounded(self.deviation)}; about "
            f"{_time(self.seconds)} and {_size(self.memory)}, from {len(self.counts)} squares>"
        )


@ieee
@shows_progress
def estimate(
    net: Network,
    dom: Domain,
    *,
    squares: int = 12,
    max_seconds: float = 20.0,
    seed: int = 0,
    backend: str = "torch",
    device: str | None = None,
    progress: Report | None = None,
) -> Estimate:
    """About how many regions ``cpwl.partition(net, dom)`` would have, and how long it would take.

    ``squares`` small squares (rectangles, like the domain's box) at random places of the domain are partitioned, of a
    size at which one has some hundred regions or takes its share of ``max_seconds``. The answer is an expectation with
    a standard error, no bound: where regions crowd in a few places, few squares may miss them all. A domain that is
    partitioned in the time of a square is counted. Raises ``UnsupportedDimensionError`` unless the domain is a plane's.
    """
    check_problem(net, dom)
    count, time_limit = whole("squares", squares, 2), number("max_seconds", max_seconds)
    if time_limit <= 0:
        raise ArgumentError(f"max_seconds must be positive, got {max_seconds!r}.")
    seed = whole("seed", seed, 0)
    if dom.dim != 2:
        raise UnsupportedDimensionError(f"estimates are for slices of dimension 2, got one of {dom.dim}.")
    with np.errstate(over="ignore"):
        if not np.isfinite(np.ptp(dom.polytope.vertices, axis=0)).all():
            raise NumericalRangeError("dom is so large that its sides overflow float64: there are no squares of it.")
    pilot = _Pilot(net, dom, {"backend": backend, "device": device}, np.random.default_rng(seed), progress, count + 1)
    pilot.rectangle(_FIRST, 0)  # the first call of all loads and prepares
    cells, counted = pilot.suitable(time_limit / (count + 1))
    if counted is not None:
        return counted
    return pilot.extrapolated(cells, np.array([pilot.rectangle(cells, k + 1) for k in range(count)]))


@dataclass
class _Pilot:
    """Rectangles of a domain, cells of a grid drawn without repetition, partitioned one by one."""

    net: Network
    domain: Domain
    options: dict[str, Any]
    generator: np.random.Generator
    progress: Report | None
    total: int
    order: list[NDArray[np.int64]] = field(default_factory=list)
    """Cells of the present grid, in the order in which they are taken."""

    def suitable(self, seconds: float) -> tuple[int, Estimate | None]:
        """A grid whose cells are worth their time; or, if that is the whole domain, what it has."""
        cells = _FIRST
        while True:
            regions, _, taken = self.rectangle(cells, 0)
            if regions >= _ENOUGH or taken > seconds / 4:
                return cells, None
            if cells == _LAST:
                return cells, self._whole(seconds)
            cells //= 2

    def rectangle(self, cells: int, done: int) -> tuple[float, float, float]:
        """Regions, border vertices that are no corners, and seconds, of a cell of the grid."""
        low, size = self._low, self._size / cells
        place = low + size * self._cell(cells, done)
        box = replace(self.domain, polytope=Polytope.box(place, place + size))
        start = perf_counter()
        part = partition(self.net, box, **self.options)
        taken = perf_counter() - start
        if self.progress is not None:
            self.progress(done, self.total, "squares")
        return len(part), _on_border(part), taken

    def extrapolated(self, cells: int, measured: NDArray[np.float64]) -> Estimate:
        """The answer, from what the rectangles have."""
        regions, border, seconds = measured.T
        corners, size = self.domain.polytope.vertices, self._size / cells
        around = float(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).sum())
        inner = (regions - 1 - border / 2) / size.prod()
        values = 1 + inner * self.domain.volume + border / (2 * size.sum()) * around / 2
        mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
        each = float(seconds.sum() / regions.sum())
        bytes_each = _VERTEX + 16 * self.net.outputs + self.net.pattern_bytes
        counts = regions.astype(np.int64)
        return Estimate(mean, error, each * mean, bytes_each * mean, counts, complete=False)

    def _whole(self, seconds: float) -> Estimate | None:
        start = perf_counter()
        part = partition(self.net, self.domain, **self.options, max_seconds=max(2 * seconds, 1.0))
        if not part.complete:
            return None
        count, taken = len(part), perf_counter() - start
        size = count * (_VERTEX + 16 * self.net.outputs + self.net.pattern_bytes)
        return Estimate(count, 0.0, taken, size, np.array([count]), complete=True)

    @cached_property
    def _low(self) -> NDArray[np.float64]:
        return np.asarray(self.domain.polytope.vertices.min(axis=0))

    @cached_property
    def _size(self) -> NDArray[np.float64]:
        return np.asarray(np.ptp(self.domain.polytope.vertices, axis=0))

    def _cell(self, cells: int, done: int) -> NDArray[np.int64]:
        """A cell that lies in the domain; at least one at the middle of the grid is taken to do."""
        if done == 0:
            inside = [cell for cell in self._shuffled(cells) if self._holds(cell, cells)]
            self.order = inside or [np.array([cells // 2, cells // 2])]
        return self.order[done % len(self.order)]

    def _shuffled(self, cells: int) -> NDArray[np.int64]:
        order = self.generator.permutation(cells * cells)[:_TRIED]
        return np.stack(np.divmod(order, cells), axis=1)

    def _holds(self, cell: NDArray[np.int64], cells: int) -> bool:
        corners = self._low + self._size / cells * (cell + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]))
        low, high = self._low, self._low + self._size
        return all(self.domain.polytope.contains(_rational(np.clip(p, low, high))) for p in corners)


def _rational(point: NDArray[np.float64]) -> list[Any]:
    return [Fraction(x) for x in point.tolist()]


def _on_border(part: Any) -> int:
    """Vertices on the border of a square that are no corners of it."""
    return int((part.facets().regions[:, 1] < 0).sum()) - len(part.domain.polytope.vertices)


def _rounded(value: float) -> str:
    """Two digits that mean something."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def _time(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds > 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"


def _size(count: float) -> str:
    return f"{count / 2**30:.2g} GiB" if count > 2**30 else f"{count / 2**20:.2g} MiB"
