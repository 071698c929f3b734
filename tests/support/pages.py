"""Runs the code of the documentation's pages, compares what is printed with what is shown, and redraws the pictures.

    python -m tests.support.pages [--pictures] [--all] PAGE.md ...

A page's blocks are run from the top to the bottom in one folder: ``python`` blocks in one namespace, ``console`` blocks
("$ command", then what it prints), and of ``sh`` blocks the ``cpwl`` commands. What a ``text`` block right after a
``python`` block shows must be printed; "..." stands for anything. A block is left out where the paragraph before it
says so, for the reader as well: "*Not run by the tests: it needs a GPU.*"
"""

from __future__ import annotations

import argparse
import doctest
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").rglob("*.md")])

EXCUSE = "*Not run by the tests: "
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_LAUNCHERS = {"python": 'exec "{python}" "$@"', "cpwl": 'exec "{python}" -c "from cpwl.cli import main; main()" "$@"'}


class PageError(Exception):
    """Code of a page fails, or prints something else than the page shows."""


@dataclass(frozen=True)
class Block:
    """A block of code in a page."""

    kind: str
    code: str
    line: int
    """Of its first line, counted from 1."""
    shown: str | None = None
    """What it is said to print."""
    excuse: str | None = None
    """Why it is not run."""


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page."""
    tokens = _tokens(page)
    found = []
    for i, token in enumerate(tokens):
        if token.type == "fence" and token.map is not None and token.info in ("python", "console", "sh"):
            after = tokens[i + 1] if token.info == "python" and i + 1 < len(tokens) else None
            shown = after.content if after is not None and (after.type, after.info) == ("fence", "text") else None
            before = tokens[i - 2].content if i >= 2 and tokens[i - 1].type == "paragraph_close" else ""
            excuse = before.strip("*").removeprefix(EXCUSE.strip("*")) if before.startswith(EXCUSE) else None
            found.append(Block(token.info, token.content, token.map[0] + 2, shown, excuse))
    return found


def pictures(page: Path) -> list[Path]:
    """The pictures that a page shows."""
    inline = (child for token in _tokens(page) for child in token.children or ())
    names = (str(child.attrs["src"]) for child in inline if child.type == "image")
    return [(page.parent / name).resolve() for name in names]


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt().parse(page.read_text(encoding="utf-8"))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Works in that folder for a while (``contextlib.chdir``, which Python 3.10 does not have)."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(page: Path, folder: Path, names: dict[str, Any] | None = None, *, every: bool = False) -> dict[str, Any]:
    """Runs a page in the folder, beginning with some names; the names at the end. Raises ``PageError``.

    With ``every`` the blocks as well that the page says are not run.
    """
    space: dict[str, Any] = {"__name__": "__main__", **(names or {})}
    with inside(folder):
        for block in blocks(page):
            if every or block.excuse is None:
                _run_block(page, block, space)
    return space


def _run_block(page: Path, block: Block, space: dict[str, Any]) -> None:
    if block.kind == "python":
        printed = io.StringIO()
        # So that line numbers in a traceback are those of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        with redirect_stdout(printed):
            exec(code, space)
        _compare(page, block.line, block.shown, printed.getvalue())
        return
    for line, command, shown in commands(block):
        _compare(page, line, shown, _shell(page, line, command))


def commands(block: Block) -> Iterator[tuple[int, str, str | None]]:
    """The commands that are run of a "console" or "sh" block: line, command, and its answer where that is shown."""
    lines = [(block.line + i, line) for i, line in enumerate(block.code.splitlines())]
    if block.kind == "sh":
        yield from ((number, line, None) for number, line in lines if line.startswith("cpwl "))
        return
    starts = [i for i, (_, line) in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        number, command = lines[start]
        shown = "".join(f"{line}\n" for _, line in lines[start + 1 : end])
        yield number, command.removeprefix("$ "), shown or None


def _shell(page: Path, line: int, command: str) -> str:
    """What the command prints, run with this Python and this checkout's cpwl."""
    with TemporaryDirectory() as places:
        for name, script in _LAUNCHERS.items():
            launcher = Path(places, name)
            launcher.write_text(f"#!/bin/sh\n{script.format(python=sys.executable)}\n", encoding="utf-8")
            launcher.chmod(0o755)
        path = {"PATH": os.pathsep.join((places, os.environ["PATH"])), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "100"}
        answer = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **path},
        )
    if answer.returncode:
        raise PageError(f"{page}:{line}: '{command}' ended with status {answer.returncode}:\n{answer.stdout}")
    return answer.stdout


def _compare(page: Path, line: int, shown: str | None, printed: str) -> None:
    if shown is None or doctest.OutputChecker().check_output(shown, printed, _FLAGS):
        return
    raise PageError(f"{page}:{line}: the page shows\n{shown}\nand this was printed:\n{printed}")


def redraw(page: Path, folder: Path) -> list[Path]:
    """Replaces the page's pictures by those that a run has left in the folder; returns those replaced."""
    drawn = [picture for picture in pictures(page) if (folder / picture.name).is_file()]
    for picture in drawn:
        shutil.copyfile(folder / picture.name, picture)
    return drawn


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Run the code of pages of the documentation.")
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE.md")
    parser.add_argument("--pictures", action="store_true", help="replace the pictures that the pages show")
    parser.add_argument("--all", action="store_true", help="run the blocks as well that the tests do not")
    options = parser.parse_args(arguments)
    for page in map(Path.resolve, options.pages):
        with TemporaryDirectory() as folder:
            run(page, Path(folder), every=options.all)
            drawn = redraw(page, Path(folder)) if options.pictures else []
        print(f"{page.name}: {len(blocks(page))} blocks", *(picture.name for picture in drawn))


if __name__ == "__main__":
    main()
