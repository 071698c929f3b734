"""What each unit and each layer does to a domain: where units cut, which never do, and which cut along the same line.

All of it is read off the activation patterns on the two sides of facets: with exact predicates no answer depends on a
rounded coordinate; only lengths are measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.batches import batches
from ..errors import check_planar
from ..geometry.simplices import facet_measures
from ..network.network import Network, table
from ..network.operators import Piecewise
from ..partitions.compute import partition
from ..runtime.ieee import ieee
from ..runtime.inputs import indices, instance, whole
from ..runtime.pictures import picture
from ..statistics.crossing_units import BLOCK, Crossings, crossings
from ..tiling.history import Step
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    import pandas

CUTS, DEAD, LINEAR = "cuts", "dead", "linear"

Rows = NDArray[np.int64]


@ieee
@dataclass(frozen=True, eq=False)
class Polyline:
    """A part of a unit's boundary: a curve of facets along which it passes from one piece to another."""

    unit: int
    """Column of ``partition.patterns()``."""
    pieces: tuple[int, int]
    """The unit's piece on the right of the curve and, the larger one, on its left."""
    vertices: Rows
    """The vertices of the partition along it, in order, int64 (n,); of a closed curve the first is not repeated."""
    closed: bool
    """Whether it comes back to its first vertex. Others end at the border, or where several curves of the unit meet."""


