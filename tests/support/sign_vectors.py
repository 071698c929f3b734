"""The activation patterns of a ReLU network on a box, found without any arrangement: by exact linear programs.

Unit by unit, a region is kept as the halfspaces that its pattern means; a unit divides it if its largest value there is
positive and its least one negative. Slow and plain: something that has nothing in common with what it checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.geometry.polyhedra import maximum
from cpwl.network import RELU, Dense, Input, Network, Node

Table = NDArray[np.float64]
Row = tuple[Fraction, ...]


def network(layers: Sequence[tuple[Table, Table]]) -> Network:
    """The network of dense layers with ReLUs between them."""
    nodes = [Node(Input(), (), (layers[0][0].shape[1],), "input")]
    for weight, bias in layers:
        nodes.append(Node(Dense(weight, bias), (len(nodes) - 1,), bias.shape, "dense"))
        nodes.append(Node(RELU, (len(nodes) - 1,), bias.shape, "relu"))
    return Network(tuple(nodes[:-1]))


def patterns(
    layers: Sequence[tuple[Table, Table]], low: Sequence[float], high: Sequence[float]
) -> list[tuple[int, ...]]:
    """The patterns of all regions with an interior, sorted; ``layers``: weight and bias of each, all but the last with
    ReLUs."""
    dim = len(low)
    unit = [[Fraction(int(i == k)) for k in range(dim)] for i in range(dim)]
    sides = [(-Fraction(lo), *unit[i]) for i, lo in enumerate(low)]
    sides += [(Fraction(hi), *(-x for x in unit[i])) for i, hi in enumerate(high)]
    inputs = [(Fraction(0), *row) for row in unit]
    return sorted(_below(layers[:-1], sides, inputs, ()))


def _below(
    layers: Sequence[tuple[Table, Table]], sides: list[Row], inputs: list[Row], pattern: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    if not layers:
        yield pattern
        return
    weight, bias = layers[0]
    units = [_combined(row, inputs, b) for row, b in zip(weight.tolist(), bias.tolist(), strict=True)]
    for now, pieces in _divided(sides, units, ()):
        outputs = [unit if on else (Fraction(0),) * len(unit) for unit, on in zip(units, pieces, strict=True)]
        yield from _below(layers[1:], now, outputs, pattern + pieces)


def _divided(
    sides: list[Row], units: Sequence[Row], pieces: tuple[int, ...]
) -> Iterator[tuple[list[Row], tuple[int, ...]]]:
    if len(pieces) == len(units):
        yield sides, pieces
        return
    unit = units[len(pieces)]
    least = -maximum(_table(sides), np.array([-x for x in unit], dtype=object))[0]
    most = maximum(_table(sides), np.array(unit, dtype=object))[0]
    if least < 0:
        yield from _divided([*sides, tuple(-x for x in unit)] if most > 0 else sides, units, (*pieces, 0))
    if most > 0 or least >= 0:
        yield from _divided([*sides, unit] if least < 0 else sides, units, (*pieces, 1))


def _combined(weights: Sequence[float], rows: Sequence[Row], bias: float) -> Row:
    total = [
        sum((Fraction(w) * row[k] for w, row in zip(weights, rows, strict=True)), Fraction(0))
        for k in range(len(rows[0]))
    ]
    return (total[0] + Fraction(bias), *total[1:])


def _table(rows: Sequence[Row]) -> Any:
    table = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        table[i] = row
    return table
