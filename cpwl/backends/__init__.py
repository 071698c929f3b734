"""The backends, by their names: each is one folder, and one line here.

Others join by ``register``. A backend is loaded when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from importlib import import_module

from ..errors import ArgumentError, BackendError
from .backend import Backend

_MAKERS: dict[str, Callable[[str | None], Backend]] = {}


def register(name: str, make: Callable[[str | None], Backend]) -> None:
    """Adds a backend: ``make`` is given a device (None: any) and returns the backend on it, or raises ``BackendError``.

    From then on ``backend=name`` serves wherever a backend is named: in calls, in files and on the command line.
    Raises ``ArgumentError`` for a name that is taken.
    """
    if name in _MAKERS:
        raise ArgumentError(f"name must be that of no backend yet, got {name!r}; there are {', '.join(_MAKERS)}.")
    _MAKERS[name] = cache(make)


def names() -> tuple[str, ...]:
    """The names of all backends."""
    return tuple(_MAKERS)


def get(name: str, device: str | None = None) -> Backend:
    """The backend of that name on a device (None: the CPU); ``BackendError`` where there is none."""
    if not isinstance(name, str) or name not in _MAKERS:
        raise BackendError(f"backend must be one of {', '.join(map(repr, _MAKERS))}, got {name!r:.80}.")
    if not isinstance(device, Hashable):
        raise BackendError(f"device must be the name of a device, or None, got {device!r:.80}.")
    return _MAKERS[name](device)


def _in(folder: str) -> Callable[[str | None], Backend]:
    """The backend in a folder beside this file."""

    def made(device: str | None) -> Backend:
        backend: Backend = import_module(f".{folder}.backend", __name__).on(device)
        return backend

    return made


register("torch", _in("torch"))
register("exact", _in("exact"))
