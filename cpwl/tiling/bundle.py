"""A network on many segments at once: they are one arrangement, which goes through the stages as any other does.

The number of its segment is the first number of a region's pattern, as if a first unit chose among the segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.ragged import Ragged
from ..backends.backend import Backend
from ..errors import NumericalRangeError
from ..fields.arithmetic import evaluate
from ..fields.predicates import Names
from ..geometry.arrangement import Arrangement
from ..geometry.bundle import Bundle, BundleArrangement
from ..network.equilibrate import equilibrated
from ..network.network import Network
from ..network.operators import Max, Periodic
from ..numbers.norms import norms
from .blocks import Blocks
from .cells import cut_by_maximum
from .history import Step, roots
from .pieces import WinnerPieces
from .stages import Stages
from .states import Finished, State, Task
from .tiling import Tiling

Rows = NDArray[np.int64]

_WHOLE = Blocks(pass_=1 << 60, block=1 << 60, limit=1 << 60)
"""Segments are divided into bundles before, and a bundle is not divided."""


def bundle_tiling(
    network: Network, bundle: Bundle, backend: str, device: str | None, predicates: Literal["exact", "float"]
) -> BundleTiling:
    """The pieces of all segments of a bundle."""
    chosen = backends.get(backend, device)
    exact = predicates == "exact"
    stages = _BundleStages(network if chosen.exact else equilibrated(network), bundle, chosen, exact=exact)
    finished = stages.run(named=exact and not chosen.exact)
    output = stages.at_vertices(finished)
    if not np.isfinite(output.errors()).all():
        raise NumericalRangeError("the network's outputs overflow float64 on a segment. Scale the network.")
    periodic = any(isinstance(node.op, Periodic) for node in network.nodes)
    state = finished.state
    return BundleTiling(
        network=stages.network if periodic else network,
        domain=bundle,
        arrangement=_bundled(state.arrangement).fixed(),
        steps=(*state.history, *state.steps),
        outputs=output,
        backend=backend,
        device=device,
        predicates=predicates,
        settled=state.settled,
        recut=state.recut,
        walls=state.walls,
    )


class _BundleStages(Stages):
    """Refines the segments of a bundle."""

    def __init__(self, network: Network, bundle: Bundle, backend: Backend, *, exact: bool) -> None:
        super().__init__(network, bundle, backend, exact=exact, blocks=_WHOLE)
        self._bundle, self._backend = bundle, backend

    def run(self, *, named: bool) -> Finished:
        """From the segments to the output; ``named``: decisions that float64 leaves open are made by name."""
        count = len(self._bundle)
        maxima = any(isinstance(node.op, Max) for node in self.network.nodes)
        arrangement = self._backend.bundle(count, maxima=maxima)
        choice = WinnerPieces(np.arange(count, dtype=np.int16)[:, None])
        state = State(arrangement, 0, Names.sides(2) if named else None, history=(Step(-1, np.arange(count), choice),))
        finished = self.advance(Task(state, {0: self._inputs(state, None)}, 1.0))
        assert isinstance(finished, Finished)
        return finished

    def at_vertices(self, finished: Finished) -> Any:
        """The output with bounds on how far it is from the values at exact vertices.

        Where vertices are so close to each other that slopes between them say nothing, it is computed anew.
        """
        output = _bundled(finished.state.arrangement).at_vertices(finished.output)
        open_ = np.flatnonzero(~np.isfinite(output.errors()))
        if not len(open_):
            return output
        arithmetic = self._arithmetic.by_rows
        anew = evaluate(self.network, arithmetic, self._inputs(finished.state, open_))
        source = np.arange(output.rows)
        source[open_] = output.rows + np.arange(len(open_))
        return arithmetic.take(arithmetic.stack([output, anew]), source)

    def _inputs(self, state: State, vertices: Rows | None) -> Any:
        """The points of the input space at some vertices, or (None) at all, with bounds on their rounding."""
        arrangement = state.arrangement
        segment = np.empty(len(arrangement.vertices), np.int64)
        corners = arrangement.regions
        segment[corners.values] = roots((*state.history, *state.steps))[corners.row_of]
        chosen = slice(None) if vertices is None else vertices
        t, off = arrangement.vertices[chosen, 0], arrangement.coordinates().errors()[chosen]
        points, errors = points_at(self._bundle, segment[chosen], t, off)
        return self._arithmetic.by_rows.points(points, error=errors)


def _bundled(arrangement: Arrangement[Any]) -> BundleArrangement[Any]:
    assert isinstance(arrangement, BundleArrangement)
    return arrangement


def points_at(
    bundle: Bundle, segment: Rows, t: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """start + step t, rounded; and bounds on the distance from that of a parameter so much off.

    At t = 0 and t = 1 the rounding is known exactly (the sum of two numbers and its error, Moller and Knuth).
    """
    start, step = bundle.starts[segment], bundle.steps[segment]
    move = step * t[:, None]
    points = start + move
    back = points - start
    missed = np.abs((start - (points - back)) + (move - back))
    missed += np.abs(move) * np.where((t == 0) | (t == 1), 0.0, 2.0**-53)[:, None]
    missed += np.abs(step) * errors[:, None]
    bound = norms(missed) * (1 + 2.0**-20)
    return points, np.where(missed.any(axis=1), np.maximum(bound, 2.0**-500), 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class BundleTiling(Tiling):
    """The pieces of all segments of a bundle, segment by segment, from their starts to their ends.

    ``patterns`` begin with the number of the segment.
    """

    @property
    def bundle(self) -> Bundle:
        """The segments."""
        assert isinstance(self.domain, Bundle)
        return self.domain

    @cached_property
    def segment(self) -> Rows:
        """The segment of each piece, int64 (P,)."""
        return roots(self.steps)

    @cached_property
    def ends(self) -> Rows:
        """The vertices at which each piece begins and ends, int64 (P, 2)."""
        return ends_of(self.arrangement)

    def units_between(self, before: Rows) -> Ragged:
        """The units that are on different pieces on regions ``before``[i] and ``before``[i] + 1, increasing."""
        patterns = self.patterns(before)[:, 1:] != self.patterns(before + 1)[:, 1:]
        row, unit = np.nonzero(patterns)
        return Ragged.from_counts(unit, np.bincount(row, minlength=len(before)))

    def classes(self) -> tuple[Rows, Rows, NDArray[np.float64], NDArray[np.float64]]:
        """Runs of one largest output along the segments: segment, output, start and the bound on that.

        Which output is largest is decided exactly; of several that are equal along a run it is the first.
        """
        groups = Ragged.of([list(range(self.network.outputs))])
        cells, by_maximum = cut_by_maximum(self, groups)
        segment, winner = self.segment[cells.regions], by_maximum.winners[:, 0].astype(np.int64)
        begins = ends_of(cells.arrangement)[:, 0]
        changed = np.concatenate([[True], (np.diff(winner) != 0) | (np.diff(segment) != 0)])
        at = begins[changed]
        coordinates = cells.arrangement.coordinates()
        return segment[changed], winner[changed], coordinates.to_numpy()[at, 0], coordinates.errors()[at]

    def _map_field(self, regions: Rows, origin: Any, basis: Any) -> Any:
        """The maps from one pass: for each piece a row for the step of its segment, and after these for its start."""
        segment = self.segment[regions]
        points = None if origin is None else self.bundle.starts[segment]
        return self._carried(self.patterns(regions)[:, 1:], self.bundle.steps[segment], points)


def ends_of(arrangement: Arrangement[Any]) -> Rows:
    """The vertices at which each piece of a bundle begins and ends, (P, 2)."""
    facets = arrangement.facets()
    assert facets.walls is not None
    result = np.empty((len(arrangement), 2), np.int64)
    before, after = facets.regions.T
    vertex, inner = facets.vertices.values, after >= 0
    result[before[inner], 1], result[after[inner], 0] = vertex[inner], vertex[inner]
    for wall in (0, 1):
        outer = ~inner & (facets.walls == wall)
        result[before[outer], wall] = vertex[outer]
    return result
