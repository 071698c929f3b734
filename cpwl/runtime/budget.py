"""How much of a partition is wanted at most; and the deadline that whatever computes in this thread looks at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from threading import local


class Spent(Exception):
    """The time is over: what is being computed is given up. ``Sweep`` catches it; it never leaves the library."""


class _Watch(local):
    """What is known in a thread."""

    deadline = inf


_watch = _Watch()


def checkpoint() -> None:
    """Raises ``Spent`` if the time is over. To be called at least every tenth of a second or so, wherever work is long.

    It costs 0.1 microseconds, and nothing is ever lost by it but what is being computed.
    """
    if _watch.deadline < inf and time.monotonic() >= _watch.deadline:
        raise Spent


@dataclass
class Budget:
    """What may be spent; counts what has been."""

    max_regions: int | None = None
    max_seconds: float | None = None
    progressing: bool = False
    """Whether at least one block is finished in any case: so that whoever goes on again and again comes to an end."""
    regions: int = 0
    """How many are finished."""
    _start: float = field(default_factory=lambda: time.monotonic())

    @classmethod
    def until(cls, moment: float | None) -> Budget:
        """One that ends at a moment of ``time.time()``, which other processes know as well."""
        return cls() if moment is None else cls(max_seconds=moment - time.time())

    @property
    def moment(self) -> float | None:
        """When the time is over, as ``time.time()`` counts."""
        return None if self.max_seconds is None else time.time() + self._deadline - time.monotonic()

    @property
    def _deadline(self) -> float:
        return inf if self.max_seconds is None else self._start + self.max_seconds

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within it ``checkpoint`` raises ``Spent`` once the time is over."""
        before = _watch.deadline
        _watch.deadline = inf if self.progressing and not self.regions else self._deadline
        try:
            yield
        finally:
            _watch.deadline = before

    def add(self, regions: int) -> None:
        """Counts regions that are finished."""
        self.regions += regions

    def begin_again(self) -> None:
        """Nothing is finished any more, and the time goes on."""
        self.regions = 0

    def affordable(self, regions: int) -> int:
        """How many of that many finished regions are still wanted."""
        if self.max_regions is None or self.progressing:
            return regions
        return max(0, min(regions, self.max_regions - self.regions))

    @property
    def spent(self) -> bool:
        """Whether no further block is to be begun."""
        enough = self.max_regions is not None and self.regions >= self.max_regions
        return self.over or (enough and not (self.progressing and not self.regions))

    @property
    def over(self) -> bool:
        """Whether the time is."""
        if self.max_seconds is None or (self.progressing and not self.regions):
            return False
        return time.monotonic() >= self._deadline
