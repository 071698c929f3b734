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

from ..fields.predicates import ExactFunctions
from ..geometry.arrangement import Form
from ..network.network import Network
from ..network.operators import Piecewise
from ..tiling.tiling import Tiling

_BATCH = 256
"""Regions whose functions are held at once."""


@dataclass(frozen=True, eq=False)
class Forms:
    """The exact functions of a partition's network on its regions."""

    partition: Tiling

    def functions(self, regions: NDArray[np.int64]) -> Iterator[ExactFunctions]:
        """The functions on each of the given regions, in that order."""
        for start in range(0, len(regions), _BATCH):
            yield from self.partition.oracle(self.partition.patterns(regions[start : start + _BATCH]))

    def maps(self, regions: NDArray[np.int64]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """The exact affine map A u + b on each region: A (m, D) and b (m,), Fractions."""
        return (functions.output() for functions in self.functions(regions))

    def between(self, inside: NDArray[np.int64], outside: NDArray[np.int64]) -> list[Form]:
        """For pairs of regions that share a facet the function that vanishes on it and is positive on the first.

        It is that of the first unit whose piece differs: its argument is one function on both (proofs/, Theorem 2).
        """
        forms: dict[int, Form] = {}
        order = np.argsort(inside, kind="stable")
        regions, starts = np.unique(inside[order], return_index=True)
        for functions, pairs in zip(self.functions(regions), np.split(order, starts)[1:], strict=True):
            (here,) = self.partition.patterns(inside[pairs[:1]])
            for pair, there in zip(pairs.tolist(), self.partition.patterns(outside[pairs]), strict=True):
                unit = first_difference(here, there)
                forms[pair] = _passing(self.partition.network, functions, unit, int(here[unit]), int(there[unit]))
        return [forms[pair] for pair in range(len(inside))]


def first_difference(pattern: NDArray[np.int16], other: NDArray[np.int16]) -> int:
    """The first unit whose piece differs in two patterns, which are not equal."""
    return int(np.flatnonzero(pattern != other)[0])


def _passing(network: Network, functions: ExactFunctions, unit: int, here: int, there: int) -> Form:
    """The function that is zero where a unit passes from the piece ``here``, on which it is positive, to ``there``."""
    columns: Sequence[tuple[int, slice]] = tuple(network.unit_columns.items())
    stage = next(k for k, (_, part) in enumerate(columns) if unit < part.stop)
    index, part = columns[stage]
    node, entry = network.nodes[index], unit - part.start
    if isinstance(node.op, Piecewise):
        form = functions.form(stage, entry, -1, float(node.op.breakpoints[min(here, there)]))
        return form if here > there else tuple(-x for x in form)
    first = entry * (network.nodes[node.inputs[0]].size // node.size)
    return functions.form(stage, first + here, first + there, 0.0)
