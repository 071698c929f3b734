"""Small partitions whose pages are looked at."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from cpwl import Domain, Partition, partition
from cpwl.network import Dense, Input, Max, Network, Node


@cache
def part_of(backend: str = "torch", outputs: int = 3) -> Partition:
    """Of two layers of eight units."""
    rng = np.random.default_rng(4)
    weights = [rng.standard_normal((b, a)) for a, b in pairwise((2, 8, 8, outputs))]
    net = Network.mlp(weights, [rng.standard_normal(len(w)) / 2 for w in weights])
    return partition(net, Domain.box([-1, -1], [1, 1]), backend=backend)


@cache
def part_of_maxima() -> Partition:
    """Of one unit with five pieces: patterns that are no bits."""
    rng = np.random.default_rng(1)
    dense = Dense(rng.standard_normal((5, 2)), rng.standard_normal(5) / 4)
    nodes = (Node(Input(), (), (2,), "x"), Node(dense, (0,), (5,), "d"), Node(Max(), (1,), (), "largest"))
    return partition(Network(nodes), Domain.box([-1, -1], [1, 1]))
