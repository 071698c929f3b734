"""Affine functions with rational numbers as nodes of a network, whose numbers are float64: exactly, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from math import lcm, prod
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


def dyadic(row: Sequence[Fraction]) -> tuple[list[Fraction], list[float]]:
    """The row times a number that makes all entries dyadic, and divisors in [1, 2) whose product is that number.

    Near 1, so that what is divided is as large as what comes out: all entries of a node share one error bound.
    """
    odd = 1
    for x in row:
        odd = lcm(odd, x.denominator // (x.denominator & -x.denominator))
    divisors = [Fraction(n, 1 << (n.bit_length() - 1)) for n in _factors(odd)]
    factor = prod(divisors, start=Fraction(1))
    return [x * factor for x in row], [float(d) for d in divisors]


def _factors(odd: int) -> list[int]:
    """Factors of an odd number that float64 holds; what is not a five is one of them."""
    factors = []
    while odd >= _INTEGERS:
        fives = next((n for n in (_FIVES, 5) if odd % n == 0), None)
        if fives is None:
            raise ArgumentError(
                "a bound of an input has a denominator that is no product of powers of two and five and a number below "
                f"2^53 ({len(str(odd))} digits). Write it as a decimal."
            )
        factors.append(fives)
        odd //= fives
    return [*factors, odd]


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


def divided(divisors: Sequence[Sequence[float]], source: int, name: str) -> list[Node]:
    """The nodes that divide each entry of the node ``source``, the last one before them, by its divisors."""
    rounds = [row for row in zip_longest(*divisors, fillvalue=1.0) if set(row) != {1.0}]
    return [Node(Divide(np.array(row)), (source + k,), (len(row),), name) for k, row in enumerate(rounds)]


def _nearest(x: Fraction) -> float:
    try:
        nearest = float(x)
    except OverflowError:
        nearest = float("inf")
    if np.isinf(nearest) or (x and not nearest):
        raise ArgumentError("numbers of one constraint or bound are too far apart for float64. Scale the inputs.")
    return nearest
