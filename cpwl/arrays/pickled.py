"""How objects travel to other processes: arrays in as few bytes as hold them, without what can be worked out again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_SHORTER = (np.int8, np.int16, np.int32)


@dataclass(frozen=True)
class Compacted:
    """An array that takes less: its numbers in a narrower type, or (of shape ()) the one that all of them are."""

    values: NDArray[Any]
    dtype: DTypeLike
    shape: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """The array, in memory of its own."""
        return np.array(np.broadcast_to(self.values, self.shape), dtype=self.dtype)


def compacted(values: NDArray[Any]) -> NDArray[Any] | Compacted:
    """A contiguous array as it is to be sent: int64 and float64 if that makes it shorter, bit for bit the same."""
    if values.dtype not in (np.int64, np.float64) or values.size < 2:
        return values
    bits = values.view(np.int64)
    low, high = (bits.min(), bits.max()) if values.dtype == np.int64 else (bits.flat[0], bits.flat[-1])
    if low == high and (values.dtype == np.int64 or bool((bits == low).all())):
        return Compacted(values.reshape(-1)[0].copy(), values.dtype, values.shape)
    if values.dtype == np.int64:
        for kind in _SHORTER:
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return Compacted(values.astype(kind), values.dtype, values.shape)
    return values


def restored(values: Any) -> Any:
    """The array again; anything else as it is."""
    return values.array() if isinstance(values, Compacted) else values


class Compact:
    """A dataclass whose arrays are pickled compactly."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]
        return _made, (type(self), [compacted(v) if isinstance(v, np.ndarray) else v for v in values])


def _made(kind: type[Any], values: list[Any]) -> Any:
    return kind(*map(restored, values))


class Uncached:
    """A class whose cached properties do not travel; they can be worked out again."""

    def __getstate__(self) -> dict[str, Any]:
        kind = type(self)
        return {k: v for k, v in self.__dict__.items() if not isinstance(getattr(kind, k, None), cached_property)}
