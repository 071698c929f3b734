"""In which face of the lattice before, and in which flat of it, the faces of a lattice lie that is being cut.

A *flat* is what columns at their level leave of a face of the lattice before: all that lies on the same walls there.
A flat of dimension 1 is a *line*. Functions are affine along a whole line, so that a new vertex on one of its edges is
found best between its two ends, which lie in lower faces: no vertex is farther from old ones than the dimension in
steps, however many columns cut, and bounds on errors do not grow with these (proofs/, Lemma 15).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .growing import Growing
from .lattice import Faces, Lattice


class Strata:
    """For each face the dimension of the old face that holds it, and its flat."""

    def __init__(self, lattice: Lattice) -> None:
        counts = [lattice.count(k) for k in range(lattice.dim + 1)]
        self._old = [Growing(np.full(count, k, np.int8)) for k, count in enumerate(counts)]
        """The dimension of the face of the lattice before, inside which a face lies."""
        self._flat = [Growing(np.arange(count)) for count in counts]
        """The number of the flat. One of the dimension of its old face is this face, and has its number."""
        self._flats = counts
        """How many there are of each dimension."""
        ends = lattice.boundary[0].values.reshape(-1, 2)
        self._ends = Growing(ends)
        """Of each line two vertices that have all of its edges between them, or -1."""

    def flats(self, k: int, faces: Faces | None = None) -> Faces:
        """The flats of k-faces, or of all."""
        flats = self._flat[k].all
        return flats.copy() if faces is None else np.asarray(flats[faces])

    def spans(self, edges: Faces) -> tuple[Faces, Faces]:
        """The ends of the lines that edges lie on; -1 where they are not known."""
        ends = self._ends.all[self._flat[1].all[edges]]
        return ends[:, 0], ends[:, 1]

    def cut(self, k: int, faces: Faces) -> None:
        """Adds the parts above of k-faces, and the (k-1)-faces between parts, which lie on a flat of theirs."""
        old, flat = self._old[k].all[faces], self._flat[k].all[faces]
        self._old[k].add(old)
        self._flat[k].add(flat)
        _, number = np.unique(flat, return_inverse=True)
        self._old[k - 1].add(old)
        self._flat[k - 1].add(self._flats[k - 1] + number)
        self._flats[k - 1] += int(number.max(initial=-1)) + 1

    def note_lines(self, edges: NDArray[np.int64]) -> None:
        """Notes the ends of the lines of the newest edges, given by their vertices (n, 2): those in lower old faces.

        There are two of each line, unless decisions contradict each other: then its ends are not known.
        """
        before = len(self._flat[1]) - len(edges)  # there are none where a column goes through old edges alone
        line, inside = self._flat[1].all[before:], self._old[1].all[before:]
        outer = self._old[0].all[edges] < inside[:, None]
        lines, vertices = np.repeat(line, outer.sum(axis=1)), edges[outer]
        first = len(self._ends)
        result = np.full((self._flats[1] - first, 2), -1)
        order = np.argsort(lines, kind="stable")
        number, vertices = lines[order] - first, vertices[order]
        counts = np.bincount(number, minlength=len(result))
        starts = np.cumsum(counts) - counts
        known = counts == 2
        result[known] = np.stack([vertices[starts[known]], vertices[starts[known] + 1]], axis=1)
        self._ends.add(result)
