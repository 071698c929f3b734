"""Degenerate cells cut all at once: chords that end at vertices, share their ends, coincide, or meet in one point.

Which chords there are and where they end follows from exact signs (proofs/, Lemma 3); where they cross each other, from
how their ends interleave; in which order along each, and which crossings are one point, from exact signs where float64
leaves it open. Everything else is combinatorics: the rays around a point are ordered as their ends are around the cell.
That is left to a kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ....errors import InternalError
from ..complex.segments import sort_within
from .chords import Ends, Meets
from .coincidence import Order, Rules, exact_order, unite
from .decide import Decider, Places
from .kernels.kernel import Kernel
from .signs import CellSigns
from .sites import Sites, Spans, Web


class InconsistentError(InternalError):
    """A self-check failed in some cells."""

    def __init__(self, text: str, cells: Tensor) -> None:
        super().__init__(text)
        self.cells = cells
        """bool (R,)"""


def web_of(sites: Sites, cells: CellSigns, chosen: Tensor, start: int, decider: Decider, kernel: Kernel) -> Web:
    """The chords of the chosen cells (bool per cell) and the points in which they meet, in exact order on each; these
    are vertices numbered from ``start``."""
    least = decider.least(walls=0, columns=2)
    told = kernel.web(sites, cells.cut, chosen, start, least)
    if told is None:
        return _web_exactly(*spans_of(sites, cells, chosen, kernel), start, decider, kernel)
    web, count = told
    decider.note("cut", "separation", count)
    return web


def spans_of(sites: Sites, cells: CellSigns, chosen: Tensor, kernel: Kernel) -> tuple[Spans, Ends]:
    """The chords of the chosen cells, and what is known of their ends; each column that cuts a cell must meet it in two
    sites."""
    spans, wrong = kernel.spans(sites, cells.cut, chosen)
    if bool(wrong.any()):
        raise InconsistentError("a line crosses a convex cell other than twice: an exact decision was wrong", wrong)
    return spans, kernel.ends(spans)


def _web_exactly(spans: Spans, ends: Ends, start: int, decider: Decider, kernel: Kernel) -> Web:
    """The same, where exact arithmetic is asked for what float64 leaves open."""
    meets = _placed(spans, ends, kernel.meets(spans.chords, ends)[0], decider)
    web, wrong = kernel.incidences(spans, meets, _ordered(spans, ends, meets, decider, kernel), start)
    if bool(wrong.any()):
        raise _inconsistent("lines that meet twice", spans.sites, spans.cell[meets.chord[wrong, 0]])
    return web


def _inconsistent(text: str, sites: Sites, cells: Tensor) -> InconsistentError:
    wrong = torch.zeros(sites.complex.cells, dtype=torch.bool, device=cells.device)
    wrong[cells] = True
    return InconsistentError(f"{text}: an exact decision was wrong", wrong)


def _placed(spans: Spans, ends: Ends, meets: Meets, decider: Decider) -> Meets:
    """The crossings of chords, with exact positions where a value at one end of a chord is within its error bound."""
    loose = ends.loose(spans.chords, meets)
    if not len(loose):
        return meets
    chord, other = meets.chord.T.reshape(-1), meets.chord.T.flip(0).reshape(-1)
    position, slack = (part.T.reshape(-1).clone() for part in (meets.position, meets.slack))
    begin, end = (spans.sites.places(end[chord[loose]]) for end in (spans.begin, spans.end))
    cell, column = spans.cell[chord[loose]], spans.column[other[loose]]
    sharp = decider.positions(begin, end, cell, column)
    position[loose], slack[loose] = sharp[0].clamp(0, 1), sharp[1]
    order = sort_within(chord, position)
    return Meets(meets.chord, position.view(2, -1).T, slack.view(2, -1).T, order)


def _ordered(spans: Spans, ends: Ends, meets: Meets, decider: Decider, kernel: Kernel) -> Order:
    """The crossings of chords: number i < Q on the first chord of pair i, Q + i on the second."""
    position, slack = (part.T.reshape(-1) for part in (meets.position, meets.slack))
    clusters = kernel.clusters(meets.order, meets.chord.T.reshape(-1), position, slack)
    if len(clusters[0]):
        least = decider.least(walls=0, columns=2)
        central = spans.cell.new_zeros(0, dtype=torch.bool)
        if not least:
            central = decider.central(spans.cell, -1 - spans.column)
        told = kernel.coincident(spans.chords, ends, meets, clusters, central, least)
        if told is not None:
            point, count = told
            decider.note("cut", "separation" if least else "name", count)
            return Order(meets.order, point.repeat(2))
    return _ordered_exactly(spans, meets, decider, clusters)


def _ordered_exactly(spans: Spans, meets: Meets, decider: Decider, clusters: tuple[Tensor, Tensor]) -> Order:
    """The same, where only exact signs tell which crossings of a cluster are one point."""
    pair = meets.chord
    chord, other = pair.T.reshape(-1), pair.T.flip(0).reshape(-1)
    sites, count = spans.sites, len(spans)

    def side(pivot: Tensor, crossing: Tensor) -> Tensor:
        own, partner, third = chord[pivot], other[pivot], other[crossing]
        names = torch.stack([-1 - spans.column[own], -1 - spans.column[partner]], 1)
        number = -1 - len(sites.crossings) - len(sites.shared.at) - pivot % len(pair)
        places = Places(number, spans.cell[own], names)
        at_begin = sites.above_left(spans.cell[own], spans.column[third])
        at_begin = torch.where(own < third, at_begin, -at_begin)
        return decider.signs(places, spans.column[third], "cut") * at_begin

    def chosen(crossing: Tensor, cluster: Tensor) -> Tensor:
        """Where a chord comes before all that cross it in the cluster: the others will know from it."""
        waiting = torch.zeros(count, dtype=torch.bool, device=chord.device)
        waiting[chord[crossing]] = True
        rival = torch.where(waiting[other[crossing]], other[crossing], count)
        least = rival.new_full((int(cluster[-1]) + 1,), count).scatter_reduce(0, cluster, rival, "amin")
        return chord[crossing] < least[cluster]

    def unite_at(point: Tensor, pivot: Tensor, crossing: Tensor) -> None:
        if not unite(point, pair, (pivot, crossing), count):
            raise _inconsistent("lines that meet in a point do not cross", sites, spans.cell[chord[pivot]])

    rules = Rules(len(pair), side, chosen, unite_at)
    return exact_order(meets.order, *clusters, rules)
