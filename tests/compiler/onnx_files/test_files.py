"""An ONNX file is untrusted: whatever it holds, the answer is a network or a named error, and no other file is read."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cpwl
from cpwl.compiler.onnx_files import oracle, reader
from cpwl.errors import (
    ArgumentError,
    FileFormatError,
    MismatchError,
    MissingDependencyError,
    ShapeError,
    UnsupportedLayerError,
)
from tests.support import fuzz_onnx
from tests.support.onnx_models import FLOAT, check, integers, model, random, single, values

Nodes = list[onnx.NodeProto]


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), name=f"the_{kind}", **attributes)


def perceptron() -> onnx.ModelProto:
    nodes = [node("Gemm", "x w b", "h"), node("Relu", "h", "r"), node("Gemm", "r v", "y")]
    return model(nodes, ("N", 3), {"w": random(3, 4), "b": random(4), "v": random(4, 2)})


def graph_of(source: onnx.ModelProto) -> onnx.GraphProto:
    return source.graph


# ---- what is taken -------------------------------------------------------------------------------------------------
def test_a_file_and_a_model_in_memory_are_the_same_network(tmp_path: Path) -> None:
    onnx.save(perceptron(), tmp_path / "model.onnx")
    one, other = cpwl.compile(tmp_path / "model.onnx"), cpwl.compile(perceptron())
    x = np.arange(3.0)
    assert one.input_shape == (3,) and np.array_equal(values(one, x), values(other, x))
    assert np.array_equal(values(cpwl.compile(str(tmp_path / "model.onnx")), x), values(other, x))


def test_an_exported_program_file_is_taken_by_its_name(tmp_path: Path) -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 2),)), tmp_path / "model.pt2")
    assert cpwl.compile(tmp_path / "model.pt2").units == 3


def test_a_pickle_in_an_exported_program_is_not_run(tmp_path: Path) -> None:
    import torch

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "attacked"),)

    module = torch.nn.Linear(2, 3).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 2),)), tmp_path / "good.pt2")
    pickled = io.BytesIO()
    torch.save((Attack(),), pickled)
    with zipfile.ZipFile(tmp_path / "good.pt2") as good, zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad:
        assert any("sample_inputs" in name for name in good.namelist())
        for name in good.namelist():
            bad.writestr(name, pickled.getvalue() if "sample_inputs" in name else good.read(name))
    with pytest.raises(FileFormatError):
        cpwl.compile(tmp_path / "bad.pt2")
    assert not (tmp_path / "attacked").exists() and "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"\.onnx, \.pt2 or \.nnet"):
        cpwl.compile(tmp_path / "model.h5")


def test_the_example_fixes_axes_of_any_length() -> None:
    source = model([node("Flatten", "x", "y")], ("N", "height", 3))
    with pytest.raises(ShapeError, match=r"example_input is needed.*\(any, any, 3\)"):
        cpwl.compile(source)
    assert check(source, np.zeros((1, 2, 3))).input_shape == (2, 3)
    with pytest.raises(ShapeError, match=r"must have the shape \(any, any, 3\), got \(1, 2, 4\)"):
        cpwl.compile(source, np.zeros((1, 2, 4)))


def test_an_example_may_be_a_batch() -> None:
    assert cpwl.compile(perceptron(), np.ones((7, 3))).input_shape == (3,)


def test_a_fixed_batch_is_one_input() -> None:
    assert check(single("Relu", (2, 3))).input_shape == (2, 3)


@pytest.mark.parametrize("example", [[], [[float("nan")] * 3], "text", object()])
def test_an_example_that_makes_no_sense_is_refused(example: Any) -> None:
    with pytest.raises(ArgumentError, match="example_input"):
        cpwl.compile(perceptron(), example)


# ---- until ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("until", "outputs"), [("h", 4), ("r", 4), ("the_Relu", 4), ("y", 2), ("x", 3)])
def test_until_names_a_tensor_or_a_node(until: str, outputs: int) -> None:
    assert cpwl.compile(perceptron(), until=until).outputs == outputs


@pytest.mark.parametrize("until", ["the_Gemm", "nowhere", "w"])
def test_until_must_name_one_place(until: str) -> None:
    with pytest.raises(ArgumentError, match="until must name"):
        cpwl.compile(perceptron(), until=until)


def test_one_of_several_outputs_is_chosen() -> None:
    source = model([node("Relu", "x", "a"), node("Neg", "x", "b")], (1, 3), outputs=("a", "b"))
    with pytest.raises(ArgumentError, match="2 outputs: choose one by output= or until=, one of 'a', 'b'"):
        cpwl.compile(source)
    assert cpwl.compile(source, until="b").units == 0


def test_only_the_inputs_that_are_needed_count() -> None:
    source = model([node("Relu", "x", "a"), node("Add", "a z", "b")], (1, 3), outputs=("b", "a"))
    source.graph.input.append(helper.make_tensor_value_info("z", FLOAT, (1, 3)))
    assert cpwl.compile(source, until="a").inputs == 3
    with pytest.raises(ArgumentError, match="one tensor, but 'b' is computed from 'x', 'z'"):
        cpwl.compile(source, until="b")


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_a_softmax_at_the_output_is_left_out_with_a_notice(kind: str) -> None:
    nodes = [node("MatMul", "x w", "h"), node(kind, "h", "p"), node("Identity", "p", "y")]
    with pytest.warns(UserWarning, match=f"{kind} at the output is left out"):
        network = cpwl.compile(model(nodes, (1, 3), {"w": random(3, 2)}))
    assert network.outputs == 2 and network.units == 0


def test_a_softmax_over_the_batch_is_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="batch axis"):
        cpwl.compile(single("Softmax", (1, 3), axis=0))


def test_a_softmax_inside_is_refused_by_name() -> None:
    nodes = [node("Softmax", "x", "p"), node("MatMul", "p w", "y")]
    with pytest.raises(UnsupportedLayerError, match=r"node 'the_Softmax' \(Softmax\): .*Use until='x', the tensor"):
        cpwl.compile(model(nodes, (1, 3), {"w": random(3, 2)}))


def test_a_model_that_mixes_the_samples_of_a_batch_is_refused() -> None:
    nodes = [node("ReduceMean", "x", "m", axes=[0]), node("Sub", "x m", "y")]
    with pytest.raises(UnsupportedLayerError, match="mixes the samples"):
        cpwl.compile(model(nodes, ("N", 3), opset=13))


# ---- what is refused -----------------------------------------------------------------------------------------------
REFUSED: dict[str, tuple[onnx.ModelProto, str]] = {
    "a product of two tensors": (model([node("Mul", "x x", "y")], (1, 3)), "product of two tensors"),
    "tanh": (single("Tanh", (1, 3)), r"'the_Tanh' \(Tanh\): it is curved.*until='x'.*docs/onnx\.md"),
    "a threshold": (single("ThresholdedRelu", (1, 3)), "ThresholdedRelu"),
    "a discontinuous shrink": (single("Shrink", (1, 3)), "not continuous"),
    "instance norm": (single("InstanceNormalization", (1, 3, 4), random(3), random(3)), "InstanceNormalization"),
    "argmax": (single("ArgMax", (1, 3)), r"ArgMax.*until='x'"),
    "a cast that rounds": (single("Cast", (1, 3), to=TensorProto.INT64), "rounds"),
    "weights that depend on the input": (
        model([node("Conv", "x x", "y")], (1, 1, 3, 3)), "its input 1 depends on the network's input",
    ),
    "batch norm in training": (
        single("BatchNormalization", (1, 2), *[random(2) ** 2 + 1] * 4, training_mode=1, outputs=("y", "m", "v")),
        "only batch norm in inference",
    ),
    "dropout in training": (
        single("Dropout", (1, 2), np.float32(0.5).reshape(()), np.array(True)), "as in training",
    ),
    "a division by the input": (single("Div", (1, 2), "x", first=random(2)), "division by a tensor"),
    "a division by zero": (single("Div", (1, 2), np.zeros(2, np.float32)), "divides by zero"),
    "an infinite weight": (single("MatMul", (1, 1), np.array([[np.inf]], np.float32)), "NaN or infinite"),
    "an old operator set": (single("Relu", (1, 2), opset=6), "operator set 6; supported are 7"),
    "a future operator set": (single("Relu", (1, 2), opset=1000), "operator set 1000"),
    "a result that is too large": (single("Tile", (1, 9), integers(2**30, 2**30)), "more than 16777216 entries"),
    "a constant that is too large": (
        model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], (1, 3), {"s": integers(2**40, 9)}),
        "entries",
    ),
    "an input that is too large": (single("Relu", (1, 2**40)), "more than 16777216 entries"),
    "tensors that are too large together": (
        model([node("Concat", f"{a} {a}", b, axis=1) for a, b in zip(["x", *"abcdefgh"], [*"abcdefgh", "y"])],
              (1, 2**18)),
        "entries",
    ),
    "a resized axis that is too long": (
        single("Resize", (1, 1, 2**17), "", "", integers(1, 1, 2**18)), "an axis of length 262144 is longer",
    ),
    "more windows than can be listed": (
        single("MaxPool", (1, 1, 2**21), kernel_shape=[2]), "an axis longer than 1048576",
    ),
    "a transposed convolution with gaps at its end": (
        single("ConvTranspose", (1, 1, 3), random(1, 1, 2), strides=[5], auto_pad="SAME_UPPER"), "than what the kernel",
    ),
    "a sum that grows": (single("Add", (1, 2**14), random(2**14, 1)), "entries"),
    "a padding that is too wide": (single("Pad", (1, 3), integers(0, 2**40, 0, 0)), "entries"),
    "an operator of another domain": (
        model([helper.make_node("Relu", ["x"], ["y"], domain="com.microsoft")], (1, 3)),
        r"the com\.microsoft\.Relu node of tensor 'y': it is not one of the operators",
    ),
    "a text constant": (
        model([helper.make_node("Constant", [], ["c"], value_string="a"), node("Add", "x c", "y")], (1, 3)),
        "holds no numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_by_name(name: str) -> None:
    source, message = REFUSED[name]
    with pytest.raises((UnsupportedLayerError, ShapeError), match=message):
        cpwl.compile(source)


def test_what_comes_after_until_need_not_be_supported() -> None:
    nodes = [node("Relu", "x", "h"), helper.make_node("Detect", ["h"], ["y"], domain="example", colour="red")]
    assert cpwl.compile(model(nodes, (1, 3)), until="h").units == 3


def test_a_branch_on_values_is_refused() -> None:
    branch = helper.make_graph([node("Relu", "x", "z")], "b", [], [helper.make_tensor_value_info("z", FLOAT, (1, 3))])
    nodes = [node("ReduceSum", "x", "s", keepdims=0), node("Cast", "s", "c", to=TensorProto.BOOL)]
    nodes.append(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))
    with pytest.raises(UnsupportedLayerError):
        cpwl.compile(model(nodes, (1, 3)))


def test_an_input_of_integers_is_refused() -> None:
    with pytest.raises(ArgumentError, match="input 'x' has element type 7"):
        cpwl.compile(model([node("Relu", "x", "y")], (1, 3), kind=TensorProto.INT64))


def test_a_constant_output_is_refused() -> None:
    with pytest.raises(ArgumentError, match="does not depend on the model's input"):
        cpwl.compile(model([node("Relu", "w", "y")], (1, 3), {"w": random(3)}))


# ---- damage --------------------------------------------------------------------------------------------------------
def damage(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    source = perceptron()
    change(source)
    return source


def _weight(source: onnx.ModelProto) -> TensorProto:
    return source.graph.initializer[0]


def _cycle(source: onnx.ModelProto) -> None:
    source.graph.node[0].input[0] = "r"


DAMAGED: dict[str, tuple[onnx.ModelProto, str]] = {
    "a cycle": (damage(_cycle), "in a circle: .*the_Gemm.*the_Relu"),
    "a missing initializer": (damage(lambda m: m.graph.initializer.pop()), "reads 'v'"),
    "an initializer twice": (damage(lambda m: m.graph.initializer.append(_weight(m))), "'w' is given twice"),
    "an input twice": (damage(lambda m: m.graph.input.append(m.graph.input[0])), "input is given twice"),
    "a tensor made twice": (damage(lambda m: m.graph.node.append(m.graph.node[1])), "'r', a name that is given"),
    "a node that makes an initializer": (damage(lambda m: m.graph.node[0].output.__setitem__(0, "w")), "'w'"),
    "an output that nothing makes": (damage(lambda m: setattr(m.graph.output[0], "name", "z")), "output 'z'"),
    "no output": (damage(lambda m: m.graph.output.pop()), "output"),
    "no node output": (damage(lambda m: m.graph.node[0].output.pop()), "has no output"),
    "no graph": (onnx.ModelProto(), "no graph"),
    "no operator set": (damage(lambda m: m.opset_import.pop()), "names 0"),
    "a negative dimension": (damage(lambda m: _weight(m).dims.__setitem__(0, -3)), "negative dimension"),
    "a huge dimension": (damage(lambda m: _weight(m).dims.__setitem__(0, 2**62)), "stores more than"),
    "too few numbers": (damage(lambda m: _weight(m).dims.__setitem__(0, 4)), "needs 16 numbers, but it holds 12"),
    "half a number": (damage(lambda m: setattr(_weight(m), "raw_data", b"abc")), "needs 12 numbers"),
    "texts as weights": (damage(lambda m: setattr(_weight(m), "data_type", 8)), "element type 8"),
    "an unknown element type": (damage(lambda m: setattr(_weight(m), "data_type", 999)), "element type 999"),
    "weights of another shape": (damage(lambda m: _weight(m).dims.__setitem__(slice(None), [4, 3])), "the_Gemm"),
    "an attribute without a type": (
        damage(lambda m: m.graph.node[0].attribute.add(name="transA")), "attribute 'transA'.*no type",
    ),
    "an attribute of the wrong type": (
        damage(lambda m: m.graph.node[0].attribute.append(helper.make_attribute("transA", "yes"))), "wrong type",
    ),
    "an axis out of range": (single("Flatten", (1, 3), axis=7), "axis 7"),
    "a reshape that does not fit": (single("Reshape", (1, 3), integers(2, -1)), "cannot take the shape"),
    "a slice without ends": (single("Slice", (1, 3), opset=9, starts=[0]), "missing"),
    "a wrong permutation": (single("Transpose", (1, 3), perm=[0, 0]), "do not fit together"),
    "indices out of range": (single("Gather", (1, 3), np.array(9), axis=1), "do not fit together"),
    "a convolution that does not fit": (single("Conv", (1, 2, 3, 3), random(1, 1, 9, 9)), "shape"),
    "a kernel of another rank": (single("Conv", (1, 2, 3, 3), random(1, 2, 3)), "does not fit 2 spatial axes"),
    "strides of zero": (single("Conv", (1, 1, 3, 3), random(1, 1, 1, 1), strides=[0, 1]), "positive"),
    "a ratio out of range": (single("Dropout", (1, 3), np.float32(7).reshape(())), "ratio must be in the range"),
    "an unknown attribute": (single("Relu", (1, 3), colour=3), "onnxruntime, which checks"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named(name: str, tmp_path: Path) -> None:
    source, message = DAMAGED[name]
    onnx.save(source, tmp_path / "model.onnx")
    for given in (source, tmp_path / "model.onnx"):
        with pytest.raises((FileFormatError, UnsupportedLayerError), match=message):
            cpwl.compile(given)


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    content = perceptron().SerializeToString()
    for name in (b"the_Relu", b"Relu", b"transB", b"h", b"w"):
        (tmp_path / "model.onnx").write_bytes(content.replace(name, b"\xb0" * len(name)))
        if name in content:
            with pytest.raises(FileFormatError, match=r"not UTF-8|no protobuf"):
                cpwl.compile(tmp_path / "model.onnx")


def test_sparse_initializers_are_refused() -> None:
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(random(1), "s"), numpy_helper.from_array(integers(0)), [3]
    )
    source = perceptron()
    source.graph.sparse_initializer.append(sparse)
    with pytest.raises(UnsupportedLayerError, match="sparse"):
        cpwl.compile(source)


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", b"\x0a\xff\xff\xff\xff\x0f", b"\x08" * 1000])
def test_a_file_of_another_kind_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"model\.onnx is not an ONNX model"):
        cpwl.compile(tmp_path / "model.onnx")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    content = perceptron().SerializeToString()
    for length in range(1, len(content), 7):
        (tmp_path / "model.onnx").write_bytes(content[:length])
        with pytest.raises((FileFormatError, UnsupportedLayerError)):
            cpwl.compile(tmp_path / "model.onnx")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(perceptron(), tmp_path / "model.onnx")
    monkeypatch.setattr(reader, "LARGEST_FILE", 10)
    with pytest.raises(FileFormatError, match="2 GiB"):
        cpwl.compile(tmp_path / "model.onnx")


def test_a_missing_file_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cpwl.compile(tmp_path / "nowhere.onnx")


# ---- external data -------------------------------------------------------------------------------------------------
def external(folder: Path, **entries: str) -> Path:
    """A model whose weight w lies in another file."""
    source = perceptron()
    weight = _weight(source)
    content = weight.raw_data
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    for name in ("weights.bin", "sub/weights.bin"):
        (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "model" / name).write_bytes(b"1234" + content)
    (folder / "secret.bin").write_bytes(b"1234" + content)
    (folder / "model" / "model.onnx").write_bytes(source.SerializeToString())
    return folder / "model" / "model.onnx"


@pytest.mark.parametrize("location", ["weights.bin", "sub/weights.bin", "./sub/weights.bin"])
def test_external_data_are_read_from_the_folder_of_the_model(location: str, tmp_path: Path) -> None:
    network = cpwl.compile(external(tmp_path, location=location, offset="4", length="48"))
    assert np.array_equal(values(network, np.ones(3)), values(cpwl.compile(perceptron()), np.ones(3)))


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../secret.bin"},
        {"location": "sub/../../secret.bin"},
        {"location": "{folder}/secret.bin"},
        {"location": "C:\\secret.bin"},
        {"location": "link.bin"},
        {"location": "linked/secret.bin"},
        {"location": "pipe"},
        {"location": "sub"},
        {"location": "nowhere.bin"},
        {"location": ""},
        {"location": "weights\0.bin"},
        {},
        {"location": "weights.bin", "offset": "5"},
        {"location": "weights.bin", "offset": "-4"},
        {"location": "weights.bin", "offset": "9" * 5000},
        {"location": "weights.bin", "length": "52"},
        {"location": "weights.bin", "length": "all"},
    ],
)
def test_external_data_from_elsewhere_are_refused(entries: dict[str, str], tmp_path: Path) -> None:
    given = {"offset": "4", **{key: value.format(folder=tmp_path) for key, value in entries.items()}}
    path = external(tmp_path, **given)
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    (path.parent / "linked").symlink_to(tmp_path)
    os.mkfifo(path.parent / "pipe")
    with pytest.raises(FileFormatError, match=r"initializer 'w'.*external data"):
        cpwl.compile(path)


def test_a_model_in_memory_has_no_folder_to_read_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = external(tmp_path, location="weights.bin", offset="4")
    monkeypatch.chdir(path.parent)
    source = onnx.load(path, load_external_data=False)
    with pytest.raises(FileFormatError, match="no folder"):
        cpwl.compile(source)


# ---- the self-check ------------------------------------------------------------------------------------------------
def test_a_wrong_operator_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tensor that differs is named, although the next ones differ as well."""
    from cpwl.compiler.onnx_files import activations, translate

    monkeypatch.setitem(translate.HANDLERS, "Relu", activations.absolute)
    with pytest.raises(MismatchError, match=r"at node 'the_Relu' \(Relu\)"):
        cpwl.compile(perceptron())


