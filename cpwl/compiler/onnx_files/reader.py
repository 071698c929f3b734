"""From an ONNX file, which nobody vouches for, to a ``Graph``: every size is checked before anything is allocated."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from ...errors import CpwlError, FileFormatError, MissingDependencyError, UnsupportedLayerError
from ...storage.files import content_of, described
from .external import read_external
from .graph import Array, Entry, Graph, Operator

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

LARGEST_FILE = 2**31 - 1
"""Bytes: more cannot be one protobuf message."""

MOST_NUMBERS = 1 << 29
"""All stored numbers of a model together; each takes eight bytes in the network."""

_OWN_DOMAIN = ("", "ai.onnx")

_OLDEST_OPSET = 7
"""From here on operators broadcast as numpy does, and tell inference from training by themselves."""

_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes of a number by ``TensorProto.DataType``: float and double, integers, bool, float16 and bfloat16."""

_FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
"""Where numbers lie that are not raw bytes; all other types in int32_data."""

_KINDS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}


def onnx_module() -> Any:
    """The onnx package; ``MissingDependencyError`` where it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            "reading an ONNX model needs the packages onnx and onnxruntime: "
            'install them with pip install "cpwl[onnx]" (and -c constraints.txt).'
        ) from error
    return onnx


def is_model(value: Any) -> TypeGuard[ModelProto]:
    """Whether a value is an ``onnx.ModelProto``, without importing onnx."""
    onnx = sys.modules.get("onnx")
    return onnx is not None and isinstance(value, onnx.ModelProto)


def read_graph(source: str | os.PathLike[str] | ModelProto) -> Graph:
    """The graph of a file or of a model in memory.

    ``FileFormatError`` for what is no well-formed ONNX model, ``UnsupportedLayerError`` for sparse initializers and
    operator sets that are too old or too new.
    """
    if is_model(source):
        return _read("model", lambda: source, None)
    path = Path(source)
    return _read(str(path), lambda: _parse(path), path.resolve().parent)


def _read(where: str, parse: Callable[[], ModelProto], folder: Path | None) -> Graph:
    try:
        return _Reader(parse(), folder).graph()
    except FileFormatError as error:
        raise FileFormatError(f"{where} is not an ONNX model that cpwl can read: {error}") from error
    except (CpwlError, OSError):
        raise
    except Exception as error:  # onnx and numpy raise errors of many kinds
        raise FileFormatError(f"{where} is not an ONNX model that cpwl can read: {described(error)}.") from error


def _parse(path: Path) -> ModelProto:
    onnx = onnx_module()
    content = content_of(path, LARGEST_FILE)
    if len(content) > LARGEST_FILE:
        raise FileFormatError("it has more than 2 GiB, more than one protobuf message holds.")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's errors have a different class in each of its implementations
        raise FileFormatError("it is no protobuf message.") from error
    return model  # type: ignore[no-any-return]


class _Reader:
    """The parts of one model, checked one after the other."""

    def __init__(self, model: ModelProto, folder: Path | None) -> None:
        self._model = model
        self._graph: GraphProto = model.graph
        self._folder = folder
        self._left = MOST_NUMBERS

    def graph(self) -> Graph:
        if not self._graph.node and not self._graph.output:
            raise FileFormatError("it holds no graph.")
        opset = _opset(self._model)
        if self._graph.sparse_initializer:
            raise UnsupportedLayerError("the ONNX model has sparse initializers: store them as dense ones.")
        constants: dict[str, Array] = {}
        for tensor in self._graph.initializer:
            if not _text(tensor.name) or tensor.name in constants:
                raise FileFormatError(f"initializer {tensor.name!r} is given twice, or has no name.")
            constants[tensor.name] = self.numbers(tensor, f"initializer {tensor.name!r}")
        entries = [_entry(value) for value in self._graph.input if value.name not in constants]
        inputs = {entry.name: entry for entry in entries}
        if len(inputs) < len(entries) or "" in inputs:
            raise FileFormatError("an input is given twice, or has no name.")
        operators = tuple(self._operator(node) for node in self._graph.node)
        outputs = tuple(_text(value.name) for value in self._graph.output)
        return Graph(_ordered(operators, (*inputs, *constants), outputs), constants, inputs, outputs, opset)

    def _operator(self, node: NodeProto) -> Operator:
        outputs = tuple(map(_text, node.output))
        if not any(outputs):
            raise FileFormatError(f"a {node.op_type[:40]!r} node has no output.")
        inputs = tuple(map(_text, node.input))
        operator = Operator(_kind(node), _text(node.name), inputs, outputs, {}, node)
        attributes: dict[str, Any] = {}
        for attribute in node.attribute:
            if _text(attribute.name) in attributes or not attribute.type:
                raise FileFormatError(
                    f"attribute {attribute.name!r} of {operator.where} is given twice or has no type."
                )
            attributes[attribute.name] = self._attribute(attribute, operator)
        return replace(operator, attributes=attributes, captured=tuple(_captured(node)))

    def _attribute(self, attribute: AttributeProto, operator: Operator) -> Any:
        """Its value; None for graphs, lists of texts and the like, which no supported operator has."""
        if attribute.type == 4:
            return self.numbers(attribute.t, f"attribute {attribute.name!r} of {operator.where}")
        read = _ATTRIBUTES.get(attribute.type)
        return None if read is None else read(attribute)

    def numbers(self, tensor: TensorProto, where: str) -> Array:
        """The stored numbers, in their own type."""
        try:
            return self._numbers(tensor)
        except FileFormatError as error:
            raise FileFormatError(f"{where}: {error}.") from None

    def _numbers(self, tensor: TensorProto) -> Array:
        if tensor.data_type not in _BYTES:
            raise FileFormatError(f"it has element type {tensor.data_type}, which holds no plain numbers")
        if any(d < 0 for d in tensor.dims):
            raise FileFormatError(f"it has a negative dimension: {list(tensor.dims)[:8]}")
        count = prod(tensor.dims)
        self._left -= count
        if self._left < 0:
            raise FileFormatError(f"the model stores more than {MOST_NUMBERS} numbers")
        tensor = self._inside(tensor, count * _BYTES[tensor.data_type])
        _check_count(tensor, count)
        values: Array = onnx_module().numpy_helper.to_array(tensor)
        return values.copy()

    def _inside(self, tensor: TensorProto, size: int) -> TensorProto:
        """The tensor with its data in it."""
        if tensor.data_location != 1:
            return tensor
        entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
        inside = type(tensor)(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
        inside.raw_data = read_external(self._folder, entries, size)
        return inside


_ATTRIBUTES: dict[int, Callable[[Any], Any]] = {
    1: lambda a: float(a.f),
    2: lambda a: int(a.i),
    3: lambda a: a.s.decode("utf-8", "replace"),
    6: lambda a: [float(x) for x in a.floats],
    7: lambda a: [int(x) for x in a.ints],
}
"""The value of an attribute by its type, tensors excepted."""


def _captured(node: NodeProto) -> Iterator[str]:
    """The names that the graphs inside a node read and do not make themselves."""
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.type == 5 else ())):
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own |= {name for inner in graph.node for name in inner.output}
            read = (name for inner in graph.node for name in (*inner.input, *_captured(inner)))
            outer = (*read, *(value.name for value in graph.output))
            yield from dict.fromkeys(_text(name) for name in outer if name and name not in own)


def _check_count(tensor: TensorProto, count: int) -> None:
    """The tensor holds as many numbers as its shape has places."""
    raw = len(tensor.raw_data)
    field = _FIELDS.get(tensor.data_type, "int32_data")
    held = raw / _BYTES[tensor.data_type] if raw else len(getattr(tensor, field))
    if held != count:
        raise FileFormatError(f"its shape {list(tensor.dims)[:8]} needs {count} numbers, but it holds {held:g}")


def _opset(model: ModelProto) -> int:
    """The version of ONNX's own operators."""
    versions = list({entry.version for entry in model.opset_import if entry.domain in _OWN_DOMAIN})
    newest = onnx_module().defs.onnx_opset_version()
    if len(versions) != 1:
        raise FileFormatError(f"it must name one version of ONNX's operators, but names {len(versions)}.")
    if not _OLDEST_OPSET <= versions[0] <= newest:
        raise UnsupportedLayerError(
            f"the ONNX model uses operator set {versions[0]}; supported are {_OLDEST_OPSET} to {newest}. "
            "Convert it with onnx.version_converter.convert_version(model, 13)."
        )
    return int(versions[0])


