"""From node to node: an arrangement refined by a network's units, until the end or until blocks are needed.

A stage is one nonlinear node with the linear ones before it. Rows of values at vertices are what takes memory: where
those of all vertices would take more than a block is to have, the regions have to be divided. Decisions are exact, so
that the same regions come out, however they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..backends.backend import Backend
from ..bounds.relevance import Relevance
from ..errors import InternalError, NumericalRangeError
from ..fields.arithmetic import Forward, embedding, unrolled
from ..fields.predicates import Names, Oracle, Predicates
from ..fields.value_numbers import ValueNumbering
from ..geometry.arrangement import Arrangement, Refinement, Taken
from ..geometry.domain import Domain
from ..network.drowned import Drowned, drowned_arguments
from ..network.network import Network, Node
from ..network.operators import Gather, Max, Periodic, Piecewise
from ..numbers.norms import norms
from ..runtime.budget import Budget, checkpoint
from .blocks import Blocks
from .dropped import Dropped
from .history import Step, chosen_steps, flattened, followed, patterns_after, ranges_after
from .maximum import ByMaximum, refine_by_maximum
from .pieces import LevelPieces, WinnerPieces, no_pieces
from .pruning import Irrelevant, Pruning
from .states import Division, Finished, Progress, Rows, State, Task, added, key_of

POOR = 2.0**-20
"""Vertices that may be farther off than this, relative to their distance from the origin, are computed anew."""

KNOWN_FOR_BOUNDS = 2.0**-24
"""How well vertices are to be known where regions are dropped by bounds, if some are known 16 times worse: rows that
are known poorly make for wide bounds."""

KNOWN_AT_THE_END = 2.0**-48
"""How well vertices are to be known by which it is decided whether a region is dropped in the end."""

POOR_TO_GO_ON = 2.0**-16
"""The same before the last stage: decisions that it leaves to the ladder take the time that it takes to know better."""

MARGIN = 2.0**-3
"""How much nearer than that they are computed: float64 reaches that as a rule, and what is made between them starts
from it."""

GROWTH = 2.0**5
"""By about so much bounds grow in a stage ..."""

MOST_GROWTH = 2.0**20
"""... and no vertex has to be known better than by so much for what comes of it."""

FEW = 2.0**-3
"""Where poor vertices are off by less than this in all at the last stage, hardly a decision comes of it."""


class Stages:
    """Refines an arrangement by one nonlinear node after the other; ``exact``: no decision is left to float64."""

    def __init__(
        self,
        network: Network,
        domain: Domain,
        backend: Backend,
        *,
        exact: bool = False,
        blocks: Blocks | None = None,
        budget: Budget | None = None,
        progress: Progress | None = None,
        relevance: Relevance | None = None,
        keep_dropped: bool = False,
    ) -> None:
        """``relevance``: regions on which, by proof, there is nothing of it are taken out after each stage, and with
        ``keep_dropped`` kept with what shows it."""
        self.network = network
        """The network on the domain: a periodic node becomes one with the pieces that are reached."""
        self.domain = domain
        self._arithmetic, self._oracle_of = backend.sweeping(network, domain, exact=exact), backend.oracle
        self._progress = progress
        self.block_sizes = Blocks() if blocks is None else blocks
        self.budget = Budget() if budget is None else budget
        self._pruning = (
            None if relevance is None else Pruning(network, self._arithmetic, relevance, keeping=keep_dropped)
        )
        self._oracle: Oracle | None = None
        self._numbering: ValueNumbering | None = None
        self._drowned: dict[int, Drowned | None] = {}
        self._done = 0.0

    def report(self, share: float) -> None:
        """Tells that this part of all work is done."""
        self._done += share
        if self._progress is not None:
            self._progress(min(1000, round(1000 * self._done)), 1000, "partition")

    # ---- node by node ----------------------------------------------------------------------------------------------
    def advance(self, task: Task, workers: int = 0) -> Finished | Division:
        """Goes on until the end or until blocks are needed, or wanted for workers.

        Again, from values computed anew, where long numbers do not reach as far as float64, or where a self-check fails
        although decisions are exact: one that float64 called certain must have been wrong, so without any trust in it.
        """
        try:
            return self._through(task, workers)
        except NumericalRangeError:
            if not self._arithmetic.rank(task.live):
                raise
            state = task.state
        except InternalError:
            if task.state.walls is None or not task.state.trusting:
                raise
            state = replace(task.state, trusting=False)
        rows = Rows(partial(self._anew, state, tuple(task.live)))
        if state.node + 1 < len(self.network.nodes) and (division := self._divided(task, state, rows, workers)):
            return division
        return self._through(replace(task, state=state, live=rows.everywhere()), workers)

    def _anew(self, state: State, nodes: Sequence[int], vertices: NDArray[np.int64] | None) -> dict[int, Any]:
        """The fields of nodes that are done, by their values, computed from the places of vertices."""
        arithmetic = self._arithmetic.by_rows
        forward = Forward(self.network, arithmetic, self._inputs(state, vertices), kept=nodes)
        for _ in forward:
            pass
        return forward.kept if state.trusting else {i: arithmetic.doubted(x) for i, x in forward.kept.items()}

    def _inputs(self, state: State, vertices: NDArray[np.int64] | None) -> Any:
        """The points of the input space at some vertices, or (None) at all."""
        arithmetic, points = self._arithmetic.by_rows, state.arrangement.coordinates()
        chosen = points if vertices is None else arithmetic.take(points, vertices)
        return arithmetic.linear(embedding(self.domain), [chosen])

    def _through(self, task: Task, workers: int) -> Finished | Division:
        """Goes through the nodes that are left."""
        state, live, first = task.state, self._narrowed(task), task.state.node + 1
        if first == len(self.network.nodes):
            self.report(task.share)
            return self._ended(state, self._stored(live))
        state, live = self._well_known(state, live)
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
                state, rows = self._pruned(*act(state, node, inputs[0], live))
                while state.units and len(state.arrangement):
                    checkpoint()
                    if division := self._divided(task, state, rows, workers):
                        return division
                    fields = rows.everywhere()
                    after = act(state, node, fields[node.inputs[0]], {j: fields[j] for j in live})
                    state, rows = self._pruned(*after)
                if not len(state.arrangement):
                    self.report(self._part(task, i - 1))
                    return self.nothing(state)
                self.report(share)
                if i == max(self.network.nonlinear):
                    self.report(self._part(task, i))
                    return self._ended(state, rows)
                if division := self._divided(task, state, rows, workers):
                    return division
                state, live = self._well_known(state, rows.everywhere())
        return self._ended(state, self._stored(live))

    def _well_known(self, state: State, live: dict[int, Any]) -> tuple[State, dict[int, Any]]:
        """The state and its fields, with vertices that are known poorly computed anew from exact walls, and the rows
        there from these: what is made between them starts from bounds of a single pass.

        Not in the plane and on lines, where bounds grow slowly and passes cost more than they save.
        """
        arrangement, predicates = state.arrangement, self._predicates(state)
        if predicates is None or not state.trusting or arrangement.dim < 3 or self._arithmetic.rank(live):
            return state, live
        later = sum(i > state.node for i in self.network.nonlinear) - 1
        growth = min(GROWTH**later, MOST_GROWTH)
        accuracy = POOR_TO_GO_ON / growth
        errors, far = arrangement.coordinates().errors(), norms(arrangement.vertices)
        poor = errors > accuracy * far
        enough = not growth * (errors[poor] / np.maximum(far[poor], 2.0**-500)).sum() > FEW
        if self._pruning is not None:
            accuracy = min(accuracy, KNOWN_FOR_BOUNDS)
            enough = enough and bool((errors <= 16 * KNOWN_FOR_BOUNDS * far).all())
        if enough:
            return state, live
        sharper = arrangement.sharpened(predicates.exact_walls(), accuracy, MARGIN)
        better = np.flatnonzero(sharper.coordinates().errors() < errors)
        state = replace(state, arrangement=sharper)
        if not len(better):
            return state, live
        anew = self._anew(state, tuple(live), better)
        return state, {j: self._arithmetic.replaced(field, better, anew[j]) for j, field in live.items()}

    def nothing(self, state: State) -> Finished:
        """What has come out where no region is left."""
        none = np.zeros(0, np.int64)
        steps = tuple(Step(i, none, no_pieces(self.network.nodes[i])) for i in self.network.nonlinear)
        ended = replace(
            state,
            arrangement=state.arrangement.take(none).arrangement,
            node=len(self.network.nodes) - 1,
            steps=steps,
            stage=len(steps),
            units=0,
        )
        return Finished(ended, self._arithmetic.points(np.zeros((0, self.network.outputs))))

    # ---- regions that do not matter --------------------------------------------------------------------------------
    def _pruned(self, state: State, rows: Rows) -> tuple[State, Rows]:
        """The state without regions that bounds prove irrelevant; rows that had to be computed for it are held."""
        if self._pruning is None or state.arrangement.exact or not state.trusting:
            return state, rows
        if state.node >= max(self.network.nonlinear):
            return state, rows  # what is left is linear: the outputs will say so
        self._pruning = self._pruning.of(self.network)
        corners, count = state.arrangement.regions, len(state.arrangement)
        points = state.arrangement.vertices
        parts = min(count, self._blocks_wanted(state, rows, 0))
        if parts < 2:
            live = rows.at(None)
            rows = rows if rows.rank else self._stored(live)
            irrelevant = self._pruning.irrelevant(state.node, live, corners, points)
        else:
            irrelevant_parts = []
            for some in np.array_split(np.arange(count), parts):
                vertices, places = np.unique(corners.take(some).values, return_inverse=True)
                part = Ragged.from_counts(places.reshape(-1), corners.counts[some])
                irrelevant_parts.append(self._pruning.irrelevant(state.node, rows.at(vertices), part, points[vertices]))
            irrelevant = Irrelevant.together(irrelevant_parts)
        return self._left(state, rows, irrelevant)

    def _left(self, state: State, rows: Rows, irrelevant: Irrelevant) -> tuple[State, Rows]:
        """The state without some regions."""
        if not irrelevant.regions.any():
            return state, rows
        state, regions = self._noted(state, irrelevant), np.flatnonzero(~irrelevant.regions)
        taken = _part(state, regions)
        vertices = taken.vertices

        def at(some: NDArray[np.int64] | None) -> dict[int, Any]:
            return rows.at(vertices if some is None else vertices[some])

        return _with_regions(state, taken, regions), Rows(at, rank=rows.rank)

    def _relevant(self, finished: Finished) -> Finished:
        """What has come out, without regions that the outputs themselves make irrelevant."""
        if self._pruning is None or not len(finished.state.arrangement):
            return finished
        state, pruning = finished.state, self._pruning.of(self.network)
        irrelevant, open_ = pruning.irrelevant_at_end(finished.output, state.arrangement.regions)
        if open_.any() and (predicates := self._predicates(state)) is not None:
            some = np.flatnonzero(open_)
            sharper = self._better_known(state, some, predicates)
            more, _ = pruning.irrelevant_at_end(self._output_anew(sharper), sharper.arrangement.regions)
            irrelevant = irrelevant.with_more(some, more)
        state, regions = self._noted(state, irrelevant), np.flatnonzero(~irrelevant.regions)
        if not len(regions):
            return self.nothing(state)
        if not irrelevant.regions.any():
            return finished
        taken = _part(state, regions)
        return Finished(_with_regions(state, taken, regions), taken.carry(finished.output))

    def _noted(self, state: State, irrelevant: Irrelevant) -> State:
        """The state with some of its regions counted as dropped, and kept if they are to be."""
        assert self._pruning is not None
        some = np.flatnonzero(irrelevant.regions)
        if not len(some):
            return state
        noted = replace(state, dropped=added(state.dropped, ((state.node, len(some)),)))
        if not self._pruning.keeping:
            return noted
        arrangement = state.arrangement.take(some).arrangement
        points = arrangement.coordinates()
        dropped = Dropped(
            state.node,
            state.units,
            flattened((*state.history, *state.steps), some),
            irrelevant.lower,
            irrelevant.upper,
            arrangement.regions,
            points.to_numpy(),
            points.errors(),
        )
        return replace(noted, kept_dropped=(*noted.kept_dropped, dropped))

    def _better_known(self, state: State, regions: NDArray[np.int64], predicates: Predicates) -> State:
        """The end of some regions, with all vertices where their exact walls meet."""
        part = state.arrangement.take(regions).arrangement
        sharper = part.sharpened(predicates.inside(regions).exact_walls(), KNOWN_AT_THE_END)
        return replace(state, arrangement=sharper)

    def _output_anew(self, state: State) -> Any:
        """The output, computed from the places of vertices."""
        end = len(self.network.nodes) - 1
        return self._anew(state, (end,), None)[end]

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
        sizes, vertices = self.block_sizes, len(state.arrangement.vertices)
        entries = self._entries(state.node) + state.arrangement.held
        products = self.network.products_after(state.node) if workers else 0
        if rows.rank:
            wanted = sizes.wanted_low_rank(vertices, rows.rank, entries, self.network.pattern_bytes)
            return max(wanted, sizes.wanted_low_rank_apart(vertices, rows.rank * products, workers))
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
        function = levels.row_of

        def naming(regions: NDArray[np.int64], columns: NDArray[np.int64]) -> Names:
            return Names.levels(stage, function[columns], levels.values[columns])

        if i in self.network.met_by_maximum or until - state.units < node.size:
            argument = self._arithmetic.by_entries(argument)
        predicates = self._predicates(state)
        exactly = None if predicates is None else predicates.exactly(naming)
        refinement = state.arrangement.refine(argument, levels, exactly=exactly)
        checkpoint()
        named = None if predicates is None else predicates.with_walls(refinement.walls, naming)
        step = Step(i, refinement.arrangement.parents, LevelPieces(refinement.below, len(breakpoints)))
        moved = _after(state, step, refinement.arrangement, named, refinement, until % node.size)
        if moved.units:
            return moved, Rows(partial(_partly_cut, node.inputs[0], refinement, live))
        # What is left out depends on the block, and so does rounding: it must not decide anything.
        any_rounding = i in self.network.mixed and exactly is not None and not state.units
        at = partial(self._activated, i, node, refinement, live, any_rounding=any_rounding)
        rank = self._arithmetic.rank({i: argument})
        if rank:
            lowest, highest = step.pieces.range(np.arange(len(step.pieces)))
            return moved, Rows(at, rank=rank + int((highest > lowest).sum()))
        if not any_rounding or live or self.network.last_use[i] > i + 1:
            return moved, Rows(at)
        return moved, Rows(at, partial(self._streamed_to_next, i, node, refinement))

    def _activated(
        self,
        i: int,
        node: Node,
        refinement: Refinement[Any],
        live: dict[int, Any],
        vertices: NDArray[np.int64] | None,
        *,
        any_rounding: bool,
    ) -> dict[int, Any]:
        """The live fields after a piecewise node."""
        checkpoint()
        if vertices is None:
            rows = {j: refinement.carry(field) for j, field in live.items()}
        else:
            rows = {j: refinement.carry_to(field, vertices) for j, field in live.items()}
        if i not in self.network.met_by_maximum:
            return {**rows, i: self._arithmetic.activated(node, refinement, vertices, any_rounding=any_rounding)}
        argument = refinement.cutting(vertices)
        output = self._arithmetic.activate(node, argument)
        return {**rows, i: self._arithmetic.noting_zeros(node, argument, output)}

    def _streamed_to_next(self, i: int, node: Node, refinement: Refinement[Any]) -> dict[int, Any] | None:
        """What the node after i reads, made as it reads it."""
        rows = self._arithmetic.streamed(node, refinement)
        return None if rows is None else {i: rows}

    def _maximum(self, state: State, node: Node, argument: Any, live: dict[int, Any]) -> tuple[State, Rows]:
        i, keys, width = state.node + 1, list(live), argument.columns // node.size
        until = self._units_until(state, node, argument, width - 1)
        groups = self._arguments(state, node, argument).take(np.arange(state.units, until))
        low_rank, some = self._arithmetic.rank({i: argument}) > 0, until - state.units < node.size
        fields = list(live.values())
        argument, drowned = self._arithmetic.by_entries(argument), self._drowned_here(state, argument)
        contestants = self._contestants(state, argument, groups.values, drowned)
        apart = some or drowned is not None
        if low_rank or apart:
            fields.append(argument)
        predicates, block = self._predicates(state), bool(state.path)
        numbers = self._numbers(state.arrangement, *node.inputs)
        cut = refine_by_maximum(
            state.arrangement,
            self._arithmetic,
            contestants,
            groups,
            fields,
            predicates,
            numbers=(numbers if drowned is None else drowned.apart(numbers))[groups.values],
            block=block,
        )
        winners = _as_given(cut.winners, groups, width)
        output = cut.maximum
        step = Step(i, cut.parents, WinnerPieces(winners))
        moved = _after(state, step, cut.arrangement, cut.predicates, cut, until % node.size)
        if low_rank:
            output = self._arithmetic.settled_maximum(node, cut.fields.pop(), winners, output)
        elif apart:
            argument = cut.fields.pop()
            if moved.units:
                return moved, self._stored({**dict(zip(keys, cut.fields, strict=True)), node.inputs[0]: argument})
            output = self._arithmetic.activate(node, argument)
        return moved, self._stored({**dict(zip(keys, cut.fields, strict=True)), i: output})

    def _drowned_here(self, state: State, argument: Any) -> Drowned | None:
        """Arguments of the next node of which a constant drowns all else, on all regions."""
        i = state.node + 1
        if i not in self._drowned:
            self._drowned[i] = drowned_arguments(self.network, i)
        drowned = self._drowned[i]
        if drowned is None or state.arrangement.exact or not state.trusting or self._arithmetic.rank({i: argument}):
            return None
        return drowned.of_units(self._on_last_pieces(state, drowned))

    def _contestants(self, state: State, argument: Any, columns: NDArray[np.int64], drowned: Drowned | None) -> Any:
        """What a maximum compares: arguments by their columns, without the constants that drown what they are."""
        if drowned is None:
            return self._arithmetic.chosen([argument], columns)
        rest = self._anew(state, (drowned.source,), None)[drowned.source]
        for node in drowned.rest:
            rest = self._arithmetic.by_rows.linear(node, [rest])
        index = np.arange(argument.columns)
        index[drowned.arguments] = argument.columns + np.arange(drowned.arguments.size).reshape(drowned.arguments.shape)
        return self._arithmetic.chosen([argument, self._arithmetic.by_entries(rest)], index[columns])

    def _on_last_pieces(self, state: State, drowned: Drowned) -> NDArray[np.bool_]:
        """For each of the units whether all that its arguments have passed is on the last piece, in all regions."""
        lowest = ranges_after((*state.history, *state.steps), np.arange(len(state.arrangement)))
        on = np.ones(len(drowned.arguments), np.bool_)
        for i, units in drowned.rectified:
            op = self.network.nodes[i].op
            assert isinstance(op, Piecewise)
            on &= (lowest[i][0][units] == len(op.breakpoints)).all(axis=1)
        return on

    def _units_until(self, state: State, node: Node, argument: Any, levels: int) -> int:
        """How many units of the next node are done when it has cut once more; all, where vertices share rows."""
        if not state.in_portions or self._arithmetic.rank({0: argument}):
            return node.size
        at_once = self.block_sizes.units_at_once(levels)
        if self._pruning is not None and not state.arrangement.exact:
            at_once = min(at_once, self._pruning.units_at_once(state.arrangement.dim, node.size, levels))
        return min(node.size, state.units + at_once)

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
        if state.walls is not None and not state.path and (ranges := self._arithmetic.ranges(argument)) is not None:
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
        if self._numbering is None:
            self._numbering = ValueNumbering(self.network, self.domain)
        return self._numbering.everywhere(node)

    def _reached(self, i: int, argument: Any) -> Node:
        """Node i; a periodic one, here and in the network, with the pieces that the domain reaches."""
        node = self.network.nodes[i]
        if isinstance(node.op, Periodic):
            nodes = list(self.network.nodes)
            nodes[i] = node = unrolled(node, argument)
            self.network, self._oracle, self._numbering = Network(tuple(nodes)), None, None
        return node

    def _predicates(self, state: State) -> Predicates | None:
        """How decisions about the next nonlinear node are made exactly, when they are to be."""
        if state.walls is None:
            return None
        if self._oracle is None:
            self._oracle = self._oracle_of(self.network, self.domain)
        steps = *state.history, *state.steps
        before = self.domain.leading + sum(self.network.nodes[i].size for i in self.network.nonlinear[: state.stage])
        # Of a node whose units come some at a time the first ones may be done: its functions are those before it.
        return Predicates(
            self._oracle, state.walls, state.stage, lambda regions: patterns_after(steps, regions)[:, :before]
        )

    # ---- the end, and blocks ---------------------------------------------------------------------------------------
    def _ended(self, state: State, rows: Rows) -> Finished:
        """The end, with the output, of the regions that are relevant."""
        return self._relevant(self._with_output(state, rows))

    def _with_output(self, state: State, rows: Rows) -> Finished:
        """The output, from a few rows at a time: what only linear nodes read is never held for all vertices."""
        state = self._sharpened(state)
        vertices, entries = len(state.arrangement.vertices), self._entries(state.node)
        if not state.trusting:
            state, rows = self._bounded(state)
            entries = max(node.size for node in self.network.nodes)
        size = self.block_sizes.rows_at_once(entries, rows.rank)
        if vertices <= size:
            return Finished(state, self._output(state.node, rows.everywhere()))
        streamed = rows.streamed() if state.node == len(self.network.nodes) - 2 else None
        if streamed is not None:
            return Finished(state, self._output(state.node, streamed))
        chunks = [np.arange(k, min(k + size, vertices)) for k in range(0, vertices, size)]
        return Finished(state, self._arithmetic.stack([self._output(state.node, rows.at(chunk)) for chunk in chunks]))

    def _bounded(self, state: State) -> tuple[State, Rows]:
        """The end where no value was trusted: all regions were cut again, and the output is computed with a bound."""
        ended = replace(state, node=len(self.network.nodes) - 1, trusting=True, recut=len(state.arrangement))
        return ended, Rows(partial(self._anew, ended, (ended.node,)))

    def _sharpened(self, state: State) -> State:
        """The state with vertices where exact walls meet, where rows leave it open by too much where that is."""
        predicates = self._predicates(state)
        if predicates is None:
            return state
        return replace(state, arrangement=state.arrangement.sharpened(predicates.exact_walls(), POOR))

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


def _part(state: State, regions: NDArray[np.int64]) -> Taken[Any]:
    """The part of a state's arrangement that consists of some regions; in a block the border that it gets has names."""
    if not state.path or not len(regions):
        return state.arrangement.take(regions)
    return state.arrangement.block(regions, key_of((*state.path, state.node, state.units)))


def _with_regions(state: State, taken: Taken[Any], regions: NDArray[np.int64]) -> State:
    """The state of some regions alone."""
    return replace(state, arrangement=taken.arrangement, steps=chosen_steps(state.steps, regions))


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
    walls = None if predicates is None else predicates.walls
    return replace(
        state,
        arrangement=arrangement,
        node=state.node if units else step.node,
        walls=walls,
        steps=followed(state.steps, (step,)),
        stage=state.stage + (not units),
        units=units,
        settled=state.settled + made.settled,
        recut=state.recut + made.recut,
    )
