"""The backends by name: each joins an ``Arrangement`` with the ``Arithmetic`` of its fields."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arithmetic import Arithmetic
from ..arrangement import Arrangement, Form
from ..balls import Balls
from ..domain import Domain
from ..errors import BackendError
from ..network import Network
from ..predicates import CloseFunctions, Names, Oracle, RegionsFunctions
from .named import Named

if TYPE_CHECKING:
    from .exact.oracle import SliceOracle
    from .torch import TorchArithmetic
    from .torch.execution import TorchExecution
    from .torch.extended import ExtendedField
    from .torch.lines import CloseLines
    from .torch.oracle import CloseOracle
    from .torch.points import CloseArithmetic

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
        from .torch import TorchArrangement, arithmetic_on, check_device

        return Backend(name, TorchArrangement, arithmetic_on(check_device(device)), device)
    if name == "exact":
        if device not in (None, "cpu"):
            raise BackendError(f"device must be None for the exact backend, got {device!r}: it computes on the CPU.")
        from .exact import ExactArithmetic, ExactArrangement

        return Backend(name, ExactArrangement, ExactArithmetic())
    raise BackendError(f"backend must be one of {', '.join(map(repr, NAMES))}, got {name!r}.")


def sweeping(backend: Backend, network: Network, domain: Domain, *, exact: bool) -> Arithmetic[Any]:
    """What a sweep over a domain computes with: where decisions are exact, perhaps with fields that a few rows span."""
    if backend.name == "torch" and exact and backend.device in (None, "cpu"):
        from .torch import TorchArithmetic
        from .torch.spanning import SpanningArithmetic, serves

        if serves(network, domain):
            assert isinstance(backend.arithmetic, TorchArithmetic)
            return SpanningArithmetic(network, domain, backend.arithmetic)
    return backend.arithmetic


def execution(dtype: str, device: str | None = None) -> TorchExecution:
    """What runs networks in a floating-point type on a device (the CPU for None)."""
    from .torch import check_device
    from .torch.execution import TorchExecution

    return TorchExecution(dtype, check_device(device))


def close_arithmetic(network: Network, count: int) -> CloseArithmetic:
    """What evaluates a network at points in long numbers, of ``count`` float64 parts."""
    from .torch.points import CloseArithmetic

    return CloseArithmetic(network, count)


def balls(field: ExtendedField) -> Balls:
    """The entries of a field of long numbers, with their bounds."""
    from .torch.points import balls

    return balls(field)


def compute_on_one_thread() -> None:
    """For a process that is one of several: each has a core, and more threads would be in the others' way.

    One that was forked has lost the threads of torch, and would wait for them without an end.
    """
    if "torch" in sys.modules:
        from .torch import use_one_thread

        use_one_thread()
    else:
        os.environ["OMP_NUM_THREADS"] = "1"


def oracle(network: Network, domain: Domain) -> Oracle:
    """The functions of a network on regions of a slice, from backends that are loaded when first asked."""
    return _Oracle(network, domain)


_CHEAP = 1 << 12
"""A network of fewer products is evaluated exactly as fast as closely."""

_DEAR = 1 << 20
"""In a network of so many products a pass costs more than what is decided by it: float64 numbers are tried first."""


class _Oracle:
    """Exact functions from the exact backend; those known up to a bound from the torch backend."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain
        self._closer: dict[int, CloseOracle] = {}
        """By how many parts numbers have at least."""

    def __call__(self, patterns: NDArray[np.int16]) -> RegionsFunctions:
        return self._exact(patterns)

    def closely(
        self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names, parts: int
    ) -> CloseFunctions | None:
        return None if self._cheap(patterns, parts) else self._close(parts)(patterns, place, names)

    def _cheap(self, patterns: NDArray[np.int16], parts: int) -> bool:
        """Whether exact functions, for patterns up to a stage, cost no more than close ones in so many parts."""
        if self._network.products < (_DEAR if parts == 1 else _CHEAP):
            return True
        return self._may_be_short and self._exact.quick(patterns.shape[1])

    @cached_property
    def _may_be_short(self) -> bool:
        from .exact.short import may_be_short

        return may_be_short(self._network, self._domain)

    def vanish(self, names: Names, others: Names) -> NDArray[np.bool_]:
        return self._named.vanish(names, others)

    def vanish_everywhere(
        self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names
    ) -> NDArray[np.bool_]:
        return self._named.vanish_everywhere(patterns, place, names)

    def lines_closely(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names, parts: int) -> Balls:
        return self._close_lines(patterns, place, names, parts)

    def lines_exactly(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names) -> Sequence[Form]:
        return self._exact.forms(patterns, place, names)

    @cached_property
    def _exact(self) -> SliceOracle:
        from .exact.oracle import SliceOracle

        return SliceOracle(self._network, self._domain)

    @cached_property
    def _named(self) -> Named:
        return Named(self._network, self._domain)

    def _close(self, parts: int) -> CloseOracle:
        from .torch.oracle import CloseOracle

        if parts not in self._closer:
            self._closer[parts] = CloseOracle(self._network, self._domain, self._plain, parts)
        return self._closer[parts]

    @cached_property
    def _close_lines(self) -> CloseLines:
        from .torch.lines import CloseLines

        return CloseLines(self._network, self._domain, self._plain)

    @cached_property
    def _plain(self) -> TorchArithmetic:
        from .torch import arithmetic_on, check_device

        return arithmetic_on(check_device(None))
