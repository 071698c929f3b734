"""Volumes of the regions of an arrangement, as near to the exact ones as is asked for (proofs/, Lemma 12 (c))."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..geometry.arrangement import Arrangement, ExactWalls
from ..runtime.inputs import number

Measured = tuple[NDArray[Any], NDArray[np.float64]]
"""Volumes (n,), and for each a bound on how far it is from the exact one; 0 if it is exact."""


def checked_accuracy(accuracy: float | None, default: float) -> float:
    """What a volume may be off by, relative to itself: ``default`` for None; ``ArgumentError`` for what can't be."""
    if accuracy is not None and not 2.0**-52 <= number("accuracy", accuracy) < 1:
        raise ArgumentError(f"accuracy must be at least 2^-52 and less than 1, or None, got {accuracy!r}.")
    return default if accuracy is None else accuracy


def measured(
    arrangement: Arrangement[Any], regions: NDArray[np.int64] | None, walls: ExactWalls | None, accuracy: float
) -> Measured:
    """The volumes of some regions, or (None) of all.

    Where the bound on coordinates does not show that one is off by at most ``accuracy`` times itself, it is computed
    from ``walls``, if they are given; so it is, but for what is out of the range of float64.
    """
    if regions is None:
        return _measured(arrangement, arrangement, np.arange(len(arrangement)), walls, accuracy)
    chosen, place = np.unique(regions, return_inverse=True)
    part = arrangement.take(chosen).arrangement
    volumes, errors = _measured(arrangement, part, chosen, walls, accuracy)
    return volumes[place], errors[place]


def _measured(
    arrangement: Arrangement[Any],
    part: Arrangement[Any],
    regions: NDArray[np.int64],
    walls: ExactWalls | None,
    accuracy: float,
) -> Measured:
    """Those of a part of an arrangement, which has these of its regions."""
    volumes, errors = part.volumes(), part.volume_errors()
    if arrangement.exact or walls is None:
        return volumes, errors
    with np.errstate(invalid="ignore"):  # what has overflowed is poor
        poor = np.flatnonzero(~(errors < accuracy * (1 - 2.0**-40) * (volumes - errors)))
    if len(poor):
        volumes[poor], errors[poor] = arrangement.sharp_volumes(regions[poor], walls, accuracy)
    return volumes, errors
