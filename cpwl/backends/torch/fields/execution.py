"""A network executed in one floating-point type, every operator rounded to it: what a user runs, without any bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....network.network import Network, Node
from ....network.operators import Conv, Dense, Divide, Gather, Max, Op, Piecewise, Scale, Sum
from .arithmetic import convolved, per_unit
from .field import taken


class TorchExecution:
    """Runs networks in a torch floating-point type on one device, with the weights rounded to that type."""

    def __init__(self, dtype: str, device: torch.device) -> None:
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._device = device
        self._constants: WeakKeyDictionary[Op, tuple[Tensor, ...]] = WeakKeyDictionary()

    def rounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers rounded to the type; those of every type are float64 numbers, too."""
        return _as_float64(self._tensor(values))

    def run(self, network: Network, rows: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The index of each nonlinear node and its argument (rows, entries); at the end -1 and the output.

        ``rows`` (rows, n) are inputs, which are rounded to the type. A ``Periodic`` node is none that can be run: take
        the network of a partition, where it has become a ``Piecewise``.
        """
        live = {0: self._tensor(rows)}
        for i, node in enumerate(network.nodes[1:], start=1):
            inputs = [live[j] for j in node.inputs]
            if node.is_nonlinear:
                yield i, _as_float64(inputs[0])
            live[i] = self._apply(node, inputs)
            for j in node.inputs:
                if network.last_use[j] == i:
                    live.pop(j, None)
        yield -1, _as_float64(live[len(network.nodes) - 1])

    def _apply(self, node: Node, inputs: Sequence[Tensor]) -> Tensor:
        """The output of a node, (rows, entries)."""
        op, x = node.op, inputs[0]
        match op:
            case Dense():
                weight, bias = self._constant(op, op.weight, op.bias)
                values = torch.addmm(bias, x.reshape(-1, weight.shape[1]), weight.T)
            case Conv():
                weight, bias = self._constant(op, op.weight, op.bias)
                values = convolved(op, weight, x) + bias[:, None]
            case Scale():
                factor, shift = self._constant(op, *(_spread(part, node) for part in (op.factor, op.shift)))
                values = x * factor + shift
            case Divide():
                values = x / self._constant(op, _spread(op.divisor, node))[0]
            case Sum():
                values = reduce(torch.add, (c * part for c, part in zip(op.coefficients, inputs, strict=True)))
            case Gather():
                index = torch.as_tensor(op.index.ravel(), device=self._device)
                values = taken(torch.cat(list(inputs), dim=1), index)
            case Max():
                values = x.reshape(len(x), node.size, x.shape[1] // node.size).amax(dim=2)
            case Piecewise():
                values = x.clamp(min=0) if op.is_relu else self._piecewise(node, op, x)
            case _:
                raise TypeError(f"{type(op).__name__} cannot be run")
        return values.reshape(len(x), node.size)

    def _piecewise(self, node: Node, op: Piecewise, x: Tensor) -> Tensor:
        """Slope times the argument plus intercept, of the piece that the argument lies on."""
        points, slopes, intercepts = self._constant(
            op, op.breakpoints, op.slopes, np.asarray(op.intercepts, dtype=np.float64)
        )
        pieces = torch.bucketize(x.contiguous(), points)
        return per_unit(slopes, node).gather(0, pieces) * x + per_unit(intercepts, node).gather(0, pieces)

    def _constant(self, op: Op, *values: NDArray[np.float64]) -> tuple[Tensor, ...]:
        if op not in self._constants:
            self._constants[op] = tuple(map(self._tensor, values))
        return self._constants[op]

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        return torch.tensor(values, device=self._device).to(self._dtype)  # a copy: arrays of files are read-only


def _spread(values: NDArray[np.float64], node: Node) -> NDArray[np.float64]:
    return np.broadcast_to(values, node.shape).ravel()


def _as_float64(values: Tensor) -> NDArray[np.float64]:
    return np.asarray(values.to(torch.float64).cpu().numpy())
