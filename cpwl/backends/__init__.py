"""The backends by name: each joins an ``Arrangement`` with the ``Arithmetic`` of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic import Arithmetic
from ..arrangement import Arrangement
from ..domain import Domain
from ..errors import BackendError
from ..network import Network
from ..predicates import Functions, Oracle

if TYPE_CHECKING:
    from .torch.execution import TorchExecution

NAMES = ("torch", "exact")


@dataclass(frozen=True)
class Backend:
    """What a partition needs of a backend."""

    name: str
    arrangement: type[Arrangement[Any]]
    arithmetic: Arithmetic[Any]
    device: str | None = None


def get(name: str, device: str | None = None) -> Backend:
    """The backend of that name: "torch" (float64, on ``device``) or "exact" (rational, no device)."""
    if name == "torch":
        from .torch import TorchArithmetic, TorchArrangement, check_device

        return Backend(name, TorchArrangement, TorchArithmetic(check_device(device)), device)
    if name == "exact":
        if device not in (None, "cpu"):
            raise BackendError(f"device must be None for the exact backend, got {device!r}: it computes on the CPU.")
        from .exact import ExactArithmetic, ExactArrangement

        return Backend(name, ExactArrangement, ExactArithmetic())
    raise BackendError(f"backend must be one of {', '.join(map(repr, NAMES))}, got {name!r}.")


def execution(dtype: str, device: str | None = None) -> TorchExecution:
    """What runs networks in a floating-point type on a device (the CPU for None)."""
    from .torch import check_device
    from .torch.execution import TorchExecution

    return TorchExecution(dtype, check_device(device))


def oracle(network: Network, domain: Domain) -> Oracle:
    """The functions of a network on regions of a slice, from the exact backend, which is loaded when first asked."""

    @cache
    def loaded() -> Oracle:
        from .exact.oracle import SliceOracle

        return SliceOracle(network, domain)

    def functions(patterns: NDArray[np.int16]) -> Sequence[Functions]:
        return loaded()(patterns)

    return functions
