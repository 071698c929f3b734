"""Partitions of many slices, of many networks, or of pairs of both: one call each, in any executor's processes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat, zip_longest
from operator import length_hint
from typing import Any, Literal, TypeAlias

from ..errors import ArgumentError, CpwlError
from ..geometry.domain import Domain
from ..network.network import Network
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import instance
from ..runtime.progress import shows_progress
from ..runtime.workers import KEPT, Packed, Workers, compute_on_one_thread
from ..tiling.states import Progress
from .compute import partition
from .partition import Partition

Failure: TypeAlias = CpwlError | RuntimeError | MemoryError
"""What may come of a partition instead of one; torch reports a lack of memory as a ``RuntimeError``."""


@shows_progress
@ieee
def partition_many(
    networks: Network | Iterable[Network],
    domains: Domain | Iterable[Domain],
    *,
    backend: str = "torch",
    device: str | None = None,
    predicates: Literal["exact", "float"] = "exact",
    memory_limit: int | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Partition]:
    """The partitions of many domains for one network, of one domain for many networks, or of pairs; in their order.

    Each is what ``partition`` gives with the same options; limits and budgets are those of each. Networks and domains
    are taken from their iterables as they are needed: one at a time, or with an ``executor`` (any
    ``concurrent.futures.Executor`` of processes) some more than it has workers, of which each works on one partition.
    A worker receives a network once. If one partition fails, the error says which, counted from 0, and is the last.
    ``progress`` is called after each as ``progress(done, all, "partitions")``; all is 0 for iterables without a length.
    """
    options: dict[str, Any] = {"backend": backend, "device": device, "predicates": predicates}
    options |= {"memory_limit": memory_limit, "max_regions": max_regions, "max_seconds": max_seconds}
    inputs.executor(executor)
    inputs.progress(progress)
    pairs = _pairs(networks, domains)
    results = _here(pairs, options) if executor is None else _elsewhere(pairs, options, executor)
    total = 1 if isinstance(networks, Network) and isinstance(domains, Domain) else _length(networks, domains)
    for k, outcome in enumerate(results):
        if not isinstance(outcome, Partition):
            raise type(outcome)(f"partition {k}: {outcome}") from outcome
        if progress is not None:
            progress(k + 1, total, "partitions")
        yield outcome


def _length(networks: Network | Iterable[Network], domains: Domain | Iterable[Domain]) -> int:
    """The number of pairs, 0 if no length tells."""
    return max(length_hint(networks), length_hint(domains))


def _pairs(
    networks: Network | Iterable[Network], domains: Domain | Iterable[Domain]
) -> Iterator[tuple[Network, Domain]]:
    if isinstance(networks, Network) and isinstance(domains, Domain):
        return iter([(networks, domains)])
    some_networks, some_domains = _some("networks", networks, Network), _some("domains", domains, Domain)
    if isinstance(networks, Network) or isinstance(domains, Domain):
        return zip(some_networks, some_domains, strict=False)
    return _paired(some_networks, some_domains)


def _some(name: str, given: Any, kind: type[Any]) -> Iterator[Any]:
    """All that is given; what is one, again and again."""
    if isinstance(given, kind):
        return repeat(given)
    if isinstance(given, Iterable) and not isinstance(given, str):
        return (instance(f"each of {name}", element, kind) for element in given)
    raise ArgumentError(f"{name} must be a {kind.__name__} or an iterable of them, got {type(given).__name__}.")


def _paired(networks: Iterator[Network], domains: Iterator[Domain]) -> Iterator[tuple[Network, Domain]]:
    end: Any = object()
    for k, (network, domain) in enumerate(zip_longest(networks, domains, fillvalue=end)):
        if network is end or domain is end:
            short = "networks" if network is end else "domains"
            raise ArgumentError(f"networks and domains must be equally many, got only {k} {short}. Give one, or pairs.")
        yield network, domain


@dataclass(frozen=True, eq=False)
class Study:
    """What all partitions of one network share."""

    network: Network
    options: dict[str, Any]

    def partition(self, domain: Domain) -> Partition | Failure:
        """The partition of a domain, or what prevents it."""
        try:
            return partition(self.network, domain, **self.options)
        except (CpwlError, RuntimeError, MemoryError) as error:
            return error

    def prepare(self) -> None:
        """See ``workers.Job``."""
        compute_on_one_thread()

    def finish(self, domain: Domain) -> bytes:
        """The same, packed without network and domain, which the receiver has."""
        stream = io.BytesIO()
        _Packer(stream, _shared(self.network, domain)).dump(self.partition(domain))
        return stream.getvalue()


def _here(pairs: Iterator[tuple[Network, Domain]], options: dict[str, Any]) -> Iterator[Partition | Failure]:
    for network, domain in pairs:
        yield Study(network, options).partition(domain)


def _elsewhere(
    pairs: Iterator[tuple[Network, Domain]], options: dict[str, Any], executor: Executor
) -> Iterator[Partition | Failure]:
    @lru_cache(maxsize=KEPT)
    def packed(network: Network) -> Packed[Domain, bytes]:
        return Packed(Study(network, options))

    calls = ((packed(network), domain) for network, domain in pairs)
    for job, domain, content in Workers(executor).results(calls):
        assert isinstance(job, Study)
        yield _Unpacker(io.BytesIO(content), _shared(job.network, domain)).load()


# ---- results without what the receiver has -------------------------------------------------------------------------
def _shared(network: Any, domain: Any) -> list[Any]:
    """The objects of a job and a task that may be part of a result; a node at a time, since unrolling replaces some."""
    return [network, domain, *getattr(network, "nodes", ())]


class _Packer(pickle.Pickler):
    """Writes indices for shared objects."""

    def __init__(self, stream: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._index = {id(part): k for k, part in enumerate(shared)}

    def persistent_id(self, part: Any) -> int | None:
        """The index of a shared object; None for others."""
        return self._index.get(id(part))


class _Unpacker(pickle.Unpickler):
    """Puts the receiver's own objects for indices."""

    def __init__(self, stream: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(stream)
        self._shared = shared

    def persistent_load(self, index: int) -> Any:
        """The object of that index."""
        return self._shared[index]
