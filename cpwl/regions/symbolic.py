"""Regions and partitions as sympy objects, exact: functions of slice coordinates with rational coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.functions.elementary.piecewise import ExprCondPair

from ..errors import ArgumentError
from ..geometry.halfspaces import Halfspaces
from ..runtime.ieee import ieee

_LARGEST = 1 << 1000
"""Larger integers may be no floats: what ``lambdify`` makes of them would overflow."""


class Piecewise(sympy.Piecewise):  # type: ignore[misc]  # sympy is untyped
    """A ``sympy.Piecewise`` that never merges its cases, so that substituting in it is linear in its size.

    Wherever sympy makes a ``Piecewise`` anew (``subs``, ``xreplace``, ``diff``), it joins cases of equal value, and
    distributes "and" over "or" in their conditions: 2^n steps for n cases. ``sympy.Piecewise(*f.args,
    evaluate=False)`` is sympy's own; ``integrate``, ``solve`` and ``piecewise_fold`` make one, and may take as long.
    """

    def __new__(cls, *args: Any, **options: Any) -> Any:
        """The cases, those left out whose condition is false; nan where none is left."""
        pairs = [ExprCondPair(*getattr(pair, "args", pair)) for pair in args]
        possible = [pair for pair in pairs if pair.cond != sympy.false]
        return super().__new__(cls, *possible, **options | {"evaluate": False}) if possible else sympy.nan

    def _eval_simplify(self, **kwargs: Any) -> Any:
        return self.func(*((sympy.simplify(value, **kwargs), condition) for value, condition in self.args))


@ieee
@dataclass(frozen=True)
class SymbolicRegion:
    """A region and the network on it in closed form."""

    symbols: tuple[sympy.Symbol, ...]
    """The slice coordinates."""
    inequalities: tuple[Any, ...]
    """sympy relationals ``... >= 0``, none of which can be left out; integer coefficients without a common factor,
    divided by a power of two where one is above 2^1000 and so no float."""
    outputs: tuple[sympy.Expr, ...]
    """The network's outputs on the region."""

    @property
    def condition(self) -> Any:
        """The inequalities as one sympy condition: the closed region."""
        return sympy.And(*self.inequalities)


def closed_form(
    halfspaces: Halfspaces, affine: tuple[NDArray[Any], NDArray[Any]], symbols: Sequence[sympy.Symbol] | None = None
) -> SymbolicRegion:
    """A region and an affine map (A, b) in closed form; ``symbols`` (by default u1, u2) are the slice coordinates."""
    names = _symbols(symbols, halfspaces.normals.shape[1])
    return SymbolicRegion(names, _inequalities(halfspaces, names), _affine(*affine, names))


def _symbols(symbols: Sequence[sympy.Symbol] | None, dim: int) -> tuple[sympy.Symbol, ...]:
    if symbols is None:
        return tuple(sympy.Symbol(f"u{i + 1}", real=True) for i in range(dim))
    if len(symbols) != dim or len(set(symbols)) != dim:
        raise ArgumentError(f"symbols must be {dim} different ones, one for each slice coordinate, got {symbols!r}.")
    return tuple(symbols)


def _inequalities(halfspaces: Halfspaces, symbols: tuple[sympy.Symbol, ...]) -> tuple[Any, ...]:
    table = np.concatenate([halfspaces.normals, halfspaces.offsets[:, None]], axis=1)
    return tuple(sympy.Ge(_combination(_whole(row.tolist()), symbols), 0) for row in table)


def _affine(weight: NDArray[Any], bias: NDArray[Any], symbols: tuple[sympy.Symbol, ...]) -> tuple[sympy.Expr, ...]:
    table = np.concatenate([weight, bias[:, None]], axis=1)
    return tuple(_combination(row.tolist(), symbols) for row in table)


def _combination(row: Sequence[Fraction], symbols: tuple[sympy.Symbol, ...]) -> sympy.Expr:
    """row[0] u1 + row[1] u2 + ... + row[-1]."""
    numbers = [sympy.Rational(x.numerator, x.denominator) for x in row]
    return sympy.Add(*(x * symbol for x, symbol in zip(numbers, symbols, strict=False)), numbers[-1])


def _whole(row: Sequence[Fraction]) -> list[Fraction]:
    """The row times the positive factor that makes its entries integers without a common factor, or floats."""
    scale = lcm(*(x.denominator for x in row))
    whole = [int(x * scale) for x in row]
    divisor = gcd(*whole)
    largest = max(map(abs, whole)) // divisor
    if largest > _LARGEST:
        divisor <<= largest.bit_length()
    return [Fraction(x, divisor) for x in whole]
