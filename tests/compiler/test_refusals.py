"""Laws of the compiler: what it does not understand, it refuses, naming the argument, the layer and the way out."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cpwl.compiler import check, compile, load_program
from cpwl.compiler.builder import Builder
from cpwl.compiler.torch_models.capture import eager
from cpwl.errors import ArgumentError, CpwlError, FileFormatError, MismatchError, ShapeError, UnsupportedLayerError
from cpwl.network import Dense, Network, Piecewise


class Forward(nn.Module):
    """A module from its forward."""

    def __init__(self, forward: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self._forward = forward

    def forward(self, x: Tensor) -> Any:
        return self._forward(x)


X = torch.zeros(2, 4)

NOT_PIECEWISE_LINEAR = [
    nn.GELU(), nn.Tanh(), nn.SiLU(), nn.ELU(), nn.Softplus(), nn.Hardshrink(), nn.Threshold(0.5, 2.0), nn.LayerNorm(4),
    Forward(torch.round), Forward(lambda x: x * x), Forward(lambda x: x / (x.abs() + 1)),
    Forward(lambda x: x @ x.t()), Forward(lambda x: x.to(torch.int64).float()), Forward(lambda x: x.softmax(1) + x),
    Forward(lambda x: x.sigmoid().relu()), Forward(lambda x: x.argmax(1).float()),
    Forward(lambda x: torch.where(x > 0, x, -x)), Forward(lambda x: F.dropout(x, 0.5, training=True)),
    Forward(lambda x: x + torch.rand(4)),
]  # fmt: skip


@pytest.mark.parametrize("layer", NOT_PIECEWISE_LINEAR, ids=repr)
def test_what_is_not_piecewise_linear_is_refused_with_its_path_and_a_way_out(layer: nn.Module) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), layer)).eval()
    with pytest.raises(UnsupportedLayerError, match=r"layer '1\.1'.*uses aten\..*until='1\.1' .*docs/torch\.md"):
        compile(model, X)
    assert len(compile(model, X, until="1.1").nodes) == 3


REASONS = {
    "jumps": [nn.Hardshrink(), nn.Threshold(0.5, 2.0), Forward(torch.round), Forward(torch.floor), Forward(torch.sign),
              Forward(torch.trunc), Forward(torch.frac), Forward(lambda x: torch.heaviside(x, torch.zeros(4)))],
    "decision on values": [Forward(lambda x: torch.where(x > 0, x, -x)), Forward(lambda x: (x >= 0) * 1.0)],
    "curved": [nn.GELU(), nn.Tanh(), nn.SiLU(), nn.ELU(), nn.CELU(), nn.SELU(), nn.Mish(), nn.Softplus(),
               Forward(lambda x: x**2), Forward(lambda x: x.logsumexp(1))],
    "product of two": [nn.Hardswish(), nn.GLU(), Forward(lambda x: x * x), Forward(lambda x: x @ x.t()),
                       Forward(lambda x: torch.einsum("bi,bj->bij", x, x))],
    "divides by a norm or a standard deviation": [nn.LayerNorm(4), nn.GroupNorm(2, 4)],
    "is curved": [Forward(lambda x: x.norm(dim=1)), Forward(lambda x: x.std(1)), Forward(F.normalize)],
    "not supported": [Forward(lambda x: x.sort(1).values), Forward(lambda x: x.topk(2, 1).values)],
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_a_refusal_says_why(reason: str) -> None:
    for layer in REASONS[reason]:
        model = nn.Sequential(nn.Linear(4, 4), layer).eval()
        # hardshrink is taken apart by torch into a comparison and a branch
        wanted = "jumps|decision" if reason == "jumps" else reason
        with pytest.raises(UnsupportedLayerError, match=rf"layer '1' .*uses aten\..*({wanted}).*until='1'"):
            compile(model, X)


@pytest.mark.parametrize("layer", [nn.Dropout(), nn.BatchNorm1d(4), nn.RReLU(), nn.AlphaDropout()], ids=repr)
def test_a_program_exported_in_train_mode_says_so(layer: nn.Module) -> None:
    program = torch.export.export(nn.Sequential(nn.Linear(4, 4), layer).train(), (torch.randn(4, 4),))
    with pytest.raises(ArgumentError, match=r"exported in train mode: aten\..* of layer '1'.*model\.eval\(\)"):
        compile(program)


def test_a_layer_of_the_models_own_forward_is_named_as_such() -> None:
    with pytest.raises(UnsupportedLayerError, match=r"the model's own forward .*aten\.tanh\.default"):
        compile(Forward(lambda x: x.tanh()).eval(), X)


def test_the_indices_of_a_maximum_are_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="indices of a maximum"):
        compile(Forward(lambda x: x.max(1).indices.float() + x.sum(1)).eval(), X)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x - x.mean(0, keepdim=True),
        lambda x: x + x.flip(0),
        lambda x: x - x.amax(0),
        lambda x: x / x.shape[0],
        lambda x: torch.cat([x[-1:], x[:-1]]) + x,
        lambda x: x.max() - x,
    ],
)
def test_a_model_that_mixes_the_samples_of_a_batch_is_refused(forward: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(UnsupportedLayerError, match="model mixes the samples of a batch"):
        compile(nn.Sequential(nn.Linear(4, 4), Forward(forward)).eval(), X)


def test_batch_norm_without_statistics_is_refused() -> None:
    with pytest.raises((UnsupportedLayerError, ShapeError), match=r"batch_norm|Expected more than 1 value"):
        compile(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False)).eval(), X)


def test_a_softmax_over_the_batch_axis_is_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="batch axis"):
        compile(nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=0)).eval(), X)


def test_control_flow_on_values_is_refused() -> None:
    with pytest.raises(UnsupportedLayerError, match="depends on the input's values"):
        compile(Forward(lambda x: x if x.sum() > 0 else -x).eval(), X)


def test_train_mode_is_refused_for_the_model_and_for_a_part() -> None:
    with pytest.raises(ArgumentError, match=r"model must be in eval mode.*call model.eval\(\)"):
        compile(nn.Linear(4, 2), X)
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval()
    model.get_submodule("1").train()
    with pytest.raises(ArgumentError, match="submodule '1'"):
        compile(model, X)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(bad: float) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    with torch.no_grad():
        model.get_parameter("2.weight")[1, 1] = bad
    with pytest.raises(ArgumentError, match=r"model has NaN or infinite numbers in '2\.weight'"):
        compile(model, X)


def test_weights_that_overflow_are_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1)).double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(1e200 if p.ndim == 2 else 3e199)
    with pytest.raises(ArgumentError, match="overflows"):
        compile(model, X)


@pytest.mark.parametrize("model", [None, 3, nn.Linear, lambda x: x, {"weight": 1}])
def test_what_is_no_module_is_refused(model: Any) -> None:
    with pytest.raises(ArgumentError, match=r"model must be a torch\.nn\.Module"):
        compile(model, X)


@pytest.mark.parametrize(
    ("example", "error", "message"),
    [
        (torch.zeros(2, 5), ShapeError, "example_input"),
        (torch.zeros(4), ShapeError, r"example_input must be one batch.*got shape \(4,\)"),
        (torch.zeros(0, 4), ShapeError, "example_input"),
        (torch.zeros(()), ShapeError, "example_input"),
        (torch.zeros(2, 4, dtype=torch.int64), ArgumentError, "example_input must hold real.*int64"),
        (torch.zeros(2, 4, dtype=torch.complex64), ArgumentError, "example_input must hold real.*complex64"),
        (np.zeros((2, 4), dtype=np.int32), ArgumentError, "example_input must hold real"),
        (torch.full((2, 4), float("nan")), ArgumentError, "example_input must be finite"),
        (None, ArgumentError, "example_input is needed"),
        ("digits", ArgumentError, "example_input must be an array"),
        ({"x": "digits"}, ArgumentError, "example_input must be an array"),
    ],
)
def test_an_example_that_does_not_fit_is_refused(example: Any, error: type[CpwlError], message: str) -> None:
    with pytest.raises(error, match=message):
        compile(nn.Linear(4, 2).eval(), example)


def test_an_example_that_does_not_fit_a_program_is_refused() -> None:
    program = torch.export.export(nn.Linear(4, 2).eval(), (torch.zeros(1, 4),))
    for shape in ((1, 5), (1, 4, 4)):
        with pytest.raises(ShapeError, match="example_input must be a batch of shape"):
            compile(program, torch.zeros(shape))


@pytest.mark.parametrize("forward", [lambda x: (x, x), lambda x: {"y": x}, lambda x: None, lambda x: 3.0])
def test_a_model_that_does_not_return_one_tensor_is_refused(forward: Callable[[Tensor], Any]) -> None:
    with pytest.raises(ArgumentError, match="model must return one tensor"):
        compile(Forward(forward).eval(), X)


def test_a_program_of_integers_is_refused() -> None:
    program = torch.export.export(Forward(lambda x: x * 2).eval(), (torch.zeros(1, 4, dtype=torch.int64),))
    with pytest.raises(ArgumentError, match=r"exported for torch\.int64"):
        compile(program, X)


def test_a_program_of_two_inputs_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    program = torch.export.export(Two().eval(), (torch.zeros(1, 4), torch.zeros(1, 4)))
    with pytest.raises(ArgumentError, match="model must take one tensor, not 2"):
        compile(program, X)


def test_a_model_that_changes_its_state_is_refused() -> None:
    class Counting(nn.Module):
        calls: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x + self.calls

    with pytest.raises(UnsupportedLayerError, match=r"changes its state \('calls'\)"):
        compile(Counting().eval(), X)


def test_an_output_that_ignores_the_input_is_refused() -> None:
    with pytest.raises(ArgumentError, match="does not depend on its input"):
        compile(Forward(lambda x: torch.ones_like(x)).eval(), X)


@pytest.mark.parametrize("until", ["3", "nowhere", "", "1.0"])
def test_an_unknown_module_to_stop_before_is_refused_with_the_known_ones(until: str) -> None:
    with pytest.raises(ArgumentError, match=r"until must name a module.*'0', '1'"):
        compile(nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval(), X, until=until)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt2").write_text("not a program")
    torch.save({"a": torch.zeros(2)}, tmp_path / "tensors.pt2")
    for name in ("text.pt2", "tensors.pt2"):
        with pytest.raises(FileFormatError, match=name):
            load_program(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_program(tmp_path / "missing.pt2")


def _spoiled(network: Network, kind: type) -> Network:
    """The network with one number of its first operator of a kind off by 1e-12, relatively."""
    nodes = list(network.nodes)
    i = next(i for i, node in enumerate(nodes) if isinstance(node.op, kind))
    op = copy.deepcopy(nodes[i].op)
    numbers = op.weight if isinstance(op, Dense) else op.slopes  # type: ignore[union-attr]
    numbers.flat[np.argmax(np.abs(numbers))] *= 1 + 1e-12
    nodes[i] = replace(nodes[i], op=op)
    return Network(tuple(nodes))


@pytest.mark.parametrize(("kind", "layer"), [(Dense, "'0'"), (Piecewise, "'1'")])
def test_the_self_check_catches_a_planted_error_and_names_the_first_layer(
    kind: type, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Builder.network
    monkeypatch.setattr(Builder, "network", lambda b, out: (_spoiled(honest(b, out)[0], kind), honest(b, out)[1]))
    with pytest.raises(MismatchError, match=f"of layer {layer}"):
        compile(nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.3), nn.Linear(8, 2)).eval(), X)


def test_the_check_of_the_whole_catches_a_capture_that_lost_something(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = eager

    def other(model: nn.Module) -> nn.Module:
        changed = honest(model)
        with torch.no_grad():
            changed[0].bias += 1e-3  # type: ignore[index]
        return changed

    monkeypatch.setattr(check, "eager", other)
    with pytest.raises(MismatchError, match="follows the captured graph"):
        compile(nn.Sequential(nn.Linear(4, 2)).eval(), X)


def test_a_model_of_one_sample_only_is_a_function_of_one_sample() -> None:
    assert compile(Forward(lambda x: x.view(1, 2, 2).amax(2)).eval(), X).output_shape == (2,)


def test_the_compiler_is_imported_without_torch() -> None:
    code = "import sys, cpwl.compiler, cpwl.network.serial; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
