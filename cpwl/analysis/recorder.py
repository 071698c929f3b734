"""Recording the partition of a slice while a network is trained, from any training loop."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from types import TracebackType
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError, check_planar
from ..geometry.domain import Domain
from ..network.network import Network
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from .recording import Frame, Recording, StoredFrames

Drawn = Literal["decision", "none"]


@ieee
class Recorder:
    """Records the partition of a slice every so many steps of training.

    ``model`` is the ``torch.nn.Module`` that is trained, or a compiled ``Network``; the attribute may be given another
    one between steps, as with checkpoints. ``domain`` is a plane slice of its inputs. Frames are recorded
    at every multiple of ``every`` (None: at none), 0 included, and at the steps in ``at``. As a context manager it also
    records the state at the beginning and at the end. Recording changes nothing about training: a copy in eval mode is
    compiled, and generators of random numbers are put back.

    ``folder`` (new or empty) takes each frame when it is recorded; without it, all frames are held in memory, some 70
    bytes a region. ``boundary``: "decision" records the decision boundary as well, or, of a network with one output,
    where it has the ``level``; "none" records neither. ``example_input`` and ``until`` are those of ``cpwl.compile``
    (the default example is a zero of the domain's input shape). Other ``options`` are those of ``cpwl.partition``, such
    as ``max_regions`` or ``max_seconds``; frames that a budget cut short are not ``complete``.
    """

    def __init__(
        self,
        model: Any,
        domain: Domain,
        *,
        every: int | None = None,
        at: Iterable[int] = (),
        folder: str | PathLike[str] | None = None,
        boundary: Drawn = "decision",
        level: float = 0.0,
        example_input: Any = None,
        until: str | None = None,
        **options: Any,
    ) -> None:
        _check(domain, every, boundary)
        self.model, self.domain = model, domain
        self._every, self._at = every, frozenset(at)
        self._boundary, self._level = boundary, level
        self._example = np.zeros((1, *domain.shape)) if example_input is None else example_input
        self._until, self._options = until, options
        self._stored = None if folder is None else StoredFrames.create(folder, domain)
        self._frames: list[Frame] = []
        self._seen, self._recorded = 0, -1
        self._metrics: dict[str, Any] = {}

    @property
    def recording(self) -> Recording:
        """What has been recorded so far."""
        return Recording(self.domain, list(self._frames) if self._stored is None else self._stored)

    def step(self, number: int | None = None, /, **metrics: Any) -> Frame | None:
        """To be called after each step of the optimiser: the frame, if this step is recorded, else None.

        ``number`` is how many steps have been made, by default one more than at the last call. A number that comes
        again is recorded once; one that skips multiples of ``every`` is recorded for them. ``metrics``, such as
        ``loss=``, are numbers or tensors with one entry; they are read only when a frame is recorded. Raises
        ``ArgumentError`` for a number lower than the last.
        """
        number = self._seen + 1 if number is None else number
        if number < self._seen:
            raise ArgumentError(f"number must not decrease, got {number} after {self._seen}. Begin another recorder.")
        due, self._seen = self._due(number), number
        self._metrics = metrics if due else {name: _detached(value) for name, value in metrics.items()}
        return self.record() if due else None

    def record(self) -> Frame:
        """The frame of the model as it is now, recorded for the present step; the earlier one if there is one."""
        if self._recorded == self._seen:
            return self.recording[-1]
        from ..compiler.torch_models.snapshot import scalar

        partition = self.partition()
        metrics = {name: scalar(value) for name, value in self._metrics.items()}
        frame = Frame.of(partition, self._drawn(partition), self._seen, metrics)
        if self._stored is None:
            self._frames.append(frame)
        else:
            self._stored.append(frame)
        self._recorded = self._seen
        return frame

    def partition(self) -> Partition:
        """The partition of the slice by the model as it is now; nothing is recorded."""
        return partition(self._network(), self.domain, **self._options)

    def __enter__(self) -> Recorder:
        self.record()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.record()

    def _network(self) -> Network:
        if isinstance(self.model, Network):
            return self.model
        from ..compiler.torch_models.snapshot import snapshot

        return snapshot(self.model, self._example, self._until)

    def _due(self, number: int) -> bool:
        """Whether this step is to be recorded and has not been."""
        if number == self._recorded:
            return False
        regular = self._every is not None and (number == 0 or number // self._every > self._seen // self._every)
        return regular or number in self._at

    def _drawn(self, partition: Partition) -> Any:
        if self._boundary == "none":
            return None
        return partition.decision_boundary(level=self._level if partition.network.outputs == 1 else None)


def _check(domain: Domain, every: int | None, boundary: str) -> None:
    if not isinstance(domain, Domain):
        raise ArgumentError(f"domain must be a Domain, got {type(domain).__name__}. Use Domain.box or Domain.through.")
    check_planar(domain.dim, "recordings")
    if every is not None and not (isinstance(every, int) and every > 0):
        raise ArgumentError(f"every must be a positive integer, or None, got {every!r}.")
    if boundary not in ("decision", "none"):
        raise ArgumentError(f"boundary must be 'decision' or 'none', got {boundary!r}.")


def _detached(value: Any) -> Any:
    """A tensor without the graph that computed it, which would be kept alive."""
    return value.detach() if hasattr(value, "detach") else value
