"""Rational numbers rounded to float64, also those that are out of its range."""

from __future__ import annotations

from fractions import Fraction
from math import inf, ldexp, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 2.0**-1074
"""The least positive float64 number: among the subnormal ones no rounding takes more away."""


def nearest(exact: Fraction) -> float:
    """The nearest float64 number; infinite for one that is too large."""
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


def nearest_quotient(numerator: int, denominator: int) -> float:
    """The float64 number nearest to a quotient (Python rounds it correctly); infinite when it is too large."""
    try:
        return numerator / denominator
    except OverflowError:
        return inf if numerator > 0 else -inf


def rounded(exact: Fraction) -> tuple[float, float]:
    """The nearest float64 number, and a bound on how far it is."""
    near = nearest(exact)
    return near, 0.0 if near == exact else max(2.0**-53 * abs(near), LEAST)


def root(square: Fraction) -> float:
    """The square root of a rational, up to an ulp or two; also of one that is out of the range of float64."""
    shift = (square.numerator.bit_length() - square.denominator.bit_length()) // 2 if square else 0
    return ldexp(sqrt(square / Fraction(4) ** shift), shift)


def floats(values: NDArray[Any]) -> NDArray[np.float64]:
    """The nearest float64 numbers; infinite for rational ones that are too large."""
    if values.dtype != object:
        return np.asarray(values, np.float64)
    return np.array([nearest(x) for x in values.ravel().tolist()], np.float64).reshape(values.shape)
