"""Where the network of an ONNX graph begins and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, ShapeError
from ...network.operators import Shape
from ...runtime.inputs import plain
from ..torch_models.ending import GROUPS
from .call import MOST_ENTRIES
from .graph import Array, Entry, Graph, Operator
from .reasons import refusal

MONOTONE = frozenset({"Softmax", "LogSoftmax", "Sigmoid"})
"""Operators that keep the argmax."""


_MOVES = frozenset(("Cast", "CastLike", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
"""Operators that keep every entry, in this order or another."""


@dataclass(frozen=True, eq=False)
class Ending:
    """A graph, the tensor in it that is the network's output, and the operators that were taken out at its end."""

    graph: Graph
    target: str
    dropped: tuple[Operator, ...] = ()

    def check(self, shapes: Mapping[str, Shape]) -> None:
        """What was left out keeps the order of all entries of a sample; ``shapes`` are those of tensors."""
        for operator in self.dropped:
            if operator.kind != "Sigmoid":
                self._check_softmax(operator, shapes[operator.inputs[0]])

    def _check_softmax(self, operator: Operator, shape: Shape) -> None:
        """Until operator set 12 a softmax runs over its axis and all that come after it."""
        single_axis = self.graph.opset >= 13
        given = operator.attributes.get("axis", -1 if single_axis else 1)
        axis = given + len(shape) if given < 0 else given
        if not axis and len(shape) > 1:
            reason = "it runs over the batch axis, so that samples of a batch influence each other"
            raise refusal(self.graph, operator, reason)
        if prod(shape) != (prod(shape[axis : axis + 1]) if single_axis else prod(shape[axis:])):
            raise refusal(self.graph, operator, GROUPS)


def with_fixed(graph: Graph, example: Any, vary: int | str | None) -> tuple[Graph, Any]:
    """A graph whose other inputs are constants, with the values that a dict says, and the example of what varies.

    By default that is the first input of floating-point numbers that the dict names. Both as they are where the example
    is one tensor.
    """
    if not isinstance(example, Mapping):
        if vary is not None:
            raise ArgumentError("vary needs an example_input that names inputs and their values: {'name': array, ...}.")
        return graph, example
    unknown = next((name for name in example if name not in graph.inputs), None)
    names = list(graph.inputs)
    if unknown is not None:
        raise ArgumentError(f"example_input names {unknown!r}, but the model's inputs are {_listed(names)}.")
    floats = [name for name in names if name in example and not graph.inputs[name].kind.startswith("element")]
    places: dict[int | str | None, str] = {None: (floats or names)[0], **dict(enumerate(names))}
    chosen = places.get(vary, str(vary))
    if chosen not in example:
        raise ArgumentError(f"vary must name an input that example_input has a value for, got {vary!r}.")
    fixed = {name: _fixed(graph.inputs[name], value) for name, value in example.items() if name != chosen}
    left = {name: entry for name, entry in graph.inputs.items() if name not in fixed}
    return replace(graph, inputs=left, constants={**graph.constants, **fixed}), example[chosen]


def _fixed(entry: Entry, value: Any) -> Array:
    """A constant in the type of an input."""
    constant = plain(value)
    if entry.kind.startswith("element"):
        return constant
    return constant.astype(entry.kind)


def find_ending(graph: Graph, until: str | None, output: int | str | None = None) -> Ending:
    """The output, or the tensor that ``until`` names, or the input of the node it names; less a final softmax."""
    if until is not None and output is not None:
        raise ArgumentError("until and output cannot both be given: until says where the network ends.")
    target = _output(graph, output) if until is None else _named(graph, until)
    makers, dropped, name = graph.makers, [], target
    while name in makers and makers[name].kind in MONOTONE | _MOVES:
        if makers[name].kind in MONOTONE:
            dropped.append(makers[name])
        name = makers[name].inputs[0]
    return Ending(_without(graph, dropped), target, tuple(dropped))


