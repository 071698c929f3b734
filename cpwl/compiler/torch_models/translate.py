"""From a captured graph to a network: a walk over the graph that asks a table of handlers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx
from torch._ops import HigherOrderOperator

from ...errors import ArgumentError, CpwlError, UnsupportedLayerError
from ...network.network import Network
from ..bounds import DOUBLE
from ..builder import Builder, Handler, Value
from ..operators import contract as handlers_contract
from ..operators import conv as handlers_conv
from ..operators import layout as handlers_layout
from ..operators import linear as handlers_linear
from ..operators import nonlinear as handlers_nonlinear
from ..operators import pool as handlers_pool
from ..operators import resample as handlers_resample
from .constants import constants_of
from .program import Program, module_path, name_of
from .reasons import reason_for, refusal

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


_UNFIT = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
"""What handlers, numpy and torch raise for arguments that no handler is made for."""


@dataclass(frozen=True, eq=False)
class Translation:
    """A network, the graph node that it computes, which of its nodes holds which graph node, and the constants.

    Constants are held in float64, whatever type they were computed in. For ``slack`` see
    ``cpwl.compiler.bounds.evaluate``.
    """

    network: Network
    target: fx.Node
    places: Mapping[fx.Node, int]
    constants: Mapping[fx.Node, Any]
    slack: Mapping[int, float]


def translate(program: Program, target: fx.Node) -> Translation:
    """The network whose output is the value of a node of the graph; its constants are what the model computes."""
    dependent = program.dependent()
    if target not in dependent:
        raise ArgumentError("model has an output that does not depend on its input: there is nothing to partition.")
    for node in program.needed_for(target):
        if isinstance(node.target, HigherOrderOperator):
            raise refusal(node, "it holds graphs of its own (a choice or a loop), which are not supported")
    return _translate(program, target, dependent, constants_of(program, target))


def in_double(program: Program, translation: Translation) -> Translation:
    """The same translation with constants that are computed in float64, as an evaluation of the whole in float64 does.

    The translation itself where that changes nothing.
    """
    if all(node.op == "placeholder" for node in translation.constants):
        return translation
    constants = constants_of(program, translation.target, wide=True)
    if all(_same(value, translation.constants[node]) for node, value in constants.items()):
        return translation
    return _translate(program, translation.target, program.dependent(), constants)


def _translate(
    program: Program, target: fx.Node, dependent: frozenset[fx.Node], constants: Mapping[fx.Node, Any]
) -> Translation:
    needed = program.needed_for(target)
    builder = Builder(tuple(program.input.meta["val"].shape))
    values: dict[fx.Node, Any] = {**constants, program.input: builder.input}
    slack: dict[int, float] = {}
    for node in needed:
        if node in dependent and node is not program.input:
            builder.name, start = module_path(node) or node.name, len(builder)
            values[node] = _handle(builder, node, values)
            change = handlers_resample.CHANGES.get(name_of(node))
            if change and len(builder) > start:
                slack[start] = handlers_resample.places_slack(node.meta["val"].shape, DOUBLE, change)
    network, places = builder.network(values[target])
    held = {node: value for node, value in values.items() if isinstance(value, Value) and value.node in places}
    held_places = {node: places[value.node] for node, value in held.items()}
    loose = {places[index]: part for index, part in slack.items() if index in places}
    return Translation(network, target, held_places, constants, loose)


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
    except CpwlError:
        raise
    except _UNFIT as error:
        raise refusal(
            node, f"it is not supported with these arguments ({str(error) or type(error).__name__})"
        ) from error


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


def _same(constant: Any, other: Any) -> bool:
    """Whether two constants are the same: tensors entry by entry, several of them one by one."""
    if isinstance(constant, torch.Tensor) and isinstance(other, torch.Tensor):
        return constant.shape == other.shape and bool(torch.equal(constant, other))
    if isinstance(constant, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(constant) == len(other) and all(map(_same, constant, other))
    return constant is other or bool(constant == other)
