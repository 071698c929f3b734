"""Level sets and decision boundaries from networks: of the partition only the regions that carry them are made."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from os import PathLike

import numpy as np

from ..boundary.boundary import DecisionBoundary, checked_pair, decision_boundary
from ..bounds.relevance import AtBoundary, AtLevel
from ..errors import ArgumentError
from ..geometry.domain import Domain
from ..network.network import Network
from ..runtime.ieee import ieee
from ..runtime.inputs import unrounded_number, whole
from ..runtime.progress import shows_progress
from ..tiling.states import Progress
from .compute import check_problem, relevant_partition


@ieee
@shows_progress
def level_set(
    net: Network,
    dom: Domain,
    level: float = 0.0,
    output: int = 0,
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
) -> DecisionBoundary:
    """Where an output of ``net`` has a level on ``dom``: points, segments, polygons, ..., of dimension D - 1.

    The same faces as ``cpwl.partition(net, dom).decision_boundary(level=level)`` gives of a network with that one
    output, in another order, without the partition: regions are dropped as soon as a proven bound shows that the level
    is not reached there (proofs/, Lemma 18). So nothing is missed, and of a surface few regions more are made than
    carry it. Those are in ``partition``, whose network has the one output; ``partition.pruned`` counts the others.
    Regions on which the output has the level throughout are in ``ties``. Options are those of ``cpwl.partition``, with
    exact predicates; where a budget ended the work the answer is not ``complete``. The exact backend drops regions only
    once they are finished. With ``keep_dropped`` the dropped regions are in ``partition.pruned.regions``, each with its
    pattern, its corners and its bounds: enough to work out, without this library, that nothing is on them.

    ``resume``: a folder, in three and more dimensions. Blocks of the domain are kept there as they are finished, and
    those that are there are taken: after ``max_seconds``, an interruption, or on another machine, the same call goes
    on, with or without an ``executor``. A budget ends no block that is begun, and each call finishes one. Delete the
    folder when the surface is whole. Raises ``ArgumentError`` if it is about something else, ``FileFormatError`` if a
    file is damaged.
    """
    check_problem(net, dom)
    value, chosen = unrounded_number("level", level), whole("output", output, 0, net.outputs - 1)
    part = relevant_partition(
        net,
        dom,
        AtLevel(value, chosen),
        backend=backend,
        device=device,
        memory_limit=memory_limit,
        executor=executor,
        max_regions=max_regions,
        max_seconds=max_seconds,
        progress=progress,
        keep_dropped=keep_dropped,
        resume=resume,
    )
    assert part.pruned is not None
    if net.outputs > 1:
        looked_for = replace(part.pruned, relevance=AtLevel(value))
        part = replace(part.head(np.eye(net.outputs)[chosen]), pruned=looked_for)
    return decision_boundary(part, level=value)


@ieee
@shows_progress
def class_boundary(
    net: Network,
    dom: Domain,
    classes: tuple[int, int] | None = None,
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
) -> DecisionBoundary:
    """Where two outputs of ``net`` (those of ``classes``, if given) are equal and the largest on ``dom``.

    The same faces as ``cpwl.partition(net, dom).decision_boundary(classes)`` gives, in another order, without the
    partition; options and what else there is to say as for ``cpwl.level_set``.
    """
    check_problem(net, dom)
    if net.outputs < 2:
        raise ArgumentError("net has one output: use cpwl.level_set, with the value whose level set is wanted.")
    pair = None if classes is None else checked_pair(classes, net.outputs)
    part = relevant_partition(
        net,
        dom,
        AtBoundary(net.outputs, pair),
        backend=backend,
        device=device,
        memory_limit=memory_limit,
        executor=executor,
        max_regions=max_regions,
        max_seconds=max_seconds,
        progress=progress,
        keep_dropped=keep_dropped,
        resume=resume,
    )
    return decision_boundary(part, pair)
