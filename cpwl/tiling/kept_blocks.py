"""Blocks of a sweep that are kept in a folder as they are finished, so that a later sweep goes on from there.

A folder belongs to one problem: what is computed, and into which blocks it is divided, are part of each file's name or
of its header. The first division does not depend on who works on its blocks, nor on the time that there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path as Folder
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.bits import BitMatrix
from ..errors import ArgumentError, FileFormatError
from ..fields.predicates import Names
from ..network.network import Network
from ..network.operators import Max, Piecewise
from ..runtime.version import RELEASE
from ..storage import archive
from ..storage.files import reading
from ..storage.named_arrays import Arrays, Stored, prefixed
from .distributed import Job
from .history import Step
from .npz import domain_arrays
from .pieces import LevelPieces, Pieces, WinnerPieces
from .states import Finished, Path, Runner, State, Task
from .sweep import Sweep

_FORMAT = "cpwl-block"
_WORKERS = 4
"""Workers for which the first division is made, whoever works on it."""


class KeptBlocks:
    """A runner (see ``Sweep.finish``) that takes blocks from a folder where they are there, and puts others into it."""

    workers = _WORKERS

    def __init__(self, folder: Folder, sweep: Sweep, job: Job, runner: Runner | None) -> None:
        """``runner`` works on what is not there; None: this process."""
        if folder.exists() and not folder.is_dir():
            raise ArgumentError(f"resume must be a folder, or not there yet; {folder} is a file.")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._sweep, self._job = folder, sweep, job
        self._runner = self._here if runner is None else runner
        self._backend = backends.get(job.backend, job.device)
        self._problem = _digest(
            job.network.sha256,
            repr((RELEASE, job.backend, job.relevance, job.block_sizes)),
            *domain_arrays(job.domain).values(),
        )

    def __call__(self, tasks: Iterator[Task]) -> Iterator[tuple[Path, list[Finished]]]:
        """The results of the tasks."""
        there: deque[tuple[Path, list[Finished]]] = deque()
        sent: dict[Path, Task] = {}

        def missing() -> Iterator[Task]:
            for task in tasks:
                path = task.state.path
                kept = self._read(task)
                if kept is None:
                    sent[path] = task
                    yield task
                else:
                    there.append((path, [kept]))
                    self._sweep.report(task.share)

        for path, leaves in self._runner(missing()):
            yield from _drained(there)
            task = sent.pop(path)
            for leaf in leaves:
                if leaf.state.complete:
                    self._write(task, leaf)
            self._sweep.report(task.share)
            yield path, leaves
        yield from _drained(there)

    def _here(self, tasks: Iterator[Task], /) -> Iterator[tuple[Path, list[Finished]]]:
        for task in tasks:
            yield task.state.path, self._job.finish(task)

    # ---- files -----------------------------------------------------------------------------------------------------
    def _file(self, task: Task) -> Folder:
        return self._folder / f"block-{'-'.join(map(str, task.state.path))}.npz"

    def _name(self, task: Task) -> str:
        """What a file is about: the problem, and the regions of the block."""
        return _digest(self._problem, repr(task.state.path), task.state.history[-1].parents)

    def _write(self, task: Task, leaf: Finished) -> None:
        state, persist = leaf.state, self._backend.persistence
        header = {
            "format": _FORMAT,
            "about": self._name(task),
            "node": state.node,
            "stage": state.stage,
            "settled": state.settled,
            "recut": state.recut,
            "dropped": [list(pair) for pair in state.dropped],
            "regions": len(state.arrangement),
            "steps": [[step.node, _columns(step.pieces)] for step in state.steps],
        }
        arrays: Arrays = {}
        if len(state.arrangement):
            arrays |= prefixed("arrangement", persist.arrangement_to_arrays(state.arrangement))
            arrays |= prefixed("output", persist.field_to_arrays(leaf.output))
            for k, step in enumerate(state.steps):
                arrays |= prefixed(f"steps.{k}", {"parents": step.parents, "pieces": _stored(step.pieces)})
            if state.walls is not None:
                own = state.walls.take(np.arange(state.first_wall, state.arrangement.walls))
                arrays |= prefixed("walls", vars(own))
        archive.write(self._file(task), header, arrays)

    def _read(self, task: Task) -> Finished | None:
        """What has come out of a task before; None if nothing has."""
        file = self._file(task)
        if not file.exists():
            return None
        with reading(file, "a finished block", "Delete it: it will be computed again."):
            header, arrays = archive.read(file)
            if header.get("format") != _FORMAT:
                raise FileFormatError(f"its format is {header.get('format')!r:.80}")
            about = str(header["about"])
            leaf = self._leaf(task, header, Stored(arrays)) if about == self._name(task) else None
        if leaf is None:
            raise ArgumentError(
                f"resume: {file} is about another network, domain or level, or was made with another memory_limit or "
                "max_regions, or another version of cpwl. Give the folder with which it was made, or an empty one."
            )
        return leaf

    def _leaf(self, task: Task, header: dict[str, Any], stored: Stored) -> Finished:
        state, network = task.state, self._sweep.network
        dropped = tuple((int(node), int(count)) for node, count in header["dropped"])
        settled, recut = int(header["settled"]), int(header["recut"])
        if not int(header["regions"]):
            left = self._sweep.nothing(state)
            return replace(left, state=replace(left.state, dropped=dropped, settled=settled, recut=recut))
        persist, device = self._backend.persistence, self._backend.device
        arrangement = persist.arrangement_from_arrays(stored.part("arrangement"), device)
        if len(arrangement) != int(header["regions"]) or arrangement.dim != state.arrangement.dim:
            raise FileFormatError("its regions are not as many as it says, or of another dimension")
        output = persist.field_from_arrays(
            stored.part("output"), len(arrangement.vertices), network.outputs, self._backend.device
        )
        steps = _steps(header["steps"], stored.part("steps"), network, state, len(arrangement))
        walls = state.walls
        if walls is not None:
            walls = walls.followed_by(
                state.first_wall, _walls(stored.part("walls"), arrangement.walls - state.first_wall)
            )
        ended = replace(
            state,
            arrangement=arrangement,
            node=int(header["node"]),
            stage=int(header["stage"]),
            units=0,
            walls=walls,
            steps=steps,
            settled=settled,
            recut=recut,
            dropped=dropped,
        )
        return Finished(ended, output)


def _drained(there: deque[Any]) -> Iterator[Any]:
    while there:
        yield there.popleft()


def _digest(*parts: str | NDArray[Any]) -> str:
    total = sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else repr((part.dtype, part.shape)).encode() + part.tobytes()
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


def _walls(stored: Stored, count: int) -> Names:
    stage, first, second = (stored.integers(name, count, low=-1) for name in ("stage", "first", "second"))
    return Names(stage, first, second, stored.floats("level", count))


# ---- steps -----------------------------------------------------------------------------------------------------------
def _columns(pieces: Pieces) -> int:
    return pieces.below.columns if isinstance(pieces, LevelPieces) else -1


def _stored(pieces: Pieces) -> NDArray[Any]:
    if isinstance(pieces, LevelPieces):
        return pieces.below.packed
    assert isinstance(pieces, WinnerPieces)
    return pieces.winners.astype(np.int64)


def _steps(listed: Sequence[Any], stored: Stored, network: Network, state: State, regions: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    before = len(state.arrangement)
    wanted = network.nonlinear[state.stage :]
    if [int(node) for node, _ in listed] != list(wanted):
        raise FileFormatError(f"its steps must be those of nodes {wanted}, got {listed!r:.80}")
    for k, (index, columns) in enumerate((int(node), int(columns)) for node, columns in listed):
        part, node = stored.part(str(k)), network.nodes[index]
        parents = part.integers("parents", -1, below=before)
        before = len(parents)
        if isinstance(node.op, Piecewise):
            packed = part.octets("pieces", before, -(-columns // 8))
            steps.append(Step(index, parents, LevelPieces(BitMatrix(packed, columns), len(node.op.breakpoints))))
            continue
        assert isinstance(node.op, Max)
        arguments = network.nodes[node.inputs[0]].shape[-1]
        winners = part.integers("pieces", before, -1, below=arguments)
        steps.append(Step(index, parents, WinnerPieces(winners.astype(np.int16))))
    if before != regions:
        raise FileFormatError(f"its last step must have as many regions as the arrangement, {regions}; got {before}")
    return tuple(steps)
