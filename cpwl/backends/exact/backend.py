"""The exact backend as the library asks for it."""

from __future__ import annotations

from typing import Any

from ...errors import BackendError
from ...geometry.arrangement import Arrangement
from ...geometry.polytope import Polytope
from ..backend import Backend, Persistence
from . import persist
from .arithmetic import ExactArithmetic
from .arrangement import ExactArrangement
from .lattice import ExactLatticeArrangement


class ExactBackend(Backend):
    """Rational numbers throughout, on the CPU."""

    exact, speed = True, 1e3

    @property
    def arithmetic(self) -> ExactArithmetic:
        """See ``Backend.arithmetic``."""
        return ExactArithmetic()

    @property
    def persistence(self) -> Persistence:
        """See ``Backend.persistence``."""
        return persist

    def arrangement(self, polytope: Polytope) -> Arrangement[Any]:
        """See ``Backend.arrangement``."""
        return ExactArrangement.of(polytope) if polytope.dim == 2 else ExactLatticeArrangement.of(polytope)


def on(device: str | None) -> ExactBackend:
    """The backend; it has no device but the CPU."""
    if device not in (None, "cpu"):
        raise BackendError(f"device must be None for the exact backend, got {device!r}: it computes on the CPU.")
    return ExactBackend(None)
