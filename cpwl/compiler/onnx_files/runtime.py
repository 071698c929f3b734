"""An ONNX file run by onnxruntime as users run it: in its own types, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError
from ..torch_models.capture import first_line
from .oracle import onnxruntime


def runner(path: str | PathLike[str]) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """What computes the first output of the model in a file for inputs (M, ...), one sample after the other.

    Axes of any length are taken as 1. Raises ``ArgumentError`` where onnxruntime does not run the model.
    """
    package = onnxruntime()
    options = package.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = package.InferenceSession(fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no class
        raise ArgumentError(f"onnxruntime does not open {fspath(path)}: {first_line(error)}") from error
    source = session.get_inputs()[0]
    shape = [n if isinstance(n, int) and n > 0 else 1 for n in source.shape]
    target = session.get_outputs()[0].name

    def run(inputs: NDArray[np.float32]) -> NDArray[Any]:
        try:
            return np.stack([session.run([target], {source.name: x.reshape(shape)})[0].ravel() for x in inputs])
        except Exception as error:  # onnxruntime's errors share no class
            raise ArgumentError(f"onnxruntime does not run {fspath(path)}: {first_line(error)}") from error

    return run
