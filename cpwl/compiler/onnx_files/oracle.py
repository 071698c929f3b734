"""The original evaluated by onnxruntime, tensor by tensor, to check the compiled network.

The model given to onnxruntime is written anew from what was read and checked: no external data, no other inputs, and
constants computed already (``refolding`` checks these). Its floating-point numbers are made float64 where onnxruntime
has all operators in float64 (it has no convolution), and float32 otherwise. Its graph optimisations are switched off:
they would replace the operators to be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import FileFormatError, MissingDependencyError, UnsupportedLayerError
from ..bounds import DOUBLE, SINGLE, Precision
from ..check import Computed, agree, check_nodes
from ..samples import sample_points
from ..torch_models.capture import first_line
from ..torch_models.environment import environment
from .folding import FLOAT_TYPES
from .graph import Entry, Graph, Operator, is_float
from .reader import onnx_module
from .translate import Translation

_TYPES = {11: np.float64, 1: np.float32}

_AT_ONCE = 1 << 24
"""Entries of the tensors that are asked for in one run."""

_IR = 8


def check_original(graph: Graph, entry: Entry, translation: Translation, example: NDArray[np.float64]) -> None:
    """``check_nodes`` against onnxruntime; ``UnsupportedLayerError`` when samples of a batch influence each other."""
    network = translation.network
    if translation.target == translation.source:
        return
    points = sample_points(network, torch.from_numpy(example.reshape(network.input_shape)))
    original = Original(graph, entry, translation)
    samples = check_nodes(network, points, original.run(points), original.precision, translation.slack)
    together = original.together(points)
    if together is not None and not agree(together, samples.output):
        raise UnsupportedLayerError(
            "model mixes the samples of a batch: what it computes for one depends on the others. "
            "Supported: models that treat each sample by itself."
        )


class Original:
    """The model, to be run on samples."""

    def __init__(self, graph: Graph, entry: Entry, translation: Translation) -> None:
        self._translation = translation
        self._batched = entry.shape is not None and entry.shape[:1] == (None,)
        dependent = graph.dependent()
        operators = tuple(o for o in graph.needed_for(translation.target) if not dependent.isdisjoint(o.outputs))
        self._makers = {name: operator for operator in operators for name in operator.outputs if name}
        places = {name: place for name, place in translation.places.items() if name in self._makers}
        self._names = sorted(places, key=places.__getitem__)
        writer = _Writer(graph, translation, operators, self._batched)
        self._type, self._session = writer.session(self._names)

    @property
    def precision(self) -> Precision:
        """Of what ``run`` yields."""
        return DOUBLE if self._type == 11 else SINGLE

    def run(self, points: Tensor) -> Iterator[Computed]:
        """All tensors that the network holds, in the order of its nodes."""
        for names in self._portions():
            runs = self._runs(names, points)
            for name, *values in zip(names, *runs, strict=True):
                stacked = torch.stack([torch.from_numpy(value).to(torch.float64) for value in values])
                yield Computed(stacked, self._translation.places[name], self._makers[name].where)

    def _runs(self, names: Sequence[str], points: Tensor) -> list[list[Any]]:
        """The tensors of these names, point by point."""
        try:
            return [self._run(names, point.reshape(self._translation.shape)) for point in points]
        except Exception as error:  # onnxruntime's errors share no class
            raise _invalid(first_line(error)) from error

    def together(self, points: Tensor) -> Tensor | None:
        """The output for all points as one batch; None for a model of one sample only."""
        if not self._batched:
            return None
        try:
            (values,) = self._run([self._translation.target], points.reshape(-1, *self._translation.shape[1:]))
        except Exception:  # whatever onnxruntime raises for a batch that the model does not take
            return None
        return torch.from_numpy(values).to(torch.float64)

    def _run(self, names: Sequence[str], points: Tensor) -> list[Any]:
        feed = {self._translation.source: points.numpy().astype(_TYPES[self._type])}
        return self._session.run(list(names), feed)  # type: ignore[no-any-return]

    def _portions(self) -> Iterator[list[str]]:
        portion: list[str] = []
        size = 0
        for name in self._names:
            portion.append(name)
            size += self._translation.network.nodes[self._translation.places[name]].size
            if size > _AT_ONCE:
                yield portion
                portion, size = [], 0
        if portion:
            yield portion


class _Writer:
    """The part of the graph that the network holds, as a model for onnxruntime."""

    def __init__(self, graph: Graph, translation: Translation, operators: tuple[Operator, ...], batched: bool) -> None:
        self._graph = graph
        self._translation = translation
        self._operators = operators
        self._batched = batched

    def session(self, names: Sequence[str]) -> tuple[int, Any]:
        """The element type, and a session that computes these tensors: float64 where onnxruntime has it."""
        onnxruntime()
        for kind in _TYPES:
            try:
                return kind, open_session(self._model(names, kind))
            except Exception as error:  # onnxruntime's errors share no class
                reason = first_line(error)
        raise _invalid(reason)

    def _model(self, names: Sequence[str], kind: int) -> bytes:
        onnx = onnx_module()
        shape: list[Any] = list(self._translation.shape)
        if self._batched:
            shape[0] = "batch"
        source = onnx.helper.make_tensor_value_info(self._translation.source, kind, shape)
        outputs = [onnx.helper.make_tensor_value_info(name, kind, None) for name in names]
        nodes = [self._node(operator, kind) for operator in self._operators]
        made = {name for operator in self._operators for name in operator.outputs}
        constants = {name: x for name, x in self._translation.constants.items() if name not in made}
        read = dict.fromkeys(name for operator in self._operators for name in operator.inputs)
        stored = [_numbers(constants[name], kind, name) for name in read if name in constants]
        graph = onnx.helper.make_graph(nodes, "original", [source], outputs, stored)
        opset = onnx.helper.make_opsetid("", self._graph.opset)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=_IR)
        return model.SerializeToString()  # type: ignore[no-any-return]

    def _node(self, operator: Operator, kind: int) -> Any:
        """The node with its floating-point constants in the given type, and without a name (it need not be unique)."""
        onnx = onnx_module()
        node = onnx.NodeProto()
        node.CopyFrom(operator.proto)
        node.ClearField("name")
        del node.attribute[:]
        for attribute in operator.proto.attribute:
            held = operator.attributes[attribute.name]
            if isinstance(held, np.ndarray):
                node.attribute.append(onnx.helper.make_attribute(attribute.name, _numbers(held, kind, "")))
            elif operator.kind == "Cast" and attribute.name == "to" and held in FLOAT_TYPES:
                node.attribute.append(onnx.helper.make_attribute("to", kind))
            else:
                node.attribute.append(attribute)
        if operator.kind == "ConstantOfShape" and "value" not in operator.attributes:
            node.attribute.append(onnx.helper.make_attribute("value", _numbers(np.zeros(1, np.float32), kind, "")))
        return node


def _invalid(reason: str) -> FileFormatError:
    return FileFormatError(f"the ONNX model is not valid: onnxruntime, which checks what is compiled, says: {reason}")


def _numbers(values: NDArray[Any], kind: int, name: str) -> Any:
    """A tensor for onnxruntime: floating-point numbers in the given type, integers as they are."""
    wanted = values.astype(_TYPES[kind]) if is_float(values) else values
    return onnx_module().numpy_helper.from_array(np.ascontiguousarray(wanted).reshape(values.shape), name)


def open_session(content: bytes) -> Any:
    """A model that onnxruntime can run, as it is written; whatever onnxruntime raises for one that it cannot run."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)


_SILENT = "ORT_DISABLE_TELEMETRY"
"""onnxruntime reads this variable of the environment once, when it is imported, and then opens no connection."""


def onnxruntime() -> Any:
    """The package; ``MissingDependencyError`` where it is not installed."""
    try:
        with environment(_SILENT, "1"):
            import onnxruntime as package
    except ImportError as error:
        raise MissingDependencyError(
            "checking a network compiled from ONNX needs the package onnxruntime: "
            'install it with pip install "cpwl[onnx]" (and -c constraints.txt).'
        ) from error
    return package
