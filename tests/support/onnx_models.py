"""ONNX models made for tests, and onnxruntime's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import cpwl
from cpwl.compiler.bounds import evaluate

FLOAT = TensorProto.FLOAT


def constant(values: Any, dtype: Any = np.float32) -> NDArray[Any]:
    """A constant input of a model."""
    return np.asarray(values, dtype)


def integers(*values: int) -> NDArray[np.int64]:
    """A list of integers as an input of a model."""
    return np.array(values, np.int64)


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Weights: few bits, so that float32 results are nearly exact."""
    return (np.random.default_rng(seed).integers(-16, 17, shape) / 8).astype(np.float32)


def model(
    nodes: Sequence[Any],
    shape: Sequence[int | str | None],
    constants: Mapping[str, NDArray[Any]] | None = None,
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    kind: int = FLOAT,
) -> onnx.ModelProto:
    """A model with the input "x" of the given shape."""
    stored = [numpy_helper.from_array(values, name) for name, values in (constants or {}).items()]
    source = helper.make_tensor_value_info("x", kind, list(shape))
    results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "test", [source], results, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def single(
    kind: str,
    shape: Sequence[int | str | None],
    *constants: NDArray[Any] | str,
    opset: int = 17,
    outputs: Sequence[str] = ("y",),
    first: str | NDArray[Any] = "x",
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one operator on x (or on what ``first`` says) and constants ("" leaves one out)."""
    given = [first, *constants]
    names = [value if isinstance(value, str) else f"c{i}" for i, value in enumerate(given)]
    stored = {name: value for name, value in zip(names, given) if not isinstance(value, str)}
    node = helper.make_node(kind, names, list(outputs), name=f"the_{kind}", **attributes)
    return model([node], shape, stored, outputs=[name for name in outputs if name][:1], opset=opset)


def session(source: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The model as it is, for onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(source.SerializeToString(), options, providers=["CPUExecutionProvider"])


def runtime(source: onnx.ModelProto, point: NDArray[Any]) -> NDArray[np.float64]:
    """The first output, computed by onnxruntime from the model as it is."""
    running = session(source)
    (entry,) = running.get_inputs()
    dtype = np.float64 if entry.type == "tensor(double)" else np.float32
    return np.asarray(running.run(None, {entry.name: np.asarray(point, dtype)})[0], np.float64)


def values(network: cpwl.Network, point: NDArray[Any]) -> NDArray[np.float64]:
    """What a compiled network computes at one point."""
    for i, result in evaluate(
        network, torch.from_numpy(np.asarray(point, np.float64)).reshape(1, *network.input_shape)
    ):
        if i == len(network.nodes) - 1:
            return result.value[0].numpy()
    raise AssertionError


def check(source: onnx.ModelProto, point: NDArray[Any] | None = None) -> cpwl.Network:
    """The compiled network, which is what onnxruntime computes; the test's own comparison, besides the library's."""
    shape = [d.dim_value or 1 for d in source.graph.input[0].type.tensor_type.shape.dim]
    network = cpwl.compile(source, point)
    for seed in range(3):
        x = np.random.default_rng(seed).integers(-24, 25, shape if point is None else point.shape) / 8
        wanted = runtime(source, x)
        np.testing.assert_allclose(values(network, x).reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-5)
        assert (network.output_shape == wanted.shape[1:]) or wanted.shape[:1] != (1,) or wanted.ndim == 1
    return network
