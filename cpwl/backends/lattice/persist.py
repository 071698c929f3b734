"""Lattices as plain arrays, and back."""

from __future__ import annotations

import numpy as np

from ...arrays.ragged import Ragged
from ...errors import FileFormatError
from ...storage.named_arrays import Arrays, Stored, ragged_arrays
from .lattice import Lattice


def is_lattice(stored: Stored) -> bool:
    """Whether arrays of an arrangement are those of a lattice."""
    return "dim" in stored


def lattice_to_arrays(lattice: Lattice) -> Arrays:
    """The arrays that ``lattice_from_arrays`` reads."""
    arrays = {
        "dim": np.array(lattice.dim),
        "wall": lattice.wall,
        "wall_count": np.array(lattice.walls),
        "facet_generation": lattice.generation,
    }
    for k, lists in enumerate(lattice.boundary, start=1):
        arrays |= ragged_arrays(f"boundary.{k}", lists)
    return arrays


def lattice_from_arrays(stored: Stored, vertices: int) -> Lattice:
    """The lattice; ``FileFormatError`` for arrays that are not those of faces of convex polytopes."""
    dim, walls = int(stored.integers("dim", low=1)), int(stored.integers("wall_count"))
    if dim > vertices > 0:  # of none, when a budget was spent before anything was finished
        raise FileFormatError(f"array dim must be the dimension of polytopes of {vertices} vertices, got {dim}")
    boundary: list[Ragged] = []
    count = vertices
    for k in range(1, dim + 1):
        lists = stored.ragged(f"boundary.{k}", shortest=k + 1, below=count)
        _check_lists(k, dim, lists, count)
        if boundary:
            _check_diamonds(k, lists, boundary[-1])
        boundary.append(lists)
        count = len(lists)
    facets = len(boundary[-2]) if dim > 1 else vertices
    wall = stored.integers("wall", facets, below=walls)
    return Lattice(vertices, tuple(boundary), wall, stored.integers("facet_generation", facets), walls)


def _check_lists(k: int, dim: int, lists: Ragged, count: int) -> None:
    """Every (k-1)-face bounds something, and none the same twice; an edge has two ends, a facet two sides at most."""
    pairs = np.unique(lists.row_of * count + lists.values)
    used = np.bincount(lists.values, minlength=count)
    most = 2 if k == dim else len(lists)
    fits = len(pairs) == len(lists.values) and (not len(lists) or (used.min() >= 1 and used.max() <= most))
    if not fits or (k == 1 and (lists.counts != 2).any()):
        raise FileFormatError(f"arrays boundary.{k} must list the {k - 1}-faces of each {k}-face, each once")


def _check_diamonds(k: int, lists: Ragged, lower: Ragged) -> None:
    """In each k-face a (k-2)-face lies on two of its (k-1)-faces."""
    members = lower.take(lists.values)
    place = lists.row_of[members.row_of]
    _, counts = np.unique(np.stack([place, members.values]), axis=1, return_counts=True)
    if (counts != 2).any():
        raise FileFormatError(f"arrays boundary.{k} must hold closed boundaries; that of some {k}-face has a gap")
