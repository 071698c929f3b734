"""How a network's operators act on fields: one abstract ``Arithmetic``, one implementation a backend.

A field holds rows; a row is the vector of all entries of one node's output, at one point. A row has a *homogeneous
weight*: 1 for a point, 0 for a tangent vector. Linear operators add their constant part times the weight, so that
points and tangents go through a network together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..errors import NumericalRangeError
from ..geometry.arrangement import Field, FieldLike, Refinement
from ..geometry.domain import Domain
from ..network.network import Network, Node
from ..network.operators import Dense, Gather, Op, Periodic, Sum
from ..runtime.budget import checkpoint

_DIFFERENCE = Sum((1.0, -1.0))


class Arithmetic(ABC, Generic[Field]):
    """The operators of a network on fields of one backend."""

    @abstractmethod
    def points(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> Field:
        """The field whose rows are the given points (rows, n), exactly as given.

        ``error`` (rows,), when given, bounds the 2-norm of each point's distance from the one that is meant; exact
        fields take points as they are.
        """

    @abstractmethod
    def tangents(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> Field:
        """The field whose rows are the given tangent vectors (rows, n), of homogeneous weight 0.

        ``error`` as for points; where it is infinite for all rows, a float field is spared the search for bounds.
        """

    @abstractmethod
    def stack(self, fields: Sequence[Field]) -> Field:
        """The rows of several fields, one after the other."""

    @abstractmethod
    def take(self, field: Field, rows: NDArray[np.int64]) -> Field:
        """Some rows of a field, in that order."""

    def replaced(self, field: Field, rows: NDArray[np.int64], anew: Field) -> Field:
        """The field with some rows computed anew, and with what is known of their errors; an exact one has them."""
        return field

    @abstractmethod
    def linear(self, node: Node, inputs: Sequence[Field]) -> Field:
        """The output of a node that holds a ``LinearOp``."""

    @abstractmethod
    def activate(self, node: Node, x: Field, *, consuming: bool = False) -> Field:
        """The output of a node that holds a ``Piecewise`` or ``Max``, for rows of weight 1.

        It may take the memory of x when ``consuming``: nothing else must refer to that.
        """

    def activated(
        self, node: Node, cut: Refinement[Field], vertices: NDArray[np.int64] | None, *, any_rounding: bool
    ) -> Field:
        """The output of a ``Piecewise`` node on an arrangement that was ``cut`` by its breakpoints, at some vertices,
        given as for ``Change.carry_to``, or (None) at all.

        With ``any_rounding`` nothing is decided by how values are rounded: they may depend on what else is there.
        """
        return self.activate(node, cut.cutting(vertices), consuming=True)

    def streamed(self, node: Node, cut: Refinement[Field]) -> Any:
        """What stands for ``activated`` at all vertices, with any rounding, where one matrix alone reads it (``linear``
        of a ``Dense`` node): rows are made as they are read, and never all held. None where they have to be."""
        return None

    @abstractmethod
    def noting_zeros(self, node: Node, x: Field, y: Field) -> Field:
        """y, the output of a nonlinear node for the argument x, with what is known of its exact zeros noted.

        Units that are certainly off tie at zero, and a later maximum of them must not take rounding for a difference.
        Linear operators that do not mix entries keep the knowledge. An exact field has it already.
        """

    @abstractmethod
    def on_pieces(self, node: Node, x: Field, pieces: NDArray[np.int64]) -> Field:
        """The output of a nonlinear node on given pieces (rows, node.size): of each unit the affine map of that piece.

        The piece of a ``Max`` unit is the index of the argument taken. Rows may have any homogeneous weight. The
        stated error is the distance from the affine map of these pieces, wherever its arguments lie.
        """

    @abstractmethod
    def maximum(self, x: Field, y: Field, cut: Refinement[Field]) -> Field:
        """The larger of two fields, entry by entry, on an arrangement that was ``cut`` by the zeros of x - y."""

    def by_entries(self, field: Field) -> Field:
        """The same field, before it is refined, with bounds for each entry that stay with it through all that does not
        mix entries: for what a maximum will compare. An exact field needs none."""
        return field

    def doubted(self, field: Field) -> Field:
        """The same values, of which nothing is certain. Those of an exact field are."""
        return field

    @property
    def by_rows(self) -> Arithmetic[Any]:
        """The arithmetic of fields that are held by their values at the vertices."""
        return self

    def chosen(self, fields: Sequence[Field], columns: NDArray[np.int64]) -> Field:
        """Some of the columns of fields, taken one after the other, that were all chosen from those of one field."""
        return self.linear(Node(Gather(columns), (), (len(columns),), "chosen"), fields)

    def difference(self, x: Field, y: Field) -> Field:
        """The difference of two fields whose columns were all chosen from those of one field."""
        return self.linear(Node(_DIFFERENCE, (), (x.columns,), "difference"), [x, y])

    # ---- fields that are combinations of rows ----------------------------------------------------------------------
    def explicit(self, field: Field) -> Any:
        """The field by its values at the vertices."""
        return field

    def settled_maximum(self, node: Node, argument: Field, winners: NDArray[np.int16], maximum: Field) -> Field:
        """The output of a ``Max`` node, from its argument and value, on regions with the given winners (R, units)."""
        return maximum

    def sharpened(self, live: dict[int, Field], node: Node) -> dict[int, Field]:
        """The fields, by node, with bounds that let most signs of the argument of a nonlinear node be decided."""
        return live

    def narrowed(
        self, live: dict[int, Any], ranges: Callable[[], Mapping[int, tuple[NDArray[np.int64], NDArray[np.int64]]]]
    ) -> dict[int, Field]:
        """The fields, by node, on a block: no more rows than it needs, of which some units have fewer pieces.

        ``ranges``: for each nonlinear node that is done the lowest and the highest piece of each unit on the block.
        """
        return live

    def ranges(self, field: Field) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Bounds on each function over the whole arrangement, (K,) each; None where they would cost much."""
        return None

    def rank(self, live: Mapping[int, Field]) -> int:
        """Of how many rows fields are combinations; 0 where they are held by their values."""
        return 0


