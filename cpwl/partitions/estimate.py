"""How many regions a partition would have, and how long it would take: from a few small boxes of the domain.

A region is counted where its lowest vertex lies, in a direction that is parallel to nothing. In a domain the lowest
vertices inside it, inside its facets, ridges and so on down to its edges, and one corner, are those of all regions. For
each dimension of these faces their number per volume, area or length is the same in expectation for a box anywhere in
the domain as for the domain; so no region that a box's border cuts is counted as a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import comb, hypot
from time import perf_counter
from typing import Any

import numpy as np
from numpy.linalg import norm
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

_CELLS = 1 << 14
"""Of the grid that the domain's box is divided into, at first, about: 128 a side in a plane."""
_FEWEST, _MOST = 8, 128
"""Cells a side, at first."""
_FEWEST_BOXES = 3
"""Also when time is up."""
_LEAST = 1.0
"""Seconds that a box may take, and the whole domain at the end, however little time there is."""
_GROWTH = 4.0
"""Of the size of a cell, from one grid to the next, about."""
_ENOUGH = 300
"""Regions of a square that say what one costs."""
_TRIED = 1 << 14
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
    """The standard error of ``regions``: from the differences between the boxes, as if in one of them one more region
    had been seen of each kind, and as if nothing were known of the share of the domain in which there is no whole box.
    So a number that few boxes bear out has a large one. Infinite where there is one box alone, or where one has more
    regions than there was time for: then ``regions`` counts those that were found, and there are more."""
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
    size at which one has some hundred regions or takes its share of ``max_seconds``, about. The answer is an
    expectation with a standard error, no bound: where regions crowd in a few places, few boxes may miss them all. A
    domain that is partitioned in the time of a box is counted.

    It takes about ``max_seconds``, and some seconds more at most: a box with more regions than there is time for is
    left, and the standard error infinite then.
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
    start, share = perf_counter(), time_limit / (count + 1)
    pilot.draw(_MOST)
    pilot.box(_MOST, 0, share)  # the first call of all loads and prepares
    cells, counted = pilot.suitable(share)
    if counted is not None:
        return counted
    pilot.draw(cells)
    measured: list[_Measured] = []
    while len(measured) < min(count, len(pilot.order)):
        left = start + time_limit - perf_counter()
        if left <= 0 and len(measured) >= _FEWEST_BOXES:
            break
        measured.append(pilot.box(cells, len(measured), max(left, share, _LEAST)))
    return pilot.extrapolated(cells, measured)


