"""A VNN-LIB text as the property that it asks about: each disjunct a box of inputs and a conjunction."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fspath

from ...errors import FileFormatError
from ...storage.files import content_of, opened
from ..cases import Case, Conjunction, Constraint
from .declarations import Tensor, Variables, declared
from .formulas import Formulas
from .symbols import expressions

_LARGEST = 1 << 28
"""Bytes of a file."""

Box = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]


@dataclass(frozen=True)
class Query:
    """A query: what it asks about, and how it names things."""

    cases: tuple[Case, ...]
    variables: Variables


def read(path: str | PathLike[str]) -> Query:
    """The query of a file; see ``Specification.read``."""
    opened(path).close()
    content = content_of(path, _LARGEST)
    if len(content) > _LARGEST:
        raise FileFormatError(f"{fspath(path)} is larger than {_LARGEST:,} bytes: it is no VNN-LIB file.")
    try:
        return parse(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise FileFormatError(f"{fspath(path)} is no text: wanted a VNN-LIB file, in UTF-8.") from None
    except FileFormatError as error:
        raise FileFormatError(f"{fspath(path)}, {error}") from None


def parse(text: str) -> Query:
    """The query that a text is; see ``Specification.parse``."""
    variables, assertions = declared(expressions(text))
    by_box: dict[Box, list[Conjunction]] = {}
    for conjunction in Formulas(variables).disjunction(assertions):
        box, rest = _parted(conjunction, variables.inputs)
        if box is not None and rest is not None:
            by_box.setdefault(box, []).append(rest)
    cases = (Case(low, high, tuple(dict.fromkeys(unsafe))) for (low, high), unsafe in by_box.items())
    return Query(tuple(cases), variables)


def _parted(conjunction: Conjunction, inputs: Tensor) -> tuple[Box | None, Conjunction | None]:
    """The box of a conjunction and its other constraints; None where nothing satisfies it."""
    low: list[Fraction | None] = [None] * inputs.size
    high: list[Fraction | None] = [None] * inputs.size
    rest = []
    for constraint in conjunction:
        if not constraint.inputs and not constraint.outputs:
            if not constraint.holds((), ()):
                return None, None
        elif constraint.outputs or len(constraint.inputs) > 1:
            rest.append(constraint)
        else:
            _bound(constraint, low, high)
            if constraint.strict:
                rest.append(constraint)
    unbounded = [i for i, ends in enumerate(zip(low, high, strict=True)) if None in ends]
    if unbounded:
        i = unbounded[0]
        which = "lower" if low[i] is None else "upper"
        name = f"{inputs.name}[{i}]" if inputs.kind else f"{inputs.name}_{i}"
        raise FileFormatError(
            f"input {name} has no {which} bound in one of the disjuncts: wanted constraints such as (<= {name} 1.0) "
            f"and (>= {name} 0.0) for every input."
        )
    ends = tuple(a for a in low if a is not None), tuple(a for a in high if a is not None)
    empty = any(a > b for a, b in zip(*ends, strict=True))
    return (None, None) if empty else (ends, tuple(dict.fromkeys(rest)))


def _bound(constraint: Constraint, low: list[Fraction | None], high: list[Fraction | None]) -> None:
    """Narrows the range of the one input that a constraint is about."""
    ((i, factor),) = constraint.inputs
    at = -constraint.constant / factor
    before = low[i] if factor > 0 else high[i]
    if factor > 0:
        low[i] = at if before is None else max(at, before)
    else:
        high[i] = at if before is None else min(at, before)
