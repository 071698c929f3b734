"""Decision boundaries and level sets of a partition, and points drawn from them.

The argmax boundary is where the two largest outputs are equal: inside each region a union of facets of the cells of
max(outputs) (proofs/, Theorem 1). Only regions on which no single output is the largest throughout are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from operator import index
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..bounds.relevance import AtBoundary, AtLevel
from ..errors import ArgumentError
from ..fields.predicates import Names, Predicates
from ..geometry.arrangement import Arrangement, Refinement
from ..geometry.ladder import Ladder
from ..network.network import Node
from ..network.operators import Gather, Sum
from ..regions.classes import certain_classes
from ..runtime.ieee import ieee
from ..runtime.inputs import flag, instance, unrounded_number
from ..runtime.pictures import picture
from ..tiling.cells import Cells, cut_at_level, cut_by_maximum
from ..tiling.tiling import Tiling
from .faces import BoundaryFaces
from .nearest import Nearest, length_table, nearest

if TYPE_CHECKING:
    import pandas

    from .exact_samples import BoundarySamples
    from .meshes.mesh import SurfaceMesh


@ieee
@dataclass(frozen=True, eq=False, repr=False)
class DecisionBoundary(BoundaryFaces):
    """The faces on which a partition's outputs are decided: points, segments, polygons, ..., of dimension D - 1."""

    def certify(self, n: int = 20, *, seed: int = 0) -> BoundarySamples:
        """n exact rational points, drawn uniformly by length (area, ...), that are proved to lie on the boundary.

        The result can be saved as a certificate, and it gives the float64 and float32 neighbours of each point with
        their exact differences on both sides. See ``cpwl.certify_samples``.
        """
        from .exact_samples import certified

        return certified(self, n, seed)

    def mesh(self) -> SurfaceMesh:
        """The polygons in three dimensions as a mesh: how they meet, their sides, areas, files; see ``SurfaceMesh``."""
        from .meshes.mesh import mesh

        return mesh(self)

    def nearest(self, u: ArrayLike) -> Nearest:
        """The nearest point of the boundary to each point u (M, D) of the slice, or to one (D,).

        See ``cpwl.analysis.nearest``.
        """
        return nearest(self, u)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draws a surface in three dimensions and returns the axes; options: ``help(cpwl.plots.plot_mesh)``."""
        return picture("plot_mesh")(self, ax, **options)

    def view(self, path: str | PathLike[str] | None = None, **options: Any) -> Any:
        """Writes the interactive page of a surface in three dimensions, and returns its path.

        Without a path it is shown where it is asked for, in a notebook. Options: ``help(cpwl.plots.view_surface)``.
        """
        return picture("view_surface")(self, path, **options)

    def plot_samples(self, data: ArrayLike, **options: Any) -> Any:
        """Draws points of it as images, with the closest data; see ``cpwl.plots.plot_samples``."""
        return picture("plot_samples")(self, data, **options)

    def _repr_html_(self) -> str:
        return str(picture("boundary_html")(self))

    def table(self) -> pandas.DataFrame:
        """The length (area, ...) of each class pair's part; see ``cpwl.analysis.length_table``."""
        return length_table(self)


@ieee
def decision_boundary(
    part: Tiling,
    classes: tuple[int, int] | None = None,
    *,
    everywhere: bool = False,
    level: float | None = None,
) -> DecisionBoundary:
    """The boundary on which a partition's outputs are decided.

    By default the argmax boundary: two outputs are equal and largest; labelled by their pair (where more than two are:
    that of the winners on the two sides, or else the lowest). ``classes=(i, j)``: where those two are equal and
    largest, or, with ``everywhere=True``, all of {output i = output j}. ``level=c``: the level set of a network with
    one output; its pairs are (-1, -1). A facet inside an area over which its two outputs tie is no part of it: the
    region is in ``ties``. With exact predicates corners are as near to the exact ones as the partition's vertices,
    all of them sharp if it is ``sharpened()``; ``slack`` bounds how far. On a float partition ``undecided`` lists the
    regions in which this is not certain. Raises ``ArgumentError`` for classes or a level that make no sense.
    """
    instance("part", part, Tiling, "Use cpwl.partition.", "Partition")
    boundary = _boundary(part, classes, everywhere=flag("everywhere", everywhere), level=level)
    return replace(boundary, covered=_covered(part, classes, everywhere=everywhere, level=level))


