"""What torch exports to ONNX compiles, to the same function up to the rounding of what the exporter stored."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import cpwl
from cpwl.network import Conv
from tests.support.onnx_models import values


class Lambda(nn.Module):
    def __init__(self, forward: object) -> None:
        super().__init__()
        self.body = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Residual(nn.Module):
    """Layouts as people write them: sizes from the input, slices, chunks, a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4 * 7 * 7, 3)
        self.slope = nn.PReLU(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.slope(self.conv(x)) + x
        first, second = y.chunk(2, dim=1)
        joined = torch.cat([second, torch.maximum(first, second) - first.mean(dim=(2, 3), keepdim=True)], 1)
        return self.head(joined.view(x.size(0), -1))


def batch_norm() -> nn.Module:
    """With statistics that are no round numbers."""
    norm = nn.BatchNorm2d(4)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    torch.nn.init.uniform_(norm.weight, 0.5, 2)
    return norm


MODULES: dict[str, nn.Module] = {
    "a convolution, folded batch norm, max-pool": nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1), batch_norm(), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Flatten(),
        nn.Linear(36, 3),
    ),
    "residual": Residual(),
    "hardsigmoid": nn.Sequential(nn.Conv2d(4, 2, 3), nn.Hardsigmoid()),
    "hardtanh and relu6": nn.Sequential(nn.Conv2d(4, 2, 3), nn.Hardtanh(-0.5, 0.75), nn.ReLU6()),
    "leaky relu": nn.LeakyReLU(0.1),
    "average pools": nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(2)),
    "average pool without its padding": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "transposed convolution": nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1),
    "nearest": nn.Upsample(scale_factor=2),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "bilinear with corners": nn.Upsample(size=(9, 5), mode="bilinear", align_corners=True),
    "pixel shuffle": nn.PixelShuffle(2),
    "paddings": nn.Sequential(nn.ReflectionPad2d((1, 2, 0, 3)), nn.ReplicationPad2d(1), nn.ConstantPad2d(1, 0.5)),
    "a circular convolution": nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"),
    "maxout": Lambda(lambda x: x.reshape(x.shape[0], 2, 2, 7, 7).amax(dim=2)),
    "slices": Lambda(lambda x: x[:, ::2, 1:, :-2] * 3 - x[:, 1:3, :-1, 2:] / 7),
    "interpolate to the size of the input": Lambda(lambda x: functional.interpolate(x[:, :, 1:, 1:], x.shape[-2:]) + x),
}  # fmt: skip


def exported(module: nn.Module) -> onnx.ModelProto:
    """By the exporter that needs no further package."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.zeros(1, 4, 7, 7),)
        torch.onnx.export(module, example, file, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    return onnx.load_from_string(file.getvalue())


@pytest.mark.parametrize("name", MODULES)
def test_an_export_compiles_to_the_same_function_up_to_rounding(name: str) -> None:
    torch.manual_seed(0)
    module = MODULES[name].eval()
    network = cpwl.compile(exported(module))
    assert network.input_shape == (4, 7, 7)
    for x in np.random.default_rng(0).standard_normal((3, 4, 7, 7)):
        with torch.no_grad():
            wanted = module.double()(torch.from_numpy(x)[None])[0].numpy()
        np.testing.assert_allclose(values(network, x), wanted, rtol=1e-5, atol=1e-5)
    module.float()


def test_folded_batch_norm_is_another_exact_function() -> None:
    """The module has two affine operators a channel; the file has one, with weights that were rounded to float32."""
    module = MODULES["a convolution, folded batch norm, max-pool"].float().eval()
    of_file, of_module = cpwl.compile(exported(module)), cpwl.compile(module, torch.zeros(1, 4, 7, 7))
    x = np.random.default_rng(0).standard_normal((4, 7, 7))
    assert of_file.units == of_module.units and len(of_file.nodes) < len(of_module.nodes)
    assert not np.array_equal(values(of_file, x), values(of_module, x))
    one, other = (next(n.op.weight for n in net.nodes if isinstance(n.op, Conv)) for net in (of_file, of_module))
    assert np.array_equal(one, one.astype(np.float32)) and not np.array_equal(one, other)