@ieee
@dataclass(frozen=True, eq=False)
class Units:
    """The units of a network on a partition's domain; axis U: the columns of ``partition.patterns()``."""

    partition: Tiling
    crossings: Crossings
    """Which units cross which facets."""
    lowest: NDArray[np.int16]
    """The lowest piece of each unit on any region, (U,)."""
    highest: NDArray[np.int16]
    """The highest, (U,): the unit cuts the domain if it is another one."""

    def __len__(self) -> int:
        return len(self.lowest)

    def __repr__(self) -> str:
        counts = ", ".join(f"{int((self.states == state).sum())} {state}" for state in (CUTS, DEAD, LINEAR))
        part = "" if self.partition.complete else "INCOMPLETE, "
        return f"<Units: {part}{len(self)} on {len(self.partition)} regions: {counts}>"

    @cached_property
    def layers(self) -> Rows:
        """The layer of each unit, int64 (U,): nonlinear nodes counted from 1."""
        sizes = [columns.stop - columns.start for columns in self.partition.network.unit_columns.values()]
        return np.repeat(np.arange(1, len(sizes) + 1), sizes)

    @cached_property
    def states(self) -> NDArray[np.str_]:
        """What each unit does on the domain, (U,).

        "cuts": it has several pieces. Else it has one piece throughout: "dead" if the unit is constant there (a ReLU
        that is never active), "linear" if not (a ReLU that is always active; a maximum with one winner). A unit that is
        identically at a breakpoint is on the piece to the right of it, by the canonical choice of proofs/.
        """
        flat = np.concatenate([np.zeros(0, np.bool_), *self._flat_pieces()])
        return np.where(self.lowest != self.highest, CUTS, np.where(flat, DEAD, LINEAR))

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """The length of each unit's boundary in slice coordinates, (U,): its area when D = 3, and so on."""
        return self._summed(self._facet_lengths[self.crossings.facet])

    @cached_property
    def shared(self) -> NDArray[np.float64]:
        """The length of the part of each unit's boundary that lies on the boundary of another unit, (U,)."""
        several = np.bincount(self.crossings.facet, minlength=len(self._facet_lengths))[self.crossings.facet] > 1
        return self._summed(self._facet_lengths[self.crossings.facet] * several)

    @cached_property
    def repeats(self) -> Rows:
        """The first unit that cuts along exactly the same facets, int64 (U,): -1 for that one, and if there is none."""
        first: dict[bytes, int] = {}
        rows = self.crossings.by_unit(len(self))
        repeated = np.full(len(self), -1)
        for unit in np.flatnonzero(rows.counts).tolist():
            known = first.setdefault(self.crossings.facet[rows[unit]].tobytes(), unit)
            repeated[unit] = known if known != unit else -1
        return repeated

    @cached_property
    def regions_after(self) -> Rows:
        """How many regions there are after each layer, int64 (L,): those that a partition by the layers so far has."""
        return np.array([len(regions) for _, regions in _present(self.partition)], np.int64)

    def polylines(self, units: ArrayLike | None = None) -> list[Polyline]:
        """The boundaries of units (all by default) as curves, unit by unit; the larger piece is on their left.

        A unit with several breakpoints has curves for each; a maximum for each two arguments that win beside each
        other. Curves are parted where more than two ends meet. ``ArgumentError`` for a unit that is none;
        ``UnsupportedDimensionError`` unless on a plane.
        """
        check_planar(self.partition.domain.dim, "curves of units")
        chosen = np.arange(len(self)) if units is None else indices("units", units, len(self))
        rows = np.sort(self.crossings.by_unit(len(self)).take(np.unique(chosen)).values)
        return list(_curves(self.partition, self.crossings, rows))

    def partition_after(self, layer: int) -> Tiling:
        """The partition by the units of the first layers, up to number ``layer`` (from 1): computed anew.

        Its network is this one's, ended behind that layer's activation. ``ArgumentError`` for a layer that is none.
        """
        part, nodes = self.partition, self.partition.network.nonlinear
        layer = whole("layer", layer, 1, len(nodes))
        ended = Network(part.network.nodes[: nodes[layer - 1] + 1])
        return partition(ended, part.domain, backend=part.backend, device=part.device, predicates=part.predicates)

    def to_frame(self) -> pandas.DataFrame:
        """One row a unit: layer, name, index in the layer, state, pieces, facets, length, shared length, repeats.

        Where the partition is not complete this is about the regions that are there, and a column ``complete`` says so.
        """
        import pandas

        columns = self.partition.network.unit_columns
        names = np.array([self.partition.network.nodes[i].name for i in columns], object)
        starts = np.array([part.start for part in columns.values()], np.int64)
        table = pandas.DataFrame(
            {
                "layer": self.layers,
                "name": names[self.layers - 1],
                "index": np.arange(len(self)) - starts[self.layers - 1],
                "state": self.states,
                "lowest piece": self.lowest,
                "highest piece": self.highest,
                "facets": np.bincount(self.crossings.unit, minlength=len(self)),
                "length": self.lengths,
                "shared": self.shared,
                "repeats": self.repeats,
            }
        ).rename_axis("unit")
        return table if self.partition.complete else table.assign(complete=False)

    def by_layer(self) -> pandas.DataFrame:
        """One row a layer: name, units, how many cut, are dead, linear, repeat another; length; regions after it."""
        table = self.to_frame()
        states = {state: table["state"] == state for state in (CUTS, DEAD, LINEAR)}
        groups = table.assign(units=1, repeats=self.repeats >= 0, **states).groupby("layer")
        counts = groups[["units", CUTS, DEAD, LINEAR, "repeats"]].sum()
        by_layer = groups[["name"]].first().join([counts, groups[["length"]].sum()])
        by_layer = by_layer.assign(regions=self.regions_after)
        return by_layer if self.partition.complete else by_layer.assign(complete=False)

    def plot(self, **options: Any) -> Any:
        """A matplotlib figure with a panel for each layer; see ``cpwl.plots.plot_units``."""
        return picture("plot_units")(self, **options)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _flat_pieces(self) -> Iterator[NDArray[np.bool_]]:
        """For the units of each layer whether the function is constant on their lowest piece."""
        for i, columns in self.partition.network.unit_columns.items():
            node, pieces = self.partition.network.nodes[i], self.lowest[columns]
            if isinstance(node.op, Piecewise):
                yield table(node.op.slopes, node)[pieces, np.arange(node.size)] == 0
            else:
                yield np.zeros(node.size, np.bool_)

    @cached_property
    def _facet_lengths(self) -> NDArray[np.float64]:
        return facet_measures(self.partition.arrangement, np.asarray(self.partition.vertices, np.float64))

    def _summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(self.crossings.unit, weights=values, minlength=len(self)), np.float64)


