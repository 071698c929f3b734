"""Answers as the competitions, and chapter 5 of the standard, want them: a word, and values of all variables."""

from __future__ import annotations

from collections.abc import Iterator

from ..counterexample import Counterexample
from ..verdict import Verdict
from .declarations import Tensor, Variables

_WORDS = {"holds": "unsat", "violated": "sat", "undecided": "timeout"}
_WORDS_2 = {**_WORDS, "undecided": "timed-out"}


def answer(verdict: Verdict, variables: Variables) -> str:
    """The answer to a query with these variables, whose first line is the word.

    Values are those of the float32 input and of the run, as decimals; those of the rational input, rounded to float64,
    where there is no other.
    """
    words = _WORDS_2 if variables.modern else _WORDS
    lines = [words[verdict.status]]
    if verdict.counterexample is not None:
        written = _tensors if variables.modern else _pairs
        lines += written(verdict.counterexample, variables)
    return "".join(f"{line}\n" for line in lines)


def _pairs(counterexample: Counterexample, variables: Variables) -> Iterator[str]:
    """((X_0 0.5) ...), a pair a line."""
    x, y = _values(counterexample)
    named = [(f"{tensor.name}_{i}", a) for tensor, part in _named(variables, x, y) for i, a in enumerate(part)]
    for k, (name, value) in enumerate(named):
        yield f"{'(' if k == 0 else ' '}({name} {value!r}){')' if k == len(named) - 1 else ''}"


def _tensors(counterexample: Counterexample, variables: Variables) -> Iterator[str]:
    """The name, type and shape of each tensor, then its entries, one a line."""
    for tensor, values in _named(variables, *_values(counterexample)):
        yield f"{tensor.name} {tensor.kind} [{','.join(map(str, tensor.shape))}]"
        yield from map(repr, values)


def _named(variables: Variables, x: list[float], y: list[float]) -> tuple[tuple[Tensor, list[float]], ...]:
    return (variables.inputs, x), (variables.outputs, y)


def _values(counterexample: Counterexample) -> tuple[list[float], list[float]]:
    x, y = (
        (counterexample.x, counterexample.y)
        if counterexample.float32 is None or counterexample.run is None
        else (counterexample.float32, counterexample.run)
    )
    return [float(a) for a in x.ravel()], [float(a) for a in y.ravel()]
