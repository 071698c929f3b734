"""Capture of a model as a functional ATen graph by ``torch.export``."""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from .. import nn as cpwl_nn  # noqa: F401 (registers its operators, which exported programs use)
from ..archive import check_members
from ..errors import ArgumentError, FileFormatError, ShapeError, UnsupportedLayerError
from ..files import reading
from .arguments import batch_of
from .program import Program, program_of

_SOFTSHRINK = torch.ops.aten.softshrink.default
_PIECEWISE = torch.ops.cpwl.piecewise_linear.default


MOST_NUMBERS = 1 << 29
"""In all tensors of a program together, as in those of an ONNX model."""

_SWITCH = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's own warnings and log messages, which show tracebacks for a file of another kind."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _weights_only() -> Iterator[None]:
    """No pickle with code in it is run: torch.export.load would fall back to one; this switch of torch forbids it.

    (It takes no such argument. A program holds expressions as well, which are evaluated: see ``load_program``.)
    """
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1"
    try:
        yield
    finally:
        os.environ.pop(_SWITCH)
        if before is not None:
            os.environ[_SWITCH] = before


def load(path: str | PathLike[str]) -> ExportedProgram:
    """See ``cpwl.compiler.load_program``."""
    hint = 'Write one with torch.export.save(torch.export.export(model.eval(), (example_input,)), "model.pt2").'
    with open(path, "rb") as file, reading(path, "an exported torch program", hint):
        check_members(file)
        with _quiet(), _weights_only():
            program = torch.export.load(path)
        _check_size(program)
        return program


def _check_size(program: ExportedProgram) -> None:
    """A tensor may be longer than what is stored of it, by strides of zero."""
    tensors = (*program.state_dict.values(), *program.constants.values())
    if sum(tensor.numel() for tensor in tensors if isinstance(tensor, Tensor)) > MOST_NUMBERS:
        raise FileFormatError(f"its tensors have more than {MOST_NUMBERS} numbers")


def capture(model: nn.Module | ExportedProgram, sample: Tensor) -> Program:
    """The graph of the model on a batch of one; ``ShapeError`` or ``UnsupportedLayerError`` when there is none."""
    if isinstance(model, ExportedProgram) and batch_of(model, sample) == 1:
        return program_of(_decomposed(model))
    module = eager(model)
    _try_forward(module, sample)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            exported = torch.export.export(module, (sample.clone(),))
    except Exception as error:  # torch.export raises errors of many kinds, some of them private
        raise UnsupportedLayerError(
            f"model cannot be captured by torch.export: {first_line(error)} "
            "The forward must be one graph of tensor operations: no control flow that depends on the input's values."
        ) from error
    return program_of(_decomposed(exported))


def eager(model: nn.Module | ExportedProgram) -> nn.Module:
    """A copy of the model on the CPU that can be called."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = model.module(check_guards=False) if isinstance(model, ExportedProgram) else model
            return copy.deepcopy(module).cpu()
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(
            f"model cannot be copied: {first_line(error)} Of an old-style weight norm, call remove_weight_norm first."
        ) from error


def _try_forward(module: nn.Module, sample: Tensor) -> None:
    try:
        with torch.no_grad():
            output = module(sample.clone())
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
