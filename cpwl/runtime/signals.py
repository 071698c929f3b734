"""Signals that end a process while it works."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end what is done inside as Ctrl-C does: files are closed, and the command can say so."""
    with _handled(_ENDING, _interrupt):
        yield


@contextmanager
def told_when_ended(message: Callable[[], str]) -> Iterator[None]:
    """SIGTERM and SIGHUP, unless the program handles them itself, end the process as ever, but after a message.

    What is done inside is left by an exception first, so that files are closed.
    """
    unhandled = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    process = os.getpid()

    def end(number: int, frame: Any) -> None:
        if os.getpid() == process:
            raise _Ended(number)
        signal.signal(number, signal.SIG_DFL)  # a process that was forked from this one
        signal.raise_signal(number)

    try:
        with _handled(unhandled, end):
            yield
    except _Ended as ended:
        print(message(), file=sys.stderr, flush=True)
        signal.raise_signal(ended.number)


class _Ended(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handled(numbers: list[int], handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Only the main thread can handle signals: in others nothing is changed."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)
