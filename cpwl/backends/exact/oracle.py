"""The exact affine functions of a network on regions of a slice, from their activation patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import Forward
from ...domain import Domain
from ...network import Network
from .arithmetic import ExactArithmetic
from .field import ExactField
from .integers import fractions, rational
from .lines import Line, domain_lines, line
from .restrict import frame, restricted

_ENTRIES = 1 << 19
"""Entries of one exact field that are held at once: about a hundred bytes each."""


class SliceOracle:
    """The functions of a network on a slice; see ``predicates.Oracle``."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network = restricted(network, domain)
        self._sides = domain_lines(domain.polytope)
        sizes = [self._network.nodes[i].size for i in self._network.nonlinear]
        ends = np.cumsum([0, *sizes]).tolist()
        self._columns = {i: slice(*part) for i, part in zip(self._network.nonlinear, pairwise(ends), strict=True)}
        self._ends = ends

    def __call__(self, patterns: NDArray[np.int16]) -> list[RegionFunctions]:
        """The functions on regions with the given patterns (n, units before a stage)."""
        stage = self._ends.index(patterns.shape[1])
        widest = max(node.size for node in self._network.nodes)
        step = max(1, _ENTRIES // (3 * widest))
        return [
            RegionFunctions(found, 3 * row, self._sides)
            for start in range(0, len(patterns), step)
            for found in [self._read(patterns[start : start + step].astype(np.int64), stage)]
            for row in range(len(patterns[start : start + step]))
        ]

    def _read(self, patterns: NDArray[np.int64], stage: int) -> list[ExactField]:
        """What the stages up to the given one read: three rows a region, the constant and the two slopes."""
        pieces = np.repeat(patterns, 3, axis=0)
        start = frame(2).take(np.tile(np.arange(3), len(patterns)))
        forward = Forward(self._network, ExactArithmetic(), start, lambda i: pieces[:, self._columns[i]])
        found = []
        for passed in forward:
            found.append(passed.argument)
            if len(found) > stage:
                return found
        return [*found, forward.output]


@dataclass(frozen=True, eq=False)
class RegionFunctions:
    """The exact functions on one region; see ``predicates.Functions``."""

    read: Sequence[ExactField]
    row: int
    sides: Sequence[Line]

    def form(self, stage: int, first: int, second: int, level: float) -> Line:
        """Integers (a, b, c) without a common factor: the function is a x + b y + c, up to a positive factor."""
        if stage < 0:
            return self.sides[first]
        field = self.read[stage]
        c, a, b = field.numerators[self.row : self.row + 3, first]
        if second >= 0:
            other = field.numerators[self.row : self.row + 3, second]
            return line(a - other[1], b - other[2], c - other[0])
        p, q = rational(level)
        return line(a * q, b * q, c * q - p * field.denominators[self.row])

    def output(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b: A (m, 2) and b (m,), Fractions."""
        rows = slice(self.row, self.row + 3)
        values = fractions(self.read[-1].numerators[rows], self.read[-1].denominators[rows, None])
        return values[1:].T, values[0]
