"""How partitions are made in blocks on purpose, or by an executor that stays here, and when two are the same."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.partitions.partition import Partition
from cpwl.tiling.blocks import Blocks

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets how many vertices a block has at most."""

    def to(rows: int) -> None:
        sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=rows)
        monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))

    return to


def same(one: Partition, other: Partition) -> None:
    """Two partitions with the same regions, in the same order, edges and patterns; and nearly the same numbers."""
    assert len(one) == len(other) and len(one.vertices) == len(other.vertices)
    np.testing.assert_array_equal(one.patterns(), other.patterns())
    np.testing.assert_array_equal(one.regions.counts, other.regions.counts)
    np.testing.assert_array_equal(_edges(one), _edges(other))
    corners = [part.vertices[part.regions.values].astype(float) for part in (one, other)]
    slack = sum(part.arrangement.coordinates().errors()[part.regions.values] for part in (one, other))
    assert (np.linalg.norm(corners[0] - corners[1], axis=1) <= slack * (1 + 1e-9) + 1e-300).all()
    outputs = [part.outputs.to_numpy()[part.regions.values].astype(float) for part in (one, other)]
    slack = sum(part.outputs.errors()[part.regions.values] for part in (one, other))
    assert (np.linalg.norm(outputs[0] - outputs[1], axis=1) <= slack * (1 + 1e-9) + 1e-300).all()


def same_regions(one: Partition, other: Partition) -> None:
    """Two partitions with the same regions, in any order: corners by number, neighbours, and nearly the same areas."""
    orders = [np.lexsort(part.patterns().T) for part in (one, other)]
    np.testing.assert_array_equal(one.patterns(orders[0]), other.patterns(orders[1]))
    np.testing.assert_array_equal(one.regions.counts[orders[0]], other.regions.counts[orders[1]])
    places = [np.append(np.argsort(order), -1) for order in orders]
    edges = [sorted(np.sort(p[part.facets().regions], axis=1).tolist()) for p, part in zip(places, (one, other))]
    assert edges[0] == edges[1] and len(one.vertices) == len(other.vertices)
    areas, slack = ([f(part)[order] for part, order in zip((one, other), orders)] for f in (_areas, _area_errors))
    assert (np.abs(areas[0] - areas[1]) <= (slack[0] + slack[1]) * (1 + 1e-9)).all()


def _areas(part: Partition) -> Any:
    return part.volumes()


def _area_errors(part: Partition) -> Any:
    return part.volume_errors()


def _edges(part: Partition) -> Any:
    return np.array(sorted(np.sort(part.facets().regions, axis=1).tolist()))


class Here(Executor):
    """Does everything at once, in this process, but on copies that have been through pickle."""

    _max_workers = 1

    def __init__(self) -> None:
        self.jobs = 0

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        self.jobs += arguments[1] is not None
        future: Future[Any] = Future()
        future.set_result(pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments))))))
        return future
