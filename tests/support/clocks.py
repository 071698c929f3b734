"""Clocks for tests, so that no answer depends on the speed of the machine: it is looks at them that take time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cpwl.runtime import budget


@dataclass
class Clock:
    """Stands still for ``k`` looks after the first, by which a budget begins; from then on each takes 30 years."""

    k: float
    looks: int = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 0.0 if self.looks <= self.k + 1 else 1e9 * self.looks

    time = monotonic


@dataclass
class Ticking:
    """Goes on by so many seconds at each look."""

    step: float
    now: float = 0.0

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    time = perf_counter = monotonic


def estimates_by_looks(monkeypatch: pytest.MonkeyPatch, step: float) -> Ticking:
    """The clock by which ``estimate`` and the partitions that it makes measure time from now on."""
    clock = Ticking(step)
    monkeypatch.setattr(budget, "time", clock)
    monkeypatch.setattr("cpwl.partitions.estimate.perf_counter", clock.perf_counter)
    return clock