def _covered(part: Tiling, classes: tuple[int, int] | None, *, everywhere: bool, level: float | None) -> bool:
    """Whether a partition that was kept to what is relevant has all regions that carry a boundary."""
    if part.pruned is None or not part.pruned.finished:
        return False
    if level is not None:
        return part.pruned.relevance == AtLevel(float(level))
    outputs = part.network.outputs
    wanted = AtBoundary(outputs), AtBoundary(outputs, None if classes is None else checked_pair(classes, outputs))
    return not everywhere and part.pruned.relevance in wanted


def _boundary(
    part: Tiling, classes: tuple[int, int] | None, *, everywhere: bool, level: float | None
) -> DecisionBoundary:
    """The boundary, whatever is missing."""
    if level is not None:
        if everywhere:
            raise ArgumentError("everywhere=True goes with classes=(i, j), not with a level.")
        return _level_boundary(part, classes, level)
    m = part.network.outputs
    if m < 2:
        raise ArgumentError("the network has one output: give level=, the value whose level set is wanted.")
    if classes is None:
        if everywhere:
            raise ArgumentError("everywhere=True needs classes=(i, j), the pair whose outputs are to be equal.")
        return _argmax_boundary(part)
    pair = checked_pair(classes, m)
    if everywhere:
        difference = Names.differences(len(part.network.nonlinear), *np.array(pair)[:, None])
        return replace(_at_level(part, _difference(part, *pair), pair, 0.0, difference), everywhere=True)
    return _argmax_boundary(part, pair)


def checked_pair(classes: tuple[int, int], m: int) -> tuple[int, int]:
    """A pair of two of m outputs, the lower one first; ``ArgumentError`` for anything else."""
    try:
        numbers = [index(c) for c in classes]
    except TypeError:
        raise ArgumentError(f"classes must be a pair of output indices (i, j), got {classes!r}.") from None
    if len(numbers) != 2 or numbers[0] == numbers[1] or not all(0 <= c < m for c in numbers):
        raise ArgumentError(f"classes must be two different outputs among 0..{m - 1}, got {tuple(classes)!r}.")
    return min(numbers), max(numbers)


def at_level(part: Tiling, level: float) -> tuple[Cells, Refinement[Any]]:
    """The regions of a partition, cut where the network's one output has a level; all decisions are the partition's."""
    if part.network.outputs != 1:
        raise ArgumentError(f"level needs a network with one output; this one has {part.network.outputs} outputs.")
    value = unrounded_number("level", level)
    return cut_at_level(part, part.outputs, value, _output_at(part, value))


def _output_at(part: Tiling, level: float) -> Names:
    return Names.levels(len(part.network.nonlinear), np.zeros(1, np.int64), np.array([level]))


def _level_boundary(part: Tiling, classes: tuple[int, int] | None, level: float) -> DecisionBoundary:
    if classes is not None or part.network.outputs != 1:
        raise ArgumentError(
            f"level needs a network with one output and no classes; this one has {part.network.outputs} outputs."
        )
    value = unrounded_number("level", level)
    return _at_level(part, part.outputs, (-1, -1), value, _output_at(part, value))


def _difference(part: Tiling, i: int, j: int) -> Any:
    """Output i minus output j as a field with one function."""
    arithmetic = part.arithmetic()
    single = [arithmetic.linear(Node(Gather(np.array([c])), (), (1,)), [part.outputs]) for c in (i, j)]
    return arithmetic.linear(Node(Sum((1.0, -1.0)), (), (1,)), single)


def _at_level(part: Tiling, field: Any, pair: tuple[int, int], level: float, name: Names) -> DecisionBoundary:
    """Where one function, of that name, is at a level."""
    if not len(part):
        return replace(_empty(part), level=level if pair[0] < 0 else None)
    cells, refinement = cut_at_level(part, field, level, name)
    arrangement = cells.arrangement
    at_level = refinement.values.to_numpy()[:, 0] == level
    below = refinement.below.dense()[:, 0]
    tied = arrangement.regions.reduce(np.logical_and, at_level[arrangement.regions.values])
    facets = arrangement.facets()
    region, neighbour = facets.regions.T
    chosen = ((neighbour >= 0) & (below[region] != below[neighbour])) | _throughout(at_level, arrangement)
    chosen &= ~(tied[region] | ((neighbour >= 0) & tied[neighbour]))
    facet = np.flatnonzero(chosen)
    pairs = np.tile(np.array(pair), (len(facet), 1))
    ties = tuple((r, pair) for r in np.unique(cells.regions[tied]).tolist())
    touching = (neighbour[facet] < 0) | (below[region[facet]] == below[neighbour[facet]])
    return assembled(cells, facet, pairs, ties, touching, tied, level if pair[0] < 0 else None)


