"""One ONNX operator with the values of its inputs: what a handler sees, each part checked where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from ...network.operators import Shape
from ..builder import Builder, Value
from .graph import Array, Operator

Operand: TypeAlias = Value | Array
"""A tensor that depends on the network's input, or a constant.

Beside a tensor that depends on the input, constants are held in float64; among themselves, in the types of the file.
"""

Result: TypeAlias = Operand | tuple[Operand | None, ...]

MOST_ENTRIES = 1 << 24
"""Of one tensor: 64 channels of 512x512 pixels just fit. The check holds a few tensors for several samples."""


@dataclass(frozen=True, eq=False)
class Call:
    """``inputs`` are those of the operator, None for those left out."""

    builder: Builder
    operator: Operator
    inputs: tuple[Operand | None, ...]
    opset: int

    @property
    def varies(self) -> bool:
        """Whether any input depends on the network's input."""
        return any(isinstance(x, Value) for x in self.inputs)

    def operand(self, i: int = 0) -> Operand:
        """Input i, which must be given."""
        operand = self.inputs[i] if i < len(self.inputs) else None
        if operand is None:
            raise FileFormatError(f"its input {i} is missing")
        return operand

    def operands(self) -> tuple[Operand, ...]:
        """All inputs, none of them left out."""
        return tuple(self.operand(i) for i in range(max(len(self.inputs), 1)))

    def value(self, i: int = 0) -> Value:
        """Input i as a value, with at least one entry."""
        x = self.operand(i)
        return self.builder.value(x) if isinstance(x, np.ndarray) else x

    def constant(self, i: int) -> Array | None:
        """Input i, which must not depend on the network's input; None when it is left out."""
        constant = self.inputs[i] if i < len(self.inputs) else None
        if isinstance(constant, Value):
            raise UnsupportedLayerError(f"its input {i} depends on the network's input; only a constant is supported")
        return constant

    def needed(self, i: int) -> Array:
        """Input i, a constant that must be given."""
        self.operand(i)
        constant = self.constant(i)
        assert constant is not None
        return constant

    def attribute(self, name: str, kind: type, default: Any) -> Any:
        """An attribute of the given type."""
        attribute = self.operator.attributes.get(name, default)
        if attribute is not default and not isinstance(attribute, kind):
            raise FileFormatError(f"its attribute {name!r} has the wrong type")
        return attribute

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute."""
        integer: int = self.attribute(name, int, default)
        return integer

    def number(self, name: str, default: float) -> float:
        """A float attribute; its default, like the attribute, is a float32 number."""
        return float(self.attribute(name, float, float(np.float32(default))))

    def integers(self, name: str, i: int | None = None) -> list[int] | None:
        """A list of integers: the attribute of that name, or else input i (its place in later operator sets)."""
        integers = self.attribute(name, list, None)
        if integers is None and i is not None:
            given = self.constant(i)
            if given is None:
                return None
            if given.dtype.kind not in "iu" or given.ndim > 1:
                raise FileFormatError(f"its input {i} must be a list of integers")
            integers = given.reshape(-1).tolist()
        if integers is not None and not all(isinstance(n, int) for n in integers):
            raise FileFormatError(f"its attribute {name!r} must hold integers")
        return integers  # type: ignore[no-any-return]

    def axis(self, name: str, default: int, rank: int) -> int:
        """An attribute that names an axis, counted from the front."""
        return axes([self.integer(name, default)], rank)[0]


Handler: TypeAlias = Callable[[Call], Result]


def axes(given: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front, each of them once and within the rank."""
    counted = [axis + rank if axis < 0 else axis for axis in given]
    if len(set(counted)) < len(counted) or not all(0 <= axis < rank for axis in counted):
        raise FileFormatError(f"its axes {list(given)[:8]} are not axes of a tensor of rank {rank}")
    return counted


def shape_of(x: Operand) -> Shape:
    """The shape in ONNX."""
    return tuple(x.shape)


def bounded(shape: Sequence[int]) -> Shape:
    """The shape of a result that is to be computed: not negative, nor too large to hold."""
    if any(length < 0 for length in shape):
        raise FileFormatError(f"its result would have the shape {tuple(shape)}")
    if prod(shape) > MOST_ENTRIES:
        raise UnsupportedLayerError(f"its result of shape {tuple(shape)} has more than {MOST_ENTRIES} entries")
    return tuple(int(length) for length in shape)


def broadcast(*operands: Operand) -> Shape:
    """The common shape of operands."""
    return bounded(np.broadcast_shapes(*(shape_of(x) for x in operands)))
