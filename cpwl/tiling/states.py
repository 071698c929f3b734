"""What a sweep knows, and hands on: states after a node, the fields that are still to be read, blocks and tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..fields.predicates import Names
from ..geometry.arrangement import Arrangement
from .dropped import Dropped
from .history import Step

Path = tuple[int, ...]
"""Which block of which block: node after which there are blocks, block, and so on."""

Progress = Callable[[int, int, str], None]
"""Called with what is done, how much there is in all, and a word for what it is."""


@dataclass(frozen=True, eq=False)
class State:
    """What a sweep knows after a node, of a whole domain or of a block of it."""

    arrangement: Arrangement[Any]
    node: int
    """The last node that is done."""
    walls: Names | None
    """The function behind each wall, when decisions are to be exact where the arrangement is not; else None."""
    history: tuple[Step, ...] = ()
    """The steps before this block was made, and its making."""
    steps: tuple[Step, ...] = ()
    """The steps since then."""
    first_wall: int = 0
    """Lines from this number on have been made since then."""
    stage: int = 0
    """How many nonlinear nodes are done."""
    units: int = 0
    """Of the next one, how many units are done: its argument is still live then."""
    in_portions: bool = True
    """Whether units may come some at a time. Not in blocks that were made while vertices shared rows: some may go on
    so, and others not, and all are to be refined equally often."""
    settled: int = 0
    recut: int = 0
    """See ``Refinement.settled`` and ``recut``: in this state's steps."""
    path: Path = ()
    """Which block of which block this is."""
    trusting: bool = True
    """Whether values in float64 may decide anything; if not, all that is not known by name is decided exactly."""
    complete: bool = True
    """Whether all of it is there that is not irrelevant; a budget may have ended before."""
    dropped: tuple[tuple[int, int], ...] = ()
    """Nodes, and how many regions were irrelevant after each (``Pruning``): in this state's steps."""
    kept_dropped: tuple[Dropped, ...] = ()
    """These regions, where they are to be kept."""


def key_of(path: Path) -> int:
    """A number of 56 bits for a path."""
    return int.from_bytes(blake2b(repr(path).encode(), digest_size=7).digest(), "little")


def added(*counts: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The sums of counts by node."""
    total: Counter[int] = Counter()
    for some in counts:
        total.update(dict(some))
    return tuple(sorted(total.items()))


@dataclass(frozen=True, eq=False)
class Rows:
    """The fields that are still to be read, by node."""

    at: Callable[[NDArray[np.int64] | None], dict[int, Any]]
    """At some vertices of an arrangement (increasing), or (None) at all."""
    streamed: Callable[[], dict[int, Any] | None] = lambda: None
    """At all, for the next node alone, which makes the rows as it reads them; None where they have to be held."""
    rank: int = 0
    """See ``Arithmetic.rank``."""

    def everywhere(self) -> dict[int, Any]:
        """At all vertices, for the next node to read."""
        streamed = self.streamed()
        return self.at(None) if streamed is None else streamed


@dataclass(frozen=True, eq=False)
class Finished:
    """What has come out of a sweep."""

    state: State
    output: Any

    def put_by(self) -> Finished:
        """The same until it is joined to others; see ``Arrangement.put_by``."""
        return replace(self, state=replace(self.state, arrangement=self.state.arrangement.put_by()))


@dataclass(frozen=True, eq=False)
class Division:
    """A state that is to be gone on with in blocks."""

    state: State
    rows: Rows
    chosen: list[NDArray[np.int64]]
    """The regions of each block."""
    share: float
    """The part of all work that is left here."""


@dataclass(frozen=True, eq=False)
class Task:
    """A block on which work is to go on."""

    state: State
    live: dict[int, Any]
    """The fields that are still to be read, by node."""
    share: float


class Runner(Protocol):
    """What finishes tasks, perhaps elsewhere."""

    workers: int
    """How many tasks it works on at once."""

    def __call__(self, tasks: Iterator[Task], /) -> Iterator[tuple[Path, list[Finished]]]:
        """The path of each task with what came out, in the order of the tasks; nothing, if its time was over."""
        ...


class Done(Protocol):
    """Paths of blocks that are done."""

    def __contains__(self, path: object, /) -> bool: ...

    def add(self, path: Path, /) -> None:
        """Notes a block."""
