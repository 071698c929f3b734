"""Which way around polygons are listed: carried over from neighbour to neighbour, started by one that is certain.

Two polygons that alone share an edge are oriented alike if they go along it in opposite directions. So one decision is
needed for all polygons that hang together; it is taken from those whose own orientation is certain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import InternalError
from .incidence import Edges, connected


def turned(
    edges: Edges, carrying: NDArray[np.bool_], signs: NDArray[np.int8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which polygons are to be listed the other way around, and of which it is not known; bool (S,) each.

    ``carrying``: edges of two polygons that are to be oriented alike. ``signs``: 1 where a polygon is known to be
    listed as it should be, -1 where the other way around, 0 where its corners' bounds leave that open.
    """
    row, count = edges.polygons.row_of, len(edges.polygons)
    left, right = edges.pairs(carrying)
    against = edges.rising[left] == edges.rising[right]
    # Polygon p is there twice, as it is (p) and turned (count + p). What goes together is joined.
    first = np.concatenate([row[left], count + row[left]])
    second = np.concatenate([row[right] + count * against, row[right] + count * ~against])
    labels = connected(2 * count, first, second)
    as_it_is, other_way = labels[:count], labels[count:]
    if (as_it_is == other_way).any():
        raise InternalError("the polygons of a level set make a surface with one side: an earlier decision was wrong")
    votes = np.zeros(2 * count, np.int64)
    np.add.at(votes, as_it_is, signs)
    np.add.at(votes, other_way, -signs)
    certain = np.zeros(2 * count, np.int64)
    np.add.at(certain, as_it_is, np.abs(signs))
    np.add.at(certain, other_way, np.abs(signs))
    vote = votes[as_it_is]
    if (np.abs(vote) != certain[as_it_is]).any():
        raise InternalError("polygons that hang together disagree about their sides: an earlier decision was wrong")
    return vote < 0, vote == 0


def reversed_rows(polygons: Ragged, chosen: NDArray[np.bool_]) -> Ragged:
    """The same polygons, some of them listed the other way around from the same first corner."""
    place = np.arange(len(polygons.values)) - polygons.offsets[:-1][polygons.row_of]
    counts = polygons.counts[polygons.row_of]
    back = chosen[polygons.row_of] & (place > 0)
    source = polygons.offsets[:-1][polygons.row_of] + np.where(back, counts - place, place)
    return Ragged(polygons.values[source], polygons.offsets)
