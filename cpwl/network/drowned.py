"""Arguments of maxima that are one large constant, and beside it what float64 hardly holds.

Weight decay leaves filters of size 1e-20 of channels that nothing needs, and a bias or a norm's shift that is not
small. What a max-pool compares there differs by less than an ulp of what it is given. But max(b + x, b + y) is
b + max(x, y): constants may stay away until the maximum is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..numbers.norms import norms
from .network import Network, Node
from .operators import Conv, Dense, Gather, Op, Piecewise, Scale

_DROWNED = 2.0**-24
"""The size of an entry's weights beside its constant, below which a maximum compares what is left without that."""


@dataclass(frozen=True, eq=False)
class Drowned:
    """Some units of a ``Max`` node whose arguments are constants, of each unit one, beside which the rest is tiny."""

    arguments: NDArray[np.int64]
    """The arguments of these units: entries of the node before, (U, k)."""
    made: Node
    """The matrix or the convolution that made them."""
    entries: NDArray[np.int64]
    """Of each argument the entry of that node, (U, k)."""
    factors: tuple[NDArray[np.float64], ...]
    """What each argument was multiplied by on the way from there, (U, k) each."""
    constant: NDArray[np.int64]
    """Units with equal ones have constants that are made of the same numbers, (U,)."""
    rectified: tuple[tuple[int, NDArray[np.int64]], ...]
    """Activations on the way, and the unit of each that an argument has passed, (U, k): all of a maximum have to be on
    the last piece, which is the identity."""

    def of_units(self, units: NDArray[np.bool_]) -> Drowned | None:
        """Some of the units, if there are any."""
        if units.all() or not units.any():
            return self if units.any() else None
        return Drowned(
            self.arguments[units],
            self.made,
            self.entries[units],
            tuple(factor[units] for factor in self.factors),
            self.constant[units],
            tuple((i, passed[units]) for i, passed in self.rectified),
        )

    def apart(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of entries of the node before, equal ones for equal functions, when the constants stay away: other
        ones for arguments of these units, for a unit beside them may compare the same function as it is."""
        left_away = np.zeros_like(numbers)
        left_away[self.arguments] = 1 + self.constant[:, None]
        return np.unique(np.stack([numbers, left_away]), axis=1, return_inverse=True)[1].ravel()

    @property
    def source(self) -> int:
        """The node of which the rest is made ..."""
        return self.made.inputs[0]

    @cached_property
    def rest(self) -> tuple[Node, ...]:
        """... by these linear ones, one after the other: the arguments without their constants, one after the other."""
        made, entries = _of_outputs(self.made, self.entries.ravel())
        zero, shape = np.zeros(()), (len(entries),)
        scales = (Node(Scale(factor.ravel(), zero), (0,), shape) for factor in self.factors)
        return made, Node(Gather(entries), (0,), shape), *scales


def drowned_arguments(network: Network, i: int) -> Drowned | None:
    """Those of node i, a ``Max``; None if there are none, as in nearly all networks."""
    (last,) = network.nodes[i].inputs
    way: list[int] = [last]
    while not isinstance((node := network.nodes[way[-1]]).op, (Dense, Conv)):
        if not (isinstance(node.op, (Gather, Scale)) or _may_be_identity(node.op)) or len(node.inputs) > 1:
            return None
        way.append(node.inputs[0])
    entries = _Entries.of(node)
    for j in reversed(way[:-1]):
        entries = entries.after(j, network.nodes[j])
    arguments = np.arange(network.nodes[last].size).reshape(network.nodes[i].size, -1)
    entries = entries.chosen(arguments)
    drowned = Drowned(arguments, node, entries.entries, entries.factors, entries.constants, entries.passed)
    return drowned.of_units(entries.drowned & entries.alike)


@dataclass(frozen=True, eq=False)
class _Entries:
    """What the entries of a node are, where activations on the way are the identity: arrays of one shape."""

    entries: NDArray[np.int64]
    """See ``Drowned``; -1 for what is always zero."""
    size: NDArray[np.float64]
    """The 2-norm of the weights."""
    constant: NDArray[np.float64]
    """About."""
    bias: NDArray[np.float64]
    factors: tuple[NDArray[np.float64], ...] = ()
    shifts: tuple[NDArray[np.float64], ...] = ()
    """By each factor."""
    passed: tuple[tuple[int, NDArray[np.int64]], ...] = ()
    """See ``Drowned.rectified``."""

    @classmethod
    def of(cls, node: Node) -> _Entries:
        """Those of a matrix or a convolution."""
        assert isinstance(node.op, (Dense, Conv))
        entries, outputs = np.arange(node.size), len(node.op.bias)
        output = entries // _places(node.op) % outputs
        bias = node.op.bias[output]
        return cls(entries, norms(node.op.weight.reshape(outputs, -1))[output], bias, bias)

    def after(self, i: int, node: Node) -> _Entries:
        """Those of node i, which reads these."""
        if isinstance(node.op, Gather):
            index = node.op.index.ravel()
            chosen = self.chosen(index)
            return replace(chosen, entries=np.where(index < 0, -1, chosen.entries))
        if isinstance(node.op, Scale):
            factor, shift = (np.broadcast_to(part, node.shape).ravel() for part in (node.op.factor, node.op.shift))
            size, constant = self.size * np.abs(factor), self.constant * factor + shift
            more = (*self.factors, factor), (*self.shifts, shift)
            return replace(self, size=size, constant=constant, factors=more[0], shifts=more[1])
        return replace(self, passed=(*self.passed, (i, np.arange(node.size))))

    def chosen(self, index: NDArray[np.int64]) -> _Entries:
        """Some of them."""
        return _Entries(
            self.entries[index],
            self.size[index],
            self.constant[index],
            self.bias[index],
            tuple(factor[index] for factor in self.factors),
            tuple(shift[index] for shift in self.shifts),
            tuple((i, units[index]) for i, units in self.passed),
        )

    @property
    def drowned(self) -> NDArray[np.bool_]:
        """Of units, whose arguments these are (U, k), those that a constant drowns."""
        tiny = (self.size > 0) & (self.size < _DROWNED * np.abs(self.constant))
        return np.asarray((tiny & (self.entries >= 0)).all(axis=1))

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Of units, whose arguments these are (U, k), those whose constants are made of the same numbers."""
        return np.asarray(np.logical_and.reduce([part == part[:, :1] for part in self._parts]).all(axis=1))

    @property
    def constants(self) -> NDArray[np.int64]:
        """A number for what the constant of each unit is made of, if its arguments are alike."""
        return np.unique([part[:, 0] for part in self._parts], axis=1, return_inverse=True)[1].ravel()

    @property
    def _parts(self) -> tuple[NDArray[np.float64], ...]:
        """What constants are made of."""
        return self.bias, *self.factors, *self.shifts


def _of_outputs(node: Node, entries: NDArray[np.int64]) -> tuple[Node, NDArray[np.int64]]:
    """A matrix or a convolution without its bias and outputs that are not asked for, and the entries that are."""
    assert isinstance(node.op, (Dense, Conv))
    op, places, count = node.op, _places(node.op), len(node.op.bias)
    if isinstance(op, Conv) and op.groups > 1:
        return replace(node, op=replace(op, bias=np.zeros(count))), entries
    outputs, place = np.unique(entries // places % count, return_inverse=True)
    axis = -1 - (len(op.spatial) if isinstance(op, Conv) else 0)
    shape = list(node.shape)
    shape[axis] = len(outputs)
    fewer = replace(op, weight=op.weight[outputs], bias=np.zeros(len(outputs)))
    lead = entries // (places * count)
    return replace(node, op=fewer, shape=tuple(shape)), (lead * len(outputs) + place) * places + entries % places


def _places(op: Dense | Conv) -> int:
    """How many entries of an output stand side by side."""
    return prod(op.output_spatial) if isinstance(op, Conv) else 1


def _may_be_identity(op: Op) -> bool:
    """Whether an operator is an activation whose last piece is the identity."""
    return isinstance(op, Piecewise) and bool(np.all(op.slopes[-1] == 1) and np.all(op.intercepts[-1] == 0))
