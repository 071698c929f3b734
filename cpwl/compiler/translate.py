"""From a captured graph to a network: a walk over the graph that asks a table of handlers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from ..errors import ArgumentError, UnsupportedLayerError
from ..network import Network
from . import (
    handlers_contract,
    handlers_conv,
    handlers_layout,
    handlers_linear,
    handlers_nonlinear,
    handlers_pool,
    handlers_resample,
)
from .builder import Builder, Handler, Value
from .program import Program, module_path, name_of, run_node
from .reasons import reason_for

_TABLES = (
    handlers_nonlinear,
    handlers_conv,
    handlers_pool,
    handlers_resample,
    handlers_linear,
    handlers_contract,
    handlers_layout,
)
HANDLERS: Mapping[str, Handler] = {name: handler for table in _TABLES for name, handler in table.HANDLERS.items()}
_SUPPORTED = "; ".join(table.SUPPORTED for table in _TABLES)


@dataclass(frozen=True, eq=False)
class Translation:
    """A network, the graph node that it computes, which of its nodes holds which graph node, and the constants."""

    network: Network
    target: fx.Node
    places: Mapping[fx.Node, int]
    constants: Mapping[fx.Node, Any]


def translate(program: Program, target: fx.Node) -> Translation:
    """The network whose output is the value of a node of the graph."""
    dependent = program.dependent()
    if target not in dependent:
        raise ArgumentError("model has an output that does not depend on its input: there is nothing to partition.")
    needed = program.needed_for(target)
    constants = _constants(program, needed, dependent)
    builder = Builder(tuple(program.input.meta["val"].shape))
    values: dict[fx.Node, Any] = {**constants, program.input: builder.input}
    for node in needed:
        if node in dependent and node is not program.input:
            builder.name = module_path(node) or node.name
            values[node] = _handle(builder, node, values)
    network, places = builder.network(values[target])
    held = {node: value for node, value in values.items() if isinstance(value, Value) and value.node in places}
    return Translation(network, target, {node: places[value.node] for node, value in held.items()}, constants)


def _constants(program: Program, needed: tuple[fx.Node, ...], dependent: frozenset[fx.Node]) -> dict[fx.Node, Any]:
    """The values, in float64, of the nodes that do not depend on the input."""
    values: dict[fx.Node, Any] = {}
    for node in needed:
        if node in dependent:
            continue
        values[node] = _stored(program, node) if node.op == "placeholder" else _computed(node, values)
    return values


def _stored(program: Program, node: fx.Node) -> torch.Tensor:
    tensor = program.state[node]
    if tensor.is_complex():
        raise UnsupportedLayerError(f"parameter {program.names[node]!r} of the model is complex; weights must be real.")
    if not tensor.isfinite().all():
        raise ArgumentError(f"model has NaN or infinite numbers in {program.names[node]!r}: weights must be finite.")
    return tensor


def _computed(node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        raise refusal(node, "it draws random numbers")
    return run_node(node, values)


def _handle(builder: Builder, node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    args, kwargs = (fx.map_arg(given, values.__getitem__) for given in (node.args, node.kwargs))
    if name_of(node) == "getitem":
        return _part(node, *args)
    handler = HANDLERS.get(name_of(node))
    if handler is None:
        raise refusal(node, reason_for(name_of(node)))
    try:
        return _call(handler, builder, node, args, kwargs)
    except UnsupportedLayerError as error:
        raise refusal(node, str(error)) from None


def _call(handler: Handler, builder: Builder, node: fx.Node, args: Any, kwargs: Any) -> Any:
    """The handler's answer; arguments that the schema knows by position are passed by position."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    positional = [arg for arg in schema if not arg.kwarg_only]
    named = [i for i, arg in enumerate(positional) if arg.name in kwargs]
    rest = [kwargs.get(arg.name, arg.default_value) for arg in positional[len(args) : max(named, default=-1) + 1]]
    only = {arg.name: kwargs[arg.name] for arg in schema if arg.kwarg_only and arg.name in kwargs}
    return handler(builder, *args, *rest, **only)


def _part(node: fx.Node, values: tuple[Any, ...], index: int) -> Value:
    part = values[index]
    if not isinstance(part, Value):
        raise refusal(node, "it uses the indices of a maximum or another part that is not piecewise linear")
    return part


def refusal(node: fx.Node, reason: str) -> UnsupportedLayerError:
    """The error that names a node's module and operator, the reason, what is supported, and how to stop before it."""
    path = module_path(node)
    kind = _kind(node)
    where = f"layer {path!r} ({kind})" if path else f"the model's own forward ({kind})"
    advice = f"Use until={path!r} to stop before it." if path else "Put it into a submodule to stop before it by until."
    return UnsupportedLayerError(f"{where} uses {name_of(node)}: {reason}. Supported: {_SUPPORTED}. {advice}")


def _kind(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    kind = next(reversed(stack.values()))[1] if stack else "module"
    return str(kind if isinstance(kind, str) else kind.__name__).rsplit(".", 1)[-1]
