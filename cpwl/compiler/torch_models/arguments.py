"""What the user passes to the compiler, checked: the model and the example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.nn.modules.lazy import LazyModuleMixin

from ...errors import ArgumentError, ShapeError, UnsupportedLayerError
from .program import module_path, name_of, user_input


def check_model(model: Any) -> None:
    """Raises ``ArgumentError`` unless the model is a module, or an exported program, in eval mode."""
    if isinstance(model, ExportedProgram):
        _check_exported(model)
        return
    if isinstance(model, torch.jit.ScriptModule):
        raise ArgumentError(f"model is a TorchScript module, which torch.export does not take. {SCRIPTED}")
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        advice = f" {WEIGHTS}" if isinstance(model, Mapping) else ""
        raise ArgumentError(
            "model must be a torch.nn.Module, a torch.export.ExportedProgram, an onnx.ModelProto or the path of a file "
            f"(.onnx, .pt2, .nnet), got {kind}.{advice}"
        )
    for name, module in model.named_modules():
        _check_module(f"submodule {name!r} ({type(module).__name__})" if name else "model", module)
    training = next((name for name, module in model.named_modules() if module.training), None)
    if training is not None:
        which = f"submodule {training!r}" if training else "it"
        raise ArgumentError(f"model must be in eval mode, but {which} is in train mode: call model.eval() first.")


def _check_module(where: str, module: nn.Module) -> None:
    """Raises an error for a module that has no numbers yet, or that rounds what goes through it."""
    if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
        raise ArgumentError(f"{where} is lazy and has no weights yet: call the model once on a batch, then compile it.")
    if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
        raise ArgumentError(f"{where} is on the meta device and holds no numbers: load its weights first.")
    if type(module).__module__.startswith(_QUANTISED):
        raise UnsupportedLayerError(
            f"{where} is quantised: it rounds its input, so that its value jumps. Compile the model before it was "
            "converted, or one whose weights are the dequantised ones."
        )


_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.nn.quantized")

WEIGHTS = (
    "Weights alone are no network: build the module, load them with module.load_state_dict(torch.load(path, "
    "weights_only=True)), call module.eval(), and compile the module with an example input."
)
SCRIPTED = "Compile the module that it was made of, or export it with torch.onnx.export and compile the .onnx file."


def _check_exported(model: ExportedProgram) -> None:
    training = next((node for node in model.graph.nodes if _trains(node)), None)
    if training is not None:
        raise ArgumentError(
            f"model was exported in train mode: {name_of(training)} of layer {module_path(training)!r} trains. "
            "Call model.eval() before torch.export.export."
        )


def _trains(node: fx.Node) -> bool:
    """Whether an operator was told to behave as in training; batch norm without statistics always does."""
    schema = getattr(node.target, "_schema", None)
    given = dict(zip((arg.name for arg in schema.arguments), node.args, strict=False)) if schema else {}
    told = any(given.get(name) is True for name in ("training", "train", "use_input_stats"))
    return told and given.get("running_mean", node) is not None


def read_example(model: Any, example: Any) -> Tensor:
    """The first sample of the example, a batch of one on the CPU in the model's floating-point type."""
    if example is None:
        example = own_example(model)
    try:
        tensor = torch.as_tensor(example).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"example_input must be an array of numbers, got {type(example).__name__}.") from error
    if not tensor.is_floating_point():
        raise ArgumentError(f"example_input must hold real floating-point numbers, got {tensor.dtype}: convert it.")
    if tensor.ndim < 2 or not tensor.numel():
        raise ShapeError(f"example_input must be one batch, (B, *shape) with B >= 1, got shape {tuple(tensor.shape)}.")
    sample = tensor[:1].to(float_type(model, tensor.dtype)).clone()
    if not sample.isfinite().all():
        raise ArgumentError(f"example_input must be finite (as {sample.dtype}), got NaN or an infinity.")
    return sample


def batch_of(exported: ExportedProgram, sample: Tensor) -> Any:
    """The program's batch size (an int, or a symbol); ``ShapeError`` when a fixed size differs from the sample's."""
    shape = user_input(exported).meta["val"].shape
    pairs = zip(shape[1:], sample.shape[1:], strict=False)
    if len(shape) != sample.ndim or any(isinstance(wanted, int) and wanted != size for wanted, size in pairs):
        raise ShapeError(
            f"example_input must be a batch of shape {tuple(shape)}, got one of {tuple(sample.shape[1:])}."
        )
    return shape[0]


def own_example(model: Any) -> Any:
    """The example input that an exported program brings; ``ArgumentError`` where there is none."""
    inputs = model.example_inputs if isinstance(model, ExportedProgram) else None
    if not inputs or not inputs[0]:
        raise ArgumentError("example_input is needed: one batch, (B, *shape), as the model takes it.")
    return inputs[0][0]


def float_type(model: Any, default: torch.dtype) -> torch.dtype:
    """The model's own floating-point type: that of its input when it says so, or of its first parameter."""
    if isinstance(model, ExportedProgram):
        dtype: torch.dtype = user_input(model).meta["val"].dtype
        if not dtype.is_floating_point:
            raise ArgumentError(f"model must take real floating-point numbers, but was exported for {dtype}.")
        return dtype
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), default)
