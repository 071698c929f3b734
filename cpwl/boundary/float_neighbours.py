"""Floating-point inputs beside the points of a boundary, with their exact differences on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..fields.arithmetic import evaluate
from ..geometry.domain import exactly
from .faces import BoundaryFaces
from .sample import CertifiedSample, FloatNeighbour, Neighbours

_DOUBLINGS = 48
"""Of the first step, before the search gives up: from one unit in the last place far beyond any slice's features."""


def neighbours(boundary: BoundaryFaces, samples: Sequence[CertifiedSample], dtype: type[Any]) -> list[Neighbours]:
    """The neighbours of samples; see ``BoundarySamples.neighbours``."""
    sides = [_on_side(boundary, samples, dtype, sign) for sign in (-1, 1)]
    return list(zip(*sides, strict=True))


def _on_side(
    boundary: BoundaryFaces, samples: Sequence[CertifiedSample], dtype: type[Any], sign: int
) -> list[FloatNeighbour | None]:
    neighbours: list[FloatNeighbour | None] = [None] * len(samples)
    steps = [sign * _step(boundary, sample, dtype) for sample in samples]
    pending = list(range(len(samples)))
    for doubling in range(_DOUBLINGS):
        if not pending:
            break
        tried = [_rounded(samples[i].x, steps[i] * 2.0**doubling, dtype) for i in pending]
        differences = _differences(boundary, [samples[i] for i in pending], tried)
        for i, x, difference in zip(pending, tried, differences, strict=True):
            if difference * sign > 0:
                neighbours[i] = FloatNeighbour(x, difference)
        pending = [i for i in pending if neighbours[i] is None]
    return neighbours


def _step(boundary: BoundaryFaces, sample: CertifiedSample, dtype: type[Any]) -> NDArray[np.float64]:
    """Half a unit in the last place of the largest coordinate, along the gradient, in the input space."""
    slope = np.array([float(x) for x in sample.slope / max(abs(sample.slope))])
    direction = (boundary.partition.domain.basis @ slope).reshape(sample.x.shape)
    largest = max(float(abs(x)) for x in sample.x.ravel())
    unit = float(np.spacing(dtype(max(largest, float(np.finfo(dtype).tiny)))))
    return np.asarray(direction / np.abs(direction).max() * unit / 2)


def _rounded(x: NDArray[Any], step: NDArray[np.float64], dtype: type[Any]) -> NDArray[Any]:
    return np.array([float(a) for a in (x + exactly(step)).ravel()]).astype(dtype).reshape(x.shape)


def _differences(
    boundary: BoundaryFaces, samples: Sequence[CertifiedSample], points: Sequence[NDArray[Any]]
) -> list[Fraction]:
    """The function that vanishes on the boundary, exactly, at input points."""
    network, arithmetic = boundary.partition.network, backends.get("exact").arithmetic
    rows = np.stack([x.ravel().astype(np.float64) for x in points])
    outputs = evaluate(network, arithmetic, arithmetic.points(rows)).to_numpy()
    if boundary.level is not None:
        return [row[0] - Fraction(boundary.level) for row in outputs]
    return [row[s.pair[0]] - row[s.pair[1]] for s, row in zip(samples, outputs, strict=True)]
