"""The loop over a network's nodes that refines an arrangement, and the blocks in which it keeps memory bounded.

A stage is one nonlinear node with the linear ones before it. Rows of values at vertices are what takes memory: where
those of all vertices would take more than a block is to have, the regions are divided into blocks, which are refined
to the end one after the other (depth first) and joined. Decisions are exact, so that the same regions come out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import backends
from .arithmetic import Arithmetic, embedding, evaluate, unrolled
from .arrangement import Arrangement, Refinement
from .bits import BitMatrix
from .blocks import Blocks
from .budget import Budget, Spent, checkpoint
from .domain import Domain
from .maximum import ByMaximum, refine_by_maximum
from .network import Gather, Max, Network, Node, Periodic, Piecewise
from .pieces import LevelPieces, Pieces, WinnerPieces
from .predicates import Names, Oracle, Predicates
from .ragged import Ragged
from .sameness import Sameness
from .steps import Step, chosen_steps, followed, joined_steps, patterns_after, ranges_after, roots

POOR = 2.0**-20
"""Vertices that may be farther off than this, relative to their distance from the origin, are computed anew."""

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
    lines: Names | None
    """The function behind each line, when decisions are to be exact where the arrangement is not; else None."""
    history: tuple[Step, ...] = ()
    """The steps before this block was made, and its making."""
    steps: tuple[Step, ...] = ()
    """The steps since then."""
    first_line: int = 0
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
    complete: bool = True
    """Whether all of it is there; a budget may have ended before."""


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
        found = self.streamed()
        return self.at(None) if found is None else found


@dataclass(frozen=True, eq=False)
class Finished:
    """What has come out of a sweep."""

    state: State
    output: Any


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


class Sweep:
    """Refines arrangements by all units of a network."""

    def __init__(
        self,
        network: Network,
        domain: Domain,
        arithmetic: Arithmetic[Any],
        *,
        blocks: Blocks | None = None,
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.network = network
        """The network on the domain: a periodic node becomes one with the pieces that are reached."""
        self.domain = domain
        self._arithmetic, self._progress = arithmetic, progress
        self.block_sizes = Blocks() if blocks is None else blocks
        self.budget = Budget() if budget is None else budget
        self._oracle: Oracle | None = None
        self._sameness: Sameness | None = None
        self._done = 0.0

    @property
    def spans(self) -> bool:
        """Whether fields may be combinations of rows, in numbers that reach less far than float64."""
        return self._arithmetic.spans

    # ---- ways through ----------------------------------------------------------------------------------------------
    def start(self, arrangement: Arrangement[Any], lines: Names | None = None, *, trusting: bool = True) -> Task:
        """The task of refining a whole arrangement; with ``lines``, their names, every decision is exact.

        Without ``trusting`` no value of float64 decides anything: all that is not known by name is decided exactly.
        """
        start = self._arithmetic.linear(embedding(self.domain), [arrangement.coordinates()])
        return Task(State(arrangement, 0, lines), {0: start if trusting else self._arithmetic.doubted(start)}, 1.0)

    def bounded(self, found: Finished) -> Finished:
        """What has come out of a sweep that trusted no value: its output with a bound, and all regions cut again."""
        state = found.state
        points, vertices = state.arrangement.coordinates(), len(state.arrangement.vertices)
        size = self.block_sizes.rows_at_once(max(node.size for node in self.network.nodes), 0)
        chunks = [np.arange(k, min(k + size, vertices)) for k in range(0, vertices, size)]
        inputs = (self._arithmetic.linear(embedding(self.domain), [self._arithmetic.take(points, c)]) for c in chunks)
        output = self._arithmetic.stack([evaluate(self.network, self._arithmetic, x) for x in inputs])
        return Finished(replace(state, recut=len(state.arrangement)), output)

    def finish(self, task: Task, runner: Runner | None = None) -> Finished | None:
        """The arrangement refined by all units that are left; ``runner`` finishes the blocks of the first division.

        When the budget is spent no further block is begun, one that is being worked on is given up, and the state that
        comes out is not ``complete``; None if there is nothing. All regions that come out are finished.
        """
        try:
            with self.budget.watched():
                found = self._advance(task, 0 if runner is None else runner.workers)
        except Spent:
            return None
        if isinstance(found, Finished):
            return self._counted(found)
        tasks = _Affordable(self.budget, self.tasks(found))
        if runner is None:
            parts = [(block.state.path[-1], part) for block in tasks if (part := self.finish(block)) is not None]
        else:
            results = ((path[-1], leaf) for path, leaves in runner(iter(tasks)) for leaf in leaves)
            parts = [(k, part) for k, leaf in results if (part := self._counted(leaf)) is not None]
        return joined(found, parts) if parts else None

    def nothing(self, task: Task) -> Finished:
        """What has come out where nothing is finished: no region at all."""
        none = np.zeros(0, np.int64)
        arrangement = task.state.arrangement.take(none).arrangement
        steps = tuple(Step(i, none, _no_pieces(self.network.nodes[i])) for i in self.network.nonlinear)
        state = replace(task.state, arrangement=arrangement, node=len(self.network.nodes) - 1, steps=steps)
        output = self._arithmetic.points(np.zeros((0, self.network.outputs)))
        return Finished(replace(state, stage=len(steps), complete=False), output)

    def blocks(
        self, task: Task, runner: Runner | None = None, done: Done | None = None
    ) -> Generator[Finished, None, bool]:
        """The same block by block, not joined, in an order that depends on the sizes of blocks alone.

        Blocks whose paths are among those ``done`` are left out; others are added once their results have been taken.
        What it returns in the end is whether the blocks are all there.
        """
        done = set() if done is None else done
        try:
            with self.budget.watched():
                found = self._advance(task)
        except Spent:
            return False
        if isinstance(found, Finished):
            self.budget.add(len(found.state.arrangement))
            yield found
        else:
            wanted = _Affordable(self.budget, self._without(done, self.tasks(found)))
            if runner is None:
                for block in wanted:
                    if not (yield from self.blocks(block, done=done)):
                        return False
            else:
                for path, leaves in runner(iter(wanted)):
                    self.budget.add(sum(len(leaf.state.arrangement) for leaf in leaves))
                    yield from leaves
                    done.add(path)
            if not wanted.all_taken:
                return False
        done.add(task.state.path)
        return True

    def _counted(self, found: Finished) -> Finished | None:
        """What is wanted of a block that is finished, taken from the budget; None for nothing."""
        regions = len(found.state.arrangement)
        wanted = self.budget.affordable(regions)
        self.budget.add(wanted)
        if wanted == regions:
            return found
        return _some(found, wanted) if wanted else None

    def _without(self, done: Done, tasks: Iterator[Task]) -> Iterator[Task]:
        """The tasks that are not done; the others are reported as work that is."""
        for task in tasks:
            if task.state.path in done:
                self.report(task.share)
            else:
                yield task

    def tasks(self, division: Division) -> Iterator[Task]:
        """The blocks of a division, in order, each with the fields at its vertices."""
        state = division.state
        path, share = (*state.path, state.node), division.share / len(division.chosen)
        for k, regions in enumerate(division.chosen):
            taken = state.arrangement.block(regions, _key(path))
            block = replace(
                state,
                arrangement=taken.arrangement,
                history=(*state.history, *state.steps, Step.choosing(regions)),
                steps=(),
                first_line=taken.arrangement.lines,
                settled=0,
                recut=0,
                path=(*path, k),
                in_portions=state.in_portions and not division.rows.rank,
            )
            yield Task(block, division.rows.at(taken.vertices), share)

    def report(self, share: float) -> None:
        """Tells that this part of all work is done."""
        self._done += share
        if self._progress is not None:
            self._progress(min(1000, round(1000 * self._done)), 1000, "partition")

    # ---- node by node ----------------------------------------------------------------------------------------------
    def _advance(self, task: Task, workers: int = 0) -> Finished | Division:
        """Goes through the nodes that are left, until the end or until blocks are needed, or wanted for workers."""
        state, live, first = task.state, self._narrowed(task), task.state.node + 1
        if first == len(self.network.nodes):
            self.report(task.share)
            return self._ended(state, self._stored(live))
        share = task.share / (len(self.network.nodes) - first)
        for i in range(first, len(self.network.nodes)):
            checkpoint()
            if self.network.nodes[i].is_nonlinear:
                live = self._arithmetic.sharpened(live, self.network.nodes[i])
            inputs = [live[j] for j in self.network.nodes[i].inputs]
            node = self._reached(i, inputs[0])
            if isinstance(node.op, Max) and (division := self._divided(task, state, self._stored(live), workers)):
                return division
            live = {j: field for j, field in live.items() if self.network.last_use[j] > i or j not in node.inputs}
            if not node.is_nonlinear:
                live[i] = self._arithmetic.linear(node, inputs)
                state = replace(state, node=i)
                self.report(share)
            else:
                act = self._piecewise if isinstance(node.op, Piecewise) else self._maximum
                state, rows = act(state, node, inputs[0], live)
                while state.units:
                    checkpoint()
                    if division := self._divided(task, state, rows, workers):
                        return division
                    fields = rows.everywhere()
                    state, rows = act(state, node, fields[node.inputs[0]], {j: fields[j] for j in live})
                self.report(share)
                if i == max(self.network.nonlinear):
                    self.report(self._part(task, i))
                    return self._ended(state, rows)
                if division := self._divided(task, state, rows, workers):
                    return division
                live = rows.everywhere()
        return self._ended(state, self._stored(live))

    def _narrowed(self, task: Task) -> dict[int, Any]:
        """The fields of a task: those of a block without what only others need."""
        state = task.state
        if not state.path:
            return task.live
        steps = (*state.history, *state.steps)
        return self._arithmetic.narrowed(task.live, lambda: ranges_after(steps, np.arange(len(state.arrangement))))

    def _divided(self, task: Task, state: State, rows: Rows, workers: int) -> Division | None:
        """The division of a state, if it needs one; none while a periodic node has to see the whole domain."""
        if len(state.arrangement) < 2 or any(isinstance(node.op, Periodic) for node in self.network.nodes):
            return None
        count = min(self._blocks_wanted(state, rows, workers), len(state.arrangement))
        if count < 2:
            return None
        chosen = self.block_sizes.divided(state.arrangement, count, tapering=workers > 0)
        return Division(state, rows, chosen, self._part(task, state.node))

    def _blocks_wanted(self, state: State, rows: Rows, workers: int) -> int:
        sizes, vertices, entries = self.block_sizes, len(state.arrangement.vertices), self._entries(state.node)
        products = self.network.products_after(state.node) if workers else 0
        if rows.rank:
            wanted = sizes.wanted_spanned(vertices, rows.rank, entries, self.network.pattern_bytes)
            return max(wanted, sizes.wanted_spanned_apart(vertices, rows.rank * products, workers))
        wanted = sizes.wanted(vertices, entries)
        if workers:
            wanted = max(wanted, sizes.wanted_apart(vertices, products, workers))
        return wanted if state.path or wanted < 2 else sizes.wanted_first(vertices, wanted)

    def _part(self, task: Task, done: int) -> float:
        """The part of all work that is left of a task after a node."""
        nodes = len(self.network.nodes)
        return task.share * (nodes - 1 - done) / (nodes - 1 - task.state.node)

    def _piecewise(self, state: State, node: Node, argument: Any, live: dict[int, Any]) -> tuple[State, Rows]:
        assert isinstance(node.op, Piecewise)
        i, stage, breakpoints = state.node + 1, state.stage, node.op.breakpoints
        until = self._units_until(state, node, argument, len(breakpoints))
        counts = np.zeros(node.size, np.int64)
        counts[state.units : until] = len(breakpoints)
        levels = Ragged.from_counts(np.tile(breakpoints, until - state.units), counts)

        def naming(regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
            return Names.levels(stage, levels.row_of[columns], levels.values[columns])

        if i in self.network.met_by_maximum or until - state.units < node.size:
            argument = self._arithmetic.by_entries(argument)
        predicates = self._predicates(state)
        exactly = None if predicates is None else predicates.exactly(naming)
        refinement = state.arrangement.refine(argument, levels, exactly=exactly)
        checkpoint()
        named = None if predicates is None else predicates.with_lines(refinement.lines, naming)
        step = Step(i, refinement.arrangement.parents, LevelPieces(refinement.below, len(breakpoints)))
        moved = _after(state, step, refinement.arrangement, named, refinement, until % node.size)
        if moved.units:
            return moved, Rows(partial(_partly_cut, node.inputs[0], refinement, live))
        # What is left out depends on the block, and so does rounding: it must not decide anything.
        shorter = node.op.is_relu and i in self.network.mixed and exactly is not None and not state.units
        rectified = refinement.rectified if shorter else None
        at = partial(self._activated, i, node, refinement, rectified, live)
        rank = self._arithmetic.rank({i: argument})
        if rank:
            lowest, highest = step.pieces.range(np.arange(len(step.pieces)))
            return moved, Rows(at, rank=rank + int((highest > lowest).sum()))
        if not shorter or live or self.network.last_use[i] > i + 1:
            return moved, Rows(at)
        return moved, Rows(at, partial(_streamed_to_next, i, refinement))

    def _activated(
        self,
        i: int,
        node: Node,
        refinement: Refinement[Any],
        rectified: Callable[[NDArray[np.int64] | None], Any] | None,
        live: dict[int, Any],
        vertices: NDArray[np.int64] | None,
    ) -> dict[int, Any]:
        """The live fields after a piecewise node."""
        checkpoint()
        if vertices is None:
            rows = {j: refinement.carry(field) for j, field in live.items()}
        else:
            rows = {j: refinement.carry_to(field, vertices) for j, field in live.items()}
        if rectified is not None:
            return {**rows, i: rectified(vertices)}
        argument = refinement.cutting(vertices)
        noting = i in self.network.met_by_maximum
        output = self._arithmetic.activate(node, argument, consuming=not noting)
        if noting:
            output = self._arithmetic.noting_zeros(node, argument, output)
        return {**rows, i: output}

    def _maximum(self, state: State, node: Node, argument: Any, live: dict[int, Any]) -> tuple[State, Rows]:
        i, keys, width = state.node + 1, list(live), argument.columns // node.size
        until = self._units_until(state, node, argument, width - 1)
        groups = self._arguments(state, node, argument).take(np.arange(state.units, until))
        spanned, some = self._arithmetic.rank({i: argument}) > 0, until - state.units < node.size
        fields = list(live.values())
        if some:
            argument = self._arithmetic.by_entries(argument)
        if spanned or some:
            fields.append(argument)
        predicates, block = self._predicates(state), bool(state.path)
        found = refine_by_maximum(
            state.arrangement,
            self._arithmetic,
            argument,
            groups,
            fields,
            predicates,
            numbers=self._numbers(state.arrangement, *node.inputs)[groups.values],
            block=block,
        )
        winners = _as_given(found.winners, groups, width)
        output = found.maximum
        step = Step(i, found.parents, WinnerPieces(winners))
        moved = _after(state, step, found.arrangement, found.predicates, found, until % node.size)
        if spanned:
            output = self._arithmetic.settled_maximum(node, found.fields.pop(), winners, output)
        elif some:
            argument = found.fields.pop()
            if moved.units:
                return moved, self._stored({**dict(zip(keys, found.fields, strict=True)), node.inputs[0]: argument})
            output = self._arithmetic.activate(node, argument)
        return moved, self._stored({**dict(zip(keys, found.fields, strict=True)), i: output})

    def _units_until(self, state: State, node: Node, argument: Any, levels: int) -> int:
        """How many units of the next node are done when it has cut once more; all, where vertices share rows."""
        if not state.in_portions or self._arithmetic.rank({0: argument}):
            return node.size
        return min(node.size, state.units + self.block_sizes.units_at_once(levels))

    def _arguments(self, state: State, node: Node, argument: Any) -> Ragged:
        """The columns of each group, without those that never win.

        One that is the same function as one before does not; but its difference from the other is known to be zero only
        here. Nor does one that another exceeds everywhere; which these are depends on the block, so that blocks, which
        must cut their borders alike, keep them.
        """
        columns = np.arange(argument.columns).reshape(node.size, -1)
        numbers = self._numbers(state.arrangement, *node.inputs).reshape(columns.shape)
        copies = np.zeros(columns.shape, np.bool_)
        for k in range(1, columns.shape[1]):
            copies[:, k] = (numbers[:, :k] == numbers[:, k : k + 1]).any(axis=1)
        kept = ~copies
        if state.lines is not None and not state.path and (ranges := self._arithmetic.ranges(argument)) is not None:
            low, high = (bound.reshape(columns.shape) for bound in ranges)
            kept &= ~(high < low.max(axis=1, keepdims=True))
        return Ragged.from_counts(columns[kept], kept.sum(axis=1))

    def _numbers(self, arrangement: Arrangement[Any], node: int) -> NDArray[np.int64]:
        """Numbers of a node's entries: those with equal ones are one function.

        The same in all blocks of a sweep, so that these cut their borders alike.
        """
        op = self.network.nodes[node].op
        if arrangement.exact:  # which stands for itself: entries are copies there, or what their values say
            return op.index.ravel() if isinstance(op, Gather) else np.arange(self.network.nodes[node].size)
        if self._sameness is None:
            self._sameness = Sameness(self.network, self.domain)
        return self._sameness.everywhere(node)

    def _reached(self, i: int, argument: Any) -> Node:
        """Node i; a periodic one, here and in the network, with the pieces that the domain reaches."""
        node = self.network.nodes[i]
        if isinstance(node.op, Periodic):
            nodes = list(self.network.nodes)
            nodes[i] = node = unrolled(node, argument)
            self.network, self._oracle, self._sameness = Network(tuple(nodes)), None, None
        return node

    def _predicates(self, state: State) -> Predicates | None:
        """How decisions about the next nonlinear node are made exactly, when they are to be."""
        if state.lines is None:
            return None
        if self._oracle is None:
            self._oracle = backends.oracle(self.network, self.domain)
        steps = *state.history, *state.steps
        before = sum(self.network.nodes[i].size for i in self.network.nonlinear[: state.stage])
        # Of a node whose units come some at a time the first ones may be done: its functions are those before it.
        return Predicates(
            self._oracle, state.lines, state.stage, lambda regions: patterns_after(steps, regions)[:, :before]
        )

    # ---- the end, and blocks ---------------------------------------------------------------------------------------
    def _ended(self, state: State, rows: Rows) -> Finished:
        """The output, from a few rows at a time: what only linear nodes read is never held for all vertices."""
        state = self._sharpened(state)
        vertices = len(state.arrangement.vertices)
        size = self.block_sizes.rows_at_once(self._entries(state.node), rows.rank)
        if vertices <= size:
            return Finished(state, self._output(state.node, rows.everywhere()))
        streamed = rows.streamed() if state.node == len(self.network.nodes) - 2 else None
        if streamed is not None:
            return Finished(state, self._output(state.node, streamed))
        chunks = [np.arange(k, min(k + size, vertices)) for k in range(0, vertices, size)]
        return Finished(state, self._arithmetic.stack([self._output(state.node, rows.at(chunk)) for chunk in chunks]))

    def _sharpened(self, state: State) -> State:
        """The state with vertices where exact lines meet, where rows leave it open by too much where that is."""
        predicates = self._predicates(state)
        if predicates is None:
            return state
        return replace(state, arrangement=state.arrangement.sharpened(predicates.exact_lines(), POOR))

    def _output(self, done: int, live: dict[int, Any]) -> Any:
        """The network's output, when all nodes that are left are linear."""
        for i in range(done + 1, len(self.network.nodes)):
            node = self.network.nodes[i]
            live[i] = self._arithmetic.linear(node, [live[j] for j in node.inputs])
        return self._arithmetic.explicit(live[len(self.network.nodes) - 1])

    def _stored(self, live: dict[int, Any]) -> Rows:
        """Fields that are held anyway."""

        def at(vertices: NDArray[np.int64] | None) -> dict[int, Any]:
            checkpoint()
            if vertices is None:
                return dict(live)
            return {j: self._arithmetic.take(field, vertices) for j, field in live.items()}

        return Rows(at, rank=self._arithmetic.rank(live))

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


