"""Without what torch says while it captures a model, but with all that other threads say meanwhile.

Standard error, handlers of log records and filters of warnings belong to the whole process. So what is put there asks
which thread speaks, and stays until the last of the threads that capture at a time has ended.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock, get_ident
from typing import Any, TextIO

_lock = Lock()
_capturing: Counter[int] = Counter()
"""How many captures each thread is in; a thread that is in none has no entry."""
_put_back = ExitStack()
"""What the last one undoes."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without torch's own warnings, log messages and prints: tracebacks for a file of another kind, graphs for a model
    that cannot be captured. What they say that helps is in the error."""
    thread = get_ident()
    with _lock:
        if not _capturing:
            _install()
        _capturing[thread] += 1
    try:
        yield
    finally:
        with _lock:
            _capturing[thread] -= 1
            if not _capturing[thread]:
                del _capturing[thread]
            if not _capturing:
                _put_back.close()


def _install() -> None:
    for handler in _handlers():
        handler.addFilter(_by_others)
        _put_back.callback(handler.removeFilter, _by_others)
    if sys.stderr is not None:
        muted = _Muted(sys.stderr)
        sys.stderr = muted
        _put_back.callback(_restore, muted)
    before = list(warnings.filters)
    warnings.simplefilter("ignore", _Captured)
    for entry in warnings.filters:
        if entry not in before:
            _put_back.callback(_forget, entry)


def _handlers() -> list[logging.Handler]:
    """Those to which records of torch's loggers can come."""
    known = logging.root.manager.loggerDict
    loggers = [logging.root, *(known[name] for name in list(known) if _is_torch(name))]
    return [handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers]


def _is_torch(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _by_others(record: logging.LogRecord) -> bool:
    """Whether a record is not torch's, in a thread that captures."""
    return not (_is_torch(record.name) and record.thread in _capturing)


def _restore(muted: _Muted) -> None:
    if sys.stderr is muted:  # else someone has put another in its place, and may put this one back: it hides nothing
        sys.stderr = muted.stream


def _forget(entry: Any) -> None:
    with suppress(ValueError):  # whoever has put back all filters
        warnings.filters.remove(entry)  # type: ignore[attr-defined]


class _Muted:
    """A stream that leaves out what threads that capture write."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        return len(text) if get_ident() in _capturing else self.stream.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)


class _ByThread(type):
    def __subclasscheck__(cls, subclass: type) -> bool:
        return get_ident() in _capturing


class _Captured(Warning, metaclass=_ByThread):
    """Stands for all warnings that are given in a thread that captures: a filter asks whether one is of this class."""
