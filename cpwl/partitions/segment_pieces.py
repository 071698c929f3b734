"""What a network does along many segments: the pieces of each, and what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.pickled import Uncached
from ..arrays.ragged import Ragged
from ..errors import ArgumentError, ShapeError
from ..network.network import Network
from ..numbers.norms import norms
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, indices, whole
from ..runtime.pictures import picture
from ..tiling.bundle import BundleTiling

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_UNIT = 2.0**-53
_UP = 1 + 2.0**-20
"""Covers the rounding of a bound's own evaluation."""


@ieee
@dataclass(frozen=True, eq=False)
class ClassRuns:
    """The largest output along each segment, as runs: maximal stretches on which it is the same one."""

    classes: Ragged
    """The outputs of the runs of each segment, in order; of several that are equal along a run the lowest."""
    positions: Ragged
    """Where each run begins, as t: the first of a segment at 0. At the others two outputs are equal, exactly."""
    errors: Ragged
    """Bounds on the distances of ``positions`` from the exact ones."""

    @property
    def changes(self) -> Rows:
        """How often the class changes along each segment, int64 (S,)."""
        return self.classes.counts - 1


@ieee
@dataclass(frozen=True, eq=False)
class SegmentPieces(Uncached):
    """A network along S segments x = start + t step, 0 <= t <= 1: each in pieces on which the network is affine.

    Pieces are those of ``cpwl.partition`` on the segment: one activation pattern each, in order of t. Lists that have
    one entry a piece, breakpoint or position hold those of all segments one after the other, and a ``Ragged`` gives
    them segment by segment.
    """

    parts: tuple[BundleTiling, ...]

    def __len__(self) -> int:
        return sum(len(part.bundle) for part in self.parts)

    def __repr__(self) -> str:
        open_ = f", {len(self.ambiguous)} pieces ambiguous" if self.predicates == "float" else ""
        return (
            f"<SegmentPieces: {len(self):,} segments, {int(self.counts.sum()):,} pieces, float64 with "
            f"{self.predicates} predicates, {self.settled} decisions settled exactly{open_}>"
        )

    # ---- the segments ----------------------------------------------------------------------------------------------
    @property
    def network(self) -> Network:
        """The network; a periodic activation has become the ``Piecewise`` with the pieces that are reached."""
        return self.parts[0].network

    @property
    def predicates(self) -> str:
        """How decisions were made: "exact" or "float"."""
        return self.parts[0].predicates

    @property
    def settled(self) -> int:
        """How many decisions float64 left open and exact arithmetic made."""
        return sum(part.settled for part in self.parts)

    @property
    def starts(self) -> Floats:
        """The starts (S, *input_shape)."""
        return self._points(lambda part: part.bundle.starts)

    @property
    def steps(self) -> Floats:
        """The steps (S, *input_shape): end - start, rounded once."""
        return self._points(lambda part: part.bundle.steps)

    @cached_property
    def lengths(self) -> Floats:
        """The Euclidean lengths of the segments in the input space (S,): t times it is arc length."""
        return norms(self.steps.reshape(len(self), -1))

    def to_input(self, segment: int, t: ArrayLike) -> Floats:
        """Points of the input space (M, *input_shape) at parameters t (M,) of one segment; one for a number."""
        i = whole("segment", segment, 0, len(self) - 1)
        start, step = self.starts[i], self.steps[i]
        places = finite("t", t)
        if places.ndim > 1:
            raise ShapeError(f"t must have shape (M,), parameters of one segment, got {places.shape}.")
        return np.asarray(start + places.reshape(*places.shape, *(1,) * start.ndim) * step)

    # ---- pieces ----------------------------------------------------------------------------------------------------
    @cached_property
    def counts(self) -> Rows:
        """The number of pieces of each segment, int64 (S,): 1 and the number of its breakpoints."""
        return np.concatenate([np.bincount(part.segment, minlength=len(part.bundle)) for part in self.parts])

    @cached_property
    def positions(self) -> Ragged:
        """Where pieces begin and end, as t: for each segment 0, its breakpoints in order, and 1."""
        return Ragged.from_counts(self._places[0], self.counts + 1)

    @cached_property
    def position_errors(self) -> Floats:
        """Bounds on the distances of ``positions.values`` from the exact ones; 0 at the ends of segments."""
        return self._places[1]

    @cached_property
    def breakpoints(self) -> Ragged:
        """The breakpoints of each segment, as t, in order: between two pieces that differ in some unit."""
        return Ragged.from_counts(self.positions.values[self._inner], self.counts - 1)

    @cached_property
    def ambiguous(self) -> Rows:
        """Pieces in whose making float64 left a decision open, among all; none with exact predicates."""
        return np.flatnonzero(np.concatenate([part.arrangement.ambiguous for part in self.parts]))

    def patterns(self, segments: ArrayLike | None = None) -> NDArray[np.int16]:
        """The activation patterns of the pieces of some segments (all by default), int16 (pieces, network.units).

        See ``Partition.patterns``.
        """
        return np.concatenate([part.patterns(rows)[:, 1:] for part, rows in self._chosen(segments)])

    def units(self, segments: ArrayLike | None = None) -> Ragged:
        """For each breakpoint of some segments (all by default) the units that change their piece there, increasing."""
        unit_lists = []
        for part, rows in self._chosen(segments):
            before = rows[np.isin(rows, self._before_breakpoints(part))]
            unit_lists += [part.units_between(before[k : k + _AT_ONCE]) for k in range(0, len(before), _AT_ONCE)]
        counts = [lists.counts for lists in unit_lists]
        return Ragged.from_counts(
            np.concatenate([np.zeros(0, np.int64), *(lists.values for lists in unit_lists)]),
            np.concatenate([np.zeros(0, np.int64), *counts]),
        )

    # ---- the outputs -----------------------------------------------------------------------------------------------
    @cached_property
    def values(self) -> Floats:
        """The outputs at ``positions``, (positions, m)."""
        return np.concatenate([part.outputs.to_numpy()[self._order(part)] for part in self.parts])

    @cached_property
    def value_errors(self) -> Floats:
        """Bounds on the distances of ``values`` from the outputs at the exact positions, (positions, m)."""
        return np.concatenate([part.outputs.limits()[self._order(part)] for part in self.parts])

    def slopes(self, segments: ArrayLike | None = None) -> Floats:
        """The derivatives of the outputs by t on the pieces of some segments (all by default), (pieces, m).

        By arc length they are these over ``lengths``.
        """
        by_part = [part.jacobians(rows)[:, :, 0] for part, rows in self._chosen(segments)]
        return np.concatenate(by_part)

    def slope_errors(self, segments: ArrayLike | None = None) -> Floats:
        """Bounds on the distances of ``slopes`` from the exact ones, (pieces, m)."""
        return np.concatenate([part.map_errors(rows)[0][:, :, 0] for part, rows in self._chosen(segments)])

    def integrals(self) -> Floats:
        """The integrals of the outputs over 0 <= t <= 1, (S, m): the means of the outputs along the segments.

        By arc length they are these times ``lengths``. A sum over trapezoids, so without any error but that of
        positions, values and sums; see ``integral_errors``.
        """
        return self._integrals[0]

    def integral_errors(self) -> Floats:
        """Bounds on the distances of ``integrals`` from the exact ones, (S, m)."""
        return self._integrals[1]

    @cached_property
    def classes(self) -> ClassRuns:
        """The largest output along each segment, and where it changes: decided exactly, with exact predicates.

        Raises ``ArgumentError`` for a network with one output.
        """
        if self.network.outputs < 2:
            raise ArgumentError("classes need a network with two outputs or more, got one with 1.")
        by_part = [part.classes() for part in self.parts]
        counts = np.concatenate(
            [np.bincount(runs[0], minlength=len(part.bundle)) for part, runs in zip(self.parts, by_part, strict=True)]
        )
        _, classes, positions, errors = (np.concatenate(column) for column in zip(*by_part, strict=True))
        return ClassRuns(*(Ragged.from_counts(part, counts) for part in (classes, positions, errors)))

    # ---- tables and pictures ---------------------------------------------------------------------------------------
    def table(self) -> pandas.DataFrame:
        """One row a segment: its length, pieces, the mean of each output and, with several, classes at both ends and
        class changes."""
        import pandas

        columns: dict[str, Any] = {"length": self.lengths, "pieces": self.counts}
        if self.network.outputs > 1:
            runs = self.classes
            ends = runs.classes.offsets
            columns |= {"first class": runs.classes.values[ends[:-1]], "last class": runs.classes.values[ends[1:] - 1]}
            columns["class changes"] = runs.changes
        columns |= {f"mean of output {k}": column for k, column in enumerate(self.integrals().T)}
        return pandas.DataFrame(columns).rename_axis("segment")

    def to_frame(self) -> pandas.DataFrame:
        """One row a piece: its segment, from which t to which it goes, and the slope of each output by t."""
        import pandas

        last = np.zeros(len(self.positions.values), np.bool_)
        last[self.positions.offsets[1:] - 1] = True
        first = np.zeros_like(last)
        first[self.positions.offsets[:-1]] = True
        columns: dict[str, Any] = {"segment": np.repeat(np.arange(len(self)), self.counts)}
        columns |= {"from": self.positions.values[~last], "to": self.positions.values[~first]}
        columns |= {f"slope of output {k}": column for k, column in enumerate(self.slopes().T)}
        return pandas.DataFrame(columns).rename_axis("piece")

    def plot(self, segment: int, **options: Any) -> Any:
        """Draws the outputs along one segment, with its breakpoints; see ``cpwl.plots.plot_segment``."""
        return picture("plot_segment")(self, segment, **options)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _points(self, read: Callable[[BundleTiling], Floats]) -> Floats:
        return np.concatenate([read(part) for part in self.parts]).reshape(-1, *self.network.input_shape)

    @staticmethod
    def _before_breakpoints(part: BundleTiling) -> Rows:
        """The pieces that another one of their segment follows."""
        return np.flatnonzero(np.diff(part.segment) == 0)

    @staticmethod
    def _order(part: BundleTiling) -> Rows:
        """The vertices of a part in the order of ``positions``."""
        first = np.flatnonzero(np.diff(part.segment, prepend=-1))
        return np.insert(part.ends[:, 1], first, part.ends[first, 0])

    @cached_property
    def _inner(self) -> NDArray[np.bool_]:
        """Which positions are breakpoints."""
        inner = np.ones(int(self.counts.sum()) + len(self), np.bool_)
        ends = np.cumsum(self.counts + 1)
        inner[ends - 1] = inner[ends - self.counts - 1] = False
        return inner

    @cached_property
    def _places(self) -> tuple[Floats, Floats]:
        """Positions and bounds. Their order is exact; where rounding turned two around, both are put at one place."""
        t = np.concatenate([part.vertices[self._order(part), 0] for part in self.parts])
        errors = np.concatenate([part.vertex_errors()[self._order(part)] for part in self.parts])
        segment = np.repeat(np.arange(len(self)), self.counts + 1)
        # Of 2 segment + t the largest so far, but for its rounding, which must not enter.
        turned = np.flatnonzero((np.diff(t) < 0) & (np.diff(segment) == 0))
        for i in np.unique(segment[turned]).tolist():
            rows = np.flatnonzero(segment == i)
            t[rows] = np.maximum.accumulate(t[rows])
            errors[rows[1:-1]] = errors[rows].max()
        return t, errors

    def _chosen(self, segments: ArrayLike | None) -> list[tuple[BundleTiling, Rows]]:
        """The parts with pieces of the wanted segments, in their order; of none one part without any."""
        if segments is None:
            return [(part, np.arange(len(part))) for part in self.parts]
        wanted = indices("segments", segments, len(self))
        starts = np.cumsum([0, *(len(part.bundle) for part in self.parts)])
        chosen = []
        for i in wanted.tolist():
            k = int(np.searchsorted(starts, i, side="right")) - 1
            chosen.append(
                (self.parts[k], np.arange(*np.searchsorted(self.parts[k].segment, [i - starts[k], i - starts[k] + 1])))
            )
        return chosen or [(self.parts[0], np.zeros(0, np.int64))]

    @cached_property
    def _integrals(self) -> tuple[Floats, Floats]:
        """A trapezoid a piece. The sum is linear in the positions, and in the values, so are the bounds."""
        t, off, v, e = self.positions.values, self.position_errors, self.values, self.value_errors
        starts = self.positions.offsets[:-1]
        within = np.ones(len(t) - 1, np.bool_)
        within[self.positions.offsets[1:-1] - 1] = False
        width = np.where(within, np.diff(t), 0.0)[:, None]
        area, reach = width * (v[1:] + v[:-1]) / 2, width * (e[1:] + e[:-1]) / 2
        size = width * (np.abs(v[1:]) + np.abs(v[:-1])) / 2
        moved = np.zeros_like(v)
        moved[1:-1] = off[1:-1, None] * (np.abs(v[:-2] - v[2:]) + e[:-2] + e[2:]) / 2 * self._inner[1:-1, None]
        zero = np.zeros((1, v.shape[1]))
        total, bound, sizes = (
            np.add.reduceat(np.concatenate([part, zero]), starts, axis=0) for part in (area, reach, size)
        )
        bound += np.add.reduceat(moved, starts, axis=0)
        rounding = (self.counts[:, None] + 6) * 2 * _UNIT * sizes
        return total, (bound + rounding) * _UP + np.where(sizes > 0, 2.0**-1000, 0.0)


_AT_ONCE = 1 << 14
"""Pieces whose patterns are looked at together."""
