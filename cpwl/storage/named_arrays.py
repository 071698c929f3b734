"""Named arrays as files keep them: plain numbers, each array checked before anything is built from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import FileFormatError

Arrays = dict[str, NDArray[Any]]
"""Arrays of float64, int64, bool, uint8 and the like by name; never of objects."""


def prefixed(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The same arrays under the names ``prefix.name``; ``Stored.part`` undoes it."""
    return {f"{prefix}.{name}": values for name, values in arrays.items()}


def ragged_arrays(name: str, ragged: Ragged) -> Arrays:
    """The two arrays of a ragged one; ``Stored.ragged`` undoes it."""
    return {f"{name}.values": ragged.values, f"{name}.offsets": ragged.offsets}


def words_array(words: list[str]) -> NDArray[np.uint8]:
    """Words (without blanks) as one text, in bytes; ``Stored.words`` undoes it."""
    return np.frombuffer(" ".join(words).encode("ascii"), np.uint8)


@dataclass(frozen=True, eq=False)
class Stored:
    """Arrays by name, read with a check; each method raises ``FileFormatError`` naming the array and what is wrong.

    In a wanted shape, -1 stands for any length.
    """

    arrays: Mapping[str, NDArray[Any]]
    prefix: str = ""

    def part(self, prefix: str) -> Stored:
        """The arrays whose names begin with ``prefix`` and a dot, without it."""
        start = f"{prefix}."
        chosen = {name[len(start) :]: values for name, values in self.arrays.items() if name.startswith(start)}
        return Stored(chosen, f"{self.prefix}{start}")

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def floats(self, name: str, *shape: int) -> NDArray[np.float64]:
        """A float64 array of finite numbers."""
        values = self._array(name, np.float64, shape)
        self._require(name, bool(np.isfinite(values).all()), "hold finite numbers only")
        return values

    def bounds(self, name: str, *shape: int) -> NDArray[np.float64]:
        """A float64 array of error bounds: numbers >= 0 or infinity."""
        values = self._array(name, np.float64, shape)
        self._require(name, bool((values >= 0).all()), "hold numbers >= 0")
        return values

    def integers(self, name: str, *shape: int, low: int = 0, below: int | None = None) -> NDArray[np.int64]:
        """An int64 array of numbers >= ``low`` and, if given, < ``below``."""
        values = self._array(name, np.int64, shape)
        inside = values.size == 0 or bool(values.min() >= low and (below is None or values.max() < below))
        wanted = f"numbers >= {low}" if below is None else f"numbers from {low} to {below - 1}"
        self._require(name, inside, f"hold {wanted}")
        return values

    def booleans(self, name: str, *shape: int) -> NDArray[np.bool_]:
        """A boolean array."""
        return self._array(name, np.bool_, shape)

    def octets(self, name: str, *shape: int) -> NDArray[np.uint8]:
        """An array of bytes."""
        return self._array(name, np.uint8, shape)

    def words(self, name: str, count: int) -> list[str]:
        """The words of a text; ``count`` of them."""
        text = self.octets(name, -1).tobytes()
        self._require(name, text.isascii(), "be a text in ASCII")
        words = text.decode("ascii").split()
        self._require(name, len(words) == count, f"hold {count} words, not {len(words)}")
        return words

    def offsets(self, name: str, end: int, *, shortest: int) -> NDArray[np.int64]:
        """Where rows of at least ``shortest`` entries begin, int64 (rows + 1,): from 0 up to ``end``."""
        values = self.integers(name, -1)
        fits = len(values) > 0 and values[0] == 0 and values[-1] == end and bool((np.diff(values) >= shortest).all())
        self._require(name, bool(fits), f"rise from 0 to {end} in steps >= {shortest}")
        return values

    def ragged(self, name: str, *, shortest: int, below: int) -> Ragged:
        """A ragged array of rows of at least ``shortest`` integers, each from 0 to ``below`` - 1."""
        values = self.integers(f"{name}.values", -1, below=below)
        return Ragged(values, self.offsets(f"{name}.offsets", len(values), shortest=shortest))

    def _array(self, name: str, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        values = self.arrays.get(name)
        if values is None:
            raise FileFormatError(f"array {self.prefix}{name!s} is missing")
        self._require(name, values.dtype == dtype, f"be of type {np.dtype(dtype)}, not {values.dtype}")
        fits = values.ndim == len(shape) and all(w in (-1, n) for w, n in zip(shape, values.shape, strict=True))
        self._require(name, fits, f"have shape {shape} (-1: any length), not {values.shape}")
        return np.array(values)

    def _require(self, name: str, condition: bool, what: str) -> None:
        if not condition:
            raise FileFormatError(f"array {self.prefix}{name} must {what}")
