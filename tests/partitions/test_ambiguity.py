"""``predicates="float"`` lists all that it may have got wrong (benchmarks/ambiguity.py looks at thousands)."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from cpwl.backends.torch import TorchArrangement
from cpwl.network import Dense, Gather, Input, Max, Network, Node
from tests.support.ambiguity import any_case, unlisted
from tests.support.image_planes import plane, sets

BOX = cpwl.Domain.box([-1, -1], [1, 1])


@pytest.mark.parametrize("first", range(0, 80, 10))
def test_what_is_not_listed_is_right_and_nothing_is_missing_elsewhere(first: int) -> None:
    found = {}
    for seed in range(first, first + 10):
        chosen = any_case(seed)
        found[chosen.name] = unlisted(chosen.network, chosen.domain)
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize("seed", [*range(12), 61244])
def test_on_planes_through_images_nothing_false_is_unlisted_either(seed: int) -> None:
    """What had been uncertain before was joined in the last of these maxima: a cell came out that was not convex."""
    chosen = plane(seed, tuple(sets()))
    assert unlisted(chosen.network, chosen.domain) == [], chosen.name


def two_maxima() -> Network:
    """Two maxima of four functions, some of which are multiples of others up to rounding: three regions on the box."""
    weight = [[0.16162440993718208, 0.3992906516140154], [1.0, 0.0], [0.5248833234523268, 1.1628398927026986]]
    weight += [[-0.7476714930444696, -0.9874608097112103]] * 2
    weight += [[0.05754820288775049, 1.1204836375186664], [0.0, 1.0], [1.0, 0.0]]
    bias = [-0.36126973574418975, 1.0, -1.1628398927026986, -0.0, -0.0, -1.0629354346309159, -1.0, 1.0]
    nodes = (Node(Input(), (), (2,)), Node(Dense(np.array(weight), np.array(bias)), (0,), (8,)))
    index = np.array([[2, 7, 6, 4], [5, 3, 0, 1]])
    return Network((*nodes, Node(Gather(index), (1,), (2, 4)), Node(Max(), (2,), (2,))))


def test_pieces_beside_an_uncertain_one_are_listed_as_well() -> None:
    part = cpwl.partition(two_maxima(), BOX, predicates="float")
    assert len(cpwl.partition(two_maxima(), BOX, backend="exact")) == 3
    assert len(part) > 3 and unlisted(two_maxima(), BOX) == []


def test_doubt_that_stays_in_its_cell_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TorchArrangement, "doubting", lambda self, regions: self)
    assert unlisted(two_maxima(), BOX)


def test_where_all_is_certain_nothing_is_listed() -> None:
    generator = np.random.default_rng(0)
    weight, bias = generator.standard_normal((24, 2)), generator.standard_normal(24)
    nodes = (Node(Input(), (), (2,)), Node(Dense(weight, bias), (0,), (24,)))
    network = Network((*nodes, Node(Gather(np.arange(24).reshape(6, 4)), (1,), (6, 4)), Node(Max(), (2,), (6,))))
    part = cpwl.partition(network, BOX, predicates="float")
    assert not len(part.ambiguous) and len(part) == len(cpwl.partition(network, BOX, backend="exact"))
