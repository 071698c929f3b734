"""From an ONNX graph to a network: a walk over the operators that asks a table of handlers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ...errors import ArgumentError, CpwlError, FileFormatError, UnsupportedLayerError
from ...network.network import Network
from ...network.operators import Shape
from ..builder import Builder, Value
from . import activations, folding, layout, linear, resize, windows
from .call import MOST_ENTRIES, Call, Handler, Operand, Result, bounded, shape_of
from .graph import Array, Graph, Operator, widened
from .reasons import reason_for, refusal

HANDLERS: Mapping[str, Handler] = {
    **layout.HANDLERS,
    **linear.HANDLERS,
    **activations.HANDLERS,
    **windows.HANDLERS,
    **resize.HANDLERS,
}
"""Operators on tensors that depend on the network's input."""

_CONSTANT: Mapping[str, Handler] = {**layout.HANDLERS, **folding.HANDLERS, **folding.ALWAYS}
"""Operators on constants."""

_MOST_IN_ALL = 8 * MOST_ENTRIES
"""Entries of all tensors together."""

_UNFIT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    RuntimeError,
)
"""What numpy, torch and Python raise for shapes and attributes that do not fit together."""


@dataclass(frozen=True, eq=False)
class Translation:
    """A network, the shape of its input in ONNX, and which of its nodes holds which tensor.

    ``shapes`` are those of the tensors that depend on the input, in ONNX, with a batch axis; ``constants`` are all
    tensors that do not, in the types of the file. For ``slack`` see ``cpwl.compiler.bounds.evaluate``.
    """

    network: Network
    source: str
    shape: Shape
    target: str
    shapes: Mapping[str, Shape]
    places: Mapping[str, int]
    constants: Mapping[str, Array]
    slack: Mapping[int, float]


def translate(graph: Graph, source: str, shape: Shape, target: str) -> Translation:
    """The network from one tensor, of the given shape, to another."""
    builder = Builder(bounded(shape))
    values: dict[str, Operand] = {**graph.constants, source: builder.input}
    slack: dict[int, float] = {}
    total = prod(shape)
    for operator in graph.needed_for(target):
        builder.name = operator.name or operator.tensor
        call = _call(builder, graph, operator, values)
        start = len(builder)
        results = _results(_answer(graph, call))
        if operator.kind in resize.HANDLERS and len(builder) > start:
            slack[start] = resize.slack(call)
        values.update((name, x) for name, x in zip(operator.outputs, results, strict=False) if name and x is not None)
        total += sum(prod(shape_of(x)) for x in results if x is not None)
        if total > _MOST_IN_ALL:
            raise refusal(graph, operator, f"the tensors up to here have more than {_MOST_IN_ALL} entries together")
    output = values[target]
    if not isinstance(output, Value):
        raise ArgumentError("model has an output that does not depend on its input: there is nothing to partition.")
    network, places = builder.network(output)
    held = {name: x.node for name, x in values.items() if isinstance(x, Value) and x.node in places}
    held_places = {name: places[node] for name, node in held.items()}
    constants = {name: x for name, x in values.items() if isinstance(x, np.ndarray)}
    loose = {places[node]: part for node, part in slack.items() if node in places}
    shapes = {name: x.shape for name, x in values.items() if isinstance(x, Value)}
    return Translation(network, source, shape, target, shapes, held_places, constants, loose)


def _results(answer: Result) -> tuple[Operand | None, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _call(builder: Builder, graph: Graph, operator: Operator, values: Mapping[str, Operand]) -> Call:
    lost = next((name for name in operator.inputs if name and name not in values), None)
    if lost is not None:
        raise refusal(
            graph, operator, f"it reads {lost!r}, the indices of a maximum or another part that is not supported"
        )
    inputs = tuple(values[name] if name else None for name in operator.inputs)
    if any(isinstance(x, Value) for x in inputs):
        inputs = tuple(widened(x) if isinstance(x, np.ndarray) else x for x in inputs)
    return Call(builder, operator, inputs, graph.opset)


def _answer(graph: Graph, call: Call) -> Result:
    operator = call.operator
    try:
        result = _handler(call)(call)
        _check_filled(result)
    except UnsupportedLayerError as error:
        raise refusal(graph, operator, str(error)) from None
    except CpwlError as error:
        raise FileFormatError(f"{operator.where}: {error}.") from None
    except _UNFIT as error:
        shapes = [None if x is None else shape_of(x) for x in call.inputs]
        raise FileFormatError(
            f"{operator.where}: its attributes and its inputs of shapes {shapes} do not fit together ({error})."
        ) from error
    return result


def _handler(call: Call) -> Handler:
    kind = call.operator.kind
    if call.varies and kind not in folding.ALWAYS:
        return _known(HANDLERS, kind)
    return _CONSTANT[kind] if kind in _CONSTANT else _known(HANDLERS, kind)


def _known(handlers: Mapping[str, Handler], kind: str) -> Handler:
    if kind not in handlers:
        raise UnsupportedLayerError(reason_for(kind))
    return handlers[kind]


def _check_filled(result: Result) -> None:
    bounded([sum(x.size for x in _results(result) if isinstance(x, np.ndarray))])
