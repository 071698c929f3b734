"""How far the ends of a float partition's boundaries are from those of the exact backend."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.analysis import contours, volume_below
from cpwl.boundary.boundary import DecisionBoundary
from cpwl.numbers.rounding import root
from cpwl.partitions.partition import Partition
from tests.support.coordinates import Pair, promised, well_rounded
from tests.support.families import Case


def boundaries(part: Partition) -> DecisionBoundary:
    return part.decision_boundary(level=0.0 if part.network.outputs == 1 else None)


def distance(one: Any, other: Any) -> float:
    """Between two points, of Fractions or floats; rounded at the end."""
    return root(sum(((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(one, other, strict=True)), Fraction(0)))


def nearest_ends(found: DecisionBoundary, exact: DecisionBoundary) -> list[tuple[int, NDArray[np.float64], Any]]:
    """Segments with one of their ends and the nearest exact one of the same pair."""
    there = defaultdict(list)
    for pair, ends in zip(exact.pairs.tolist(), exact.ends.tolist(), strict=True):
        there[tuple(pair)] += ends
    pairs = enumerate(map(tuple, found.pairs.tolist()))
    return [(i, end, min(there[p], key=partial(distance, end))) for i, p in pairs for end in found.ends[i]]


def misdrawn(found: DecisionBoundary, exact: DecisionBoundary, *, sharp: bool) -> list[int]:
    """Segments with an end that is farther off than ``slack``, or than is promised."""
    largest = float(np.abs(found.partition.vertices).max())
    wrong = []
    for i, end, place in nearest_ends(found, exact):
        allowed = min(found.slack[i], promised(end[None], largest)[0] * (1 + 2.0**-18))
        right = well_rounded(end, [place], Fraction(largest) / 2**62) if sharp else True
        if distance(end, place) > allowed or not right:
            wrong.append(i)
    return wrong


def check_cuts(chosen: Case) -> None:
    pair = Pair.of(chosen)
    exact, share = boundaries(pair.exact), Fraction(1, 2**20)
    for part in (pair.float, pair.float.sharpened()):
        found = boundaries(part)
        assert len(found) == len(exact) and sorted(found.pairs.tolist()) == sorted(exact.pairs.tolist()), chosen.name
        assert misdrawn(found, exact, sharp=part is not pair.float) == [], chosen.name
        lines = ([(len(line.points), line.closed) for line in contours(cut)] for cut in (found, exact))
        assert Counter(next(lines)) == Counter(next(lines)), chosen.name
        spread = 2 * found.slack.sum() + 2.0**-40 * exact.lengths().sum()
        assert abs(found.lengths().sum() - exact.lengths().sum()) <= spread, chosen.name
    if pair.float.network.outputs > 1:
        return
    below, right = volume_below(pair.float), volume_below(pair.exact)
    assert abs(Fraction(below) - right) <= share * right + Fraction(2) ** -1060, chosen.name
