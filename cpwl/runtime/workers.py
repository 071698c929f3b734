"""Calls that are made by the workers of any ``concurrent.futures.Executor``.

What many calls share, a job, stays with a worker that has received it; only a task and its result travel each time.
If a worker dies and its pool with it, this process makes the calls that are left.
"""

from __future__ import annotations

import os
import pickle
import platform
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from .ieee import ieee
from .notices import warn

KEPT = 4
"""Jobs that a worker remembers."""

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Job(Protocol[T_contra, R_co]):
    """What many tasks share; can be pickled."""

    def finish(self, task: T_contra, /) -> R_co:
        """What comes out of a task: anything but None."""
        ...

    def prepare(self) -> None:
        """Called before every task in a process that is not the one that has made the job."""


class Packed(Generic[T, R]):
    """A job as it is sent."""

    def __init__(self, job: Job[T, R]) -> None:
        self.job = job
        self.content = pickle.dumps(job)
        self.name = blake2b(self.content, digest_size=16).hexdigest()
        self.sent = 0
        """How often it has been sent."""


class _Parcel(Generic[T]):
    """A task that another process unpacks when it is about to work on it, not on arrival."""

    def __init__(self, task: T | None, packed: bytes = b"") -> None:
        self._task, self._packed = task, packed

    def __reduce__(self) -> tuple[Any, ...]:
        return _Parcel, (None, self._packed or pickle.dumps(self._task, pickle.HIGHEST_PROTOCOL))

    def task(self) -> T:
        """What is in it."""
        return pickle.loads(self._packed) if self._task is None else self._task


@dataclass(eq=False)
class _Sent(Generic[T, R]):
    """A task on its way."""

    packed: Packed[T, R]
    task: T
    future: Future[R | None] | None
    """None if the executor takes no more."""
    known: int
    """How often the job had been sent by then."""


class Workers:
    """An executor that is handed a few more tasks at a time than it has workers."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.count = _count(executor)
        """How many there are."""

    def results(self, calls: Iterator[tuple[Packed[T, R], T]]) -> Iterator[tuple[Job[T, R], T, R]]:
        """Each job and task with what came out, in the order of the calls, which are read as workers become free.

        A job goes along with as many tasks as there are workers: those that have nothing to do take one each.
        """
        waiting: deque[_Sent[T, R]] = deque()
        try:
            for packed, task in calls:
                waiting.append(self._sent(packed, task, with_job=packed.sent < self.count))
                if len(waiting) > 2 * self.count:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            for sent in waiting:
                if sent.future is not None:
                    sent.future.cancel()

    def _sent(self, packed: Packed[T, R], task: T, *, with_job: bool) -> _Sent[T, R]:
        packed.sent += with_job
        content = packed.content if with_job else None
        # Dask takes equal calls for one and would repeat an answer: no two are equal.
        try:
            future = self._executor.submit(_work, packed.name, content, _Parcel(task), _process(), uuid4().hex)
        except BrokenExecutor:
            future = None
        return _Sent(packed, task, future, packed.sent)

    def _result(self, sent: _Sent[T, R]) -> tuple[Job[T, R], T, R]:
        """What came out of a task.

        A worker that does not know the job says so. Then another may have been told since; if none has, it goes along.
        """
        packed, task = sent.packed, sent.task
        try:
            while sent.future is not None:
                answer = sent.future.result()
                if answer is not None:
                    return packed.job, task, answer
                sent = self._sent(packed, task, with_job=sent.known == packed.sent)
        except BrokenExecutor:
            pass
        warn("a worker has died: this process goes on alone.", RuntimeWarning)
        return packed.job, task, packed.job.finish(task)


def _count(executor: Executor) -> int:
    """How many workers an executor has, as far as it says so: pools do, and so does the client behind Dask's."""
    client = getattr(executor, "_client", None)
    if client is not None:
        return max(1, sum(map(int, client.nthreads().values())))
    return int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)


# ---- in a worker ---------------------------------------------------------------------------------------------------
_jobs: dict[str, Job[Any, Any]] = {}
_lock = Lock()


@ieee
def _work(name: str, content: bytes | None, parcel: _Parcel[Any], home: tuple[str, int], call: str) -> Any:
    """What comes out of a task; None if the job is not known here and has not come along. ``call`` is unique."""
    job = _known(name, content)
    if job is None:
        return None
    if home != _process():
        job.prepare()
    return job.finish(parcel.task())


def _process() -> tuple[str, int]:
    """What this process is called, among those of all machines."""
    return platform.node(), os.getpid()


def _known(name: str, content: bytes | None) -> Job[Any, Any] | None:
    with _lock:
        if name not in _jobs and content is not None:
            while len(_jobs) >= KEPT:
                del _jobs[next(iter(_jobs))]
            _jobs[name] = pickle.loads(content)
        return _jobs.get(name)


def compute_on_one_thread() -> None:
    """For a process that is one of several: each has a core, and more threads would be in the others' way.

    One that was forked has lost the threads of torch, and would wait for them without an end.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    else:
        os.environ["OMP_NUM_THREADS"] = "1"
