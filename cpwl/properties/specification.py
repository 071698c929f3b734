"""What must not happen: boxes of inputs, and for each what makes its points unsafe, in linear constraints.

All numbers are rational, and stand for themselves: 0.1 of a file is a tenth, and not the float64 number next to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import flag, instance, plain, real, rows
from .cases import Case, Conjunction, Constraint, terms
from .vnnlib.query import Query, parse, read


@ieee
@dataclass(frozen=True)
class Specification:
    """A property: in none of some boxes of inputs is there an unsafe one. Made by ``box``, ``parse`` or ``read``.

    ``a | b`` is the property that both hold: the boxes of both.
    """

    cases: tuple[Case, ...]
    inputs: int
    """How many inputs the network has, flat."""
    outputs: int
    """How many outputs."""

    def __repr__(self) -> str:
        count = sum(len(case.unsafe) for case in self.cases)
        return f"<Specification: {self.inputs} -> {self.outputs}, {len(self.cases)} boxes, {count} unsafe conjunctions>"

    def __or__(self, other: Specification) -> Specification:
        instance("other", other, Specification)
        if (self.inputs, self.outputs) != (other.inputs, other.outputs):
            raise ShapeError(
                f"other must be about {self.inputs} inputs and {self.outputs} outputs, got one about {other.inputs} "
                f"and {other.outputs}."
            )
        return Specification((*self.cases, *other.cases), self.inputs, self.outputs)

    @classmethod
    def box(cls, lo: Any, hi: Any, unsafe: Sequence[tuple[Any, ...]], *, strict: bool = False) -> Specification:
        """The property that no input x with lo <= x <= hi is unsafe.

        ``lo`` and ``hi`` have the shape of an input. ``unsafe`` lists conjunctions: (A, c) is A f(x) + c >= 0 in all
        rows, A (k, m) and c (k,), one row as A (m,) and a number; (A, c, B) is A f(x) + B x + c >= 0, B (k, n), x flat.
        x is unsafe where one of them holds. With ``strict`` all rows must be > 0. Numbers may be Fractions.
        """
        low, high = (_point(name, values) for name, values in (("lo", lo), ("hi", hi)))
        if len(low) != len(high) or not low:
            raise ShapeError(f"lo and hi must have one number for each input, got {len(low)} and {len(high)}.")
        if any(a > b for a, b in zip(low, high, strict=True)):
            raise ArgumentError("lo must be at most hi in every input.")
        given = rows("unsafe", unsafe)
        if not given:
            raise ArgumentError("unsafe must list at least one conjunction (A, c).")
        parts = [_conjunction(k, part, len(low), flag("strict", strict)) for k, part in enumerate(given)]
        widths = {width for width, _ in parts}
        if len(widths) > 1:
            raise ShapeError(f"unsafe must be about one number of outputs, got {sorted(widths)}.")
        return cls((Case(low, high, tuple(made for _, made in parts)),), len(low), widths.pop())

    @classmethod
    def parse(cls, text: str) -> Specification:
        """The property that a VNN-LIB query, given as text, asks about; see ``read``."""
        return property_of(parse(instance("text", text, str)))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Specification:
        """The property that a VNN-LIB file asks about: that nothing satisfies it.

        Reads the form that the competitions used until 2025 (``declare-const X_0``), and VNN-LIB 2.0 with one network
        of one input and one output. A number is the rational that its decimals say. Raises ``FileFormatError``, which
        names the line and what was wanted, for anything else: what is not known is not guessed.
        """
        return property_of(read(path))

    def is_unsafe(self, x: Any, y: Any) -> bool:
        """Whether an input x with its output y = f(x) refutes the property; exact where these are Fractions."""
        given, outputs = _point("x", x), _point("y", y)
        if (len(given), len(outputs)) != (self.inputs, self.outputs):
            raise ShapeError(
                f"x and y must have {self.inputs} and {self.outputs} numbers, got {len(given)} and {len(outputs)}."
            )
        return any(case.is_unsafe(given, outputs) for case in self.cases)


def property_of(query: Query) -> Specification:
    """The property that a query of VNN-LIB asks about."""
    return Specification(query.cases, query.variables.inputs.size, query.variables.outputs.size)


def _point(name: str, values: Any) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, real(name, values).ravel().tolist()))


def _conjunction(number: int, given: Any, inputs: int, strict: bool) -> tuple[int, Conjunction]:
    """How many outputs a conjunction is about, and the conjunction."""
    name = f"unsafe[{number}]"
    parts = rows(name, given)
    if len(parts) not in (2, 3):
        raise ArgumentError(f"{name} must be (A, c) or (A, c, B), got {len(parts)} members.")
    matrix = _matrix(f"A of {name}", parts[0])
    constants = real(f"c of {name}", parts[1]).ravel().tolist()
    others = _matrix(f"B of {name}", parts[2]) if len(parts) == 3 else [[Fraction(0)] * inputs] * len(matrix)
    if not matrix or len(constants) != len(matrix) or len(others) != len(matrix):
        raise ShapeError(f"{name} must have as many rows in A as numbers in c (and rows in B), and at least one.")
    if any(len(row) != inputs for row in others):
        raise ShapeError(f"B of {name} must have {inputs} columns, one for each input, got {len(others[0])}.")
    made = tuple(
        Constraint(terms(enumerate(b)), terms(enumerate(a)), Fraction(c), strict)
        for a, b, c in zip(matrix, others, constants, strict=True)
    )
    return len(matrix[0]), made


def _matrix(name: str, values: Any) -> list[list[Fraction]]:
    array: NDArray[Any] = real(name, plain(values) if not isinstance(values, (list, tuple)) else values)
    if array.ndim not in (1, 2) or not array.size:
        raise ShapeError(f"{name} must be a matrix, or one row, and not empty, got an array of shape {array.shape}.")
    table = array.reshape(-1, array.shape[-1])
    return [[Fraction(x) for x in row] for row in table.tolist()]
