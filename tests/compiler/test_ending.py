"""Laws of what is left out at a model's output: only what keeps the largest of all entries of a sample."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from torch import Tensor, nn

import cpwl
from cpwl.errors import UnsupportedLayerError
from tests.support.onnx_models import integers, model, random

LEFT_OUT = "at the output is left out"


class Ended(nn.Module):
    """Six scores in a shape of their own, and an ending."""

    def __init__(self, ending: Callable[[Any, Tensor], Tensor], shape: tuple[int, ...] = (6,)) -> None:
        super().__init__()
        self.scores = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 6))
        self.mixture = nn.Parameter(torch.tensor([0.5, 2.0, -1.0]))
        self.ending, self.shape = ending, shape

    def forward(self, x: Tensor) -> Tensor:
        return self.ending(self, self.scores(x).reshape(-1, *self.shape))


@contextmanager
def noticed(count: int) -> Iterator[None]:
    """That many operators are said to be left out."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    assert sum(LEFT_OUT in str(warning.message) for warning in found) == count


def assert_same_largest(network: cpwl.Network, module: nn.Module) -> None:
    """What ``decision_boundary`` compares, all entries of a sample, is largest where the model's output is."""
    x = torch.from_numpy(np.random.default_rng(0).uniform(-3, 3, (200, 2)))
    with torch.no_grad():
        wanted = module.double()(x).flatten(1)
    found = cpwl.evaluate(network, x).reshape(len(x), -1)
    assert np.array_equal(found.argmax(1), wanted.argmax(1).numpy())
    module.float()


LARGEST_KEPT: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "softmax": lambda m, x: x.softmax(1),
    "softmax, then reshaped": lambda m, x: x.softmax(1).reshape(-1, 2, 3),
    "reshaped, softmax, reshaped": lambda m, x: x.reshape(-1, 1, 6).softmax(-1).squeeze(1),
    "softmax, then transposed": lambda m, x: x.log_softmax(-1).unflatten(1, (2, 3)).transpose(1, 2).contiguous(),
    "softmax, then cast": lambda m, x: x.softmax(1).to(torch.float64),
    "sigmoid of groups": lambda m, x: x.reshape(-1, 3, 2).sigmoid().permute(0, 2, 1),
    "two of them": lambda m, x: x.sigmoid().unsqueeze(1).softmax(2).flatten(1),
    "softmax of a parameter as well": lambda m, x: (
        (x.unflatten(1, (3, 2)) * m.mixture.softmax(0)[:, None]).flatten(1).softmax(1)
    ),
}


@pytest.mark.parametrize("name", LARGEST_KEPT)
def test_what_keeps_the_largest_of_all_entries_is_left_out(name: str) -> None:
    torch.manual_seed(0)
    module = Ended(LARGEST_KEPT[name]).eval()
    with noticed(2 if name == "two of them" else 1):
        network = cpwl.compile(module, torch.zeros(1, 2))
    assert_same_largest(network, module)
    assert network.output_shape == tuple(module(torch.zeros(1, 2)).shape[1:])


GROUPED: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "softmax of groups": lambda m, x: x.reshape(-1, 2, 3).softmax(2),
    "softmax over channels of pixels": lambda m, x: x.reshape(-1, 3, 1, 2).log_softmax(1),
    "softmax of single entries": lambda m, x: x.reshape(-1, 6, 1).softmax(2),
    "softmax of groups, reshaped": lambda m, x: x.reshape(-1, 3, 2).softmax(-1).flatten(1),
}


@pytest.mark.parametrize("name", GROUPED)
def test_a_softmax_over_groups_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedLayerError, match="groups of entries"):
        cpwl.compile(Ended(GROUPED[name]).eval(), torch.zeros(1, 2))


def test_a_layer_of_groups_can_be_stopped_before() -> None:
    module = nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, (2, 3)), nn.Softmax(2)).eval()
    with pytest.raises(UnsupportedLayerError, match="until='2'"):
        cpwl.compile(module, torch.zeros(1, 2))
    assert cpwl.compile(module, torch.zeros(1, 2), until="2").output_shape == (2, 3)


# ---- ONNX ----------------------------------------------------------------------------------------------------------
def ending(shape: tuple[int, ...], kind: str, opset: int, axis: int | None, after: tuple[int, ...]) -> onnx.ModelProto:
    """Scores of a shape, a softmax or sigmoid, and another shape."""
    size = int(np.prod(shape))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Reshape", ["h", "shape"], ["s"]),
        helper.make_node(kind, ["s"], ["p"], **({} if axis is None else {"axis": axis})),
        helper.make_node("Reshape", ["p", "after"], ["q"]),
        helper.make_node("Cast", ["q"], ["y"], to=TensorProto.FLOAT),
    ]
    stored = {"w": random(2, size), "shape": integers(*shape), "after": integers(*after)}
    return model(nodes, (1, 2), stored, opset=opset)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.sampled_from(["Softmax", "LogSoftmax", "Sigmoid"]),
    st.sampled_from([7, 12, 13, 17]),
    st.integers(0, 2),
)
def test_an_ending_of_a_file_is_left_out_exactly_where_it_keeps_the_largest(
    lengths: list[int], kind: str, opset: int, place: int
) -> None:
    """Until operator set 12 a softmax runs over its axis and all that follow; then over its axis alone."""
    shape = (1, *lengths)
    axis = 1 + place % len(lengths)
    over = lengths[axis - 1] if opset >= 13 else int(np.prod(lengths[axis - 1 :]))
    source = ending(shape, kind, opset, None if kind == "Sigmoid" else axis, (1, -1))
    if kind == "Sigmoid" or over == np.prod(lengths):
        with noticed(1):
            network = cpwl.compile(source)
        assert network.output_shape == (int(np.prod(lengths)),)
    else:
        with pytest.raises(UnsupportedLayerError, match=r"groups of entries.*until='s'"):
            cpwl.compile(source)


def test_an_exported_ending_is_read_like_the_module() -> None:
    torch.manual_seed(0)
    module = Ended(LARGEST_KEPT["softmax, then transposed"]).eval()
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.zeros(1, 2),), file, dynamo=False)
    with noticed(1):
        assert_same_largest(cpwl.compile(onnx.load_from_string(file.getvalue())), module)
