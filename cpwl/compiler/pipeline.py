"""The steps of compilation, in order: check what was given, capture, choose the end, translate, check the result."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import PurePath
from typing import Any, TypeAlias

from ..errors import ArgumentError
from ..network import Network
from ..network_check import check_network
from .arguments import check_model, read_example
from .capture import capture, load
from .check import check_translation, check_whole
from .ending import find_ending
from .nnet import read_nnet
from .onnx_files.pipeline import compile_onnx
from .onnx_files.reader import is_model
from .translate import translate

Compiled: TypeAlias = tuple[Network, tuple[str, ...]]
"""A network, and the operators at the original's end that were left out."""


def compile_model(model: Any, example_input: Any, until: str | None) -> Network:
    """See ``cpwl.compiler.compile``."""
    if isinstance(model, (str, PathLike)):
        network, dropped = _compile_file(model, example_input, until)
    elif is_model(model):
        network, dropped = compile_onnx(model, example_input, until)
    else:
        network, dropped = _compile_torch(model, example_input, until)
    _notify(dropped)
    return network


def _compile_file(path: str | PathLike[str], example_input: Any, until: str | None) -> Compiled:
    """By the suffix of the file's name."""
    suffix = PurePath(path).suffix.lower()
    if suffix == ".onnx":
        return compile_onnx(path, example_input, until)
    if suffix == ".pt2":
        return _compile_torch(load(path), example_input, until)
    if suffix == ".nnet":
        if example_input is not None or until is not None:
            raise ArgumentError("an .nnet file is compiled whole: example_input and until must be left out.")
        return read_nnet(path), ()
    raise ArgumentError(f"model: a file must be .onnx, .pt2 or .nnet by its name, got {str(path)!r}.")


def _compile_torch(model: Any, example_input: Any, until: str | None) -> Compiled:
    check_model(model)
    sample = read_example(model, example_input)
    program = capture(model, sample)
    ending = find_ending(program, until)
    translation = translate(program, ending.target)
    check_network(translation.network)
    samples = check_translation(program, translation, sample)
    check_whole(model, samples, until, ending)
    return translation.network, tuple(str(node.target) for node in ending.dropped)


def _notify(dropped: tuple[str, ...]) -> None:
    for name in dropped:
        warnings.warn(
            f"{name} at the output is left out: the network ends with its input, which has the same argmax "
            "(values and level sets are those of its input).",
            stacklevel=5,
        )
