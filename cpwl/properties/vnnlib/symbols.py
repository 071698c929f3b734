"""A VNN-LIB text as nested lists of symbols, each with the number of its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from ...errors import FileFormatError

_TOKEN = re.compile(
    r"(?P<blank>\s+|;[^\n]*)"
    r"|(?P<open>\()|(?P<close>\))"
    r"|(?P<symbol><\d+\.\d+>|\[[^\][()]*\]|\"[^\"\n]*\"|[^\s()\[\]\";]+)"
)
_DEEPEST = 200
"""How deeply lists may be nested."""
_SHOWN = 40


@dataclass(frozen=True)
class Symbol:
    """A word, a number, or indices in brackets."""

    text: str
    line: int

    def __str__(self) -> str:
        return f"'{self.text}'" if len(self.text) <= _SHOWN else f"'{self.text[:_SHOWN]}...'"


@dataclass(frozen=True)
class Group:
    """What stands in parentheses."""

    members: tuple[Expression, ...]
    line: int

    def __str__(self) -> str:
        return f"'({self.head} ...)'" if self.head else "a list"

    @property
    def head(self) -> str:
        """The word at its beginning, or none."""
        first = self.members[0] if self.members else None
        return first.text if isinstance(first, Symbol) else ""


Expression = Symbol | Group


def refuse(line: int, wanted: str, got: object) -> NoReturn:
    """Raises the error that says what was wanted in a line."""
    raise FileFormatError(f"line {line}: wanted {wanted}, got {got}.")


def expressions(text: str) -> list[Expression]:
    """The expressions of a text, one after the other."""
    levels: list[list[Expression]] = [[]]
    opened: list[int] = []
    line = 1
    for kind, token, line in _tokens(text):
        if kind == "open":
            if len(opened) == _DEEPEST:
                refuse(line, f"at most {_DEEPEST} parentheses in each other", "one more")
            opened.append(line)
            levels.append([])
        elif kind == "close":
            if not opened:
                refuse(line, "an expression", "')'")
            group = Group(tuple(levels.pop()), opened.pop())
            levels[-1].append(group)
        else:
            levels[-1].append(Symbol(token, line))
    if opened:
        refuse(line, f"')' for the '(' of line {opened[-1]}", "the end of the file")
    return levels[0]


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    line, place = 1, 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            refuse(line, "a symbol or a parenthesis", repr(text[place]))
        assert match.lastgroup is not None
        if match.lastgroup != "blank":
            yield match.lastgroup, match.group(), line
        line += match.group().count("\n")
        place = match.end()
