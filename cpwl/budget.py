"""How much of a partition is wanted at most."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Budget:
    """What may be spent; counts what has been. At least one block is finished, whatever the budget."""

    max_regions: int | None = None
    max_seconds: float | None = None
    regions: int = 0
    _start: float = field(default_factory=time.monotonic)

    def add(self, regions: int) -> None:
        """Counts regions of a block that is finished."""
        self.regions += regions

    @property
    def spent(self) -> bool:
        """Whether no further block is to be begun."""
        if not self.regions:
            return False
        if self.max_regions is not None and self.regions >= self.max_regions:
            return True
        return self.max_seconds is not None and time.monotonic() - self._start >= self.max_seconds
