"""What a computation costs: CPU and wall seconds of warm runs, and the most memory that a process has held."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all threads, the kernel's included, and wall seconds."""

    cpu: float
    wall: float


def cost(run: Callable[[], object]) -> Cost:
    """What one call costs."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def in_turns(runs: Sequence[Callable[[], object]], least: int, seconds: float) -> list[list[Cost]]:
    """The costs of each, called in turns, so that what else the machine does falls on all: ``least`` calls or more.

    Calls that are over soon are repeated until they have taken ``seconds``.
    """
    found: list[list[Cost]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while len(found[0]) < least or time.perf_counter() < end:
        for costs, run in zip(found, runs, strict=True):
            costs.append(cost(run))
    return found


def median(costs: Sequence[Cost]) -> Cost:
    """The median CPU and wall seconds."""
    return Cost(statistics.median(c.cpu for c in costs), statistics.median(c.wall for c in costs))


def children() -> float:
    """CPU seconds of all processes that have been started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_memory() -> int:
    """The most bytes that this process has held in memory so far.

    On Linux from /proc: ``ru_maxrss`` would count what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