@dataclass(frozen=True, eq=False)
class Stage(Generic[Field]):
    """One nonlinear node on the way through a network: its index and the field that it is applied to."""

    index: int
    node: Node
    argument: Field


class Forward(Generic[Field]):
    """A network evaluated node by node; iterate for the nonlinear nodes, then read ``output``.

    ``pieces(i)``, when given, returns the pieces (rows, units) of node i to use on the rows, which may then be
    tangents; otherwise the rows are points, and each is evaluated where it lies. A ``Periodic`` node has no pieces of
    its own: points are evaluated on those that they reach. With ``kept`` the evaluation ends at the last of these
    nodes, and their fields are in ``kept`` then.
    """

    def __init__(
        self,
        network: Network,
        arithmetic: Arithmetic[Field],
        x: Field,
        pieces: Callable[[int], NDArray[np.int64]] | None = None,
        *,
        kept: Collection[int] = (),
    ) -> None:
        self._network = network
        self._arithmetic = arithmetic
        self._pieces = pieces
        self._live: dict[int, Field] = {0: x}
        self._kept = frozenset(kept)
        self._end = max(kept, default=len(network.nodes) - 1)

    @property
    def output(self) -> Field:
        """The network's output field, once the iteration has ended."""
        return self._live[len(self._network.nodes) - 1]

    @property
    def kept(self) -> dict[int, Field]:
        """The fields of the nodes that were to be kept, once the iteration has ended."""
        return {i: self._live[i] for i in self._kept}

    def __iter__(self) -> Iterator[Stage[Field]]:
        for i, node in enumerate(self._network.nodes[1 : self._end + 1], start=1):
            checkpoint()
            inputs = [self._live[j] for j in node.inputs]
            if node.is_nonlinear:
                if self._pieces is None:
                    node = unrolled(node, inputs[0])
                yield Stage(i, node, inputs[0])
                self._live[i] = self._apply(i, node, inputs[0])
            else:
                self._live[i] = self._arithmetic.linear(node, inputs)
            self._drop(i)

    def _apply(self, i: int, node: Node, x: Field) -> Field:
        if self._pieces is None:
            return self._arithmetic.activate(node, x)
        return self._arithmetic.on_pieces(node, x, self._pieces(i))

    def _drop(self, i: int) -> None:
        for j in self._network.nodes[i].inputs:
            if self._network.last_use[j] == i and j not in self._kept:
                self._live.pop(j, None)


def unrolled(node: Node, argument: FieldLike, *, further: int = 0) -> Node:
    """The node itself or, if it is ``Periodic``, one with the pieces that the argument reaches (points of weight 1).

    An affine function on a polytope is largest and smallest at vertices, so the values there give the whole range;
    ``further`` periods are added to it on either side.
    """
    if not isinstance(node.op, Periodic):
        return node
    values, slack = argument.to_numpy(), argument.errors().max()
    low, high = values.min(), values.max()
    if not np.isfinite([float(low), float(high), slack]).all():
        raise NumericalRangeError(f"node {node.name!r}: the argument of a periodic activation overflows float64.")
    slack = Fraction(slack) + further * Fraction(node.op.period)
    low, high = Fraction(low), Fraction(high)
    return replace(node, op=node.op.unrolled(low - slack, high + slack))


def evaluate(
    network: Network,
    arithmetic: Arithmetic[Field],
    x: Field,
    pieces: Callable[[int], NDArray[np.int64]] | None = None,
) -> Field:
    """The network's output on rows of points, or on any rows when the pieces are given (see ``Forward``)."""
    forward = Forward(network, arithmetic, x, pieces)
    for _ in forward:
        pass
    return forward.output


_embeddings: WeakKeyDictionary[Domain, Node] = WeakKeyDictionary()
"""One for each domain, so that what an arithmetic works out for its operator serves all partitions."""


def embedding(domain: Domain) -> Node:
    """x = origin + basis u as a node: from slice coordinates to the (flattened) input."""
    known = _embeddings.get(domain)
    if known is None or not _maps_to(known.op, domain):
        op = Dense(domain.basis.copy(), domain.origin.copy())
        known = _embeddings[domain] = Node(op, (), (len(domain.origin),), "embedding")
    return known


def _maps_to(op: Op, domain: Domain) -> bool:
    """Whether a matrix is still the embedding of a domain, whose arrays may have been changed in place."""
    assert isinstance(op, Dense)
    return np.array_equal(op.weight, domain.basis) and np.array_equal(op.bias, domain.origin)
