"""Random 2-D slices through points, and points away from the data: a seed decides both."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DomainError, ShapeError
from ..geometry.domain import Domain
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, number, whole


@ieee
def random_slice(point: ArrayLike, *, side: float = 1.0, seed: int | Sequence[int] = 0) -> Domain:
    """A square of the given side, in input units, centred on a point of the input space, in a random plane.

    The plane is uniformly distributed (Haar measure): two columns of independent standard normal numbers, drawn by
    ``numpy.random.default_rng(seed)`` in the order of the input's entries (first column, then second), orthonormalised
    by Gram-Schmidt (Mezzadri, "How to generate random matrices from the classical compact groups", 2007). Sums are
    rounded once (``math.fsum``), so that the same numbers give the same plane, bit for bit, on every machine.

    ``seed`` is an integer >= 0 or a sequence of such. Raises ``DomainError`` for an input of fewer than two entries or
    a side that is not positive.
    """
    centre = finite("point", point)
    if centre.size < 2:
        raise DomainError(f"point must have two entries or more, so that planes go through it, got {centre.size}.")
    half = number("side", side) / 2
    seed = [whole("seed", entry, 0) for entry in seed] if isinstance(seed, Sequence) else whole("seed", seed, 0)
    if not half > 0:
        raise DomainError(f"side must be positive, got {side!r}.")
    square = [[-half, -half], [half, -half], [half, half], [-half, half]]
    return Domain.polygon(square, centre, _random_frame(centre.size, seed).reshape(*centre.shape, 2))


@ieee
def off_data(data: ArrayLike, count: int, *, seed: int = 0) -> NDArray[np.float64]:
    """``count`` points (count, *shape) away from the data (M, *shape): uniform in its box, entry by entry.

    Each entry lies between its least and largest value in the data; entries are independent, as they are in no image.
    """
    rows = finite("data", data)
    if rows.ndim < 2 or not len(rows):
        raise ShapeError(f"data must be points (M, ...), one or more, got an array of shape {rows.shape}.")
    count, seed = whole("count", count, 0), whole("seed", seed, 0)
    low, high = rows.min(axis=0), rows.max(axis=0)
    share = np.random.default_rng(seed).random((count, *rows.shape[1:]))
    return np.asarray(low + share * (high - low))


def _random_frame(entries: int, seed: int | Sequence[int]) -> NDArray[np.float64]:
    """Two random orthonormal columns (n, 2); twice is enough for orthogonality to rounding (Giraud et al., 2005)."""
    first, second = np.random.default_rng(seed).standard_normal((2, entries))
    first = _unit(first)
    for _ in range(2):
        second = _unit(second - fsum((first * second).tolist()) * first)
    return np.stack([first, second], axis=1)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / sqrt(fsum((vector * vector).tolist())))
