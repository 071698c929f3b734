"""Exact affine functions on the regions of a partition, whatever its backend: from activation patterns alone.

They are those of the network under the regions' patterns: right for every region that is one of the network's, that is
for all of an exact partition or of one with exact predicates, and for those of another that are not ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.batches import batches
from ..fields.predicates import Names
from ..geometry.arrangement import Form
from ..geometry.ladder import INTEGERS
from ..network.network import Network
from ..network.operators import Piecewise
from ..tiling.tiling import Tiling

Rows = NDArray[np.int64]

_PIECES = 1 << 27
"""Pieces of units that are held at once, of regions whose functions are made together."""


@dataclass(frozen=True, eq=False)
class Forms:
    """The exact functions of a partition's network on its regions."""

    partition: Tiling

    def outputs(self, regions: Rows, parts: int) -> Iterator[tuple[slice, Any]]:
        """The outputs on the given regions, (n, m, D + 1), some regions at a time, and which these are; in numbers of
        so many parts, or None, as of ``Oracle.outputs``."""
        for some in self._batches(len(regions)):
            yield some, self.partition.oracle.outputs(self.partition.patterns(regions[some]), parts)

    def maps(self, regions: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
        """The exact affine map A u + b on each region: A (n, m, D) and b (n, m), Fractions."""
        count, dim = self.partition.network.outputs, self.partition.domain.dim
        maps = np.empty((len(regions), count, dim + 1), dtype=object)
        for some, output in self.outputs(regions, INTEGERS):
            maps[some] = output.values
        return maps[:, :, :-1], maps[:, :, -1]

    def between(self, inside: Rows, outside: Rows) -> list[Form]:
        """For pairs of regions that share a facet the function that vanishes on it and is positive on the
        first, in integers without a common factor.

        It is that of the first unit whose piece differs: its argument is one function on both (proofs/, Theorem 2).
        """
        forms: dict[int, Form] = {}
        order, oracle = np.argsort(inside, kind="stable"), self.partition.oracle
        for some in self._batches(2 * len(inside)):
            pairs = order[some.start // 2 : some.stop // 2]
            regions, place = np.unique(inside[pairs], return_inverse=True)
            here, there = self.partition.patterns(regions), self.partition.patterns(outside[pairs])
            names, turned = _passing(self.partition.network, here[place], there)
            rows = oracle.walls(here, place, names, INTEGERS).primitive()
            forms.update(
                (pair, tuple(-x for x in row) if turn else row)
                for pair, row, turn in zip(pairs.tolist(), rows, turned.tolist(), strict=True)
            )
        return [forms[pair] for pair in range(len(inside))]

    def _batches(self, patterns: int) -> Iterator[slice]:
        """Ranges of so many patterns, each of two or more of which all pieces are held."""
        size = 2 * max(1, _PIECES // (2 * max(self.partition.network.units, 1)))
        return batches(patterns, 1, size)


def first_difference(pattern: NDArray[np.int16], other: NDArray[np.int16]) -> int:
    """The first unit whose piece differs in two patterns, which are not equal."""
    return int(np.flatnonzero(pattern != other)[0])


def _passing(network: Network, here: NDArray[np.int16], there: NDArray[np.int16]) -> tuple[Names, NDArray[np.bool_]]:
    """The functions that are zero where a unit passes from its piece ``here`` to that ``there``, and which of them are
    negative here; of patterns (n, units) that differ."""
    names, turned = [], []
    columns: Sequence[tuple[int, slice]] = tuple(network.unit_columns.items())
    for pattern, other in zip(here, there, strict=True):
        unit = first_difference(pattern, other)
        stage = next(k for k, (_, part) in enumerate(columns) if unit < part.stop)
        index, part = columns[stage]
        node, entry, (piece, next_) = network.nodes[index], unit - part.start, (int(pattern[unit]), int(other[unit]))
        if isinstance(node.op, Piecewise):
            names.append((stage, entry, -1, float(node.op.breakpoints[min(piece, next_)])))
        else:
            first = entry * (network.nodes[node.inputs[0]].size // node.size)
            names.append((stage, first + piece, first + next_, 0.0))
        turned.append(isinstance(node.op, Piecewise) and piece < next_)
    return Names.of(names), np.array(turned)
