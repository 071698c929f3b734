"""What users pass: numbers, arrays of them (from numpy or torch), counts, flags, files, objects; checked, in one place.

Each function is given the name of the argument, which its error names; and gives what was passed as the library has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DomainError, ShapeError

T = TypeVar("T")

_EXACT_INTEGERS = 1 << 53
"""Up to it every integer is a float64."""


# ---- arrays --------------------------------------------------------------------------------------------------------
def finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """``values`` as a new array of float64, checked to be finite real numbers; Fractions are rounded."""
    array = real(name, values)
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise DomainError(f"{name} must be finite, got a number that is too large for float64.") from None


def coordinates(name: str, points: NDArray[Any], dim: int) -> NDArray[Any]:
    """Points of a slice of that dimension (M, dim); one point (dim,) is M = 1."""
    if points.ndim not in (1, 2) or points.shape[-1] != dim:
        raise ShapeError(
            f"{name} must have shape (M, {dim}) or ({dim},), slice coordinates, got {points.shape}. Those of inputs: "
            "part.to_slice(x)."
        )
    return np.atleast_2d(points)


def unrounded(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """As ``finite``, of numbers that are taken as they are: those that float64 does not hold are refused."""
    given = real(name, values)
    floats = finite(name, given)
    wrong = np.flatnonzero(given.ravel() != floats.ravel())
    if len(wrong):
        before, after = given.ravel()[wrong[0]], floats.ravel()[wrong[0]]
        raise DomainError(
            f"{name} must be a float64 number, as it is not rounded, got {before!s:.80}, which is none. Give "
            f"float(...) of it if the nearest one, {after}, will do."
        )
    return floats


def real(name: str, values: ArrayLike) -> NDArray[Any]:
    """``values`` as a new array: of float64, or of Fractions where some number is one or is no float64."""
    array = array_of(name, values)
    long_integers = (
        array.dtype.kind in "iu" and array.size and max(-int(array.min()), int(array.max())) > _EXACT_INTEGERS
    )
    if long_integers or array.dtype == np.longdouble:
        array = array.astype(object)
    if array.dtype == object:
        flat = [_rational(name, x) for x in array.ravel().tolist()]
        rationals = np.empty(len(flat), object)
        rationals[:] = flat
        return rationals.reshape(array.shape)
    if array.dtype.kind not in "biuf":
        raise ShapeError(f"{name} must be an array of real numbers, got numbers of type {array.dtype}.")
    floats = array.astype(np.float64)
    if not np.isfinite(floats).all():
        raise DomainError(f"{name} must be finite, got NaN or infinity.")
    return floats


def rows(name: str, values: Any) -> list[Any]:
    """The members of a list, or of anything else that has them in an order."""
    if isinstance(values, (str, bytes)) or not (isinstance(values, Sequence) or getattr(values, "ndim", 0) > 0):
        raise ArgumentError(f"{name} must be a list, got {_shown(values)}.")
    return list(values)


def texts(name: str, values: Any, count: int, of: str) -> list[str]:
    """A text or number for each of ``count`` things, ``of`` which kind, as texts."""
    array = array_of(name, values)
    if array.shape != (count,) or array.dtype.kind not in "USiufbO":
        got = f"{len(array)}" if array.ndim == 1 else _shown(values)
        raise ShapeError(f"{name} must be one for each of the {count} {of}, texts or numbers in a list, got {got}.")
    return [str(value) for value in array.tolist()]


def plain(values: Any) -> NDArray[Any]:
    """What was given, as an array: numbers, arrays, torch tensors on any device (without their gradients), or lists."""
    return np.asarray(_detached(values))


def array_of(name: str, values: Any) -> NDArray[Any]:
    """What was given, as an array of whatever it holds."""
    try:
        return plain(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ShapeError(f"{name} must be an array of real numbers, got {type(values).__name__}: {error}") from None


def _detached(values: Any) -> Any:
    """A tensor, which numpy refuses while it requires a gradient, is of bfloat16, or on a GPU, as numpy takes it."""
    if hasattr(values, "detach"):
        tensor = values.detach().cpu()
        return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    if isinstance(values, (list, tuple)):
        return [_detached(value) for value in values]
    if np.ma.is_masked(values):
        raise ValueError("some of its entries are masked, and what these hide is no number. Fill or drop them.")
    return values


def _rational(name: str, value: Any) -> Fraction:
    if isinstance(value, Integral):
        return Fraction(int(value))
    if not hasattr(value, "as_integer_ratio"):
        raise ShapeError(f"{name} must be an array of real numbers, got {_shown(value)} among them.")
    try:
        return Fraction(*value.as_integer_ratio())
    except (OverflowError, ValueError):
        raise DomainError(f"{name} must be finite, got NaN or infinity.") from None


# ---- single numbers, flags, names ----------------------------------------------------------------------------------
def number(name: str, value: Any) -> float:
    """``value`` as a float, checked to be one finite number."""
    array = array_of(name, value)
    message = f"{name} must be one number, got {_shown(value)}."
    if array.ndim or array.dtype.kind not in "iufO":
        raise ShapeError(message)
    try:
        return float(finite(name, array))
    except ShapeError:
        raise ShapeError(message) from None


def unrounded_number(name: str, value: Any) -> float:
    """As ``number``; one that float64 does not hold is refused."""
    number(name, value)
    return float(unrounded(name, value))


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """``value`` as an integer, checked to be a whole number in that range; a float may be one."""
    single = array_of(name, value)
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
    message = f"{name} must be a whole number {wanted}, got {_shown(value)}."
    if most is not None and most < least:
        raise ArgumentError(f"{name} can have no value: there is none to choose from. Got {_shown(value)}.")
    if single.ndim or single.dtype == np.bool_:
        raise ArgumentError(message)
    try:
        numeric = real(name, single).item()
    except ArgumentError:
        raise ArgumentError(message) from None
    if numeric != int(numeric) or numeric < least or (most is not None and numeric > most):
        raise ArgumentError(message)
    return int(numeric)


def flag(name: str, value: Any) -> bool:
    """``value`` as a bool, checked to be one."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{name} must be True or False, got {_shown(value)}.")
    return bool(value)


