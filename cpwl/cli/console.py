"""What commands print: steps with their times, progress bars on a terminal, numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from ..runtime.progress import bar_on

if TYPE_CHECKING:
    from rich.console import Console

_NAME_WIDTH = 34


@dataclass
class Step:
    """One step of a command while it runs."""

    progress: Callable[[int, int, str], None]
    """To be called with what is done, how much there is in all, and a word for what it is."""
    result: str = ""
    """What is printed behind the step's name when it has ended."""


class Reporter:
    """Prints to the standard output; plain text, without progress bars, when that is not a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = Console(emoji=False) if console is None else console

    def line(self, text: str = "", *, style: str = "") -> None:
        """Prints one line, never wrapped."""
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)

    def numbers(self, values: Mapping[str, int | float | str]) -> None:
        """Prints named numbers in two columns."""
        width = max(map(len, values), default=0)
        for name, value in values.items():
            self.line(f"  {name:<{width}}  {written(value)}")

    def table(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Prints rows (what, how much, what that means); only the last column is wrapped."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(style="dim")
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step: a progress bar while it runs, a line with its time and result when it has ended."""
        bar = bar_on(None, self._console)
        start = perf_counter()
        with bar:
            task = bar.add_task(name, total=None)

            def progress(done: int, total: int, what: str) -> None:
                bar.update(task, completed=done, total=total, description=f"{name}: {what}")

            step = Step(progress)
            yield step
        self.line(f"  {name:<{_NAME_WIDTH}} {perf_counter() - start:6.2f} s   {step.result}".rstrip())


def written(value: int | float | str) -> str:
    """A number for people: thousands separated, fractions with four digits."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
