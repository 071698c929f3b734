"""The partition of a domain into the regions on which a network is affine: networks and arrangements joined.

The loop goes through the network's stages and asks an arrangement to refine; it knows neither the dimension nor the
backend. Max units are cut by a tournament of pairwise maxima, and what that cuts too much is dissolved (``maximum``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import backends
from ..arrays.ragged import Ragged
from ..arrays.uncached import Uncached
from ..errors import (
    ArgumentError,
    BackendError,
    BordersDifferError,
    IncompleteError,
    InternalError,
    NumericalRangeError,
    ShapeError,
)
from ..fields.arithmetic import Arithmetic, evaluate
from ..fields.predicates import Names, Oracle, Predicates
from ..geometry.arrangement import Arrangement, ExactLines, Facets
from ..geometry.domain import Domain
from ..geometry.polytope import finite, plain
from ..network.check import check_network
from ..network.equilibrate import equilibrated
from ..network.network import Network
from ..network.operators import Periodic
from ..runtime.budget import Budget
from ..runtime.ieee import ieee
from ..tiling.blocks import Blocks, Borders
from ..tiling.distributed import Job, Spread
from ..tiling.steps import Step, flattened, patterns_after
from ..tiling.sweep import Done, Finished, Progress, Sweep, Task

if TYPE_CHECKING:
    import networkx

    from ..boundary.boundary import DecisionBoundary
    from ..regions.merged import Merged
    from ..regions.region import Region
    from ..statistics.statistics import Statistics

_SPEEDS = {"torch": 1e5, "exact": 1e3}
"""Regions a second, roughly, of a network whose widest node has 256 entries: with ``max_seconds`` they say how much is
begun at once. A bad guess costs time alone."""

_BATCH_ENTRIES = 1 << 18
"""Rows times widest layer handled at once when maps of many regions are computed: memory that is used again."""


_ACCURACY = 2.0**-7
"""Of volumes, where no other is asked for."""


@ieee
@dataclass(frozen=True, eq=False)
class Partition(Uncached):
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
    lines: Names | None = None
    """With exact predicates in float64: the function that vanishes on each line of the arrangement."""
    complete: bool = True
    """Whether the regions cover the domain. If not, a budget ended the work, or this is one block of a partition."""

    def __len__(self) -> int:
        return len(self.arrangement)

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        return f"<Partition: {part}{len(self)} regions, {len(self.vertices)} vertices, {self._exactness()}>"

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

    def vertex_errors(self) -> NDArray[np.float64]:
        """For each vertex a bound on its distance from the exact one, (V,); 0 when exact.

        With exact predicates at most 2^-20 of the vertex's distance from the origin (six digits), or 2^-62 of the
        largest coordinate; three times that on the borders of ``partition_blocks``. See ``sharpened``.
        """
        return np.asarray(self.arrangement.coordinates().errors(), np.float64)

    def sharpened(self) -> Partition:
        """The same with every vertex computed from the exact lines that meet there (proofs/, Lemma 12).

        Then each coordinate is off by at most 0.501 ulps (of itself) plus 2^-63 of the largest coordinate. That may
        take several times as long as the partition did. Needs exact predicates (``BackendError``); an exact partition
        is returned as it is.
        """
        if self.arrangement.exact:
            return self
        return replace(self, arrangement=self.arrangement.sharpened(self._exact_lines("sharpened"), 0.0))

    def volumes(self, *, accuracy: float | None = None) -> NDArray[Any]:
        """The volume (area, when D = 2) of each region in slice coordinates, (R,).

        Those of a complete partition add up to ``domain.volume``. Each is off by at most ``accuracy`` times the exact
        volume, 2^-7 (one percent) by default and at least 2^-52: where the bound on ``vertices`` does not show that, it
        is computed from exact lines. Exact from the exact backend. With ``predicates="float"`` there is no
        ``accuracy``, only ``volume_errors()``.
        """
        return self._measured(accuracy)[0]

    def volume_errors(self, *, accuracy: float | None = None) -> NDArray[np.float64]:
        """For each region a bound on how far ``volumes`` with this accuracy is from the exact one, (R,); 0 if exact."""
        return self._measured(accuracy)[1]

    def locate(self, u: ArrayLike) -> NDArray[np.int64]:
        """For points u (M, D) of the slice the lowest index of a region that contains each, or -1; int64 (M,).

        With exact predicates, and by the exact backend, it is decided for the exact (closed) regions: every point of
        the domain has one. With ``predicates="float"`` it is decided for the polygons that ``vertices`` make. Points
        may be Fractions.
        """
        points = plain(u)
        if points.ndim != 2 or points.shape[1] != self.domain.dim:
            raise ShapeError(f"u must have shape (M, {self.domain.dim}), slice coordinates, got {points.shape}.")
        predicates = self.exact_predicates()
        lines = None if predicates is None else predicates.exact_lines()
        return self.arrangement.locate(points if points.dtype == object else finite("u", points), lines)

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
        return self._maps(regions, frame, lambda field: field.to_numpy())

    def map_errors(
        self, regions: ArrayLike | None = None, *, frame: Literal["slice", "input"] = "slice"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds on how far each entry of ``affine_maps`` is from the exact map, of the same shapes; 0 when exact.

        The exact map is that of the network under the region's activation pattern.
        """
        return self._maps(regions, frame, lambda field: field.limits())

    def decision_boundary(
        self, classes: tuple[int, int] | None = None, *, everywhere: bool = False, level: float | None = None
    ) -> DecisionBoundary:
        """Where the two largest outputs are equal; see ``cpwl.boundary.boundary.decision_boundary``."""
        from ..boundary.boundary import decision_boundary

        return decision_boundary(self, classes, everywhere=everywhere, level=level)

    def statistics(self) -> Statistics:
        """Counts, areas and shapes of the regions; see ``cpwl.statistics``."""
        from ..statistics.statistics import statistics

        return statistics(self)

    def region(self, index: int) -> Region:
        """One region, with all there is to ask about it; see ``cpwl.regions.region``."""
        from ..regions.region import Region

        (chosen,) = self._region_indices(index).tolist()
        return Region(self, chosen)

    def merged(self, *, join: Literal["connected", "everywhere"] = "connected") -> Merged:
        """The linear regions: activation regions with one affine map, joined; see ``cpwl.regions.merged.merged``."""
        from ..regions.merged import merged

        return merged(self, join=join)

    def to_sympy(self, symbols: Sequence[Any] | None = None, *, max_regions: int = 256) -> Any:
        """Each output as a sympy ``Piecewise`` of the slice coordinates; see ``cpwl.regions.symbolic.piecewise``."""
        from ..regions.symbolic import piecewise

        return piecewise(self, symbols, max_regions=max_regions)

    def dual_graph(self) -> networkx.Graph:
        """The regions that share a facet, as a networkx graph; see ``cpwl.regions.dual_graph``."""
        from ..regions.dual_graph import dual_graph

        return dual_graph(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the partition, with its domain and network, to one file; ``cpwl.load`` reads it."""
        from ..tiling.npz import save

        save(self, path)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draws the regions and returns the matplotlib axes; see ``cpwl.plots.regions.plot``."""
        from ..plots.regions import plot

        return plot(self, ax, **options)

    def plot_surface(self, ax: Any = None, **options: Any) -> Any:
        """Draws one output over the slice and returns the matplotlib axes; see ``cpwl.plots.surface.plot_surface``."""
        from ..plots.surface import plot_surface

        return plot_surface(self, ax, **options)

    def view(self, path: str | PathLike[str], **options: Any) -> Path:
        """Writes an interactive page for a browser, one file, and returns its path; see ``cpwl.plots.view.view``."""
        from ..plots.view import view

        return view(self, path, **options)

    def arithmetic(self) -> Arithmetic[Any]:
        """The arithmetic of the partition's fields; always the same one, which keeps what it knows of the weights."""
        return self._arithmetic

    @cached_property
    def _arithmetic(self) -> Arithmetic[Any]:
        return backends.get(self.backend, self.device).arithmetic

    def exact_predicates(self) -> Predicates | None:
        """How decisions about the outputs are made exactly, with exact predicates in float64; else None."""
        if self.lines is None:
            return None
        return Predicates(self.oracle, self.lines, len(self.network.nonlinear), self.patterns)

    @cached_property
    def oracle(self) -> Oracle:
        """The exact functions of the network on regions given by their patterns; always the same one.

        It keeps the network as a function of slice coordinates, which takes a while to make for large ones.
        """
        return backends.oracle(self.network, self.domain)

    def check_complete(self, answer: str) -> None:
        """Raises ``IncompleteError`` unless the regions cover the domain; ``answer`` is what needs all of them."""
        if not self.complete:
            raise IncompleteError(
                f"the partition is not complete: its {len(self):,} regions do not cover the domain, because a budget "
                f"ended the work or this is one of its blocks; {answer} needs all regions. Give no max_regions or "
                "max_seconds, or larger ones, or take a smaller domain."
            )

    # ---- private ---------------------------------------------------------------------------------------------------
    def _measured(self, accuracy: float | None) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Volumes and their bounds."""
        if accuracy is not None and not 2.0**-52 <= accuracy < 1:
            raise ArgumentError(f"accuracy must be at least 2^-52 and less than 1, or None, got {accuracy!r}.")
        volumes, errors = self.arrangement.volumes(), self.arrangement.volume_errors()
        if self.arrangement.exact or (self.lines is None and accuracy is None):
            return volumes, errors
        wanted = _ACCURACY if accuracy is None else accuracy
        poor = np.flatnonzero(~(errors < wanted * (1 - 2.0**-40) * (volumes - errors)))
        if len(poor):
            lines = self._exact_lines("an accuracy of volumes")
            volumes[poor], errors[poor] = self.arrangement.sharp_volumes(poor, lines, wanted)
        return volumes, errors

    def _exact_lines(self, what: str) -> ExactLines:
        predicates = self.exact_predicates()
        if predicates is None:
            raise BackendError(
                f"{what} needs lines that are known exactly, got a partition with predicates='float'. Compute it with "
                "predicates='exact'."
            )
        return predicates.exact_lines()

    def _region_indices(self, regions: ArrayLike | None) -> NDArray[np.int64]:
        if regions is None:
            return np.arange(len(self))
        chosen = np.atleast_1d(np.asarray(regions))
        if chosen.ndim != 1 or (chosen.dtype.kind not in "iu" and chosen.size):
            raise ShapeError(f"regions must be a list of region indices, got {chosen.dtype} of shape {chosen.shape}.")
        outside = chosen[(chosen < 0) | (chosen >= len(self))]
        if outside.size:
            raise ArgumentError(f"regions must lie in 0..{len(self) - 1}, got {outside[0]}.")
        return chosen.astype(np.int64)

    def _maps(
        self, regions: ArrayLike | None, frame: str, read: Callable[[Any], NDArray[Any]]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """What ``read`` says of the fields that hold the maps, in batches."""
        if frame not in ("slice", "input"):
            raise ArgumentError(f"frame must be 'slice' or 'input', got {frame!r}.")
        n = self.network.inputs
        origin, basis = (self.domain.origin, self.domain.basis) if frame == "slice" else (np.zeros(n), np.eye(n))
        chosen = self._region_indices(regions)
        size = max(1, _BATCH_ENTRIES // ((basis.shape[1] + 1) * max(node.size for node in self.network.nodes)))
        batches = [chosen[start : start + size] for start in range(0, max(len(chosen), 1), size)]
        values = [read(self._map_field(batch, origin, basis)) for batch in batches]
        shaped = [rows.reshape(basis.shape[1] + 1, -1, self.network.outputs) for rows in values]
        maps = [(np.moveaxis(rows[1:], 0, -1), rows[0]) for rows in shaped]
        return np.concatenate([a for a, _ in maps]), np.concatenate([b for _, b in maps])

    def _map_field(self, regions: NDArray[np.int64], origin: NDArray[np.float64], basis: NDArray[np.float64]) -> Any:
        """The maps from one pass: for each region a row for the origin and one for each basis vector."""
        count, width = len(regions), basis.shape[1] + 1
        arithmetic = self.arithmetic()
        rows = arithmetic.stack(
            [arithmetic.points(np.tile(origin, (count, 1))), arithmetic.tangents(np.repeat(basis.T, count, axis=0))]
        )
        pieces = np.tile(self.patterns(regions).astype(np.int64), (width, 1))
        columns = self.network.unit_columns
        return evaluate(self.network, arithmetic, rows, lambda i: pieces[:, columns[i]])


@ieee
def partition(
    net: Network,
    dom: Domain,
    *,
    backend: str = "torch",
    device: str | None = None,
    predicates: Literal["exact", "float"] = "exact",
    memory_limit: int | None = None,
    executor: Executor | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Partition:
    """The partition of ``dom`` into the regions on which ``net`` is affine.

    ``backend="torch"`` computes in float64 on ``device``. With ``predicates="exact"`` every decision is exact: what the
    running error bound leaves open is settled in rational arithmetic, so that the regions are exactly those of the
    network, and only coordinates are rounded, to six digits or better (``Partition.vertex_errors``, ``sharpened``).
    With ``predicates="float"`` the answer is a valid tiling, and all regions that come from an undecided cell are
    listed in ``ambiguous``. ``backend="exact"`` is rational throughout.

    Where values at all vertices would take much memory, regions are refined in blocks, one after the other:
    ``memory_limit`` (bytes; 4 GiB by default) bounds what is needed beside the result; ``partition_blocks`` does not
    hold the result either. ``executor``, any ``concurrent.futures.Executor`` of processes, local or not, works on
    several blocks at a time. With ``max_regions`` or ``max_seconds`` no more regions, and no more time (but for a
    second, or a tenth of it), are spent: what is under way is given up, and a partition that is not ``complete`` comes
    back, of regions that are all finished; perhaps of none. Blocks, whichever they are, make no difference to the
    regions; budgets may, to their order.
    """
    wanted = _Wanted(net, dom, backend, device, predicates, memory_limit, progress)
    wanted.check(max_regions, max_seconds)
    budget = Budget(max_regions, max_seconds)
    sweep, whole = wanted.prepared(budget)
    if max_seconds is not None:
        speed = _SPEEDS[backend] * min(1, 256 / max(node.size for node in net.nodes))
        sweep.block_sizes = sweep.block_sizes.in_time(max_seconds, speed)
    try:
        found = sweep.finish(whole, wanted.runner(sweep, executor))
    except InternalError as failure:
        if backend == "exact" or (predicates == "float" and not isinstance(failure, BordersDifferError)):
            raise
        # Float predicates may have decided in two ways what is undecided on a border: so without any border. Where
        # decisions are exact a wrong one was made before the blocks were: so without any trust in float64.
        budget.begin_again()
        sweep, whole = wanted.prepared(budget, trusting=predicates == "float")
        sweep.block_sizes = sweep.block_sizes.without_borders()
        found = sweep.finish(whole)
    return wanted.partition(sweep, sweep.nothing(whole) if found is None else found)


@ieee
def partition_blocks(
    net: Network,
    dom: Domain,
    *,
    backend: str = "torch",
    device: str | None = None,
    memory_limit: int | None = None,
    executor: Executor | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    done: Done | None = None,
    borders: Borders | None = None,
    sizes: Blocks | None = None,
) -> Generator[Partition, None, bool]:
    """The partition of ``dom``, of any number of regions, block by block; no block needs those before it.

    Every block is a ``Partition`` of its own, of some neighbouring regions of ``dom``: it is not ``complete``, and
    beyond its border there are no regions. Together the blocks have exactly the regions of ``partition``, each once;
    vertices on common borders have the same coordinates, bit for bit. What the iterator returns in the end is whether
    they are all there, or a budget was spent; at least one block is finished. Options are those of ``partition``, with
    exact predicates. ``done``, a set or anything like it, receives the paths of finished blocks, and such are left out;
    to go on where another run ended takes its ``borders`` and block ``sizes`` as well (``cpwl.write_partition`` does).
    """
    wanted = _Wanted(net, dom, backend, device, "exact", memory_limit, progress)
    wanted.check(max_regions, max_seconds)
    sweep, whole = wanted.prepared(Budget(max_regions, max_seconds, progressing=True))
    sweep.block_sizes = sizes or sweep.block_sizes.holding_no_result(memory_limit)
    borders = Borders() if borders is None else borders
    remaining = sweep.blocks(whole, wanted.runner(sweep, executor, join=False), done)
    while True:
        try:
            found = next(remaining)
        except StopIteration as end:
            return bool(end.value)
        state = found.state
        steps = flattened((*state.history, *state.steps), np.arange(len(state.arrangement)))
        agreed = replace(state, arrangement=borders.agreed(state.arrangement), steps=steps, complete=not state.path)
        yield wanted.partition(sweep, replace(found, state=agreed))


@dataclass(frozen=True, eq=False)
class _Wanted:
    """What a call asks for."""

    network: Network
    domain: Domain
    backend: str
    device: str | None
    predicates: Literal["exact", "float"]
    memory_limit: int | None
    progress: Progress | None

    def check(self, max_regions: int | None, max_seconds: float | None) -> None:
        """Raises an error for an argument that makes no sense."""
        net, dom = self.network, self.domain
        if not isinstance(net, Network):
            raise ArgumentError(f"net must be a compiled network, got {type(net).__name__}. Call cpwl.compile first.")
        if not isinstance(dom, Domain):
            raise ArgumentError(
                f"dom must be a Domain, got {type(dom).__name__}. Use Domain.box, .through or .polygon."
            )
        if self.predicates not in ("exact", "float"):
            raise BackendError(f"predicates must be 'exact' or 'float', got {self.predicates!r}.")
        if self.backend == "exact" and self.predicates == "float":
            raise BackendError(
                "predicates='float' is for the torch backend; the exact backend decides nothing in float64."
            )
        for name, value, least in (("memory_limit", self.memory_limit, 1 << 26), ("max_regions", max_regions, 1)):
            if value is not None and not value >= least:
                raise ArgumentError(f"{name} must be at least {least}, or None, got {value!r}.")
        if max_seconds is not None and not max_seconds > 0:
            raise ArgumentError(f"max_seconds must be positive, or None, got {max_seconds!r}.")
        check_network(net)
        dom.check_input(net.input_shape)

    def prepared(self, budget: Budget, *, trusting: bool = True) -> tuple[Sweep, Task]:
        """The sweep, and its task. ``trusting``: whether float64 may decide."""
        chosen = backends.get(self.backend, self.device)
        arrangement = chosen.arrangement.of(self.domain.polytope, device=self.device)
        sizes = Blocks.within(self.memory_limit, budget.max_regions)
        named = self.predicates == "exact" and not arrangement.exact
        network = self.network if arrangement.exact else equilibrated(self.network)
        arithmetic = backends.sweeping(chosen, network, self.domain, exact=named and trusting)
        sweep = Sweep(network, self.domain, arithmetic, blocks=sizes, budget=budget, progress=self.progress)
        lines = Names.sides(len(self.domain.polytope.vertices)) if named else None
        return sweep, sweep.start(arrangement, lines, trusting=trusting)

    def runner(self, sweep: Sweep, executor: Executor | None, *, join: bool = True) -> Spread | None:
        """What hands a sweep's blocks to an executor, if there is one. Blocks that are joined watch the deadline."""
        if executor is None:
            return None
        until = sweep.budget.moment if join else None
        shared = sweep.network, sweep.domain, self.backend, self.device, sweep.block_sizes
        return Spread(executor, Job(*shared, self.predicates == "exact", join=join, until=until))

    def partition(self, sweep: Sweep, found: Finished) -> Partition:
        """The partition that has come out."""
        if not np.isfinite(found.output.errors()).all():
            raise NumericalRangeError("the network's outputs overflow float64 on this domain. Use the exact backend.")
        state = found.state
        return Partition(
            network=sweep.network
            if any(isinstance(node.op, Periodic) for node in self.network.nodes)
            else self.network,
            domain=sweep.domain,
            arrangement=state.arrangement,
            steps=state.steps,
            outputs=found.output,
            backend=self.backend,
            device=self.device,
            predicates=self.predicates,
            settled=state.settled,
            recut=state.recut,
            lines=state.lines,
            complete=state.complete,
        )
