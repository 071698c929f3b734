"""Numbers of a text as the rationals that their decimals say."""

from __future__ import annotations

import re
from fractions import Fraction

from .symbols import Symbol, refuse

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_LONGEST, _LARGEST = 1000, 400
"""Characters of a number, and its decimal exponent: beyond them a short file would stand for a very long number."""


def is_number(symbol: Symbol) -> bool:
    """Whether a symbol looks like one."""
    return _NUMBER.fullmatch(symbol.text) is not None


def number(symbol: Symbol) -> Fraction:
    """The rational number that a symbol is."""
    match = _NUMBER.fullmatch(symbol.text)
    if match is None:
        refuse(symbol.line, "a number such as -0.25 or 1e-3", symbol)
    exponent = int((match.group(2) or "e0")[1:])
    if len(symbol.text) > _LONGEST or abs(exponent) > _LARGEST:
        refuse(symbol.line, f"a number of {_LONGEST} characters and an exponent of {_LARGEST} at most", symbol)
    return Fraction(symbol.text)
