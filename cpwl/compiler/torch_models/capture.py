"""Capture of a model as a functional ATen graph by ``torch.export``."""

from __future__ import annotations

import copy
from os import PathLike

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils._pytree import tree_leaves

from ... import nn as cpwl_nn  # noqa: F401 (registers its operators, which exported programs use)
from ...errors import ArgumentError, CpwlError, FileFormatError, ShapeError, UnsupportedLayerError
from ...runtime.notices import warn
from ...storage.archive import check_members
from ...storage.files import opened, reading
from .arguments import batch_of
from .calls import PREFIX, Called, chosen
from .environment import environment
from .program import Program, program_of
from .quiet import quiet

_SOFTSHRINK = torch.ops.aten.softshrink.default
_PIECEWISE = torch.ops.cpwl.piecewise_linear.default


MOST_NUMBERS = 1 << 29
"""In all tensors of a program together, as in those of an ONNX model."""

_UNUSED = 1 << 16
"""Bytes of storage that no tensor uses, above which a file is told so."""

_WEIGHTS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""Set, no pickle with code in it is run: torch.export.load, which takes no such argument, would fall back to one.

(A program holds expressions as well, which are evaluated: see ``load_program``.)
"""


def load(path: str | PathLike[str]) -> ExportedProgram:
    """See ``cpwl.compiler.load_program``."""
    hint = 'Write one with torch.export.save(torch.export.export(model.eval(), (example_input,)), "model.pt2").'
    with opened(path) as file, reading(path, "an exported torch program", hint):
        check_members(file)
        with quiet(), environment(_WEIGHTS_ONLY, "1"):
            program = torch.export.load(path)
        _check_size(program)
    _warn_of_unused(path, program)
    return program


def _warn_of_unused(path: str | PathLike[str], program: ExportedProgram) -> None:
    """An example that is a view of a data set brings the whole data set into the file."""
    tensors = [*program.state_dict.values(), *program.constants.values(), *tree_leaves(program.example_inputs)]
    held = [tensor for tensor in tensors if isinstance(tensor, Tensor)]
    used = sum(tensor.numel() * tensor.element_size() for tensor in held)
    stored = sum({tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}.values())
    if stored - used > _UNUSED:
        warn(
            f"{path} holds {stored - used:,} bytes of numbers that it does not use, such as the data set that its "
            "example is a part of. Export with a copy: torch.export.export(model, (x[:1].clone(),))."
        )


def _check_size(program: ExportedProgram) -> None:
    """A tensor may be longer than what is stored of it, by strides of zero."""
    tensors = (*program.state_dict.values(), *program.constants.values())
    if sum(tensor.numel() for tensor in tensors if isinstance(tensor, Tensor)) > MOST_NUMBERS:
        raise FileFormatError(f"its tensors have more than {MOST_NUMBERS} numbers")


def capture(model: nn.Module | ExportedProgram, sample: Tensor, *, cut: bool = False) -> Program:
    """The graph of the model on a batch of one; ``ShapeError`` or ``UnsupportedLayerError`` when there is none.

    A model that will be ``cut`` before its outputs may have several of them.
    """
    if isinstance(model, ExportedProgram) and batch_of(model, sample) == 1:
        return program_of(_decomposed(model), cut=cut)
    module = eager(model)
    _try_forward(module, sample, cut)
    try:
        with quiet(), torch.no_grad():
            exported = torch.export.export(module, (sample.clone(),))
    except Exception as error:  # torch.export raises errors of many kinds, some of them private
        raise UnsupportedLayerError(
            f"model cannot be captured by torch.export: {first_line(error)} "
            "The forward must be one graph of tensor operations: no control flow that depends on the input's values."
        ) from error
    return program_of(_decomposed(exported), PREFIX if isinstance(module, Called) else "", cut=cut)


def eager(model: nn.Module | ExportedProgram) -> nn.Module:
    """A copy of the model on the CPU that can be called."""
    try:
        with quiet():
            module = model.module(check_guards=False) if isinstance(model, ExportedProgram) else model
            return copy.deepcopy(module, _computed_attributes(module)).cpu()
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(f"model cannot be copied: {first_line(error)}") from error


def _computed_attributes(module: nn.Module) -> dict[int, Tensor]:
    """Copies of the tensors, by their ids, that modules keep as attributes and that were computed with gradients.

    Pruned layers and old-style weight norms keep such a weight and compute it anew in every call; deepcopy refuses it.
    """
    held = (value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor))
    return {id(value): value.detach().clone() for value in held if not value.is_leaf}


def _try_forward(module: nn.Module, sample: Tensor, cut: bool) -> None:
    try:
        with torch.no_grad():
            output = module(sample.clone())
    except Exception as error:  # whatever a forward raises on this input
        if isinstance(error, CpwlError):
            raise
        raise ShapeError(
            f"example_input: the model fails on its first sample, of shape {tuple(sample.shape)}, with "
            f"{type(error).__name__}: {first_line(error)} "
            "Pass one batch, (B, *shape), of what the model takes; all of its inputs as a tuple, or a dict by their "
            "names, where it takes several."
        ) from error
    if not cut:
        chosen(output, None)


def _decomposed(exported: ExportedProgram) -> ExportedProgram:
    """The program with operators taken apart; ``UnsupportedLayerError`` where torch cannot do so."""
    try:
        return _taken_apart(exported)
    except Exception as error:  # as above
        raise UnsupportedLayerError(f"model cannot be taken apart by torch.export: {first_line(error)}") from error


def _taken_apart(exported: ExportedProgram) -> ExportedProgram:
    with quiet(), torch.no_grad():
        result: ExportedProgram = _with_softshrink_whole(exported).run_decompositions({})
        return result


def _with_softshrink_whole(exported: ExportedProgram) -> ExportedProgram:
    """The program with softshrinks as ``cpwl.nn.PiecewiseLinear``: torch takes them apart into branches."""
    if not any(node.target is _SOFTSHRINK for node in exported.graph.nodes):
        return exported
    changed = copy.deepcopy(exported)
    for node in changed.graph.nodes:
        if node.target is _SOFTSHRINK:
            x, size = (*node.args, node.kwargs.get("lambd", 0.5))[:2]
            points, slopes = ([-size, size], [1.0, 0.0, 1.0]) if size else ([0.0], [1.0, 1.0])
            node.target, node.args, node.kwargs = _PIECEWISE, (x, points, slopes, 0.0), {}
    changed.graph_module.recompile()
    return changed


def first_line(error: BaseException) -> str:
    """The first line of an error's message, ended by a stop."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text if text.endswith(".") else text + "."
