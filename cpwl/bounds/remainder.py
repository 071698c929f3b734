"""What is left of a network after some nodes, and bounds on functions of its output on regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..network.network import Network, Node
from ..network.operators import Conv, Dense, Divide, Gather, Max, Periodic, Piecewise, Scale, Sum
from ..runtime.budget import checkpoint
from .enclosure import Enclosure
from .entries import gathered, largest, scaled, summed
from .pieces import Bends, periodic, rectified
from .precision import Floats, Precision
from .products import Matrix, convolution, group_matrices, product
from .relevance import Functionals

_AT_ONCE = 1 << 18
"""Entries of a table that are computed at once: they stay in the cache."""


@dataclass(frozen=True, eq=False)
class Values:
    """Functions that are affine on each region, by values at vertices and bounds on their errors, (V, n) and (V,)."""

    values: NDArray[np.float64]
    errors: NDArray[np.float64]

    def near(self, precision: Precision) -> tuple[Floats, Floats]:
        """Values in a precision, and what these are off by."""
        return precision.near(self.values, self.errors)


class Remainder:
    """The nodes of a network after ``done``, and functions of its output."""

    def __init__(self, network: Network, done: int, functionals: Functionals, precision: Precision) -> None:
        self.network, self.done = network, done
        self._functionals, self._precision = functionals, precision
        self.affine = _affine(network, done)
        """The nodes whose values are affine on regions now."""
        self._constants: dict[int, Any] = {}
        self._composed = self._composable()
        self._order = self._needed()
        self.starts = sorted({j for i in self._order for j in self._inputs(i)} - set(self._order))
        """Of the affine nodes those that the others read: their values are what bounds are computed from."""

    @property
    def rest(self) -> Iterator[int]:
        """The nodes that are not affine and that the output needs, in order."""
        yield from (i for i in self._order if i < self._end)
        if self._composed:
            yield self._end - 1

    @property
    def _end(self) -> int:
        """The number of the functions of the output, as a node."""
        return len(self.network.nodes)

    def _composable(self) -> bool:
        """Whether the last node is a matrix, not affine itself, that can be one with the functions of the output."""
        last = self._end - 1
        node = self.network.nodes[last]
        return isinstance(node.op, Dense) and last not in self.affine and node.size == len(node.op.bias)

    def _inputs(self, i: int) -> Sequence[int]:
        if i < self._end:
            return self.network.nodes[i].inputs
        return self.network.nodes[i - 1].inputs if self._composed else (i - 1,)

    def _needed(self) -> list[int]:
        """The nodes that are not affine and that the functions of the output need, in order, with these."""
        needed, stack = set[int](), [self._end]
        while stack:
            i = stack.pop()
            if i not in needed and i not in self.affine:
                needed.add(i)
                stack += self._inputs(i)
        return sorted(needed)

    def bounds(self, starts: Mapping[int, Values], corners: Ragged) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lower and upper bounds on the k functions on regions with these corners, (R, k) each; NaN for none.

        ``starts``: the values of the nodes of ``starts`` at the vertices.
        """
        near = {j: known.near(self._precision) for j, known in starts.items()}
        by_functions = {j: (np.ascontiguousarray(values.T), margins) for j, (values, margins) in near.items()}
        return self._bounds(by_functions, corners, Enclosure.at_corners, _AT_ONCE // self._width)

    def wide_bounds(self, starts: Mapping[int, Values], corners: Ragged) -> tuple[NDArray[Any], NDArray[Any]]:
        """The same from intervals alone: no narrower, at a fraction of the cost."""
        near = {j: known.near(self._precision) for j, known in starts.items()}
        return self._bounds(near, corners, Enclosure.around, 8 * _AT_ONCE // self._width)

    def _bounds(
        self,
        starts: Mapping[int, tuple[Floats, Floats]],
        corners: Ragged,
        enclosed: Callable[[Floats, Floats, NDArray[np.int64]], Enclosure],
        at_once: int,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Bounds from what ``enclosed`` makes of values at corners, ``at_once`` of them."""
        k = len(self._functionals.c)
        lower, upper = (np.full((len(corners), k), np.nan, self._precision.dtype) for _ in range(2))
        with np.errstate(over="ignore", invalid="ignore"):
            for regions, places in _chunks(corners, at_once):
                checkpoint()
                enclosure = self._through({j: enclosed(*known, places) for j, known in starts.items()})
                lower[regions], upper[regions] = enclosure.low.T, enclosure.high.T
        return lower, upper

    @cached_property
    def _width(self) -> int:
        """Entries of the largest pair of tables for one corner."""
        return 2 * max(self._size(i) for i in (*self._order, *self.starts))

    def _size(self, i: int) -> int:
        return len(self._functionals.c) if i == self._end else self.network.nodes[i].size

    def _through(self, live: dict[int, Enclosure]) -> Enclosure:
        """The functions of the output from what is affine."""
        last_use = {j: i for i in self._order for j in self._inputs(i)}
        for i in self._order:
            inputs = [live[j] for j in self._inputs(i)]
            live[i] = self._final(inputs[0]) if i == self._end else self._node(i, self.network.nodes[i], inputs)
            for j in set(self._inputs(i)):
                if last_use[j] == i:
                    del live[j]
        return live[self._end]

    def _final(self, x: Enclosure) -> Enclosure:
        return product(self._constant(self._end), x)

    def _node(self, i: int, node: Node, inputs: Sequence[Enclosure]) -> Enclosure:
        match node.op:
            case Dense():
                return product(self._constant(i), inputs[0])
            case Conv():
                return convolution(node.op, self._constant(i), inputs[0])
            case Scale() | Divide():
                return scaled(node, node.op, inputs[0], self._precision)
            case Sum():
                return summed(node.op, inputs, self._precision)
            case Gather():
                return gathered(node.op, inputs)
            case Piecewise() if node.op.is_relu:
                return rectified(inputs[0])
            case Piecewise():
                bends: Bends = self._constant(i)
                return bends(inputs[0])
            case Max():
                return largest(node, inputs[0])
            case Periodic():
                return periodic(node.op, inputs[0], self._precision)
        raise TypeError(f"{type(node.op).__name__} is not an operator of networks")

    def _constant(self, i: int) -> Any:
        """What an operator has, in the precision."""
        if i not in self._constants:
            self._constants[i] = self._made(i)
        return self._constants[i]

    def _made(self, i: int) -> Any:
        A, c = self._functionals.A, self._functionals.c
        if i == self._end:
            last = self.network.nodes[i - 1].op
            if self._composed:
                assert isinstance(last, Dense)
                return Matrix.composed(A, c, last, self._precision)
            return Matrix.of(A, c, self._precision)
        node = self.network.nodes[i]
        if isinstance(node.op, Dense):
            return Matrix.of(node.op.weight, node.op.bias, self._precision)
        if isinstance(node.op, Conv):
            return group_matrices(node.op, self._precision)
        assert isinstance(node.op, Piecewise)
        return Bends.of(node, node.op, self._precision)


def _chunks(corners: Ragged, at_once: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Regions, and their corners (k, c): some at a time, of about as many corners each, the last one repeated."""
    counts = corners.counts
    order = np.argsort(counts, kind="stable")
    while len(order):
        largest = counts[order[: max(16, at_once // int(counts[order[0]]))][-1]]
        some, order = np.split(order, [max(16, at_once // int(largest))])
        within = np.minimum(np.arange(counts[some[-1]])[:, None], counts[some] - 1)
        yield some, corners.values[corners.offsets[some] + within]


def _affine(network: Network, done: int) -> frozenset[int]:
    """The nodes up to ``done``, and those after it that are linear in such."""
    affine = set(range(done + 1))
    for i, node in enumerate(network.nodes[done + 1 :], start=done + 1):
        if not node.is_nonlinear and affine.issuperset(node.inputs):
            affine.add(i)
    return frozenset(affine)
