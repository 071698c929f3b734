"""Laws of models as people bring them: several inputs and outputs, files of weights, TorchScript, lazy layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic

import cpwl
from cpwl.errors import ArgumentError, CpwlError, UnsupportedLayerError

X, Y = torch.tensor([[0.5, -1.0, 2.0], [1.0, 1.0, 1.0]]), torch.tensor([[1.0, 0.0, -2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])


class Answer(NamedTuple):
    logits: Tensor
    features: Tensor


class Model(nn.Module):
    """Two heads on the sum of two inputs."""

    def __init__(self, pack: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.head, self.features = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 5)
        self.pack = pack

    def forward(self, x: Tensor, y: Tensor | None = None, *, scale: float = 1.0) -> Any:
        hidden = torch.relu(self.embed(x) + (0 if y is None else y))
        return self.pack(self.head(hidden) * scale, self.features(hidden))


PACKS: dict[str, tuple[Callable[[Tensor, Tensor], Any], list[Any]]] = {
    "tuple": (lambda a, b: (a, b), [0, 1]),
    "list": (lambda a, b: [a, b], [0, -1]),
    "dict": (lambda a, b: {"logits": a, "features": b}, ["logits", "features"]),
    "named tuple": (Answer, ["logits", 1]),
}


@pytest.mark.parametrize("name", PACKS)
def test_one_of_several_outputs_is_chosen(name: str) -> None:
    pack, outputs = PACKS[name]
    module = Model(pack).eval()
    with pytest.raises(ArgumentError, match=r"model must return one tensor.*choose one by output="):
        cpwl.compile(module, X)
    wanted = Model(lambda a, b: (a, b)).eval()(X)
    for output, expected in zip(outputs, wanted, strict=True):
        network = cpwl.compile(module, X, output=output)
        np.testing.assert_allclose(cpwl.evaluate(network, X), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    with pytest.raises(ArgumentError, match="output must name a tensor"):
        cpwl.compile(module, X, output="nothing" if isinstance(outputs[0], str) else 5)


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize(("until", "size"), [("features", 4), ("head", 4), ("embed", 3)])
def test_until_needs_no_choice_of_an_output(name: str, until: str, size: int) -> None:
    network = cpwl.compile(Model(PACKS[name][0]).eval(), X, until=until)
    assert (network.outputs == size and network.nodes[-1].name in ("", "input", "relu", "embed")) or network.units


@pytest.mark.parametrize(
    "example", [(X, Y), {"x": X, "y": Y}, (X.numpy(), Y.double().numpy())], ids=["tuple", "dict", "numpy"]
)
@pytest.mark.parametrize("place", [None, 0, 1])
def test_other_inputs_are_fixed_at_their_values(example: Any, place: int | None) -> None:
    module = Model(lambda a, b: a).eval()
    vary = list(example)[place] if isinstance(example, dict) and place is not None else place
    network = cpwl.compile(module, example, vary=vary)
    with torch.no_grad():
        wanted = module(X[:1], Y) if place == 1 else module(X, Y[:1])
    given = Y if place == 1 else X
    np.testing.assert_allclose(cpwl.evaluate(network, given), wanted.numpy(), rtol=1e-5, atol=1e-6)


def test_names_numbers_and_heads_go_together() -> None:
    module = Model(lambda a, b: (a, b)).eval()
    network = cpwl.compile(module, {"x": X, "y": Y, "scale": 2.0}, output=0)
    with torch.no_grad():
        wanted = module(X, Y[:1], scale=2.0)[0]
    np.testing.assert_allclose(cpwl.evaluate(network, X), wanted.numpy(), rtol=1e-5, atol=1e-6)
    assert cpwl.compile(module, (X, Y), until="head").outputs == 4


def test_layers_keep_the_names_that_they_have_in_the_model() -> None:
    class Curved(Model):
        def forward(self, x: Tensor, y: Tensor) -> Any:
            return (self.head(torch.relu(self.embed(x))), torch.tanh(y))

    network = cpwl.compile(Curved(lambda a, b: a).eval(), (X, Y), output=0)
    assert {"embed", "head"} <= {node.name for node in network.nodes}
    chain = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.GELU())).eval()
    with pytest.raises(UnsupportedLayerError, match=r"layer '1\.0' \(GELU\).*until='1\.0'"):
        cpwl.compile(chain, (X,))


def test_an_exported_program_of_several_inputs_and_outputs() -> None:
    module = Model(lambda a, b: (a, b)).eval()
    program = torch.export.export(module, (X[:1], Y[:1]))
    with pytest.raises(ArgumentError, match="model must take one tensor, not 2"):
        cpwl.compile(program)
    network = cpwl.compile(program, (X[:1], Y[:1]), output=1, vary=1)
    assert network.input_shape == (4,) and network.outputs == 5
    single = torch.export.export(module, (X[:1],))
    assert cpwl.compile(single, output=1).outputs == 5
    assert cpwl.compile(single, until="features").outputs == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vary": 0}, "vary needs an example_input of several inputs"),
        ({"until": "head", "output": 0}, "until and output cannot both be given"),
    ],
)
def test_choices_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        cpwl.compile(Model(lambda a, b: (a, b)).eval(), X, **options)


def test_an_unknown_input_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match="vary must name one of the inputs in example_input, 'x', 'y'; got 'z'"):
        cpwl.compile(Model(lambda a, b: a).eval(), {"x": X, "y": Y}, vary="z")


# ---- what is no network --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".pkl"])
def test_files_of_weights_say_how_to_go_on_and_are_never_opened(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"  # it does not exist: no reader is asked
    with pytest.raises(ArgumentError, match=r"reads no pickled modules.*load_state_dict.*weights_only=True"):
        cpwl.compile(path, X)


PLAIN = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
BROUGHT: dict[str, tuple[Callable[[], Any], str]] = {
    "a state dict": (PLAIN.state_dict, "build the module, load them"),
    "a traced module": (lambda: torch.jit.trace(PLAIN, X), r"TorchScript.*torch\.onnx\.export"),
    "a scripted module": (lambda: torch.jit.script(PLAIN), r"TorchScript.*torch\.onnx\.export"),
    "a lazy module": (
        lambda: nn.Sequential(nn.LazyLinear(4)).eval(),
        "submodule '0' .LazyLinear. is lazy.*call the model",
    ),
    "a quantised module": (lambda: quantize_dynamic(PLAIN, {nn.Linear}).eval(), "is quantised: it rounds its input"),
    "a module without numbers": (lambda: nn.Linear(3, 2, device="meta").eval(), "meta device.*load its weights"),
    "a function": (lambda: torch.relu, "model must be a torch.nn.Module"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BROUGHT)
def test_what_is_no_network_is_refused_with_the_way_out(name: str) -> None:
    make, message = BROUGHT[name]
    with pytest.raises(CpwlError, match=message):
        cpwl.compile(make(), X)


def test_a_lazy_module_compiles_once_it_has_run() -> None:
    module = nn.Sequential(nn.LazyLinear(4), nn.ReLU()).eval()
    module(X)
    assert cpwl.compile(module, X).units == 4
