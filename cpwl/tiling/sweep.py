"""The sweep: a domain refined by all units of a network, as a whole or in blocks that keep memory bounded.

Blocks are refined to the end one after the other (depth first), here or by the workers of a pool, and joined.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from ..fields.arithmetic import embedding
from ..fields.predicates import Names
from ..geometry.arrangement import Arrangement
from ..runtime.budget import Budget, Spent
from .history import Step
from .joining import joined, some_of
from .stages import Stages
from .states import Division, Done, Finished, Runner, State, Task, key_of


class Sweep(Stages):
    """Refines arrangements by all units of a network."""

    def start(self, arrangement: Arrangement[Any], walls: Names | None = None, *, trusting: bool = True) -> Task:
        """The task of refining a whole arrangement; with ``walls``, their names, every decision is exact.

        Without ``trusting`` no value of float64 decides anything: all that is not known by name is decided exactly.
        """
        start = self._arithmetic.linear(embedding(self.domain), [arrangement.coordinates()])
        live = {0: start if trusting else self._arithmetic.doubted(start)}
        return Task(State(arrangement, 0, walls, trusting=trusting), live, 1.0)

    def finish(self, task: Task, runner: Runner | None = None) -> Finished | None:
        """The arrangement refined by all units that are left; ``runner`` finishes the blocks of the first division.

        When the budget is spent no further block is begun, one that is being worked on is given up, and the state that
        comes out is not ``complete``; None if there is nothing. All regions that come out are finished.
        """
        try:
            with self.budget.watched():
                advanced = self.advance(task, 0 if runner is None else runner.workers)
        except Spent:
            return None
        if isinstance(advanced, Finished):
            return self._counted(advanced)
        state, chosen, tasks = advanced.state, advanced.chosen, _Affordable(self.budget, self.tasks(advanced))
        del advanced  # its rows are let go when the last block has been taken
        if runner is None:
            finished = ((block.state.path[-1], self.finish(block)) for block in tasks)
        else:
            results = ((path[-1], leaf) for path, leaves in runner(iter(tasks)) for leaf in leaves)
            finished = ((k, self._counted(leaf)) for k, leaf in results)
        parts = [(k, part.put_by()) for k, part in finished if part is not None]
        return joined(state, chosen, parts) if parts else None

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
                advanced = self.advance(task)
        except Spent:
            return False
        if isinstance(advanced, Finished):
            self.budget.add(len(advanced.state.arrangement))
            yield advanced
        else:
            wanted = _Affordable(self.budget, self._without(done, self.tasks(advanced)))
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

    def _counted(self, finished: Finished) -> Finished | None:
        """What is wanted of a block that is finished, taken from the budget; None for nothing."""
        regions = len(finished.state.arrangement)
        wanted = self.budget.affordable(regions)
        self.budget.add(wanted)
        if wanted == regions:
            return finished
        return some_of(finished, wanted) if wanted else None

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
            taken = state.arrangement.block(regions, key_of(path))
            block = replace(
                state,
                arrangement=taken.arrangement,
                history=(*state.history, *state.steps, Step.choosing(regions)),
                steps=(),
                first_wall=taken.arrangement.walls,
                settled=0,
                recut=0,
                dropped=(),
                kept_dropped=(),
                path=(*path, k),
                in_portions=state.in_portions and not division.rows.rank,
            )
            yield Task(block, division.rows.at(taken.vertices), share)


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
