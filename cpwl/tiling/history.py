"""What the nonlinear nodes of a network did to the regions, one step each; and the steps of blocks put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..arrays.pickled import Compact
from ..network.network import Network
from .pieces import NoPieces, Pieces, WinnerPieces


@dataclass(frozen=True, eq=False)
class Step(Compact):
    """What one nonlinear node, or some of its units, did to the regions."""

    node: int
    """Index of the node in ``network.nodes``."""
    parents: NDArray[np.int64]
    """For each region after this step the region before it (of the step before; of the whole domain at first)."""
    pieces: Pieces
    """The piece of each of these units, on each region after this step."""

    @classmethod
    def choosing(cls, regions: NDArray[np.int64]) -> Step:
        """A step of no node: some regions, in that order, are gone on with."""
        return cls(-1, regions, NoPieces(len(regions)))


def followed(steps: Sequence[Step], more: Sequence[Step]) -> tuple[Step, ...]:
    """Steps and those that follow: one step for all units of a node, where they came some at a time."""
    if not steps or not more or steps[-1].node != more[0].node or more[0].node < 0:
        return (*steps, *more)
    before, after = steps[-1], more[0]
    pieces = before.pieces.some(after.parents).beside(after.pieces)
    return (*steps[:-1], Step(after.node, before.parents[after.parents], pieces), *more[1:])


def patterns_after(steps: Sequence[Step], regions: NDArray[np.int64]) -> NDArray[np.int16]:
    """The pieces of all units of some steps on regions after the last of them, int16 (n, units)."""
    parts, rows = [], regions
    for step in reversed(steps):
        parts.append(step.pieces.take(rows))
        rows = step.parents[rows]
    empty = np.zeros((len(rows), 0), np.int16)
    return np.concatenate([empty, *reversed(parts)], axis=1).astype(np.int16)


def ranges_after(
    steps: Sequence[Step], regions: NDArray[np.int64]
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """By node the lowest and the highest piece of each unit on regions after the last step, which there are."""
    ranges: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    rows = regions
    for step in reversed(steps):
        if step.node >= 0:
            later = ranges.get(step.node, (np.zeros(0, np.int64),) * 2)
            low, high = step.pieces.range(rows)
            ranges[step.node] = np.concatenate([low, later[0]]), np.concatenate([high, later[1]])
        rows = np.unique(step.parents[rows])
    return ranges


def winners_after(steps: Sequence[Step], network: Network, regions: NDArray[np.int64]) -> dict[int, NDArray[np.bool_]]:
    """By node of maxima which arguments of each are the largest on some of the regions, bool (units, arguments)."""
    winners: dict[int, NDArray[np.bool_]] = {}
    rows = regions
    for step in reversed(steps):
        if isinstance(step.pieces, WinnerPieces):
            node = network.nodes[step.node]
            arguments = range(network.nodes[node.inputs[0]].size // node.size)
            here = step.pieces.winners[rows]
            table = np.stack([(here == k).any(axis=0) for k in arguments], axis=1)
            winners[step.node] = np.concatenate([table, winners.get(step.node, table[:0])])
        rows = np.unique(step.parents[rows])
    return winners


def flattened(steps: Sequence[Step], regions: NDArray[np.int64]) -> tuple[Step, ...]:
    """The steps on some regions after the last of them, of these regions alone: one region of each before each step."""
    kept: list[Step] = []
    for step in reversed(steps):
        if step.node >= 0:
            kept.append(Step(step.node, np.arange(len(regions)), step.pieces.some(regions)))
        regions = step.parents[regions]
    if kept:
        kept[-1] = replace(kept[-1], parents=np.zeros(len(regions), np.int64))
    flat: tuple[Step, ...] = ()
    for step in reversed(kept):
        flat = followed(flat, (step,))
    return flat


def chosen_steps(steps: Sequence[Step], regions: NDArray[np.int64]) -> tuple[Step, ...]:
    """The steps with some of the regions after the last one, in that order."""
    return (*steps[:-1], Step(steps[-1].node, steps[-1].parents[regions], steps[-1].pieces.some(regions)))


def roots(steps: Sequence[Step]) -> NDArray[np.int64]:
    """For each region after some steps the one before all of them that it lies in."""
    rows = np.arange(len(steps[-1].parents))
    for step in reversed(steps):
        rows = step.parents[rows]
    return rows


def joined_steps(
    chosen: Sequence[NDArray[np.int64]], own: Sequence[tuple[Step, ...]], order: NDArray[np.int64]
) -> list[Step]:
    """The steps of all blocks as steps of the whole, the regions after the last one in the given order."""
    stages = list(zip(*own, strict=True))
    counts = [[len(part) for part in chosen], *([len(step.parents) for step in steps] for steps in stages)]
    steps = [_side_by_side(*pair) for pair in zip(stages, counts, strict=False)]
    steps[0] = replace(steps[0], parents=np.concatenate(chosen)[steps[0].parents])
    steps[-1] = Step(steps[-1].node, steps[-1].parents[order], steps[-1].pieces.some(order))
    return steps


def _side_by_side(steps: Sequence[Step], before: Sequence[int]) -> Step:
    """The same step of all blocks, with regions numbered block by block; there were so many of each ``before``."""
    starts = np.cumsum(before) - before
    parents = np.concatenate([step.parents + start for step, start in zip(steps, starts, strict=True)])
    return Step(steps[0].node, parents, steps[0].pieces.with_others([step.pieces for step in steps[1:]]))
