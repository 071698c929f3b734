"""The faces of a convex polytope, from which of its vertices lie on which of its sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import DomainError

MAX_FACES = 20_000
"""Of all dimensions: those of a box of dimension 9."""

Mask = int
"""A set of vertices, as the bits of an integer."""


class Faces:
    """The face lattice of a polytope: for k = 0 .. D its k-faces, each with the numbers of its (k-1)-faces."""

    def __init__(self, vertices: int, incidence: Sequence[Mask], dim: int) -> None:
        """``incidence``: the vertices on each side, of which there is one for each facet."""
        self.masks: list[list[Mask]] = [[(1 << vertices) - 1]]
        """The vertices of each k-face, k = 0 .. D."""
        self.boundary: list[list[list[int]]] = []
        """For k = 1 .. D the (k-1)-faces of each k-face; those of the polytope, its facets, in the order of sides."""
        for _ in range(dim):
            below: dict[Mask, int] = {}
            lists = [
                [below.setdefault(mask, len(below)) for mask in _facets(face, incidence)] for face in self.masks[0]
            ]
            self.masks.insert(0, list(below))
            if sum(map(len, self.masks)) > MAX_FACES:
                raise DomainError(
                    f"dom must have at most {MAX_FACES:,} faces of all dimensions, as its partition has them; this "
                    f"polytope of {vertices} vertices and {len(incidence)} sides has more. Take a smaller one."
                )
            self.boundary.insert(0, lists)
        self._number_vertices()

    def _number_vertices(self) -> None:
        """Numbers 0-faces as the vertices are."""
        number = [mask.bit_length() - 1 for mask in self.masks[0]]
        self.masks[0] = [1 << v for v in range(len(number))]
        self.boundary[0] = [[number[i] for i in ends] for ends in self.boundary[0]]

    def simplices(self) -> Iterator[list[int]]:
        """The vertices of simplices that triangulate it: pyramids over faces from their lowest vertices.

        Source: J. Cohen and T. Hickey, Two algorithms for determining volumes of convex polyhedra, JACM 26 (1979).
        """
        return self._simplices(len(self.boundary), 0)

    def _simplices(self, k: int, face: int) -> Iterator[list[int]]:
        apex = self.masks[k][face] & -self.masks[k][face]
        if k == 0:
            yield [face]
            return
        for facet in self.boundary[k - 1][face]:
            if not self.masks[k - 1][facet] & apex:
                yield from ([apex.bit_length() - 1, *rest] for rest in self._simplices(k - 1, facet))


def _facets(face: Mask, incidence: Sequence[Mask]) -> list[Mask]:
    """The facets of a face: of its intersections with sides that do not hold it, those that no other contains."""
    parts = list(dict.fromkeys(face & side for side in incidence if face & side and face & ~side))
    return [part for part in parts if not any(part & other == part and part != other for other in parts)]
