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
    complete = len(leaves) == len(divided) and all(leaf.complete for leaf in leaves)
    settled = state.settled + sum(leaf.settled for leaf in leaves)
    recut = state.recut + sum(leaf.recut for leaf in leaves)
    dropped = added(state.dropped, *(leaf.dropped for leaf in leaves))
    kept = sum((leaf.kept_dropped for leaf in leaves), state.kept_dropped)
    filled = [(k, part) for k, part in numbered_parts if len(part.state.arrangement)]
    if not filled:  # all that was there is irrelevant
        nothing = numbered_parts[0][1]
        ended = replace(
            nothing.state,
            arrangement=state.arrangement.take(np.zeros(0, np.int64)).arrangement,  # of the block one is put by
            walls=state.walls,
            settled=settled,
            recut=recut,
            complete=complete,
            dropped=dropped,
            kept_dropped=kept,
        )
        return replace(nothing, state=ended)
    parts = [part for _, part in filled]
    ends, chosen = [part.state for part in parts], [divided[k] for k, _ in filled]
    origins = [regions[roots(end.steps)] for regions, end in zip(chosen, ends, strict=True)]
    first_walls = [end.first_wall for end in ends]
    blocks, parents = [end.arrangement for end in ends], np.concatenate(origins)
    glued = state.arrangement.joined(blocks, first_walls, parents, whole=complete and not dropped)
    walls = state.walls
    if walls is not None:
        walls = walls.followed_by(state.arrangement.walls, Names.joined([_own_walls(end) for end in ends]))
    after = replace(
        state,
        arrangement=glued.arrangement,
        node=ends[0].node,
        walls=walls,
        steps=followed(state.steps, joined_steps(chosen, [end.steps for end in ends], glued.order)),
        stage=ends[0].stage,
        units=0,
        settled=settled,
        recut=recut,
        complete=complete,
        dropped=dropped,
        kept_dropped=kept,
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
