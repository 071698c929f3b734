"""The torch backend: float64 on the CPU or a GPU, vectorised over all regions."""

from __future__ import annotations

from functools import cache

import torch

from ...errors import BackendError
from .arrangement import TorchArrangement
from .fields.arithmetic import TorchArithmetic
from .fields.field import FloatField

__all__ = ["FloatField", "TorchArithmetic", "TorchArrangement", "arithmetic_on", "check_device"]


def check_device(device: str | None) -> torch.device:
    """The torch device of that name (the CPU for None), or a ``BackendError`` if this machine does not have it."""
    try:
        chosen = torch.device("cpu" if device is None else device)
        torch.zeros(1, dtype=torch.float64, device=chosen)
    except (RuntimeError, AssertionError, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise BackendError(
            f"device must name a torch device of this machine that has float64, got {device!r:.80} ({reason:.200}). "
            "Use device=None for the CPU."
        ) from None
    return chosen


@cache
def arithmetic_on(device: torch.device) -> TorchArithmetic:
    """The one arithmetic of a device: what it knows of a network's weights is known to all that use the network."""
    return TorchArithmetic(device)
