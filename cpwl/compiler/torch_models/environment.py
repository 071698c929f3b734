"""Variables of the environment that packages read, set while one of their calls runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_before: dict[str, list[str | None]] = {}
"""Of each variable that is set here the value before, once for each of the threads that need it set."""


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """A variable of the environment with a value, put back afterwards, by the last of several threads.

    All callers set one variable to one value: the environment is that of the whole process.
    """
    with _lock:
        _before.setdefault(name, []).append(_before[name][0] if _before.get(name) else os.environ.get(name))
        os.environ[name] = value
    try:
        yield
    finally:
        with _lock:
            before = _before[name].pop()
            if not _before[name]:
                os.environ.pop(name)
                if before is not None:
                    os.environ[name] = before
