"""Crossings along edges and chords in their exact order where some coincide: sorted by exact signs, many at once.

A crossing and another on the same segment are ordered by the sign, at the one, of the column that makes the other: it
is zero where they are one point. Crossings whose order float64 leaves open are a *cluster*. In each round one crossing
of every cluster is compared with all others, as quicksort does (proofs/, Lemma 8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..complex.complex import Complex
from ..complex.segments import as_numpy, distinct, ranges, sort_within
from ..fields.field import ROUND_UP, UNIT
from .chords import Chords, Ends, Meets
from .crossings import POOR, Crossings
from .decide import Decider, Places
from .signs import Columns, Signs

Clusters: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Order:
    """Crossings sorted along their segments, and which of them are one point."""

    order: Tensor
    """The permutation that sorts by segment and place."""
    point: Tensor
    """For each crossing, unsorted, the number of its point."""


@dataclass(frozen=True, eq=False)
class Rules:
    """How crossings are compared and which of them are one point, for ``exact_order``. Crossings are given by number.

    Some of them may be known to have one point, as one of two chords has where it crosses the other: crossings whose
    numbers differ by a multiple of the number of points.
    """

    points: int
    """Crossing i begins with the point i modulo this number."""
    side: Callable[[Tensor, Tensor], Tensor]
    """For pivots and other crossings on their segments whether these lie before (-1), after (1) or at the pivot (0)."""
    chosen: Callable[[Tensor, Tensor], Tensor]
    """Given crossings in clusters that are still open, and the clusters, those that are compared in this round."""
    unite: Callable[[Tensor, Tensor, Tensor], None]
    """Given the points, and crossings with pivots at which they lie, makes their points one, in place."""


def clusters(order: Tensor, segment: Tensor, position: Tensor, slack: Tensor) -> tuple[Tensor, Tensor]:
    """Of crossings, which ``order`` sorts by segment and position, the places there of those in a cluster with others,
    and its number.

    Clusters are separated by gaps that are certain for whatever lies on the two sides, by the largest slack on the
    segment. A position that is not a number is nowhere certainly, nor is any other on its segment.
    """
    if not len(order):
        return order, order
    segment, position, slack = segment[order], position[order], slack[order]
    number = torch.cumsum(steps(segment), 0) - 1
    known = (slack <= 1) & position.isfinite()
    radius = torch.where(known, (slack + 2 * UNIT) * ROUND_UP, torch.inf)
    reach = radius.new_zeros(int(number[-1]) + 1).scatter_reduce_(0, number, radius, "amax", include_self=False)
    begins = torch.ones_like(known)
    begins[1:] = steps(segment)[1:] | (position[1:] - position[:-1] > 2 * reach[number[1:]])
    cluster = torch.cumsum(begins, 0) - 1
    slots = (torch.bincount(cluster)[cluster] > 1).nonzero(as_tuple=True)[0]
    return slots, distinct(cluster[slots])[1]


def exact_order(order: Tensor, slots: Tensor, cluster: Tensor, rules: Rules) -> Order:
    """Sorts crossings on segments exactly: ``order`` sorts them by positions up to a slack, and those at ``slots`` are
    in ``clusters``."""
    point, device = torch.arange(rules.points, device=order.device), order.device
    item, cluster_of = as_numpy(order[slots]), as_numpy(cluster)  # few, and asked for on the host: no calls of a device
    while len(item):
        here = as_numpy(point)[item % rules.points]
        groups = _Groups.of(cluster_of)
        is_open = np.flatnonzero(groups.spread(np.minimum, here) < groups.spread(np.maximum, here))
        if not len(is_open):
            break
        waiting = (torch.as_tensor(part[is_open], device=device) for part in (item, groups.number()))
        chosen = is_open[as_numpy(rules.chosen(*waiting))]
        pivot = groups.middle()[chosen]
        side = _sides(item, here, chosen, pivot, rules, device)
        at = side == 0
        rules.unite(point, *(torch.as_tensor(item[part[at]], device=device) for part in (pivot, chosen)))
        sides = np.ones_like(cluster_of)
        sides[chosen] += side
        cluster_of = 3 * groups.number() + sides
        by_place = np.argsort(cluster_of, kind="stable")
        item, cluster_of = item[by_place], cluster_of[by_place]
    order = order.clone()
    order[slots] = torch.as_tensor(item, device=device)
    return Order(order, point[torch.arange(len(order), device=device) % max(rules.points, 1)])


@dataclass(frozen=True, eq=False)
class _Groups:
    """Entries with the same number, which are neighbours."""

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: NDArray[np.int64]) -> _Groups:
        """Those of numbers that do not decrease, of which there is one at least."""
        starts = np.concatenate([np.zeros(1, np.int64), np.flatnonzero(numbers[1:] != numbers[:-1]) + 1])
        return cls(starts, np.diff(starts, append=len(numbers)))

    def spread(self, fold: np.ufunc, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the values of a group fold to, for each of its entries."""
        return np.repeat(fold.reduceat(values, self.starts), self.counts)

    def number(self) -> NDArray[np.int64]:
        """For each entry the number of its group among all."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def middle(self) -> NDArray[np.int64]:
        """For each entry the middle one of its group."""
        return np.repeat(self.starts + self.counts // 2, self.counts)


def _sides(
    item: NDArray[np.int64],
    point: NDArray[np.int64],
    chosen: NDArray[np.int64],
    pivot: NDArray[np.int64],
    rules: Rules,
    device: torch.device,
) -> NDArray[np.int64]:
    """On which side of its pivot each chosen entry lies, given by their places; asked for once for each pivot and
    point."""
    _, first, which = np.unique(pivot * rules.points + point[chosen], return_index=True, return_inverse=True)
    side = np.zeros(len(first), np.int64)
    asked = np.flatnonzero(point[chosen[first]] != point[pivot[first]])
    ends = (torch.as_tensor(item[part[first[asked]]], device=device) for part in (pivot, chosen))
    side[asked] = as_numpy(rules.side(*ends))
    return side[which]


def steps(values: Tensor) -> Tensor:
    """Where a value differs from the one before it; the first does."""
    changes = torch.ones_like(values, dtype=torch.bool)
    changes[1:] = values[1:] != values[:-1]
    return changes


# ---- edges -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Shared:
    """Further columns that vanish at crossings, or on chords."""

    at: Tensor
    """The numbers of these, not decreasing."""
    column: Tensor

    @classmethod
    def none(cls, device: torch.device) -> Shared:
        """No columns."""
        empty = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(empty, empty)


def united(edges: Tensor, crossings: Crossings, columns: Columns, least: float) -> tuple[Crossings, Shared] | None:
    """The crossings with those at one point made one, the one known best, with its other columns apart, where no exact
    arithmetic has to tell.

    They are one as a column that vanishes at a crossing and not at another is ``least`` or more there (proofs/, Lemma
    14). None if that leaves some of them open, or if they are known too poorly to be left as they are.
    """
    edge, column, position, slack = crossings.edge, crossings.column, crossings.position, crossings.slack
    index = crossings.undecided[edge].nonzero(as_tuple=True)[0]
    if not bool((~crossings.doubtful[index] | (slack[index] < POOR)).all()):
        return None
    slots, cluster = clusters(torch.arange(len(index), device=index.device), edge[index], position[index], slack[index])
    item, same = index[slots], ~steps(cluster)
    pairs = item[1:][same[1:]], item[:-1][same[1:]]
    second, first = pairs
    ends = edges[edge[second]].unbind(1)
    sizes = [columns.values[end, column[second]].abs() + columns.bound.at(end, column[second]) for end in ends]
    reach = _reach(position, slack, first, second) * (sizes[0] + sizes[1])
    if not bool(((reach * ROUND_UP < least) & (slack[first] < POOR) & (slack[second] < POOR)).all()):
        return None
    order, leads = torch.arange(len(crossings), device=index.device), torch.ones_like(crossings.doubtful)
    order[item], leads[item] = item[sort_within(cluster, slack[item])], ~same
    number = torch.cumsum(leads, 0) - 1
    return _kept(crossings, order[leads]), Shared(number[~leads], column[order[~leads]])


def _kept(crossings: Crossings, kept: Tensor) -> Crossings:
    """Some crossings, which are certain now."""
    edge = crossings.edge[kept]
    return Crossings(
        edge,
        crossings.column[kept],
        crossings.position[kept],
        crossings.slack[kept],
        torch.zeros_like(edge, dtype=torch.bool),
        torch.zeros_like(crossings.undecided),
        torch.bincount(edge, minlength=len(crossings.counts)),
    )


def _reach(position: Tensor, slack: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """How far some crossings are at most from others before them, in parts of their segments."""
    return (position[second] - position[first] + slack[second] + slack[first] + 2 * UNIT) * ROUND_UP


def coincident(
    chords: Chords, ends: Ends, meets: Meets, clusters: tuple[Tensor, Tensor], central: Tensor, least: float
) -> tuple[Tensor, int] | None:
    """For each pair of chords that meet the number of their point, that of a pair that meets there, where no exact
    arithmetic has to tell: what is in one of the ``clusters`` is one point. And how many decisions that was.

    It is as a column that vanishes at a crossing and not at another is ``least`` or more there (proofs/, Lemma 14), or
    as the chords concerned go through the origin: ``central``, bool (C,), or empty where that is not known. None if
    that leaves something open, or if two chords through a point do not meet.
    """
    (slots, cluster), pair = clusters, meets.chord
    chord, other = pair.T.reshape(-1), pair.T.flip(0).reshape(-1)
    position, slack = (part.T.reshape(-1) for part in (meets.position, meets.slack))
    item, same = meets.order[slots], ~steps(cluster)
    first, second = item[:-1][same[1:]], item[1:][same[1:]]
    column = chords.column[other[second]]
    at_ends = [ends.at(ends.ends[chord[second], k], column) for k in (0, 1)]
    sizes = sum(value.abs() + bound for value, bound in at_ends)
    alike = _reach(position, slack, first, second) * sizes * ROUND_UP < least
    if len(central):
        alike |= central[chord[second]] & central[other[first]] & central[other[second]]
    if not bool(alike.all()):
        return None
    starts = (~same).nonzero(as_tuple=True)[0]
    rival = torch.full_like(starts, len(chords)).scatter_reduce(0, cluster, other[item], "amin")
    pivot = item[starts + torch.bincount(cluster) // 2]
    lead = chord[pivot] < rival
    point = torch.arange(len(pair), device=pair.device)
    crossing = item[lead[cluster]]
    if not unite(point, pair, (pivot[cluster][lead[cluster]], crossing), len(chords)):
        return None
    return point, len(crossing) - int(lead.sum())


def unite(point: Tensor, pair: Tensor, at: tuple[Tensor, Tensor], count: int) -> bool:
    """Makes the points of crossings one, in place, ``at`` pivots and others that lie there: all of the ``count`` chords
    through one point cross one another there. Says whether they do."""
    pivot, crossing = at
    chord, other = pair.T.reshape(-1), pair.T.flip(0).reshape(-1)
    through = torch.cat([chord[pivot], other[pivot], other[crossing]])
    names = distinct(pivot.repeat(3) * count + through)[0]
    group, through = names // count, names % count
    counts = torch.bincount(distinct(group)[1])
    last = torch.cumsum(counts, 0).repeat_interleave(counts)
    number = torch.arange(len(group), device=group.device)
    first, second = ranges(number + 1, last - number - 1)
    wanted = through[first] * count + through[second]
    key = pair[:, 0] * count + pair[:, 1]
    place = torch.searchsorted(key, wanted).clamp(max=len(key) - 1)
    if bool((key[place] != wanted).any()):
        return False
    point[place] = point[group[first] % len(pair)]
    return True


def merged(
    cells: Complex, crossings: Crossings, signs: Signs, decider: Decider, find: Clusters
) -> tuple[Crossings, Shared]:
    """The crossings in their exact order on every edge; those that coincide are one, with its other columns apart.

    ``find`` does what ``clusters`` does.
    """
    index = crossings.undecided[crossings.edge].nonzero(as_tuple=True)[0]
    if not len(index):
        return crossings, Shared.none(index.device)
    edge, column = crossings.edge[index], crossings.column[index]
    at_start, home = signs.entries(cells.edges[edge, 0], column), _homes(cells, edge)

    def side(pivot: Tensor, other: Tensor) -> Tensor:
        names = torch.stack([cells.marks[edge[pivot], 1], -1 - column[pivot]], 1)
        places = Places(-1 - index[pivot], home[pivot], names)  # no vertex yet: a number that none has
        return decider.signs(places, column[other], "cut") * at_start[other]

    def unite(point: Tensor, pivot: Tensor, other: Tensor) -> None:
        point[other] = point[pivot]

    rules = Rules(len(index), side, lambda item, _: torch.ones_like(item, dtype=torch.bool), unite)
    sorted_ = torch.arange(len(index), device=index.device)
    unsure = find(sorted_, edge, crossings.position[index], crossings.slack[index])
    return _united(crossings, index, exact_order(sorted_, *unsure, rules))


def _united(crossings: Crossings, index: Tensor, exact: Order) -> tuple[Crossings, Shared]:
    """The crossings, those at ``index`` in their order, and neighbours at one point made one: the one known best."""
    point = exact.point[exact.order]
    run = torch.cumsum(steps(point), 0)
    order = index[exact.order[sort_within(run, crossings.slack[index[exact.order]])]]
    whole = torch.arange(len(crossings), device=index.device)
    whole[index] = order
    leads = torch.ones_like(crossings.doubtful)
    leads[index] = steps(point)
    number = torch.cumsum(leads, 0) - 1
    shared = Shared(number[~leads], crossings.column[whole[~leads]])
    return _kept(crossings, whole[leads]), shared


def _homes(cells: Complex, edges: Tensor) -> Tensor:
    """The lowest cell beside each of the edges."""
    names, which = distinct(edges)
    wanted = torch.zeros(len(cells.edges), dtype=torch.bool, device=edges.device)
    wanted[names] = True
    on = wanted[cells.half_edge].nonzero(as_tuple=True)[0]
    cell = torch.full_like(names, cells.cells)
    cell.scatter_reduce_(0, torch.searchsorted(names, cells.half_edge[on]), cells.cells_of(on), "amin")
    return cell[which]
