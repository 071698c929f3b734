"""Progress that is shown unasked: on a terminal and in a notebook, of a call that takes longer than two seconds.

Calls that take ``progress`` show none of their own where one is given. ``CPWL_PROGRESS=0`` in the environment turns it
off. It is written to the standard error, and taken away when the call ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import isgeneratorfunction
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Report = Callable[[int, int, str], None]
"""Is told what is done, how much there is in all (0 where nobody knows), and a word for what it is."""

_PATIENCE = 2.0
"""Seconds until something is shown."""
_SWITCH = "CPWL_PROGRESS"

_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a call further out reports already."""


def shows_progress(function: Callable[P, R]) -> Callable[P, R]:
    """A function with an argument ``progress`` that shows its progress where it is given none."""
    return _generating(function) if isgeneratorfunction(function) else _calling(function)


def _calling(function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        with _bar_for(function.__name__, kwargs), _inside_a_call():
            return function(*args, **kwargs)

    return shown


def _generating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Between two items the caller prints what it likes, and calls what has a bar of its own."""

    @wraps(function)
    def shown(*args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        with _bar_for(function.__name__, kwargs) as bar, closing(function(*args, **kwargs)) as items:
            while True:
                try:
                    with _inside_a_call():
                        item = next(items)
                except StopIteration as end:
                    return end.value
                if bar is not None:
                    bar.hide()
                yield item

    return shown


@contextmanager
def _bar_for(name: str, options: dict[str, Any]) -> Iterator[_Bar | None]:
    """Has a call that is not told otherwise report to a bar, if it is the outermost one and somebody looks."""
    if options.get("progress") is not None or _inside.get() or not _is_watched():
        yield None
        return
    bar = _Bar(name.replace("_", " "))
    options["progress"] = bar.report
    try:
        yield bar
    finally:
        bar.hide()


@contextmanager
def _inside_a_call() -> Iterator[None]:
    mark = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(mark)


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
            self._task = self._shown.add_task(self._name)
        said = self._name if what == self._name else f"{self._name}: {what}"
        self._shown.update(self._task, completed=done, total=total or None, description=said)
        self._shown.start()

    def hide(self) -> None:
        """Takes the bar away, until there is more to report."""
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
