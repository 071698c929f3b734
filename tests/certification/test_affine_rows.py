"""Rows of units that bend have few numbers that are not zero: what windows of zeros make is known, and nothing else."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl import checker
from cpwl.claims.entries import network_entry
from cpwl.network import Conv, Dense, Input, Network, Node
from tests.support.float_words import in_words

NONE, HALF = ((0, 0),), ((1, 2),)


def nodes() -> list[tuple[checker.Node, Node]]:
    """Linear operators as the checker and the library have them: strides, groups, dilation, padding, leading axes."""
    rng = np.random.default_rng(0)
    numbers = lambda *shape: rng.integers(-8, 9, shape) * 2.0 ** rng.integers(-40, 3, shape)  # noqa: E731
    convolutions = [
        ((3, 2, 9), Conv(numbers(4, 2, 3), numbers(4), (9,), (2,), HALF, (2,))),
        ((4, 6, 7), Conv(numbers(6, 2, 3, 2), numbers(6), (6, 7), (1, 2), HALF + NONE, (1, 1), groups=2)),
        ((2, 4, 5, 5), Conv(numbers(2, 2, 3, 3), np.zeros(2), (5, 5), (1, 1), ((1, 1), (1, 1)), (1, 1), groups=2)),
        ((2, 3, 4, 3), Conv(numbers(3, 2, 2, 1, 2), numbers(3), (3, 4, 3), (1, 1, 1), NONE * 3, (1, 2, 1))),
        ((5, 4, 4), Conv(numbers(3, 5, 1, 1), numbers(3), (4, 4), (3, 1), ((5, 5), (0, 0)), (1, 1))),
    ]  # fmt: skip
    made = [(shape, Node(op, (0,), (*_leading(shape, op), *op.output_spatial))) for shape, op in convolutions]
    made += [((3, 5), Node(Dense(numbers(4, 5), numbers(4)), (0,), (3, 4)))]
    return [(read(shape, node), node) for shape, node in made]


def _leading(shape: tuple[int, ...], op: Conv) -> tuple[int, ...]:
    axes = len(op.spatial)
    return (*shape[: -axes - 1], len(op.bias))


def read(shape: tuple[int, ...], node: Node) -> checker.Node:
    entry = network_entry(Network((Node(Input(), (), shape), node)))
    (network,) = in_words({"networks": [entry]})["networks"]
    return checker.operators(network["nodes"])[1]


NODES = nodes()


@pytest.fixture(params=[True, False], ids=["flint", "pure"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if not request.param:
        monkeypatch.setattr(checker.Matrix, "flint", None)
    monkeypatch.setattr(checker, "BATCH_READS", 40)
    return [(read(_source(op), op), op) for _, op in NODES]


def _source(node: Node) -> tuple[int, ...]:
    op = node.op
    if isinstance(op, Dense):
        return (3, 5)
    assert isinstance(op, Conv)
    channels = op.weight.shape[1] * op.groups
    return (*node.shape[: -len(op.spatial) - 1], channels, *op.spatial)


@pytest.mark.parametrize("kind", range(len(NODES)))
def test_rows_with_few_numbers_become_what_others_do(kind: int, arithmetic: Any) -> None:
    """A row without a constant is the same row with one less the bias: then all windows are multiplied."""
    node, op = arithmetic[kind]
    rng, size = np.random.default_rng(kind), prod(_source(op))
    for filled in (0, 1, 2, size // 3, size):
        rows = np.zeros((5, size), np.int64)
        for row in rows:
            row[rng.choice(size, filled, replace=False)] = rng.integers(-9, 10, filled)
        listed = rows.tolist()
        sparse, zeros = node.apply([(listed, [0] * 5)])
        whole, ones = node.apply([(listed, [1] * 5)])
        bias, (one,) = node.apply([([[0] * size], [1])])
        assert zeros == [0] * 5 and ones == [one] * 5
        assert [[int(x) + int(b) for x, b in zip(row, bias[0])] for row in sparse] == [list(map(int, x)) for x in whole]


@given(st.integers(0, len(NODES) - 1), st.integers(0, 2**32), st.sampled_from([3, 30]), st.booleans())
def test_errors_grow_by_no_less_than_the_magnitudes_of_the_weights(
    kind: int, seed: int, bits: int, dense: bool
) -> None:
    node, op = NODES[kind]
    rng, size = np.random.default_rng(seed), prod(_source(op))
    errors = (rng.integers(0, 9, size) * (dense or rng.random(size) < 0.1)).tolist()
    assert node.linear is not None and isinstance(op.op, Conv | Dense)
    before = checker.RADIUS_BITS
    try:
        checker.RADIUS_BITS = bits
        _, ((grown,), (own,)) = node.linear.with_errors([([[0] * size], [1])], [([errors], [1])])
    finally:
        checker.RADIUS_BITS = before
    sized = Node(type(op.op)(**{**vars(op.op), "weight": np.abs(op.op.weight), "bias": 0 * op.op.bias}), (0,), op.shape)
    (exact,), (scale,) = read(_source(op), sized).apply([([errors], [1])])
    heaviest = Fraction(float(np.abs(op.op.weight).max()))
    for x, y in zip(grown, exact, strict=True):
        assert Fraction(int(y), int(scale)) <= Fraction(int(x), int(own))
        assert Fraction(int(x), int(own)) <= Fraction(int(y), int(scale)) + heaviest * sum(errors) / 2 ** (bits - 1)
