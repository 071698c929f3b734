"""Constants computed from constants, compared with what onnxruntime computes in the types of the file.

Operator by operator, each on the inputs that cpwl computed: so that a sum whose order differs, and with it the last
bit, is not taken for a mistake where a later operator rounds to whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import MismatchError
from .graph import Array, Graph, Operator, is_float, widened
from .oracle import open_session
from .reader import onnx_module
from .translate import Translation

_POINTWISE = frozenset(("Cos", "Exp", "Log", "Pow", "Sigmoid", "Sin", "Tanh"))
"""Operators that need not be rounded to the nearest number; each entry is one evaluation."""

_SUMS = frozenset(
    ("CumSum", "Gemm", "MatMul", "ReduceL1", "ReduceL2", "ReduceMean", "ReduceProd", "ReduceSum", "ReduceSumSquare",
     "Sum")
)  # fmt: skip
"""Operators that add or multiply many numbers, in an order of their own."""

_FEW = 16
"""Roundings of an operator beyond those of a sum."""

_LARGEST = 1 << 22
"""Entries of constants that are computed again."""

_IR = 8


def check_constants(graph: Graph, translation: Translation) -> None:
    """``MismatchError`` for the first operator on constants that onnxruntime computes differently.

    What onnxruntime does not have in the types of the file is not compared.
    """
    dependent, known = graph.dependent(), translation.constants
    operators = [
        operator
        for operator in graph.needed_for(translation.target)
        if operator.kind != "Constant"
        and dependent.isdisjoint(operator.outputs)
        and sum(known[name].size for name in (*operator.inputs, *operator.outputs) if name in known) < _LARGEST
    ]
    for operator, results in zip(operators, _computed(graph, known, operators), strict=True):
        inputs = [known[name] for name in operator.inputs if name]
        pairs = zip((name for name in operator.outputs if name), results, strict=False)
        if not all(_agree(operator.kind, inputs, known[name], result) for name, result in pairs if name in known):
            raise MismatchError(
                f"the constant computed by {operator.where} differs from that of onnxruntime: a bug, please report it."
            )


def _computed(graph: Graph, known: Any, operators: Sequence[Operator]) -> list[list[Array]]:
    """The results of each operator, empty where onnxruntime cannot compute it: all at once, or else one by one."""
    try:
        return _run(graph, known, operators)
    except Exception:  # onnxruntime's errors share no class
        if len(operators) < 2:
            return [[] for _ in operators]
    middle = len(operators) // 2
    return _computed(graph, known, operators[:middle]) + _computed(graph, known, operators[middle:])


def _run(graph: Graph, known: Any, operators: Sequence[Operator]) -> list[list[Array]]:
    if not operators:
        return []
    onnx = onnx_module()
    nodes, names = [], []
    for k, operator in enumerate(operators):
        node = onnx.NodeProto()
        node.CopyFrom(operator.proto)
        node.ClearField("name")
        results = [f"{k} {j}" if name else "" for j, name in enumerate(operator.outputs)]
        node.output[:] = results
        nodes.append(node)
        names.append([name for name in results if name])
    read = dict.fromkeys(name for operator in operators for name in operator.inputs if name)
    stored = [_stored(known[name], name) for name in read]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for group in names for name in group]
    content = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "constants", [], outputs, stored),
        opset_imports=[onnx.helper.make_opsetid("", graph.opset)],
        ir_version=_IR,
    )
    computed = iter(open_session(content.SerializeToString()).run(None, {}))
    return [[next(computed) for _ in group] for group in names]


def _stored(values: Array, name: str) -> Any:
    return onnx_module().numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)


def _agree(kind: str, inputs: Sequence[Array], own: Array, other: Array) -> bool:
    """Whether two results of an operator are the same, up to rounding where it may round in its own way."""
    if own.dtype != other.dtype or own.shape != other.shape:
        return False
    wide, other_wide = widened(own), widened(other)
    if not is_float(own) or kind not in _POINTWISE | _SUMS:
        return np.array_equal(wide, other_wide, equal_nan=is_float(own))
    terms = max(x.size for x in inputs) // max(own.size, 1) if kind in _SUMS else 0
    unit = 2.0**-23 if own.dtype == np.float32 else 2.0**-52 if own.dtype == np.float64 else 2.0**-7
    with np.errstate(all="ignore"):
        sizes = [float(np.abs(widened(x)).max(initial=0)) for x in inputs if is_float(x)]
        summed = np.prod(sizes) * (1 if kind == "ReduceMean" else terms)
        scale = np.abs(wide).max(initial=0) + summed
        return bool((np.isclose(wide, other_wide, rtol=0, atol=(terms + _FEW) * unit * scale, equal_nan=True)).all())
