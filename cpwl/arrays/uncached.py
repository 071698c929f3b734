"""Objects that are pickled without what they have worked out and kept."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class Uncached:
    """A class whose cached properties do not travel; they can be worked out again."""

    def __getstate__(self) -> dict[str, Any]:
        kind = type(self)
        return {k: v for k, v in self.__dict__.items() if not isinstance(getattr(kind, k, None), cached_property)}
