"""Which faces make up a sphere, as the boundary of a face does: asked where decisions may contradict each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...arrays.ragged import Ragged
from .lattice import Members, distinct_pairs


def spheres(members: Members, k: int, lists: Ragged) -> NDArray[np.bool_]:
    """For each list of distinct k-faces whether these make up a sphere of dimension k.

    Each (k-1)-face of theirs is in two of them, across such faces they hang together, and the alternating sum of the
    numbers of their faces is a sphere's. For k <= 2 no others are like that (proofs/, Lemma 15 (g)).
    """
    if k == 0:
        return np.asarray(lists.counts == 2)
    place, lower = members(k, lists.values)
    width = int(lower.max(initial=0)) + 1
    keys = lists.row_of[place] * width + lower
    order = np.argsort(keys, kind="stable")
    ridges, first, count = np.unique(keys[order], return_index=True, return_counts=True)
    owner, face = ridges // width, ridges % width
    once = np.bincount(owner[count != 2], minlength=len(lists)) == 0
    inner = first[count == 2]
    whole = _hang_together(lists, place[order[inner]], place[order[inner + 1]])
    total = (-1) ** k * lists.counts + (-1) ** (k - 1) * np.bincount(owner, minlength=len(lists))
    for level in range(k - 1, 0, -1):
        place, lower = members(level, face)
        owner, face = distinct_pairs(owner[place], lower, int(lower.max(initial=0)) + 1)
        total += (-1) ** (level - 1) * np.bincount(owner, minlength=len(lists))
    return np.asarray(once & whole & (total == 1 + (-1) ** k))


def _hang_together(lists: Ragged, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether pairs of places, each in one list, connect all places of a list."""
    places = len(lists.values)
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(places, places))
    labels = connected_components(graph, directed=False)[1]
    components, _ = distinct_pairs(lists.row_of, labels.astype(np.int64), places + 1)
    return np.asarray(np.bincount(components, minlength=len(lists)) == 1)
