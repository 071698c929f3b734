"""Objects that hold tensors, sent to another process as plain arrays: no shared memory, no open files."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch

from ...arrays.pickled import Compacted, compacted


class Portable:
    """A dataclass whose tensors are pickled as numpy arrays, with the device that they are to be put on again."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return _restored, (type(self), {name: _plain(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _Array(value)
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


class _Array:
    def __init__(self, tensor: torch.Tensor) -> None:
        self._values, self._device = compacted(tensor.cpu().numpy()), str(tensor.device)

    def tensor(self) -> torch.Tensor:
        """The tensor again, in memory of its own."""
        if isinstance(self._values, Compacted):
            return torch.from_numpy(self._values.array()).to(self._device)
        return torch.tensor(self._values, device=self._device)


def _restored(kind: type[Any], values: dict[str, Any]) -> Any:
    return kind(**{name: _tensors(value) for name, value in values.items()})


def _tensors(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.tensor()
    return tuple(map(_tensors, value)) if isinstance(value, tuple) else value