def _throughout(at_level: NDArray[np.bool_], arrangement: Arrangement[Any]) -> NDArray[np.bool_]:
    """The facets all of whose vertices are among those chosen."""
    for k in range(1, arrangement.dim):
        members = arrangement.boundary(k)
        at_level = members.reduce(np.logical_and, at_level[members.values])
    return at_level


def _argmax_boundary(part: Tiling, pair: tuple[int, int] | None = None) -> DecisionBoundary:
    """Where two outputs (those of the pair, if given) are equal and largest."""
    undecided = _undecided_regions(part)
    if not len(undecided):
        return _empty(part)
    cells, by_maximum = cut_by_maximum(part, Ragged.of([range(part.network.outputs)]), regions=undecided)
    regions, predicates = cells.regions, cells.predicates
    arrangement, winner = cells.arrangement, by_maximum.winners[:, 0].astype(np.int64)
    facets = arrangement.facets()
    largest = _rivals(by_maximum.fields[0], certain=predicates is None)
    on_region = _everywhere(largest, arrangement.regions, winner[:, None])
    # Beyond the domain there is no region: the one inside counts twice.
    sides = np.where(facets.regions >= 0, facets.regions, facets.regions[:, :1])
    on_facet = _everywhere(largest, facets.vertices, winner[sides])
    if predicates is not None:
        _confirm(on_region, winner[:, None], predicates, regions)
        _confirm(on_facet, winner[sides], predicates, regions[sides[:, 0]], facets.walls)
    facet, first, second = _pairs(on_facet)
    inside_tie = [on_region[sides[facet, k], first] & on_region[sides[facet, k], second] for k in (0, 1)]
    kept = np.flatnonzero(~(inside_tie[0] | inside_tie[1]))
    if pair is None:
        parts = np.sort(winner[sides[facet[kept]]], axis=1)
        divides = (parts[:, 0] == first[kept]) & (parts[:, 1] == second[kept])
        kept = kept[np.lexsort((kept, ~divides, facet[kept]))]
        kept = kept[np.unique(facet[kept], return_index=True)[1]]
    else:
        kept = kept[(first[kept] == pair[0]) & (second[kept] == pair[1])]
    cell, *classes = _pairs(on_region)
    listed = np.ones(len(cell), np.bool_) if pair is None else (np.stack(classes, axis=1) == pair).all(axis=1)
    tied = np.zeros(len(arrangement), np.bool_)
    tied[cell[listed]] = True
    numbers = np.stack([regions[cell], *classes], axis=1)[listed].tolist()
    ties = tuple(sorted({(r, (i, j)) for r, i, j in numbers}))
    pairs = np.stack([first[kept], second[kept]], axis=1)
    touching = winner[sides[facet[kept], 0]] == winner[sides[facet[kept], 1]]
    return assembled(cells, facet[kept], pairs, ties, touching, tied, None)


def _empty(part: Tiling) -> DecisionBoundary:
    nowhere, none = np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
    vertices, faces = part.vertices[:0], Ragged(nowhere, np.zeros(1, np.int64))
    simplices, no = np.zeros((0, part.domain.dim), np.int64), np.zeros(0, np.bool_)
    return DecisionBoundary(
        part, vertices, faces, simplices, nowhere, nowhere, none, np.zeros(0), no, nowhere, (), faces, faces, no
    )


def _undecided_regions(part: Tiling) -> NDArray[np.int64]:
    return np.flatnonzero(certain_classes(part) < 0)


def _rivals(outputs: Any, *, certain: bool) -> NDArray[np.bool_]:
    """At each vertex the outputs that equal the largest one (or might, if not to be ``certain``), bool (V, m)."""
    values = outputs.to_numpy()
    largest = values.max(axis=1, keepdims=True)
    if certain:
        return np.asarray(values == largest, dtype=np.bool_)
    # Two entries of a row together are off by at most sqrt(2) times its error.
    return np.asarray(largest - values <= 2 * outputs.errors()[:, None], dtype=np.bool_)


