"""A third backend: the exact one under another name, with files of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from cpwl import backends
from cpwl.backends.exact import ExactArrangement, ExactField, persist
from cpwl.backends.exact.backend import ExactBackend
from cpwl.storage.named_arrays import Arrays, Stored

TWIN = "twin"


class _Reversed:
    """Every array from its end to its beginning, under a name of its own."""

    @staticmethod
    def _turned(arrays: Arrays) -> Arrays:
        return {f"{name}-reversed": np.flip(values).copy() for name, values in arrays.items()}

    @staticmethod
    def _back(stored: Stored) -> Stored:
        return Stored({name.removesuffix("-reversed"): np.flip(values) for name, values in stored.arrays.items()})

    def arrangement_to_arrays(self, arrangement: Any) -> Arrays:
        return self._turned(persist.arrangement_to_arrays(arrangement))

    def arrangement_from_arrays(self, stored: Stored, device: str | None) -> ExactArrangement:
        return persist.arrangement_from_arrays(self._back(stored), device)

    def field_to_arrays(self, field: Any) -> Arrays:
        return self._turned(persist.field_to_arrays(field))

    def field_from_arrays(self, stored: Stored, rows: int, columns: int, device: str | None) -> ExactField:
        return persist.field_from_arrays(self._back(stored), rows, columns, device)


class Twin(ExactBackend):
    """The exact backend, but for its files."""

    @property
    def persistence(self) -> _Reversed:
        return _Reversed()


@contextmanager
def registered() -> Iterator[str]:
    """Its name, for as long as there is such a backend."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "_MAKERS", dict(backends._MAKERS))
        backends.register(TWIN, Twin)
        yield TWIN
