"""Locals and parameters say their role: none is called ``found`` or ``one``, which fit everything."""

from __future__ import annotations

from collections.abc import Iterator
from symtable import Function, SymbolTable, symtable

import pytest

from tests.support.layers import PACKAGE

EMPTY = {"found", "one"}

MEANT = {
    ("compiler/onnx_files/resize.py", "one"): "the number 1, in the arithmetic that the places are computed in",
    ("plots/boundary.py", "found"): "a parameter of plot_agreement, which callers may name",
    ("plots/comparisons.py", "found"): "a parameter of plot_comparison and plot_execution, which callers may name",
    ("plots/notebook.py", "found"): "a parameter of statistics_html, which callers may name",
}
"""Where such a name stays, and why."""


def empty_names(source: str, file: str) -> Iterator[tuple[str, str, int]]:
    """The function, the name and the function's line of each empty name; lambdas and comprehensions are functions."""
    return _within(symtable(source, file, "exec"))


def _within(table: SymbolTable) -> Iterator[tuple[str, str, int]]:
    if isinstance(table, Function):
        for name in sorted(EMPTY & set(table.get_locals())):
            yield table.get_name(), name, table.get_lineno()
    for inner in table.get_children():
        yield from _within(inner)


def test_locals_and_parameters_say_their_role() -> None:
    empty, unused = [], set(MEANT)
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for function, name, line in empty_names(path.read_text(encoding="utf-8"), file):
            unused.discard((file, name))
            if (file, name) not in MEANT:
                empty.append(f"{file}:{line} {function}: {name}")
    assert empty == []
    assert unused == set(), "names that no longer stand there need no reason"


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    found = 1",
        "def f(found): ...",
        "def f(*, found=0): ...",
        "def f(*found): ...",
        "def f():\n    for a, (found, b) in c: ...",
        "def f():\n    with a as found: ...",
        "def f():\n    try: ...\n    except E as found: ...",
        "def f():\n    if (found := a): ...",
        "def f():\n    match a:\n        case [found]: ...",
        "def f():\n    found = 1\n    return lambda: found",
        "def f():\n    return [found for found in a]",
        "f = lambda found: 0",
        "class A:\n    def f(self):\n        def g():\n            found: int = 1",
    ],
)
def test_an_empty_name_is_noticed_wherever_it_is_bound(source: str) -> None:
    assert [name for _, name, _ in empty_names(source, "some.py")] == ["found"]


@pytest.mark.parametrize("source", ["class A:\n    one: int", "def f(a):\n    return a.found + g(one=1)"])
def test_fields_and_keywords_of_others_are_not_locals(source: str) -> None:
    assert list(empty_names(source, "some.py")) == []
