"""The calls that compute partitions: whole, or block by block."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import backends
from ..backends.backend import Backend
from ..bounds.relevance import Relevance
from ..errors import ArgumentError, BackendError, BordersDifferError, InternalError, NumericalRangeError
from ..fields.predicates import Names
from ..geometry.domain import Domain
from ..network.check import check_network
from ..network.equilibrate import equilibrated
from ..network.network import Network
from ..network.operators import Periodic
from ..runtime import inputs
from ..runtime.budget import Budget
from ..runtime.ieee import ieee
from ..runtime.inputs import flag, instance, number, one_of, optional, path, whole
from ..runtime.progress import shows_progress
from ..tiling.blocks import Blocks, Borders
from ..tiling.distributed import Job, Spread
from ..tiling.history import flattened
from ..tiling.kept_blocks import KeptBlocks
from ..tiling.pruning import Pruned
from ..tiling.states import Done, Finished, Progress, Runner, Task
from ..tiling.sweep import Sweep
from .partition import Partition

_LEAST_MEMORY = 1 << 26


@ieee
@shows_progress
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
    regions; budgets may to their order, and so may blocks where a network has maxima.
    """
    limits = Limits.checked(memory_limit, max_regions, max_seconds)
    wanted = _Wanted(net, dom, backend, device, predicates, limits.memory_limit, progress)
    return wanted.computed(limits, executor)


@ieee
@shows_progress
def relevant_partition(
    net: Network,
    dom: Domain,
    relevance: Relevance,
    *,
    backend: str = "torch",
    device: str | None = None,
    memory_limit: int | None = None,
    executor: Executor | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    keep_dropped: bool = False,
    resume: str | PathLike[str] | None = None,
) -> Partition:
    """The regions of the partition of ``dom`` that matter to something, without those on which there is nothing of it.

    After each stage regions are dropped as soon as a proven bound on the outputs shows that they are irrelevant
    (proofs/, Lemma 18), and so are regions of the end on which the outputs themselves show it. Those that come out are
    regions of ``partition``, among them all on which bounds do not show it; the others are counted in ``pruned``, and
    the answer is not ``complete`` if there are any. Facets beside a dropped region have one side, and are told from
    sides of the domain by their ``generation``, which is not 0. With the exact backend only the outputs drop regions.
    With ``keep_dropped`` dropped regions are kept with their bounds, in ``pruned.regions``; that takes memory. With
    ``resume``, a folder, blocks are kept there when they are finished, and those that are there are not computed again;
    in three and more dimensions.
    Other options are those of ``partition``, with exact predicates.
    """
    if not isinstance(relevance, Relevance):
        raise ArgumentError(
            "relevance must be one of AtLevel, AtBoundary and AnyOf of cpwl.bounds.relevance, got "
            f"{type(relevance).__name__}."
        )
    limits = Limits.checked(memory_limit, max_regions, max_seconds)
    keeping, folder = flag("keep_dropped", keep_dropped), optional(path, "resume", resume)
    if folder is not None and keeping:
        raise ArgumentError("keep_dropped and resume do not go together: files do not hold what is dropped.")
    if folder is not None and isinstance(dom, Domain) and dom.dim < 3:
        raise ArgumentError(
            f"resume is for domains of dimension 3 or more, got one of dimension {dom.dim}. Leave it out."
        )
    wanted = _Wanted(net, dom, backend, device, "exact", limits.memory_limit, progress, relevance, keeping, folder)
    return wanted.computed(limits, executor)


@shows_progress
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
    limits = Limits.checked(memory_limit, max_regions, max_seconds)
    wanted = _Wanted(net, dom, backend, device, "exact", limits.memory_limit, progress)
    wanted.check(executor)
    sweep, whole = wanted.prepared(Budget(limits.max_regions, limits.max_seconds, progressing=True))
    sweep.block_sizes = sizes or sweep.block_sizes.holding_no_result(limits.memory_limit)
    borders = Borders() if borders is None else borders
    remaining = sweep.blocks(whole, wanted.runner(sweep, executor, join=False), done)
    while True:
        try:
            block = next(remaining)
        except StopIteration as end:
            return bool(end.value)
        state = block.state
        steps = flattened((*state.history, *state.steps), np.arange(len(state.arrangement)))
        agreed = replace(state, arrangement=borders.agreed(state.arrangement), steps=steps, complete=not state.path)
        yield wanted.partition(sweep, replace(block, state=agreed))


