"""Capture of a model as a functional ATen graph with its constants, and the checks of what the user passed."""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from ..errors import ArgumentError, FileFormatError, ShapeError, UnsupportedLayerError
from .double import call, widen

# Operators that read only the shape and type of their argument.
_SHAPE_ONLY = frozenset(
    f"aten.{name}.default" for name in ("ones_like", "zeros_like", "full_like", "new_zeros", "new_ones", "new_full")
)


@dataclass(frozen=True, eq=False)
class Program:
    """A captured graph: its nodes in order, the one input, the output, and the stored tensors (float64) by node."""

    nodes: tuple[fx.Node, ...]
    input: fx.Node
    output: fx.Node
    state: Mapping[fx.Node, Tensor]
    names: Mapping[fx.Node, str]

    def needed_for(self, target: fx.Node) -> tuple[fx.Node, ...]:
        """The nodes that the value of ``target`` is computed from, itself included, in order."""
        found, stack = {target}, [target]
        while stack:
            new = set(stack.pop().all_input_nodes) - found
            found |= new
            stack += new
        return tuple(node for node in self.nodes if node in found)

    def dependent(self) -> frozenset[fx.Node]:
        """The nodes whose value depends on the input."""
        found = {self.input}
        for node in self.nodes:
            if name_of(node) not in _SHAPE_ONLY and any(arg in found for arg in node.all_input_nodes):
                found.add(node)
        return frozenset(found)


def name_of(node: fx.Node) -> str:
    """The operator's name, such as ``aten.relu.default``; ``getitem`` for a part of a tuple."""
    return "getitem" if node.target is operator.getitem else str(node.target)


def module_path(node: fx.Node) -> str:
    """Path of the module whose forward made the node; empty for the model's own forward."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(next(reversed(stack.values()))[0]) if stack else ""


def run_node(node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    """The value of a node in float64, from the values of the nodes it reads; those not given count as zeros."""

    def value(arg: fx.Node) -> Any:
        return values[arg] if arg in values else widen(torch.zeros(arg.meta["val"].shape))

    assert callable(node.target)
    return call(node.target, fx.map_arg(node.args, value), fx.map_arg(node.kwargs, value))


def load(path: str | PathLike[str]) -> ExportedProgram:
    """See ``cpwl.compiler.load_program``."""
    with open(path, "rb"):  # a missing file is its own error
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(path)
    except Exception as error:  # torch.export.load raises errors of many kinds on a file that is not one
        raise FileFormatError(
            f"path: {path} is not an exported torch program ({first_line(error)}). Write one with torch.export.save."
        ) from error


def check_model(model: Any) -> None:
    """Raises ``ArgumentError`` unless the model is a module in eval mode with finite parameters, or a program."""
    if isinstance(model, ExportedProgram):
        return
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise ArgumentError(f"model must be a torch.nn.Module or a torch.export.ExportedProgram, got {kind}.")
    training = next((name for name, module in model.named_modules() if module.training), None)
    if training is not None:
        which = f"submodule {training!r}" if training else "it"
        raise ArgumentError(f"model must be in eval mode, but {which} is in train mode: call model.eval() first.")


def read_example(model: Any, example: Any) -> Tensor:
    """The first sample of the example, a batch of one on the CPU in the model's floating-point type."""
    if example is None:
        example = _own_example(model)
    try:
        tensor = torch.as_tensor(example).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"example_input must be an array of numbers, got {type(example).__name__}.") from error
    if not tensor.is_floating_point():
        raise ArgumentError(f"example_input must hold real floating-point numbers, got {tensor.dtype}: convert it.")
    if tensor.ndim < 2 or not tensor.numel():
        raise ShapeError(f"example_input must be one batch, (B, *shape) with B >= 1, got shape {tuple(tensor.shape)}.")
    if not tensor.isfinite().all():
        raise ArgumentError("example_input must be finite, got NaN or an infinity.")
    return tensor[:1].to(_float_type(model, tensor.dtype)).clone()


