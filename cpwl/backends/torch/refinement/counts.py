"""How many decisions float64 left open, by what was asked and by what settled it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

Question = Literal["sign", "order", "cut", "place"]
"""A sign at a vertex before any cell is cut; the order of crossings by their positions; a sign at a crossing, on which
side of another it lies or whether both are one point; the place of a new vertex."""

Rung = Literal["name", "long number", "integer"]
"""A function that is known by name to vanish; a value of some hundred bits with its bound; integers."""


class Counts(Counter[tuple[Question, Rung]]):
    """The number of answers to each question by each rung."""

    def note(self, question: Question, asked: int, *, names: int = 0, integers: int = 0) -> None:
        """Counts answers: what neither names nor integers gave came from long numbers."""
        self[question, "name"] += names
        self[question, "long number"] += asked - names - integers
        self[question, "integer"] += integers

    @property
    def decisions(self) -> int:
        """How many signs and orders were asked for: all but places, which decide nothing."""
        return sum(number for (question, _), number in self.items() if question != "place")