@dataclass(frozen=True)
class Limits:
    """What a partition may take."""

    memory_limit: int | None
    max_regions: int | None
    max_seconds: float | None

    @classmethod
    def checked(cls, memory_limit: Any, max_regions: Any, max_seconds: Any) -> Limits:
        """The same as what makes sense; raises ``ArgumentError`` for anything else."""
        seconds = optional(number, "max_seconds", max_seconds)
        if seconds is not None and not seconds > 0:
            raise ArgumentError(f"max_seconds must be positive, or None, got {max_seconds!r}.")
        memory = optional(whole, "memory_limit", memory_limit, _LEAST_MEMORY)
        return cls(memory, optional(whole, "max_regions", max_regions, 1), seconds)


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
    relevance: Relevance | None = None
    keep_dropped: bool = False
    folder: Path | None = None
    """Where blocks are kept, and taken from, if they are."""

    @property
    def chosen(self) -> Backend:
        """The backend."""
        return backends.get(self.backend, self.device)

    def check(self, executor: Any) -> None:
        """Raises an error for an argument that makes no sense."""
        net, dom = self.network, self.domain
        check_problem(net, dom)
        inputs.executor(executor)
        inputs.progress(self.progress)
        one_of("predicates", self.predicates, ("exact", "float"), BackendError)
        if self.chosen.exact and self.predicates == "float":
            raise BackendError(
                "predicates='float' is for the torch backend; the exact backend decides nothing in float64."
            )
        check_network(net)
        dom.check_input(net.input_shape)

    def computed(self, limits: Limits, executor: Executor | None) -> Partition:
        """The partition, within limits."""
        self.check(executor)
        budget = Budget(limits.max_regions, limits.max_seconds, progressing=self.folder is not None)
        sweep, whole = self.prepared(budget)
        if limits.max_seconds is not None and self.folder is None:  # blocks in a folder are the same, whatever the time
            speed = self.chosen.speed * min(1, 256 / max(node.size for node in self.network.nodes))
            sweep.block_sizes = sweep.block_sizes.in_time(limits.max_seconds, speed)
        try:
            finished = sweep.finish(whole, self.runner(sweep, executor))
        except InternalError as failure:
            uncertain = self.predicates == "float" and not isinstance(failure, BordersDifferError)
            if uncertain or self.chosen.exact:
                raise
            # Float predicates may have decided in two ways what is undecided on a border: so without any border. Where
            # decisions are exact a wrong one was made before the blocks were: so without any trust in float64.
            budget.begin_again()
            sweep, whole = self.prepared(budget, trusting=self.predicates == "float")
            sweep.block_sizes = sweep.block_sizes.without_borders()
            finished = sweep.finish(whole)
        return self.partition(sweep, _unfinished(sweep, whole) if finished is None else finished)

    def prepared(self, budget: Budget, *, trusting: bool = True) -> tuple[Sweep, Task]:
        """The sweep, and its task. ``trusting``: whether float64 may decide."""
        arrangement = self.chosen.arrangement(self.domain.polytope)
        sizes = Blocks.within(self.memory_limit, budget.max_regions)
        named = self.predicates == "exact" and not arrangement.exact
        network = self.network if arrangement.exact else equilibrated(self.network)
        sweep = Sweep(
            network,
            self.domain,
            self.chosen,
            exact=named and trusting,
            blocks=sizes,
            budget=budget,
            progress=self.progress,
            relevance=self.relevance,
            keep_dropped=self.keep_dropped,
        )
        walls = Names.sides(len(self.domain.polytope.sides)) if named else None
        return sweep, sweep.start(arrangement, walls, trusting=trusting)

    def runner(self, sweep: Sweep, executor: Executor | None, *, join: bool = True) -> Runner | None:
        """What hands a sweep's blocks to an executor, or takes them from a folder, if there is either."""
        if executor is None and self.folder is None:
            return None
        job = self.job(sweep, join=join)
        spread = None if executor is None else Spread(executor, job)
        return spread if self.folder is None else KeptBlocks(self.folder, sweep, job, spread)

    def job(self, sweep: Sweep, *, join: bool) -> Job:
        """What all blocks of a sweep share. Blocks that are joined, and not kept in a folder, watch the deadline."""
        until = sweep.budget.moment if join and self.folder is None else None
        shared = sweep.network, sweep.domain, self.backend, self.device, sweep.block_sizes
        return Job(*shared, self.predicates == "exact", join, self.relevance, self.keep_dropped, until)

    def partition(self, sweep: Sweep, finished: Finished) -> Partition:
        """The partition that has come out."""
        if not np.isfinite(finished.output.errors()).all():
            raise NumericalRangeError("the network's outputs overflow float64 on this domain. Use the exact backend.")
        state = finished.state
        pruned = None
        if self.relevance is not None:
            regions = state.kept_dropped if self.keep_dropped else None
            pruned = Pruned(self.relevance, dict(state.dropped), state.complete, regions)
        return Partition(
            network=sweep.network
            if any(isinstance(node.op, Periodic) for node in self.network.nodes)
            else self.network,
            domain=sweep.domain,
            arrangement=state.arrangement,
            steps=state.steps,
            outputs=finished.output,
            backend=self.backend,
            device=self.device,
            predicates=self.predicates,
            settled=state.settled,
            recut=state.recut,
            walls=state.walls,
            complete=state.complete and not state.dropped,
            pruned=pruned,
        )


def _unfinished(sweep: Sweep, whole: Task) -> Finished:
    """What has come out where nothing is finished."""
    left = sweep.nothing(whole.state)
    return replace(left, state=replace(left.state, complete=False))


def check_problem(net: Network, dom: Domain) -> None:
    """Raises ``ArgumentError`` unless these are a network and a domain."""
    instance("net", net, Network, "Call cpwl.compile first.")
    several = isinstance(dom, (tuple, list)) and len(dom) and all(isinstance(member, Domain) for member in dom)
    hint = "Give several domains, as Domain.polyline makes them, to cpwl.partition_many." if several else ""
    instance("dom", dom, Domain, hint or "Use Domain.box, .through or .polygon.")
