"""Laws of the other operators: resampling, contractions, shuffles, masks; the network computes what torch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from cpwl.compiler import compile
from cpwl.errors import UnsupportedLayerError
from cpwl.network import Divide, Piecewise
from tests.support.torch_modules import assert_computes, integer, kinds, points, values


class Forward(nn.Module):
    """A module from its forward on images (3, 4, 6), with integer constants to use."""

    def __init__(self, forward: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self._forward = forward
        generator = torch.Generator().manual_seed(5)

        def numbers(*shape: int) -> Tensor:
            return torch.randint(-3, 4, shape, generator=generator).to(torch.float32)

        for name, shape in {"weight": (3, 5), "channel": (3,), "batches": (3, 6, 2), "row": (6,)}.items():
            self.register_buffer(name, numbers(*shape))
        self.register_buffer("mask", torch.rand(4, 6, generator=generator) > 0.5)
        self.register_buffer("index", torch.randint(0, 3, (1, 2, 4, 6), generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


FORWARDS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "einsum": lambda m, x: torch.einsum("bcij,cd->bdij", x, m.weight),
    "einsum_constant_first": lambda m, x: torch.einsum("cd,bcij->bjd", m.weight, x),
    "einsum_batches": lambda m, x: torch.einsum("bcij,cjk->bkci", x, m.batches),
    "einsum_outer": lambda m, x: torch.einsum("bcij,k->bkcij", x, m.row),
    "einsum_alone": lambda m, x: torch.einsum("bcij->bjc", x),
    "einsum_implicit": lambda m, x: torch.einsum("zcij, cd", x, m.weight).movedim(-1, 0),
    "einsum_constant_summed": lambda m, x: torch.einsum("bcij,cd->bij", x, m.weight),
    "tensordot": lambda m, x: torch.tensordot(x, m.batches, dims=([1, 3], [0, 1])),
    "tensordot_left": lambda m, x: torch.tensordot(m.weight, x, dims=([0], [1])).movedim(1, 0),
    "matmul_batches": lambda m, x: x @ m.batches.expand(x.shape[0], 3, 6, 2),
    "bmm": lambda m, x: torch.bmm(x.flatten(0, 1), m.batches.repeat(x.shape[0], 1, 1)).unflatten(0, (-1, 3)),
    "bmm_left": lambda m, x: torch.bmm(m.batches.mT.repeat(x.shape[0], 1, 1), x.flatten(0, 1).mT).unflatten(0, (-1, 3)),
    "baddbmm": lambda m, x: torch.baddbmm(
        m.row[:2], x.flatten(1, 2), m.batches[:1].expand(len(x), 6, 2), beta=2, alpha=3
    ),
    "outer": lambda m, x: torch.outer(x.flatten(), m.channel).reshape(x.shape[0], -1),
    "lerp": lambda m, x: torch.lerp(x, x.flip(1), 0.5),
    "addcmul": lambda m, x: torch.addcmul(x, x, m.row, value=2),
    "cumsum": lambda m, x: x.cumsum(2),
    "pixel_shuffle": lambda m, x: F.pixel_shuffle(F.pixel_unshuffle(x, 2).roll(1, 1), 2),
    "channel_shuffle": lambda m, x: F.channel_shuffle(x.repeat(1, 2, 1, 1), 3),
    "tril": lambda m, x: torch.tril(x, 1) + torch.triu(x, 2),
    "diagonal": lambda m, x: x.diagonal(0, 2, 3),
    "gather": lambda m, x: x.gather(1, m.index.expand(len(x), -1, -1, -1)),
    "rot90": lambda m, x: x.rot90(1, (2, 3)),
    "unfold": lambda m, x: x.unfold(3, 3, 2),
    "repeat_interleave": lambda m, x: x.repeat_interleave(2, 1),
    "masked_fill": lambda m, x: x.masked_fill(m.mask, 2.0),
    "where": lambda m, x: torch.where(m.mask, x, 2 * x),
    "where_number": lambda m, x: torch.where(m.mask, 3.0, x),
    "patches": lambda m, x: F.unfold(x, (2, 3), dilation=1, padding=1, stride=2),
    "maximum_without_nan": lambda m, x: torch.fmax(x, x.flip(1)) - torch.fmin(x, m.row),
    "pad_reflect": lambda m, x: F.pad(x, (2, 1, 1, 3), mode="reflect"),
    "pad_replicate": lambda m, x: F.pad(x, (2, 1, 1, 3), mode="replicate"),
    "pad_circular": lambda m, x: F.pad(x, (2, 1, 1, 3), mode="circular"),
    "take": lambda m, x: x.flatten(1).take_along_dim(m.index.flatten(1)[:, :7].expand(len(x), -1), 1),
    "flips": lambda m, x: x.fliplr(),
    "diagonal_embedded": lambda m, x: torch.diag_embed(x[:, 0, 0]),
    "scatter": lambda m, x: x.scatter(3, torch.tensor([[[[5, 0]]]]).expand(len(x), 3, 4, 2), 2 * x[..., :2]),
    "scatter_number": lambda m, x: x.scatter(3, torch.tensor([[[[5, 0]]]]).expand(len(x), 3, 4, 2), 1.5),
    "norms": lambda m, x: x.norm(p=1, dim=(2, 3)) + x.norm(p=float("inf"), dim=(1, 2))[:, :3],
    "smallest_norm": lambda m, x: torch.linalg.vector_norm(x, float("-inf"), dim=3, keepdim=True),
    "addmm_of_constants": lambda m, x: torch.stack(
        [torch.addmm(y, m.weight.T[:3], m.weight, beta=2) for y in x[:, 0, :3, :5]]
    ),
    "addcmul_of_constants": lambda m, x: torch.addcmul(x, m.row, m.row, value=3),
    "pad_all": lambda m, x: F.pad(x, (1, 0, 0, 2, 1, 1), value=-1.0),
}


def _put(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, [0, 2], [1, 3]] = torch.tensor(3.0)
    return torch.relu(y)


FORWARDS["index_put"] = _put


@pytest.mark.parametrize("name", FORWARDS)
def test_a_forward_and_its_network_agree(name: str) -> None:
    module = Forward(FORWARDS[name]).eval()
    assert_computes(compile(module, points((3, 4, 6), 2)), module, points((3, 4, 6), 10))


def test_batches_of_matrices_stay_apart() -> None:
    network = compile(Forward(lambda m, x: torch.einsum("bcij,cjk->bcik", x, m.batches)).eval(), points((3, 4, 6), 1))
    assert max(node.parameters for node in network.nodes) == 3 * 2 * 6


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("factor", [2, 3, 0.5, 1.7, (1.5, 2.0)])
def test_nearest_interpolation_moves_entries(mode: str, factor: Any) -> None:
    module = nn.Upsample(scale_factor=factor, mode=mode)
    network = compile(module.eval(), points((2, 4, 6), 1))
    assert_computes(network, module, points((2, 4, 6), 5))
    assert kinds(network) == ["Gather"]


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7, (3, 9), (8, 12)])
def test_linear_interpolation_is_exact(align: bool, size: Any) -> None:
    """On multiples of the common denominator every value is an integer."""
    module = nn.Upsample(size=size, mode="bilinear", align_corners=align).double()
    network = compile(module.eval(), points((2, 4, 6), 1).double())
    x = points((2, 4, 6), 5).double() * 49 * 81 * 64 * 121
    assert np.abs(values(network, x) - module(x).numpy()).max() < 1e-6
    assert np.array_equal(values(network, x), np.round(values(network, x)))


@pytest.mark.parametrize(("factor", "align"), [(2, False), (1.5, False), (3, True), (0.5, False)])
@pytest.mark.parametrize(("mode", "shape"), [("linear", (2, 6)), ("bilinear", (2, 4, 6)), ("trilinear", (1, 4, 2, 4))])
def test_interpolation_by_a_factor_agrees(mode: str, shape: tuple[int, ...], factor: float, align: bool) -> None:
    """``compile`` itself compares with the module within rounding."""
    module = nn.Upsample(scale_factor=factor, mode=mode, align_corners=align).double().eval()
    network = compile(module, points(shape, 1).double())
    divisors = [node.op.divisor for node in network.nodes if isinstance(node.op, Divide)]
    assert len(divisors) <= 1 and all(0 < divisor <= 3**9 for divisor in divisors)
    if factor == 2 and not align:
        assert_computes(network, module, points(shape, 5).double())


def test_a_factor_of_many_bits_gives_the_nearest_weights() -> None:
    network = compile(nn.Upsample(scale_factor=1.7, mode="bilinear").double().eval(), points((1, 4, 5), 1).double())
    assert "Divide" not in kinds(network)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_interpolation_of_any_sizes_agrees(size: int, wanted: int, align: bool) -> None:
    module = nn.Upsample(size=wanted, mode="linear", align_corners=align).double().eval()
    compile(module, points((1, size), 1).double())


@pytest.mark.parametrize("size", [0.5, 2.0, 0.0])
def test_softshrink_is_one_activation(size: float) -> None:
    module = nn.Sequential(nn.Identity(), nn.Softshrink(size)).eval()
    network = compile(module, points((4,), 1))
    assert_computes(network, module, points((4,)))
    assert kinds(network) == ["Piecewise"]
    assert kinds(compile(torch.export.export(module, (points((4,), 1),)))) == ["Piecewise"]


def test_hardsigmoid_divides_by_six_exactly() -> None:
    network = compile(nn.Hardsigmoid().eval(), points((4,), 1))
    activation, division = (node.op for node in network.nodes[1:])
    assert isinstance(activation, Piecewise) and activation.breakpoints.tolist() == [-3, 3]
    assert isinstance(division, Divide) and division.divisor == 6
    assert_computes(network, nn.Hardsigmoid(), points((4,)) * 3)


def test_a_continuous_threshold_is_a_maximum() -> None:
    module = nn.Threshold(0.5, 0.5).eval()
    assert_computes(compile(module, points((4,), 1)), module, points((4,)))


@pytest.mark.parametrize("norm", [nn.InstanceNorm1d, nn.InstanceNorm2d])
def test_instance_norm_with_stored_statistics_is_affine(norm: Any) -> None:
    module = norm(3, affine=True, track_running_stats=True, eps=0.0)
    module.running_mean.copy_(torch.tensor([1.0, -2, 3]))
    module.running_var.copy_(torch.tensor([4.0, 1, 0.25]))
    shape = (3, 4) if norm is nn.InstanceNorm1d else (3, 4, 2)
    assert_computes(compile(integer(module), points(shape, 1)), module, points(shape, 5))


def test_instance_norm_without_statistics_is_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="standard deviation"):
        compile(nn.InstanceNorm1d(3).eval(), points((3, 4), 1))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_batch_norm_agrees_over_every_number_of_axes(dims: int) -> None:
    module = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[dims - 1](3, eps=0.0)
    assert module.running_var is not None and module.running_mean is not None
    module.running_var.copy_(torch.tensor([4.0, 1, 0.25]))
    module.running_mean.copy_(torch.tensor([1.0, -2, 3]))
    assert_computes(compile(integer(module), points((3, *[4] * dims), 1)), module, points((3, *[4] * dims), 5))
