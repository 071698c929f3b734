"""What is counted of blocks is counted of all of them, also of those of which nothing is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpwl import Domain, backends
from cpwl.tiling.joining import joined
from cpwl.tiling.states import Finished, State


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_counts_of_blocks_that_are_empty_are_added(backend: str) -> None:
    whole = backends.get(backend).arrangement(Domain.box([-1.0] * 3, [1.0] * 3).polytope)
    state = State(whole, 1, None, settled=5, recut=7, dropped=((1, 3),))
    none = replace(state, arrangement=whole.take(np.zeros(0, np.int64)).arrangement, recut=1, path=(1, 0))
    blocks = [(k, Finished(replace(none, settled=2 + k, dropped=((2, 1),)), None)) for k in range(2)]
    ended = joined(state, [np.zeros(1, np.int64)] * 2, blocks).state
    assert (ended.settled, ended.recut, ended.dropped, ended.complete) == (5 + 2 + 3, 7 + 2, ((1, 3), (2, 2)), True)
