"""Blocks that are finished elsewhere: by the workers of any ``concurrent.futures.Executor``.

A worker keeps the network; what travels is blocks, with the values at their vertices, and their results.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from threading import local
from typing import Any

import numpy as np

from .. import backends
from ..bounds.relevance import Relevance
from ..geometry.domain import Domain
from ..network.network import Network
from ..runtime.budget import Budget
from ..runtime.workers import Packed, Workers, compute_on_one_thread
from .blocks import Blocks
from .history import flattened
from .states import Finished, Path, Task
from .sweep import Sweep


@dataclass(frozen=True, eq=False)
class Job:
    """What all tasks of one partition share."""

    network: Network
    domain: Domain
    backend: str
    device: str | None
    block_sizes: Blocks
    exact: bool
    """Whether decisions are."""
    join: bool
    """Whether the blocks of a task are joined; otherwise they are handed over one by one."""
    relevance: Relevance | None = None
    """What regions are kept to, if not all are wanted."""
    keep_dropped: bool = False
    """Whether the others are kept as well, with what shows that they are none of these."""
    until: float | None = None
    """When what is not finished is given up, as ``time.time()`` counts."""

    def prepare(self) -> None:
        """See ``workers.Job``."""
        compute_on_one_thread()

    def finish(self, task: Task) -> list[Finished]:
        """What comes out of a task."""
        sweep = _sweep_of(self)
        sweep.budget = Budget.until(self.until)
        if not self.join:
            return list(sweep.blocks(task))
        finished = sweep.finish(task)
        return [] if finished is None else [finished]


_here = local()


def _sweep_of(job: Job) -> Sweep:
    """The sweep of this thread for a job: what it learns of the network with one task serves the next."""
    if getattr(_here, "job", None) is not job:
        chosen = backends.get(job.backend, job.device)
        options: dict[str, Any] = {"exact": job.exact, "blocks": job.block_sizes, "relevance": job.relevance}
        options["keep_dropped"] = job.keep_dropped
        _here.job, _here.sweep = job, Sweep(job.network, job.domain, chosen, **options)
    sweep: Sweep = _here.sweep
    return sweep


class Spread:
    """A runner (see ``Sweep.finish``) that hands tasks to an executor."""

    def __init__(self, executor: Executor, job: Job) -> None:
        self._workers, self._packed = Workers(executor), Packed(job)
        self.workers = self._workers.count

    def __call__(self, tasks: Iterator[Task]) -> Iterator[tuple[Path, list[Finished]]]:
        """The results of the tasks, in their order."""
        for _, task, leaves in self._workers.results((self._packed, _portable(task)) for task in tasks):
            yield task.state.path, leaves


def _portable(task: Task) -> Task:
    """The task without the steps of regions that it does not contain."""
    state = task.state
    history = flattened(state.history, np.arange(len(state.arrangement)))
    return replace(task, state=replace(state, history=history))
