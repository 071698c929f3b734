"""Why an operator is refused, and the message that says so."""

from __future__ import annotations

from collections.abc import Mapping

from torch import fx

from ...errors import UnsupportedLayerError
from .program import module_path, name_of

_GROUPS: Mapping[str, str] = {
    "its value jumps: it is not continuous": "hardshrink round floor ceil trunc fix sign sgn heaviside frac remainder "
    "fmod floor_divide bucketize searchsorted fake_quantize_per_tensor_affine fake_quantize_per_channel_affine "
    "_fake_quantize_learnable_per_tensor_affine _fake_quantize_learnable_per_channel_affine",
    "it is a decision on values that depend on the input, not a continuous function of them": "gt lt ge le eq ne "
    "greater less not_equal logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not isnan "
    "isfinite isinf nonzero argmax argmin argsort any all item _local_scalar_dense",
    "it is curved, not piecewise linear": "gelu silu mish elu celu selu softplus log_sigmoid tanh sigmoid softmax "
    "_softmax log_softmax _log_softmax exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh "
    "asinh acosh atanh erf erfc sqrt rsqrt square pow reciprocal logsumexp logaddexp logit hypot var std var_mean "
    "std_mean norm linalg_vector_norm",
    "a product of two parts of its input is not piecewise linear": "hardswish glu prod cumprod "
    "scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu bilinear",
    "it divides by a norm or a standard deviation of its input": "layer_norm native_layer_norm group_norm "
    "native_group_norm rms_norm _fused_rms_norm cosine_similarity "
    "_native_batch_norm_legit _native_batch_norm_legit_functional native_batch_norm cudnn_batch_norm",
    "it draws random numbers, as in train mode": "native_dropout dropout bernoulli rand_like randn_like "
    "rrelu_with_noise rrelu_with_noise_functional",
    "it is piecewise linear, but not supported": "sort topk median kthvalue cummax cummin "
    "_upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler grid_sampler_2d col2im fractional_max_pool2d "
    "max_unpool2d",
}
_REASONS = {name: reason for reason, names in _GROUPS.items() for name in names.split()}


def reason_for(operator: str) -> str:
    """Why there is no handler for an operator such as ``aten.gelu.default``."""
    name = operator.split(".")[1] if operator.startswith("aten.") else operator
    return _REASONS.get(name, "it is not piecewise linear, or not supported yet")


def refusal(node: fx.Node, reason: str) -> UnsupportedLayerError:
    """The error that names a node's module and operator, the reason, how to stop before it, and what compiles."""
    path = module_path(node)
    kind = _kind(node)
    where = f"layer {path!r} ({kind})" if path else f"the model's own forward ({kind})"
    advice = f"Use until={path!r} to stop before it." if path else "Put it into a submodule to stop before it by until."
    return UnsupportedLayerError(
        f"{where} uses {name_of(node)}: {reason}. {advice} What compiles is listed in docs/torch.md."
    )


def _kind(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    kind = next(reversed(stack.values()))[1] if stack else "module"
    return str(kind if isinstance(kind, str) else kind.__name__).rsplit(".", 1)[-1]