_TABLE = 1 << 22
"""Winners that are renumbered at a time."""


def _as_given(winners: NDArray[np.int16], groups: Ragged, width: int) -> NDArray[np.int16]:
    """Winners as the network numbers the ``width`` arguments of its groups, without leaving out copies, (R, units)."""
    if len(groups.values) == width * len(groups):
        return winners
    result, step = np.empty_like(winners), max(1, _TABLE // max(len(groups), 1))
    for start in range(0, len(winners), step):
        part = slice(start, start + step)
        result[part] = groups.values[groups.offsets[:-1] + winners[part]] % width
    return result


def _streamed_to_next(i: int, refinement: Refinement[Any]) -> dict[int, Any] | None:
    """What the node after i reads, made as it reads it."""
    found = None if refinement.streamed is None else refinement.streamed()
    return None if found is None else {i: found}


def _partly_cut(
    i: int, refinement: Refinement[Any], live: dict[int, Any], vertices: NDArray[np.int64] | None
) -> dict[int, Any]:
    """The live fields, and the argument of a node, which is that of node i, when some of its units have cut."""
    if vertices is None:
        rows = {j: refinement.carry(field) for j, field in live.items()}
    else:
        rows = {j: refinement.carry_to(field, vertices) for j, field in live.items()}
    return {**rows, i: refinement.cutting(vertices)}


def _after(
    state: State,
    step: Step,
    arrangement: Arrangement[Any],
    predicates: Predicates | None,
    made: Refinement[Any] | ByMaximum,
    units: int,
) -> State:
    """The state after one more nonlinear node or, if ``units`` is not 0, when so many of its units are done."""
    lines = None if predicates is None else predicates.lines
    return replace(
        state,
        arrangement=arrangement,
        node=state.node if units else step.node,
        lines=lines,
        steps=followed(state.steps, (step,)),
        stage=state.stage + (not units),
        units=units,
        settled=state.settled + made.settled,
        recut=state.recut + made.recut,
    )


def _key(path: Path) -> int:
    """A number of 56 bits for a path."""
    return int.from_bytes(blake2b(repr(path).encode(), digest_size=7).digest(), "little")


# ---- joining blocks ------------------------------------------------------------------------------------------------
def joined(division: Division, found: Sequence[tuple[int, Finished]]) -> Finished:
    """What has come out of blocks of a division, by their numbers, as if it had not been divided."""
    state, parts = division.state, [part for _, part in found]
    ends, chosen = [part.state for part in parts], [division.chosen[k] for k, _ in found]
    complete = len(parts) == len(division.chosen) and all(end.complete for end in ends)
    origins = [regions[roots(end.steps)] for regions, end in zip(chosen, ends, strict=True)]
    first_lines = [end.first_line for end in ends]
    blocks, parents = [end.arrangement for end in ends], np.concatenate(origins)
    glued = state.arrangement.joined(blocks, first_lines, parents, whole=complete)
    lines = state.lines
    if lines is not None:
        lines = lines.followed_by(state.arrangement.lines, Names.joined([_own_lines(end) for end in ends]))
    after = replace(
        state,
        arrangement=glued.arrangement,
        node=ends[0].node,
        lines=lines,
        steps=followed(state.steps, joined_steps(chosen, [end.steps for end in ends], glued.order)),
        stage=ends[0].stage,
        units=0,
        settled=state.settled + sum(end.settled for end in ends),
        recut=state.recut + sum(end.recut for end in ends),
        complete=complete,
    )
    return Finished(after, glued.carry([part.output for part in parts]))


def _own_lines(end: State) -> Names:
    assert end.lines is not None
    return end.lines.take(np.arange(end.first_line, end.arrangement.lines))


class _Affordable:
    """Tasks, until the budget is spent."""

    def __init__(self, budget: Budget, tasks: Iterator[Task]) -> None:
        self._budget, self._tasks = budget, tasks
        self.all_taken = False
        """Whether there was none left when they were ended."""

    def __iter__(self) -> Iterator[Task]:
        while not self._budget.over:
            try:
                with self._budget.watched():
                    task = next(self._tasks, None)
            except Spent:
                return
            if task is None:
                self.all_taken = True
                return
            if self._budget.spent:
                return
            yield task


def _some(found: Finished, regions: int) -> Finished:
    """Some regions of a block alone, beside each other."""
    chosen, state = Blocks.neighbouring(found.state.arrangement, regions), found.state
    taken = state.arrangement.take(chosen)
    steps = chosen_steps(state.steps, chosen)
    return Finished(
        replace(state, arrangement=taken.arrangement, steps=steps, complete=False), taken.carry(found.output)
    )


def _no_pieces(node: Node) -> Pieces:
    """Those of a node's units on no region."""
    if isinstance(node.op, Max):
        return WinnerPieces(np.zeros((0, node.size), np.int16))
    breakpoints = max(1, len(node.op.breakpoints)) if isinstance(node.op, Piecewise) else 1
    return LevelPieces(BitMatrix.pack(np.zeros((0, node.size * breakpoints), np.bool_)), breakpoints)
