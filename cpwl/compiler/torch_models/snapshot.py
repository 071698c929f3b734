"""A model in the middle of training, compiled as it is at that moment and left as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import ArgumentError
from ...network.network import Network
from ..pipeline import Ends, compile_model
from .capture import eager


def snapshot(model: nn.Module, example_input: Any, until: str | None = None) -> Network:
    """The network that the model would be in eval mode, with the weights that it has now; see ``cpwl.compile``.

    A copy is compiled, so that the model keeps its modes, gradients and buffers; and the states of the generators of
    random numbers (torch, numpy, Python) are put back.
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model must be a torch.nn.Module or a compiled Network, got {type(model).__name__}.")
    with _generators_kept():
        return compile_model(eager(model).eval(), example_input, Ends(until))


def scalar(value: Any) -> float:
    """A number, or a tensor or array with one entry, as a float."""
    try:
        return float(value.detach() if isinstance(value, torch.Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(f"a metric must be a number, or a tensor with one entry, got {value!r:.80}.") from None


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Puts back the states of the generators that a model's forward may draw from."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
