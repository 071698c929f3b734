"""Whether a box holds an unsafe point: a look around, then all regions; boxes are halved where time runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ..bounds.relevance import AnyOf
from ..geometry.domain import Domain
from ..partitions.compute import relevant_partition
from ..partitions.partition import Partition
from .problem import Problem
from .search import around, candidates
from .unsafe import Wanted, unsafe_point

Corners = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of a box in slice coordinates."""

MOST_INPUTS = 9
"""Inputs that may vary: of more the corners alone are too many to keep all faces."""

_LEAST = 2.0**-10
"""Seconds."""
_LOOKED_AT = 64
"""Vertices of a stage around which unsafe points are looked for."""
_LOOKING = 0.1
"""The share of a sweep's time that this may take."""


@dataclass
class Work:
    """What is done, and what is left, of a problem."""

    remaining: list[Corners]
    """Boxes that are not decided, the next one last."""
    regions: int = 0
    """How many regions were looked at to the end."""
    dropped: int = 0
    """How many parts of the box a bound has shown to be safe."""
    boxes: int = 0
    """How many boxes were decided."""
    searched: bool = False
    """Whether unsafe points were looked for."""
    parts: list[Partition] | None = None
    """For each box that is decided its regions that were looked at, and those that were dropped, if they are kept."""
    least: float = _LEAST
    """Seconds that a box gets in any case: twice as many after each one that they were too few for. So boxes are not
    halved for ever where the time of a call is less than what the smallest one takes."""

    def copied(self) -> Work:
        """The same, to be gone on with."""
        parts = None if self.parts is None else list(self.parts)
        return replace(self, remaining=list(self.remaining), parts=parts)


@dataclass
class Clock:
    """When the time is over: not before a box is decided, so that whoever goes on again and again comes to an end."""

    seconds: float | None
    start: float = field(default_factory=monotonic)
    decided: bool = False
    """Whether a box is."""

    @property
    def elapsed(self) -> float:
        """Seconds that are gone."""
        return monotonic() - self.start

    @property
    def late(self) -> bool:
        """Whether the seconds are gone."""
        return self.seconds is not None and self.elapsed >= self.seconds

    def left(self, least: float) -> float | None:
        """Seconds that are left, some at least; None for any number."""
        return None if self.seconds is None else max(least, self.seconds - self.elapsed)


class _Found(Exception):
    """An unsafe point was met: the sweep ends."""

    def __init__(self, point: list[float]) -> None:
        super().__init__()
        self.point = point


class _Unsafe(AnyOf):
    """Where there may be unsafe points; one at a vertex, or found around vertices, ends the sweep."""

    def __init__(self, problem: Problem) -> None:
        outputs = problem.network.outputs
        super().__init__(np.eye(outputs), np.zeros(outputs), [group.tolist() for group in problem.groups])
        self.problem = problem
        self._random = np.random.default_rng(1)
        self._sweeping, self._looking = Clock(None), 0.0

    @property
    def plain(self) -> AnyOf:
        """The rule alone."""
        return AnyOf(self.A, self.c, self.conjunctions)

    def look(self, points: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Looks at the vertices that float64 takes for the most unsafe ones; around them no longer than a tenth of the
        time of the sweep."""
        start = self._sweeping.elapsed
        heights = np.max([values[:, list(rows)].min(axis=1) for rows in self.conjunctions], axis=0)
        best = points[np.argsort(-heights, kind="stable")[:_LOOKED_AT]]
        self._try(np.clip(best[0], self.problem.lower, self.problem.upper), float(heights.max()))
        if self._looking < _LOOKING * start:
            for point in around(self.problem, best, self._random):
                self._try(point, 0.0)
            self._looking += self._sweeping.elapsed - start

    def _try(self, point: NDArray[np.float64], height: float) -> None:
        if height >= 0 and _is_unsafe(self.problem, point.tolist()):
            raise _Found(point.tolist())


def decide(problem: Problem, work: Work, clock: Clock, report: Callable[[float], None]) -> list[Fraction] | None:
    """Slice coordinates of an unsafe point, if there is one; None where there is none in the boxes that are done.

    Boxes that are left when the time is over stay in ``work``. ``report`` is told of each part that is done.
    """
    if problem.is_trivial:
        work.remaining.clear()
        corner = problem.lower.tolist()
        return [Fraction(a) for a in corner] if _is_unsafe(problem, corner) else None
    if not work.searched:
        work.searched = True
        for u in candidates(problem, np.random.default_rng(0)):
            if _is_unsafe(problem, u.tolist()):
                return [Fraction(a) for a in u.tolist()]
    return None if problem.dim > MOST_INPUTS else _swept(problem, work, clock, report)


def _swept(problem: Problem, work: Work, clock: Clock, report: Callable[[float], None]) -> list[Fraction] | None:
    """The same by all regions of the boxes that are left."""
    wanted = Wanted(problem.groups, problem.strict)
    relevance = _Unsafe(problem)
    while work.remaining and not (clock.late and clock.decided):
        low, high = work.remaining[-1]
        try:
            seconds = clock.left(work.least)
            box, keep = Domain.box(low, high), work.parts is not None
            part = relevant_partition(problem.network, box, relevance, max_seconds=seconds, keep_dropped=keep)
        except _Found as met:
            return [Fraction(a) for a in met.point]
        assert part.pruned is not None
        point = unsafe_point(part, wanted)
        if point is not None:
            return point
        if not part.pruned.finished:
            if seconds == work.least:
                work.least *= 2
            work.remaining[-1:] = _halves(low, high)
            continue
        clock.decided = True
        work.remaining.pop()
        work.regions += len(part)
        work.dropped += sum(part.pruned.dropped.values())
        work.boxes += 1
        if work.parts is not None:
            work.parts.append(replace(part, pruned=replace(part.pruned, relevance=relevance.plain)))
        report(float(np.prod((high - low) / (problem.upper - problem.lower))))
    return None


def _halves(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[Corners]:
    """A box as two, across its longest side."""
    axis = int(np.argmax(high - low))
    middle = (low[axis] + high[axis]) / 2
    if not low[axis] < middle < high[axis]:
        return [(low, high)]
    lower, upper = high.copy(), low.copy()
    lower[axis] = upper[axis] = middle
    return [(upper, high), (low, lower)]


def _is_unsafe(problem: Problem, u: list[float]) -> bool:
    x = problem.to_input(u)
    return problem.case.is_unsafe(x, problem.exact_outputs(x))
