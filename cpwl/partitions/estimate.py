"""How many regions a partition would have, and how long it would take: from a few small boxes of the domain.

A region is counted where its lowest vertex lies, in a direction that is parallel to nothing. In a domain the lowest
vertices inside it, inside its facets, ridges and so on down to its edges, and one corner, are those of all regions. For
each dimension of these faces their number per volume, area or length is the same in expectation for a box anywhere in
the domain as for the domain; so no region that a box's border cuts is counted as a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..errors import ArgumentError, NumericalRangeError
from ..geometry.domain import Domain
from ..geometry.polytope import Polytope
from ..geometry.simplices import measures
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import number, whole
from ..runtime.progress import Report, shows_progress
from ..tiling.tiling import Tiling
from .compute import check_problem, partition

_FIRST, _LAST = 128, 4
"""Rectangles a side of the grid that the domain's box is divided into: at first, and at the coarsest."""
_ENOUGH = 300
"""Regions of a square that say what one costs."""
_TRIED = 400
"""Cells of a grid of which those in the domain are taken."""
_NUMBER = 16
"""Bytes for each pair of a face and one on its border, which a region has D 2^D of; its vertices are among them."""
_NEAR = 1e-9
"""Of a side of a box: vertices that are no farther from its border lie on it."""


@ieee
@dataclass(frozen=True, eq=False)
class Estimate:
    """What a partition would be, extrapolated from some boxes: the expected number of regions, and its spread."""

    regions: float
    """The expected number; exact where ``complete``."""
    deviation: float
    """The standard error of ``regions``, from the differences between the boxes."""
    seconds: float
    """The time that it would take, about: rather more than less, since large partitions cost less a region."""
    memory: float
    """Bytes of the result, about."""
    counts: NDArray[np.int64]
    """The regions in each box (K,)."""
    complete: bool
    """Whether the whole domain was partitioned, because that took no longer."""

    def __repr__(self) -> str:
        if self.complete:
            return f"<Estimate: {round(self.regions):,} regions, counted, in {self.seconds:.2g} s>"
        return (
            f"<Estimate: about {_rounded(self.regions)} regions, standard error {_rounded(self.deviation)}; about "
            f"{_time(self.seconds)} and {_size(self.memory)}, from {len(self.counts)} boxes>"
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

    As many small boxes as ``squares`` says (rectangles in a plane) at random places of the domain are partitioned, of a
    size at which one has some hundred regions or takes its share of ``max_seconds``. The answer is an expectation with
    a standard error, no bound: where regions crowd in a few places, few boxes may miss them all. A domain that is
    partitioned in the time of a box is counted.
    """
    check_problem(net, dom)
    count, time_limit = whole("squares", squares, 2), number("max_seconds", max_seconds)
    if time_limit <= 0:
        raise ArgumentError(f"max_seconds must be positive, got {max_seconds!r}.")
    seed = whole("seed", seed, 0)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.ptp(dom.polytope.vertices, axis=0)).all():
            raise NumericalRangeError("dom is so large that its sides overflow float64: there are no boxes of it.")
    pilot = _Pilot(net, dom, {"backend": backend, "device": device}, np.random.default_rng(seed), progress, count + 1)
    pilot.box(_FIRST, 0)  # the first call of all loads and prepares
    cells, counted = pilot.suitable(time_limit / (count + 1))
    if counted is not None:
        return counted
    return pilot.extrapolated(cells, [pilot.box(cells, k + 1) for k in range(count)])


@dataclass(frozen=True)
class _Measured:
    """What a box of the domain has."""

    regions: int
    lowest: NDArray[np.int64]
    """How many regions have their lowest vertex inside a k-face of the box, k = 0 .. D."""
    seconds: float


@dataclass
class _Pilot:
    """Boxes of a domain, cells of a grid drawn without repetition, partitioned one by one."""

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
            cell = self.box(cells, 0)
            if cell.regions >= _ENOUGH or cell.seconds > seconds / 4:
                return cells, None
            if cells == _LAST:
                return cells, self._whole(seconds)
            cells //= 2

    def box(self, cells: int, done: int) -> _Measured:
        """What a cell of the grid has."""
        low, size = self._low, self._size / cells
        place = low + size * self._cell(cells, done)
        start = perf_counter()
        part = partition(self.net, replace(self.domain, polytope=Polytope.box(place, place + size)), **self.options)
        taken = perf_counter() - start
        if self.progress is not None:
            self.progress(done, self.total, "boxes")
        return _Measured(len(part), self._lowest(part, place, size), taken)

    def extrapolated(self, cells: int, measured: Sequence[_Measured]) -> Estimate:
        """The answer, from what the boxes have."""
        around = Polytope.box(self._low, self._low + self._size)
        times = (
            self._measures(self.domain.polytope)
            / self._measures(around)
            * float(cells) ** np.arange(self.domain.dim + 1)
        )
        values = np.array([part.lowest for part in measured]) @ times
        mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
        counts = np.array([box.regions for box in measured])
        each = sum(box.seconds for box in measured) / float(counts.sum())
        return Estimate(mean, error, each * mean, self._bytes * mean, counts, complete=False)

    def _lowest(self, part: Tiling, place: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``_Measured.lowest``."""
        regions, within = part.regions, (part.vertices.astype(np.float64) - place) / size
        heights = (within @ self._upwards)[regions.values]
        at = np.flatnonzero(heights == regions.reduce(np.minimum, heights)[regions.row_of])
        lowest = regions.values[at[np.unique(regions.row_of[at], return_index=True)[1]]]
        inside = ((within > _NEAR) & (within < 1 - _NEAR)).sum(axis=1)
        return np.bincount(inside[lowest], minlength=self.domain.dim + 1)

    def _measures(self, polytope: Polytope) -> NDArray[np.float64]:
        """The measures of all k-faces of a polytope together, sides of the domain's box being 1; for k = 0 one.

        Of the corners one alone is the lowest.
        """
        arrangement = backends.get("torch").arrangement(polytope)
        vertices, total = (arrangement.vertices - self._low) / self._size, [1.0]
        for k in range(1, polytope.dim + 1):
            _, simplices = arrangement.simplices(k, np.arange(len(arrangement.faces(k))))
            total.append(float(measures(vertices[simplices]).sum()))
        return np.array(total)

    def _whole(self, seconds: float) -> Estimate | None:
        start = perf_counter()
        part = partition(self.net, self.domain, **self.options, max_seconds=max(2 * seconds, 1.0))
        if not part.complete:
            return None
        count, taken = len(part), perf_counter() - start
        return Estimate(count, 0.0, taken, count * self._bytes, np.array([count]), complete=True)

    @cached_property
    def _upwards(self) -> NDArray[np.float64]:
        return self.generator.standard_normal(self.domain.dim)

    @property
    def _bytes(self) -> int:
        """Of a region, about."""
        dim = self.domain.dim
        return _NUMBER * dim * (1 << dim) + 16 * self.net.outputs + self.net.pattern_bytes

    @cached_property
    def _low(self) -> NDArray[np.float64]:
        return np.asarray(self.domain.polytope.vertices.min(axis=0))

    @cached_property
    def _size(self) -> NDArray[np.float64]:
        return np.asarray(np.ptp(self.domain.polytope.vertices, axis=0))

    def _cell(self, cells: int, done: int) -> NDArray[np.int64]:
        """A cell that lies in the domain; at least one at the middle of the grid is taken to do."""
        if done == 0:
            drawn = self.generator.integers(cells, size=(_TRIED, self.domain.dim)).tolist()
            inside = [np.array(cell) for cell in dict.fromkeys(map(tuple, drawn)) if self._holds(cell, cells)]
            self.order = inside or [np.full(self.domain.dim, cells // 2)]
        return self.order[done % len(self.order)]

    def _holds(self, cell: Sequence[int], cells: int) -> bool:
        corners = self._low + self._size / cells * (np.array(cell) + list(product((0, 1), repeat=self.domain.dim)))
        low, high = self._low, self._low + self._size
        return all(self.domain.polytope.contains(_rational(np.clip(p, low, high))) for p in corners)


def _rational(point: NDArray[np.float64]) -> list[Any]:
    return [Fraction(x) for x in point.tolist()]


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
