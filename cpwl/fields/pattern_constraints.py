"""What holds where the units of a node are on given pieces: their slacks, affine functions, are >= 0 there alone.

A unit on piece k of a piecewise-linear function has h - breakpoint[k - 1] >= 0 and breakpoint[k] - h >= 0; a maximum
with winner w has a_w - a_j >= 0 for every other argument j. All of them, over all units, describe the region.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.arrangement import Field
from ..network.adjoint import Pieces
from ..network.network import Network, Node, table
from ..network.operators import Gather, Max, Piecewise, Scale, Sum
from .arithmetic import Arithmetic

_DIFFERENCE = Sum((1.0, -1.0))
_CONSTANT = -1


@dataclass(frozen=True, eq=False)
class Constraints:
    """What holds where one node's units are on given pieces: slacks that are >= 0, as operators on its argument."""

    units: NDArray[np.int64]
    """The unit of the node that each slack belongs to, in increasing order, int64 (S,)."""
    nodes: tuple[Node, ...]
    """Linear nodes: one Gather for each operand, then what makes slacks of them."""

    def of(self, arithmetic: Arithmetic[Field], argument: Field) -> Field:
        """The S slacks at points, or of tangents, whose argument of the node is given."""
        *gathers, last = self.nodes
        return arithmetic.linear(last, [arithmetic.linear(gather, [argument]) for gather in gathers])


def pieces_at(node: Node, argument: NDArray[Any]) -> NDArray[np.int64]:
    """The canonical pieces int64 (M, units) of a node's units at M values (M, arguments) of its argument.

    At a breakpoint the piece to the right, among equal arguments of a maximum the one with the lowest index.
    """
    if isinstance(node.op, Max):
        return np.asarray(np.argmax(argument.reshape(len(argument), node.size, -1), axis=2), np.int64)
    assert isinstance(node.op, Piecewise), node.op
    return np.searchsorted(node.op.breakpoints, argument, side="right").astype(np.int64)


def constraints(network: Network, i: int, pieces: Pieces) -> Constraints:
    """The constraints of nonlinear node i, on the given pieces of this node and of those before it.

    Left out are comparisons of two arguments of a maximum that are one and the same entry (a window filled up with a
    repeated argument) or two constants of the pattern (two zeros after a ReLU): they say nothing more.
    """
    node = network.nodes[i]
    if isinstance(node.op, Piecewise):
        return _of_levels(node.op, pieces(i), node.size)
    winners = pieces(i)
    names = _names(network, node.inputs[0], pieces).reshape(node.size, -1)
    own = np.take_along_axis(names, winners[:, None], axis=1)
    units, others = np.nonzero(names != own)
    first, second = units * names.shape[1] + winners[units], units * names.shape[1] + others
    return Constraints(
        units, (_row(Gather(first)), _row(Gather(second)), Node(_DIFFERENCE, (0, 0), first.shape, "slack"))
    )


def _of_levels(op: Piecewise, pieces: NDArray[np.int64], size: int) -> Constraints:
    right, left = np.flatnonzero(pieces > 0), np.flatnonzero(pieces < len(op.breakpoints))
    units = np.concatenate([right, left])
    factor = np.repeat([1.0, -1.0], [len(right), len(left)])
    shift = np.concatenate([-op.breakpoints[pieces[right] - 1], op.breakpoints[pieces[left]]])
    order = np.argsort(units, kind="stable")
    scale = Scale(factor[order], shift[order])
    return Constraints(units[order], (_row(Gather(units[order])), Node(scale, (0,), units.shape, "slack")))


def _row(op: Gather) -> Node:
    return Node(op, (0,), op.index.shape, "slack")


def _names(network: Network, i: int, pieces: Pieces) -> NDArray[np.int64]:
    """A number for each entry of a node: equal numbers, the same function on the region; -1 for constants.

    Only gathers, maxima and activations are looked through: there a constant is stored as exactly what it is.
    """
    node = network.nodes[i]
    if isinstance(node.op, Gather):
        names = np.concatenate([*(_names(network, j, pieces) for j in node.inputs), [_CONSTANT]])
        return np.asarray(names[node.op.index.ravel()])
    if isinstance(node.op, Max):
        arguments = _names(network, node.inputs[0], pieces).reshape(node.size, -1)
        return np.take_along_axis(arguments, pieces(i)[:, None], axis=1)[:, 0]
    fresh = sum(before.size for before in network.nodes[:i]) + np.arange(node.size)
    if isinstance(node.op, Piecewise):
        return np.where(_is_constant(node, pieces(i)), _CONSTANT, fresh)
    return np.asarray(fresh)


def _is_constant(node: Node, pieces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each unit's piece is flat, with a value that float64 holds exactly."""
    assert isinstance(node.op, Piecewise)
    stored = np.vectorize(lambda c: Fraction(float(c)) == c, otypes=[bool])(node.op.intercepts)
    flat = (node.op.slopes == 0) & stored
    return np.asarray(table(flat, node)[pieces, np.arange(node.size)])
