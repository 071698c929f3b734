"""What the checker says of the entries of a node with units at a vertex: against exact values of its functions there.

Both ways are asked: by the entries themselves, and by rows on a piece and what a unit is beyond it.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from cpwl import checker

BITS = 40
ONE = 1 << BITS
FUNCTIONS: dict[str, tuple[list[str], list[str], str]] = {
    "relu": (["0"], ["0", "1"], "0"),
    "min with zero": (["0"], ["1", "0"], "0"),
    "leaky": (["0"], ["1/3", "1"], "0"),
    "steep to the left": (["0"], ["1", "1/2"], "0"),
    "identity after a level": (["-1"], ["0", "1"], "-1"),
    "shifted relu": (["1/2"], ["0", "1"], "0"),
    "relu plus one": (["0"], ["0", "1"], "1"),
    "hardtanh": (["-1", "1"], ["0", "1", "0"], "-1"),
    "identity about zero": (["-1", "0", "1/3"], ["1/2", "1", "1", "-2"], "-1"),
    "five pieces": (["-3/2", "-1/3", "0", "1"], ["1", "-2/7", "1", "0", "3"], "1/5"),
}
"""Breakpoints, slopes and the value at the first breakpoint."""
Ways = list[list[Fraction]]


def vector(values: list[str]) -> Any:
    return {"shape": [len(values)], "values": values}


def value(function: tuple[list[str], list[str], str], x: Fraction) -> Fraction:
    """The function itself, from its definition."""
    points, slopes = [Fraction(p) for p in function[0]], [Fraction(s) for s in function[1]]
    y, at = Fraction(function[2]), points[0]
    if x <= at:
        return y + slopes[0] * (x - at)
    for slope, end in zip(slopes[1:], [*points[1:], None], strict=True):
        if end is None or x <= end:
            return y + slope * (x - at)
        y, at = y + slope * (end - at), end
    raise AssertionError


def ball(x: Fraction, rng: random.Random) -> tuple[int, int]:
    """A ball that holds a number, now and then exactly."""
    exact = x * ONE
    if exact.denominator == 1 and rng.random() < 0.3:
        return int(exact), 0
    radius = rng.choice([1, 3, 1 << 12])
    return rng.randint(-(-(exact - radius) // 1), (exact + radius) // 1), radius


def enclosure(low: list[Fraction], high: list[Fraction]) -> checker.Enclose:
    """What the checker is told of functions over all vertices."""

    def enclosed(columns: list[checker.Column] | None) -> tuple[list[Any], list[Any]]:
        if columns is None:
            return [int(x * ONE**2 // 1) for x in low], [-int(-x * ONE**2 // 1) for x in high]
        return (
            [int((low[i] - (0 if j is None else high[j])) * ONE**2 // 1) for i, j, _ in columns],
            [-int(-(high[i] - (0 if j is None else low[j])) * ONE**2 // 1) for i, j, _ in columns],
        )

    return enclosed


def drawn(rng: random.Random, units: int) -> tuple[Ways, list[Fraction], list[Fraction]]:
    """Arguments at some vertices, and bounds of them, wide or close, so that units are open and do not bend."""
    choices = [Fraction(k, 6) for k in range(-15, 16)]
    columns = []
    for _ in range(units):
        start = rng.randrange(len(choices))
        columns.append([rng.choice(choices[start : start + rng.choice([1, 3, 31])]) for _ in range(4)])
    spread = [rng.choice([Fraction(0), Fraction(1, 9), Fraction(4)]) for _ in columns]
    low = [min(column) - s for column, s in zip(columns, spread, strict=True)]
    high = [max(column) + s for column, s in zip(columns, spread, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)], low, high


def sign_masks(gaps: list[Fraction]) -> tuple[int, int]:
    return checker.bits([gap < 0 for gap in gaps]), checker.bits([gap > 0 for gap in gaps])


def gap(column: checker.Column, row: list[Fraction]) -> Fraction:
    """The function of a column, times the denominator of its level, as the checker has it."""
    i, j, (p, q) = column
    return (row[i] - (0 if j is None else row[j])) * q - p


def told(bends: checker.Bends, rows: Ways, wanted: Ways, rng: random.Random) -> None:
    """Both ways hold the wanted entries at all vertices."""
    columns = [bends.column(name) for name in bends.names]
    masks = [sign_masks([gap(column, row) for column in columns]) for row in rows]
    bends.settle(*checker.joined(masks))
    for row, exact, (below, above) in zip(rows, wanted, masks, strict=True):
        known = [ball(gap(column, row), rng) for column in [*columns, *bends.further]]
        for k in (k for k in range(len(columns)) if not (below | above) >> k & 1):
            known[k] = 0, 0
        balls = [x for x, _ in known], [e for _, e in known]
        centres, radii = bends.entries(balls, below, above, ONE)
        assert len(centres) == len(radii) == len(exact)
        for x, centre, radius in zip(exact, centres, radii, strict=True):
            assert abs(x * ONE - centre) <= radius
        field = [ball(x, rng) for x in row]
        rough = bends.rows([[x for x, _ in field]], [e for _, e in field], ONE)
        (made,), errors = checker.quotients(*rough, bends.scale)
        more = dict(zip(bends.bent, zip(*bends.excess(balls, below, above), strict=True), strict=True))
        for j, (x, centre, error) in enumerate(zip(exact, made, errors, strict=True)):
            beyond, radius = more.get(j, (0, 0))
            assert abs(x * ONE - centre - beyond) <= error + radius


@pytest.mark.parametrize("name", FUNCTIONS)
def test_entries_of_activations_hold_what_is_exact(name: str) -> None:
    rng, (points, slopes, first) = random.Random(name), FUNCTIONS[name]
    entry = {"breakpoints": vector(points), "slopes": vector(slopes), "value": first}
    for _ in range(200):
        units = rng.randrange(1, 5)
        _, made = checker.piecewise(entry, (units,), [(units,)])
        rows, low, high = drawn(rng, units)
        bends = made.bends(enclosure(low, high), ONE**2)
        assert bends.open == len({j for j, _ in bends.names})
        told(bends, rows, [[value(FUNCTIONS[name], x) for x in row] for row in rows], rng)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_entries_of_maxima_hold_what_is_exact(k: int) -> None:
    rng = random.Random(k)
    for _ in range(200):
        units = rng.randrange(1, 4)
        _, made = checker.maximum((units,), [(units, k)])
        rows, low, high = drawn(rng, units * k)
        bends = made.bends(enclosure(low, high), ONE**2)
        told(bends, rows, [[max(row[i : i + k]) for i in range(0, units * k, k)] for row in rows], rng)