def one_of(name: str, value: Any, choices: Sequence[str], error: type[ArgumentError] = ArgumentError) -> str:
    """``value``, checked to be one of some words."""
    if not isinstance(value, str) or value not in choices:
        words = list(map(repr, choices))
        wanted = " or ".join(words) if len(words) == 2 else f"one of {', '.join(words)}"
        raise error(f"{name} must be {wanted}, got {_shown(value)}.")
    return value


def optional(check: Callable[..., T], name: str, value: Any, *limits: Any) -> T | None:
    """None, or what a check makes of ``value``."""
    return None if value is None else check(name, value, *limits)


# ---- files and objects ---------------------------------------------------------------------------------------------
def path(name: str, value: str | PathLike[str]) -> Path:
    """``value`` as the name of a file or folder."""
    try:
        called = os.fsdecode(value)
    except TypeError:
        called = ""
    if not called:
        raise ArgumentError(f"{name} must be the name of a file or folder, got {_shown(value)}.")
    return Path(called)


def instance(name: str, value: Any, kind: type[T], hint: str = "", called: str = "") -> T:
    """``value``, checked to be of a class that users know as ``called``; ``hint`` says how to get one."""
    if not isinstance(value, kind):
        raise ArgumentError(f"{name} must be a {called or kind.__name__}, got {_shown(value)}. {hint}".rstrip())
    return value


def having(name: str, value: T, method: str, what: str) -> T:
    """``value``, checked to have a method; ``what`` says what it must be."""
    if not callable(getattr(value, method, None)):
        raise ArgumentError(f"{name} must be {what}, got {_shown(value)}.")
    return value


def progress(value: T | None) -> T | None:
    """What is to be told of progress: a function, or None."""
    return optional(having, "progress", value, "__call__", "a function of (done, total, what), or None")


def executor(value: T | None) -> T | None:
    """What works in other processes, or None."""
    return optional(having, "executor", value, "submit", "a concurrent.futures.Executor, or None")


def indices(name: str, values: Any, count: int) -> NDArray[np.int64]:
    """``values``, one number or a list, as int64 (n,), checked to be whole and from 0 to ``count`` - 1."""
    array = np.atleast_1d(array_of(name, values))
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ShapeError(f"{name} must be a list of indices, got {array.dtype} of shape {array.shape}.")
    outside = array[(array < 0) | (array >= count)] if array.size else array
    if outside.size:
        wanted = f"lie in 0..{count - 1}" if count else "be an empty list, as there are none to choose from"
        raise ArgumentError(f"{name} must {wanted}, got {outside[0]}.")
    return array.astype(np.int64)


def _shown(value: Any) -> str:
    """A value in an error: a short one itself, of others the kind."""
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return f"{value!r:.80}"
    return type(value).__name__
