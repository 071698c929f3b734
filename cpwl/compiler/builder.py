"""The network under construction: what handlers use to add nodes.

A handler sees tensors as torch does, a batch axis of length one included. The network has no batch axis: its node's
shape is the tensor's without a leading axis of length one (and (1,) for a scalar).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import UnsupportedLayerError
from ..network.network import Network, Node
from ..network.operators import Conv, Dense, Divide, Gather, Input, Max, Op, Scale, Shape, Sum


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the input: the index of its node, and its shape in torch."""

    node: int
    shape: Shape


Constant: TypeAlias = torch.Tensor | NDArray[np.float64] | float | int
Operand: TypeAlias = Value | Constant
Result: TypeAlias = Value | tuple[Value | None, ...]
Handler: TypeAlias = Callable[..., Result]


def network_shape(shape: Shape) -> Shape:
    """The shape of a network's node that holds a torch tensor of the given shape."""
    if len(shape) >= 2 and shape[0] == 1:
        return tuple(shape[1:])
    return tuple(shape) or (1,)


def array(constant: Constant) -> NDArray[np.float64]:
    """A constant as float64 numbers of its own (never a view of the user's memory), all finite."""
    numbers = constant.detach().cpu().numpy() if isinstance(constant, torch.Tensor) else constant
    values = np.array(numbers, dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnsupportedLayerError("a constant in it is NaN or infinite")
    return values


class Builder:
    """Collects nodes; ``name`` is given to the nodes that are added."""

    def __init__(self, shape: Shape) -> None:
        self.name = "input"
        self._nodes: list[Node] = []
        self.input = Value(self._append(Input(), (), network_shape(shape)), shape)

    def __len__(self) -> int:
        """The number of nodes so far."""
        return len(self._nodes)

    def node(self, value: Value) -> Node:
        """The node that holds a value."""
        return self._nodes[value.node]

    def pointwise(self, op: Op, x: Value) -> Value:
        """x through an operator that keeps shapes."""
        return Value(self._append(op, (x.node,), self.node(x).shape), x.shape)

    def gather(self, inputs: Sequence[Value], index: NDArray[Any]) -> Value:
        """Entries of the inputs, by an index of the result's shape in torch (-1: zero); none added if nothing moves."""
        shape = tuple(index.shape)
        filled = [x.node for x in inputs if prod(x.shape)]
        return Value(self._gather(filled, index.reshape(network_shape(shape))), shape)

    def reshape(self, x: Value, shape: Shape) -> Value:
        """The entries of x, in their order, in another shape."""
        return self.gather([x], np.arange(prod(shape)).reshape(shape))

    def expand(self, x: Value, shape: Shape) -> Value:
        """x broadcast to a shape."""
        return self.gather([x], np.broadcast_to(np.arange(prod(x.shape)).reshape(x.shape), shape))

    def together(self, *operands: Operand) -> tuple[Value, ...]:
        """The operands as values, broadcast to their common shape."""
        shape = broadcast(*operands)
        return tuple(self.expand(self.value(x), shape) for x in operands)

    def value(self, operand: Operand) -> Value:
        """The operand; a constant becomes an operator that ignores the input."""
        if isinstance(operand, Value):
            return operand
        values = array(operand)
        entries = self.gather([self.input], np.zeros(values.shape, np.int64))
        return self.pointwise(Scale(np.array(0.0), values.reshape(network_shape(values.shape))), entries)

    def scale(self, x: Value, factor: Constant = 1.0, shift: Constant = 0.0) -> Value:
        """factor * x + shift, with constants that broadcast as in torch (and may enlarge x)."""
        f, s = array(factor), array(shift)
        x = self.expand(x, np.broadcast_shapes(x.shape, f.shape, s.shape))
        return self.pointwise(Scale(self.fit(f, x), self.fit(s, x)), x)

    def fit(self, constant: NDArray[np.float64], x: Value) -> NDArray[np.float64]:
        """A constant that broadcasts to x in torch, in a form that broadcasts to the shape of x's node."""
        if constant.ndim == len(x.shape) and self.node(x).shape != x.shape:
            return constant.reshape(constant.shape[1:] if constant.ndim else (1,))
        return constant

    def sum(self, x: Operand, y: Operand, coefficient: float) -> Value:
        """x + coefficient * y."""
        a, b = self.together(x, y)
        return Value(self._append(Sum((1.0, float(coefficient))), (a.node, b.node), self.node(a).shape), a.shape)

    def dense(self, x: Value, weight: NDArray[np.float64], bias: NDArray[np.float64] | None = None) -> Value:
        """weight x + bias along the last axis."""
        out = len(weight)
        op = Dense(weight, np.zeros(out) if bias is None else bias)
        shape = (*x.shape[:-1], out)
        return Value(self._append(op, (x.node,), network_shape(shape)), shape)

    def conv(
        self,
        x: Value,
        weight: NDArray[np.float64],
        bias: NDArray[np.float64] | None = None,
        *,
        stride: Sequence[int],
        padding: Sequence[tuple[int, int]],
        dilation: Sequence[int],
        groups: int = 1,
    ) -> Value:
        """The cross-correlation over the last axes of x, (*lead, C, *spatial); padding is (before, after)."""
        dims = weight.ndim - 2
        spatial = x.shape[len(x.shape) - dims :]
        zeros = np.zeros(len(weight))
        op = Conv(
            weight,
            zeros if bias is None else bias,
            tuple(spatial),
            tuple(stride),
            tuple(padding),
            tuple(dilation),
            groups,
        )
        if x.shape[-dims - 1] != op.channels or min(op.output_spatial) < 1:
            raise UnsupportedLayerError(f"a kernel of shape {weight.shape} does not fit an input of shape {x.shape}")
        shape = (*x.shape[: -dims - 1], len(weight), *op.output_spatial)
        return Value(self._append(op, (x.node,), network_shape(shape)), shape)

    def divide(self, x: Value, divisor: Constant) -> Value:
        """x / divisor exactly, with a constant that broadcasts as in torch (and may enlarge x)."""
        d = array(divisor)
        if not d.all():
            raise UnsupportedLayerError("it divides by zero")
        x = self.expand(x, np.broadcast_shapes(x.shape, d.shape))
        return self.pointwise(Divide(self.fit(d, x)), x)

    def sum_groups(self, inputs: Sequence[Value], groups: NDArray[Any]) -> Value:
        """The sum of each group of entries: groups (*s, k) of indices of entries, result (*s)."""
        weight = np.ones((1, groups.shape[-1]))
        return self._over_groups(Dense(weight, np.zeros(1)), (1,), inputs, groups)

    def max_groups(self, inputs: Sequence[Value], groups: NDArray[Any]) -> Value:
        """The maximum of each group of entries: groups (*s, k) of indices into the inputs, result (*s)."""
        return self._over_groups(Max(), (), inputs, groups)

    def network(self, output: Value) -> tuple[Network, dict[int, int]]:
        """The network of the nodes that the output needs, and for each of them its new index."""
        used = {0, output.node}
        for i in range(output.node, 0, -1):
            used |= set(self._nodes[i].inputs) if i in used else set()
        place = {old: new for new, old in enumerate(sorted(used))}
        nodes = (self._nodes[old] for old in place)
        moved = (Node(n.op, tuple(place[j] for j in n.inputs), n.shape, n.name) for n in nodes)
        return Network(tuple(moved)), place

    def _over_groups(self, op: Op, rest: Shape, inputs: Sequence[Value], groups: NDArray[Any]) -> Value:
        *shape, k = groups.shape
        result = network_shape(tuple(shape))
        node = self._append(op, (self._gather([x.node for x in inputs], groups.reshape(*result, k)),), (*result, *rest))
        return Value(self._gather([node], np.arange(prod(result)).reshape(result)), tuple(shape))

    def _gather(self, inputs: Sequence[int], index: NDArray[Any]) -> int:
        op = Gather(np.ascontiguousarray(index, dtype=np.int64))
        if len(inputs) == 1 and self._nodes[inputs[0]].shape == index.shape and op.is_identity:
            return inputs[0]
        return self._append(op, tuple(inputs), index.shape)

    def _append(self, op: Op, inputs: tuple[int, ...], shape: Shape) -> int:
        self._nodes.append(Node(op, inputs, shape, self.name))
        return len(self._nodes) - 1


def broadcast(*operands: Operand) -> Shape:
    """The common shape of operands in torch."""
    return tuple(np.broadcast_shapes(*(tuple(getattr(x, "shape", ())) for x in operands)))


def entries(x: Value) -> torch.Tensor:
    """The index of every entry of x, in x's shape: what a layout operator does to it, it does to the entries."""
    return torch.arange(prod(x.shape)).reshape(x.shape)
