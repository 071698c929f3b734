"""Progress that is shown unasked: on a terminal and in a notebook, of a call that takes longer than two seconds.

Calls that take ``progress`` show none of their own where one is given. ``CPWL_PROGRESS=0`` in the environment turns it
off. It is written to the standard error, and taken away when the call ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Report = Callable[[int, int, str], None]
"""Is told what is done, how much there is in all, and a word for what it is."""

_PATIENCE = 2.0
"""Seconds until something is shown."""
_SWITCH = "CPWL_PROGRESS"

_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a call further out reports already."""


def shows_progress(function: Callable[P, R]) -> Callable[P, R]:
    """A function with an argument ``progress`` that shows its progress where it is given none."""

    @wraps(function)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        with _reported(function.__name__, kwargs.get("progress")) as chosen:
            if chosen is not None:
                kwargs["progress"] = chosen
            return function(*args, **kwargs)

    return shown


@contextmanager
def _reported(name: str, given: Any) -> Iterator[Report | None]:
    """What a call reports to, if it is not told: the bar of the outermost call, where there is somebody to see it."""
    if given is not None or _inside.get() or not _is_watched():
        mark = _inside.set(True)
        try:
            yield None
        finally:
            _inside.reset(mark)
        return
    bar, mark = _Bar(name.replace("_", " ")), _inside.set(True)
    try:
        yield bar.report
    finally:
        _inside.reset(mark)
        bar.close()


def _is_watched() -> bool:
    """Whether the standard error is a terminal or a notebook."""
    stream = sys.stderr
    if os.environ.get(_SWITCH) == "0" or stream is None:
        return False
    return _is_notebook(stream) or bool(getattr(stream, "isatty", bool)())


def _is_notebook(stream: Any) -> bool:
    return type(stream).__module__.startswith("ipykernel")


class _Bar:
    """A bar that appears when the call has taken a while."""

    def __init__(self, name: str) -> None:
        self._name, self._start = name, perf_counter()
        self._shown: Any = None
        self._task: Any = None

    def report(self, done: int, total: int, what: str) -> None:
        """What a call tells."""
        if self._shown is None:
            if perf_counter() - self._start < _PATIENCE:
                return
            self._shown = bar_on(sys.stderr)
            self._shown.start()
            self._task = self._shown.add_task(self._name, total=total)
        said = self._name if what == self._name else f"{self._name}: {what}"
        self._shown.update(self._task, completed=done, total=total, description=said)

    def close(self) -> None:
        """Takes the bar away."""
        if self._shown is not None:
            self._shown.stop()


def bar_on(stream: Any, console: Any = None) -> Any:
    """A bar of rich with counts, time and what remains, which leaves nothing behind; on a stream or rich console."""
    from rich import progress as rich
    from rich.console import Console

    if console is None:
        console = Console(file=stream, force_terminal=True if _is_notebook(stream) else None, force_jupyter=False)
    counts = (rich.TextColumn("  {task.description}"), rich.BarColumn(), rich.MofNCompleteColumn())
    columns = (*counts, rich.TimeElapsedColumn(), rich.TimeRemainingColumn())
    return rich.Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
