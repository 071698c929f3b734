"""Many partitions in one call: each is what ``partition`` gives, here or in other processes, in order and lazily."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl import backends
from cpwl.errors import ArgumentError, NumericalRangeError
from cpwl.network import Dense, Input, Network, Node, Periodic
from cpwl.runtime import workers
from tests.support.blocks import SQUARE, Here, same
from tests.support.networks import mlp

SLICES = [cpwl.Domain.box([-1.0 - k, -1.0], [1.0, 1.0 + k]) for k in range(5)]
NETWORKS = [mlp(k, [2, 8, 8, 2]) for k in range(5)]


@pytest.fixture(params=["here", "elsewhere"])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Executor | None:
    monkeypatch.setattr(workers, "_jobs", {})
    return Here() if request.param == "elsewhere" else None


@pytest.mark.parametrize("backend", backends.names())
@pytest.mark.parametrize(
    ("networks", "domains", "pairs"),
    [
        (NETWORKS[0], SLICES, [(NETWORKS[0], dom) for dom in SLICES]),
        (NETWORKS, SQUARE, [(net, SQUARE) for net in NETWORKS]),
        (NETWORKS, SLICES, list(zip(NETWORKS, SLICES))),
        (NETWORKS[0], SQUARE, [(NETWORKS[0], SQUARE)]),
        (NETWORKS[0], [], []),
    ],
    ids=["slices", "networks", "pairs", "one", "none"],
)
def test_each_is_what_partition_gives_in_order(
    networks: Any, domains: Any, pairs: Any, backend: str, executor: Executor | None
) -> None:
    found = list(cpwl.partition_many(networks, domains, backend=backend, executor=executor))
    assert len(found) == len(pairs)
    for part, (network, domain) in zip(found, pairs):
        assert part.network is network and part.domain is domain
        alone = cpwl.partition(network, domain, backend=backend)
        same(part, alone)
        np.testing.assert_array_equal(part.vertices, alone.vertices)
        assert cpwl.certify(part).regions == len(alone)


def test_options_are_those_of_partition(executor: Executor | None) -> None:
    network, options = mlp(2, [2, 32, 32, 1]), {"predicates": "float", "max_regions": 300}
    (part,) = cpwl.partition_many(network, [SQUARE], executor=executor, **options)  # type: ignore[arg-type]
    assert part.predicates == "float" and not part.complete
    same(part, cpwl.partition(network, SQUARE, **options))  # type: ignore[arg-type]


def test_few_are_taken_at_a_time(executor: Executor | None) -> None:
    taken = []

    def domains() -> Iterator[cpwl.Domain]:
        for k in itertools.count():
            taken.append(k)
            yield SQUARE

    found = cpwl.partition_many(NETWORKS[0], domains(), executor=executor)
    next(found)
    at_first = len(taken)
    assert at_first <= 4 * workers._count(Here())
    next(found)
    assert len(taken) == at_first + 1


def test_a_network_is_sent_once_and_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_jobs", {})
    executor, sizes = Here(), []
    truly = pickle.dumps
    monkeypatch.setattr(pickle, "dumps", lambda *what: sizes.append(len(content := truly(*what))) or content)
    wide = mlp(0, [400, 400, 2])
    slices = [cpwl.Domain.through(*np.random.default_rng(k).normal(size=(3, 400)) * 0.01) for k in range(4)]
    weights = 8 * 400 * 400
    assert len(list(cpwl.partition_many(wide, slices, executor=executor))) == 4
    assert executor.jobs == 1
    assert sum(size > weights for size in sizes) == 2  # the network by itself, and the one call that it goes with
    assert len(list(cpwl.partition_many([wide, NETWORKS[0], wide], [slices[0], SQUARE, slices[1]], executor=executor)))
    assert executor.jobs == 3


def test_a_job_goes_along_with_as_many_tasks_as_there_are_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker that has not got it would send back what it takes, again and again, while another works."""
    monkeypatch.setattr(workers, "_jobs", {})
    monkeypatch.setattr(Here, "_max_workers", 3)
    executor = Here()
    assert len(list(cpwl.partition_many(NETWORKS[0], [SQUARE] * 5, executor=executor))) == 5
    assert executor.jobs == 3


def test_a_periodic_network_comes_back_unrolled(executor: Executor | None) -> None:
    wave = Periodic(2.0, np.array([0.0, 1.0]), np.array([1.0, -1.0]))
    nodes = (Node(Input(), (), (2,)), Node(Dense(np.eye(2) * 3, np.zeros(2)), (0,), (2,)), Node(wave, (1,), (2,)))
    network = Network(nodes)
    (part,) = cpwl.partition_many(network, SQUARE, executor=executor)
    assert part.network is not network and part.network.nodes[1] is network.nodes[1]
    same(part, cpwl.partition(network, SQUARE))


# ---- errors --------------------------------------------------------------------------------------------------------
def test_an_error_says_which_one_failed_after_those_before_it(executor: Executor | None) -> None:
    wrong = cpwl.Domain.through(*np.eye(3))
    found = cpwl.partition_many(NETWORKS[0], [SQUARE, SQUARE, wrong, SQUARE], executor=executor)
    assert len([next(found), next(found)]) == 2
    with pytest.raises(ArgumentError, match=r"^partition 2: "):
        next(found)


def test_an_overflow_keeps_its_kind(executor: Executor | None) -> None:
    huge = Network.mlp([np.full((2, 2), 1e200), np.full((2, 2), 1e200)], [np.ones(2), np.ones(2)])
    with pytest.raises(NumericalRangeError, match=r"^partition 1: "):
        list(cpwl.partition_many([NETWORKS[0], huge], SQUARE, executor=executor))


@pytest.mark.parametrize(
    ("networks", "domains", "message"),
    [
        (3, SQUARE, "networks must be"),
        (NETWORKS[0], 3, "domains must be"),
        (NETWORKS[:2], SLICES[:1], "only 1 domains"),
        (NETWORKS[:1], SLICES[:2], "only 1 networks"),
        ([NETWORKS[0], 3], SQUARE, "each of networks must be a Network"),
    ],
)
def test_what_cannot_be_paired_is_refused(networks: Any, domains: Any, message: str, executor: Executor | None) -> None:
    with pytest.raises(ArgumentError, match=message):
        list(cpwl.partition_many(networks, domains, executor=executor))


# ---- pickling, sharing ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", backends.names())
def test_a_partition_is_pickled_without_what_it_has_worked_out(backend: str) -> None:
    part = cpwl.partition(NETWORKS[0], SQUARE, backend=backend)
    fresh = len(pickle.dumps(part))
    part.affine_maps(), part.ambiguous, part.regions, part.vertices, part.locate([[0.0, 0.0]])
    part.region(0), part.merged(), part.statistics()
    copy = pickle.loads(content := pickle.dumps(part))
    assert len(content) < fresh + 2000
    same(copy, part)
    for one, other in zip(copy.affine_maps(), part.affine_maps()):
        np.testing.assert_array_equal(one, other)


def test_norms_of_weights_are_known_to_all_slices_of_a_network() -> None:
    device = torch.device("cpu")
    arithmetics = {id(backends.get("torch", name).arithmetic) for name in (None, "cpu")}
    assert len(arithmetics) == 1 and backends.get("torch").arithmetic.device == device
