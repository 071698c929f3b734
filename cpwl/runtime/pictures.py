"""The one way up: a result asks for its picture by name, and ``cpwl.plots`` is loaded then, with matplotlib.

Every name that is asked for anywhere is resolved by a test.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def picture(name: str) -> Callable[..., Any]:
    """The function of ``cpwl.plots`` of that name."""
    function: Callable[..., Any] = getattr(import_module("cpwl.plots"), name)
    return function