def _without(graph: Graph, dropped: Sequence[Operator]) -> Graph:
    """The graph with some operators replaced by identities."""
    if not dropped:
        return graph
    return replace(graph, operators=tuple(_identity(o) if o in dropped else o for o in graph.operators))


def _identity(operator: Operator) -> Operator:
    proto = type(operator.proto)(op_type="Identity", input=operator.inputs[:1], output=operator.outputs[:1])
    return Operator("Identity", operator.name, operator.inputs[:1], operator.outputs[:1], {}, proto)


def _output(graph: Graph, output: int | str | None) -> str:
    if output is None and len(graph.outputs) == 1:
        return graph.outputs[0]
    if isinstance(output, int) and 0 <= output < len(graph.outputs):
        return graph.outputs[output]
    if output in graph.outputs:
        return str(output)
    if output is not None:
        raise ArgumentError(f"output must be one of {_listed(graph.outputs)}, or its place, got {output!r}.")
    raise ArgumentError(
        f"model has {len(graph.outputs)} outputs: choose one by output= or until=, one of {_listed(graph.outputs)}."
    )


def _named(graph: Graph, until: str) -> str:
    if until in graph.makers or until in graph.inputs:
        return until
    named = [operator for operator in graph.operators if operator.name == until]
    if len(named) != 1:
        problem = f"{len(named)} nodes have this name" if named else f"the outputs are {_listed(graph.outputs)}"
        raise ArgumentError(f"until must name a tensor or a node of the ONNX model, got {until!r}; {problem}.")
    read = dict.fromkeys(name for name in named[0].inputs if name and graph.inputs_of(name))
    if len(read) != 1:
        raise ArgumentError(
            f"until must name a tensor, or a node that reads one tensor; node {until!r} reads {_listed(tuple(read))}."
        )
    return next(iter(read))


def find_source(graph: Graph, target: str) -> Entry:
    """The one input that a tensor is computed from, a tensor of floating-point numbers."""
    names = graph.inputs_of(target)
    if not names:
        raise ArgumentError(f"{target!r} does not depend on the model's input: there is nothing to partition.")
    if len(names) > 1:
        raise ArgumentError(
            f"model must take one tensor, but {target!r} is computed from {_listed(names)}: fix the others by "
            "example_input={'name': array, ...} with values for all, and choose the one that varies by vary=."
        )
    entry = graph.inputs[names[0]]
    if entry.kind.startswith("element"):
        raise ArgumentError(
            f"model must take real floating-point numbers, but its input {entry.name!r} has {entry.kind}."
        )
    return entry


def read_example(entry: Entry, example: Any) -> NDArray[np.float64]:
    """One input in the shape that the model takes, a first axis of any length taken as a batch axis of length one.

    Without an example random numbers, when the model says its shape.
    """
    if example is None:
        return np.random.default_rng(0).standard_normal(_own_shape(entry))
    try:
        values = plain(example).astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"example_input must be an array of numbers, got {type(example).__name__}.") from error
    if not values.size or not np.isfinite(values).all():
        raise ArgumentError("example_input must be finite and not empty.")
    shape = entry.shape or values.shape
    if values.ndim >= 1 and shape[:1] in ((1,), (None,)):
        values = values[:1]
    if values.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, values.shape, strict=True)):
        raise ShapeError(f"example_input must have the shape {_written(shape)}, got {plain(example).shape}.")
    return values


def _own_shape(entry: Entry) -> Shape:
    if entry.shape is None or None in entry.shape[1:]:
        written = "any shape" if entry.shape is None else f"the shape {_written(entry.shape)}"
        raise ShapeError(f"example_input is needed, one batch: the model's input {entry.name!r} may have {written}.")
    shape = tuple(1 if n is None else n for n in entry.shape)
    if prod(shape) > MOST_ENTRIES:
        raise ShapeError(f"the model's input {entry.name!r} of shape {shape} has more than {MOST_ENTRIES} entries.")
    return shape


def _written(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:80]) for name in names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
