"""A progress bar for what calls ``progress(done, total, what)`` as it goes along, as cpwl does."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import Progress


def told(bar: Progress, text: str) -> Callable[[int, int, str], None]:
    """A new bar, as the function that moves it."""
    task = bar.add_task(text, total=None)
    return lambda done, total, what: bar.update(task, completed=done, total=total)
