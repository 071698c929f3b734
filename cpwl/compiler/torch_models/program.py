"""A captured ATen graph with its stored tensors, and what can be asked of its nodes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from ...errors import ArgumentError, UnsupportedLayerError
from .double import call, call_as_written

# Operators that read only the shape and type of their argument.
_SHAPE_ONLY = frozenset(
    f"aten.{name}.default" for name in ("ones_like", "zeros_like", "full_like", "new_zeros", "new_ones", "new_full")
)


@dataclass(frozen=True, eq=False)
class Program:
    """A captured graph: its nodes in order, the one input, the output, and, by node, stored tensors in their types."""

    nodes: tuple[fx.Node, ...]
    input: fx.Node
    output: fx.Node
    state: Mapping[fx.Node, Tensor]
    names: Mapping[fx.Node, str]

    def needed_for(self, target: fx.Node) -> tuple[fx.Node, ...]:
        """The nodes that the value of ``target`` is computed from, itself included, in order."""
        needed, stack = {target}, [target]
        while stack:
            new = set(stack.pop().all_input_nodes) - needed
            needed |= new
            stack += new
        return tuple(node for node in self.nodes if node in needed)

    def dependent(self) -> frozenset[fx.Node]:
        """The nodes whose value depends on the input."""
        dependent = {self.input}
        for node in self.nodes:
            if name_of(node) not in _SHAPE_ONLY and any(arg in dependent for arg in node.all_input_nodes):
                dependent.add(node)
        return frozenset(dependent)


def name_of(node: fx.Node) -> str:
    """The operator's name, such as ``aten.relu.default``; ``getitem`` for a part of a tuple."""
    return "getitem" if node.target is operator.getitem else str(node.target)


def module_path(node: fx.Node) -> str:
    """Path of the module whose forward made the node; empty for the model's own forward."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(next(reversed(stack.values()))[0]) if stack else ""


def run_node(node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    """The value of a node in float64, from the values of the nodes it reads; those not given count as zeros."""
    return _run(node, values, call)


def run_as_written(node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    """The value of a node in the types that the model says; the values of nodes not given count as zeros."""
    return _run(node, values, call_as_written)


def _run(node: fx.Node, values: Mapping[fx.Node, Any], run: Callable[[Callable[..., Any], Any, Any], Any]) -> Any:
    def value(arg: fx.Node) -> Any:
        if arg in values:
            return values[arg]
        tensor = arg.meta["val"]
        return torch.zeros(tensor.shape, dtype=tensor.dtype)

    assert callable(node.target)
    return run(node.target, fx.map_arg(node.args, value), fx.map_arg(node.kwargs, value))


def program_of(exported: ExportedProgram, prefix: str = "", *, cut: bool = False) -> Program:
    """The graph of an exported program; ``UnsupportedLayerError`` when it changes its state.

    Modules are known by their names within the submodule that ``prefix`` names. A program that is ``cut`` before its
    outputs may have several of them.
    """
    for node in exported.graph.nodes:
        _rename_modules(node, prefix)
    specs = {spec.arg.name: spec for spec in exported.graph_signature.input_specs}
    tensors = {**exported.constants, **exported.state_dict}
    names = {
        node: str(specs[node.name].target).removeprefix(f"{prefix}.")
        for node in exported.graph.nodes
        if node.op == "placeholder" and specs[node.name].target in tensors
    }
    state = {node: _at_rest(tensors[str(specs[node.name].target)]) for node in names}
    return Program(tuple(exported.graph.nodes), user_input(exported), _output(exported, cut), state, names)


def _rename_modules(node: fx.Node, prefix: str) -> None:
    stack = node.meta.get("nn_module_stack")
    if stack and prefix:
        inside = {key: part for key, part in stack.items() if str(part[0]).startswith(prefix)}
        node.meta["nn_module_stack"] = {
            key: (str(path).removeprefix(prefix).removeprefix("."), *rest) for key, (path, *rest) in inside.items()
        }


def _at_rest(value: Any) -> Any:
    """A tensor on the CPU, apart from any graph of gradients; anything else unchanged."""
    return value.detach().cpu() if isinstance(value, Tensor) else value


def _output(exported: ExportedProgram, cut: bool) -> fx.Node:
    specs = exported.graph_signature.output_specs
    allowed = (OutputKind.USER_OUTPUT, OutputKind.USER_INPUT_MUTATION)
    changed = next((spec.target for spec in specs if spec.kind not in allowed), None)
    if changed is not None:
        raise UnsupportedLayerError(f"model changes its state ({changed!r}): it is not a function of its input alone.")
    (values,) = exported.graph.output_node().args
    assert isinstance(values, (tuple, list))
    pairs = zip(values, specs, strict=True)
    outputs = [value for value, spec in pairs if spec.kind == OutputKind.USER_OUTPUT]
    if not outputs or not isinstance(outputs[0], fx.Node) or (len(outputs) > 1 and not cut):
        raise ArgumentError(f"model must return one tensor, but returns {len(outputs)}: choose one by output=.")
    return outputs[0]


def user_input(exported: ExportedProgram) -> fx.Node:
    """The node of the one tensor that a program takes; ``ArgumentError`` when it takes several."""
    names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT]
    inputs = [node for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
    tensors: list[fx.Node] = [node for node in inputs if isinstance(node.meta.get("val"), Tensor)]
    if len(tensors) != 1:
        raise ArgumentError(
            f"model must take one tensor, not {len(tensors)}: pass all of them in example_input, as a tuple or a dict, "
            "and choose the one that varies by vary=; the others are fixed at these values. (An exported program "
            "brings values: there vary= is enough.)"
        )
    return tensors[0]
