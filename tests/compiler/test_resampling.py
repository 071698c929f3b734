"""Laws of resampling, over sizes, factors and modes, of modules and of files that torch exports."""

from __future__ import annotations

import io
import warnings
from fractions import Fraction
from functools import cache

import numpy as np
import onnx
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import cpwl
from cpwl.compiler.operators.resample import cubic_weights, linear_weights
from cpwl.errors import UnsupportedLayerError
from tests.support.onnx_models import constant, runtime, single, values

FACTORS = {
    "1/4": 0.25, "0.3": 0.3, "1/3": 1 / 3, "0.6": 0.6, "2/3": 2 / 3, "0.7": 0.7, "0.8": 0.8, "1.25": 1.25,
    "4/3": 4 / 3, "1.6": 1.6, "5/3": 5 / 3, "7/3": 7 / 3, "3": 3.0,
}  # fmt: skip


def exported(module: nn.Module, x: torch.Tensor) -> onnx.ModelProto:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), file, dynamo=False, input_names=["x"])
    return onnx.load_from_string(file.getvalue())


@cache
def images(size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(size)
    return torch.randint(-64, 65, (4, 1, size, size), generator=generator).to(torch.float32) / 16


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("name", FACTORS)
def test_resizing_by_a_factor_is_taken_from_modules_and_from_files(name: str, mode: str) -> None:
    """By factors that no float is, at sizes where a rounded place falls on the other side of an entry's boundary."""
    for size in (6, 9) if mode == "nearest" else (6,):
        module = nn.Upsample(scale_factor=FACTORS[name], mode=mode).eval()
        x = images(size)
        if int(size * FACTORS[name]) < 1:
            continue
        network, source = cpwl.compile(module, x[:1]), exported(module, x[:1])
        of_file = cpwl.compile(source)
        for image in x:
            wide = nn.functional.interpolate(image[None].double(), scale_factor=FACTORS[name], mode=mode)[0].numpy()
            np.testing.assert_allclose(values(network, image.numpy()), wide, rtol=0, atol=1e-12)
            ran = runtime(source, image[None].numpy())[0]
            np.testing.assert_allclose(values(of_file, image.numpy()), ran, rtol=0, atol=2e-5)


MODES = {"nearest": ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"), "linear": ("",), "cubic": ("",)}
PLACES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric")


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 9), st.floats(0.2, 4.0), st.floats(0.2, 4.0), st.sampled_from(PLACES),
    st.sampled_from([(mode, how) for mode, hows in MODES.items() for how in hows]),
)  # fmt: skip
def test_resize_of_any_size_by_any_factor_is_what_onnxruntime_computes(
    height: int, width: int, up: float, across: float, places: str, kind: tuple[str, str]
) -> None:
    mode, how = kind
    scales = constant([1, 1, max(up, 1.01 / height), max(across, 1.01 / width)])
    options = {"nearest_mode": how} if how else {}
    source = single("Resize", (1, 1, height, width), "", scales, mode=mode, opset=19,
                    coordinate_transformation_mode=places, **options)  # fmt: skip
    x = np.random.default_rng(0).integers(-24, 25, (1, 1, height, width)) / 8
    try:
        network = cpwl.compile(source, x)
    except UnsupportedLayerError:
        assume(places != "half_pixel_symmetric" or mode != "nearest")  # where rounding alone decides
        raise
    np.testing.assert_allclose(values(network, x), runtime(source, x)[0], rtol=0, atol=1e-4)


@given(st.fractions(0, 8), st.integers(1, 8), st.sampled_from([Fraction(-3, 4), Fraction(-1, 2)]), st.booleans())
def test_weights_add_up_to_one_and_keep_straight_lines_inside(
    place: Fraction, size: int, a: Fraction, inside: bool
) -> None:
    place = min(place, size - Fraction(1, 2))
    for weights in (linear_weights(place, size), cubic_weights(place, size, a, inside=inside)):
        assert sum(weights.values()) == 1 and all(0 <= index < size for index in weights)
        if 1 <= place <= size - 2 and (len(weights) < 3 or a == Fraction(-1, 2)):
            assert sum(index * weight for index, weight in weights.items()) == place


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 5), st.integers(1, 7), st.booleans())
def test_cubic_interpolation_of_any_sizes_agrees_with_torch(size: int, wanted: int, align: bool) -> None:
    module = nn.Upsample(size=wanted, mode="bicubic", align_corners=align).double().eval()
    x = images(size).double()
    network = cpwl.compile(module, x[:1])
    np.testing.assert_allclose(values(network, x[1].numpy()), module(x[1:2])[0].numpy(), rtol=0, atol=1e-11)
    exact = cpwl.evaluate(network, x[1], backend="exact").astype(float)
    np.testing.assert_allclose(exact, module(x[1:2])[0].numpy(), rtol=0, atol=1e-11)