@dataclass(frozen=True)
class _Measured:
    """What a box of the domain has."""

    regions: int
    seconds: float
    lowest: NDArray[np.int64]
    """How many regions, of those found, have their lowest vertex inside a k-face of the box, k = 0 .. D."""
    complete: bool
    """Whether there was time for all of it."""


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
    """Cells of the present grid that lie in the domain, in the order in which they are taken."""
    covered: float = 1.0
    """The share of the domain that such cells cover, about."""

    def suitable(self, seconds: float) -> tuple[int, Estimate | None]:
        """A grid whose cells are worth their time; or, if that is the whole domain, what it has."""
        chosen = _MOST
        for cells in self._grids(seconds):
            cell = self.box(cells, 0, seconds)
            if not cell.complete:
                return chosen, None
            chosen = cells
            if cell.regions >= _ENOUGH:
                return chosen, None
        return chosen, self._whole(seconds)

    def _grids(self, seconds: float) -> Iterator[int]:
        """Cells a side of one grid after the other, ever fewer; of the last there are still enough to choose from."""
        cells = min(_MOST, max(_FEWEST, round(_CELLS ** (1 / self.domain.dim))))
        while not (self.draw(cells) and self.box(cells, 0, seconds).complete) and cells < _MOST:
            cells = min(_MOST, 2 * cells)
        yield cells
        coarsest, factor = 4 if self.domain.dim < 4 else 2, min(2.0, _GROWTH ** (1 / self.domain.dim))
        while cells > coarsest and self.draw(coarser := max(coarsest, min(cells - 1, round(cells / factor)))):
            cells = coarser
            yield cells

    def box(self, cells: int, done: int, seconds: float) -> _Measured:
        """What a cell of the present grid has, or what is known of it after so many seconds."""
        low, size = self._low, self._size / cells
        place = low + size * self.order[done]
        start = perf_counter()
        dom = replace(self.domain, polytope=Polytope.box(place, place + size))
        part = partition(self.net, dom, **self.options, max_seconds=seconds)
        taken = perf_counter() - start
        if self.progress is not None:
            self.progress(done, self.total, "boxes")
        return _Measured(len(part), taken, self._lowest(part, place, size), part.complete)

    def extrapolated(self, cells: int, measured: Sequence[_Measured]) -> Estimate:
        """The answer, from what the boxes have."""
        around = Polytope.box(self._low, self._low + self._size)
        share = self._of_domain / self._measures(around)
        times = share * float(cells) ** np.arange(self.domain.dim + 1)
        values = np.array([part.lowest for part in measured]) @ times
        mean, of_one_more = float(values.mean()), norm(times[1:]) / len(values)
        sure = len(values) > 1 and all(part.complete for part in measured)
        spread = float(values.std(ddof=1)) / len(values) ** 0.5 if sure else np.inf
        error = hypot(spread, of_one_more, (1 - self.covered) * mean)
        counts = np.array([box.regions for box in measured])
        each = sum(box.seconds for box in measured) / max(float(counts.sum()), 1.0)
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
        dim = polytope.dim
        if polytope.is_box:
            return np.array([1.0, *(comb(dim, k) * 2.0 ** (dim - k) for k in range(1, dim + 1))])
        arrangement = backends.get("torch").arrangement(polytope)
        vertices, total = (arrangement.vertices - self._low) / self._size, [1.0]
        for k in range(1, dim + 1):
            _, simplices = arrangement.simplices(k, np.arange(len(arrangement.faces(k))))
            total.append(float(measures(vertices[simplices]).sum()))
        return np.array(total)

    def _whole(self, seconds: float) -> Estimate | None:
        start = perf_counter()
        part = partition(self.net, self.domain, **self.options, max_seconds=max(2 * seconds, _LEAST))
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

    @cached_property
    def _of_domain(self) -> NDArray[np.float64]:
        return self._measures(self.domain.polytope)

    def draw(self, cells: int) -> bool:
        """Takes a grid of so many cells a side: some that lie in the domain, or the middle one; whether enough do."""
        drawn = self.generator.integers(cells, size=(_TRIED, self.domain.dim))
        drawn = drawn[np.sort(np.unique(drawn, axis=0, return_index=True)[1])]
        inside = self._inside(drawn, cells)
        share = float(self._of_domain[-1])
        self.covered = min(1.0, float(inside.mean()) / share) if share else 0.0  # so thin that it has no volume
        self.order = list(drawn[inside]) or [np.full(self.domain.dim, cells // 2)]
        return len(self.order) >= self.total - 1

    def _inside(self, cells: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
        """Which cells of a grid with so many a side lie in the domain, up to rounding."""
        half = self._size / count / 2
        middles = self._low + self._size * ((cells + 0.5) / count)
        slopes = self._sides[:, :-1]
        least = middles @ slopes.T + self._sides[:, -1] - np.abs(slopes) @ half
        return np.asarray((least >= -_NEAR * (np.abs(slopes) @ self._size)).all(axis=1))

    @cached_property
    def _sides(self) -> NDArray[np.float64]:
        """Of the domain, (M, D + 1): what is at least 0 inside; the largest slope of each is 1."""
        rows = []
        for side in self.domain.polytope.sides:
            largest = max(map(abs, side[:-1]))
            rows.append([float(a / largest) for a in side])
        return np.array(rows)


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