@ieee
def units(part: Tiling) -> Units:
    """What each unit of a partition's network does on its domain.

    On a partition with exact predicates, or an exact one, this is exact; see ``crossings``. On one that is not
    ``complete`` it is about the regions that are there.
    """
    if not len(instance("part", part, Tiling, "Use cpwl.partition.", "Partition")):
        part.check_complete("what units do")
    bounds = [_bounds(step, regions) for step, regions in _present(part)]
    empty = np.zeros(0, np.int16)
    lowest, highest = (np.concatenate([empty, *(pair[k] for pair in bounds)]) for k in (0, 1))
    return Units(part, crossings(part), lowest, highest)


def _present(part: Tiling) -> list[tuple[Step, Rows]]:
    """Each step of a nonlinear node with the regions after it in which regions of the partition lie."""
    present, regions = [], np.arange(len(part))
    for step in reversed(part.steps):
        if step.node >= 0:
            present.append((step, regions))
        regions = np.unique(step.parents[regions])
    return present[::-1]


def _bounds(step: Step, regions: Rows) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The lowest and the highest piece of each unit of a step on some regions, (units,) each."""
    first = step.pieces.take(regions[:1])[0]
    low, high = first.copy(), first.copy()
    for part in batches(len(regions), len(first), BLOCK):
        pieces = step.pieces.take(regions[part])
        low, high = np.minimum(low, pieces.min(axis=0)), np.maximum(high, pieces.max(axis=0))
    return low, high


def _curves(part: Tiling, crossings: Crossings, rows: Rows) -> Iterator[Polyline]:
    """The curves that some crossings make up: from each facet to the next of the same unit.

    Facets are directed so that the larger piece is on their left; where just one ends and one begins, they are joined:
    the piece changes twice around that vertex, so that both are between the same two pieces.
    """
    left, right = crossings.left[rows].astype(np.int64), crossings.right[rows].astype(np.int64)
    low, high, unit = np.minimum(left, right), np.maximum(left, right), crossings.unit[rows]
    ends = part.facets().vertices.values.reshape(-1, 2)[crossings.facet[rows]]
    ends = np.where((left > right)[:, None], ends, ends[:, ::-1])
    following = _joined(unit[:, None] * len(part.vertices) + ends)
    for chain, closed in _chains(following, np.argsort(unit, kind="stable")):
        edge = chain[0]
        vertices = [*ends[chain, 0], *([] if closed else [ends[chain[-1], 1]])]
        yield Polyline(int(unit[edge]), (int(low[edge]), int(high[edge])), np.array(vertices, np.int64), closed)


def _joined(ends: Rows) -> Rows:
    """For each directed edge (n, 2) the one that follows: -1 unless one edge ends and one begins at its end."""
    names, places = np.unique(ends, return_inverse=True)
    places = places.reshape(-1, 2)
    begin, end = (np.bincount(places[:, k], minlength=len(names)) for k in (0, 1))
    starting = np.full(len(names), -1)
    starting[places[:, 0]] = np.arange(len(ends))
    return np.where((begin == 1) & (end == 1), starting, -1)[places[:, 1]]


def _chains(following: Rows, order: Rows) -> Iterator[tuple[list[int], bool]]:
    """The chains of edges, in the order of their first ones, and whether they are closed."""
    after, pending = following.tolist(), [True] * len(following)
    led = np.zeros(len(following), np.bool_)
    led[following[following >= 0]] = True
    for closed, starts in ((False, order[~led[order]]), (True, order[led[order]])):
        for start in starts.tolist():
            chain, at = [], start
            while at >= 0 and pending[at]:
                pending[at] = False
                chain.append(at)
                at = after[at]
            if chain:
                yield chain, closed
