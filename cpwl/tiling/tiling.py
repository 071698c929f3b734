"""The regions of a domain on which a network is affine, as data: what every reader of a partition reads.

Users have a ``Partition``, a tiling with verbs (``cpwl.partitions``). It stands above all that its verbs call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from .. import backends
from ..arrays.batches import batches
from ..arrays.pickled import Uncached
from ..arrays.ragged import Ragged
from ..errors import BackendError, IncompleteError
from ..fields.arithmetic import Arithmetic, evaluate
from ..fields.predicates import Names, Oracle, Predicates
from ..geometry.arrangement import Arrangement, ExactWalls, Facets
from ..geometry.domain import Domain
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import coordinates, indices, one_of, real, whole
from .history import Step, patterns_after, ranges_after
from .pruning import Pruned
from .volumes import Measured, checked_accuracy, measured

_BATCH_ENTRIES = 1 << 18
"""Rows times widest layer handled at once when maps of many regions are computed: memory that is used again."""

_ACCURACY = 2.0**-7
"""Of volumes, where no other is asked for."""


@ieee
@dataclass(frozen=True, eq=False)
class Tiling(Uncached):
    """All regions of a domain on which a network is affine: activation regions, one activation pattern each."""

    network: Network
    """The network on this domain: a periodic activation has become the ``Piecewise`` with the pieces it reaches."""
    domain: Domain
    arrangement: Arrangement[Any]
    steps: tuple[Step, ...]
    outputs: Any
    """The network's output as a field on the arrangement, m functions."""
    backend: str
    device: str | None = None
    predicates: Literal["exact", "float"] = "exact"
    """How decisions were made: all exactly, or from float64 numbers alone (then some may be ambiguous)."""
    settled: int = 0
    """How many decisions float64 left open and exact arithmetic made."""
    recut: int = 0
    """How many cells failed a self-check on the way and were cut again by exact decisions alone: a mistake of the
    library that was mended. Please report it."""
    walls: Names | None = None
    """With exact predicates in float64: the function that vanishes on each wall of the arrangement."""
    complete: bool = True
    """Whether the regions cover the domain. If not, a budget ended the work, this is one block of a partition, or
    regions were dropped that are of no use for what was looked for (``pruned``)."""
    pruned: Pruned | None = None
    """Of a sweep that keeps to what is relevant, what it has left out; None for one that keeps all."""

    def __len__(self) -> int:
        return len(self.arrangement)

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        return f"<{type(self).__name__}: {part}{len(self)} regions, {len(self.vertices)} vertices, {self._exactness()}>"

    def _exactness(self) -> str:
        if self.arrangement.exact:
            return "exact"
        if self.predicates == "exact":
            again = f", {self.recut} cells cut again after a failed self-check" if self.recut else ""
            return f"float64 with exact predicates, {self.settled} decisions settled exactly{again}"
        return f"float64, {len(self.ambiguous)} ambiguous"

    @property
    def vertices(self) -> NDArray[Any]:
        """Slice coordinates (V, D) of all vertices: float64, or Fractions from the exact backend."""
        return self.arrangement.vertices

    @property
    def regions(self) -> Ragged:
        """The vertices of each region, as indices into ``vertices``; counter-clockwise when D = 2."""
        return self.arrangement.regions

    @cached_property
    def ambiguous(self) -> NDArray[np.int64]:
        """Regions that come from a cell in which some decision was within its rounding-error bound, int64.

        Elsewhere the combinatorial structure is that of exact arithmetic (proofs/, Lemma 5); ``cpwl.certify`` decides
        the rest. Always empty with exact predicates (proofs/, Lemma 8) and for the exact backend.
        """
        return np.flatnonzero(self.arrangement.ambiguous)

    def facets(self) -> Facets:
        """All facets with the regions on their two sides."""
        return self.arrangement.facets()

    def faces(self, k: int) -> Ragged:
        """The vertices of each k-face of the subdivided domain, k = 0 .. D: vertices, edges, ..., facets, regions.

        Indices into ``vertices``. Of a 2-face they go around when D = 2, else they increase. ``ArgumentError`` for a k
        that is none.
        """
        return self.arrangement.faces(whole("k", k, 0, self.domain.dim))

    def boundary(self, k: int) -> Ragged:
        """The (k-1)-faces that each k-face has, k = 1 .. D, by their places in ``faces(k - 1)``.

        So ``boundary(1)`` are the ends of edges, and ``boundary(D)`` the facets of regions, as ``facets()`` lists them:
        the boundary maps of a cell complex. ``ArgumentError`` for a k that is none.
        """
        return self.arrangement.boundary(whole("k", k, 1, self.domain.dim))

    def vertex_errors(self) -> NDArray[np.float64]:
        """For each vertex a bound on its distance from the exact one, (V,); 0 when exact.

        With exact predicates at most 2^-20 of the vertex's distance from the origin (six digits), 2^-62 of the largest
        coordinate, or 2^-499; three times that on the borders of ``partition_blocks``. See ``sharpened``.
        """
        return np.asarray(self.arrangement.coordinates().errors(), np.float64)

    def sharpened(self) -> Self:
        """The same with every vertex computed from the exact walls that meet there (proofs/, Lemma 12).

        Then each coordinate is off by at most 0.501 ulps (of itself) plus 2^-63 of the largest coordinate. That may
        take several times as long as the partition did. Needs exact predicates (``BackendError``); an exact partition
        is returned as it is.
        """
        if self.arrangement.exact:
            return self
        return replace(self, arrangement=self.arrangement.sharpened(self._exact_walls("sharpened"), 0.0))

    def volumes(self, regions: ArrayLike | None = None, *, accuracy: float | None = None) -> NDArray[Any]:
        """The volume (area, when D = 2) of each region (all by default) in slice coordinates, (n,).

        Those of a complete partition add up to ``domain.volume``. Each is off by at most ``accuracy`` times the exact
        volume, 2^-7 (one percent) by default and at least 2^-52: where the bound on ``vertices`` does not show that, it
        is computed from exact walls; below 2^-1022 it may be off by 2^-1074, and beyond float64 it is infinite, as is
        its bound. Exact from the exact backend. With ``predicates="float"`` there is no ``accuracy``, only
        ``volume_errors()``.
        """
        return self._measured(regions, accuracy)[0]

    def volume_errors(self, regions: ArrayLike | None = None, *, accuracy: float | None = None) -> NDArray[np.float64]:
        """For each region a bound on how far ``volumes`` with this accuracy is from the exact one, (n,); 0 if exact."""
        return self._measured(regions, accuracy)[1]

    def locate(self, u: ArrayLike) -> NDArray[np.int64]:
        """For points u (M, D), or one (D,), the lowest index of a region that contains each, or -1; int64 (M,).

        With exact predicates, and by the exact backend, it is decided for the exact (closed) regions: every point of
        the domain has one, unless the partition is not ``complete``: then -1 may also be a place whose region is
        missing. With ``predicates="float"`` it is decided for the polygons that ``vertices`` make. Points
        may be Fractions.
        """
        points = coordinates("u", real("u", u), self.domain.dim)
        predicates = self.exact_predicates()
        walls = None if predicates is None else predicates.exact_walls()
        return self.arrangement.locate(points, walls)

    def to_input(self, u: ArrayLike) -> NDArray[Any]:
        """Points of the input space at slice coordinates u; see ``Domain.to_input``."""
        return self.domain.to_input(u)

    def to_slice(self, x: ArrayLike) -> NDArray[np.float64]:
        """Slice coordinates of the points of the slice nearest to x; see ``Domain.to_slice``."""
        return self.domain.to_slice(x)

    def patterns(self, regions: ArrayLike | None = None) -> NDArray[np.int16]:
        """The activation patterns of the regions (all by default), int16 (n, network.units).

        Entry j is the linear piece of unit j: units in the order of ``network.nonlinear``, pieces in that of
        ``Piecewise`` (a ReLU's are 0 and 1) or the index of a ``Max`` unit's winning argument.
        """
        return patterns_after(self.steps, self._region_indices(regions))

    def affine_maps(
        self, regions: ArrayLike | None = None, *, frame: Literal["slice", "input"] = "slice"
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The affine map f = A y + b of each region (all by default): A (n, m, k) and b (n, m).

        ``frame="slice"``: y is the slice coordinate, k = D. ``frame="input"``: y is the (flattened) input and A the
        Jacobian. float64, or Fractions from the exact backend. proofs/, Lemma 1.
        """
        return _parted(self._maps(regions, frame, lambda field: field.to_numpy()))

    def jacobians(
        self, regions: ArrayLike | None = None, *, frame: Literal["slice", "input"] = "slice"
    ) -> NDArray[Any]:
        """A (n, m, k) of ``affine_maps`` alone, without the pass through the network that b takes."""
        return self._maps(regions, frame, lambda field: field.to_numpy(), constant=False)

    def map_errors(
        self, regions: ArrayLike | None = None, *, frame: Literal["slice", "input"] = "slice"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds on how far each entry of ``affine_maps`` is from the exact map, of the same shapes; 0 when exact.

        The exact map is that of the network under the region's activation pattern.
        """
        return _parted(self._maps(regions, frame, lambda field: field.limits()))

    def arithmetic(self) -> Arithmetic[Any]:
        """The arithmetic of the partition's fields; always the same one, which keeps what it knows of the weights."""
        return self._arithmetic

    @cached_property
    def _arithmetic(self) -> Arithmetic[Any]:
        return backends.get(self.backend, self.device).arithmetic

    def exact_predicates(self) -> Predicates | None:
        """How decisions about the outputs are made exactly, with exact predicates in float64; else None."""
        if self.walls is None:
            return None
        return Predicates(self.oracle, self.walls, len(self.network.nonlinear), self.patterns)

    @cached_property
    def oracle(self) -> Oracle:
        """The exact functions of the network on regions given by their patterns; always the same one.

        It keeps the network as a function of slice coordinates, which takes a while to make for large ones.
        """
        every = np.arange(len(self))
        ranges = partial(ranges_after, self.steps, every) if len(self) else None
        return backends.get(self.backend, self.device).oracle(self.network, self.domain, ranges)

    def check_complete(self, answer: str) -> None:
        """Raises ``IncompleteError`` unless the regions cover the domain; ``answer`` is what needs all of them."""
        if not self.complete and self.pruned is not None:
            raise IncompleteError(
                f"the partition is not complete: it is pruned to the {len(self):,} regions that matter to what was "
                f"looked for; {answer} needs all regions. Use cpwl.partition."
            )
        if not self.complete:
            raise IncompleteError(
                f"the partition is not complete: its {len(self):,} regions do not cover the domain, because a budget "
                f"ended the work or this is one of its blocks; {answer} needs all regions. Give no max_regions or "
                "max_seconds, or larger ones, or take a smaller domain."
            )

    def check_exact(self, answer: str) -> None:
        """Raises ``BackendError`` if decisions were made in float64; ``answer`` is what needs exact ones."""
        if self.predicates != "exact" and not self.arrangement.exact:
            raise BackendError(f"{answer} needs exact decisions, got a partition with predicates='float'.")

    # ---- private ---------------------------------------------------------------------------------------------------
    def _measured(self, regions: ArrayLike | None, accuracy: float | None) -> Measured:
        """Volumes and their bounds."""
        chosen = None if regions is None else self._region_indices(regions)
        wanted = checked_accuracy(accuracy, _ACCURACY)
        by_walls = not self.arrangement.exact and (self.walls is not None or accuracy is not None)
        walls = self._exact_walls("an accuracy of volumes") if by_walls else None
        return measured(self.arrangement, chosen, walls, wanted)

    def _exact_walls(self, what: str) -> ExactWalls:
        predicates = self.exact_predicates()
        if predicates is None:
            raise BackendError(
                f"{what} needs lines that are known exactly, got a partition with predicates='float'. Compute it with "
                "predicates='exact'."
            )
        return predicates.exact_walls()

    def _region_indices(self, regions: ArrayLike | None) -> NDArray[np.int64]:
        if regions is None:
            return np.arange(len(self))
        return indices("regions", regions, len(self))

    def _maps(
        self, regions: ArrayLike | None, frame: str, read: Callable[[Any], NDArray[Any]], *, constant: bool = True
    ) -> NDArray[Any]:
        """What ``read`` says of the fields that hold the maps, in batches: [A, b] (n, m, k + 1), or A (n, m, k)."""
        one_of("frame", frame, ("slice", "input"))
        n = self.network.inputs
        origin, basis = (self.domain.origin, self.domain.basis) if frame == "slice" else (np.zeros(n), np.eye(n))
        chosen = self._region_indices(regions)
        width = basis.shape[1] + constant
        parts = batches(max(len(chosen), 1), width * max(node.size for node in self.network.nodes), _BATCH_ENTRIES)
        values = [read(self._map_field(chosen[part], origin if constant else None, basis)) for part in parts]
        return np.concatenate([np.moveaxis(rows.reshape(width, -1, self.network.outputs), 0, -1) for rows in values])

    def _map_field(
        self, regions: NDArray[np.int64], origin: NDArray[np.float64] | None, basis: NDArray[np.float64]
    ) -> Any:
        """The maps from one pass: for each basis vector a row a region, and after these one for the origin."""
        points = None if origin is None else np.tile(origin, (len(regions), 1))
        return self._carried(self.patterns(regions), np.repeat(basis.T, len(regions), axis=0), points)

    def _carried(
        self, patterns: NDArray[Any], tangents: NDArray[np.float64], points: NDArray[np.float64] | None
    ) -> Any:
        """Some rows of inputs for each pattern, tangents before points, through the network on its pieces."""
        arithmetic, columns = self.arithmetic(), self.network.unit_columns
        rows = arithmetic.tangents(tangents)
        if points is not None:
            rows = arithmetic.stack([rows, arithmetic.points(points)])
        pieces = np.resize(patterns.astype(np.int64), (rows.rows, patterns.shape[1]))
        return evaluate(self.network, arithmetic, rows, lambda i: pieces[:, columns[i]])


def _parted(maps: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A and b of [A, b]."""
    return np.ascontiguousarray(maps[:, :, :-1]), np.ascontiguousarray(maps[:, :, -1])
