"""Unsafe points found by looking: random samples, and more around the best of them, in ever smaller boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..runtime.budget import checkpoint
from .problem import Problem

_FIRST = 4096
"""Points of the whole box."""
_SAMPLES = 512
"""Points of a round around the best ones."""
_KEPT = 32
"""Of which so many are gone on with."""
_ROUNDS = 10
_WIDEST = 0.25
"""The share of the box that is looked at around each of the best points at first."""
_NARROWER = 0.6
"""By how much that shrinks from one round to the next."""


def candidates(problem: Problem, random: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Slice coordinates (D,) of points of the box that float64 takes for unsafe, best first, some rounds of them.

    Corners and the centre are tried as well.
    """
    samples = random.uniform(problem.lower, problem.upper, (_FIRST, problem.dim))
    yield from around(problem, np.concatenate([_first(problem), samples]), random)


def around(problem: Problem, points: NDArray[np.float64], random: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """The same among points (M, D) and around the best of them."""
    size, width, samples = problem.upper - problem.lower, _WIDEST, points
    for _ in range(_ROUNDS):
        checkpoint()
        heights = margins(problem, samples)
        order = np.argsort(-heights, kind="stable")[:_KEPT]
        best = samples[order]
        yield from best[heights[order] >= 0]
        spread = random.uniform(-0.5, 0.5, (_SAMPLES, problem.dim)) * size * width
        beside = np.clip(best[np.arange(_SAMPLES) % len(best)] + spread, problem.lower, problem.upper)
        samples = np.concatenate([best, beside])
        width *= _NARROWER


def margins(problem: Problem, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """For points (M, D) how far the best conjunction is satisfied, (M,): its smallest constraint, in float64."""
    values = values_at(problem, points)
    return np.asarray(np.max([values[:, group].min(axis=1) for group in problem.groups], axis=0))


def values_at(problem: Problem, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The constraints (M, K) at points (M, D), in float64."""
    run = backends.get("torch").execution("float64").run(problem.network, points)
    *_, (_, constraints) = run
    return constraints


def _first(problem: Problem) -> NDArray[np.float64]:
    """The centre of the box, and its corners where these are few."""
    centre = ((problem.lower + problem.upper) / 2)[None]
    if 1 << problem.dim > _FIRST:
        return centre
    sides = np.array(np.meshgrid(*zip(problem.lower, problem.upper, strict=True), indexing="ij"))
    return np.concatenate([centre, sides.reshape(problem.dim, -1).T])
