"""Affine functions with rational numbers as nodes of a network, whose numbers are float64: exactly, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..network.network import Node
from ..network.operators import Dense, Divide, Sum

_FIVES = 5**22
"""The largest power of five that float64 holds: decimals are divided by such."""
_INTEGERS = 1 << 53


def up_to_a_factor(row: Sequence[Fraction]) -> list[Fraction]:
    """The row times a positive number such that all entries are dyadic, and the largest is in [1, 2)."""
    whole = [x * lcm(*(x.denominator for x in row)) for x in row]
    largest = max(map(abs, whole), default=Fraction(0))
    return whole if not largest else [x / (1 << (int(largest).bit_length() - 1)) for x in whole]


def dyadic(row: Sequence[Fraction]) -> tuple[list[Fraction], int]:
    """The row times an odd number that makes all entries dyadic, and that number."""
    odd = 1
    for x in row:
        odd = lcm(odd, x.denominator // (x.denominator & -x.denominator))
    return [x * odd for x in row], odd


def affine(weight: NDArray[Any], bias: NDArray[Any], source: int, first: int, name: str) -> list[Node]:
    """The nodes, of which ``first`` is the number of the first one, of s -> weight s + bias: dyadic Fractions.

    ``weight`` (k, n) for node ``source`` of shape (n,), ``bias`` (k,).
    """
    table = np.concatenate([weight, bias[:, None]], axis=1)
    parts: list[Node] = []
    while not parts or table.any():
        rounded = np.array([[_nearest(x) for x in row] for row in table]).reshape(table.shape)
        parts.append(Node(Dense(rounded[:, :-1].copy(), rounded[:, -1].copy()), (source,), (len(bias),), name))
        table = table - np.vectorize(Fraction, otypes=[object])(rounded)
    if len(parts) == 1:
        return parts
    places = tuple(range(first, first + len(parts)))
    return [*parts, Node(Sum((1.0,) * len(parts)), places, (len(bias),), name)]


def divided(odd: Sequence[int], source: int, name: str) -> list[Node]:
    """The nodes that divide the entries of the node ``source``, the last one before them, by odd numbers."""
    rest, nodes = list(odd), list[Node]()
    while any(n > 1 for n in rest):
        divisors = [_divisor(n) for n in rest]
        nodes.append(Node(Divide(np.array(divisors, np.float64)), (source + len(nodes),), (len(rest),), name))
        rest = [n // d for n, d in zip(rest, divisors, strict=True)]
    return nodes


def _divisor(number: int) -> int:
    """A divisor above one of an odd number, unless that is one, that float64 holds."""
    if number < _INTEGERS:
        return number
    for fives in (_FIVES, 5):
        if number % fives == 0:
            return fives
    raise ArgumentError(
        f"a bound of an input has the denominator {number:.3e}, which is no product of powers of two and five and a "
        "number below 2^53. Write it as a decimal."
        if number < 1e300
        else "a bound of an input has a denominator of more than 300 digits. Write it as a shorter decimal."
    )


def _nearest(x: Fraction) -> float:
    try:
        found = float(x)
    except OverflowError:
        found = float("inf")
    if np.isinf(found) or (x and not found):
        raise ArgumentError("numbers of one constraint or bound are too far apart for float64. Scale the inputs.")
    return found
