"""Blocks that are finished elsewhere: by the workers of any ``concurrent.futures.Executor``.

A worker keeps the network of a job, so that it is sent there once; what travels is blocks, with the values at their
vertices, and their results. If a worker dies and its pool with it, this process finishes what is left.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from . import backends
from .blocks import Blocks
from .domain import Domain
from .network import Network
from .steps import flattened
from .sweep import Finished, Path, Sweep, Task

_KEPT = 4
"""Jobs that a worker remembers."""

_jobs: dict[str, Job] = {}


@dataclass(frozen=True, eq=False)
class Job:
    """What all tasks of one partition share."""

    network: Network
    domain: Domain
    backend: str
    device: str | None
    block_sizes: Blocks
    join: bool
    """Whether the blocks of a task are joined; otherwise they are handed over one by one."""

    def finish(self, task: Task) -> list[Finished]:
        """What comes out of a task."""
        arithmetic = backends.get(self.backend, self.device).arithmetic
        sweep = Sweep(self.network, self.domain, arithmetic, blocks=self.block_sizes)
        return [sweep.finish(task)] if self.join else list(sweep.blocks(task))


@dataclass(eq=False)
class _Sent:
    """A task on its way."""

    task: Task
    future: Future[list[Finished] | None] | None
    """None if the executor takes no more."""
    known: int
    """How often the job had been sent by then."""


class Spread:
    """A runner (see ``Sweep.finish``) that hands tasks to an executor, a few more at a time than it has workers."""

    def __init__(self, executor: Executor, job: Job) -> None:
        self._executor, self._job = executor, job
        self._packed = pickle.dumps(job)
        self._name = blake2b(self._packed, digest_size=16).hexdigest()
        self._ahead = 2 * int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
        self._jobs_sent = 0

    def __call__(self, tasks: Iterator[Task]) -> Iterator[tuple[Path, list[Finished]]]:
        """The results of the tasks, in their order."""
        waiting: deque[_Sent] = deque()
        try:
            for task in tasks:
                waiting.append(self._sent(_portable(task)))
                if len(waiting) > self._ahead:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            for sent in waiting:
                if sent.future is not None:
                    sent.future.cancel()

    def _sent(self, task: Task, *, with_job: bool = False) -> _Sent:
        self._jobs_sent += with_job
        try:
            future = self._executor.submit(_work, self._name, self._packed if with_job else None, task)
        except BrokenExecutor:
            future = None
        return _Sent(task, future, self._jobs_sent)

    def _result(self, sent: _Sent) -> tuple[Path, list[Finished]]:
        """What came out of a task.

        A worker that does not know the job says so. Then another may have been told since; if none has, it goes along.
        """
        try:
            while sent.future is not None:
                found = sent.future.result()
                if found is not None:
                    return sent.task.state.path, found
                sent = self._sent(sent.task, with_job=sent.known == self._jobs_sent)
        except BrokenExecutor:
            pass
        warnings.warn("a worker has died: this process goes on alone.", RuntimeWarning, stacklevel=2)
        return sent.task.state.path, self._job.finish(sent.task)


def _portable(task: Task) -> Task:
    """The task without the steps of regions that it does not contain."""
    state = task.state
    history = flattened(state.history, np.arange(len(state.arrangement)))
    return replace(task, state=replace(state, history=history))


def _work(name: str, job: bytes | None, task: Task) -> list[Finished] | None:
    """In a worker: what comes out of a task; None if the job is not known here and has not come along."""
    if name not in _jobs:
        if job is None:
            return None
        while len(_jobs) >= _KEPT:
            del _jobs[next(iter(_jobs))]
        _jobs[name] = pickle.loads(job)
    return _jobs[name].finish(task)
