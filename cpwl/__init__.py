"""Exact geometry of continuous piecewise-linear neural networks.

Everything public can be imported from here; torch is loaded only when something needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .boundary import DecisionBoundary
from .certify import Certificate, certify, certify_samples
from .compare import Comparison, compare
from .compiler import compile, load_program
from .domain import Domain
from .errors import CpwlError
from .network import Network
from .partition import Partition, partition

if TYPE_CHECKING:
    from .io import load
    from .statistics import Statistics

__version__ = "0.1.0"

_HOMES = {
    "Statistics": "statistics",
    "load": "io",
}

__all__ = [
    "Certificate",
    "Comparison",
    "CpwlError",
    "DecisionBoundary",
    "Domain",
    "Network",
    "Partition",
    "Statistics",
    "__version__",
    "certify",
    "certify_samples",
    "compare",
    "compile",
    "load",
    "load_program",
    "partition",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cpwl' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
