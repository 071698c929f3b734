"""Linear constraints on inputs and outputs, and boxes with what makes their points unsafe; all numbers are rational."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Terms = tuple[tuple[int, Fraction], ...]
"""Numbers of variables, increasing, each with its factor, which is not zero."""


@dataclass(frozen=True)
class Constraint:
    """A linear constraint: a combination of inputs and outputs, and a constant, are together >= 0."""

    inputs: Terms
    outputs: Terms
    constant: Fraction
    strict: bool = False
    """Whether they are > 0."""

    def value(self, x: Sequence[Any], y: Sequence[Any]) -> Any:
        """What must be >= 0, at an input with its output, both flat."""
        parts = ((self.inputs, x), (self.outputs, y))
        return sum((factor * of[i] for terms, of in parts for i, factor in terms), self.constant)

    def holds(self, x: Sequence[Any], y: Sequence[Any]) -> bool:
        """Whether it holds at an input with its output."""
        value = self.value(x, y)
        return bool(value > 0 if self.strict else value >= 0)


Conjunction = tuple[Constraint, ...]
"""Constraints that hold together."""


@dataclass(frozen=True)
class Case:
    """A closed box of inputs; an input of it is unsafe where all constraints of some conjunction hold."""

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]
    unsafe: tuple[Conjunction, ...]

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints of all conjunctions, each once, in the order in which they come."""
        return tuple(dict.fromkeys(constraint for conjunction in self.unsafe for constraint in conjunction))

    def is_unsafe(self, x: Sequence[Any], y: Sequence[Any]) -> bool:
        """Whether an input with its output, both flat, is an unsafe one of this box."""
        inside = all(low <= a <= high for low, a, high in zip(self.lower, x, self.upper, strict=True))
        return inside and any(all(c.holds(x, y) for c in conjunction) for conjunction in self.unsafe)


def terms(factors: Iterable[tuple[int, Fraction]]) -> Terms:
    """The terms with these factors, of which some may be zero."""
    return tuple(sorted((i, factor) for i, factor in factors if factor))
