"""Formulas of a query as disjunctions of conjunctions of linear constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod

from ..cases import Conjunction, Constraint, terms
from .declarations import Variable, Variables
from .numerals import is_number, number
from .symbols import Expression, Group, refuse

_MOST = 1 << 16
"""Conjunctions that a query may come to."""


@dataclass(frozen=True)
class Linear:
    """A linear function of variables."""

    constant: Fraction = Fraction(0)
    factors: dict[Variable, Fraction] = field(default_factory=dict)

    def plus(self, other: Linear, factor: Fraction = Fraction(1)) -> Linear:
        """The sum with a multiple of another."""
        factors = dict(self.factors)
        for variable, a in other.factors.items():
            factors[variable] = factors.get(variable, Fraction(0)) + factor * a
        return Linear(self.constant + factor * other.constant, factors)

    def times(self, factor: Fraction) -> Linear:
        """The multiple."""
        return Linear().plus(self, factor)

    def constraint(self, *, strict: bool) -> Constraint:
        """That it is >= 0, or > 0."""
        x, y = (terms((i, a) for (kind, i), a in self.factors.items() if kind == side) for side in ("x", "y"))
        return Constraint(x, y, self.constant, strict)


class Formulas:
    """Reads the formulas of a query with given variables."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def disjunction(self, parts: Sequence[Group]) -> list[Conjunction]:
        """The conjunctions of which one holds where all assertions do."""
        inner = [part.members[1] if len(part.members) == 2 else self._one(part) for part in parts]
        return self._all([self._formula(formula) for formula in inner], parts[-1].line)

    @staticmethod
    def _one(part: Group) -> Expression:
        refuse(part.line, "(assert FORMULA)", f"{len(part.members) - 1} formulas")

    def _formula(self, given: Expression) -> list[Conjunction]:
        if isinstance(given, Group) and given.head in ("and", "or"):
            if len(given.members) < 2:
                refuse(given.line, f"at least one formula in '{given.head}'", "none")
            parts = [self._formula(member) for member in given.members[1:]]
            return (
                self._all(parts, given.line)
                if given.head == "and"
                else [conjunction for part in parts for conjunction in part]
            )
        known = _COMPARISONS_2 if self._variables.modern else _COMPARISONS
        if not isinstance(given, Group) or given.head not in known:
            refuse(given.line, f"a formula: {', '.join(('and', 'or', *known))}", given)
        sides = self._operands(given)
        if len(sides) != 2:
            refuse(given.line, f"two sides of '{given.head}'", len(sides))
        difference = sides[0].plus(sides[1], Fraction(-1))
        return known[given.head](difference)

    @staticmethod
    def _all(parts: list[list[Conjunction]], line: int) -> list[Conjunction]:
        """The conjunctions of which one holds where in each part one does."""
        if prod(map(len, parts)) > _MOST:
            refuse(line, f"at most {_MOST:,} conjunctions", f"{prod(map(len, parts)):,}")
        return [tuple(c for conjunction in chosen for c in conjunction) for chosen in product(*parts)]

    def _operands(self, group: Group) -> list[Linear]:
        operands, place = [], 1
        while place < len(group.members):
            member = group.members[place]
            if isinstance(member, Group):
                operands.append(self._sum(member))
            elif is_number(member):
                operands.append(Linear(number(member)))
            else:
                variable, behind = self._variables.taken(group.members, place)
                operands.append(Linear(factors={variable: Fraction(1)}))
                place = behind - 1
            place += 1
        return operands

    def _sum(self, group: Group) -> Linear:
        if group.head not in ("+", "-", "*"):
            refuse(group.line, "a sum, difference or product: '+', '-' or '*'", group)
        parts = self._operands(group)
        if not parts:
            refuse(group.line, f"operands of '{group.head}'", "none")
        result = parts[0]
        if group.head == "-" and len(parts) == 1:
            return result.times(Fraction(-1))
        for part in parts[1:]:
            if group.head == "*":
                result = self._product(result, part, group)
            else:
                result = result.plus(part, Fraction(1 if group.head == "+" else -1))
        return result

    @staticmethod
    def _product(left: Linear, right: Linear, group: Group) -> Linear:
        if left.factors and right.factors:
            refuse(group.line, "a product with at most one variable: constraints are linear", group)
        return left.times(right.constant) if left.factors else right.times(left.constant)


def _at_least(difference: Linear, *, strict: bool = False) -> list[Conjunction]:
    return [(difference.constraint(strict=strict),)]


def _at_most(difference: Linear, *, strict: bool = False) -> list[Conjunction]:
    return _at_least(difference.times(Fraction(-1)), strict=strict)


def _equal(difference: Linear) -> list[Conjunction]:
    return [(*_at_most(difference)[0], *_at_least(difference)[0])]


_COMPARISONS: dict[str, Callable[[Linear], list[Conjunction]]] = {
    "<=": _at_most,
    ">=": _at_least,
    "<": lambda difference: _at_most(difference, strict=True),
    ">": lambda difference: _at_least(difference, strict=True),
    "=": _equal,
}
_COMPARISONS_2 = {
    **{sign: made for sign, made in _COMPARISONS.items() if sign != "="},
    "==": _equal,
    "!=": lambda difference: [*_at_most(difference, strict=True), *_at_least(difference, strict=True)],
}
