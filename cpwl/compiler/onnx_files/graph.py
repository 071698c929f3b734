"""An ONNX graph as plain data: operators in order, stored numbers, inputs and outputs by the names of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Numbers in the type in which the file holds them."""


def is_float(x: Array) -> bool:
    """Whether an array holds floating-point numbers, those of bfloat16 included, which numpy does not know."""
    return x.dtype.kind == "f" or x.dtype.name == "bfloat16"


def widened(x: Array) -> Array:
    """Floating-point numbers as float64; others as they are."""
    return x.astype(np.float64) if is_float(x) else x


@dataclass(frozen=True, eq=False)
class Operator:
    """One node of the graph. ``inputs`` holds "" for an input left out; ``proto`` is the node as it was read.

    ``captured`` are the tensors that graphs inside the node read from outside.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any
    captured: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[str, ...]:
        """All tensors that the node reads."""
        return (*self.inputs, *self.captured)

    @property
    def where(self) -> str:
        """The node in words: by its name, or else by its first output."""
        return f"node {self.name!r} ({self.kind})" if self.name else f"the {self.kind} node of tensor {self.tensor!r}"

    @property
    def tensor(self) -> str:
        """The name of the first output."""
        return self.outputs[0]


@dataclass(frozen=True, eq=False)
class Entry:
    """An input of the graph: its name, its element type in words, its shape (None: any length, or any shape)."""

    name: str
    kind: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph whose operators read only inputs, constants and results of earlier operators, each name given once."""

    operators: tuple[Operator, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, Entry]
    outputs: tuple[str, ...]
    opset: int

    @property
    def makers(self) -> dict[str, Operator]:
        """The operator that computes each tensor."""
        return {name: operator for operator in self.operators for name in operator.outputs if name}

    def needed_for(self, target: str) -> tuple[Operator, ...]:
        """The operators that a tensor is computed by, in order."""
        makers = self.makers
        needed: set[str] = set()
        stack = [target]
        while stack:
            operator = makers.get(stack.pop())
            if operator is not None and operator.tensor not in needed:
                needed.add(operator.tensor)
                stack += operator.read
        return tuple(operator for operator in self.operators if operator.tensor in needed)

    def dependent(self) -> frozenset[str]:
        """The tensors that are computed from an input of the graph, be it from its shape alone."""
        dependent = set(self.inputs)
        for operator in self.operators:
            if not dependent.isdisjoint(operator.read):
                dependent |= set(filter(None, operator.outputs))
        return frozenset(dependent)

    def inputs_of(self, target: str) -> tuple[str, ...]:
        """The names of the graph's inputs that a tensor is computed from."""
        read = {name for operator in self.needed_for(target) for name in operator.read} | {target}
        return tuple(name for name in self.inputs if name in read)
