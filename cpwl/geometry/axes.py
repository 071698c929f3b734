"""Some inputs of a network, by number or by name, that vary, and the values of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..runtime.inputs import rows, unrounded, unrounded_number, whole


def point_and_axes(
    axes: Any, fixed: Mapping[Any, float] | ArrayLike, names: Sequence[str] | None
) -> tuple[NDArray[np.float64], list[int]]:
    """One input, 0 where it varies, and the numbers of the inputs that vary; ``ArgumentError`` names what is wrong."""
    order = None if names is None else [str(name) for name in rows("names", names)]
    chosen = rows("axes", axes)
    if not chosen:
        raise ArgumentError("axes must be the inputs that vary, one or more; got none.")
    if isinstance(fixed, Mapping):
        point, count = None, len(chosen) + len(fixed) if order is None else len(order)
    else:
        point = unrounded("fixed", fixed)
        count = point.size
        if order is not None and len(order) != count:
            raise ShapeError(f"fixed must have as many numbers as there are names, {len(order)}; got {count}.")
    numbers = [_number("axes", axis, order, count) for axis in chosen]
    if len(set(numbers)) < len(numbers):
        raise ArgumentError(f"axes must be different inputs, got {tuple(chosen)}.")
    if point is None:
        point = _point(fixed, numbers, order, count)
    point.ravel()[numbers] = 0.0  # unrounded() gives a new array in C order
    return point, numbers


def _point(fixed: Any, axes: list[int], order: list[str] | None, count: int) -> NDArray[np.float64]:
    values = {
        _number("fixed", key, order, count): unrounded_number(f"fixed[{key!r}]", value) for key, value in fixed.items()
    }
    both, neither = set(values) & set(axes), set(range(count)) - set(values) - set(axes)
    if both or neither:
        what = f"{_shown(both, order)} both" if both else f"{_shown(neither, order)} in neither"
        raise ArgumentError(f"each input must be among the axes or in fixed, and not in both; got {what}.")
    return np.array([values.get(i, 0.0) for i in range(count)])


def _number(argument: str, key: Any, order: list[str] | None, count: int) -> int:
    """The number of an input that is given by number or by name."""
    if not isinstance(key, str):
        return whole(argument, key, 0, count - 1)
    if order is None or key not in order:
        known = "give names=, the names of all inputs in their order" if order is None else f"names are {order}"
        raise ArgumentError(f"{argument} must be inputs of the network, got {key!r}: {known}.")
    return order.index(key)


def _shown(numbers: set[int], order: list[str] | None) -> str:
    return ", ".join(str(i) if order is None else order[i] for i in sorted(numbers))
