"""Every operator of the ONNX table computes what onnxruntime computes, in old and new operator sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import cpwl
from cpwl.compiler.onnx_files import translate
from tests.support.onnx_models import check, constant, integers, model, random, single

IMAGE = (1, 4, 6, 6)

CASES: dict[str, onnx.ModelProto] = {
    "Abs": single("Abs", (1, 5)),
    "Add": single("Add", (1, 5), random(5)),
    "Add, both ways": single("Add", (1, 5), "x", first=random(3, 5)),
    "Add enlarges": single("Add", (1, 5), random(2, 3, 5)),
    "AveragePool": single("AveragePool", IMAGE, kernel_shape=[3, 2], strides=[2, 1]),
    "AveragePool pads": single("AveragePool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1]),
    "AveragePool counts pads": single(
        "AveragePool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1], count_include_pad=1
    ),
    "AveragePool ceil": single("AveragePool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, opset=19),
    "AveragePool ceil counts pads": single(
        "AveragePool",
        (1, 1, 7, 7),
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        strides=[3, 3],
        ceil_mode=1,
        count_include_pad=1,
        opset=19,
    ),
    "AveragePool dilated": single("AveragePool", (1, 2, 7), kernel_shape=[3], pads=[2, 1], dilations=[2], opset=19),
    "AveragePool SAME_LOWER": single("AveragePool", IMAGE, kernel_shape=[2, 3], auto_pad="SAME_LOWER"),
    "BatchNormalization": single("BatchNormalization", IMAGE, *(random(4, seed=s) ** 2 + 1 for s in range(4))),
    "BatchNormalization 8": single(
        "BatchNormalization", (1, 4), *(random(4, seed=s) ** 2 + 1 for s in range(4)), opset=8, epsilon=0.25
    ),
    "Cast": single("Cast", (1, 5), to=TensorProto.FLOAT),
    "Clip": single("Clip", (1, 5), constant(-1), constant(1.5)),
    "Clip below": single("Clip", (1, 5), constant(-1)),
    "Clip above": single("Clip", (1, 5), "", constant(1)),
    "Clip 7": single("Clip", (1, 5), opset=7, min=-0.5, max=0.75),
    "Concat": single("Concat", (1, 5), random(1, 3), "x", axis=1),
    "Conv": single("Conv", IMAGE, random(3, 4, 3, 2), random(3), pads=[1, 0, 2, 1], strides=[2, 1]),
    "Conv groups": single("Conv", IMAGE, random(6, 2, 3, 3), group=2, dilations=[2, 1]),
    "Conv 1-D": single("Conv", (1, 2, 9), random(3, 2, 4), pads=[3, 1]),
    "CenterCropPad": single("CenterCropPad", IMAGE, integers(3, 9), axes=[2, 3], opset=18),
    "CenterCropPad odd": single("CenterCropPad", IMAGE, integers(1, 7, 5), axes=[1, 2, -1], opset=18),
    "Compress": single("Compress", (1, 4, 3), np.array([False, True, True]), axis=1),
    "Compress all": single("Compress", (1, 4), np.array([True, False, True, True])),
    "CumSum": single("CumSum", (1, 4, 3), np.array(1)),
    "CumSum reverse": single("CumSum", (1, 4, 3), np.array(-1), reverse=1),
    "CumSum exclusive": single("CumSum", (1, 4, 3), np.array(1, np.int32), reverse=1, exclusive=1),
    "Conv 3-D": single("Conv", (1, 2, 4, 5, 3), random(2, 2, 2, 3, 1)),
    "Conv SAME_UPPER": single("Conv", IMAGE, random(3, 4, 2, 2), auto_pad="SAME_UPPER", strides=[2, 1]),
    "Conv SAME_LOWER": single("Conv", IMAGE, random(3, 4, 4, 2), auto_pad="SAME_LOWER", strides=[1, 2]),
    "Conv VALID": single("Conv", IMAGE, random(3, 4, 4, 2), auto_pad="VALID"),
    "ConvTranspose": single("ConvTranspose", IMAGE, random(4, 3, 3, 2), random(3), strides=[2, 3]),
    "ConvTranspose pads": single(
        "ConvTranspose", IMAGE, random(4, 3, 3, 2), strides=[2, 1], pads=[1, 0, 2, 1], output_padding=[1, 0]
    ),
    "ConvTranspose groups": single("ConvTranspose", IMAGE, random(4, 3, 2, 2), group=2, dilations=[2, 1]),
    "ConvTranspose output_shape": single(
        "ConvTranspose", IMAGE, random(4, 3, 3, 3), strides=[2, 2], output_shape=[12, 11]
    ),
    "ConvTranspose SAME_UPPER": single(
        "ConvTranspose", IMAGE, random(4, 3, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "ConvTranspose SAME_LOWER": single(
        "ConvTranspose", IMAGE, random(4, 3, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER"
    ),
    "ConvTranspose 1-D": single("ConvTranspose", (1, 2, 5), random(2, 3, 4), strides=[3]),
    "DepthToSpace DCR": single("DepthToSpace", (1, 8, 2, 3), blocksize=2),
    "DepthToSpace CRD": single("DepthToSpace", (1, 8, 2, 3), blocksize=2, mode="CRD"),
    "Div": single("Div", (1, 5), constant([3, 7, 1, 0.5, -9])),
    "Dropout": single("Dropout", (1, 5)),
    "Dropout with a mask": single("Dropout", (1, 5), constant(0.5), outputs=("y", "mask")),
    "Dropout 7": single("Dropout", (1, 5), opset=7, ratio=0.5),
    "Einsum": single("Einsum", (1, 2, 3), random(2, 4, 3), equation="bij, ikj -> bki"),
    "Einsum of a diagonal": single("Einsum", (1, 3, 3), equation="bii->bi"),
    "Einsum of a trace": single("Einsum", (2, 3, 3), equation="...ii"),
    "Einsum with dots": single("Einsum", (1, 2, 4, 3), random(3, 5), equation="...i,ij->...j"),
    "Einsum with dots of both": single("Einsum", (1, 2, 3), random(1, 2, 3), equation="...,...->..."),
    "Einsum of x alone": single("Einsum", (1, 2, 3), equation="bij->ji"),
    "Expand": single("Expand", (1, 5), integers(3, 1)),
    "Flatten": single("Flatten", (1, 2, 3, 4)),
    "Flatten -1": single("Flatten", (1, 2, 3, 4), axis=-1),
    "Gather": single("Gather", (1, 5, 2), np.array([[3, -1], [0, 0]]), axis=1),
    "Gather one": single("Gather", (1, 5, 2), np.array(2), axis=1),
    "GatherElements": single("GatherElements", (1, 5), np.array([[3, -1, 0]]), axis=1),
    "GatherND": single("GatherND", (1, 5, 2), np.array([[0, 3], [0, -1]])),
    "Gemm": single("Gemm", (1, 5), random(5, 3), random(3)),
    "Gemm transposed": single("Gemm", (1, 5), random(3, 5), random(1), alpha=0.3, beta=0.7, transB=1),
    "Gemm without C": single("Gemm", (1, 5), random(3, 5), transB=1),
    "Gemm from the left": single("Gemm", (1, 5), "x", random(3, 1), first=random(3, 1), beta=0.5),
    "Gemm, input transposed": single("Gemm", (1, 5), random(1, 2), transA=1),
    "GlobalAveragePool": single("GlobalAveragePool", (1, 4, 3, 3)),
    "GlobalMaxPool": single("GlobalMaxPool", (1, 4, 3, 3)),
    "HardSigmoid": single("HardSigmoid", (1, 5)),
    "HardSigmoid sixth": single("HardSigmoid", (1, 5), alpha=1 / 6),
    "Identity": single("Identity", (1, 5)),
    "LeakyRelu": single("LeakyRelu", (1, 5)),
    "LeakyRelu 0.2": single("LeakyRelu", (1, 5), alpha=0.2),
    "MatMul": single("MatMul", (1, 5), random(5, 3)),
    "MatMul by a vector": single("MatMul", (1, 4, 5), random(5)),
    "MatMul from the left": single("MatMul", (1, 5, 2), "x", first=random(3, 5)),
    "MatMul by one matrix of a stack": single("MatMul", (1, 5), random(1, 5, 3)),
    "MatMul by a stack": single("MatMul", (1, 2, 3, 4), random(2, 4, 5)),
    "MatMul by a stack for all": single("MatMul", (1, 3, 4), random(2, 1, 4, 5)),
    "MatMul of a vector and a stack": single("MatMul", (3,), random(2, 3, 4)),
    "MatMul of a stack and a vector": single("MatMul", (3,), "x", first=random(2, 2, 4, 3)),
    "Mul of a row and four axes": single("Mul", (3,), random(2, 1, 4, 3)),
    "MatMul of a stack": single("MatMul", (1, 2, 3, 4), "x", first=random(2, 5, 3)),
    "Max": single("Max", (1, 5), constant(0.5)),
    "Max of x and a row": single("Max", (1, 5), random(5), random(5, seed=1)),
    "Min": single("Min", (1, 5), random(5)),
    "MaxPool": single("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 1]),
    "MaxPool pads": single("MaxPool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1]),
    "MaxPool ceil": single("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "MaxPool dilated": single("MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[3, 2]),
    "MaxPool SAME_UPPER": single("MaxPool", IMAGE, kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 1]),
    "MaxPool 1-D": single("MaxPool", (1, 2, 7), kernel_shape=[3], outputs=("y", "places")),
    "MaxPool 3-D": single("MaxPool", (1, 2, 4, 4, 4), kernel_shape=[2, 2, 3], opset=8),
    "Mean": single("Mean", (1, 5), random(5), "x"),
    "Mul": single("Mul", (1, 5), random(1, 5)),
    "Pow by one": single("Pow", (1, 5), np.ones((2, 5), np.float32)),
    "Neg": single("Neg", (1, 5)),
    "PRelu shared": single("PRelu", (1, 5), constant([0.25])),
    "PRelu a channel": single("PRelu", IMAGE, random(4, 1, 1)),
    "PRelu a pixel": single("PRelu", IMAGE, random(1, 4, 6, 6)),
    "PRelu last axis": single("PRelu", IMAGE, random(6)),
    "Pad": single("Pad", IMAGE, integers(0, 0, 1, 2, 0, 0, 3, 0)),
    "Pad by a number": single("Pad", IMAGE, integers(0, 1, 1, 2, 0, 0, 3, 0), constant(2.5)),
    "Pad reflect": single("Pad", IMAGE, integers(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
    "Pad edge": single("Pad", IMAGE, integers(0, 0, 1, 2, 0, 0, 3, 9), mode="edge"),
    "Pad wrap": single("Pad", IMAGE, integers(0, 0, 1, 2, 0, 0, 3, 0), mode="wrap", opset=19),
    "Pad along axes": single("Pad", IMAGE, integers(1, 2), "", integers(3), opset=18),
    "Pad cuts": single("Pad", IMAGE, integers(0, 0, -1, 2, 0, 0, 1, -2)),
    "Pad 7": single("Pad", IMAGE, opset=7, pads=[0, 0, 1, 2, 0, 0, 3, 0], value=1.5),
    "ReduceL1": single("ReduceL1", (1, 3, 4), axes=[1]),
    "ReduceMax": single("ReduceMax", (1, 3, 4), axes=[-1], keepdims=0),
    "ReduceMean": single("ReduceMean", IMAGE, axes=[2, 3]),
    "ReduceMean 18": single("ReduceMean", IMAGE, integers(1, 2), opset=18),
    "ReduceMin": single("ReduceMin", (1, 3, 4), axes=[1]),
    "ReduceSum": single("ReduceSum", (1, 3, 4), integers(2), keepdims=0),
    "ReduceSum of all": single("ReduceSum", (1, 3, 4)),
    "ReduceSum of nothing": single("ReduceSum", (1, 3, 4), integers(), noop_with_empty_axes=1),
    "ReduceSum 11": single("ReduceSum", (1, 3, 4), opset=11, axes=[1], keepdims=1),
    "ReverseSequence": single("ReverseSequence", (3, 4, 2), integers(2, 1, 3, 3), time_axis=0, batch_axis=1),
    "ReverseSequence of rows": single("ReverseSequence", (3, 4, 2), integers(4, 1, 3), time_axis=1, batch_axis=0),
    "Relu": single("Relu", (1, 5)),
    "Reshape": single("Reshape", (1, 3, 4), integers(0, 2, -1)),
    **{
        f"Resize {mode} {how}": single(
            "Resize", (1, 2, 4, 6), "", *how_large, mode=mode.split()[0], coordinate_transformation_mode=mode.split()[1]
        )
        for mode in (
            "nearest asymmetric",
            "nearest half_pixel",
            "nearest align_corners",
            "linear half_pixel",
            "linear pytorch_half_pixel",
            "linear align_corners",
            "linear asymmetric",
        )
        for how, how_large in {
            "by 2": [constant([1, 1, 2, 2])],
            "by 0.5 and 1.5": [constant([1, 1, 0.5, 1.5])],
            "to 7, 1": ["", integers(1, 2, 7, 1)],
        }.items()
    },
    **{
        f"Resize {mode}": single("Resize", (1, 1, 4, 6), "", constant([1, 1, 2.5, 0.5]), nearest_mode=mode)
        for mode in ("floor", "ceil", "round_prefer_ceil")
    },
    "Resize symmetric": single(
        "Resize",
        (1, 1, 4, 6),
        "",
        constant([1, 1, 1.3, 0.6]),
        mode="linear",
        opset=19,
        coordinate_transformation_mode="half_pixel_symmetric",
    ),
    **{
        f"Resize cubic {name}": single("Resize", (1, 2, 4, 6), "", constant([1, 1, 2.5, 0.6]), mode="cubic", **options)
        for name, options in {
            "": {},
            "with corners": {"coordinate_transformation_mode": "align_corners"},
            "of another coefficient": {"cubic_coeff_a": -0.5},
            "inside": {"exclude_outside": 1},
        }.items()
    },
    "Resize nearest of TensorFlow": single(
        "Resize",
        (1, 1, 4, 6),
        constant([]),
        constant([1, 1, 2.5, 0.6]),
        opset=11,
        coordinate_transformation_mode="tf_half_pixel_for_nn",
        nearest_mode="floor",
    ),
    **{
        f"Resize {policy}": single(
            "Resize",
            (1, 2, 4, 6),
            "",
            "",
            integers(7, 8),
            axes=[2, 3],
            keep_aspect_ratio_policy=policy,
            mode="linear",
            opset=18,
        )
        for policy in ("not_larger", "not_smaller")
    },
    "Resize 10 downwards": single("Resize", (1, 2, 5, 7), constant([1, 1, 0.6, 0.4]), opset=10),
    "Resize along axes": single("Resize", (1, 2, 4, 6), "", "", integers(8, 3), axes=[2, 3], mode="linear", opset=18),
    "Resize 10": single("Resize", (1, 2, 4, 6), constant([1, 1, 2, 1.5]), opset=10, mode="linear"),
    "Resize 10 nearest": single("Resize", (1, 2, 4, 6), constant([1, 1, 2, 1.5]), opset=10),
    "Upsample": single("Upsample", (1, 2, 4, 6), constant([1, 1, 3, 2]), opset=9),
    "Upsample linear": single("Upsample", (1, 2, 4, 6), opset=7, mode="linear", scales=[1.0, 1.0, 3.0, 2.0]),
    "ScatterElements": single("ScatterElements", (1, 5), np.array([[3, 0]]), random(1, 2), axis=1),
    "Scatter": single("Scatter", (1, 5), np.array([[3, 0]]), random(1, 2), axis=1, opset=9),
    **{
        f"ScatterElements {how}": single(
            "ScatterElements", (1, 5), np.array([[3, 0, 3]]), random(1, 3), axis=1, reduction=how, opset=18
        )
        for how in ("add", "max", "min")
    },
    "ScatterND add": single("ScatterND", (3, 4), np.array([[0, 3], [2, -1], [0, 3]]), random(3), reduction="add"),
    "ScatterND max": single("ScatterND", (3, 4), np.array([[0], [2]]), random(2, 4), reduction="max", opset=18),
    "ScatterND": single("ScatterND", (1, 5, 2), np.array([[0, 3], [0, -1]]), random(2, 2)),
    "Shrink": single("Shrink", (1, 5), lambd=0.75, bias=0.75),
    "Slice": single("Slice", (1, 8, 3), integers(1), integers(2**62), integers(1), integers(3)),
    "Slice backwards": single("Slice", (1, 8, 3), integers(-1), integers(-(2**62)), integers(-2), integers(-2)),
    "Slice 9": single("Slice", (1, 8, 3), opset=9, starts=[1, 0], ends=[-1, 2], axes=[1, 2]),
    "SpaceToDepth": single("SpaceToDepth", IMAGE, blocksize=2),
    "SpaceToDepth CRD": single("SpaceToDepth", IMAGE, blocksize=2, mode="CRD", opset=28),
    "Split into nothing and all": single("Split", (1, 5), integers(5, 0), outputs=("y", "z"), axis=1),
    "Split": single("Split", (1, 5), integers(3, 2), outputs=("y", "z"), axis=1),
    "Split 11": single("Split", (1, 6), outputs=("y", "z"), axis=1, opset=11),
    "Split 18": single("Split", (1, 5), outputs=("y", "z"), axis=1, num_outputs=2, opset=18),
    "Squeeze": single("Squeeze", (1, 1, 5, 1), integers(1, -1)),
    "Squeeze 11": single("Squeeze", (1, 1, 5, 1), opset=11, axes=[1]),
    "Sub": single("Sub", (1, 5), random(5)),
    "Sub from": single("Sub", (1, 5), "x", first=random(5)),
    "Sum": single("Sum", (1, 5), random(5), "x", random(5)),
    "ThresholdedRelu at zero": single("ThresholdedRelu", (1, 5), alpha=0.0),
    "Tile": single("Tile", (1, 2, 3), integers(1, 2, 3)),
    "Transpose": single("Transpose", (1, 2, 3), perm=[0, 2, 1]),
    "Transpose all": single("Transpose", (1, 2, 3)),
    "Trilu": single("Trilu", (1, 4, 4), np.array(1), upper=0),
    "Unsqueeze": single("Unsqueeze", (1, 5), integers(1, -1)),
    "Unsqueeze 11": single("Unsqueeze", (1, 5), opset=11, axes=[1]),
    "Where": single("Where", (1, 5), "x", random(5), first=np.array([True, False, True, False, False])),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_onnxruntime_computes(name: str) -> None:
    check(CASES[name])


def test_every_operator_of_the_table_has_a_case() -> None:
    tested = {node.op_type for case in CASES.values() for node in case.graph.node} | {"CastLike"}
    assert set(translate.HANDLERS) <= tested


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def test_shapes_are_computed_from_the_input_as_exporters_write_them() -> None:
    """The flattening of many torch exports: Shape, Gather, Unsqueeze, Concat, Reshape."""
    nodes = [
        node("Shape", "x", "shape"),
        node("Constant", "", "zero", value=onnx.numpy_helper.from_array(np.array(0))),
        node("Gather", "shape zero", "batch", axis=0),
        node("Unsqueeze", "batch", "rows", axes=[0]),
        node("Concat", "rows minus", "wanted", axis=0),
        node("Reshape", "x wanted", "flat"),
        node("MatMul", "flat w", "y"),
    ]
    network = check(model(nodes, ("N", 2, 3), {"minus": integers(-1), "w": random(6, 4)}, opset=11))
    assert [type(n.op).__name__ for n in network.nodes] == ["Input", "Gather", "Dense"]


def test_integer_arithmetic_on_shapes_is_exact() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Slice", "shape one two zero", "channels"),
        node("Div", "channels twos", "half"),
        node("Concat", "one half minus", "wanted", axis=0),
        node("Cast", "wanted", "narrow", to=TensorProto.INT32),
        node("Cast", "narrow", "wide", to=TensorProto.INT64),
        node("Reshape", "x wide", "y"),
    ]
    given = {"zero": integers(0), "one": integers(1), "two": integers(2), "twos": integers(2), "minus": integers(-1)}
    assert check(model(nodes, (1, 6, 4), given)).output_shape == (3, 8)


def test_maxima_of_several_tensors_are_one_group() -> None:
    """The lowest index wins, and there are no cuts but those of the argmax cells."""
    nodes = [node("MatMul", f"x w{i}", f"h{i}") for i in range(3)] + [node("Max", "h0 h1 h2", "y")]
    network = check(model(nodes, (1, 2), {f"w{i}": random(2, 4, seed=i) for i in range(3)}))
    assert network.units == 4


def test_minima_of_several_tensors_and_a_constant() -> None:
    nodes = [node("MatMul", f"x w{i}", f"h{i}") for i in range(2)] + [node("Min", "h0 c h1", "y")]
    check(model(nodes, (1, 2), {"c": constant(0.25), **{f"w{i}": random(2, 4, seed=i) for i in range(2)}}))


def test_a_residual_connection() -> None:
    nodes = [node("Relu", "x", "h"), node("MatMul", "h w", "m"), node("Add", "m x", "s"), node("Sub", "s h", "y")]
    check(model(nodes, (1, 5), {"w": random(5, 5)}))


def test_both_parts_of_a_split_can_be_used() -> None:
    nodes = [node("Split", "x", "a b", axis=1), node("Relu", "b", "r"), node("Add", "a r", "y")]
    check(model(nodes, (1, 6), opset=11))


def test_rows_of_x_replaced_by_x() -> None:
    nodes = [node("Relu", "x", "r"), node("ScatterND", "x i r", "y")]
    check(model(nodes, (1, 6), {"i": np.array([[0]])}))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
def test_weights_of_other_floating_point_types_are_what_is_stored(kind: int) -> None:
    weight = helper.make_tensor("w", kind, (2, 2), [0.1, -0.2, 0.3, 1 / 3])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, (1, 2))],
        [helper.make_tensor_value_info("y", kind, None)],
        [weight],
    )
    network = cpwl.compile(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert np.array_equal(network.nodes[-1].op.weight.T, onnx.numpy_helper.to_array(weight).astype(np.float64))


def test_a_double_model_is_compared_in_double() -> None:
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "y")]
    check(model(nodes, (1, 3), {"w": np.array([[1 / 3], [0.1], [-1e-9]])}, kind=TensorProto.DOUBLE))


def test_a_slope_is_its_float32_value() -> None:
    network = cpwl.compile(single("LeakyRelu", (1, 2), alpha=0.1))
    assert network.nodes[-1].op.slopes[0] == float(np.float32(0.1)) != 0.1


def test_a_mean_divides_exactly() -> None:
    network = cpwl.compile(single("ReduceMean", (1, 3), axes=[1]))
    assert [n.op.divisor.item() for n in network.nodes if isinstance(n.op, cpwl.network.Divide)] == [3.0]


def test_casts_between_floating_point_types_are_left_out() -> None:
    nodes = [node("Cast", "x", "h", to=TensorProto.FLOAT16), node("Relu", "h", "r"), node("CastLike", "r x", "y")]
    network = cpwl.compile(model(nodes, (1, 3), opset=15))
    assert [type(n.op).__name__ for n in network.nodes] == ["Input", "Piecewise"]
