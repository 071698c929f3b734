"""Laws of convolutions and pools: over grids of their options, the network computes exactly what torch computes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cpwl.compiler import compile
from cpwl.errors import UnsupportedLayerError
from cpwl.network import Conv, Divide
from tests.support.torch_modules import assert_computes, integer, kinds, points

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
SPATIAL = ((7,), (6, 5), (4, 3, 5))


def assert_compiles(module: nn.Module, shape: tuple[int, ...], factor: int = 1) -> None:
    """The network computes what the module does, on multiples of ``factor``."""
    module = integer(module)
    assert_computes(compile(module, points(shape, 1)), module, factor * points(shape, 5))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 0, 1, 1), (2, 0, 1, 2), (1, 1, 2, 2), (2, 2, 2, 1), (3, 1, 1, 1), (1, 2, 1, 2)],
)
def test_convolutions_agree(dims: int, stride: int, padding: int, dilation: int, groups: int) -> None:
    module = CONVS[dims - 1](4, 6, 2, stride, padding, dilation, groups, bias=groups == 1)
    assert_compiles(module, (4, *SPATIAL[dims - 1]))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(("padding", "kernel"), [("same", 2), ("valid", 3), (1, 3)])
@pytest.mark.filterwarnings("ignore:Using padding")
def test_convolutions_of_every_padding_mode_agree(dims: int, mode: str, padding: Any, kernel: int) -> None:
    module = CONVS[dims - 1](2, 3, kernel, padding=padding, padding_mode=mode, dilation=1)
    assert_compiles(module, (2, *SPATIAL[dims - 1]))


def test_a_convolution_of_unequal_axes_stays_a_convolution() -> None:
    module = nn.Conv2d(3, 2, (3, 2), (1, 2), (2, 0), (1, 2))
    assert_compiles(module, (3, 6, 5))
    (op,) = (node.op for node in compile(module, points((3, 6, 5), 1)).nodes[1:])
    assert isinstance(op, Conv) and op.padding == ((2, 2), (0, 0)) and op.weight.shape == (2, 3, 3, 2)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("stride", "padding", "extra", "dilation", "groups"),
    [(1, 0, 0, 1, 1), (2, 0, 1, 1, 2), (2, 1, 0, 2, 1), (3, 2, 2, 1, 2), (1, 1, 0, 1, 1), (2, 3, 1, 1, 1)],
)
def test_transposed_convolutions_agree(
    dims: int, stride: int, padding: int, extra: int, dilation: int, groups: int
) -> None:
    module = TRANSPOSED[dims - 1](4, 6, 2, stride, padding, extra, groups, dilation=dilation)
    assert_compiles(module, (4, *SPATIAL[dims - 1]))


def test_a_transposed_convolution_whose_padding_cuts_everything_leaves_the_bias() -> None:
    assert_compiles(nn.ConvTranspose1d(1, 2, 1, stride=3, padding=1, output_padding=2), (1, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_without_batch_axis_agrees(channels: int) -> None:
    class Unbatched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, 2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.max_pool2d(F.avg_pool2d(self.conv(x.squeeze(0)), 2, 1), 2)[None]

    module = integer(Unbatched())
    x = points((channels, 5, 6), 1)
    assert_computes(compile(module, x), module, 4 * x)


def test_images_folded_into_the_batch_agree() -> None:
    class Folded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            images = F.max_pool2d(self.conv(x.flatten(0, 1)), 2)
            return images.unflatten(0, (x.shape[0], x.shape[1])).amax(1)

    assert_compiles(Folded(), (4, 2, 5, 6))


@pytest.mark.parametrize("pool", [nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [(2, 2, 0, 1), (3, 2, 1, 1), (2, 1, 1, 2), (3, 1, 0, 1), (1, 2, 0, 1), (2, 3, 1, 1), (2, 2, 0, 2)],
)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pools_agree(pool: Any, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> None:
    dims = int(pool.__name__[-2])
    assert_compiles(pool(kernel, stride, padding, dilation, ceil_mode=ceil_mode), (2, *SPATIAL[dims - 1]))


def test_max_pool_is_one_maximum_of_windows() -> None:
    network = compile(nn.MaxPool2d(3, 2, 1, ceil_mode=True).eval(), points((2, 6, 6), 1))
    assert kinds(network) == ["Gather", "Max"]
    assert network.nodes[1].shape == (2, 4, 4, 9)
    index = network.nodes[1].op.index  # type: ignore[union-attr]
    assert index.min() == 0, "padding takes no part in a maximum"


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), [(2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 2)])
def test_the_winner_of_tied_entries_of_a_pool_is_the_first_of_them_as_in_torch(
    kernel: int, stride: int, padding: int, dilation: int
) -> None:
    pool = nn.MaxPool2d(kernel, stride, padding, dilation, return_indices=False)
    images = torch.randint(0, 2, (20, 2, 6, 5), generator=torch.Generator().manual_seed(0)).double()
    network = compile(pool.eval(), images[:1])
    windows = network.nodes[1].op.index.reshape(-1, kernel * kernel)  # type: ignore[union-attr]
    first = images.flatten(1).numpy()[:, windows].argmax(axis=2)
    _, wanted = F.max_pool2d(images, kernel, stride, padding, dilation, return_indices=True)
    channel = torch.arange(2)[:, None, None] * 30
    found = windows[range(len(windows)), first]
    assert found.tolist() == (wanted + channel).flatten(1).tolist()


def test_a_window_of_nothing_but_padding_is_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="nothing but padding"):
        compile(nn.Sequential(nn.MaxPool1d(2, 1, 1, 2)).eval(), points((2, 1), 1))


@pytest.mark.parametrize("pool", [nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (2, 1, 1), (2, 3, 1)])
@pytest.mark.parametrize(("ceil_mode", "count_pad"), [(False, False), (True, True), (True, False)])
def test_average_pools_agree(
    pool: Any, kernel: int, stride: int, padding: int, ceil_mode: bool, count_pad: bool
) -> None:
    """On multiples of the divisors every quotient is an integer."""
    dims = int(pool.__name__[-2])
    assert_compiles(pool(kernel, stride, padding, ceil_mode, count_pad), (2, *SPATIAL[dims - 1]), 36**dims)


def test_a_divisor_override_divides_exactly() -> None:
    module = nn.AvgPool2d(2, divisor_override=3)
    assert_compiles(module, (2, 5, 6), 3)
    op = compile(module.eval(), points((2, 5, 6), 1)).nodes[-1].op
    assert isinstance(op, Divide) and op.divisor == 3


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("output", [1, 3, 5])
@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_adaptive_pools_agree(dims: int, output: int, kind: str) -> None:
    module = getattr(nn, f"Adaptive{kind}Pool{dims}d")(output)
    assert_compiles(module, (2, *SPATIAL[dims - 1]), 1 if kind == "Max" else (420, 60**2, 60**3)[dims - 1])


def test_an_adaptive_pool_may_keep_an_axis() -> None:
    assert_compiles(nn.AdaptiveMaxPool2d((None, 2)), (2, 6, 5))  # type: ignore[arg-type]
    assert_compiles(nn.AdaptiveAvgPool2d((None, 2)), (2, 6, 4), 2)  # type: ignore[arg-type]
