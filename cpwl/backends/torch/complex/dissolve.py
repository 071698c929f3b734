"""Removing edges of a planar complex: cells are joined, and vertices left on a straight line are passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ....errors import InternalError
from .complex import Complex, Cycles, HalfEdges
from .segments import distinct


@dataclass(frozen=True, eq=False)
class Dissolved:
    """The complex without the edges; its vertices keep their numbers."""

    complex: Complex
    lowest: Tensor
    """For each cell the lowest old cell that it joins, int64 (R,)."""
    cell_of_old: Tensor
    """For each old cell the cell that it is now part of."""


def dissolve(old: Complex, removed: Tensor, birth: Tensor, cycles_of: Callable[[HalfEdges, int], Cycles]) -> Dissolved:
    """The complex without the ``removed`` edges (bool); ``birth`` says after how many refinements a vertex was made.

    ``cycles_of`` finds the cycles of half-edges, given how many old cells there are.
    """
    lowest_of_old = _lowest_joined(old, removed)
    passed = _passed_over(old, removed, birth)
    kept = ~removed[old.half_edge] & ~passed[old.origin]
    members = kept.nonzero(as_tuple=True)[0]
    successor = _skip(old, members, removed, passed)
    number = torch.full_like(old.half_edge, -1)
    number[members] = torch.arange(len(members), device=members.device)
    edges, marks, edge_of, forward = _edges(old, members, successor, _merged_edges(old, removed, passed))
    half = HalfEdges(edge_of, forward, number[successor], lowest_of_old[old.cell_of[members]])
    cycles = cycles_of(half, old.cells)
    joined, lowest = Complex.of_cycles(edges, marks, half, cycles), cycles.parent
    if int(torch.bincount(lowest).max()) > 1 or bool((joined.counts < 3).any()):
        raise InternalError(
            "removing edges left a cell with a hole, or with two sides: the joined cells are not convex"
        )
    position = torch.full((old.cells,), -1, dtype=torch.int64, device=lowest.device)
    position[lowest] = torch.arange(len(lowest), device=lowest.device)
    return Dissolved(joined, lowest, position[lowest_of_old])


def _lowest_joined(old: Complex, removed: Tensor) -> Tensor:
    """For each cell the lowest of the cells that it is joined with."""
    left, right = old.sides[removed].unbind(1)
    return _lowest_connected(left, right, old.cells)


def _passed_over(old: Complex, removed: Tensor, birth: Tensor) -> Tensor:
    """Vertices at removed edges with two edges left that lie on one line.

    They do if the vertex is not older than what was removed there: it was made on a line. They also do where both run
    along one side of the domain, and inside, where a corner would be one of two cells that are not both convex. Else a
    vertex on the border had all its remaining edges before the removed ones came, and may be a corner.
    """
    degree = torch.bincount(old.edges[~removed].reshape(-1), minlength=len(birth))
    ends = old.edges[removed].reshape(-1)
    oldest = torch.full_like(birth, torch.iinfo(birth.dtype).max)
    oldest.scatter_reduce_(0, ends, old.generation[removed].repeat_interleave(2), "amin")
    inside = torch.zeros_like(degree, dtype=torch.bool)
    inside[ends] = True
    inside[old.edges[(old.sides < 0).any(dim=1)].reshape(-1)] = False
    return (degree == 2) & ((birth >= oldest) | inside | _along_a_side(old, removed, ends, len(birth)))


def _along_a_side(old: Complex, removed: Tensor, ends: Tensor, vertices: int) -> Tensor:
    """Which of the vertices ``ends`` have edges of one side of the domain left and no others, bool (V,)."""
    vertex = old.edges[~removed].reshape(-1)
    line = torch.where(old.generation == 0, old.marks[:, 1], -1)[~removed].repeat_interleave(2)
    low, high = (torch.full((vertices,), -1, device=line.device) for _ in range(2))
    low.scatter_reduce_(0, vertex, line, "amin", include_self=False)
    high.scatter_reduce_(0, vertex, line, "amax", include_self=False)
    along = torch.zeros(vertices, dtype=torch.bool, device=line.device)
    along[ends] = ((low == high) & (low >= 0))[ends]
    return along


def _skip(old: Complex, members: Tensor, removed: Tensor, passed: Tensor) -> Tensor:
    """For each half-edge in ``members`` the next of them around its joined cell."""
    sides = torch.full((len(old.edges), 2), -1, dtype=torch.int64, device=removed.device)
    direction = (~old.forward).long()
    sides[old.half_edge, direction] = torch.arange(len(old.half_edge), device=removed.device)
    twin = sides[old.half_edge, 1 - direction]
    gone, later = removed[old.half_edge], passed[old.origin]
    following = old.successor[members]
    while True:
        across, along = gone[following], later[following] & ~gone[following]
        if not bool((across | along).any()):
            return following
        following = torch.where(across, old.successor[twin[following]], following)
        following = torch.where(along, old.successor[following], following)


def _merged_edges(old: Complex, removed: Tensor, passed: Tensor) -> Tensor:
    """For each edge the lowest of those that it forms one edge with: they meet in passed vertices."""
    stays = (~removed).nonzero(as_tuple=True)[0]
    vertex, edge = old.edges[stays].reshape(-1), stays.repeat_interleave(2)
    order = torch.argsort(vertex, stable=True)
    vertex, edge = vertex[order], edge[order]
    pair = (vertex[1:] == vertex[:-1]) & passed[vertex[1:]]
    return _lowest_connected(edge[:-1][pair], edge[1:][pair], len(old.edges))


def _edges(old: Complex, members: Tensor, successor: Tensor, edge: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ends and marks of the edges that remain, and each member's edge and whether it runs forward along it."""
    names, edge_of = distinct(edge[old.half_edge[members]])
    index = torch.arange(len(members), device=members.device)
    leader = torch.full_like(names, len(members)).scatter_reduce_(0, edge_of, index, "amin")
    ends = torch.stack([old.origin[members[leader]], old.origin[successor[leader]]], 1)
    return ends, old.marks[names], edge_of, leader[edge_of] == index


def _lowest_connected(starts: Tensor, ends: Tensor, count: int) -> Tensor:
    """For each of ``count`` things the lowest that the given pairs connect it with."""
    first, second = starts.cpu().numpy(), ends.cpu().numpy()
    graph = coo_array(((first >= 0).astype("i1"), (first, second)), shape=(count, count))
    label = torch.as_tensor(connected_components(graph, directed=False)[1], dtype=torch.int64, device=starts.device)
    index = torch.arange(count, device=starts.device)
    return torch.full_like(index, count).scatter_reduce_(0, label, index, "amin")[label]
