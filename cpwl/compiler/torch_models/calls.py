"""A module of several inputs or outputs as a module of one: what is fixed, what varies, and which output is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils._pytree import tree_leaves

from ...errors import ArgumentError
from .arguments import float_type, own_example

PREFIX = "called"
"""The name of the module within the one that calls it."""


class Called(nn.Module):
    """A module as a function of one of its arguments, by position or name; the others are fixed, the output chosen."""

    def __init__(self, module: nn.Module, varying: int | str, fixed: Mapping[int | str, Any], output: Any) -> None:
        super().__init__()
        self.called = module
        self._varying, self.output = varying, output
        self._fixed = dict(fixed)
        self._held = [key for key, value in fixed.items() if isinstance(value, Tensor)]
        for k, key in enumerate(self._held):
            self.register_buffer(f"fixed_{k}", self._fixed[key], persistent=False)
        self.training = module.training  # an exported program refuses to be told

    def forward(self, x: Tensor) -> Any:
        """The chosen output of the module for x and the fixed values."""
        given = {**self._fixed, self._varying: x}
        given.update((key, getattr(self, f"fixed_{k}")) for k, key in enumerate(self._held))
        args = [given[key] for key in sorted(key for key in given if isinstance(key, int))]
        kwargs = {key: value for key, value in given.items() if isinstance(key, str)}
        return chosen(self.called(*args, **kwargs), self.output)


@dataclass(frozen=True)
class AllTensors:
    """Every tensor that a module returns: before ``until`` it does not matter which is meant, and none may be lost."""


def chosen(result: Any, output: Any) -> Any:
    """One of the tensors that a module returned, by its place, key or name; ``ArgumentError`` where there is none."""
    if isinstance(output, AllTensors):
        return tuple(leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor))
    tensor = result if output is None else _part(result, output)
    if isinstance(tensor, Tensor):
        return tensor
    raise ArgumentError(_several(result, output))


def _part(result: Any, output: int | str) -> Any:
    if isinstance(result, Mapping):
        return result.get(output)
    if isinstance(output, str):
        return getattr(result, output, None)
    parts = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    return parts[output] if -len(parts) <= output < len(parts) else None


def _several(result: Any, output: Any) -> str:
    kind = type(result).__name__
    names: list[Any] = list(result) if isinstance(result, Mapping) else []
    if isinstance(result, (tuple, list)):
        names = list(range(len(result)))
    names = [name for name in names if isinstance(_part(result, name), torch.Tensor)]
    listed = ", ".join(map(repr, names))
    known = f": choose one by output=, one of {listed}, or a module to stop before by until=" if names else ""
    if output is None:
        return f"model must return one tensor, but returns {kind}{known or '. Wrap it in a module that does'}."
    return f"output must name a tensor that the model returns, got {output!r}; it returns {kind}{known}."


def as_call(
    model: nn.Module | ExportedProgram,
    example: Any,
    until: str | None,
    output: int | str | None,
    vary: int | str | None,
) -> tuple[nn.Module | ExportedProgram, Any]:
    """The model as a function of one tensor, and the example of that tensor.

    ``example`` is that already, or a tuple of the positional arguments or a dict of arguments by name: then ``vary``
    says which of them the network is a function of, by default the first tensor, and the others are fixed at their
    values. An exported program brings values for all of them, and then ``vary`` is enough. The model itself where
    there is nothing to choose.
    """
    given = _arguments(example)
    if example is None and vary is not None and isinstance(model, ExportedProgram):
        given, vary = _own_arguments(model, vary)
    if given is None and vary is not None:
        raise ArgumentError("vary needs an example_input of several inputs: a tuple, or a dict by their names.")
    if until is not None and output is not None:
        raise ArgumentError("until and output cannot both be given: until says where the network ends.")
    if given is None and output is None and (until is None or isinstance(model, ExportedProgram)):
        return model, example
    key: int | str = 0 if given is None else _which(given, vary)
    module = model.module(check_guards=False) if isinstance(model, ExportedProgram) else model
    rows, dtype = (0 if given is None else _rows(given[key])), float_type(module, torch.float32)
    fixed = {name: _one_sample(value, rows, dtype) for name, value in (given or {}).items() if name != key}
    if given is None and isinstance(model, ExportedProgram) and example is None:
        example = own_example(model)
    return Called(module, key, fixed, AllTensors() if until is not None else output), given[key] if given else example


def _arguments(example: Any) -> dict[int | str, Any] | None:
    """The arguments of a call by their places or names; None for an example of one tensor."""
    if isinstance(example, Mapping):
        return dict(example)
    if isinstance(example, tuple) and any(isinstance(value, (Tensor, np.ndarray)) for value in example):
        return dict(enumerate(example))
    return None


def _own_arguments(model: ExportedProgram, vary: int | str) -> tuple[dict[int | str, Any] | None, int | str]:
    """The example with which a program was exported, and which of its arguments varies, by place or by keyword."""
    if not model.example_inputs:
        return None, vary
    args, kwargs = model.example_inputs
    names = list(model.graph_signature.user_inputs)
    place = names.index(vary) if vary in names else vary
    return {**dict(enumerate(args)), **kwargs}, vary if vary in kwargs else place


def _which(given: Mapping[int | str, Any], varying: int | str | None) -> int | str:
    tensors = [name for name, value in given.items() if _is_varying(value)] or list(given)[:1]
    if varying is None and tensors:
        return tensors[0]
    if varying not in given:
        names = ", ".join(map(repr, given)) or "none"
        raise ArgumentError(f"vary must name one of the inputs in example_input, {names}; got {varying!r}.")
    return varying  # type: ignore[return-value]


def _is_varying(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point()
    return not isinstance(value, np.ndarray) or value.dtype.kind == "f"


def _rows(value: Any) -> int:
    return len(value) if getattr(value, "ndim", 0) else 0


def _one_sample(value: Any, rows: int, dtype: torch.dtype) -> Any:
    """A fixed value for a batch of one, in the model's type: of one that has a row for each of the batch, the first."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.copy())
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    value = value[:1] if value.ndim and len(value) == rows else value
    return value.to(dtype, copy=True) if value.is_floating_point() else value.clone()
