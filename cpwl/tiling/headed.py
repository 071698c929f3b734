"""A tiling with affine functions of its outputs instead of them: nothing is partitioned again."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from numpy.typing import ArrayLike

from ..network.heads import head
from .tiling import Tiling

T = TypeVar("T", bound=Tiling)


def headed(tiling: T, A: ArrayLike, c: ArrayLike = 0.0) -> T:
    """The same regions with the outputs A f + c, for matrices, vectors and numbers as in ``cpwl.head``."""
    network = head(tiling.network, A, c)
    outputs = tiling.outputs
    for node in network.nodes[len(tiling.network.nodes) :]:
        outputs = tiling.arithmetic().linear(node, [outputs])
    pruned = None if tiling.pruned is None else replace(tiling.pruned, relevance=None)
    return replace(tiling, network=network, outputs=outputs, pruned=pruned)
