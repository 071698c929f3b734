"""The loop over a network's nodes that refines an arrangement, and the blocks in which it keeps memory bounded.

A stage is one nonlinear node with the linear ones before it. Rows of values at vertices are what takes memory: where
those of all vertices would take more than a block is to have, the regions are divided into blocks, which are refined
to the end one after the other (depth first) and joined. Decisions are exact, so that the same regions come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import backends
from .arithmetic import Arithmetic, embedding, unrolled
from .arrangement import Arrangement, Refinement
from .blocks import Blocks
from .domain import Domain
from .maximum import refine_by_maximum
from .network import Gather, Max, Network, Node, Periodic, Piecewise
from .pieces import LevelPieces, NoPieces, Pieces, WinnerPieces
from .predicates import Names, Oracle, Predicates
from .ragged import Ragged

Progress = Callable[[int, int, str], None]
"""Called with what is done, how much there is in all, and a word for what it is."""


@dataclass(frozen=True, eq=False)
class Step:
    """What one nonlinear node did to the regions."""

    node: int
    """Index of the node in ``network.nodes``."""
    parents: NDArray[np.int64]
    """For each region after this step the region before it (of the step before; of the whole domain at first)."""
    pieces: Pieces
    """The piece of each of the node's units, on each region after this step."""


@dataclass(frozen=True, eq=False)
class State:
    """What a sweep knows after a node, of a whole domain or of a block of it."""

    arrangement: Arrangement[Any]
    node: int
    """The last node that is done."""
    steps: tuple[Step, ...]
    lines: Names | None
    """The function behind each line, when decisions are to be exact where the arrangement is not; else None."""
    settled: int = 0
    path: tuple[int, ...] = ()
    """Which block of which block this is."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The fields that are still to be read, by node, at vertices of an arrangement."""

    at: Callable[[NDArray[np.int64] | None], dict[int, Any]]
    """At some vertices, in that order, or (None) at all."""
    needed: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """Some vertices with those that ``at`` goes through for them in any case, increasing."""


@dataclass(frozen=True, eq=False)
class Finished:
    """What has come out of a sweep."""

    arrangement: Arrangement[Any]
    output: Any
    steps: tuple[Step, ...]
    lines: Names | None
    settled: int


