"""Laws of the compiler: what it accepts, it computes. Integers make floats exact, so most laws are equalities."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from cpwl.compiler import compile, load_program
from cpwl.compiler.bounds import evaluate
from cpwl.compiler.operators.linear import nearest_scale
from cpwl.network import Dense, Divide, Gather, Input, Max, Network, Piecewise, Scale, Sum
from tests.support.torch_modules import assert_computes, integer, kinds, points


class Forward(nn.Module):
    """A module from its forward, with an integer matrix (3, 4), vector (4,) and positive vector to use."""

    def __init__(self, forward: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self._forward = forward
        self.w = nn.Parameter(torch.tensor([[1.0, -2, 3, 0], [2, 2, -1, 1], [0, 1, 1, -3]]))
        self.register_buffer("v", torch.tensor([1.0, -2, 0, 3]))
        self.register_buffer("p", torch.tensor([2.0, 1, 4, 3]))
        self.register_buffer("i", torch.tensor([2, 0]))
        self.plain = torch.tensor([[1.0, 2, 0, -1]]).repeat(4, 1)
        self.lin = integer(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


def _assign(m: Any, x: Tensor) -> Tensor:
    y = torch.zeros(x.shape[0], 4)
    y[:, :2] = x[:, 2:]
    y[:, 3] = x[:, 0]
    return torch.relu(y)


def _add_to_slice(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :2] += 1
    y[:, 2:] = 5
    return y


def _without_grad(m: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = m.lin(x)
    return torch.relu(y)


ACTIVATIONS: dict[str, nn.Module] = {
    "relu": nn.ReLU(),
    "relu_inplace": nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)),
    "leaky": nn.LeakyReLU(0.5),
    "leaky_negative": nn.LeakyReLU(-0.25),
    "prelu": nn.PReLU(),
    "prelu_channels": nn.PReLU(4),
    "rrelu": nn.RReLU(0.25, 0.5),
    "relu6": nn.ReLU6(),
    "hardtanh": nn.Hardtanh(-2.0, 3.0),
    "dropout": nn.Sequential(nn.Dropout(), nn.Linear(4, 2), nn.AlphaDropout()),
    "identity": nn.Sequential(nn.Identity(), nn.Linear(4, 4, bias=False)),
    "nested": nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.ReLU())), nn.Linear(3, 1)),
}

FORWARDS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "abs": lambda m, x: x.abs(),
    "clamp": lambda m, x: torch.clamp(x, -1, 2),
    "clamp_low": lambda m, x: x.clamp(min=-1.5),
    "clamp_high": lambda m, x: x.clamp_max(3),
    "clamp_infinite": lambda m, x: x.clamp(-1, math.inf),
    "clamp_nothing": lambda m, x: x.clamp(-math.inf, math.inf),
    "clamp_empty_range": lambda m, x: torch.clamp(x, 3, -1) + x,
    "clamp_tensors": lambda m, x: torch.clamp(x, m.v - m.p, m.v + m.p),
    "clamp_crossed_tensors": lambda m, x: torch.clamp(x, m.p, m.v),
    "clip": lambda m, x: torch.clip(x, 0, 1),
    "maximum_number": lambda m, x: torch.maximum(x, torch.tensor(0.5)),
    "maximum_buffer": lambda m, x: torch.maximum(m.v, x),
    "maximum_larger_buffer": lambda m, x: torch.maximum(x.unsqueeze(1), m.w).flatten(1),
    "minimum_buffer": lambda m, x: torch.minimum(x, m.v),
    "minimum_number": lambda m, x: torch.min(x, torch.tensor(-1.0)),
    "maximum": lambda m, x: torch.maximum(x, m.lin(x)),
    "minimum": lambda m, x: torch.minimum(x, m.lin(x)),
    "maximum_broadcast": lambda m, x: torch.maximum(x, x[:, :1]),
    "maxout_view": lambda m, x: x.view(-1, 2, 2).max(-1).values,
    "maxout_unflatten": lambda m, x: torch.unflatten(x, 1, (2, 2)).amax(1),
    "maxout_reshape": lambda m, x: m.lin(x).reshape(x.shape[0], 2, 2).max(dim=1)[0],
    "max_all_features": lambda m, x: x.max(1, keepdim=True).values - x,
    "amax_two_axes": lambda m, x: x.view(-1, 2, 2).amax((1, 2)),
    "amax_one_entry": lambda m, x: x.unsqueeze(2).amax(2),
    "amin": lambda m, x: x.amin(1),
    "min_dim": lambda m, x: x.view(-1, 2, 2).min(2)[0],
    "residual": lambda m, x: x + torch.relu(m.lin(x)),
    "residual_sub": lambda m, x: torch.relu(x) - m.lin(x),
    "add_alpha": lambda m, x: torch.add(x, m.lin(x), alpha=3),
    "add_constant_alpha": lambda m, x: torch.sub(x, m.v, alpha=2),
    "rsub": lambda m, x: 5 - x,
    "constant_minus": lambda m, x: m.v - x,
    "neg": lambda m, x: -x,
    "mul_number": lambda m, x: x * 3,
    "mul_buffer": lambda m, x: m.v * x,
    "mul_larger": lambda m, x: (x.unsqueeze(1) * m.w).flatten(1),
    "div_power_of_two": lambda m, x: x / 4,
    "div_buffer": lambda m, x: x / torch.tensor([2.0, 4.0, 0.5, 1.0]),
    "add_inplace": lambda m, x: m.lin(x).add_(1).mul_(2).relu_(),
    "add_computed_constant": lambda m, x: x + 2 * m.v,
    "functional_linear": lambda m, x: F.linear(x, m.w),
    "matmul": lambda m, x: x @ m.w.t(),
    "matmul_three_axes": lambda m, x: (x.view(-1, 1, 4) @ m.w.T).flatten(1),
    "matmul_left": lambda m, x: (m.w @ x.unsqueeze(2)).squeeze(2),
    "matmul_left_columns": lambda m, x: (m.w[:, :2] @ x.view(-1, 2, 2)).flatten(1),
    "matmul_transposed_batch": lambda m, x: (m.w @ x.T).T,
    "matmul_vector": lambda m, x: x @ m.v,
    "mm": lambda m, x: torch.mm(x, m.w.t()),
    "addmm": lambda m, x: torch.addmm(m.v[:3], x, m.w.t(), beta=2, alpha=3),
    "sum": lambda m, x: x.sum(1),
    "sum_keepdim": lambda m, x: x - x.sum(-1, keepdim=True),
    "sum_middle": lambda m, x: x.view(-1, 2, 2).sum(1),
    "mean_of_four": lambda m, x: x.mean(1),
    "flatten": lambda m, x: x.view(-1, 2, 2).flatten(1),
    "fold_into_batch": lambda m, x: torch.relu(x.reshape(-1, 2)).reshape(-1, 4),
    "permute": lambda m, x: x.view(-1, 2, 2).permute(0, 2, 1).flatten(1),
    "transpose": lambda m, x: x.view(-1, 2, 2).transpose(1, 2).reshape(-1, 4),
    "squeeze_unsqueeze": lambda m, x: x.unsqueeze(1).squeeze(1),
    "select": lambda m, x: x[:, 2],
    "slice_step": lambda m, x: x[:, 1::2],
    "index": lambda m, x: x[:, m.i],
    "cat": lambda m, x: torch.cat([x, m.lin(x), x], 1),
    "cat_constant": lambda m, x: torch.cat([x[:, :2], x.new_ones(x.shape[0], 1) * 3], 1),
    "stack": lambda m, x: torch.stack([x, -x], 1).flatten(1),
    "split": lambda m, x: torch.split(x, [1, 3], 1)[1],
    "chunk": lambda m, x: torch.relu(x.chunk(2, 1)[0]) + x.chunk(2, 1)[1],
    "unbind": lambda m, x: x.unbind(1)[3] - x.unbind(1)[0],
    "expand": lambda m, x: x[:, None, :].expand(-1, 3, -1).flatten(1),
    "flip_roll_repeat": lambda m, x: x.flip(1).roll(1, 1).repeat(1, 2),
    "pad_reflect": lambda m, x: F.pad(x, (2, 1), mode="reflect"),
    "crop": lambda m, x: F.pad(x, (-1, -1)),
    "assign_slices": _assign,
    "add_to_a_slice": _add_to_slice,
    "changes_its_input": lambda m, x: x.sub_(1).abs_() + x,
    "plain_attribute": lambda m, x: x @ m.plain,
    "half_precision": lambda m, x: (x.half() @ m.plain.half()).float(),
    "empty_part": lambda m, x: torch.cat([x[:, :0], x, x[:, 4:]], 1),
    "pad": lambda m, x: F.pad(x, (1, 2), value=3.0),
    "cast": lambda m, x: torch.relu(x.double()).float() + x.to(torch.float16),
    "scalar_output": lambda m, x: m.lin(x)[:, 0],
    "squeezed_output": lambda m, x: m.lin(x)[:, :1].squeeze(),
    "no_grad": lambda m, x: _without_grad(m, x),
    "functional_dropout": lambda m, x: F.dropout(x, 0.5, training=m.training) + x,
    "used_twice": lambda m, x: m.lin(torch.relu(m.lin(x))),
    "unused_gelu": lambda m, x: (F.gelu(x), torch.relu(x))[1],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_module_and_its_network_agree(name: str) -> None:
    module = integer(ACTIVATIONS[name])
    assert_computes(compile(module, points((4,), 1)), module, points((4,)))


@pytest.mark.parametrize("name", FORWARDS)
def test_a_forward_and_its_network_agree(name: str) -> None:
    module = Forward(FORWARDS[name]).eval()
    assert_computes(compile(module, points((4,), 3)), module, points((4,)))


def test_batch_norm_is_a_shift_and_the_nearest_scale() -> None:
    norm = nn.BatchNorm1d(4).eval()
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            assert tensor is not None
            tensor.copy_(torch.randn(4))
        assert norm.running_var is not None
        norm.running_var.copy_(torch.rand(4) * 3)
    network = compile(norm, points((4,), 2))
    shift, scale = (node.op for node in network.nodes[1:])
    assert isinstance(shift, Scale) and isinstance(scale, Scale)
    assert norm.running_mean is not None and norm.running_var is not None
    assert np.array_equal(shift.shift, -norm.running_mean.double().numpy()) and shift.factor == 1
    assert np.array_equal(scale.shift, norm.bias.detach().double().numpy())
    wanted = zip(norm.weight.tolist(), norm.running_var.tolist(), strict=True)
    assert np.array_equal(scale.factor, [nearest_scale(w, v, 1e-5) for w, v in wanted])


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_agrees_with_the_module_over_features_and_sequences(shape: tuple[int, ...], affine: bool) -> None:
    norm = nn.BatchNorm1d(4, affine=affine, eps=0.0).eval()
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(torch.tensor([1.0, -2, 0, 3]))
    norm.running_var.copy_(torch.tensor([4.0, 1, 0.25, 16]))
    assert_computes(compile(norm, points(shape, 2)), norm, points(shape))


@settings(max_examples=300, deadline=None)
@given(st.floats(-1e6, 1e6, width=32), st.floats(0, 1e6, width=32), st.sampled_from([1e-5, 1e-3, 1e-12]))
def test_the_scale_of_batch_norm_is_correctly_rounded(weight: float, var: float, eps: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workprec(2400):
        exact = mpmath.mpf(weight) / mpmath.sqrt(mpmath.mpf(var) + mpmath.mpf(eps))
        scale = mpmath.mpf(nearest_scale(weight, var, eps))
        neighbours = [mpmath.mpf(float(np.nextafter(float(scale), to))) for to in (-np.inf, np.inf)]
        assert all(abs(scale - exact) <= abs(other - exact) for other in neighbours)


def test_prelu_takes_its_slopes_along_axis_one() -> None:
    module = nn.PReLU(3).eval()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.5, -2.0, 0.25]))
    assert_computes(compile(module, points((3, 2), 1)), module, points((3, 2)))


def test_float32_weights_are_kept_bit_for_bit() -> None:
    module = nn.Linear(5, 3).eval()
    network = compile(module, torch.zeros(1, 5))
    (op,) = (node.op for node in network.nodes[1:])
    assert isinstance(op, Dense)
    assert np.array_equal(op.weight, module.weight.detach().double().numpy())
    assert np.array_equal(op.bias, module.bias.detach().double().numpy())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_of_every_floating_type_are_kept(dtype: torch.dtype) -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).to(dtype).eval()
    op = compile(module, np.zeros((1, 3))).nodes[1].op
    assert isinstance(op, Dense)
    assert np.array_equal(op.weight, module.get_parameter("0.weight").detach().double().numpy())


def test_a_slope_written_in_python_is_its_float64_value() -> None:
    op = compile(nn.LeakyReLU(0.1).eval(), torch.zeros(1, 2)).nodes[1].op
    assert isinstance(op, Piecewise) and op.slopes.tolist() == [0.1, 1.0]
    op = compile(nn.RReLU().eval(), torch.zeros(1, 2)).nodes[1].op
    assert isinstance(op, Piecewise) and op.slopes.tolist() == [(1 / 8 + 1 / 3) / 2, 1.0]


@pytest.mark.parametrize("forward", [lambda m, x: x / 3, lambda m, x: x[:, :3].mean(1, keepdim=True)])
def test_division_and_means_are_exact(forward: Callable[[Any, Tensor], Tensor]) -> None:
    op = compile(Forward(forward).eval(), torch.zeros(1, 4)).nodes[-1].op
    assert isinstance(op, Divide) and op.divisor == 3


def test_layout_costs_no_node_when_nothing_moves() -> None:
    module = nn.Sequential(
        nn.Flatten(), nn.Dropout(), nn.Identity(), nn.Linear(4, 2), nn.Unflatten(1, (2, 1)), nn.Flatten()
    )
    assert kinds(compile(module.eval(), torch.zeros(1, 4))) == ["Dense", "Gather", "Gather"]


def test_the_network_has_the_units_and_pieces_of_the_module() -> None:
    module = integer(
        nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Unflatten(1, (2, 3)), Forward(lambda m, x: x.amax(2)))
    )
    network = compile(module, torch.zeros(1, 4))
    assert [node.size for node in network.nodes if node.is_nonlinear] == [6, 2]
    assert kinds(network) == ["Dense", "Piecewise", "Gather", "Max"]


def test_an_image_and_its_flattening_keep_the_input_shape() -> None:
    module = integer(nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.ReLU()))
    assert_computes(compile(module, points((1, 3, 4), 5).numpy()), module, points((1, 3, 4)))


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_random_integer_perceptrons_are_computed_exactly(data: st.DataObject) -> None:
    widths = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [
            nn.Linear(a, b, bias=data.draw(st.booleans())),
            data.draw(st.sampled_from([nn.ReLU(), nn.ReLU6(), nn.PReLU(b)])),
        ]
    module = integer(nn.Sequential(*layers))
    assert_computes(compile(module, points((widths[0],), 2)), module, points((widths[0],)))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_layouts_of_random_shapes_are_computed_exactly(shape: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(1, len(shape) + 1)))
    axis = data.draw(st.integers(1, len(shape)))
    keep = data.draw(st.booleans())
    reduce: Any = data.draw(st.sampled_from([torch.amax, torch.amin, torch.sum]))
    module = Forward(lambda m, x: reduce(torch.relu(x.permute(0, *order)), dim=axis, keepdim=keep)).eval()
    assert_computes(compile(module, points(tuple(shape), 1)), module, points(tuple(shape)))


def test_a_softmax_or_sigmoid_at_the_output_is_left_out_with_a_warning() -> None:
    layer = integer(nn.Linear(4, 3))
    for ending in (nn.Softmax(dim=1), nn.LogSoftmax(dim=-1), nn.Sigmoid(), nn.Sequential(nn.Dropout(), nn.Softmax(-1))):
        with pytest.warns(UserWarning, match="same argmax"):
            network = compile(nn.Sequential(layer, ending).eval(), torch.zeros(2, 4))
        assert_computes(network, layer, points((4,)))


def test_until_ends_with_the_input_of_the_module() -> None:
    module = integer(
        nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Sequential(nn.GELU(), nn.Linear(3, 2)), nn.Softmax(1))
    )
    for until in ("2", "2.0"):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            network = compile(module, points((4,), 2), until=until)
        assert_computes(network, module[:2], points((4,)))  # type: ignore[index]


def test_until_of_a_module_called_twice_is_its_first_call() -> None:
    module = Forward(lambda m, x: m.lin(torch.relu(m.lin(-x)))).eval()
    assert kinds(compile(module, torch.zeros(1, 4), until="lin")) == ["Scale"]


def test_until_the_first_module_is_the_input_itself() -> None:
    network = compile(nn.Sequential(nn.Linear(2, 2)).eval(), torch.zeros(1, 2), until="0")
    assert kinds(network) == [] and isinstance(network.nodes[0].op, Input)


def test_the_model_is_not_changed() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True)).eval()
    weight = module.get_parameter("0.weight")
    weight.grad = torch.ones(4, 4)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    network = compile(module, torch.randn(3, 4))
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert not any(m.training or m._forward_pre_hooks for m in module.modules())
    assert torch.equal(weight.grad, torch.ones(4, 4)) and all(p.requires_grad for p in module.parameters())
    with torch.no_grad():
        weight.zero_()
    op = network.nodes[1].op
    assert isinstance(op, Dense) and op.weight.all()


def test_a_float64_network_does_not_share_memory_with_the_model() -> None:
    module = nn.Linear(2, 2).double().eval()
    program = torch.export.export(module, (torch.zeros(1, 2, dtype=torch.float64),))
    for model, weight in ((module, module.weight), (program, program.state_dict["weight"])):
        op = compile(model, torch.zeros(1, 2)).nodes[1].op
        assert isinstance(op, Dense) and not np.shares_memory(op.weight, weight.detach().numpy())


@pytest.mark.parametrize("dynamic", [False, True])
def test_an_exported_program_comes_back_from_its_file(tmp_path: Path, dynamic: bool) -> None:
    module = integer(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Flatten(), nn.Linear(6, 2)))
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    example = torch.zeros(4 if dynamic else 1, 4)
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), tmp_path / "model.pt2")
    program = load_program(tmp_path / "model.pt2")
    assert_computes(compile(program), module, points((4,)))
    assert_computes(compile(program, points((4,), 3)), module, points((4,)))
    assert kinds(compile(program, until="1")) == ["Dense"]


def test_an_exported_program_of_a_larger_fixed_batch_is_compiled_by_sample() -> None:
    module = integer(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))
    assert_computes(compile(torch.export.export(module, (torch.zeros(5, 4),))), module, points((4,)))


def test_the_bound_holds_for_the_exact_value() -> None:
    """Against exact arithmetic, on a network whose values cancel."""
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1, bias=False)).double().eval()
    network = compile(module, torch.zeros(1, 6))
    x = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    *_, (_, result) = evaluate(network, x)
    for row, value, error in zip(x, result.value[:, 0].tolist(), result.error[:, 0].tolist(), strict=True):
        exact = _exact_chain(network, [Fraction(v) for v in row.tolist()])[0]
        assert abs(Fraction(value) - exact) <= Fraction(error) <= Fraction(1, 10**12)


def _exact_chain(network: Network, x: Sequence[Fraction]) -> list[Fraction]:
    row = list(x)
    for node in network.nodes[1:]:
        if isinstance(node.op, Dense):
            pairs = zip(node.op.weight.tolist(), node.op.bias.tolist(), strict=True)
            row = [sum((Fraction(w) * v for w, v in zip(ws, row, strict=True)), Fraction(b)) for ws, b in pairs]
        else:
            row = [max(v, Fraction(0)) for v in row]
    return row


def test_summary_lists_every_node_and_the_totals() -> None:
    network = compile(nn.Sequential(nn.Linear(4, 6), nn.Hardtanh(), nn.Linear(6, 2)).eval(), torch.zeros(1, 4))
    lines = network.summary().splitlines()
    assert len(lines) == len(network.nodes) + 2
    assert lines[3].split() == ["2", "1", "Piecewise", "(6,)", "6", "-1,", "1"]
    assert lines[-1].split() == ["total", "6", str(4 * 6 + 6 + 6 * 2 + 2)]


def test_summary_counts_no_bias_that_is_not_there_and_cuts_long_lists() -> None:
    wave = Piecewise(np.arange(40.0), np.tile([1.0, -1.0], 21)[:41])
    layer = Dense(np.ones((2, 2)), np.zeros(2))
    lines = Network.sequential(2, [layer, Scale(np.array(1.0), np.ones(2)), wave]).summary().splitlines()
    assert [line.split()[-1] for line in lines[2:4]] == ["4", "2"]
    assert lines[4].endswith("0, 1, ..., 39 (40)")


def test_the_operators_of_the_tables_are_all_of_the_kinds_of_the_network() -> None:
    kinds_seen = {Dense, Scale, Sum, Gather, Piecewise, Max}
    module = Forward(lambda m, x: torch.cat([x + m.lin(x), -x], 1).view(-1, 4, 2).amax(2).relu() * 2).eval()
    assert {type(node.op) for node in compile(module, torch.zeros(1, 4)).nodes[1:]} == kinds_seen
