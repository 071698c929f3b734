"""The steps of compilation, in order: check what was given, capture, choose the end, translate, check the result."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import Any, TypeAlias

import torch

from ..errors import ArgumentError, CpwlError, FileFormatError, InternalError, LeftOutWarning
from ..network.check import check_network
from ..network.network import Network
from ..runtime.notices import warn
from ..storage.files import described
from ..storage.kinds import kind_of
from .check import check_translation, check_whole, resampled, rounded
from .nnet import read_nnet
from .onnx_files.pipeline import compile_onnx
from .onnx_files.reader import is_model
from .torch_models.arguments import SCRIPTED, WEIGHTS, check_model, read_example
from .torch_models.calls import as_call
from .torch_models.capture import capture, load
from .torch_models.ending import find_ending
from .torch_models.translate import in_double, translate

Compiled: TypeAlias = tuple[Network, tuple[str, ...]]
"""A network, and the operators at the original's end that were left out."""


@dataclass(frozen=True)
class Ends:
    """Where a network begins and ends: what ``cpwl.compile`` was told by ``until``, ``output`` and ``vary``."""

    until: str | None = None
    output: int | str | None = None
    vary: int | str | None = None


def compile_model(model: Any, example_input: Any, ends: Ends) -> Network:
    """See ``cpwl.compiler.compile``."""
    if isinstance(model, (str, PathLike)):
        network, dropped = _compile_file(model, example_input, ends)
    elif is_model(model):
        network, dropped = compile_onnx(model, example_input, ends.until, ends.output, ends.vary)
    else:
        network, dropped = _compile_torch(model, example_input, ends)
    _notify(dropped)
    return network


def _compile_file(path: str | PathLike[str], example_input: Any, ends: Ends) -> Compiled:
    """By the suffix of the file's name; a file may hold anything, and so anything may go wrong."""
    try:
        return _compile_by_suffix(path, example_input, ends)
    except (CpwlError, OSError):
        raise
    except MemoryError as error:
        raise FileFormatError(f"{path} is not a model that cpwl can read: {described(error)}.") from error
    except Exception as error:
        raise InternalError(
            f"{path} cannot be compiled: {described(error)}. If other programs read the file, please report it."
        ) from error


def _compile_by_suffix(path: str | PathLike[str], example_input: Any, ends: Ends) -> Compiled:
    suffix = PurePath(path).suffix.lower()
    if suffix == ".onnx":
        return compile_onnx(path, example_input, ends.until, ends.output, ends.vary)
    if suffix == ".pt2":
        return _compile_torch(load(path), example_input, ends)
    if suffix == ".nnet":
        if example_input is not None or ends != Ends():
            raise ArgumentError(
                "an .nnet file is compiled whole: example_input, until, output and vary must be left out."
            )
        return read_nnet(path), ()
    raise ArgumentError(f"model: a file must be .onnx, .pt2 or .nnet by its name, got {str(path)!r}. {_advice(path)}")


_OF_WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".pkl", ".pickle", ".h5")
_WRITE = 'torch.export.save(torch.export.export(model.eval(), (example_input,)), "model.pt2")'


def _advice(path: str | PathLike[str]) -> str:
    """What to do with a file of another kind, or of another name."""
    try:
        kind = kind_of(path)
    except OSError:  # there is no such file, and its name is wrong as well
        kind = None
    known = {
        "weights": f"It holds weights. {WEIGHTS}",
        "pickled module": "It holds a pickled module, which cpwl never unpickles: that would run its code. If you "
        f"trust it, model = torch.load(path, weights_only=False); compile the model, or export it: {_WRITE}.",
        "TorchScript": f"It is TorchScript. {SCRIPTED}",
        "partition": "It is a partition: cpwl.load reads it, and its .network is compiled already.",
        "certificate": "It looks like a certificate: cpwl check decides it.",
        "exported program": "It is an exported program: name it .pt2.",
    }
    if kind is None and PurePath(path).suffix.lower() in _OF_WEIGHTS:
        return f"cpwl reads no pickled modules. {WEIGHTS}"
    return known.get(kind or "", f"From torch, write one with {_WRITE}.")


def _compile_torch(model: Any, example_input: Any, ends: Ends) -> Compiled:
    """What the model computes does not depend on the context in which it is compiled."""
    with torch.autocast("cpu", enabled=False):
        return _compile_module(model, example_input, ends)


def _compile_module(model: Any, example_input: Any, ends: Ends) -> Compiled:
    check_model(model)
    model, example_input = as_call(model, example_input, ends.until, ends.output, ends.vary)
    until = ends.until
    sample = read_example(model, example_input)
    program = capture(model, sample, cut=until is not None)
    ending = find_ending(program, until)
    translation = translate(program, ending.target)
    check_network(translation.network)
    samples = check_translation(program, translation, sample)
    wide = in_double(program, translation)
    widened = samples if wide is translation else resampled(wide, samples)
    check_whole(model, widened, lambda: rounded(translation, samples, sample.dtype), until, ending, sample.dtype)
    return translation.network, tuple(str(node.target) for node in ending.dropped)


def _notify(dropped: tuple[str, ...]) -> None:
    for name in dropped:
        warn(
            f"{name} at the output is left out: the network ends with its input, which has the same argmax "
            "(values and level sets are those of its input).",
            LeftOutWarning,
        )