class Sweep:
    """Refines arrangements by all units of a network."""

    def __init__(
        self,
        network: Network,
        domain: Domain,
        arithmetic: Arithmetic[Any],
        progress: Progress | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        self.network = network
        """The network on the domain: a periodic node becomes one with the pieces that are reached."""
        self._domain, self._arithmetic, self._progress = domain, arithmetic, progress
        self._blocks = Blocks() if blocks is None else blocks
        self._oracle: Oracle | None = None
        self._done = 0.0

    def run(self, arrangement: Arrangement[Any], lines: Names | None = None) -> Finished:
        """The arrangement refined by all units; with ``lines``, the names of its lines, every decision is exact."""
        start = self._arithmetic.linear(embedding(self._domain), [arrangement.coordinates()])
        return self._finish(State(arrangement, 0, (), lines), {0: start}, 1.0)

    def _finish(self, state: State, live: dict[int, Any], share: float) -> Finished:
        """Goes through the nodes that are left; they are that share of all work."""
        first = state.node + 1
        for i in range(first, len(self.network.nodes)):
            inputs = [live[j] for j in self.network.nodes[i].inputs]
            node = self._reached(i, inputs[0])
            if isinstance(node.op, Max) and (count := self._blocks_wanted(state, i - 1)) > 1:
                return self._in_blocks(state, self._stored(live), count, share * self._left(i - 1, first))
            live = {j: field for j, field in live.items() if self.network.last_use[j] > i or j not in node.inputs}
            if not node.is_nonlinear:
                live[i] = self._arithmetic.linear(node, inputs)
                state = replace(state, node=i)
            else:
                act = self._piecewise if isinstance(node.op, Piecewise) else self._maximum
                state, rows = act(state, node, inputs[0], live)
                if i == self._last:
                    return self._ended(state, rows)
                if (count := self._blocks_wanted(state, i)) > 1:
                    return self._in_blocks(state, rows, count, share * self._left(i, first))
                live = rows.at(None)
            self._report(share / (len(self.network.nodes) - first))
        return self._ended(state, self._stored(live))

    def _piecewise(self, state: State, node: Node, argument: Any, live: dict[int, Any]) -> tuple[State, Rows]:
        assert isinstance(node.op, Piecewise)
        i, stage, breakpoints = state.node + 1, _stage(state), node.op.breakpoints
        levels = Ragged.from_counts(np.tile(breakpoints, node.size), np.full(node.size, len(breakpoints)))

        def naming(regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
            return Names.levels(stage, levels.row_of[columns], levels.values[columns])

        predicates = self._predicates(state)
        exactly = None if predicates is None else predicates.exactly(naming)
        refinement = state.arrangement.refine(argument, levels, exactly=exactly)
        named = None if predicates is None else predicates.with_lines(refinement.lines, naming)
        step = Step(i, refinement.arrangement.parents, LevelPieces(refinement.below, len(breakpoints)))
        moved = _after(state, step, refinement.arrangement, named, refinement.settled)
        return moved, Rows(partial(self._activated, i, node, refinement, live), refinement.needed)

    def _activated(
        self,
        i: int,
        node: Node,
        refinement: Refinement[Any],
        live: dict[int, Any],
        vertices: NDArray[np.int64] | None,
    ) -> dict[int, Any]:
        """The live fields after a piecewise node."""
        if vertices is None:
            argument, rows = refinement.values, {j: refinement.carry(field) for j, field in live.items()}
        else:
            argument = refinement.cutting_at(vertices)
            rows = {j: refinement.carry_to(field, vertices) for j, field in live.items()}
        output = self._arithmetic.activate(node, argument)
        if i in self.network.met_by_maximum:
            output = self._arithmetic.noting_zeros(node, argument, output)
        return {**rows, i: output}

    def _maximum(self, state: State, node: Node, argument: Any, live: dict[int, Any]) -> tuple[State, Rows]:
        i, keys = state.node + 1, list(live)
        groups, fields = self._arguments(node, argument), list(live.values())
        found = refine_by_maximum(
            state.arrangement, self._arithmetic, argument, groups, fields, self._predicates(state)
        )
        step = Step(i, found.parents, WinnerPieces(found.winners))
        moved = _after(state, step, found.arrangement, found.predicates, found.settled)
        return moved, self._stored({**dict(zip(keys, found.fields, strict=True)), i: found.maximum})

    def _arguments(self, node: Node, argument: Any) -> Ragged:
        """The columns of each group; those that only fill a short group up, repeats of its first at the end, left out.

        A repeat never wins; but its difference from itself is known to be zero only here.
        """
        (source,) = (self.network.nodes[j] for j in node.inputs)
        columns = np.arange(argument.columns).reshape(node.size, -1)
        if not isinstance(source.op, Gather):
            return Ragged.of(columns.tolist())
        index = source.op.index.reshape(columns.shape)
        repeats = np.logical_and.accumulate(index[:, ::-1] == index[:, :1], axis=1)[:, ::-1]
        repeats[:, 0] = False
        return Ragged.from_counts(columns[~repeats], (~repeats).sum(axis=1))

    def _reached(self, i: int, argument: Any) -> Node:
        """Node i; a periodic one, here and in the network, with the pieces that the domain reaches."""
        node = self.network.nodes[i]
        if isinstance(node.op, Periodic):
            nodes = list(self.network.nodes)
            nodes[i] = node = unrolled(node, argument)
            self.network, self._oracle = Network(tuple(nodes)), None
        return node

    def _predicates(self, state: State) -> Predicates | None:
        """How decisions about the next nonlinear node are made exactly, when they are to be."""
        if state.lines is None:
            return None
        if self._oracle is None:
            self._oracle = backends.oracle(self.network, self._domain)
        return Predicates(self._oracle, state.lines, _stage(state), partial(patterns_after, state.steps))

    # ---- the end, and blocks ---------------------------------------------------------------------------------------
    @property
    def _last(self) -> int:
        """The last nonlinear node."""
        return max(self.network.nonlinear, default=0)

    def _ended(self, state: State, rows: Rows) -> Finished:
        """The output, from a few rows at a time: what only linear nodes read is never held for all vertices."""
        vertices = len(state.arrangement.vertices)
        size = self._blocks.rows_at_once(self._entries(state.node))
        if vertices <= size:
            return self._finished(state, self._output(state.node, rows.at(None)))
        chunks = [np.arange(k, min(k + size, vertices)) for k in range(0, vertices, size)]
        return self._finished(state, self._arithmetic.stack([self._output_at(state, rows, chunk) for chunk in chunks]))

    def _finished(self, state: State, output: Any) -> Finished:
        return Finished(state.arrangement, output, state.steps, state.lines, state.settled)

    def _output_at(self, state: State, rows: Rows, vertices: NDArray[np.int64]) -> Any:
        needed = rows.needed(vertices)
        return self._arithmetic.take(self._output(state.node, rows.at(needed)), np.searchsorted(needed, vertices))

    def _output(self, done: int, live: dict[int, Any]) -> Any:
        """The network's output, when all nodes that are left are linear."""
        for i in range(done + 1, len(self.network.nodes)):
            node = self.network.nodes[i]
            live[i] = self._arithmetic.linear(node, [live[j] for j in node.inputs])
        return live[len(self.network.nodes) - 1]

    def _stored(self, live: dict[int, Any]) -> Rows:
        """Fields that are held anyway."""

        def at(vertices: NDArray[np.int64] | None) -> dict[int, Any]:
            if vertices is None:
                return dict(live)
            return {j: self._arithmetic.take(field, vertices) for j, field in live.items()}

        return Rows(at, np.sort)

    def _blocks_wanted(self, state: State, done: int) -> int:
        """In how many blocks to go on after a node; 1 while a periodic node needs to know the whole domain."""
        if any(isinstance(node.op, Periodic) for node in self.network.nodes):
            return 1
        rows, regions = len(state.arrangement.vertices), len(state.arrangement)
        return min(self._blocks.wanted(rows, self._entries(done)), regions)

    def _entries(self, done: int) -> int:
        """The most entries of a vertex that are held at once after a node and before the next nonlinear one."""
        nodes, last_use = self.network.nodes, self.network.last_use
        live = sum(nodes[j].size for j in range(done + 1) if last_use[j] > done or j == done)
        most = live
        for i in range(done + 1, len(nodes)):
            if nodes[i].is_nonlinear:
                break
            live += nodes[i].size
            most = max(most, live)
            live -= sum(nodes[j].size for j in set(nodes[i].inputs) if last_use[j] == i)
        return most

    def _in_blocks(self, state: State, rows: Rows, count: int, share: float) -> Finished:
        """The same in blocks of regions, one after the other."""
        whole, path = state.arrangement, (*state.path, state.node)
        chosen = self._blocks.divided(whole, count)
        parts, first_lines = [], []
        for k, regions in enumerate(chosen):
            taken = whole.block(regions, _key(path))
            first_lines.append(taken.arrangement.lines)
            steps = (*state.steps, Step(-1, regions, NoPieces(len(regions))))
            block = State(taken.arrangement, state.node, steps, state.lines, 0, (*path, k))
            parts.append(self._finish(block, rows.at(taken.vertices), share / len(chosen)))
        return _joined(state, chosen, first_lines, parts)

    def _left(self, done: int, first: int) -> float:
        """The part of the nodes from ``first`` on that comes after a node."""
        return (len(self.network.nodes) - 1 - done) / (len(self.network.nodes) - first)

    def _report(self, share: float) -> None:
        self._done += share
        if self._progress is not None:
            self._progress(round(1000 * self._done), 1000, "partition")


def _stage(state: State) -> int:
    """How many nonlinear nodes are done."""
    return sum(step.node >= 0 for step in state.steps)


def _after(
    state: State, step: Step, arrangement: Arrangement[Any], predicates: Predicates | None, settled: int
) -> State:
    """The state after one more nonlinear node."""
    lines = None if predicates is None else predicates.lines
    steps = (*state.steps, step)
    return replace(
        state, arrangement=arrangement, node=step.node, steps=steps, lines=lines, settled=state.settled + settled
    )


def _key(path: tuple[int, ...]) -> int:
    """A number of 56 bits for a path."""
    return int.from_bytes(blake2b(repr(path).encode(), digest_size=7).digest(), "little")


# ---- joining blocks ------------------------------------------------------------------------------------------------
def _joined(
    state: State, chosen: Sequence[NDArray[np.int64]], first_lines: Sequence[int], parts: Sequence[Finished]
) -> Finished:
    """What has come out of all blocks of a state, as if it had not been divided."""
    own = [part.steps[len(state.steps) + 1 :] for part in parts]
    roots = [regions[_roots(steps)] for regions, steps in zip(chosen, own, strict=True)]
    joined = state.arrangement.joined([part.arrangement for part in parts], first_lines, np.concatenate(roots))
    stages = list(zip(*own, strict=True))
    steps = [_side_by_side(stages[0], None), *(_side_by_side(after, before) for before, after in pairwise(stages))]
    steps[0] = replace(steps[0], parents=np.concatenate([r[s.parents] for r, s in zip(chosen, stages[0], strict=True)]))
    steps[-1] = Step(steps[-1].node, steps[-1].parents[joined.order], steps[-1].pieces.some(joined.order))
    lines = state.lines
    if lines is not None:
        found = [_own_lines(part, first) for part, first in zip(parts, first_lines, strict=True)]
        lines = lines.followed_by(state.arrangement.lines, Names.joined(found))
    return Finished(
        joined.arrangement,
        joined.carry([part.output for part in parts]),
        (*state.steps, *steps),
        lines,
        state.settled + sum(part.settled for part in parts),
    )


def _roots(steps: Sequence[Step]) -> NDArray[np.int64]:
    """For each region after some steps the one before all of them that it lies in."""
    rows = np.arange(len(steps[-1].parents))
    for step in reversed(steps):
        rows = step.parents[rows]
    return rows


def _side_by_side(steps: Sequence[Step], before: Sequence[Step] | None) -> Step:
    """The same step of all blocks, with regions numbered block by block, as those of the step before."""
    counts = [0 if before is None else len(step.parents) for step in before or steps]
    starts = np.cumsum(counts) - counts
    parents = np.concatenate([step.parents + start for step, start in zip(steps, starts, strict=True)])
    return Step(steps[0].node, parents, steps[0].pieces.with_others([step.pieces for step in steps[1:]]))


def _own_lines(part: Finished, first: int) -> Names:
    assert part.lines is not None
    return part.lines.take(np.arange(first, part.arrangement.lines))


def patterns_after(steps: Sequence[Step], regions: NDArray[np.int64]) -> NDArray[np.int16]:
    """The pieces of all units of some steps on regions after the last of them, int16 (n, units)."""
    parts, rows = [], regions
    for step in reversed(steps):
        parts.append(step.pieces.take(rows))
        rows = step.parents[rows]
    empty = np.zeros((len(rows), 0), np.int16)
    return np.concatenate([empty, *reversed(parts)], axis=1).astype(np.int16)
