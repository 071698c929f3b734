"""Executors of other kinds: Dask's on a local cluster of two workers; and workers killed in the middle of a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from torch import nn

import cpwl
from cpwl.network import Network
from cpwl.partitions.partition import Partition
from cpwl.tiling import blocks
from tests.support.blocks import SQUARE, same, same_regions, small
from tests.support.networks import mlp

__all__ = ["small"]

NETWORK = mlp(4, [2, 40, 12, 3])


class Watched(Executor):
    """Counts what goes to another executor, and does something to it at a certain call."""

    def __init__(self, executor: Executor, at: int = -1, do: Callable[[], None] = lambda: None) -> None:
        self._executor, self._at, self._do = executor, at, do
        self.calls = self.jobs = 0

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.calls += 1
        self.jobs += arguments[1] is not None
        if self.calls == self._at:
            self._do()
        return self._executor.submit(function, *arguments, **options)


@pytest.fixture
def alone(small: Any) -> Partition:
    small(60)
    return cpwl.partition(NETWORK, SQUARE)


def identical(one: Partition, other: Partition) -> None:
    same(one, other)
    np.testing.assert_array_equal(one.vertices, other.vertices)
    np.testing.assert_array_equal(one.outputs.to_numpy(), other.outputs.to_numpy())


def kill(pool: ProcessPoolExecutor) -> None:
    """Kills the pool's workers; all of them, since one alone may do the rest before the pool sees that another died."""
    for worker in list(pool._processes):
        os.kill(worker, signal.SIGKILL)


# ---- a pool --------------------------------------------------------------------------------------------------------
def test_a_worker_of_a_pool_is_killed_in_the_middle(alone: Partition) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        watched = Watched(pool, 6, lambda: kill(pool))
        with pytest.warns(RuntimeWarning, match="worker has died"):
            together = cpwl.partition(NETWORK, SQUARE, executor=watched)
    assert watched.calls >= 6
    identical(together, alone)


def test_a_worker_is_killed_in_the_middle_of_many(alone: Partition) -> None:
    domains = [SQUARE] * 12
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        watched = Watched(pool, 6, lambda: kill(pool))
        with pytest.warns(RuntimeWarning, match="worker has died"):
            found = list(cpwl.partition_many(NETWORK, domains, executor=watched))
    assert len(found) == len(domains)
    whole = cpwl.partition(NETWORK, SQUARE)
    for part in found:
        same(part, whole)


def wide() -> tuple[Network, cpwl.Domain]:
    """A convolutional network with a node of 2,048 entries, and a slice on which few of its units bend."""
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 3)]
    network = cpwl.compile(nn.Sequential(*layers).double().eval(), torch.zeros(1, 1, 16, 16, dtype=torch.float64))
    points = np.random.default_rng(1).standard_normal((3, 1, 16, 16))
    middle = points.mean(axis=0)
    return network, cpwl.Domain.through(*(middle + 0.01 * (point - middle) for point in points))


def test_fields_that_share_rows_go_to_the_workers_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    network, domain = wide()
    whole = cpwl.partition(network, domain)
    monkeypatch.setattr(blocks, "_MOST_SPANNED", 150)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        watched = Watched(pool)
        same_regions(cpwl.partition(network, domain, executor=watched), whole)
    assert watched.calls > 4


FORKED = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import numpy as np, torch
import cpwl
from cpwl.network import RELU, Dense, Network

random = np.random.default_rng(0)
first, second, last = (
    Dense(random.standard_normal(shape), random.standard_normal(shape[0])) for shape in ((200, 2), (8, 200), (1, 8))
)
network = Network.sequential(2, [first, RELU, second, RELU, last])
square = cpwl.Domain.box([-1, -1], [1, 1])
torch.set_num_threads(2)
torch.repeat_interleave(torch.ones(1 << 17, dtype=torch.int64))
with ProcessPoolExecutor(2, get_context("fork")) as pool:
    print(len(cpwl.partition(network, square, memory_limit=1 << 26, executor=pool)))
print(len(cpwl.partition(network, square)))
"""


def test_workers_that_were_forked_after_torch_had_used_its_threads_do_not_wait_for_them() -> None:
    found = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    together, alone = found.stdout.split()
    assert together == alone, found.stderr


nothing_here = pytest.mark.filterwarnings("error:a worker has died:RuntimeWarning")
"""Nothing may be left for this process to do."""


# ---- Dask ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@nothing_here
def test_a_cluster_gives_the_same_partition_and_the_network_travels_a_few_times(
    alone: Partition, client: Client
) -> None:
    watched = Watched(client.get_executor())
    identical(cpwl.partition(NETWORK, SQUARE, executor=watched), alone)
    # Nobody can say which worker does a call: one that knows the network may receive it again, at the beginning.
    assert watched.calls > 10 and watched.jobs <= 6
    streamed = cpwl.partition_blocks(NETWORK, SQUARE, executor=client.get_executor())
    assert sum(map(len, streamed)) == len(alone)


@nothing_here
def test_a_cluster_makes_many_partitions(client: Client) -> None:
    domains = [cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0 + k]) for k in range(8)]
    found = cpwl.partition_many(NETWORK, domains, executor=client.get_executor())
    for part, domain in zip(found, domains, strict=True):
        identical(part, cpwl.partition(NETWORK, domain))


@nothing_here
def test_a_worker_of_a_cluster_is_killed_in_the_middle(alone: Partition, client: Client) -> None:
    pids = client.run(os.getpid)
    watched = Watched(client.get_executor(), 6, lambda: os.kill(min(pids.values()), signal.SIGKILL))
    identical(cpwl.partition(NETWORK, SQUARE, executor=watched), alone)
    assert watched.calls > 6
    client.wait_for_workers(2, timeout=20)
    assert set(client.run(os.getpid).values()) != set(pids.values())
