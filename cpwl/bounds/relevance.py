"""Which regions matter: a rule on bounds of affine functions of a network's outputs.

A rule only ever says of bounds that they make a region irrelevant; whatever is not known, NaN, makes it relevant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bound = NDArray[Any]
"""Bounds on k functions on R regions, (R, k): float numbers, or Fractions."""


@dataclass(frozen=True, eq=False)
class Functionals:
    """The k affine functions A y + c of m outputs y, all numbers as float64 has them."""

    A: NDArray[np.float64]
    """(k, m)"""
    c: NDArray[np.float64]
    """(k,)"""


class Relevance(ABC):
    """What is looked for."""

    @abstractmethod
    def functionals(self, outputs: int) -> Functionals:
        """The functions that the rule is about, of so many outputs."""

    @abstractmethod
    def irrelevant(self, lower: Bound, upper: Bound) -> NDArray[np.bool_]:
        """The regions on which bounds (R, k) prove that there is nothing, bool (R,)."""

    def look(self, points: NDArray[np.float64], values: NDArray[np.float64]) -> None:  # noqa: B027
        """Is shown points (V, D) of the domain, and the functions there (V, k), both in float64, while a sweep goes on.

        Whoever has seen enough raises an exception of its own: it ends the sweep.
        """


@dataclass(frozen=True)
class AtLevel(Relevance):
    """Where one output is at a level."""

    level: float = 0.0
    output: int = 0

    def functionals(self, outputs: int) -> Functionals:
        """The output minus the level."""
        return Functionals(np.eye(outputs)[[self.output]], np.array([-self.level]))

    def irrelevant(self, lower: Bound, upper: Bound) -> NDArray[np.bool_]:
        """Those on which the output is above the level, or below."""
        return np.asarray((lower[:, 0] > 0) | (upper[:, 0] < 0), np.bool_)


_ALL_PAIRS = 24
"""Outputs of which all differences are bounded; of more, each output itself, as differences would be too many."""


@dataclass(frozen=True)
class AtBoundary(Relevance):
    """Where the two largest outputs are equal: those of a pair i < j, or (None) any two."""

    outputs: int
    pair: tuple[int, int] | None = None

    def functionals(self, outputs: int) -> Functionals:
        """Differences of two outputs: of all, or those with one of the pair; or the outputs themselves."""
        unit = np.eye(outputs)
        if self.pair is None and outputs > _ALL_PAIRS:
            return Functionals(unit, np.zeros(outputs))
        rows = np.array([unit[i] - unit[j] for i, j in self._differences(outputs)])
        return Functionals(rows, np.zeros(len(rows)))

    def irrelevant(self, lower: Bound, upper: Bound) -> NDArray[np.bool_]:
        """Those on which one output is above all others; of a pair, on which the two differ, or another is larger."""
        if self.pair is None and self.outputs > _ALL_PAIRS:
            leading = np.argmax(np.nan_to_num(lower.astype(np.float64), nan=-np.inf), axis=1)[:, None]
            others = upper.copy()
            np.put_along_axis(others, leading, np.array(-np.inf, others.dtype), axis=1)
            return np.asarray((np.take_along_axis(lower, leading, axis=1) > others).all(axis=1), np.bool_)
        above: NDArray[np.bool_] = np.zeros((len(lower), self.outputs, self.outputs), np.bool_)
        for k, (i, j) in enumerate(self._differences(self.outputs)):
            above[:, i, j], above[:, j, i] = lower[:, k] > 0, upper[:, k] < 0
        if self.pair is not None:
            return np.asarray(np.any(above[:, :, np.array(self.pair)], axis=(1, 2)), np.bool_)
        above[:, np.arange(self.outputs), np.arange(self.outputs)] = True
        leading = np.logical_and.reduce(above, axis=2)
        return np.asarray(np.logical_or.reduce(leading, axis=1), np.bool_)

    def _differences(self, outputs: int) -> list[tuple[int, int]]:
        pairs = combinations(range(outputs), 2)
        return [pair for pair in pairs if self.pair is None or set(pair) & set(self.pair)]


@dataclass(frozen=True, eq=False)
class AnyOf(Relevance):
    """Where all functions of one of some lists are at least zero: a disjunction of conjunctions of A y + c >= 0."""

    A: NDArray[np.float64]
    """(k, m)"""
    c: NDArray[np.float64]
    """(k,)"""
    conjunctions: Sequence[Sequence[int]]
    """The rows of each conjunction; an empty one holds everywhere."""

    def functionals(self, outputs: int) -> Functionals:
        """All rows."""
        return Functionals(np.asarray(self.A, np.float64), np.asarray(self.c, np.float64))

    def irrelevant(self, lower: Bound, upper: Bound) -> NDArray[np.bool_]:
        """Those on which every conjunction has a function that is below zero."""
        below = np.asarray(upper < 0, np.bool_)
        fails = [below[:, list(rows)].any(axis=1) for rows in self.conjunctions]
        return np.asarray(np.logical_and.reduce(fails) if fails else np.ones(len(upper)), np.bool_)