def test_a_wrong_weight_is_found_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime has no convolution in float64: the comparison is in float32, with the bound of float32."""
    source = single("Conv", (1, 1, 3, 3), random(1, 1, 2, 2))
    assert check(source).units == 0
    monkeypatch.setattr(oracle, "_numbers", _slightly_wrong(oracle._numbers))
    with pytest.raises(MismatchError, match="Conv"):
        cpwl.compile(source)


def _slightly_wrong(numbers: Callable[..., Any]) -> Callable[..., Any]:
    return lambda given, kind, name: numbers(given * (1 + 2.0**-15), kind, name)


def test_float32_that_overflows_is_no_mismatch() -> None:
    nodes = [node("Conv", "x w", "h"), node("Conv", "h w", "g"), node("Relu", "g", "y")]
    network = cpwl.compile(model(nodes, (1, 1, 2), {"w": np.full((1, 1, 1), 3e38, np.float32)}))
    assert network.units == 2


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    onnx.save(perceptron(), tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf'{package}.*pip install "cpwl\[onnx\]"'):
        cpwl.compile(tmp_path / "model.onnx")


# ---- mutated files -------------------------------------------------------------------------------------------------
def test_mutated_files_give_a_network_or_a_named_error(tmp_path: Path) -> None:
    sources = [
        perceptron(),
        single("Conv", (1, 2, 4, 4), random(3, 2, 2, 2)),
        single("Reshape", (1, 6), integers(2, -1)),
    ]
    files = [source.SerializeToString() for source in sources]
    outcomes = fuzz_onnx.fuzz(files, tmp_path / "model.onnx", seed=0, count=150)
    assert sum(outcomes.values()) == 150 and set(outcomes) <= {"Network", *fuzz_onnx.NAMED}


# ---- what exporters write --------------------------------------------------------------------------------------------
def test_nodes_may_stand_in_any_order() -> None:
    source = perceptron()
    wanted = cpwl.compile(source)
    for order in ((2, 1, 0), (1, 0, 2), (2, 0, 1)):
        turned = onnx.ModelProto()
        turned.CopyFrom(source)
        del turned.graph.node[:]
        turned.graph.node.extend(source.graph.node[i] for i in order)
        x = np.arange(3.0)
        assert np.array_equal(values(cpwl.compile(turned), x), values(wanted, x))


def test_an_operator_set_may_be_named_twice_if_it_is_the_same() -> None:
    for domain in ("", "ai.onnx"):
        source = perceptron()
        source.opset_import.append(helper.make_opsetid(domain, 17))
        assert cpwl.compile(source).units == 4
        source.opset_import.append(helper.make_opsetid(domain, 13))
        with pytest.raises(FileFormatError, match="must name one version of ONNX's operators, but names 2"):
            cpwl.compile(source)


@pytest.mark.parametrize("kind", ["ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum", "ReduceL1"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_reduction_over_all_axes_is_one_number_of_a_sample_and_mixes_a_batch(kind: str, keepdims: int) -> None:
    network = check(single(kind, (1, 2, 3), opset=13, keepdims=keepdims))
    assert network.outputs == 1
    with pytest.raises(UnsupportedLayerError, match="mixes the samples"):
        cpwl.compile(single(kind, ("N", 2, 3), opset=13, keepdims=keepdims))


def test_empty_parts_of_a_tensor_are_taken() -> None:
    """Circular padding along one axis is exported with them."""
    nodes = [
        helper.make_node("Slice", ["x", "start", "start", "axis"], ["nothing"]),
        helper.make_node("Slice", ["x", "start", "end", "axis"], ["some"]),
        node("Concat", "nothing some x nothing", "y", axis=1),
    ]
    given = {"start": integers(0), "end": integers(2), "axis": integers(1)}
    assert check(model(nodes, (1, 3, 2), given)).output_shape == (5, 2)


@pytest.mark.parametrize("padding", [(1, 1, 0, 0), (0, 0, 2, 1), (0, 1, 0, 0), (1, 2, 3, 1)])
def test_circular_padding_is_taken_as_torch_exports_it(padding: tuple[int, ...]) -> None:
    import torch

    class Padded(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.pad(x, padding, mode="circular")

    file, x = io.BytesIO(), torch.arange(24.0).reshape(1, 1, 4, 6)
    torch.onnx.export(Padded(), (x,), file, dynamo=False)
    network = cpwl.compile(onnx.load_from_string(file.getvalue()))
    assert np.array_equal(values(network, x.numpy()[0]), Padded()(x)[0].numpy())


def test_a_branch_on_a_constant_is_refused_for_its_graphs_and_with_the_tensor_before_it() -> None:
    branch = helper.make_graph([node("Relu", "h", "z")], "b", [], [helper.make_tensor_value_info("z", FLOAT, (1, 3))])
    nodes = [node("Neg", "x", "h"), helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    source = model(nodes, (1, 3), {"c": np.array(True)})
    with pytest.raises(UnsupportedLayerError, match=r"\(?If\b.*holds graphs of its own.*until='h'"):
        cpwl.compile(source)
    assert cpwl.compile(source, until="h").outputs == 3


def test_until_hints_never_name_weights() -> None:
    source = model([node("Pow", "w x", "y")], (1, 3), {"w": random(3) ** 2 + 1})
    with pytest.raises(UnsupportedLayerError, match="until='x'"):
        cpwl.compile(source)


def test_other_inputs_are_fixed_by_value() -> None:
    source = model([node("MatMul", "x w", "h"), node("Add", "h z", "y")], (1, 3), {"w": random(3, 2)})
    source.graph.input.append(helper.make_tensor_value_info("z", FLOAT, (1, 2)))
    with pytest.raises(ArgumentError, match=r"computed from 'x', 'z': fix the others by example_input"):
        cpwl.compile(source)
    x, z = np.ones((1, 3)), np.array([[0.5, -2.0]])
    of_x = cpwl.compile(source, {"x": x, "z": z})
    assert np.array_equal(values(of_x, x[0]), x[0] @ random(3, 2) + z[0])
    of_z = cpwl.compile(source, {"x": x, "z": z}, vary="z")
    assert of_z.input_shape == (2,) and np.array_equal(values(of_z, z[0]), values(of_x, x[0]))
    for vary in ("w", 7):
        with pytest.raises(ArgumentError, match="vary must name an input"):
            cpwl.compile(source, {"x": x, "z": z}, vary=vary)
    with pytest.raises(ArgumentError, match="example_input names 'v'"):
        cpwl.compile(source, {"x": x, "v": z})


def test_an_output_is_chosen_by_name_or_place() -> None:
    source = model([node("Relu", "x", "a"), node("Neg", "x", "b")], (1, 3), outputs=("a", "b"))
    assert cpwl.compile(source, output="b").units == 0 and cpwl.compile(source, output=0).units == 3
    for output in ("c", 2):
        with pytest.raises(ArgumentError, match="output must be one of 'a', 'b'"):
            cpwl.compile(source, output=output)
