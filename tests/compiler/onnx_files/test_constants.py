"""Laws of constants that an ONNX file computes: they are what its own arithmetic gives, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import cpwl
from cpwl.compiler.onnx_files import translate
from cpwl.errors import MismatchError
from cpwl.network import Dense
from tests.support.onnx_models import constant, integers, session

Nodes = list[onnx.NodeProto]
Stored = dict[str, NDArray[Any]]


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def weighted(nodes: Nodes, stored: Stored, kind: int = TensorProto.FLOAT, opset: int = 17) -> onnx.ModelProto:
    """x (1, 12) times the weight "w" that the nodes make, which is an output as well."""
    graph = helper.make_graph(
        [*nodes, node("MatMul", "x w", "y")],
        "g",
        [helper.make_tensor_value_info("x", kind, (1, 12))],
        [helper.make_tensor_value_info(name, kind, None) for name in ("y", "w")],
        [numpy_helper.from_array(values, name) for name, values in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def runtime_weight(source: onnx.ModelProto, dtype: Any) -> NDArray[np.float64]:
    """The weight that onnxruntime computes from the file as it is."""
    found = session(source).run(["w"], {"x": np.zeros((1, 12), dtype)})[0]
    return np.asarray(found, np.float64)


def compiled_weight(source: onnx.ModelProto) -> NDArray[np.float64]:
    (op,) = (n.op for n in cpwl.compile(source, until="y").nodes if isinstance(n.op, Dense))
    return op.weight.T


def weights(seed: int = 0, dtype: Any = np.float32) -> NDArray[Any]:
    return (np.random.default_rng(seed).standard_normal((12, 7)) * 0.3).astype(dtype)


STEP = constant(0.0123)
MAKES: dict[str, tuple[Nodes, Stored]] = {
    "quantise and dequantise": (
        [node("QuantizeLinear", "v s z", "q"), node("DequantizeLinear", "q s z", "w")],
        {"s": STEP, "z": np.array(3, np.uint8)},
    ),
    "dequantise": (
        [node("DequantizeLinear", "q s z", "w")],
        {"q": np.random.default_rng(1).integers(-128, 128, (12, 7)).astype(np.int8), "s": STEP,
         "z": np.array(-5, np.int8)},
    ),
    "dequantise columns": (
        [node("DequantizeLinear", "q s z", "w", axis=1)],
        {"q": np.random.default_rng(1).integers(-128, 128, (12, 7)).astype(np.int8),
         "s": np.linspace(0.01, 0.3, 7, dtype=np.float32), "z": np.arange(-3, 4, dtype=np.int8)},
    ),
    "dequantise rows of int32": (
        [node("DequantizeLinear", "q s", "w", axis=-2)],
        {"q": np.random.default_rng(1).integers(-9999, 9999, (12, 7)).astype(np.int32),
         "s": np.linspace(0.01, 0.3, 12, dtype=np.float32)},
    ),
    "round": ([node("Div", "v s", "a"), node("Round", "a", "b"), node("Mul", "b s", "w")], {"s": STEP}),
    "round by the largest": (
        [node("Abs", "v", "a"), node("ReduceMax", "a", "m"), node("Div", "m n", "s"), node("Div", "v s", "b"),
         node("Round", "b", "c"), node("Clip", "c low high", "d"), node("Mul", "d s", "w")],
        {"n": constant(127), "low": constant(-127), "high": constant(127)},
    ),
    "signs": ([node("Sign", "v", "a"), node("Mul", "a s", "w")], {"s": STEP}),
    "integers": (
        [node("Cast", "q", "a", to=TensorProto.FLOAT), node("Mul", "a s", "w")],
        {"q": np.random.default_rng(1).integers(-128, 128, (12, 7)).astype(np.int8), "s": STEP},
    ),
    "to integers and back": (
        [node("Div", "v s", "a"), node("Cast", "a", "b", to=TensorProto.INT32),
         node("Cast", "b", "c", to=TensorProto.FLOAT), node("Mul", "c s", "w")],
        {"s": STEP},
    ),
    "to half and back": (
        [node("Cast", "v", "a", to=TensorProto.FLOAT16), node("Cast", "a", "w", to=TensorProto.FLOAT)], {},
    ),
    "a mask": (
        [node("Abs", "v", "a"), node("Greater", "a s", "m"), node("Where", "m v z", "w")],
        {"s": constant(0.2), "z": constant(0)},
    ),
    "rectified": ([node("LeakyRelu", "v", "a", alpha=0.1), node("Relu", "v", "b"), node("Sub", "a b", "w")], {}),
    "floor": ([node("Div", "v s", "a"), node("Floor", "a", "b"), node("Ceil", "a", "c"), node("Add", "b c", "w")],
              {"s": STEP}),
    "constants in nodes": (
        [node("Constant", "", "s", value_float=0.1), node("Mul", "v s", "a"),
         node("Constant", "", "t", value_floats=[0.1] * 7), node("Add", "a t", "w")], {},
    ),
    "filled": (
        [node("ConstantOfShape", "shape", "c", value=numpy_helper.from_array(STEP.reshape(1))),
         node("Add", "v c", "w")],
        {"shape": integers(12, 7)},
    ),
    "a range": ([node("Range", "a b c", "r"), node("Mul", "v r", "w")],
                {"a": constant(0.1), "b": constant(0.75), "c": constant(0.1)}),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKES)
def test_a_computed_weight_is_what_the_file_computes(name: str) -> None:
    nodes, stored = MAKES[name]
    for seed in range(3):
        read = {"v": weights(seed)} if any("v" in n.input for n in nodes) else {}
        source = weighted(nodes, {**read, **stored})
        assert np.array_equal(compiled_weight(source), runtime_weight(source, np.float32))


SUMS: dict[str, Nodes] = {
    "weight norm": [node("ReduceL2", "v", "n", axes=[0], keepdims=1), node("Div", "v n", "w")],
    "centred": [node("ReduceMean", "v", "m", axes=[0], keepdims=1), node("Sub", "v m", "w")],
    "matrix product": [node("Transpose", "v", "t"), node("MatMul", "t v", "g"), node("MatMul", "v g", "w")],
    "gemm": [node("Gemm", "v v", "g", alpha=0.3, transA=1), node("MatMul", "v g", "w")],
    "exponentials": [node("Exp", "v", "a"), node("Tanh", "a", "b"), node("Sigmoid", "b", "w")],
    "powers": [node("Abs", "v", "a"), node("Pow", "a e", "w")],
    "running sums": [node("CumSum", "v i", "w", reverse=1, exclusive=1)],
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_agree_up_to_their_order(name: str, dtype: Any) -> None:
    """In float64, so that what rounding explains is far below what float32 would lose."""
    kind = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
    extra = {"e": np.array(1.5, dtype)} if name == "powers" else {"i": np.array(1)} if "running" in name else {}
    source = weighted(SUMS[name], {"v": weights(0, dtype), **extra}, kind, opset=13)
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(compiled_weight(source), runtime_weight(source, dtype), rtol=rtol, atol=rtol)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["Div", "Round", "Mul", "Floor", "Sqrt", "Sign", "Neg", "Clip"]), max_size=6),
       st.integers(0, 99), st.sampled_from([np.float32, np.float64]))  # fmt: skip
def test_any_chain_of_operators_gives_the_files_own_weight(kinds: list[str], seed: int, dtype: Any) -> None:
    stored = {"v": weights(seed, dtype), "s": np.array(0.0123 * (seed % 7 + 1), dtype), "low": np.array(-5, dtype)}
    nodes, last = [], "v"
    for i, kind in enumerate(kinds):
        if kind == "Sqrt":
            nodes.append(node("Abs", last, f"abs{i}"))
            last = f"abs{i}"
        second = {"Div": " s", "Mul": " s", "Clip": " low"}.get(kind, "")
        nodes.append(node(kind, last + second, f"h{i}"))
        last = f"h{i}"
    nodes.append(node("Identity", last, "w"))
    source = weighted(nodes, stored, TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE)
    assert np.array_equal(compiled_weight(source), runtime_weight(source, dtype))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_half_precision_is_rounded_after_every_operator(kind: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    v, step = weights().astype(dtype), np.array(0.1, dtype)
    wanted = np.rint(v / step) * step + v * v
    nodes = [node("Div", "v s", "a"), node("Round", "a", "b"), node("Mul", "b s", "c"), node("Mul", "v v", "d"),
             node("Add", "c d", "w")]  # fmt: skip
    assert np.array_equal(compiled_weight(weighted(nodes, {"v": v, "s": step}, kind)), wanted.astype(np.float64))


def test_a_constant_in_a_network_with_convolutions_is_the_files_own() -> None:
    """onnxruntime checks such networks in float32 alone."""
    stored = {"k": weights()[:, :4].reshape(3, 4, 2, 2).astype(np.float32), "s": STEP}
    nodes = [node("Div", "k s", "a"), node("Round", "a", "b"), node("Mul", "b s", "w"), node("Conv", "x w", "y")]
    source = helper.make_model(
        helper.make_graph(
            nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 5, 5))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "w")],
            [numpy_helper.from_array(values, name) for name, values in stored.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    wanted = session(source).run(["w"], {"x": np.zeros((1, 4, 5, 5), np.float32)})[0]
    assert np.array_equal(cpwl.compile(source, until="y").nodes[-1].op.weight, wanted)


PLANTED: dict[str, Callable[..., Any]] = {
    "Round": lambda x: np.trunc(x),
    "Div": lambda x, y: np.asarray(x / y * (1 + 1e-6), x.dtype),
    "Sign": lambda x: np.sign(x) + (x == 0),
    "ReduceMean": lambda x: np.mean(x) * 1.001,
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_constant_that_is_computed_wrongly_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("ReduceMean", "v", "m", keepdims=0), node("Div", "v m", "a"), node("Round", "a", "b"),
             node("Sign", "b", "w")]  # fmt: skip

    def wrong(call: Any) -> Any:
        return np.asarray(PLANTED[kind](*(call.needed(i) for i in range(len(call.inputs)))), np.float32)

    monkeypatch.setitem(translate._CONSTANT, kind, wrong)  # type: ignore[arg-type]
    with pytest.raises(MismatchError, match=rf"the constant computed by the {kind} node"):
        cpwl.compile(weighted(nodes, {"v": weights()}), until="y")