def _confirm(
    chosen: NDArray[np.bool_],
    winners: NDArray[np.int64],
    predicates: Predicates,
    regions: NDArray[np.int64],
    walls: NDArray[np.int64] | None = None,
) -> None:
    """Takes back the choice of outputs that are not exactly equal to the winner, on the region or along the wall."""
    open_ = chosen.copy()
    np.put_along_axis(open_, winners, False, axis=1)
    rows, outputs = np.nonzero(open_)
    gaps = Names.differences(predicates.stage, outputs, winners[rows, 0])
    region, wall = regions[rows], None if walls is None else walls[rows]
    known = predicates.exactly(lambda _, column: gaps.take(column))
    ladder = Ladder(known, _asked(region, wall))
    chosen[rows, outputs] = ladder.vanish(region, np.arange(len(rows)), wall)


def _asked(regions: NDArray[np.int64], walls: NDArray[np.int64] | None) -> Ragged:
    """The walls that are asked about on each region, from the first one to the last that is asked about."""
    count = int(regions.max(initial=-1)) + 1
    if walls is None:
        return Ragged.from_counts(np.zeros(0, np.int64), np.zeros(count, np.int64))
    pairs = np.unique(np.stack([regions, walls]), axis=1)
    return Ragged.from_counts(pairs[1], np.bincount(pairs[0], minlength=count))


def _everywhere(largest: NDArray[np.bool_], members: Ragged, winners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each row of vertices the outputs that are largest at all of them, and the ``winners``; bool (rows, m)."""
    everywhere = members.reduce(np.logical_and, largest[members.values])
    np.put_along_axis(everywhere, winners, True, axis=1)
    return everywhere


def _pairs(chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All pairs i < j of chosen columns, row by row: the row, i and j."""
    several = np.flatnonzero(chosen.sum(axis=1) > 1)
    row_pairs = [(r, i, j) for r in several.tolist() for i, j in combinations(np.flatnonzero(chosen[r]).tolist(), 2)]
    row, first, second = np.array(row_pairs, np.int64).reshape(-1, 3).T
    return row, first, second


def assembled(
    cells: Cells,
    facet: NDArray[np.int64],
    pairs: NDArray[np.int64],
    ties: tuple[tuple[int, tuple[int, int]], ...],
    touching: NDArray[np.bool_],
    tied: NDArray[np.bool_],
    level: float | None,
) -> DecisionBoundary:
    """The boundary that consists of the given facets of cells, some of which are ``tied``."""
    arrangement, regions = cells.arrangement, cells.regions
    facets, dim = arrangement.facets(), arrangement.dim
    chosen, sides = facets.corners(facet), facets.regions[facet]
    inner = np.where(sides[:, 1] >= 0, sides[:, 1], sides[:, 0])
    points, error = arrangement.vertices, arrangement.coordinates().errors()
    slack = np.zeros(len(facet))
    if not arrangement.exact and len(facet):
        # A sample is interpolated between corners: a few roundings of their coordinates (proofs/, Lemma 5 (e)).
        sizes = np.abs(points).max(axis=1)[chosen.values]
        slack = chosen.reduce(np.maximum, error[chosen.values]) + dim**2 * 2.0**-50 * chosen.reduce(np.maximum, sizes)
    ambiguous = arrangement.ambiguous[sides[:, 0]] | arrangement.ambiguous[inner]
    lowest = np.minimum(regions[sides[:, 0]], regions[inner])
    undecided = np.unique(regions[arrangement.ambiguous])
    owners, simplices = arrangement.simplices(dim - 1, facet)
    kept, numbers = np.unique(chosen.values, return_inverse=True)
    faces = Ragged(numbers.reshape(-1), chosen.offsets)
    within = np.searchsorted(kept, simplices)
    outer = np.flatnonzero((facets.generation == 0) & (facets.regions[:, 1] < 0))
    border = _holding(facets.corners(outer), kept)
    flat = _holding(arrangement.regions.take(np.flatnonzero(tied)), kept)
    return DecisionBoundary(
        cells.tiling, points[kept], faces, within, owners, lowest, pairs, slack, ambiguous, undecided, ties,
        border, flat, touching, level,
    )  # fmt: skip


def _holding(members: Ragged, vertices: NDArray[np.int64]) -> Ragged:
    """For each of some vertices, increasing, the rows that have it."""
    place = np.searchsorted(vertices, members.values)
    some = np.flatnonzero(place < len(vertices))
    some = some[vertices[place[some]] == members.values[some]]
    order = some[np.argsort(place[some], kind="stable")]
    return Ragged.from_counts(members.row_of[order], np.bincount(place[order], minlength=len(vertices)))
