"""Laws of the constants that a model computes: each is what torch computes in the model's own type, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.prune as prune
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from cpwl import evaluate
from cpwl.compiler import compile
from cpwl.errors import MismatchError, UnsupportedLayerError
from cpwl.network import Dense

Make = Callable[[Any], Tensor]


class Computed(nn.Module):
    """A layer whose weight is made in the forward, from a stored one and what else is stored."""

    def __init__(self, make: Make, dtype: torch.dtype, shape: tuple[int, int] = (24, 40), seed: int = 0) -> None:
        super().__init__()
        self.make = make
        generator = torch.Generator().manual_seed(seed)
        stored = torch.randn(shape, generator=generator) * 0.3
        self.w = nn.Parameter(stored.to(dtype))
        self.register_buffer("steps", (torch.rand(shape[0], generator=generator) / 50 + 0.001).to(torch.float32))
        self.register_buffer("zeros", torch.randint(-3, 4, (shape[0],), generator=generator, dtype=torch.int32))
        self.register_buffer("integers", torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.make(self))


def _step(w: Tensor) -> Tensor:
    return w.abs().max() / 127


MAKES: dict[str, Make] = {
    "fake quantisation": lambda m: torch.fake_quantize_per_tensor_affine(m.w, 0.01, 0, -128, 127),
    "fake quantisation by a tensor": lambda m: torch.fake_quantize_per_tensor_affine(
        m.w, m.steps[0], m.zeros[0], -128, 127
    ),
    "rounding": lambda m: torch.round(m.w / _step(m.w)) * _step(m.w),
    "rounding to decimals": lambda m: m.w.round(decimals=2),
    "ternary": lambda m: (m.w / m.w.abs().mean()).round().clamp(-1, 1) * m.w.abs().mean(),
    "signs": lambda m: m.w.sign() * m.w.abs().mean(1, keepdim=True),
    "four bits": lambda m: torch.round(torch.round(m.w / 0.0123) * 0.0123 / 0.1968) * 0.1968,
    "integers": lambda m: m.integers.to(m.w.dtype) * m.w[:, :1],
    "integers by way of a cast": lambda m: (m.w / 0.0123).round().to(torch.int8).to(m.w.dtype) * 0.0123,
    "threshold": lambda m: torch.where(m.w.abs() > 0.3 * m.w.abs().max(), m.w, 0.0),
    "half and back": lambda m: (m.w.half() * 3).to(m.w.dtype),
    "weight norm": lambda m: m.w * (0.7 / m.w.norm(dim=1, keepdim=True)),
    "low rank": lambda m: m.w + m.w[:, :2] @ m.w[:2] * 0.37,
    "rotation": lambda m: torch.linalg.qr(m.w).Q @ m.w[:24],
    "filled": lambda m: m.w + torch.full_like(m.w, 0.1) + torch.full((24, 1), 0.1, dtype=m.w.dtype),
}  # fmt: skip

SINGLE_ONLY: dict[str, Make] = {
    "fake quantisation of channels": lambda m: torch.fake_quantize_per_channel_affine(
        m.w, m.steps, m.zeros, 0, -128, 127
    ),
    "learned fake quantisation of channels": lambda m: torch._fake_quantize_learnable_per_channel_affine(
        m.w, m.steps, m.zeros.float(), 0, -128, 127
    ),
}


def assert_own(module: Computed) -> None:
    with torch.no_grad():
        wanted = module.make(module).double().numpy()
    (weight,) = (node.op.weight for node in compile(module.eval(), torch.zeros(1, 40)).nodes if type(node.op) is Dense)
    assert np.array_equal(weight, wanted)


TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
NO_HALVES = ("rotation",)
"""What torch itself computes in float32 and float64 alone."""


@pytest.mark.parametrize(
    ("name", "dtype"), [(name, dtype) for name in MAKES for dtype in (TYPES[:2] if name in NO_HALVES else TYPES)]
)
def test_a_computed_weight_is_what_the_model_computes(name: str, dtype: torch.dtype) -> None:
    for seed in range(2 if dtype == torch.float32 else 1):
        assert_own(Computed(MAKES[name], dtype, seed=seed))


@pytest.mark.parametrize("name", SINGLE_ONLY)
def test_what_torch_has_in_single_precision_alone_is_taken_in_it(name: str) -> None:
    for seed in range(3):
        assert_own(Computed(SINGLE_ONLY[name], torch.float32, seed=seed))


def _rounded(module: Computed, w: Tensor, power: int) -> Tensor:
    step = _step(w) * 2.0**power
    return (w / step).round() * step


STEPS: dict[str, Callable[[Computed, Tensor, int], Tensor]] = {
    "round": _rounded,
    "floor": lambda m, w, n: (w * 10.0**n).floor() / 10.0**n,
    "scale": lambda m, w, n: w * 0.1 * n,
    "normalise": lambda m, w, n: w / w.abs().mean(),
    "shift": lambda m, w, n: w - w.mean(0),
    "half": lambda m, w, n: w.to(torch.bfloat16).to(w.dtype),
    "clip": lambda m, w, n: w.clamp(-0.3 * n, 0.3),
    "sum": lambda m, w, n: w.cumsum(1) / n,
    "root": lambda m, w, n: w.sign() * w.abs().sqrt(),
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(0, 99),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_any_chain_of_steps_gives_the_models_own_weight(
    chain: list[tuple[str, int]], seed: int, dtype: torch.dtype
) -> None:
    def make(module: Computed) -> Tensor:
        w: Tensor = module.w
        for name, n in chain:
            w = STEPS[name](module, w, n)
        return w

    assert_own(Computed(make, dtype, seed=seed))


def test_a_tie_falls_as_in_the_model() -> None:
    """0.345 / 0.01 is 34.5 in float32, rounded to 34; the float64 quotient of these numbers rounds to 35 or less."""
    steps = torch.arange(-200, 200, dtype=torch.float32) * 0.005
    module = Computed(lambda m: torch.round(m.w / 0.01) * 0.01, torch.float32, (10, 40))
    with torch.no_grad():
        module.w.copy_(steps.reshape(10, 40))
    wide = torch.round(module.w.double() / 0.01) * 0.01
    assert (wide - module.make(module)).abs().max() > 0.005  # the two differ by a quantum somewhere
    assert_own(module)


def test_a_program_is_read_as_its_module_is() -> None:
    module = Computed(MAKES["rounding"], torch.float32).eval()
    program = torch.export.export(module, (torch.zeros(1, 40),))
    one, other = compile(module, torch.zeros(1, 40)), compile(program)
    assert one.nodes[-1].op.weight.tobytes() == other.nodes[-1].op.weight.tobytes()


def test_a_pruned_module_compiles_as_its_masked_weights() -> None:
    layer = nn.Linear(6, 5)
    prune.random_unstructured(layer, "weight", 0.4)
    prune.l1_unstructured(layer, "bias", 1)
    module = nn.Sequential(layer, nn.ReLU()).eval()
    with torch.no_grad():
        module(torch.ones(1, 6))  # a module that has run holds its masked weight, no leaf of a graph, as an attribute
    module(torch.ones(1, 6))
    network = compile(module, torch.zeros(1, 6))
    (op,) = (node.op for node in network.nodes if type(node.op) is Dense)
    assert np.array_equal(op.weight, (layer.weight_orig * layer.weight_mask).detach().double().numpy())
    assert np.array_equal(op.bias, (layer.bias_orig * layer.bias_mask).detach().double().numpy())


def test_fake_quantisation_of_the_input_is_refused_as_a_jump() -> None:
    class Activations(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)

    with pytest.raises(UnsupportedLayerError, match="jumps"):
        compile(Activations().eval(), torch.zeros(1, 3))


class ReadingTypes(nn.Module):
    """A forward that asks for the type of its input, and computes with what that says."""

    def __init__(self, make: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.make, self.first, self.last = make, nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        return self.last(h * self.make(h))  # type: ignore[no-any-return]


READING: dict[str, Callable[[Tensor], Tensor]] = {
    "numbers": lambda x: torch.tensor([0.1, 0.2, 0.3], dtype=x.dtype),
    "new numbers": lambda x: x.new_tensor([0.1, 0.2, 0.3]) + torch.arange(3).to(x) / 3,
    "the least number": lambda x: torch.ones(3, dtype=x.dtype) * torch.finfo(x.dtype).eps,
    "filled": lambda x: torch.full((3,), 0.1, dtype=x.dtype) + torch.linspace(0.1, 1, 3, dtype=x.dtype),
    "its name": lambda x: torch.ones(3, dtype=x.dtype) * (2.0 if x.dtype == torch.float64 else 0.1),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("make", READING.values(), ids=READING)
def test_a_forward_that_reads_the_type_of_its_input_is_what_it_is_in_its_own_type(
    make: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    model = ReadingTypes(make).to(dtype).eval()
    network = compile(model, torch.zeros(1, 4, dtype=dtype))
    points = torch.randn(20, 4).to(dtype)
    with torch.no_grad():
        wanted = model(points).double().numpy()
    assert np.abs(evaluate(network, points.double().numpy()) - wanted).max() < 64 * torch.finfo(dtype).eps


def test_what_differs_in_both_types_is_still_seen() -> None:
    """The capture fixes what a second call does otherwise."""

    class Changing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return torch.relu(x) * float(self.calls >= 2) + x

    with pytest.raises((MismatchError, UnsupportedLayerError)):
        compile(Changing().eval(), torch.zeros(1, 3))


def test_a_model_that_does_not_run_again_is_refused_with_what_it_says() -> None:
    calls = []

    class Once(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not torch.compiler.is_compiling():
                calls.append(x)
                if len(calls) > 1:  # after the one that comes before the capture
                    raise RuntimeError("enough is enough")
            return torch.relu(x)

    with pytest.raises(UnsupportedLayerError, match=r"cannot be run again.*enough is enough"):
        compile(Once().eval(), torch.zeros(1, 3))
