"""What users pass: numbers and arrays of them, from numpy or torch, checked and as numpy has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DomainError, ShapeError


def finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """``values`` as float64, checked to be finite numbers; ``name`` is the argument that an error names."""
    try:
        array = np.array(plain(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} must be an array of real numbers, got {type(values).__name__}: {error}") from None
    if not np.isfinite(array).all():
        raise DomainError(f"{name} must be finite, got NaN or infinity.")
    return array


def plain(values: Any) -> NDArray[Any]:
    """What was given, as an array: numbers, arrays, torch tensors on any device (without their gradients), or lists."""
    return np.asarray(_detached(values))


def _detached(values: Any) -> Any:
    """A tensor, which numpy refuses while it requires a gradient, is of bfloat16, or on a GPU, as numpy takes it."""
    if hasattr(values, "detach"):
        tensor = values.detach().cpu()
        return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    if isinstance(values, (list, tuple)):
        return [_detached(value) for value in values]
    return values


def number(name: str, value: Any) -> float:
    """``value`` as a float, checked to be one finite number; ``name`` is the argument that an error names."""
    array = finite(name, value)
    if array.ndim:
        raise ShapeError(f"{name} must be one number, got an array of shape {array.shape}.")
    return float(array)