def _entry(value: ValueInfoProto) -> Entry:
    tensor = value.type.tensor_type
    kind = _KINDS.get(tensor.elem_type, f"element type {tensor.elem_type}")
    shape = tuple(_length(d) for d in tensor.shape.dim) if tensor.HasField("shape") else None
    return Entry(_text(value.name), kind, shape)


def _kind(node: NodeProto) -> str:
    """The name of the operator, with its domain when that is not ONNX's own."""
    domain = _text(node.domain)
    return _text(node.op_type) if domain in _OWN_DOMAIN else f"{domain}.{_text(node.op_type)}"


def _text(value: str | bytes) -> str:
    """A text of the file; protobuf hands out bytes where it is not UTF-8."""
    if isinstance(value, bytes):
        raise FileFormatError(f"it holds a text that is not UTF-8: {value[:40]!r}.")
    return value


def _length(dimension: Any) -> int | None:
    """A fixed length; None where it is a symbol or left open (0 or less, as some exporters write)."""
    fixed = dimension.WhichOneof("value") == "dim_value" and dimension.dim_value > 0
    return int(dimension.dim_value) if fixed else None


def _ordered(operators: Sequence[Operator], given: Iterable[str], outputs: tuple[str, ...]) -> tuple[Operator, ...]:
    """The operators in an order in which every tensor is made, once, before it is read: there are no cycles.

    The order of the file where that is one.
    """
    known = {"", *given}
    makers: dict[str, Operator] = {}
    for operator in operators:
        for name in _results(operator):
            if name in known or name in makers:
                raise FileFormatError(f"{operator.where} makes {name!r}, a name that is given already.")
            makers[name] = operator
    if not outputs:
        raise FileFormatError("it has no output.")
    lost = next((name for name in outputs if not name or name not in known | makers.keys()), None)
    if lost is not None:
        raise FileFormatError(f"its output {lost!r} is computed by no node.")
    _check_given(operators, known | makers.keys())
    place = {id(operator): i for i, operator in enumerate(operators)}
    before = [{place[id(makers[name])] for name in operator.read if name in makers} for operator in operators]
    if all(max(read, default=-1) < i for i, read in enumerate(before)):
        return tuple(operators)
    try:
        return tuple(operators[i] for i in TopologicalSorter(dict(enumerate(before))).static_order())
    except CycleError as error:
        names = ", ".join(operators[i].where for i in error.args[1][:4])
        raise FileFormatError(f"its nodes read each other's results, in a circle: {names}.") from None


def _check_given(operators: Iterable[Operator], known: Collection[str]) -> None:
    for operator in operators:
        missing = next((name for name in operator.inputs if name not in known), None)
        if missing is not None:
            raise FileFormatError(
                f"{operator.where} reads {missing!r}, which is no input, no initializer and no result of a node."
            )


def _results(operator: Operator) -> Iterator[str]:
    seen: set[str] = set()
    for name in filter(None, operator.outputs):
        if name in seen:
            raise FileFormatError(f"{operator.where} makes {name!r} twice.")
        seen.add(name)
        yield name
