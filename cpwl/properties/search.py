"""Unsafe points found by looking: random samples, and more around the best of them, in ever smaller boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..runtime.budget import checkpoint
from .problem import Problem

_SAMPLES = 512
"""Points of a round."""
_KEPT = 8
"""Of which so many are gone on with."""
_ROUNDS = 12
_NARROWER = 0.5
"""By how much boxes around points shrink from one round to the next."""


def candidates(problem: Problem) -> Iterator[NDArray[np.float64]]:
    """Slice coordinates (D,) of points that float64 takes for unsafe, best first; some rounds of them.

    Corners and the centre of the box are tried first. The same points every time.
    """
    random = np.random.default_rng(0)
    low, high = problem.lower, problem.upper
    best, width = _first(problem), np.ones(problem.dim)
    for _ in range(_ROUNDS):
        checkpoint()
        spread = random.uniform(-0.5, 0.5, (_SAMPLES, problem.dim)) * (high - low) * width
        around = best[np.arange(_SAMPLES) % len(best)] + spread
        points = np.concatenate([best, np.clip(around, low, high)])
        heights = margins(problem, points)
        order = np.argsort(-heights, kind="stable")
        best = points[order[:_KEPT]]
        yield from best[heights[order[:_KEPT]] >= 0]
        width = width * _NARROWER


def margins(problem: Problem, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """For points (M, D) how far the best conjunction is satisfied, (M,): its smallest constraint, in float64."""
    values = values_at(problem, points)
    return np.asarray(np.max([values[:, group].min(axis=1) for group in problem.groups], axis=0))


def values_at(problem: Problem, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The constraints (M, K) at points (M, D), in float64."""
    run = backends.get("torch").execution("float64").run(problem.network, points)
    *_, (_, found) = run
    return found


def _first(problem: Problem) -> NDArray[np.float64]:
    """The centre of the box, and its corners where these are few."""
    centre = ((problem.lower + problem.upper) / 2)[None]
    if 1 << problem.dim > _SAMPLES:
        return centre
    sides = np.array(np.meshgrid(*zip(problem.lower, problem.upper, strict=True), indexing="ij"))
    return np.concatenate([centre, sides.reshape(problem.dim, -1).T])