def capture(model: nn.Module | ExportedProgram, sample: Tensor) -> Program:
    """The graph of the model on a batch of one; ``ShapeError`` or ``UnsupportedLayerError`` when there is none."""
    if isinstance(model, ExportedProgram) and batch_of(model, sample) == 1:
        return _program(_decomposed(model))
    module = eager(model)
    _try_forward(module, sample)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            exported = torch.export.export(module, (sample,))
    except Exception as error:  # torch.export raises errors of many kinds, some of them private
        raise UnsupportedLayerError(
            f"model cannot be captured by torch.export: {first_line(error)} "
            "Control flow that depends on the input's values is not supported."
        ) from error
    return _program(_decomposed(exported))


def eager(model: nn.Module | ExportedProgram) -> nn.Module:
    """A copy of the model on the CPU that can be called."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = model.module(check_guards=False) if isinstance(model, ExportedProgram) else model
            return copy.deepcopy(module).cpu()
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(f"model cannot be copied: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, ended by a stop."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text if text.endswith(".") else text + "."


def _own_example(model: Any) -> Any:
    inputs = model.example_inputs if isinstance(model, ExportedProgram) else None
    if not inputs or not inputs[0]:
        raise ArgumentError("example_input is needed: one batch, (B, *shape), as the model takes it.")
    return inputs[0][0]


def _float_type(model: Any, default: torch.dtype) -> torch.dtype:
    """The model's own floating-point type: that of its input when it says so, or of its first parameter."""
    if isinstance(model, ExportedProgram):
        dtype: torch.dtype = _user_input(model).meta["val"].dtype
        return dtype
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), default)


def _user_input(exported: ExportedProgram) -> fx.Node:
    names = [spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT]
    inputs = [node for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
    tensors: list[fx.Node] = [node for node in inputs if isinstance(node.meta.get("val"), Tensor)]
    if len(tensors) != 1:
        raise ArgumentError(f"model must take one tensor, not {len(tensors)}. Wrap it in a module that takes one.")
    return tensors[0]


def batch_of(exported: ExportedProgram, sample: Tensor) -> Any:
    """The program's batch size (an int, or a symbol); ``ShapeError`` when a fixed size differs from the sample's."""
    shape = _user_input(exported).meta["val"].shape
    pairs = zip(shape[1:], sample.shape[1:], strict=False)
    if len(shape) != sample.ndim or any(isinstance(wanted, int) and wanted != size for wanted, size in pairs):
        raise ShapeError(
            f"example_input must be a batch of shape {tuple(shape)}, got one of {tuple(sample.shape[1:])}."
        )
    return shape[0]


def _try_forward(module: nn.Module, sample: Tensor) -> None:
    try:
        with torch.no_grad():
            output = module(sample)
    except Exception as error:  # whatever a forward raises on this input
        raise ShapeError(
            f"example_input: the model fails on its first sample, of shape {tuple(sample.shape)}: {first_line(error)} "
            "Pass one batch, (B, *shape), of what the model takes."
        ) from error
    if not isinstance(output, Tensor):
        kind = type(output).__name__
        raise ArgumentError(f"model must return one tensor, but returns {kind}. Wrap it in a module that does.")


def _decomposed(exported: ExportedProgram) -> ExportedProgram:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        result: ExportedProgram = exported.run_decompositions({})
        return result


def _program(exported: ExportedProgram) -> Program:
    specs = {spec.arg.name: spec for spec in exported.graph_signature.input_specs}
    tensors = {**exported.constants, **exported.state_dict}
    names = {
        node: str(specs[node.name].target)
        for node in exported.graph.nodes
        if node.op == "placeholder" and specs[node.name].target in tensors
    }
    state = {node: widen(tensors[name]) for node, name in names.items()}
    return Program(tuple(exported.graph.nodes), _user_input(exported), _output(exported), state, names)


def _output(exported: ExportedProgram) -> fx.Node:
    changed = [spec for spec in exported.graph_signature.output_specs if spec.kind != OutputKind.USER_OUTPUT]
    if changed:
        raise UnsupportedLayerError(
            f"model changes its state in its forward ({changed[0].target!r}): it is not a function of its input."
        )
    (values,) = exported.graph.output_node().args
    if not isinstance(values, (tuple, list)) or len(values) != 1 or not isinstance(values[0], fx.Node):
        raise ArgumentError("model must return one tensor. Wrap it in a module that does.")
    return values[0]
