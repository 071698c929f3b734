"""What has come out of blocks, put together as if there had been none; and some regions of it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..fields.predicates import Names
from .blocks import Blocks
from .history import chosen_steps, followed, joined_steps, roots
from .states import Finished, State, added


def joined(
    state: State, divided: Sequence[NDArray[np.int64]], numbered_parts: Sequence[tuple[int, Finished]]
) -> Finished:
    """What has come out of blocks of a state, by their numbers, as if it had not been divided.

    Of block k the regions were ``divided[k]``.
    """
    leaves = [part.state for _, part in numbered_parts]
    counted = replace(
        state,
        settled=state.settled + sum(leaf.settled for leaf in leaves),
        recut=state.recut + sum(leaf.recut for leaf in leaves),
        complete=len(leaves) == len(divided) and all(leaf.complete for leaf in leaves),
        dropped=added(state.dropped, *(leaf.dropped for leaf in leaves)),
        kept_dropped=sum((leaf.kept_dropped for leaf in leaves), state.kept_dropped),
    )
    filled = [(divided[k], part) for k, part in numbered_parts if len(part.state.arrangement)]
    return _glued(counted, filled) if filled else _without_regions(counted, numbered_parts[0][1])


def _without_regions(counted: State, block: Finished) -> Finished:
    """What is left of a state, whose counts are those of all blocks, when all regions are irrelevant; by one block."""
    end = replace(
        block.state,
        arrangement=counted.arrangement.take(np.zeros(0, np.int64)).arrangement,  # of the block one is put by
        walls=counted.walls,
        settled=counted.settled,
        recut=counted.recut,
        complete=counted.complete,
        dropped=counted.dropped,
        kept_dropped=counted.kept_dropped,
    )
    return replace(block, state=end)


def _glued(counted: State, filled: Sequence[tuple[NDArray[np.int64], Finished]]) -> Finished:
    """A state, whose counts are those of all blocks, with the regions of those that have some: what each was divided
    from, and what has come out of it."""
    chosen, parts = zip(*filled, strict=True)
    ends = [part.state for part in parts]
    parents = np.concatenate([regions[roots(end.steps)] for regions, end in zip(chosen, ends, strict=True)])
    blocks, first_walls = [end.arrangement for end in ends], [end.first_wall for end in ends]
    whole = counted.complete and not counted.dropped
    glued = counted.arrangement.joined(blocks, first_walls, parents, whole=whole)
    walls = counted.walls
    if walls is not None:
        walls = walls.followed_by(counted.arrangement.walls, Names.joined([_own_walls(end) for end in ends]))
    after = replace(
        counted,
        arrangement=glued.arrangement,
        node=ends[0].node,
        walls=walls,
        steps=followed(counted.steps, joined_steps(chosen, [end.steps for end in ends], glued.order)),
        stage=ends[0].stage,
        units=0,
    )
    return Finished(after, glued.carry([part.output for part in parts]))


def _own_walls(end: State) -> Names:
    assert end.walls is not None
    return end.walls.take(np.arange(end.first_wall, end.arrangement.walls))


def some_of(block: Finished, regions: int) -> Finished:
    """Some regions of a block alone, beside each other."""
    chosen, state = Blocks.neighbouring(block.state.arrangement, regions), block.state
    taken = state.arrangement.take(chosen)
    steps = chosen_steps(state.steps, chosen)
    return Finished(
        replace(state, arrangement=taken.arrangement, steps=steps, complete=False), taken.carry(block.output)
    )
