"""How large simplices are, in the space that they span; and facets of arrangements, by those that make them up."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numbers.norms import norms
from ..numbers.rounding import floats
from .arrangement import Arrangement


def measures(corners: NDArray[Any]) -> NDArray[np.float64]:
    """The k-dimensional volumes (n,) of simplices with k + 1 corners (n, k + 1, D), in float64; of points 1."""
    steps = floats(corners[:, 1:] - corners[:, :1])
    count, k, _ = steps.shape
    if k == 0:
        return np.ones(count)
    if k == 1:
        return norms(steps[:, 0])
    _, exponent = np.frexp(np.abs(steps).max(axis=(1, 2), initial=0.0))  # so that products do not overflow
    triangle = np.linalg.qr(np.ldexp(steps, -exponent[:, None, None]).swapaxes(1, 2), mode="r")
    sizes = np.abs(np.diagonal(triangle, axis1=1, axis2=2)).prod(axis=1)
    return np.asarray(np.ldexp(sizes, k * exponent) / factorial(k))


def size_name(dim: int) -> str:
    """What the size of a region of that dimension is called where there is one word for it."""
    return "area" if dim == 2 else "volume"


def facet_measures(arrangement: Arrangement[Any], vertices: NDArray[Any]) -> NDArray[np.float64]:
    """The (D - 1)-dimensional volumes (F,) of facets, in float64: lengths when D = 2, areas when D = 3, else 1."""
    k = arrangement.dim - 1
    owner, simplices = arrangement.simplices(k, np.arange(len(arrangement.faces(k))))
    totals = np.bincount(owner, measures(vertices[simplices]), minlength=len(arrangement.faces(k)))
    return np.asarray(totals, np.float64)
