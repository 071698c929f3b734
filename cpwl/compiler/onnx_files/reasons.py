"""Why an ONNX operator is refused, and the message that says so."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UnsupportedLayerError
from .graph import Graph, Operator

_GROUPS: Mapping[str, str] = {
    "its value jumps: it is not continuous": "Round Floor Ceil Sign Mod QuantizeLinear DynamicQuantizeLinear "
    "QLinearConv QLinearMatMul ConvInteger MatMulInteger ThresholdedRelu Binarizer OneHot",
    "it is a decision on values that depend on the input, not a continuous function of them": "Equal Greater "
    "GreaterOrEqual Less LessOrEqual And Or Not Xor IsNaN IsInf NonZero ArgMax ArgMin Unique "
    "NonMaxSuppression Hardmax",
    "it is curved, not piecewise linear": "Gelu Elu Celu Selu Mish Softplus Softsign Tanh Sigmoid Softmax LogSoftmax "
    "Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf Sqrt Pow Reciprocal ReduceLogSum "
    "ReduceLogSumExp ReduceSumSquare Swish",
    "a product of two parts of its input is not piecewise linear": "HardSwish ReduceProd CumProd Det Attention LSTM "
    "GRU RNN LinearAttention SwiGLU SoftmaxCrossEntropyLoss",
    "it takes a root of squares of its input, which is curved, or divides by one": "LayerNormalization "
    "RMSNormalization GroupNormalization InstanceNormalization MeanVarianceNormalization LpNormalization ReduceL2 "
    "LpPool GlobalLpPool LRN",
    "it draws random numbers": "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial",
    "it holds graphs of its own, which are not supported": "If Loop Scan SequenceMap",
    "sequences and optional values are not supported": "SequenceConstruct SequenceEmpty SequenceInsert SequenceErase "
    "SequenceAt SequenceLength SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement",
    "it is piecewise linear, but not supported": "TopK GridSample MaxUnpool Col2Im RoiAlign MaxRoiPool "
    "AffineGrid DFT STFT DeformConv RotaryEmbedding NegativeLogLikelihoodLoss TensorScatter CausalConvWithState",
}
_REASONS = {name: reason for reason, names in _GROUPS.items() for name in names.split()}


def reason_for(kind: str) -> str:
    """Why there is no handler for an operator of a kind, such as ``Gelu``."""
    if "." in kind:
        return "it is not one of the operators of ONNX itself, and not supported"
    return _REASONS.get(kind, "it is not piecewise linear, or not supported yet")


def refusal(graph: Graph, operator: Operator, reason: str) -> UnsupportedLayerError:
    """The error that names a node, its operator, the reason, how to stop before it, and what compiles."""
    dependent = graph.dependent()
    before = next((name for name in operator.read if name in dependent), None)
    advice = "" if before is None else f" Use until={before!r}, the tensor it reads, to stop before it."
    return UnsupportedLayerError(f"{operator.where}: {reason}.{advice} What compiles is listed in docs/onnx.md.")
