"""Rational numbers rounded to float64, with a bound on what that takes away; also beyond its range."""

from __future__ import annotations

from fractions import Fraction
from math import inf

LEAST = 2.0**-1074
"""The least positive float64 number: among the subnormal ones no rounding takes more away."""


def nearest(exact: Fraction) -> float:
    """The nearest float64 number; infinite for one that is too large."""
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


def rounded(exact: Fraction) -> tuple[float, float]:
    """The nearest float64 number, and a bound on how far it is."""
    found = nearest(exact)
    return found, 0.0 if found == exact else max(2.0**-53 * abs(found), LEAST)
