"""Regions that a proven bound makes irrelevant, found while a sweep goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..bounds.precision import SINGLE, Precision
from ..bounds.relevance import Bound, Relevance
from ..bounds.remainder import Remainder, Values
from ..fields.arithmetic import Arithmetic, unrolled
from ..network.network import Network, Node
from ..network.operators import Dense, Periodic
from ..runtime.budget import checkpoint
from .dropped import Dropped

_UNITS = {1: 1 << 20, 2: 256, 3: 32, 4: 24}
"""Levels by which a node cuts before bounds are asked again, by dimension: n planes make some n^3 / 6 cells of one, of
which most are dropped when they are bounded."""
_OF_MORE = 16
"""The same in higher dimensions."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """What a pruned sweep left out: regions on which, by proof, there is nothing of what was looked for."""

    relevance: Relevance | None
    """What was looked for; None where the outputs are others since (``head``), and after it has been in a file."""
    dropped: dict[int, int]
    """By node of the network the number of regions that bounds after it have made irrelevant; with the last node, by
    the values of the outputs themselves."""
    finished: bool
    """Whether all relevant regions are there: no budget has ended the work."""
    regions: tuple[Dropped, ...] | None = None
    """The dropped regions themselves with their bounds, if that was asked for (``keep_dropped``); not in files."""


@dataclass(frozen=True, eq=False)
class Irrelevant:
    """Which of some regions are irrelevant, bool (R,), and the bounds on the functions that show it, (n, k) each."""

    regions: NDArray[np.bool_]
    lower: Bound
    upper: Bound

    @classmethod
    def together(cls, parts: Sequence[Irrelevant]) -> Irrelevant:
        """That of all regions from those of some after the others."""
        tables = ((part.regions, part.lower, part.upper) for part in parts)
        return cls(*(np.concatenate(table) for table in zip(*tables, strict=True)))

    def with_more(self, some: NDArray[np.int64], more: Irrelevant) -> Irrelevant:
        """The same, where of ``some`` regions, none of which is irrelevant so far, more are."""
        regions = self.regions.copy()
        regions[some] = more.regions
        order = np.argsort(np.concatenate([np.flatnonzero(self.regions), some[more.regions]]), kind="stable")
        lower, upper = np.concatenate([self.lower, more.lower]), np.concatenate([self.upper, more.upper])
        return Irrelevant(regions, lower[order], upper[order])


class Pruning:
    """What keeps a sweep to the regions that matter."""

    def __init__(
        self,
        network: Network,
        arithmetic: Arithmetic[Any],
        relevance: Relevance,
        *,
        keeping: bool = False,
        precision: Precision = SINGLE,
    ) -> None:
        """``keeping``: whether dropped regions are to be kept."""
        self.relevance, self.keeping = relevance, keeping
        self._network, self._arithmetic, self._precision = network, arithmetic, precision
        self._functionals = relevance.functionals(network.outputs)
        self._remainders: dict[int, Remainder] = {}

    def of(self, network: Network) -> Pruning:
        """The same for a network, which may have changed since."""
        if network is self._network:
            return self
        return Pruning(network, self._arithmetic, self.relevance, keeping=self.keeping, precision=self._precision)

    @staticmethod
    def units_at_once(dim: int, units: int, levels: int) -> int:
        """How many of a node's units, of so many levels each, are to cut before bounds are asked again.

        All of them unless they are more than twice as many as is wanted, and else whole bytes of bits.
        """
        most = max(8, _UNITS.get(dim, _OF_MORE) // max(levels, 1) // 8 * 8)
        return units if units <= 2 * most else most

    def irrelevant(
        self, done: int, live: Mapping[int, Any], corners: Ragged, points: NDArray[np.float64]
    ) -> Irrelevant:
        """The regions with these corners, of ``points``, that bounds prove irrelevant, from the fields live after node
        ``done``."""
        remainder = self._remainder(done)
        fields = self._starts(remainder, live)
        bounds = remainder.wide_bounds(_values(fields), corners)
        dropped = self.relevance.irrelevant(*bounds)
        irrelevant = Irrelevant(dropped, *(side[dropped] for side in bounds))
        left = np.flatnonzero(~dropped)
        if not len(left):
            return irrelevant
        vertices, fields, corners = self._at_corners(fields, corners.take(left))
        values = self._functions(remainder, fields)
        self.relevance.look(points[vertices], values)
        # What is attained at corners lies between all bounds: if even that leaves a region relevant, none helps.
        attained = (corners.reduce(fold, values[corners.values]) for fold in (np.minimum, np.maximum))
        open_ = np.flatnonzero(self.relevance.irrelevant(*attained))
        bounds = remainder.bounds(_values(fields), corners.take(open_))
        dropped = self.relevance.irrelevant(*bounds)
        more = Irrelevant(dropped, *(side[dropped] for side in bounds))
        return irrelevant.with_more(left[open_], more)

    def _at_corners(self, fields: dict[int, Any], corners: Ragged) -> tuple[NDArray[np.int64], dict[int, Any], Ragged]:
        """The vertices of some regions, fields there, and the corners of the regions as numbers of these."""
        has = np.zeros(int(corners.values.max()) + 1, np.bool_)
        has[corners.values] = True
        vertices, numbers = np.flatnonzero(has), np.cumsum(has) - 1
        taken = {j: self._arithmetic.by_rows.take(field, vertices) for j, field in fields.items()}
        return vertices, taken, Ragged(numbers[corners.values], corners.offsets)

    def irrelevant_at_end(self, output: Any, corners: Ragged) -> tuple[Irrelevant, NDArray[np.bool_]]:
        """The regions with these corners that the outputs themselves make irrelevant.

        And those that they would if they were known well enough.
        """
        A, c = self._functionals.A, self._functionals.c
        field = self._arithmetic.by_rows.linear(Node(Dense(A, c), (), (len(c),), "functionals"), [output])
        values, (lower, upper) = field.to_numpy(), _ends(field)
        surely, nearly = (
            (corners.reduce(np.minimum, low[corners.values]), corners.reduce(np.maximum, high[corners.values]))
            for low, high in ((lower, upper), (values, values))
        )
        irrelevant = self.relevance.irrelevant(*surely)
        near = self.relevance.irrelevant(*nearly) & ~irrelevant
        return Irrelevant(irrelevant, surely[0][irrelevant], surely[1][irrelevant]), near

    def _remainder(self, done: int) -> Remainder:
        if done not in self._remainders:
            self._remainders[done] = Remainder(self._network, done, self._functionals, self._precision)
        return self._remainders[done]

    def _starts(self, remainder: Remainder, live: Mapping[int, Any]) -> dict[int, Any]:
        """The fields that bounds start from, by node, at vertices."""
        arithmetic, network = self._arithmetic.by_rows, self._network
        fields = {j: self._arithmetic.explicit(field) for j, field in live.items()}
        for i in range(remainder.done + 1, len(network.nodes)):
            if i in remainder.affine:
                checkpoint()
                fields[i] = arithmetic.linear(network.nodes[i], [fields[j] for j in network.nodes[i].inputs])
        return {i: fields[i] for i in remainder.starts}

    def _functions(self, remainder: Remainder, starts: Mapping[int, Any]) -> NDArray[np.float64]:
        """The values of the functions of the output (V, k), from fields that bounds start from."""
        arithmetic, network = self._arithmetic.by_rows, self._network
        periodic = any(isinstance(node.op, Periodic) for node in network.nodes)  # whose pieces depend on the bounds
        fields = dict(starts) if periodic else {i: arithmetic.doubted(field) for i, field in starts.items()}
        for i in remainder.rest:
            checkpoint()
            node = network.nodes[i]
            inputs = [fields[j] for j in node.inputs]
            if node.is_nonlinear:
                fields[i] = arithmetic.activate(unrolled(node, inputs[0]), inputs[0])
            else:
                fields[i] = arithmetic.linear(node, inputs)
            for j in set(node.inputs):
                if network.last_use[j] == i:
                    del fields[j]
        output = fields[len(network.nodes) - 1].to_numpy()
        return np.asarray(output @ self._functionals.A.T + self._functionals.c)


def _values(fields: Mapping[int, Any]) -> dict[int, Values]:
    return {i: Values(field.to_numpy(), field.errors()) for i, field in fields.items()}


def _ends(field: Any) -> tuple[Bound, Bound]:
    """Numbers below and above the exact values of a field: themselves, if it is exact."""
    values, limits = field.to_numpy(), field.limits()
    if values.dtype == object:
        return values, values
    return np.nextafter(values - limits, -np.inf), np.nextafter(values + limits, np.inf)
