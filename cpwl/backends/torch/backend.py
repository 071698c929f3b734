"""The torch backend as the library asks for it."""

from __future__ import annotations

from typing import Any

from ...fields.arithmetic import Arithmetic
from ...geometry.arrangement import Arrangement
from ...geometry.domain import Domain
from ...geometry.polytope import Polytope
from ...network.network import Network
from ..backend import Backend, Persistence
from . import arithmetic_on, check_device, persist
from .arrangement import TorchArrangement
from .fields.arithmetic import TorchArithmetic
from .fields.execution import TorchExecution
from .line.arrangement import TorchLineArrangement
from .low_rank.arithmetic import LowRankArithmetic, serves
from .low_rank.either import EitherArithmetic
from .solid.arrangement import TorchLatticeArrangement


class TorchBackend(Backend):
    """float64, vectorised over all regions, on the CPU or a GPU."""

    exact, speed = False, 1e5

    @property
    def arithmetic(self) -> TorchArithmetic:
        """See ``Backend.arithmetic``."""
        return arithmetic_on(check_device(self.device))

    @property
    def persistence(self) -> Persistence:
        """See ``Backend.persistence``."""
        return persist

    def arrangement(self, polytope: Polytope) -> Arrangement[Any]:
        """See ``Backend.arrangement``."""
        kind = TorchArrangement if polytope.dim == 2 else TorchLatticeArrangement
        return kind.of(polytope, device=self.device)

    def bundle(self, segments: int, *, maxima: bool) -> TorchLineArrangement:
        """See ``Backend.bundle``."""
        return TorchLineArrangement.bundle(segments, placed=not maxima, device=self.device)

    def sweeping(self, network: Network, domain: Domain, *, exact: bool) -> Arithmetic[Any]:
        """Where decisions are exact, on the CPU, perhaps with fields that a few rows span."""
        if exact and domain.dim == 2 and self.device in (None, "cpu") and serves(network, domain):
            return EitherArithmetic(LowRankArithmetic(network, domain), self.arithmetic)
        return self.arithmetic

    def execution(self, dtype: str) -> TorchExecution:
        """See ``Backend.execution``."""
        return TorchExecution(dtype, check_device(self.device))


def on(device: str | None) -> TorchBackend:
    """The backend on a device of this machine; ``BackendError`` where it is none."""
    check_device(device)
    return TorchBackend(device)
